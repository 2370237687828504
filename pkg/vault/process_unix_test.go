//go:build linux || darwin

package vault

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/testpg"
	"poskey/internal/testproc"
	"poskey/pkg/agent"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

// The processes that tests start.
const (
	asAgent    = "be-an-agent"
	asWorker   = "be-a-worker"
	asRestorer = "be-a-restorer"
	asClient   = "be-a-client"
)

func children() map[string]func([]string) int {
	return map[string]func([]string) int{asAgent: beAgent, asWorker: beWorker, asRestorer: beRestorer, asClient: beClient}
}

// shared is the PostgreSQL of the tests of this process.
var shared struct {
	once    sync.Once
	server  *testpg.Server
	err     error
	schemas int
}

func tearDown() {
	if shared.server != nil {
		_ = shared.server.Remove()
	}
}

// onServer is a place for a store on PostgreSQL.
func onServer(t testing.TB) store.URL {
	t.Helper()
	shared.once.Do(func() { shared.server, shared.err = testpg.Start("fsync=off") })
	must(t, shared.err)
	shared.schemas++
	u, err := store.ParseURL(shared.server.URL(fmt.Sprint("vault_", shared.schemas)))
	must(t, err)
	return u
}

// start runs this program as another process. It is killed with the test, if it still runs.
func start(t *testing.T, args ...string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	c := exec.Command(os.Args[0], args...)
	c.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	must(t, err)
	must(t, c.Start())
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	return c, bufio.NewReader(out)
}

// kill ends a process as the power does, for this process.
func kill(t *testing.T, c *exec.Cmd) {
	t.Helper()
	must(t, c.Process.Kill())
	_ = c.Wait()
}

// stopAt says that a step was reached, and stays there when it is the one to stop at.
func stopAt(step, stop string) {
	fmt.Println(step)
	if step == stop {
		select {}
	}
}

// worldIn opens the store of a folder, in a child.
func worldIn(dir string) (*world, error) {
	u, err := store.SQLite(filepath.Join(dir, "store.db"))
	if err != nil {
		return nil, err
	}
	logs, err := filepath.Glob(filepath.Join(dir, "*.audit"))
	if err != nil || len(logs) != 1 {
		return nil, fmt.Errorf("%d logs, %w", len(logs), err)
	}
	w := &world{clock: &clock{}, url: u, log: logs[0]}
	w.env = keys.Env{Rand: rand.Reader, Now: w.clock.now}
	w.id.ID, w.id.Environment = strings.TrimSuffix(filepath.Base(logs[0]), ".audit"), store.Test
	return w, w.tryOpen()
}

// stopping is a work that stops at its steps.
type stopping struct {
	agent.Work
	stop string
}

func (s *stopping) Keep(ctx context.Context, k hsm.Key, label string) (hsm.Key, error) {
	k, err := s.Work.Keep(ctx, k, label)
	stopAt("kept", s.stop)
	return k, err
}

// beWorker does one operation: DIR STOP LABEL, or with LABEL rotate:LABEL a rotation.
func beWorker(args []string) int {
	if err := workIn(args[0], args[1], args[2]); err != nil {
		fmt.Println("error", err)
		return 1
	}
	return 0
}

func workIn(dir, stop, label string) error {
	w, err := worldIn(dir)
	if err != nil {
		return err
	}
	stopAt("opened", stop)
	label, rotating := strings.CutPrefix(label, "rotate:")
	activity := custody.KeyGenerate
	if rotating {
		activity = custody.KeyRotate
	}
	ctx := context.Background()
	work, err := w.vault.Begin(ctx, agent.Intent{Activity: activity, Label: label, Request: audit.DigestOf([]byte("x")), Who: me()})
	if err != nil {
		return err
	}
	stopAt("begun", stop)
	r, err := store.ParseRef(label)
	if err != nil {
		return err
	}
	outcome := agent.Outcome{Outcome: audit.OK()}
	if rotating {
		held, err := w.vault.Find(ctx, r, ToProtect)
		if err != nil {
			return err
		}
		if _, err := work.Rotate(ctx, held); err != nil {
			return err
		}
	} else {
		k, err := work.Generate(ctx, hsm.Attributes{Algorithm: keys.AES256, Usage: keys.UsageKEK}, hsm.Policy{})
		if err != nil {
			return err
		}
		stopAt("made", stop)
		in, err := (&Work{Work: &stopping{work.Work, stop}, vault: w.vault}).Enter(ctx, k, New{Ref: r, Origin: store.Generated})
		if err != nil {
			return err
		}
		outcome = kept(in)
	}
	stopAt("committed", stop)
	if err := work.Done(ctx, outcome); err != nil {
		return err
	}
	stopAt("done", stop)
	return nil
}

