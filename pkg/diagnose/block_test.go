package diagnose_test

// Key blocks: what opens them instead of the KBPK said, what the examination found, and what a device takes.

import (
	"slices"
	"testing"

	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/diagnose"
	"poskey/pkg/keyblock"
)

func header(t testing.TB, h string) keyblock.Header {
	t.Helper()
	out, err := keyblock.BuildHeader(h)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func found(f keyblock.Finding) []diagnose.BlockTry {
	return []diagnose.BlockTry{{Name: "KBPK 1", Found: []keyblock.Finding{f}}}
}

func TestEveryResultOfABlockNamesItsCause(t *testing.T) {
	shut := diagnose.BlockTry{Name: "KBPK 1"}
	proven := func(f keyblock.Finding) keyblock.Finding {
		f.Certainty, f.Text = keyblock.Proven, text.Raw("seen")
		return f
	}
	for name, c := range map[string]struct {
		tries    []diagnose.BlockTry
		together *diagnose.BlockTry
		want     diagnose.Cause
		also     diagnose.Cause
		digits   []int
	}{
		"another KBPK": {tries: []diagnose.BlockTry{shut, {Name: "KBPK 2", Opens: true}}, want: diagnose.CauseWrongTransportKey},
		"components": {tries: []diagnose.BlockTry{shut, shut}, together: &diagnose.BlockTry{Name: "XOR", Opens: true},
			want: diagnose.CauseComponentAsKey},
		"slip in the KBPK": {tries: found(proven(keyblock.Finding{Cause: "kbpk_typo", Digit: 7})), want: diagnose.CauseMistypedDigit, digits: []int{7}},
		"swap in the KBPK": {tries: found(proven(keyblock.Finding{Cause: "kbpk_typo", Digit: 7, Swapped: true})),
			want: diagnose.CauseMistypedDigit, digits: []int{7, 8}},
		"halves": {tries: found(proven(keyblock.Finding{Cause: "kbpk_form", Form: "halves_swapped"})), want: diagnose.CauseHalvesSwapped},
		"halves and a character": {tries: found(proven(keyblock.Finding{Cause: "kbpk_form", Form: "halves_swapped", Character: 70})),
			want: diagnose.CauseHalvesSwapped, also: diagnose.CauseMistypedDigit, digits: []int{70}},
		"length": {tries: found(proven(keyblock.Finding{Cause: "kbpk_form", Form: "16_as_24"})), want: diagnose.CauseLengthClass},
		"a character": {tries: found(proven(keyblock.Finding{Cause: "mac_edited", Character: 71})), want: diagnose.CauseMistypedDigit,
			digits: []int{71}},
	} {
		b := &diagnose.Block{Header: header(t, "A0000P0TE00N0000"), Tries: c.tries, Together: c.together}
		f := first(t, diagnosed(t, diagnose.Case{Block: b}))
		var digits []int
		for _, e := range f.Evidence.Edits {
			digits = append(digits, e.Digit)
		}
		if f.Cause != c.want || f.Also != c.also || f.Certainty != diagnose.Proven || f.Odds <= 0 || f.Odds > 1e-4 || !slices.Equal(digits, c.digits) {
			t.Errorf("%s: %s %s %s, odds %g, digits %v", name, f.Certainty, f.Cause, f.Also, f.Odds, digits)
		}
	}
}

// TestASlotMayTakeKeysOfSeveralUsages: the slot has a rule for each of them, and one that agrees is enough. Where no slot
// takes the version of the block, another slot does not help yet.
func TestASlotMayTakeKeysOfSeveralUsages(t *testing.T) {
	takes := &device.Capabilities{BlockVersions: "AB", Slots: []device.SlotRule{{Slots: "12", Usage: "P0"}, {Slots: "12", Usage: "K0"}}}
	for head, want := range map[string][]diagnose.Cause{
		"B0000P0TE00N0000": nil,
		"B0000K0TD00N0000": nil,
		"B0000M3TG00N0000": {diagnose.CauseWrongSlot},
		"D0000P0AE00N0000": {diagnose.CauseFirmwareOld},
		"D0000M6AG00N0000": {diagnose.CauseFirmwareOld, diagnose.CauseWrongSlot},
	} {
		b := &diagnose.Block{Header: header(t, head), Takes: takes, Slot: "1", Tries: []diagnose.BlockTry{{Name: "KBPK 1", Opens: true}}}
		var got []diagnose.Cause
		for _, f := range diagnosed(t, diagnose.Case{Block: b}).Findings {
			got = append(got, f.Cause)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", head, got, want)
		}
	}
}
