package vault

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite" // people who change rows by hand

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/text"
	"poskey/pkg/agent"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

// testMaster is the master key of every test store: a TEST key.
const testMaster = "7E57000000000000000000000000000000000000000000000000000000007E57"

func me() audit.Actor { return audit.Actor{ID: "user a", Role: "operator", Station: "desk 1"} }

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

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// mustFail holds an error against its kind and words that it has to contain.
func mustFail(t testing.TB, err error, kind fault.Kind, words ...string) {
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

// clock is one that tests move.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// world is a store with its log, and the authority in this process: a token store whose token is this test.
type world struct {
	t     testing.TB
	env   keys.Env
	clock *clock
	url   store.URL
	log   string
	id    store.Identity

	db       *store.Store
	boundary hsm.Boundary
	audit    *audit.Log
	vault    *Vault
}

func sqliteAt(t testing.TB, dir string) store.URL {
	t.Helper()
	u, err := store.SQLite(filepath.Join(dir, "store.db"))
	must(t, err)
	return u
}

// newWorld makes a store and opens it.
func newWorld(t testing.TB, e custody.Environment) *world {
	t.Helper()
	dir := t.TempDir()
	return newWorldAt(t, e, sqliteAt(t, dir), dir)
}

func newWorldAt(t testing.TB, e custody.Environment, u store.URL, dir string) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{}, url: u}
	w.env = keys.Env{Rand: rand.Reader, Now: w.clock.now}
	id, err := CreateOnToken(t.Context(), w.env, TokenBirth{URL: u, Environment: e, Token: "pkcs11:token=test", Who: me(),
		LogPath: func(id string) (string, error) {
			w.log = filepath.Join(dir, id+".audit")
			return w.log, nil
		},
		MakeKey: func(context.Context, string) error { return nil }})
	must(t, err)
	w.id = id
	w.open()
	t.Cleanup(w.close)
	return w
}

// openMaster makes the boundary over the test master key.
func openMaster(env keys.Env) (hsm.Boundary, error) {
	clear, err := keys.ParseHex([]byte(testMaster))
	if err != nil {
		return nil, err
	}
	master, err := keys.New(keys.AES256, clear)
	if err != nil {
		return nil, err
	}
	return hsm.NewMasterWith(env, master, hsm.Options{Info: hsm.Info{Driver: "soft", Name: "test"}, ProbeRecord: agent.RecordProbe})
}

func (w *world) open() {
	w.t.Helper()
	must(w.t, w.tryOpen())
}

func (w *world) tryOpen() (err error) {
	ctx := context.Background() // cleanups use it after the test's own has ended
	if w.db, err = store.Open(ctx, w.url, store.Options{Now: w.env.Now}); err != nil {
		return err
	}
	if w.boundary, err = openMaster(w.env); err != nil {
		return err
	}
	w.audit, err = audit.Open(w.log, identityOf(&w.id), audit.Options{Now: w.env.Now, Who: me()})
	if err != nil {
		return err
	}
	auth, err := agent.NewLocal(w.boundary, w.audit, agent.LocalTerms{Environment: custody.Environment(w.id.Environment)})
	if err != nil {
		return err
	}
	w.vault, err = Open(ctx, w.db, auth)
	return err
}

func (w *world) close() {
	if w.vault != nil {
		_ = w.vault.Authority().Close()
	}
	if w.audit != nil {
		_ = w.audit.Close()
	}
	if w.boundary != nil {
		_ = w.boundary.Close()
	}
	if w.db != nil {
		_ = w.db.Close()
	}
	w.vault, w.audit, w.boundary, w.db = nil, nil, nil, nil
}

func (w *world) reopen() {
	w.t.Helper()
	w.close()
	w.open()
}

func (w *world) begin(a custody.Activity, label string) *Work {
	w.t.Helper()
	return beginIn(w.t, w.vault, a, label)
}

func beginIn(t testing.TB, v *Vault, a custody.Activity, label string) *Work {
	t.Helper()
	work, err := v.Begin(t.Context(), agent.Intent{Activity: a, Label: label, Request: audit.DigestOf([]byte("a request")), Who: me()})
	must(t, err)
	t.Cleanup(func() { _ = work.Close() })
	return work
}

// done records the outcome of a work, as commands do.
func done(t testing.TB, work *Work, o agent.Outcome) {
	t.Helper()
	must(t, work.Done(t.Context(), o))
	must(t, work.Close())
}

func kept(k Kept) agent.Outcome {
	label := k.Row.Ref().String()
	return agent.Outcome{Outcome: audit.OK(), Label: label, Check: k.Row.Check, Details: audit.Details{FieldKept: label}}
}

