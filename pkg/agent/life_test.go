//go:build linux || darwin

package agent

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
	"poskey/pkg/keys"
)

func contextFor(t testing.TB) (context.Context, context.CancelFunc) {
	return context.WithCancel(t.Context())
}

func TestAnOpenStoreDoesWhatWasAllowedAndRecordsIt(t *testing.T) {
	noLeaks(t)
	r := newFixture(t, custody.Test).start()
	k := makeKey(t, r.client, "ZMK-2026#1", keys.AES256, keys.UsageKBPK)
	begun, done := r.wantRecord(audit.KeyGenerate, ""), r.wantRecord(audit.KeyGenerate, audit.Done)
	if done.Of != begun.Seq || done.Object.Label != "ZMK-2026#1" || done.Object.Check.Value != k.Check.Digits {
		t.Errorf("the outcome is %+v", done)
	}
	if !strings.HasPrefix(begun.Who.ID, "user a (uid ") || begun.Who.Station != "desk 1" || begun.Request.IsZero() {
		t.Errorf("the intent is %+v", begun)
	}
	s, err := r.client.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.Store != storeID || s.PID != os.Getpid() || s.Left != time.Hour || s.Done != 1 || s.Works != 0 ||
		strings.Join(s.Officers, " ") != "custodian-a custodian-b" || s.Head.Seq != done.Seq || s.Head.Hash != done.Hash {
		t.Errorf("the status is %+v", s)
	}
	if err := r.client.Seal(t.Context(), me()); err != nil {
		t.Fatal(err)
	}
	if err, over := r.over(); err != nil || !over {
		t.Errorf("the agent ended with %v", err)
	}
	if sealed := r.wantRecord(audit.StoreSeal, audit.Done); sealed.Details[audit.FieldReason] != "it was told to end" ||
		!strings.HasPrefix(sealed.Who.ID, "user a (uid ") {
		t.Errorf("sealed: %+v", sealed)
	}
	if _, err := os.Lstat(r.socket); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
	_, err = Dial(t.Context(), r.socket, storeID)
	wantKind(t, err, fault.Sealed)
	_, err = r.client.Begin(t.Context(), intent(custody.KeyGenerate, "A#1"))
	wantKind(t, err, fault.Sealed)
	r.verifies()
}

func TestUnsealingIsRecordedWithItsOfficersAndSigned(t *testing.T) {
	noLeaks(t)
	r := newFixture(t, custody.Test).start()
	done := r.wantRecord(audit.StoreUnseal, audit.Done)
	if len(done.With) != 2 || done.With[0].ID != "custodian-a" || done.Object.Check.Value == "" {
		t.Errorf("the record is %+v", done)
	}
	e, ok := r.find(Signed)
	if !ok {
		t.Fatal("no checkpoint was reported")
	}
	if c, err := audit.ReadCheckpoint(e.Document); err != nil || c.Size != r.wantRecord(audit.LogCheckpoint, "").Seq {
		t.Errorf("the checkpoint is %+v, %v", c, err)
	}
	if r.screen.clears != 3 {
		t.Errorf("the screen was cleared %d times for two officers", r.screen.clears)
	}
}

// ends lets the agent look, and wants it to have sealed the store for a reason.
func (r *running) ends(reason string) {
	r.t.Helper()
	r.tick()
	if err, over := r.over(); err != nil || !over {
		r.t.Fatalf("the agent ended with %v, %v", err, over)
	}
	if s := r.wantRecord(audit.StoreSeal, audit.Done); s.Details[audit.FieldReason] != reason {
		r.t.Errorf("sealed because %q, want %q", s.Details[audit.FieldReason], reason)
	}
	r.verifies()
}

func TestTheStoreIsSealedWhenItsTimeIsOver(t *testing.T) {
	noLeaks(t)
	r := newFixture(t, custody.Test).start()
	r.clock.pass(time.Hour-time.Second, 0)
	r.tick()
	if _, err := r.client.Status(t.Context()); err != nil {
		t.Fatalf("a second before its time: %v", err)
	}
	r.clock.pass(time.Second, 0)
	_, err := r.client.Begin(t.Context(), intent(custody.KeyGenerate, "A#1"))
	wantKind(t, err, fault.NotPermitted, "its time is over")
	r.ends("its time is over")
}

