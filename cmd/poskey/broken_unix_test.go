//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package main

// Ceremonies that broke between a piece of work and the line about it, and records that were cut.

import (
	"testing"

	"poskey/pkg/ceremony/script"
)

const brokenPeople = `schema: poskey.ceremony/v1
kind: custom
environment: test
title: 'TEST: a key of the store'
organisation: 'Organisation A'
place: 'Key room 1'
people:
  - {id: admin.d, name: 'Leader D', manager: 'Head of Security'}
  - {id: operator.g, name: 'Operator G', manager: 'Head of Operations'}
  - {id: auditor.f, name: 'Witness F', manager: 'Head of Audit'}
roles:
  leader: {primary: admin.d}
  operator: {primary: operator.g}
  witness: {primary: auditor.f}
keys:
`

// TestCeremonyGoesOnAfterWorkWithoutItsLine: what was done is found, and not done again.
func TestCeremonyGoesOnAfterWorkWithoutItsLine(t *testing.T) {
	const (
		leaves = brokenPeople + `  - id: PEK
    algorithm: aes-128
    usage: P0
    source: store
    label: PEK
    outputs:
      - {to: block, file: pek.txt, kbpk: KEK}
steps:
  - {do: attend}
  - {do: export, key: PEK}
  - {do: close}
`
		goes = brokenPeople + `  - id: OLD
    algorithm: aes-128
    usage: P0
    source: store
    label: PEK
steps:
  - {do: attend}
  - {do: destroy-key, key: OLD, method: 'its period is over'}
  - {do: close}
`
		keys = `exits 0 poskey generate --alg aes-256 --usage K1 --to store:KEK
exits 0 poskey generate --alg aes-128 --usage P0 --to store:PEK
`
		breaks = "-- breaks --\nkill type \"close\"\ncast a.yaml\n-- cast --\ncast a.yaml\n-- a.yaml --\n"
		run    = "play breaks poskey ceremony run a.yaml --dir a --identity officers\n"
		resume = `play cast poskey ceremony resume a --identity officers -o json
jsonhas out state closed
exits 0 poskey ceremony verify a --script a.yaml
`
	)
	all := map[string]string{
		// It was destroyed, and the line says so; by the check before it is not there any more.
		"destroyed": withStore + keys + run + resume + `exits 0 poskey key show PEK -o json
jsonhas stdout state destroyed
# By the ledger it is over: a record that was cut is not signed anew.
exits 0 sh -c 'chmod u+w a/transcript.jsonl; sed -i -e "/\"kind\":\"closing\"/,\$d" a/transcript.jsonl'
exits 5 poskey ceremony verify a
` + breaks + goes,
		// The key block lies there, and the record does not know it.
		"exported": withStore + keys + run + `exits 0 sh -c 'sed -i -e "/\"kind\":\"exported\"/,\$d" a/transcript.jsonl; cp a/pek.txt before'
` + resume + `cmp before a/pek.txt
play breaks poskey ceremony rehearse a.yaml --dir b
exits 0 sh -c 'sed -i -e "/\"kind\":\"exported\"/,\$d" b/transcript.jsonl'
play cast poskey ceremony resume b -o json
jsonhas out state closed
exits 0 poskey ceremony verify b
` + breaks + leaves,
		// So does the store.
		"master": withOfficers + `play breaks poskey ceremony run a.yaml --dir a --identity officers
exits 0 sh -c 'sed -i -e "/\"kind\":\"made\"/,\$d" a/transcript.jsonl'
` + resume + `exits 0 poskey store status -o json
jsonhas stdout state sealed
` + breaks + brief(hired(template(t, script.StoreMaster, script.Wish{}))),
		// Of a ceremony whose ledger is closed the record does not go on.
		"cut": withStore + `play cast poskey ceremony run a.yaml --dir a --identity officers --printer $PRINTER
exits 0 sh -c 'sed -i -e "/\"kind\":\"closing\"/,\$d" a/transcript.jsonl'
play -exit=6 cast poskey ceremony resume a --identity officers --printer $PRINTER
grep 'by the ledger of the store ceremony .* is over' err
-- cast --
cast a.yaml
-- a.yaml --
` + twoParts(t),
	}
	if !manyCeremonies {
		all = map[string]string{"destroyed": all["destroyed"]}
	}
	playScripts(t, all)
}
