package emulator

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/keys"
)

// TestADirectoryKeepsTheTerminalThatItHas: whoever asks for another one is told, and the keys stay where they are.
func TestADirectoryKeepsTheTerminalThatItHas(t *testing.T) {
	live := secret.Live()
	dir := ownDir(t)
	is := Config{Dir: dir, Env: keys.Env{Rand: rand.Reader, Now: time.Now}, Serial: "PK00000001", Model: "S90", POIVersion: "5.1",
		Firmware: "7.0.1", OpenBatch: 2}
	term, err := Open(is)
	if err != nil {
		t.Fatal(err)
	}
	term.store(t, "0", keyTest)
	term.Wipe()
	for what, change := range map[string]func(*Config){
		`"PK00000001" and not "PK00000002"`:             func(c *Config) { c.Serial = "PK00000002" },
		`"S90" and not "S91"`:                           func(c *Config) { c.Model = "S91" },
		`"5.1" and not "6"`:                             func(c *Config) { c.POIVersion = "6" },
		`"7.0.1" and not "7.0.2"`:                       func(c *Config) { c.Firmware = "7.0.2" },
		"2 transactions that are not settled and not 3": func(c *Config) { c.OpenBatch = 3 },
		"2 transactions that are not settled and not 0": func(c *Config) { c.OpenBatch, c.Settled = 0, true },
	} {
		other := is
		change(&other)
		if term, err := Open(other); !fault.Is(err, fault.Usage) || term != nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
			term.Wipe()
		}
	}
	for name, again := range map[string]Config{"the same": is, "nothing said": {Dir: dir, Env: is.Env}} {
		term, err := Open(again)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if s := term.Status(); s.Serial != is.Serial || s.Model != is.Model || s.OpenBatch != is.OpenBatch || len(s.Slots) != 1 {
			t.Errorf("%s: %+v", name, s)
		}
		term.Wipe()
	}
	if secret.Live() != live {
		t.Errorf("%d secrets stayed live", secret.Live()-live)
	}
}

// TestAKeyThatCouldNotBeWrittenLeavesTheOthersToErase: the first clear key of the mode is the first that is stored.
func TestAKeyThatCouldNotBeWrittenLeavesTheOthersToErase(t *testing.T) {
	dir := ownDir(t)
	term := inDir(t, dir, func(c *Config) { c.InjectModeOff, c.Accounts = true, accounts(t) })
	old := testKey(t, keyK1)
	if err := term.LoadDirect("F", old, "K0", 'D'); err != nil {
		t.Fatal(err)
	}
	a, b := secret.Copy([]byte(DefaultKeyLoaderA)), secret.Copy([]byte(DefaultKeyLoaderB))
	defer a.Wipe()
	defer b.Wipe()
	if err := term.EnterInjectMode(a, b); err != nil {
		t.Fatal(err)
	}
	o, _ := readClear("0", []byte(keyTest))
	p, why := term.Offer(o)
	if why != Accepted {
		t.Fatal(why)
	}
	barrier := filepath.Join(dir, stateFile+".new")
	if err := os.Mkdir(barrier, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, why := p.Commit(); why != RefusedStorage || !term.State("F").Loaded {
		t.Fatalf("refusal %q", why)
	}
	if err := os.Remove(barrier); err != nil {
		t.Fatal(err)
	}
	term.store(t, "0", keyTest)
	if term.State("F").Loaded || !term.State("0").Loaded {
		t.Error("the keys of before are there beside the first one of the mode")
	}
}

// TestNoOrderLiftsTheDualAdministratorLock: one administrator is not two. The passwords of both lift it.
func TestNoOrderLiftsTheDualAdministratorLock(t *testing.T) {
	atDesk(t, nil, func(d *desk) {
		d.term.SetLock(device.LockDualAdmin, "not changed")
		s, o := d.login("99"), device.Order{Verb: device.Unlock, Lock: device.LockDualAdmin}
		_, err := s.Ask(o)
		d.wants(err, fault.NotPermitted)
		d.wants(s.Do(o, nil), fault.NotPermitted)
		d.locked(device.LockDualAdmin)
		a, b := secret.Copy([]byte(DefaultKeyLoaderA)), secret.Copy([]byte(DefaultKeyLoaderB))
		defer a.Wipe()
		defer b.Wipe()
		if err := d.term.EnterInjectMode(a, b); err != nil {
			t.Fatal(err)
		}
		d.locked()
	})
}