// runUntil runs a worker up to a step and kills it there. It gives the steps that were reached.
func runUntil(t *testing.T, w *world, stop, label string) []string {
	t.Helper()
	c, out := start(t, asWorker, filepath.Dir(w.log), stop, label)
	var steps []string
	for {
		line, err := out.ReadString('\n')
		step := strings.TrimSpace(line)
		if err != nil || strings.HasPrefix(step, "error") {
			t.Fatalf("after %v: %s, %v", steps, step, err)
		}
		if steps = append(steps, step); step == stop {
			kill(t, c)
			return steps
		}
	}
}

// TestAnOperationThatIsKilledLosesNothingAcknowledged kills a process at every step, and goes on.
func TestAnOperationThatIsKilledLosesNothingAcknowledged(t *testing.T) {
	w := newWorld(t, custody.Test)
	w.kek("ZMK", "")
	w.pin("TPK", "ZMK")
	type wanted struct{ there, unsettled bool }
	version := 1
	for _, x := range []struct {
		stop, label string
		wanted
	}{
		{"opened", "A", wanted{}},
		{"begun", "B", wanted{unsettled: true}},
		{"made", "C", wanted{unsettled: true}},
		{"kept", "D", wanted{unsettled: true}},
		{"committed", "E", wanted{there: true, unsettled: true}},
		{"done", "F", wanted{there: true}},
		{"begun", "rotate:ZMK", wanted{unsettled: true}},
		{"committed", "rotate:ZMK", wanted{there: true, unsettled: true}},
		{"done", "rotate:ZMK", wanted{there: true}},
	} {
		label := x.label + "#1"
		if strings.HasPrefix(label, "rotate:") {
			label = fmt.Sprint(x.label, "#", version)
		}
		w.close()
		runUntil(t, w, x.stop, label)
		w.open()
		label = strings.TrimPrefix(label, "rotate:")
		open := w.audit.Unfinished()
		if (len(open) == 1) != x.unsettled || len(open) > 1 {
			t.Errorf("stopped at %s of %s: %d intents are open", x.stop, label, len(open))
		}
		v := w.verify()
		if !v.OK() {
			t.Errorf("stopped at %s of %s: %s", x.stop, label, findings(&v))
		}
		said := slices.DeleteFunc(v.Unsettled, func(u Unsettled) bool { return u.Label != label })
		if (len(said) == 1) != x.unsettled || x.unsettled && said[0].Done != x.there {
			t.Errorf("stopped at %s of %s: it is said of it %+v", x.stop, label, said)
		}
		row, err := w.db.Get(t.Context(), ref(t, label))
		if strings.HasPrefix(x.label, "rotate:") {
			if rotated := !row.Successor.IsZero(); rotated != x.there {
				t.Errorf("stopped at %s of %s: rotated is %v", x.stop, label, rotated)
			}
		} else if (err == nil) != x.there {
			t.Errorf("stopped at %s of %s: %v", x.stop, label, err)
		}
		for _, p := range open { // as the next agent does
			_, err := p.Done(audit.NotKnown())
			must(t, err)
		}
		if v := w.verify(); !v.OK() || (len(slices.DeleteFunc(v.Unsettled, func(u Unsettled) bool { return u.Label != label })) == 1) != x.unsettled {
			t.Errorf("stopped at %s of %s, and settled: %+v, %s", x.stop, label, v.Unsettled, findings(&v))
		}
		switch {
		case strings.HasPrefix(x.label, "rotate:"):
			if x.there {
				version++
			}
			w.rotate("ZMK")
			version++
		case !x.there:
			w.kek(x.label, "") // the next one goes on
			if v := w.verify(); slices.ContainsFunc(v.Unsettled, func(u Unsettled) bool { return u.Label == label && u.Done }) {
				t.Errorf("a key that was made later counts for what stopped at %s", x.stop)
			}
		}
	}
	if row := w.row("TPK"); row.Parent != (store.Ref{Label: "ZMK", Version: version}) {
		t.Errorf("the child hangs under %s, the newest is #%d", row.Parent, version)
	}
	w.verifies()
}

