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
	work, err := t.books(ctx)
	if err != nil {
		return err
	}
	key, err := t.heldRef(ctx, h)
	if err != nil {
		return err
	}
	return work.Hold(ctx, store.Holding{Ceremony: t.o.Ceremony, Key: key, Check: h.Check,
		Sheets: h.Set, Part: h.Part, Parts: h.Of, Needed: h.Needed, Person: h.Person.ID, Name: h.Person.Name,
		Card: h.Person.Card, Seat: h.Seat, Event: store.PartEvent(h.Event), Bag: h.Bag, Outer: h.Outer, Channel: h.Channel})
}

// heldRef is the key whose part it was. What the record knows by its version stays that version, whatever came after.
func (t *Tools) heldRef(ctx context.Context, h ceremony.Held) (store.Ref, error) {
	if ref, err := store.ParseRef(h.Label); err == nil && ref.Version > 0 {
		return ref, nil
	}
	ref, err := t.ref(ctx, h.Key)
	if !fault.Is(err, fault.NotFound) {
		return ref, err
	}
	if label, keeps := stored(h.Key); keeps {
		return store.Ref{Label: label}, nil
	}
	return store.Ref{Label: h.Key.ID}, nil // a name of the script: no store has it
}

// Holds reports whether the ledger has something, whatever check value it knew then. Who typed a part stands there twice:
// when they typed it, and under the key that came of it.
func (t *Tools) Holds(ctx context.Context, h ceremony.Held) (bool, error) {
	if t.o.Vault == nil {
		return true, nil // there is no ledger that could lack it
	}
	v, err := t.o.Vault(ctx)
	if err != nil {
		return false, err
	}
	ref, err := t.heldRef(ctx, h)
	if err != nil {
		return false, err
	}
	filter := store.HoldingFilter{Ceremony: t.o.Ceremony, Person: h.Person.ID}
	for was, err := range v.Store().Holdings(ctx, filter) {
		if err != nil {
			return false, err
		}
		if was.Key.Label == ref.Label && was.Part == h.Part && was.Event == store.PartEvent(h.Event) &&
			store.BagName(was.Bag) == store.BagName(h.Bag) && (was.Event != store.PartEntered || was.Key.Version == ref.Version) {
			return true, nil
		}
	}
	return false, nil
}

// BagHeld names an earlier ceremony that had a bag of this serial.
func (t *Tools) BagHeld(ctx context.Context, serial string) (string, error) {
	if t.o.Vault == nil {
		return "", nil
	}
	v, err := t.o.Vault(ctx)
	if err != nil {
		return "", err
	}
	known, err := vault.BagKnown(ctx, v.Store(), serial)
	if err != nil {
		return "", err
	}
	for _, h := range known {
		if h.Ceremony != t.o.Ceremony {
			return h.Ceremony, nil
		}
	}
	return "", nil
}

// books is the operation under which the ledger is written, one for the whole ceremony.
func (t *Tools) books(ctx context.Context) (*vault.Work, error) {
	work := t.ledger
	if work != nil {
		return work, nil
	}
	s := t.o.Script
	work, err := t.begin(ctx, agent.Intent{Activity: custody.CeremonyRun, Label: t.o.Ceremony,
		Details: audit.Details{audit.FieldPurpose: audit.Clean(string(s.Kind)), "script": s.Fingerprint().Words()}})
	if err != nil {
		return nil, err
	}
	if err := work.BeginCeremony(ctx, store.Ceremony{ID: t.o.Ceremony, Kind: string(s.Kind),
		Title:  s.Title,
		Script: s.Fingerprint().String()}); err != nil {
		return nil, finish(ctx, work, agent.Outcome{}, err)
	}
	t.ledger = work
	return work, nil
}

// End closes the ledger: how the ceremony ended, and the hash of the last line of its record. A ceremony whose ledger
// was never written is written down too.
func (t *Tools) End(ctx context.Context, state store.CeremonyState, head string) error {
	if t.o.Vault == nil {
		return nil
	}
	work, err := t.books(ctx)
	if err != nil {
		return err
	}
	err = work.EndCeremony(ctx, t.o.Ceremony, state, head)
	t.ledger = nil
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
	work := t.ledger
	t.ledger = nil
	if work == nil {
		return err
	}
	broke := finish(ctx, work, agent.Outcome{}, fault.New(fault.Interrupted, "the ceremony stopped before its end"))
	if err == nil && !fault.Is(broke, fault.Interrupted) {
		err = broke
	}
	return err
}
