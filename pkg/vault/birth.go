package vault

// A store's birth, and the opening of its master key by its officers.

import (
	"context"
	"encoding/hex"
	"io"
	"slices"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/agent"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

// Birth says what a new store shall be.
type Birth struct {
	URL         store.URL
	Environment custody.Environment
	Holders     []custody.Card // who gets a share of the master key, in their order
	Threshold   int            // how many of them open it
	Others      []custody.Card // officers without a share: auditors, operators
	LogPath     func(id string) (string, error)
	Who         audit.Actor
	Language    string
	Start       func(context.Context, agent.Config) (agent.Started, error)
}

// Create makes a store whose master key exists as shares of officers only: it is drawn and cut in a process of its own.
// Errors: file_exists when there is a store already, and those of the agent and of the database. When the database cannot
// be made, the log of the store that never was goes too.
func Create(ctx context.Context, env keys.Env, b Birth) (store.Identity, error) {
	if err := mustBeNew(ctx, env, b.URL); err != nil {
		return store.Identity{}, err
	}
	all := slices.Concat(b.Holders, b.Others)
	if _, err := custody.NewRoster(b.Environment, all...); err != nil {
		return store.Identity{}, err
	}
	id, err := newID(env.Rand, b.Environment)
	if err != nil {
		return store.Identity{}, err
	}
	log, err := b.LogPath(id)
	if err != nil {
		return store.Identity{}, err
	}
	made, err := b.Start(ctx, agent.Config{Mode: agent.Init, Store: id, Environment: b.Environment, Log: log,
		Holders: cardsOf(b.Holders), Others: cardsOf(b.Others), Threshold: b.Threshold, Language: b.Language, Who: b.Who})
	if err != nil {
		removeLog(log) // its name was drawn: it is nobody else's
		return store.Identity{}, err
	}
	identity := store.Identity{ID: id, Environment: string(b.Environment), Created: env.Now(), Master: store.Master{
		Kind: store.ByOfficers, Check: made.Check, Generation: made.Generation, Sealed: made.Document}}
	if err := writeNew(ctx, env, b.URL, identity, all); err != nil {
		removeLogUnless(log, err)
		return store.Identity{}, err
	}
	return identity, nil
}

func writeNew(ctx context.Context, env keys.Env, url store.URL, id store.Identity, cards []custody.Card) error {
	var officers []store.Officer
	for _, c := range cards {
		officers = append(officers, store.Officer{ID: c.ID(), Fingerprint: c.Fingerprint().String(), Card: c.Marshal()})
	}
	db, err := store.Create(ctx, url, id, officers, store.Options{Now: env.Now})
	if err != nil {
		return err
	}
	_ = db.Close() // the store is made, and whole: what closing says changes nothing of that
	return nil
}

// mustBeNew looks before anybody is asked for anything. The database itself refuses too.
func mustBeNew(ctx context.Context, env keys.Env, url store.URL) error {
	db, err := store.Open(ctx, url, store.Options{Now: env.Now, ReadOnly: true})
	switch {
	case err == nil:
		_ = db.Close()
		return fault.New(fault.FileExists, "there is a store at %s already; name another place with --store", url.Redacted())
	case fault.Is(err, fault.NotFound):
		return nil
	}
	return err
}

// newID draws a store's name. The environment stands in front, for people; 48 bits tell stores apart.
func newID(random io.Reader, e custody.Environment) (string, error) {
	if e != custody.Test && e != custody.Production {
		return "", fault.New(fault.Usage, "a store is for test or for production")
	}
	raw := make([]byte, 6)
	if _, err := io.ReadFull(random, raw); err != nil {
		return "", fault.WrapAs(fault.Failure, err, "draw the store's id")
	}
	digits := hex.EncodeToString(raw)
	return string(e[:4]) + "-" + digits[:4] + "-" + digits[4:8] + "-" + digits[8:], nil
}

func cardsOf(cards []custody.Card) [][]byte {
	var all [][]byte
	for _, c := range cards {
		all = append(all, c.Marshal())
	}
	return all
}

// Opening says how a store is opened.
type Opening struct {
	Identities [][]byte // identity files, in the order in which their officers are asked
	For        time.Duration
	Activities []custody.Activity // none: all that may be allowed for a time
	Log        string
	Socket     string
	Who        audit.Actor
	Language   string
	Start      func(context.Context, agent.Config) (agent.Started, error)
}

// Unseal lets officers open the master key and starts the agent that holds it. Errors: not_permitted for too few
// officers, before any of them is asked; usage for a token store, which has nothing to unseal.
func Unseal(ctx context.Context, db *store.Store, o Opening) (agent.Started, error) {
	id, err := db.Identity(ctx)
	if err != nil {
		return agent.Started{}, err
	}
	if id.Master.Kind != store.ByOfficers {
		return agent.Started{}, fault.New(fault.Usage, "the master key of this store is in a token: there is nothing to unseal")
	}
	sealed, err := custody.ParseSealedStore(id.Master.Sealed)
	if err != nil {
		return agent.Started{}, fault.Wrap(err, "the sealed master key")
	}
	if missing := sealed.Master.Threshold() - len(o.Identities); missing > 0 {
		return agent.Started{}, fault.New(fault.NotPermitted, "officers who open this store: %d, named: %d; one alone never does, "+
			"name each with --officer", sealed.Master.Threshold(), len(o.Identities))
	}
	roster, err := Roster(ctx, db)
	if err != nil {
		return agent.Started{}, err
	}
	return o.Start(ctx, agent.Config{Mode: agent.Unseal, Store: id.ID, Environment: custody.Environment(id.Environment),
		Generation: id.Master.Generation, Check: id.Master.Check, Sealed: id.Master.Sealed, Roster: roster,
		Identities: o.Identities, Log: o.Log, Socket: o.Socket, Duration: o.For, Activities: o.Activities,
		Language: o.Language, Who: o.Who})
}

// Roster gives the cards of the officers who are not revoked.
func Roster(ctx context.Context, db *store.Store) ([][]byte, error) {
	officers, err := db.Officers(ctx)
	if err != nil {
		return nil, err
	}
	id, err := db.Identity(ctx)
	if err != nil {
		return nil, err
	}
	cards := inOffice(officers)
	return cards, asSealed(id, cards)
}

// asSealed refuses officers whom the roster beside the sealed master key does not name: a row alone makes nobody an officer.
func asSealed(id store.Identity, cards [][]byte) error {
	if id.Master.Kind != store.ByOfficers {
		return nil
	}
	sealed, err := custody.ParseSealedStore(id.Master.Sealed)
	if err != nil {
		return fault.Wrap(err, "the sealed master key")
	}
	held := make([]custody.Holder, len(cards))
	for i, raw := range cards {
		c, err := custody.ParseCard(raw)
		if err != nil {
			return fault.Wrap(err, "the card of an officer")
		}
		held[i] = custody.Holder{ID: c.ID(), Fingerprint: c.Fingerprint()}
	}
	return sealed.Roster.Match(held)
}

// inOffice gives the cards of those who are not revoked.
func inOffice(officers []store.Officer) [][]byte {
	var all [][]byte
	for _, o := range officers {
		if o.Revoked.IsZero() {
			all = append(all, o.Card)
		}
	}
	return all
}
