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
	Opening                  // who is there: those who open it now, and who agree; duration and activities do not matter
	Holders   []custody.Card // everybody who shall have a share, in their order
	Others    []custody.Card // officers without a share who join the store
	Threshold int
	Revoke    []string // ids of officers who leave it
}

// Reshare lets the officers of today open the master key once more and seals it anew to those of tomorrow: a new
// generation, which voids the documents before it. The new documents, the officers who leave and those who join are
// written in one transaction; then the log is told that the generation is in force, and with that Reshare returns. What
// ends before that transaction leaves everything as it was; what ends after it is made good by the next opening. Officers
// who lose their share stay officers unless they are revoked. The store must be sealed: its agent holds the log, and
// works with the old roster. Errors besides those of the agent: not_found for somebody to revoke who is no officer.
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
	others, err := r.others(custody.Environment(id.Environment), known)
	if err != nil {
		return store.Identity{}, err
	}
	c := agent.Config{Mode: agent.Reshare, Store: id.ID, Environment: custody.Environment(id.Environment),
		Generation: id.Master.Generation, Check: id.Master.Check, Sealed: id.Master.Sealed, Roster: inOffice(known),
		Identities: r.Identities, Holders: cardsOf(r.Holders), Others: cardsOf(others), Leave: r.Revoke, Threshold: r.Threshold,
		Log: r.Log, Socket: r.Socket, Language: r.Language, Who: r.Who}
	made, err := r.Start(ctx, c)
	if err != nil {
		return store.Identity{}, err
	}
	master := store.Master{Kind: store.ByOfficers, Check: made.Check, Generation: made.Generation, Sealed: made.Document}
	if err := db.Reseal(ctx, store.Change{}, id.Master.Generation, master, r.staff(others, known)); err != nil {
		return store.Identity{}, err
	}
	if err := agent.Confirm(c, db.Now, made); err != nil {
		return store.Identity{}, fault.Wrap(err, "the new shares are in force; until the store is opened with them the log does not know it")
	}
	return db.Identity(ctx)
}

// others gives all officers of tomorrow who hold no share. It looks before anybody is asked whether they and the holders
// can be the officers of one store.
func (r *Resharing) others(e custody.Environment, known []store.Officer) ([]custody.Card, error) {
	for _, id := range r.Revoke {
		if !slices.ContainsFunc(known, func(o store.Officer) bool { return o.ID == id && o.Revoked.IsZero() }) {
			return nil, fault.New(fault.NotFound, "the store has no officer %s", id)
		}
	}
	others := slices.Clone(r.Others)
	named := slices.Concat(r.Holders, r.Others)
	for _, o := range known {
		comes := slices.ContainsFunc(named, func(c custody.Card) bool { return c.Fingerprint().String() == o.Fingerprint })
		leaves := slices.Contains(r.Revoke, o.ID)
		switch {
		case comes && !o.Revoked.IsZero():
			return nil, fault.New(fault.NotPermitted, "%s was revoked, and comes back with a new identity only", o.ID)
		case comes && leaves:
			return nil, fault.New(fault.Usage, "%s is to leave and to have a share", o.ID)
		case comes || leaves || !o.Revoked.IsZero():
			continue
		}
		c, err := CardOf(o)
		if err != nil {
			return nil, err
		}
		others = append(others, c)
	}
	_, err := custody.NewRoster(e, slices.Concat(r.Holders, others)...)
	return others, err
}

// staff is what changes in the table of officers.
func (r *Resharing) staff(others []custody.Card, known []store.Officer) store.Staff {
	var s store.Staff
	for _, c := range slices.Concat(r.Holders, others) {
		print := c.Fingerprint().String()
		if !slices.ContainsFunc(known, func(o store.Officer) bool { return o.Fingerprint == print }) {
			s.Join = append(s.Join, store.Officer{ID: c.ID(), Fingerprint: print, Card: c.Marshal()})
		}
	}
	for _, o := range known {
		if o.Revoked.IsZero() && slices.Contains(r.Revoke, o.ID) {
			s.Leave = append(s.Leave, o.Fingerprint)
		}
	}
	return s
}
