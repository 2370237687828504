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
	Row  store.Key
	Same []store.Ref // keys with an equal check value: the same key twice, or chance
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
// Errors: file_exists; weak_key in production; and those of wrapping under the parent.
func (w *Work) Enter(ctx context.Context, k hsm.Key, n New) (Kept, error) {
	if err := w.fitForStore(k); err != nil {
		return Kept{}, err
	}
	if k.Label != n.Ref.String() {
		named, err := w.Work.Keep(ctx, k, n.Ref.String())
		if err != nil {
			return Kept{}, err
		}
		k = named
	}
	row := store.Key{
		Label: n.Ref.Label, Version: n.Ref.Version,
		Usage: k.Usage, Algorithm: k.Algorithm, Mode: k.Mode, Exportability: k.Exportability, Len: k.Len,
		Block: k.Block, Check: k.Check, Custodians: n.Custodians, Origin: n.Origin, Purpose: n.Purpose,
		NotAfter: n.NotAfter, Parent: n.Parent, ParentBlock: n.Block,
	}
	if n.Dormant {
		row.State = store.PreActivation
	}
	if !n.Parent.IsZero() {
		if err := w.hang(ctx, k, &row); err != nil {
			return Kept{}, err
		}
	}
	same, err := w.vault.db.Insert(ctx, w.change(), row)
	if err != nil {
		return Kept{}, err
	}
	kept, err := w.vault.db.Get(ctx, n.Ref)
	if err != nil {
		return Kept{}, fault.Wrap(err, "read %s back", n.Ref)
	}
	if kept.Block != k.Block {
		return Kept{}, fault.New(fault.Failure, "key %s does not stand in the store as it was written", n.Ref)
	}
	return Kept{kept, same}, nil
}

// fitForStore: what may pass in a test has no place in a production store, whatever was allowed on the command line.
func (w *Work) fitForStore(k hsm.Key) error {
	if w.vault.id.Environment == store.Production && len(k.Weak) > 0 {
		return fault.New(fault.WeakKey, "a production store takes no weak key (%s): %s", string(k.Weak[0]), k.Weak[0].Text())
	}
	return nil
}

// hang puts a row under its parent: with its version, and as a block under it where the parent is a KBPK.
func (w *Work) hang(ctx context.Context, k hsm.Key, row *store.Key) error {
	parent, err := w.vault.Find(ctx, row.Parent, ToProtect)
	if err != nil {
		return fault.Wrap(err, "parent")
	}
	row.Parent = parent.Row.Ref()
	if row.ParentBlock != "" || !mayWrap(parent.Key.Attributes) || k.Exportability == 'N' {
		return nil
	}
	row.ParentBlock, err = w.wrapUnder(ctx, k, parent.Key, "")
	return fault.Wrap(err, "under its parent %s", row.Parent)
}

// wrapUnder makes the block of a key under another one. What the former block said beside the key stays; without one the
// header says what the key's attributes say.
func (w *Work) wrapUnder(ctx context.Context, k, kbpk hsm.Key, former string) (string, error) {
	h, err := headerUnder(k, kbpk, former)
	if err != nil {
		return "", err
	}
	data, err := w.CheckData(ctx, k)
	if err != nil {
		return "", err
	}
	h.SetOpt("KC", data)
	wrapped, err := w.Wrap(ctx, k, kbpk, h, keyblock.WrapOptions{PadTo: keyblock.ObfuscatedLen(k.Algorithm), AllowWeak: true})
	return wrapped.Block, err
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
