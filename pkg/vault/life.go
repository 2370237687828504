package vault

// Steps in the life of a key.

import (
	"context"

	"poskey/internal/fault"
	"poskey/pkg/hsm"
	"poskey/pkg/keyblock"
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
	return w.readRow(ctx, row.Ref(), "")
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
	Keys    []store.Node // each under its parent, as in a tree
	Devices []store.Device
}

// BlastOf lists every key beneath a key and every device that holds one of them. What a rotation wrapped anew falls with
// the old key too: it hangs under the successor now, and is the key that it was when the old blocks were made. Which keys
// these are is told by when they were created.
func BlastOf(ctx context.Context, db *store.Store, ref store.Ref) (Blast, error) {
	key, err := db.Get(ctx, ref)
	if err != nil {
		return Blast{}, err
	}
	b := blasting{ctx: ctx, db: db, keys: map[store.Ref]bool{key.Ref(): true}, devices: map[string]bool{}}
	if err := b.from(key.Ref(), 0); err != nil {
		return Blast{}, err
	}
	return b.found, nil
}

// blasting collects, each key and each device once.
type blasting struct {
	ctx     context.Context
	db      *store.Store
	keys    map[store.Ref]bool
	devices map[string]bool
	found   Blast
}

// from goes down from a key, whose own depth is given.
func (b *blasting) from(ref store.Ref, depth int) error {
	for node, err := range b.db.Tree(b.ctx, ref) {
		if err != nil {
			return err
		}
		if node.Depth > 0 {
			b.add(node.Key, depth+node.Depth)
		}
		if err := b.moved(&node.Key, depth+node.Depth); err != nil {
			return err
		}
	}
	for device, err := range b.db.DevicesBelow(b.ctx, ref) {
		if err != nil {
			return err
		}
		if !b.devices[device.Serial] {
			b.devices[device.Serial] = true
			b.found.Devices = append(b.found.Devices, device)
		}
	}
	return nil
}

func (b *blasting) add(k store.Key, depth int) {
	if !b.keys[k.Ref()] {
		b.keys[k.Ref()] = true
		b.found.Keys = append(b.found.Keys, store.Node{Key: k, Depth: depth})
	}
}

// moved goes down from what rotations took from under a key: the children of its successors that were there when it was
// rotated.
func (b *blasting) moved(from *store.Key, depth int) error {
	met := map[store.Ref]bool{from.Ref(): true} // should somebody have made a circle
	for next := from.Successor; !next.IsZero() && !met[next]; {
		met[next] = true
		for child, err := range b.db.List(b.ctx, store.Filter{Parent: next}) {
			if err != nil {
				return err
			}
			if child.Created.After(from.Deactivated) || b.keys[child.Ref()] {
				continue
			}
			b.add(child, depth+1)
			if err := b.from(child.Ref(), depth+1); err != nil {
				return err
			}
		}
		successor, err := b.db.Get(b.ctx, next)
		if err != nil {
			return err
		}
		next = successor.Successor
	}
	return nil
}

// Rotated is a key with its successor.
type Rotated struct {
	Old, New store.Key
	Children []store.Rewrapped // their new blocks; without one where the child cannot be wrapped under its parent
	Same     []store.Ref
	Warnings []keyblock.Warning // of the blocks that were made
}

// Rotate makes the successor of a key: a fresh key with the same attributes and the next version. Everything in use that
// hangs below is wrapped under the successor, all in one transaction; the old key is deactivated and opens what it
// protected before. Keys that were derived from the old one stay with it: no rotation changes them, and they are not
// rotated themselves. Errors: not_permitted for a key that is derived or not active, as it is when another process was
// faster; busy when something came under it meanwhile; those of wrapping; and outcome_unknown when it may be done. With
// all others nothing was changed.
func (w *Work) Rotate(ctx context.Context, old Held) (Rotated, error) {
	if old.Row.State != store.Active {
		return Rotated{}, fault.New(fault.NotPermitted, "key %s is %s; an active key is rotated", old.Row.Ref(), string(old.Row.State))
	}
	if old.Row.Origin == store.Derived {
		return Rotated{}, fault.New(fault.NotPermitted, "key %s is derived: rotate the key that it comes from and derive it anew",
			old.Row.Ref())
	}
	if err := w.Prove(ctx, old); err != nil { // the successor gets the attributes of the row
		return Rotated{}, err
	}
	next, err := w.vault.db.NextVersion(ctx, old.Row.Label)
	if err != nil {
		return Rotated{}, err
	}
	r := Rotated{Old: old.Row}
	change := w.change()
	if err := r.make(ctx, w, store.Ref{Label: old.Row.Label, Version: next}, &change); err != nil {
		return Rotated{}, err
	}
	if r.Same, err = w.vault.db.Rotate(ctx, change, old.Row.Ref(), r.New, r.Children); err != nil {
		return Rotated{}, err
	}
	if r.New, err = w.readRow(ctx, r.New.Ref(), r.New.Block); err != nil {
		return Rotated{}, err
	}
	r.Old, err = w.readRow(ctx, old.Row.Ref(), "")
	return r, err
}

