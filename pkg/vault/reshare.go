package vault

// Other officers for the same master key.

import (
	"context"
	"slices"

	"poskey/internal/fault"
	"poskey/pkg/agent"
	"poskey/pkg/custody"
	"poskey/pkg/store"
)

// Resharing says who shall hold the master key from now on.
type Resharing struct {
	Opening                  // who opens it now; duration, activities and socket do not matter
	Holders   []custody.Card // everybody who shall have a share, in their order
	Others    []custody.Card // officers without a share who join the store
	Threshold int
	Revoke    []string // ids of officers who leave it
}

// Reshare lets the officers of today open the master key once more and seals it anew to those of tomorrow: a new
// generation, which voids the document before it. Officers who leave are revoked first, so that one who comes back with
// a new identity can keep the id; those who are new join with the new document, in one transaction. What ends in between
// is done again. The store must be sealed: its agent holds the log, and works with the old roster.
func Reshare(ctx context.Context, db *store.Store, r Resharing) (store.Identity, error) {
	id, err := db.Identity(ctx)
	if err != nil {
		return store.Identity{}, err
	}
	if id.Master.Kind != store.ByOfficers {
		return store.Identity{}, fault.New(fault.Usage, "the master key of this store is in a token: no officer holds a share of it")
	}
	known, err := db.Officers(ctx)
	if err != nil {
		return store.Identity{}, err
	}
	if err := r.check(custody.Environment(id.Environment), known); err != nil {
		return store.Identity{}, err
	}
	roster, err := Roster(ctx, db)
	if err != nil {
		return store.Identity{}, err
	}
	made, err := r.Start(ctx, agent.Config{Mode: agent.Reshare, Store: id.ID, Environment: custody.Environment(id.Environment),
		Generation: id.Master.Generation, Check: id.Master.Check, Sealed: id.Master.Sealed, Roster: roster,
		Identities: r.Identities, Holders: cardsOf(r.Holders), Threshold: r.Threshold, Log: r.Log, Socket: r.Socket,
		Language: r.Language, Who: r.Who})
	if err != nil {
		return store.Identity{}, err
	}
	return r.write(ctx, db, id, known, made)
}

// check looks before anybody is asked whether the officers of tomorrow can be those of one store.
func (r *Resharing) check(e custody.Environment, known []store.Officer) error {
	for _, id := range r.Revoke {
		if !slices.ContainsFunc(known, func(o store.Officer) bool { return o.ID == id }) {
			return fault.New(fault.NotFound, "the store has no officer %s", id)
		}
	}
	tomorrow := slices.Concat(r.Holders, r.Others)
	for _, o := range known {
		comes := slices.ContainsFunc(tomorrow, func(c custody.Card) bool { return c.Fingerprint().String() == o.Fingerprint })
		leaves := slices.Contains(r.Revoke, o.ID)
		switch {
		case comes && !o.Revoked.IsZero():
			return fault.New(fault.NotPermitted, "%s was revoked, and comes back with a new identity only", o.ID)
		case comes && leaves:
			return fault.New(fault.Usage, "%s is to leave and to have a share", o.ID)
		case comes || leaves || !o.Revoked.IsZero():
			continue
		}
		c, err := custody.ParseCard(o.Card)
		if err != nil {
			return fault.Wrap(err, "the card of officer %s", o.ID)
		}
		tomorrow = append(tomorrow, c)
	}
	_, err := custody.NewRoster(e, tomorrow...)
	return err
}

// write puts the new document in force. Until that has happened the old one is.
func (r *Resharing) write(
	ctx context.Context, db *store.Store, id store.Identity, known []store.Officer, made agent.Started,
) (store.Identity, error) {
	var join []store.Officer
	for _, c := range slices.Concat(r.Holders, r.Others) {
		print := c.Fingerprint().String()
		if !slices.ContainsFunc(known, func(o store.Officer) bool { return o.Fingerprint == print }) {
			join = append(join, store.Officer{ID: c.ID(), Fingerprint: print, Card: c.Marshal()})
		}
	}
	for _, o := range known {
		if !o.Revoked.IsZero() || !slices.Contains(r.Revoke, o.ID) {
			continue
		}
		if err := db.RevokeOfficer(ctx, store.Change{}, o.Fingerprint); err != nil {
			return store.Identity{}, err
		}
	}
	master := store.Master{Kind: store.ByOfficers, Check: made.Check, Generation: made.Generation, Sealed: made.Document}
	if err := db.Reseal(ctx, store.Change{}, id.Master.Generation, master, join...); err != nil {
		return store.Identity{}, err
	}
	return db.Identity(ctx)
}
