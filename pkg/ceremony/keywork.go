package ceremony

// Steps with a whole key, until it is known to be the right one: drawn, formed, looked up, compared.

import (
	"context"
	"slices"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/component"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
)

// makeKey draws a key inside the boundary.
func (l *lead) makeKey(ctx context.Context, t *turn) error {
	k := l.keys[t.Key.ID]
	k.reset()
	var made Made
	if err := l.try(ctx, t, func() (err error) {
		made, err = l.Tools.Generate(ctx, t.Key)
		return err
	}); err != nil {
		return err
	}
	k.made, k.there = made, true
	if err := l.tellMade(ctx, t, k, "drawn"); err != nil || !l.prints(k) {
		return err
	}
	return l.cutKey(ctx, t, k) // who approves it is asked now, and not when a custodian is alone with the printer
}

func (l *lead) tellMade(ctx context.Context, t *turn, k *keyState, how string) error {
	e := transcript.Entry{Kind: transcript.KindMade, Who: t.who.ID, Key: k.ID, Check: k.made.Check,
		Details: map[string]string{"how": how, "algorithm": string(k.Algorithm)}}
	if k.made.Label != "" {
		e.Details["label"] = k.made.Label
	}
	return l.tell(ctx, e, told(text.New("key %s is there, check value %s", k.ID, k.made.Check)))
}

// try does what a tool does until it is done. What fails is written down and shown, and done again or given up.
func (l *lead) try(ctx context.Context, t *turn, do func() error) error {
	for {
		err := do()
		if err == nil || ctx.Err() != nil {
			return err
		}
		if err := l.failed(ctx, t, err); err != nil {
			return err
		}
		if err := l.again(ctx, err); err != nil {
			return err
		}
	}
}

// tryOr is try for what can be left out after a deviation; ok tells whether it was done.
func (l *lead) tryOr(ctx context.Context, t *turn, do func() error) (ok bool, err error) {
	for {
		err := do()
		if err == nil || ctx.Err() != nil {
			return err == nil, err
		}
		if err := l.failed(ctx, t, err); err != nil {
			return false, err
		}
		again, err := l.choose(ctx, err, wordSkip)
		if err != nil || !again {
			return false, err
		}
	}
}

func (l *lead) failed(ctx context.Context, t *turn, err error) error {
	return l.wrong(ctx, t, "failed", text.New("that failed: %s", err))
}

// have has a key at hand: one of the store is looked up when it is first needed.
func (l *lead) have(ctx context.Context, t *turn) (*keyState, error) {
	k := l.keys[t.Key.ID]
	if k.there {
		return k, nil
	}
	if k.Source != script.Stored && k.kept == "" {
		return nil, fault.New(fault.Bug, "step %d: the key %s is not there", t.Number, k.ID)
	}
	made, err := l.find(ctx, t, k)
	if err != nil {
		return nil, err
	}
	before, verdict := k.made.Check, k.verdict
	k.made, k.there, k.found = made, true, made.Label
	expect, own := l.expected(k), k.kept != "" && before.Digits != ""
	if own {
		expect = &kcv.Expected{Digits: before.Digits}
	}
	if l.isRehearsal() {
		expect = nil // after a break another key stands for it
	}
	err = l.compareMade(ctx, t, k, expect)
	if own && k.verdict == transcript.Match {
		k.verdict = verdict // it is the key of before, of which nobody outside has said anything by this
	}
	return k, err
}

// find looks a key up as it was found, or kept, before: of a label there may be more versions.
func (l *lead) find(ctx context.Context, t *turn, k *keyState) (made Made, err error) {
	wanted := *t.Key
	switch {
	case k.kept != "":
		wanted.Label = k.kept
	case k.found != "":
		wanted.Label = k.found
	}
	err = l.try(ctx, t, func() (err error) {
		made, err = l.Tools.Find(ctx, &wanted)
		if err == nil && made.Gone && t.Step.Do != script.DestroyKey {
			err = fault.New(fault.NotFound, "key %s was destroyed", made.Label)
		}
		return err
	})
	return made, err
}

// proveKept looks up every key that the record says is kept: an older store may have been put back since. It goes on only
// with the keys that the record speaks of.
func (l *lead) proveKept(ctx context.Context, t *turn) error {
	if l.isRehearsal() {
		return nil
	}
	for i := range l.s.Keys {
		k := l.keys[l.s.Keys[i].ID]
		if born, _ := l.stepsOf(k, script.InitStore); k.kept == "" || k.gone || len(born) > 0 {
			continue
		}
		if err := l.try(ctx, t, func() error { return l.proveOne(ctx, k) }); err != nil {
			return err
		}
	}
	return nil
}

