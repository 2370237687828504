package store

// What the audit log takes the digest of: a row of the ledger in the one way in which it can be written.

import (
	"context"
	"database/sql"
	"iter"
	"strconv"

	"poskey/pkg/kcv"
)

// Statement is all that a row says, but for its number: the name of what it is, and then each field after its length in
// bytes, decimal, and a colon; a line feed after each of them.
func (h *Holding) Statement() []byte {
	return statement("poskey/v1/holding", h.Ceremony, decimal(micros(h.At)), h.Key.Label, decimal(int64(h.Key.Version)),
		string(h.Check.Method), h.Check.Digits, h.Sheets, decimal(int64(h.Part)), decimal(int64(h.Parts)), decimal(int64(h.Needed)), h.Person,
		h.Name, h.Card, h.Seat, string(h.Event), h.Bag, h.Outer, h.Channel)
}

// Beginning is what a row says from the beginning of its ceremony.
func (y *Ceremony) Beginning() []byte {
	return statement("poskey/v1/ceremony/begin", y.ID, y.Kind, y.Title, y.Script, decimal(micros(y.Began)))
}

// Ending is what a row says from the end of its ceremony.
func (y *Ceremony) Ending() []byte {
	return statement("poskey/v1/ceremony/end", y.ID, string(y.State), y.Head, decimal(micros(y.Ended)))
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

func statement(what string, fields ...string) []byte {
	b := append([]byte(what), '\n')
	for _, f := range fields {
		b = append(append(append(strconv.AppendInt(b, int64(len(f)), 10), ':'), f...), '\n')
	}
	return b
}

// SameCheck compares check values on the shorter length. Those of two methods, those of fewer than four digits and those that nobody
// knows say nothing: known is false.
func SameCheck(a, b kcv.Value) (same, known bool) {
	n := min(len(a.Digits), len(b.Digits))
	if n < shortestCheck || a.Method != "" && b.Method != "" && a.Method != b.Method {
		return false, false
	}
	return a.Digits[:n] == b.Digits[:n], true
}

// Ceremonies streams the ceremonies of the ledger by their ids.
func (s *Store) Ceremonies(ctx context.Context) iter.Seq2[Ceremony, error] {
	return func(yield func(Ceremony, error) bool) {
		var all []Ceremony // one takes hours: there are few
		rows, err := s.read().QueryContext(ctx, "SELECT "+ceremonyColumns+" FROM ceremonies ORDER BY id")
		err = each(rows, err, func(r *sql.Rows) error {
			y, err := scanCeremony(r)
			all = append(all, y)
			return err
		})
		if err != nil {
			yield(Ceremony{}, dbError(err))
			return
		}
		for _, y := range all {
			if !yield(y, nil) {
				return
			}
		}
	}
}