// TestAnOperationThatIsKilledAtAnyMomentIsWholeOrNotThere kills at moments that nobody chose.
func TestAnOperationThatIsKilledAtAnyMomentIsWholeOrNotThere(t *testing.T) {
	w := newWorld(t, custody.Test)
	w.kek("ZMK", "")
	for i := range 12 {
		w.close()
		label := fmt.Sprint("K-", i)
		c, out := start(t, asWorker, filepath.Dir(w.log), "", label)
		if _, err := out.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(i) * 500 * time.Microsecond)
		kill(t, c)
		rest, _ := io.ReadAll(out)
		w.open()
		for _, p := range w.audit.Unfinished() {
			_, err := p.Done(audit.NotKnown())
			must(t, err)
		}
		_, err := w.db.Get(t.Context(), ref(t, label))
		if acknowledged := strings.Contains(string(rest), "done\n"); acknowledged && err != nil {
			t.Errorf("%s was acknowledged: %v", label, err)
		}
		if v := w.verify(); !v.OK() {
			t.Errorf("after %s: %s", label, findings(&v))
		}
	}
}

// beRestorer restores a backup: PLAIN DIR STOP CARD. It reads so many bytes, says so and stays.
func beRestorer(args []string) int {
	if err := restoreIn(args[0], args[1], args[2], args[3]); err != nil {
		fmt.Println("error", err)
		return 1
	}
	fmt.Println("restored")
	return 0
}

func restoreIn(plain, dir, stop, card string) error {
	f, err := os.Open(plain)
	if err != nil {
		return err
	}
	raw, err := os.ReadFile(card)
	if err != nil {
		return err
	}
	c, err := custody.ParseCard(raw)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(stop)
	if err != nil {
		return err
	}
	u, err := store.SQLite(filepath.Join(dir, "store.db"))
	if err != nil {
		return err
	}
	_, err = Restore(context.Background(), realEnv(), &stoppingReader{f, n}, Restoring{URL: u, Officers: []custody.Card{c}, Who: me(),
		LogPath: func(id string) (string, error) { return filepath.Join(dir, id+".audit"), nil }})
	return err
}

// stoppingReader reads slowly, and at a place no more.
type stoppingReader struct {
	from io.Reader
	left int
}

func (s *stoppingReader) Read(p []byte) (int, error) {
	if s.left == 0 {
		stopAt("here", "here")
	}
	n, err := s.from.Read(p[:min(len(p), 512, s.left)])
	s.left -= n
	return n, err
}

// TestARestorationThatIsKilledLeavesNothingThatLooksWhole kills it at forty places of the file, and the next one goes on.
func TestARestorationThatIsKilledLeavesNothingThatLooksWhole(t *testing.T) {
	w := stocked(t, custody.Test)
	admin := officer(t, custody.Test, "admin.d", custody.Administrator)
	path, _ := w.backup(admin)
	before := dump(t, w.db)
	plain := plainOf(t, path, admin)
	aside := t.TempDir()
	must(t, os.WriteFile(filepath.Join(aside, "plain"), plain, 0o600))
	must(t, os.WriteFile(filepath.Join(aside, "card"), admin.Card().Marshal(), 0o600))
	p := newPlace(t)
	withLog := 0
	for step := range 41 {
		n := step * (len(plain) + 1) / 40 // the last one never stops
		c, out := start(t, asRestorer, filepath.Join(aside, "plain"), p.dir, strconv.Itoa(n), filepath.Join(aside, "card"))
		line, err := out.ReadString('\n')
		if err != nil || strings.HasPrefix(line, "error") {
			t.Fatalf("%d bytes: %s, %v", n, line, err)
		}
		kill(t, c)
		_, err = store.Open(t.Context(), p.url, store.Options{Now: time.Now})
		if line == "restored\n" {
			if step != 40 {
				t.Errorf("restored after %d of %d bytes", n, len(plain))
			}
			continue
		}
		mustFail(t, err, fault.NotFound)
		if f, err := os.Open(p.log(w.id.ID)); err == nil {
			withLog++
			_, err := audit.Verify(f, audit.Expect{Identity: identityOf(&w.id)})
			_ = f.Close()
			if err != nil {
				t.Errorf("after %d bytes the log does not verify: %v", n, err)
			}
		}
	}
	if withLog == 0 {
		t.Error("no restoration was killed after the log had its place")
	}
	again := p.enter(t, w.id)
	if dump(t, again.db) != before {
		t.Error("the rows are others")
	}
	again.verifies()
}

