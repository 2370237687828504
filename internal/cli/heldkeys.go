package cli

// Keys of the store, taken for a use or put into it.

import (
	"context"

	"poskey/internal/fault"
	"poskey/internal/source"
	"poskey/pkg/audit"
	"poskey/pkg/hsm"
	"poskey/pkg/store"
	"poskey/pkg/vault"
)

// storeBoundary is the boundary of a command whose sources or destination name a key of the store.
func (a *App) storeBoundary(ctx context.Context) (hsm.Boundary, error) {
	h := &a.holding
	activity, ok := activities()[h.words]
	if !ok {
		return nil, fault.New(fault.Usage, "this command takes no key of the store")
	}
	if h.instead != "" {
		activity = h.instead
	}
	if f := h.flags.Lookup("reveal"); f != nil && f.Changed {
		return nil, fault.New(fault.NotPermitted, "a key that comes from the store or goes into it is not shown here; see: poskey key show --reveal")
	}
	label := ""
	if h.label != "" {
		var err error
		if label, err = a.fullLabel(ctx, h.label); err != nil {
			return nil, err
		}
	}
	work, err := a.begin(ctx, activity, label, nil)
	if err != nil {
		return nil, err
	}
	return work, nil
}

// fullLabel is the label with the version that is meant: that of the key that is there, or the first.
func (a *App) fullLabel(ctx context.Context, label string) (string, error) {
	ref, err := store.ParseRef(label)
	if err != nil || ref.Version != 0 {
		return ref.String(), err
	}
	db, err := a.openStore(ctx)
	if err != nil {
		return "", err
	}
	row, err := db.Get(ctx, ref)
	switch {
	case err == nil:
		return row.Ref().String(), nil
	case fault.Is(err, fault.NotFound):
		return store.Ref{Label: ref.Label, Version: 1}.String(), nil
	}
	return "", err
}

// held takes a key of the store for a use.
func (a *App) held(ctx context.Context, spec source.Spec, use vault.Use) (vault.Held, error) {
	if spec.Kind == source.Token {
		return vault.Held{}, fault.New(fault.Usage, "hsm: sources are not in this version; keys of a token are used through a store on it (poskey store init --hsm)")
	}
	ref, err := store.ParseRef(spec.Arg)
	if err != nil {
		return vault.Held{}, err
	}
	if _, err := a.hsm(ctx); err != nil { // the operation is admitted and recorded before any key of the store is touched
		return vault.Held{}, err
	}
	if a.holding.vault == nil { // a batch whose command line says nothing of the store
		return vault.Held{}, fault.New(fault.Usage, "a line names a key of the store; say --store on the command line, so that the run is admitted and recorded")
	}
	held, err := a.holding.vault.Find(ctx, ref, use)
	if err != nil {
		return vault.Held{}, err
	}
	return held, a.holding.work.Prove(ctx, held)
}

// keepInStore puts a key into the inventory and says what is doubtful about it.
func (a *App) keepInStore(ctx context.Context, k hsm.Key, n vault.New) (vault.Kept, error) {
	if _, err := a.hsm(ctx); err != nil {
		return vault.Kept{}, err
	}
	h := &a.holding
	kept, err := h.work.Enter(ctx, k, n)
	if err != nil {
		return vault.Kept{}, err
	}
	h.outcome.Label, h.outcome.Check = kept.Row.Ref().String(), kept.Row.Check
	h.outcome.Details = audit.Details{vault.FieldKept: h.outcome.Label}
	a.warnSame(kept.Row, kept.Same)
	a.warnBlocks(kept.Warnings)
	return kept, nil
}
