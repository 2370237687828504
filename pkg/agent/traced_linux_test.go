package agent

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"

	"poskey/internal/fault"
)

// TestATracedAgentDoesNotStart runs itself under a tracer, as a debugger or strace would be.
func TestATracedAgentDoesNotStart(t *testing.T) {
	const mark = "POSKEY_TEST_TRACED"
	if os.Getenv(mark) != "" {
		if _, err := harden(); !fault.Is(err, fault.NotPermitted) {
			t.Fatalf("the agent would start: %v", err)
		}
		return
	}
	if err := watched(); err != nil {
		t.Fatalf("without a tracer: %v", err)
	}
	runtime.LockOSThread() // the tracer is a thread
	defer runtime.UnlockOSThread()
	c := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	c.Env = append(os.Environ(), mark+"=1", "GORACE=atexit_sleep_ms=0")
	c.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if code := untilExit(t, c.Process.Pid); code != 0 {
		t.Errorf("the traced process ended with %d", code)
	}
}

// untilExit lets a traced process run to its end, and gives its exit code.
func untilExit(t *testing.T, pid int) int {
	t.Helper()
	for {
		var status syscall.WaitStatus
		at, err := syscall.Wait4(pid, &status, syscall.WALL, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil:
			t.Fatal(err)
		case status.Exited():
			return status.ExitStatus()
		case status.Signaled():
			t.Fatalf("killed by %v", status.Signal())
		}
		signal := 0
		if s := status.StopSignal(); s != syscall.SIGTRAP && s != syscall.SIGSTOP {
			signal = int(s)
		}
		if err := syscall.PtraceCont(at, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Fatal(err)
		}
	}
}
