package vault

// Keys into the inventory.

import (
	"context"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/hsm"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

// New says what the inventory shall say of a new key, beside what its attributes say.
type New struct {
	Ref        store.Ref // with its version
	Origin     string
	Parent     store.Ref // the key it hangs under; zero for none
	Block      string    // its block under the parent, when there is one already; else it is made
	Custodians []string
	Purpose    string
	NotAfter   time.Time // end of the cryptoperiod; zero: the usage's own
	Dormant    bool      // not active yet
}

// Kept is a key that the inventory has.
type Kept struct {
	Row      store.Key
	Same     []store.Ref        // keys with an equal check value: the same key twice, or chance
	Warnings []keyblock.Warning // of its block under the parent, when that was made here
}

// NewRef names a new key: the first version of a label that is not there. Error: file_exists.
func (v *Vault) NewRef(ctx context.Context, label string) (store.Ref, error) {
	ref, err := store.ParseRef(label)
	if err != nil {
		return store.Ref{}, err
	}
	if ref.Version > 1 {
		return store.Ref{}, fault.New(fault.Usage, "a new key is version 1 of its label; %s is made by rotating %s",
			ref, ref.Label)
	}
	next, err := v.db.NextVersion(ctx, ref.Label)
	if err != nil {
		return store.Ref{}, err
	}
	if next != 1 {
		return store.Ref{}, fault.New(fault.FileExists, "the store has a key %s already", ref.Label)
	}
	return store.Ref{Label: ref.Label, Version: 1}, nil
}

// Enter puts a key into the inventory, under its parent when it has one. The key gets the label here, if it has none yet.
// A parent whose block the key came in (New.Block) may be deactivated; one that is to protect something new is active.
// Errors: file_exists; weak_key in production, for the key and for a parent that is weaker than the key; those of wrapping
// under the parent; busy when the parent was rotated or retired meanwhile; and outcome_unknown when the key may be in the
// store and cannot be read back.
func (w *Work) Enter(ctx context.Context, k hsm.Key, n New) (Kept, error) {
	if err := w.fitForStore(k); err != nil {
		return Kept{}, err
	}
	if k.Label != n.Ref.String() {
		named, err := w.Keep(ctx, k, n.Ref.String())
		if err != nil {
			return Kept{}, err
		}
		if err := w.fitForStore(named); err != nil { // what the block says and not what the handle said
			return Kept{}, err
		}
		k = named
	}
	row := rowOf(k, n.Ref)
	row.Custodians, row.Origin, row.Purpose, row.NotAfter = n.Custodians, n.Origin, n.Purpose, n.NotAfter
	row.Parent, row.ParentBlock = n.Parent, n.Block
	if n.Dormant {
		row.State = store.PreActivation
	}
	change := w.change()
	warnings, err := w.hang(ctx, k, &row, &change)
	if err != nil {
		return Kept{}, err
	}
	same, err := w.vault.db.Insert(ctx, change, row)
	if err != nil {
		return Kept{}, err
	}
	kept, err := w.readRow(ctx, n.Ref, k.Block)
	return Kept{kept, same, warnings}, err
}

// rowOf is what the boundary says of a key.
func rowOf(k hsm.Key, ref store.Ref) store.Key {
	return store.Key{Label: ref.Label, Version: ref.Version, Usage: k.Usage, Algorithm: k.Algorithm, Mode: k.Mode,
		Exportability: k.Exportability, Len: k.Len, Block: k.Block, Check: k.Check}
}

// readRow reads what was committed. When that fails, nobody can say that nothing was done.
func (w *Work) readRow(ctx context.Context, ref store.Ref, block string) (store.Key, error) {
	row, err := w.vault.db.Get(ctx, ref)
	if err != nil {
		return store.Key{}, fault.WrapAs(fault.OutcomeUnknown, err, "it was written, but key %s cannot be read back", ref)
	}
	if block != "" && row.Block != block {
		return store.Key{}, fault.New(fault.OutcomeUnknown, "key %s does not stand in the store as it was written", ref)
	}
	return row, nil
}

// fitForStore: what may pass in a test has no place in a production store, whatever was allowed on the command line.
func (w *Work) fitForStore(k hsm.Key) error {
	if w.inProduction() && len(k.Weak) > 0 {
		return fault.New(fault.WeakKey, "a production store takes no weak key (%s): %s", string(k.Weak[0]), k.Weak[0].Text())
	}
	return nil
}

func (w *Work) inProduction() bool { return w.vault.id.Environment == store.Production }

// hang puts a row under its parent, if it has one: with its version, and as a block under it where the parent is a KBPK.
// The change is for the parent as it was found.
func (w *Work) hang(ctx context.Context, k hsm.Key, row *store.Key, change *store.Change) ([]keyblock.Warning, error) {
	if row.Parent.IsZero() {
		return nil, nil
	}
	use := ToProtect
	if row.ParentBlock != "" {
		use = ToProcess
	}
	parent, err := w.vault.Find(ctx, row.Parent, use)
	if err != nil {
		return nil, fault.Wrap(err, "parent")
	}
	row.Parent = parent.Row.Ref()
	change.While = map[store.Ref]store.State{row.Parent: parent.Row.State}
	if row.ParentBlock != "" || !mayWrap(parent.Key.Attributes) || k.Exportability == 'N' {
		return nil, nil
	}
	wrapped, err := w.wrapUnder(ctx, k, parent.Key, "")
	if err == nil && w.inProduction() {
		err = strong(wrapped.Warnings)
	}
	if err != nil {
		return nil, fault.Wrap(err, "under its parent %s", row.Parent)
	}
	row.ParentBlock = wrapped.Block
	return wrapped.Warnings, nil
}

// strong makes an error of what a block says of weak keys: in production a key hangs under one that is as strong.
func strong(warnings []keyblock.Warning) error {
	for _, warning := range warnings {
		if warning.Kind == fault.WeakKey {
			return warning.Err()
		}
	}
	return nil
}

// wrapUnder makes the block of a key under another one. What the former block said beside the key stays, but for check
// values, which are made anew; without one the header says what the key's attributes say.
func (w *Work) wrapUnder(ctx context.Context, k, kbpk hsm.Key, former string) (hsm.Wrapped, error) {
	h, err := headerUnder(k, kbpk, former)
	if err != nil {
		return hsm.Wrapped{}, err
	}
	if err := w.setChecks(ctx, &h, k, kbpk); err != nil {
		return hsm.Wrapped{}, err
	}
	return w.Wrap(ctx, k, kbpk, h, keyblock.WrapOptions{PadTo: keyblock.ObfuscatedLen(k.Algorithm), AllowWeak: true})
}

// setChecks puts the key's check value into the header, and where the header had that of the KBPK, that of the new one.
func (w *Work) setChecks(ctx context.Context, h *keyblock.Header, k, kbpk hsm.Key) error {
	if k.Algorithm.IsBlockCipher() {
		data, err := w.CheckData(ctx, k)
		if err != nil {
			return err
		}
		h.SetOpt("KC", data)
	}
	for _, id := range []string{"KP", "PK"} {
		if _, there := h.Opt(id); !there {
			continue
		}
		data, err := w.CheckData(ctx, kbpk)
		if err != nil {
			return err
		}
		h.SetOpt(id, data)
	}
	return nil
}

func headerUnder(k, kbpk hsm.Key, former string) (keyblock.Header, error) {
	if former != "" {
		b, err := keyblock.Parse(former)
		if err != nil {
			return keyblock.Header{}, fault.Wrap(err, "the block of %s under its parent", k.Label)
		}
		h := b.Header
		h.Optional = append([]keyblock.OptBlock(nil), h.Optional...)
		return h, nil
	}
	version := byte('D')
	if kbpk.Algorithm.IsDES() {
		version = 'B'
	}
	h := keyblock.Header{Version: version, Usage: k.Usage, Algorithm: keyblock.AlgorithmChar(k.Algorithm), Mode: k.Mode,
		KeyVersion: "00", Exportability: k.Exportability, Context: '0', Reserved: '0'}
	if hm := keyblock.HMFor(k.Algorithm); hm != "" {
		h.SetOpt("HM", hm)
	}
	return h, nil
}

// mayWrap tells a key that others hang under as key blocks.
func mayWrap(a hsm.Attributes) bool {
	switch a.Usage {
	case keys.UsageKEK, keys.UsageKBPK, keys.UsageKBPKISO:
		return a.Mode == 'B' || a.Mode == 'E' || a.Mode == 'N'
	}
	return false
}
