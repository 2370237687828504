package store

// Numbers of key sets and of leases, given in a transaction of the caller.

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// giver gives numbers. It reads what it is to give from once, counts in memory, and writes the counters at the end.
type giver struct {
	s      *Store
	ctx    context.Context
	tx     *sql.Tx
	at     int64
	sets   map[string]*setRow
	leases map[string]*leaseRow
}

// leaseRow is a lease and the number that it stood at.
type leaseRow struct {
	Lease
	was uint64
}

// giver opens key sets to take their own numbers, and others for the leases that are of them. On a server their rows
// are locked in the order of their names until the transaction ends: nobody else counts on, and no key is taken out of
// use meanwhile.
func (s *Store) giver(ctx context.Context, tx *sql.Tx, at int64, own, leased, leases []string) (*giver, error) {
	g := &giver{s: s, ctx: ctx, tx: tx, at: at, sets: map[string]*setRow{}, leases: map[string]*leaseRow{}}
	for _, read := range []struct {
		ids  []string
		lock string
	}{{own, " FOR NO KEY UPDATE OF s"}, {leased, " FOR SHARE OF s"}} {
		if len(read.ids) == 0 {
			continue
		}
		rows, err := setRows(ctx, tx, "s.id "+s.dialect.among(1), s.dialect.lock(read.lock), s.dialect.texts(read.ids))
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			g.sets[r.ID] = &r
		}
	}
	if len(leases) == 0 {
		return g, nil
	}
	query := "SELECT " + leaseColumns + " FROM leases WHERE id {1} ORDER BY id"
	rows, err := tx.QueryContext(ctx, s.dialect.conditions(query)+s.dialect.lock(" FOR NO KEY UPDATE"),
		s.dialect.texts(leases))
	return g, each(rows, err, func(r *sql.Rows) error {
		l, err := scanLease(r)
		g.leases[l.ID] = &leaseRow{Lease: l, was: l.Next}
		return err
	})
}

// lock is what a server needs at the end of a question to keep others from its rows. SQLite has one writer anyway.
func (d dialect) lock(clause string) string {
	if d == postgresDialect {
		return clause
	}
	return ""
}

// set finds a key set that may give count numbers.
func (g *giver) set(id string, count uint64) (*setRow, error) {
	k := g.sets[id]
	if k == nil {
		return nil, noKeySet(id)
	}
	return k, k.mayGive(count)
}

// take gives count numbers in a row, the first of which it names.
func (g *giver) take(id string, count uint64) (from uint64, err error) {
	k, err := g.set(id, count)
	if err != nil {
		return 0, err
	}
	from = k.Next
	k.Next += count
	return from, nil
}

// takeLeased gives the next number of a lease to its station.
func (g *giver) takeLeased(id, station, keySet string) (uint64, error) {
	if _, err := g.set(keySet, 0); err != nil {
		return 0, err
	}
	l := g.leases[id]
	switch {
	case l == nil:
		return 0, fault.New(fault.NotFound, "the store has no lease %s", text.Redact(id))
	case l.Station != station:
		return 0, fault.New(fault.NotPermitted, "lease %s was given to station %s", id, l.Station)
	case l.KeySet != keySet:
		return 0, fault.New(fault.NotPermitted, "lease %s is of key set %s, not %s", id, l.KeySet, keySet)
	case !l.Returned.IsZero():
		return 0, fault.New(fault.NotPermitted, "lease %s was returned", id)
	case micros(l.Until) <= g.at:
		return 0, fault.New(fault.NotPermitted, "lease %s ended at %s; the station takes a new one", id,
			l.Until.Format(time.RFC3339))
	case l.Next >= l.To:
		return 0, fault.New(fault.EndOfLife, "lease %s is used up; the station takes a new one", id)
	}
	l.Next++
	return l.Next - 1, nil
}

// write keeps what was counted.
func (g *giver) write() error {
	for _, id := range slices.Sorted(maps.Keys(g.sets)) {
		if k := g.sets[id]; k.Next != k.was {
			if _, err := g.tx.ExecContext(g.ctx, "UPDATE key_sets SET next = $1 WHERE id = $2", int64(k.Next),
				id); err != nil {
				return err
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(g.leases)) {
		if l := g.leases[id]; l.Next != l.was {
			if _, err := g.tx.ExecContext(g.ctx, "UPDATE leases SET next = $1 WHERE id = $2", int64(l.Next),
				id); err != nil {
				return err
			}
		}
	}
	return nil
}
