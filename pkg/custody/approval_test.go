package custody

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// desk is a store of the production environment with its officers and book.
type desk struct {
	clock                           *tick
	roster                          *Roster
	events                          *log
	book                            *Book
	alice, bob, carol, oscar, audit *Identity // three custodians, an operator, an auditor
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	d := &desk{clock: newTick(), events: &log{}}
	d.alice, d.bob = newIn(t, Production, "alice", Custodian), newIn(t, Production, "bob", Custodian, Operator)
	d.carol, d.oscar = newIn(t, Production, "carol", Custodian, Administrator), newIn(t, Production, "oscar", Operator)
	d.audit = newIn(t, Production, "audit", Auditor)
	var err error
	d.roster, err = NewRoster(Production, cardsOf([]*Identity{d.alice, d.bob, d.carol, d.oscar, d.audit})...)
	must(t, err)
	d.book, err = NewBook(newDRBG("book"), d.clock.read, testStore, d.roster, d.events)
	must(t, err)
	return d
}

func digest(s string) [32]byte { return sha256.Sum256([]byte(s)) }

// split is an action that takes two custodians.
func split() Action {
	return Action{Activity: KeySplit, Label: "ZMK-2026", Check: kcv.Value{Method: kcv.CMAC, Digits: "08D7B4"},
		Details: digest("3 parts")}
}

func (d *desk) ask(t testing.TB, a Action) Request {
	t.Helper()
	q, err := d.book.Ask(a, DefaultRequest)
	must(t, err)
	return q
}

func (d *desk) approve(t testing.TB, q Request, officers ...*Identity) []Approval {
	t.Helper()
	var all []Approval
	for _, o := range officers {
		a, err := o.Approve(d.clock.read().Wall, q)
		must(t, err)
		back, err := ParseApproval(a.Marshal()) // as it travels
		must(t, err)
		all = append(all, back)
	}
	return all
}

// forced signs without the checks that an honest officer's program makes.
func (id *Identity) forced(q Request) Approval {
	a := Approval{request: q, officer: id.card.fingerprint, given: q.made}
	a.signature = id.sign(domainApproval, a.body())
	return a
}

func TestTwoCustodiansPermitOnce(t *testing.T) {
	d := newDesk(t)
	q := d.ask(t, split())
	approvals := d.approve(t, q, d.alice, d.bob)
	p, err := d.book.Admit(split(), approvals)
	must(t, err)
	if p.Action() != split() || len(p.Officers()) != 2 || p.Standing() {
		t.Errorf("the permit is %+v", p)
	}
	e := d.events.events[0]
	if d.events.kinds() != "approval_used" || e.Nonce != q.Nonce() || e.Label != "ZMK-2026" || e.Check != split().Check ||
		e.Activity != KeySplit || e.Store != testStore || len(e.Officers) != 2 {
		t.Errorf("recorded: %+v", e)
	}
	_, err = d.book.Admit(split(), approvals)
	mustFail(t, err, fault.NotPermitted, "was used already")
	if d.events.kinds() != "approval_used approval_refused" {
		t.Errorf("recorded: %s", d.events.kinds())
	}
	must(t, p.Spend(split()))
	mustFail(t, p.Spend(split()), fault.NotPermitted, "was used already")
}

func TestPermitIsForItsActionOnly(t *testing.T) {
	d := newDesk(t)
	p, err := d.book.Admit(split(), d.approve(t, d.ask(t, split()), d.alice, d.bob))
	must(t, err)
	other := split()
	other.Label = "ZMK-2027"
	mustFail(t, p.Spend(other), fault.NotPermitted, "key.split was not permitted")
	var none *Permit
	mustFail(t, none.Spend(split()), fault.NotPermitted)
	must(t, p.Spend(split()))
}

