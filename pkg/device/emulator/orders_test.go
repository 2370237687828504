package emulator

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pquerna/otp/totp"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/custody"
	"poskey/pkg/device"
	"poskey/pkg/device/manage"
	"poskey/pkg/keys"
)

// desk is a terminal with people around it, in a bubble.
type desk struct {
	t        *testing.T
	term     *Terminal
	officers []*custody.Identity
	vendor   ed25519.PrivateKey
}

// atDesk makes a terminal whose approvals come from three officers.
func atDesk(t *testing.T, change func(*Config), body func(d *desk)) {
	t.Helper()
	all := accounts(t)
	synctest.Test(t, func(t *testing.T) {
		d := &desk{t: t}
		env := keys.Env{Rand: rand.Reader, Now: time.Now}
		var cards []custody.Card
		for _, name := range []string{"a", "b", "c"} {
			id, err := custody.NewOfficer(env, custody.Officer{ID: "officer-" + name, Name: "Officer " + strings.ToUpper(name),
				Roles: []custody.Role{custody.Administrator}, Environment: custody.Test})
			if err != nil {
				t.Fatal(err)
			}
			defer id.Wipe()
			d.officers = append(d.officers, id)
			cards = append(cards, id.Card())
		}
		public, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		d.vendor = private
		cfg := Config{Env: env, Serial: "PK00000001", Model: "M1", Firmware: "1.0.0", Accounts: all, Approvers: cards,
			VendorKey: public}
		if change != nil {
			change(&cfg)
		}
		if d.term, err = Open(cfg); err != nil {
			t.Fatal(err)
		}
		defer d.term.Wipe()
		body(d)
	})
}

func (d *desk) login(account string) *Session {
	d.t.Helper()
	s, err := d.try(account, passwordOf(account), d.code())
	if err != nil {
		d.t.Fatalf("log in as %s: %v", account, err)
	}
	time.Sleep(2 * time.Minute) // a code counts once
	return s
}

func passwordOf(account string) string {
	switch account {
	case "99":
		return DefaultAdministrator
	case "00":
		return DefaultSupervisor
	}
	return DefaultOperator
}

func (d *desk) code() string {
	d.t.Helper()
	code, err := totp.GenerateCode(DefaultTOTP, time.Now())
	if err != nil {
		d.t.Fatal(err)
	}
	return code
}

func (d *desk) try(account, password, code string) (*Session, error) {
	p := secret.Copy([]byte(password))
	defer p.Wipe()
	return d.term.Login(device.Login{Account: account, Password: p, Code: code})
}

// ask wants a challenge, and gives the officers' approvals of it.
func (d *desk) ask(s *Session, o device.Order, officers ...int) [][]byte {
	d.t.Helper()
	raw, err := s.Ask(o)
	if err != nil {
		d.t.Fatal(err)
	}
	q, err := custody.ParseRequest(raw)
	if err != nil {
		d.t.Fatal(err)
	}
	if q.Store() != "PK00000001" || q.Action() != manage.Action(o) {
		d.t.Errorf("the challenge is %s", raw)
	}
	var out [][]byte
	for _, i := range officers {
		a, err := d.officers[i].Approve(time.Now(), q)
		if err != nil {
			d.t.Fatal(err)
		}
		out = append(out, a.Marshal())
	}
	return out
}

func (d *desk) locked(kinds ...device.LockKind) {
	d.t.Helper()
	var got []device.LockKind
	for _, l := range d.term.Status().Locks {
		got = append(got, l.Kind)
	}
	if fmt.Sprint(got) != fmt.Sprint(kinds) {
		d.t.Errorf("locks %v, want %v", got, kinds)
	}
}

func (d *desk) wants(err error, kind fault.Kind) {
	d.t.Helper()
	if !fault.Is(err, kind) {
		d.t.Errorf("error %v of kind %s, want %s", err, fault.KindOf(err), kind)
	}
}

func (d *desk) logs(s *Session, kind EventKind) (n int) {
	d.t.Helper()
	all, err := s.Logs(0, 1000)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, e := range all {
		if e.Kind == string(kind) {
			n++
		}
	}
	return n
}

