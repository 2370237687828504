package cli

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"poskey/pkg/keys"
)

// TestAnAnswerThatFailsSaysWhereTheKeyIs: the file is there, and nobody else tells.
func TestAnAnswerThatFailsSaysWhereTheKeyIs(t *testing.T) {
	dir := t.TempDir()
	bdk, kbpk := filepath.Join(dir, "bdk"), filepath.Join(dir, "kbpk")
	for path, content := range map[string]string{bdk: randomHex(16), kbpk: randomHex(32)} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, args := range map[string][]string{
		"ik":    {"dukpt", "ik", "--bdk", "file:" + bdk, "--ksn", "FFFF9876543210E00000", "--kbpk", "file:" + kbpk},
		"key":   {"dukpt", "key", "--bdk", "file:" + bdk, "--ksn", "FFFF9876543210E00001", "--use", "pin", "--kbpk", "file:" + kbpk},
		"made":  {"generate", "--alg", "aes-128", "--usage", "D0", "--kbpk", "file:" + kbpk},
		"clear": {"dukpt", "ik", "--bdk", "file:" + bdk, "--ksn", "FFFF9876543210E00000", "--reveal", "--yes"},
	} {
		path := filepath.Join(dir, name)
		to := "block:" + path
		if name == "clear" {
			to = "file:" + path
		}
		var said bytes.Buffer
		a := &App{Env: keys.Env{Rand: rand.Reader, Now: time.Now}, In: strings.NewReader(""), Out: &failing{}, Err: &said,
			Getenv: func(string) string { return "" }}
		code := a.Run(t.Context(), append(args, "--to", to))
		if code != 1 || !strings.Contains(said.String(), "the key was written to "+to+", but the answer was not") {
			t.Errorf("%s: exit %d: %s", name, code, said.String())
		}
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: no file is there", name)
		}
	}
}
