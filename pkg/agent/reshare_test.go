//go:build linux || darwin

package agent

import (
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
)

func admin(t testing.TB, e custody.Environment, id string) *person {
	return officer(t, e, id, custody.Administrator)
}

// tomorrow makes a configuration one of a resharing.
func (f *fixture) tomorrow(holders, others []*person, leave ...string) func(*Config) {
	return func(c *Config) {
		c.Mode, c.Holders, c.Others, c.Leave, c.Threshold = Reshare, documents(holders), documents(others), leave, 2
	}
}

// asking lets further officers be asked.
func (f *fixture) asking(people ...*person) func(*Config) {
	f.typed = nil
	for _, p := range people {
		f.typed = append(f.typed, p.phrase)
	}
	return func(c *Config) { c.Identities = files(people) }
}

// made waits for what an agent made that ends by itself.
func (r *running) made() Started {
	r.t.Helper()
	if err := r.await(); err != nil {
		r.t.Fatal(err)
	}
	r.over()
	e, _ := r.find(Made)
	return Started{Document: e.Document, Generation: e.Generation, Check: e.Check}
}

// take lets the fixture's database have a document with its officers.
func (f *fixture) take(s Started, holders, others []*person) {
	f.t.Helper()
	var err error
	if f.sealed, err = custody.ParseSealedStore(s.Document); err != nil {
		f.t.Fatal(err)
	}
	f.holders, f.others, f.typed = holders, others, nil
}

// refuses wants nothing opened, by a kind and with words, and nobody asked.
func (r *running) refuses(kind fault.Kind, words ...string) {
	r.t.Helper()
	wantKind(r.t, r.await(), kind, words...)
	r.over()
	if len(r.screen.shown) != 0 {
		r.t.Errorf("somebody was asked: %q", r.screen.shown)
	}
}

func TestReshareGivesTheMasterKeyToOtherOfficers(t *testing.T) {
	noLeaks(t)
	boss := admin(t, custody.Test, "admin-d")
	f := newFixture(t, custody.Test, boss)
	a, b, c := f.holders[0], f.holders[1], officer(t, custody.Test, "custodian-c", custody.Custodian)
	r := f.try(f.tomorrow([]*person{a, c}, []*person{boss}, "custodian-b"), f.asking(a, b, boss))
	s := r.made()
	doc, err := custody.ParseSealedStore(s.Document)
	if err != nil || s.Generation != 2 || s.Check != f.sealed.Master.Check() {
		t.Fatalf("the document: %v, generation %d", err, s.Generation)
	}
	if err := doc.Roster.Match(custody.HoldersOf(cards([]*person{a, c, boss}))); err != nil {
		t.Error(err)
	}
	shown := strings.Join(r.screen.shown, "\n")
	for _, want := range []string{"to agree to: other officers for the master key", "it takes 2 of these 2",
		"joins: custodian-c, custodian (" + c.card().Fingerprint().Words() + ")", "leaves: custodian-b (",
		"- custodian-a (" + strings.Join(strings.Fields(a.card().Fingerprint().Words())[:4], " ") + ")"} {
		if n := strings.Count(shown, want); n != 3 {
			t.Errorf("%d of 3 screens say %q", n, want)
		}
	}
	added, removed := f.wantRecord(audit.OfficerAdd, audit.Done), f.wantRecord(audit.OfficerRemove, audit.Done)
	// Database and log from before the resharing, put back together, do not meet this checkpoint.
	if signed := f.wantRecord(audit.LogCheckpoint, audit.Done); signed.Seq < removed.Seq {
		t.Errorf("the checkpoint stands at %d, the leaving at %d", signed.Seq, removed.Seq)
	}
	if added.Object.Label != "custodian-c" || removed.Object.Label != "custodian-b" || len(added.With) != 3 ||
		added.Details["fingerprint"] != c.card().Fingerprint().String()[:8] || added.Details["generation"] != "2" {
		t.Errorf("%+v, %+v", added.Entry, removed.Entry)
	}
	f.take(s, []*person{a, c}, []*person{boss})
	f.start()
}

