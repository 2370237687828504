package cli

import (
	"crypto/rand"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/device/emulator"
	"poskey/pkg/keys"
)

// TestHandsOpenAndLeaveTheKeyInjectMode: two passwords open it, the key CAN leaves it.
func TestHandsOpenAndLeaveTheKeyInjectMode(t *testing.T) {
	accounts, err := emulator.DefaultAccounts()
	if err != nil {
		t.Fatal(err)
	}
	term := emulator.New(emulator.Config{Env: keys.Env{Rand: rand.Reader, Now: time.Now}, Accounts: accounts, InjectModeOff: true})
	defer term.Wipe()
	for _, step := range []struct {
		words []string
		in    bool
	}{
		{[]string{"cancel"}, false},
		{[]string{"inject-mode", emulator.DefaultKeyLoaderA, emulator.DefaultKeyLoaderB}, true},
		{[]string{"cancel"}, false},
	} {
		if err := hand(term, step.words); err != nil || term.InInjectMode() != step.in {
			t.Errorf("%s: %v, in the mode %t", step.words[0], err, term.InInjectMode())
		}
	}
	for _, wrong := range [][]string{{"cancel", "all"}, {"inject-mode", "A"}, {"leave"}} {
		if err := hand(term, wrong); !fault.Is(err, fault.Usage) {
			t.Errorf("%v: %v", wrong, err)
		}
	}
}
