package main

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"poskey/internal/cli"
	"poskey/internal/fault"
	"poskey/internal/i18n"
)

func someStamp() stamp { return stamp{version: "1.2.3", date: "2026-11-23"} }

// TestEveryCommandHasItsManualInBothLanguages: whatever flag, exit code and example a command has stands on its page.
func TestEveryCommandHasItsManualInBothLanguages(t *testing.T) {
	pages := Manuals(someStamp())
	want := map[string]bool{}
	for folder, lang := range map[string]i18n.Lang{"": i18n.English, "zh_CN/": i18n.Chinese} {
		walk(cli.TreeIn(lang), func(cmd *cobra.Command) {
			name := folder + "man1/" + manName(cmd) + ".1"
			if cmd.IsAdditionalHelpTopicCommand() {
				name = folder + "man7/" + manName(cmd) + ".7"
			}
			want[name] = true
			page, ok := pages[name]
			if !ok {
				t.Errorf("%s is missing", name)
				return
			}
			holds(t, name, string(page), cmd, lang)
		})
	}
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		if !want[name] {
			t.Errorf("%s belongs to no command", name)
		}
	}
	if len(want) < 200 {
		t.Errorf("only %d pages", len(want))
	}
}

func holds(t *testing.T, name, page string, cmd *cobra.Command, lang i18n.Lang) {
	t.Helper()
	say := i18n.New(lang)
	must := func(part string) {
		t.Helper()
		if !strings.Contains(page, part) {
			t.Errorf("%s lacks %q", name, part)
		}
	}
	must(roff(oneLine(cmd.Short)))
	if cmd.HasParent() {
		must(`\fBposkey\fR(1)`)
	}
	if cmd.IsAdditionalHelpTopicCommand() {
		return
	}
	flags := func(f *pflag.Flag) { must("\n\\fB" + roff("--"+f.Name) + `\fR`) }
	shorthand := func(f *pflag.Flag) {
		if f.Shorthand != "" {
			must(`\fB` + roff("-"+f.Shorthand) + `\fR, `)
			return
		}
		flags(f)
	}
	cmd.NonInheritedFlags().VisitAll(shorthand)
	cmd.InheritedFlags().VisitAll(shorthand)
	for _, line := range strings.Split(cmd.Example, "\n") {
		must(roff(strings.TrimPrefix(line, "  ")))
	}
	if _, section, ok := strings.Cut(cmd.Long, say.T("EXIT STATUS")+"\n"); ok {
		for _, row := range fault.ExitCodes() {
			if strings.Contains(section, say.Text(row.Meaning)) {
				must("\n" + roff(say.Text(row.Meaning)) + "\n")
			}
		}
	} else if cmd.Runnable() && !cmd.HasSubCommands() {
		t.Errorf("%s: no section of exit codes was found", name)
	}
}

// TestManualsAreTheSameEveryTime: nothing of this machine or this minute is in them.
func TestManualsAreTheSameEveryTime(t *testing.T) {
	one, two := Manuals(someStamp()), Manuals(someStamp())
	if !maps.EqualFunc(one, two, bytes.Equal) {
		t.Error("the second manual differs from the first")
	}
	first, err := Completions()
	if err != nil {
		t.Fatal(err)
	}
	second, err := Completions()
	if err != nil {
		t.Fatal(err)
	}
	if len(first) != 4 || !maps.EqualFunc(first, second, bytes.Equal) {
		t.Errorf("%d completion scripts, or the second ones differ", len(first))
	}
}

// TestManualsAreCleanForGroffAndMandoc: both formatters of the world read every page without a warning.
func TestManualsAreCleanForGroffAndMandoc(t *testing.T) {
	folder := t.TempDir()
	if err := writeAll(folder, Manuals(someStamp())); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(folder, "man?", "*"))
	if err != nil {
		t.Fatal(err)
	}
	chinese, err := filepath.Glob(filepath.Join(folder, "zh_CN", "man?", "*"))
	if err != nil || len(files) == 0 || len(files) != len(chinese) {
		t.Fatalf("%d English and %d Chinese pages, error %v", len(files), len(chinese), err)
	}
	files = append(files, chinese...)
	clean(t, exec.Command("groff", append([]string{"-man", "-Tutf8", "-Kutf8", "-ww", "-z", "-rLL=200n"}, files...)...))
	clean(t, exec.Command("mandoc", append([]string{"-Kutf-8", "-Tlint", "-Wwarning"}, files...)...))
}

func clean(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		t.Fatalf("%v; scripts/test-deps.sh installs it", err)
	}
	if err != nil || len(out) > 0 {
		t.Errorf("%s: %v\n%.3000s", cmd.Args[0], err, out)
	}
}

// TestWhatIsTypedCanBeCopiedFromAManual: a rendered example is byte for byte the one of the command.
func TestWhatIsTypedCanBeCopiedFromAManual(t *testing.T) {
	cmd, _, err := cli.Tree().Find([]string{"keyblock", "wrap"})
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := writeAll(folder, Manuals(someStamp())); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("groff", "-man", "-Tutf8", "-Kutf8", "-P-cbou", "-rLL=200n",
		filepath.Join(folder, "man1", "poskey-keyblock-wrap.1")).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(cmd.Example, "\n") {
		if !strings.Contains(string(out), strings.TrimSpace(line)) {
			t.Errorf("the page shows another example than %q", line)
		}
	}
}

// TestLinesOfATextLeaveNoTrace: where a command's text breaks its lines after a sentence, the page has one blank as everywhere.
func TestLinesOfATextLeaveNoTrace(t *testing.T) {
	folder := t.TempDir()
	if err := writeAll(folder, Manuals(someStamp())); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("groff", "-man", "-Tutf8", "-Kutf8", "-P-cbou", "-rLL=2000n",
		filepath.Join(folder, "man1", "poskey-assess.1")).Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(out), ". The ") || strings.Contains(string(out), ".  The ") {
		t.Errorf("sentences have no blank between them, or two:\n%.2000s", out)
	}
}

// TestAChineseManualSaysItsDefaultsInChinese: pflag's own word for them is English.
func TestAChineseManualSaysItsDefaultsInChinese(t *testing.T) {
	pages := Manuals(someStamp())
	if page := string(pages["man1/poskey.1"]); !strings.Contains(page, "(default auto)") {
		t.Error("the English page says no default")
	}
	page := string(pages["zh_CN/man1/poskey.1"])
	if !strings.Contains(page, "（默认 auto）") || strings.Contains(page, "(default ") {
		t.Error("the Chinese page says defaults in English")
	}
}

func TestNoLineOfATextIsARequest(t *testing.T) {
	for in, want := range map[string]string{
		".TH x": `\&.TH x`, "'br": `\(aqbr`, `a\fBb`: `a\(rsfBb`, "--key": `\-\-key`, "a.b": "a.b", `say "x"`: `say \(dqx\(dq`,
	} {
		if got := roff(in); got != want {
			t.Errorf("roff(%q) is %q, want %q", in, got, want)
		}
	}
}
