package main

// The commands of the playbooks, held against the commands that there are.

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"poskey/internal/testcli"
	"poskey/internal/testvec"
	"poskey/pkg/kcv"
	"poskey/pkg/playbook"
)

// pagesOf gives the pages of a language; none is fatal.
func pagesOf(t *testing.T, lang string) []playbook.Page {
	t.Helper()
	book, err := playbook.Open(lang)
	if err != nil {
		t.Fatal(err)
	}
	if len(book.Pages()) == 0 {
		t.Fatalf("the book has no pages in %s", lang)
	}
	return book.Pages()
}

// fits are values of placeholders as people would give them: the form of a command is looked at, and what it takes.
func fits() map[string]string {
	values := map[string]string{
		"device": "agent+https://127.0.0.1:1?ca=ca.crt&cert=host.crt&key=host.key", "slot": "0", "login": "99", "reason": "software",
		"vendor": "pax", "alg": "tdes-128", "usage": "P0", "kcv": "08D7B4", "got": "8D0A74", "kcv1": "E2AC18", "kcv2": "1E656F",
		"ksn": "FFFF9876543210E00000", "code": "003", "answer": "A0",
	}
	for _, p := range playbook.Placeholders() {
		if values[p.Name] == "" {
			values[p.Name] = "PK-1"
		}
	}
	return values
}

// TestCommandsOfThePlaybooksParse: each is one that there is, with its flags and as many arguments as it takes.
func TestCommandsOfThePlaybooksParse(t *testing.T) {
	commands := testcli.CommandsOf(t)
	for _, lang := range playbook.Languages() {
		for _, page := range pagesOf(t, lang) {
			for _, step := range slices.Concat(page.Checks, page.Fix) {
				if step.Command == "" {
					continue
				}
				args, missing := step.Fill(fits())
				if len(missing) > 0 {
					t.Errorf("%s (%s): nothing fits %v: %s", page.ID, lang, missing, step.Command)
					continue
				}
				words := testcli.WordsOf(args)
				if commands[words] == nil {
					t.Errorf("%s (%s): there is no command %q: %s", page.ID, lang, words, step.Command)
				} else if err := testcli.Parses(words, args); err != nil {
					t.Errorf("%s (%s): %s: %v", page.ID, lang, step.Command, err)
				}
			}
		}
	}
}

// closed are flags whose values are words of a closed list, which the help of a command tells.
func closed() []string { return []string{"lock", "reason", "template"} }

// TestWordsOfThePlaybooksAreThoseOfTheCommands: what a page writes out for a flag with a closed list stands in that command's help.
func TestWordsOfThePlaybooksAreThoseOfTheCommands(t *testing.T) {
	commands := testcli.CommandsOf(t)
	looked := 0
	for _, page := range pagesOf(t, playbook.English) {
		for _, step := range slices.Concat(page.Checks, page.Fix) {
			for i, arg := range step.Args {
				name, isFlag := strings.CutPrefix(arg, "--")
				if name == "method" && isFlag && step.Args[i+1] != "all" {
					if _, err := kcv.ParseMethod(step.Args[i+1]); err != nil {
						t.Errorf("%s: %s: %v", page.ID, step.Command, err)
					}
				}
				if !isFlag || !slices.Contains(closed(), name) || i+1 == len(step.Args) || strings.Contains(step.Args[i+1], "{") {
					continue
				}
				cmd := commands[testcli.WordsOf(step.Args)]
				if cmd == nil || strings.Contains(step.Args[i+1], " ") { // a reason in words is free
					continue
				}
				looked++
				if word := regexp.MustCompile(`\b` + regexp.QuoteMeta(step.Args[i+1]) + `\b`); !word.MatchString(cmd.Long + cmd.UsageString()) {
					t.Errorf("%s: %s: the help of the command does not have %s", page.ID, step.Command, step.Args[i+1])
				}
			}
		}
	}
	if looked == 0 {
		t.Fatal("no page writes out such a value")
	}
}

