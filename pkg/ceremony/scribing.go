package ceremony

// Steps whose secret work is done elsewhere: on an HSM, or by the officers of a new store.

import (
	"context"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/custody"
	"poskey/pkg/kcv"
)

// scribe has something done on the HSM; the check value that it shows is typed by two people, each without seeing the
// other's.
func (l *lead) scribe(ctx context.Context, t *turn) error {
	if err := l.said(t); err != nil {
		return err
	}
	if err := l.confirm(ctx, text.New(`%s: when it is done on the HSM, type "done"`, t.who.ID), "done"); err != nil {
		return err
	}
	if t.Key == nil {
		return nil
	}
	other := l.sitter(t.Seconder).ID
	if t.Seconder == (script.Seat{}) {
		other = l.sitter(l.s.Roles[script.Witness]).ID
	}
	for {
		value, err := l.readOff(ctx, t, other)
		if err != nil {
			return err
		}
		if value == nil {
			continue
		}
		done, err := l.readRight(ctx, t, *value)
		if err != nil || done {
			return err
		}
	}
}

// readOff takes the check value from both; nil when they differ.
func (l *lead) readOff(ctx context.Context, t *turn, other string) (*kcv.Expected, error) {
	one, err := l.blind(ctx, text.New("%s: the check value that the HSM shows (hidden)", t.who.ID))
	if err != nil {
		return nil, err
	}
	two, err := l.blind(ctx, text.New("%s: the check value that the HSM shows (hidden)", other))
	if err != nil {
		return nil, err
	}
	a, err := parseCheck(one)
	if err == nil {
		var b kcv.Expected
		if b, err = parseCheck(two); err == nil && a.Digits == b.Digits {
			return &a, nil
		}
	}
	if err != nil {
		return nil, l.wrong(ctx, t, "check value", text.New("that is no check value: %s", err))
	}
	return nil, l.wrong(ctx, t, "check value", text.New("the two entries differ; type both again"))
}

// readRight holds what the HSM shows against what is known of the key, or of the part.
func (l *lead) readRight(ctx context.Context, t *turn, value kcv.Expected) (bool, error) {
	k := l.keys[t.Key.ID]
	v := method(t.Key, value)
	v.Digits = shown(t.Key, value)
	expect, part := l.expected(k), 0
	if t.Part != nil {
		expect, part = l.expectedPart(t.Part), t.Part.Number
	}
	e, line := compared(t.Key, part, v, expect, 0)
	e.Who, e.People = t.who.ID, l.present
	said := []Line{line}
	var why error
	if e.Verdict == transcript.Differs {
		why = fault.New(fault.KCVMismatch, "the HSM shows %s, expected %s", v, shown(t.Key, *expect))
	}
	if twin := l.readBefore(k, part, v); twin != nil {
		why, e.Verdict, e.Expected = twin, transcript.Differs, kcv.Value{}
		e.Details["what"] = public(twin.Error())
		said = append(said, alarm(text.New("%s", twin)))
	}
	if err := l.tell(ctx, e, said...); err != nil {
		return false, err
	}
	if why != nil {
		again, err := l.choose(ctx, why, wordGoOn)
		if err != nil || again {
			return false, err
		}
	}
	if part != 0 {
		k.checks[part] = v
		return true, nil
	}
	k.made, k.there = Made{Check: v}, true
	if e.Verdict != transcript.Compared {
		k.verdict = e.Verdict
	}
	return true, nil
}

// readBefore finds the check value of a part, or of the key, at another part of the key, or at the key: somebody read
// the wrong line, or the HSM did the same part twice. part is 0 for the key.
func (l *lead) readBefore(k *keyState, part int, v kcv.Value) error {
	for i := range k.Parts {
		other := &k.Parts[i]
		if other.Number == part || !l.hasCheck(k.Key, other, v) {
			continue
		}
		return fault.New(fault.PartRefused,
			"it is the check value of part %d: the wrong line was read, or the HSM did the same part twice", other.Number)
	}
	if part == 0 {
		return nil
	}
	known := l.expected(k)
	if known == nil && k.there {
		known = &kcv.Expected{Digits: k.made.Check.Digits}
	}
	if known != nil && agrees(v, *known) {
		return fault.New(fault.PartRefused,
			"it is the check value of the key and not that of a part: the wrong line was read")
	}
	return nil
}

// initStore draws the master key of a store and cuts it to the officers that are its custodians.
func (l *lead) initStore(ctx context.Context, t *turn) error {
	cards, err := l.shareholders(t)
	if err != nil {
		return err
	}
	k := l.keys[t.Key.ID]
	var made Made
	if err := l.try(ctx, t, func() (err error) {
		made, err = l.Tools.InitStore(ctx, t.Key, cards)
		return err
	}); err != nil {
		return err
	}
	k.made, k.there, k.kept = made, true, made.Label
	if err := l.tellMade(ctx, t, k, "cut to officers"); err != nil {
		return err
	}
	for i, c := range cards {
		share := *t
		share.Part = &k.Parts[i]
		k.by[share.Part.Number] = c.ID()
		if err := l.hold(ctx, &share, l.person(c.ID()), eventDealt, ""); err != nil {
			return err
		}
	}
	return nil
}

// shareholders are the officers who sit for the parts of the master key; all of them are there.
func (l *lead) shareholders(t *turn) ([]custody.Card, error) {
	if t.Key == nil {
		return nil, fault.New(fault.Bug, "step %d: no key", t.Number)
	}
	var cards []custody.Card
	for _, p := range t.Key.Parts {
		c, ok := l.cards[l.sitter(p.Custodian).ID]
		if !ok {
			return nil, fault.New(fault.NotPermitted, "%s has not logged in", l.sitter(p.Custodian).ID)
		}
		cards = append(cards, c)
	}
	return cards, nil
}