func TestApprovalsThatDoNotSuffice(t *testing.T) {
	d := newDesk(t)
	q := d.ask(t, split())
	stranger := newIn(t, Production, "stranger", Custodian)
	cases := []struct {
		name      string
		approvals []Approval
		kind      fault.Kind
		says      string
	}{
		{"none", nil, fault.NotPermitted, "key.split takes the approval of 2 custodian"},
		{"one", d.approve(t, q, d.alice), fault.NotPermitted, "2 custodian; 1 approved"},
		{"the same officer twice", d.approve(t, q, d.alice, d.alice), fault.NotPermitted, "alice approved twice"},
		{"the same officer thrice", d.approve(t, q, d.alice, d.bob, d.alice), fault.NotPermitted, "alice approved twice"},
		{"an operator", []Approval{d.alice.forced(q), d.oscar.forced(q)}, fault.NotPermitted,
			"oscar is operator; key.split takes 2 custodian"},
		{"an auditor", []Approval{d.audit.forced(q), d.alice.forced(q)}, fault.NotPermitted, "audit is auditor"},
		{"a stranger", []Approval{d.alice.forced(q), stranger.forced(q)}, fault.NotFound, "no officer has the fingerprint"},
		{"too many", make([]Approval, maxApprovals+1), fault.Usage, "17 approvals"},
		{"empty ones", make([]Approval, 2), fault.NotPermitted, "not made here"},
	}
	for _, c := range cases {
		before := len(d.events.events)
		p, err := d.book.Admit(split(), c.approvals)
		mustFail(t, err, c.kind, c.says)
		if p != nil {
			t.Errorf("%s: a permit beside an error", c.name)
		}
		if len(d.events.events) != before+1 || d.events.events[before].Kind != ApprovalRefused ||
			d.events.events[before].Reason.IsZero() {
			t.Errorf("%s: the refusal was not recorded", c.name)
		}
	}
	_, err := d.book.Admit(split(), d.approve(t, q, d.alice, d.bob)) // none of them has spent the request
	must(t, err)
}

func TestSignatureOfAnotherOfficerIsRefused(t *testing.T) {
	d := newDesk(t)
	q := d.ask(t, split())
	stolen := d.approve(t, q, d.alice, d.bob)
	stolen[1].officer = d.carol.Card().Fingerprint()
	_, err := d.book.Admit(split(), stolen)
	mustFail(t, err, fault.MACMismatch, "approval of carol is wrong")
	claimed := d.approve(t, q, d.alice)
	claimed = append(claimed, Approval{request: q, officer: d.bob.Card().Fingerprint(), given: dawn(),
		signature: claimed[0].signature})
	_, err = d.book.Admit(split(), claimed)
	mustFail(t, err, fault.MACMismatch, "approval of bob is wrong")
}

// TestApprovalIsForItsRequestOnly changes one thing after the other between asking, approving and acting.
func TestApprovalIsForItsRequestOnly(t *testing.T) {
	d := newDesk(t)
	q := d.ask(t, split())
	change := func(f func(*Request)) []Approval {
		other := q
		f(&other)
		return []Approval{d.alice.forced(other), d.bob.forced(other)}
	}
	for what, approvals := range map[string][]Approval{
		"label":       change(func(q *Request) { q.action.Label = "ZMK-2027" }),
		"check value": change(func(q *Request) { q.action.Check.Digits = "08D7B5" }),
		"activity":    change(func(q *Request) { q.action.Activity = KeyForm }),
		"details":     change(func(q *Request) { q.action.Details = digest("9 parts") }),
		"usage":       change(func(q *Request) { q.action.Attributes = Attributes{keys.AES128, "K0", 'B', 'E'} }),
		"requester":   change(func(q *Request) { q.action.Requester = d.carol.Card().Fingerprint() }),
		"store":       change(func(q *Request) { q.store = "TEST-STORE-0002" }),
		"environment": change(func(q *Request) { q.environment = Test }),
		"expiry":      change(func(q *Request) { q.expires = q.expires.Add(time.Hour) }),
		"making":      change(func(q *Request) { q.made = q.made.Add(time.Second) }),
		"nonce":       change(func(q *Request) { q.nonce[0] ^= 1 }),
		"one of two":  {d.alice.forced(q), change(func(q *Request) { q.action.Label = "ZMK-2027" })[1]},
	} {
		if p, err := d.book.Admit(split(), approvals); err == nil || p != nil {
			t.Errorf("another %s passes", what)
		}
	}
	for what, f := range map[string]func(*Action){
		"label":       func(a *Action) { a.Label = "" },
		"check value": func(a *Action) { a.Check = kcv.Value{} },
		"details":     func(a *Action) { a.Details[0] ^= 1 },
		"usage":       func(a *Action) { a.Attributes = Attributes{keys.AES128, "K0", 'B', 'E'} },
		"activity":    func(a *Action) { a.Activity = KeyForm },
		"requester":   func(a *Action) { a.Requester = d.bob.Card().Fingerprint() },
	} {
		done := split()
		f(&done)
		_, err := d.book.Admit(done, d.approve(t, q, d.alice, d.bob))
		mustFail(t, err, fault.NotPermitted, "for another action")
		if err == nil {
			t.Errorf("another %s is done than was approved", what)
		}
	}
}

