package testcli

import (
	"fmt"
	"os"
	"regexp"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
)

// lookAtMemory holds that a process writes no core, and that some of its memory is never swapped.
func lookAtMemory(ts *testscript.TestScript, pid int) {
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	ts.Check(err)
	if !regexp.MustCompile(`(?m)^Max core file size +0 +0 `).Match(limits) {
		ts.Fatalf("the process may write a core:\n%s", limits)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	ts.Check(err)
	m := regexp.MustCompile(`(?m)^VmLck:\s+(\d+) kB`).FindSubmatch(status)
	if m == nil {
		ts.Fatalf("no VmLck:\n%s", status)
	}
	if kb, err := strconv.Atoi(string(m[1])); err != nil || kb == 0 {
		ts.Fatalf("no memory is locked:\n%s", status)
	}
	if os.Getuid() == 0 {
		return // may look at everything
	}
	if _, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)); !os.IsPermission(err) {
		ts.Fatalf("the process can be dumped by its own user: %v", err)
	}
}
