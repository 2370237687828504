package vault

// The table of officers held against the roster that the master key vouches for.

import (
	"poskey/internal/fault"
	"poskey/pkg/custody"
	"poskey/pkg/store"
)

// enrolled finds officers in the database whom the sealed roster does not have, and the reverse. That the master key
// vouches for the roster, the agent sees when the store is opened.
func (b *bookkeeping) enrolled() error {
	for {
		before, err := b.db.Identity(b.ctx)
		if err != nil || before.Master.Kind != store.ByOfficers {
			return err
		}
		officers, err := b.db.Officers(b.ctx)
		if err != nil {
			return err
		}
		after, err := b.db.Identity(b.ctx)
		if err != nil {
			return err
		}
		if before.Master.Generation == after.Master.Generation { // else it was shared anew in between
			b.compare(&after, officers)
			return nil
		}
	}
}

func (b *bookkeeping) compare(id *store.Identity, officers []store.Officer) {
	sealed, err := custody.ParseSealedStore(id.Master.Sealed)
	if err != nil {
		b.find("database", fault.Wrap(err, "the sealed master key"))
		return
	}
	m, e := sealed.Master, custody.Environment(id.Environment)
	if m.Store() != id.ID || m.Environment() != e || m.Generation() != id.Master.Generation {
		b.find("database", fault.New(fault.ChecksumMismatch, "the sealed master key is of store %s (%s), generation %d", m.Store(),
			string(m.Environment()), m.Generation()))
	}
	var held []custody.Holder
	for _, o := range officers {
		if !o.Revoked.IsZero() {
			continue
		}
		c, err := CardOf(o)
		if err != nil || c.ID() != o.ID || c.Fingerprint().String() != o.Fingerprint {
			b.find("officer "+o.ID, fault.New(fault.ChecksumMismatch, "the row does not agree with the officer's card"))
			continue
		}
		held = append(held, custody.Holder{ID: o.ID, Fingerprint: c.Fingerprint()})
	}
	if err := sealed.Roster.Match(held); err != nil {
		b.find("officers", err)
	}
}

// CardOf reads the card of an officer of the store.
func CardOf(o store.Officer) (custody.Card, error) {
	card, err := custody.ParseCard(o.Card)
	return card, fault.Wrap(err, "the card of officer %s", o.ID)
}
