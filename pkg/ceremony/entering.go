package ceremony

// A component is entered: its bag is opened, its custodian types it hidden, and it is held against everything known of
// it before the next one sits down. Nothing is combined here.

import (
	"bytes"
	"context"
	"slices"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/component"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// enterPart has the custodian type the component until it is right.
func (l *lead) enterPart(ctx context.Context, t *turn) error {
	k := l.keys[t.Key.ID]
	if err := l.openBag(ctx, t, k); err != nil {
		return err
	}
	for {
		p, why, err := l.typeOnce(ctx, t, k)
		if err == nil && why == nil {
			return l.entered(ctx, t, k, p)
		}
		if err != nil {
			return err
		}
		if err := l.voidPart(ctx, t, why); err != nil { // nothing that was typed is there any more
			return err
		}
		if idle(why) {
			if err := l.left(ctx, t); err != nil {
				return err
			}
		}
		if err := l.again(ctx, why); err != nil {
			return err
		}
	}
}

// voidPart writes that what was typed does not count. The screen is cleared first: nobody sees it after the custodian.
func (l *lead) voidPart(ctx context.Context, t *turn, why error) error {
	if err := l.Desk.Clear(ctx); err != nil {
		return err
	}
	if k := l.keys[t.Key.ID]; len(k.parts) == 0 {
		k.told, k.set = nil, "" // typed from the same sheet
	}
	e := transcript.Entry{Kind: transcript.KindVoid, Who: t.who.ID, Key: t.Key.ID, Part: t.Part.Number,
		Details: map[string]string{"why": public(why.Error())}}
	return l.tell(ctx, e, alarm(text.New("%s", why)), alarm(text.New("what was typed is void; nothing was combined")))
}

// entered takes a part that is right.
func (l *lead) entered(ctx context.Context, t *turn, k *keyState, p *component.Part) error {
	n := t.Part.Number
	if old := k.parts[n]; old != nil {
		old.Wipe()
	}
	k.parts[n], k.checks[n], k.by[n] = p, p.Check, t.who.ID
	if p.Set != "" {
		k.set = p.Set
	}
	if err := l.Desk.Clear(ctx); err != nil {
		return err
	}
	parity := keys.ParityNone
	if p.Algorithm.IsDES() {
		parity = keys.ParityOf(p.Value.Expose())
	}
	e := transcript.Entry{Kind: transcript.KindEntered, Who: t.who.ID, Key: k.ID, Part: n, Check: p.Check,
		Details: map[string]string{"algorithm": string(k.Algorithm)}}
	if parity != keys.ParityNone {
		e.Details["parity"] = string(parity)
	}
	lines := []Line{told(text.New("part %d of %s is entered, check value %s", n, k.ID, p.Check))}
	if parity != keys.ParityNone {
		lines = append(lines, told(text.New("parity of the part: %s", parity.Text())))
	}
	if err := l.tell(ctx, e, lines...); err != nil {
		return err
	}
	return l.hold(ctx, t, t.who, eventEntered, k.bags[n])
}

// typeOnce has a component typed and judges it. why is what is wrong with it; err ends the step.
func (l *lead) typeOnce(ctx context.Context, t *turn, k *keyState) (p *component.Part, why, err error) {
	practice, err := l.practice(ctx, t, k)
	if err != nil {
		return nil, nil, err
	}
	p, why, err = l.typed(ctx, t, k)
	if err != nil || why != nil {
		return nil, why, err
	}
	expect := l.expectedPart(t.Part)
	if practice != (kcv.Value{}) {
		expect = &kcv.Expected{Digits: practice.Digits}
	}
	why, err = l.judge(ctx, t, k, p, expect)
	if err != nil || why != nil {
		p.Wipe()
		return nil, why, err
	}
	return p, nil, nil
}

// practice shows the sheet of a part that a partner would have sent, in rehearsals only.
func (l *lead) practice(ctx context.Context, t *turn, k *keyState) (kcv.Value, error) {
	if !l.isRehearsal() {
		return kcv.Value{}, nil
	}
	sheet, ok, err := l.Tools.Practice(ctx, t.Key, t.Part.Number)
	if err != nil || !ok {
		return kcv.Value{}, err
	}
	defer sheet.Wipe()
	var paper bytes.Buffer
	if err := sheet.WriteSheet(&paper); err != nil {
		return kcv.Value{}, err
	}
	lines := []Line{l.heading(text.New("a sheet for practice: nobody uses this key"))}
	for _, line := range bytes.Split(bytes.TrimSpace(paper.Bytes()), []byte("\n")) {
		lines = append(lines, toDo(l.mark(text.Raw(string(line)))))
	}
	if k.told == nil {
		k.told = &kcv.Expected{Digits: sheet.KeyCheck.Digits}
	}
	return sheet.Check, l.Desk.Say(ctx, lines...)
}

// typed has the component typed, from a sheet with checks or without.
func (l *lead) typed(ctx context.Context, t *turn, k *keyState) (p *component.Part, why, err error) {
	set, err := l.ask(ctx, text.New(`%s: the set on the sheet of part %d of %s, or "-" when it has none`, t.who.ID,
		t.Part.Number, k.ID))
	switch {
	case err != nil:
		return nil, nil, err
	case set == wordNone && k.Scheme == string(component.Shamir):
		return nil, fault.New(fault.PartRefused, "a share without its sheet cannot be entered"), nil
	case set == wordNone:
		return l.typedBare(ctx, t, k)
	case k.set != "" && !has(set, k.set) && len(k.parts) > 0:
		return nil, fault.New(fault.PartForeign,
			"the sheet is of set %s, the parts before are of set %s: it is a sheet of another key",
			text.Redact(set), k.set), nil
	}
	return l.typedSheet(ctx, t, k, set)
}

// judge holds a part against everything known: its check value, the other parts, the other keys.
func (l *lead) judge(ctx context.Context, t *turn, k *keyState, p *component.Part, expect *kcv.Expected) (why,
	err error) {
	if err := p.Refuse(component.Options{}); err != nil {
		return err, nil
	}
	if err := l.twin(t, p); err != nil {
		return err, nil
	}
	if expect == nil && p.Set == "" {
		q := text.New(`%s: check value of the part as it stands on the sheet, or "-" when there is none`, t.who.ID)
		if expect, err = l.askCheck(ctx, t, q); err != nil {
			return nil, err
		}
	}
	if expect == nil && p.Set != "" {
		expect = &kcv.Expected{Digits: p.Check.Digits} // typed from the sheet before the rows, and held against them
	}
	if expect != nil {
		if err := hsm.CheckPart(t.Part.Number, p, *expect); err != nil {
			e := transcript.Entry{Kind: transcript.KindChecked, Who: t.who.ID, Key: k.ID, Part: t.Part.Number, Check: p.Check,
				Expected: method(k.Key,
					*expect), Verdict: transcript.Differs, Details: map[string]string{"algorithm": string(k.Algorithm)}}
			if agrees(p.Check, *expect) { // longer than what is shown
				e.Check = kcv.Value{}
			}
			return l.misplaced(t, p, discreet(k.Key, expect, err)), l.write(e)
		}
	}
	e, line := compared(k.Key, t.Part.Number, p.Check, expect, allDigits)
	e.Who = t.who.ID
	if err := l.tell(ctx, e, line); err != nil || expect != nil {
		return nil, err
	}
	q := text.New(`%s: nothing compares this part; when its check value is written on the sheet, type "seen"`, t.who.ID)
	return nil, l.confirm(ctx, q, wordSeen)
}

// twin finds the same value in another part, of this key or another.
func (l *lead) twin(t *turn, p *component.Part) error {
	for i := range l.s.Keys {
		k := l.keys[l.s.Keys[i].ID]
		for _, n := range partNumbers(k.parts) {
			if k.ID == t.Key.ID && n == t.Part.Number || !sameValue(p, k.parts[n]) {
				continue
			}
			if k.ID == t.Key.ID {
				return fault.New(fault.PartRefused, "it is the value of part %d, which was entered already: "+
					"the same part twice, or the sheets are swapped", n)
			}
			return fault.New(fault.PartForeign, "it is the value of part %d of key %s, which was entered already", n, k.ID)
		}
	}
	return nil
}

func partNumbers(parts map[int]*component.Part) []int {
	var all []int
	for n := range parts {
		all = append(all, n)
	}
	slices.Sort(all)
	return all
}

// sameValue compares without the parity bits, which DES does not see.
func sameValue(a, b *component.Part) bool {
	if a.Value.Len() != b.Value.Len() {
		return false
	}
	x, y := a.Value.Clone(), b.Value.Clone()
	defer x.Wipe()
	defer y.Wipe()
	if a.Algorithm.IsDES() {
		keys.FixParity(x.Expose())
		keys.FixParity(y.Expose())
	}
	return x.Equal(y)
}

// misplaced says of a part with a wrong check value where it belongs, when that can be told.
func (l *lead) misplaced(t *turn, p *component.Part, err error) error {
	for i := range l.s.Keys {
		k := &l.s.Keys[i]
		for j := range k.Parts {
			other := &k.Parts[j]
			if other == t.Part || !l.hasCheck(k, other, p.Check) {
				continue
			}
			if k.ID == t.Key.ID {
				return fault.Wrap(err, "it is part %d: the sheets are swapped", other.Number)
			}
			return fault.Wrap(err, "it is part %d of key %s", other.Number, k.ID)
		}
	}
	return err
}

func (l *lead) hasCheck(k *script.Key, p *script.Part, v kcv.Value) bool {
	if e := l.expectedPart(p); e != nil {
		return agrees(v, *e)
	}
	c, ok := l.keys[k.ID].checks[p.Number]
	return ok && c.Method == v.Method && agrees(v, kcv.Expected{Digits: c.Digits})
}

// rowsOf is in how many rows people type a component without a sheet, eight bytes in each.
func rowsOf(n int) int { return (n + rowBytes - 1) / rowBytes }

const rowBytes = 8

// length is that of a part in bytes.
func length(k *script.Key) int {
	if n := k.Algorithm.KeyLen(); n != 0 {
		return n
	}
	return k.Algorithm.DefaultLen()
}

// row asks for one row, until it can be taken. What is typed is wiped after take has seen it.
func (l *lead) row(ctx context.Context, t *turn, q text.Text, place string, take func([]byte) error) (why, err error) {
	for {
		typed, err := l.hidden(ctx, q)
		if idle(err) {
			return fault.New(fault.DeviceTimeout, "nobody typed for a while"), nil
		}
		if err != nil {
			return nil, err
		}
		slip := take(typed.Expose())
		typed.Wipe()
		if slip == nil {
			return nil, nil
		}
		if err := l.wrong(ctx, t, place, text.New("%s: %s; type it again", place, slip)); err != nil {
			return nil, err
		}
	}
}

// left is that nobody typed for a while: the custodian logs in anew.
func (l *lead) left(ctx context.Context, t *turn) error {
	t.wipe()
	if err := l.change(ctx, t.who, l.seatName(t.Actor)); err != nil {
		return err
	}
	return l.logIn(ctx, t)
}

// hexRow reads a row without a check.
func hexRow(typed []byte, size int) (*secret.Bytes, error) {
	row, err := keys.ParseHex(typed)
	if err != nil {
		return nil, err
	}
	if row.Len() != size {
		defer row.Wipe()
		return nil, fault.New(fault.MalformedLength, "it has %d digits, want %d", 2*row.Len(), 2*size)
	}
	return row, nil
}
