package emulator

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
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

// inDir opens a terminal in a directory.
func inDir(t testing.TB, dir string, change ...func(*Config)) *Terminal {
	t.Helper()
	cfg := Config{Dir: dir, Env: keys.Env{Rand: rand.Reader, Now: time.Now}, Serial: "PK00000001"}
	for _, c := range change {
		c(&cfg)
	}
	term, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(term.Wipe)
	return term
}

// nameless leaves the serial number to the directory.
func nameless(c *Config) { c.Serial = "" }

// store loads a clear key.
func (t *Terminal) store(tb testing.TB, slot device.Slot, key string) {
	tb.Helper()
	o, why := readClear(slot, []byte(key))
	if why != Accepted {
		tb.Fatal(why)
	}
	t.commitOf(tb, o)
}

func (t *Terminal) storeInitial(tb testing.TB, slot device.Slot) {
	tb.Helper()
	o, why := readInitial(slot, []byte(exampleIK+exampleKSN))
	if why != Accepted {
		tb.Fatal(why)
	}
	t.commitOf(tb, o)
}

func (t *Terminal) commitOf(tb testing.TB, o Offer) {
	tb.Helper()
	p, why := t.Offer(o)
	if why == Accepted {
		_, why = p.Commit()
	}
	if why != Accepted {
		tb.Fatalf("slot %s: %s", o.Slot, why)
	}
}

func TestTheStateOutlivesTheProcess(t *testing.T) {
	live := secret.Live()
	dir := filepath.Join(t.TempDir(), "terminal")
	term := inDir(t, dir)
	term.store(t, "F", keyK1)
	term.store(t, "0", keyTest+"\x1cP0E")
	term.storeInitial(t, "90")
	for range 5 {
		tx, why := term.Transaction("90")
		if why != Accepted {
			t.Fatal(why)
		}
		tx.Wipe()
	}
	term.SetSerial("PK00000002")
	term.SetLock(device.LockRemote, "unpaid")
	before := term.Status()
	term.Wipe()

	term = inDir(t, dir, nameless)
	after := term.Status()
	if after.Serial != "PK00000002" || len(after.Slots) != 2 || after.Slots[0] != before.Slots[0] ||
		after.Slots[1] != before.Slots[1] || after.Initial[0] != before.Initial[0] || len(after.Locks) != 1 ||
		after.Locks[0].Kind != device.LockRemote || after.Locks[0].Detail != "unpaid" {
		t.Errorf("%+v became %+v", before, after)
	}
	if after.Initial[0].KSN != "FFFF9876543210E00006" {
		t.Errorf("the engine is at %s", after.Initial[0].KSN)
	}
	if n := len(after.Events); n == 0 || after.Events[n-1].Kind != string(Locked) {
		t.Errorf("the log ends with %+v", after.Events)
	}
	term.Wipe()
	if secret.Live() != live {
		t.Errorf("%d secrets stayed live", secret.Live()-live)
	}
}

