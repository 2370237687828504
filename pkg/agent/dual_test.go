//go:build linux || darwin

package agent

import (
	"os"
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// pipes hands passphrases over as descriptors.
func pipes(t testing.TB, phrases ...string) []*os.File {
	t.Helper()
	var all []*os.File
	for _, p := range phrases {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.WriteString(p + "\n"); err != nil {
			t.Fatal(err)
		}
		_ = w.Close()
		t.Cleanup(func() { _ = r.Close() })
		all = append(all, r)
	}
	return all
}

// production is an open production store with a key, and officers around it.
type production struct {
	*running
	key               hsm.Key
	a, b, c           *person // custodians, a and b with shares
	operator, auditor *person
}

func newProduction(t testing.TB) *production {
	t.Helper()
	p := &production{c: officer(t, custody.Production, "custodian-c", custody.Custodian),
		operator: officer(t, custody.Production, "operator-a", custody.Operator),
		auditor:  officer(t, custody.Production, "auditor-a", custody.Auditor)}
	f := newFixture(t, custody.Production, p.c, p.operator, p.auditor)
	p.a, p.b = f.holders[0], f.holders[1]
	p.running = f.start()
	p.key = makeKey(t, p.client, "ZMK-2026#1", keys.AES256, keys.UsageKBPK)
	return p
}

// askedFor is an intent that officers approve, by descriptors.
func (p *production) askedFor(a custody.Activity, requester *person, officers ...*person) Intent {
	in := Intent{Activity: a, Label: p.key.Label, Check: p.key.Check, Request: audit.DigestOf([]byte("show it")), Who: me()}
	var phrases []string
	if requester != nil {
		in.Approvers.Requester = requester.file
		phrases = append(phrases, requester.phrase)
	}
	for _, o := range officers {
		phrases = append(phrases, o.phrase)
	}
	in.Approvers.Identities = files(officers)
	in.Approvers.Passphrases = pipes(p.t, phrases...)
	return in
}

func TestTwoOfficersApproveOneActionOnce(t *testing.T) {
	noLeaks(t)
	p := newProduction(t)
	w, err := p.client.Begin(t.Context(), p.askedFor(custody.KeyReveal, p.operator, p.a, p.c))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if got := strings.Join(w.Officers(), " "); got != "custodian-a custodian-c" {
		t.Errorf("approved by %s", got)
	}
	clear, err := w.Reveal(t.Context(), p.key)
	if err != nil || clear.Len() != 32 {
		t.Errorf("%d bytes were revealed: %v", clear.Len(), err)
	}
	clear.Wipe()
	other := makeKey(t, p.client, "PEK#1", keys.AES128, keys.UsagePIN)
	if clear, err := w.Reveal(t.Context(), other); !fault.Is(err, fault.NotPermitted) {
		clear.Wipe()
		t.Errorf("another key: %v", err)
	}
	if err := w.Done(t.Context(), Outcome{Outcome: audit.OK()}); err != nil {
		t.Fatal(err)
	}
	used, begun := p.wantRecord(audit.ApprovalUse, audit.Done), p.wantRecord(audit.KeyReveal, "")
	if used.Seq >= begun.Seq || len(begun.With) != 2 || begun.Object.Label != "ZMK-2026#1" ||
		begun.Object.Check.Value != p.key.Check.Digits {
		t.Errorf("the approval is record %d, the intent %+v", used.Seq, begun)
	}
	if done := p.wantRecord(audit.KeyReveal, audit.Done); done.Of != begun.Seq || done.Details["keys"] != "ZMK-2026#1" {
		t.Errorf("the outcome is %+v", done)
	}
}

func TestWhoeverMayNotApproveIsRefused(t *testing.T) {
	noLeaks(t)
	p := newProduction(t)
	stranger := officer(t, custody.Production, "custodian-x", custody.Custodian)
	for what, in := range map[string]Intent{
		"nobody":                      p.askedFor(custody.KeyReveal, p.operator),
		"one alone":                   p.askedFor(custody.KeyReveal, p.operator, p.a),
		"the same twice":              p.askedFor(custody.KeyReveal, p.operator, p.a, p.a),
		"the one who asks":            p.askedFor(custody.KeyReveal, p.a, p.a, p.b),
		"an operator":                 p.askedFor(custody.KeyReveal, p.c, p.a, p.operator),
		"no officer of the store":     p.askedFor(custody.KeyReveal, p.operator, p.a, stranger),
		"asked by a stranger":         p.askedFor(custody.KeyReveal, stranger, p.a, p.b),
		"destruction without auditor": p.askedFor(custody.KeyDestroy, p.operator, p.a, p.b),
	} {
		before := len(p.recorded(operationOf(in.Activity), audit.Refused))
		if _, err := p.client.Begin(t.Context(), in); !fault.Is(err, fault.NotPermitted) {
			t.Errorf("%s: the error is %v, of kind %s", what, err, fault.KindOf(err))
		}
		if now := len(p.recorded(operationOf(in.Activity), audit.Refused)); now != before+1 {
			t.Errorf("%s: %d refusals were recorded", what, now-before)
		}
	}
	if begun := p.recorded(audit.KeyReveal, ""); len(begun) != 0 {
		t.Errorf("%d intents were recorded", len(begun))
	}
}

func TestDestructionTakesACustodianAndAWitness(t *testing.T) {
	p := newProduction(t)
	w := begin(t, p.client, p.askedFor(custody.KeyDestroy, p.operator, p.a, p.auditor))
	if err := w.Done(t.Context(), Outcome{Outcome: audit.OK()}); err != nil {
		t.Fatal(err)
	}
	p.wantRecord(audit.KeyDestroy, audit.Done)
}

func TestAWrongPassphraseOfAnApproverIsRecordedAndNothingIsBegun(t *testing.T) {
	noLeaks(t)
	p := newProduction(t)
	in := p.askedFor(custody.KeyReveal, p.operator, p.a, p.c)
	in.Approvers.Passphrases = pipes(t, p.operator.phrase, p.a.phrase, "TEST not this one")
	_, err := p.client.Begin(t.Context(), in)
	wantKind(t, err, fault.AuthFailed, "custodian-c")
	if r := p.wantRecord(audit.OfficerAuthenticate, audit.Refused); r.With[0].ID != "custodian-c" {
		t.Errorf("the record names %+v", r.With)
	}
	if r := p.wantRecord(audit.KeyReveal, audit.Refused); r.Outcome.Fault != fault.AuthFailed {
		t.Errorf("refused because of %s", r.Outcome.Fault)
	}
}

func TestAnExpiredOfficerApprovesNothing(t *testing.T) {
	noLeaks(t)
	late := newPerson(t, custody.Production, "custodian-l", time.Hour, custody.Custodian)
	f := newFixture(t, custody.Production, late, officer(t, custody.Production, "operator-a", custody.Operator))
	r := f.start(func(c *Config) { c.Duration = 12 * time.Hour })
	key := makeKey(t, r.client, "ZMK-2026#1", keys.AES256, keys.UsageKBPK)
	p := &production{running: r, key: key, a: f.holders[0], operator: f.others[1]}
	w := begin(t, r.client, p.askedFor(custody.KeyReveal, p.operator, p.a, late))
	if err := w.Done(t.Context(), Outcome{Outcome: audit.OK()}); err != nil {
		t.Fatalf("as long as the identity is good: %v", err)
	}
	f.clock.pass(2*time.Hour, 0)
	_, err := r.client.Begin(t.Context(), p.askedFor(custody.KeyReveal, p.operator, p.a, late))
	wantKind(t, err, fault.NotPermitted, "custodian-l expired")
}

func TestOfficersAreAskedAtTheTerminalThatIsHandedOver(t *testing.T) {
	noLeaks(t)
	p := newProduction(t)
	p.screen.mu.Lock()
	p.screen.typed = []string{p.operator.phrase, "TEST a slip", p.a.phrase, p.c.phrase}
	p.screen.shown, p.screen.clears = nil, 0
	p.screen.mu.Unlock()
	in := p.askedFor(custody.KeyReveal, p.operator, p.a, p.c)
	in.Approvers.Passphrases = nil
	tty, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	in.Approvers.Terminal = tty
	w := begin(t, p.client, in)
	if err := w.Done(t.Context(), Outcome{Outcome: audit.OK()}); err != nil {
		t.Fatal(err)
	}
	shown := strings.Join(p.screen.shown, "\n")
	for _, want := range []string{"show a clear key", "ZMK-2026#1", p.key.Check.String(), in.Request.Short(), "custodian-a",
		"custodian-c", "tries left: 2", "user a (uid"} {
		if !strings.Contains(shown, want) {
			t.Errorf("the officers are not shown %q:\n%s", want, shown)
		}
	}
	if p.screen.clears < 4 {
		t.Errorf("the screen was cleared %d times for three officers", p.screen.clears)
	}
	p.wantRecord(audit.OfficerAuthenticate, audit.Refused)
}

func TestACommandDrawsNoScreenOfItsOwn(t *testing.T) {
	g := &gate{store: storeID, environment: custody.Test}
	in := Intent{Activity: custody.KeyReveal, Label: "A\x1b[2J#1", Details: audit.Details{"reason": "b\x1b[1A\rc"},
		Who: peer(audit.Actor{ID: "d\x1b[0m"}, 1)}
	shown := ""
	for _, l := range g.asked(custody.Action{Activity: in.Activity, Label: in.Label}, in) {
		shown += l.String() + "\n"
	}
	if strings.ContainsAny(shown, "\x1b\r") || !strings.Contains(shown, "reason: b") {
		t.Errorf("%q", shown)
	}
}

func TestApprovalsAreNotWaitedForWhenTheCommandGoesAway(t *testing.T) {
	noLeaks(t)
	p := newProduction(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	defer r.Close()
	in := p.askedFor(custody.KeyImport, nil, p.a, p.b)
	in.Attributes = custody.Attributes{Algorithm: keys.AES256, Usage: keys.UsageKBPK}
	in.Approvers.Passphrases = []*os.File{r, r}
	failed := make(chan error, 1)
	ctx, cancel := contextFor(t)
	go func() {
		_, err := p.client.Begin(ctx, in)
		failed <- err
	}()
	time.Sleep(50 * time.Millisecond)
	cancel()
	wantKind(t, <-failed, fault.Interrupted)
	for range 400 {
		if len(p.recorded(audit.KeyImport, audit.Failed)) > 0 {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Error("the agent still waits for officers")
}

func TestARevokedOfficerApprovesNothingMore(t *testing.T) {
	noLeaks(t)
	admin, second := officer(t, custody.Production, "administrator-a", custody.Administrator),
		officer(t, custody.Production, "administrator-b", custody.Administrator)
	c := officer(t, custody.Production, "custodian-c", custody.Custodian)
	f := newFixture(t, custody.Production, admin, second, c)
	r := f.start()
	in := Intent{Activity: custody.OfficerRevoke, Label: "custodian-c", Request: audit.DigestOf([]byte("revoke")), Who: me(),
		Approvers: Approvers{Identities: files([]*person{admin, second}), Passphrases: pipes(t, admin.phrase, second.phrase)}}
	w := begin(t, r.client, in)
	if err := w.Done(t.Context(), Outcome{Outcome: audit.OK()}); err != nil {
		t.Fatal(err)
	}
	in = Intent{Activity: custody.KeyImport, Label: "TPK#1", Request: in.Request, Who: me(),
		Check: kcv.Value{Digits: "08D7B4", Method: kcv.CMAC}, Attributes: custody.Attributes{Algorithm: keys.AES128},
		Approvers: Approvers{Identities: files([]*person{f.holders[0], c}), Passphrases: pipes(t, "never", "read")}}
	_, err := r.client.Begin(t.Context(), in)
	wantKind(t, err, fault.NotPermitted, "custodian-c is no officer of this store")
}

func TestOfficersSignACheckpointWheneverTheyAreThere(t *testing.T) {
	noLeaks(t)
	p := newProduction(t)
	in := Intent{Who: me(), Approvers: Approvers{Identities: files([]*person{p.auditor}),
		Passphrases: pipes(t, p.auditor.phrase)}}
	signed, err := p.client.Checkpoint(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	c, err := audit.ReadCheckpoint(signed)
	if err != nil || c.Store != storeID || !strings.Contains(string(signed), "auditor-a/") {
		t.Errorf("%+v, %v", c, err)
	}
	_, err = p.client.Checkpoint(t.Context(), Intent{Who: me()})
	wantKind(t, err, fault.Usage)
}

func TestAClearKeyForImportIsWipedOnBothSides(t *testing.T) {
	noLeaks(t)
	p := newProduction(t)
	in := p.askedFor(custody.KeyImport, nil, p.a, p.b)
	in.Label, in.Check, in.Attributes = "TPK#1", p.key.Check, custody.Attributes{Algorithm: keys.AES128}
	w := begin(t, p.client, in)
	clear := secret.New(16)
	_, err := w.Import(t.Context(), clear, hsm.Attributes{Algorithm: keys.AES128, Label: "TPK#1"}, hsm.Policy{})
	wantKind(t, err, fault.WeakKey)
	if clear.Len() != 0 {
		t.Error("the key is not wiped")
	}
}
