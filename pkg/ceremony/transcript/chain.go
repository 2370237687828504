package transcript

// The rules between lines. The writer obeys them and the reader asks for them, both through this one type.

import (
	"slices"
	"time"

	"poskey/internal/chained"
	"poskey/internal/fault"
	"poskey/pkg/custody"
)

// chain is what the next line depends on.
type chain struct {
	n       int // the last line
	hash    Digest
	time    time.Time
	step    int
	kind    Kind
	head    *Head
	public  known
	cards   []custody.Card // of those who attended
	signers []string       // of the note
	aborted bool
	closed  bool
}

// fill gives a new record its place.
func (c *chain) fill(r *Record, now time.Time) {
	r.N, r.Prev = c.n+1, c.hash
	r.Time = now.UTC().Truncate(time.Microsecond)
	r.Back = c.back(r.Time)
}

// back tells how far a time lies before that of the last line.
func (c *chain) back(t time.Time) time.Duration {
	if c.n == 0 {
		return 0
	}
	return max(0, c.time.Sub(t))
}

// proof is what a line brought with it, verified.
type proof struct {
	card    custody.Card // of attended
	signers []string     // of note
}

// check tells whether the record may follow. The record itself has passed its own checks.
func (c *chain) check(r *Record) (proof, error) {
	if err := c.fits(r); err != nil {
		return proof{}, err
	}
	var p proof
	var err error
	switch r.Kind {
	case KindAttended:
		p.card, err = c.attend(r)
	case KindSigned:
		err = c.checkSigned(r)
	case KindNote:
		p.signers, err = c.openNote(r.Note)
	}
	if err != nil {
		return proof{}, err
	}
	return p, nil
}

// fits holds a record against the line above.
func (c *chain) fits(r *Record) error {
	if r.N != c.n+1 {
		return fault.New(fault.LogBroken, "line %d stands in the place of line %d; lines were deleted, inserted or moved",
			r.N,
			c.n+1)
	}
	if r.Prev != c.hash {
		return fault.New(fault.LogBroken,
			"it names %s as the hash of the line above, which has %s; one of the two was changed", r.Prev.Short(),
			c.hash.Short())
	}
	if want := c.back(r.Time); r.Back != want {
		return fault.New(fault.LogBroken, "its note says that the clock went back by %s, the times say %s", r.Back, want)
	}
	return c.follows(r.Kind)
}

// follows tells whether a line of a kind may come next.
func (c *chain) follows(k Kind) error {
	switch {
	case (c.n == 0) != (k == KindOpen):
		return fault.New(fault.LogBroken, "the first line opens the record, and no other does")
	case c.closed:
		return fault.New(fault.NotPermitted, "the record is closed; nothing stands after the note")
	case k == KindNote && c.kind != KindClosing:
		return fault.New(fault.NotPermitted, "the note stands directly after the line closing")
	case c.kind == KindClosing && k != KindNote && (k != KindResumed || c.aborted):
		return fault.New(fault.NotPermitted, "after the line closing comes the note")
	case c.aborted && !k.AfterAbort():
		return fault.New(fault.NotPermitted, "the ceremony was given up; a line of %s cannot follow", string(k))
	}
	return nil
}

// attend reads the card of somebody who takes a seat. One id is one card is one person.
func (c *chain) attend(r *Record) (custody.Card, error) {
	card, err := custody.ParseCard(r.Card)
	if err != nil {
		return custody.Card{}, err
	}
	if card.ID() != r.Who {
		return custody.Card{}, fault.New(fault.NotPermitted, "the card is that of %s, not of %s", card.ID(), r.Who)
	}
	if c.head != nil && c.head.Mode == Run && card.Environment() != c.head.Environment {
		return custody.Card{}, fault.New(fault.NotPermitted, "the card of %s is for the environment %s", card.ID(),
			card.Environment().Text())
	}
	for _, other := range c.cards {
		if other.Fingerprint() == card.Fingerprint() {
			return card, nil
		}
		if other.ID() == card.ID() {
			return custody.Card{}, fault.New(fault.NotPermitted, "%s attended with another card before", card.ID())
		}
		if string(other.SigningKey()) == string(card.SigningKey()) {
			return custody.Card{}, fault.New(fault.NotPermitted, "the cards of %s and %s have one key: they are one person",
				other.ID(), card.ID())
		}
	}
	if len(c.cards) == maxAttending {
		return custody.Card{}, fault.New(fault.TooLarge, "at most %d people attend a ceremony", maxAttending)
	}
	return card, nil
}

// cardOf gives the card with which somebody attended.
func (c *chain) cardOf(id string) (custody.Card, error) {
	for _, card := range c.cards {
		if card.ID() == id {
			return card, nil
		}
	}
	return custody.Card{}, fault.New(fault.NotPermitted, "%s did not attend and cannot sign", id)
}

// advance makes a record that was checked the last one.
func (c *chain) advance(r *Record, p proof) {
	switch r.Kind {
	case KindOpen:
		c.head = r.Head
		c.public = known{r.Head.Ceremony}.with(c.scriptFingerprint())
	case KindAttended:
		c.welcome(p.card)
	case KindAborted:
		c.aborted = true
	case KindNote:
		c.closed, c.signers = true, p.signers
	}
	c.follow(r)
}

// welcome remembers the card of somebody who attends; of somebody who did before, it is there already.
func (c *chain) welcome(card custody.Card) {
	if _, err := c.cardOf(card.ID()); err != nil {
		c.cards = append(c.cards, card)
		c.public = c.public.with(card.Fingerprint())
	}
}

// follow takes the place of a record, and nothing of what it says.
func (c *chain) follow(r *Record) {
	c.n, c.hash, c.time, c.step, c.kind = r.N, r.Hash, r.Time, r.Step, r.Kind
}

// spoken lists what may be read aloud: the digits known, and the hash of the last line.
func (c *chain) spoken() known { return c.public.with(c.hash.fingerprint()) }

func (c *chain) scriptFingerprint() custody.Fingerprint {
	if c.head == nil {
		return custody.Fingerprint{}
	}
	return DigestOf(c.head.Script).fingerprint()
}

func (c *chain) state() State {
	switch {
	case c.aborted:
		return Aborted
	case c.closed:
		return Closed
	}
	return Open
}

// missing lists those who attended and did not sign at the end.
func (c *chain) missing(signers []string) []string {
	var ids []string
	for _, card := range c.cards {
		if !slices.Contains(signers, card.ID()) {
			ids = append(ids, card.ID())
		}
	}
	return ids
}

// timeText writes a time as lines do.
func timeText(t time.Time) string { return t.Format(chained.TimeLayout) }