func TestTheStoreIsSealedWhenTheMachineWakesUp(t *testing.T) {
	noLeaks(t)
	r := newFixture(t, custody.Test).start()
	r.clock.pass(0, 3*time.Second)
	r.ends("the machine has slept")
}

func TestTheStoreIsSealedWhenAClockGoesBack(t *testing.T) {
	noLeaks(t)
	r := newFixture(t, custody.Test).start()
	r.clock.setBack(2 * time.Minute)
	r.ends("a clock was set back")
}

func TestTheStoreIsSealedWhenItsSocketIsTakenAway(t *testing.T) {
	noLeaks(t)
	r := newFixture(t, custody.Test).start()
	if err := os.Remove(r.socket); err != nil {
		t.Fatal(err)
	}
	r.ends("the socket was taken away")
}

func TestASocketOfSomebodyElseIsLeftWhereItIs(t *testing.T) {
	r := newFixture(t, custody.Test).start()
	if err := os.Rename(r.socket, r.socket+".old"); err != nil {
		t.Fatal(err)
	}
	other, err := net.Listen("unix", r.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	r.ends("the socket was taken away")
	if _, err := os.Lstat(r.socket); err != nil {
		t.Errorf("the other socket is gone: %v", err)
	}
}

func TestSealingEndsWhatIsUnderWay(t *testing.T) {
	noLeaks(t)
	r := newFixture(t, custody.Test).start()
	w := begin(t, r.client, intent(custody.KeyGenerate, "A#1"))
	if err := r.client.Seal(t.Context(), me()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Generate(t.Context(), hsm.Attributes{Algorithm: keys.AES128}, hsm.Policy{}); err == nil {
		t.Error("a key was made after the end")
	}
	wantKind(t, w.Done(t.Context(), Outcome{Outcome: audit.OK()}), fault.Sealed)
	unknown := r.wantRecord(audit.KeyGenerate, audit.Unknown)
	if sealed := r.wantRecord(audit.StoreSeal, audit.Done); unknown.Seq > sealed.Seq ||
		unknown.Details[audit.FieldReason] != "it was told to end" {
		t.Errorf("record %d: %+v; sealed in record %d", unknown.Seq, unknown.Details, sealed.Seq)
	}
	r.over()
	r.verifies()
}

func TestACommandThatGoesAwayLeavesAnOutcomeThatNobodyKnows(t *testing.T) {
	noLeaks(t)
	r := newFixture(t, custody.Test).start()
	for what, leave := range map[string]func(w Work){
		"closes": func(w Work) { _ = w.Close() },
		"dies":   func(w Work) { w.(*remote).link.close() },
	} {
		before := len(r.recorded(audit.KeyGenerate, audit.Unknown))
		leave(begin(t, r.client, intent(custody.KeyGenerate, "A#1")))
		for range 400 {
			if len(r.recorded(audit.KeyGenerate, audit.Unknown)) > before {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		if u := r.wantRecord(audit.KeyGenerate, audit.Unknown); u.Details[audit.FieldReason] != "the command went away" {
			t.Errorf("%s: %+v", what, u)
		}
	}
}

func TestTheStoreIsSealedWhenTheLogCannotBeWritten(t *testing.T) {
	noLeaks(t)
	r := newFixture(t, custody.Test).start()
	if err := os.Rename(r.log, r.log+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.log, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := r.client.Begin(t.Context(), intent(custody.KeyGenerate, "A#1"))
	wantKind(t, err, fault.LogBroken)
	if err, over := r.over(); err == nil || !over {
		t.Errorf("the agent ended with %v, %v", err, over)
	}
}

func TestWhatCannotBeRecordedIsRefusedAndTheStoreStaysOpen(t *testing.T) {
	noLeaks(t)
	r := newFixture(t, custody.Test).start()
	in := intent(custody.KeyGenerate, "A#1")
	in.Details = audit.Details{"purpose": "0123456789ABCDEF0123456789ABCDEF"}
	_, err := r.client.Begin(t.Context(), in)
	wantKind(t, err, fault.NotPermitted, "looks like a key")
	makeKey(t, r.client, "A#1", keys.AES128, keys.UsageData)
}

func TestWhatWasNotAllowedIsRefusedAndRecorded(t *testing.T) {
	noLeaks(t)
	r := newFixture(t, custody.Test).start(func(c *Config) { c.Activities = []custody.Activity{custody.KeyCheck} })
	_, err := r.client.Begin(t.Context(), intent(custody.KeyGenerate, "A#1"))
	wantKind(t, err, fault.NotPermitted)
	if ref := r.wantRecord(audit.KeyGenerate, audit.Refused); ref.Object.Label != "A#1" {
		t.Errorf("the refusal is %+v", ref)
	}
	_, err = r.client.Begin(t.Context(), intent("key.nonsense", "A#1"))
	wantKind(t, err, fault.Usage)
	_, err = r.client.Begin(t.Context(), intent(custody.StoreUnseal, ""))
	wantKind(t, err, fault.Usage)
}

func TestOneOfficerAloneOpensNothing(t *testing.T) {
	noLeaks(t)
	f := newFixture(t, custody.Test)
	for what, asked := range map[string][]*person{
		"one":        {f.holders[0]},
		"one twice":  {f.holders[0], f.holders[0]},
		"a stranger": {f.holders[0], officer(t, custody.Test, "custodian-x", custody.Custodian)},
	} {
		r := f.try(func(c *Config) { c.Identities = files(asked) })
		err := r.await()
		if !fault.Is(err, fault.NotPermitted) {
			t.Errorf("%s: %v", what, err)
		}
		if len(r.screen.shown) != 0 {
			t.Errorf("%s: somebody was asked for a passphrase", what)
		}
		r.over()
		if u := f.wantRecord(audit.StoreUnseal, audit.Refused); u.Outcome.Fault != fault.NotPermitted {
			t.Errorf("%s: %+v", what, u)
		}
	}
}

func TestAnExpiredOfficerOpensNothing(t *testing.T) {
	f := newFixture(t, custody.Test)
	f.clock.pass(400*24*time.Hour, 0)
	r := f.try()
	wantKind(t, r.await(), fault.NotPermitted, "expired")
	if len(r.screen.shown) != 0 {
		t.Error("somebody was asked for a passphrase")
	}
}

func TestThreeWrongPassphrasesEndTheOpening(t *testing.T) {
	noLeaks(t)
	f := newFixture(t, custody.Test)
	f.typed = []string{"TEST wrong 1", "TEST wrong 2", "TEST wrong 3", f.holders[0].phrase}
	r := f.try()
	wantKind(t, r.await(), fault.AuthFailed, "custodian-a")
	r.over()
	if n := len(f.recorded(audit.OfficerAuthenticate, audit.Refused)); n != 3 {
		t.Errorf("%d wrong passphrases were recorded", n)
	}
	if u := f.wantRecord(audit.StoreUnseal, audit.Refused); u.Outcome.Fault != fault.AuthFailed {
		t.Errorf("%+v", u)
	}
}

func TestTwoAgentsDoNotServeOneStore(t *testing.T) {
	noLeaks(t)
	f := newFixture(t, custody.Test)
	first := f.start()
	second := f.try(func(c *Config) { c.Socket = filepath.Join(f.dir, "run", "other") })
	wantKind(t, second.await(), fault.Busy)
	third := f.try()
	wantKind(t, third.await(), fault.Busy)
	if len(second.screen.shown)+len(third.screen.shown) != 0 {
		t.Error("somebody was asked for a passphrase")
	}
	if _, err := first.client.Status(t.Context()); err != nil {
		t.Errorf("the first agent: %v", err)
	}
}

func TestADocumentOfAnotherGenerationOrStoreIsRefused(t *testing.T) {
	noLeaks(t)
	f := newFixture(t, custody.Test)
	for what, change := range map[string]func(*Config){
		"generation": func(c *Config) { c.Generation = 2 },
		"key":        func(c *Config) { c.Check.Digits = "00000000"[:len(c.Check.Digits)] },
		"document":   func(c *Config) { c.Sealed = c.Sealed[:100] },
		"path":       func(c *Config) { c.Log = "log" },
		"time":       func(c *Config) { c.Duration = 13 * time.Hour },
		"activity":   func(c *Config) { c.Activities = []custody.Activity{custody.KeyReveal} },
		"mode":       func(c *Config) { c.Mode = "open" },
	} {
		r := f.try(change)
		if err := r.await(); err == nil {
			t.Errorf("%s: opened", what)
		}
		if len(r.screen.shown) != 0 {
			t.Errorf("%s: somebody was asked for a passphrase", what)
		}
		r.over()
	}
}

func TestTheSocketIsOursAlone(t *testing.T) {
	r := newFixture(t, custody.Test).start()
	info, err := os.Lstat(r.socket)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket: %v, %v", info.Mode(), err)
	}
	if info, err = os.Lstat(filepath.Dir(r.socket)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("its folder: %v, %v", info.Mode(), err)
	}
}

func TestASocketGoesOnlyWhereItIsSafe(t *testing.T) {
	dir := shortDir(t)
	open, link, file := filepath.Join(dir, "open"), filepath.Join(dir, "link"), filepath.Join(dir, "file")
	if err := os.Mkdir(open, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, kind := range map[string]fault.Kind{
		filepath.Join(open, "s"): fault.FileExposed,
		filepath.Join(link, "s"): fault.FileExposed,
		file:                     fault.FileExists,
		filepath.Join(dir, strings.Repeat("x", 100)): fault.Usage,
	} {
		_, err := listen(path)
		wantKind(t, err, kind)
	}
	if raw, err := os.ReadFile(file); err != nil || string(raw) != "mine" {
		t.Errorf("the file is gone: %v", err)
	}
	stale := filepath.Join(dir, "stale")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	_ = l.Close()
	s, err := listen(stale)
	if err != nil {
		t.Fatalf("a socket that was left behind is in the way: %v", err)
	}
	if _, err := listen(stale); !fault.Is(err, fault.Busy) {
		t.Errorf("a socket in use: %v", err)
	}
	_ = s.close()
}

func TestNotesAreOfWhatWasNotAdmitted(t *testing.T) {
	noLeaks(t)
	r := newFixture(t, custody.Test).start()
	note := func(op audit.Operation, result audit.Result) error {
		o := audit.Outcome{Result: result}
		if result != audit.Done {
			o.Fault = fault.WeakKey
		}
		return r.client.Note(t.Context(), audit.Entry{Who: me(), Operation: op}, o)
	}
	for _, op := range []audit.Operation{audit.StoreSeal, audit.OfficerAuthenticate, audit.LogCheckpoint, audit.LogCreate,
		audit.ApprovalUse, audit.MasterOpen} {
		if err := note(op, audit.Refused); !fault.Is(err, fault.NotPermitted) {
			t.Errorf("%s: %v", op, err)
		}
	}
	if err := note(audit.KeyGenerate, audit.Done); !fault.Is(err, fault.NotPermitted) {
		t.Errorf("a key that was never admitted: %v", err)
	}
	if err := note(audit.KeyGenerate, audit.Refused); err != nil {
		t.Error(err)
	}
	if err := note(audit.LogVerify, audit.Done); err != nil {
		t.Error(err)
	}
	if n := r.wantRecord(audit.LogVerify, audit.Done); !strings.HasPrefix(n.Who.ID, "user a (uid ") {
		t.Errorf("noted by %+v", n.Who)
	}
}

func TestQuestionsOfADiagnosisAreCountedAndRecorded(t *testing.T) {
	noLeaks(t)
	r := newFixture(t, custody.Test).start()
	k := makeKey(t, r.client, "PEK#1", keys.AES128, keys.UsagePIN)
	w := begin(t, r.client, intent(custody.KeyProbe, "PEK#1"))
	p, err := w.Prober(t.Context(), []hsm.Key{k})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	expected := expectedOf(t, k.Check.Digits)
	for range 3 {
		a, err := p.Probe(t.Context(), hsm.Question{Expr: hsm.Part(0), Algorithm: keys.AES128, Method: k.Check.Method,
			Expected: expected})
		if err != nil || !a.Match {
			t.Fatalf("%+v, %v", a, err)
		}
	}
	if s, err := r.client.Status(t.Context()); err != nil || s.Probes != 3 || s.Works != 1 {
		t.Errorf("%+v, %v", s, err)
	}
	if err := w.Done(t.Context(), Outcome{Outcome: audit.OK()}); err != nil {
		t.Fatal(err)
	}
	if done := r.wantRecord(audit.KeyProbe, audit.Done); done.Details["questions"] != "3" || done.Details["keys"] != "PEK#1" ||
		done.Batch.Count != 3 || done.Batch.Digest.IsZero() || done.Request.IsZero() {
		t.Errorf("the record is %+v", done)
	}
}

func TestInitMakesAStoreThatItsOfficersOpen(t *testing.T) {
	noLeaks(t)
	f := newFixture(t, custody.Test)
	log := filepath.Join(f.dir, "new")
	r := f.try(func(c *Config) {
		*c = Config{Mode: Init, Store: storeID, Environment: custody.Test, Holders: documents(f.holders), Threshold: 2,
			Log: log, Who: me()}
	})
	if err := r.await(); err != nil {
		t.Fatal(err)
	}
	if err, over := r.over(); err != nil || !over {
		t.Fatalf("it ended with %v", err)
	}
	made, ok := r.find(Made)
	if !ok || len(r.screen.shown) != 0 {
		t.Fatalf("nothing was made, or somebody was asked: %v", r.screen.shown)
	}
	doc, err := custody.ParseSealedStore(made.Document)
	if err != nil || doc.Master.Check() != made.Check || made.Generation != 1 {
		t.Fatalf("the document: %v", err)
	}
	f.log, f.sealed = log, doc
	f.start()
	f.verifies()
	if c := f.wantRecord(audit.StoreCreate, audit.Done); len(c.With) != 2 || c.Object.Check.Value != made.Check.Digits {
		t.Errorf("%+v", c)
	}
}

func TestASignalSealsTheStore(t *testing.T) {
	noLeaks(t)
	f := newFixture(t, custody.Test)
	signals := make(chan os.Signal, 1)
	r := &running{fixture: f, ended: make(chan error, 1),
		screen: &typist{typed: []string{f.holders[0].phrase, f.holders[1].phrase}}}
	p := f.ports(r.screen, r.note)
	p.Signals = signals
	r.agent = &agent{config: f.config(f.holders...), ports: p, noArmor: true}
	go func() { r.ended <- r.agent.main(context.Background()) }()
	if err := r.await(); err != nil {
		t.Fatal(err)
	}
	signals <- os.Interrupt
	if err, over := r.over(); err != nil || !over {
		t.Fatalf("it ended with %v, %v", err, over)
	}
	if s := f.wantRecord(audit.StoreSeal, audit.Done); s.Details[audit.FieldReason] != "the agent was told to end: interrupted" {
		t.Errorf("%+v", s)
	}
}

func TestAnAgentThatLostItsStarterWhileAskingEnds(t *testing.T) {
	noLeaks(t)
	f := newFixture(t, custody.Test)
	orphaned := make(chan struct{})
	r := &running{fixture: f, ended: make(chan error, 1), screen: &typist{}} // nobody types
	p := f.ports(r.screen, r.note)
	p.Orphaned = orphaned
	r.agent = &agent{config: f.config(f.holders...), ports: p, noArmor: true}
	go func() { r.ended <- r.agent.main(context.Background()) }()
	for range 400 {
		if _, ok := r.find(Asked); ok {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	close(orphaned)
	err, over := r.over()
	if !over {
		t.Fatal("it still waits")
	}
	wantKind(t, err, fault.Interrupted)
	if u := f.wantRecord(audit.StoreUnseal, audit.Failed); u.Outcome.Fault != fault.Interrupted {
		t.Errorf("%+v", u)
	}
}

func TestManyCommandsAtOnce(t *testing.T) {
	noLeaks(t)
	r := newFixture(t, custody.Test).start()
	failed := make(chan error, 8)
	for i := range cap(failed) {
		go func() {
			label := string(rune('A'+i)) + "#1"
			w, err := r.client.Begin(context.Background(), intent(custody.KeyGenerate, label))
			if err == nil {
				_, err = w.Generate(context.Background(), hsm.Attributes{Algorithm: keys.AES128, Label: label}, hsm.Policy{})
			}
			if err == nil {
				err = w.Done(context.Background(), Outcome{Outcome: audit.OK()})
			}
			if err == nil {
				err = w.Close()
			}
			failed <- err
		}()
	}
	for range cap(failed) {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	if s, err := r.client.Status(t.Context()); err != nil || s.Done != uint64(cap(failed)) || s.Works != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	r.verifies()
}

func TestAnOutcomeIsOfWhatWasBegun(t *testing.T) {
	noLeaks(t)
	r := newFixture(t, custody.Test).start()
	w := begin(t, r.client, intent(custody.KeyRotate, "ZMK#1"))
	err := w.Done(t.Context(), Outcome{Outcome: audit.OK(), Label: "PEK#1"})
	wantKind(t, err, fault.NotPermitted)
	if err := w.Done(t.Context(), Outcome{Outcome: audit.OK(), Label: "ZMK#2"}); err != nil {
		t.Fatal(err)
	}
	if d := r.wantRecord(audit.KeyRotate, audit.Done); d.Object.Label != "ZMK#2" {
		t.Errorf("%+v", d)
	}
	wantKind(t, w.Done(t.Context(), Outcome{Outcome: audit.OK()}), fault.Bug)
	if _, err := w.Generate(t.Context(), hsm.Attributes{Algorithm: keys.AES128}, hsm.Policy{}); err == nil {
		t.Error("a key was made after the outcome")
	}
	failed := begin(t, r.client, intent(custody.KeyGenerate, "A#1"))
	if err := failed.Done(t.Context(), OutcomeOf(fault.New(fault.WeakKey, "weak"))); err != nil {
		t.Fatal(err)
	}
	if d := r.wantRecord(audit.KeyGenerate, audit.Refused); d.Outcome.Fault != fault.WeakKey {
		t.Errorf("%+v", d)
	}
}

func TestTextsAreTheSameOnTheOtherSide(t *testing.T) {
	inner := text.New("tries left: %d", 2)
	cause := fault.Wrap(fault.New(fault.WeakKey, "weak key (%s): %s", "all-zero", inner), "part %d", 3)
	for _, x := range []text.Text{
		text.New("%s and %d", "a", 7),
		text.New("mode %c, byte %02X", byte('B'), byte(7)),
		text.New("%c %q", 'x', "y"),
		text.New("after %s", 3*time.Second),
		text.New("because %s", cause),
		text.New("of %s in %v, %.2f", keys.AES256, true, 1.5),
		text.New("%x", []byte{1, 2}),
		text.New("%s", nil),
		{},
	} {
		raw := toJSON(t, sentence{x})
		var back sentence
		if err := decodeStrict(raw, &back); err != nil || back.String() != x.String() {
			t.Errorf("%q came back as %q, %v", x.String(), back.String(), err)
		}
	}
	w := packError(cause).unpack()
	if w.Error() != cause.Error() || fault.KindOf(w) != fault.WeakKey {
		t.Errorf("the error came back as %v", w)
	}
	var f *fault.Error
	if f = w.(*fault.Error).Err.(*fault.Error); f.Text.Args[1].(text.Text).Format != "tries left: %d" {
		t.Errorf("the text within cannot be translated any more: %#v", f.Text)
	}
}
