//go:build linux || darwin

package agent

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/text"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

const storeID = "TEST-STORE-0001"

func realEnv() keys.Env { return keys.Env{Rand: rand.Reader, Now: time.Now} }

// noLeaks holds the number of live secrets at the end of a test against that at its beginning. Call it first.
func noLeaks(t testing.TB) {
	t.Helper()
	before := secret.Live()
	t.Cleanup(func() {
		if after := secret.Live(); after != before {
			t.Errorf("%d secrets are still live, %d before the test", after, before)
		}
	})
}

// shortDir is a folder whose path leaves room for a socket.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pa")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// clock is one that tests move.
type clock struct {
	mu  sync.Mutex
	now custody.Instant
}

func newClock() *clock {
	return &clock{now: custody.Instant{Wall: time.Now(), Monotonic: time.Hour, Boot: time.Hour}}
}

func (c *clock) read() custody.Instant {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(awake, asleep time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now.Wall = c.now.Wall.Add(awake + asleep)
	c.now.Monotonic += awake
	c.now.Boot += awake + asleep
}

func (c *clock) setBack(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now.Wall = c.now.Wall.Add(-d)
}

// person is an officer with an identity file.
type person struct {
	id     *custody.Identity
	file   []byte
	phrase string
}

func (p *person) card() custody.Card { return p.id.Card() }

// crowd makes officers once: the files cost argon2id each.
var crowd struct {
	sync.Mutex
	people map[string]*person
}

// officer gives an officer of an environment with an identity file; the private keys alone are of the test.
func officer(t testing.TB, e custody.Environment, id string, roles ...custody.Role) *person {
	t.Helper()
	crowd.Lock()
	defer crowd.Unlock()
	if crowd.people == nil {
		crowd.people = map[string]*person{}
	}
	name := string(e) + " " + id
	if crowd.people[name] == nil {
		crowd.people[name] = newPerson(t, e, id, 0, roles...)
	}
	return crowd.people[name]
}

func newPerson(t testing.TB, e custody.Environment, id string, life time.Duration, roles ...custody.Role) *person {
	t.Helper()
	o, err := custody.NewOfficer(realEnv(), custody.Officer{ID: id, Name: "TEST " + id, Roles: roles, Environment: e,
		Lifetime: life})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Wipe()
	p := &person{id: o, phrase: "TEST passphrase of " + id}
	typed := secret.Copy([]byte(p.phrase))
	defer typed.Wipe()
	if p.file, err = o.Lock(realEnv(), typed, custody.FloorCost()); err != nil {
		t.Fatal(err)
	}
	return p
}

// fixture is a store as an agent sees it.
type fixture struct {
	t           testing.TB
	dir         string
	environment custody.Environment
	holders     []*person // two custodians, both needed
	others      []*person
	sealed      custody.SealedStore
	clock       *clock
	ticks       chan time.Time
	log         string
	socket      string
	exe         string   // of a spawned agent; "" is the test's own
	typed       []string // at the terminal; nil: what opens the store
}

func newFixture(t testing.TB, e custody.Environment, others ...*person) *fixture {
	t.Helper()
	dir := shortDir(t)
	f := &fixture{t: t, dir: dir, environment: e, others: others, clock: newClock(), ticks: make(chan time.Time),
		log: filepath.Join(dir, "log"), socket: filepath.Join(dir, "run", "agent")}
	f.holders = []*person{officer(t, e, "custodian-a", custody.Custodian), officer(t, e, "custodian-b", custody.Custodian)}
	master := newMaster(t)
	defer master.Wipe()
	plan := custody.Plan{Store: storeID, Environment: e, Threshold: 2}
	var err error
	if f.sealed.Master, err = custody.Seal(realEnv(), master, cards(f.holders), plan); err != nil {
		t.Fatal(err)
	}
	if f.sealed.Roster, err = custody.Enrol(master, f.sealed.Master, cards(f.staff())); err != nil {
		t.Fatal(err)
	}
	log, err := audit.Create(f.log, f.identity(), f.options())
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	return f
}

func newMaster(t testing.TB) *keys.Key {
	t.Helper()
	master, err := keys.Generate(rand.Reader, keys.AES256)
	if err != nil {
		t.Fatal(err)
	}
	return master
}

// staff are all officers of the store.
func (f *fixture) staff() []*person { return slices.Concat(f.holders, f.others) }

func (f *fixture) identity() audit.Identity {
	return audit.Identity{Store: storeID, Environment: audit.Environment(f.environment)}
}

func (f *fixture) options() audit.Options {
	return audit.Options{Now: time.Now, Who: audit.Actor{ID: "test", Role: "agent"}}
}

func cards(people []*person) []custody.Card {
	var all []custody.Card
	for _, p := range people {
		all = append(all, p.card())
	}
	return all
}

func files(people []*person) [][]byte {
	var all [][]byte
	for _, p := range people {
		all = append(all, p.file)
	}
	return all
}

func documents(people []*person) [][]byte {
	var all [][]byte
	for _, p := range people {
		all = append(all, p.card().Marshal())
	}
	return all
}

func me() audit.Actor { return audit.Actor{ID: "user a", Role: "operator", Station: "desk 1"} }

func (f *fixture) config(asked ...*person) Config {
	return Config{Mode: Unseal, Store: storeID, Environment: f.environment, Generation: f.sealed.Master.Generation(), Check: f.sealed.Master.Check(),
		Sealed: f.sealed.Marshal(), Roster: documents(f.staff()), Identities: files(asked), Log: f.log,
		Socket: f.socket, Duration: time.Hour, Language: "en", Who: me()}
}

// typist is a screen at which passphrases are typed from a list.
type typist struct {
	mu     sync.Mutex
	typed  []string
	shown  []string
	clears int
}

func (s *typist) Show(_ context.Context, lines ...text.Text) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range lines {
		s.shown = append(s.shown, l.String())
	}
	return nil
}

