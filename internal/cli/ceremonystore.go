package cli

// The store of a ceremony, looked at before anybody sits down: is it there, are the keys, are the devices, and who has held
// what before.

import (
	"context"
	"fmt"
	"slices"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/keys"
	"poskey/pkg/store"
	"poskey/pkg/vault"
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

// usesStore reports whether a ceremony works with a store: because its script does, or because somebody named one, whose
// ledger then has what happens. A script that makes a store has none before.
func (a *App) usesStore(s *script.Script) bool {
	if slices.ContainsFunc(s.Steps, func(st script.Step) bool { return st.Do == script.InitStore }) {
		return false
	}
	return needsStore(s) || a.flags.store != "" || a.Getenv("POSKEY_STORE") != ""
}

// storeTells is what a store knows about a script before its ceremony.
type storeTells struct {
	findings  []script.Finding
	past      []script.Past
	algorithm func(label string) (keys.Algorithm, bool) // nil: nobody can be asked
}

// askStore looks at the store. One that cannot be asked is a finding.
func (r *room) askStore(ctx context.Context, a *App) (storeTells, error) {
	if r.rehearsal || !a.usesStore(r.script) {
		return storeTells{}, nil
	}
	tells, err := r.readStore(ctx, a)
	switch {
	case ctx.Err() != nil:
		return storeTells{}, context.Cause(ctx)
	case err != nil:
		tells.findings = append(tells.findings, roomFinding("store-unreachable", r.missing(), "", text.New("the store cannot be asked: %s", err),
			text.New("say where it is with --store; poskey store init makes one")))
	}
	return tells, nil
}

func (r *room) readStore(ctx context.Context, a *App) (storeTells, error) {
	var tells storeTells
	db, id, err := a.openIdentified(ctx)
	if err != nil {
		return tells, err
	}
	if id.Environment != string(r.script.Environment) {
		tells.findings = append(tells.findings, roomFinding("store-environment", script.Error, pinSeparation,
			text.New("the store is for %s, and the script for %s", id.Environment, string(r.script.Environment)),
			text.New("name the right store with --store")))
	}
	for i := range r.script.Keys {
		found, err := keyFindings(ctx, db, &r.script.Keys[i])
		tells.findings = append(tells.findings, found...)
		if err != nil {
			return tells, err
		}
	}
	if tells.past, err = ledgerPast(ctx, db); err != nil {
		return tells, err
	}
	tells.algorithm, err = algorithmsOf(ctx, db, r.script)
	return tells, err
}

// algorithmsOf looks up those of the keys that the script's keys leave under.
func algorithmsOf(ctx context.Context, db *store.Store, s *script.Script) (func(string) (keys.Algorithm, bool), error) {
	known := map[string]keys.Algorithm{}
	for i := range s.Keys {
		for _, o := range s.Keys[i].Outputs {
			if o.KBPK == "" {
				continue
			}
			row, found, err := lookUp(ctx, db, o.KBPK)
			if err != nil {
				return nil, err
			}
			if found {
				known[o.KBPK] = row.Algorithm
			}
		}
	}
	return func(label string) (keys.Algorithm, bool) {
		alg, ok := known[label]
		return alg, ok
	}, nil
}

// keyFindings looks a key of the script up, and where it is to go.
func keyFindings(ctx context.Context, db *store.Store, k *script.Key) ([]script.Finding, error) {
	var all []script.Finding
	at := "keys." + k.ID
	if k.Source == script.Stored {
		row, found, err := lookUp(ctx, db, k.Label)
		switch {
		case err != nil:
			return nil, err
		case !found:
			all = append(all, script.Finding{ID: "key-missing", Level: script.Error, Where: at + ".label",
				What: text.New("the store has no key %s in use", text.Redact(k.Label)), Fix: text.New("look with: poskey key list")})
		case row.Algorithm != k.Algorithm:
			all = append(all, script.Finding{ID: "key-algorithm", Level: script.Error, Where: at + ".algorithm",
				What: text.New("%s is a key of %s in the store", row.Ref().String(), string(row.Algorithm)), Fix: text.New("mend the script")})
		}
	}
	for i, o := range k.Outputs {
		found, err := outputFindings(ctx, db, o, fmt.Sprintf("%s.outputs.%d", at, i+1))
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

func outputFindings(ctx context.Context, db *store.Store, o script.Output, at string) ([]script.Finding, error) {
	switch o.To {
	case script.ToStore:
		return labelFindings(ctx, db, o.Label, at)
	case script.ToDevice:
		return deviceFindings(ctx, db, o.Device, at)
	}
	return nil, nil
}

// labelFindings looks for a key under the label. One that was in use keeps it; one that never was is of a ceremony that
// broke.
func labelFindings(ctx context.Context, db *store.Store, label, at string) ([]script.Finding, error) {
	for row, err := range db.List(ctx, store.Filter{Label: label}) {
		if err != nil {
			return nil, err
		}
		if row.Label == label && row.State != store.PreActivation && !row.State.Gone() {
			return []script.Finding{{ID: "label-exists", Level: script.Error, Where: at,
				What: text.New("the store has a key %s already", row.Ref().String()), Fix: text.New("name another label; a key is renewed with poskey key rotate")}}, nil
		}
	}
	return nil, nil
}

// lookUp finds a key that is there and in use.
func lookUp(ctx context.Context, db *store.Store, label string) (store.Key, bool, error) {
	ref, err := store.ParseRef(label)
	if err != nil {
		return store.Key{}, false, nil //nolint:nilerr // it names no key
	}
	row, err := db.Get(ctx, ref)
	switch {
	case err == nil:
		return row, !row.State.Gone(), nil
	case fault.Is(err, fault.NotFound), fault.Is(err, fault.NotPermitted):
		return store.Key{}, false, nil
	}
	return store.Key{}, false, err
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

// ledgerPast is what the ledger knows of ceremonies before.
func ledgerPast(ctx context.Context, db *store.Store) ([]script.Past, error) {
	var all []script.Past
	for h, err := range db.Holdings(ctx, store.HoldingFilter{}) {
		if err != nil {
			return nil, err
		}
		if vault.Sees(h.Event) {
			all = append(all, script.Past{Person: h.Person, Card: h.Card, Label: h.Key.Label, Check: h.Check.Digits, Set: h.Sheets,
				Part: h.Part, At: h.At, Where: h.Ceremony})
		}
	}
	return all, nil
}
