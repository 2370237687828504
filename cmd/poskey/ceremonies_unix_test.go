//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package main

// Ceremonies that people play from the first step to the last.

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"poskey/internal/testcli"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/keys"
)

// playScripts runs scripts that a test has written, by their names.
func playScripts(t *testing.T, all map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range all {
		if err := os.WriteFile(filepath.Join(dir, name+".txtar"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	testscript.Run(t, testscript.Params{Dir: dir, Setup: testcli.Setup, Cmds: testcli.Commands(), RequireExplicitExec: true, RequireUniqueNames: true})
}

// TestEveryTemplateIsRehearsedToItsEnd: each template by people at a terminal, in both languages: with two components, in
// Chinese without the steps in which somebody only reads or looks.
func TestEveryTemplateIsRehearsedToItsEnd(t *testing.T) {
	const rehearsal = `printer
play cast poskey --lang %[1]s ceremony rehearse a.yaml --dir a --printer $PRINTER -o json
%[2]sjsonhas out state closed
jsonhas out mode rehearsal
jsonhas out deviations 0
exits 0 poskey ceremony verify a --script a.yaml
stdout 'TEST REHEARSAL'
exits 0 poskey --lang %[1]s ceremony report a --format html
-- cast --
cast a.yaml
-- a.yaml --
%[3]s`
	all := map[string]string{}
	for _, tm := range script.Templates() {
		if !manyCeremonies && tm.Kind != script.ZMKReceive {
			continue
		}
		wish := script.Wish{Parts: 2}
		if tm.Kind == script.Injection || tm.Kind == script.StoreMaster {
			wish.Parts = 0
		}
		all[string(tm.Kind)+"_en"] = fmt.Sprintf(rehearsal, "en", "", template(t, tm.Kind, wish))
		wish.Chinese = true
		all[string(tm.Kind)+"_zh"] = fmt.Sprintf(rehearsal, "zh", "! grep '[?>] ([a-z]+ ){3}|^  ([a-z]+ ){3}' screen\n", brief(template(t, tm.Kind, wish)))
	}
	playScripts(t, all)
}

func template(t *testing.T, k script.Kind, w script.Wish) string {
	t.Helper()
	raw, err := script.New(k, w)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// talk are steps in which nothing happens to a key.
var talk = regexp.MustCompile(`(?m)^  - do: (inspect|read|declare)$`) //nolint:gochecknoglobals // compiled once

// brief is a script without talk: its steps are paragraphs.
func brief(text string) string {
	var left []string
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		if !talk.MatchString(paragraph) {
			left = append(left, paragraph)
		}
	}
	return strings.TrimRight(strings.Join(left, "\n\n"), "\n") + "\n"
}

// Beginnings of scripts: officers, and a store that is open.
const (
	withOfficers = `officers test officers
printer
env POSKEY_STORE=sqlite:$WORK/store.db
`
	withStore = withOfficers + `exits 0 poskey store init --environment test --threshold 2 --officer officers/custodian.a.card --officer officers/custodian.b.card --officer officers/custodian.c.card --officer officers/admin.d.card --officer officers/admin.e.card --officer officers/auditor.f.card --officer officers/operator.g.card
exits -fd=officers/custodian.a.pass,officers/custodian.b.pass 0 poskey store unseal --officer officers/custodian.a.identity --officer officers/custodian.b.identity --passphrase-fd 3 --passphrase-fd 4
`
)

// hired is a template with the officers of the tests in it.
func hired(text string, more ...string) string {
	return strings.NewReplacer(append([]string{"leader.a", "admin.d", "operator.a", "operator.g", "witness.a", "auditor.f",
		"witness.b", "admin.e", "former.a", "keeper.h"}, more...)...).Replace(text)
}

// TestEveryTemplateIsRun: with a store where it has one, so that each finds what the one before has left: a key is made and cut, one part
// of it gets another custodian, and in the end the key and its parts are destroyed.
func TestEveryTemplateIsRun(t *testing.T) {
	two := script.Wish{Parts: 2}
	of := func(k script.Kind, w script.Wish, more ...string) string {
		return brief(hired(template(t, k, w), more...))
	}
	play := func(name, more string) string {
		return fmt.Sprintf(`play %[1]s.cast poskey ceremony run %[1]s.yaml --dir %[1]s --identity officers --printer $PRINTER%[2]s -o json
jsonhas out state closed
jsonhas out deviations 0
exits 0 poskey ceremony verify %[1]s --script %[1]s.yaml
`, name, more)
	}
	files := func(name, text string) string {
		return fmt.Sprintf("-- %[1]s.cast --\ncast %[1]s.yaml\n-- %[1]s.yaml --\n%[2]s", name, text)
	}
	all := map[string]string{
		"life": withStore + play("tmk", "") + `exits 0 poskey key show TEST-TMK -o json
jsonhas stdout state active
` + play("reissue", "") + `exits 0 poskey custody bags NEW-0003 -o json
jsonhas stdout bags.0.event sealed
exits 0 poskey ceremony check destruction.yaml
stdout 'TEST-TMK#1 is active in the store; its use ends'
` + play("destruction", "") + `exits 0 poskey key show TEST-TMK -o json
jsonhas stdout state destroyed
exits 0 poskey store verify
` + files("tmk", of(script.TMK, two)) +
			files("reissue", of(script.Reissue, script.Wish{Parts: 2, Label: "TEST-TMK"}, "BAG-3001", "NEW-0001", "id: ZMK", "id: TMK", "key: ZMK", "key: TMK")) +
			files("destruction", of(script.Destruction, script.Wish{Parts: 2, Label: "TEST-TMK"}, "BAG-2001", "NEW-0003", "BAG-2002", "NEW-0002")),

		"injection": withStore + `exits 0 poskey generate --alg tdes-128 --usage K0 --to store:TEST-TMK
exits 0 poskey generate --alg tdes-128 --usage P0 --to store:TEST-PEK
exits 0 poskey device add TERM0001 --model PP791 --poi-version 4.1
serve TERMINAL poskey device emulate --listen 127.0.0.1:0 --state terminal --serial TERM0001 -o json
exits 0 poskey inject --device $TERMINAL --slot F --key store:TEST-TMK --clear --yes --reason first --serial TERM0001
# Nobody said how the device is reached.
play -exit=6 injection.cast poskey ceremony run injection.yaml --dir nowhere --identity officers
` + play("injection", " --device TERM0001=$TERMINAL") + `exits 0 poskey device list -o json
jsonhas stdout devices.0.keys.len 2
exits 0 poskey store verify
` + files("injection", of(script.Injection, script.Wish{Algorithm: keys.TDES128})),

		"master": withOfficers + play("master", "") + `exits 0 poskey store status -o json
jsonhas stdout state sealed
jsonhas stdout threshold 2
exits -fd=officers/custodian.c.pass,officers/custodian.b.pass 0 poskey store unseal --officer officers/custodian.c.identity --officer officers/custodian.b.identity --passphrase-fd 3 --passphrase-fd 4
exits 0 poskey store verify
` + files("master", of(script.StoreMaster, script.Wish{})),

		"scribe": "env POSKEY_STORE=\nofficers test officers\nprinter\n" + play("scribe", "") + files("scribe", of(script.HSMScribe, two)),
	}
	if !manyCeremonies {
		all = map[string]string{"scribe": all["scribe"]}
	}
	playScripts(t, all)
}

// TestCeremonyGoesOnAfterAKillAtAnyQuestion: the record verifies, one key is in use, and none is left that is not.
func TestCeremonyGoesOnAfterAKillAtAnyQuestion(t *testing.T) {
	two := twoParts(t)
	files := "-- cast --\ncast two.yaml\n-- two.yaml --\n" + two
	all := map[string]string{
		"rehearsal": "printer\n" + `survive cast poskey ceremony rehearse two.yaml --dir two --printer $PRINTER -- poskey ceremony resume two --printer $PRINTER
exits 0 poskey ceremony verify two --script two.yaml
` + files,
		"run": withStore + `survive cast poskey ceremony run two.yaml --dir two --identity officers --printer $PRINTER -- poskey ceremony resume two --identity officers --printer $PRINTER
exits 0 poskey ceremony verify two --script two.yaml
exits 0 poskey key list --state active -o json
jsonhas stdout keys.len 1
exits 0 poskey key list --state pre-activation -o json
jsonhas stdout keys.len 0
exits 0 poskey custody parts --label TEST-TMK
exits 0 poskey store verify
` + files,
	}
	if !manyCeremonies {
		delete(all, "run")
	}
	playScripts(t, all)
}

// twoParts is a short script: a key is made, cut in two and kept.
func twoParts(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(scriptDir, "custody_parts.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	_, two, ok := strings.Cut(string(raw), "-- two.yaml --\n")
	if !ok {
		t.Fatal("custody_parts.txtar has no two.yaml")
	}
	return two
}

// TestScriptThatWasChangedAfterwardsIsRefused: at any of its lines, by those who go on with the ceremony and those who verify it.
func TestScriptThatWasChangedAfterwardsIsRefused(t *testing.T) {
	two := twoParts(t)
	var play, files strings.Builder
	play.WriteString("play breaks poskey ceremony rehearse two.yaml --dir two\ncp two/script.yaml reviewed\n")
	lines := strings.Split(strings.TrimSuffix(two, "\n"), "\n")
	for i, line := range lines {
		changed := []byte(line)
		at := strings.LastIndexAny(line, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
		changed[at]++
		fmt.Fprintf(&play, `exits 5 poskey ceremony verify two --script %[1]d.yaml
stderr 'is not the script of this record'
cp %[1]d.yaml two/script.yaml
play -exit=5 cast poskey ceremony resume two
grep 'is not the script of this record' err
`, i)
		fmt.Fprintf(&files, "-- %d.yaml --\n%s\n", i, strings.Join(append(append(append([]string{}, lines[:i]...), string(changed)), lines[i+1:]...), "\n"))
	}
	play.WriteString("cp reviewed two/script.yaml\nplay cast poskey ceremony resume two\nexits 0 poskey ceremony verify two --script reviewed\n")
	playScripts(t, map[string]string{"changed": play.String() + "-- breaks --\nkill type \"print\"\ncast two.yaml\n-- cast --\ncast two.yaml\n-- two.yaml --\n" +
		two + files.String()})
}
