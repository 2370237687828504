package emulator

import (
	"sync"
	"testing"

	"poskey/pkg/device"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

func deviceSlot(s string) device.Slot { return device.Slot(s) }

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
