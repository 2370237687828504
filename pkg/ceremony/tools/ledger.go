package tools

// The ledger of a ceremony.

import (
	"context"

	"poskey/internal/fault"
	"poskey/pkg/agent"
	"poskey/pkg/audit"
	"poskey/pkg/ceremony"
	"poskey/pkg/custody"
	"poskey/pkg/store"
	"poskey/pkg/vault"
)

// Hold writes what happened to a part into the ledger of the store. Without a store the record alone has it.
func (t *Tools) Hold(ctx context.Context, h ceremony.Held) error {
	if t.o.Vault == nil {
		return nil
	}
	work, v, err := t.books(ctx)
	if err != nil {
		return err
	}
	key, err := t.heldRef(ctx, h)
	switch {
	case fault.Is(err, fault.NotFound):
		key = store.Ref{Label: h.Key.ID} // a name of the script: no store has it
		if label, keeps := stored(h.Key); keeps {
			key.Label = label
		}
	case err != nil:
		return err
	}
	return v.Store().Hold(ctx, work.Change(), store.Holding{Ceremony: t.o.Ceremony, Key: key, Check: h.Check,
		Sheets: h.Set, Part: h.Part, Parts: h.Of, Needed: h.Needed, Person: h.Person.ID, Name: h.Person.Name,
		Card: h.Person.Card, Seat: h.Seat, Event: store.PartEvent(h.Event), Bag: h.Bag, Outer: h.Outer, Channel: h.Channel})
}

// heldRef is the key whose part it was. What the record knows by its version stays that version, whatever came after.
func (t *Tools) heldRef(ctx context.Context, h ceremony.Held) (store.Ref, error) {
	if ref, err := store.ParseRef(h.Label); err == nil && ref.Version > 0 {
		return ref, nil
	}
	return t.ref(ctx, h.Key)
}

// books is the operation under which the ledger is written, one for the whole ceremony.
func (t *Tools) books(ctx context.Context) (*vault.Work, *vault.Vault, error) {
	t.mu.Lock()
	work := t.ledger
	t.mu.Unlock()
	if work != nil {
		v, err := t.o.Vault(ctx)
		return work, v, err
	}
	s := t.o.Script
	work, v, err := t.begin(ctx, agent.Intent{Activity: custody.CeremonyRun, Label: t.o.Ceremony,
		Details: audit.Details{audit.FieldPurpose: audit.Clean(string(s.Kind)), "script": s.Fingerprint().Words()}})
	if err != nil {
		return nil, nil, err
	}
	if err := v.Store().BeginCeremony(ctx, work.Change(), store.Ceremony{ID: t.o.Ceremony, Kind: string(s.Kind),
		Title:  s.Title,
		Script: s.Fingerprint().String()}); err != nil {
		return nil, nil, finish(ctx, work, agent.Outcome{}, err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ledger = work
	return work, v, nil
}

// End closes the ledger: how the ceremony ended, and the hash of the last line of its record. A ceremony whose ledger
// was never written is written down too.
func (t *Tools) End(ctx context.Context, state store.CeremonyState, head string) error {
	if t.o.Vault == nil {
		return nil
	}
	work, v, err := t.books(ctx)
	if err != nil {
		return err
	}
	err = v.Store().EndCeremony(ctx, work.Change(), t.o.Ceremony, state, head)
	t.mu.Lock()
	t.ledger = nil
	t.mu.Unlock()
	var words string
	if last, err := custody.ParseFingerprint(head); err == nil {
		words = last.Words()
	}
	return finish(ctx, work, agent.Outcome{Details: audit.Details{"record": words}}, err)
}

// Close lets go of what is open. A ceremony that broke stays open in the ledger, for its resumption; so does a key
// that it made and did not keep, which the resumption finds and destroys.
func (t *Tools) Close(ctx context.Context) error {
	err := t.forgetSession()
	t.mu.Lock()
	work := t.ledger
	t.ledger = nil
	t.mu.Unlock()
	if work == nil {
		return err
	}
	broke := finish(ctx, work, agent.Outcome{}, fault.New(fault.Interrupted, "the ceremony stopped before its end"))
	if err == nil && !fault.Is(broke, fault.Interrupted) {
		err = broke
	}
	return err
}
