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
	dark   bool   // echo is to be off; while the job is stopped it is on all the same
	asked  string // the question that is answered with echo, while it is
	done   func() // lets the terminal go
	unwind func() // stops looking at signals
}

// begin takes echo off a terminal until end, and again if somebody has put it on since. It reports whether the terminal
// was left alone before; then what was typed before is dropped, and done is called at the end.
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
	h.drop()
	return true, nil
}

// darken takes echo off; the lock is held. Should it fail, each question still does so for itself.
func (h *hush) darken() {
	h.dark = true
	_ = echoOff(int(h.tty.Fd()))
}

// lighten puts the terminal back as it was, whatever a process that it was handed to has left; the lock is held. One that
// belongs to another job by now is left to it.
func (h *hush) lighten() {
	if foreground(int(h.tty.Fd())) {
		_ = term.Restore(int(h.tty.Fd()), h.before)
	}
}

// drop drops what was typed and not read; the lock is held.
func (h *hush) drop() {
	if foreground(int(h.tty.Fd())) {
		_ = flush(int(h.tty.Fd()))
	}
}

// discard drops what was typed before a question was asked, within the dialogue.
func (h *hush) discard() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.tty != nil {
		h.drop()
	}
}

// renew is for a terminal that another process may have left in a mode of its own.
func (h *hush) renew() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.tty != nil && h.dark {
		h.lighten()
		h.darken()
	}
}

// rest puts echo on within the dialogue.
func (h *hush) rest() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.tty != nil && h.dark {
		h.lighten()
		h.dark = false
	}
}

// asks notes the question that is answered with echo: it is shown again where the job goes on, since what the shell wrote
// stands behind it. "" ends it.
func (h *hush) asks(prompt string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = prompt
}

// end puts the terminal back, drops what is left of a dialogue, and lets the terminal go. It may be called when nothing
// was begun.
func (h *hush) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.tty == nil {
		return
	}
	h.lighten()
	h.drop() // after lighten: what comes in between would be the shell's
	h.unwind()
	h.done()
	h.tty, h.before, h.done, h.unwind, h.dark, h.asked = nil, nil, nil, nil, false, ""
}
