//go:build linux || darwin

package agent

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
	"poskey/pkg/keys"
)

// spawn starts an agent as a process of its own. It is killed with the test, if it still runs.
func (f *fixture) spawn(ctx context.Context, files []*os.File, change ...func(*Config)) (Started, []Event, error) {
	f.t.Helper()
	c := f.config(f.holders...)
	for _, ch := range change {
		ch(&c)
	}
	var events []Event
	s, err := Start(ctx, StartSpec{Exe: f.program(), Args: []string{asAgent}, Env: childEnv(), Config: c, Passphrases: files},
		func(e Event) { events = append(events, e) })
	if s.PID != 0 {
		f.t.Cleanup(func() { _ = syscall.Kill(s.PID, syscall.SIGKILL); f.gone(s.PID) })
	}
	return s, events, err
}

func (f *fixture) program() string {
	if f.exe != "" {
		return f.exe
	}
	return os.Args[0]
}

func childEnv() []string {
	env := []string{"GORACE=atexit_sleep_ms=0"}
	if dir := os.Getenv("GOCOVERDIR"); dir != "" {
		env = append(env, "GOCOVERDIR="+dir)
	}
	return env
}

func (f *fixture) open(change ...func(*Config)) (Started, *Client) {
	f.t.Helper()
	s, _, err := f.spawn(f.t.Context(), pipes(f.t, f.holders[0].phrase, f.holders[1].phrase), change...)
	if err != nil {
		f.t.Fatal(err)
	}
	client, err := Dial(f.t.Context(), f.socket, storeID)
	if err != nil {
		f.t.Fatal(err)
	}
	return s, client
}

