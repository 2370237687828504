package cli

// The store of a ceremony, looked at before anybody sits down: is it there, are the keys, are the devices, and who has
// held what before.

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/agent"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/tools"
	"poskey/pkg/custody"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
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

// storeUse is what a ceremony has a store for.
type storeUse int

// The uses.
const (
	noStore   storeUse = iota
	forLedger          // the script needs none, and somebody named one: its ledger has what happens
	forKeys            // the script does not go without
)

// storeUse tells what a script has a store for. One that makes a store has none before.
func (a *App) storeUse(s *script.Script) storeUse {
	switch {
	case slices.ContainsFunc(s.Steps, func(st script.Step) bool { return st.Do == script.InitStore }):
		return noStore
	case needsStore(s):
		return forKeys
	case a.namedStore() != "":
		return forLedger
	}
	return noStore
}

// storeTells is what a store knows about a script before its ceremony.
type storeTells struct {
	findings  []script.Finding
	past      []script.Past
	algorithm func(label string) (keys.Algorithm, bool)   // nil: nobody can be asked
	stored    func(label string) (script.StoredKey, bool) // the same
}

// askStore looks at the store. One that cannot be asked is a finding; a ceremony that needs none goes on without.
func (r *room) askStore(ctx context.Context, a *App) (storeTells, error) {
	if r.store = a.storeUse(r.script); r.rehearsal || r.store == noStore {
		return storeTells{}, nil
	}
	tells, err := r.readStore(ctx, a)
	if ctx.Err() != nil {
		return storeTells{}, context.Cause(ctx)
	}
	switch {
	case err != nil && r.store == forLedger:
		r.store = noStore
		tells.findings = append(tells.findings, roomFinding("ledger-closed", script.Warning, pinLog,
			text.New("the ledger of the store cannot be written: %s; who holds which part will stand in the record of this ceremony alone", err),
			text.New("open the store, or keep the record where --past finds it")))
	case fault.Is(err, fault.Sealed):
		l := script.Warning // until people sit down, it may well be closed
		if r.begins {
			l = script.Error
		}
		tells.findings = append(tells.findings, roomFinding("store-sealed", l, pinDual, text.New("%s", err),
			text.New("before the ceremony: poskey store unseal")))
	case err != nil:
		tells.findings = append(tells.findings, roomFinding("store-unreachable", r.missing(), pinProcedure,
			text.New("the store cannot be asked: %s", err), storeHint(err)))
	default:
		tells.findings = append(tells.findings, roomFinding("ledger", script.Note, pinLog,
			text.New("this ceremony is written into the ledger of the store %s", r.ledger), text.Text{}))
	}
	return tells, nil
}

// storeHint is what to do about a store that cannot be asked. That there is none says itself what to do.
func storeHint(err error) text.Text {
	if fault.Is(err, fault.NotFound) {
		return text.Text{}
	}
	return text.New("say where it is with --store")
}

func (r *room) readStore(ctx context.Context, a *App) (storeTells, error) {
	var tells storeTells
	db, id, err := a.openIdentified(ctx)
	if err != nil {
		return tells, err
	}
	r.ledger = db.URL().Redacted()
	if id.Environment != string(r.script.Environment) {
		tells.findings = append(tells.findings, roomFinding("store-environment", script.Error, pinSeparation,
			text.New("the store is for %s, and the script for %s", custody.Environment(id.Environment).Text(),
				r.script.Environment.Text()),
			text.New("name the right store with --store")))
	}
	if f, found := tokenFinding(id, r.script); found {
		tells.findings = append(tells.findings, f)
	}
	for i := range r.script.Keys {
		found, err := r.keyFindings(ctx, db, &r.script.Keys[i])
		tells.findings = append(tells.findings, found...)
		if err != nil {
			return tells, err
		}
	}
	over, err := r.overInLedger(ctx, db)
	tells.findings = append(tells.findings, over...)
	if err != nil {
		return tells, err
	}
	if tells.past, err = ledgerPast(ctx, db); err != nil {
		return tells, err
	}
	if tells.algorithm, err = algorithmsOf(ctx, db, r.script); err != nil {
		return tells, err
	}
	if tells.stored, err = storedIn(ctx, db, r.script); err != nil {
		return tells, err
	}
	return tells, r.opened(ctx, a, id)
}

// opened asks whether the store can be written: its officers have unsealed it. Of one in a token nobody is asked
// before.
func (r *room) opened(ctx context.Context, a *App, id store.Identity) error {
	if id.Master.Kind == store.ByToken {
		return nil
	}
	client, err := agent.Dial(ctx, a.socketPath(id.ID), id.ID)
	if err != nil {
		return err
	}
	return client.Close()
}