func (l *lead) proveOne(ctx context.Context, k *keyState) error {
	wanted := *k.Key
	wanted.Label = k.kept
	made, err := l.Tools.Find(ctx, &wanted)
	switch {
	case err != nil:
		return fault.Wrap(err, "by the record key %s is kept as %s", k.ID, k.kept)
	case made.Gone:
		return fault.New(fault.NotFound, "by the record key %s is kept, and %s was destroyed", k.ID, k.kept)
	case made.Idle:
		return fault.New(fault.NotFound, "by the record key %s is kept, and %s is not active: an older store may have been put back",
			k.ID, k.kept)
	}
	return l.same(k, made.Check)
}

// contradicted reports whether the script knows another check value of a key than it has. Nothing that is typed mends
// that.
func (l *lead) contradicted(k *keyState) bool {
	return k.denied || k.Check != nil && !l.isRehearsal() && k.made.Check.Digits != "" && !agrees(k.made.Check, *k.Check)
}

// compareMade compares a key with what was told of it, and writes down what came of it. It goes on when they differ: with
// such a key nothing is done before it is settled.
func (l *lead) compareMade(ctx context.Context, t *turn, k *keyState, expect *kcv.Expected) error {
	e, line, err := l.comparison(ctx, t, k, expect)
	if err != nil {
		return err
	}
	if e.Verdict == transcript.Differs && expect == k.Check {
		k.denied = true
	}
	e.Who = t.who.ID
	if k.found != "" { // it is found under the same name after a break
		e.Details["label"] = k.found
	}
	if err := l.tell(ctx, e, line); err != nil {
		return err
	}
	switch {
	case l.contradicted(k):
		k.verdict = transcript.Differs
	case e.Verdict != transcript.Compared:
		k.verdict = e.Verdict
	}
	return nil
}

// comparing are tools that compare more digits of what was told than may be seen of a key, and say how many.
type comparing interface {
	Compare(ctx context.Context, k *script.Key, e kcv.Expected) (kcv.Comparison, error)
}

// comparison compares as many digits as were told, where the tools can.
func (l *lead) comparison(ctx context.Context, t *turn, k *keyState, expect *kcv.Expected) (transcript.Entry, Line,
	error) {
	e, line := compared(k.Key, 0, k.made.Check, expect, 0)
	n := len(k.made.Check.Digits)
	tools, can := l.Tools.(comparing)
	if !can || k.made.Gone || e.Verdict != transcript.Match || len(expect.Digits) <= n {
		return e, line, nil
	}
	var c kcv.Comparison
	if err := l.try(ctx, t, func() (err error) {
		c, err = tools.Compare(ctx, t.Key, *expect)
		return err
	}); err != nil {
		return e, line, err
	}
	e, line = compared(k.Key, 0, k.made.Check, expect, c.Digits)
	if !c.Match {
		e.Verdict, e.Details["what"] = transcript.Differs, "the digits behind the first "+itoa(n)
		line = alarm(text.New("check value %s: NOT as expected; of what was told the digits behind the first %d are others",
			k.made.Check, n))
	}
	return e, line, nil
}

// formKey combines the components. It stops with everything known before, and the key is compared before it is taken.
func (l *lead) formKey(ctx context.Context, t *turn) error {
	k := l.keys[t.Key.ID]
	if len(k.parts) < k.needed() {
		return l.enterAgain(ctx, t, fault.New(fault.PartMissing, "key %s: %d of %d parts were entered", k.ID, len(k.parts),
			k.needed()))
	}
	if l.expected(k) == nil {
		e, err := l.askCheck(ctx, t,
			text.New(`%s: check value of the key as the other side told it, or "-" when there is none`,
				t.who.ID))
		if err != nil {
			return err
		}
		k.told = e
	}
	expect := l.expected(k)
	if err := l.stop(ctx, t, expectedLine(k.Key, expect)); err != nil {
		return err
	}
	f := l.forming(k, expect)
	made, err := l.Tools.Form(ctx, t.Key, f)
	component.WipeAll(f.Parts)
	if err == nil && expect != nil && !agrees(made.Check, *expect) {
		err = fault.New(fault.KCVMismatch, "the parts combine to a key with check value %s, expected %s", made.Check,
			shown(k.Key, *expect))
	}
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		return l.enterAgain(ctx, t, discreet(k.Key, expect, err))
	}
	k.made, k.there = made, true
	if err := l.tellMade(ctx, t, k, "formed"); err != nil {
		return err
	}
	if err := l.heldAnew(ctx, t, k); err != nil {
		return err
	}
	return l.compareMade(ctx, t, k, expect)
}

func expectedLine(k *script.Key, e *kcv.Expected) Line {
	if e == nil {
		return alarm(text.New("no check value of the key is known: a wrong key would not be seen"))
	}
	return told(text.New("check value of the key must be: %s", shown(k, *e)))
}

