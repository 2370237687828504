package tools

// Keys that a ceremony made for the store and did not keep.

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"poskey/internal/fault"
	"poskey/pkg/audit"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/custody"
	"poskey/pkg/store"
	"poskey/pkg/vault"
)

// leftBehind notes what lies in the store under the labels of a ceremony that broke, and is not kept by its record. It may
// be in use: the ceremony broke after a key was made active, and before a line said so.
func (t *Tools) leftBehind(ctx context.Context) error {
	if !t.o.Resumed || t.o.Vault == nil {
		return nil
	}
	for i := range t.o.Script.Keys {
		k := &t.o.Script.Keys[i]
		label, keeps := stored(k)
		if !keeps || k.Source == script.Stored {
			continue
		}
		v, err := t.o.Vault(ctx)
		if err != nil {
			return err
		}
		for row, err := range v.Store().List(ctx, store.Filter{Label: label}) {
			if err != nil {
				return err
			}
			if row.Label == label && t.isMine(&row) && !row.State.Gone() && !t.kept[row.Ref()] {
				t.leave(row.Ref(), true)
			}
		}
	}
	return nil
}

// forgetDormant destroys what was not kept, and never was in use. Those who approve it are asked once, for as many keys
// as they can be shown.
func (t *Tools) forgetDormant(ctx context.Context) error {
	if err := t.leftBehind(ctx); err != nil {
		return err
	}
	left, err := t.unused(ctx)
	for batch := range batches(left) {
		if err != nil {
			break
		}
		err = t.destroyTogether(ctx, batch)
	}
	if err == nil {
		return nil
	}
	return fault.Wrap(err, "these keys lie in the store and are not in use; destroy them with poskey key destroy: %s",
		strings.Join(names(t.notKept()), " "))
}

// notKept are the keys that this ceremony made and did not keep, in the order of their names.
func (t *Tools) notKept() []store.Ref {
	return slices.SortedFunc(maps.Keys(t.dormant),
		func(a, b store.Ref) int { return strings.Compare(a.String(), b.String()) })
}

func names(refs []store.Ref) []string {
	var all []string
	for _, r := range refs {
		all = append(all, r.String())
	}
	return all
}

// unused gives the keys that are to be destroyed. One that was kept without the record knowing goes out of use first.
func (t *Tools) unused(ctx context.Context) ([]store.Ref, error) {
	var left []store.Ref
	for _, ref := range t.notKept() {
		v, err := t.o.Vault(ctx)
		if err != nil {
			return nil, err
		}
		row, err := v.Store().Get(ctx, ref)
		if err == nil && row.State.Gone() {
			t.forgotten(ref)
			continue
		}
		if err == nil {
			err = t.outOfUse(ctx, &row, t.notKeptReason())
		}
		if err != nil {
			return nil, fault.Wrap(err, "key %s", ref)
		}
		left = append(left, ref)
	}
	return left, nil
}

func (t *Tools) notKeptReason() string { return "not kept in ceremony " + t.o.Ceremony }

// forgotten notes that a key is gone.
func (t *Tools) forgotten(ref store.Ref) {
	delete(t.dormant, ref)
	maps.DeleteFunc(t.refs, func(_ string, r store.Ref) bool { return r == ref })
}

// fieldAlso begins the details that name more keys than the one that an approval is for: those who approve see each of
// them in a row of the screen.
const fieldAlso audit.Field = "also-"

// What those who approve can be shown: so many rows of names, so many bytes in each.
const (
	maxAlso    = 4
	maxAlsoRow = 64
)

// batches are keys that are destroyed with one approval.
func batches(left []store.Ref) iter.Seq[[]store.Ref] {
	return func(yield func([]store.Ref) bool) {
		for len(left) > 0 {
			n := len(left)
			for len(alsoRows(left[1:n])) > maxAlso {
				n--
			}
			if !yield(left[:n]) {
				return
			}
			left = left[n:]
		}
	}
}

// alsoRows are the names of keys in rows.
func alsoRows(refs []store.Ref) []string {
	var rows []string
	for _, name := range names(refs) {
		if last := len(rows) - 1; last >= 0 && len(rows[last])+1+len(name) <= maxAlsoRow {
			rows[last] += " " + name
			continue
		}
		rows = append(rows, name)
	}
	return rows
}

// destroyTogether destroys keys that are out of use in one operation, whose approval and whose record name all of them.
func (t *Tools) destroyTogether(ctx context.Context, batch []store.Ref) error {
	reason := t.notKeptReason()
	details := audit.Details{audit.FieldState: string(store.Destroyed), audit.FieldReason: audit.Clean(reason)}
	for i, row := range alsoRows(batch[1:]) {
		details[fieldAlso+audit.Field(strconv.Itoa(i+1))] = row
	}
	return t.onRow(ctx, batch[0], custody.KeyDestroy, vault.ToCheck, details, func(work *vault.Work, _ vault.Held) error {
		for _, ref := range batch {
			v, err := t.o.Vault(ctx)
			if err != nil {
				return err
			}
			row, err := v.Store().Get(ctx, ref)
			if err != nil {
				return err
			}
			if _, err := work.Move(ctx, row, vault.Destruction(row.State), reason); err != nil {
				return err
			}
			t.forgotten(ref)
		}
		return nil
	})
}
