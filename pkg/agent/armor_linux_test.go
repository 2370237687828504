package agent

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"poskey/internal/fault"
	"poskey/internal/testproc"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
)

func TestAnAgentIsHardened(t *testing.T) {
	if _, child := testproc.InChild(t); !child {
		return
	}
	if weak, err := harden(); weak != nil || err != nil {
		t.Fatal(weak, err)
	}
	if d, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); err != nil || d != 0 {
		t.Errorf("dumpable is %d, %v", d, err)
	}
}

func TestMemoryThatCannotBeLockedIsForTestsOnly(t *testing.T) {
	if _, child := testproc.InChild(t); !child {
		return
	}
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{}); err != nil {
		t.Fatal(err)
	}
	testproc.BecomeNobody(t)
	var warned []Event
	report := func(e Event) error { warned = append(warned, e); return nil }
	a := &agent{config: Config{Environment: custody.Test}, ports: Ports{Report: report}}
	if err := a.harden(); err != nil || len(warned) != 1 || warned[0].Kind != Warned {
		t.Errorf("in a test store: %v, %+v", err, warned)
	}
	a.config.Environment = custody.Production
	if err := a.harden(); !fault.Is(err, fault.NotPermitted) {
		t.Errorf("in a production store: %v", err)
	}
}

// TestARunningAgentCanNeitherBeDumpedNorSwapped asks the kernel about the process. Of one that is undumpable, root owns
// the files in /proc, so the agent runs as somebody else here.
func TestARunningAgentCanNeitherBeDumpedNorSwapped(t *testing.T) {
	dir, child := testproc.InChild(t)
	if !child {
		return
	}
	exe := filepath.Join(dir, "agent") // the test's own program lies where only its user may look
	raw, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(exe, raw, 0o755); err != nil {
		t.Fatal(err)
	}
	testproc.BecomeNobody(t)
	t.Setenv("TMPDIR", dir)
	f := newFixture(t, custody.Test)
	f.exe = exe
	s, _ := f.open()
	proc := filepath.Join("/proc", strconv.Itoa(s.PID))
	info, err := os.Stat(filepath.Join(proc, "environ"))
	if err != nil {
		t.Fatal(err)
	}
	if uid := info.Sys().(*syscall.Stat_t).Uid; uid != 0 {
		t.Errorf("the process can be looked into: its files belong to %d", uid)
	}
	limits, err := os.ReadFile(filepath.Join(proc, "limits"))
	if err != nil && os.Getuid() == 0 || err == nil && !strings.Contains(string(limits), "Max core file size        0 ") {
		t.Errorf("%v\n%s", err, limits)
	}
	if raw, err := os.ReadFile(filepath.Join(proc, "status")); err != nil || locked(string(raw)) == 0 {
		t.Errorf("nothing of the agent's memory is locked: %v", err)
	}
	if _, err := os.ReadFile(filepath.Join(proc, "environ")); os.Getuid() != 0 && err == nil {
		t.Error("its environment can be read")
	}
	if raw, err := os.ReadFile(filepath.Join(proc, "cmdline")); err != nil || strings.Contains(string(raw), f.dir) {
		t.Errorf("its command line tells of the store: %q, %v", raw, err)
	}
}

func locked(status string) int {
	for line := range strings.Lines(status) {
		if v, ok := strings.CutPrefix(line, "VmLck:"); ok {
			n, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(v), " kB"))
			return n
		}
	}
	return 0
}

func TestSomebodyElseIsNotAnswered(t *testing.T) {
	if os.Getuid() != 0 { // only root becomes somebody else; TestAnotherUserIsHungUpOn is for all
		return
	}
	r := newFixture(t, custody.Test).start()
	for path, mode := range map[string]os.FileMode{r.dir: 0o755, filepath.Dir(r.socket): 0o755, r.socket: 0o666} {
		if err := os.Chmod(path, mode); err != nil { // as if somebody had opened the door
			t.Fatal(err)
		}
	}
	for range 3 {
		out, err := exec.Command(os.Args[0], asStranger, r.socket).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "hung up:") ||
			!strings.Contains(string(out), "served by somebody else") {
			t.Errorf("%s, %v", out, err)
		}
	}
	for range 400 {
		if len(r.recorded(audit.AgentConnect, audit.Refused)) > 0 {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	found := r.recorded(audit.AgentConnect, audit.Refused)
	if len(found) != 1 || found[0].Details["uid"] != "65534" {
		t.Errorf("%d records: %+v", len(found), found)
	}
	r.clock.pass(2*time.Minute, 0)
	if out, err := exec.Command(os.Args[0], asStranger, r.socket).CombinedOutput(); err != nil {
		t.Fatalf("%s, %v", out, err)
	}
	for range 400 {
		if found = r.recorded(audit.AgentConnect, audit.Refused); len(found) == 2 {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if len(found) != 2 || found[1].Details["others"] != "5" {
		t.Errorf("%d records: %+v", len(found), found)
	}
}

func TestAnotherUserIsHungUpOn(t *testing.T) {
	_, path := freely(t, func(s *server) { s.owner++ })
	_, err := Dial(t.Context(), path, storeID)
	if !fault.Is(err, fault.Busy) {
		t.Errorf("the error is %v", err)
	}
}
