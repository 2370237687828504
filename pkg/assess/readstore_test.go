package assess

import (
	"crypto/rand"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"poskey/pkg/custody"
	"poskey/pkg/keys"
	"poskey/pkg/store"
	"poskey/pkg/store/storetest"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func env() keys.Env { return keys.Env{Rand: rand.Reader, Now: now} }

// officers makes people: four of different managers, the first two of whom are custodians.
func officers(t testing.TB) (ids []*custody.Identity, cards []custody.Card) {
	t.Helper()
	for i, role := range []custody.Role{custody.Custodian, custody.Custodian, custody.Administrator, custody.Auditor} {
		id, err := custody.NewOfficer(env(), custody.Officer{ID: fmt.Sprintf("officer.%d", i), Name: fmt.Sprintf("Officer %d", i),
			Manager: fmt.Sprintf("Manager %d", i/2), Roles: []custody.Role{role}, Environment: custody.Test})
		must(t, err)
		t.Cleanup(id.Wipe)
		ids, cards = append(ids, id), append(cards, id.Card())
	}
	return ids, cards
}

// newStore makes a store in a file, whose master key two custodians share.
func newStore(t testing.TB) *store.Store {
	t.Helper()
	_, cards := officers(t)
	master, err := keys.Generate(rand.Reader, keys.AES256)
	must(t, err)
	t.Cleanup(master.Wipe)
	m, err := custody.Seal(env(), master, cards[:2], custody.Plan{Store: "STORE-0001", Environment: custody.Test, Threshold: 2})
	must(t, err)
	roster, err := custody.Enrol(master, m, cards)
	must(t, err)
	id := storetest.Identity("STORE-0001")
	id.Created, id.Master.Check = daysAgo(100), m.Check()
	id.Master.Sealed = custody.SealedStore{Master: m, Roster: roster}.Marshal()
	var rows []store.Officer
	for _, c := range cards {
		rows = append(rows, store.Officer{ID: c.ID(), Fingerprint: c.Fingerprint().String(), Card: c.Marshal()})
	}
	u, err := store.SQLite(filepath.Join(t.TempDir(), "store.db"))
	must(t, err)
	db, err := store.Create(t.Context(), u, id, rows, store.Options{Now: now})
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestAStoreTellsOfItself(t *testing.T) {
	db, ctx := newStore(t), t.Context()
	for _, label := range []string{"ZMK-1", "ZMK-2", "ZMK-3"} {
		_, err := db.Insert(ctx, store.Change{}, storetest.Key(label, 1))
		must(t, err)
	}
	gone := storetest.Key("ZMK-4", 1)
	gone.State = store.PreActivation
	_, err := db.Insert(ctx, store.Change{}, gone)
	must(t, err)
	must(t, db.Transition(ctx, store.Change{}, gone.Ref(), store.PreActivation, store.Destroyed, "a test"))
	must(t, db.AddDevice(ctx, store.Change{}, store.Device{Serial: "T-1", POIVersion: "6"}))
	must(t, db.AddRun(ctx, store.Change{}, store.Run{ID: "run-1", Plan: []byte("a plan"), Manifest: strings.Repeat("AB", 32)},
		[]store.RunDevice{{Serial: "T-1", URI: "visa+tcp://127.0.0.1:1"}}))
	loads := []store.LoadRequest{{ID: "r1", Run: "run-1", Serial: "T-1", Slot: "0", Key: store.Ref{Label: "ZMK-1", Version: 1}, Clear: true}}
	_, errs, err := db.ReserveLoads(ctx, store.Change{}, loads)
	must(t, err)
	must(t, errs[0])
	_, errs, err = db.StepLoads(ctx, store.Change{}, []store.LoadStep{{ID: "r1", To: store.LoadSent, Check: storetest.Key("ZMK-1", 1).Check}})
	must(t, err)
	must(t, errs[0])
	convey(t, db)

	s, err := ReadStore(ctx, db, daysAgo(30))
	must(t, err)
	if s.Identity.ID != "STORE-0001" || s.Threshold != 2 || s.Shares != 2 || len(s.Officers) != 4 || !s.LocalFile || s.TLS {
		t.Errorf("%s, %d of %d, %d officers, local %v", s.Identity.ID, s.Threshold, s.Shares, len(s.Officers), s.LocalFile)
	}
	if o := s.Officers[0]; !o.Share || o.Manager != "Manager 0" || !slices.Equal(o.Roles, []string{"custodian"}) || s.Officers[2].Share {
		t.Errorf("%+v", s.Officers)
	}
	if len(s.Keys) != 3 || s.Keys[0].Block != "" || len(s.Devices) != 1 || s.LoadsSeen != 1 || len(s.Loads) != 1 {
		t.Errorf("%d keys, %d devices, %d loads", len(s.Keys), len(s.Devices), len(s.Loads))
	}
	if s.Conveyed != 4 || !slices.Equal(s.OneWay, []string{"ZMK-1#1"}) || len(s.Cuttings) != 2 {
		t.Errorf("%d went out, %v the same way, %d cuttings", s.Conveyed, s.OneWay, len(s.Cuttings))
	}
	r := Assess(&Evidence{Now: now(), Store: &s}, Answers{})
	for id, want := range map[string]Verdict{"DT-10": NotMet, "OP-14": NotMet, "DT-02": NotMet, "MG-01": NotMet, "MG-03": NotMet,
		"UA-06": NotMet, "UA-07": NotMet, "UA-08": Met, "HW-07": NotApplicable, "OP-10": Met, "HW-01": NoEvidence} {
		if f := resultOf(t, &r, id).Finding; f.Verdict != want {
			t.Errorf("%s is %s (%s), want %s", id, f.Verdict, f.Found, want)
		}
	}
}

// convey sends two parts of one key the same way, and two of another by different ways.
func convey(t testing.TB, db *store.Store) {
	t.Helper()
	y := store.Ceremony{ID: "C1", Kind: "zmk-exchange", Title: "a test", Script: strings.Repeat("CD", 32)}
	must(t, db.BeginCeremony(t.Context(), store.Change{}, y))
	hold := func(label string, part int, e store.PartEvent, person, channel string) {
		h := store.Holding{Ceremony: "C1", Key: store.Ref{Label: label, Version: 1}, Check: storetest.Key(label, 1).Check, Sheets: label, Part: part,
			Parts: 2, Needed: 2, Person: person, Name: "Custodian", Card: strings.Repeat("EF", 32), Seat: "primary", Event: e, Channel: channel}
		if e == store.PartSent {
			h.Bag = fmt.Sprint(label, "-", part)
		}
		must(t, db.Hold(t.Context(), store.Change{}, h))
	}
	for part := 1; part <= 2; part++ {
		hold("ZMK-1", part, store.PartPrinted, "custodian.a", "")
		hold("ZMK-1", part, store.PartSent, "custodian.a", []string{"Courier  One", "courier one"}[part-1])
		hold("ZMK-2", part, store.PartPrinted, fmt.Sprint("custodian.", part), "")
		hold("ZMK-2", part, store.PartSent, fmt.Sprint("custodian.", part), fmt.Sprint("courier ", part))
	}
}

func TestAStoreWhoseSealedKeyCannotBeReadLeavesItOpen(t *testing.T) {
	u, err := store.SQLite(filepath.Join(t.TempDir(), "store.db"))
	must(t, err)
	db, err := store.Create(t.Context(), u, storetest.Identity("STORE-2"), nil, store.Options{Now: now})
	must(t, err)
	defer func() { _ = db.Close() }()
	s, err := ReadStore(t.Context(), db, time.Time{})
	must(t, err)
	r := Assess(&Evidence{Now: now(), Store: &s}, Answers{})
	for _, id := range []string{"UA-08", "MG-01", "MG-03"} {
		if f := resultOf(t, &r, id).Finding; f.Verdict != NoEvidence {
			t.Errorf("%s is %s", id, f.Verdict)
		}
	}
}

// TestManyKeysAndTerminalsTakeSeconds: reading and judging grow with the store and not with its square.
func TestManyKeysAndTerminalsTakeSeconds(t *testing.T) {
	db, ctx := newStore(t), t.Context()
	const many = 2_000
	_, err := db.InsertMany(ctx, store.Change{}, storetest.Many(many))
	must(t, err)
	s, err := ReadStore(ctx, db, time.Time{})
	must(t, err)
	start := time.Now()
	for i := range 100_000 { // the inventory's own writing is not what is tried here
		s.Devices = append(s.Devices, store.Device{Serial: fmt.Sprintf("T-%06d", i), State: store.Confirmed,
			Keys: []store.DeviceKey{{Slot: "0", Check: storetest.Check(i)}, {Slot: "1", Check: storetest.Check(100_000 + i)}}})
	}
	r := Assess(&Evidence{Now: now(), Store: &s}, Answers{})
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
	for i := range r.Results {
		if n := len(r.Results[i].Finding.Items); n > MaxItems {
			t.Errorf("%s lists %d", r.Results[i].Control.ID, n)
		}
	}
	if len(r.Warnings) > 40*MaxItems {
		t.Errorf("%d warnings", len(r.Warnings))
	}
}
