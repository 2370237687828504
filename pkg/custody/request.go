package custody

import (
	"time"
	"unicode/utf8"

	"poskey/internal/fault"
	"poskey/pkg/kcv"
)

const (
	titleRequest = "poskey approval request"

	labelOperation = "operation"
	labelLabel     = "label"
	labelDetails   = "details"
	labelRequester = "requester"
	labelNonce     = "nonce"
	labelMade      = "made"

	maxLabelRunes = 128
)

// Nonce tells one request from all others.
type Nonce [16]byte

// String gives the digits.
func (n Nonce) String() string { return upperHex(n[:]) }

// IsZero reports whether there is none.
func (n Nonce) IsZero() bool { return n == Nonce{} }

// Action is one thing that somebody wants done: what is approved is what is done.
type Action struct {
	Activity   Activity
	Label      string      // of the key or device; may be empty
	Check      kcv.Value   // of the key; may be empty
	Attributes Attributes  // of a key that comes into being; may be empty
	Details    [32]byte    // SHA-256 over everything else that was asked for
	Requester  Fingerprint // who asks; must be there where the table says that they may not approve
}

// check refuses what no document can say.
func (a Action) check() error {
	if _, err := RuleOf(a.Activity); err != nil {
		return err
	}
	if a.Label != "" && (!printable(a.Label) || utf8.RuneCountInString(a.Label) > maxLabelRunes) {
		return fault.New(fault.Usage, "a label has no more than %d characters that can be printed, no blanks at the ends",
			maxLabelRunes)
	}
	if a.Check != (kcv.Value{}) {
		if err := checkValue(a.Check); err != nil {
			return err
		}
	}
	if err := a.Attributes.Check(); err != nil {
		return err
	}
	if a.Details == [32]byte{} {
		return fault.New(fault.Bug, "the digest of what was asked for is missing")
	}
	return nil
}

// Request is what officers are asked to approve. It comes from [Book.Ask] or [ParseRequest].
type Request struct {
	store         string
	environment   Environment
	action        Action
	nonce         Nonce
	made, expires time.Time
}

// Store is the id of the store that asks.
func (q Request) Store() string { return q.store }

// Environment is that of the store.
func (q Request) Environment() Environment { return q.environment }

// Action is what is asked for.
func (q Request) Action() Action { return q.action }

// Nonce tells the request from all others.
func (q Request) Nonce() Nonce { return q.nonce }

// Made is when it was asked, Expires the first second in which it counts no more.
func (q Request) Made() time.Time { return q.made }

// Expires is the end of the request.
func (q Request) Expires() time.Time { return q.expires }

func (q Request) write(w *writer) {
	w.title(titleRequest)
	w.field(labelStore, q.store)
	w.field(labelEnvironment, string(q.environment))
	w.field(labelOperation, string(q.action.Activity))
	w.optional(labelLabel, q.action.Label)
	if q.action.Check != (kcv.Value{}) {
		w.field(labelKeyCheck, checkText(q.action.Check))
	}
	w.optional(labelAttributes, q.action.Attributes.String())
	w.hex(labelDetails, q.action.Details[:])
	if !q.action.Requester.IsZero() {
		w.hex(labelRequester, q.action.Requester[:])
	}
	w.hex(labelNonce, q.nonce[:])
	w.time(labelMade, q.made)
	w.time(labelExpires, q.expires)
}

// Marshal writes the request for the officers.
func (q Request) Marshal() []byte {
	var w writer
	q.write(&w)
	return w.end()
}

// ParseRequest reads a request. It is signed by nobody: what officers approve is what they read in it, and the store
// that asked holds the approval against its own copy. Errors: malformed, version_unsupported, too_large.
func ParseRequest(raw []byte) (Request, error) {
	r := read(raw, titleRequest)
	q := readRequest(r)
	if err := r.end(); err != nil {
		return Request{}, fault.Wrap(err, "approval request")
	}
	if err := same(raw, q.Marshal()); err != nil {
		return Request{}, fault.Wrap(err, "approval request")
	}
	return q, nil
}

// readRequest reads the request whose title has just been taken, without the last line.
func readRequest(r *reader) Request {
	var q Request
	q.store = r.field(labelStore)
	q.environment = Environment(r.field(labelEnvironment))
	q.action.Activity = Activity(r.field(labelOperation))
	q.action.Label = r.optional(labelLabel)
	if r.has(labelKeyCheck) {
		q.action.Check = readCheck(r)
	}
	if r.has(labelAttributes) {
		q.action.Attributes = readAttributes(r)
	}
	r.hex(labelDetails, q.action.Details[:])
	if r.has(labelRequester) {
		r.hex(labelRequester, q.action.Requester[:])
	}
	r.hex(labelNonce, q.nonce[:])
	q.made = r.time(labelMade)
	q.expires = r.time(labelExpires)
	r.check(q.check)
	if r.err != nil {
		return Request{}
	}
	return q
}

func (q Request) check() error {
	if err := checkStore(q.store); err != nil {
		return err
	}
	if err := q.environment.check(); err != nil {
		return err
	}
	if err := q.action.check(); err != nil {
		return err
	}
	if life := q.expires.Sub(q.made); life < minRequest || life > maxRequest || q.nonce.IsZero() {
		return fault.New(fault.Usage, "a request has a nonce and is open for %s to %s", minRequest, maxRequest)
	}
	return nil
}
