package ceremony

// A ceremony from its first step to its last.

import (
	"errors"
	"io"
	"time"

	"poskey/internal/secret"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/component"
	"poskey/pkg/custody"
	"poskey/pkg/keys"
)

// What people may say at every question instead of an answer.
var (
	ErrDeviation = errors.New("a deviation is to be written down")
	ErrAbort     = errors.New("the ceremony is to be given up")
)

// Options are a ceremony.
type Options struct {
	Program  *script.Program
	Findings []script.Finding // of the check; none of them an error
	Mode     transcript.Mode
	Log      *transcript.Log
	Before   *transcript.Document // what happened before a break; nil for a new ceremony
	Desk     Desk
	Tools    Tools
	Env      keys.Env
	Clock    func() time.Time
	// Sheet writes the sheet of a part for the printer.
	Sheet func(w io.Writer, p *component.Part, about SheetAbout) error

	// unlock opens an identity; nil is [custody.Locked.Unlock]. Tests open the same ones without its cost.
	unlock unlocker
}

// SheetAbout is what stands on a sheet beside the component. What is empty is a line to write on.
type SheetAbout struct {
	Test         bool // it is to be printed on every line that a reader could mistake
	Rehearsal    bool // the mark says so
	Organisation string
	Place        string
	Ceremony     string
	Fingerprint  string // of the script, words
	Script       string // SHA-256 of the script
	KeyID        string
	Label        string
	Purpose      string
	Generator    string // make, model, serial, firmware of what drew it
	Custodian    string
	Backup       string
	Witness      string
	Bag, Outer   string
	Channel      string
	SerialBy     string // who tells the serial of the bag, apart from it
	Time         time.Time
}

// unlocker opens an identity with its passphrase.
type unlocker func(*custody.Locked, *secret.Bytes) (*custody.Identity, error)

// Outcome is how it ended.
type Outcome struct {
	State      transcript.State
	Steps      int // done
	Deviations int
	Signers    []string
}
