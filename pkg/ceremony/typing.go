package ceremony

// Typing of a component: with the row checks of its sheet, or twice without seeing the first.

import (
	"context"
	"crypto/subtle"
	"strconv"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/text"
	"poskey/pkg/component"
	"poskey/pkg/kcv"
)

// typedSheet has a sheet of poskey typed. Its head is asked for as far as the rows cannot be checked without it.
func (l *lead) typedSheet(ctx context.Context, t *turn, k *keyState, set string) (p *component.Part, why, err error) {
	about, why, err := l.sheetHead(ctx, t, k, set)
	if err != nil || why != nil {
		return nil, why, err
	}
	sheet, why := component.NewTyping(about, length(t.Key))
	if why != nil {
		return nil, why, nil
	}
	defer sheet.Wipe()
	for sheet.Typed() < sheet.Rows() {
		n := sheet.Typed() + 1
		q := text.New("row %d of %d with its check (hidden)", n, sheet.Rows())
		if why, err = l.row(ctx, t, q, "row "+strconv.Itoa(n), sheet.Row); err != nil || why != nil {
			return nil, why, err
		}
	}
	p, why = sheet.Part()
	return p, why, nil
}

// sheetHead asks for what stands above the rows and is not known.
func (l *lead) sheetHead(ctx context.Context, t *turn, k *keyState, set string) (about component.Part, why, err error) {
	number, err := l.ask(ctx, text.New("%s: the number of the part on the sheet", t.who.ID))
	if err != nil {
		return about, nil, err
	}
	if n, err := strconv.Atoi(number); err != nil || n != t.Part.Number {
		return about, fault.New(fault.PartForeign,
			"the sheet is that of part %s, part %d is to be entered: the sheets are swapped",
			text.Redact(number), t.Part.Number), nil
	}
	check, why, err := l.headCheck(ctx, t, text.New("%s: the part check on the sheet", t.who.ID))
	if err != nil || why != nil {
		return about, why, err
	}
	if k.told == nil && l.expected(k) == nil {
		key, why, err := l.headCheck(ctx, t, text.New("%s: the key check on the sheet", t.who.ID))
		if err != nil || why != nil {
			return about, why, err
		}
		k.told = key
	}
	return component.Part{Set: strings.ToUpper(set), Index: t.Part.Number, Of: len(k.Parts), Threshold: k.needed(),
		Scheme:    component.Scheme(k.Scheme),
		Algorithm: k.Algorithm, Check: method(k.Key, *check), KeyCheck: method(k.Key, *l.expected(k))}, nil, nil
}

func (l *lead) headCheck(ctx context.Context, t *turn, q text.Text) (e *kcv.Expected, why, err error) {
	e, err = l.askCheck(ctx, t, q)
	if err == nil && e == nil {
		why = fault.New(fault.MalformedSheet, `a sheet of a set has check values; type "-" for the set when it has none`)
	}
	return e, why, err
}

// typedBare has a component without row checks typed twice; the second time each row is compared at once.
func (l *lead) typedBare(ctx context.Context, t *turn, k *keyState) (p *component.Part, why, err error) {
	size := length(t.Key)
	value := secret.New(size)
	for pass := 1; pass <= 2; pass++ {
		for i := range rowsOf(size) {
			if why, err = l.bareRow(ctx, t, value.Expose(), pass, i); err != nil || why != nil {
				value.Wipe()
				return nil, why, err
			}
		}
	}
	p, why = component.Bare(k.Algorithm, value)
	return p, why, nil
}

// bareRow takes a row, the first time as it is, the second time only as it was.
func (l *lead) bareRow(ctx context.Context, t *turn, value []byte, pass, i int) (why, err error) {
	rows := rowsOf(len(value))
	to := value[i*rowBytes : min((i+1)*rowBytes, len(value))]
	place := "row " + strconv.Itoa(i+1)
	q := text.New("row %d of %d, %d digits (hidden)", i+1, rows, 2*len(to))
	if pass == 2 {
		q = text.New("once more, row %d of %d, %d digits (hidden)", i+1, rows, 2*len(to))
	}
	differ := 0
	why, err = l.row(ctx, t, q, place, func(typed []byte) error {
		row, err := hexRow(typed, len(to))
		if err != nil {
			return err
		}
		defer row.Wipe()
		if pass == 1 {
			copy(to, row.Expose())
			return nil
		}
		if at := firstDifference(to, row.Expose()); at > 0 {
			differ = at
		}
		return nil
	})
	if err != nil || why != nil || differ == 0 {
		return why, err
	}
	return fault.New(fault.ChecksumMismatch, "%s: the two entries differ at digit %d", place, differ), nil
}

// firstDifference is the first hex digit, from 1, in which two rows differ; 0 when they are equal.
func firstDifference(a, b []byte) int {
	if subtle.ConstantTimeCompare(a, b) == 1 {
		return 0
	}
	for i := range a {
		switch d := a[i] ^ b[i]; {
		case d&0xF0 != 0:
			return 2*i + 1
		case d != 0:
			return 2*i + 2
		}
	}
	return 2*len(a) + 1 // of other lengths, which hexRow excludes
}
