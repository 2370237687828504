package emulator

import (
	"context"
	"time"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/dukpt"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// Port is a dialect at the terminal's line. It reads frames and answers them; what a key may do is the terminal's
// business. Visa() is the one of Config's zero value.
type Port interface {
	// Dialect is the name in URIs.
	Dialect() string
	// Layout says which slots the terminal has when it speaks this dialect.
	Layout() Layout
	// Serve answers until the line or ctx ends. io.EOF and ErrCut are ordinary ends.
	Serve(ctx context.Context, w *Wire) error
}

// Layout says which slots there are and what may stand in them.
type Layout struct {
	Rules   []device.SlotRule // which keys stand where; a key that no row takes is refused
	Initial []device.Slot     // of DUKPT engines of their own; none: any slot takes an initial key
	KEK     device.Slot       // of the key that key blocks are under
	// Known says which slots exist. Takes says what is wrong with a key for a slot; nil goes by Rules.
	Known func(device.Slot) bool
	Takes func(slot device.Slot, usage keys.Usage, mode byte, alg keys.Algorithm) Refusal
	// Blocks gives the lengths of key blocks of a version, of initial keys or of others.
	Blocks func(version byte, initial bool) []int
	OneKSN bool // an initial key with a KSN that was loaded before is refused
}

// Offer is a key that a loader hands over: exactly one of Clear, Block and Cryptogram is set.
type Offer struct {
	Slot       device.Slot
	Clear      *keys.Key // becomes the terminal's, whatever comes of it
	Block      string    // names usage, mode and KSN itself
	Cryptogram []byte    // ECB, under the key in slot KEK
	Algorithm  keys.Algorithm
	Usage      keys.Usage
	Mode       byte
	Initial    bool        // a DUKPT initial key
	KSN        dukpt.KSN   // of an initial key, not for Block
	KEK        device.Slot // "": that of the layout
	Check      string      // check value that the loader gives, in hex, compared as long as it is; "": none
	KEKCheck   string
	WantEmpty  bool // refuse a slot that holds a key
	Expires    time.Time
}

// Pending is a key that was found good and waits for the loader's commit. Commit or Drop it.
type Pending struct{}

// Loaded is what a commit stored.
type Loaded struct {
	Slot  device.Slot
	State device.SlotState // State.Check is what the terminal tells, faults included
	Check kcv.Value        // of what was really stored
}

// Offer looks at a key and holds it ready; nothing is stored yet.
func (t *Terminal) Offer(o Offer) (*Pending, Refusal) { return nil, RefusedStorage }

// Commit stores the key. It is on disk when Commit returns.
func (p *Pending) Commit() (Loaded, Refusal) { return Loaded{}, RefusedStorage }

// Drop forgets the key. After Commit, and on nil, it does nothing.
func (p *Pending) Drop() {}

// State tells what a slot holds, master key or DUKPT engine, as a driver would be told.
func (t *Terminal) State(slot device.Slot) device.SlotReport { return device.SlotReport{} }

// KEK tells the check value of a key that protects others, or why there is none.
func (t *Terminal) KEK(slot device.Slot) (kcv.Value, Refusal) { return kcv.Value{}, RefusedNoKEK }

// Erase empties a slot. RefusedEmpty where it holds nothing.
func (t *Terminal) Erase(slot device.Slot) Refusal { return RefusedStorage }

// EraseAll empties every slot and engine.
func (t *Terminal) EraseAll() Refusal { return RefusedStorage }

// Serial is the serial number, "" where none was set. SetSerial gives another one; what form it has is the port's
// business.
func (t *Terminal) Serial() string { return "" }

// SetSerial stores a serial number.
func (t *Terminal) SetSerial(serial string) Refusal { return RefusedStorage }

// Ready tells why the terminal takes no keys now: RefusedTampered, RefusedLocked, RefusedBusy, or Accepted.
func (t *Terminal) Ready() Refusal { return RefusedStorage }

// InInjectMode reports whether clear keys are taken now.
func (t *Terminal) InInjectMode() bool { return false }

// MAC computes ISO 9797-1 algorithm 3 (zero padding, zero IV; DES in CBC mode for a single-length key) with the key that
// the session cryptogram gives under the slot's key, or with the slot's own where session is all zero.
func (t *Terminal) MAC(slot device.Slot, session, message []byte) ([]byte, Refusal) {
	return nil, RefusedStorage
}

// Transaction gives the key of an engine's next transaction, after the counter has gone on, on disk too. The caller
// wipes it.
func (t *Terminal) Transaction(slot device.Slot) (*dukpt.Transaction, Refusal) {
	return nil, RefusedStorage
}

// Wire is the terminal's side of one line, with the faults that were ordered.
type Wire struct{}

// ErrCut says that a fault cut the line.
var ErrCut = errCut

// Terminal is whose line it is.
func (w *Wire) Terminal() *Terminal { return nil }

// Read gives the next bytes; the caller wipes them. It ends as line.Line.Read does, or with ErrCut.
func (w *Wire) Read(ctx context.Context, timer <-chan time.Time) ([]byte, error) { return nil, errCut }

// Write writes all of b, byte by byte where that is ordered. It ends with ErrCut at the byte where the line is cut.
func (w *Wire) Write(b []byte) error { return errCut }

// Begin starts an exchange: faults that count exchanges and chance ones are drawn, tamper-at=N counts, and slow waits.
// To be called once for each good frame, before it is answered.
func (w *Wire) Begin(ctx context.Context) error { return errCut }

// Misbehaves reports whether a fault is to show now, and says so in the log of events.
func (w *Wire) Misbehaves(f Fault) bool { return false }

// Ordered reports whether a fault is on, without saying so, and its value.
func (w *Wire) Ordered(f Fault) (value string, on bool) { return "", false }

// Report makes an event known.
func (t *Terminal) Report(e Event) { t.report(e) }

// Session is somebody who has logged in at the terminal. It is device.Manager's other end.
type Session struct{}

// Role is what an account may do.
type Role string

// The roles.
const (
	Administrator Role = "administrator" // 99
	Supervisor    Role = "supervisor"    // 00
	Operator      Role = "operator"      // 01 to 05
)

// Login opens a session. Errors: auth_failed, alike for an unknown account, a wrong password and a wrong code;
// not_permitted while the password lock is on. Denials are logged.
func (t *Terminal) Login(l device.Login) (*Session, error) {
	return nil, fault.New(fault.AuthFailed, "account or password is wrong")
}

// Account and Role tell who it is.
func (s *Session) Account() string { return "" }

// Role tells what the session may do.
func (s *Session) Role() Role { return "" }

// Status tells how the terminal is.
func (s *Session) Status() device.Status { return device.Status{} }

// Ask announces an order and gives the approval request for it, nil where the order takes no approval.
// Errors: not_permitted for the role, usage for an order that cannot be.
func (s *Session) Ask(o device.Order) (challenge []byte, err error) { return nil, nil }

// Do carries an order out, with the approvals that it takes, each as custody writes it.
func (s *Session) Do(o device.Order, approvals [][]byte) error { return nil }

// Logs gives events with a number above after, at most so many, the oldest first.
func (s *Session) Logs(after uint64, most int) ([]device.LogEvent, error) { return nil, nil }

// Status tells how the terminal is, to whoever holds it in the hand.
func (t *Terminal) Status() device.Status { return device.Status{} }

// EnterInjectMode opens the key inject mode with the two passwords of two people. Errors: auth_failed; not_permitted
// while a lock is on.
func (t *Terminal) EnterInjectMode(a, b *secret.Bytes) error { return nil }

// LeaveInjectMode ends it.
func (t *Terminal) LeaveInjectMode() {}

// StillInjecting is told by ports: a message that keeps the key inject mode, or another one, which ends it.
func (t *Terminal) StillInjecting(keeps bool) {}

// Tamper is the switch: all keys are gone when it returns.
func (t *Terminal) Tamper(sensor string) {}
