package inject_test

// A shop for tests: a store with its journal, a boundary with test keys, and emulators of three dialects.

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/device/drivers"
	"poskey/pkg/device/emulator"
	"poskey/pkg/dukpt"
	"poskey/pkg/hsm"
	"poskey/pkg/inject"
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

// shop is what many cases share. All keys are test keys.
type shop struct {
	testing.TB
	db                       *store.Store
	boundary                 hsm.Boundary
	bdk, klk, pin, mac, more hsm.Key
	bdkRef                   store.Ref
	papers                   emulator.Papers

	mu     sync.Mutex
	count  int
	stored map[string][]string // by KSN, the terminals that stored it
}

const (
	clearBDK = "0123456789ABCDEFFEDCBA9876543210" // test key of ANSI X9.24-1
	clearMAC = "31B0DC6E4A97F825D3529E0475B61F8A"
	clearKEK = "4F61D02E98B0F4CD85A2E9137C5B3176"
	keySet   = "SET"
)

func testEnv() keys.Env { return keys.Env{Rand: rand.Reader, Now: time.Now} }

// openShop makes a shop; at the end it looks for secrets left behind.
func openShop(t testing.TB) *shop {
	t.Helper()
	live := secret.Live()
	t.Cleanup(func() {
		if now := secret.Live(); now != live {
			t.Errorf("%d secrets are live after the test, %d were before", now, live)
		}
	})
	s := &shop{TB: t, stored: map[string][]string{}}
	u, err := store.SQLite(filepath.Join(t.TempDir(), "store.db"))
	must(t, err)
	s.db, err = store.Create(context.Background(), u, storetest.Identity("shop"), nil,
		store.Options{Now: time.Now, Wait: 20 * time.Second})
	must(t, err)
	t.Cleanup(func() { must(t, s.db.Close()) })
	s.boundary, err = hsm.NewSoft(testEnv())
	must(t, err)
	t.Cleanup(func() { must(t, s.boundary.Close()) })
	s.bdk = s.take(unhex(clearBDK), keys.UsageBDK, 'X')
	s.klk = s.take(klk16(), keys.UsageKEK, 'B')
	s.pin = s.take(double(), keys.UsagePIN, 'E')
	s.mac = s.take(unhex(clearMAC), keys.UsageRetail, 'G')
	s.more = s.take(unhex(clearKEK), keys.UsageKEK, 'D')
	row := storetest.Key("BDK", 1)
	row.Usage, row.Mode = keys.UsageBDK, 'X'
	row.Block = storetest.Block(row)
	_, err = s.db.Insert(context.Background(), store.Change{}, row)
	must(t, err)
	s.bdkRef = row.Ref()
	must(t, s.db.AddKeySet(context.Background(), store.Change{}, store.KeySet{ID: keySet, BDK: s.bdkRef, Scheme: dukpt.TDES,
		KSI: "987654", From: 1, To: 500_000}))
	s.papers, err = emulator.MakePapers(testEnv(), filepath.Join(t.TempDir(), "papers"))
	must(t, err)
	return s
}

func (s *shop) take(clear []byte, usage keys.Usage, mode byte) hsm.Key {
	s.Helper()
	k, err := s.boundary.Import(context.Background(), secret.Copy(clear), hsm.Attributes{Algorithm: tdes(len(clear)), Usage: usage,
		Mode: mode}, hsm.Policy{AllowWeak: true})
	must(s, err)
	return k
}

// site is a terminal of the inventory with the line to it.
type site struct {
	*shop
	dialect
	*emulator.Terminal
	serial string
	uri    string
	line   *cutter

	events sync.Mutex
	loads  map[device.Slot]int // how often a key was stored
}

// dialect is how a kind of terminal is set up and loaded.
type dialect struct {
	name     string
	port     func() emulator.Port
	klk      device.Slot
	mode     byte // of the KLK
	serialOf func(n int) string
	plans    func(s *shop) []inject.Plan
	asks     bool // settles everything by asking
	wipe     bool // takes no key into a slot that holds one
}

func visaDialect() dialect {
	return dialect{name: "visa", port: func() emulator.Port { return emulator.Visa("") }, klk: "F", mode: 'D', serialOf: func(n int) string { return fmt.Sprintf("PK%08d", n) },
		plans: func(s *shop) []inject.Plan {
			return []inject.Plan{s.block("0", s.pin), s.block("C", s.mac), s.initial("90")}
		}}
}

