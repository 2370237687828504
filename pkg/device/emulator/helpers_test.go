package emulator

import (
	"sync"
	"testing"

	"poskey/pkg/device"
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
