package emulator

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"sync"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/custody"
	"poskey/pkg/device"
	"poskey/pkg/device/visa/table"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// slowFor is how long the fault slow waits: longer than the 5 s that a host gives.
const slowFor = 6 * time.Second

// Config says what kind of terminal it is. The zero value is a terminal with empty slots that always takes clear keys,
// without faults, in memory.
type Config struct {
	Env   keys.Env     // Now is the time of day, and tells passing time; Rand is for a directory, approvals and challenges
	Clock device.Clock // waits; nil takes the machine's
	Port  Port         // nil takes Visa("")
	Slots []device.SlotRule

	// Identity. A directory that holds a terminal has its own; another one is refused.
	Serial, Model, POIVersion, Firmware string            // "" are none, the vendor's in VendorInfo, 6.2 and 1.0.0
	VendorKey                           ed25519.PublicKey // of software updates; nil takes none
	Vendor                              Vendor            // whose screen texts; "" is generic
	Lang                                string            // of the screen: en or zh; "" is en

	// Dir keeps the state; "" keeps it in memory. See Open.
	Dir string

	Accounts      []Account            // see DefaultAccounts; none: nobody logs in
	Approvers     []custody.Card       // officers whose approvals count
	Environment   custody.Environment  // of the officers; "" is test
	Link          device.Link          // zero is a good ethernet line
	Sensors       device.Environment   // zero is 22.5 degrees and 45 per cent
	OpenBatch     int                  // transactions that are not settled; 0 takes the directory's
	Settled       bool                 // there are none, in the directory neither
	PIN           string               // what the cardholder enters at packet 70; "" is 1234
	Elapsed       func() time.Duration // time since any fixed point that nobody can set; nil goes by Env.Now
	OnEvent       func(Event)          // called one after the other; may be nil, and must not call what reports events
	Faults        []Fault              // from ParseFaults
	Seed          uint64               // of the fault random
	MaxLoads      int                  // loads until the terminal takes no more; 0 is without end
	Timeout       time.Duration        // for the host's ACK; 0 takes 5 s
	SlowFor       time.Duration        // of the fault slow; 0 takes 6 s
	InjectModeOff bool                 // clear keys are refused until two people open the key inject mode
}

// Terminal is an emulated terminal. Its methods may be called from any goroutine. It has one line at a time: another
// one waits until the first has ended, as with a real port.
type Terminal struct {
	cfg    Config
	layout Layout
	faults orders
	port   chan struct{} // holds a token while a line is served
	began  time.Time
	disk   *disk // nil in memory
	said   sync.Mutex
	entry  sync.Mutex // one password is looked at at a time: what it leads to comes before the next one

	mu     sync.Mutex
	s      state
	inject injectMode
	log    eventLog
	book   *custody.Book
	asks   openAsks                 // challenges of this book
	dice   dice                     // of the fault random
	wire   *Wire                    // the line that is served
	boots  uint64                   // power-ups and tampers
	bars   map[string]time.Duration // since when accounts are barred
	later  []Event                  // were noted under the lock; said with the next one
	last   Refusal                  // what the screen shows
	loaded bool
	closed bool

	undone    error // why the keys on the disk could not be destroyed
	unwritten error // why the last state could not be written
}

// New makes a terminal in memory, whatever Config.Dir says. Wipe it after use.
func New(cfg Config) *Terminal {
	cfg.Dir = ""
	t := newTerminal(cfg)
	t.s.start(cfg)
	t.begin()
	return t
}

// Open makes a terminal whose state is in Config.Dir, or in memory without one. The directory is made where it is
// missing. Wipe it after use: the state stays. Errors: usage, also where the directory keeps a terminal of another
// identity than the Config names; busy when another process has the directory; file_exposed for
// one that is not the user's alone, or has links in it; malformed for a state that cannot be read; mac_mismatch for one
// that was changed or put back; bug where Config.Env.Rand is missing.
func Open(cfg Config) (*Terminal, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.Dir == "" {
		return New(cfg), nil
	}
	if cfg.Env.Rand == nil {
		return nil, fault.New(fault.Bug, "a terminal with a directory needs a random source")
	}
	t := newTerminal(cfg)
	d, err := openDisk(cfg.Dir, cfg.Env.Rand)
	if err != nil {
		return nil, err
	}
	t.disk = d
	err = t.restore()
	if err == nil {
		err = t.isAsked()
	}
	if err != nil {
		t.s.wipe()
		return nil, errors.Join(err, d.close())
	}
	t.begin()
	return t, nil
}

// isAsked refuses a terminal out of a directory that is another one than was asked for.
func (t *Terminal) isAsked() error {
	for _, is := range []struct {
		what        text.Text
		asked, kept string
	}{
		{text.New("serial number"), t.cfg.Serial, t.s.serial}, {text.New("model"), t.cfg.Model, t.modelName()},
		{text.New("PCI POI version"), t.cfg.POIVersion, t.s.poi}, {text.New("version of its software"), t.cfg.Firmware, t.s.firmware},
	} {
		if is.asked != "" && is.asked != is.kept {
			return fault.New(fault.Usage, "%s keeps a terminal already, whose %s is %q and not %q; leave that out, or name a new directory",
				t.disk.folder.name, is.what, is.kept, text.Redact(is.asked))
		}
	}
	if (t.cfg.OpenBatch > 0 || t.cfg.Settled) && t.cfg.OpenBatch != t.s.batch {
		return fault.New(fault.Usage, "%s keeps a terminal already, with %d transactions that are not settled and not %d; leave that out, "+
			"or name a new directory", t.disk.folder.name, t.s.batch, t.cfg.OpenBatch)
	}
	return nil
}