func TestLoggingInTakesPasswordAndCode(t *testing.T) {
	atDesk(t, nil, func(d *desk) {
		code := d.code()
		for _, c := range [][3]string{
			{"99", DefaultSupervisor, code}, {"99", DefaultAdministrator, "000000"}, {"99", DefaultAdministrator, ""},
			{"98", DefaultAdministrator, code}, {"A", DefaultKeyLoaderA, code}, {"", "", ""},
		} {
			s, err := d.try(c[0], c[1], c[2])
			d.wants(err, fault.AuthFailed)
			if s != nil {
				t.Errorf("%v logs in", c)
			}
		}
		s, err := d.try("99", DefaultAdministrator, code)
		if err != nil || s.Role() != Administrator || s.Account() != "99" {
			t.Fatalf("%v", err)
		}
		if _, err := d.try("99", DefaultAdministrator, code); !fault.Is(err, fault.AuthFailed) {
			t.Errorf("the code counts twice: %v", err)
		}
		if n := d.logs(s, Denied); n != 5 { // seven, of which the first three are alike and stand in one place
			t.Errorf("%d denials are logged", n)
		}
		all, _ := s.Logs(0, 1000)
		for _, e := range all {
			if strings.Contains(e.Detail, DefaultAdministrator) || strings.Contains(e.Detail, "98") {
				t.Errorf("the log holds what strangers typed: %+v", e)
			}
		}
	})
}

func TestTooManyWrongPasswordsBarTheAccount(t *testing.T) {
	atDesk(t, nil, func(d *desk) {
		for range maxWrong {
			_, err := d.try("01", "wrong", "")
			d.wants(err, fault.AuthFailed)
		}
		d.locked(device.LockPassword)
		_, err := d.try("01", DefaultOperator, "")
		d.wants(err, fault.NotPermitted)
		if why := d.term.Ready(); why != RefusedLocked {
			t.Errorf("ready: %q", why)
		}
		if got := d.term.Status().Screen; got != "TOO MANY WRONG PASSWORDS" {
			t.Errorf("screen %q", got)
		}
		time.Sleep(passwordWait)
		if _, err := d.try("01", DefaultOperator, ""); err != nil {
			t.Error(err)
		}
		d.locked()

		for range maxWrong {
			_, _ = d.try("02", "wrong", "")
		}
		s, o := d.login("00"), device.Order{Verb: device.Unlock, Lock: device.LockPassword, Reason: "asked by phone"}
		d.wants(s.Do(o, nil), fault.NotPermitted)
		if err := s.Do(o, d.ask(s, o, 0)); err != nil {
			t.Error(err)
		}
		d.locked()
		if _, err := d.try("02", DefaultOperator, ""); err != nil {
			t.Error(err)
		}
	})
}

func TestRolesDenyWhatTheyMayNot(t *testing.T) {
	atDesk(t, nil, func(d *desk) {
		operator, head, top := d.login("01"), d.login("00"), d.login("99")
		d.term.SetLock(device.LockTamper, "for trying")
		d.term.SetLock(device.LockRemote, "unpaid")
		denied := 0
		update := device.Order{Verb: device.Update, Manifest: []byte("m"), Image: []byte("i")}
		for _, c := range []struct {
			s    *Session
			o    device.Order
			kind fault.Kind
		}{
			{operator, device.Order{Verb: device.Reset}, fault.NotPermitted},
			{operator, update, fault.NotPermitted},
			{operator, device.Order{Verb: device.Lock, Lock: device.LockRemote}, fault.NotPermitted},
			{operator, device.Order{Verb: device.Unlock, Lock: device.LockRemote}, fault.NotPermitted},
			{head, device.Order{Verb: device.Unlock, Lock: device.LockTamper}, fault.NotPermitted},
			{head, device.Order{Verb: device.Reset}, fault.NotPermitted},
			{top, device.Order{Verb: device.Lock, Lock: device.LockTamper}, fault.Usage},
			{top, device.Order{Verb: device.Lock, Lock: "padlock"}, fault.Usage},
			{top, device.Order{Verb: "open"}, fault.Usage},
			{top, device.Order{Verb: device.Unlock, Lock: device.LockLocation}, fault.NotFound},
			{top, device.Order{Verb: device.Reset}, fault.NotPermitted}, // no approvals
			{top, update, fault.NotPermitted},                           // no approvals
			{top, device.Order{Verb: device.Update}, fault.Usage},
			{top, device.Order{Verb: device.Unlock, Lock: device.LockTamper}, fault.NotPermitted},
		} {
			err := c.s.Do(c.o, nil)
			d.wants(err, c.kind)
			if c.kind == fault.NotPermitted {
				denied++
			}
		}
		if n := d.logs(top, Denied); n != denied {
			t.Errorf("%d denials are logged, want %d", n, denied)
		}
	})
}

