//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"poskey/internal/testcli"
	"poskey/pkg/device/emulator"
	"poskey/pkg/device/manage"
	"poskey/pkg/diagnose"
)

// faultCase is what makes a fault show: who loads a key before, and over which line the terminal is asked.
type faultCase struct {
	order string   // the fault with its value; the name alone when left out
	load  string   // over which line a key is loaded before: "", visa, futurex or agent
	ask   string   // over which line the terminal is asked: visa, agent or futurex
	line  string   // what the device URI of that line says besides
	more  []string // how the terminal begins
}

// faultCases has a case for every fault that can be ordered.
func faultCases() map[emulator.Fault]faultCase {
	const quick = "?timeout=100ms&retries=0"
	seen := faultCase{ask: "visa", line: quick}
	return map[emulator.Fault]faultCase{
		emulator.DropACK:               seen,
		emulator.LostACK:               seen,
		emulator.NAKFirst2:             {ask: "visa"},
		emulator.BadLRC:                {ask: "visa"},
		emulator.NoEOT:                 seen,
		emulator.WrongEcho:             {load: "visa", ask: "agent"},
		emulator.Slow:                  seen,
		emulator.SplitWrites:           {ask: "visa"},
		emulator.JoinedWrites:          {ask: "visa"},
		emulator.DisconnectBeforeEcho:  {load: "agent", ask: "agent"},
		emulator.DisconnectAfterCommit: {load: "visa", ask: "agent"},
		emulator.CutAt:                 {order: "cut-at=40", ask: "visa", line: quick},
		emulator.PowerCut:              {load: "agent", ask: "agent"},
		emulator.FlashCorrupt:          {order: "flash-corrupt=0", load: "agent", ask: "agent"},
		emulator.KCVMethod:             {order: "kcv-method=cmac-empty/8", load: "agent", ask: "agent"},
		emulator.TamperAt:              {order: "tamper-at=stored", load: "agent", ask: "agent"},
		emulator.FullSlots:             {load: "agent", ask: "agent"},
		emulator.ExpiredKey:            {order: "expired-key=0", load: "agent", ask: "agent"},
		emulator.WrongClock:            {order: "clock=+26h", ask: "agent"},
		emulator.ParityChanged:         {load: "agent", ask: "agent"},
		emulator.HalvesSwapped:         {load: "agent", ask: "agent"},
		emulator.SingleDES:             {load: "agent", ask: "agent"},
		emulator.SlotAsHex:             {load: "futurex", ask: "agent", more: []string{"--dialect", "futurex", "--slots", "decimal"}},
		emulator.LowBattery:            {ask: "agent"},
		emulator.Refuse:                {order: "refuse=damaged", ask: "agent"},
		emulator.Random:                {order: "random=100%", ask: "visa", line: quick},
	}
}

// faultScript is the test script for some faults, with a terminal for each.
func faultScript(t *testing.T, begin string, faults []emulator.Fault) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(begin)
	for n, name := range faults {
		c := faultCases()[name]
		if c.order == "" {
			c.order = string(name)
		}
		serial := fmt.Sprintf("PK%08d", n+1)
		orders := strings.Join(append([]string{"--state", serial + ".d", "--serial", serial, "--fault", c.order}, c.more...), " ")
		fmt.Fprintf(&b, "# %s\nserve T poskey device emulate --listen 127.0.0.1:0 --manage 127.0.0.1:0 --klk file:klk.txt %s -o json\n", name, orders)
		if c.load != "" {
			fmt.Fprintf(&b, "exits 0 poskey device add %s --model PP791\n", serial)
			fmt.Fprintf(&b, "exits 0 sh -c 'poskey inject --device $0 --plan %s --serial %s --timeout 1s || :' %s\n",
				planOf(c.load), serial, uriOf(c.load, ""))
		}
		fmt.Fprintf(&b, "exits 0 poskey diagnose device --device %s --serial %s -o json %s\n", uriOf(c.ask, c.line), serial, inventoryOf(c))
		b.WriteString(wanted(t, emulator.Fault(c.order)))
		b.WriteString("halt T INT 130\n")
	}
	return b.String() + faultPlans
}

func inventoryOf(c faultCase) string {
	if c.load == "" {
		return "--no-inventory"
	}
	return "-q"
}