// gone waits until a process is no more.
func (f *fixture) gone(pid int) {
	f.t.Helper()
	for range 2000 {
		if syscall.Kill(pid, 0) != nil {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	f.t.Errorf("process %d is still there", pid)
}

func TestAnAgentIsAProcessOfItsOwn(t *testing.T) {
	noLeaks(t)
	f := newFixture(t, custody.Test)
	ctx, cancel := context.WithCancel(t.Context())
	s, events, err := f.spawn(ctx, pipes(t, f.holders[0].phrase, f.holders[1].phrase))
	if err != nil {
		t.Fatal(err)
	}
	cancel() // the command that started it ends; the agent stays
	if s.PID == os.Getpid() || s.Checkpoint == nil || strings.Join(s.Officers, " ") != "custodian-a custodian-b" {
		t.Errorf("started: %+v", s)
	}
	var kinds []string
	for _, e := range events {
		kinds = append(kinds, string(e.Kind))
	}
	if got := strings.Join(kinds, " "); !strings.HasSuffix(got, "asked share_taken asked share_taken checkpoint ready") {
		t.Errorf("it reported: %s", got)
	}
	c, err := Dial(t.Context(), f.socket, storeID)
	if err != nil {
		t.Fatal(err)
	}
	k := makeKey(t, c, "ZMK-2026#1", keys.AES256, keys.UsageKBPK)
	if st, err := c.Status(t.Context()); err != nil || st.PID != s.PID || st.Left <= 0 || st.Left > time.Hour {
		t.Errorf("the status is %+v, %v", st, err)
	}
	if err := c.Seal(t.Context(), me()); err != nil {
		t.Fatal(err)
	}
	f.gone(s.PID)
	f.verifies()

	_, again := f.open() // the same master key: the key is still one
	w := begin(t, again, intent(custody.KeyCheck, "ZMK-2026#1"))
	if v, err := w.CheckValue(t.Context(), k, "", 0); err != nil || v != k.Check {
		t.Errorf("after the next opening: %v, %v", v, err)
	}
}

func TestAKilledAgentLeavesItsIntentsAndTheNextOneGoesOn(t *testing.T) {
	noLeaks(t)
	f := newFixture(t, custody.Test)
	s, c := f.open()
	w := begin(t, c, intent(custody.KeyGenerate, "A#1"))
	if _, err := w.Generate(t.Context(), hsm.Attributes{Algorithm: keys.AES128, Label: "A#1"}, hsm.Policy{}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(s.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	f.gone(s.PID)
	wantKind(t, w.Done(t.Context(), Outcome{Outcome: audit.OK()}), fault.Sealed)
	begun := f.wantRecord(audit.KeyGenerate, "")
	if n := len(f.recorded(audit.KeyGenerate, audit.Done)); n != 0 {
		t.Fatalf("%d outcomes are there", n)
	}
	_, err := Dial(t.Context(), f.socket, storeID)
	wantKind(t, err, fault.Sealed)

	_, events, err := f.spawn(t.Context(), pipes(t, f.holders[0].phrase, f.holders[1].phrase))
	if err != nil {
		t.Fatal(err)
	}
	told := ""
	for _, e := range events {
		if e.Kind == Interrupted {
			told = e.Text.String()
		}
	}
	if want := "record " + strconv.Itoa(int(begun.Seq)); !strings.HasPrefix(told, want) {
		t.Errorf("the next agent said %q, want %q", told, want)
	}
	if u := f.wantRecord(audit.KeyGenerate, audit.Unknown); u.Of != begun.Seq {
		t.Errorf("%+v", u)
	}
	f.verifies()
}

func TestSignalsSealTheStore(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		f := newFixture(t, custody.Test)
		started, c := f.open()
		w := begin(t, c, intent(custody.KeyGenerate, "A#1"))
		if err := syscall.Kill(started.PID, s); err != nil {
			t.Fatal(err)
		}
		f.gone(started.PID)
		f.wantRecord(audit.StoreSeal, audit.Done)
		f.wantRecord(audit.KeyGenerate, audit.Unknown)
		if _, err := os.Lstat(f.socket); !os.IsNotExist(err) {
			t.Errorf("%s: the socket is still there", s)
		}
		_ = w.Close()
		f.verifies()
	}
}

func TestAWrongPassphraseCrossesAsAnErrorOfItsKind(t *testing.T) {
	f := newFixture(t, custody.Test)
	_, _, err := f.spawn(t.Context(), pipes(t, f.holders[0].phrase, "TEST not this one"))
	wantKind(t, err, fault.AuthFailed, "custodian-b")
	f.wantRecord(audit.OfficerAuthenticate, audit.Refused)
	_, _, err = f.spawn(t.Context(), pipes(t, f.holders[0].phrase), func(c *Config) { c.Identities = c.Identities[:1] })
	wantKind(t, err, fault.NotPermitted)
	_, _, err = f.spawn(t.Context(), nil)
	wantKind(t, err, fault.InputNeeded)
}

func TestWhoInterruptsTheOpeningEndsTheAgent(t *testing.T) {
	f := newFixture(t, custody.Test)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		for len(f.recordedNow()) < 2 { // the log is open and the intent in it: somebody is asked
			time.Sleep(5 * time.Millisecond)
		}
		cancel(fault.New(fault.Interrupted, "interrupted"))
	}()
	_, _, err = f.spawn(ctx, []*os.File{r, r})
	wantKind(t, err, fault.Interrupted)
	if u := f.wantRecord(audit.StoreUnseal, audit.Failed); u.Outcome.Fault != fault.Interrupted {
		t.Errorf("%+v", u)
	}
}

// recordedNow counts lines of a log that is being written.
func (f *fixture) recordedNow() []string {
	raw, _ := os.ReadFile(f.log)
	return strings.Split(strings.TrimSpace(string(raw)), "\n")
}

func TestTheLogIsHeldByOneProcess(t *testing.T) {
	f := newFixture(t, custody.Test)
	f.open()
	_, _, err := f.spawn(t.Context(), nil, func(c *Config) { c.Socket = filepath.Join(f.dir, "run", "other") })
	wantKind(t, err, fault.Busy)
	_, _, err = f.spawn(t.Context(), nil)
	wantKind(t, err, fault.Busy)
}

func TestInitRunsInsideTheAgent(t *testing.T) {
	f := newFixture(t, custody.Production)
	log := filepath.Join(f.dir, "new")
	s, _, err := f.spawn(t.Context(), nil, func(c *Config) {
		*c = Config{Mode: Init, Store: storeID, Environment: custody.Production, Holders: documents(f.holders), Threshold: 2,
			Log: log, Who: me()}
	})
	if err != nil {
		t.Fatal(err)
	}
	f.gone(s.PID)
	if doc, err := custody.ParseSealedStore(s.Document); err != nil || doc.Master.Check() != s.Check || s.Generation != 1 {
		t.Errorf("the document: %v", err)
	}
}

func TestAProgramThatIsNoAgentSaysSo(t *testing.T) {
	f := newFixture(t, custody.Test)
	_, err := Start(t.Context(), StartSpec{Exe: "/bin/true", Config: f.config()}, nil)
	wantKind(t, err, fault.Failure, "without a word")
	_, err = Start(t.Context(), StartSpec{Exe: filepath.Join(f.dir, "none"), Config: f.config()}, nil)
	wantKind(t, err, fault.Failure)
	if out, err := exec.Command(os.Args[0], asAgent).CombinedOutput(); err == nil || len(out) != 0 {
		t.Errorf("an agent that nobody started: %v, %s", err, out)
	}
}