func TestOperatorLocksAreLiftedByWhoSetThem(t *testing.T) {
	atDesk(t, nil, func(d *desk) {
		one, two, head := d.login("01"), d.login("02"), d.login("00")
		lock := device.Order{Verb: device.Lock, Lock: device.LockOperator}
		lift := device.Order{Verb: device.Unlock, Lock: device.LockOperator}
		for _, who := range []*Session{one, head} {
			if challenge, err := one.Ask(lock); err != nil || challenge != nil {
				t.Errorf("a lock asks for approval: %s, %v", challenge, err)
			}
			if err := one.Do(lock, nil); err != nil {
				t.Fatal(err)
			}
			d.locked(device.LockOperator)
			if got := d.term.Status().Screen; got != "TERMINAL LOCKED" {
				t.Errorf("screen %q", got)
			}
			if _, why := d.term.Offer(Offer{Slot: "0", Block: blockA}); why != RefusedLocked {
				t.Errorf("refusal %q", why)
			}
			d.wants(two.Do(lift, nil), fault.NotPermitted)
			if err := who.Do(lift, nil); err != nil {
				t.Error(err)
			}
			d.locked()
		}
	})
}

// TestAnUnlockTakesItsOfficersOnce: two for a remote lock, for this terminal, this lock and this challenge, in time.
func TestAnUnlockTakesItsOfficersOnce(t *testing.T) {
	atDesk(t, nil, func(d *desk) {
		s := d.login("00")
		o := device.Order{Verb: device.Unlock, Lock: device.LockRemote, Reason: "paid"}
		d.term.SetLock(device.LockRemote, "unpaid")
		both := d.ask(s, o, 0, 1)
		d.wants(s.Do(o, both[:1]), fault.NotPermitted)
		d.wants(s.Do(o, [][]byte{both[0], both[0]}), fault.NotPermitted)
		other := o
		other.Reason = "not paid"
		d.wants(s.Do(other, both), fault.NotPermitted)
		d.wants(s.Do(o, [][]byte{both[0], []byte("nonsense")}), fault.Malformed)
		d.locked(device.LockRemote)
		if err := s.Do(o, both); err != nil {
			t.Fatal(err)
		}
		d.locked()
		d.term.SetLock(device.LockRemote, "unpaid again")
		d.wants(s.Do(o, both), fault.NotPermitted) // a nonce counts once

		late := d.ask(s, o, 0, 1)
		time.Sleep(custody.DefaultRequest)
		d.wants(s.Do(o, late), fault.NotPermitted)
		before := d.ask(s, o, 0, 1)
		d.term.Restart()
		if err := s.Alive(); !fault.Is(err, fault.NotPermitted) {
			t.Errorf("the session outlives a restart: %v", err)
		}
		s = d.login("00")
		d.wants(s.Do(o, before), fault.NotPermitted) // and so does no challenge
		d.locked(device.LockRemote)
		if n := d.logs(s, Approved); n != 1 {
			t.Errorf("%d approvals are logged", n)
		}
	})
}

