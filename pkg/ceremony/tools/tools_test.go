package tools_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/agent"
	"poskey/pkg/audit"
	"poskey/pkg/ceremony"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/tools"
	"poskey/pkg/component"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
	"poskey/pkg/store"
	"poskey/pkg/vault"
)

// room is a store whose authority is in this process, and the tools of a ceremony with it.
type room struct {
	*testing.T
	env    keys.Env
	vault  *vault.Vault
	log    string
	blocks map[string][]byte
	opts   tools.Options
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newRoom(t *testing.T, e custody.Environment) *room {
	t.Helper()
	before := secret.Live()
	t.Cleanup(func() {
		if after := secret.Live(); after != before {
			t.Errorf("%d secrets are still live, %d before the test", after, before)
		}
	})
	r := &room{T: t, env: keys.Env{Rand: rand.Reader, Now: time.Now}, blocks: map[string][]byte{}}
	dir := t.TempDir()
	url, err := store.SQLite(filepath.Join(dir, "store.db"))
	must(t, err)
	id, err := vault.CreateOnToken(t.Context(), r.env, vault.TokenBirth{URL: url, Environment: e,
		Token: "pkcs11:token=test",
		Who:   audit.Actor{ID: "a", Role: "user"}, LogPath: func(id string) (string, error) {
			r.log = filepath.Join(dir, id+".audit")
			return r.log, nil
		}, MakeKey: func(context.Context, string) error { return nil }})
	must(t, err)
	db, err := store.Open(t.Context(), url, store.Options{Now: time.Now})
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	master, err := keys.Generate(r.env.Rand, keys.AES256)
	must(t, err)
	boundary, err := hsm.NewMaster(r.env, master, hsm.Info{Driver: "soft", Name: "test"})
	must(t, err)
	t.Cleanup(func() { must(t, boundary.Close()) })
	log, err := audit.Open(r.log, audit.Identity{Store: id.ID, Environment: audit.Environment(id.Environment)},
		audit.Options{Now: time.Now, Who: audit.Actor{ID: "a", Role: "user"}})
	must(t, err)
	t.Cleanup(func() { must(t, log.Close()) })
	authority, err := agent.NewLocal(boundary, log, agent.LocalTerms{Environment: e})
	must(t, err)
	r.vault, err = vault.Open(t.Context(), db, authority)
	must(t, err)
	r.opts = tools.Options{Env: r.env, Ceremony: "20261201-7F3A91", Who: audit.Actor{ID: "a", Role: "user"},
		Vault: func(context.Context) (*vault.Vault, error) { return r.vault, nil },
		Approvers: func(context.Context, custody.Activity) (agent.Approvers, func(), error) {
			return agent.Approvers{}, func() {}, nil
		},
		WriteBlock: func(name string, content []byte) error { r.blocks[name] = bytes.Clone(content); return nil },
	}
	return r
}

// lead gives the tools of a ceremony with these keys.
func (r *room) lead(all ...script.Key) *tools.Tools {
	o := r.opts
	o.Script = &script.Script{Kind: script.ZMKExchange, Title: "TEST ceremony", Environment: custody.Test, Keys: all,
		Purpose: "exchange of test keys"}
	return tools.New(o)
}

func zmk(outputs ...script.Output) script.Key {
	return script.Key{ID: "ZMK", Algorithm: keys.TDES128, Usage: "K0", Source: script.Generate, Scheme: "xor",
		Threshold: 2,
		Parts: []script.Part{{Number: 1, Custodian: script.Seat{Primary: "custodian.a"}},
			{Number: 2, Custodian: script.Seat{Primary: "custodian.b"}}},
		Outputs: outputs}
}

func intoStore(label string) script.Output { return script.Output{To: script.ToStore, Label: label} }

func (r *room) state(label string) store.State {
	r.Helper()
	ref, err := store.ParseRef(label)
	must(r, err)
	row, err := r.vault.Store().Get(r.Context(), ref)
	must(r, err)
	return row.State
}

// agrees holds the store against its log.
func (r *room) agrees() {
	r.Helper()
	got, err := vault.Verify(r.Context(), r.vault.Store(), nil, r.log)
	must(r, err)
	for _, f := range got.Findings {
		if !f.Warning {
			r.Errorf("%s: %v", f.Where, f.Err)
		}
	}
	if got.LogErr != nil {
		r.Error(got.LogErr)
	}
}

func TestAKeyIsActiveOnlyAfterItWasKept(t *testing.T) {
	r := newRoom(t, custody.Test)
	k := zmk(intoStore("ZMK-2026"), script.Output{To: script.ToBlock, File: "zmk.block", KBPK: "KEK"})
	kek := script.Key{ID: "KEK", Algorithm: keys.TDES128, Usage: "K0", Source: script.Generate,
		Outputs: []script.Output{intoStore("KEK")}}
	l := r.lead(k, kek)
	made, err := l.Generate(t.Context(), &k)
	must(t, err)
	if made.Label != "ZMK-2026#1" || len(made.Check.Digits) != 6 || r.state("ZMK-2026#1") != store.PreActivation {
		t.Fatalf("%+v, %s", made, r.state("ZMK-2026#1"))
	}
	_, err = l.Generate(t.Context(), &kek)
	must(t, err)
	_, err = l.Keep(t.Context(), &kek, &kek.Outputs[0])
	must(t, err)
	if _, err := l.Export(t.Context(), &k, &k.Outputs[1]); !fault.Is(err, fault.NotPermitted) {
		t.Fatalf("a key that is not active yet: %v", err)
	}
	parts, err := l.Split(t.Context(), &k)
	must(t, err)
	formed := joined(t, r, parts)
	if formed != made.Check.Digits {
		t.Errorf("the parts form %s, the key is %s", formed, made.Check.Digits)
	}
	kept, err := l.Keep(t.Context(), &k, &k.Outputs[0])
	must(t, err)
	if kept.Check != made.Check || r.state("ZMK-2026#1") != store.Active {
		t.Errorf("%+v, %s", kept, r.state("ZMK-2026#1"))
	}
	out, err := l.Export(t.Context(), &k, &k.Outputs[1])
	must(t, err)
	b, err := keyblock.Parse(strings.TrimSpace(string(r.blocks["zmk.block"])))
	if err != nil || b.Version != 'B' || b.Usage != "K0" || !strings.HasPrefix(string(r.blocks["zmk.block"]), out.Header) {
		t.Errorf("%+v, %v", b, err)
	}
	must(t, l.Close(t.Context()))
	r.agrees()
}

// joined forms the key of the parts in a boundary of its own.
func joined(t *testing.T, r *room, parts []*component.Part) string {
	t.Helper()
	b, err := hsm.NewSoft(r.env)
	must(t, err)
	defer func() { must(t, b.Close()) }()
	k, err := b.Form(t.Context(), hsm.Forming{Parts: parts, Attributes: hsm.Attributes{Algorithm: parts[0].Algorithm,
		Usage: "K0"}})
	must(t, err)
	return k.Check.Digits
}

// resumes goes on after a break: the key is made anew, and of the one before nothing is left.
func (r *room) resumes(k script.Key) {
	r.Helper()
	l := r.lead(k)
	made, err := l.Generate(r.Context(), &k)
	if err != nil || made.Label != "ZMK-2026#2" {
		r.Fatalf("the label cannot be used again: %+v, %v", made, err)
	}
	_, err = l.Keep(r.Context(), &k, &k.Outputs[0])
	must(r, err)
	must(r, l.Forget(r.Context()))
	must(r, l.Close(r.Context()))
	if one, two := r.state("ZMK-2026#1"), r.state("ZMK-2026#2"); one != store.Destroyed || two != store.Active {
		r.Errorf("they are %s and %s", one, two)
	}
}

func TestAKeyThatWasNotKeptIsDestroyed(t *testing.T) {
	r := newRoom(t, custody.Test)
	k := zmk(intoStore("ZMK-2026"))
	l := r.lead(k)
	_, err := l.Generate(t.Context(), &k)
	must(t, err)
	must(t, l.Close(t.Context())) // it breaks
	if s := r.state("ZMK-2026#1"); s != store.PreActivation {
		t.Errorf("it is %s", s)
	}
	r.resumes(k)
	r.opts.Ceremony = "20261202-000001"
	if _, err := r.lead(k).Generate(t.Context(), &k); !fault.Is(err, fault.FileExists) {
		t.Errorf("over a key in use: %v", err)
	}
	r.agrees()
}

func TestPartsBecomeAKeyOfTheStore(t *testing.T) {
	r := newRoom(t, custody.Test)
	k := zmk(intoStore("ZMK-P"))
	k.Source = script.Components
	cut := zmk()
	l := r.lead(k, cut)
	made, err := l.Generate(t.Context(), &cut)
	must(t, err)
	parts, err := l.Split(t.Context(), &cut)
	must(t, err)
	formed, err := l.Form(t.Context(), &k, hsm.Forming{Parts: parts})
	must(t, err)
	if formed.Label != "ZMK-P#1" || formed.Check != made.Check {
		t.Errorf("%+v, want %+v", formed, made)
	}
	found, err := l.Find(t.Context(), &k)
	if err != nil || found.Check != made.Check {
		t.Errorf("%+v, %v", found, err)
	}
	other := k
	other.Usage = "B0"
	if _, err := l.Find(t.Context(), &other); !fault.Is(err, fault.NotPermitted) {
		t.Errorf("as another usage: %v", err)
	}
	must(t, l.Close(t.Context()))
	r.agrees()
}

func TestAKeyOfNoStoreIsGoneWithTheCeremony(t *testing.T) {
	r := newRoom(t, custody.Test)
	k := zmk()
	o := r.opts
	o.Vault, o.Script = nil, &script.Script{Environment: custody.Test, Keys: []script.Key{k}}
	l := tools.New(o)
	made, err := l.Generate(t.Context(), &k)
	must(t, err)
	if made.Label != "" {
		t.Error(made.Label)
	}
	must(t, l.Hold(t.Context(), held(&k, "custodian.a", 1)))
	must(t, l.End(t.Context(), store.CeremonyClosed, strings.Repeat("AB", 32)))
	must(t, l.Forget(t.Context()))
	if _, err := l.Split(t.Context(), &k); err == nil {
		t.Error("it was split after it was forgotten")
	}
	must(t, l.Close(t.Context()))
	keeps := zmk(intoStore("X"))
	if _, err := l.Generate(t.Context(), &keeps); !fault.Is(err, fault.NotFound) {
		t.Errorf("a key for a store that is not there: %v", err)
	}
}

func held(k *script.Key, person string, part int) ceremony.Held {
	return ceremony.Held{Key: k, Set: "7F3A-91C2", Part: part, Of: 2, Needed: 2, Seat: "primary", Event: "printed",
		Person: script.Person{ID: person, Name: "Custodian"}, Bag: "B-1"}
}

func TestWhatWasHeldIsInTheLedgerThoughTheCeremonyBroke(t *testing.T) {
	r := newRoom(t, custody.Test)
	k := zmk(intoStore("ZMK-2026"))
	l := r.lead(k)
	_, err := l.Generate(t.Context(), &k)
	must(t, err)
	must(t, l.Hold(t.Context(), held(&k, "custodian.a", 1)))
	must(t, l.Close(t.Context())) // it breaks
	l = r.lead(k)
	must(t, l.Hold(t.Context(), held(&k, "custodian.a", 2)))
	must(t, l.End(t.Context(), store.CeremonyClosed, strings.Repeat("AB", 32)))
	must(t, l.Close(t.Context()))
	all, err := vault.HoldersOf(t.Context(), r.vault.Store(), store.HoldingFilter{})
	must(t, err)
	if len(all) != 1 || all[0].Key.String() != "ZMK-2026#1" || len(all[0].People) != 1 ||
		!all[0].Enough(&all[0].People[0]) {
		t.Errorf("%+v", all)
	}
	bags, err := vault.Bags(t.Context(), r.vault.Store(), "B-1")
	if err != nil || len(bags) != 2 || bags[0].Part != 1 || bags[1].Part != 2 { // one serial, two parts: two bags
		t.Errorf("%+v, %v", bags, err)
	}
	r.agrees()
}

func TestWhatAResumedCeremonyLeftInTheStoreIsDestroyedAtItsEnd(t *testing.T) {
	r := newRoom(t, custody.Test)
	k := zmk(intoStore("ZMK-2026"))
	l := r.lead(k)
	for range 2 { // it breaks, and breaks again
		_, err := l.Generate(t.Context(), &k)
		must(t, err)
		must(t, l.Close(t.Context()))
		l = r.lead(k)
	}
	_, err := l.Generate(t.Context(), &k)
	must(t, err)
	_, err = l.Keep(t.Context(), &k, &k.Outputs[0])
	must(t, err)
	must(t, l.Close(t.Context())) // once more, after the key was kept
	must(t, r.lead(k).Forget(t.Context()))
	if s := r.state("ZMK-2026#1"); s != store.PreActivation {
		t.Errorf("a ceremony that did not break takes what is another's: %s", s)
	}
	r.opts.Resumed, r.opts.Kept = true, []string{"ZMK-2026#3"}
	must(t, r.lead(k).Forget(t.Context()))
	for label, want := range map[string]store.State{"ZMK-2026#1": store.Destroyed, "ZMK-2026#2": store.Destroyed,
		"ZMK-2026#3": store.Active} {
		if s := r.state(label); s != want {
			t.Errorf("%s is %s, want %s", label, s, want)
		}
	}
	r.agrees()
}

// TestAKeyInUseThatTheRecordDoesNotKnowIsDestroyedWithTheCeremony: it was killed between the two, and given up then.
func TestAKeyInUseThatTheRecordDoesNotKnowIsDestroyedWithTheCeremony(t *testing.T) {
	r := newRoom(t, custody.Test)
	k := zmk(intoStore("ZMK-2026"))
	l := r.lead(k)
	_, err := l.Generate(t.Context(), &k)
	must(t, err)
	_, err = l.Keep(t.Context(), &k, &k.Outputs[0])
	must(t, err)
	must(t, l.Close(t.Context()))
	r.opts.Resumed = true
	l = r.lead(k)
	must(t, l.Forget(t.Context()))
	must(t, l.Close(t.Context()))
	if s := r.state("ZMK-2026#1"); s != store.Destroyed {
		t.Errorf("it is %s", s)
	}
	r.agrees()
}

// TestMoreDigitsThanAreSeenAreCompared inside the boundary, of a key of the store and of one that no store keeps.
func TestMoreDigitsThanAreSeenAreCompared(t *testing.T) {
	r := newRoom(t, custody.Test)
	for _, k := range []script.Key{zmk(intoStore("ZMK-2026")), zmk()} {
		l := r.lead(k)
		made, err := l.Generate(t.Context(), &k)
		must(t, err)
		for digits, want := range map[string]bool{made.Check.Digits: true, made.Check.Digits + "FFFFFFFFFF": false} {
			c, err := l.Compare(t.Context(), &k, kcv.Expected{Digits: digits})
			if err != nil || c.Match != want || c.Digits < min(len(digits), 8) {
				t.Errorf("%d digits: %+v, %v", len(digits), c, err)
			}
		}
		must(t, l.Forget(t.Context()))
		must(t, l.Close(t.Context()))
	}
	r.agrees()
}

// TestTheLedgerTellsWhatItHas of a ceremony that goes on: by key, part, person, event and bag.
func TestTheLedgerTellsWhatItHas(t *testing.T) {
	r := newRoom(t, custody.Test)
	k := zmk(intoStore("ZMK-2026"))
	l := r.lead(k)
	printed := held(&k, "custodian.a", 1)
	must(t, l.Hold(t.Context(), printed))
	typed := printed
	typed.Event = string(store.PartEntered)
	must(t, l.Hold(t.Context(), typed))
	_, err := l.Generate(t.Context(), &k)
	must(t, err)
	other, bag, part := printed, printed, printed
	other.Person.ID, bag.Bag, part.Part = "custodian.b", "B-2", 2
	for _, c := range []struct {
		held ceremony.Held
		want bool
	}{{printed, true}, {typed, false}, {other, false}, {bag, false}, {part, false}} {
		if has, err := l.Holds(t.Context(), c.held); err != nil || has != c.want {
			t.Errorf("%s of part %d in %s by %s: %t, %v", c.held.Event, c.held.Part, c.held.Bag, c.held.Person.ID, has, err)
		}
	}
	if earlier, err := l.BagHeld(t.Context(), "B-1"); err != nil || earlier != "" {
		t.Errorf("the bag of this ceremony is held against it: %q, %v", earlier, err)
	}
	own := r.opts.Ceremony
	r.opts.Ceremony = "20261202-AAAAAA"
	for serial, want := range map[string]string{"b -1": own, "B-9": ""} {
		if earlier, err := r.lead(k).BagHeld(t.Context(), serial); err != nil || earlier != want {
			t.Errorf("bag %s was in %q, want %q: %v", serial, earlier, want, err)
		}
	}
	must(t, l.Hold(t.Context(), typed)) // of which key it is, is known now
	if has, err := l.Holds(t.Context(), typed); err != nil || !has {
		t.Errorf("%t, %v", has, err)
	}
	must(t, l.Close(t.Context()))
}

// TestABlockThatWasWrittenBeforeTheBreakIsTaken: it is not written over, and the line is about what lies there.
func TestABlockThatWasWrittenBeforeTheBreakIsTaken(t *testing.T) {
	r := newRoom(t, custody.Test)
	k := zmk(intoStore("ZMK-2026"), script.Output{To: script.ToBlock, File: "zmk.block", KBPK: "KEK"})
	kek := script.Key{ID: "KEK", Algorithm: keys.TDES128, Usage: "K0", Source: script.Generate,
		Outputs: []script.Output{intoStore("KEK")}}
	l := r.lead(k, kek)
	for _, one := range []*script.Key{&k, &kek} {
		_, err := l.Generate(t.Context(), one)
		must(t, err)
		_, err = l.Keep(t.Context(), one, &one.Outputs[0])
		must(t, err)
	}
	before, err := l.Export(t.Context(), &k, &k.Outputs[1])
	must(t, err)
	must(t, l.Close(t.Context())) // it breaks
	r.opts.Resumed = true
	r.opts.WriteBlock = func(string, []byte) error { return fault.New(fault.FileExists, "zmk.block is there") }
	r.opts.ReadBlock = func(name string) ([]byte, error) { return r.blocks[name], nil }
	l = r.lead(k, kek)
	again, err := l.Export(t.Context(), &k, &k.Outputs[1])
	if err != nil || again != before {
		t.Errorf("%+v, %v, want %+v", again, err, before)
	}
	other, err := l.Export(t.Context(), &kek, &script.Output{To: script.ToBlock, File: "zmk.block", KBPK: "ZMK-2026"})
	if !fault.Is(err, fault.FileExists) {
		t.Errorf("the block of another key was taken: %+v, %v", other, err)
	}
	for _, bad := range []string{"", "no block\n"} {
		r.blocks["zmk.block"] = []byte(bad)
		if _, err := l.Export(t.Context(), &k, &k.Outputs[1]); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	must(t, l.Close(t.Context()))
}

func TestAKeyThatSomebodyElseLeftIsNotTakenForOnesOwn(t *testing.T) {
	r := newRoom(t, custody.Test)
	k := zmk(intoStore("ZMK-2026"))
	l := r.lead(k)
	_, err := l.Generate(t.Context(), &k)
	must(t, err)
	must(t, l.Close(t.Context())) // it breaks, and is not resumed
	r.opts.Ceremony = "20261202-000001"
	l = r.lead(k)
	if _, err := l.Generate(t.Context(), &k); !fault.Is(err, fault.FileExists) {
		t.Errorf("%v", err)
	}
	must(t, l.Forget(t.Context()))
	must(t, l.Close(t.Context()))
	if s := r.state("ZMK-2026#1"); s != store.PreActivation {
		t.Errorf("it is %s", s)
	}
}

func TestAKeyThatWasKeptWithoutTheRecordKnowingIsMadeAgain(t *testing.T) {
	r := newRoom(t, custody.Test)
	k := zmk(intoStore("ZMK-2026"))
	l := r.lead(k)
	_, err := l.Generate(t.Context(), &k)
	must(t, err)
	_, err = l.Keep(t.Context(), &k, &k.Outputs[0])
	must(t, err)
	must(t, l.Close(t.Context())) // it breaks before the line is written
	r.resumes(k)
	r.agrees()
}

func TestAKeyInUseIsTakenOutOfUseAndDestroyed(t *testing.T) {
	r := newRoom(t, custody.Test)
	k := zmk(intoStore("ZMK-2026"))
	l := r.lead(k)
	_, err := l.Generate(t.Context(), &k)
	must(t, err)
	_, err = l.Keep(t.Context(), &k, &k.Outputs[0])
	must(t, err)
	must(t, l.Close(t.Context()))
	old := script.Key{ID: "OLD", Algorithm: keys.TDES128, Usage: "K0", Source: script.Stored, Label: "ZMK-2026"}
	l = r.lead(old)
	must(t, l.DestroyKey(t.Context(), &old, "end of its period"))
	must(t, l.Close(t.Context()))
	if s := r.state("ZMK-2026#1"); s != store.Destroyed {
		t.Errorf("it is %s", s)
	}
	r.agrees()
}

func TestAScriptOfAnotherEnvironmentTouchesNoStore(t *testing.T) {
	r := newRoom(t, custody.Test)
	k := zmk(intoStore("ZMK-2026"))
	o := r.opts
	o.Script = &script.Script{Environment: custody.Production, Keys: []script.Key{k}}
	if _, err := tools.New(o).Generate(t.Context(), &k); !fault.Is(err, fault.NotPermitted) {
		t.Errorf("%v", err)
	}
}

// TestThoseWhoApproveAreAskedOnceForAllThatWasNotKept: a ceremony that broke again and again left keys in the store.
func TestThoseWhoApproveAreAskedOnceForAllThatWasNotKept(t *testing.T) {
	r := newRoom(t, custody.Test)
	one, two := zmk(intoStore("ZMK-2026")), zmk(intoStore("TMK-2026"))
	two.ID = "TMK"
	for range 4 {
		l := r.lead(one, two)
		for _, k := range []*script.Key{&one, &two} {
			_, err := l.Generate(t.Context(), k)
			must(t, err)
		}
		must(t, l.Close(t.Context()))
	}
	l := r.lead(one)
	_, err := l.Generate(t.Context(), &one)
	must(t, err)
	_, err = l.Keep(t.Context(), &one, &one.Outputs[0])
	must(t, err)
	must(t, l.Close(t.Context())) // kept, and the record does not know it
	asked := map[custody.Activity]int{}
	r.opts.Resumed = true
	r.opts.Approvers = func(_ context.Context, a custody.Activity) (agent.Approvers, func(), error) {
		asked[a]++
		return agent.Approvers{}, func() {}, nil
	}
	l = r.lead(one, two)
	_, err = l.Generate(t.Context(), &one)
	must(t, err)
	must(t, l.Forget(t.Context()))
	must(t, l.Forget(t.Context()))
	if asked[custody.KeyDestroy] != 1 {
		t.Errorf("asked %d times for 10 keys", asked[custody.KeyDestroy])
	}
	for _, label := range []string{"ZMK-2026#1", "ZMK-2026#4", "ZMK-2026#5", "ZMK-2026#6", "TMK-2026#1", "TMK-2026#4"} {
		if s := r.state(label); s != store.Destroyed {
			t.Errorf("%s is %s", label, s)
		}
	}
	must(t, l.Close(t.Context()))
	r.agrees()
}

// TestWhatIsNotApprovedIsNamed: nothing of it is destroyed, and those who can look after it are told all of it.
func TestWhatIsNotApprovedIsNamed(t *testing.T) {
	r := newRoom(t, custody.Test)
	k := zmk(intoStore("ZMK-2026"))
	l := r.lead(k)
	for range 2 {
		_, err := l.Generate(t.Context(), &k)
		must(t, err)
	}
	approvers := r.opts.Approvers
	o := r.opts
	o.Script = &script.Script{Kind: script.ZMKExchange, Environment: custody.Test, Keys: []script.Key{k}}
	o.Resumed = true
	o.Approvers = func(ctx context.Context, a custody.Activity) (agent.Approvers, func(), error) {
		if a == custody.KeyDestroy {
			return agent.Approvers{}, nil, fault.New(fault.NotPermitted, "nobody approves it")
		}
		return approvers(ctx, a)
	}
	err := tools.New(o).Forget(t.Context())
	if !fault.Is(err, fault.NotPermitted) || !strings.Contains(err.Error(), "ZMK-2026#1 ZMK-2026#2") {
		t.Errorf("%v", err)
	}
	if s := r.state("ZMK-2026#2"); s != store.PreActivation {
		t.Errorf("it is %s", s)
	}
	must(t, l.Close(t.Context()))
}

// TestAKeyThatWasDestroyedBeforeTheBreakStaysSo: the line about it is missing, so the ceremony asks for it again. It is
// the same version, and no other one is destroyed in its place.
func TestAKeyThatWasDestroyedBeforeTheBreakStaysSo(t *testing.T) {
	r := newRoom(t, custody.Test)
	k := zmk(intoStore("ZMK-2026"))
	l := r.lead(k)
	for range 2 {
		_, err := l.Generate(t.Context(), &k)
		must(t, err)
	}
	must(t, l.Close(t.Context()))
	old := script.Key{ID: "OLD", Algorithm: keys.TDES128, Usage: "K0", Source: script.Stored, Label: "ZMK-2026"}
	l = r.lead(old)
	before, err := l.Find(t.Context(), &old)
	if err != nil || before.Label != "ZMK-2026#2" || before.Gone {
		t.Fatalf("%+v, %v", before, err)
	}
	must(t, l.DestroyKey(t.Context(), &old, "end of its period"))
	must(t, l.Close(t.Context())) // it breaks before the line is written
	r.opts.Resumed = true
	l = r.lead(old)
	as := old
	as.Label = before.Label // as the record knows it
	again, err := l.Find(t.Context(), &as)
	if err != nil || !again.Gone || again.Check != before.Check || again.Label != before.Label {
		t.Fatalf("%+v, %v", again, err)
	}
	must(t, l.DestroyKey(t.Context(), &old, "end of its period"))
	h := held(&old, "custodian.a", 1)
	h.Label = before.Label
	must(t, l.Hold(t.Context(), h))
	must(t, l.End(t.Context(), store.CeremonyClosed, strings.Repeat("AB", 32)))
	must(t, l.Close(t.Context()))
	if one, two := r.state("ZMK-2026#1"), r.state("ZMK-2026#2"); one != store.PreActivation || two != store.Destroyed {
		t.Errorf("they are %s and %s", one, two)
	}
	all, err := vault.HoldersOf(t.Context(), r.vault.Store(), store.HoldingFilter{})
	if err != nil || len(all) != 1 || all[0].Key.String() != "ZMK-2026#2" {
		t.Errorf("%+v, %v", all, err)
	}
	r.agrees()
}