// want is what a test wants of a key.
type want struct {
	label  string
	alg    keys.Algorithm
	usage  keys.Usage
	parent string
	change func(*hsm.Attributes, *New)
}

// ref reads a name; one without a version is version 1.
func ref(t testing.TB, s string) store.Ref {
	t.Helper()
	r, err := store.ParseRef(s)
	must(t, err)
	if r.Version == 0 {
		r.Version = 1
	}
	return r
}

// generate makes a key of the store from its intent to its outcome.
func (w *world) generate(x want) Kept {
	w.t.Helper()
	return generateIn(w.t, w.vault, x)
}

func generateIn(t testing.TB, v *Vault, x want) Kept {
	t.Helper()
	work := beginIn(t, v, custody.KeyGenerate, ref(t, x.label).String())
	k, err := enter(t.Context(), t, work, x)
	must(t, err)
	done(t, work, kept(k))
	return k
}

// enter generates a key and puts it into the inventory.
func enter(ctx context.Context, t testing.TB, work *Work, x want) (Kept, error) {
	t.Helper()
	a := hsm.Attributes{Algorithm: x.alg, Usage: x.usage}
	n := New{Ref: ref(t, x.label), Origin: store.Generated}
	if x.parent != "" {
		p, err := store.ParseRef(x.parent)
		must(t, err)
		n.Parent = p
	}
	if x.change != nil {
		x.change(&a, &n)
	}
	k, err := work.Generate(ctx, a, hsm.Policy{})
	if err != nil {
		return Kept{}, err
	}
	return work.Enter(ctx, k, n)
}

func (w *world) kek(label, parent string) Kept {
	w.t.Helper()
	return w.generate(want{label: label, alg: keys.AES256, usage: keys.UsageKEK, parent: parent})
}

func (w *world) pin(label, parent string) Kept {
	w.t.Helper()
	return w.generate(want{label: label, alg: keys.TDES128, usage: keys.UsagePIN, parent: parent})
}

func (w *world) row(label string) store.Key {
	w.t.Helper()
	row, err := w.db.Get(w.t.Context(), ref(w.t, label))
	must(w.t, err)
	return row
}

func (w *world) held(label string, use Use) Held {
	w.t.Helper()
	r, err := store.ParseRef(label)
	must(w.t, err)
	h, err := w.vault.Find(w.t.Context(), r, use)
	must(w.t, err)
	return h
}

func (w *world) rotate(label string) Rotated {
	w.t.Helper()
	old := w.held(label, ToProtect)
	work := w.begin(custody.KeyRotate, old.Row.Ref().String())
	r, err := work.Rotate(w.t.Context(), old)
	must(w.t, err)
	done(w.t, work, agent.Outcome{Outcome: audit.OK(), Check: r.New.Check})
	return r
}

func (w *world) move(label string, to store.State) store.Key {
	w.t.Helper()
	r := ref(w.t, label)
	work := w.begin(custody.KeyState, r.String())
	row, err := work.Move(w.t.Context(), w.row(label), to, "a test")
	must(w.t, err)
	done(w.t, work, agent.Outcome{Outcome: audit.OK()})
	return row
}

// verify looks at everything, with the boundary.
func (w *world) verify() Verified {
	w.t.Helper()
	work := w.begin(custody.KeyCheck, "")
	v, err := Verify(w.t.Context(), w.db, work, w.log)
	must(w.t, err)
	done(w.t, work, agent.Outcome{Outcome: audit.OK()})
	return v
}

func (w *world) verifies() {
	w.t.Helper()
	if v := w.verify(); !v.OK() || !v.Blocks {
		w.t.Errorf("the store does not verify: %s", findings(&v))
	}
}

// findings lists all that a verification says.
func findings(v *Verified) string {
	var all []string
	for _, f := range append(append([]store.Finding(nil), v.Findings...), v.History...) {
		all = append(all, fmt.Sprintf("%s: %v", f.Where, f.Err))
	}
	if v.LogErr != nil {
		all = append(all, "log: "+v.LogErr.Error())
	}
	return strings.Join(all, "\n")
}

// mustFind holds what a verification says against what it has to say.
func mustFind(t testing.TB, v Verified, words ...string) {
	t.Helper()
	if v.OK() {
		t.Fatal("the store verifies")
	}
	for _, w := range words {
		if !strings.Contains(findings(&v), w) {
			t.Errorf("nothing is said of %q in:\n%s", w, findings(&v))
		}
	}
}

