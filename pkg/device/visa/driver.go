package visa

import (
	"context"
	"io"
	"sync"

	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/device/visa/table"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// driver is a terminal that speaks this dialect.
type driver struct {
	mu sync.Mutex // one exchange at a time
	s  *session
}

// New makes a device of a line, which belongs to it from now on. Nothing is sent yet.
func New(rw io.ReadWriteCloser, o device.Options) device.Device { return &driver{s: newSession(rw, o)} }

// Dialect names the protocol.
func (d *driver) Dialect() string { return table.Dialect }

// Capabilities tells what packets 02 and 04 can do.
func (d *driver) Capabilities() device.Capabilities { return Capabilities() }

// Capabilities is what every terminal of the dialect can do.
func Capabilities() device.Capabilities {
	return device.Capabilities{
		Clear:         true,
		BlockVersions: "AB",
		BlockLengths:  append(table.BlockLengths('A'), table.BlockLengths('B')...),
		Proof:         device.ProofCommitAttributes,
		Slots:         table.Slots(),
	}
}

// Close gives the line back, after a call in progress has ended.
func (d *driver) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.s.close()
}

// ReadSlot asks about a slot, with attributes.
func (d *driver) ReadSlot(ctx context.Context, slot device.Slot) (device.SlotState, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.readSlot(ctx, slot)
}

func (d *driver) readSlot(ctx context.Context, slot device.Slot) (device.SlotState, error) {
	ask, err := AskFrame(slot, true)
	if err != nil {
		return device.SlotState{}, err
	}
	defer ask.Wipe()
	answer, err := d.s.request(ctx, ask)
	if err != nil {
		return device.SlotState{}, fault.Wrap(err, "ask about slot %s", slot)
	}
	defer answer.Wipe()
	state, err := parseState(answer.Data())
	if err != nil {
		d.s.abort()
		return device.SlotState{}, fault.Wrap(err, "ask about slot %s", slot)
	}
	// The answer is here and whole: that its end gets lost changes nothing.
	_ = d.s.finish(ctx, answer)
	return state, nil
}

// LoadBlock asks about the slot and hands the block over.
func (d *driver) LoadBlock(ctx context.Context, slot device.Slot, block *keyblock.Block) (device.Commit, error) {
	frame, err := LoadBlockFrame(slot, block)
	if err != nil {
		return device.Commit{}, fault.Wrap(err, "load slot %s", slot)
	}
	defer frame.Wipe()
	d.mu.Lock()
	defer d.mu.Unlock()
	c := device.Commit{Slot: slot, Want: want(block.Usage, block.Mode, block.Algorithm)}
	before, err := d.readSlot(ctx, slot)
	if err != nil {
		return device.Commit{}, err
	}
	c.Before = &before
	return d.load(ctx, frame, c)
}

// LoadClear hands the key over without asking first: a question would end the key inject mode.
func (d *driver) LoadClear(
	ctx context.Context, slot device.Slot, key *keys.Key, usage keys.Usage, mode byte,
) (device.Commit, error) {
	frame, err := LoadClearFrame(slot, key, usage, mode)
	if err != nil {
		return device.Commit{}, fault.Wrap(err, "load slot %s", slot)
	}
	defer frame.Wipe()
	d.mu.Lock()
	defer d.mu.Unlock()
	c := device.Commit{Slot: slot, Want: want(usage, mode, keyblock.AlgorithmChar(key.Algorithm()))}
	return d.load(ctx, frame, c)
}

func want(usage keys.Usage, mode, algorithm byte) device.SlotState {
	return device.SlotState{Loaded: true, HasAttributes: true, Usage: usage, Mode: mode, Algorithm: algorithm}
}

// load runs packet 02 up to the terminal's EOT. Until the echo is found right nothing is stored.
func (d *driver) load(ctx context.Context, frame Frame, c device.Commit) (device.Commit, error) {
	echo, err := d.s.request(ctx, frame)
	if err != nil {
		return device.Commit{}, fault.Wrap(err, "load slot %s, nothing stored", c.Slot)
	}
	defer echo.Wipe()
	if code, refused := parseRefusal(echo.Data()); refused {
		_ = d.s.finish(ctx, echo) // refused is refused, however it ends
		return device.Commit{}, fault.Wrap(refusal(code), "load slot %s, nothing stored", c.Slot)
	}
	if err := mayCommit(ctx, frame, echo); err != nil {
		d.s.abort()
		return device.Commit{}, fault.Wrap(err, "load slot %s, nothing stored", c.Slot)
	}
	if err := d.s.finish(context.WithoutCancel(ctx), echo); err != nil {
		return device.Commit{}, unknown(c, err)
	}
	c.Closed = true
	return c, nil
}

// mayCommit is the last word before the commit: the terminal understood what was sent, and the user still wants it.
func mayCommit(ctx context.Context, sent, echo Frame) error {
	if !echo.Equal(sent) {
		return fault.New(fault.DeviceLink, "the terminal repeated another frame than it was sent (%d and %d characters); "+
			"the line or the terminal damages data", echo.payload.Len(), sent.payload.Len())
	}
	if ctx.Err() != nil {
		return lineFault(ctx.Err())
	}
	return nil
}

func refusal(code string) error {
	e := &device.CodeError{Dialect: table.Dialect, Answer: table.LoadKey + "?" + code, CodeInfo: table.UnknownCode(code)}
	for _, info := range table.LoadErrors() {
		if info.Code == code {
			e.CodeInfo = info
		}
	}
	return e
}

func unknown(c device.Commit, cause error) error {
	return fault.Wrap(&device.OutcomeUnknown{Commit: c, Cause: cause}, "slot %s", c.Slot)
}

// Confirm asks about a slot after its load.
//
// A receipt without the terminal's EOT is settled where the slot was empty before: then a loaded slot shows that the
// commit arrived, and an empty one that it did not. Where it was loaded before, or nobody asked, the same attributes
// prove nothing.
func (d *driver) Confirm(ctx context.Context, c device.Commit) (device.LoadResult, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now, err := d.readSlot(ctx, c.Slot)
	if err != nil {
		return device.LoadResult{}, unknown(c, err)
	}
	if err := compare(c, now); err != nil {
		return device.LoadResult{}, fault.Wrap(err, "confirm slot %s", c.Slot)
	}
	if !c.Closed && (c.Before == nil || c.Before.Loaded) {
		return device.LoadResult{}, unknown(c, fault.New(fault.DeviceFailed,
			"the slot is loaded, but that may be the key from before, since this dialect reports no check value"))
	}
	result := device.LoadResult{Slot: c.Slot, State: now, Proof: device.ProofCommitAttributes}
	if !now.HasAttributes {
		result.Proof = device.ProofCommit
	}
	return result, nil
}

func compare(c device.Commit, now device.SlotState) error {
	w := c.Want
	switch {
	case !now.Loaded && c.Closed:
		return fault.New(fault.DeviceFailed, "the terminal took the key and reports the slot as empty; it did not store it")
	case !now.Loaded:
		return fault.New(fault.DeviceFailed, "the slot is empty: the commit did not arrive; load the key again")
	case now.HasAttributes && now != w:
		return fault.New(fault.DeviceFailed, "the terminal reports usage %s, mode %c, algorithm %c; the key that was to be "+
			"loaded has usage %s, mode %c, algorithm %c", now.Usage, now.Mode, now.Algorithm, w.Usage, w.Mode, w.Algorithm)
	}
	return nil
}
