package testproc

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"
)

// UntilKilled runs the test's own binary with a variable in its environment and kills it some time after its first line.
// beside runs while it lives. It gives all that the child said.
func UntilKilled(t *testing.T, variable string, after time.Duration, beside func()) string {
	t.Helper()
	c := exec.Command(os.Args[0]) //nolint:gosec // G204: the test itself
	c.Env = append(os.Environ(), variable, "GORACE=atexit_sleep_ms=0")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	killed := time.AfterFunc(20*time.Second, func() { _ = c.Process.Kill() })
	defer killed.Stop()
	r := bufio.NewReader(out)
	var all bytes.Buffer
	first, err := r.ReadString('\n')
	if err != nil {
		t.Fatalf("the child did not begin: %q, %v", first, err)
	}
	all.WriteString(first)
	beside()
	killed.Reset(after)
	_, _ = all.ReadFrom(r) // until it is killed
	if err := c.Wait(); err == nil {
		t.Fatal("the child ended by itself")
	}
	return all.String()
}

// Crumbs writes to W in pieces and takes its time, so that a kill can fall between two of them.
type Crumbs struct{ W io.Writer }

func (c Crumbs) Write(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		m, err := c.W.Write(p[n:min(len(p), n+9)])
		if n += m; err != nil {
			return n, err
		}
		if n%4 == 0 {
			time.Sleep(time.Microsecond)
		}
	}
	return n, nil
}
