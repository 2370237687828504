package device

import (
	"context"
	"errors"
	"time"

	"poskey/internal/secret"
	"poskey/pkg/dukpt"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// What some devices can do besides Device. A caller finds out by a type assertion, and beforehand by Capabilities.

// Serials is a device that tells its serial number.
type Serials interface {
	// Serial asks for the serial number as the device has it; "" where none was ever set.
	Serial(ctx context.Context) (string, error)
	// SetSerial gives it one, and reads it back.
	SetSerial(ctx context.Context, serial string) error
}

// InitialLoader takes DUKPT initial keys in clear. In a key block they go through LoadBlock, into a slot of
// Capabilities.InitialSlots; the block names the KSN.
type InitialLoader interface {
	LoadInitial(ctx context.Context, slot Slot, ik *keys.Key, ksn dukpt.KSN) (Commit, error)
}

// CryptogramLoader takes keys as a bare cryptogram (ECB) under a key that it holds, as dialects older than key blocks
// do. Nothing binds the cryptogram to its use.
type CryptogramLoader interface {
	LoadCryptogram(ctx context.Context, slot Slot, c Cryptogram) (Commit, error)
}

// Cryptogram is a key encrypted under another one of the device.
type Cryptogram struct {
	Bytes    []byte
	Usage    keys.Usage
	Mode     byte
	Alg      keys.Algorithm
	Check    string // check value of the key in hex, as long as the dialect carries it
	KEK      Slot   // where the device holds the key that it is under
	KEKCheck string
	KSN      dukpt.KSN // zero where the key is no initial key
}

// Prover is a device that computes a MAC with a key in a slot: a proof by the device itself that it holds that key.
type Prover interface {
	// MAC computes a MAC over the message with the key that the session cryptogram gives under the slot's key, or, with
	// a session of zero bytes, with the slot's own key.
	MAC(ctx context.Context, slot Slot, session, message []byte) ([]byte, error)
}

// Eraser is a device that erases keys.
type Eraser interface {
	Erase(ctx context.Context, slot Slot) error
	EraseAll(ctx context.Context) error
}

// Manager is a device that tells how it is and takes orders about itself. Nothing here moves a key.
type Manager interface {
	// Login opens a session for an account of the device; the session lasts as long as the connection.
	Login(ctx context.Context, l Login) error
	Status(ctx context.Context) (Status, error)
	// Ask announces an order and gives the challenge for it: an approval request as pkg/custody writes it, which holds
	// the serial number, the order, the device's nonce and when it expires. Empty where the order takes no approval.
	Ask(ctx context.Context, o Order) (challenge []byte, err error)
	// Do carries an order out, with the approvals that it takes.
	Do(ctx context.Context, o Order, approvals [][]byte) error
	// Logs gives events with a number above after, at most so many, the oldest first.
	Logs(ctx context.Context, after uint64, most int) ([]LogEvent, error)
}

// Login is what an account proves itself with.
type Login struct {
	Account  string
	Password *secret.Bytes
	Code     string // one-time password, six digits
}

// Verb is what an order wants.
type Verb string

// The verbs.
const (
	Lock    Verb = "lock"
	Unlock  Verb = "unlock"
	Restart Verb = "restart"
	Reset   Verb = "reset" // erases every key and setting
	Update  Verb = "update"
)

// Order is something a device is to do.
type Order struct {
	Verb     Verb
	Lock     LockKind // of lock and unlock
	Reason   string
	Manifest []byte // of update: the signed manifest
	Image    []byte // of update: the software
}

// Status is what a device tells of itself.
type Status struct {
	Serial, Model, POIVersion, Firmware string
	Now                                 time.Time // by the device's own clock
	Screen                              string    // what stands on its display
	Locks                               []LockState
	Tamper                              TamperState
	Battery                             Battery
	Environment                         Environment
	Link                                Link
	InjectMode                          bool // takes clear keys now
	Slots                               []SlotReport
	Initial                             []InitialReport
	OpenBatch                           int // transactions that are not settled
	Events                              []LogEvent
}

// LockState is a lock that is on.
type LockState struct {
	Kind   LockKind
	Since  time.Time
	Detail string
}

// TamperState says whether the device was opened.
type TamperState struct {
	Tripped bool
	Sensor  string
	At      time.Time
}

// Battery is the backup battery, which keeps the keys.
type Battery struct {
	Millivolts int
	Low        bool
}

// Environment is what the sensors say.
type Environment struct {
	Celsius  float64
	Humidity int // per cent
}

// Link is the device's connection to the world.
type Link struct {
	Kind    string // ethernet, wifi, cellular
	Quality int    // per cent
}

// SlotReport is a slot that holds a key.
type SlotReport struct {
	Slot Slot
	SlotState
	Damaged bool      // the key in it cannot be read any more
	Expires time.Time // zero: never
	// Parity is that of the bytes of a DES key as the device has it, which no check value shows; "" where it does not tell.
	Parity keys.Parity
}

// InitialReport is a DUKPT engine.
type InitialReport struct {
	Slot  Slot
	KSN   string    // of the next transaction
	Check kcv.Value // of the initial key as it was loaded; the device keeps it, not the key
	Left  uint64    // transactions that are left
}

// LogEvent is a line of the device's own log.
type LogEvent struct {
	Seq    uint64
	At     time.Time
	Kind   string
	Detail string
}

// RefusedError is a device that answers a question with a refusal, in its own code. Its kind, and its sentence, are those
// of Err. A refusal of a key is a [CodeError].
type RefusedError struct {
	Dialect string
	CodeInfo
	Err error
}

// Error renders the sentence in English.
func (e *RefusedError) Error() string { return e.Err.Error() }

// Unwrap gives the sentence as a fault, so that it has a kind and can be translated.
func (e *RefusedError) Unwrap() error { return e.Err }

// RefusalIn finds a device's own no in an error: of a key or of a question, in the dialect and as it answered, "02?C".
func RefusalIn(err error) (dialect, answer string, refused bool) {
	var key *CodeError
	var question *RefusedError
	switch {
	case errors.As(err, &key):
		return key.Dialect, key.Answer, true
	case errors.As(err, &question):
		return question.Dialect, question.Code, true
	}
	return "", "", false
}

// LineError is a line that failed before an answer was there. Its kind, and its sentence, are those of Err.
type LineError struct {
	// Rejected: the other end hung up while both introduced themselves, and did not say that our papers are why.
	Rejected bool
	Err      error
}

// Error renders the sentence in English.
func (e *LineError) Error() string { return e.Err.Error() }

// Unwrap gives the sentence as a fault, so that it has a kind and can be translated.
func (e *LineError) Unwrap() error { return e.Err }

// CheckOf is the check value that the device tells of a slot, a DUKPT engine's too; false where it tells of no key there.
func (s *Status) CheckOf(slot Slot) (kcv.Value, bool) {
	for _, r := range s.Slots {
		if r.Slot == slot {
			return r.Check, true
		}
	}
	for _, e := range s.Initial {
		if e.Slot == slot {
			return e.Check, true
		}
	}
	return kcv.Value{}, false
}
