//go:build cgo && !windows

package pkcs11

// An open token: found, logged in, with sessions for whoever calls.

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	p11 "github.com/miekg/pkcs11"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// maxSessions is how many calls run in a token at once. Session objects belong to all sessions of the process, so any
// session can use what another made.
const maxSessions = 8

// sessionsOf keeps to what a token allows: a number, or 0 or all bits for no limit that it tells (CK_EFFECTIVELY_INFINITE,
// CK_UNAVAILABLE_INFORMATION). One more is left to the other programs.
func sessionsOf(most uint) int {
	if most == 0 || most > maxSessions {
		return maxSessions
	}
	return max(1, int(most)-1)
}

// Token is an open token. Its methods may be called from several goroutines; each call has a session for itself.
type Token struct {
	m         *module
	slot      uint
	uri       URI
	o         Options
	info      TokenInfo
	login     bool // logged in, so its objects are private ones
	abilities abilities

	free    chan *session // those nobody uses; a nil one was never opened
	closing chan struct{}
	once    sync.Once
	end     error
}

// session is a session in the hands of one call.
type session struct {
	*Token
	h p11.SessionHandle
}

// Slots lists a module's slots and what is in them. It needs no PIN.
func Slots(ctx context.Context, u URI, o Options) (Library, error) {
	if err := ended(ctx); err != nil {
		return Library{}, err
	}
	m, err := o.modules().use(u)
	if err != nil {
		return Library{}, err
	}
	lib, err := m.describe(u.Module)
	if endErr := m.drop(); err == nil {
		err = endErr
	}
	if err != nil {
		return Library{}, err
	}
	return lib, nil
}

func (o Options) modules() *Modules {
	if o.Modules == nil {
		return NewModules()
	}
	return o.Modules
}

func ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fault.WrapAs(fault.Interrupted, err, "the boundary was told to stop")
	}
	return nil
}

func (m *module) describe(path string) (Library, error) {
	info, err := m.GetInfo()
	if err != nil {
		return Library{}, failed(err, text.New("tell what it is"))
	}
	lib := Library{Path: path, Manufacturer: plain(info.ManufacturerID), Description: plain(info.LibraryDescription),
		Version: versionOf(info.LibraryVersion), Cryptoki: versionOf(info.CryptokiVersion)}
	ids, err := m.GetSlotList(false)
	if err != nil {
		return Library{}, failed(err, text.New("list its slots"))
	}
	for _, id := range ids {
		s, err := m.slotOf(id)
		if err != nil {
			return Library{}, err
		}
		lib.Slots = append(lib.Slots, s)
	}
	return lib, nil
}

func versionOf(v p11.Version) string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

func (m *module) slotOf(id uint) (Slot, error) {
	info, err := m.GetSlotInfo(id)
	if err != nil {
		return Slot{}, failed(err, text.New("describe a slot"))
	}
	s := Slot{ID: id, Description: plain(info.SlotDescription), Present: info.Flags&p11.CKF_TOKEN_PRESENT != 0}
	if !s.Present {
		return s, nil
	}
	s.Token, err = m.tokenOf(id)
	if isCode(err, p11.CKR_TOKEN_NOT_PRESENT, p11.CKR_TOKEN_NOT_RECOGNIZED) {
		s.Present = false
		return s, nil
	}
	return s, failed(err, text.New("describe a token"))
}

func (m *module) tokenOf(slot uint) (TokenInfo, error) {
	t, err := m.GetTokenInfo(slot)
	if err != nil {
		return TokenInfo{}, err
	}
	has := func(flag uint) bool { return t.Flags&flag != 0 }
	info := TokenInfo{Label: plain(t.Label), Manufacturer: plain(t.ManufacturerID), Model: plain(t.Model),
		Serial:      plain(t.SerialNumber),
		Initialised: has(p11.CKF_TOKEN_INITIALIZED), LoginRequired: has(p11.CKF_LOGIN_REQUIRED),
		PINSet: has(p11.CKF_USER_PIN_INITIALIZED), WriteProtected: has(p11.CKF_WRITE_PROTECTED)}
	switch {
	case has(p11.CKF_USER_PIN_LOCKED):
		info.PINState = PINLocked
	case has(p11.CKF_USER_PIN_FINAL_TRY):
		info.PINState = PINFinal
	case has(p11.CKF_USER_PIN_COUNT_LOW):
		info.PINState = PINLow
	}
	return info, nil
}

// plain takes the padding off a text of a token, and what no terminal should be given.
func plain(s string) string {
	s = strings.TrimRight(s, " \x00")
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "?")
	}
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7F || r >= 0x80 && r < 0xA0 {
			return '?'
		}
		return r
	}, s)
}

// Connect opens a token without a master key. Kinds: not_found, auth_failed, busy for a locked PIN, device_failed.
func Connect(ctx context.Context, u URI, o Options) (*Token, error) {
	if err := ended(ctx); err != nil {
		return nil, err
	}
	m, err := o.modules().use(u)
	if err != nil {
		return nil, err
	}
	t, err := m.connect(ctx, u, o)
	if err != nil {
		_ = m.drop()
		return nil, err
	}
	return t, nil
}

