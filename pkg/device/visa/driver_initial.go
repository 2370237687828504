package visa

import (
	"context"

	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/device/line"
	"poskey/pkg/device/visa/table"
	"poskey/pkg/dukpt"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// LoadInitial hands a clear initial key over, with its KSN.
func (d *driver) LoadInitial(
	ctx context.Context, slot device.Slot, ik *keys.Key, ksn dukpt.KSN,
) (device.Commit, error) {
	if d.isVeriFone() {
		return device.Commit{}, fault.New(fault.Usage,
			"what a VeriFone terminal answers to packet %s is not known here, so that "+
				"no load could be told from a refusal", slot)
	}
	frame, err := InitialFrame(slot, ik, ksn)
	if err != nil {
		return device.Commit{}, fault.Wrap(err, "load slot %s", slot)
	}
	defer frame.Wipe()
	return d.loadInitial(ctx, frame, slot, keyblock.AlgorithmChar(ik.Algorithm()), ksn, d.s.quiet)
}

func (d *driver) loadInitialBlock(ctx context.Context, slot device.Slot, block *keyblock.Block) (device.Commit, error) {
	if d.isVeriFone() {
		_, err := d.blockFrame(slot, block)
		return device.Commit{}, fault.Wrap(err, "load slot %s", slot)
	}
	frame, ksn, err := InitialBlockFrame(slot, block, d.profile == device.ProfilePoskey)
	if err != nil {
		return device.Commit{}, fault.Wrap(err, "load slot %s", slot)
	}
	defer frame.Wipe()
	return d.loadInitial(ctx, frame, slot, block.Algorithm, ksn, d.overtake)
}

// loadInitial runs packet 90 or 94. The terminal stores the key of itself and then answers; there is no echo and no
// commit. So the frame leaves once, unless the terminal says that it came damaged, and from then on only the answer ends
// the exchange well: a context that is cancelled does not count any more, and every other end is an unknown outcome. The
// answer names no key: settle makes sure before that no older one is on its way.
func (d *driver) loadInitial(
	ctx context.Context, frame Frame, slot device.Slot, algorithm byte, ksn dukpt.KSN,
	settle func(context.Context) error,
) (device.Commit, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := device.Commit{Slot: slot, Want: want(table.InitialUsage, table.InitialMode, algorithm)}
	c.Want.KSN = ksn.String()
	if err := d.alone(ctx, settle); err != nil {
		return device.Commit{}, fault.Wrap(err, "load slot %s, nothing stored", slot)
	}
	answer, missed, err := d.s.put(context.WithoutCancel(ctx), question{ask: frame, answer: table.InitialAnswer,
		once: true})
	if missed {
		return device.Commit{}, fault.Wrap(err, "load slot %s, nothing stored", slot)
	}
	if err != nil {
		return device.Commit{}, unknown(c, err)
	}
	defer answer.Wipe()
	code, err := parseInitialAnswer(answer.Data())
	if err != nil {
		d.s.abort()
		return device.Commit{}, unknown(c, err)
	}
	_ = d.s.acknowledge() // the answer is here; that its ACK gets lost changes nothing
	if code != "" {
		return device.Commit{}, fault.Wrap(refusal(table.InitialAnswer+"1"+code, code, table.InitialErrors()),
			"load slot %s, nothing stored", slot)
	}
	c.Closed = true
	return c, nil
}

// alone makes sure that no older answer is on its way: to a load of whoever had the line before, or of this session
// after one without an answer.
func (d *driver) alone(ctx context.Context, settle func(context.Context) error) error {
	if ctx.Err() != nil {
		return line.Fault(ctx.Err())
	}
	if !d.s.settled {
		if err := settle(ctx); err != nil {
			return err
		}
	}
	if d.s.repeated {
		if err := d.s.quiet(ctx); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return line.Fault(ctx.Err())
	}
	return nil
}

// overtake asks for the serial number: once that is answered, whatever the answer is, no older answer is on its way.
// With a clear key it is not to be had, because a question ends the key inject mode; there, and where the terminal does
// not take the question, the line must be quiet.
func (d *driver) overtake(ctx context.Context) error {
	_, err := d.serial(ctx, table.AskSerial)
	switch {
	case d.s.settled:
		return nil
	case fault.Is(err, fault.DeviceFailed):
		return d.s.quiet(ctx)
	}
	return err
}

// confirmInitial repeats what the receipt says.
func confirmInitial(c device.Commit) (device.LoadResult, error) {
	if !c.Closed {
		return device.LoadResult{}, unknown(c, fault.New(fault.DeviceFailed,
			"this terminal has no question about initial keys"))
	}
	return device.LoadResult{Slot: c.Slot, State: device.SlotState{Loaded: true}, Proof: device.ProofAnswer}, nil
}

// SelectSet selects a DUKPT set.
func (d *driver) SelectSet(ctx context.Context, set int) error {
	frame, err := SelectSetFrame(set)
	if err != nil {
		return err
	}
	defer frame.Wipe()
	d.mu.Lock()
	defer d.mu.Unlock()
	_, _, err = d.s.put(ctx, question{ask: frame, bare: true})
	return err
}
