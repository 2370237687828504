package ceremony

// Sheets: a key that was drawn is cut once, and each part is printed for its custodian alone.

import (
	"context"
	"errors"
	"io"
	"math/big"
	"slices"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/component"
	"poskey/pkg/kcv"
)

// printPart prints the sheet of one part and has its custodian prove that it can be read.
func (l *lead) printPart(ctx context.Context, t *turn) error {
	k := l.keys[t.Key.ID]
	if l.Sheet == nil {
		return fault.New(fault.Bug, "nobody knows how to write a sheet")
	}
	part, err := l.cutOnce(ctx, t, k)
	if err != nil {
		return err
	}
	n := t.Part.Number
	for {
		if err := l.confirm(ctx, text.New(`%s: you alone stand at the printer; type "print"`, t.who.ID),
			"print"); err != nil {
			return err
		}
		if err := l.printOnce(ctx, t, k, part); err != nil {
			return err
		}
		legible, err := l.proven(ctx, t, part)
		if err != nil {
			return err
		}
		if legible {
			break
		}
		why := fault.New(fault.ChecksumMismatch, "part %d: what was read from the sheet is not what is on it", n)
		again, err := l.choose(ctx, why, wordGoOn)
		if err != nil {
			return err
		}
		if !again {
			break
		}
		if err := l.misprint(ctx, t); err != nil {
			return err
		}
	}
	part.Wipe()
	delete(k.cut, n)
	return l.Desk.Clear(ctx)
}

// cutOnce gives a part of the key, which is cut where it was not when it was drawn. All parts are of one set.
func (l *lead) cutOnce(ctx context.Context, t *turn, k *keyState) (*component.Part, error) {
	if p := k.cut[t.Part.Number]; p != nil {
		return p, nil
	}
	if k.printed[t.Part.Number] {
		return nil, fault.New(fault.Bug, "part %d was printed and is gone", t.Part.Number)
	}
	if _, err := l.atHand(ctx, t); err != nil {
		return nil, err
	}
	if err := l.cutKey(ctx, t, k); err != nil {
		return nil, err
	}
	if p := k.cut[t.Part.Number]; p != nil {
		return p, nil
	}
	return nil, fault.New(fault.PartMissing, "the key was cut into %d parts, there is no part %d", len(k.cut),
		t.Part.Number)
}

// cutKey cuts a key.
func (l *lead) cutKey(ctx context.Context, t *turn, k *keyState) error {
	var parts []*component.Part
	if err := l.try(ctx, t, func() (err error) {
		parts, err = l.Tools.Split(ctx, t.Key)
		return err
	}); err != nil {
		return err
	}
	for _, p := range parts {
		k.cut[p.Index], k.set = p, p.Set
	}
	return nil
}

// prints reports whether the program prints sheets of a key.
func (l *lead) prints(k *keyState) bool {
	return slices.ContainsFunc(l.Program.Steps, func(p script.Planned) bool {
		return p.Step.Do == script.PrintPart && p.Key != nil && p.Key.ID == k.ID
	})
}

// printOnce sends the sheet to the printer. It counts as held from the moment before.
func (l *lead) printOnce(ctx context.Context, t *turn, k *keyState, p *component.Part) error {
	for {
		err := l.printTry(ctx, t, k, p)
		if err == nil {
			break
		}
		var failed *halfPrinted
		if ctx.Err() != nil || !errors.As(err, &failed) {
			return err
		}
		if err := l.failed(ctx, t, failed.err); err != nil {
			return err
		}
		if err := l.again(ctx, failed.err); err != nil {
			return err
		}
		if err := l.misprint(ctx, t); err != nil { // there may be half a sheet
			return err
		}
	}
	return l.Desk.Say(ctx, told(text.New("the sheet of part %d of %s is printed, set %s", t.Part.Number, k.ID, p.Set)))
}

// halfPrinted is what the printer said. Something may stand on the paper.
type halfPrinted struct{ err error }

func (h *halfPrinted) Error() string { return h.err.Error() }
func (h *halfPrinted) Unwrap() error { return h.err }

func (l *lead) printTry(ctx context.Context, t *turn, k *keyState, p *component.Part) error {
	n := t.Part.Number
	e := transcript.Entry{Kind: transcript.KindPrinted, Who: t.who.ID, Key: k.ID, Part: n, Check: p.Check,
		Details: map[string]string{"algorithm": string(k.Algorithm), "set": p.Set}}
	if err := l.write(e); err != nil {
		return err
	}
	k.by[n], k.checks[n], k.printed[n] = t.who.ID, p.Check, true
	if err := l.hold(ctx, t, t.who, eventPrinted, ""); err != nil {
		return err
	}
	about := l.sheetAbout(t, k)
	if err := l.Tools.Print(ctx, func(w io.Writer) error { return l.Sheet(w, p, about) }); err != nil {
		return &halfPrinted{err}
	}
	return nil
}