// TestAFullDiskLeavesNoBackup lets the kernel say it: a limit on the size of files is a full disk that every system has.
func TestAFullDiskLeavesNoBackup(t *testing.T) {
	dir, child := testproc.InChild(t)
	if !child {
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	w := stocked(t, custody.Test)
	admin := officer(t, custody.Test, "admin.d", custody.Administrator)
	for i := range 100 {
		w.kek(fmt.Sprint("KEK-", i), "")
	}
	_, b := w.backup(admin)
	work := w.begin(custody.StoreBackup, w.id.ID)
	path := filepath.Join(dir, "b.age")
	var was syscall.Rlimit
	must(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was))
	for _, size := range []int64{0, 1, 1000, b.Bytes / 2, b.Bytes - 1} {
		limit := was
		limit.Cur = uint64(size)
		must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit))
		_, err := work.Backup(t.Context(), path, w.log, cards(admin))
		must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was))
		if fault.KindOf(err) != fault.Failure || err == nil || !strings.Contains(err.Error(), "file too large") {
			t.Errorf("with %d bytes of room: %v", size, err)
		}
		if names := (place{dir: dir}).names(t); len(names) != 0 {
			t.Errorf("with %d bytes of room: left are %v", size, names)
		}
	}
	_, err := work.Backup(t.Context(), path, w.log, cards(admin))
	must(t, err)
	done(t, work, agent.Outcome{Outcome: audit.OK()})
}

// TestAFullDiskLosesNothingOfTheStore enters keys until nothing goes any more.
func TestAFullDiskLosesNothingOfTheStore(t *testing.T) {
	_, child := testproc.InChild(t)
	if !child {
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	w := newWorld(t, custody.Test)
	w.kek("ZMK", "")
	var was syscall.Rlimit
	must(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was))
	limit := was
	limit.Cur = 1_000_000
	must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit))
	acknowledged, err := 0, error(nil)
	for ; err == nil && acknowledged < 10_000; acknowledged++ {
		err = w.enterOne(fmt.Sprint("K-", acknowledged))
	}
	acknowledged--
	if fault.KindOf(err) != fault.Failure || acknowledged < 10 {
		t.Errorf("after %d keys: %v", acknowledged, err)
	}
	must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was))
	w.reopen()
	for i := range acknowledged {
		w.row(fmt.Sprint("K-", i))
	}
	if v := w.verify(); !v.OK() {
		t.Error(findings(&v))
	}
}

// TestAFolderThatMayOnlyBeReadIsNamed takes the right to write away.
func TestAFolderThatMayOnlyBeReadIsNamed(t *testing.T) {
	dir, child := testproc.InChild(t)
	if !child {
		return
	}
	testproc.BecomeNobody(t)
	home := filepath.Join(dir, "home")
	must(t, os.Mkdir(home, 0o700))
	w := newWorldAt(t, custody.Test, sqliteAt(t, home), home)
	w.kek("ZMK", "")
	admin := officer(t, custody.Test, "admin.d", custody.Administrator)
	work := w.begin(custody.StoreBackup, w.id.ID)
	saved := filepath.Join(dir, "b.age")
	_, err := work.Backup(t.Context(), saved, w.log, cards(admin))
	must(t, err)
	locked := filepath.Join(dir, "locked")
	must(t, os.Mkdir(locked, 0o500))
	_, err = work.Backup(t.Context(), filepath.Join(locked, "b.age"), w.log, cards(admin))
	mustFail(t, err, fault.NotPermitted, "make")
	done(t, work, agent.OutcomeOf(err))
	p := place{sqliteAt(t, locked), locked}
	_, err = p.restore(t, saved, admin)
	mustFail(t, err, fault.NotPermitted)
	_, err = CreateOnToken(t.Context(), w.env, TokenBirth{URL: p.url, Environment: custody.Test, Token: "pkcs11:token=test", Who: me(),
		LogPath: func(id string) (string, error) { return p.log(id), nil }, MakeKey: func(context.Context, string) error { return nil }})
	mustFail(t, err, fault.NotPermitted)
	w.close()
	must(t, os.Chmod(home, 0o500))
	defer func() { must(t, os.Chmod(home, 0o700)) }()
	v, err := Verify(t.Context(), readOnly(t, w.url), nil, w.log) // what may be read can be verified
	if must(t, err); !v.OK() {
		t.Error(findings(&v))
	}
}

