package cli

// The store behind a command: opened when a source or a destination names it.

import (
	"context"
	"slices"

	"github.com/spf13/pflag"

	"poskey/internal/fault"
	"poskey/pkg/agent"
	"poskey/pkg/custody"
	"poskey/pkg/store"
	"poskey/pkg/vault"
)

// holding is the store as far as a command has opened it.
type holding struct {
	words    string // of the command line: the command without its flags
	flags    *pflag.FlagSet
	named    bool // a source or a destination is a key of the store
	label    string
	db       *store.Store
	auth     agent.Authority
	vault    *vault.Vault
	work     *vault.Work
	activity custody.Activity // that work was begun for
	instead  custody.Activity // of the command's usual one, where its flags make it another
	outcome  agent.Outcome    // what the command adds to the record of its work
	recorded bool
	closers  []func() error // of what lies behind the authority, to be closed after it
}

// later closes something after the authority, the last opened first.
func (h *holding) later(close func() error) { h.closers = append(h.closers, close) }

func (h *holding) close() {
	if h.work != nil {
		_ = h.work.Close()
	}
	if h.auth != nil {
		_ = h.auth.Close()
	}
	for _, c := range slices.Backward(h.closers) {
		_ = c()
	}
	if h.db != nil {
		_ = h.db.Close()
	}
}

// openStore opens the inventory, once a run.
func (a *App) openStore(ctx context.Context) (*store.Store, error) {
	if a.holding.db != nil {
		return a.holding.db, nil
	}
	url, err := a.storeURL()
	if err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, url, store.Options{Now: a.Env.Now})
	if fault.Is(err, fault.NotFound) {
		return nil, fault.New(fault.NotFound, "there is no store at %s; make one with poskey store init, or name another place with --store", url.Redacted())
	}
	if err != nil {
		return nil, err
	}
	a.holding.db = db
	return db, nil
}

// openIdentified opens the inventory, and reads whose it is.
func (a *App) openIdentified(ctx context.Context) (*store.Store, store.Identity, error) {
	db, err := a.openStore(ctx)
	if err != nil {
		return nil, store.Identity{}, err
	}
	id, err := db.Identity(ctx)
	return db, id, err
}

// openVault joins the store with the authority over its master key, once a run.
func (a *App) openVault(ctx context.Context) (*vault.Vault, error) {
	h := &a.holding
	if h.vault != nil {
		return h.vault, nil
	}
	db, id, err := a.openIdentified(ctx)
	if err != nil {
		return nil, err
	}
	if h.auth, err = a.authority(ctx, db.URL(), id); err != nil {
		return nil, err
	}
	log, err := a.auditPath(db.URL(), id.ID)
	if err != nil {
		return nil, err
	}
	if h.vault, err = vault.Open(ctx, db, h.auth); err != nil {
		return nil, err
	}
	h.vault.HoldAgainst(log)
	return h.vault, nil
}

// authority is the agent of a store, or this process for one whose master key is in a token.
func (a *App) authority(ctx context.Context, url store.URL, id store.Identity) (agent.Authority, error) {
	if id.Master.Kind == store.ByToken {
		return a.tokenAuthority(ctx, url, id)
	}
	return agent.Dial(ctx, a.socketPath(id.ID), id.ID)
}
