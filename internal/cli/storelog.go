package cli

// What the user's store knows of its officers and its log, for the commands that also work on files alone.

import (
	"context"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/vault"
)

// logPlace is where a log lies and, of the store's own log, whose it is and who may sign.
type logPlace struct {
	path     string
	identity audit.Identity
	officers []storeOfficer
}

// findLog finds the log: the named file, or the log of the user's store.
func (a *App) findLog(ctx context.Context, named string) (logPlace, error) {
	if named != "" {
		return logPlace{path: named}, nil
	}
	db, err := a.openStore(ctx)
	if err != nil {
		return logPlace{}, fault.Wrap(err, "the store's log (--log names a file)")
	}
	id, err := db.Identity(ctx)
	if err != nil {
		return logPlace{}, err
	}
	place := logPlace{identity: audit.Identity{Store: id.ID, Environment: audit.Environment(id.Environment)}}
	if place.path, err = a.auditPath(db.URL(), id.ID); err != nil {
		return logPlace{}, err
	}
	place.officers, err = a.storeOfficers(ctx)
	return place, err
}

// storeOfficer is an officer whom the store has admitted.
type storeOfficer struct {
	card    custody.Card
	revoked time.Time // zero while they are in office
}

// storeOfficers lists them, revoked ones too.
func (a *App) storeOfficers(ctx context.Context) ([]storeOfficer, error) {
	db, err := a.openStore(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := db.Officers(ctx)
	if err != nil {
		return nil, err
	}
	var all []storeOfficer
	for _, r := range rows {
		card, err := vault.CardOf(r)
		if err != nil {
			return nil, err
		}
		all = append(all, storeOfficer{card, r.Revoked})
	}
	return all, nil
}

// cards are those of all officers, revoked ones too: what they signed before stays signed.
func (l logPlace) cards() []custody.Card {
	var all []custody.Card
	for _, o := range l.officers {
		all = append(all, o.card)
	}
	return all
}

// inOffice refuses somebody who is no officer of the store, where there is one.
func (l logPlace) inOffice(c custody.Card) error {
	if l.identity == (audit.Identity{}) {
		return nil
	}
	for _, o := range l.officers {
		switch {
		case o.card.Fingerprint() != c.Fingerprint():
		case o.revoked.IsZero():
			return nil
		default:
			return fault.New(fault.NotPermitted, "%s was revoked at %s", c.ID(), at(o.revoked))
		}
	}
	return fault.New(fault.NotPermitted, "%s is no officer of this store", c.ID())
}