// tokenFinding finds a store that lets nobody approve: of a store on a token this process is the authority, and it
// takes no approvals for one operation.
func tokenFinding(id store.Identity, s *script.Script) (script.Finding, bool) {
	if id.Master.Kind != store.ByToken || s.Environment != custody.Production {
		return script.Finding{}, false
	}
	needs := map[script.Verb]custody.Activity{script.PrintPart: custody.KeySplit, script.FormKey: custody.KeyForm,
		script.DestroyKey: custody.KeyDestroy}
	for i, st := range s.Steps {
		rule, err := custody.RuleOf(needs[st.Do])
		if err != nil || rule.Terms(s.Environment).Standing {
			continue
		}
		if k, ok := s.Key(st.Key); !ok || !inStore(k) {
			continue
		}
		return roomFinding("store-approvals", script.Error, pinDual,
			text.New("in production step %d (%s) takes officers' approvals each time, and a store whose master key is in a token cannot ask for them", i+1, string(st.Do)),
			text.New("name a store that officers unseal (--store), or do it at the HSM itself and let poskey record it: poskey ceremony new --template hsm-scribe")), true
	}
	return script.Finding{}, false
}

// inStore reports whether a key lies in the store, or is to.
func inStore(k *script.Key) bool {
	return k.Source == script.Stored || slices.ContainsFunc(k.Outputs,
		func(o script.Output) bool { return o.To == script.ToStore })
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

// storedIn looks up the keys that the script takes out of the store.
func storedIn(ctx context.Context, db *store.Store, s *script.Script) (func(string) (script.StoredKey, bool), error) {
	known := map[string]script.StoredKey{}
	for i := range s.Keys {
		if s.Keys[i].Source != script.Stored {
			continue
		}
		row, found, err := newestKey(ctx, db, s.Keys[i].Label)
		if err != nil {
			return nil, err
		}
		if found {
			known[s.Keys[i].Label] = script.StoredKey{Version: row.Version, Check: row.Check.Digits}
		}
	}
	return func(label string) (script.StoredKey, bool) {
		row, ok := known[label]
		return row, ok
	}, nil
}

// keyFindings looks a key of the script up, and where it is to go.
func (r *room) keyFindings(ctx context.Context, db *store.Store, k *script.Key) ([]script.Finding, error) {
	var all []script.Finding
	if k.Source == script.Stored {
		found, err := r.storedFindings(ctx, db, k)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	at := "keys." + k.ID
	for i, o := range k.Outputs {
		found, err := r.outputFindings(ctx, db, o, fmt.Sprintf("%s.outputs.%d", at, i+1))
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// storedFindings looks up a key that is to be in the store: it is there, of the script's algorithm, and in a state in
// which the steps can be taken.
func (r *room) storedFindings(ctx context.Context, db *store.Store, k *script.Key) ([]script.Finding, error) {
	at, s := "keys."+k.ID, r.script
	row, found, err := newestKey(ctx, db, k.Label)
	if err != nil {
		return nil, err
	}
	if !found && r.there {
		if found, err = destroyedHere(ctx, db, s, k); err != nil || found {
			return nil, err
		}
	}
	if !found {
		return []script.Finding{{ID: "key-missing", Level: script.Error, Requirement: pinProcedure, Where: at + ".label",
			What: text.New("the store has no key %s", text.Redact(k.Label)), Fix: text.New("look with: poskey key list")}}, nil
	}
	var all []script.Finding
	if row.Algorithm != k.Algorithm {
		all = append(all, script.Finding{ID: "key-algorithm", Level: script.Error, Requirement: pinProcedure, Where: at + ".algorithm",
			What: text.New("%s is a key of %s in the store", row.Ref().String(), string(row.Algorithm)),
			Fix:  text.New("mend the script")})
	}
	if k.Check != nil {
		if same, known := store.SameCheck(kcv.Value{Digits: k.Check.Digits}, row.Check); known && !same {
			all = append(all, script.Finding{ID: "key-check", Level: script.Error, Requirement: pinCheck, Where: at + ".check",
				What: text.New("%s has the check value %s in the store, and %s in the script", row.Ref().String(), row.Check.String(), k.Check.Digits),
				Fix:  text.New("find out which is right before anything is done: another key may lie under the label")})
		}
	}
	destroyed := slices.ContainsFunc(s.Steps, func(st script.Step) bool {
		return st.Do == script.DestroyKey &&
			st.Key == k.ID
	})
	leaves := slices.ContainsFunc(k.Outputs, func(o script.Output) bool {
		return o.To == script.ToDevice ||
			o.To == script.ToBlock
	})
	inUse := row.State == store.Active || row.State == store.Suspended
	switch {
	case destroyed && inUse:
		all = append(all, script.Finding{ID: "key-in-use", Level: script.Warning, Requirement: pinProcedure, Where: at + ".label",
			What: text.New("the key %s is %s in the store", row.Ref().String(), stateText(row.State)),
			Fix:  text.New("its use ends with this ceremony; what hangs beneath it: poskey key tree")})
	case leaves && row.State != store.Active:
		all = append(all, script.Finding{ID: "key-state", Level: script.Error, Requirement: pinProcedure, Where: at + ".label",
			What: text.New("the key %s is %s in the store", row.Ref().String(), stateText(row.State)),
			Fix:  text.New("name one that is active: poskey key list")})
	}
	return all, nil
}

// destroyedHere reports whether a key is gone that a ceremony which goes on destroys: it has done so before it broke.
func destroyedHere(ctx context.Context, db *store.Store, s *script.Script, k *script.Key) (bool, error) {
	if !slices.ContainsFunc(s.Steps, func(st script.Step) bool { return st.Do == script.DestroyKey && st.Key == k.ID }) {
		return false, nil
	}
	ref, err := store.ParseRef(k.Label)
	if err != nil {
		return false, nil //nolint:nilerr // it names no key
	}
	for row, err := range db.List(ctx, store.Filter{Label: ref.Label}) {
		if err != nil {
			return false, err
		}
		if row.Label == ref.Label && (ref.Version == 0 || row.Version == ref.Version) && row.State.Gone() {
			return true, nil
		}
	}
	return false, nil
}

// overInLedger finds a ceremony that goes on and is over by the ledger: its record was cut.
func (r *room) overInLedger(ctx context.Context, db *store.Store) ([]script.Finding, error) {
	if !r.there {
		return nil, nil
	}
	for y, err := range db.Ceremonies(ctx) {
		if err != nil {
			return nil, err
		}
		if y.ID == r.ceremony && y.State != store.CeremonyOpen {
			return []script.Finding{roomFinding("ledger-over", script.Error, pinLog,
				text.New("by the ledger of the store ceremony %s is over (%s), and its record has no end", y.ID, string(y.State)),
				text.New("the record was cut, or is an older copy: find the whole one"))}, nil
		}
	}
	return nil, nil
}

func (r *room) outputFindings(ctx context.Context, db *store.Store, o script.Output, at string) ([]script.Finding,
	error) {
	switch o.To {
	case script.ToStore:
		return r.labelFindings(ctx, db, o.Label, at)
	case script.ToDevice:
		return deviceFindings(ctx, db, o.Device, at)
	}
	return nil, nil
}

// labelFindings looks for a key under the label. What the ceremony that goes on made before it broke is as it should
// be.
func (r *room) labelFindings(ctx context.Context, db *store.Store, label, at string) ([]script.Finding, error) {
	for row, err := range db.List(ctx, store.Filter{Label: label}) {
		if err != nil {
			return nil, err
		}
		if row.Label == label && !row.State.Gone() && !r.made(&row) {
			return []script.Finding{{ID: "label-exists", Level: script.Error, Requirement: pinProcedure, Where: at,
				What: text.New("the store has a key %s already", row.Ref().String()),
				Fix:  text.New("name another label; a key is renewed with poskey key rotate")}}, nil
		}
	}
	return nil, nil
}

// made reports whether the ceremony that goes on made a key before it broke: one that its record does not know as kept
// is made anew, and destroyed in the end.
func (r *room) made(row *store.Key) bool {
	return r.there && (row.Purpose == tools.MadeIn(r.ceremony) || strings.HasPrefix(row.Purpose, tools.MadeIn(r.ceremony)+":") ||
		slices.Contains(r.kept, row.Ref().String()))
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

// newestKey finds a key as the steps will: the version that is named, or the newest that is not gone, in use or not.
func newestKey(ctx context.Context, db *store.Store, label string) (newest store.Key, found bool, err error) {
	ref, err := store.ParseRef(label)
	if err != nil {
		return newest, false, nil //nolint:nilerr // it names no key
	}
	for row, err := range db.List(ctx, store.Filter{Label: ref.Label}) {
		if err != nil {
			return newest, false, err
		}
		if row.Label == ref.Label && (ref.Version == 0 ||
			row.Version == ref.Version) && !row.State.Gone() && row.Version > newest.Version {
			newest, found = row, true
		}
	}
	return newest, found, nil
}

func deviceFindings(ctx context.Context, db *store.Store, serial, at string) ([]script.Finding, error) {
	d, err := db.Device(ctx, serial)
	switch {
	case fault.Is(err, fault.NotFound):
		return []script.Finding{{ID: "device-missing", Level: script.Error, Requirement: pinInventory, Where: at,
			What: text.New("device %s is not in the inventory", text.Redact(serial)),
			Fix:  text.New("add it with: poskey device add")}}, nil
	case err != nil:
		return nil, err
	case d.State == store.Rejected:
		return []script.Finding{{ID: "device-rejected", Level: script.Error, Requirement: pinInventory, Where: at,
			What: text.New("device %s was rejected", text.Redact(serial)),
			Fix:  text.New("take another device, and find out why")}}, nil
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
		if h.Event.Tells() {
			all = append(all, script.Past{Person: h.Person, Name: h.Name, Card: h.Card, Label: h.Key.Label, Number: h.Key.Version, Check: h.Check.Digits,
				Set:  h.Sheets,
				Part: h.Part, At: h.At, Where: h.Ceremony})
		}
	}
	return all, nil
}