// TestTwoCustodiansAloneChangeNoOfficers: the shares are theirs, who is an officer is not for them to say.
func TestTwoCustodiansAloneChangeNoOfficers(t *testing.T) {
	noLeaks(t)
	for _, e := range []custody.Environment{custody.Test, custody.Production} {
		d, d2 := admin(t, e, "admin-d"), admin(t, e, "admin-e")
		f := newFixture(t, e, d, d2)
		a, b, mine := f.holders[0], f.holders[1], admin(t, e, "admin-x")
		all := []*person{a, b}
		f.try(f.tomorrow(all, []*person{d, d2, mine})).refuses(fault.NotPermitted, "admin-x", "officer.admit")
		f.try(f.tomorrow(all, []*person{d}, "admin-e")).refuses(fault.NotPermitted, "admin-e", "officer.revoke")
		if e == custody.Production {
			f.try(f.tomorrow(all, []*person{d, d2, mine}), f.asking(a, b, d)).refuses(fault.NotPermitted, "2 administrator")
		}
		// Nor does somebody count who is no officer, or who does not know the passphrase.
		f.try(f.tomorrow(all, []*person{d, d2, mine}), f.asking(a, b, mine, d)).refuses(fault.NotPermitted, "admin-x")
		asked := f.asking(a, b, d, d2)
		f.typed = []string{a.phrase, b.phrase, "TEST wrong 1", "TEST wrong 2", "TEST wrong 3"}
		r := f.try(f.tomorrow(all, []*person{d, d2, mine}), asked)
		wantKind(t, r.await(), fault.AuthFailed, "admin-d")
		r.over()
		if n := len(f.recorded(audit.OfficerAdd, audit.Done)); n != 0 {
			t.Errorf("%d officers were added", n)
		}
		if refused := f.wantRecord(audit.StoreReshare, audit.Refused); refused.Outcome.Fault != fault.AuthFailed {
			t.Errorf("%+v", refused)
		}
		s := f.try(f.tomorrow(all, []*person{d, d2, mine}), f.asking(a, b, d, d2)).made()
		f.take(s, all, []*person{d, d2, mine})
		// Whether they hold the shares among themselves anew is for those who hold them.
		f.try(f.tomorrow([]*person{b, a}, f.others), f.asking(a, b)).made()
	}
}

func TestNobodyLeavesOrStaysWithoutBeingNamed(t *testing.T) {
	noLeaks(t)
	d := admin(t, custody.Test, "admin-d")
	f := newFixture(t, custody.Test, d)
	a, b := f.holders[0], f.holders[1]
	for what, x := range map[string]struct {
		change func(*Config)
		kind   fault.Kind
	}{
		"left out":           {f.tomorrow([]*person{a, b}, nil), fault.NotPermitted},
		"unknown":            {f.tomorrow([]*person{a, b}, nil, "admin-d", "admin-q"), fault.NotFound},
		"leaving and there":  {f.tomorrow([]*person{a, b}, []*person{d}, "admin-d"), fault.Usage},
		"twice":              {f.tomorrow([]*person{a, b}, []*person{d, a}), fault.NotPermitted},
		"of another purpose": {f.tomorrow([]*person{a, b}, []*person{d, officer(t, custody.Production, "admin-p", custody.Administrator)}), fault.NotPermitted},
	} {
		r := f.try(x.change, f.asking(a, b, d))
		if err := r.await(); !fault.Is(err, x.kind) {
			t.Errorf("%s: %v", what, err)
		}
		r.over()
	}
}

// TestACardThatSomebodyPutThereIsNoOfficer is the attack by INSERT: self-made cards in the database.
func TestACardThatSomebodyPutThereIsNoOfficer(t *testing.T) {
	noLeaks(t)
	d := admin(t, custody.Test, "admin-d")
	f := newFixture(t, custody.Test, d)
	mine := officer(t, custody.Test, "custodian-x", custody.Custodian)
	f.try(func(c *Config) { c.Roster = append(c.Roster, mine.card().Marshal()) }).refuses(fault.NotPermitted, "custodian-x")
	reason := f.wantRecord(audit.StoreUnseal, audit.Refused).Details[audit.FieldReason]
	if !strings.Contains(reason, "custodian-x") {
		t.Errorf("recorded is %q", reason)
	}
	f.try(func(c *Config) { c.Roster = c.Roster[:2] }).refuses(fault.NotPermitted, "admin-d")
	stay := f.tomorrow(f.holders, []*person{d, mine})
	f.try(stay, func(c *Config) { c.Roster = append(c.Roster, mine.card().Marshal()) }).refuses(fault.NotPermitted, "custodian-x")

	// A roster of their own making, with the database as it would like to have it.
	master := newMaster(t)
	defer master.Wipe()
	forged := f.sealed
	var err error
	if forged.Roster, err = custody.Enrol(master, f.sealed.Master, cards(append(f.staff(), mine))); err != nil {
		t.Fatal(err)
	}
	r := f.try(func(c *Config) {
		c.Sealed, c.Roster = forged.Marshal(), append(c.Roster, mine.card().Marshal())
	})
	wantKind(t, r.await(), fault.MACMismatch)
	r.over()
	if reason := f.recorded(audit.StoreUnseal, audit.Failed); len(reason) != 1 || reason[0].Details[audit.FieldReason] == "" {
		t.Errorf("%+v", reason)
	}
	r = f.try(func(c *Config) { c.Sealed = f.sealed.Master.Marshal() })
	r.refuses(fault.Malformed)
	f.start()
}

