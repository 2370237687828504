package cli

import (
	"errors"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/pkg/device"
)

// TestAHintSpeaksOfWhatFailed: one kind of error comes from devices, databases and the agent.
func TestAHintSpeaksOfWhatFailed(t *testing.T) {
	sealed := fault.New(fault.Sealed, "the store is sealed")
	for _, c := range []struct {
		err       error
		says, not string
	}{
		{fault.New(fault.DeviceLink, "the database cannot be reached"), "database", ""},
		{fault.New(fault.DeviceTimeout, "no answer"), "device", ""},
		{fault.Wrap(&device.OutcomeUnknown{Cause: errors.New("cut")}, "slot F"), "the terminal", "poskey store unseal"},
		{fault.WrapAs(fault.OutcomeUnknown, sealed, "it was done"), "poskey store unseal", "terminal"},
		{fault.Wrap(fault.WrapAs(fault.OutcomeUnknown, sealed, "it was done"), "outside"), "poskey store unseal", "terminal"},
		{fault.WrapAs(fault.OutcomeUnknown, errors.New("eof"), "the line to the database broke"), "poskey key list", "unseal"},
		{sealed, "poskey store unseal", "done"},
		{fault.New(fault.LogBroken, "line 4"), "checkpoints", "ceremony"},
		{&recordError{error: fault.New(fault.LogBroken, "no end"), open: true, folder: "zmk-1"}, "poskey ceremony resume zmk-1", "checkpoint"},
		{fault.Wrap(&recordError{error: fault.New(fault.LogBroken, "line 4")}, "outside"), "those who signed it", "checkpoint"},
		{fault.New(fault.RevealNeeded, "--to file: writes the clear key"), "--reveal", ""},
		{fault.New(fault.NotConfirmed, "not confirmed"), "--yes", "--reveal"},
		{fault.New(fault.InputNeeded, "confirmation is missing"), "--yes", "--reveal"},
	} {
		hint := hintFor(c.err).String()
		if !strings.Contains(hint, c.says) || c.not != "" && strings.Contains(hint, c.not) {
			t.Errorf("%v (%s): %q", c.err, fault.KindOf(c.err), hint)
		}
	}
}