func agentDialect() dialect {
	return dialect{name: "agent", port: emulator.Manage, klk: "0", mode: 'B', asks: true,
		serialOf: func(n int) string { return fmt.Sprintf("PK%08d", n) },
		plans: func(s *shop) []inject.Plan {
			return []inject.Plan{s.block("1", s.pin), s.block("2", s.mac), s.initial("D1")}
		}}
}

func futurexDialect() dialect {
	return dialect{name: "futurex", port: func() emulator.Port { return emulator.Futurex("", "") }, klk: "05", mode: 'N', wipe: true,
		serialOf: func(n int) string { return fmt.Sprintf("PK%014d", n) },
		plans: func(s *shop) []inject.Plan {
			pin, ik := s.block("03", s.pin), s.initial("17")
			pin.KLKSlot, ik.KLKSlot = "05", "05"
			return []inject.Plan{pin, ik}
		}}
}

func (s *shop) block(slot device.Slot, key hsm.Key) inject.Plan {
	return inject.Plan{Slot: slot, Key: hsm.Accept(key, hsm.ByOperator), KLK: &s.klk}
}

func (s *shop) initial(slot device.Slot) inject.Plan {
	return inject.Plan{Slot: slot, Key: hsm.Accept(s.bdk, hsm.ByOperator), Ref: s.bdkRef, KeySet: keySet, KLK: &s.klk}
}

// place puts a terminal into the inventory and on a line.
func (s *shop) place(t testing.TB, d dialect, change ...func(*emulator.Config)) *site {
	t.Helper()
	s.mu.Lock()
	s.count++
	serial := d.serialOf(s.count)
	s.mu.Unlock()
	x := &site{shop: s, dialect: d, serial: serial, line: &cutter{left: -1}, loads: map[device.Slot]int{}}
	cfg := emulator.Config{Env: testEnv(), Port: d.port(), Serial: serial, OnEvent: x.event}
	for _, c := range change {
		c(&cfg)
	}
	x.Terminal = emulator.New(cfg)
	t.Cleanup(x.Wipe)
	if d.klk != "" {
		x.direct(t, d.klk, tdes(16), klk16(), keys.UsageKEK, d.mode)
	}
	must(t, s.db.AddDevice(context.Background(), store.Change{}, store.Device{Serial: serial, POIVersion: "4"}))
	x.uri = d.name + "+tcp://in.memory:1"
	if d.name == "agent" {
		m, err := x.ListenManage(context.Background(), "127.0.0.1:0", s.papers)
		must(t, err)
		t.Cleanup(func() { must(t, m.Close()) })
		x.uri = m.URI()
	}
	return x
}

// direct puts a key into the terminal as its factory does.
func (x *site) direct(t testing.TB, slot device.Slot, alg keys.Algorithm, clear []byte, usage keys.Usage, mode byte) {
	t.Helper()
	k, err := keys.New(alg, secret.Copy(clear))
	must(t, err)
	defer k.Wipe()
	must(t, x.LoadDirect(slot, k, usage, mode))
}

func (x *site) event(e emulator.Event) {
	if e.Kind != emulator.Stored {
		return
	}
	x.events.Lock()
	x.loads[e.Slot]++
	x.events.Unlock()
	if e.KSN != "" {
		x.shop.mu.Lock()
		x.shop.stored[e.KSN] = append(x.shop.stored[e.KSN], x.serial)
		x.shop.mu.Unlock()
	}
}

// times is how often a key was stored in a slot.
func (x *site) times(slot device.Slot) int {
	x.events.Lock()
	defer x.events.Unlock()
	return x.loads[slot]
}

// cutter cuts a line after so many bytes of both directions together.
type cutter struct {
	mu   sync.Mutex
	left int // below zero: never
	gone int // bytes that went through
}

func (c *cutter) set(left int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = left
}

// passed counts the bytes that went through.
func (c *cutter) passed() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.gone
}

// pass takes n bytes and says how many of them go through.
func (c *cutter) pass(n int) (through int, cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left >= 0 && n >= c.left {
		n, cut = c.left, true
		c.left = -1
	} else if c.left >= 0 {
		c.left -= n
	}
	c.gone += n
	return n, cut
}

type cutConn struct {
	net.Conn
	c *cutter
}

var errCut = errors.New("the test cut the line")

func (c *cutConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	through, cut := c.c.pass(n)
	if cut {
		_ = c.Close()
		return through, errCut
	}
	return through, err
}

func (c *cutConn) Write(b []byte) (int, error) {
	through, cut := c.c.pass(len(b))
	n, err := c.Conn.Write(b[:through])
	if cut {
		_ = c.Close()
		return n, errCut
	}
	return n, err
}