// forming hands the parts over; they are the tools' then.
func (l *lead) forming(k *keyState, expect *kcv.Expected) hsm.Forming {
	f := hsm.Forming{Expected: expect, Attributes: hsm.Attributes{Algorithm: k.Algorithm, Usage: k.Usage, Mode: k.Mode,
		Exportability: k.Exportability}}
	var checks []kcv.Expected
	for i := range k.Parts {
		p, ok := k.parts[k.Parts[i].Number]
		if !ok {
			continue
		}
		f.Parts = append(f.Parts, p)
		if e := l.expectedPart(&k.Parts[i]); e != nil {
			checks = append(checks, *e)
		}
		delete(k.parts, k.Parts[i].Number)
	}
	if len(checks) == len(f.Parts) {
		f.PartExpected = checks
	}
	return f
}

// enterAgain voids the parts of a key that did not come out, and goes back to where they are entered.
func (l *lead) enterAgain(ctx context.Context, t *turn, why error) error {
	k := l.keys[t.Key.ID]
	e := transcript.Entry{Kind: transcript.KindChecked, Who: t.who.ID, Key: k.ID, Verdict: transcript.Differs,
		Details: map[string]string{"what": public(why.Error())}}
	if x := l.expected(k); x != nil {
		e.Expected = method(k.Key, *x)
	}
	void := alarm(text.New("no key was kept; all parts of %s are void and are entered again", k.ID))
	if err := l.tell(ctx, e, alarm(text.New("%s", why)), void); err != nil {
		return err
	}
	steps := []int{t.Number}
	for _, s := range l.Program.Steps {
		if s.Step.Do != script.EnterPart || s.Key == nil || s.Key.ID != k.ID || !l.done[s.Number] {
			continue
		}
		steps = append(steps, s.Number)
		void := transcript.Entry{Kind: transcript.KindVoid, Key: k.ID, Part: s.Part.Number,
			Details: map[string]string{"why": "the key did not come out", detailStep: itoa(s.Number)}}
		if err := l.write(void); err != nil {
			return err
		}
	}
	if err := l.again(ctx, why); err != nil {
		return err
	}
	k.wipe()
	clear(k.checks)
	clear(k.by)
	k.there, k.made, k.verdict, k.told, k.set, k.denied = false, Made{}, "", nil, "", false
	slices.Sort(steps)
	return &backTo{steps}
}

// askCheck asks for a check value until it is one; nil when there is none.
func (l *lead) askCheck(ctx context.Context, t *turn, q text.Text) (*kcv.Expected, error) {
	for {
		answer, err := l.ask(ctx, q)
		if err != nil {
			return nil, err
		}
		if answer == wordNone {
			return nil, nil
		}
		e, err := parseCheck(answer)
		if err == nil {
			return &e, nil
		}
		if err := l.wrong(ctx, t, "check value", text.New("that is no check value: %s", err)); err != nil {
			return nil, err
		}
	}
}

// compareKey has the other side's check value typed, before ours is shown again.
func (l *lead) compareKey(ctx context.Context, t *turn) error {
	k, err := l.have(ctx, t)
	if err != nil {
		return err
	}
	for {
		if l.isRehearsal() {
			if err := l.Desk.Say(ctx, toDo(text.New("TEST REHEARSAL: the other side would say %s", k.made.Check))); err != nil {
				return err
			}
		}
		e, err := l.askCheck(ctx, t, text.New("%s: check value of %s as the other side tells it", t.who.ID, k.ID))
		if err != nil {
			return err
		}
		if e == nil {
			continue
		}
		if err := l.compareMade(ctx, t, k, e); err != nil || k.verdict == transcript.Match {
			return err
		}
		why := fault.New(fault.KCVMismatch, "key %s: check value is %s, the other side says %s", k.ID, k.made.Check,
			shown(k.Key, *e))
		if l.contradicted(k) && agrees(k.made.Check, *e) {
			why = fault.New(fault.KCVMismatch, "key %s: check value is %s, the script says %s", k.ID, k.made.Check, shown(k.Key,
				*k.Check))
			if err := l.wrong(ctx, t, "check value", text.New("%s", why)); err != nil {
				return err
			}
		}
		again, err := l.choose(ctx, why, wordGoOn)
		if err != nil || !again {
			return err
		}
	}
}

// settled sees to it that a key which differs from what was told of it goes nowhere.
func (l *lead) settled(ctx context.Context, t *turn, k *keyState) error {
	for k.verdict == transcript.Differs || l.contradicted(k) {
		why := fault.New(fault.KCVMismatch, "the check value of %s differs from what was told of it: it is not used", k.ID)
		if err := l.wrong(ctx, t, "check value", text.New("%s", why)); err != nil {
			return err
		}
		if err := l.again(ctx, why); err != nil {
			return err
		}
		if err := l.compareKey(ctx, t); err != nil {
			return err
		}
	}
	return nil
}