func (s *typist) Ask(ctx context.Context, prompt text.Text) (*secret.Bytes, error) {
	s.mu.Lock()
	s.shown = append(s.shown, prompt.String())
	if len(s.typed) == 0 {
		s.mu.Unlock()
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	next := s.typed[0]
	s.typed = s.typed[1:]
	s.mu.Unlock()
	return secret.Copy([]byte(next)), nil
}

func (s *typist) Clear() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clears++
	return nil
}

// running is an agent in this process.
type running struct {
	*fixture
	agent  *agent
	screen *typist
	client *Client
	ended  chan error

	mu     sync.Mutex
	events []Event
}

// ports of an agent in this process. Its terminal is a typist, whatever file is handed over.
func (f *fixture) ports(screen *typist, report func(Event)) Ports {
	tty, err := os.Open(os.DevNull)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = tty.Close() })
	env := keys.Env{Rand: rand.Reader, Now: func() time.Time { return f.clock.read().Wall }}
	return Ports{Env: env, Clock: f.clock.read, Ticks: f.ticks, Terminal: tty,
		Screen: func(*os.File, string) Screen { return screen },
		Report: func(e Event) error { report(e); return nil }}
}

// start opens the store by both custodians and serves in this process.
func (f *fixture) start(change ...func(*Config)) *running {
	f.t.Helper()
	r := f.try(change...)
	if err := r.await(); err != nil {
		f.t.Fatal(err)
	}
	c, err := Dial(f.t.Context(), f.socket, storeID)
	if err != nil {
		f.t.Fatal(err)
	}
	r.client = c
	return r
}

// try begins to open the store.
func (f *fixture) try(change ...func(*Config)) *running {
	f.t.Helper()
	r := &running{fixture: f, screen: &typist{}, ended: make(chan error, 1)}
	if r.screen.typed = f.typed; f.typed == nil {
		for _, p := range f.holders {
			r.screen.typed = append(r.screen.typed, p.phrase)
		}
	}
	c := f.config(f.holders...)
	for _, ch := range change {
		ch(&c)
	}
	p := f.ports(r.screen, r.note)
	r.agent = &agent{config: c, ports: p, noArmor: true}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { r.ended <- r.agent.main(ctx) }()
	f.t.Cleanup(func() {
		cancel()
		if err, over := r.over(); !over {
			f.t.Errorf("the agent did not end: %v", err)
		}
	})
	return r
}

