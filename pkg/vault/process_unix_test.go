//go:build linux || darwin

package vault

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/agent"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

// The processes that tests start.
const (
	asAgent    = "be-an-agent"
	asWorker   = "be-a-worker"
	asRestorer = "be-a-restorer"
	asClient   = "be-a-client"
)

func children() map[string]func([]string) int {
	return map[string]func([]string) int{asAgent: beAgent, asWorker: beWorker, asRestorer: beRestorer, asClient: beClient}
}

// start runs this program as another process. It is killed with the test, if it still runs.
func start(t *testing.T, args ...string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	c := exec.Command(os.Args[0], args...)
	c.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	must(t, err)
	must(t, c.Start())
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	return c, bufio.NewReader(out)
}

// kill ends a process as the power does, for this process.
func kill(t *testing.T, c *exec.Cmd) {
	t.Helper()
	must(t, c.Process.Kill())
	_ = c.Wait()
}

// stopAt says that a step was reached, and stays there when it is the one to stop at.
func stopAt(step, stop string) {
	fmt.Println(step)
	if step == stop {
		select {}
	}
}

// worldIn opens the store of a folder, in a child.
func worldIn(dir string) (*world, error) {
	u, err := store.SQLite(filepath.Join(dir, "store.db"))
	if err != nil {
		return nil, err
	}
	logs, err := filepath.Glob(filepath.Join(dir, "*.audit"))
	if err != nil || len(logs) != 1 {
		return nil, fmt.Errorf("%d logs, %w", len(logs), err)
	}
	w := &world{clock: &clock{}, url: u, log: logs[0]}
	w.env = keys.Env{Rand: rand.Reader, Now: w.clock.now}
	w.id.ID, w.id.Environment = strings.TrimSuffix(filepath.Base(logs[0]), ".audit"), store.Test
	return w, w.tryOpen()
}

// stopping is a work that stops at its steps.
type stopping struct {
	agent.Work
	stop string
}

func (s *stopping) Keep(ctx context.Context, k hsm.Key, label string) (hsm.Key, error) {
	k, err := s.Work.Keep(ctx, k, label)
	stopAt("kept", s.stop)
	return k, err
}

// beWorker does one operation: DIR STOP LABEL, or with LABEL rotate:LABEL a rotation.
func beWorker(args []string) int {
	if err := workIn(args[0], args[1], args[2]); err != nil {
		fmt.Println("error", err)
		return 1
	}
	return 0
}

func workIn(dir, stop, label string) error {
	w, err := worldIn(dir)
	if err != nil {
		return err
	}
	stopAt("opened", stop)
	label, rotating := strings.CutPrefix(label, "rotate:")
	activity := custody.KeyGenerate
	if rotating {
		activity = custody.KeyRotate
	}
	ctx := context.Background()
	work, err := w.vault.Begin(ctx, agent.Intent{Activity: activity, Label: label, Request: audit.DigestOf([]byte("x")), Who: me()})
	if err != nil {
		return err
	}
	stopAt("begun", stop)
	r, err := store.ParseRef(label)
	if err != nil {
		return err
	}
	outcome := agent.Outcome{Outcome: audit.OK()}
	if rotating {
		held, err := w.vault.Find(ctx, r, ToProtect)
		if err != nil {
			return err
		}
		if _, err := work.Rotate(ctx, held); err != nil {
			return err
		}
	} else {
		k, err := work.Generate(ctx, hsm.Attributes{Algorithm: keys.AES256, Usage: keys.UsageKEK}, hsm.Policy{})
		if err != nil {
			return err
		}
		stopAt("made", stop)
		in, err := (&Work{Work: &stopping{work.Work, stop}, vault: w.vault}).Enter(ctx, k, New{Ref: r, Origin: store.Generated})
		if err != nil {
			return err
		}
		outcome = kept(in)
	}
	stopAt("committed", stop)
	if err := work.Done(ctx, outcome); err != nil {
		return err
	}
	stopAt("done", stop)
	return nil
}

