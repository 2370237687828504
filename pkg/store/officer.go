package store

// The officers' cards.

import (
	"context"
	"database/sql"
	"time"

	"poskey/internal/fault"
)

// Officer is an officer's card as the store knows it. ID is unique among the officers that are not revoked.
type Officer struct {
	ID          string
	Fingerprint string // unique
	Card        []byte
	Added       time.Time // set by the store when zero
	Revoked     time.Time // zero: not revoked
}

func (o *Officer) check() error {
	if !isToken(o.ID, 64) || !isToken(o.Fingerprint, 128) || len(o.Card) == 0 {
		return fault.New(fault.Usage, "an officer has an id, a fingerprint and a card")
	}
	return nil
}

// Officers lists all, revoked ones too, in the order in which they were added.
func (s *Store) Officers(ctx context.Context) ([]Officer, error) {
	var all []Officer
	rows, err := s.read().QueryContext(ctx, "SELECT id, fingerprint, card, added, revoked FROM officers ORDER BY added, id")
	err = each(rows, err, func(r *sql.Rows) error {
		var o Officer
		var added, revoked int64
		if err := r.Scan(&o.ID, &o.Fingerprint, &o.Card, &added, &revoked); err != nil {
			return err
		}
		o.Added, o.Revoked = fromMicros(added), fromMicros(revoked)
		all = append(all, o)
		return nil
	})
	if err != nil {
		return nil, dbError(err)
	}
	return all, nil
}

// AddOfficer adds one. Errors: file_exists for a known fingerprint or an id in use.
func (s *Store) AddOfficer(ctx context.Context, c Change, o Officer) error {
	return s.change(ctx, c, func(tx *sql.Tx, at int64) error { return addOfficers(ctx, tx, at, []Officer{o}) })
}

func addOfficers(ctx context.Context, tx *sql.Tx, at int64, all []Officer) error {
	for _, o := range all {
		if err := o.check(); err != nil {
			return err
		}
		added := micros(o.Added)
		if added == 0 {
			added = at
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO officers (fingerprint, id, card, added, revoked) VALUES ($1, $2, $3, $4, $5)",
			o.Fingerprint, o.ID, o.Card, added, micros(o.Revoked))
		if isUnique(err) {
			return fault.New(fault.FileExists, "officer %s is in the store already", o.ID)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Staff is a change of officers. Those who leave go first: one who joins may have their id.
type Staff struct {
	Leave []string // fingerprints; they are revoked
	Join  []Officer
}

// RevokeOfficer revokes by fingerprint. Errors: not_found; not_permitted when it was done before.
func (s *Store) RevokeOfficer(ctx context.Context, c Change, fingerprint string) error {
	return s.change(ctx, c, func(tx *sql.Tx, at int64) error { return revokeOfficer(ctx, tx, at, fingerprint) })
}

func revokeOfficer(ctx context.Context, tx *sql.Tx, at int64, fingerprint string) error {
	done, err := tx.ExecContext(ctx, "UPDATE officers SET revoked = $1 WHERE fingerprint = $2 AND revoked = 0", at, fingerprint)
	if n, err := affected(done, err); err != nil || n == 1 {
		return err
	}
	var known bool
	err = tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM officers WHERE fingerprint = $1)", fingerprint).Scan(&known)
	switch {
	case err != nil:
		return err
	case known:
		return fault.New(fault.NotPermitted, "the officer is revoked already")
	}
	return fault.New(fault.NotFound, "no officer of this store has that fingerprint")
}

func affected(r sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}