// open connects a driver. The line of a serial dialect is in memory.
func (x *site) open(ctx context.Context) (device.Device, func(), error) {
	wait := func() {}
	d, err := drivers.Open(ctx, x.uri, device.Options{Timeout: 2 * time.Second, Dial: func(ctx context.Context, u device.URI) (io.ReadWriteCloser, error) {
		if u.Dialect == device.Agent {
			conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", u.Address)
			return &cutConn{conn, x.line}, err
		}
		host, peer := net.Pipe()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = x.Serve(context.Background(), peer) // the line may break
		}()
		wait = func() { <-ended }
		return &cutConn{host, x.line}, nil
	}})
	if err != nil {
		return nil, wait, err
	}
	return d, func() { _ = d.Close(); wait() }, nil
}

// job is all loads of the dialect under one name.
func (x *site) job() inject.Job {
	return inject.Job{Run: "run-" + x.serial, Station: "line-1", Serial: x.serial, Loads: x.plans(x.shop)}
}

func (x *site) loader() *inject.Loader {
	return &inject.Loader{Boundary: x.boundary, Journal: store.NewJournal(x.db, store.Change{}), History: x.db, Now: time.Now, Rand: rand.Reader}
}

// run loads a job over a line of its own.
func (x *site) run(ctx context.Context, l *inject.Loader, job inject.Job) (inject.Report, error) {
	known, err := x.db.Device(context.Background(), job.Serial)
	if err != nil {
		return inject.Report{}, err
	}
	job.Known = &known
	d, done, err := x.open(ctx)
	defer func() { done() }()
	if err != nil {
		return inject.Report{}, err
	}
	cleared, err := inject.Preflight(ctx, d, nil, time.Now(), job)
	if err != nil {
		return inject.Report{}, err
	}
	return l.Run(ctx, d, cleared)
}

func (x *site) journal(t testing.TB) []store.Load {
	t.Helper()
	var all []store.Load
	for l, err := range x.db.Loads(context.Background(), store.LoadFilter{Serial: x.serial}) {
		must(t, err)
		all = append(all, l)
	}
	return all
}

// newest is the last load of a slot.
func newest(all []store.Load, slot string) store.Load {
	var out store.Load
	for _, l := range all {
		if l.Slot == slot && (out.ID == "" || attempt(l.ID) > attempt(out.ID)) {
			out = l
		}
	}
	return out
}

func attempt(id string) int {
	n := 0
	_, err := fmt.Sscanf(id[strings.LastIndexByte(id, '/')+1:], "%d", &n)
	if err != nil {
		return -1
	}
	return n
}

// holdsLoad reports whether the terminal holds what a load put in.
func (x *site) holdsLoad(l *store.Load) bool {
	slot := device.Slot(l.Slot)
	if l.KeySet != "" {
		engine, ok := x.Engine(slot)
		if !ok {
			return false
		}
		got, err := dukpt.ParseKSN(engine.KSN)
		return err == nil && got.Initial().String() == l.KSN
	}
	check, ok := x.SlotCheck(slot)
	return ok && check == l.Check
}

// truth holds journal and report against what the terminal really has.
func (x *site) truth(t testing.TB, r *inject.Report) {
	t.Helper()
	all := x.journal(t)
	for i := range all {
		l := &all[i]
		in, last := x.holdsLoad(l), newest(all, l.Slot).ID == l.ID
		want := map[store.LoadState]store.AllocationState{store.LoadReserved: store.Allotted, store.LoadSent: store.Allotted,
			store.LoadConfirmed: store.Injected, store.LoadFailed: store.Burnt, store.LoadUnknown: store.Quarantined}[l.State]
		if l.State == store.LoadConfirmed && !last {
			want = store.Burnt // replaced
		}
		if l.KeySet != "" {
			if a, err := x.db.Allocation(context.Background(), l.ID); err != nil || a.State != want {
				t.Errorf("load %s is %s, its number %s, want %s (%v)", l.ID, l.State, a.State, want, err)
			}
		}
		switch l.State {
		case store.LoadConfirmed:
			if last && !in {
				t.Errorf("load %s is confirmed, and the terminal does not hold it", l.ID)
			}
		case store.LoadReserved:
			if in && l.KeySet != "" {
				t.Errorf("load %s is reserved, and the terminal holds it", l.ID)
			}
		case store.LoadFailed:
			before := slices.ContainsFunc(all, func(b store.Load) bool {
				givenUp := b.State == store.LoadFailed && strings.HasPrefix(b.Reason, "given up")
				return b.Slot == l.Slot && (b.State == store.LoadConfirmed || givenUp) && b.Check == l.Check && l.KeySet == ""
			})
			if last && in && !before && !strings.HasPrefix(l.Reason, "given up") {
				t.Errorf("load %s failed (%s), and the terminal holds it", l.ID, l.Reason)
			}
		}
	}
	if r != nil {
		x.reported(t, r, all)
	}
	x.shop.mu.Lock()
	defer x.shop.mu.Unlock()
	for ksn, where := range x.stored {
		if len(where) > 1 {
			t.Errorf("KSN %s was stored %d times: %v", ksn, len(where), where)
		}
		known := slices.ContainsFunc(all, func(l store.Load) bool { return l.KSN == ksn && l.State != store.LoadReserved })
		if slices.Contains(where, x.serial) && !known && !x.knows(t, ksn) {
			t.Errorf("KSN %s is in terminal %s, and the journal does not know", ksn, x.serial)
		}
	}
}