// runUntil runs a worker up to a step and kills it there. It gives the steps that were reached.
func runUntil(t *testing.T, w *world, stop, label string) []string {
	t.Helper()
	c, out := start(t, asWorker, filepath.Dir(w.log), stop, label)
	var steps []string
	for {
		line, err := out.ReadString('\n')
		step := strings.TrimSpace(line)
		if err != nil || strings.HasPrefix(step, "error") {
			t.Fatalf("after %v: %s, %v", steps, step, err)
		}
		if steps = append(steps, step); step == stop {
			kill(t, c)
			return steps
		}
	}
}

// TestAnOperationThatIsKilledLosesNothingAcknowledged kills a process at every step, and goes on.
func TestAnOperationThatIsKilledLosesNothingAcknowledged(t *testing.T) {
	w := newWorld(t, custody.Test)
	w.kek("ZMK", "")
	w.pin("TPK", "ZMK")
	type wanted struct{ there, unsettled bool }
	version := 1
	for _, x := range []struct {
		stop, label string
		wanted
	}{
		{"opened", "A", wanted{}},
		{"begun", "B", wanted{unsettled: true}},
		{"made", "C", wanted{unsettled: true}},
		{"kept", "D", wanted{unsettled: true}},
		{"committed", "E", wanted{there: true, unsettled: true}},
		{"done", "F", wanted{there: true}},
		{"begun", "rotate:ZMK", wanted{unsettled: true}},
		{"committed", "rotate:ZMK", wanted{there: true, unsettled: true}},
		{"done", "rotate:ZMK", wanted{there: true}},
	} {
		label := x.label + "#1"
		if strings.HasPrefix(label, "rotate:") {
			label = fmt.Sprint(x.label, "#", version)
		}
		w.close()
		runUntil(t, w, x.stop, label)
		w.open()
		label = strings.TrimPrefix(label, "rotate:")
		open := w.audit.Unfinished()
		if (len(open) == 1) != x.unsettled || len(open) > 1 {
			t.Errorf("stopped at %s of %s: %d intents are open", x.stop, label, len(open))
		}
		v := w.verify()
		if !v.OK() {
			t.Errorf("stopped at %s of %s: %s", x.stop, label, findings(&v))
		}
		said := slices.DeleteFunc(v.Unsettled, func(u Unsettled) bool { return u.Label != label })
		if (len(said) == 1) != x.unsettled || x.unsettled && said[0].Done != x.there {
			t.Errorf("stopped at %s of %s: it is said of it %+v", x.stop, label, said)
		}
		row, err := w.db.Get(t.Context(), ref(t, label))
		if strings.HasPrefix(x.label, "rotate:") {
			if rotated := !row.Successor.IsZero(); rotated != x.there {
				t.Errorf("stopped at %s of %s: rotated is %v", x.stop, label, rotated)
			}
		} else if (err == nil) != x.there {
			t.Errorf("stopped at %s of %s: %v", x.stop, label, err)
		}
		for _, p := range open { // as the next agent does
			_, err := p.Done(audit.NotKnown())
			must(t, err)
		}
		if v := w.verify(); !v.OK() || (len(slices.DeleteFunc(v.Unsettled, func(u Unsettled) bool { return u.Label != label })) == 1) != x.unsettled {
			t.Errorf("stopped at %s of %s, and settled: %+v, %s", x.stop, label, v.Unsettled, findings(&v))
		}
		switch {
		case strings.HasPrefix(x.label, "rotate:"):
			if x.there {
				version++
			}
			w.rotate("ZMK")
			version++
		case !x.there:
			w.kek(x.label, "") // the next one goes on
			if v := w.verify(); slices.ContainsFunc(v.Unsettled, func(u Unsettled) bool { return u.Label == label && u.Done }) {
				t.Errorf("a key that was made later counts for what stopped at %s", x.stop)
			}
		}
	}
	if row := w.row("TPK"); row.Parent != (store.Ref{Label: "ZMK", Version: version}) {
		t.Errorf("the child hangs under %s, the newest is #%d", row.Parent, version)
	}
	w.verifies()
}

