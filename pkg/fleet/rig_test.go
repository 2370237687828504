package fleet_test

// A facility for tests: a store, a boundary with test keys, and terminals. Every key here is a test key.

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/dukpt"
	"poskey/pkg/fleet"
	"poskey/pkg/hsm"
	"poskey/pkg/inject"
	"poskey/pkg/keyblock"
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

func wantKind(t testing.TB, what string, err error, kind fault.Kind) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Errorf("%s: got %v, want an error of kind %s", what, err, kind)
	}
}

// facility is what a run needs.
type facility struct {
	testing.TB
	url      store.URL
	db       *store.Store
	boundary hsm.Boundary
	bdk, klk hsm.Key
	bdkRef   store.Ref
	pin      hsm.Key // a PIN key, the same for all
}

const (
	testBDK = "0123456789ABCDEFFEDCBA9876543210" // test key of ANSI X9.24-1
	testKLK = "11111111222222223333333344444444" // test key
	testPIN = "ABABABABCDCDCDCDEFEFEFEF01010101" // test key
)

func onFile(t testing.TB) store.URL {
	t.Helper()
	u, err := store.SQLite(filepath.Join(t.TempDir(), "store.db"))
	must(t, err)
	return u
}

func storeOptions() store.Options { return store.Options{Now: time.Now, Wait: 10 * time.Second} }

// open makes a store with a key set of 100,000 numbers, and a boundary.
func open(t testing.TB, u store.URL) *facility {
	t.Helper()
	f := &facility{TB: t, url: u}
	var err error
	f.db, err = store.Create(context.Background(), u, storetest.Identity("fleet"), nil, storeOptions())
	must(t, err)
	t.Cleanup(func() { must(t, f.db.Close()) })
	row := bdkRow()
	_, err = f.db.Insert(context.Background(), store.Change{}, row)
	must(t, err)
	_, err = f.db.Insert(context.Background(), store.Change{}, klkRow())
	must(t, err)
	_, err = f.db.Insert(context.Background(), store.Change{}, pinRow())
	must(t, err)
	must(t, f.keys())
	f.keySet("SET", "987654", 0, 100_000)
	t.Cleanup(func() { _ = f.boundary.Close() })
	return f
}

func bdkRow() store.Key {
	row := storetest.Key("BDK", 1)
	row.Usage, row.Mode = keys.UsageBDK, 'X'
	row.Block = storetest.Block(row)
	return row
}

func klkRow() store.Key {
	row := storetest.Key("KLK", 1)
	row.Usage, row.Mode = keys.UsageKEK, 'B'
	row.Block = storetest.Block(row)
	return row
}

func pinRow() store.Key {
	row := storetest.Key("PIN", 1)
	row.Usage, row.Mode = keys.UsagePIN, 'E'
	row.Block = storetest.Block(row)
	return row
}

