package custody

import (
	"slices"
	"sync"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// session is an open production store.
func session(
	t testing.TB, events *log, clock *tick, limit time.Duration, activities ...Activity,
) (*Opened, *Authorisation) {
	t.Helper()
	a, b := newIn(t, Production, "alice", Custodian), newIn(t, Production, "bob", Custodian)
	doc, err := Seal(testEnv("seal"), newMaster(t, "session"), cardsOf([]*Identity{a, b}), Plan{testStore, Production, 2})
	must(t, err)
	opened := open(t, doc, events, a, b)
	auth, err := opened.Authorise(clock.read, limit, activities...)
	must(t, err)
	return opened, auth
}

func TestOnlyWhatWasAllowedIsAllowed(t *testing.T) {
	noLeaks(t)
	clock, events := newTick(), &log{}
	_, auth := session(t, events, clock, time.Hour, DeviceInject, KeyGenerate, DeviceInject)
	must(t, auth.Allowed(KeyGenerate))
	must(t, auth.Allowed(DeviceInject))
	mustFail(t, auth.Allowed(KeyWrap), fault.NotPermitted, "key.wrap was not allowed", "key.generate device.inject")
	if !slices.Equal(auth.Activities(), []Activity{KeyGenerate, DeviceInject}) || len(auth.Officers()) != 2 {
		t.Errorf("allowed are %v by %d", auth.Activities(), len(auth.Officers()))
	}
	last := events.events[len(events.events)-1]
	if last.Kind != Authorised || !last.Until.Equal(dawn().Add(time.Hour)) || len(last.Activities) != 2 ||
		last.Store != testStore {
		t.Errorf("recorded: %+v", last)
	}
}

func TestAuthorisationEndsForGood(t *testing.T) {
	cases := []struct {
		name string
		end  func(*tick)
		back func(*tick)
		why  string
	}{
		{"time", func(c *tick) { c.pass(time.Hour) }, func(c *tick) { c.pass(-time.Hour) }, "its time is over"},
		{"slow wall", func(c *tick) { c.move(time.Hour-30*time.Second, time.Hour, time.Hour) }, func(*tick) {},
			"its time is over"},
		{"wall", func(c *tick) { c.move(time.Hour, 0, 0) }, func(c *tick) { c.move(-time.Hour, 0, 0) }, "its time is over"},
		{"sleep", func(c *tick) { c.move(3*time.Second, 0, 3*time.Second) }, func(c *tick) { c.move(0, 3*time.Second, 0) },
			"has slept"},
		{"sleep through it", func(c *tick) { c.move(2*time.Hour, 0, 2*time.Hour) }, func(*tick) {}, "has slept"},
		{"wall set back", func(c *tick) { c.move(-2*time.Minute, 0, 0) }, func(c *tick) { c.move(2*time.Minute, 0, 0) },
			"set back"},
		{"wall stopped", func(c *tick) { c.move(0, 2*time.Minute, 2*time.Minute) }, func(*tick) {}, "set back"},
		{"boot goes back", func(c *tick) { c.move(0, 0, -time.Nanosecond) }, func(c *tick) { c.pass(time.Second) },
			"set back"},
		{"monotonic goes back", func(c *tick) { c.move(0, -time.Nanosecond, 0) }, func(c *tick) { c.pass(time.Second) },
			"set back"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			noLeaks(t)
			clock := newTick()
			_, auth := session(t, &log{}, clock, time.Hour, DeviceInject)
			if why, ended := auth.Ended(); ended || !why.IsZero() || auth.Left() != time.Hour {
				t.Fatalf("ended at once: %v, %s left", why, auth.Left())
			}
			c.end(clock)
			mustFail(t, auth.Allowed(DeviceInject), fault.NotPermitted, "the store is sealed: ", c.why)
			c.back(clock) // whatever the clocks say afterwards
			mustFail(t, auth.Allowed(DeviceInject), fault.NotPermitted, c.why)
			if why, ended := auth.Ended(); !ended || why.IsZero() || auth.Left() != 0 {
				t.Errorf("ended %v, %v, %s left", ended, why, auth.Left())
			}
		})
	}
}

func TestAuthorisationLastsItsTime(t *testing.T) {
	clock := newTick()
	_, auth := session(t, &log{}, clock, time.Hour, DeviceInject)
	clock.pass(time.Hour - time.Second)
	must(t, auth.Allowed(DeviceInject))
	clock.move(-30*time.Second, 0, time.Second/2) // a correction, a nap too short to count
	must(t, auth.Allowed(DeviceInject))
	if left := auth.Left(); left != time.Second/2 {
		t.Errorf("%s are left", left)
	}
}