// TestWhatACommandCanFixHasItsCommand: the page of each cause that a command can put right gives the command among the steps of
// its fix; the others are put right by people.
func TestWhatACommandCanFixHasItsCommand(t *testing.T) {
	byHand := map[string]string{
		"mak-needs-doubling": "the terminal's program is changed",
		"mak-slot-16":        "the terminal's program is changed",
		"zmk-length-setting": "the host's setting is changed",
	}
	needs := map[string][]string{
		"empty-slot": {"inject"}, "wrong-slot": {"inject"}, "key-service": {"device restart", "device update"},
		"restart-client": {"device restart"}, "tamper": {"device unlock", "inject"}, "terminal-locked": {"device unlock"},
		"key-expired": {"key rotate", "inject"}, "storage-corrupt": {"inject", "store restore"}, "firmware-old": {"device update"},
		"key-exposed": {"key compromise", "inject"}, "weak-key": {"inject"}, "power-loss": {"inject"}, "link-fault": {"inject"},
		"duplicate-kcv-fleet": {"inject"}, "mistyped-digit": {"combine"}, "component-count": {"combine"}, "component-as-key": {"ceremony new", "inject"},
		"components-concatenated": {"combine"}, "ipek-bdk": {"inject"}, "ksn-mismatch": {"inject"}, "wrong-tmk": {"inject"},
	}
	for _, page := range pagesOf(t, playbook.English) {
		var there []string
		for _, step := range page.Fix {
			if step.Command != "" {
				there = append(there, testcli.WordsOf(step.Args))
			}
		}
		if byHand[page.ID] == "" && len(there) == 0 {
			t.Errorf("%s: no step of the fix has a command, and it is not listed as done by hand", page.ID)
		}
		if byHand[page.ID] != "" && len(there) > 0 {
			t.Errorf("%s: it is listed as done by hand, and has %v", page.ID, there)
		}
		for _, want := range needs[page.ID] {
			if !slices.Contains(there, want) {
				t.Errorf("%s: no step of the fix gives poskey %s; there is %v", page.ID, want, there)
			}
		}
		delete(needs, page.ID)
	}
	for id := range needs {
		t.Errorf("there is no page %s", id)
	}
}

// TestNoSectionIsASentenceThatSaysNothing: a list has two entries or one with some weight, and what it means is told in more than
// a line.
func TestNoSectionIsASentenceThatSaysNothing(t *testing.T) {
	weight := map[string]int{playbook.English: 60, playbook.Chinese: 18} // characters
	for _, lang := range playbook.Languages() {
		for _, page := range pagesOf(t, lang) {
			for name, lines := range map[string][]string{
				"technical": page.Technical, "operational": page.Operational, "management": page.Management, "prevention": page.Prevention,
				"trade": page.Trade, "risk": page.Risk, "stop": page.Stop, "record": page.Record,
			} {
				if all := []rune(strings.Join(lines, "")); len(all) < weight[lang] {
					t.Errorf("%s (%s): %s says next to nothing: %q", page.ID, lang, name, string(all))
				}
			}
			if means := []rune(strings.Join(page.Means, "")); len(means) < 2*weight[lang] {
				t.Errorf("%s (%s): what it means is told in %d characters", page.ID, lang, len(means))
			}
		}
	}
}

// TestEveryPageIsAFileInBothLanguages: each is parsed as strictly as the book does it.
func TestEveryPageIsAFileInBothLanguages(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testvec.Root(t), "docs", "playbooks", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lang := playbook.English
		if strings.HasSuffix(path, ".zh.md") {
			lang = playbook.Chinese
		}
		page, err := playbook.Parse(lang, string(raw))
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(path), err)
			continue
		}
		if page.ID != strings.TrimSuffix(strings.TrimSuffix(filepath.Base(path), ".md"), ".zh") {
			t.Errorf("%s says that it is %s", filepath.Base(path), page.ID)
		}
	}
	if want := len(pagesOf(t, playbook.English)) + len(pagesOf(t, playbook.Chinese)); len(files) != want {
		t.Errorf("%d files, and %d pages in the binary", len(files), want)
	}
}
