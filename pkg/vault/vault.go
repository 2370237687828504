package vault

import (
	"context"

	"poskey/internal/fault"
	"poskey/pkg/agent"
	"poskey/pkg/audit"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/store"
)

// Vault is a store whose master key is within reach.
type Vault struct {
	db   *store.Store
	auth agent.Authority
	id   store.Identity
	log  string // its path; "" holds the inventory against nothing
}

// Open joins a store with the authority over its master key. Both stay the caller's to close. Error: not_permitted when
// the authority is another store's.
func Open(ctx context.Context, db *store.Store, auth agent.Authority) (*Vault, error) {
	id, err := db.Identity(ctx)
	if err != nil {
		return nil, err
	}
	status, err := auth.Status(ctx)
	if err != nil {
		return nil, err
	}
	if status.Store != id.ID || string(status.Environment) != id.Environment {
		return nil, fault.New(fault.NotPermitted, "the agent holds the master key of store %s (%s), not of %s (%s)",
			status.Store, string(status.Environment), id.ID, id.Environment)
	}
	return &Vault{db: db, auth: auth, id: id}, nil
}

// Store gives the inventory.
func (v *Vault) Store() *store.Store { return v.db }

// Identity says whose store it is.
func (v *Vault) Identity() store.Identity { return v.id }

// Authority gives the authority over the master key.
func (v *Vault) Authority() agent.Authority { return v.auth }

// Begin admits an operation and records its intent. The caller ends the work with Done, and closes it on every way out.
// Errors are those of [agent.Authority]; checksum_mismatch when numbers or loads would be given out of a database that is
// older than its log ([Vault.HoldAgainst]).
func (v *Vault) Begin(ctx context.Context, in agent.Intent) (*Work, error) {
	w, err := v.auth.Begin(ctx, in)
	if err != nil {
		return nil, err
	}
	work := &Work{Work: w, vault: v, who: in.Who}
	if v.log == "" || !handsOut(in.Activity) {
		return work, nil
	}
	err = v.current(ctx)
	if err == nil {
		err = v.heard(ctx, work)
	}
	if err != nil {
		_ = work.Done(context.WithoutCancel(ctx), agent.OutcomeOf(err)) // the error says more
		_ = work.Close()
		return nil, err
	}
	return work, nil
}

// Work is one operation under way: a boundary, and the inventory as far as the operation needs it.
type Work struct {
	agent.Work
	vault   *Vault
	who     audit.Actor
	changes bool // something may have been written into the inventory
}

// change carries the place of the intent in the log into the inventory.
func (w *Work) change() store.Change {
	w.changes = true
	mark := w.Mark()
	return store.Change{Mark: store.Mark{Seq: mark.Seq, Hash: mark.Hash.String()}}
}

// Use says what a key of the inventory is wanted for.
type Use int

// The uses, from the strictest.
const (
	ToProtect Use = iota // wrap, derive, load: something new will depend on the key
	ToProcess            // open what it protected before
	ToCheck              // look at its check value
)

func (u Use) allows(s store.State) bool {
	switch u {
	case ToProtect:
		return s == store.Active
	case ToProcess:
		return s == store.Active || s == store.Deactivated
	case ToCheck:
		return !s.Gone()
	}
	return false
}

// Held is a key of the inventory as the boundary takes it.
type Held struct {
	Row store.Key
	Key hsm.Key
}

// Find gives a key of the inventory. Errors: not_found; not_permitted when its state does not allow the use.
func (v *Vault) Find(ctx context.Context, ref store.Ref, use Use) (Held, error) {
	row, err := v.db.Get(ctx, ref)
	if err != nil {
		return Held{}, err
	}
	if !use.allows(row.State) {
		return Held{}, fault.New(fault.NotPermitted, "key %s is %s: it can not be used for this", row.Ref(), string(row.State))
	}
	return Held{row, handle(&row)}, nil
}

// Prove lets the boundary open the block of a row and compare the check value, so that what is shown of a key that is
// used is true. Errors: kcv_mismatch, and those of a block that is not the row's own.
func (w *Work) Prove(ctx context.Context, h Held) error {
	if h.Row.Check.Digits == "" {
		_, err := w.CheckData(ctx, h.Key)
		return err
	}
	c, err := w.Compare(ctx, h.Key, kcv.Expected{Digits: h.Row.Check.Digits}, h.Row.Check.Method)
	if err == nil {
		err = c.Err()
	}
	return fault.Wrap(err, "key %s", h.Row.Ref())
}

// handle is the boundary's view of a row.
func handle(row *store.Key) hsm.Key {
	return hsm.Key{
		Attributes: hsm.Attributes{
			Algorithm: row.Algorithm, Usage: row.Usage, Mode: row.Mode, Exportability: row.Exportability,
			Label: row.Ref().String(),
		},
		Block: row.Block, Len: row.Len, Check: row.Check,
	}
}
