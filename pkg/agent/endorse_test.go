//go:build linux || darwin

package agent

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
)

const serial = "PK00000042"

// terminal is a device that asks for approvals: all that it needs is a book.
type terminal struct {
	t    testing.TB
	book *custody.Book
}

func newTerminal(t testing.TB, e custody.Environment, serial string, clock custody.Clock, officers ...*person) *terminal {
	t.Helper()
	roster, err := custody.NewRoster(e, cards(officers)...)
	if err != nil {
		t.Fatal(err)
	}
	book, err := custody.NewBook(realEnv().Rand, clock, serial, roster, custody.RecorderFunc(func(custody.Event) error { return nil }))
	if err != nil {
		t.Fatal(err)
	}
	return &terminal{t, book}
}

func (d *terminal) action(a custody.Activity) custody.Action {
	return custody.Action{Activity: a, Label: "tamper: opened for repair", Details: [32]byte{1}}
}

func (d *terminal) ask(a custody.Activity) []byte { return d.askFor(a, custody.DefaultRequest) }

func (d *terminal) askFor(a custody.Activity, life time.Duration) []byte {
	d.t.Helper()
	q, err := d.book.Ask(d.action(a), life)
	if err != nil {
		d.t.Fatal(err)
	}
	return q.Marshal()
}

func (d *terminal) takes(a custody.Activity, documents [][]byte) error {
	var given []custody.Approval
	for _, raw := range documents {
		approval, err := custody.ParseApproval(raw)
		if err != nil {
			return err
		}
		given = append(given, approval)
	}
	_, err := d.book.Admit(d.action(a), given)
	return err
}

// order is an intent to let officers sign what a device asks, by descriptors.
func (p *production) order(a custody.Activity, officers ...*person) Intent {
	in := p.askedFor(a, nil, officers...)
	in.Label, in.Check, in.Request = "", custody.Action{}.Check, audit.Digest{}
	return in
}

func TestOfficersSignWhatADeviceAsks(t *testing.T) {
	noLeaks(t)
	p := newProduction(t)
	one := newTerminal(t, p.environment, serial, p.clock.read, p.staff()...)
	two := newTerminal(t, p.environment, "PK00000043", p.clock.read, p.staff()...)
	in := p.order(custody.DeviceRecover, p.a, p.operator)
	in.Details = audit.Details{audit.FieldReason: "back from repair", "nonce": "what a command says of it"}
	asked := [][]byte{one.ask(custody.DeviceRecover), two.ask(custody.DeviceRecover)}
	given, err := p.client.Endorse(t.Context(), in, asked)
	if err != nil || len(given) != 4 {
		t.Fatalf("%d approvals, %v", len(given), err)
	}
	wantKind(t, two.takes(custody.DeviceRecover, given[:2]), fault.NotPermitted)
	if err := one.takes(custody.DeviceRecover, given[:2]); err != nil {
		t.Errorf("the first device refuses: %v", err)
	}
	if err := two.takes(custody.DeviceRecover, given[2:]); err != nil {
		t.Errorf("the second device refuses: %v", err)
	}
	wantKind(t, one.takes(custody.DeviceRecover, given[:2]), fault.NotPermitted, "used already")
	for i, name := range []string{serial, "PK00000043"} {
		begun, done := p.recorded(audit.DeviceEndorse, "")[i], p.recorded(audit.DeviceEndorse, audit.Done)[i]
		if begun.Object.Kind != audit.KindDevice || begun.Object.Label != name || done.Of != begun.Seq || len(begun.With) != 2 ||
			begun.Request != audit.DigestOf(asked[i]) || begun.Details[audit.FieldReason] != "back from repair" ||
			begun.Details["asks"] != "tamper: opened for repair" || begun.Details[audit.FieldPurpose] != "device.recover" || strings.Contains(begun.Details["nonce"], "command") {
			t.Errorf("recorded are %+v and %+v", begun, done)
		}
	}
	if done := p.recorded(audit.DeviceRecover, audit.Done); len(done) != 0 {
		t.Errorf("%d approvals are recorded as what the device does with them", len(done))
	}
	p.verifies()
}