func TestApprovalsOfTwoRequestsDoNotAddUp(t *testing.T) {
	d := newDesk(t)
	one, two := d.ask(t, split()), d.ask(t, split())
	mixed := append(d.approve(t, one, d.alice), d.approve(t, two, d.bob)...)
	_, err := d.book.Admit(split(), mixed)
	mustFail(t, err, fault.NotPermitted, "for another request")
}

func TestRequestExpiresByEitherClock(t *testing.T) {
	d := newDesk(t)
	for name, pass := range map[string]func(){
		"time":         func() { d.clock.pass(DefaultRequest) },
		"the wall":     func() { d.clock.move(DefaultRequest, 0, 0) },
		"a slow wall":  func() { d.clock.move(DefaultRequest-30*time.Second, DefaultRequest, DefaultRequest) },
		"a day asleep": func() { d.clock.move(24*time.Hour, 0, 24*time.Hour) },
	} {
		q := d.ask(t, split())
		approvals := d.approve(t, q, d.alice, d.bob)
		pass()
		_, err := d.book.Admit(split(), approvals)
		mustFail(t, err, fault.NotPermitted, "the request expired at")
		if err == nil {
			t.Errorf("%s passes and the request does not expire", name)
		}
	}
	q := d.ask(t, split())
	approvals := d.approve(t, q, d.alice, d.bob)
	d.clock.pass(DefaultRequest - time.Second)
	_, err := d.book.Admit(split(), approvals)
	must(t, err)
	_, err = d.alice.Approve(q.Expires(), q)
	mustFail(t, err, fault.NotPermitted, "the request expired")
}

func TestClockThatWasSetBackStopsTheBook(t *testing.T) {
	for name, back := range map[string]func(*tick){
		"wall":      func(c *tick) { c.move(-maxSetBack-time.Second, 0, 0) },
		"late":      func(c *tick) { c.move(0, 2*time.Minute, 2*time.Minute) },
		"boot":      func(c *tick) { c.move(0, 0, -time.Second) },
		"monotonic": func(c *tick) { c.move(0, -time.Second, 0) },
	} {
		d := newDesk(t)
		approvals := d.approve(t, d.ask(t, split()), d.alice, d.bob)
		back(d.clock)
		_, err := d.book.Admit(split(), approvals)
		mustFail(t, err, fault.NotPermitted, "back")
		_, err = d.book.Ask(split(), DefaultRequest)
		mustFail(t, err, fault.NotPermitted, "back")
		if err == nil {
			t.Errorf("%s clock goes back and the book goes on", name)
		}
	}
	d := newDesk(t)
	approvals := d.approve(t, d.ask(t, split()), d.alice, d.bob)
	d.clock.move(-maxSetBack+time.Second, 0, 0) // a correction
	_, err := d.book.Admit(split(), approvals)
	must(t, err)
}

func TestExpiredOrRevokedOfficerApprovesNothing(t *testing.T) {
	d := newDesk(t)
	d.clock.pass(365*24*time.Hour - time.Minute)
	q := d.ask(t, split())
	approvals := d.approve(t, q, d.alice, d.bob)
	d.clock.pass(2 * time.Minute)
	_, err := d.book.Admit(split(), approvals)
	mustFail(t, err, fault.NotPermitted, "the identity of alice expired")
	_, err = d.alice.Approve(d.clock.read().Wall, q)
	mustFail(t, err, fault.NotPermitted, "expired")

	d = newDesk(t)
	approvals = d.approve(t, d.ask(t, split()), d.alice, d.bob)
	must(t, d.roster.Revoke(d.bob.Card().Fingerprint()))
	_, err = d.book.Admit(split(), approvals)
	mustFail(t, err, fault.NotFound, "no officer")
}

