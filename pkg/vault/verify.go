package vault

// The whole store held against itself: rows, blocks, log.

import (
	"context"
	"strings"

	"poskey/internal/fault"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
	"poskey/pkg/store"
)

// Verified says what a verification found.
type Verified struct {
	store.Report
	Blocks    bool // the boundary opened every block; false on a sealed store
	Log       audit.Report
	LogErr    error           // the log does not verify, or is not there
	History   []store.Finding // where inventory and log tell different things; at most 1,000
	Unsettled []Unsettled     // at most 1,000; it is no fault of the store's
}

// Unsettled is an operation on the inventory whose end nobody recorded: its process was killed, or is still at it.
type Unsettled struct {
	Seq       uint64 // of the intent
	Operation audit.Operation
	Label     string
	Told      bool // the inventory tells whether it was done; not of what is about no one key, as a batch
	Done      bool // the inventory has what was to be done
}

// OK reports whether nothing is wrong. Warnings and operations that nobody saw the end of are not.
func (v *Verified) OK() bool {
	return v.Wrong() == 0 && len(v.History) == 0 && v.LogErr == nil
}

// Verify looks at every row and every record. With a work the boundary opens each block, which proves its MAC, its
// attributes and its label, and computes its check value anew; without one that is left out. The store may be in use
// meanwhile. An error is returned when it cannot be verified, not for what is found.
func Verify(ctx context.Context, db *store.Store, w *Work, logPath string) (Verified, error) {
	v := Verified{Blocks: w != nil}
	rows := rowCheck{ctx: ctx, work: w}
	var err error
	if v.Report, err = db.Verify(ctx, rows.check); err == nil {
		err = rows.stopped
	}
	if err != nil {
		return Verified{}, err
	}
	b := bookkeeping{ctx: ctx, db: db, v: &v}
	if w != nil {
		b.self = w.Mark().Seq
	}
	return v, b.hold(logPath)
}

// rowCheck looks at one row after the other.
type rowCheck struct {
	ctx     context.Context
	work    *Work
	stopped error // the boundary answers no more: that is no finding about a row
}

func (c *rowCheck) check(k store.Key) error {
	if c.stopped != nil {
		return nil
	}
	if err := checkParentBlock(&k); err != nil || c.work == nil {
		return err
	}
	err := c.work.Prove(c.ctx, Held{k, handle(&k)})
	switch fault.KindOf(err) {
	case fault.Sealed, fault.Busy, fault.Interrupted, fault.Terminated, fault.DeviceLink, fault.DeviceTimeout:
		c.stopped = err
		return nil
	}
	return err
}

// checkParentBlock holds what the block under the parent says against the row, as far as that can be done from outside.
func checkParentBlock(k *store.Key) error {
	if k.ParentBlock == "" {
		return nil
	}
	b, err := keyblock.Parse(k.ParentBlock)
	if err != nil {
		return fault.Wrap(err, "its block under its parent")
	}
	kc, _ := b.Opt("KC")
	switch {
	case b.Usage != k.Usage || b.Algorithm != keyblock.AlgorithmChar(k.Algorithm):
		return fault.New(fault.ChecksumMismatch, "its block under its parent is of another usage or algorithm")
	case !sameCheck(kc, k.Check):
		return fault.New(fault.ChecksumMismatch, "its block under its parent is of a key with another check value")
	}
	return nil
}

// sameCheck compares the content of a KC block (X9.143 6.3.6.7) with a check value, where both are by the same method.
func sameCheck(kc string, v kcv.Value) bool {
	methods := map[string]kcv.Method{"00": kcv.ECBZero, "01": kcv.CMAC}
	if len(kc) < 2 || methods[kc[:2]] != v.Method {
		return true
	}
	n := min(len(kc)-2, len(v.Digits))
	return strings.EqualFold(kc[2:2+n], v.Digits[:n])
}

// verifiers are those of all officers that the store has known: a checkpoint outlives its signers' time.
func verifiers(ctx context.Context, db *store.Store) ([]custody.Card, error) {
	officers, err := db.Officers(ctx)
	if err != nil {
		return nil, err
	}
	var all []custody.Card
	for _, o := range officers {
		card, err := CardOf(o)
		if err != nil {
			return nil, err
		}
		all = append(all, card)
	}
	return all, nil
}