func (m *module) connect(ctx context.Context, u URI, o Options) (*Token, error) {
	slot, info, err := m.find(u)
	if err != nil {
		return nil, err
	}
	limits, err := m.GetTokenInfo(slot)
	if err != nil {
		return nil, failed(err, text.New("describe a token"))
	}
	n := sessionsOf(limits.MaxRwSessionCount)
	t := &Token{m: m, slot: slot, uri: u, o: o, info: info, free: make(chan *session, n), closing: make(chan struct{})}
	first, err := t.openSession()
	if err != nil {
		return nil, err
	}
	if err := t.enter(ctx, first); err != nil {
		_ = m.CloseSession(first.h)
		return nil, err
	}
	t.free <- first
	for range n - 1 {
		t.free <- nil
	}
	return t, nil
}

// find looks for the one token that the name selects.
func (m *module) find(u URI) (uint, TokenInfo, error) {
	ids, err := m.GetSlotList(true)
	if err != nil {
		return 0, TokenInfo{}, failed(err, text.New("list its slots"))
	}
	var at []uint
	var found TokenInfo
	var labels []string
	for _, id := range ids {
		info, err := m.tokenOf(id)
		if err != nil || !info.Initialised && info.Label == "" { // NSS does not count a database without a PIN as initialised
			continue
		}
		labels = append(labels, info.Label)
		if u.selects(id, info) {
			at, found = append(at, id), info
		}
	}
	switch len(at) {
	case 1:
		return at[0], found, nil
	case 0:
		return 0, TokenInfo{}, fault.New(fault.NotFound,
			"no token of the module is the one named; tokens there: %s", listOf(labels))
	}
	return 0, TokenInfo{}, fault.New(fault.Usage,
		"%d tokens fit the pkcs11: name; add token=, serial= or slot-id=; tokens there: %s",
		len(at), listOf(labels))
}

func listOf(labels []string) text.Text {
	if len(labels) == 0 {
		return text.New("none")
	}
	quoted := make([]string, len(labels))
	for i, l := range labels {
		quoted[i] = fmt.Sprintf("%q", l)
	}
	return text.Raw(strings.Join(quoted, ", "))
}

func (u URI) selects(slot uint, t TokenInfo) bool {
	fits := func(want, is string) bool { return want == "" || want == is }
	return fits(u.Token, t.Label) && fits(u.Serial, t.Serial) && fits(u.Model, t.Model) &&
		fits(u.Manufacturer, t.Manufacturer) && (!u.HasSlot || u.Slot == slot)
}

func (t *Token) openSession() (*session, error) {
	h, err := t.m.OpenSession(t.slot, p11.CKF_SERIAL_SESSION|p11.CKF_RW_SESSION)
	if isCode(err, p11.CKR_TOKEN_WRITE_PROTECTED) {
		h, err = t.m.OpenSession(t.slot, p11.CKF_SERIAL_SESSION)
	}
	if err != nil {
		return nil, failed(err, text.New("open a session"))
	}
	return &session{t, h}, nil
}

// enter logs in where the token asks for it.
func (t *Token) enter(ctx context.Context, s *session) error {
	if !t.info.LoginRequired {
		return nil
	}
	if t.info.PINState == PINLocked {
		return errPINLocked()
	}
	if !t.info.PINSet { // objects of the session may work all the same; those of the token do not
		return nil
	}
	if t.o.PIN == nil {
		return fault.New(fault.InputNeeded, "the token asks for its PIN; name a file with it by pin-source=file:PATH")
	}
	pin, err := t.o.PIN(ctx)
	if err != nil {
		return err
	}
	defer pin.Wipe()
	if err := t.m.enter(t.slot, s.h, pin); err != nil {
		now, infoErr := t.m.tokenOf(t.slot)
		if infoErr != nil {
			now.PINState = PINGood
		}
		return loginFailed(err, now.PINState)
	}
	t.login = true
	return nil
}

func errClosed() error { return fault.New(fault.Failure, "the boundary is closed") }

// with gives fn a session of its own.
func (t *Token) with(ctx context.Context, fn func(s *session) error) error {
	if err := ended(ctx); err != nil {
		return err
	}
	select { // a closed token is closed, even while a session is free
	case <-t.closing:
		return errClosed()
	default:
	}
	var s *session
	select {
	case <-t.closing:
		return errClosed()
	case <-ctx.Done():
		return ended(ctx)
	case s = <-t.free:
	}
	defer func() { t.free <- s }()
	if s == nil {
		opened, err := t.openSession()
		if err != nil {
			return err
		}
		s = opened
	}
	return fn(s)
}

// Info is what the token said of itself when it was opened.
func (t *Token) Info() TokenInfo { return t.info }

// Close waits for the calls that run, logs out and ends the connection. A second Close does nothing.
func (t *Token) Close() error {
	t.once.Do(func() {
		close(t.closing)
		var open []*session
		for range cap(t.free) {
			if s := <-t.free; s != nil {
				open = append(open, s)
			}
		}
		if t.login && len(open) > 0 {
			t.m.leave(t.slot, open[0].h)
		}
		for _, s := range open {
			_ = t.m.CloseSession(s.h) // a token that is gone has closed them itself
		}
		t.end = t.m.drop()
	})
	return t.end
}
