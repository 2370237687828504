package emulator

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"poskey/internal/secret"
	"poskey/pkg/device/line"
)

// ErrCut says that a fault, a tamper or a restart cut the line.
var ErrCut = errors.New("the emulator cut the line")

// Wire is the terminal's side of one line, with the faults that were ordered.
type Wire struct {
	t     *Terminal
	line  *line.Line
	drawn Fault // by the fault random, for this exchange
	cut   atomic.Bool
	// doomed is set once the last byte has gone through.
	doomed bool
}

func newWire(t *Terminal, rw io.ReadWriteCloser) *Wire {
	return &Wire{t: t, line: line.New(rw, t.cfg.Clock)}
}

// Terminal is whose line it is.
func (w *Wire) Terminal() *Terminal { return w.t }

// Timeout is how long the terminal waits for the host's word.
func (w *Wire) Timeout() time.Duration { return w.t.cfg.Timeout }

// After starts a timer of the terminal's clock.
func (w *Wire) After(d time.Duration) (fired <-chan time.Time, stop func()) {
	return w.t.cfg.Clock.After(d)
}

// Read gives the next bytes; the caller wipes them. It ends as line.Line.Read does, or with ErrCut.
func (w *Wire) Read(ctx context.Context, timer <-chan time.Time) ([]byte, error) {
	if w.gone() {
		return nil, ErrCut
	}
	chunk, err := w.line.Read(ctx, timer)
	switch {
	case w.cut.Load():
		secret.Wipe(chunk)
		return nil, ErrCut
	case err != nil:
		return nil, err
	}
	left := w.pass(len(chunk))
	secret.Wipe(chunk[left:])
	if left == 0 {
		w.Cut()
		return nil, ErrCut
	}
	return chunk[:left], nil
}

// Write writes all of b, byte by byte where that is ordered. It ends with ErrCut at the byte where the line is cut.
func (w *Wire) Write(b []byte) error {
	if w.gone() {
		return ErrCut
	}
	err := w.write(b[:w.pass(len(b))])
	if w.gone() {
		return ErrCut
	}
	return err
}

// gone cuts the line where the last byte that goes through has gone through.
func (w *Wire) gone() bool {
	if w.doomed {
		w.Cut()
	}
	return w.cut.Load()
}

func (w *Wire) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if _, split := w.Ordered(SplitWrites); !split {
		return w.line.Write(b, w.t.cfg.Timeout)
	}
	for i := range b {
		if err := w.line.Write(b[i:i+1], w.t.cfg.Timeout); err != nil {
			return err
		}
	}
	return nil
}

// pass counts n bytes and tells how many of them go through before the line is cut. The cut comes once.
func (w *Wire) pass(n int) int {
	left := w.t.faults.cut
	if left == nil || left.Load() < 0 {
		return n
	}
	was := int(left.Load())
	if was > n {
		left.Add(int64(-n))
		return n
	}
	left.Store(-1)
	w.doomed = true
	w.t.report(Event{Kind: Misbehaved, Fault: CutAt})
	return was
}

// Cut ends the line as a fault does. Serve then ends without an error.
func (w *Wire) Cut() {
	w.cut.Store(true)
	_ = w.line.Close()
}

// Begin starts an exchange: chance faults are drawn, frames are counted for tamper-at=N, and slow waits. To be called
// once for each good frame, before it is answered.
func (w *Wire) Begin(ctx context.Context) error {
	w.draw()
	if frames := w.t.faults.frames; frames != nil && frames.Load() > 0 && frames.Add(-1) == 0 {
		w.t.Tamper("ordered")
	}
	if !w.Misbehaves(Slow) {
		return nil
	}
	fired, stop := w.After(w.t.cfg.SlowFor)
	defer stop()
	select {
	case <-fired:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *Wire) draw() {
	w.drawn = ""
	if w.t.faults.chance == 0 {
		return
	}
	w.t.mu.Lock()
	defer w.t.mu.Unlock()
	const whole = 1 << 53
	if float64(w.t.dice.roll(whole)) >= w.t.faults.chance*whole {
		return
	}
	all := lineFaults()
	w.drawn = all[w.t.dice.roll(uint64(len(all)))]
	if w.drawn == CutAt {
		w.t.faults.cut.Store(int64(w.t.dice.roll(200)))
	}
}

// dice are SplitMix64: faults are to come again with the same seed, and nothing secret hangs on them.
type dice uint64

// roll gives a number below n.
func (d *dice) roll(n uint64) uint64 {
	*d += 0x9E3779B97F4A7C15
	z := uint64(*d)
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return (z ^ z>>31) % n
}

// Ordered reports whether a fault is on now, without saying so, and its value.
func (w *Wire) Ordered(f Fault) (value string, on bool) {
	if value, on = w.t.faults.value(f); on {
		return value, true
	}
	return "", w.drawn == f && f != CutAt
}

// Misbehaves reports whether a fault is to show now, and says so in the log of events.
func (w *Wire) Misbehaves(f Fault) bool {
	_, on := w.Ordered(f)
	if on {
		w.t.report(Event{Kind: Misbehaved, Fault: f})
	}
	return on
}

// Stored is to be called by ports after every store, before it is answered: power may fail there. It gives ErrCut then.
func (w *Wire) Stored() error {
	if !w.Misbehaves(PowerCut) {
		return nil
	}
	w.t.powerFails()
	w.Cut()
	return ErrCut
}

// misbehaves is Wire.Misbehaves where there is no line.
func (t *Terminal) misbehaves(f Fault) bool {
	on := t.faults.on(f)
	if on {
		t.report(Event{Kind: Misbehaved, Fault: f})
	}
	return on
}
