package store

// Walking down a hierarchy.

import (
	"context"
	"database/sql"
	"iter"
	"slices"
)

// Node is a key in a hierarchy; Depth 0 is where the walk began.
type Node struct {
	Key   Key
	Depth int
}

// walker goes down from keys to their children in one snapshot. A circle cannot be made; should a damaged database have
// one, each key is entered once.
type walker struct {
	ctx     context.Context
	tx      *sql.Tx
	entered map[int64]bool
	yield   func(Node, error) bool
}

func (w *walker) children(id int64) iter.Seq2[walkRow, error] {
	c := choice{parent: id}
	return c.stream(w.ctx, w.tx)
}

// deep gives what is beneath a key, each under its parent. It reports whether to go on.
func (w *walker) deep(id int64, depth int) bool {
	w.entered[id] = true
	for r, err := range w.children(id) {
		if err != nil {
			w.yield(Node{}, dbError(err))
			return false
		}
		if !w.yield(Node{r.Key, depth}, nil) {
			return false
		}
		if r.childs && !w.entered[r.id] && !w.deep(r.id, depth+1) {
			return false
		}
	}
	return true
}

// wide gives what is beneath a key, level by level.
func (w *walker) wide(id int64) {
	level := []int64{id}
	w.entered[id] = true
	for depth := 1; len(level) > 0; depth++ {
		var next []int64
		for _, id := range level {
			for r, err := range w.children(id) {
				if err != nil {
					w.yield(Node{}, dbError(err))
					return
				}
				if !w.yield(Node{r.Key, depth}, nil) {
					return
				}
				if r.childs && !w.entered[r.id] {
					w.entered[r.id] = true
					next = append(next, r.id)
				}
			}
		}
		level = next
	}
}

// walk runs f in a snapshot and gives its errors to the reader.
func (s *Store) walk(ctx context.Context, f func(*walker) error) iter.Seq2[Node, error] {
	return func(yield func(Node, error) bool) {
		err := s.snapshot(ctx, func(tx *sql.Tx) error {
			return f(&walker{ctx: ctx, tx: tx, entered: map[int64]bool{}, yield: yield})
		})
		if err != nil {
			yield(Node{}, err)
		}
	}
}

// Tree streams a key and all beneath it, each under its parent; the zero Ref walks every tree.
func (s *Store) Tree(ctx context.Context, root Ref) iter.Seq2[Node, error] {
	return s.walk(ctx, func(w *walker) error {
		if !root.IsZero() {
			k, err := findKey(ctx, w.tx, root)
			if err == nil && w.yield(Node{Key: k.Key}, nil) {
				w.deep(k.id, 1)
			}
			return err
		}
		roots := choice{roots: true}
		for r, err := range roots.stream(ctx, w.tx) {
			if err != nil {
				return err
			}
			if !w.yield(Node{Key: r.Key}, nil) || r.childs && !w.deep(r.id, 1) {
				return nil
			}
		}
		return nil
	})
}

// Below streams every key beneath one, level by level: what falls with it.
func (s *Store) Below(ctx context.Context, r Ref) iter.Seq2[Node, error] {
	return s.walk(ctx, func(w *walker) error {
		k, err := findKey(ctx, w.tx, r)
		if err == nil {
			w.wide(k.id)
		}
		return err
	})
}

// family numbers a key and all beneath it; UNION and not UNION ALL, so that it ends in a circle too.
const family = `WITH RECURSIVE family (id) AS (
	SELECT CAST($1 AS BIGINT) UNION SELECT c.id FROM keys c JOIN family f ON c.parent = f.id) `

// DevicesBelow streams, by serial, the devices that hold the key or one beneath it, or may hold it (a load that was sent
// and is not settled), or a number of a key set of one of these that is not burnt. A device that the inventory does not know has its serial only.
func (s *Store) DevicesBelow(ctx context.Context, r Ref) iter.Seq2[Device, error] {
	return func(yield func(Device, error) bool) {
		err := s.snapshot(ctx, func(tx *sql.Tx) error {
			k, err := findKey(ctx, tx, r)
			if err != nil {
				return err
			}
			serials, err := serialsBelow(ctx, tx, k.id)
			if err != nil {
				return err
			}
			for page := range slices.Chunk(serials, slotPage) {
				devices, err := readDevices(ctx, tx, page)
				if err != nil {
					return err
				}
				for _, d := range devices {
					if !yield(d, nil) {
						return nil
					}
				}
			}
			return nil
		})
		if err != nil {
			yield(Device{}, err)
		}
	}
}

// serialsBelow gives all serials at once: to go down the hierarchy anew for each page would cost more than the list.
func serialsBelow(ctx context.Context, tx *sql.Tx, key int64) ([]string, error) {
	var all []string
	rows, err := tx.QueryContext(ctx, family+`SELECT serial FROM device_keys WHERE key_id IN (SELECT id FROM family)
		UNION SELECT a.serial FROM allocations a JOIN key_sets s ON s.id = a.key_set
		WHERE s.bdk IN (SELECT id FROM family) AND a.state <> 'burnt'
		UNION SELECT serial FROM loads WHERE state IN ('reserved', 'sent', 'unknown') AND state <> 'reserved'
		AND key_id IN (SELECT id FROM family) ORDER BY 1`, key)
	err = each(rows, err, func(r *sql.Rows) error {
		var serial string
		if err := r.Scan(&serial); err != nil {
			return err
		}
		all = append(all, serial)
		return nil
	})
	return all, err
}
