package audit

// Reading a log for its content.

import (
	"errors"
	"io"
	"iter"
	"strings"
	"time"
)

// Filter chooses records. What is empty chooses all.
type Filter struct {
	From, Until time.Time // From is in, Until is out
	Operation   Operation // "key.generate", or all operations on keys: "key."
	Kind        ObjectKind
	Label       string
	Actor       string // id of who acted or took part
	Result      Result
}

// Match tells whether a record is chosen.
func (f Filter) Match(r *Record) bool {
	return (f.From.IsZero() || !r.Time.Before(f.From)) &&
		(f.Until.IsZero() || r.Time.Before(f.Until)) &&
		f.matchOperation(r.Operation) &&
		(f.Kind == "" || f.Kind == r.Object.Kind) &&
		(f.Label == "" || f.Label == r.Object.Label) &&
		(f.Actor == "" || f.matchActor(r)) &&
		(f.Result == "" || f.Result == r.Outcome.Result)
}

func (f Filter) matchOperation(o Operation) bool {
	if strings.HasSuffix(string(f.Operation), ".") {
		return strings.HasPrefix(string(o), string(f.Operation))
	}
	return f.Operation == "" || f.Operation == o
}

func (f Filter) matchActor(r *Record) bool {
	for _, a := range r.With {
		if a.ID == f.Actor {
			return true
		}
	}
	return r.Who.ID == f.Actor
}

// Query gives the chosen records of a log in order. It follows the chain as it goes: where the log does not verify it
// gives the [*Problem] as the last thing and ends, so that no record below the break is shown as if it were good.
func Query(r io.Reader, f Filter) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		lines, c := newLines(r, 0), chain{}
		for {
			r, offset, p, err := lines.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err == nil && p == nil {
				p = c.check(&r)
			}
			if p != nil {
				p.Record, p.Offset = c.seq+1, offset
				err = p
			}
			if err != nil {
				yield(Record{}, err)
				return
			}
			c.advance(&r)
			if f.Match(&r) && !yield(r, nil) {
				return
			}
		}
	}
}
