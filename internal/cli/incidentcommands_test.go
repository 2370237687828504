package cli

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/agent"
	"poskey/pkg/incident"
)

// TestEveryProposedCommandIsOneThatPoskeyTakes: whoever follows the steps types what is shown.
func TestEveryProposedCommandIsOneThatPoskeyTakes(t *testing.T) {
	about := []incident.Item{{What: incident.ItemKey, Name: "ZMK-1#1"}, {What: incident.ItemDevice, Name: "PK00000001"},
		{What: incident.ItemBag, Name: "it's 7"}, {What: incident.ItemOfficer, Name: "custodian.a"}, {What: incident.ItemNumbers, Name: "KS-1"}}
	clock := func() time.Time { return time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC) }
	for _, kind := range incident.Kinds() {
		d, err := incident.Create(t.TempDir(), incident.Head{Kind: kind, Title: "x"}, incident.Entry{By: "a", Items: about}, nil, incident.Options{Now: clock})
		if err != nil {
			t.Fatal(err)
		}
		view := &incidentView{site: &incidentSite{dir: "a site"}, doc: d}
		lines := view.next()
		for _, s := range incident.Steps(kind) {
			lines = append(lines, d.Commands(s)...)
			for _, line := range view.commands(s) {
				if strings.HasPrefix(line, "poskey incident ") && !strings.HasSuffix(line, " --dir 'a site'") || strings.Contains(line, " contain ") {
					t.Errorf("%s: %s: %q is proposed where there is no store", kind, s.ID, line)
				}
				lines = append(lines, line)
			}
		}
		for _, line := range lines {
			checkLine(t, line)
		}
	}
}

// checkLine parses a command as the shell and poskey do.
func checkLine(t *testing.T, line string) {
	t.Helper()
	words := unquoted(line)
	root := Tree()
	cmd, rest, err := root.Find(words[1:])
	if err != nil {
		t.Errorf("%q: %v", line, err)
		return
	}
	cmd.InitDefaultHelpFlag()
	if err := cmd.ParseFlags(rest); err != nil {
		t.Errorf("%q: %v", line, err)
		return
	}
	if slices.Contains(words, "--help") || cmd.HasSubCommands() && cmd.Flags().NArg() == 0 {
		return
	}
	if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
		t.Errorf("%q: %v", line, err)
	}
	if err := cmd.ValidateRequiredFlags(); err != nil {
		t.Errorf("%q: %v", line, err)
	}
}

// unquoted takes a line apart as a shell does that knows blanks and single quotes.
func unquoted(line string) []string {
	words := strings.Split(strings.ReplaceAll(line, `'\''`, "\x00"), "'")
	for i := 1; i < len(words); i += 2 { // what stands between quotes is one word
		words[i] = strings.ReplaceAll(words[i], " ", "\x01")
	}
	all := strings.Fields(strings.Join(words, ""))
	for i := range all {
		all[i] = strings.NewReplacer("\x00", "'", "\x01", " ").Replace(all[i])
	}
	return all
}

// TestOfficersAreShownEveryNameThatTheyApprove: neither does a row go on behind its end, nor are there more rows than are shown.
func TestOfficersAreShownEveryNameThatTheyApprove(t *testing.T) {
	d := &incident.Document{Head: incident.Head{Kind: incident.KeyCompromised}}
	var acts []*containAct
	for i := range 60 {
		acts = append(acts, &containAct{name: "compromise", object: fmt.Sprintf("ZMK-%d#1", i)})
	}
	details, err := actDetails(d, acts)
	if err != nil {
		t.Fatal(err)
	}
	all := " "
	for name, value := range details {
		if !agent.IsSaidWhole(name, value) {
			t.Errorf("a row is cut: %s: %s", name, value)
		}
		all += strings.ReplaceAll(value, ",", " ") + " "
	}
	for _, act := range acts {
		if !strings.Contains(all, " "+act.object+" ") {
			t.Errorf("%s is not shown", act.object)
		}
	}
	for i := range 400 {
		acts = append(acts, &containAct{name: "compromise", object: fmt.Sprintf("ZMK-%d#2", i)})
	}
	if _, err := actDetails(d, acts); !fault.Is(err, fault.Usage) {
		t.Errorf("more than can be shown: %v", err)
	}
}
