package cli

// The steps on the page of a diagnosis: commands that can be copied, and nothing in them that may be a key.

import (
	"strings"
	"testing"

	"poskey/internal/i18n"
	"poskey/internal/page"
	"poskey/internal/text"
	"poskey/pkg/diagnose"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
	"poskey/pkg/playbook"
)

func commandLine(words []commandWord) string {
	var out []string
	for _, word := range words {
		line := ""
		for _, part := range word {
			line += part.Text
		}
		out = append(out, line)
	}
	return strings.Join(out, "|")
}

func TestCommandsOfAPageAreFilledWithWhatIsKnown(t *testing.T) {
	p := &diagnosisPrinter{in: i18n.New(i18n.English), known: map[string]string{"device": "agent+https://h:1?a=b&c=d", "slot": "0",
		"label": "it's", "key": "hex:" + pageTMK, "kcv": "-x", "vendor": strings.Repeat("v", mostFilled+1), "tmk": "store:TMK-1"}}
	step := func(args, holes string) playbook.Step {
		return playbook.Step{Command: "poskey", Args: strings.Fields(args), Holes: strings.Fields(holes)}
	}
	for _, c := range []struct {
		step       playbook.Step
		want, left string
	}{
		{step("device status --device {device}", "device"), "poskey|device|status|--device 'agent+https://h:1?a=b&c=d'", ""},
		{step("inject --slot {slot} --yes --key {tmk}", "slot tmk"), "poskey|inject|--slot 0|--yes|--key store:TMK-1", ""},
		{step("key show {label}", "label"), `poskey|key|show|'it'\''s'`, ""},
		{step("a --to store:{x} b", "x"), "poskey|a|--to store:{x}|b", "x"},
		{step("a --key {key} --expect {kcv} --vendor {vendor}", "key kcv vendor"),
			"poskey|a|--key {key}|--expect {kcv}|--vendor {vendor}", "kcv key vendor"},
		{step("a {slot}:{x}:{tmk}", "slot x tmk"), "poskey|a|0:{x}:store:TMK-1", "x"},
		{step("a #1 ", ""), "poskey|a|'#1'", ""},
	} {
		words, left := p.command(c.step)
		if got := commandLine(words); got != c.want || strings.Join(left, " ") != c.left {
			t.Errorf("%v: %s, left %v; want %s, left %s", c.step.Args, got, left, c.want, c.left)
		}
	}
}

func TestAPageTellsWhatToDoAboutBothOfTwoMistakes(t *testing.T) {
	f := diagnose.Finding{Cause: diagnose.CauseHalvesSwapped, Also: diagnose.CauseKCVMethod, Certainty: diagnose.Proven, Odds: 1e-5,
		NextTest: text.Raw("enter it again")}
	d := drawnCase{c: diagnose.Case{Checks: []diagnose.Check{{Facts: diagnose.Facts{Algorithm: keys.TDES128, Kind: diagnose.Key,
		Expected: kcv.Expected{Digits: "AEB6E1"}}}}}, r: diagnose.Report{Verdict: diagnose.Explained, Findings: []diagnose.Finding{f}}}
	d.c.Now = pageDay()
	for _, lang := range []i18n.Lang{i18n.English, i18n.Chinese} {
		written := pageOf(t, lang, &d)
		say := &diagnosisPrinter{in: i18n.New(lang)}
		for _, want := range []string{"<h1>" + page.Sentence(say.say(causeTitle(f))) + "</h1>", "poskey diagnose playbook halves-swapped",
			"poskey diagnose playbook kcv-method", "<h3>" + page.Sentence(say.say(f.Also.Title())) + "</h3>"} {
			if !strings.Contains(written, want) {
				t.Errorf("%s: the page does not say %q", lang, want)
			}
		}
	}
	marked := map[chainRole]bool{}
	for _, c := range chainsOf(&d.c, &d.r) {
		c.root.each(func(l *chainLink) { marked[l.role] = len(l.marks) > 0 })
	}
	if !marked[roleKey] || !marked[roleCheck] {
		t.Errorf("the two mistakes sit at %v", marked)
	}
}

// TestASlotThatCannotBeReadSaysSo: one that the inventory knows, and one that it does not.
func TestASlotThatCannotBeReadSaysSo(t *testing.T) {
	c := pageDevice(func(c *diagnose.Case) {
		c.Device.Slots[0].Damaged, c.Device.Slots[1].Damaged = true, true
		c.Wanted = c.Wanted[:1]
	})
	for _, l := range slotLinks(&c)[:2] {
		if last := l.lines[len(l.lines)-1].String(); l.state != linkBreaks || last != "cannot be read" {
			t.Errorf("slot %s: %s, %q", l.slot, l.state, last)
		}
	}
}

func TestKeysOfADeviceHangUnderTheKeysThatProtectThem(t *testing.T) {
	parents := func(all ...string) string { // slot=label<parent
		c := pageDevice(func(*diagnose.Case) {})
		c.Wanted, c.Device.Slots, c.Device.Initial = nil, nil, nil
		for _, w := range all {
			label, parent, _ := strings.Cut(w, "<")
			c.Wanted = append(c.Wanted, diagnose.Wanted{Slot: "s", Label: label, Parent: parent})
		}
		var shape func(all []*chainLink) string
		shape = func(all []*chainLink) string {
			out := ""
			for _, l := range all {
				out += " " + l.lines[0].String()
				if strings.HasPrefix(l.lines[len(l.lines)-1].String(), "protected by") {
					out += "!"
				}
				if len(l.under) > 0 {
					out += "(" + shape(l.under) + " )"
				}
			}
			return out
		}
		return shape(slotLinks(&c))
	}
	for _, c := range []struct {
		all  []string
		want string
	}{
		{[]string{"PIK<TMK", "TMK<KLK", "KLK", "MAK<TMK"}, " KLK( TMK( PIK MAK ) )"},
		{[]string{"TMK<ZMK", "PIK<TMK"}, " TMK!( PIK )"},
		{[]string{"A<B", "B<A", "C<C"}, " A! B! C!"},
		{[]string{"A", "B<A", "C<B", "D<C", "E<D", "F<E"}, " A( B( C( D ) ) ) E! F!"},
	} {
		if got := parents(c.all...); got != c.want {
			t.Errorf("%v: %s, want %s", c.all, got, c.want)
		}
	}
}
