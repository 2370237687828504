//go:build unix

package emulator

// What somebody may try who can reach the terminal's directory, or its keyboard.

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pquerna/otp/totp"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/keys"
)

func codeAt(t *testing.T, at time.Time) string {
	t.Helper()
	code, err := totp.GenerateCode(DefaultTOTP, at)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func tryLogin(term *Terminal, account, password, code string) error {
	p := secret.Copy([]byte(password))
	defer p.Wipe()
	_, err := term.Login(device.Login{Account: account, Password: p, Code: code})
	return err
}

// TestNoCodeCountsAgain: not a second time, not after a younger one, and not after the process was started again.
func TestNoCodeCountsAgain(t *testing.T) {
	dir, all, now := ownDir(t), accounts(t), time.Date(2026, 1, 1, 12, 0, 1, 0, time.UTC)
	with := func(c *Config) { c.Accounts, c.Env.Now = all, func() time.Time { return now } }
	term := inDir(t, dir, with)
	before, x, y := codeAt(t, now.Add(-30*time.Second)), codeAt(t, now), codeAt(t, now.Add(30*time.Second))
	try := func(code string, want bool) {
		t.Helper()
		err := tryLogin(term, "99", DefaultAdministrator, code)
		if (err == nil) != want || err != nil && !fault.Is(err, fault.AuthFailed) {
			t.Errorf("code: %v, want %v", err, want)
		}
	}
	try(x, true)
	try(y, true)
	try(x, false)
	try(before, false)
	term.Wipe()
	term = inDir(t, dir, with)
	try(x, false)
	now = now.Add(60 * time.Second)
	try(y, false)
	try(codeAt(t, now), true)
	if err := tryLogin(term, "00", DefaultSupervisor, codeAt(t, now)); err != nil {
		t.Errorf("the accounts count together: %v", err)
	}
}

// TestACodeThatCannotBeNotedDoesNotCount: it would count again.
func TestACodeThatCannotBeNotedDoesNotCount(t *testing.T) {
	dir, all := ownDir(t), accounts(t)
	term := inDir(t, dir, func(c *Config) { c.Accounts = all })
	if err := os.Mkdir(filepath.Join(dir, stateFile+".new"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := tryLogin(term, "99", DefaultAdministrator, codeAt(t, time.Now())); !fault.Is(err, fault.DeviceFailed) {
		t.Errorf("error %v", err)
	}
}

// TestGuessesInParallelAreCountedOneByOne: as many at once as there may be gives no more than one after the other.
func TestGuessesInParallelAreCountedOneByOne(t *testing.T) {
	term := New(Config{Env: keys.Env{Now: time.Now}, Accounts: accounts(t)})
	defer term.Wipe()
	var looked, barred atomic.Int32
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			switch err := tryLogin(term, "01", "wrong", ""); {
			case fault.Is(err, fault.AuthFailed):
				looked.Add(1)
			case fault.Is(err, fault.NotPermitted):
				barred.Add(1)
			}
		})
	}
	all.Wait()
	if looked.Load() != maxWrong || barred.Load() != 40-maxWrong {
		t.Errorf("%d guesses were looked at, %d were barred", looked.Load(), barred.Load())
	}
}

// TestWrongPasswordsOfTheKeyInjectModeBarIt: after five pairs, for 15 minutes, and over a restart.
func TestWrongPasswordsOfTheKeyInjectModeBarIt(t *testing.T) {
	all := accounts(t)
	dir := ownDir(t)
	synctest.Test(t, func(t *testing.T) {
		open := func() *Terminal {
			term, err := Open(Config{Dir: dir, InjectModeOff: true, Env: keys.Env{Rand: rand.Reader, Now: time.Now},
				Accounts: all})
			if err != nil {
				t.Fatal(err)
			}
			return term
		}
		term := open()
		a, b := secret.Copy([]byte(DefaultKeyLoaderA)), secret.Copy([]byte(DefaultKeyLoaderB))
		wrong := secret.Copy([]byte("wrong"))
		for _, s := range []*secret.Bytes{a, b, wrong} {
			defer s.Wipe()
		}
		for range maxWrong - 1 {
			if err := term.EnterInjectMode(a, wrong); !fault.Is(err, fault.AuthFailed) {
				t.Errorf("error %v", err)
			}
		}
		if err := term.EnterInjectMode(a, b); err != nil {
			t.Errorf("before the fifth: %v", err)
		}
		term.LeaveInjectMode()
		for range maxWrong {
			if err := term.EnterInjectMode(wrong, b); !fault.Is(err, fault.AuthFailed) {
				t.Errorf("error %v", err)
			}
		}
		barred := func(want bool) {
			t.Helper()
			if err := term.EnterInjectMode(a, b); fault.Is(err, fault.NotPermitted) != want {
				t.Errorf("error %v", err)
			}
			if locks := term.Status().Locks; (len(locks) == 1 && locks[0].Kind == device.LockPassword) != want {
				t.Errorf("locks %+v", locks)
			}
		}
		barred(true)
		time.Sleep(passwordWait - time.Second)
		barred(true)
		term.Wipe()
		term = open()
		barred(true)
		time.Sleep(passwordWait)
		if why := term.Ready(); why != Accepted { // without anybody's trying
			t.Errorf("ready: %s", why)
		}
		barred(false)
		term.Wipe()
	})
}