func TestRequesterDoesNotApproveWhereTheTableSaysSo(t *testing.T) {
	d := newDesk(t)
	reveal := Action{Activity: KeyReveal, Label: "ZMK-2026", Details: digest("on the screen")}
	_, err := d.book.Ask(reveal, DefaultRequest)
	mustFail(t, err, fault.Usage, "key.reveal must say who asks")
	reveal.Requester = newIn(t, Production, "nobody", Operator).Card().Fingerprint()
	_, err = d.book.Ask(reveal, DefaultRequest)
	mustFail(t, err, fault.NotFound, "who asks")
	reveal.Requester = d.bob.Card().Fingerprint()
	q := d.ask(t, reveal)
	_, err = d.bob.Approve(dawn(), q)
	mustFail(t, err, fault.NotPermitted, "bob asked for key.reveal and may not approve it")
	_, err = d.book.Admit(reveal, []Approval{d.alice.forced(q), d.bob.forced(q)})
	mustFail(t, err, fault.NotPermitted, "bob asked for")
	_, err = d.book.Admit(reveal, d.approve(t, q, d.alice, d.carol))
	must(t, err)

	split := split() // here the requester may be one of the two
	split.Requester = d.bob.Card().Fingerprint()
	_, err = d.book.Admit(split, d.approve(t, d.ask(t, split), d.alice, d.bob))
	must(t, err)
}

func TestDestructionIsWitnessed(t *testing.T) {
	d := newDesk(t)
	destroy := Action{Activity: KeyDestroy, Label: "ZMK-2020", Details: digest("end"),
		Requester: d.oscar.Card().Fingerprint()}
	q := d.ask(t, destroy)
	_, err := d.book.Admit(destroy, d.approve(t, q, d.alice, d.bob))
	mustFail(t, err, fault.NotPermitted, "1 custodian + 1 auditor; 2 approved")
	p, err := d.book.Admit(destroy, d.approve(t, q, d.audit, d.bob))
	must(t, err)
	if len(p.Officers()) != 2 {
		t.Errorf("%d officers stand behind it", len(p.Officers()))
	}
}

// TestRequestIsSpentBeforeItIsActedOn: what cannot be recorded is not done, and the request is gone all the same.
func TestRequestIsSpentBeforeItIsActedOn(t *testing.T) {
	d := newDesk(t)
	approvals := d.approve(t, d.ask(t, split()), d.alice, d.bob)
	d.events.fail = ApprovalUsed
	p, err := d.book.Admit(split(), approvals)
	mustFail(t, err, fault.Failure, "approval_used could not be recorded", "the disk is full")
	if p != nil {
		t.Error("a permit that nobody recorded")
	}
	d.events.fail = ""
	_, err = d.book.Admit(split(), approvals)
	mustFail(t, err, fault.NotPermitted, "was used already")
	d.events.fail = ApprovalRefused
	_, err = d.book.Admit(split(), nil)
	mustFail(t, err, fault.Failure, "approval_refused could not be recorded")
}

func TestApprovalsOfAnotherRunAreForNobody(t *testing.T) {
	d := newDesk(t)
	approvals := d.approve(t, d.ask(t, split()), d.alice, d.bob)
	next, err := NewBook(newDRBG("next run"), d.clock.read, testStore, d.roster, d.events)
	must(t, err)
	_, err = next.Admit(split(), approvals)
	mustFail(t, err, fault.NotPermitted, "not made here")
}

// TestOneOfManyAtOnceIsPermitted: sixteen runs at the same approvals.
func TestOneOfManyAtOnceIsPermitted(t *testing.T) {
	d := newDesk(t)
	approvals := d.approve(t, d.ask(t, split()), d.alice, d.bob)
	var wait sync.WaitGroup
	var permitted atomic.Int32
	for range 16 {
		wait.Go(func() {
			if p, err := d.book.Admit(split(), approvals); err == nil && p.Spend(split()) == nil {
				permitted.Add(1)
			}
			_, _ = d.book.Ask(split(), DefaultRequest)
		})
	}
	wait.Wait()
	if n := permitted.Load(); n != 1 {
		t.Errorf("%d were permitted", n)
	}
	if n := strings.Count(d.events.kinds(), "approval_used"); n != 1 {
		t.Errorf("recorded %d times", n)
	}
}

