package store

// How far the key sets have come, and what a store that was restored does about numbers that left since its backup.

import (
	"context"
	"database/sql"
)

// Reached is how far a key set has come in handing out numbers. Neither count ever goes back.
type Reached struct {
	KeySet string
	Next   uint64 // the next free number: all below it were handed out or leased
	Leased uint64 // numbers that the store itself gave out of leases
}

// Reached tells how far each key set has come; those that handed out nothing are left out.
func (s *Store) Reached(ctx context.Context) ([]Reached, error) {
	all, err := reached(ctx, s.read())
	return all, dbError(err)
}

func reached(ctx context.Context, from asker) ([]Reached, error) {
	var all []Reached
	rows, err := from.QueryContext(ctx, `SELECT s.id, s.next, CAST(COALESCE((SELECT SUM(l.next - l.lo) FROM leases l
		WHERE l.key_set = s.id), 0) AS BIGINT) FROM key_sets s WHERE s.next > s.lo ORDER BY s.id`)
	err = each(rows, err, func(r *sql.Rows) error {
		var k Reached
		var next, leased int64
		if err := r.Scan(&k.KeySet, &next, &leased); err != nil {
			return err
		}
		k.Next, k.Leased = uint64(next), uint64(leased)
		all = append(all, k)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// Caution is what a store that is restored is held to: nobody knows what left it after the backup was made. All its key
// sets come back frozen, and its leases give nothing more.
type Caution struct {
	Mark Mark              // of the intent to restore
	Next map[string]uint64 // by key set, how far it is known to have come; it goes on from there
}

func (c *Caution) apply(ctx context.Context, tx *sql.Tx) error {
	if err := c.Mark.check(); err != nil {
		return err
	}
	for _, rule := range []string{"UPDATE key_sets SET frozen = 1", "UPDATE leases SET next = hi WHERE returned = 0"} {
		if _, err := tx.ExecContext(ctx, rule); err != nil {
			return err
		}
	}
	for id, next := range c.Next {
		sets, err := keySets(ctx, tx, "s.id = $1", id)
		if err != nil {
			return err
		}
		for _, k := range sets { // one, or none: it was added after the backup
			if _, err := tx.ExecContext(ctx, "UPDATE key_sets SET next = $1 WHERE id = $2",
				int64(max(k.Next, min(next, k.To))), id); err != nil {
				return err
			}
		}
	}
	return putMark(ctx, tx, c.Mark)
}

// HoldBack does to a store what a restoration does: its key sets are frozen, and its leases give nothing more. Nobody
// knows whether all numbers that left it are in it.
func (s *Store) HoldBack(ctx context.Context, c Change) error {
	return s.changeKeys(ctx, c, func(tx *sql.Tx, _ int64) error {
		held := Caution{Mark: c.Mark}
		return held.apply(ctx, tx)
	})
}
