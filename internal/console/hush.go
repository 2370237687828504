package console

// The terminal between two questions: what is typed while a passphrase is checked is not shown either.

import (
	"os"
	"sync"

	"golang.org/x/term"

	"poskey/internal/fault"
)

// hush is a terminal without echo. The zero value is a terminal that was left alone.
type hush struct {
	mu     sync.Mutex
	tty    *os.File // nil: left alone
	before *term.State
	dark   bool
	done   func() // lets the terminal go
	unwind func() // stops looking at signals
}

// begin takes echo off a terminal until end, and again if somebody has put it on since. It reports whether the terminal
// was left alone before; then done is called at the end.
func (h *hush) begin(tty *os.File, done func()) (bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.tty != nil {
		h.darken()
		return false, nil
	}
	before, err := term.GetState(int(tty.Fd()))
	if err != nil {
		return false, fault.WrapAs(fault.Failure, err, "ask at the terminal")
	}
	h.tty, h.before, h.done = tty, before, done
	h.unwind = h.watch()
	h.darken()
	return true, nil
}

// darken takes echo off; the lock is held. Should it fail, each question still does so for itself.
func (h *hush) darken() { h.dark = echoOff(int(h.tty.Fd())) == nil }

// lighten puts the terminal back as it was; the lock is held. One that belongs to another job by now is left to it.
func (h *hush) lighten() {
	if h.dark && foreground(int(h.tty.Fd())) {
		_ = term.Restore(int(h.tty.Fd()), h.before)
	}
	h.dark = false
}

// end puts the terminal back and lets it go. It may be called when nothing was begun.
func (h *hush) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.tty == nil {
		return
	}
	h.lighten()
	h.unwind()
	h.done()
	h.tty, h.before, h.done, h.unwind = nil, nil, nil, nil
}
