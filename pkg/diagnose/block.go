package diagnose

// Key blocks that do not open, or that a device refuses.

import (
	"context"
	"math"
	"slices"
	"strconv"
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
	// Together is the XOR of the KBPKs, where the block opens under that and under none of them; nil otherwise.
	Together *BlockTry
	Of       []int // of which KBPKs Together is the XOR, from 1, where it is not of all
	// Malformed says what is wrong with the form of a text that is no key block as it stands; nothing was opened then,
	// but Mended is what of it verified with one thing put right.
	Malformed []keyblock.Finding
	Mended    *keyblock.Finding
	// Takes is what the device takes that refused the block; nil where no device is known.
	Takes *device.Capabilities
	Slot  device.Slot // into which it was to go; "" unknown
}

// BlockTry is what came of opening the block under one key.
type BlockTry struct {
	Name     string // of the KBPK
	Opens    bool
	Found    []keyblock.Finding // of the first one: what the boundary's examination says, where nothing opens the block
	Warnings []keyblock.Warning // of the opened block
}

func fromBlock(_ context.Context, c *Case) (Report, error) {
	b := c.Block
	switch {
	case b == nil:
		return Report{}, nil
	case len(b.Malformed) > 0:
		return b.malformed(), nil
	case len(b.Tries) == 0:
		return Report{}, nil
	}
	r := Report{Findings: b.refused()}
	t, opened := b.opened()
	if opened {
		r.Findings = append(r.Findings, b.underAnother(t)...)
		r.Findings = append(r.Findings, b.inside(t)...)
		r.Findings = append(r.Findings, b.outdated(c.Now)...)
	} else {
		for _, f := range b.Tries[0].Found {
			r.Findings = append(r.Findings, b.ofBlock(f))
		}
	}
	r = r.withVerdict()
	r.matched = opened && r.adviceOnly()
	if lies := t.untrue(); opened && len(lies) > 0 {
		r.Notes, r.matched, r.failed = lies, false, true
		r.Findings = slices.DeleteFunc(r.Findings, func(f Finding) bool { return f.Certainty == Possible }) // explains nothing of it
		if len(r.Findings) == 0 {
			r.Verdict = Unexplained
		}
		r.NextStep = notOfThisBlock()
	}
	if r.Verdict == Match && !opened {
		r.Verdict = Unexplained
		r.NextStep = text.New("the block does not open and nothing says why: compare the check values of the KBPK on both sides, and get the block again")
	}
	return r, nil
}

// opened is the first key that opens the block.
func (b *Block) opened() (BlockTry, bool) {
	for _, t := range b.Tries {
		if t.Opens {
			return t, true
		}
	}
	if b.Together != nil {
		return *b.Together, true
	}
	return BlockTry{}, false
}

// underAnother says of a block that opens, but not under the key said to be right, what it opens under.
func (b *Block) underAnother(t BlockTry) []Finding {
	if b.Tries[0].Opens {
		return nil
	}
	if b.Together != nil && len(b.Of) > 0 {
		return []Finding{b.underSome()}
	}
	f := seen(CauseWrongTransportKey, Proven, text.New("the block opens under %s, not under %s: it was closed under another KBPK than said",
		t.Name, b.Tries[0].Name))
	if b.Together != nil {
		f = seen(CauseComponentAsKey, Proven, text.New(
			"the block opens under the XOR of the %d KBPKs given, and under none of them: each is a component of the KBPK", len(b.Tries)))
	}
	f.Odds = float64(len(b.Tries)+1) * macChance(b.Header.Version)
	f.Evidence.Label = t.Name
	return []Finding{f}
}

// underSome says that the KBPK was formed of fewer components than were given.
func (b *Block) underSome() Finding {
	f := seen(CauseComponentCount, Proven, text.New(
		"the block opens under the XOR of KBPKs %s, and not with all %d of them: whoever closed it had fewer components, or one of them twice",
		listed(b.Of), len(b.Tries)))
	f.Odds = math.Pow(2, float64(len(b.Tries))) * macChance(b.Header.Version)
	f.Evidence.Parts = b.Of
	return f
}

// listed writes numbers one after the other.
func listed(all []int) string {
	words := make([]string, len(all))
	for i, n := range all {
		words[i] = strconv.Itoa(n)
	}
	return strings.Join(words, ", ")
}

// malformed is what can be told of a text that is no key block as it stands.
func (b *Block) malformed() Report {
	var r Report
	if b.Mended != nil {
		f := *b.Mended
		f.Text = text.New("%s: with that put right the block opens", f.Text)
		r.Findings = []Finding{b.ofBlock(f)}
		return r.withVerdict()
	}
	for _, f := range b.Malformed {
		r.Findings = append(r.Findings, b.ofBlock(f))
		if f.Cause == keyblock.LengthWrong {
			cut := seen(CauseLinkFault, Possible, f.Text)
			r.Findings = append(r.Findings, cut)
		}
	}
	return r.withVerdict()
}