func readOnly(t *testing.T, u store.URL) *store.Store {
	t.Helper()
	db, err := store.Open(t.Context(), u, store.Options{Now: time.Now, ReadOnly: true})
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// person is an officer with an identity file.
type person struct {
	*custody.Identity
	file   []byte
	phrase string
}

func newPerson(t testing.TB, e custody.Environment, id string, roles ...custody.Role) person {
	t.Helper()
	p := person{Identity: officer(t, e, id, roles...), phrase: "TEST passphrase of " + id}
	typed := secret.Copy([]byte(p.phrase))
	defer typed.Wipe()
	var err error
	p.file, err = p.Lock(realEnv(), typed, custody.FloorCost())
	must(t, err)
	return p
}

// beAgent is what the hidden command of poskey does.
func beAgent([]string) int {
	c, p, err := agent.Adopt()
	if err != nil {
		return 2
	}
	p.Env = realEnv()
	if p.Clock, err = agent.SystemClock(); err != nil {
		return 3
	}
	p.Ticks = time.NewTicker(50 * time.Millisecond).C
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	p.Signals = signals
	p.Screen = func(*os.File, string) agent.Screen { return noScreen{} }
	if err := agent.Main(context.Background(), c, p); err != nil {
		return 1
	}
	return 0
}

// starter starts agents that read these passphrases.
func starter(t *testing.T, phrases ...string) func(context.Context, agent.Config) (agent.Started, error) {
	return func(ctx context.Context, c agent.Config) (agent.Started, error) {
		var files []*os.File
		for _, p := range phrases {
			r, w, err := os.Pipe()
			must(t, err)
			_, err = w.WriteString(p + "\n")
			must(t, err)
			must(t, w.Close())
			defer r.Close()
			files = append(files, r)
		}
		s, err := agent.Start(ctx, agent.StartSpec{Exe: os.Args[0], Args: []string{asAgent}, Env: []string{"GORACE=atexit_sleep_ms=0"},
			Config: c, Passphrases: files}, nil)
		if s.PID != 0 && c.Mode == agent.Unseal {
			t.Cleanup(func() {
				_ = syscall.Kill(s.PID, syscall.SIGKILL)
				gone(t, s.PID)
			})
		}
		return s, err
	}
}

func gone(t *testing.T, pid int) {
	t.Helper()
	for range 2000 {
		if syscall.Kill(pid, 0) != nil {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Errorf("process %d is still there", pid)
}

// office is a store whose master key is with its officers.
type office struct {
	place
	t       *testing.T
	holders []person
	admin   person
	id      store.Identity
	db      *store.Store
	socket  string
}

func newOffice(t *testing.T, e custody.Environment) *office {
	t.Helper()
	o := &office{t: t, place: newPlace(t)}
	for _, id := range []string{"custodian.a", "custodian.b"} {
		o.holders = append(o.holders, newPerson(t, e, id, custody.Custodian))
	}
	o.admin = newPerson(t, e, "admin.d", custody.Administrator)
	id, err := Create(t.Context(), realEnv(), o.birth(e))
	must(t, err)
	o.id = id
	o.db = openAt(t, o.url)
	run, err := os.MkdirTemp("", "pv") // short: a socket's path has about a hundred characters
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(run) })
	o.socket = filepath.Join(run, "run", "agent")
	return o
}

func (o *office) birth(e custody.Environment) Birth {
	return Birth{URL: o.url, Environment: e, Holders: cards(o.holders[0].Identity, o.holders[1].Identity), Threshold: 2,
		Others: cards(o.admin.Identity), LogPath: func(id string) (string, error) { return o.log(id), nil }, Who: me(), Language: "en",
		Start: starter(o.t)}
}

func (o *office) opening(people ...person) Opening {
	var files [][]byte
	var phrases []string
	for _, p := range people {
		files, phrases = append(files, p.file), append(phrases, p.phrase)
	}
	return Opening{Identities: files, For: time.Hour, Log: o.log(o.id.ID), Socket: o.socket, Who: me(), Language: "en",
		Start: starter(o.t, phrases...)}
}

// unseal lets both officers open the store, and joins it with its agent.
func (o *office) unseal() (*Vault, agent.Started) {
	o.t.Helper()
	s, err := Unseal(o.t.Context(), o.db, o.opening(o.holders...))
	must(o.t, err)
	c, err := agent.Dial(o.t.Context(), o.socket)
	must(o.t, err)
	v, err := Open(o.t.Context(), o.db, c)
	must(o.t, err)
	return v, s
}

// TestAStoreLivesWithItsOfficers goes through a store's life with a real agent.
func TestAStoreLivesWithItsOfficers(t *testing.T) {
	noLeaks(t)
	o := newOffice(t, custody.Test)
	_, err := Create(t.Context(), realEnv(), o.birth(custody.Test))
	mustFail(t, err, fault.FileExists)
	_, err = Unseal(t.Context(), o.db, o.opening(o.holders[0]))
	mustFail(t, err, fault.NotPermitted, "one alone never does")
	v, started := o.unseal()
	zmk := generateIn(t, v, want{label: "ZMK", alg: keys.AES256, usage: keys.UsageKEK})
	tpk := generateIn(t, v, want{label: "TPK", alg: keys.TDES128, usage: keys.UsagePIN, parent: "ZMK"})
	if tpk.Row.Parent != zmk.Row.Ref() || tpk.Row.ParentBlock == "" {
		t.Errorf("%+v", tpk.Row)
	}
	work := beginIn(t, v, custody.KeyRotate, "ZMK#1")
	held, err := v.Find(t.Context(), ref(t, "ZMK"), ToProtect)
	must(t, err)
	r, err := work.Rotate(t.Context(), held)
	must(t, err)
	done(t, work, agent.Outcome{Outcome: audit.OK(), Check: r.New.Check})
	verifyIn(t, v, o.log(o.id.ID))

	work = beginIn(t, v, custody.StoreBackup, o.id.ID)
	saved := filepath.Join(t.TempDir(), "b.age")
	b, err := work.Backup(t.Context(), saved, o.log(o.id.ID), cards(o.admin.Identity))
	must(t, err)
	done(t, work, agent.Outcome{Outcome: audit.OK()})
	if b.Checkpoints != 1 {
		t.Errorf("%d checkpoints are in the backup", b.Checkpoints)
	}
	before := dump(t, o.db)
	must(t, v.Authority().Seal(t.Context(), me()))
	gone(t, started.PID)
	_, err = v.Begin(t.Context(), agent.Intent{Activity: custody.KeyCheck, Who: me()})
	mustFail(t, err, fault.Sealed)

	elsewhere := *o // the same officers, another machine
	elsewhere.place = newPlace(t)
	_, err = elsewhere.restore(t, saved, o.admin.Identity)
	must(t, err)
	elsewhere.db = openAt(t, elsewhere.url)
	if dump(t, elsewhere.db) != before {
		t.Error("the rows are others")
	}
	v, _ = elsewhere.unseal()
	work = beginIn(t, v, custody.KeyCheck, "TPK#1")
	held, err = v.Find(t.Context(), ref(t, "TPK"), ToCheck)
	must(t, err)
	must(t, work.Prove(t.Context(), held))
	done(t, work, agent.Outcome{Outcome: audit.OK()})
	verifyIn(t, v, elsewhere.log(o.id.ID))
}

func verifyIn(t *testing.T, v *Vault, log string) {
	t.Helper()
	work := beginIn(t, v, custody.KeyCheck, "")
	found, err := Verify(t.Context(), v.Store(), work, log)
	if must(t, err); !found.OK() || !found.Blocks {
		t.Error(findings(&found))
	}
	done(t, work, agent.Outcome{Outcome: audit.OK()})
}

// TestNothingOfTestIsTakenInProduction tries an officer's card, an agent, a sealed master key and a backup.
func TestNothingOfTestIsTakenInProduction(t *testing.T) {
	o := newOffice(t, custody.Test)
	p := newPlace(t)
	b := o.birth(custody.Production)
	b.URL, b.LogPath = p.url, func(id string) (string, error) { return p.log(id), nil }
	_, err := Create(t.Context(), realEnv(), b)
	mustFail(t, err, fault.NotPermitted, "custodian.a")
	if len(p.names(t)) != 0 {
		t.Errorf("left are %v", p.names(t))
	}
	real := newWorld(t, custody.Production)
	b.Holders = cards(officer(t, custody.Production, "custodian.a", custody.Custodian), officer(t, custody.Production, "custodian.b", custody.Custodian))
	_, err = Create(t.Context(), realEnv(), b) // one of the others is of test
	mustFail(t, err, fault.NotPermitted, "admin.d")
	if len(p.names(t)) != 0 {
		t.Errorf("left are %v", p.names(t))
	}
	b.Environment = ""
	_, err = Create(t.Context(), realEnv(), b)
	mustFail(t, err, fault.Usage)

	v, _ := o.unseal()
	_, err = Open(t.Context(), real.db, v.Authority())
	mustFail(t, err, fault.NotPermitted, "production")
	_, err = Unseal(t.Context(), real.db, o.opening(o.holders...))
	mustFail(t, err, fault.Usage, "token")
}

// TestTheDatabaseCannotTurnAnotherWay changes the environment by hand: the sealed master key says what it is.
func TestTheDatabaseCannotTurnAnotherWay(t *testing.T) {
	o := newOffice(t, custody.Test)
	byHand(t, o.url, "UPDATE meta SET environment = 'production'")
	_, err := Unseal(t.Context(), o.db, o.opening(o.holders...))
	if !fault.Is(err, fault.NotPermitted) && !fault.Is(err, fault.LogBroken) {
		t.Errorf("a test store that says it is one of production: %v", err)
	}
}

// beClient works through the agent at a socket: DIR SOCKET NAME N. It enters N keys, and rotates RACE once.
func beClient(args []string) int {
	if err := clientIn(args[0], args[1], args[2], args[3]); err != nil {
		fmt.Println("error", err)
		return 1
	}
	return 0
}

func clientIn(dir, socket, name, many string) error {
	ctx := context.Background()
	u, err := store.SQLite(filepath.Join(dir, "store.db"))
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, u, store.Options{Now: time.Now})
	if err != nil {
		return err
	}
	c, err := agent.Dial(ctx, socket)
	if err != nil {
		return err
	}
	v, err := Open(ctx, db, c)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(many)
	if err != nil {
		return err
	}
	held, err := v.Find(ctx, store.Ref{Label: "RACE", Version: 1}, ToProtect)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	w := &world{vault: v, db: db}
	for i := range n {
		if i == n/2 {
			fmt.Println("rotated", w.rotateOne(ctx, held))
		}
		if err := w.enterOneAs(ctx, fmt.Sprint(name, "-", i)); err != nil {
			return err
		}
	}
	fmt.Println("done")
	return nil
}

