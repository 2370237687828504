//go:build linux || darwin

package vault

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/agent"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

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
	c, err := agent.Dial(o.t.Context(), o.socket, o.id.ID)
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
	if notes, err := audit.Checkpoints(elsewhere.log(o.id.ID)); err != nil || len(notes) != 1 {
		t.Errorf("%d checkpoints lie beside the restored log, %v", len(notes), err)
	}
	elsewhere.db = openAt(t, elsewhere.url)
	if !restoredRows(dump(t, elsewhere.db), before) {
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
	b.Others, b.Threshold = nil, 3
	_, err = Create(t.Context(), realEnv(), b) // the agent refuses after it has begun the log
	if err == nil || len(p.names(t)) != 0 {
		t.Errorf("three of two: %v; left are %v", err, p.names(t))
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
	id, err := db.Identity(ctx)
	if err != nil {
		return err
	}
	c, err := agent.Dial(ctx, socket, id.ID)
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

// reshare seals the master key anew.
func (o *office) reshare(r Resharing, people ...person) (store.Identity, error) {
	o.t.Helper()
	r.Opening = o.opening(people...)
	return Reshare(o.t.Context(), o.db, r)
}

func TestAResharingVoidsTheSharesOfBefore(t *testing.T) {
	noLeaks(t)
	o := newOffice(t, custody.Test)
	a, b := o.holders[0], o.holders[1]
	c := newPerson(t, custody.Test, "custodian.c", custody.Custodian)
	auditor := officer(t, custody.Test, "auditor.e", custody.Auditor)
	v, _ := o.unseal()
	zmk := generateIn(t, v, want{label: "ZMK", alg: keys.AES256, usage: keys.UsageKEK})
	next := Resharing{Holders: cards(a.Identity, c.Identity), Others: cards(auditor), Threshold: 2, Revoke: []string{"custodian.b"}}
	_, err := o.reshare(next, a, b, o.admin)
	mustFail(t, err, fault.Busy)
	must(t, v.Authority().Seal(t.Context(), me()))

	foreign := officer(t, custody.Production, "auditor.p", custody.Auditor)
	twin := officer(t, custody.Test, "admin.d", custody.Administrator)
	for name, x := range map[string]struct {
		r    Resharing
		kind fault.Kind
	}{
		"an officer of production joins": {Resharing{Holders: next.Holders, Others: cards(foreign), Threshold: 2}, fault.NotPermitted},
		"a second one with an id joins":  {Resharing{Holders: next.Holders, Others: cards(twin), Threshold: 2}, fault.NotPermitted},
		"nobody known leaves":            {Resharing{Holders: next.Holders, Threshold: 2, Revoke: []string{"custodian.x"}}, fault.NotFound},
		"one leaves with a share":        {Resharing{Holders: next.Holders, Threshold: 2, Revoke: []string{"custodian.a"}}, fault.Usage},
	} {
		x.r.Start = nil // nobody is asked
		if _, err := Reshare(t.Context(), o.db, x.r); !fault.Is(err, x.kind) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err = o.reshare(next, a, o.admin)
	mustFail(t, err, fault.NotPermitted)
	if id, err := o.db.Identity(t.Context()); err != nil || id.Master.Generation != 1 {
		t.Errorf("generation %d, %v", id.Master.Generation, err)
	}

	must(t, o.db.Close())
	old := filepath.Join(t.TempDir(), "old.db")
	copyFile(t, o.url.Path(), old)
	o.db = openAt(t, o.url)
	id, err := o.reshare(next, a, b, o.admin)
	must(t, err)
	if id.Master.Generation != 2 || id.Master.Check != o.id.Master.Check {
		t.Errorf("%+v", id.Master)
	}
	roster, err := Roster(t.Context(), o.db)
	if must(t, err); len(roster) != 4 {
		t.Errorf("%d officers are in office", len(roster))
	}
	_, err = Unseal(t.Context(), o.db, o.opening(a, b))
	mustFail(t, err, fault.NotPermitted, "custodian.b")
	o.holders = []person{a, c}
	v, _ = o.unseal()
	work := beginIn(t, v, custody.KeyCheck, "ZMK#1")
	held, err := v.Find(t.Context(), zmk.Row.Ref(), ToCheck)
	must(t, err)
	must(t, work.Prove(t.Context(), held))
	done(t, work, agent.Outcome{Outcome: audit.OK()})
	verifyIn(t, v, o.log(o.id.ID))
	must(t, v.Authority().Seal(t.Context(), me()))

	// The one who left comes back with a new identity under the old id, and not with the old one.
	_, err = o.reshare(Resharing{Holders: cards(a.Identity, b.Identity), Threshold: 2}, a, c)
	mustFail(t, err, fault.NotPermitted, "revoked")
	again := newPerson(t, custody.Test, "custodian.b", custody.Custodian)
	_, err = o.reshare(Resharing{Holders: cards(a.Identity, again.Identity), Threshold: 2, Revoke: []string{"custodian.c"}}, a, c, o.admin)
	must(t, err)

	must(t, o.db.Close())
	copyFile(t, old, o.url.Path()) // with the shares of before
	found, err := Verify(t.Context(), openAt(t, o.url), nil, o.log(o.id.ID))
	must(t, err)
	mustFind(t, found, "generation 3", "the inventory is at 1")
}