// check refuses what no terminal is.
func (c *Config) check() error {
	switch {
	case c.Serial != "" && !isSerial(c.Serial):
		return fault.New(fault.Usage, "a terminal's serial number has 1 to %d letters, digits and hyphens", maxSerial)
	case c.OpenBatch < 0 || c.MaxLoads < 0:
		return fault.New(fault.Usage, "transactions and loads are counted from 0 on")
	}
	return nil
}

func newTerminal(cfg Config) *Terminal {
	if cfg.Clock == nil {
		cfg.Clock = device.RealClock{}
	}
	if cfg.Port == nil {
		cfg.Port = Visa("")
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = table.Timeout
	}
	if cfg.SlowFor <= 0 {
		cfg.SlowFor = slowFor
	}
	if cfg.OnEvent == nil {
		cfg.OnEvent = func(Event) {}
	}
	if cfg.Environment == "" {
		cfg.Environment = custody.Test
	}
	t := &Terminal{cfg: cfg, layout: cfg.Port.Layout(), faults: newOrders(cfg.Faults), port: make(chan struct{}, 1)}
	if cfg.Slots != nil {
		t.layout.Rules = cfg.Slots
	}
	t.inject.always = !cfg.InjectModeOff
	t.dice = dice(cfg.Seed)
	if cfg.Env.Now != nil {
		t.began = cfg.Env.Now()
	}
	return t
}

// begin lets the faults that are there from the start take hold.
func (t *Terminal) begin() {
	t.mu.Lock()
	if order, on := t.faults.value(LowBattery); on {
		t.s.millivolts = lowBattery - 100
		if order != "" {
			t.s.millivolts = number(order)
		}
	}
	if slot, on := t.faults.value(FlashCorrupt); on {
		t.corrupt(device.Slot(slot))
	}
	for account, wrong := range t.s.wrong {
		if wrong >= maxWrong {
			t.bar(account) // the wait begins again
		}
	}
	empty := t.s.millivolts < emptyBattery
	t.mu.Unlock()
	if empty {
		t.Tamper("backup battery")
	}
}

// elapsed is the time that has passed since the start, whatever anybody sets the clock to.
func (t *Terminal) elapsed() time.Duration {
	if t.cfg.Elapsed != nil {
		return t.cfg.Elapsed()
	}
	if t.cfg.Env.Now == nil {
		return 0
	}
	return t.cfg.Env.Now().Sub(t.began)
}

// now is the terminal's own time of day, which may be wrong.
func (t *Terminal) now() time.Time {
	if t.cfg.Env.Now == nil {
		return time.Time{}
	}
	return t.cfg.Env.Now().Add(t.faults.offset).UTC()
}

// LoadDirect stores a copy of a key as the factory does, without the protocol. The table of slots holds all the same.
func (t *Terminal) LoadDirect(slot device.Slot, key *keys.Key, usage keys.Usage, mode byte) error {
	copied, err := keys.New(key.Algorithm(), key.Secret().Clone())
	if err != nil {
		return err
	}
	switch why := t.direct(&entry{key: copied, alg: copied.Algorithm(), usage: usage, mode: mode}, slot); why {
	case Accepted:
		return nil
	case RefusedDuplicate:
		err = fault.New(fault.NotPermitted, "slot %s of the emulator: the same key is in another slot", slot)
	case RefusedStorage:
		err = fault.New(fault.Failure, "slot %s of the emulator: the state cannot be written", slot)
	default:
		err = fault.New(fault.NotPermitted, "slot %s of the emulator does not take a %s key with usage %s and mode %c",
			slot, key.Algorithm(), usage, mode)
	}
	copied.Wipe()
	return err
}

func (t *Terminal) direct(e *entry, slot device.Slot) Refusal {
	t.mu.Lock()
	defer t.mu.Unlock()
	if why := t.suits(slot, e, nil); why != Accepted {
		return why
	}
	return t.change(func() { t.s.put(slot, e) })
}

// SlotCheck gives the check value of the key in a slot, computed inside the terminal from what is really there.
func (t *Terminal) SlotCheck(slot device.Slot) (kcv.Value, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e, ok := t.s.slots[slot]
	if !ok || e.key == nil {
		return kcv.Value{}, false
	}
	value, err := checkOf(e.key)
	return value, err == nil
}

// Wipe destroys every key in memory, and lets the directory go.
func (t *Terminal) Wipe() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.destroyAgain()
	t.s.wipe()
	t.closed = true
	if t.disk != nil {
		_ = t.disk.close() // nothing is written any more
		t.disk = nil
	}
}

// Dialect is the name of the protocol at its line.
func (t *Terminal) Dialect() string { return t.cfg.Port.Dialect() }

// Serve is the terminal at the end of a line until the line or ctx ends. The line is closed then. That the host closed
// it, or a fault cut it, is no error.
func (t *Terminal) Serve(ctx context.Context, rw io.ReadWriteCloser) error {
	select {
	case t.port <- struct{}{}:
		defer func() { <-t.port }()
	case <-ctx.Done():
		return errors.Join(ctx.Err(), rw.Close())
	}
	w := newWire(t, rw)
	defer context.AfterFunc(ctx, func() { _ = w.line.Close() })()
	t.attach(w)
	defer t.attach(nil)
	t.report(Event{Kind: Connected})
	defer t.report(Event{Kind: Disconnected})
	err := t.cfg.Port.Serve(ctx, w)
	if errors.Is(err, io.EOF) || errors.Is(err, ErrCut) || w.cut.Load() {
		err = nil
	}
	closeErr := w.line.Close()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return err
	case w.cut.Load():
		return nil
	}
	return closeErr
}

func (t *Terminal) attach(w *Wire) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wire = w
}
