package emulator

// The terminal that speaks the agent dialect alone: which slots it has and what may stand in them.

import (
	"context"
	"slices"

	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/keys"
)

// Manage is the dialect of a terminal that is loaded through its management agent: slot 0 for the key that blocks are
// under, 1 to 9 and A to F for others, D1 to D4 for DUKPT initial keys. TDES and AES keys come in blocks of the versions
// A, B, C, D and E, of any length.
func Manage() Port { return managePort{} }

type managePort struct{}

func (managePort) Dialect() string { return device.Agent }

// Serve is refused: the dialect goes over HTTPS ([Terminal.ListenManage]).
func (managePort) Serve(context.Context, *Wire) error {
	return fault.New(fault.Usage, "the agent dialect goes over https and not over a line of bytes")
}

const (
	manageKEK   = "0"
	manageSlots = "123456789ABCDEF"
)

func manageInitial() []device.Slot { return []device.Slot{"D1", "D2", "D3", "D4"} }

func (managePort) Layout() Layout {
	tdes, all := []int{16, 24}, []int{16, 24, 32}
	row := func(usage keys.Usage, modes string) device.SlotRule {
		return device.SlotRule{Slots: manageSlots, Usage: usage, Lengths: all, Algorithms: "TA", Modes: modes}
	}
	rules := []device.SlotRule{
		{Slots: manageKEK, Usage: keys.UsageKEK, Lengths: all, Algorithms: "TA", Modes: "BDE"},
		{Slots: manageKEK, Usage: keys.UsageKBPK, Lengths: all, Algorithms: "TA", Modes: "BDE"},
		row(keys.UsagePIN, "EDB"), row(keys.UsageData, "BED"), row(keys.UsageKEK, "BDE"), row(keys.UsageKBPK, "BDE"),
		{Slots: manageSlots, Usage: keys.UsageRetail, Lengths: tdes, Algorithms: "T", Modes: "GVC"},
		row("M6", "GVC"),
		{Named: manageInitial(), Usage: keys.UsageIK, Lengths: all, Algorithms: "TA", Modes: "X"},
	}
	return Layout{Rules: rules, Initial: manageInitial(), KEK: manageKEK, OneKSN: true,
		Known: func(slot device.Slot) bool {
			return slices.ContainsFunc(rules, func(r device.SlotRule) bool { return r.Has(slot) })
		},
	}
}