func (l *lead) sheetAbout(t *turn, k *keyState) SheetAbout {
	return SheetAbout{Test: l.isTest(), Rehearsal: l.isRehearsal(), Organisation: l.s.Organisation, Place: l.s.Place,
		Ceremony:    l.id,
		Fingerprint: l.s.Fingerprint().Words(), Script: l.s.Fingerprint().String(), KeyID: k.ID, Label: k.label(),
		Purpose: string(k.Usage), Custodian: onPaper(t.who), Backup: onPaper(l.person(t.Part.Custodian.Backup)),
		Witness: onPaper(l.sitter(t.Seconder)), Bag: t.Part.Bag, Outer: t.Part.Outer, Channel: t.Part.Channel,
		SerialBy: t.Part.SerialBy, Time: l.Clock()}
}

// onPaper is a person by name and id: a line printer has no letters for many names.
func onPaper(p script.Person) string {
	if p.ID == "" {
		return ""
	}
	return p.Name + " (" + p.ID + ")"
}

// proven has the part check and one row check typed from the paper, without their being shown.
func (l *lead) proven(ctx context.Context, t *turn, p *component.Part) (bool, error) {
	row, err := l.anyOf(p.Rows())
	if err != nil {
		return false, err
	}
	check, err := l.blind(ctx, text.New("%s: from the paper, the part check (hidden)", t.who.ID))
	if err != nil {
		return false, err
	}
	rowCheck, err := l.hiddenRowCheck(ctx, t, p, row)
	if err != nil {
		return false, err
	}
	e := transcript.Entry{Kind: transcript.KindChecked, Who: t.who.ID, Key: t.Key.ID, Part: t.Part.Number, Check: p.Check,
		Verdict: transcript.Differs, Details: map[string]string{"what": itemLegible, "row": itoa(row),
			"algorithm": string(t.Key.Algorithm)}}
	x, err := parseCheck(check)
	right := err == nil && agrees(p.Check, x)
	if right {
		e.Expected = method(t.Key, x)
	}
	if right && rowCheck {
		e.Verdict = transcript.Match
		return true, l.tell(ctx, e, told(text.New("the sheet can be read")))
	}
	e.Check, e.Expected = kcv.Value{}, kcv.Value{}
	return false, l.tell(ctx, e, alarm(text.New("what was read from the sheet is not what is on it")))
}

// hiddenRowCheck has a row's check typed, which is as secret as the part.
func (l *lead) hiddenRowCheck(ctx context.Context, t *turn, p *component.Part, row int) (bool, error) {
	for {
		typed, err := l.hidden(ctx, text.New("%s: from the paper, the check of row %d (hidden)", t.who.ID, row))
		if idle(err) {
			if err := l.awaited(ctx); err != nil {
				return false, err
			}
			continue
		}
		if err != nil {
			return false, err
		}
		ok, err := p.HasRowCheck(row, typed.Expose())
		typed.Wipe()
		return ok && err == nil, nil
	}
}

// anyOf draws a number from 1 to n.
func (l *lead) anyOf(n int) (int, error) {
	var b [8]byte
	if _, err := io.ReadFull(l.Env.Rand, b[:]); err != nil {
		return 0, fault.WrapAs(fault.Failure, err, "draw a row")
	}
	i := new(big.Int).Mod(new(big.Int).SetBytes(b[:]), big.NewInt(int64(n)))
	return int(i.Int64()) + 1, nil
}

// misprinted is how a sheet was destroyed that is none.
const misprinted = "misprint"

// misprint has a sheet destroyed that cannot be read, before another one is printed.
func (l *lead) misprint(ctx context.Context, t *turn) error {
	if err := l.confirm(ctx,
		text.New(`%s: destroy what is on the paper of it before everybody's eyes, then type "destroyed"`,
			t.who.ID), "destroyed"); err != nil {
		return err
	}
	e := transcript.Entry{Kind: transcript.KindDestroyed, Who: t.who.ID, Key: t.Key.ID, Part: t.Part.Number,
		Details: map[string]string{"how": misprinted}}
	if err := l.write(e); err != nil {
		return err
	}
	return l.hold(ctx, t, t.who, eventDestroyed, "")
}
