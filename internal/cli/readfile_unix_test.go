//go:build unix

package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/keys"
)

// TestAScriptThatNobodyWritesIsGivenUp: a named pipe has no end until somebody writes to it, and a signal ends the wait.
func TestAScriptThatNobodyWritesIsGivenUp(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "zmk.yaml")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, words := range [][]string{{"ceremony", "check", pipe}, {"ceremony", "report", pipe, "--form", "envelope"}} {
		ctx, cancel := context.WithCancelCause(t.Context())
		var said bytes.Buffer
		a := &App{Env: keys.Env{Now: time.Now}, In: strings.NewReader(""), Out: &said, Err: &said,
			Getenv: func(string) string { return "" }}
		ended := make(chan int, 1)
		go func() { ended <- a.Run(ctx, words) }()
		cancel(fault.New(fault.Interrupted, "interrupted"))
		select {
		case code := <-ended:
			if code != fault.Interrupted.Exit() {
				t.Errorf("%s: exit %d: %s", words[1], code, said.String())
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s still waits", words[1])
		}
	}
	if _, err := readRegular(pipe, 99); !fault.Is(err, fault.Malformed) || errors.Is(err, context.Canceled) {
		t.Errorf("a pipe among our own files: %v", err)
	}
}

// TestAKeyInTheNameOfAFileIsNotRepeated: somebody gave the digits where a path belongs.
func TestAKeyInTheNameOfAFileIsNotRepeated(t *testing.T) {
	const digits = "0123456789ABCDEFFEDCBA9876543210"
	path := filepath.Join(t.TempDir(), digits)
	if err := os.WriteFile(path, []byte("long"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readWhole(t.Context(), path, 1); !fault.Is(err, fault.TooLarge) || strings.Contains(err.Error(), digits) {
		t.Errorf("%v", err)
	}
}
