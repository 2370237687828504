package cli

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/pkg/custody"
	"poskey/pkg/vault"
)

// TestWhatWasDoneIsNotCalledSealed: the store was sealed between the act and the record of its outcome.
func TestWhatWasDoneIsNotCalledSealed(t *testing.T) {
	broken := errors.New("the second of two")
	partly := fault.New(fault.Partial, "one of two is done")
	for _, c := range []struct {
		activity custody.Activity
		flags    []string
		kept     string // in the store
		err      error  // of the command
		want     fault.Kind
		says     string
	}{
		{custody.KeyCheck, nil, "", nil, fault.Sealed, "could not be recorded"},
		{custody.KeyProbe, nil, "", nil, fault.Sealed, "could not be recorded"},
		{custody.KeyReveal, nil, "", nil, fault.Sealed, "could not be recorded"},
		{custody.KeyUnwrap, nil, "", nil, fault.Sealed, "could not be recorded"},
		{custody.KeyWrap, nil, "", nil, fault.Sealed, "could not be recorded"},
		{custody.DeviceInject, []string{"--dry-run"}, "", nil, fault.Sealed, "could not be recorded"},
		{custody.KeyUnwrap, []string{"--to", "block:x"}, "", nil, fault.OutcomeUnknown, "it was done"},
		{custody.KeyGenerate, []string{"--to-dir", "x"}, "", nil, fault.OutcomeUnknown, "it was done"},
		{custody.KeyDerive, nil, "IK#1", nil, fault.OutcomeUnknown, "it was done"},
		{custody.DeviceInject, nil, "", nil, fault.OutcomeUnknown, "it was done"},
		{custody.KeyState, nil, "", nil, fault.OutcomeUnknown, "it was done"},
		{custody.KeyDestroy, nil, "", nil, fault.OutcomeUnknown, "it was done"},
		{custody.KeySplit, nil, "", nil, fault.OutcomeUnknown, "it was done"},
		{custody.DeviceManage, nil, "", nil, fault.OutcomeUnknown, "it was done"},
		{custody.DeviceInject, nil, "", partly, fault.OutcomeUnknown, "some of it may have been done (one of two is done)"},
		{custody.KeyCheck, nil, "", partly, fault.Sealed, "could not be recorded"},
		{custody.DeviceInject, nil, "", broken, fault.Failure, "the second of two"},
	} {
		cmd := &cobra.Command{Use: "x"}
		cmd.Flags().String("to", "", "")
		cmd.Flags().String("to-dir", "", "")
		cmd.Flags().Bool("dry-run", false, "")
		if err := cmd.ParseFlags(c.flags); err != nil {
			t.Fatal(err)
		}
		a := &App{}
		a.holding = holding{flags: cmd.Flags(), work: &vault.Work{Work: sealedSince{}}, activity: c.activity}
		a.holding.outcome.Label = c.kept
		if err := a.finish(context.Background(), c.err); !fault.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s %q, %v: %v, want %s", c.activity, c.flags, c.err, err, c.want)
		}
		if err := a.record(context.Background(), nil); err != nil {
			t.Errorf("%s: recorded twice", c.activity)
		}
	}
}
