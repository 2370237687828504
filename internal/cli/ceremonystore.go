package cli

// The store of a ceremony, looked at before anybody sits down: is it there, are the keys, are the devices, and who has held
// what before.

import (
	"context"
	"fmt"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/store"
)

// needsStore reports whether a script takes keys of a store, puts some into it, or looks for devices there.
func needsStore(s *script.Script) bool {
	for _, k := range s.Keys {
		if k.Source == script.Stored {
			return true
		}
		for _, o := range k.Outputs {
			if o.To == script.ToStore || o.To == script.ToDevice || o.KBPK != "" {
				return true
			}
		}
	}
	return false
}

// storeFindings looks at the store, where the script needs one. A store that cannot be asked is a finding too.
func (r *room) storeFindings(ctx context.Context, a *App) ([]script.Finding, error) {
	if r.rehearsal || !needsStore(r.script) {
		return nil, nil
	}
	all, err := r.askStore(ctx, a)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		all = append(all, roomFinding("store-unreachable", r.missing(), "", text.New("the store cannot be asked: %s", err),
			text.New("say where it is with --store; poskey store init makes one")))
	}
	return all, nil
}

func (r *room) askStore(ctx context.Context, a *App) ([]script.Finding, error) {
	db, id, err := a.openIdentified(ctx)
	if err != nil {
		return nil, err
	}
	var all []script.Finding
	if id.Environment != string(r.script.Environment) {
		all = append(all, roomFinding("store-environment", script.Error, pinSeparation,
			text.New("the store is for %s, and the script for %s", id.Environment, string(r.script.Environment)),
			text.New("name the right store with --store")))
	}
	for i := range r.script.Keys {
		found, err := keyFindings(ctx, db, &r.script.Keys[i])
		if err != nil {
			return all, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// keyFindings looks a key of the script up, what it is wrapped under, and the device that it goes into.
func keyFindings(ctx context.Context, db *store.Store, k *script.Key) ([]script.Finding, error) {
	var all []script.Finding
	at := "keys." + k.ID
	if k.Source == script.Stored {
		row, f, err := lookUp(ctx, db, k.Label, at+".label")
		if err != nil {
			return nil, err
		}
		all = append(all, f...)
		if len(f) == 0 && row.Algorithm != k.Algorithm {
			all = append(all, script.Finding{ID: "key-algorithm", Level: script.Error, Where: at + ".algorithm",
				What: text.New("%s is a key of %s in the store", row.Ref().String(), string(row.Algorithm)), Fix: text.New("mend the script")})
		}
	}
	for i, o := range k.Outputs {
		found, err := outputFindings(ctx, db, k, o, fmt.Sprintf("%s.outputs.%d", at, i+1))
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

func outputFindings(ctx context.Context, db *store.Store, k *script.Key, o script.Output, at string) ([]script.Finding, error) {
	var all []script.Finding
	if o.To == script.ToStore {
		n, err := db.NextVersion(ctx, o.Label)
		if err != nil {
			return nil, err
		}
		if n > 1 {
			all = append(all, script.Finding{ID: "label-exists", Level: script.Note, Where: at,
				What: text.New("the store has a key %s; this one becomes %s", o.Label, store.Ref{Label: o.Label, Version: n}.String())})
		}
	}
	if o.KBPK != "" {
		row, f, err := lookUp(ctx, db, o.KBPK, at+".kbpk")
		if err != nil {
			return nil, err
		}
		all = append(all, f...)
		if own := k.Algorithm.Strength(k.Algorithm.DefaultLen()); len(f) == 0 && row.Algorithm.Strength(row.Len) < own {
			all = append(all, script.Finding{ID: "kbpk-weaker", Level: script.Error, Requirement: pinStrength, Where: at + ".kbpk",
				What: text.New("%s (%s) is weaker than the key %s (%s) that it would carry", row.Ref().String(), string(row.Algorithm), k.ID, string(k.Algorithm)),
				Fix:  text.New("name a stronger one")})
		}
	}
	if o.To == script.ToDevice {
		f, err := deviceFindings(ctx, db, o.Device, at)
		if err != nil {
			return nil, err
		}
		all = append(all, f...)
	}
	return all, nil
}

// lookUp finds a key that must be there and in use.
func lookUp(ctx context.Context, db *store.Store, label, at string) (store.Key, []script.Finding, error) {
	ref, err := store.ParseRef(label)
	if err == nil {
		var row store.Key
		if row, err = db.Get(ctx, ref); err == nil && !row.State.Gone() {
			return row, nil, nil
		}
	}
	switch fault.KindOf(err) {
	case fault.NotFound, fault.NotPermitted, fault.Usage:
	default:
		if err != nil {
			return store.Key{}, nil, err
		}
	}
	return store.Key{}, []script.Finding{{ID: "key-missing", Level: script.Error, Where: at,
		What: text.New("the store has no key %s in use", text.Redact(label)), Fix: text.New("look with: poskey key list")}}, nil
}

func deviceFindings(ctx context.Context, db *store.Store, serial, at string) ([]script.Finding, error) {
	d, err := db.Device(ctx, serial)
	switch {
	case fault.Is(err, fault.NotFound):
		return []script.Finding{{ID: "device-missing", Level: script.Error, Requirement: pinInventory, Where: at,
			What: text.New("device %s is not in the inventory", text.Redact(serial)), Fix: text.New("add it with: poskey device add")}}, nil
	case err != nil:
		return nil, err
	case d.State == store.Rejected:
		return []script.Finding{{ID: "device-rejected", Level: script.Error, Requirement: pinInventory, Where: at,
			What: text.New("device %s was rejected", text.Redact(serial)), Fix: text.New("take another device, and find out why")}}, nil
	}
	return nil, nil
}

// ledgerPast is what the ledger of the store knows of ceremonies before; nothing where there is no store.
func (a *App) ledgerPast(ctx context.Context, s *script.Script) []script.Past {
	if !needsStore(s) {
		return nil
	}
	db, err := a.openStore(ctx)
	if err != nil {
		return nil //nolint:nilerr // that the store cannot be asked is a finding of its own
	}
	var all []script.Past
	for h, err := range db.Holdings(ctx, store.HoldingFilter{}) {
		if err != nil {
			return all // the same
		}
		if saw(h.Event) {
			all = append(all, script.Past{Person: h.Person, Card: h.Card, Label: h.Key.Label, Check: h.Check.Digits, Set: h.Sheets,
				Part: h.Part, At: h.At, Where: h.Ceremony})
		}
	}
	return all
}

// saw reports whether somebody to whom that happened may have read the part: a bag that was handed on is closed.
func saw(event string) bool { return event == "printed" || event == "entered" || event == "opened" }
