package manage

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/custody"
	"poskey/pkg/device"
)

// MaxReason is how many characters the reason of an order has at most.
const MaxReason = 96

// CheckOrder refuses an order that no terminal can carry out: usage.
func CheckOrder(o device.Order) error {
	lock, known := device.LockOf(o.Lock)
	locking := o.Verb == device.Lock || o.Verb == device.Unlock
	switch o.Verb {
	case device.Lock, device.Unlock, device.Restart, device.Reset, device.Update:
	default:
		return fault.New(fault.Usage, "unknown order %q; known: lock unlock restart reset update", text.Redact(string(o.Verb)))
	}
	switch {
	case locking && !known:
		_, err := device.ParseLock(string(o.Lock))
		return err
	case !locking && o.Lock != "":
		return fault.New(fault.Usage, "only lock and unlock name a lock")
	case o.Verb == device.Lock && !lock.Settable:
		return fault.New(fault.Usage, "the lock %s sets itself and is not set by an order", string(o.Lock))
	case o.Verb == device.Update && (len(o.Manifest) == 0 || len(o.Image) == 0 || len(o.Image) > MaxImage):
		return fault.New(fault.Usage, "an update has a manifest and software of 1 to %d bytes", MaxImage)
	case o.Verb != device.Update && len(o.Manifest)+len(o.Image) > 0:
		return fault.New(fault.Usage, "only an update has software")
	}
	return checkReason(o.Reason)
}

func checkReason(s string) error {
	printable := func(c rune) bool { return unicode.IsPrint(c) && c != utf8.RuneError }
	if utf8.RuneCountInString(s) > MaxReason || strings.TrimFunc(s, unicode.IsSpace) != s ||
		strings.IndexFunc(s, func(c rune) bool { return !printable(c) }) >= 0 {
		return fault.New(fault.Usage, "a reason has no more than %d characters that can be printed, no blanks at the ends",
			MaxReason)
	}
	return nil
}

// Approvals says as what an order is approved, and whether it takes officers' approvals at the terminal at all.
func Approvals(o device.Order) (a custody.Activity, taken bool) {
	switch o.Verb {
	case device.Lock:
		return custody.DeviceLock, false
	case device.Restart:
		return custody.DeviceRestart, false
	case device.Reset:
		return custody.DeviceReset, true
	case device.Update:
		return custody.DeviceUpdate, true
	}
	lock, _ := device.LockOf(o.Lock)
	if lock.Officers > 1 {
		return custody.DeviceRecover, true
	}
	return custody.DeviceUnlock, lock.Officers > 0
}

// Action is what officers approve for an order. Its label is what they read: the lock or the software, then the reason;
// its details stand for all of the order.
func Action(o device.Order) custody.Action {
	a, _ := Approvals(o)
	var words []string
	if o.Lock != "" {
		words = append(words, string(o.Lock))
	}
	if o.Verb == device.Update {
		words = append(words, fmt.Sprintf("manifest %X", sha256Of(o.Manifest)[:4]))
	}
	if o.Reason != "" {
		words = append(words, o.Reason)
	}
	return custody.Action{Activity: a, Label: strings.Join(words, ": "), Details: details(o)}
}

func details(o device.Order) [32]byte {
	return sha256.Sum256(fmt.Appendf(nil, "poskey device order 1\n%s\n%s\n%s\n%X\n%X\n", o.Verb, o.Lock, o.Reason,
		sha256Of(o.Manifest), sha256Of(o.Image)))
}

func sha256Of(b []byte) []byte {
	sum := sha256.Sum256(b)
	return sum[:]
}
