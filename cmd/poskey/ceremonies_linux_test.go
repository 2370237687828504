package main

// A ceremony of production: a network that is up is an error there, so it is played where there is none.

import (
	"regexp"
	"strings"
	"syscall"
	"testing"

	"poskey/pkg/ceremony/script"
	"poskey/pkg/custody"
)

// filled is a template of production with what it leaves to be filled in.
func filled(text string) string {
	text = regexp.MustCompile(`FILL IN: `).ReplaceAllString(text, "")
	return strings.NewReplacer("FILL-IN-MACHINE", "PC-0001", "FILL-IN-PRINTER", "PRN-0001", "FILL-IN-ZMK", "ZMK-2026",
		"backup.a", "custodian.c", "backup.b", "keeper.h").Replace(hired(text))
}

func TestProductionCeremonyIsRun(t *testing.T) {
	text := filled(template(t, script.ZMKExchange, script.Wish{Environment: custody.Production, Parts: 2}))
	playScripts(t, map[string]string{"zmk": `officers production officers
printer
env POSKEY_STORE=sqlite:$WORK/store.db
exits 0 poskey store init --environment production --threshold 2 --officer officers/custodian.a.card --officer officers/custodian.b.card --officer officers/custodian.c.card --officer officers/admin.d.card --officer officers/admin.e.card --officer officers/auditor.f.card --officer officers/operator.g.card
exits -fd=officers/custodian.a.pass,officers/custodian.b.pass 0 poskey store unseal --officer officers/custodian.a.identity --officer officers/custodian.b.identity --passphrase-fd 3 --passphrase-fd 4
enter production blank.yaml zmk.yaml

# What is missing in the room is an error: the fingerprints of the cards, the printer, and a machine that stands alone.
exits 6 poskey ceremony check blank.yaml --identity officers
stdout 'PCI PIN 6-1 +people\.custodian\.a +the fingerprint of the card of custodian\.a is missing'
exits 6 poskey ceremony check zmk.yaml --identity officers
stdout '^error +PCI PIN 6-3 +room +sheets are printed, and no printer is named'
exits 6 poskey ceremony check zmk.yaml --identity officers --printer zmk.yaml
stdout 'zmk\.yaml is no device: what is printed would stay in it'
exits 6 poskey ceremony check zmk.yaml --identity officers --printer /dev/null
stdout '/dev/null prints nothing'
offline
play -exit=6 cast poskey ceremony run zmk.yaml --dir nowhere --identity officers --printer zmk.yaml
play -exit=6 cast poskey ceremony run zmk.yaml --dir nowhere --identity officers
play -exit=6 cast poskey ceremony run blank.yaml --dir nowhere --identity officers --printer $PRINTER
# Officers of a test have no place in it.
officers test elsewhere
play -exit=6 cast poskey ceremony run zmk.yaml --dir nowhere --identity elsewhere --printer $PRINTER
grep 'custodian\.a is an officer of the environment test' err

# Who splits a key takes two custodians each time: those in the room are asked.
play cast poskey ceremony run zmk.yaml --dir zmk --identity officers --printer $PRINTER -o json
jsonhas out state closed
jsonhas out environment production
jsonhas out deviations 0
! grep '=== TEST|TEST:' screen
exits 0 poskey ceremony verify zmk --script zmk.yaml
exits 0 poskey ceremony report zmk --format pdf
finddir PDF zmk/minutes-*.en.pdf
exits 0 poskey key show ZMK-2026 -o json
jsonhas stdout state active
exits 0 poskey audit show --limit 500 -o json
stdout '"key\.split"'
exits 0 poskey store verify

# Given up after the key is there: it is destroyed before a custodian and a witness, whom the operator asks.
exits 0 sed s/ZMK-2026/ZMK-2027/ zmk.yaml
cp stdout again.yaml
play -exit=130 gives.up poskey ceremony run again.yaml --dir again --identity officers --printer $PRINTER -o json
jsonhas out state aborted
exits 0 poskey ceremony verify again --script again.yaml
exits 0 poskey key list --state pre-activation -o json
jsonhas stdout keys.len 0
exits 0 poskey key show ZMK-2027 -o json
jsonhas stdout state destroyed
exits 0 poskey store verify
-- cast --
cast zmk.yaml
-- gives.up --
once from the paper, the part check => !!
ask Type "abort" => abort
ask why is it given up => the printer is broken
cast again.yaml
-- blank.yaml --
` + text})
}

// TestCrashWhileAComponentIsTypedLeavesNothing: no core, and nothing of it in the trace or the record; then it goes on.
func TestCrashWhileAComponentIsTypedLeavesNothing(t *testing.T) {
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_CORE, &before); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{Cur: before.Max, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Setrlimit(syscall.RLIMIT_CORE, &before) })
	playScripts(t, map[string]string{"crash": `env GOTRACEBACK=crash
play crash poskey ceremony rehearse a.yaml --dir a
grep 'SIGABRT' err
exits 5 poskey ceremony verify a
stderr 'the record has no end'
play cast poskey ceremony resume a -o json
jsonhas out state closed
jsonhas out deviations 1
exits 0 poskey ceremony verify a --script a.yaml
-- crash --
guarded ^row 2 of
crash ^row 3 of
cast a.yaml
-- cast --
cast a.yaml
-- a.yaml --
` + brief(template(t, script.ZMKReceive, script.Wish{Parts: 2}))})
}
