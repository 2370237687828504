package cli

// What --fix knows by lists, held against the commands, the flags and the pages that there are.

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"poskey/pkg/diagnose"
	"poskey/pkg/playbook"
)

// TestAKeyOnTheCommandLineIsNeitherShownNorKeptByAWalk: the record of a walk holds what was run.
func TestAKeyOnTheCommandLineIsNeitherShownNorKeptByAWalk(t *testing.T) {
	const key = "0123456789ABCDEFFEDCBA9876543210" // a published test key
	args := []string{"diagnose", "kcv", "--key", "hex:" + key, "--kbpk=hex:" + key, "--expected", "08D7B4"}
	got := strings.Join(shownArgs(args), " ")
	if strings.Contains(got, key) || !strings.Contains(got, "--expected 08D7B4") {
		t.Errorf("shown: %s", got)
	}
}

// tellingCommands change nothing, so that nothing of them has to be proven.
func tellingCommands() []string {
	return []string{"audit show", "ceremony check", "code", "custody bags", "custody parts", "device list", "device logs",
		"device status", "diagnose block", "diagnose device", "diagnose kcv", "diagnose log", "diagnose message", "diagnose signin",
		"dukpt ik", "dukpt ksn", "fleet status", "kcv check", "kcv compute", "kcv identify", "key list", "key show", "key tree",
		"keyblock inspect", "keyset list", "selftest", "store verify"}
}

// TestEveryCommandOfAPageIsKnownToChangeOrToTell: a walk asks for a proof after the ones and none after the others, so that a
// command that is new on a page has to be put on a list.
func TestEveryCommandOfAPageIsKnownToChangeOrToTell(t *testing.T) {
	book, err := playbook.Open(playbook.English)
	if err != nil {
		t.Fatal(err)
	}
	met := map[string]bool{}
	for _, page := range book.Pages() {
		for _, step := range slices.Concat(page.Checks, page.Fix) {
			if step.Command == "" {
				continue
			}
			words := commandWords(step.Args)
			if met[words] = true; changes(step.Args) == slices.Contains(tellingCommands(), words) {
				t.Errorf("%s: poskey %s changes something or tells something: it stands on one list of the two", page.ID, words)
			}
		}
	}
	if len(met) == 0 {
		t.Fatal("no page has a command")
	}
	for _, words := range tellingCommands() {
		if !met[words] {
			t.Errorf("no page has poskey %s", words)
		}
	}
}

// TestCommandsThatChangeAreCommands: a name on a list that no command has would leave its steps unproven.
func TestCommandsThatChangeAreCommands(t *testing.T) {
	all := slices.Concat(provingCommands(), otherChanges())
	for i, words := range all {
		cmd, _, err := Tree().Find(strings.Fields(words))
		if err != nil || !cmd.Runnable() || cmd.CommandPath() != "poskey "+words {
			t.Errorf("there is no command poskey %s", words)
		}
		if slices.Contains(all[:i], words) {
			t.Errorf("%s stands there twice", words)
		}
	}
}

// TestPlacesOfKeysAreTypedBlind: the description of each placeholder for a key says where it is.
func TestPlacesOfKeysAreTypedBlind(t *testing.T) {
	for _, p := range playbook.Placeholders() {
		if want := strings.HasPrefix(p.Text.Format, "where the "); isKeyHole(p.Name) != want {
			t.Errorf("{%s} (%s): typed blind %v, want %v", p.Name, p.Text.Format, !want, want)
		}
	}
}

// diagnoses calls look with the flags of every diagnosis.
func diagnoses(t *testing.T, look func(f *pflag.Flag)) {
	t.Helper()
	root, _, err := Tree().Find([]string{"diagnose"})
	if err != nil {
		t.Fatal(err)
	}
	for _, cmd := range append([]*cobra.Command{root}, root.Commands()...) {
		cmd.InheritedFlags() // merges them
		cmd.Flags().VisitAll(look)
	}
}

// TestKeysOfADiagnosisAreKnownByTheirFlags: those that take a place of a key say SRC.
func TestKeysOfADiagnosisAreKnownByTheirFlags(t *testing.T) {
	met := map[string]bool{}
	diagnoses(t, func(f *pflag.Flag) {
		takes := strings.Contains(f.Usage, "(SRC")
		if takes != slices.Contains(keyFlags(), "--"+f.Name) {
			t.Errorf("--%s (%s): takes a key %v, and the list says otherwise", f.Name, f.Usage, takes)
		}
		met["--"+f.Name] = true
	})
	for _, flag := range keyFlags() {
		if !met[flag] {
			t.Errorf("no diagnosis has %s", flag)
		}
	}
}

// TestFlagsOfTheFirstRunAreFlags: with their values, or without where they take none.
func TestFlagsOfTheFirstRunAreFlags(t *testing.T) {
	names, switches := onceFlags()
	met := map[string]bool{}
	diagnoses(t, func(f *pflag.Flag) {
		for _, name := range []string{"--" + f.Name, "-" + f.Shorthand} {
			if met[name] = true; slices.Contains(names, name) && slices.Contains(switches, name) != (f.Value.Type() == "bool") {
				t.Errorf("%s: it is of type %s", name, f.Value.Type())
			}
		}
	})
	for _, name := range names {
		if !met[name] {
			t.Errorf("no diagnosis has %s", name)
		}
	}
}