func (r *running) note(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

func (r *running) find(kind EventKind) (Event, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		if e.Kind == kind {
			return e, true
		}
	}
	return Event{}, false
}

// await waits until the agent is ready or has failed.
func (r *running) await() error {
	for range 6000 {
		if _, ok := r.find(Ready); ok {
			return nil
		}
		if e, ok := r.find(Over); ok {
			return e.Err
		}
		time.Sleep(5 * time.Millisecond)
	}
	return fmt.Errorf("nothing happened for half a minute")
}

// over waits for the end of the agent.
func (r *running) over() (error, bool) {
	select {
	case err := <-r.ended:
		r.ended <- err
		return err, true
	case <-time.After(20 * time.Second):
		return nil, false
	}
}

// tick lets the agent look, until it has ended or looked.
func (r *running) tick() {
	select {
	case r.ticks <- time.Now():
	case err := <-r.ended:
		r.ended <- err
	}
}

// records reads the audit log as anybody would.
func (f *fixture) records() []audit.Record {
	f.t.Helper()
	raw, err := os.ReadFile(f.log)
	if err != nil {
		f.t.Fatal(err)
	}
	var all []audit.Record
	for line := range strings.Lines(string(raw)) {
		r, err := audit.ParseRecord([]byte(strings.TrimSuffix(line, "\n")))
		if err != nil {
			f.t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// recorded finds records by operation and result; "" is an intent.
func (f *fixture) recorded(op audit.Operation, result audit.Result) []audit.Record {
	f.t.Helper()
	var found []audit.Record
	for _, r := range f.records() {
		if r.Operation == op && r.Outcome.Result == result {
			found = append(found, r)
		}
	}
	return found
}

func (f *fixture) wantRecord(op audit.Operation, result audit.Result) audit.Record {
	f.t.Helper()
	found := f.recorded(op, result)
	if len(found) == 0 {
		var lines []string
		for _, r := range f.records() {
			lines = append(lines, fmt.Sprintf("%d %s %s", r.Seq, r.Operation, r.Outcome.Result))
		}
		f.t.Fatalf("no record of %s with the result %q in:\n%s", op, result, strings.Join(lines, "\n"))
	}
	return found[len(found)-1]
}

// verifies holds the log against itself.
func (f *fixture) verifies() {
	f.t.Helper()
	file, err := os.Open(f.log)
	if err != nil {
		f.t.Fatal(err)
	}
	defer file.Close()
	if _, err := audit.Verify(file, audit.Expect{Identity: f.identity()}); err != nil {
		f.t.Errorf("the audit log does not verify: %v", err)
	}
}

func wantKind(t testing.TB, err error, kind fault.Kind, words ...string) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Fatalf("the error is %v, of kind %s; want kind %s", err, fault.KindOf(err), kind)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error %q does not say %q", err, w)
		}
	}
}

// intent is one that the standing permission of a test store covers.
func intent(a custody.Activity, label string) Intent {
	return Intent{Activity: a, Label: label, Request: audit.DigestOf([]byte("a request")), Who: me()}
}

func begin(t testing.TB, a Authority, in Intent) Work {
	t.Helper()
	w, err := a.Begin(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	return w
}

// makeKey makes a key of the store.
func makeKey(t testing.TB, a Authority, label string, alg keys.Algorithm, usage keys.Usage) hsm.Key {
	t.Helper()
	w := begin(t, a, intent(custody.KeyGenerate, label))
	defer w.Close()
	k, err := w.Generate(t.Context(), hsm.Attributes{Algorithm: alg, Usage: usage, Label: label}, hsm.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Done(t.Context(), Outcome{Outcome: audit.OK(), Check: k.Check}); err != nil {
		t.Fatal(err)
	}
	return k
}

func toJSON(t testing.TB, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func expectedOf(t testing.TB, digits string) kcv.Expected {
	t.Helper()
	e, err := kcv.Parse(digits)
	if err != nil {
		t.Fatal(err)
	}
	return e
}
