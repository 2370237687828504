package vault

// The birth of a store whose master key is in a token.

import (
	"context"

	"poskey/internal/fault"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

// TokenBirth says what a new store on a token shall be.
type TokenBirth struct {
	URL         store.URL
	Environment custody.Environment
	Token       string // the token's name, for people; how it is reached is each machine's own affair
	LogPath     func(id string) (string, error)
	Who         audit.Actor
	MakeKey     func(ctx context.Context, object string) error // makes the master key of that name in the token
}

// CreateOnToken makes a store whose master key is drawn inside a token and never leaves it. When the rest fails, the
// objects that were made stay in the token under the name of a store that never was: the error names it.
func CreateOnToken(ctx context.Context, env keys.Env, b TokenBirth) (store.Identity, error) {
	if err := mustBeNew(ctx, env, b.URL); err != nil {
		return store.Identity{}, err
	}
	id, err := newID(env.Rand, b.Environment)
	if err != nil {
		return store.Identity{}, err
	}
	path, err := b.LogPath(id)
	if err != nil {
		return store.Identity{}, err
	}
	identity := store.Identity{ID: id, Environment: string(b.Environment), Created: env.Now(),
		Master: store.Master{Kind: store.ByToken, Generation: 1, Token: b.Token}}
	made, born := false, false
	err = beginLog(env, path, identity, b.Who, func() error {
		if err := b.MakeKey(ctx, id); err != nil {
			return err
		}
		made = true
		err := writeNew(ctx, env, b.URL, identity, nil)
		born = err == nil
		return err
	})
	switch {
	case err == nil:
		return identity, nil
	case born:
		return store.Identity{}, fault.Wrap(err, "the store was made, but that could not be recorded")
	}
	removeLogUnless(path, err)
	if made {
		err = fault.Wrap(err, "the token has a master key %s now, and there is no store for it", id)
	}
	return store.Identity{}, err
}

// beginLog makes the log of a new store, records the birth, lets it happen, and records how it ended.
func beginLog(env keys.Env, path string, id store.Identity, who audit.Actor, birth func() error) error {
	log, err := audit.Create(path, audit.Identity{Store: id.ID, Environment: audit.Environment(id.Environment)},
		audit.Options{Now: env.Now, Who: who})
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	pending, err := log.Begin(audit.Entry{Who: who, Operation: audit.StoreCreate,
		Object: audit.Object{Kind: audit.KindStore, Label: id.ID}, Details: audit.Details{"master": store.ByToken}})
	if err != nil {
		return err
	}
	if err := birth(); err != nil {
		return err
	}
	_, err = pending.Done(audit.OK())
	return err
}
