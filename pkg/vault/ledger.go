package vault

// Writing the ledger of ceremonies. Each row is an operation of its own in the audit log: the intent has the digest of the
// row and says in words what it is, then the row is written, then comes the outcome. So the log tells which rows there are,
// also when the ceremony is killed in between.

import (
	"context"
	"fmt"

	"poskey/internal/fault"
	"poskey/pkg/agent"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/store"
)

// FieldLedger is the detail of an intent whose request is the digest of a row of the ledger; it says which row.
const FieldLedger audit.Field = "ledger"

// The rows.
const (
	ledgerBegin = "begin" // of a ceremony ([store.Ceremony.Beginning])
	ledgerPart  = "part"  // of what happened to a part ([store.Holding.Statement])
	ledgerEnd   = "end"   // of a ceremony ([store.Ceremony.Ending])
)

// Details of the intent of what happened to a part.
const (
	fieldEvent  audit.Field = "event"
	fieldKey    audit.Field = "key"
	fieldPerson audit.Field = "person"
)

// BeginCeremony takes a ceremony down in the ledger; one that is there and open, of the same script, goes on, and nothing
// is written. Errors are those of [store.Store.BeginCeremony].
func (w *Work) BeginCeremony(ctx context.Context, y store.Ceremony) error {
	for known, err := range w.vault.db.Ceremonies(ctx) {
		switch {
		case err != nil:
			return err
		case known.ID == y.ID: // the ledger judges whether it may go on
			return w.vault.db.BeginCeremony(ctx, store.Change{}, y)
		}
	}
	y.Began = w.vault.db.Now()
	return w.book(ctx, entry{y.ID, ledgerBegin, y.Beginning(), nil}, func(c store.Change) error {
		c.At = y.Began
		return w.vault.db.BeginCeremony(ctx, c, y)
	})
}

// Hold writes what happened to a part of a key. Errors are those of [store.Store.Hold].
func (w *Work) Hold(ctx context.Context, h store.Holding) error {
	h.At = w.vault.db.Now()
	return w.book(ctx, entry{h.Ceremony, ledgerPart, h.Statement(), partWords(&h)}, func(c store.Change) error {
		c.At = h.At
		return w.vault.db.Hold(ctx, c, h)
	})
}

// EndCeremony closes a ceremony of the ledger. Errors are those of [store.Store.EndCeremony].
func (w *Work) EndCeremony(ctx context.Context, id string, to store.CeremonyState, head string) error {
	y := store.Ceremony{ID: id, State: to, Head: head, Ended: w.vault.db.Now()}
	return w.book(ctx, entry{id, ledgerEnd, y.Ending(), audit.Details{audit.FieldState: string(to)}}, func(c store.Change) error {
		c.At = y.Ended
		return w.vault.db.EndCeremony(ctx, c, id, to, head)
	})
}

// partWords say what happened to a part, as far as a record takes it: names of people and bags may be longer, or look like
// keys.
func partWords(h *store.Holding) audit.Details {
	key := h.Key.Label
	if h.Key.Version > 0 {
		key = h.Key.String()
	}
	d := audit.Details{fieldEvent: string(h.Event), fieldKey: key, fieldPerson: h.Person,
		audit.FieldComponent: fmt.Sprintf("%d of %d", h.Part, h.Parts)}
	if h.Bag != "" {
		d[audit.FieldPackage] = h.Bag
	}
	return d
}

// entry is a row on its way into the ledger.
type entry struct {
	ceremony, row string
	statement     []byte
	words         audit.Details
}

func (e *entry) intent(who audit.Actor) agent.Intent {
	d := audit.Details{FieldLedger: e.row}
	for name, value := range e.words {
		d[name] = audit.Clean(value)
	}
	return agent.Intent{Activity: custody.CeremonyRun, Label: e.ceremony, Request: audit.DigestOf(e.statement), Details: d, Who: who}
}

// book writes a row between its intent and its outcome.
func (w *Work) book(ctx context.Context, e entry, write func(store.Change) error) error {
	row, err := w.vault.Begin(ctx, e.intent(w.who))
	if err != nil {
		return err
	}
	err = write(row.change())
	recorded := row.Done(context.WithoutCancel(ctx), agent.OutcomeOf(err))
	if closed := row.Close(); recorded == nil {
		recorded = closed
	}
	if err == nil && recorded != nil {
		return fault.WrapAs(fault.OutcomeUnknown, recorded, "it was done, but the log does not have its outcome")
	}
	return err
}
