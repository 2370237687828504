package diagnose

// Key blocks that do not open, or that a device refuses.

import (
	"context"
	"strings"
	"time"

	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/keyblock"
)

// Block is a key block that makes trouble.
type Block struct {
	Header keyblock.Header
	Length int        // in characters
	Tries  []BlockTry // the KBPK said to be right first, then others
	// Takes is what the device takes that refused the block; nil where no device is known.
	Takes *device.Capabilities
	Slot  device.Slot // into which it was to go; "" unknown
}

// BlockTry is what came of opening the block under one key.
type BlockTry struct {
	Name     string // of the KBPK
	Opens    bool
	Found    []keyblock.Finding // what the boundary's examination says, where it does not open
	Warnings []keyblock.Warning // of the opened block
}

func fromBlock(_ context.Context, c *Case) (Report, error) {
	b := c.Block
	if b == nil || len(b.Tries) == 0 {
		return Report{}, nil
	}
	var r Report
	opened := -1
	for i, t := range b.Tries {
		if t.Opens {
			opened = i
			break
		}
	}
	switch {
	case opened < 0:
		for _, f := range b.Tries[0].Found {
			r.Findings = append(r.Findings, ofBlock(f))
		}
	case opened > 0:
		f := seen(CauseWrongTransportKey, Proven, text.New("the block opens under %s, not under %s: it was closed under another KBPK than said",
			b.Tries[opened].Name, b.Tries[0].Name))
		f.Odds = float64(len(b.Tries)) * macChance(b.Header.Version)
		f.Evidence.Label = b.Tries[opened].Name
		r.Findings = append(r.Findings, f)
	}
	if opened >= 0 {
		r.Findings = append(r.Findings, b.inside(b.Tries[opened])...)
		r.Findings = append(r.Findings, b.outdated(c.Now)...)
	}
	r.Findings = append(r.Findings, b.refused()...)
	r = r.withVerdict()
	if r.Verdict == Match && opened < 0 {
		r.Verdict = Unexplained
		r.NextStep = text.New("the block does not open and nothing says why: compare the check values of the KBPK on both sides, and get the block again")
	}
	return r, nil
}

// macChance is the chance that a block opens under a wrong key: 4 bytes of MAC in versions A and C, 8 and more from B on.
func macChance(version byte) float64 {
	if version == 'A' || version == 'C' {
		return 1.0 / (1 << 32)
	}
	return 1.0 / (1 << 62)
}

// ofBlock turns a finding of the examination into one of the catalogue.
func ofBlock(f keyblock.Finding) Finding {
	cause := CauseWrongTransportKey
	switch f.Cause {
	case "kbpk_form":
		cause = CauseLengthClass
		if f.Form == "halves_swapped" {
			cause = CauseHalvesSwapped
		}
	case "header_edited", "payload_edited", "mac_edited":
		cause = CauseMistypedDigit
	}
	out := seen(cause, Certainty(f.Certainty), f.Text)
	if f.Certainty == keyblock.Proven {
		out.Odds = 1.0 / (1 << 16) // 40,000 repairs tried against a MAC of 32 bits, at worst
	}
	if f.Character > 0 {
		out.Evidence.Edits = []Edit{{Of: PieceBlock, Part: 1, Digit: f.Character}}
	}
	return out
}

// inside looks at what the opened block says.
func (b *Block) inside(t BlockTry) []Finding {
	var out []Finding
	for _, w := range t.Warnings {
		cause, ok := ofWarning(w.ID)
		if ok {
			out = append(out, seen(cause, Likely, w.Text))
		}
	}
	return out
}

// ofWarning gives the cause that a warning about an opened block is a sign of.
func ofWarning(id string) (Cause, bool) {
	switch id {
	case "weaker_kbpk":
		return CauseWeakProtector, true
	case "single_des_kbpk", "weak_kbpk", "single_des", "weak_key":
		return CauseWeakKey, true
	case "kbpk_parity", "key_parity":
		return CauseParityRejected, true
	case "odd_length":
		return CauseLengthClass, true
	case "missing_ksn", "misplaced_ksn":
		return CauseKSNMismatch, true
	case "check_method":
		return CauseKCVMethod, true
	case "check_short":
		return CauseKCVLength, true
	case "mode_unfit":
		return CauseSourceLevel, true
	}
	return "", false
}

// outdated reads the times that the block carries (TS is when it was made, and says nothing of an end).
func (b *Block) outdated(now time.Time) []Finding {
	for _, o := range b.Header.Optional {
		if o.ID != "TS" || now.IsZero() {
			continue
		}
		made, err := time.Parse("20060102150405Z", o.Data)
		if err == nil && made.After(now.Add(clockProven)) {
			return []Finding{seen(CauseInjectorClock, Likely, text.New(
				"the block says it was made on %s, which has not come yet: one of the clocks is wrong", date(made)),
				Seen{What: text.New("time stamp of the block"), Expected: text.Raw(date(now)), Observed: text.Raw(date(made))})}
		}
	}
	return nil
}

// refused holds the block against what the device takes.
func (b *Block) refused() []Finding {
	if b.Takes == nil {
		return nil
	}
	var out []Finding
	if v := string(b.Header.Version); b.Takes.BlockVersions != "" && !strings.Contains(b.Takes.BlockVersions, v) {
		out = append(out, seen(CauseFirmwareOld, Likely, text.New("the block has version %s, the device takes %s", v, b.Takes.BlockVersions),
			Seen{What: text.New("version of the block"), Expected: text.Raw(b.Takes.BlockVersions), Observed: text.Raw(v)}))
	}
	if a := string(b.Header.Algorithm); b.Takes.Algorithms != "" && !strings.Contains(b.Takes.Algorithms, a) {
		out = append(out, seen(CauseFirmwareOld, Likely, text.New("the key is for algorithm %s, the device takes keys for %s", a, b.Takes.Algorithms),
			Seen{What: text.New("algorithm"), Expected: text.Raw(b.Takes.Algorithms), Observed: text.Raw(a)}))
	}
	for _, rule := range b.Takes.Slots {
		if b.Slot != "" && rule.Has(b.Slot) && rule.Usage != b.Header.Usage {
			out = append(out, seen(CauseWrongSlot, Likely, text.New("slot %s takes keys of usage %s, the block has %s",
				string(b.Slot), string(rule.Usage), string(b.Header.Usage)),
				Seen{What: text.New("usage"), Expected: text.Raw(string(rule.Usage)), Observed: text.Raw(string(b.Header.Usage))}))
		}
	}
	return out
}