func (w *world) rotateOne(ctx context.Context, held Held) string {
	work, err := w.vault.Begin(ctx, agent.Intent{Activity: custody.KeyRotate, Label: "RACE#1", Request: audit.DigestOf([]byte("x")), Who: me()})
	if err != nil {
		return err.Error()
	}
	defer work.Close()
	_, err = work.Rotate(ctx, held)
	if lost := work.Done(ctx, agent.OutcomeOf(err)); lost != nil {
		return lost.Error()
	}
	if err != nil {
		return string(fault.KindOf(err))
	}
	return "won"
}

func (w *world) enterOneAs(ctx context.Context, label string) error {
	work, err := w.vault.Begin(ctx, agent.Intent{Activity: custody.KeyGenerate, Label: label + "#1", Request: audit.DigestOf([]byte("x")), Who: me()})
	if err != nil {
		return err
	}
	defer work.Close()
	k, err := work.Generate(ctx, hsm.Attributes{Algorithm: keys.AES128}, hsm.Policy{})
	if err != nil {
		return err
	}
	in, err := work.Enter(ctx, k, New{Ref: store.Ref{Label: label, Version: 1}, Origin: store.Generated})
	if err != nil {
		return err
	}
	return work.Done(ctx, kept(in))
}

// TestProcessesAtOneStoreLoseNothing lets three processes work at one time, and rotate the same key.
func TestProcessesAtOneStoreLoseNothing(t *testing.T) {
	o := newOffice(t, custody.Test)
	v, _ := o.unseal()
	generateIn(t, v, want{label: "RACE", alg: keys.AES256, usage: keys.UsageKEK})
	generateIn(t, v, want{label: "CHILD", alg: keys.AES128, usage: keys.UsageData, parent: "RACE"})
	const each = 30
	var all sync.WaitGroup
	var mu sync.Mutex
	said := map[string]int{}
	var begin []io.WriteCloser
	for _, name := range []string{"A", "B", "C"} {
		c := exec.Command(os.Args[0], asClient, o.dir, o.socket, name, strconv.Itoa(each))
		c.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
		in, err := c.StdinPipe()
		must(t, err)
		out, err := c.StdoutPipe()
		must(t, err)
		must(t, c.Start())
		t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
		lines := bufio.NewScanner(out)
		if !lines.Scan() || lines.Text() != "ready" {
			t.Fatalf("a client says %q", lines.Text())
		}
		begin = append(begin, in)
		all.Go(func() {
			for lines.Scan() {
				mu.Lock()
				said[lines.Text()]++
				mu.Unlock()
			}
		})
	}
	for _, in := range begin {
		_, err := io.WriteString(in, "go\n")
		must(t, err)
	}
	all.Wait()
	losers := said["rotated not_permitted"] + said["rotated busy"] + said["rotated file_exists"]
	if said["done"] != 3 || said["rotated won"] != 1 || losers != 2 {
		t.Errorf("they said %v", said)
	}
	n, err := o.db.Count(t.Context(), store.Filter{})
	if want := int64(3*each + 3); err != nil || n != want {
		t.Errorf("%d keys are there, want %d, %v", n, want, err)
	}
	verifyIn(t, v, o.log(o.id.ID))
}