// TestATamperUnlockReturnsATerminalWithoutKeys: it is no repair.
func TestATamperUnlockReturnsATerminalWithoutKeys(t *testing.T) {
	dir := ownDir(t)
	atDesk(t, func(c *Config) { c.Dir = dir }, func(d *desk) {
		d.term.store(t, "F", keyK1)
		d.term.Tamper("case")
		if got := d.term.Status().Screen; got != "TAMPERED" {
			t.Errorf("screen %q", got)
		}
		s := d.login("99")
		o := device.Order{Verb: device.Unlock, Lock: device.LockTamper, Reason: "inspected"}
		if err := s.Do(o, d.ask(s, o, 1, 2)); err != nil {
			t.Fatal(err)
		}
		d.locked()
		if st := d.term.Status(); st.Tamper.Tripped || len(st.Slots) != 0 || d.term.Ready() != Accepted {
			t.Errorf("%+v", st)
		}
		d.term.store(t, "F", keyTest)
		d.term.Wipe()
		again := inDir(t, dir)
		if got, _ := again.SlotCheck("F"); got.Digits != "08D7B4" {
			t.Errorf("slot F holds %v", got)
		}
		again.Wipe()
	})
}

func TestAnEmptyBatteryIsATamperThatStays(t *testing.T) {
	atDesk(t, nil, func(d *desk) {
		d.term.store(t, "F", keyK1)
		d.term.SetBattery(lowBattery - 1)
		if st := d.term.Status(); !st.Battery.Low || st.Tamper.Tripped {
			t.Errorf("%+v", st.Battery)
		}
		d.term.SetBattery(emptyBattery - 1)
		if st := d.term.Status(); !st.Tamper.Tripped || st.Tamper.Sensor != "backup battery" || len(st.Slots) != 0 {
			t.Errorf("%+v", st)
		}
		s := d.login("99")
		o := device.Order{Verb: device.Unlock, Lock: device.LockTamper}
		d.wants(s.Do(o, d.ask(s, o, 0, 1)), fault.DeviceFailed)
		d.term.SetBattery(fullBattery)
		if err := s.Do(o, d.ask(s, o, 0, 1)); err != nil {
			t.Error(err)
		}
	})
}

func TestAResetErasesKeysAndKeepsLocks(t *testing.T) {
	atDesk(t, nil, func(d *desk) {
		d.term.store(t, "F", keyK1)
		d.term.storeInitial(t, "90")
		d.term.SetLock(device.LockLocation, "moved")
		s := d.login("99")
		o := device.Order{Verb: device.Reset, Reason: "returned"}
		if err := s.Do(o, d.ask(s, o, 0, 1)); err != nil {
			t.Fatal(err)
		}
		if st := d.term.Status(); len(st.Slots)+len(st.Initial) != 0 || st.Serial != "PK00000001" {
			t.Errorf("%+v", st)
		}
		d.locked(device.LockLocation)
		d.wants(s.Alive(), fault.NotPermitted)
	})
}

func TestARestartEndsTheLineAndKeepsTheKeys(t *testing.T) {
	atDesk(t, nil, func(d *desk) {
		d.term.store(t, "F", keyK1)
		host, peer := net.Pipe()
		served := make(chan error)
		go func() { served <- d.term.Serve(d.t.Context(), peer) }()
		synctest.Wait()
		s := d.login("01")
		if err := s.Do(device.Order{Verb: device.Restart}, nil); err != nil {
			t.Fatal(err)
		}
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
		if _, err := host.Read(make([]byte, 1)); err == nil {
			t.Error("the line is open")
		}
		if !d.term.State("F").Loaded {
			t.Error("the key is gone")
		}
		_ = host.Close()
	})
}