func TestADiagnosisIsMadeAgainWithoutWhatIsForItsFirstRun(t *testing.T) {
	args := strings.Fields("diagnose kcv --alg tdes-128 --fix --html=a.html --expected 08D7B4 -ojson --html b.html --reveal -o json " +
		"--passphrase-fd 3 --key store:A --fix=true -- --fix")
	if got := strings.Join(repeatable(args), " "); got != "diagnose kcv --alg tdes-128 --expected 08D7B4 --key store:A -- --fix" {
		t.Errorf("it is made again as %s", got)
	}
}

func TestKeysAreReadAgainWhereTheyAreInAPlace(t *testing.T) {
	for line, want := range map[string]bool{
		"diagnose kcv --key store:A":                                  true,
		"diagnose kcv --part prompt --part file:b.txt":                true,
		"diagnose kcv --part prompt --part fd:3":                      false,
		"diagnose kcv --bdk store:B --ksn FFFF9876543210E00000":       true,
		"diagnose kcv --key store:A --bdk hex:0123456789ABCDEF":       false,
		"diagnose kcv --cryptogram 00 --kek store:A":                  false,
		"diagnose kcv --expected 8D0A74B8 --got 8D0A74 --alg sm4":     false,
		"diagnose block A0072K0TD00N --kbpk store:A --kbpk file:b":    false,
		"diagnose kcv --key=store:A --kbpk=store:B --expected 08D7B4": true,
	} {
		if got := rereads(strings.Fields(line)); got != want {
			t.Errorf("%s: %v, want %v", line, got, want)
		}
	}
}

// TestADeviceThatRefusedCanBeAskedAgain: so can one whose line broke, and the steps of its walk are proven by it.
func TestADeviceThatRefusedCanBeAskedAgain(t *testing.T) {
	for _, c := range []diagnose.Case{{Line: &diagnose.Line{}}, {Refusals: []diagnose.Refusal{{}}}, pageDevice(func(*diagnose.Case) {})} {
		if !asksDevice(&c) {
			t.Errorf("%+v: no device is asked", c)
		}
	}
	if asksDevice(&diagnose.Case{Said: []diagnose.Said{{Text: "14"}}, Block: pageBlock()}) {
		t.Error("a text and a block ask a device")
	}
}

func TestCommandLinesOfAWalkAreTakenByAShellAsTheyStand(t *testing.T) {
	got := shellLine([]string{"inject", "--device", "agent+https://h:1?a=b&c=d", "--slot", "{slot}", "--to", "store:{label}", "a{b,c}", "it's", ""})
	want := `inject --device 'agent+https://h:1?a=b&c=d' --slot {slot} --to store:{label} 'a{b,c}' 'it'\''s' ''`
	if got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func TestWideLettersAnswerToo(t *testing.T) {
	words := []string{answerRun, answerSkip, answerStop}
	for typed, want := range map[string]string{"ｓｋｉｐ": answerSkip, "　ＳＴＯＰ ": answerStop, "ｙ": answerRun, "执行": answerRun,
		"ｒｕｎｎ": "", "": "", "done": ""} {
		if got := meant(typed, words); got != want {
			t.Errorf("%q is taken for %q, want %q", typed, got, want)
		}
	}
}

// TestALineThatWasCutOffTakesNoOtherWithIt: after a full disk the record goes on with a line of its own.
func TestALineThatWasCutOffTakesNoOtherWithIt(t *testing.T) {
	r := fixRecord{now: time.Now}
	var err error
	if r.file, err = os.OpenFile(filepath.Join(t.TempDir(), "r"), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600); err != nil {
		t.Fatal(err)
	}
	defer r.close()
	for _, torn := range []string{"", `{"at":"2026`, ""} {
		if _, err := r.file.WriteString(torn); err != nil {
			t.Fatal(err)
		}
		if err := r.endTorn(); err != nil {
			t.Fatal(err)
		}
		if err := r.write(fixStep{Done: answerStop}); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(r.file.Name())
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Split(string(raw), "\n"); len(lines) != 5 || lines[1] != `{"at":"2026` {
		t.Errorf("the record: %q", lines)
	}
}

// TestNothingInADocumentOfFactsSteersATerminal: nor is a key taken for a name, a check value or a key serial number.
func TestNothingInADocumentOfFactsSteersATerminal(t *testing.T) {
	const key = "0123456789ABCDEFFEDCBA9876543210" // a published test key
	evil := "a\x1b[2J\u009b31m\u202e\n" + key
	load, err := factsLoad{Slot: evil, Label: evil, Said: evil, Check: "8D0A74", Outcome: "unknown"}.fact()
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []string{string(load.Slot), load.Label, load.Said} {
		if strings.ContainsFunc(got, func(c rune) bool { return !unicode.IsGraphic(c) }) || strings.Contains(got, key) {
			t.Errorf("it is shown: %q", got)
		}
	}
	for _, l := range []factsLoad{{Check: key, Outcome: "unknown"}, {Check: "8D0A74", Method: evil, Outcome: "unknown"}} {
		if got, err := l.fact(); err == nil {
			t.Errorf("it is taken: %+v", got)
		}
	}
	if got, err := factsKSN(key); err == nil {
		t.Errorf("it is taken: %s", got)
	}
}