// TestAnAgentThatIsKilledLeavesAStoreThatGoesOn kills it under a command.
func TestAnAgentThatIsKilledLeavesAStoreThatGoesOn(t *testing.T) {
	o := newOffice(t, custody.Test)
	v, started := o.unseal()
	work := beginIn(t, v, custody.KeyGenerate, "ZMK#1")
	k, err := enter(t.Context(), t, work, want{label: "ZMK", alg: keys.AES256, usage: keys.UsageKEK})
	must(t, err)
	must(t, syscall.Kill(started.PID, syscall.SIGKILL))
	gone(t, started.PID)
	mustFail(t, work.Done(t.Context(), kept(k)), fault.Sealed)
	sealed, err := Verify(t.Context(), o.db, nil, o.log(o.id.ID))
	if must(t, err); !sealed.OK() || len(sealed.Unsettled) < 1 || !sealed.Unsettled[len(sealed.Unsettled)-1].Done {
		t.Errorf("%+v, %s", sealed.Unsettled, findings(&sealed))
	}
	v, _ = o.unseal()
	generateIn(t, v, want{label: "TPK", alg: keys.TDES128, usage: keys.UsagePIN, parent: "ZMK"})
	verifyIn(t, v, o.log(o.id.ID))
}

// TestAVerificationWhoseAgentEndsIsNoVerdict: what nobody looked at is not wrong.
func TestAVerificationWhoseAgentEndsIsNoVerdict(t *testing.T) {
	o := newOffice(t, custody.Test)
	v, started := o.unseal()
	generateIn(t, v, want{label: "ZMK", alg: keys.AES256, usage: keys.UsageKEK})
	work := beginIn(t, v, custody.KeyCheck, "")
	must(t, syscall.Kill(started.PID, syscall.SIGKILL))
	gone(t, started.PID)
	_, err := Verify(t.Context(), o.db, work, o.log(o.id.ID))
	mustFail(t, err, fault.Sealed)
}