// knows looks for a number in the whole journal, after it was meant for another terminal.
func (s *shop) knows(t testing.TB, ksn string) bool {
	t.Helper()
	for l, err := range s.db.Loads(context.Background(), store.LoadFilter{}) {
		must(t, err)
		if l.KSN == ksn && l.State != store.LoadReserved {
			return true
		}
	}
	return false
}

// reported holds what was said about loads against what the terminal has.
func (x *site) reported(t testing.TB, r *inject.Report, all []store.Load) {
	t.Helper()
	for _, o := range r.Loads {
		l := newest(all, string(o.Slot))
		if o.State == store.LoadConfirmed && o.Err == nil && (!x.holdsLoad(&l) || l.State != store.LoadConfirmed) {
			t.Errorf("slot %s is reported confirmed; the journal has %s, the terminal holds it: %v", o.Slot, l.State, x.holdsLoad(&l))
		}
		if o.Err == nil && o.State != store.LoadConfirmed && o.State != "" {
			t.Errorf("slot %s is reported %s without an error", o.Slot, o.State)
		}
	}
}

// settled runs a job again until it is whole: first as a resumed run, which may not load again what is unknown, then with
// the word of somebody who wiped the slots of which nobody knows.
func (x *site) settled(t testing.TB) {
	t.Helper()
	before := x.journal(t)
	stored := map[string]int{}
	for _, l := range before {
		stored[l.Slot] = x.times(device.Slot(l.Slot))
	}
	r, err := x.run(context.Background(), x.loader(), x.job())
	if err != nil {
		t.Errorf("resumed: %v", err)
	}
	x.truth(t, &r)
	after := x.journal(t)
	for _, l := range after {
		if l.State == store.LoadUnknown && x.times(device.Slot(l.Slot)) != stored[l.Slot] {
			t.Errorf("load %s is unknown, and a key was stored since", l.ID)
		}
		if l.State == store.LoadSent {
			t.Errorf("load %s is still %s", l.ID, l.State)
		}
		if l.State == store.LoadUnknown && x.asks {
			t.Errorf("load %s is unknown, and this dialect tells", l.ID)
		}
	}
	if x.wipe {
		for _, l := range after {
			if l.State == store.LoadUnknown {
				_ = x.Erase(device.Slot(l.Slot)) // it may be empty
			}
		}
	}
	l := x.loader()
	l.Again = true
	r, err = x.run(context.Background(), l, x.job())
	if err != nil || !r.Confirmed() {
		t.Errorf("with Again: %v, %v", err, r.Err())
	}
	x.truth(t, &r)
	d, err := x.db.Device(context.Background(), x.serial)
	if err != nil || d.State != store.Confirmed || len(d.Keys) != len(r.Loads) {
		t.Errorf("the device is %s with %d keys, %v", d.State, len(d.Keys), err)
	}
	for _, p := range x.plans(x.shop) {
		if l := newest(x.journal(t), string(p.Slot)); l.State != store.LoadConfirmed {
			t.Errorf("slot %s: %s in the end", p.Slot, l.State)
		}
	}
}

// verified looks at the whole store.
func (s *shop) verified(t testing.TB) {
	t.Helper()
	r, err := s.db.Verify(context.Background(), nil)
	must(t, err)
	if r.Wrong() != 0 {
		t.Errorf("the store: %+v", r.Findings)
	}
}

func wantKind(t testing.TB, what string, err error, kind fault.Kind, says ...string) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Errorf("%s: error %v of kind %s, want %s", what, err, fault.KindOf(err), kind)
		return
	}
	for _, s := range says {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("%s: error %q does not say %q", what, err, s)
		}
	}
}
