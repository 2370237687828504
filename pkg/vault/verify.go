package vault

// The whole store held against itself: rows, blocks, log.

import (
	"context"
	"os"

	"golang.org/x/mod/sumdb/note"

	"poskey/internal/fault"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/store"
)

// Verified says what a verification found.
type Verified struct {
	store.Report
	Blocks  bool // the boundary opened every block; false on a sealed store
	Log     audit.Report
	LogErr  error // the log does not verify
	History []store.Finding
}

// OK reports whether nothing is wrong.
func (v *Verified) OK() bool {
	return len(v.Findings) == 0 && len(v.History) == 0 && v.LogErr == nil
}

// Verify looks at every row and every record. With a work the boundary opens each block, which proves its MAC, its
// attributes and its label, and computes its check value anew; without one that is left out.
func Verify(ctx context.Context, db *store.Store, w *Work, logPath string) (Verified, error) {
	v := Verified{Blocks: w != nil}
	var check func(store.Key) error
	if w != nil {
		check = func(k store.Key) error { return w.checkRow(ctx, &k) }
	}
	var err error
	if v.Report, err = db.Verify(ctx, check); err != nil {
		return Verified{}, err
	}
	id, err := db.Identity(ctx)
	if err != nil {
		return Verified{}, err
	}
	mark, err := db.Mark(ctx)
	if err != nil {
		return Verified{}, err
	}
	officers, err := verifiers(ctx, db)
	if err != nil {
		return Verified{}, err
	}
	return v, v.holdAgainstLog(logPath, id, mark, officers)
}

// checkRow opens a block in the boundary and compares what the row says of it.
func (w *Work) checkRow(ctx context.Context, k *store.Key) error {
	return w.Prove(ctx, Held{*k, handle(k)})
}

// holdAgainstLog finds a log that does not verify, and a database that is not of the log's time: one that carries a place
// that the log does not have (the log was put back), or none for changes that the log says were made (the database was).
func (v *Verified) holdAgainstLog(path string, id store.Identity, mark store.Mark, officers note.Verifiers) error {
	f, err := os.Open(path)
	if err != nil {
		return fault.WrapAs(fault.NotFound, err, "open the audit log of the store")
	}
	defer func() { _ = f.Close() }()
	notes, err := audit.Checkpoints(path)
	if err != nil {
		return err
	}
	v.Log, v.LogErr = audit.Verify(f, audit.Expect{Checkpoints: notes, Officers: officers,
		Identity: audit.Identity{Store: id.ID, Environment: audit.Environment(id.Environment)}})
	if v.LogErr != nil {
		return nil
	}
	if _, err := f.Seek(0, 0); err != nil {
		return fault.WrapAs(fault.Failure, err, "read the audit log")
	}
	found, last := mark.IsZero(), uint64(0)
	for r, err := range audit.Query(f, audit.Filter{}) {
		if err != nil {
			return err
		}
		if r.Seq == mark.Seq && r.Hash.String() == mark.Hash {
			found = true
		}
		if r.Outcome.Result == audit.Done && r.Of > last && changesInventory(&r) {
			last = r.Of
		}
	}
	switch {
	case !found:
		v.History = append(v.History, store.Finding{Where: "log", Err: fault.New(fault.LogBroken,
			"the inventory was changed by record %d, which the log does not have: an older log was put in its place", mark.Seq)})
	case last > mark.Seq:
		v.History = append(v.History, store.Finding{Where: "database", Err: fault.New(fault.ChecksumMismatch,
			"the log has a change at record %d, the inventory ends at %d: an older database was put in its place", last, mark.Seq)})
	}
	return nil
}

// FieldKept is the detail of an outcome that put a key into the inventory: its label with the version.
const FieldKept audit.Field = "kept"

// changesInventory tells the outcomes of operations that wrote a row.
func changesInventory(r *audit.Record) bool {
	switch r.Operation {
	case audit.KeyRotate, audit.KeyState, audit.KeyDestroy, audit.Operation(custody.KeyCompromise):
		return true
	}
	return r.Details[FieldKept] != ""
}

// verifiers are those of all officers that the store has known: a checkpoint outlives its signers' time.
func verifiers(ctx context.Context, db *store.Store) (note.Verifiers, error) {
	officers, err := db.Officers(ctx)
	if err != nil {
		return nil, err
	}
	var all []custody.Card
	for _, o := range officers {
		card, err := custody.ParseCard(o.Card)
		if err != nil {
			return nil, fault.Wrap(err, "the card of officer %s", o.ID)
		}
		all = append(all, card)
	}
	return custody.NoteVerifiers(all), nil
}
