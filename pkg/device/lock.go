package device

import (
	"poskey/internal/fault"
	"poskey/internal/text"
)

// LockKind names why a device does not work. An unlock is never a key repair: after tamper the keys are gone, every
// other lock keeps them.
type LockKind string

// The kinds of locks.
const (
	LockOperator   LockKind = "operator"
	LockPassword   LockKind = "password"
	LockPINRate    LockKind = "pin-rate"
	LockSignIn     LockKind = "sign-in"
	LockRemote     LockKind = "remote"
	LockLocation   LockKind = "location"
	LockDualAdmin  LockKind = "dual-administrator"
	LockMutualAuth LockKind = "mutual-authentication"
	LockTamper     LockKind = "tamper"
)

// LockInfo is a row of the table of locks.
type LockInfo struct {
	Kind     LockKind
	Trigger  text.Text // what sets it
	Shows    text.Text // what stands on the screen
	LiftedBy text.Text // who may lift it and how
	KeysKept bool
	Officers int    // approvals that lifting it takes
	Settable bool   // it can be set by an order
	Source   string // where this is published; "" unconfirmed
}

// ParseLock reads the name of a kind. Error: usage.
func ParseLock(s string) (LockKind, error) {
	known := ""
	for _, l := range Locks() {
		if s == string(l.Kind) {
			return l.Kind, nil
		}
		known += " " + string(l.Kind)
	}
	return "", fault.New(fault.Usage, "unknown lock %q; known:%s", text.Redact(s), known)
}

// LockOf gives the row of a kind.
func LockOf(k LockKind) (LockInfo, bool) {
	for _, l := range Locks() {
		if l.Kind == k {
			return l, true
		}
	}
	return LockInfo{}, false
}

// Locks is the table of locks. Remote and tamper locks take two officers: the first is the acquirer's word against
// somebody, the second means that the keys are gone.
func Locks() []LockInfo {
	return []LockInfo{
		{LockOperator, text.New("the lock key, or idle time"), text.New("the terminal is locked"),
			text.New("the same operator's password, or a supervisor's"), true, 0, true, "itindex.net/detail/54891"},
		{LockPassword, text.New("too many wrong passwords"), text.New("too many wrong passwords"),
			text.New("waiting, or a supervisor with an officer's approval"), true, 1, false, "Basewin ErrorConstant.java"},
		{LockPINRate, text.New("too many PIN requests"), text.New("PIN entry too frequent"),
			text.New("waiting"), true, 1, false, "UIC PP791 manual, page 206"},
		{LockSignIn, text.New("batch, PIN key or MAC key out of step with the host"), text.New("sign in again (77, 99, A0)"),
			text.New("signing in"), true, 0, false, "reference of UnionPay response codes"},
		{LockRemote, text.New("the acquirer: a risk rule, unpaid fees, a closed contract"), text.New("locked by the acquirer (03, 58, 97)"),
			text.New("the acquirer, with two officers' approvals; then sign in"), true, 2, true, ""},
		{LockLocation, text.New("the place differs from the record"), text.New("the terminal was moved"),
			text.New("the acquirer updates the record, with an officer's approval"), true, 1, true, "银发〔2021〕259号"},
		{LockDualAdmin, text.New("administrator passwords A and B missing, equal or not yet changed"),
			text.New("change the administrators' passwords"), text.New("both administrators, with different passwords"),
			true, 0, false, "LC610N_API_PED.h"},
		{LockMutualAuth, text.New("injector and terminal have not authenticated each other"), text.New("authentication failed"),
			text.New("doing it again; look at certificates and clock"), true, 0, false, "CN106357394A"},
		{LockTamper, text.New("opened, dropped, heat, liquid, or the backup battery ran empty"), text.New("tamper: all keys erased"),
			text.New("the vendor, with two officers' approvals; then a new injection: the keys are gone"), false, 2, false,
			"WizarPOS SDK wiki, How to Recover a Terminal from Tamper Status"},
	}
}
