package emulator

import (
	"time"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/device"
)

// Limits of the key inject mode: UIC PP791 manual, page 33.
const (
	injectIdle = 60 * time.Second
	injectMost = 15 * time.Minute
)

// injectMode is the mode in which clear keys are taken.
type injectMode struct {
	always      bool // without passwords and limits
	on          bool
	fresh       bool // no clear master key was loaded yet
	since, last time.Duration
}

// injecting looks at the clock. The lock is held.
func (t *Terminal) injecting() bool {
	m := &t.inject
	now := t.elapsed()
	if m.on && (now-m.last >= injectIdle || now-m.since >= injectMost) {
		m.on = false
		t.noteForLater(Event{Kind: InjectLeft, Detail: "time"})
	}
	return m.on || m.always
}

// InInjectMode reports whether clear keys are taken now.
func (t *Terminal) InInjectMode() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.injecting()
}

// keyLoaders is the account of wrong passwords A and B: nobody is told which of the two was wrong.
const keyLoaders = "A+B"

// EnterInjectMode opens the key inject mode with the two passwords of two people, accounts A and B. It ends after 60 s
// without a key, after 15 minutes, and with any message that loads none. Errors: auth_failed; not_permitted while a
// lock is on, after five wrong pairs for as long as for a login, and where the passwords are missing or equal, which
// sets the lock dual-administrator.
func (t *Terminal) EnterInjectMode(a, b *secret.Bytes) error {
	t.entry.Lock()
	defer t.entry.Unlock()
	first, second := t.account("A"), t.account("B")
	if first == nil || second == nil || a.Equal(b) {
		t.setLock(device.LockDualAdmin, "passwords A and B are missing or equal")
		return fault.New(fault.NotPermitted, "the key inject mode takes the passwords A and B of two people, which differ")
	}
	if err := t.refuseBarred(keyLoaders); err != nil {
		return err
	}
	one, two := first.opens(a), second.opens(b) // both, so that the time does not tell which is wrong
	if !one || !two {
		t.wrongPassword(keyLoaders)
		return fault.New(fault.AuthFailed, "account or password is wrong")
	}
	t.mu.Lock()
	delete(t.s.wrong, keyLoaders)
	t.mu.Unlock()
	t.setUnlock(device.LockDualAdmin)
	t.mu.Lock()
	if why := t.ready(); why != Accepted {
		t.mu.Unlock()
		return fault.New(fault.NotPermitted, "no key inject mode: the terminal is %s", string(why))
	}
	now := t.elapsed()
	t.inject = injectMode{always: t.inject.always, on: true, fresh: true, since: now, last: now}
	t.last, t.loaded = Accepted, false
	t.mu.Unlock()
	t.report(Event{Kind: InjectEntered})
	return nil
}

// LeaveInjectMode ends it, as the key CAN does.
func (t *Terminal) LeaveInjectMode() { t.leave("key CAN") }

func (t *Terminal) leave(why string) {
	t.mu.Lock()
	was := t.injecting() && t.inject.on
	t.inject.on = false
	t.mu.Unlock()
	if was {
		t.report(Event{Kind: InjectLeft, Detail: why})
	}
}

// StillInjecting is told by ports of every good message: one that keeps the key inject mode, and restarts its 60 s, or
// another one, which ends it.
func (t *Terminal) StillInjecting(keeps bool) {
	t.mu.Lock()
	on := t.inject.on && t.injecting()
	if on && keeps {
		t.inject.last = t.elapsed()
	}
	t.mu.Unlock()
	if on && !keeps {
		t.leave("another message")
	}
}