// TestAnOlderDocumentOpensNothing puts the one of before back, with its officers.
func TestAnOlderDocumentOpensNothing(t *testing.T) {
	noLeaks(t)
	d := admin(t, custody.Test, "admin-d")
	f := newFixture(t, custody.Test, d)
	a, b, c := f.holders[0], f.holders[1], officer(t, custody.Test, "custodian-c", custody.Custodian)
	before := *f
	next := func() Started {
		f.holders, f.others = before.holders, before.others
		return f.try(f.tomorrow([]*person{a, c}, []*person{d}, "custodian-b"), f.asking(a, b, d)).made()
	}
	lost := next() // the database never had it
	f.typed = nil
	f.start().shut()

	s := next()
	config := f.config()
	if err := Confirm(config, time.Now, s); err != nil {
		t.Fatal(err)
	}
	f.typed = nil
	f.try().refuses(fault.NotPermitted, "generation 2", "an older copy")
	if reason := f.wantRecord(audit.StoreUnseal, audit.Refused).Details[audit.FieldReason]; !strings.Contains(reason, "older copy") {
		t.Errorf("recorded is %q", reason)
	}
	f.try(f.tomorrow([]*person{a, b}, []*person{d})).refuses(fault.NotPermitted, "an older copy")
	f.take(lost, []*person{a, c}, []*person{d})
	f.try().refuses(fault.NotPermitted, "another sealed master key")
	f.take(s, []*person{a, c}, []*person{d})
	f.start().shut()
	f.verifies()
}

// TestAnOpeningConfirmsWhatACrashLeftOpen: the database had the new document, and nobody could say so any more.
func TestAnOpeningConfirmsWhatACrashLeftOpen(t *testing.T) {
	noLeaks(t)
	f := newFixture(t, custody.Test)
	before := f.sealed
	s := f.try(f.tomorrow(f.holders, nil)).made()
	f.take(s, f.holders, nil)
	f.start().shut()
	f.sealed = before
	f.try().refuses(fault.NotPermitted, "an older copy")
}

// TestWhatWasMadeFirstIsKnownByItsDigest: another document of the first generation is none of this store.
func TestWhatWasMadeFirstIsKnownByItsDigest(t *testing.T) {
	noLeaks(t)
	d := admin(t, custody.Test, "admin-d")
	f, other := newFixture(t, custody.Test, d), newFixture(t, custody.Test, d)
	f.log += ".new"
	s := f.try(func(c *Config) {
		*c = Config{Mode: Init, Store: storeID, Environment: custody.Test, Holders: documents(f.holders),
			Others: documents(f.others), Threshold: 2, Log: f.log, Who: me()}
	}).made()
	mine := f.sealed
	f.sealed = other.sealed
	f.try().refuses(fault.NotPermitted, "another sealed master key")
	f.sealed = mine
	f.try().refuses(fault.NotPermitted)
	f.take(s, f.holders, f.others)
	f.start()
}

// shut seals the store and waits for the end of its agent.
func (r *running) shut() {
	r.t.Helper()
	if err := r.client.Seal(r.t.Context(), me()); err != nil {
		r.t.Fatal(err)
	}
	r.over()
}

func TestTheReasonsOfRefusalsAreTextsThatCanBeTranslated(t *testing.T) {
	noLeaks(t)
	d := admin(t, custody.Test, "admin-d")
	f := newFixture(t, custody.Test, d)
	r := f.try(f.tomorrow(f.holders, nil, "admin-d"))
	err := r.await()
	wantKind(t, err, fault.NotPermitted, "admin-d", "1 administrator")
	var e *fault.Error
	if e, _ = packError(err).unpack().(*fault.Error); e == nil || e.Text.Args[1].(text.Text).Format == "" {
		t.Errorf("it came back as %#v", e)
	}
	r.over()
}
