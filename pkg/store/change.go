package store

// What every change carries with it.

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"poskey/internal/fault"
)

// Mark is a place in the audit log: the intent that stands behind a change. The store keeps the highest one it was
// given, in the transaction of the change itself, so that a database that was put back to an older copy is found by
// holding it against the log.
type Mark struct {
	Seq  uint64
	Hash string // 64 upper-case hex digits
}

// IsZero reports whether there is no mark.
func (m Mark) IsZero() bool { return m.Seq == 0 }

func (m Mark) check() error {
	if m == (Mark{}) {
		return nil
	}
	if m.Seq == 0 || m.Seq >= 1<<53 || len(m.Hash) != 64 || strings.Trim(m.Hash, "0123456789ABCDEF") != "" {
		return fault.New(fault.Bug, "a mark in the audit log has a number from 1 and 64 hex digits")
	}
	return nil
}

// Change comes with every call that writes.
type Change struct {
	Mark Mark      // of the audit intent; the zero mark leaves the stored one as it is
	At   time.Time // when; zero takes the clock of [Options]
	// While names keys that must still be in these states when a change of keys commits, such as the parent that a block
	// was made under (busy).
	While map[Ref]State
}

// holds looks whether keys are still in the states that the change was made for.
func (c *Change) holds(ctx context.Context, tx *sql.Tx) error {
	for ref, state := range c.While {
		k, err := findKey(ctx, tx, ref)
		if err != nil {
			return err
		}
		if k.State != state {
			return fault.New(fault.Busy, "key %s is %s, not %s any more", ref, k.State, state)
		}
	}
	return nil
}

// putMark keeps the highest mark: of two changes that were begun one after the other, the first may commit last.
func putMark(ctx context.Context, tx *sql.Tx, m Mark) error {
	if m.IsZero() {
		return nil
	}
	_, err := tx.ExecContext(ctx, "UPDATE meta SET mark_seq = $1, mark_hash = $2 WHERE mark_seq < $1", int64(m.Seq),
		m.Hash)
	return err
}

// Mark reads the highest mark that came with a change.
func (s *Store) Mark(ctx context.Context) (Mark, error) {
	m, err := readMark(ctx, s.read())
	return m, dbError(err)
}

func readMark(ctx context.Context, from asker) (Mark, error) {
	var m Mark
	var seq int64
	// A number that is handed out leaves its mark with its key set: one row less to be written.
	if err := from.QueryRowContext(ctx, `SELECT mark_seq, mark_hash FROM meta
		UNION ALL SELECT mark_seq, mark_hash FROM key_sets ORDER BY 1 DESC LIMIT 1`).Scan(&seq, &m.Hash); err != nil {
		return Mark{}, err
	}
	m.Seq = uint64(seq)
	return m, nil
}
