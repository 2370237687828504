package emulator

import (
	"context"
	"errors"
	"io"
	"time"

	"poskey/pkg/device"
	"poskey/pkg/device/line"
	"poskey/pkg/device/visa/table"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// slowFor is how long the fault slow waits: longer than the 5 s that a host gives.
const slowFor = 6 * time.Second

// Config says what kind of terminal it is. The zero value is a terminal with empty slots, in key inject mode, without
// faults.
type Config struct {
	Env           keys.Env     // Now stamps the events; Rand is not used yet
	Clock         device.Clock // nil takes the machine's
	Slots         []device.SlotRule
	Faults        []Fault
	InjectModeOff bool          // clear keys are refused
	MaxLoads      int           // loads until code F; 0 is without end
	Timeout       time.Duration // for the host's ACK; 0 takes 5 s
	SlowFor       time.Duration // of the fault slow; 0 takes 6 s
	OnEvent       func(Event)   // called one after the other, from the line's goroutine; may be nil
}

// Terminal is an emulated terminal. Its methods may be called from any goroutine. It has one line at a time: another
// one waits until the first has ended, as with a real port.
type Terminal struct {
	cfg    Config
	faults map[Fault]bool
	vault  vault
	port   chan struct{} // holds a token while a line is served
}

// New makes a terminal. Wipe it after use.
func New(cfg Config) *Terminal {
	if cfg.Clock == nil {
		cfg.Clock = device.RealClock{}
	}
	if cfg.Slots == nil {
		cfg.Slots = table.Slots()
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
	t := &Terminal{cfg: cfg, faults: map[Fault]bool{}, port: make(chan struct{}, 1)}
	t.vault = vault{rules: cfg.Slots, slots: map[device.Slot]stored{}, maxLoads: cfg.MaxLoads}
	for _, f := range cfg.Faults {
		t.faults[f] = true
	}
	return t
}

// LoadDirect stores a copy of a key as the factory does, without the protocol. The table of slots holds all the same.
func (t *Terminal) LoadDirect(slot device.Slot, key *keys.Key, usage keys.Usage, mode byte) error {
	return t.vault.direct(slot, key, usage, mode)
}

// SlotCheck gives the check value of the key in a slot, computed inside the terminal: no packet of the dialect tells
// it.
func (t *Terminal) SlotCheck(slot device.Slot) (kcv.Value, bool) { return t.vault.check(slot) }

// Wipe destroys every key.
func (t *Terminal) Wipe() { t.vault.wipe() }

// Serve is the terminal at the end of a line until the line or ctx ends. The line is closed then. That the host closed
// it is no error.
func (t *Terminal) Serve(ctx context.Context, rw io.ReadWriteCloser) error {
	select {
	case t.port <- struct{}{}:
		defer func() { <-t.port }()
	case <-ctx.Done():
		return errors.Join(ctx.Err(), rw.Close())
	}
	l := line.New(rw, t.cfg.Clock)
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	s := &port{t: t, line: l}
	defer s.tape.wipe()
	t.report(Event{Kind: Connected})
	defer t.report(Event{Kind: Disconnected})
	err := s.serve(ctx)
	if closeErr := l.Close(); err == nil {
		return closeErr
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (t *Terminal) report(e Event) {
	if t.cfg.Env.Now != nil {
		e.At = t.cfg.Env.Now()
	}
	t.cfg.OnEvent(e)
}

// misbehaves reports whether a fault is on, and that it now shows.
func (t *Terminal) misbehaves(f Fault) bool {
	if t.faults[f] {
		t.report(Event{Kind: Misbehaved, Fault: f})
	}
	return t.faults[f]
}
