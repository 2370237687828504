package futurex

import (
	"context"
	"slices"
	"strings"

	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/device/futurex/table"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// parcel is what the terminal is to make of the bytes.
type parcel struct {
	alg   keys.Algorithm
	usage keys.Usage
	mode  byte
	check kcv.Value
}

// load runs command 02. The answer is all that there will ever be: no question of the dialect can settle what a lost
// one leaves open.
func (d *driver) load(ctx context.Context, slot device.Slot, m Inject, p parcel) (device.Commit, error) {
	frame, err := d.injectFrame(slot, &m, p)
	if err != nil {
		return device.Commit{}, fault.Wrap(err, "load slot %s", slot)
	}
	defer frame.Wipe()
	c := device.Commit{Slot: slot, Want: device.SlotState{Loaded: true, HasAttributes: true, Usage: p.usage, Mode: p.mode,
		Algorithm: keyblock.AlgorithmChar(p.alg), Check: p.check}}
	if p.usage == keys.UsageIK {
		c.Want.KSN = m.KSN
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	reply, sent, err := d.s.order(ctx, frame)
	switch {
	case sent:
		return device.Commit{}, unknown(c, err)
	case err != nil:
		return device.Commit{}, fault.Wrap(err, "load slot %s, nothing stored", slot)
	case reply.Code == table.Done:
		c.Closed, c.Returned = true, reply.Check
		return c, nil
	}
	refused, listed := refusal(reply)
	if !listed { // a code that nobody knows does not say that nothing was stored
		return device.Commit{}, unknown(c, refused)
	}
	return device.Commit{}, fault.Wrap(refused, "load slot %s, nothing stored", slot)
}

// injectFrame fills in what follows from slot, usage and algorithm.
func (d *driver) injectFrame(slot device.Slot, m *Inject, p parcel) (Frame, error) {
	n, err := d.layout.ParseSlot(slot)
	if err != nil {
		return Frame{}, err
	}
	t, err := d.layout.typeOf(p)
	if err != nil {
		return Frame{}, err
	}
	m.Slot, m.Type = n, t.Code
	if m.KSN == "" {
		m.KSN = table.NoKSN
	}
	if d.layout.Fields {
		m.Algorithm, m.Subtype = table.AlgorithmCodes()[p.alg], table.SubtypeOf(t.Code)
	}
	return d.layout.Inject(*m)
}

// typeOf finds the type for a key. The base layout does not say the algorithm: a type that may be either would be read
// as TDES, so AES keys need the dialect's fields, or a type of their own.
func (l Layout) typeOf(p parcel) (table.KeyType, error) {
	if p.alg.IsAES() == p.alg.IsDES() || p.alg.KeyLen() == 0 {
		return table.KeyType{}, fault.New(fault.Usage, "the futurex dialect carries TDES and AES keys, not %s", p.alg)
	}
	for _, t := range table.Types() {
		if !slices.Contains(t.Usages, p.usage) || strings.IndexByte(t.Modes, p.mode) < 0 ||
			p.alg.IsAES() && !t.AES || p.alg.IsDES() && !t.TDES {
			continue
		}
		switch {
		case l.Fields && table.AlgorithmCodes()[p.alg] == "":
			return table.KeyType{}, fault.New(fault.Usage, "the fields of ?profile=dialect have no code for %s keys", p.alg)
		case !l.Fields && t.AES && t.TDES && p.alg.IsAES():
			return table.KeyType{}, fault.New(fault.Usage,
				"the base layout does not say the algorithm, and an %s key would be taken for TDES; use ?profile=dialect", p.alg)
		}
		return t, nil
	}
	return table.KeyType{}, fault.New(fault.Usage,
		"the futurex dialect has no type for a %s key with usage %s and mode %q", p.alg, p.usage, p.mode)
}

// refusal explains a code.
func refusal(r Reply) (err error, listed bool) {
	e := &device.CodeError{Dialect: table.Dialect, Answer: r.Command + " " + r.Code, CodeInfo: table.Unlisted(r.Code)}
	for _, info := range table.Replies() {
		if info.Code == r.Code {
			e.CodeInfo, listed = info, true
		}
	}
	return e, listed
}

func unknown(c device.Commit, cause error) error {
	return fault.Wrap(&device.OutcomeUnknown{Commit: c, Cause: cause}, "slot %s", c.Slot)
}

// Confirm gives the verdict of the answer; it sends nothing, since the dialect cannot ask. An open outcome stays open.
func (d *driver) Confirm(_ context.Context, c device.Commit) (device.LoadResult, error) {
	if !c.Closed {
		return device.LoadResult{}, unknown(c, fault.New(fault.DeviceFailed,
			"the answer was lost, and the futurex dialect has no question about a slot"))
	}
	if want := c.Want.Check.Digits; c.Returned != want {
		return device.LoadResult{}, fault.New(fault.KCVMismatch, "confirm slot %s: the terminal stored a key and returned "+
			"the check value %s, not %s (%d digits compared); what it holds is not the key that was sent, or it computes "+
			"check values by another method: erase the slot", c.Slot, c.Returned, want, table.CheckDigits)
	}
	return device.LoadResult{Slot: c.Slot, State: device.SlotState{Loaded: true}, Proof: device.ProofAnswer,
		Returned: c.Returned}, nil
}
