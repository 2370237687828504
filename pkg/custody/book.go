package custody

import (
	"bytes"
	"io"
	"sync"
	"time"

	"poskey/internal/fault"
)

const (
	// DefaultRequest is how long a request is open when nothing else is said.
	DefaultRequest = 15 * time.Minute

	minRequest   = time.Minute
	maxRequest   = 24 * time.Hour
	maxOpen      = 1000 // requests
	maxApprovals = 16   // for one action
)

// Book is kept where the master key is: it asks for approvals and says whether they suffice. A request lives in the
// book that made it: approvals for another run of the program are for nobody. It may be used from several goroutines.
type Book struct {
	random      io.Reader
	clock       Clock
	start       Instant
	store       string
	environment Environment
	roster      *Roster
	rec         Recorder

	mu   sync.Mutex
	open map[Nonce]asked
}

// asked is a request with what the book remembers of its making.
type asked struct {
	request Request
	at      Instant
}

// NewBook makes the book of a store.
func NewBook(random io.Reader, clock Clock, store string, roster *Roster, rec Recorder) (*Book, error) {
	if err := checkStore(store); err != nil {
		return nil, err
	}
	return &Book{random: random, clock: clock, start: clock(), store: store, environment: roster.environment,
		roster: roster, rec: rec, open: map[Nonce]asked{}}, nil
}

// Ask makes a request for an action, open for as long as life says, a minute to a day. Errors: usage for an action that
// cannot be approved; not_found for a requester who is no officer; not_permitted when the clock was set back; busy when
// a thousand requests are open.
func (b *Book) Ask(a Action, life time.Duration) (Request, error) {
	now := b.clock()
	if err := checkForward(b.start, now); err != nil {
		return Request{}, err
	}
	if err := b.mayAsk(a); err != nil {
		return Request{}, err
	}
	made := wholeSecond(now.Wall)
	q := Request{store: b.store, environment: b.environment, action: a, made: made, expires: wholeSecond(made.Add(life))}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, err := io.ReadFull(b.random, q.nonce[:]); err != nil {
		return Request{}, fault.WrapAs(fault.Failure, err, "draw a nonce")
	}
	if err := q.check(); err != nil {
		return Request{}, err
	}
	b.sweep(now)
	if _, there := b.open[q.nonce]; there {
		return Request{}, fault.New(fault.Failure, "the random source gave a nonce twice; it is broken")
	}
	if len(b.open) >= maxOpen {
		return Request{}, fault.New(fault.Busy, "%d requests wait for approval; no more are taken", maxOpen)
	}
	b.open[q.nonce] = asked{q, now}
	return q, nil
}

func (b *Book) mayAsk(a Action) error {
	if err := a.check(); err != nil {
		return err
	}
	rule, err := RuleOf(a.Activity)
	if err != nil {
		return err
	}
	if rule.ByShares {
		return fault.New(fault.Usage, "%s is done by the officers' shares, not by approvals", string(a.Activity))
	}
	if !a.Requester.IsZero() {
		_, err := b.roster.Find(a.Requester)
		return fault.Wrap(err, "who asks")
	}
	if rule.Terms(b.environment).Apart {
		return fault.New(fault.Usage, "%s must say who asks, since they may not approve it", string(a.Activity))
	}
	return nil
}

// sweep forgets requests that are over. The lock is held.
func (b *Book) sweep(now Instant) {
	for nonce, q := range b.open {
		if q.over(now) {
			delete(b.open, nonce)
		}
	}
}

// over goes by both clocks: the wall clock that officers see, and the time that has passed whatever the wall clock
// says.
func (q asked) over(now Instant) bool {
	life := q.request.expires.Sub(q.request.made)
	return !now.Wall.Before(q.request.expires) || now.Boot-q.at.Boot >= life || now.Boot < q.at.Boot
}