func TestUpdatesAreSignedNewerAndForThisModel(t *testing.T) {
	atDesk(t, nil, func(d *desk) {
		image := []byte("software 2")
		sign := func(key ed25519.PrivateKey, m Manifest) []byte {
			raw, err := SignManifest(key, m, image)
			if err != nil {
				t.Fatal(err)
			}
			return raw
		}
		_, stranger, _ := ed25519.GenerateKey(rand.Reader)
		good := Manifest{Model: "M1", Version: "2.0.0", Counter: 2}
		changed := []byte(strings.Replace(string(sign(d.vendor, good)), "2.0.0", "3.0.0", 1))
		for name, c := range map[string]struct {
			manifest, image []byte
			kind            fault.Kind
		}{
			"somebody else's":   {sign(stranger, good), image, fault.MACMismatch},
			"changed":           {changed, image, fault.MACMismatch},
			"another model":     {sign(d.vendor, Manifest{Model: "M2", Version: "2", Counter: 2}), image, fault.NotPermitted},
			"another image":     {sign(d.vendor, good), []byte("software 3"), fault.ChecksumMismatch},
			"not newer":         {sign(d.vendor, Manifest{Model: "M1", Version: "2", Counter: 0}), image, fault.NotPermitted},
			"no manifest":       {[]byte("{}"), image, fault.Malformed},
			"a field too many":  {[]byte(`{"format":"` + manifestFormat + `","x":1}`), image, fault.Malformed},
			"signed, no number": {sign(d.vendor, Manifest{Model: "M1", Counter: 2}), image, fault.Malformed},
		} {
			s := d.login("99")
			o := device.Order{Verb: device.Update, Manifest: c.manifest, Image: c.image}
			if err := s.Do(o, d.ask(s, o, 0, 1)); !fault.Is(err, c.kind) || d.term.Status().Firmware != "1.0.0" {
				t.Errorf("%s: %v, want %s; firmware %s", name, err, c.kind, d.term.Status().Firmware)
			}
		}
		update := func(m Manifest) error {
			s := d.login("99")
			o := device.Order{Verb: device.Update, Manifest: sign(d.vendor, m), Image: image}
			return s.Do(o, d.ask(s, o, 0, 1))
		}
		if err := update(good); err != nil || d.term.Status().Firmware != "2.0.0" {
			t.Errorf("%v; firmware %s", err, d.term.Status().Firmware)
		}
		d.wants(update(good), fault.NotPermitted)
		d.wants(update(Manifest{Model: "M1", Version: "1.9.9", Counter: 1}), fault.NotPermitted)
		if err := update(Manifest{Model: "M1", Version: "2.0.1", Counter: 3}); err != nil {
			t.Error(err)
		}
	})
}

// TestAWrongClockIsSeenAndFelt: one-time codes fail by it, and passing time does not.
func TestAWrongClockIsSeenAndFelt(t *testing.T) {
	atDesk(t, func(c *Config) { c.Faults = []Fault{"clock=+26h"} }, func(d *desk) {
		if off := time.Until(d.term.Status().Now); off != 26*time.Hour {
			t.Errorf("the clock is off by %s", off)
		}
		_, err := d.try("99", DefaultAdministrator, d.code())
		d.wants(err, fault.AuthFailed)
	})
}

func TestTheLogIsNumberedAndBounded(t *testing.T) {
	atDesk(t, nil, func(d *desk) {
		s := d.login("01")
		for range maxLog + 50 {
			d.term.SetLock(device.LockSignIn, "out of step")
			d.term.setUnlock(device.LockSignIn)
		}
		all, err := s.Logs(0, 1000)
		if err != nil || len(all) != maxLog || all[maxLog-1].Seq != 1+2*(maxLog+50) {
			t.Fatalf("%d events, %v", len(all), err)
		}
		for i := range all[1:] {
			if all[i+1].Seq != all[i].Seq+1 {
				t.Errorf("event %d after %d", all[i+1].Seq, all[i].Seq)
			}
		}
		some, err := s.Logs(all[10].Seq, 5)
		if err != nil || len(some) != 5 || some[0].Seq != all[11].Seq {
			t.Errorf("%v, %v", some, err)
		}
		if n := len(d.term.Status().Events); n != statusEvents {
			t.Errorf("the status has %d events", n)
		}
	})
}

func TestAccountsHavePasswordsOfTheirLength(t *testing.T) {
	for _, c := range [][2]string{{"99", "1234567"}, {"99", "1234567a"}, {"00", "12345"}, {"01", "123"},
		{"06", "1234"}, {"", "1"}} {
		p := secret.Copy([]byte(c[1]))
		if _, err := NewAccount(c[0], p, ""); !fault.Is(err, fault.Usage) {
			t.Errorf("%v: %v", c, err)
		}
		p.Wipe()
	}
}
