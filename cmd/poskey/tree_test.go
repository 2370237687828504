package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"poskey/internal/fault"
	"poskey/internal/testcli"
)

func scriptOf(words string) string {
	return filepath.Join(scriptDir, strings.ReplaceAll(words, " ", "_")+".txtar")
}

func TestEveryCommandHasItsScript(t *testing.T) {
	for words := range testcli.CommandsOf(t) {
		if _, err := os.Stat(scriptOf(words)); err != nil {
			t.Errorf("poskey %s has no script: %v", words, err)
		}
	}
}

func TestEveryCommandTellsWhatItTakesAndHowItEnds(t *testing.T) {
	for words, cmd := range testcli.CommandsOf(t) {
		if cmd.Args == nil {
			t.Errorf("poskey %s does not say which arguments it takes (Args)", words)
		}
		if cmd.Short == "" || cmd.Example == "" {
			t.Errorf("poskey %s has no short text or no example", words)
		}
		if cmd.RunE == nil {
			t.Errorf("poskey %s cannot fail: it has no RunE", words)
		}
	}
}

// TestExitStatusSectionsAreTheTable: one table feeds help exit-codes and every command's section.
func TestExitStatusSectionsAreTheTable(t *testing.T) {
	table := map[int]string{}
	for _, row := range fault.ExitCodes() {
		table[row.Code] = row.Meaning.String()
	}
	for words, cmd := range testcli.CommandsOf(t) {
		listed := listedCodes(t, words, cmd)
		last := -1
		for _, row := range listed {
			if table[row.code] != row.meaning {
				t.Errorf("poskey %s: code %d means %q, the table says %q", words, row.code, row.meaning, table[row.code])
			}
			if row.code <= last {
				t.Errorf("poskey %s: code %d does not stand in order", words, row.code)
			}
			last = row.code
		}
		for _, code := range []int{0, 1, 2, 70, 130, 143} {
			if !lists(listed, code) {
				t.Errorf("poskey %s does not list exit code %d, which every command can end with", words, code)
			}
		}
	}
	topic, _, err := testcli.Tree().Find([]string{"exit-codes"})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range fault.ExitCodes() {
		line := fmt.Sprintf("\n  %-4d %s\n", row.Code, row.Meaning)
		if !strings.Contains(topic.Long, line) {
			t.Errorf("help exit-codes lacks the line %q", line)
		}
		for _, kind := range row.Kinds {
			if !regexp.MustCompile(`\s` + string(kind) + `\s`).MatchString(topic.Long) {
				t.Errorf("help exit-codes lacks the kind %s", kind)
			}
		}
	}
}

type codeRow struct {
	code    int
	meaning string
}

func lists(rows []codeRow, code int) bool {
	for _, row := range rows {
		if row.code == code {
			return true
		}
	}
	return false
}

func listedCodes(t *testing.T, words string, cmd *cobra.Command) []codeRow {
	t.Helper()
	_, section, ok := strings.Cut(cmd.Long, "EXIT STATUS\n")
	if !ok {
		t.Fatalf("poskey %s has no EXIT STATUS section", words)
	}
	var rows []codeRow
	for _, m := range regexp.MustCompile(`(?m)^  (\d+) +(.*)$`).FindAllStringSubmatch(section, -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, codeRow{n, m[2]})
	}
	if len(rows) == 0 {
		t.Fatalf("poskey %s: the EXIT STATUS section is empty", words)
	}
	return rows
}

// neverSeen are codes that a command lists and no script can make it end with.
func neverSeen() map[string]string {
	return map[string]string{
		"device emulate 0": "it ends with a signal",
		"device emulate 8": "it takes a system that gives no port and no pseudo-terminal",
		"tour 5":           "its own key check fails only in a broken program",
		"tour 8":           "it takes a system that gives no port",
		"hsm keys 9":       "it takes a token that locks its PIN; SoftHSM2 does not",
		"hsm selftest 5":   "it takes a token that cannot hold a master key",
		"hsm selftest 9":   "it takes a token that locks its PIN; SoftHSM2 does not",

		"ceremony resume 9": "it takes another process that writes the same record at that moment",
	}
}

// elsewhere are codes that another script shows: what has no place in the command's own.
func elsewhere() map[string]string {
	const sources = "store_sources.txtar" // keys of a store, in commands that take a key from anywhere
	all := map[string]string{
		"store init 7": "store_token.txtar", // the PIN of a token
		"generate 5":   sources,             // a parent whose row was changed
		"inject 10":    "inject_plan.txtar", // a plan that got half way

		"diagnose signin 5": sources, // a key whose row was changed
		"diagnose block 5":  sources,
	}
	for _, words := range []string{
		"generate", "combine", "split", "kcv compute", "kcv check", "kcv identify", "keyblock wrap", "keyblock unwrap",
		"keyblock verify", "keyblock translate", "dukpt ik", "dukpt key", "inject", "diagnose kcv",
		"diagnose block", "diagnose signin",
	} {
		for _, code := range []int{7, 8, 9} { // a passphrase, the database, a store that is sealed
			all[fmt.Sprintf("%s %d", words, code)] = sources
		}
	}
	return all
}

