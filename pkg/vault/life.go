package vault

// Steps in the life of a key.

import (
	"context"

	"poskey/internal/fault"
	"poskey/pkg/hsm"
	"poskey/pkg/store"
)

// Move takes a key from the state it is in to another one. Errors: not_permitted for a step that SP 800-57 does not
// have, with those that it has.
func (w *Work) Move(ctx context.Context, row store.Key, to store.State, reason string) (store.Key, error) {
	if err := CheckMove(&row, to); err != nil {
		return store.Key{}, err
	}
	if err := w.vault.db.Transition(ctx, w.change(), row.Ref(), row.State, to, reason); err != nil {
		return store.Key{}, err
	}
	return w.vault.db.Get(ctx, row.Ref())
}

// CheckMove tells before anybody is asked that a step is not there.
func CheckMove(row *store.Key, to store.State) error {
	if row.State.MayBecome(to) {
		return nil
	}
	next := ""
	for _, s := range row.State.Next() {
		next += " " + string(s)
	}
	if next == "" {
		return fault.New(fault.NotPermitted, "key %s is %s, and that is the end of its life", row.Ref(), string(row.State))
	}
	return fault.New(fault.NotPermitted, "key %s is %s and cannot become %s; it can become:%s",
		row.Ref(), string(row.State), string(to), next)
}

// Destruction is the state in which a key's life ends from the one it is in.
func Destruction(s store.State) store.State {
	if s == store.Compromised {
		return store.DestroyedCompromised
	}
	return store.Destroyed
}

// Blast is what falls with a key.
type Blast struct {
	Keys    []store.Node
	Devices []store.Device
}

// BlastOf lists every key beneath a key and every device that holds one of them.
func BlastOf(ctx context.Context, db *store.Store, ref store.Ref) (Blast, error) {
	var b Blast
	for node, err := range db.Below(ctx, ref) {
		if err != nil {
			return Blast{}, err
		}
		b.Keys = append(b.Keys, node)
	}
	for device, err := range db.DevicesBelow(ctx, ref) {
		if err != nil {
			return Blast{}, err
		}
		b.Devices = append(b.Devices, device)
	}
	return b, nil
}

// Rotated is a key with its successor.
type Rotated struct {
	Old, New store.Key
	Children []store.Rewrapped // their new blocks; without one where the child cannot be wrapped under its parent
	Same     []store.Ref
}

// Rotate makes the successor of a key: a fresh key with the same attributes and the next version. Everything in use that
// hangs below is wrapped under the successor, all in one transaction; the old key is deactivated and opens what it
// protected before. Keys that were derived from the old one stay with it: no rotation changes them.
func (w *Work) Rotate(ctx context.Context, old Held) (Rotated, error) {
	if old.Row.State != store.Active {
		return Rotated{}, fault.New(fault.NotPermitted, "key %s is %s; an active key is rotated", old.Row.Ref(), string(old.Row.State))
	}
	ref, err := w.nextVersion(ctx, old.Row.Label)
	if err != nil {
		return Rotated{}, err
	}
	attributes := old.Key.Attributes
	attributes.Label = ref.String()
	fresh, err := w.Generate(ctx, attributes, hsm.Policy{})
	if err != nil {
		return Rotated{}, err
	}
	children, err := w.rewrap(ctx, old.Row.Ref(), fresh)
	if err != nil {
		return Rotated{}, err
	}
	row, err := w.successor(ctx, &old.Row, ref, fresh)
	if err != nil {
		return Rotated{}, err
	}
	same, err := w.vault.db.Rotate(ctx, w.change(), old.Row.Ref(), row, children)
	if err != nil {
		return Rotated{}, err
	}
	return w.rotated(ctx, old.Row.Ref(), ref, children, same)
}

func (w *Work) nextVersion(ctx context.Context, label string) (store.Ref, error) {
	next, err := w.vault.db.NextVersion(ctx, label)
	return store.Ref{Label: label, Version: next}, err
}

// successor is the row of the new key: what people said of the old one holds for it too, and its own cryptoperiod begins.
func (w *Work) successor(ctx context.Context, old *store.Key, ref store.Ref, k hsm.Key) (store.Key, error) {
	row := store.Key{
		Label: ref.Label, Version: ref.Version, Usage: k.Usage, Algorithm: k.Algorithm, Mode: k.Mode,
		Exportability: k.Exportability, Len: k.Len, Block: k.Block, Check: k.Check,
		Origin: store.Generated, Purpose: old.Purpose, Parent: old.Parent,
	}
	if old.Parent.IsZero() {
		return row, nil
	}
	return row, w.hang(ctx, k, &row)
}

// rewrap gives the blocks of the children of a key under its successor.
func (w *Work) rewrap(ctx context.Context, old store.Ref, fresh hsm.Key) ([]store.Rewrapped, error) {
	var all []store.Rewrapped
	for child, err := range w.vault.db.List(ctx, store.Filter{Parent: old}) {
		if err != nil {
			return nil, err
		}
		if !child.State.InUse() || child.Origin == store.Derived {
			continue
		}
		one := store.Rewrapped{Ref: child.Ref()}
		if mayWrap(fresh.Attributes) && child.Exportability != 'N' {
			one.ParentBlock, err = w.wrapUnder(ctx, handle(&child), fresh, child.ParentBlock)
			if err != nil {
				return nil, fault.Wrap(err, "%s under %s", child.Ref(), fresh.Label)
			}
		}
		all = append(all, one)
	}
	return all, nil
}

func (w *Work) rotated(
	ctx context.Context, old, fresh store.Ref, children []store.Rewrapped, same []store.Ref,
) (Rotated, error) {
	was, err := w.vault.db.Get(ctx, old)
	if err != nil {
		return Rotated{}, err
	}
	is, err := w.vault.db.Get(ctx, fresh)
	if err != nil {
		return Rotated{}, err
	}
	return Rotated{was, is, children, same}, nil
}
