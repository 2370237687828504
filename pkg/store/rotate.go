package store

// A key that follows another one.

import (
	"context"
	"database/sql"

	"poskey/internal/fault"
	"poskey/pkg/keyblock"
)

// Rewrapped is a child's block under the successor of its parent.
type Rewrapped struct {
	Ref         Ref
	ParentBlock string
}

// Rotate puts a successor in the place of a key in one transaction: inserts it, moves the children under it,
// deactivates the old key and names its successor. Every child that is in use must be given (busy when one is not: it
// came meanwhile), but those that were derived from the old key, which stay with it (not_permitted); and nothing but
// children. The old key is active or suspended (not_permitted).
func (s *Store) Rotate(ctx context.Context, c Change, old Ref, successor Key,
	children []Rewrapped) (same []Ref, err error) {
	err = s.changeKeys(ctx, c, func(tx *sql.Tx, at int64) error {
		same, err = s.rotate(ctx, tx, c, at, old, successor, children)
		return err
	})
	if err != nil {
		return nil, fault.Wrap(err, "rotating key %s", old)
	}
	return same, nil
}

func (s *Store) rotate(ctx context.Context, tx *sql.Tx, c Change, at int64, old Ref, successor Key,
	children []Rewrapped) ([]Ref, error) {
	if old.Version == 0 {
		return nil, fault.New(fault.Usage, "key %s is named without its version", old.Label)
	}
	was, err := findKey(ctx, tx, old)
	if err != nil {
		return nil, err
	}
	if !was.State.MayBecome(Deactivated) {
		return nil, fault.New(fault.NotPermitted, "the key is %s", was.State)
	}
	id, err := s.insertOne(ctx, tx, at, successor)
	if err != nil {
		return nil, fault.Wrap(dbError(err), "key %s", successor.Ref())
	}
	if err := rehangAll(ctx, tx, was, id, children); err != nil {
		return nil, err
	}
	if err := s.step(ctx, tx, c, at, was, Deactivated, "rotated: "+successor.Ref().String()); err != nil {
		return nil, err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE keys SET successor = $1 WHERE id = $2", id, was.id); err != nil {
		return nil, err
	}
	return sameCheck(ctx, tx, successor.Check, "", id)
}

// rehangAll moves children of one key under another.
func rehangAll(ctx context.Context, tx *sql.Tx, from keyRow, to int64, children []Rewrapped) error {
	for _, child := range children {
		k, err := findKey(ctx, tx, child.Ref)
		if err != nil {
			return err
		}
		if k.Parent != from.Ref() {
			return fault.New(fault.Busy, "key %s does not hang under %s any more", child.Ref, from.Ref())
		}
		if err := k.mayMove(); err != nil {
			return err
		}
		if err := rehang(ctx, tx, k, to, child.ParentBlock); err != nil {
			return err
		}
	}
	left := choice{parent: from.id}
	for r, err := range left.stream(ctx, tx) {
		if err != nil {
			return err
		}
		if r.State.InUse() && r.Origin != Derived && r.id != to { // those that were given hang elsewhere by now
			return fault.New(fault.Busy, "key %s hangs under it too and was not wrapped anew", r.Ref())
		}
	}
	return nil
}

// Rehang moves a key under another parent; a circle is refused, and so is a key that is destroyed or was derived from
// its parent (not_permitted). The zero parent takes it out.
func (s *Store) Rehang(ctx context.Context, c Change, r, parent Ref, parentBlock string) error {
	err := s.changeKeys(ctx, c, func(tx *sql.Tx, at int64) error {
		k, err := findKey(ctx, tx, r)
		if err != nil {
			return err
		}
		if err := k.mayMove(); err != nil {
			return err
		}
		if parent.IsZero() {
			_, err := tx.ExecContext(ctx, "UPDATE keys SET parent = NULL, parent_block = '' WHERE id = $1", k.id)
			return err
		}
		in, err := s.inserter(ctx, tx, at)
		if err != nil {
			return err
		}
		to, err := in.parent(parent)
		if err != nil {
			return err
		}
		return rehang(ctx, tx, k, to, parentBlock)
	})
	return fault.Wrap(err, "moving key %s", r)
}

// mayMove tells why a key stays where it hangs. What it was derived from does not change, and falls with it.
func (k *keyRow) mayMove() error {
	switch {
	case k.State.Gone():
		return fault.New(fault.NotPermitted, "key %s is %s", k.Ref(), k.State)
	case k.Origin == Derived && !k.Parent.IsZero():
		return fault.New(fault.NotPermitted, "key %s was derived from %s and stays under it", k.Ref(), k.Parent)
	}
	return nil
}

// rehang refuses to hang a key under itself or what is beneath it.
func rehang(ctx context.Context, tx *sql.Tx, k keyRow, to int64, parentBlock string) error {
	if !isLine(parentBlock, keyblock.MaxInput) {
		return fault.New(fault.Usage, "the block of key %s under its parent is too long or no line of text", k.Ref())
	}
	var circle bool
	err := tx.QueryRowContext(ctx, `WITH RECURSIVE above (id) AS (SELECT CAST($1 AS BIGINT)
		UNION SELECT k.parent FROM keys k JOIN above a ON k.id = a.id WHERE k.parent IS NOT NULL)
		SELECT EXISTS (SELECT 1 FROM above WHERE id = $2)`, to, k.id).Scan(&circle)
	if err != nil {
		return err
	}
	if circle {
		return fault.New(fault.NotPermitted, "key %s would hang under itself", k.Ref())
	}
	_, err = tx.ExecContext(ctx, "UPDATE keys SET parent = $1, parent_block = $2 WHERE id = $3", to, parentBlock, k.id)
	return err
}