func TestWhatCannotBeAskedIsRefused(t *testing.T) {
	d := newDesk(t)
	change := func(f func(*Action)) Action {
		a := split()
		f(&a)
		return a
	}
	cases := []struct {
		action Action
		life   time.Duration
		kind   fault.Kind
		says   string
	}{
		{change(func(a *Action) { a.Activity = "key.steal" }), DefaultRequest, fault.Usage, "unknown activity"},
		{change(func(a *Action) { a.Activity = StoreUnseal }), DefaultRequest, fault.Usage, "the officers' shares"},
		{change(func(a *Action) { a.Label = "a\nb" }), DefaultRequest, fault.Usage, "a label"},
		{change(func(a *Action) { a.Label = " a" }), DefaultRequest, fault.Usage, "a label"},
		{change(func(a *Action) { a.Label = strings.Repeat("密", 129) }), DefaultRequest, fault.Usage, "128"},
		{change(func(a *Action) { a.Check.Digits = "0123456789ABCDEF0" }), DefaultRequest, fault.Usage, "check value"},
		{change(func(a *Action) { a.Check.Digits = "08d7b4" }), DefaultRequest, fault.Usage, "check value"},
		{change(func(a *Action) { a.Check.Method = "guess" }), DefaultRequest, fault.Usage, "method"},
		{change(func(a *Action) { a.Details = [32]byte{} }), DefaultRequest, fault.Bug, "digest"},
		{change(func(a *Action) { a.Attributes.Usage = "K0" }), DefaultRequest, fault.Usage, "shall be for"},
		{change(func(a *Action) { a.Attributes = Attributes{"aes", "K0", 'B', 'E'} }), DefaultRequest, fault.Usage, "shall be for"},
		{change(func(a *Action) { a.Attributes = Attributes{keys.AES128, "k0", 'B', 'E'} }), DefaultRequest, fault.Usage, "shall be for"},
		{change(func(a *Action) { a.Attributes = Attributes{keys.AES128, "K0", ' ', 'E'} }), DefaultRequest, fault.Usage, "shall be for"},
		{change(func(a *Action) { a.Attributes = Attributes{keys.AES128, "K0", 'B', 0} }), DefaultRequest, fault.Usage, "shall be for"},
		{split(), time.Second, fault.Usage, "open for"},
		{split(), 25 * time.Hour, fault.Usage, "open for"},
	}
	for _, c := range cases {
		q, err := d.book.Ask(c.action, c.life)
		mustFail(t, err, c.kind, c.says)
		if q != (Request{}) {
			t.Error("a request beside an error")
		}
	}
	_, err := NewBook(newDRBG("x"), d.clock.read, "x", d.roster, d.events)
	mustFail(t, err, fault.Usage, "id of a store")
	d.book.random = &deadReader{}
	_, err = d.book.Ask(split(), DefaultRequest)
	mustFail(t, err, fault.Failure, "dry")
	_, err = d.book.Admit(Action{Activity: StoreUnseal, Details: digest("x")}, nil)
	mustFail(t, err, fault.Usage, "the officers' shares")
	_, err = d.book.Admit(Action{Activity: "key.steal"}, nil)
	mustFail(t, err, fault.Usage, "unknown activity")
}

func TestSealingTakesNobodysApproval(t *testing.T) {
	d := newDesk(t)
	seal := Action{Activity: StoreSeal, Details: digest("now")}
	p, err := d.book.Admit(seal, nil)
	must(t, err)
	must(t, p.Spend(seal))
	if d.events.kinds() != "approval_used" {
		t.Errorf("recorded: %s", d.events.kinds())
	}
}

func TestOpenRequestsAreBounded(t *testing.T) {
	d := newDesk(t)
	for range maxOpen {
		d.ask(t, split())
	}
	_, err := d.book.Ask(split(), DefaultRequest)
	mustFail(t, err, fault.Busy, "1000 requests")
	d.clock.pass(DefaultRequest)
	d.ask(t, split())
	if n := len(d.book.open); n != 1 {
		t.Errorf("%d requests are kept", n)
	}
	d.book.random = newDRBG("twice")
	d.ask(t, split())
	d.book.random = newDRBG("twice")
	_, err = d.book.Ask(split(), DefaultRequest)
	mustFail(t, err, fault.Failure, "nonce twice")
}