// Admit holds an action against approvals. They must all be for one open request, and the request for exactly this
// action. A request is spent by the first approvals that suffice: that is recorded before the permit is handed out, and
// when it cannot be recorded the request is spent all the same. Approvals that do not suffice are recorded as refused
// and leave the request open. Errors: not_permitted, not_found for an unknown officer, mac_mismatch for a wrong
// signature, and what the recorder gives.
func (b *Book) Admit(a Action, approvals []Approval) (*Permit, error) {
	now := b.clock()
	officers, nonce, err := b.spend(now, a, approvals)
	event := Event{At: now.Wall, Kind: ApprovalUsed, Store: b.store, Officers: officers, Activity: a.Activity,
		Label: a.Label, Check: a.Check, Nonce: nonce}
	if err != nil {
		event.Kind, event.Reason = ApprovalRefused, refusal(err)
		if lost := record(b.rec, event); lost != nil {
			return nil, lost
		}
		return nil, err
	}
	if err := record(b.rec, event); err != nil {
		return nil, err
	}
	return &Permit{action: a, officers: officers}, nil
}

// spend decides, and takes the request out of the book when the approvals suffice.
func (b *Book) spend(now Instant, a Action, approvals []Approval) (officers []Card, nonce Nonce, err error) {
	if err := checkForward(b.start, now); err != nil {
		return nil, nonce, err
	}
	rule, err := RuleOf(a.Activity)
	if err != nil {
		return nil, nonce, err
	}
	terms := rule.Terms(b.environment)
	switch {
	case rule.ByShares:
		return nil, nonce, fault.New(fault.Usage, "%s is done by the officers' shares, not by approvals", string(a.Activity))
	case len(approvals) == 0 && len(terms.Needs) == 0:
		return nil, nonce, a.check()
	case len(approvals) == 0:
		return nil, nonce, fault.New(fault.NotPermitted, "%s takes the approval of %s", string(a.Activity), terms.Text())
	case len(approvals) > maxApprovals:
		return nil, nonce, fault.New(fault.Usage, "%d approvals were given; no more than %d are looked at", len(approvals),
			maxApprovals)
	}
	nonce = approvals[0].request.nonce
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.known(now, nonce, a, approvals); err != nil {
		return nil, nonce, err
	}
	if officers, err = b.signers(now, approvals); err != nil {
		return officers, nonce, err
	}
	if !terms.metBy(officers) {
		return officers, nonce, fault.New(fault.NotPermitted, "%s takes the approval of %s; %d approved", string(a.Activity),
			terms.Text(), len(officers))
	}
	delete(b.open, nonce)
	return officers, nonce, nil
}

// known holds approvals and action against the request that the book made. The lock is held.
func (b *Book) known(now Instant, nonce Nonce, a Action, approvals []Approval) error {
	q, ok := b.open[nonce]
	if !ok {
		return fault.New(fault.NotPermitted, "the request %s was used already, has expired, or was not made here", nonce)
	}
	if q.over(now) {
		delete(b.open, nonce)
		return fault.New(fault.NotPermitted, "the request expired at %s", stamp(q.request.expires))
	}
	want := q.request.Marshal()
	for _, approval := range approvals {
		if !bytes.Equal(approval.request.Marshal(), want) {
			return fault.New(fault.NotPermitted, "an approval is for another request than %s, or the request was changed", nonce)
		}
	}
	if q.request.action != a {
		return fault.New(fault.NotPermitted, "the request %s is for another action than the one that was approved", nonce)
	}
	return nil
}

// signers gives the officers behind the approvals, every one of which must count.
func (b *Book) signers(now Instant, approvals []Approval) ([]Card, error) {
	var officers []Card
	for _, approval := range approvals {
		c, err := b.roster.Find(approval.officer)
		if err != nil {
			return officers, err
		}
		if !approval.signedBy(c) {
			return officers, fault.New(fault.MACMismatch, "the signature under the approval of %s is wrong", c.id)
		}
		if err := c.CheckTime(now.Wall); err != nil {
			return officers, err
		}
		if err := approval.request.suits(c); err != nil {
			return officers, err
		}
		officers = append(officers, c)
	}
	if f, found := twice(approvals); found {
		c, _ := b.roster.Find(f)
		return officers, fault.New(fault.NotPermitted, "%s approved twice; another officer is needed", c.id)
	}
	return officers, nil
}