func planOf(line string) string {
	if line == "futurex" {
		return "futurex.yaml"
	}
	return "block.yaml"
}

func uriOf(line, more string) string {
	switch line {
	case "agent":
		return "$T_MANAGE"
	case "futurex":
		return "$T'?slots=decimal'"
	}
	return "$T'" + more + "'"
}

// wanted is what the answer must have: the cause first, or none at all.
func wanted(t *testing.T, order emulator.Fault) string {
	t.Helper()
	cause := order.Cause()
	if cause == "" {
		return "jsonhas stdout verdict match\njsonhas stdout findings.len 0\n"
	}
	for _, known := range diagnose.Causes() {
		if string(known) == cause {
			return "jsonhas stdout findings.0.cause " + cause + "\njsonhas stdout findings.0.certainty '~proven|likely'\n"
		}
	}
	t.Fatalf("%s has the cause %q, which is none of the catalogue", order, cause)
	return ""
}

// TestEveryFaultOfTheEmulatorIsNamed runs every fault that can be ordered through the command line: the key is loaded with
// the journal of a store where that makes it show, and diagnose device names its cause first.
func TestEveryFaultOfTheEmulatorIsNamed(t *testing.T) {
	cases := faultCases()
	var loaded, asked []emulator.Fault
	for _, info := range emulator.Faults() {
		c, ok := cases[info.Name]
		switch {
		case !ok:
			t.Errorf("the fault %s has no case here: how does it show in a diagnosis?", info.Name)
		case c.load != "":
			loaded = append(loaded, info.Name)
		default:
			asked = append(asked, info.Name)
		}
		delete(cases, info.Name)
	}
	for name := range cases {
		t.Errorf("there is no fault %s", name)
	}
	dir := t.TempDir()
	for name, script := range map[string]string{"faults_of_loads": faultScript(t, faultStore, loaded),
		"faults_of_asking": faultScript(t, faultKLK, asked)} {
		if err := os.WriteFile(filepath.Join(dir, name+".txtar"), []byte(script), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	testscript.Run(t, testscript.Params{Dir: dir, Setup: testcli.Setup, Cmds: testcli.Commands(), RequireExplicitExec: true, ContinueOnError: true})
}

// TestEveryFaultHasItsCause: one of the catalogue, or the reason why it has none.
func TestEveryFaultHasItsCause(t *testing.T) {
	var known []string
	for _, c := range diagnose.Causes() {
		known = append(known, string(c))
	}
	for _, info := range emulator.Faults() {
		if (info.Cause == "") == info.NoCause.IsZero() || info.Cause != "" && !slices.Contains(known, info.Cause) {
			t.Errorf("%s: cause %q, without one for the reason %q", info.Name, info.Cause, info.NoCause)
		}
	}
	for _, row := range manage.Codes() {
		order := emulator.Fault("refuse=" + row.Code)
		if order.Cause() != row.Cause || !slices.Contains(known, row.Cause) {
			t.Errorf("%s: cause %q, of the code %q", order, order.Cause(), row.Cause)
		}
	}
}

const faultKLK = `put klk.txt $CANARY
`

const faultStore = `officers test
env POSKEY_STORE=sqlite:$WORK/store.db
exits 0 poskey store init --environment test --threshold 2 --officer custodian.a.card --officer custodian.b.card --officer keeper.h.card
exits -fd=custodian.a.pass,keeper.h.pass 0 poskey store unseal --officer custodian.a.identity --officer keeper.h.identity --passphrase-fd 3 --passphrase-fd 4
put klk.txt $CANARY
put key.txt $CANARY2
exits 0 poskey generate --alg tdes-128 --usage P0 --to store:TPK-17
exits 0 poskey key import KLK-17 --key file:klk.txt --alg tdes-128 --usage K0 --expect 844876
`

const faultPlans = `
-- block.yaml --
schema: poskey.inject-plan/v1
environment: test
loads:
  - {slot: "0", key: "store:TPK-17", kbpk: "store:KLK-17", usage: P0, mode: E}
-- futurex.yaml --
schema: poskey.inject-plan/v1
environment: test
loads:
  - {slot: "15", key: "file:key.txt", expect: DC354F, kbpk: "file:klk.txt", kbpk_slot: "00"}
`
