package store

// Steps in the life of a key.

import (
	"context"
	"database/sql"
	"time"

	"poskey/internal/fault"
)

// Event is a step in the life of a key.
type Event struct {
	At       time.Time
	From, To State
	Reason   string
	Mark     uint64 // number of the audit intent; 0 when there was none
}

// maxReason is the length of the longest reason.
const maxReason = 256

// Transition moves a key from one state to another. What is destroyed loses its blocks in the same transaction, and
// keeps everything else. Errors: not_permitted for a step that is not allowed; busy when the key is not in from any
// more; not_found.
func (s *Store) Transition(ctx context.Context, c Change, r Ref, from, to State, reason string) error {
	err := checkStep(r, from, to, reason)
	if err == nil {
		err = s.changeKeys(ctx, c, func(tx *sql.Tx, at int64) error {
			k, err := findKey(ctx, tx, r)
			if err != nil {
				return err
			}
			if k.State != from {
				return fault.New(fault.Busy, "key %s is %s, not %s any more", r, k.State, from)
			}
			return s.step(ctx, tx, c, at, k, to, reason)
		})
	}
	if err != nil {
		return fault.Wrap(err, "changing the state of key %s", r)
	}
	if to.Gone() {
		s.scrub(ctx)
	}
	return nil
}

func checkStep(r Ref, from, to State, reason string) error {
	switch {
	case r.Version == 0:
		return fault.New(fault.Usage, "key %s is named without its version", r.Label)
	case !from.MayBecome(to):
		return fault.New(fault.NotPermitted, "a key that is %s cannot become %s", from, to)
	case !isLine(reason, maxReason):
		return fault.New(fault.Usage, "a reason is a line of at most %d bytes", maxReason)
	}
	return nil
}

// step writes the new state. Its time is never before the last one of the row, whatever the clock does.
func (s *Store) step(ctx context.Context, tx *sql.Tx, c Change, at int64, k keyRow, to State, reason string) error {
	now := fromMicros(at)
	for _, earlier := range []time.Time{k.Created, k.Activated, k.Suspended, k.Deactivated, k.Compromised} {
		now = later(now, earlier)
	}
	set, args := "state = $2", arguments{k.id, string(to)}
	put := func(column string, v any) { set += ", " + column + " = " + args.place(v) }
	switch to {
	case Active:
		if k.Activated.IsZero() {
			put("activated", micros(now))
			if k.NotAfter.IsZero() {
				put("not_after", micros(s.options.Period(k.Usage).After(now)))
			}
		}
	case Suspended:
		put("suspended", micros(now))
	case Deactivated:
		put("deactivated", micros(now))
	case Compromised:
		put("compromised", micros(now))
	case Destroyed, DestroyedCompromised:
		put("destroyed", micros(now))
		set += ", block = '', parent_block = ''"
	}
	_, err := tx.ExecContext(ctx, "UPDATE keys SET "+set+" WHERE id = $1", args...) //nolint:gosec // G202: columns' names
	if err != nil {
		return err
	}
	// Who waits to be given a number is given none by a key that is not active any more.
	if _, err := tx.ExecContext(ctx, "UPDATE key_sets SET bdk_state = $1 WHERE bdk = $2", string(to), k.id); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO key_events (key_id, at, from_state, to_state, reason, mark_seq)
		VALUES ($1, $2, $3, $4, $5, $6)`, k.id, micros(now), string(k.State), string(to), reason, int64(c.Mark.Seq))
	return err
}

// scrub empties the write-ahead log, which still has the pages as they were. It is tried, no more: a reader in another
// process may be in the way, and the blocks are under the master key.
func (s *Store) scrub(ctx context.Context) {
	if s.dialect == sqliteDialect {
		_, _ = s.db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	}
}

// History lists what happened to a key, oldest first.
func (s *Store) History(ctx context.Context, r Ref) ([]Event, error) {
	k, err := findKey(ctx, s.read(), r)
	if err != nil {
		return nil, dbError(err)
	}
	var all []Event
	rows, err := s.read().QueryContext(ctx,
		"SELECT at, from_state, to_state, reason, mark_seq FROM key_events WHERE key_id = $1 ORDER BY id", k.id)
	err = each(rows, err, func(r *sql.Rows) error {
		var e Event
		var at, mark int64
		if err := r.Scan(&at, (*string)(&e.From), (*string)(&e.To), &e.Reason, &mark); err != nil {
			return err
		}
		e.At, e.Mark = fromMicros(at), uint64(mark)
		all = append(all, e)
		return nil
	})
	if err != nil {
		return nil, dbError(err)
	}
	return all, nil
}
