package custody

import (
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/kcv"
)

// EventKind names what happened. Logs keep these words; they never change their meaning.
type EventKind string

// The events.
const (
	IdentityOpened  EventKind = "identity_opened"  // an officer gave the right passphrase
	PassphraseWrong EventKind = "passphrase_wrong" // somebody gave a wrong one
	ShareRevealed   EventKind = "share_revealed"   // an officer's share is about to be opened
	ShareRefused    EventKind = "share_refused"    // it was not taken; Reason says why
	MasterOpened    EventKind = "master_opened"    // the master key is about to be put together
	MasterReshared  EventKind = "master_reshared"  // a new generation of shares is about to be handed out
	Authorised      EventKind = "authorised"       // activities are about to be allowed for a time
	ApprovalUsed    EventKind = "approval_used"    // an approval is about to be acted on; its nonce is spent
	ApprovalRefused EventKind = "approval_refused" // approvals did not suffice; Reason says why
)

// Event is what a log has to know. Fields that do not apply are empty; none ever holds a secret.
type Event struct {
	At         time.Time
	Kind       EventKind
	Store      string
	Generation uint64
	Officers   []Card // who took part, as far as known
	Activity   Activity
	Activities []Activity // of an authorisation
	Until      time.Time  // end of an authorisation
	Label      string
	Check      kcv.Value
	Nonce      Nonce
	Reason     text.Text
}

// Recorder writes events down where they last (fsync first). What an event announces is done only after Record has
// returned nil: an error means that it is not done.
type Recorder interface {
	Record(e Event) error
}

// RecorderFunc makes a Recorder of a function.
type RecorderFunc func(e Event) error

// Record calls the function.
func (f RecorderFunc) Record(e Event) error { return f(e) }

// record refuses to go on without a log.
func record(rec Recorder, e Event) error {
	if rec == nil {
		return fault.New(fault.Bug, "nothing is there to record %s", string(e.Kind))
	}
	if err := rec.Record(e); err != nil {
		return fault.Wrap(err, "%s could not be recorded, so nothing was done", string(e.Kind))
	}
	return nil
}

// refusal is the sentence of an error for the log.
func refusal(err error) text.Text { return text.Raw(err.Error()) }