// keys makes a boundary with the test keys in it.
func (f *facility) keys() (err error) {
	if f.boundary, err = hsm.NewSoft(keys.Env{Rand: rand.Reader, Now: time.Now}); err != nil {
		return err
	}
	f.bdkRef = bdkRow().Ref()
	for _, k := range []struct {
		into   *hsm.Key
		digits string
		usage  keys.Usage
		mode   byte
		label  string
	}{{&f.bdk, testBDK, keys.UsageBDK, 'X', ""}, {&f.klk, testKLK, keys.UsageKEK, 'B', "KLK#1"}, {&f.pin, testPIN, keys.UsagePIN, 'E', ""}} {
		raw, err := hex.DecodeString(k.digits)
		if err != nil {
			return err
		}
		*k.into, err = f.boundary.Import(context.Background(), secret.Copy(raw),
			hsm.Attributes{Algorithm: keys.TDES128, Usage: k.usage, Mode: k.mode, Label: k.label}, hsm.Policy{AllowWeak: true})
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *facility) keySet(id, ksi string, from, to uint64) {
	f.Helper()
	must(f, f.db.AddKeySet(context.Background(), store.Change{}, store.KeySet{ID: id, BDK: f.bdkRef, Scheme: dukpt.TDES,
		KSI: ksi, From: from, To: to}))
}

// templates are an initial key for slot 90 and a PIN key for slot 0.
func templates() []fleet.LoadTemplate {
	return []fleet.LoadTemplate{{Slot: "90", KeySet: "SET", KBPK: "store:KLK"}, {Slot: "0", Key: "store:PIN", KBPK: "store:KLK"}}
}

// loads are those of the templates, with their keys.
func (f *facility) loads(context.Context, string) ([]inject.Plan, error) {
	return []inject.Plan{
		{Slot: "90", Key: hsm.Accept(f.bdk, hsm.ByStore), Ref: f.bdkRef, KeySet: "SET", KLK: &f.klk},
		{Slot: "0", Key: hsm.Accept(f.pin, hsm.ByStore), KLK: &f.klk, Usage: keys.UsagePIN, Mode: 'E'},
	}, nil
}

// begin takes a run down for n devices.
func (f *facility) begin(run string, n int, change ...func(*fleet.Plan, *fleet.Manifest)) fleet.Plan {
	f.Helper()
	m := manifest(f, n)
	p := fleet.Plan{Run: run, Loads: templates(), Created: time.Now()}
	for _, c := range change {
		c(&p, &m)
	}
	p, err := fleet.Begin(context.Background(), f.db, store.Change{}, p, m)
	must(f, err)
	return p
}

func serialOf(i int) string { return fmt.Sprintf("SN%d", farmFirst+i) }

func manifest(t testing.TB, n int) fleet.Manifest { return manifestAt(t, n, uriOf) }

func manifestAt(t testing.TB, n int, uri func(int) string) fleet.Manifest {
	t.Helper()
	var list bytes.Buffer
	list.WriteString("serial,device,model,poi_version\n")
	for i := range n {
		fmt.Fprintf(&list, "%s,%s,T1,5\n", serialOf(i), uri(i))
	}
	m, err := fleet.ParseManifest(&list)
	must(t, err)
	return m
}

// options are those of a station that knows the shelf.
func (f *facility) options(run, station string, s *shelf) fleet.Options {
	return fleet.Options{Store: f.db, Run: run, Station: station, Boundary: f.boundary,
		Env: keys.Env{Rand: rand.Reader, Now: time.Now}, Open: s.open, Loads: f.loads, Pause: time.Millisecond,
		Patience: 20 * time.Second, Timeout: 20 * time.Second}
}

// shelf holds terminals on paper: they store what they are told, as fast as they are told, and fail when a test says so.
type shelf struct {
	mu    sync.Mutex
	terms map[string]*paper // by URI
}

// moment is where a paper terminal may fail.
type moment string

const (
	atOpen      moment = "open"
	atSerial    moment = "serial"
	atRead      moment = "read"
	beforeStore moment = "before store" // the key is known not to be stored
	lostBefore  moment = "lost before"  // not stored, and nobody knows
	lostAfter   moment = "lost after"   // stored, and nobody knows
	atConfirm   moment = "confirm"
	panics      moment = "panic"
)

// paper is a terminal on paper.
type paper struct {
	mu    sync.Mutex
	told  string
	slots map[device.Slot][]held // every key that was ever stored, the last one is in the slot
	fails func(moment) error
	opens int
	inUse bool
	clash bool // two loaders were at it at once
}

type held struct {
	ksn   string
	check string // as the terminal computed it; "" where it tells none
}

func (s *shelf) stored(i int, slot device.Slot) []held { return s.of(i).slots[slot] }
func (s *shelf) clashed(i int) bool                    { return s.of(i).clash }

func newShelf(n int) *shelf {
	s := &shelf{terms: map[string]*paper{}}
	for i := range n {
		s.terms[uriOf(i)] = &paper{told: serialOf(i), slots: map[device.Slot][]held{}, fails: func(moment) error { return nil }}
	}
	return s
}

func uriOf(i int) string { return fmt.Sprintf("visa+tcp://127.0.0.1:%d", 10_000+i) }

func (s *shelf) of(i int) *paper {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.terms[uriOf(i)]
}

func (s *shelf) open(_ context.Context, uri string) (device.Device, error) {
	s.mu.Lock()
	p := s.terms[uri]
	s.mu.Unlock()
	if p == nil {
		return nil, fault.New(fault.DeviceLink, "nobody is there")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.opens++
	if err := p.fails(atOpen); err != nil {
		return nil, err
	}
	p.clash = p.clash || p.inUse
	p.inUse = true
	return &session{p}, nil
}

// session is a connection to a paper terminal.
type session struct{ p *paper }

func (s *session) Dialect() string { return "visa" }

func (s *session) Capabilities() device.Capabilities {
	return device.Capabilities{BlockVersions: "AB", Proof: device.ProofCommit, InitialSlots: []device.Slot{"90"},
		MuteSlots: []device.Slot{"90"}}
}

func (s *session) fails(m moment) error {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	return s.p.fails(m)
}

func (s *session) Serial(context.Context) (string, error) {
	if err := s.fails(atSerial); err != nil {
		return "", err
	}
	return s.p.told, nil
}

func (s *session) SetSerial(context.Context, string) error {
	return fault.New(fault.NotPermitted, "no")
}

func (s *session) ReadSlot(_ context.Context, slot device.Slot) (device.SlotState, error) {
	if err := s.fails(atRead); err != nil {
		return device.SlotState{}, err
	}
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	return device.SlotState{Loaded: len(s.p.slots[slot]) > 0}, nil
}

func (s *session) LoadBlock(_ context.Context, slot device.Slot, b *keyblock.Block) (device.Commit, error) {
	c := device.Commit{Slot: slot, Want: device.SlotState{Loaded: true}}
	if s.fails(panics) != nil {
		panic("driver\nwith a stack")
	}
	if err := s.fails(beforeStore); err != nil {
		return device.Commit{}, err
	}
	if err := s.fails(lostBefore); err != nil {
		return device.Commit{}, &device.OutcomeUnknown{Commit: c, Cause: err}
	}
	ksn, _ := b.Opt("KS")
	s.p.mu.Lock()
	s.p.slots[slot] = append(s.p.slots[slot], held{ksn: ksn})
	s.p.mu.Unlock()
	if err := s.fails(lostAfter); err != nil {
		return device.Commit{}, &device.OutcomeUnknown{Commit: c, Cause: err}
	}
	return c, nil
}

func (s *session) LoadClear(context.Context, device.Slot, *keys.Key, keys.Usage, byte) (device.Commit, error) {
	return device.Commit{}, fault.New(fault.NotPermitted, "no")
}

func (s *session) Confirm(_ context.Context, c device.Commit) (device.LoadResult, error) {
	if err := s.fails(atConfirm); err != nil {
		return device.LoadResult{}, &device.OutcomeUnknown{Commit: c, Cause: err}
	}
	if s.fails(lostBefore) != nil || s.fails(lostAfter) != nil {
		return device.LoadResult{}, &device.OutcomeUnknown{Commit: c, Cause: fault.New(fault.DeviceLink, "gone")}
	}
	return device.LoadResult{Slot: c.Slot, State: c.Want, Proof: device.ProofCommit}, nil
}

func (s *session) Close() error {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	s.p.inUse = false
	return nil
}
