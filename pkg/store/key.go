package store

// A key of the inventory and its name.

import (
	"strconv"
	"strings"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// Origins of keys.
const (
	Generated = "generated"
	Formed    = "formed"
	Imported  = "imported"
	Unwrapped = "unwrapped"
	Derived   = "derived"
)

// Ref names a key: a label and a version from 1. Version 0 stands for the newest active version. The zero Ref is none.
type Ref struct {
	Label   string
	Version int
}

// String is LABEL#VERSION, or the label alone when the version is 0.
func (r Ref) String() string {
	if r.Version == 0 {
		return r.Label
	}
	return r.Label + "#" + strconv.Itoa(r.Version)
}

// IsZero reports whether it names nothing.
func (r Ref) IsZero() bool { return r == Ref{} }

// maxVersion bounds what anybody will count to, and keeps a block's label short.
const maxVersion = 999_999_999

// ParseRef reads LABEL or LABEL#VERSION. Errors are of kind usage.
func ParseRef(s string) (Ref, error) {
	label, digits, numbered := strings.Cut(s, "#")
	if err := CheckLabel(label); err != nil {
		return Ref{}, err
	}
	if !numbered {
		return Ref{Label: label}, nil
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 || n > maxVersion || strconv.Itoa(n) != digits {
		return Ref{}, fault.New(fault.Usage, "version %q of key %s is not a number from 1", text.Redact(digits), label)
	}
	return Ref{label, n}, nil
}

// maxLabel is the length of the longest label.
const maxLabel = 64

// CheckLabel tells why s is no label (kind usage): 1 to 64 of A-Z a-z 0-9 . _ -, a letter or digit first.
func CheckLabel(s string) error {
	if s == "" || len(s) > maxLabel || strings.ContainsAny(s[:1], "._-") || strings.Trim(s, labelChars) != "" {
		return fault.New(fault.Usage, "label %q is not 1 to 64 of A-Z a-z 0-9 . _ - beginning with a letter or digit",
			text.Redact(s))
	}
	return nil
}

const labelChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

// Key is a row of the inventory. Times are UTC, cut to microseconds; a zero time did not happen.
type Key struct {
	Label   string
	Version int

	Usage         keys.Usage
	Algorithm     keys.Algorithm
	Mode          byte // X9.143 mode of use
	Exportability byte // E, N or S
	Len           int  // bytes

	Block string    // under the master key; "" when destroyed
	Check kcv.Value // the store compares it, and never computes one

	Parent      Ref    // the key it is exchanged under; zero: none
	ParentBlock string // its X9.143 block under the parent; optional

	Custodians []string // ids of who held components, in the order of the components
	Origin     string   // Generated, Formed, Imported, Unwrapped or Derived
	Purpose    string   // a line for people; optional

	State       State     // of a new key PreActivation or Active; "" is Active
	Created     time.Time // set by the store when zero
	Activated   time.Time // set with the state
	NotAfter    time.Time // end of the cryptoperiod; set on activation when zero, by [Options].Period
	Suspended   time.Time // when last suspended
	Deactivated time.Time
	Compromised time.Time
	Destroyed   time.Time
	Successor   Ref // after [Store.Rotate]
}

// Ref gives the key's name.
func (k Key) Ref() Ref { return Ref{k.Label, k.Version} }
