package visa

import (
	"context"
	"io"
	"sync"

	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/device/line"
	"poskey/pkg/device/visa/table"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// Terminal is what New gives: a device of this dialect with all that it can do besides loading keys. Loaders need
// device.Device and the optional interfaces of package device, which they find by a type assertion. What follows those
// sets a terminal up for its work; it is for programs of that kind, and no command of poskey's own calls it.
type Terminal interface {
	device.Device
	device.Serials
	device.InitialLoader
	device.Prover

	// ComputeMAC is MAC with all that packet Z66 can say.
	ComputeMAC(ctx context.Context, m MACRequest) ([]byte, error)
	// SelectKey makes the key in one of the slots 0 to 9 the one for PIN entry (packet 08). The terminal does not check
	// that the slot holds one.
	SelectKey(ctx context.Context, slot device.Slot) error
	// SelectSet makes DUKPT set 0 or 1 the one for transactions (packet 96). The answer is a bare ACK: it says that the
	// frame arrived well, no more.
	SelectSet(ctx context.Context, set int) error
	// SetSpeed changes speed and mode of the line on both sides (packet 13) and asks something at the new speed. Where
	// that is not answered the line goes back, and the error says at which of the two the terminal answers. It needs a
	// serial line: over TCP the terminal server has the speed.
	SetSpeed(ctx context.Context, baud int, mode string) error
	// PermanentSerial asks for VeriFone's serial number of the unit, which nobody can set (packet M04).
	PermanentSerial(ctx context.Context) (string, error)
	// SelectEngine makes one of VeriFone's DUKPT engines 0 to 2 the one that packets load and use
	// (packet 19). Engine asks which one that is (packet 25).
	SelectEngine(ctx context.Context, engine int) error
	Engine(ctx context.Context) (int, error)
	// EraseBySetKeyMode changes the key management of a VeriFone terminal: packet 15 (IPP6; modes such as SPAIN) or 17
	// (IPP7; three characters). CHANGING THE MODE ERASES KEYS, which is all that some programs use it for. The modes
	// differ between models: the caller has them from the model's manual.
	EraseBySetKeyMode(ctx context.Context, packet, mode string) error
}

// driver is a terminal that speaks this dialect.
type driver struct {
	mu      sync.Mutex // one exchange at a time
	s       *session
	profile string
}

// New makes a device of a line, which belongs to it from now on. Nothing is sent yet. It is a [Terminal].
func New(rw io.ReadWriteCloser, o device.Options) device.Device {
	return &driver{s: newSession(rw, o), profile: o.Profile}
}

// Dialect names the protocol.
func (d *driver) Dialect() string { return table.Dialect }

// Capabilities tells what the packets can do.
func (d *driver) Capabilities() device.Capabilities { return Capabilities(d.profile) }

// isVeriFone says whether VeriFone's forms are used where they differ.
func (d *driver) isVeriFone() bool { return d.profile == device.ProfileVeriFone }

// Capabilities is what every terminal of a profile can do; "" is UIC's.
func Capabilities(profile string) device.Capabilities {
	c := device.Capabilities{
		Clear:         true,
		BlockVersions: "AB",
		BlockLengths:  append(table.BlockLengths('A'), table.BlockLengths('B')...),
		Proof:         device.ProofCommitAttributes,
		Slots: append(table.Slots(), device.SlotRule{Named: table.InitialSlots(), Usage: table.InitialUsage,
			Lengths: []int{8, 16}, Algorithms: "DT", Modes: string(table.InitialMode)}),
		InitialSlots:  table.InitialSlots(),
		InitialBlocks: "B",
		MuteSlots:     table.InitialSlots(),
		Algorithms:    "DT",
	}
	switch profile {
	case device.ProfileVeriFone:
		c.BlockVersions, c.BlockLengths, c.Proof = "", nil, device.ProofCommit
		c.Slots, c.Algorithms = table.VeriFoneSlots(), "D"
		c.InitialSlots, c.InitialBlocks, c.MuteSlots = nil, "", nil
	case device.ProfilePoskey:
		c.Slots = append(c.Slots, device.SlotRule{Named: table.InitialSlots(), Usage: table.InitialUsage,
			Lengths: []int{16, 24, 32}, Algorithms: "A", Modes: string(table.InitialMode)})
		c.InitialBlocks, c.Algorithms = "BD", "DTA"
	}
	return c
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
	if isInitial(slot) {
		return device.SlotState{}, fault.New(fault.Usage, "this terminal has no question about initial keys; only a "+
			"transaction shows what slot %s holds", slot)
	}
	ask, err := AskFrame(slot, !d.isVeriFone())
	var state device.SlotState
	err = d.ask(ctx, ask, err, func(data []byte) (err error) { state, err = parseState(data); return err })
	return state, fault.Wrap(err, "ask about slot %s", slot)
}

// ask runs an exchange of admin frames that changes nothing: the answer counts as soon as it is here and whole; that its
// end gets lost changes nothing. The frame comes with the error of building it.
func (d *driver) ask(ctx context.Context, ask Frame, built error, read func(data []byte) error) error {
	if built != nil {
		return built
	}
	defer ask.Wipe()
	answer, err := d.s.request(ctx, ask)
	if err != nil {
		return err
	}
	defer answer.Wipe()
	err = read(answer.Data())
	if err != nil && !fault.Is(err, fault.DeviceFailed) { // nobody can read it; a refusal is an answer like others
		d.s.abort()
		return err
	}
	_ = d.s.finish(ctx, answer)
	return err
}

func (d *driver) blockFrame(slot device.Slot, block *keyblock.Block) (Frame, error) {
	if d.isVeriFone() {
		return Frame{}, fault.New(fault.VersionUnsupported,
			"VeriFone terminals take GISKE key blocks, which poskey does not make; load the key in clear, in a secure room")
	}
	return LoadBlockFrame(slot, block)
}

// LoadBlock asks about the slot and hands the block over. Initial keys go into the slots 90 and 94, about which nobody
// can ask.
func (d *driver) LoadBlock(ctx context.Context, slot device.Slot, block *keyblock.Block) (device.Commit, error) {
	if isInitial(slot) {
		return d.loadInitialBlock(ctx, slot, block)
	}
	frame, err := d.blockFrame(slot, block)
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
	frame, wanted, err := d.clearFrame(slot, key, usage, mode)
	if err != nil {
		return device.Commit{}, fault.Wrap(err, "load slot %s", slot)
	}
	defer frame.Wipe()
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.load(ctx, frame, device.Commit{Slot: slot, Want: wanted})
}

// clearFrame builds packet 02 and says what the terminal must report afterwards. VeriFone's form carries no attributes,
// and none are reported.
func (d *driver) clearFrame(
	slot device.Slot, key *keys.Key, usage keys.Usage, mode byte,
) (Frame, device.SlotState, error) {
	switch {
	case isInitial(slot):
		return Frame{}, device.SlotState{}, fault.New(fault.Usage, "slot %s takes an initial key together with its KSN", slot)
	case d.isVeriFone():
		f, err := KeyOnlyFrame(slot, key)
		return f, device.SlotState{Loaded: true}, err
	}
	f, err := LoadClearFrame(slot, key, usage, mode)
	return f, want(usage, mode, keyblock.AlgorithmChar(key.Algorithm())), err
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
		return device.Commit{}, fault.Wrap(refusal(table.LoadKey+"?"+code, code, table.LoadErrors()),
			"load slot %s, nothing stored", c.Slot)
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
		return line.Fault(ctx.Err())
	}
	return nil
}

// refusal makes an error of a code, with what the table knows of it.
func refusal(answer, code string, codes []device.CodeInfo) error {
	e := &device.CodeError{Dialect: table.Dialect, Answer: answer, CodeInfo: table.UnknownCode(code)}
	for _, info := range codes {
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
//
// About an initial key nobody can ask. The answer to its load is all the proof there is; without it the outcome stays
// unknown for ever.
func (d *driver) Confirm(ctx context.Context, c device.Commit) (device.LoadResult, error) {
	if isInitial(c.Slot) {
		return confirmInitial(c)
	}
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