// TestEveryExitCodeIsShownInAScript: what EXIT STATUS promises, the command's script does. The codes that every command
// shares (1, 70, 130, 143) are shown once somewhere; 70 is a bug and has no script.
func TestEveryExitCodeIsShownInAScript(t *testing.T) {
	anywhere := map[int]bool{}
	never := neverSeen()
	for words, cmd := range testcli.CommandsOf(t) {
		shown := shownCodes(t, words, scriptOf(words))
		for code := range shown {
			anywhere[code] = true
		}
		for _, row := range listedCodes(t, words, cmd) {
			if row.code == 1 || row.code >= 70 {
				continue
			}
			id := fmt.Sprintf("%s %d", words, row.code)
			if script, ok := elsewhere()[id]; ok && !shown[row.code] {
				shown[row.code] = shownCodes(t, words, filepath.Join(scriptDir, script))[row.code]
			}
			_, excused := never[id]
			delete(never, id)
			switch {
			case excused && shown[row.code]:
				t.Errorf("%s is excused from being shown, and is shown", id)
			case !excused && !shown[row.code]:
				t.Errorf("%s does not show poskey %s ending with %d", scriptOf(words), words, row.code)
			}
		}
	}
	for id := range never {
		t.Errorf("%s is excused from being shown, and not listed by the command", id)
	}
	for _, code := range []int{1, 130, 143} {
		if !anywhere[code] {
			t.Errorf("no script shows a command ending with %d", code)
		}
	}
}

// shownCodes reads a script for the exit codes that it makes a command end with.
func shownCodes(t *testing.T, words, script string) map[int]bool {
	t.Helper()
	call := `.*\bposkey ` + words + `\b`
	patterns := []*regexp.Regexp{
		regexp.MustCompile(`^exits (?:-\S+ )*(\d+) ` + call),
		regexp.MustCompile(`^expect -exit=(\d+) ` + call),
		regexp.MustCompile(`^signalled \S+ (\d+) ` + call),
		regexp.MustCompile(`^play (?:-\S+ )*-exit=(\d+) ` + call),
	}
	if words == "help" { // the bare command, --help and a command's own word are help too
		patterns = append(patterns, regexp.MustCompile(`^exits (\d+) poskey`))
	}
	condition := regexp.MustCompile(`^\[[^]]*\] *`)
	shown := map[int]bool{}
	for _, line := range commandLines(t, script) {
		line = condition.ReplaceAllString(line, "")
		if rest, ok := strings.CutPrefix(line, "play "); ok && !strings.Contains(line, "-exit=") {
			line = "play -exit=0 " + rest
		}
		for _, p := range patterns {
			if m := p.FindStringSubmatch(line); m != nil {
				code, err := strconv.Atoi(m[1])
				if err != nil {
					t.Fatal(err)
				}
				shown[code] = true
			}
		}
	}
	return shown
}

// TestExamplesParse: every line of an example names a command and flags that there are, and as many as it needs.
func TestExamplesParse(t *testing.T) {
	for words, cmd := range testcli.CommandsOf(t) {
		for _, line := range strings.Split(strings.ReplaceAll(cmd.Example, "\\\n", ""), "\n") {
			args, ok := testcli.ExampleArgs(line)
			if !ok {
				t.Errorf("poskey %s: the example line %q does not call poskey", words, line)
				continue
			}
			if err := testcli.Parses(words, args); err != nil {
				t.Errorf("poskey %s: the example line %q: %v", words, line, err)
			}
		}
	}
}

// publicFlags have names that sound like a secret, and take none.
func publicFlags() map[string]string {
	return map[string]string{
		"allow-argv-secrets": "a switch",
		"passphrase-fd":      "numbers of descriptors",
		"key-version":        "two characters of the header",
		"key-type":           "a name",
		"key-set":            "a name",
		"key-end":            "a length of time",
		"klk-slot":           "a slot",
		"kbpk-slot":          "a slot",
		"vendor-key":         "a file with a public key",
		"seed":               "a number that makes faults repeatable",
		"parts":              "a number",
		"part-expect":        "a check value",
		"part-expected":      "a check value",
		"cryptogram":         "an encrypted key",
		"tmk-cryptogram":     "an encrypted key",
		"tmk-expected":       "a check value",
		"kek-expected":       "a check value",
	}
}

// TestNoFlagTakesABareSecret: whatever sounds like a secret takes it in the SRC syntax, in which a key on the command line
// needs a permission of its own; and whatever takes a SRC says so.
func TestNoFlagTakesABareSecret(t *testing.T) {
	secret := regexp.MustCompile(`key|kbpk|bdk|^ik$|kek|klk|tmk|tpk|zmk|mak|pin$|pass|secret|token|component|share|^part|cryptogram|seed|value`)
	public := publicFlags()
	seen := map[string]bool{}
	look := func(words string) func(*pflag.Flag) {
		return func(f *pflag.Flag) {
			if !secret.MatchString(f.Name) {
				return
			}
			seen[f.Name] = true
			src := strings.Contains(f.Usage, "(SRC)")
			if _, ok := public[f.Name]; ok == src {
				t.Errorf("poskey %s --%s: must either take a SRC and say so, or be listed as public: %q", words, f.Name, f.Usage)
			}
		}
	}
	for words, cmd := range testcli.CommandsOf(t) {
		cmd.LocalFlags().VisitAll(look(words))
		cmd.InheritedFlags().VisitAll(look(words))
	}
	for name := range public {
		if !seen[name] {
			t.Errorf("--%s is listed as public, and is no flag", name)
		}
	}
	for _, name := range []string{"key", "kbpk", "to-kbpk", "key-kbpk", "kek", "klk", "part", "bdk", "ik"} {
		if !seen[name] {
			t.Errorf("--%s was not looked at", name)
		}
	}
}