func TestOfficerOfTheWrongEnvironmentCannotApprove(t *testing.T) {
	d := newDesk(t)
	q := d.ask(t, split())
	tester := newTest(t, "tester", Custodian)
	_, err := tester.Approve(dawn(), q)
	mustFail(t, err, fault.NotPermitted, "the card of tester is for test, this is production")
	_, err = d.oscar.Approve(dawn(), q)
	mustFail(t, err, fault.NotPermitted, "oscar is operator; key.split takes 2 custodian")
	_, err = d.alice.Approve(dawn(), Request{})
	mustFail(t, err, fault.Usage)
	gone := newIn(t, Production, "gone", Custodian)
	gone.Wipe()
	_, err = gone.Approve(dawn(), q)
	mustFail(t, err, fault.Bug, "wiped")
}

func TestEveryChangedByteOfAnApprovalIsRefused(t *testing.T) {
	d := newDesk(t)
	action := split()
	action.Requester = d.carol.Card().Fingerprint()
	q := d.ask(t, action)
	good := d.approve(t, q, d.alice, d.bob)
	raw := good[0].Marshal()
	for at := range raw {
		for _, change := range []byte{0x01, 0x20} {
			bad := bytes.Clone(raw)
			bad[at] ^= change
			a, err := ParseApproval(bad)
			if err != nil {
				if a != (Approval{}) {
					t.Fatal("an approval beside an error")
				}
				continue
			}
			if p, err := d.book.Admit(action, []Approval{a, good[1]}); err == nil || p != nil {
				t.Fatalf("byte %d changed by %02X passes:\n%s", at, change, bad)
			}
		}
	}
	_, err := d.book.Admit(action, good)
	must(t, err)
}

func TestRequestComesBackFromItsDocument(t *testing.T) {
	d := newDesk(t)
	born := Action{Activity: KeyImport, Label: "PEK#1", Attributes: Attributes{keys.TDES128, keys.UsagePIN, 'E', 'N'},
		Details: digest("z")}
	for _, a := range []Action{split(), born, {Activity: DeviceInject, Details: digest("x")},
		{Activity: KeyReveal, Label: "终端主密钥 1", Details: digest("y"), Requester: d.alice.Card().Fingerprint()}} {
		q := d.ask(t, a)
		back, err := ParseRequest(q.Marshal())
		must(t, err)
		if back != q || back.Action() != a || back.Store() != testStore || back.Environment() != Production ||
			!back.Made().Equal(dawn()) || back.Expires().Sub(back.Made()) != DefaultRequest || back.Nonce() != q.Nonce() {
			t.Errorf("%+v comes back as %+v", q, back)
		}
	}
	q := string(d.ask(t, split()).Marshal())
	for old, fresh := range map[string]string{
		"operation: key.split":   "operation: key.steal",
		"label: ZMK-2026":        "label: ",
		"key check: 08D7B4 cmac": "key check: 08D7B4 guess",
		"store: TEST":            "store: ?",
		"environment: prod":      "environment: Prod",
		"made: 2026":             "made: 2025",
		"details: ":              "details: 00",
	} {
		bad := strings.Replace(q, old, fresh, 1)
		got, err := ParseRequest([]byte(bad))
		mustFail(t, err, fault.Malformed, "approval request")
		if got != (Request{}) || bad == q {
			t.Errorf("%s: a request beside an error, or nothing was changed", fresh)
		}
	}
	q = string(d.ask(t, born).Marshal())
	for _, fresh := range []string{"attributes: tdes-128 P0 E", "attributes: tdes-128 P0 E N N", "attributes: tdes-128 P0 E  N",
		"attributes: tdes P0 E N", "attributes: tdes-128 p0 E N", "attributes: tdes-128 P0 EE N", "attributes: x"} {
		bad := strings.Replace(q, "attributes: tdes-128 P0 E N", fresh, 1)
		got, err := ParseRequest([]byte(bad))
		mustFail(t, err, fault.Malformed, "approval request")
		if got != (Request{}) || bad == q {
			t.Errorf("%s: a request beside an error, or nothing was changed", fresh)
		}
	}
	if s := fmt.Sprint(Nonce{}.IsZero()); s != "true" {
		t.Error("no nonce is one")
	}
}