// TestAStoreOnAServerPassesOnAndBack takes a store from a file to a server and back by backups.
func TestAStoreOnAServerPassesOnAndBack(t *testing.T) {
	w := newWorldAt(t, custody.Test, onServer(t), t.TempDir())
	stock(w)
	w.verifies()
	admin := officer(t, custody.Test, "admin.d", custody.Administrator)
	before := dump(t, w.db)
	for _, u := range []store.URL{sqliteAt(t, t.TempDir()), onServer(t)} {
		path, _ := w.backup(admin)
		p := newPlace(t)
		p.url = u
		r, err := p.restore(t, path, admin)
		must(t, err)
		_, err = p.restore(t, path, admin)
		mustFail(t, err, fault.FileExists)
		w = p.enter(t, w.id)
		if after := dump(t, w.db); after != before || r.Rows["keys"] != 6 {
			t.Errorf("the rows are others in %s", u)
		}
		w.verifies()
	}
	w.rotate("TMK")
	if got := w.blast("ZMK"); !strings.Contains(got, "TPK-2#1") || !strings.Contains(got, "SN-1") {
		t.Errorf("with ZMK: %s", got)
	}
	w.verifies()
}

// TestABackupOnAServerDuringWorkIsOfOneMoment is that of the file, with a server.
func TestABackupOnAServerDuringWorkIsOfOneMoment(t *testing.T) {
	w := newWorldAt(t, custody.Test, onServer(t), t.TempDir())
	admin := officer(t, custody.Test, "admin.d", custody.Administrator)
	w.kek("ZMK", "")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var all sync.WaitGroup
	for g := range 3 {
		all.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				if err := w.enterOne(fmt.Sprintf("K-%d-%d", g, i)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 3 {
		path, _ := w.backup(admin)
		p := newPlace(t)
		_, err := p.restore(t, path, admin)
		must(t, err)
		v, err := Verify(t.Context(), openAt(t, p.url), nil, p.log(w.id.ID))
		if must(t, err); !v.OK() {
			t.Errorf("restored: %s", findings(&v))
		}
	}
	stop()
	all.Wait()
	w.verifies()
}