// make makes the successor and the blocks under it. What people said of the old key holds for the new one, and its own
// cryptoperiod begins.
func (r *Rotated) make(ctx context.Context, w *Work, ref store.Ref, change *store.Change) error {
	attributes := handle(&r.Old).Attributes
	attributes.Label = ref.String()
	fresh, err := w.Generate(ctx, attributes, hsm.Policy{})
	if err != nil {
		return err
	}
	if err := r.rewrap(ctx, w, fresh); err != nil {
		return err
	}
	if err := r.showParent(ctx, w); err != nil {
		return err
	}
	r.New = rowOf(fresh, ref)
	r.New.Origin, r.New.Purpose, r.New.Parent = store.Generated, r.Old.Purpose, r.Old.Parent
	warnings, err := w.hang(ctx, fresh, &r.New, change)
	r.Warnings = append(r.Warnings, warnings...)
	return err
}

// rewrap makes the blocks of the children of the old key under the new one, out of those that they have under the old one:
// the authority takes no word for what hangs there. A key that opens no blocks (mode E) has no children that can be moved.
func (r *Rotated) rewrap(ctx context.Context, w *Work, fresh hsm.Key) error {
	for child, err := range w.vault.db.List(ctx, store.Filter{Parent: r.Old.Ref()}) {
		if err != nil {
			return err
		}
		if !child.State.InUse() || child.Origin == store.Derived {
			continue
		}
		one := store.Rewrapped{Ref: child.Ref()}
		if mayWrap(fresh.Attributes) && child.Exportability != 'N' {
			wrapped, err := w.moved(ctx, &child, handle(&r.Old), fresh)
			if err != nil {
				return fault.Wrap(err, "%s under %s", child.Ref(), fresh.Label)
			}
			one.ParentBlock = wrapped.Block
			r.Warnings = append(r.Warnings, wrapped.Warnings...)
		}
		r.Children = append(r.Children, one)
	}
	return nil
}

// moved wraps a child of one key under another one. What its block holds must be what the row says, and the row must be its
// own.
func (w *Work) moved(ctx context.Context, child *store.Key, from, to hsm.Key) (hsm.Wrapped, error) {
	if err := w.Prove(ctx, Held{*child, handle(child)}); err != nil {
		return hsm.Wrapped{}, err
	}
	k, err := w.openBlock(ctx, child.ParentBlock, from)
	if err != nil {
		return hsm.Wrapped{}, err
	}
	if k.Check != child.Check || k.Algorithm != child.Algorithm || k.Usage != child.Usage {
		return hsm.Wrapped{}, fault.New(fault.KCVMismatch, "its block under %s holds another key (%s): check value %s, the store says %s",
			from.Label, k.Usage, k.Check, child.Check)
	}
	return w.wrapUnder(ctx, k, to, child.ParentBlock)
}

func (w *Work) openBlock(ctx context.Context, block string, kbpk hsm.Key) (hsm.Key, error) {
	b, err := keyblock.Parse(block)
	if err != nil {
		return hsm.Key{}, err
	}
	o, err := w.Unwrap(ctx, b, kbpk, hsm.Policy{AllowWeak: true})
	return o.Key, err
}

// showParent shows the authority where the old key hangs: the new one, with keys under it, goes there and nowhere else.
func (r *Rotated) showParent(ctx context.Context, w *Work) error {
	under := 0
	for _, c := range r.Children {
		if c.ParentBlock != "" {
			under++
		}
	}
	if under == 0 || r.Old.Parent.IsZero() || r.Old.ParentBlock == "" {
		return nil
	}
	parent, err := w.vault.Find(ctx, r.Old.Parent, ToProtect)
	if err != nil {
		return fault.Wrap(err, "parent")
	}
	_, err = w.openBlock(ctx, r.Old.ParentBlock, parent.Key)
	return fault.Wrap(err, "the block of %s under its parent %s", r.Old.Ref(), r.Old.Parent)
}