// byHand changes the database as somebody with the file can.
func (w *world) byHand(statements ...string) {
	w.t.Helper()
	byHand(w.t, w.url, statements...)
}

func byHand(t testing.TB, u store.URL, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+u.Path())
	must(t, err)
	db.SetMaxOpenConns(1)
	for _, s := range statements {
		_, err := db.Exec(s)
		must(t, err)
	}
	must(t, db.Close())
}

// opens tells whether a block opens under a key of the store, and gives what it has.
func (w *world) opens(block string, kbpk Held) (hsm.Key, error) {
	w.t.Helper()
	b, err := keyblock.Parse(block)
	must(w.t, err)
	work := w.begin(custody.KeyUnwrap, "")
	opened, err := work.Unwrap(w.t.Context(), b, kbpk.Key, hsm.Policy{})
	done(w.t, work, agent.OutcomeOf(err))
	return opened.Key, err
}

// officer makes an officer; the private keys are of the test alone.
func officer(t testing.TB, e custody.Environment, id string, roles ...custody.Role) *custody.Identity {
	t.Helper()
	o, err := custody.NewOfficer(keys.Env{Rand: rand.Reader, Now: time.Now}, custody.Officer{ID: id, Name: "TEST " + id, Roles: roles, Environment: e})
	must(t, err)
	t.Cleanup(o.Wipe)
	return o
}

func cards(all ...*custody.Identity) []custody.Card {
	var out []custody.Card
	for _, o := range all {
		out = append(out, o.Card())
	}
	return out
}

// backup writes a backup for officers.
func (w *world) backup(to ...*custody.Identity) (string, BackedUp) {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), "backup.age")
	work := w.begin(custody.StoreBackup, w.id.ID)
	b, err := work.Backup(w.t.Context(), path, w.log, cards(to...))
	must(w.t, err)
	done(w.t, work, agent.Outcome{Outcome: audit.OK()})
	return path, b
}

// place is where a store is restored.
type place struct {
	url store.URL
	dir string
}

func newPlace(t testing.TB) place {
	t.Helper()
	dir := t.TempDir()
	return place{sqliteAt(t, dir), dir}
}

func (p place) log(id string) string { return filepath.Join(p.dir, id+".audit") }

// names lists what lies in the folder.
func (p place) names(t testing.TB) []string {
	t.Helper()
	entries, err := os.ReadDir(p.dir)
	must(t, err)
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func (p place) restoring(officers ...*custody.Identity) Restoring {
	return Restoring{URL: p.url, Officers: cards(officers...), Who: me(),
		LogPath: func(id string) (string, error) { return p.log(id), nil }}
}

// restore opens a backup with the first of the officers and restores it.
func (p place) restore(t testing.TB, path string, officers ...*custody.Identity) (Restored, error) {
	t.Helper()
	f, err := os.Open(path)
	must(t, err)
	defer f.Close()
	plain, err := officers[0].OpenSealed(f)
	must(t, err)
	return Restore(t.Context(), keys.Env{Rand: rand.Reader, Now: time.Now}, plain, p.restoring(officers...))
}

// enterWorld opens a store that was restored.
func (p place) enter(t testing.TB, id store.Identity) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{}, url: p.url, log: p.log(id.ID), id: id}
	w.env = keys.Env{Rand: rand.Reader, Now: w.clock.now}
	w.open()
	t.Cleanup(w.close)
	return w
}

// dump gives every row of a store.
func dump(t testing.TB, db *store.Store) string {
	t.Helper()
	var b strings.Builder
	_, err := db.Backup(t.Context(), &b)
	must(t, err)
	return b.String()
}

// restoredRows tells whether a restored store has the rows of the one before: all but the place of the restoration in the
// log, and the sums at the end. Key sets come back frozen, and have tests of their own.
func restoredRows(is, was string) bool {
	mark := regexp.MustCompile(`"mark_seq":\d+,"mark_hash":"[^"]*"`)
	plain := func(s string) string {
		rows, _, _ := strings.Cut(s, `{"rows":`)
		return mark.ReplaceAllString(rows, "")
	}
	return plain(is) == plain(was)
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	raw, err := os.ReadFile(from)
	must(t, err)
	must(t, os.WriteFile(to, raw, 0o600))
}

// noScreen is for agents that read passphrases from descriptors.
type noScreen struct{}

func (noScreen) Show(context.Context, ...text.Text) error { return nil }
func (noScreen) Ask(context.Context, text.Text) (*secret.Bytes, error) {
	return nil, errors.New("nobody is at the screen")
}
func (noScreen) Clear() error { return nil }