func TestADeviceIsRefusedWhatItsOfficersMayNotGive(t *testing.T) {
	noLeaks(t)
	p := newProduction(t)
	clock := p.clock.read
	all := p.staff()
	stranger := officer(t, custody.Production, "custodian-x", custody.Custodian)
	device := newTerminal(t, p.environment, serial, clock, all...)
	at := func(ahead time.Duration) custody.Clock {
		return func() custody.Instant { i := clock(); i.Wall = i.Wall.Add(ahead); return i }
	}
	test := newTerminal(t, custody.Test, serial, clock, officer(t, custody.Test, "custodian-a", custody.Custodian))
	own := newTerminal(t, p.environment, storeID, clock, all...)
	lift, recover := custody.DeviceUnlock, custody.DeviceRecover
	labelled := p.order(lift, p.a)
	labelled.Label = "PK00000099"
	for what, c := range map[string]struct {
		in   Intent
		asks []byte
		says string
	}{
		"nobody":             {p.order(recover), device.ask(recover), "2 administrator|custodian|operator"},
		"one alone":          {p.order(recover, p.a), device.ask(recover), "1 approved"},
		"one twice":          {p.order(recover, p.a, p.a), device.ask(recover), "named twice"},
		"an auditor":         {p.order(recover, p.a, p.auditor), device.ask(recover), "auditor-a is auditor"},
		"a stranger":         {p.order(recover, p.a, stranger), device.ask(recover), "no officer of this store"},
		"another operation":  {p.order(lift, p.a), device.ask(recover), "asks for device.recover"},
		"another serial":     {labelled, device.ask(lift), "PK00000099"},
		"a test device":      {p.order(lift, p.a), test.ask(lift), "is for test"},
		"the store's own":    {p.order(lift, p.a), own.ask(lift), "not of a device"},
		"open for a day":     {p.order(lift, p.a), device.askFor(lift, 24*time.Hour), "open for 24h"},
		"a clock far behind": {p.order(lift, p.a), newTerminal(t, p.environment, serial, at(-time.Hour), all...).ask(lift), "expired"},
		"a clock far ahead":  {p.order(lift, p.a), newTerminal(t, p.environment, serial, at(time.Hour), all...).ask(lift), "future"},
	} {
		before := len(p.recorded(audit.DeviceEndorse, audit.Refused))
		given, err := p.client.Endorse(t.Context(), c.in, [][]byte{c.asks})
		if !fault.Is(err, fault.NotPermitted) || given != nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %d approvals, the error is %v", what, len(given), err)
		}
		if now := len(p.recorded(audit.DeviceEndorse, audit.Refused)); now != before+1 {
			t.Errorf("%s: %d refusals were recorded", what, now-before)
		}
	}
	if n := len(p.recorded(audit.OfficerAuthenticate, audit.Done)); n != 2 { // those who opened the store
		t.Errorf("%d officers were asked", n)
	}
}

// TestARequestOfAStoreIsNeverSignedForADevice: an officer's approval for another place than a device would be worth as
// much as one given there.
func TestARequestOfAStoreIsNeverSignedForADevice(t *testing.T) {
	noLeaks(t)
	p := newProduction(t)
	other := newTerminal(t, p.environment, "OTHER-STORE-1", p.clock.read, p.staff()...)
	for _, r := range custody.Rules() {
		if endorsable(r.Activity) || r.ByShares {
			continue
		}
		action := other.action(r.Activity)
		action.Requester = p.operator.card().Fingerprint()
		q, err := other.book.Ask(action, custody.DefaultRequest)
		if err != nil {
			t.Fatal(err)
		}
		in := p.order(r.Activity, p.a, p.c)
		_, err = p.client.Endorse(t.Context(), in, [][]byte{q.Marshal()})
		wantKind(t, err, fault.Usage, "is not approved for a device")
		in = p.order(custody.DeviceRecover, p.a, p.c)
		_, err = p.client.Endorse(t.Context(), in, [][]byte{q.Marshal()})
		wantKind(t, err, fault.NotPermitted, "not for device.recover")
	}
}

func TestWhatIsNoRequestIsNotShownToAnybody(t *testing.T) {
	noLeaks(t)
	p := newProduction(t)
	device := newTerminal(t, p.environment, serial, p.clock.read, p.staff()...)
	q := device.ask(custody.DeviceUnlock)
	for what, c := range map[string]struct {
		asked [][]byte
		kind  fault.Kind
	}{
		"none":    {nil, fault.Usage},
		"many":    {slices.Repeat([][]byte{q}, maxOrders+1), fault.Usage},
		"twice":   {[][]byte{q, q}, fault.Usage},
		"noise":   {[][]byte{[]byte("approve this")}, fault.Malformed},
		"cut off": {[][]byte{q[:len(q)-2]}, fault.Malformed},
		"another version": {[][]byte{bytes.Replace(q, []byte("request 1"), []byte("request 9"), 1)},
			fault.VersionUnsupported},
	} {
		_, err := p.client.Endorse(t.Context(), p.order(custody.DeviceUnlock, p.a), c.asked)
		if !fault.Is(err, c.kind) {
			t.Errorf("%s: the error is %v, of kind %s", what, err, fault.KindOf(err))
		}
	}
	in := p.askedFor(custody.DeviceUnlock, p.operator, p.a)
	_, err := p.client.Endorse(t.Context(), in, [][]byte{q})
	wantKind(t, err, fault.Usage)
}

