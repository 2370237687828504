package emulator

import (
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/keys"
)

// TestNobodyTakesAnOperatorLockOverByOrderingItAgain: who set it is who lifts it, whoever orders it after him, and a lock
// that the terminal set itself is nobody's.
func TestNobodyTakesAnOperatorLockOverByOrderingItAgain(t *testing.T) {
	atDesk(t, nil, func(d *desk) {
		one, two, head := d.login("01"), d.login("02"), d.login("00")
		lock := device.Order{Verb: device.Lock, Lock: device.LockOperator, Reason: "away"}
		lift := device.Order{Verb: device.Unlock, Lock: device.LockOperator}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Error(err)
			}
		}
		must(one.Do(lock, nil))
		must(two.Do(lock, nil)) // it is on already
		d.wants(two.Do(lift, nil), fault.NotPermitted)
		d.locked(device.LockOperator)
		must(one.Do(lift, nil))
		d.locked()

		d.term.SetLock(device.LockOperator, "idle")
		d.wants(one.Do(lift, nil), fault.NotPermitted)
		d.wants(two.Do(lift, nil), fault.NotPermitted)
		must(head.Do(lift, nil))
		d.locked()
	})
}

// TestAClearKeyIsNotStoredOnceTheModeIsLeft: what was shown in the key inject mode and not committed goes with it.
func TestAClearKeyIsNotStoredOnceTheModeIsLeft(t *testing.T) {
	converse(t, Config{InjectModeOff: true, Env: keys.Env{Now: time.Now}, Accounts: accounts(t)}, "", func(h *host) {
		h.enter()
		sec, err := keys.ParseHex([]byte(keyTest))
		if err != nil {
			t.Fatal(err)
		}
		key, err := keys.New(keys.TDES128, sec)
		if err != nil {
			t.Fatal(err)
		}
		pending, why := h.term.Offer(Offer{Slot: "0", Clear: key, Usage: "K0", Mode: 'D'})
		if why != Accepted {
			t.Fatal(why)
		}
		h.term.LeaveInjectMode()
		if _, why := pending.Commit(); why != RefusedNotInject {
			t.Errorf("the commit gives %q", why)
		}
		if h.term.State("0").Loaded {
			t.Error("the key is stored")
		}
	})
}

// TestTheKeyModeOfALockedTerminalStays: another key management erases keys, and what is locked stays as it is.
func TestTheKeyModeOfALockedTerminalStays(t *testing.T) {
	converse(t, Config{Port: Visa(device.ProfileVeriFone)}, "", func(h *host) {
		h.load("025"+keyTest[:16], "025"+keyTest[:16])
		h.term.SetLock(device.LockRemote, "unpaid")
		for _, packet := range []string{"15SPAIN", "17ABC"} {
			h.say(packet)
			h.hear("\x04")
		}
		if !h.term.State("5").Loaded {
			t.Error("the key is gone")
		}
	})
}

func TestALoadWithoutABlockIsOneThatCannotBeRead(t *testing.T) {
	b := newBureau(t)
	b.kek(aesKEK)
	status, body := b.raw().asks("PUT", "/v1/slots/1", `{"request":"`+strings.Repeat("0", 32)+`","block":""}`)
	if status != 422 || !strings.Contains(body, `"block-form"`) {
		t.Errorf("%d %s", status, body)
	}
}

// TestWhatNoTerminalIsIsRefused: a serial number that no port can tell, counts below zero.
func TestWhatNoTerminalIsIsRefused(t *testing.T) {
	for what, cfg := range map[string]Config{
		"a blank in the serial number": {Serial: "PK 1"}, "a long serial number": {Serial: strings.Repeat("A", 33)},
		"a control character": {Serial: "PK\x1b1"}, "transactions": {OpenBatch: -1}, "loads": {MaxLoads: -1},
	} {
		if term, err := Open(cfg); !fault.Is(err, fault.Usage) || term != nil {
			t.Errorf("%s: %v", what, err)
			term.Wipe()
		}
	}
	live := secret.Live()
	term, err := Open(Config{Serial: "PK-00000001"})
	if err != nil {
		t.Fatal(err)
	}
	term.Wipe()
	if secret.Live() != live {
		t.Error("secrets are left")
	}
}

// TestTheURIOfATerminalNamesItsProfile: a loader that was not told would speak another one's forms.
func TestTheURIOfATerminalNamesItsProfile(t *testing.T) {
	for _, profile := range device.Profiles(device.Visa) {
		term := New(Config{Port: Visa(profile)})
		l, err := term.Listen(t.Context(), "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		u, err := device.ParseURI(l.URI())
		if said := u.Apply(device.Options{Profile: device.ProfileUIC}).Profile; err != nil || said != profile {
			t.Errorf("%s: %s says %q, %v", profile, l.URI(), said, err)
		}
		_ = l.Close()
		term.Wipe()
	}
}

// TestADeniedUpdateIsSomebodys: the log says who tried.
func TestADeniedUpdateIsSomebodys(t *testing.T) {
	atDesk(t, nil, func(d *desk) {
		s := d.login("99")
		o := device.Order{Verb: device.Update, Manifest: []byte("{}"), Image: []byte("software")}
		d.wants(s.Do(o, d.ask(s, o, 0, 1)), fault.Malformed)
		all, err := s.Logs(0, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if last := all[len(all)-1]; last.Kind != string(Denied) || last.Detail != "account 99, update" {
			t.Errorf("the log ends with %+v", last)
		}
	})
}

// TestATerminalThatTakesClearKeysTakesThemAfterTheModeToo: one that needs no passwords is not changed by them.
func TestATerminalThatTakesClearKeysTakesThemAfterTheModeToo(t *testing.T) {
	term := New(Config{Env: keys.Env{Now: time.Now}, Accounts: accounts(t)})
	defer term.Wipe()
	a, b := secret.Copy([]byte(DefaultKeyLoaderA)), secret.Copy([]byte(DefaultKeyLoaderB))
	defer a.Wipe()
	defer b.Wipe()
	if err := term.EnterInjectMode(a, b); err != nil {
		t.Fatal(err)
	}
	term.LeaveInjectMode()
	if !term.InInjectMode() {
		t.Error("it takes no clear keys any more")
	}
}
