//go:build unix

package emulator

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/keys"
)

// killedDir names the directory for the process that gets killed.
const killedDir = "POSKEY_TEST_EMULATOR_DIR"

// killedTamper makes it tamper with itself.
const killedTamper = "POSKEY_TEST_EMULATOR_TAMPER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(killedDir); dir != "" {
		os.Exit(liveDangerously(dir))
	}
	os.Exit(m.Run())
}

// liveDangerously loads keys and counts for ever, and says on its standard output what was acknowledged.
func liveDangerously(dir string) int {
	term, err := Open(Config{Dir: dir, Env: keys.Env{Rand: rand.Reader, Now: time.Now}})
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	if !term.State("90").Loaded {
		o, _ := readInitial("90", []byte(exampleIK+exampleKSN))
		p, why := term.Offer(o)
		if why != Accepted {
			fmt.Println("error", why)
			return 1
		}
		if _, why := p.Commit(); why != Accepted {
			fmt.Println("error", why)
			return 1
		}
	}
	begin := number(term.Serial())
	fmt.Println("begun")
	if os.Getenv(killedTamper) != "" {
		term.Tamper("case")
		fmt.Println("tampered")
		select {}
	}
	for n := begin + 1; ; n++ {
		k, _ := keys.New(keys.TDES128, secret.Copy(fmt.Appendf(nil, "%016d", n)))
		p, why := term.Offer(Offer{Slot: "0", Clear: k, Usage: "P0", Mode: 'E'})
		if why == Accepted {
			_, why = p.Commit()
		}
		if why == Accepted {
			fmt.Println("key", n)
			why = term.SetSerial(fmt.Sprint(n))
		}
		if why != Accepted {
			fmt.Println("error", why)
			return 1
		}
		tx, why := term.Transaction("90")
		if why != Accepted {
			fmt.Println("error", why)
			return 1
		}
		fmt.Println("ksn", tx.KSN())
		tx.Wipe()
	}
}

// TestTheStateSurvivesBeingKilled kills the process again and again: what was acknowledged is there, nothing is half
// there, and no KSN comes twice.
func TestTheStateSurvivesBeingKilled(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "terminal")
	seen := map[string]bool{}
	keysAcked := 0
	const rounds, most = 25, 250 // more of them where the machine is busy and little is acknowledged in each
	for round := 0; round < rounds || round < most && (keysAcked < rounds || len(seen) < rounds); round++ {
		key, lastKSN := killed(t, dir, seen)
		term := inDir(t, dir, nameless)
		s := term.Status()
		if s.Tamper.Tripped || len(s.Initial) != 1 {
			t.Fatalf("round %d: %+v", round, s)
		}
		if lastKSN != "" && s.Initial[0].KSN <= lastKSN {
			t.Fatalf("round %d: the engine goes back to %s, %s was used", round, s.Initial[0].KSN, lastKSN)
		}
		if key > 0 {
			keysAcked = key
		}
		got, ok := term.SlotCheck("0")
		if keysAcked > 0 && (!ok || got != checkOfNumber(t, keysAcked) && got != checkOfNumber(t, keysAcked+1)) {
			t.Fatalf("round %d: slot 0 holds %v, key %d was acknowledged", round, got, keysAcked)
		}
		if n := number(term.Serial()); n > keysAcked+1 || n < keysAcked-1 {
			t.Fatalf("round %d: the serial number is %d, key %d was acknowledged", round, n, keysAcked)
		}
		checkLog(t, term)
		if why := term.SetSerial(fmt.Sprint(keysAcked)); why != Accepted {
			t.Fatal(why)
		}
		term.Wipe()
	}
	if keysAcked < rounds || len(seen) < rounds {
		t.Errorf("only %d keys and %d transactions were acknowledged", keysAcked, len(seen))
	}
}

// killed runs the process for a short time. It gives the last key and the last KSN that were acknowledged.
func killed(t *testing.T, dir string, seen map[string]bool) (key int, ksn string) {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), killedDir+"="+dir)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Wait() }() // it was killed
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		switch word {
		case "begun":
			wait, err := rand.Int(rand.Reader, big.NewInt(int64(60*time.Millisecond)))
			if err != nil {
				t.Fatal(err)
			}
			time.AfterFunc(time.Duration(wait.Int64()), func() { _ = c.Process.Kill() })
		case "key":
			key = number(rest)
		case "ksn":
			if seen[rest] {
				t.Fatalf("KSN %s came twice", rest)
			}
			seen[rest], ksn = true, rest
		default:
			t.Errorf("the process says %q", lines.Text())
		}
	}
	return key, ksn
}

func checkOfNumber(t *testing.T, n int) any {
	t.Helper()
	k, err := keys.New(keys.TDES128, secret.Copy(fmt.Appendf(nil, "%016d", n)))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Wipe()
	v, err := checkOf(k)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// checkLog wants the log in order, without a gap.
func checkLog(t *testing.T, term *Terminal) {
	t.Helper()
	var last device.LogEvent
	for _, e := range term.log.after(0, maxLog) {
		if last.Seq != 0 && e.Seq != last.Seq+1 {
			t.Fatalf("the log goes from %d to %d", last.Seq, e.Seq)
		}
		last = e
	}
}

// TestATamperSurvivesBeingKilled kills the process while the keys are destroyed: they are all there or all gone, and
// gone once the tamper was said.
func TestATamperSurvivesBeingKilled(t *testing.T) {
	kept, gone := 0, 0
	for round := range 20 {
		dir := ownDir(t)
		term := inDir(t, dir)
		term.store(t, "F", keyK1)
		term.storeInitial(t, "90")
		term.Wipe()
		said := tamperAndDie(t, dir, time.Duration(round)*100*time.Microsecond)
		term = inDir(t, dir)
		s := term.Status()
		if n := len(s.Slots) + len(s.Initial); s.Tamper.Tripped && n != 0 || !s.Tamper.Tripped && (n != 2 || said) {
			t.Errorf("round %d: %d keys, tampered %v, said %v", round, n, s.Tamper.Tripped, said)
		}
		if s.Tamper.Tripped {
			gone++
		} else {
			kept++
		}
		for _, slot := range s.Slots {
			if slot.Damaged {
				t.Errorf("round %d: half a key", round)
			}
		}
		term.Wipe()
	}
	t.Logf("killed before the tamper %d times, in it or after it %d times", kept, gone)
}

// tamperAndDie reports whether the process said that it was done before it was killed.
func tamperAndDie(t *testing.T, dir string, after time.Duration) (said bool) {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), killedDir+"="+dir, killedTamper+"=1")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Wait() }() // it was killed
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		switch lines.Text() {
		case "begun":
			time.AfterFunc(after, func() { _ = c.Process.Kill() })
		case "tampered":
			said = true
		default:
			t.Errorf("the process says %q", lines.Text())
		}
	}
	return said
}

// TestATamperInHalvesLeavesNoKey tries the steps of the destruction by leaving the files as they are then.
func TestATamperInHalvesLeavesNoKey(t *testing.T) {
	for _, left := range []string{"zeros", "no key"} {
		dir := ownDir(t)
		term := inDir(t, dir)
		term.store(t, "F", keyK1)
		term.Wipe()
		battery := filepath.Join(dir, batteryFile)
		err := os.Remove(battery)
		if left == "zeros" {
			err = os.WriteFile(battery, make([]byte, batteryLen), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		term = inDir(t, dir)
		if s := term.Status(); !s.Tamper.Tripped || len(s.Slots) != 0 {
			t.Errorf("%s: %+v", left, s)
		}
	}
}