func TestAWrongPassphraseSignsNothingForADevice(t *testing.T) {
	noLeaks(t)
	p := newProduction(t)
	device := newTerminal(t, p.environment, serial, p.clock.read, p.staff()...)
	in := p.order(custody.DeviceRecover, p.a, p.c)
	in.Approvers.Passphrases = pipes(t, p.a.phrase, "TEST not this one")
	given, err := p.client.Endorse(t.Context(), in, [][]byte{device.ask(custody.DeviceRecover)})
	wantKind(t, err, fault.AuthFailed, "custodian-c")
	if given != nil {
		t.Errorf("%d approvals came beside the error", len(given))
	}
	if r := p.wantRecord(audit.OfficerAuthenticate, audit.Refused); r.With[0].ID != "custodian-c" {
		t.Errorf("the record names %+v", r.With)
	}
	if r := p.wantRecord(audit.DeviceEndorse, audit.Refused); r.Outcome.Fault != fault.AuthFailed || r.Object.Label != serial {
		t.Errorf("recorded is %+v", r)
	}
	if begun := p.recorded(audit.DeviceEndorse, ""); len(begun) != 0 {
		t.Errorf("%d intents were recorded", len(begun))
	}
}

func TestOfficersSeeWhatADeviceIsToDo(t *testing.T) {
	noLeaks(t)
	p := newProduction(t)
	p.screen.mu.Lock()
	p.screen.typed, p.screen.shown = []string{p.a.phrase, "TEST a slip", p.c.phrase}, nil
	p.screen.mu.Unlock()
	in := p.order(custody.DeviceRecover, p.a, p.c)
	in.Details = audit.Details{audit.FieldReason: "back from repair"}
	in.Approvers.Passphrases = nil
	tty, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	in.Approvers.Terminal = tty
	device := newTerminal(t, p.environment, serial, p.clock.read, p.staff()...)
	raw := device.ask(custody.DeviceRecover)
	q, err := custody.ParseRequest(raw)
	if err != nil {
		t.Fatal(err)
	}
	given, err := p.client.Endorse(t.Context(), in, [][]byte{raw})
	if err != nil || device.takes(custody.DeviceRecover, given) != nil {
		t.Fatal(err)
	}
	shown := strings.Join(p.screen.shown, "\n")
	for _, want := range []string{"lift the remote or tamper lock", "device " + serial + ": “tamper: opened for repair”",
		q.Expires().UTC().Format(time.DateTime), "custodian-a", "custodian-c", "tries left: 2", "user a (uid", "reason: back from repair"} {
		if !strings.Contains(shown, want) {
			t.Errorf("the officers are not shown %q:\n%s", want, shown)
		}
	}
	in.Details = audit.Details{audit.FieldReason: "a\x1b[2Jb"}
	for _, l := range p.agent.drawn(in, q) {
		if strings.Contains(l, "\x1b") {
			t.Errorf("a command draws on the officers' screen: %q", l)
		}
	}
}

// drawn is what officers would be shown.
func (a *agent) drawn(in Intent, q custody.Request) (lines []string) {
	g := &gate{store: a.config.Store, environment: a.config.Environment}
	for _, l := range g.ordered(&endorsement{intent: in, orders: []custody.Request{q}}) {
		lines = append(lines, l.String())
	}
	return lines
}

func TestASealedStoreSignsNothingForADevice(t *testing.T) {
	noLeaks(t)
	p := newProduction(t)
	p.clock.pass(13*time.Hour, 0)
	device := newTerminal(t, p.environment, serial, p.clock.read, p.staff()...)
	_, err := p.client.Endorse(t.Context(), p.order(custody.DeviceUnlock, p.a), [][]byte{device.ask(custody.DeviceUnlock)})
	wantKind(t, err, fault.Sealed)
}

func TestATokenStoreSignsNothingForADevice(t *testing.T) {
	l, _, err := token(t, custody.Test)
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.Endorse(t.Context(), intent(custody.DeviceUnlock, serial), nil)
	wantKind(t, err, fault.NotPermitted)
}