// TestAnOperationThatIsKilledAtAnyMomentIsWholeOrNotThere kills at moments that nobody chose.
func TestAnOperationThatIsKilledAtAnyMomentIsWholeOrNotThere(t *testing.T) {
	w := newWorld(t, custody.Test)
	w.kek("ZMK", "")
	for i := range 12 {
		w.close()
		label := fmt.Sprint("K-", i)
		c, out := start(t, asWorker, filepath.Dir(w.log), "", label)
		if _, err := out.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(i) * 500 * time.Microsecond)
		kill(t, c)
		rest, _ := io.ReadAll(out)
		w.open()
		for _, p := range w.audit.Unfinished() {
			_, err := p.Done(audit.NotKnown())
			must(t, err)
		}
		_, err := w.db.Get(t.Context(), ref(t, label))
		if acknowledged := strings.Contains(string(rest), "done\n"); acknowledged && err != nil {
			t.Errorf("%s was acknowledged: %v", label, err)
		}
		if v := w.verify(); !v.OK() {
			t.Errorf("after %s: %s", label, findings(&v))
		}
	}
}

// beRestorer restores a backup: PLAIN DIR STOP CARD. It reads so many bytes, says so and stays.
func beRestorer(args []string) int {
	if err := restoreIn(args[0], args[1], args[2], args[3]); err != nil {
		fmt.Println("error", err)
		return 1
	}
	fmt.Println("restored")
	return 0
}

func restoreIn(plain, dir, stop, card string) error {
	f, err := os.Open(plain)
	if err != nil {
		return err
	}
	raw, err := os.ReadFile(card)
	if err != nil {
		return err
	}
	c, err := custody.ParseCard(raw)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(stop)
	if err != nil {
		return err
	}
	u, err := store.SQLite(filepath.Join(dir, "store.db"))
	if err != nil {
		return err
	}
	_, err = Restore(context.Background(), realEnv(), &stoppingReader{f, n}, Restoring{URL: u, Officers: []custody.Card{c}, Who: me(),
		LogPath: func(id string) (string, error) { return filepath.Join(dir, id+".audit"), nil }})
	return err
}

// stoppingReader reads slowly, and at a place no more.
type stoppingReader struct {
	from io.Reader
	left int
}

func (s *stoppingReader) Read(p []byte) (int, error) {
	if s.left == 0 {
		stopAt("here", "here")
	}
	n, err := s.from.Read(p[:min(len(p), 512, s.left)])
	s.left -= n
	return n, err
}

// TestARestorationThatIsKilledLeavesNothingThatLooksWhole kills it at forty places of the file, and the next one goes on.
func TestARestorationThatIsKilledLeavesNothingThatLooksWhole(t *testing.T) {
	w := stocked(t, custody.Test)
	admin := officer(t, custody.Test, "admin.d", custody.Administrator)
	path, _ := w.backup(admin)
	before := dump(t, w.db)
	plain := plainOf(t, path, admin)
	aside := t.TempDir()
	must(t, os.WriteFile(filepath.Join(aside, "plain"), plain, 0o600))
	must(t, os.WriteFile(filepath.Join(aside, "card"), admin.Card().Marshal(), 0o600))
	p := newPlace(t)
	withLog := 0
	for step := range 41 {
		n := step * (len(plain) + 1) / 40 // the last one never stops
		c, out := start(t, asRestorer, filepath.Join(aside, "plain"), p.dir, strconv.Itoa(n), filepath.Join(aside, "card"))
		line, err := out.ReadString('\n')
		if err != nil || strings.HasPrefix(line, "error") {
			t.Fatalf("%d bytes: %s, %v", n, line, err)
		}
		kill(t, c)
		_, err = store.Open(t.Context(), p.url, store.Options{Now: time.Now})
		if line == "restored\n" {
			if step != 40 {
				t.Errorf("restored after %d of %d bytes", n, len(plain))
			}
			continue
		}
		mustFail(t, err, fault.NotFound)
		if f, err := os.Open(p.log(w.id.ID)); err == nil {
			withLog++
			_, err := audit.Verify(f, audit.Expect{Identity: identityOf(&w.id)})
			_ = f.Close()
			if err != nil {
				t.Errorf("after %d bytes the log does not verify: %v", n, err)
			}
		}
	}
	if withLog == 0 {
		t.Error("no restoration was killed after the log had its place")
	}
	again := p.enter(t, w.id)
	if !restoredRows(dump(t, again.db), before) {
		t.Error("the rows are others")
	}
	again.verifies()
}