// TestClockThatGoesBackBetweenTwoLooks: forward and back again, still ahead of the start.
func TestClockThatGoesBackBetweenTwoLooks(t *testing.T) {
	clock := newTick()
	_, auth := session(t, &log{}, clock, time.Hour, DeviceInject)
	clock.pass(10 * time.Minute)
	must(t, auth.Allowed(DeviceInject))
	clock.move(0, -time.Minute, -time.Minute)
	mustFail(t, auth.Allowed(DeviceInject), fault.NotPermitted, "set back")
}

func TestSealingEndsTheAuthorisation(t *testing.T) {
	clock := newTick()
	_, auth := session(t, &log{}, clock, time.Hour, DeviceInject)
	auth.End(text.New("the store was sealed"))
	mustFail(t, auth.Allowed(DeviceInject), fault.NotPermitted, "the store was sealed")
	auth.End(text.Raw("another reason"))
	if why, _ := auth.Ended(); why.String() != "the store was sealed" {
		t.Errorf("the reason is now %s", why)
	}
	_, auth = session(t, &log{}, clock, time.Hour, DeviceInject)
	auth.End(text.Text{})
	if why, ended := auth.Ended(); !ended || why.String() != "the store was sealed" {
		t.Errorf("without a reason: %v, %v", why, ended)
	}
}

func TestWhatIsNotAllowedForATime(t *testing.T) {
	noLeaks(t)
	clock, events := newTick(), &log{}
	opened, _ := session(t, events, clock, time.Hour, DeviceInject)
	cases := []struct {
		limit      time.Duration
		activities []Activity
		kind       fault.Kind
		says       string
	}{
		{time.Hour, nil, fault.Usage, "no activity"},
		{time.Hour, []Activity{DeviceInject, KeyReveal}, fault.NotPermitted, "key.reveal is not allowed for a time"},
		{time.Hour, []Activity{KeyForm}, fault.NotPermitted, "key.form is not allowed for a time"},
		{time.Hour, []Activity{StoreReshare}, fault.NotPermitted, "store.reshare"},
		{time.Hour, []Activity{"key.steal"}, fault.Usage, "unknown activity"},
		{time.Second, []Activity{DeviceInject}, fault.Usage, "1m0s to 12h0m0s"},
		{13 * time.Hour, []Activity{DeviceInject}, fault.Usage, "not for 13h0m0s"},
	}
	for _, c := range cases {
		auth, err := opened.Authorise(clock.read, c.limit, c.activities...)
		mustFail(t, err, c.kind, c.says)
		if auth != nil {
			t.Error("an authorisation beside an error")
		}
	}
	events.fail = Authorised
	auth, err := opened.Authorise(clock.read, time.Hour, DeviceInject)
	mustFail(t, err, fault.Failure, "authorised could not be recorded")
	if auth != nil {
		t.Error("an authorisation that nobody recorded")
	}
	opened.Wipe()
	_, err = opened.Authorise(clock.read, time.Hour, DeviceInject)
	mustFail(t, err, fault.Bug, "wiped")
}

func TestGuardTakesApprovalsWhereTheTableSaysSo(t *testing.T) {
	d := newDesk(t)
	_, auth := session(t, &log{}, d.clock, time.Hour, DeviceInject)
	g := Guard{auth, d.book}
	inject := Action{Activity: DeviceInject, Label: "POS 1", Details: digest("slot 0")}
	p, err := g.Admit(inject, nil)
	must(t, err)
	must(t, p.Spend(inject))
	if !p.Standing() || len(p.Officers()) != 2 || len(d.events.events) != 0 {
		t.Errorf("the permit is %+v; recorded %s", p, d.events.kinds())
	}
	_, err = g.Admit(split(), nil)
	mustFail(t, err, fault.NotPermitted, "key.split takes the approval of 2 custodian")
	_, err = g.Admit(split(), d.approve(t, d.ask(t, split()), d.alice, d.bob))
	must(t, err)
	_, err = g.Admit(Action{Activity: DeviceInject}, nil)
	mustFail(t, err, fault.Bug, "digest")

	approvals := d.approve(t, d.ask(t, split()), d.alice, d.bob)
	d.clock.pass(2 * time.Hour)
	for _, a := range []Action{inject, split()} {
		_, err = g.Admit(a, approvals)
		mustFail(t, err, fault.NotPermitted, "the store is sealed: its time is over")
	}
	_, err = auth.Permit(inject)
	mustFail(t, err, fault.NotPermitted, "the store is sealed")
}

func TestAuthorisationIsUsedByManyAtOnce(t *testing.T) {
	clock := newTick()
	_, auth := session(t, &log{}, clock, time.Hour, DeviceInject)
	var wait sync.WaitGroup
	for i := range 16 {
		wait.Go(func() {
			for range 50 {
				_ = auth.Allowed(DeviceInject)
				_, _ = auth.Ended()
				_ = auth.Left()
				if i == 7 {
					clock.pass(time.Second)
				}
			}
		})
	}
	wait.Wait()
	auth.End(text.Raw("done"))
	mustFail(t, auth.Allowed(DeviceInject), fault.NotPermitted, "done")
}
