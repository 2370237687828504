package emulator

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"poskey/pkg/device"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// Corrupt damages the memory of one slot, as flash does when it ages. It reports whether there was a key.
func (t *Terminal) Corrupt(slot device.Slot) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.corrupt(slot)
}

func deviceSlot(s string) device.Slot { return device.Slot(s) }

// ownDir is a directory as a terminal wants it.
func ownDir(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "terminal")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

var defaultAccounts = sync.OnceValues(DefaultAccounts) // hashing takes time

func accounts(t testing.TB) []Account {
	t.Helper()
	all, err := defaultAccounts()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// wrapped closes a version A block for a PIN slot.
func wrapped(t testing.TB, kbpk, key *keys.Key) string {
	t.Helper()
	p, err := keyblock.NewProtector('A', kbpk)
	if err != nil {
		t.Fatal(err)
	}
	h := keyblock.Header{Version: 'A', Usage: "P0", Algorithm: 'T', Mode: 'E', KeyVersion: "00", Exportability: 'N',
		Context: '0', Reserved: '0'}
	text, _, err := p.Wrap(zeros{}, h, key, keyblock.WrapOptions{AllowWeak: true})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func checkBytes(t testing.TB, k *keys.Key) []byte {
	t.Helper()
	full, err := kcv.Compute(k.Algorithm(), k.Secret().Expose(), kcv.Default(k.Algorithm()))
	if err != nil {
		t.Fatal(err)
	}
	return full
}

func asBase64(b []byte) string { return strings.TrimRight(base64.StdEncoding.EncodeToString(b), "=") }
