package audit

// The rules between records. The writer obeys them and the verifier asks for them, both through this one type.

import (
	"slices"
	"time"

	"poskey/internal/fault"
)

// intent is one that has no outcome yet.
type intent struct {
	seq uint64
	op  Operation
}

// chain is what the next record depends on.
type chain struct {
	first  uint64 // the first record that was seen; intents above it are not known
	seq    uint64 // the last
	head   Digest
	last   time.Time
	timed  bool // last is known
	open   []intent
	origin Identity
}

// startAt makes a chain that takes a record in the middle of a log at its word.
func startAt(r *Record) chain { return chain{first: r.Seq, seq: r.Seq - 1, head: r.Prev} }

// fill gives a new record its place.
func (c *chain) fill(r *Record, now time.Time) {
	r.Seq, r.Prev = c.seq+1, c.head
	r.Time = now.UTC().Truncate(time.Microsecond)
	r.Back = c.back(r.Time)
	r.Open = oldest(c.openAfter(r))
}

// back tells how far a time lies before that of the last record.
func (c *chain) back(t time.Time) time.Duration {
	if !c.timed {
		return 0
	}
	return max(0, c.last.Sub(t))
}

// check tells whether the record may follow. The record itself has passed its own checks.
func (c *chain) check(r *Record) *Problem {
	if r.Seq != c.seq+1 {
		return &Problem{Reason: OutOfOrder, Got: number(r.Seq), Want: number(c.seq + 1)}
	}
	if r.Prev != c.head {
		return &Problem{Reason: NotChained, Got: r.Prev.Short(), Want: c.head.Short()}
	}
	if want := c.back(r.Time); c.timed && r.Back != want || r.Seq == 1 && r.Back != 0 {
		return &Problem{Reason: ClockNote, Got: r.Back.String(), Want: want.String()}
	}
	if err := c.checkIntents(r); err != nil {
		return &Problem{Reason: IntentNote, err: err}
	}
	return nil
}

func (c *chain) checkIntents(r *Record) error {
	if r.Of >= max(1, c.first) {
		at, found := c.find(r.Of)
		if !found {
			return fault.New(fault.LogBroken, "record %d, whose outcome it is, is no open intent", r.Of)
		}
		if op := c.open[at].op; op != r.Operation {
			return fault.New(fault.LogBroken, "record %d, whose outcome it is, is about %s, not %s",
				r.Of, string(op), string(r.Operation))
		}
	}
	after := c.openAfter(r)
	if len(after) > MaxOpen {
		return fault.New(fault.LogBroken, "more than %d intents are open at one time", MaxOpen)
	}
	if elsewhere := r.Open > 0 && r.Open < c.first; !elsewhere && r.Open != oldest(after) {
		return fault.New(fault.LogBroken, "it names record %d as the oldest open intent, that is %d (0: none)",
			r.Open, oldest(after))
	}
	return nil
}

// advance makes the record the last one.
func (c *chain) advance(r *Record) {
	if r.Seq == 1 {
		c.origin = r.Log
	}
	c.open = c.openAfter(r)
	c.seq, c.head, c.last, c.timed = r.Seq, r.Hash, r.Time, true
}

// openAfter lists the open intents once the record is in. It leaves the list of the chain as it is.
func (c *chain) openAfter(r *Record) []intent {
	if r.IsIntent() {
		return append(slices.Clip(c.open), intent{r.Seq, r.Operation})
	}
	if at, found := c.find(r.Of); found {
		return slices.Concat(c.open[:at], c.open[at+1:])
	}
	return c.open
}

func (c *chain) find(seq uint64) (at int, found bool) {
	return slices.BinarySearchFunc(c.open, seq, func(i intent, seq uint64) int {
		switch {
		case i.seq < seq:
			return -1
		case i.seq > seq:
			return 1
		}
		return 0
	})
}

func oldest(open []intent) uint64 {
	if len(open) == 0 {
		return 0
	}
	return open[0].seq
}