func TestADirectoryThatOthersMayEnterIsRefused(t *testing.T) {
	for _, mode := range []os.FileMode{0o777, 0o755, 0o750, 0o701, 0o1700 | os.ModeSticky, 0o500} {
		dir := ownDir(t)
		if err := os.Chmod(dir, mode&(0o777|os.ModeSticky)); err != nil {
			t.Fatal(err)
		}
		term, err := Open(Config{Dir: dir, Env: keys.Env{Rand: rand.Reader}})
		if want := mode.Perm() != 0o700; fault.Is(err, fault.FileExposed) != want {
			t.Errorf("mode %o: %v", mode, err)
		}
		if term != nil {
			term.Wipe()
		}
	}
	dir := ownDir(t)
	link := filepath.Join(filepath.Dir(dir), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{link, link + "/"} {
		if _, err := Open(Config{Dir: name, Env: keys.Env{Rand: rand.Reader}}); !fault.Is(err, fault.FileExposed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("%v, %v", entries, err)
	}
}

// TestNoLinkIsFollowed: what a link in the directory points to is neither written nor read.
func TestNoLinkIsFollowed(t *testing.T) {
	dir := ownDir(t)
	victim := filepath.Join(filepath.Dir(dir), "victim")
	if err := os.WriteFile(victim, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{stateFile, batteryFile, memoryFile} {
		if err := os.Symlink(victim, filepath.Join(dir, name+".new")); err != nil {
			t.Fatal(err)
		}
	}
	term := inDir(t, dir)
	term.store(t, "F", keyK1)
	term.Wipe()
	for _, name := range []string{stateFile, batteryFile, memoryFile} {
		inside, moved := filepath.Join(dir, name), filepath.Join(filepath.Dir(dir), name)
		if err := errors.Join(os.Rename(inside, moved), os.Symlink(moved, inside)); err != nil {
			t.Fatal(err)
		}
		if again, err := Open(Config{Dir: dir, Env: keys.Env{Rand: rand.Reader}}); err == nil || again != nil {
			t.Errorf("%s: a link is read", name)
		}
		if err := errors.Join(os.Remove(inside), os.Rename(moved, inside)); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(victim); err != nil || string(got) != "mine" {
		t.Errorf("%q, %v", got, err)
	}
	inDir(t, dir).mustHold(t, "F")
}

func (t *Terminal) mustHold(tb testing.TB, slot device.Slot) {
	tb.Helper()
	if r := t.State(slot); !r.Loaded || r.Damaged {
		tb.Errorf("slot %s: %+v", slot, r)
	}
}

// TestTheLockIsOnTheDirectory: no file that somebody removes lets another process in.
func TestTheLockIsOnTheDirectory(t *testing.T) {
	dir := ownDir(t)
	inDir(t, dir)
	if err := os.Remove(filepath.Join(dir, "lock")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if _, err := Open(Config{Dir: dir, Env: keys.Env{Rand: rand.Reader}}); !fault.Is(err, fault.Busy) {
		t.Errorf("error %v", err)
	}
}

// TestATamperThatCannotDestroyTheKeysSaysSo, goes on trying, and brings nothing back with a restart.
func TestATamperThatCannotDestroyTheKeysSaysSo(t *testing.T) {
	for _, unwritable := range []bool{false, true} {
		dir := ownDir(t)
		var events []Event
		hear := func(c *Config) { c.OnEvent = func(e Event) { events = append(events, e) } }
		saw := func(kind EventKind) (n int) {
			for _, e := range events {
				if e.Kind == kind {
					n++
				}
			}
			return n
		}
		term := inDir(t, dir, hear)
		term.store(t, "F", keyK1)
		old, err := os.ReadFile(filepath.Join(dir, stateFile))
		if err != nil {
			t.Fatal(err)
		}
		battery, moved := filepath.Join(dir, batteryFile), filepath.Join(filepath.Dir(dir), "moved")
		jam := errors.Join(os.Rename(battery, moved), os.Mkdir(battery, 0o700),
			os.WriteFile(filepath.Join(battery, "in the way"), nil, 0o600)) // it is no file, and cannot be removed
		if unwritable {
			jam = errors.Join(jam, os.Mkdir(filepath.Join(dir, stateFile+".new"), 0o700))
		}
		if jam != nil {
			t.Fatal(jam)
		}
		term.Tamper("case")
		if saw(Tampered) != 0 || saw(Undestroyed) != 1 || (saw(Unwritten) > 0) != unwritable {
			t.Errorf("unwritable %v: %+v", unwritable, events)
		}
		s := term.Status()
		if !s.Tamper.Tripped || len(s.Slots) != 0 || s.Screen != "KEYS ON DISK NOT ERASED" ||
			!strings.Contains(s.Tamper.Sensor, "NOT destroyed") {
			t.Errorf("%+v", s)
		}
		term.Wipe()

		// The key is there again, as it is when nothing could be done about it.
		err = errors.Join(os.RemoveAll(battery), os.RemoveAll(filepath.Join(dir, stateFile+".new")),
			os.Rename(moved, battery))
		if err != nil {
			t.Fatal(err)
		}
		term, err = Open(Config{Dir: dir, Env: keys.Env{Rand: rand.Reader}})
		if unwritable { // the old state lies there
			if !fault.Is(err, fault.MACMismatch) {
				t.Errorf("error %v", err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if s := term.Status(); !s.Tamper.Tripped || len(s.Slots) != 0 || s.Screen != "TAMPERED" {
			t.Errorf("%+v", s)
		}
		if _, err := os.Stat(battery); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the key is still there: %v", err)
		}
		term.Wipe()
		if err := os.WriteFile(filepath.Join(dir, stateFile), old, 0o600); err != nil {
			t.Fatal(err)
		}
		if s := inDir(t, dir).Status(); !s.Tamper.Tripped || len(s.Slots) != 0 {
			t.Errorf("%+v", s)
		}
	}
}

// TestTheDestructionIsTriedAgain until it is done; only then the terminal comes back.
func TestTheDestructionIsTriedAgain(t *testing.T) {
	dir := ownDir(t)
	var kinds []EventKind
	term := inDir(t, dir, func(c *Config) { c.OnEvent = func(e Event) { kinds = append(kinds, e.Kind) } })
	battery := filepath.Join(dir, batteryFile)
	jam := filepath.Join(battery, "in the way")
	if err := errors.Join(os.Remove(battery), os.Mkdir(battery, 0o700), os.WriteFile(jam, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	term.Tamper("case")
	if err := term.lift(device.LockTamper); !fault.Is(err, fault.DeviceFailed) {
		t.Errorf("error %v", err)
	}
	if err := os.Remove(jam); err != nil {
		t.Fatal(err)
	}
	_ = term.Status()
	if err := term.lift(device.LockTamper); err != nil {
		t.Error(err)
	}
	if len(kinds) < 3 || kinds[0] != Undestroyed || kinds[len(kinds)-2] != Tampered || kinds[len(kinds)-1] != Unlocked {
		t.Errorf("%v", kinds)
	}
	term.store(t, "F", keyK1)
	term.Wipe()
	inDir(t, dir).mustHold(t, "F")
}

// TestAnOlderStateIsRefused: counters do not go back, whichever state of before is put back.
func TestAnOlderStateIsRefused(t *testing.T) {
	dir := ownDir(t)
	term := inDir(t, dir)
	term.storeInitial(t, "90")
	name := filepath.Join(dir, stateFile)
	var all [][]byte
	for range 4 {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, raw)
		tx, why := term.Transaction("90")
		if why != Accepted {
			t.Fatal(why)
		}
		tx.Wipe()
	}
	term.Wipe()
	last, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string) {
		t.Helper()
		term, err := Open(Config{Dir: dir, Env: keys.Env{Rand: rand.Reader}})
		if !fault.Is(err, fault.MACMismatch) || term != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, raw := range all {
		if err := os.WriteFile(name, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		refused("an older state")
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	refused("no state")
	if err := os.WriteFile(name, last, 0o600); err != nil {
		t.Fatal(err)
	}
	remembered, err := os.ReadFile(filepath.Join(dir, memoryFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, memoryFile)); err != nil {
		t.Fatal(err)
	}
	refused("no memory")
	if err := os.WriteFile(filepath.Join(dir, memoryFile), remembered, 0o600); err != nil {
		t.Fatal(err)
	}
	if r, _ := inDir(t, dir).Engine("90"); r.KSN != "FFFF9876543210E00005" {
		t.Errorf("the engine is at %s", r.KSN)
	}
}

// TestAStateThatWasNotAcknowledgedIsTaken, as it lies there when the process is killed before it is remembered; once
// another one was acknowledged it is not, though it has the same number.
func TestAStateThatWasNotAcknowledgedIsTaken(t *testing.T) {
	dir := ownDir(t)
	name, mem := filepath.Join(dir, stateFile), filepath.Join(dir, memoryFile)
	read := func(name string) []byte {
		t.Helper()
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	put := func(name string, raw []byte) {
		t.Helper()
		if err := os.WriteFile(name, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	term := inDir(t, dir)
	before, remembered := read(name), read(mem)
	term.store(t, "0", keyTest)
	unheard := read(name)
	term.Wipe()
	put(mem, remembered)
	term = inDir(t, dir)
	term.mustHold(t, "0")
	term.Wipe()

	put(mem, remembered)
	put(name, before)
	term = inDir(t, dir)
	term.store(t, "1", keyTest)
	term.Wipe()
	put(name, unheard)
	if _, err := Open(Config{Dir: dir, Env: keys.Env{Rand: rand.Reader}}); !fault.Is(err, fault.MACMismatch) {
		t.Errorf("error %v", err)
	}
}

// TestTheStateCannotBeEdited: not a lock out of it, nor anything else.
func TestTheStateCannotBeEdited(t *testing.T) {
	dir := ownDir(t)
	term := inDir(t, dir)
	term.store(t, "F", keyK1)
	term.SetLock(device.LockRemote, "unpaid")
	term.Wipe()
	name := filepath.Join(dir, stateFile)
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	edits := map[string]func(k *kept, doc map[string]any){
		"a lock":        func(_ *kept, doc map[string]any) { delete(doc, "locks") },
		"a counter":     func(_ *kept, doc map[string]any) { doc["firmware_counter"] = 0.5 },
		"a sequence":    func(k *kept, _ map[string]any) { k.Sequence++ },
		"the MAC":       func(k *kept, _ map[string]any) { k.MAC = nil },
		"half the MAC":  func(k *kept, _ map[string]any) { k.MAC = k.MAC[:16] },
		"no MAC either": func(k *kept, doc map[string]any) { k.MAC = nil; delete(doc, "locks") },
	}
	for what, edit := range edits {
		var k kept
		doc := map[string]any{}
		if err := errors.Join(json.Unmarshal(whole, &k), json.Unmarshal(k.State, &doc)); err != nil {
			t.Fatal(err)
		}
		edit(&k, doc)
		state, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		if k.MAC != nil && !strings.Contains(what, "MAC") && what != "a sequence" {
			k.State = state
		}
		raw, err := json.Marshal(k)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		term, err := Open(Config{Dir: dir, Env: keys.Env{Rand: rand.Reader}})
		if term != nil || !fault.Is(err, fault.MACMismatch) && !fault.Is(err, fault.Malformed) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestNothingVouchesForAStateWithoutAMAC: it is taken as that of a tampered terminal, without keys and with the lock.
func TestNothingVouchesForAStateWithoutAMAC(t *testing.T) {
	dir := ownDir(t)
	term := inDir(t, dir)
	term.store(t, "F", keyK1)
	term.Wipe()
	name := filepath.Join(dir, stateFile)
	var k kept
	doc := map[string]any{}
	raw, err := os.ReadFile(name)
	if err = errors.Join(err, json.Unmarshal(raw, &k), json.Unmarshal(k.State, &doc)); err != nil {
		t.Fatal(err)
	}
	doc["tamper"] = device.TamperState{Tripped: true}
	k.MAC = nil
	if k.State, err = json.Marshal(doc); err != nil {
		t.Fatal(err)
	}
	if raw, err = json.Marshal(k); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		term = inDir(t, dir)
		s := term.Status()
		if !s.Tamper.Tripped || len(s.Slots) != 0 || len(s.Locks) != 1 || s.Locks[0].Kind != device.LockTamper {
			t.Errorf("%+v", s)
		}
		term.Wipe()
		if _, err := os.Stat(filepath.Join(dir, batteryFile)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the key is still there: %v", err)
		}
	}
}

// TestALoadedKSNIsNotLoadedAgain: the counter would start again, and give the keys of before a second time.
func TestALoadedKSNIsNotLoadedAgain(t *testing.T) {
	dir := ownDir(t)
	term := inDir(t, dir)
	term.storeInitial(t, "90")
	term.storeInitial(t, "90") // not used yet: the answer may have been lost
	tx, why := term.Transaction("90")
	if why != Accepted {
		t.Fatal(why)
	}
	tx.Wipe()
	refused := func(slot device.Slot, text string) {
		t.Helper()
		o, why := readInitial(slot, []byte(text))
		if why != Accepted {
			t.Fatal(why)
		}
		p, why := term.Offer(o)
		p.Drop()
		if why != RefusedKSNUsed {
			t.Errorf("slot %s: refusal %q", slot, why)
		}
	}
	refused("90", exampleIK+exampleKSN)
	refused("94", exampleIK+exampleKSN)
	term.Wipe()
	term = inDir(t, dir)
	refused("90", exampleIK+exampleKSN)
	if why := term.EraseAll(); why != Accepted {
		t.Fatal(why)
	}
	refused("90", exampleIK+exampleKSN)
	if err := term.reset(); err != nil {
		t.Fatal(err)
	}
	refused("90", exampleIK+exampleKSN)
}

// TestTheStateHoldsNoCheckValueOfItsOwn beyond the three bytes that every terminal shows.
func TestTheStateHoldsNoCheckValueOfItsOwn(t *testing.T) {
	dir := ownDir(t)
	term := inDir(t, dir)
	term.storeInitial(t, "90")
	raw, err := os.ReadFile(filepath.Join(dir, stateFile))
	if err != nil {
		t.Fatal(err)
	}
	full := checkBytes(t, testKey(t, exampleIK))
	for _, e := range term.s.engines {
		if bytes.Contains(e.mark, full[:4]) || len(e.mark) != 16 {
			t.Errorf("the mark is %X", e.mark)
		}
	}
	for _, form := range []string{hex.EncodeToString(full), asBase64(full)} {
		if bytes.Contains(bytes.ToLower(raw), []byte(strings.ToLower(form))) {
			t.Errorf("the state has %s", form)
		}
	}
	o, _ := readClear("0", []byte(exampleIK)) // and yet the key is known again
	if _, why := term.Offer(o); why != RefusedDuplicate {
		t.Errorf("refusal %q", why)
	}
}

func TestTheModelIsTheVendorsUnlessToldOtherwise(t *testing.T) {
	for _, v := range Vendors() {
		term := New(Config{Vendor: v.Vendor})
		if got := term.Status().Model; got != v.Model {
			t.Errorf("%s: model %q, want %q", v.Vendor, got, v.Model)
		}
		term.Wipe()
	}
	dir := ownDir(t)
	inDir(t, dir).Wipe() // without a vendor
	for _, c := range []struct{ vendor, model, want string }{
		{"pax", "", "POSKEY-EMU-PAX"}, {"uic", "", "POSKEY-EMU-UIC"}, {"", "", "POSKEY-EMU"}, {"pax", "S90", "S90"},
	} {
		term := inDir(t, dir, func(cfg *Config) { cfg.Vendor, cfg.Model = Vendor(c.vendor), c.model })
		if got := term.Status().Model; got != c.want {
			t.Errorf("%v: model %q", c, got)
		}
		term.Wipe()
	}
	told := ownDir(t)
	inDir(t, told, func(cfg *Config) { cfg.Model = "S90" }).Wipe()
	term := inDir(t, told, func(cfg *Config) { cfg.Vendor = PAX })
	if got := term.Status().Model; got != "S90" {
		t.Errorf("model %q", got)
	}
}