func TestNoKeyLiesOnTheDiskInClear(t *testing.T) {
	dir := ownDir(t)
	term := inDir(t, dir)
	term.store(t, "0", keyTest)
	term.storeInitial(t, "90")
	raw, err := os.ReadFile(filepath.Join(dir, stateFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, digits := range []string{keyTest, exampleIK} {
		b, _ := hex.DecodeString(digits)
		if bytes.Contains(raw, b) || bytes.Contains(bytes.ToUpper(raw), []byte(digits[:16])) {
			t.Errorf("%s lies there in clear", digits)
		}
	}
	for name, want := range map[string]os.FileMode{stateFile: 0o600, batteryFile: 0o600, memoryFile: 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

func TestADirectoryHasOneTerminal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	term := inDir(t, dir)
	again, err := Open(Config{Dir: dir, Env: keys.Env{Rand: rand.Reader}})
	if !fault.Is(err, fault.Busy) || again != nil {
		t.Errorf("%v, %v", again, err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	term.Wipe()
	inDir(t, dir)
}

func TestAStateThatCannotBeReadIsRefused(t *testing.T) {
	for _, content := range []string{"", "{}", "[]", `{"format":"poskey.emulator.state/v2"}`, "\x00"} {
		dir := ownDir(t)
		if err := os.WriteFile(filepath.Join(dir, stateFile), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		term, err := Open(Config{Dir: dir, Env: keys.Env{Rand: rand.Reader}})
		if !fault.Is(err, fault.Malformed) || term != nil {
			t.Errorf("%q: %v, %v", content, term, err)
		}
	}
	if _, err := Open(Config{Dir: t.TempDir()}); !fault.Is(err, fault.Bug) {
		t.Errorf("without randomness: %v", err)
	}
}

func TestATamperDestroysTheKeysOnDisk(t *testing.T) {
	dir := ownDir(t)
	term := inDir(t, dir)
	term.store(t, "F", keyK1)
	term.storeInitial(t, "90")
	kept, err := os.ReadFile(filepath.Join(dir, stateFile))
	if err != nil {
		t.Fatal(err)
	}
	term.Tamper("case")
	if _, err := os.Stat(filepath.Join(dir, batteryFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the battery-backed key is still there: %v", err)
	}
	check := func(term *Terminal) {
		t.Helper()
		s := term.Status()
		if !s.Tamper.Tripped || len(s.Slots) != 0 || len(s.Initial) != 0 || term.Ready() != RefusedTampered ||
			len(s.Locks) != 1 || s.Locks[0].Kind != device.LockTamper {
			t.Errorf("%+v", s)
		}
		if _, why := term.Offer(Offer{Slot: "0", Block: blockA}); why != RefusedTampered {
			t.Errorf("refusal %q", why)
		}
	}
	check(term)
	term.Wipe()
	term = inDir(t, dir)
	check(term)
	term.Wipe()

	// Who puts the old state back has the records, and no key for them: that is a tamper again.
	if err := os.WriteFile(filepath.Join(dir, stateFile), kept, 0o600); err != nil {
		t.Fatal(err)
	}
	check(inDir(t, dir))
}

func TestPowerThatFailsInATamperBringsNothingBack(t *testing.T) {
	dir := ownDir(t)
	term := inDir(t, dir)
	term.store(t, "F", keyK1)
	term.Wipe()
	if err := os.WriteFile(filepath.Join(dir, batteryFile), make([]byte, batteryLen), 0o600); err != nil {
		t.Fatal(err)
	}
	term = inDir(t, dir)
	if s := term.Status(); !s.Tamper.Tripped || s.Tamper.Sensor != "backup battery" || len(s.Slots) != 0 {
		t.Errorf("%+v", s)
	}
}

func TestDamagedFlashIsToldOfTheSlot(t *testing.T) {
	dir := ownDir(t)
	term := inDir(t, dir)
	term.store(t, "0", keyTest)
	term.store(t, "F", keyK1)
	term.storeInitial(t, "90")
	check := func(term *Terminal, slot device.Slot, want bool) {
		t.Helper()
		if r := term.State(slot); !r.Loaded || r.Damaged != want || r.Damaged && slot != "90" && r.Check.Digits != "" {
			t.Errorf("slot %s: %+v", slot, r)
		}
	}
	if !term.Corrupt("0") || !term.Corrupt("90") || term.Corrupt("5") {
		t.Error("corruption")
	}
	for range 2 {
		check(term, "0", true)
		check(term, "90", true)
		check(term, "F", false)
		if _, why := term.MAC("0", make([]byte, 16), nil); why != RefusedDamaged {
			t.Errorf("refusal %q", why)
		}
		if _, why := term.Transaction("90"); why != RefusedDamaged {
			t.Errorf("refusal %q", why)
		}
		term.Wipe()
		term = inDir(t, dir)
	}
	term.store(t, "0", keyTest) // a new key heals the slot
	check(term, "0", false)
	if !term.Corrupt("F") {
		t.Error("corruption")
	}
	if _, why := term.Offer(Offer{Slot: "0", Block: blockA}); why != RefusedKEKBroken {
		t.Errorf("refusal %q", why)
	}
}

// TestTornRecordsAreDamagedKeys: a key is not taken for another one, whoever writes the state.
func TestTornRecordsAreDamagedKeys(t *testing.T) {
	dir := ownDir(t)
	term := inDir(t, dir)
	term.store(t, "0", keyTest)
	doc, err := term.document()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(raw), `"usage":"K0"`, `"usage":"P0"`, 1)
	if changed == string(raw) {
		t.Fatalf("no usage in %s", raw)
	}
	if err := term.disk.save([]byte(changed)); err != nil {
		t.Fatal(err)
	}
	term.Wipe()
	term = inDir(t, dir)
	if r := term.State("0"); !r.Loaded || !r.Damaged {
		t.Errorf("a key took another usage: %+v", r)
	}
}

func TestAStoreThatCannotBeWrittenIsNone(t *testing.T) {
	dir := ownDir(t)
	term := inDir(t, dir)
	term.store(t, "0", keyTest)
	if err := os.Mkdir(filepath.Join(dir, stateFile+".new"), 0o700); err != nil {
		t.Fatal(err)
	}
	o, _ := readClear("0", []byte(keyK1))
	p, why := term.Offer(o)
	if why != Accepted {
		t.Fatal(why)
	}
	if _, why := p.Commit(); why != RefusedStorage {
		t.Errorf("refusal %q", why)
	}
	if got, _ := term.SlotCheck("0"); got.Digits != "08D7B4" {
		t.Errorf("slot 0 holds %v", got)
	}
	if why := term.EraseAll(); why != RefusedStorage {
		t.Errorf("refusal %q", why)
	}
	if err := os.Remove(filepath.Join(dir, stateFile+".new")); err != nil {
		t.Fatal(err)
	}
	if why := term.EraseAll(); why != Accepted || term.State("0").Loaded {
		t.Errorf("refusal %q", why)
	}
}