// untrue lists what the header says of a key and what is not so, where no method explains it.
func (t BlockTry) untrue() []text.Text {
	var out []text.Text
	for _, w := range t.Warnings {
		if w.IsMismatch() {
			out = append(out, w.Text)
		}
	}
	return out
}

// macChance is the chance that a block opens under a wrong key: 4 bytes of MAC in versions A and C, 8 and more from B on.
func macChance(version byte) float64 {
	if version == 'A' || version == 'C' {
		return 1.0 / (1 << 32)
	}
	return 1.0 / (1 << 62)
}

// mostRepairs bounds the repairs that an examination tries: of the block, and again under two other forms of the KBPK.
const mostRepairs = 3 * 40000

// ofBlock turns a finding of the examination into one of the catalogue.
func (b *Block) ofBlock(f keyblock.Finding) Finding {
	out := seen(CauseWrongTransportKey, Certainty(f.Certainty), f.Text)
	switch f.Cause {
	case keyblock.KBPKForm:
		out = seen(formCause(f.Form), Certainty(f.Certainty), f.Text)
		if f.Character > 0 {
			out.Also = CauseMistypedDigit
		}
	case keyblock.KBPKTypo, keyblock.HeaderEdited, keyblock.PayloadEdited, keyblock.MACEdited, keyblock.LengthWrong:
		out = seen(CauseMistypedDigit, Certainty(f.Certainty), f.Text)
	}
	if f.Certainty == keyblock.Proven {
		out.Odds = mostRepairs * macChance(b.Header.Version)
	}
	if f.Character > 0 {
		out.Evidence.Edits = []Edit{{Of: PieceBlock, Part: 1, Digit: f.Character}}
	}
	if f.Digit > 0 {
		out.Evidence.Edits = keyEdits(f)
	}
	return out
}

func formCause(form string) Cause {
	if form == keyblock.HalvesSwapped {
		return CauseHalvesSwapped
	}
	return CauseLengthClass
}

// keyEdits places a slip in the KBPK.
func keyEdits(f keyblock.Finding) []Edit {
	one := Edit{Of: PieceKEK, Part: 1, Digit: f.Digit, Group: group(f.Digit - 1), Side: SideGiven}
	if !f.Swapped {
		return []Edit{one}
	}
	two := one
	two.Digit, two.Group = f.Digit+1, group(f.Digit)
	one.SwappedWith, two.SwappedWith = two.Digit, one.Digit
	return []Edit{one, two}
}

// inside looks at what the opened block says.
func (b *Block) inside(t BlockTry) []Finding {
	var out []Finding
	for _, w := range t.Warnings {
		cause, ok := ofWarning(w.ID)
		if ok {
			out = append(out, seen(cause, worthOfWarning(cause), w.Text))
		}
	}
	return out
}

// worthOfWarning: parity that is not odd is an advice, as it is beside a check value that agrees: most devices do not look.
func worthOfWarning(c Cause) Certainty {
	if c == CauseParityRejected {
		return Possible
	}
	return Likely
}

// ofWarning gives the cause that a warning about an opened block is a sign of.
func ofWarning(id string) (Cause, bool) {
	switch id {
	case keyblock.LintWeakerKBPK:
		return CauseWeakProtector, true
	case keyblock.LintSingleDESKBPK, keyblock.LintWeakKBPK, keyblock.LintSingleDES, keyblock.LintWeakKey:
		return CauseWeakKey, true
	case keyblock.LintKBPKParity, keyblock.LintKeyParity:
		return CauseParityRejected, true
	case keyblock.LintOddLength:
		return CauseLengthClass, true
	case keyblock.LintMissingKSN, keyblock.LintMisplacedKSN:
		return CauseKSNMismatch, true
	case keyblock.LintCheckMethod:
		return CauseKCVMethod, true
	case keyblock.LintCheckShort:
		return CauseKCVLength, true
	case keyblock.LintModeUnfit:
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
	return append(out, b.misplaced(len(out) > 0)...)
}

// misplaced holds the usage against what the slot takes. Where no slot takes such a block, another slot does not help yet.
func (b *Block) misplaced(nowhere bool) []Finding {
	var takes []string
	for _, rule := range b.Takes.Slots {
		if b.Slot == "" || !rule.Has(b.Slot) {
			continue
		}
		if rule.Usage == b.Header.Usage {
			return nil
		}
		if !slices.Contains(takes, string(rule.Usage)) {
			takes = append(takes, string(rule.Usage))
		}
	}
	if len(takes) == 0 {
		return nil
	}
	worth, usages := Likely, strings.Join(takes, ", ")
	if nowhere {
		worth = Possible
	}
	return []Finding{seen(CauseWrongSlot, worth, text.New("slot %s takes keys of usage %s, the block has %s",
		string(b.Slot), usages, string(b.Header.Usage)),
		Seen{What: text.New("usage"), Expected: text.Raw(usages), Observed: text.Raw(string(b.Header.Usage))})}
}
