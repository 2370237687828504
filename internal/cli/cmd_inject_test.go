package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/device/emulator"
	"poskey/pkg/keys"
)

// TestAnInterruptHidesNoKeyThatMayBeLoaded: interrupted means that the same call may be made again, and here it may not.
func TestAnInterruptHidesNoKeyThatMayBeLoaded(t *testing.T) {
	ctx, interrupt := context.WithCancelCause(t.Context())
	defer interrupt(nil)
	env := keys.Env{Rand: rand.Reader, Now: time.Now}
	terminal := emulator.New(emulator.Config{Env: env, Faults: []emulator.Fault{emulator.Slow}, SlowFor: 200 * time.Millisecond,
		OnEvent: func(e emulator.Event) {
			if e.Kind == emulator.Stored {
				interrupt(fault.New(fault.Interrupted, "interrupted"))
			}
		}})
	defer terminal.Wipe()
	port, err := terminal.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = port.Close() }()
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(randomHex(16)), 0o600); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	a := &App{Env: env, In: strings.NewReader(""), Out: &said, Err: &said, Getenv: func(string) string { return "" }}
	code := a.Run(ctx, []string{"inject", "--device", port.URI(), "--slot", "0", "--key", "file:" + key, "--clear", "--yes",
		"-o", "json"})
	unknown := code == fault.OutcomeUnknown.Exit() && strings.Contains(said.String(), `"kind":"outcome_unknown"`)
	loaded := code == 0 && strings.Contains(said.String(), `"loaded":true`)
	if !unknown && !loaded {
		t.Errorf("exit %d: %s", code, said.String())
	}
}
