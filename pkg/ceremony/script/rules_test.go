package script

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"poskey/pkg/custody"
	"poskey/pkg/keys"
)

// found lists findings by what scripts and records hold on to.
func found(all []Finding) map[string]int {
	m := map[string]int{}
	for _, f := range all {
		m[fmt.Sprintf("%s %s %q %s", f.ID, f.Level, f.Requirement, f.Where)]++
	}
	return m
}

// more gives what is in b and not in a.
func more(a, b map[string]int) []string {
	var all []string
	for id, n := range b {
		for range n - a[id] {
			all = append(all, id)
		}
	}
	return all
}

func person1(s *Script, id string) *Person {
	for i := range s.People {
		if s.People[i].ID == id {
			return &s.People[i]
		}
	}
	return nil
}

func TestEachRuleFindsWhatBreaksItAndNothingElse(t *testing.T) {
	past := func(person, label, check, set string, part int) Past {
		return Past{Person: person, Name: "Name of " + person, Label: label, Check: check, Set: set, Part: part, Where: "before"}
	}
	numbered := func(p Past, version int) Past { p.Number = version; return p }
	called := func(p Past, name string) Past { p.Name = name; return p }
	stored := func(version int, check string) func(string) (StoredKey, bool) {
		return func(label string) (StoredKey, bool) { return StoredKey{version, check}, label == "TEST-ZMK" }
	}
	algorithms := func(label string) (keys.Algorithm, bool) {
		a, ok := map[string]keys.Algorithm{"K256": keys.AES256, "K128": keys.AES128, "T3": keys.TDES192, "T2": keys.TDES128}[label]
		return a, ok
	}
	for name, c := range map[string]struct {
		kind  Kind
		wish  Wish
		prod  bool
		known Knowledge
		edit  func(s *Script)
		want  string // "" for no finding
	}{
		"a manager in two spellings": {kind: TMK, edit: func(s *Script) { person1(s, "custodian.b").Manager = "M\u0430nager A" },
			want: `letters warning "PCI PIN 7-2" people.custodian.b`},
		"a manager in full width": {kind: TMK, prod: true, edit: func(s *Script) { person1(s, "custodian.b").Manager = "Ｍanager A" },
			want: `letters error "PCI PIN 7-2" people.custodian.b`},
		"a name with a mark put on it": {kind: TMK, edit: func(s *Script) { person1(s, "leader.a").Name = "Rene\u0301" },
			want: `letters warning "PCI PIN 7-2" people.leader.a`},
		"a manager whose words are of two scripts": {kind: TMK, edit: func(s *Script) { person1(s, "custodian.b").Manager = "\u041d\u0410 Manager" },
			want: `letters warning "PCI PIN 7-2" people.custodian.b`},
		"one name in two forms": {kind: TMK, edit: func(s *Script) { person1(s, "custodian.b").Name = "CUSTODIAN \uff21" },
			want: `letters warning "PCI PIN 7-2" people.custodian.b|same-name warning "PCI PIN 21-2.4" people.custodian.b`},
		"one manager in two forms": {kind: TMK, wish: Wish{Parts: 2}, edit: func(s *Script) { person1(s, "custodian.b").Manager = "\uff2danager A" },
			want: `letters warning "PCI PIN 7-2" people.custodian.b|one-manager warning "PCI PIN 25-1" keys.TMK`},
		"names of two scripts that nobody confuses": {kind: TMK, edit: func(s *Script) { person1(s, "leader.a").Name = "王 A（Leader）René" }},
		"one person, two of three parts": {kind: TMK, edit: func(s *Script) { s.Keys[0].Parts[2].Custodian.Backup = "backup.a" },
			want: `one-person-two-parts error "PCI PIN 8-2" keys.TMK.parts.3|without-seat note "PCI PIN 7-1" people.backup.c`},
		"one person, all of two parts": {kind: TMK, wish: Wish{Parts: 2}, edit: func(s *Script) {
			s.Keys[0].Parts[1].Custodian.Backup = "custodian.a"
			s.Roles[Leader] = Seat{Primary: "leader.a", Backup: "backup.b"}
		}, want: `one-manager warning "PCI PIN 25-1" keys.TMK|one-person-enough-parts error "PCI PIN 21-2.4" keys.TMK.parts.2`},
		"the former custodian gets another part": {kind: Reissue, edit: func(s *Script) { s.Keys[0].Parts[2].Custodian.Backup = "former.a" },
			want: `one-person-two-parts error "PCI PIN 8-2" keys.ZMK.parts.3|without-seat note "PCI PIN 7-1" people.backup.c`},
		"the former custodian is the new one": {kind: Reissue, edit: func(s *Script) { s.Keys[0].Parts[0].Former.Backup = "custodian.a" },
			want: `same-custodian warning "PCI PIN 25-1" keys.ZMK.parts.1`},
		"two shares below the threshold": {kind: StoreMaster, wish: Wish{Parts: 5}, edit: func(s *Script) {
			s.Keys[0].Parts[4].Custodian.Backup = "custodian.a"
		}, want: `one-person-two-shares note "PCI PIN 8-2" keys.MASTER.parts.5`},
		"shares up to the threshold": {kind: StoreMaster, edit: func(s *Script) {
			s.Keys[0].Parts[2].Custodian.Backup = "custodian.a"
		}, want: `one-manager warning "PCI PIN 25-1" keys.MASTER|one-person-enough-parts error "PCI PIN 21-2.4" keys.MASTER.parts.3`},

		"a part held before, by label": {kind: ZMKReceive, known: Knowledge{Past: []Past{past("custodian.a", "TEST-ZMK", "", "", 2)}},
			want: `past-one-person-two-parts error "PCI PIN 8-2" keys.ZMK.parts.1`},
		"a part held before, by check value": {kind: ZMKReceive, edit: func(s *Script) { s.Keys[0].Check = expected(t, "08D7B4") },
			known: Knowledge{Past: []Past{past("custodian.a", "", "08d7b4fb", "", 2)}}, want: `past-one-person-two-parts error "PCI PIN 8-2" keys.ZMK.parts.1`},
		"a part held before, by card": {kind: ZMKReceive, prod: true, known: Knowledge{Past: []Past{{Person: "old.name", Card: strings.Repeat("0", 62) + "A4", Label: "ZMK", Part: 2}}},
			want: `past-one-person-two-parts error "PCI PIN 8-2" keys.ZMK.parts.1`},
		"a part held before, by its set": {kind: ZMKReceive, known: Knowledge{Past: []Past{past("somebody.else", "TEST-ZMK", "", "7F3A-91C2", 1), past("custodian.a", "", "", "7F3A-91C2", 3)}},
			want: `past-one-person-two-parts error "PCI PIN 8-2" keys.ZMK.parts.1`},
		"enough parts with those before": {kind: ZMKReceive, known: Knowledge{Past: []Past{past("backup.c", "TEST-ZMK", "", "", 1), past("backup.c", "TEST-ZMK", "", "", 2)}},
			want: `past-one-person-enough-parts error "PCI PIN 21-2.4" keys.ZMK.parts.3`},
		"the same part held before":         {kind: ZMKReceive, known: Knowledge{Past: []Past{past("custodian.a", "TEST-ZMK", "", "", 1)}}},
		"a part of another key before":      {kind: ZMKReceive, known: Knowledge{Past: []Past{past("custodian.a", "OTHER", "", "", 2)}}},
		"a part held by another one before": {kind: ZMKReceive, known: Knowledge{Past: []Past{past("custodian.x", "TEST-ZMK", "", "", 2)}}},
		"another check value clears nobody": {kind: ZMKReceive, edit: func(s *Script) { s.Keys[0].Check = expected(t, "08D7B4") },
			known: Knowledge{Past: []Past{past("custodian.a", "TEST-ZMK", "AAAAAA", "", 2)}}, want: `past-other-check-value warning "PCI PIN 21-2.4" keys.ZMK.parts.1`},
		"another check value, and the same part": {kind: ZMKReceive, edit: func(s *Script) { s.Keys[0].Check = expected(t, "08D7B4") },
			known: Knowledge{Past: []Past{past("custodian.a", "TEST-ZMK", "AAAAAA", "", 1)}}},
		"another check value in its set": {kind: ZMKReceive, edit: func(s *Script) { s.Keys[0].Check = expected(t, "08D7B4") },
			known: Knowledge{Past: []Past{past("custodian.a", "TEST-ZMK", "AAAAAA", "S1", 3), past("custodian.b", "", "08D7B4", "S1", 2)}},
			want:  `past-one-person-two-parts error "PCI PIN 8-2" keys.ZMK.parts.1`},
		"parts of a version that was given up": {kind: Reissue, known: Knowledge{Stored: stored(2, "08D7B4"), Past: []Past{
			numbered(past("custodian.a", "TEST-ZMK", "AAAAAA", "S1", 2), 1), past("custodian.a", "TEST-ZMK", "AAAAAA", "S1", 3)}}},
		"parts of the version in the store": {kind: Reissue, known: Knowledge{Stored: stored(2, "08D7B4"), Past: []Past{
			numbered(past("custodian.a", "TEST-ZMK", "", "", 2), 2)}}, want: `past-one-person-two-parts error "PCI PIN 8-2" keys.ZMK.parts.1`},
		"parts of nobody knows which version": {kind: Reissue, known: Knowledge{Stored: stored(2, "08D7B4"), Past: []Past{
			past("custodian.a", "TEST-ZMK", "", "", 2)}}, want: `past-one-person-two-parts error "PCI PIN 8-2" keys.ZMK.parts.1`},
		"parts of the key in the store, and a wrong check value in the script": {kind: Reissue, edit: func(s *Script) { s.Keys[0].Check = expected(t, "AAAAAA") },
			known: Knowledge{Stored: stored(2, "08D7B4"), Past: []Past{past("custodian.a", "TEST-ZMK", "08D7B4", "", 2)}},
			want:  `past-one-person-two-parts error "PCI PIN 8-2" keys.ZMK.parts.1`},
		"parts of the key in the store under another label": {kind: Reissue, known: Knowledge{Stored: stored(2, "08D7B4"), Past: []Past{
			numbered(past("custodian.a", "OLD-ZMK", "08D7B4", "", 2), 7)}}, want: `past-one-person-two-parts error "PCI PIN 8-2" keys.ZMK.parts.1`},
		"a namesake of who held another part": {kind: ZMKReceive, known: Knowledge{Past: []Past{called(past("old.id", "TEST-ZMK", "", "", 2), "CUSTODIAN  A")}},
			want: `past-same-name warning "PCI PIN 21-2.4" keys.ZMK.parts.1`},
		"a namesake of who held the same part": {kind: ZMKReceive, known: Knowledge{Past: []Past{called(past("old.id", "TEST-ZMK", "", "", 1), "Custodian A")}}},
		"a namesake of who held another key":   {kind: ZMKReceive, known: Knowledge{Past: []Past{called(past("old.id", "OTHER", "", "", 2), "Custodian A")}}},
		"a leader with a part, in production": {kind: TMK, prod: true, edit: func(s *Script) { s.Roles[Leader] = Seat{"leader.a", "custodian.b"} },
			want: `leader-is-custodian warning "PCI PIN 12-1" roles.leader`},
		"an operator with a part, in production": {kind: TMK, prod: true, edit: func(s *Script) { s.Keys[0].Parts[2].Custodian.Backup = "operator.a" },
			want: `operator-is-custodian warning "PCI PIN 12-1" roles.operator|without-seat note "PCI PIN 7-1" people.backup.c`},
		"a leader with a part, in test":           {kind: TMK, edit: func(s *Script) { s.Roles[Leader] = Seat{"leader.a", "custodian.b"} }},
		"a part of the key that this one follows": {kind: TMK, known: Knowledge{Past: []Past{past("custodian.a", "TEST-TMK", "", "", 2)}}},
		"parts held before by who has none now":   {kind: ZMKReceive, known: Knowledge{Past: []Past{past("leader.a", "TEST-ZMK", "", "", 1), past("leader.a", "TEST-ZMK", "", "", 2)}}},

		"a custodian's own backup": {kind: TMK, edit: func(s *Script) { s.Keys[0].Parts[0].Custodian.Backup = "custodian.a" },
			want: `own-backup error "PCI PIN 25-1" keys.TMK.parts.1|without-seat note "PCI PIN 7-1" people.backup.a`},
		"a leader's own backup": {kind: TMK, edit: func(s *Script) { s.Roles[Leader] = Seat{"leader.a", "leader.a"} },
			want: `own-backup error "PCI PIN 25-1" roles.leader`},
		"no backup in test": {kind: TMK, edit: func(s *Script) { s.Keys[0].Parts[1].Custodian.Backup = "" },
			want: `backup-missing warning "PCI PIN 25-1" keys.TMK.parts.2|without-seat note "PCI PIN 7-1" people.backup.b`},
		"no backup in production": {kind: TMK, prod: true, edit: func(s *Script) { s.Keys[0].Parts[1].Custodian.Backup = "" },
			want: `backup-missing error "PCI PIN 25-1" keys.TMK.parts.2|without-seat note "PCI PIN 7-1" people.backup.b`},
		"no backup of shares of which some may be missing": {kind: StoreMaster},
		"one manager in test": {kind: TMK, wish: Wish{Parts: 2}, edit: func(s *Script) { person1(s, "backup.b").Manager = " manager  a" },
			want: `one-manager warning "PCI PIN 25-1" keys.TMK`},
		"one manager in production": {kind: TMK, wish: Wish{Parts: 2}, prod: true, edit: func(s *Script) {
			for i := range s.People {
				if p := &s.People[i]; p.Manager == "Manager B" || p.Manager == "Manager C" {
					p.Manager = "Manager A"
				}
			}
		}, want: `one-manager error "PCI PIN 25-1" keys.TMK`},
		"two of three under one manager": {kind: TMK, wish: Wish{Parts: 3}, edit: func(s *Script) { person1(s, "backup.b").Manager = "Manager A" }},
		"a manager who is a custodian": {kind: TMK, wish: Wish{Parts: 2}, edit: func(s *Script) { person1(s, "custodian.b").Manager = "Custodian A" },
			want: `one-manager warning "PCI PIN 25-1" keys.TMK`},
		"a manager who is written as an id": {kind: TMK, wish: Wish{Parts: 2}, edit: func(s *Script) { person1(s, "custodian.b").Manager = "Custodian.A" },
			want: `one-manager warning "PCI PIN 25-1" keys.TMK`},
		"one manager, by name and by id": {kind: TMK, wish: Wish{Parts: 2}, edit: func(s *Script) {
			person1(s, "custodian.a").Manager, person1(s, "custodian.b").Manager = "leader.a", "Leader A"
		}, want: `one-manager warning "PCI PIN 25-1" keys.TMK`},
		"no manager in test": {kind: TMK, edit: func(s *Script) { person1(s, "custodian.b").Manager = "" },
			want: `manager-missing warning "PCI PIN 25-1" keys.TMK.parts.2`},
		"no manager in production": {kind: TMK, prod: true, edit: func(s *Script) { person1(s, "custodian.b").Manager = "" },
			want: `manager-missing error "PCI PIN 25-1" keys.TMK.parts.2`},

		"a witness with a part": {kind: TMK, edit: func(s *Script) { s.Roles[Witness] = Seat{"witness.a", "custodian.a"} },
			want: `witness-is-custodian error "PCI PIN 12-1" roles.witness`},
		"a witness with a part that is destroyed": {kind: Destruction, edit: func(s *Script) { s.Roles[SecondWitness] = Seat{"witness.b", "backup.b"} },
			want: `witness-is-custodian error "PCI PIN 24-2.2" roles.second-witness`},
		"a witness who had a part that is destroyed": {kind: Destruction, known: Knowledge{Past: []Past{past("witness.a", "TEST-OLD", "", "", 2)}},
			want: `witness-was-custodian error "PCI PIN 24-2.2" roles.witness`},
		"a witness who had a part that goes on": {kind: Reissue, known: Knowledge{Past: []Past{past("witness.a", "TEST-ZMK", "", "", 2)}}},
		"a witness who operates": {kind: TMK, edit: func(s *Script) { s.Roles[Witness] = Seat{"witness.a", "operator.a"} },
			want: `witness-is-operator error "PCI PIN 12-1" roles.witness`},
		"a witness who leads": {kind: TMK, edit: func(s *Script) { s.Roles[SecondWitness] = Seat{"witness.b", "leader.a"} },
			want: `witness-is-leader error "PCI PIN 12-1" roles.second-witness`},
		"one witness twice": {kind: TMK, edit: func(s *Script) { s.Roles[SecondWitness] = Seat{"witness.b", "witness.a"} },
			want: `witness-twice error "PCI PIN 6-2" roles.second-witness`},
		"a leader who operates": {kind: TMK, edit: func(s *Script) { s.Roles[Operator] = Seat{"leader.a", "operator.a"} },
			want: `leader-is-operator warning "PCI PIN 12-1" roles.operator`},
		"one witness in production": {kind: TMK, prod: true, edit: func(s *Script) { delete(s.Roles, SecondWitness) },
			want: `second-witness-missing error "PCI PIN 6-2" roles.second-witness|without-seat note "PCI PIN 7-1" people.witness.b`},
		"one witness in test": {kind: TMK, edit: func(s *Script) { s.Roles[SecondWitness] = Seat{}; delete(s.Roles, SecondWitness) },
			want: `without-seat note "PCI PIN 7-1" people.witness.b`},

		"no card in production": {kind: TMK, prod: true, edit: func(s *Script) { person1(s, "leader.a").Card = "" },
			want: `card-missing error "PCI PIN 6-1" people.leader.a`},
		"one card twice": {kind: TMK, prod: true, edit: func(s *Script) { person1(s, "custodian.b").Card = person1(s, "custodian.a").Card },
			want: `same-card error "PCI PIN 21-2.4" people.custodian.b`},
		"one badge twice": {kind: TMK, edit: func(s *Script) { s.People[0].Employee, s.People[1].Employee = "E 1", "e  1" },
			want: `same-employee error "PCI PIN 21-2.4" people.operator.a`},
		"one name twice": {kind: TMK, edit: func(s *Script) { person1(s, "operator.a").Name = "leader a" },
			want: `same-name warning "PCI PIN 21-2.4" people.operator.a`},
		"somebody without a seat": {kind: TMK, edit: func(s *Script) { s.People = append(s.People, Person{ID: "guest.a", Name: "Guest"}) },
			want: `without-seat note "PCI PIN 7-1" people.guest.a`},

		"one channel twice": {kind: ZMKExchange, edit: func(s *Script) { s.Keys[0].Parts[2].Channel = "courier  A" },
			want: `channel-twice error "PCI PIN 8-1" keys.ZMK.parts.3`},
		"no channel": {kind: ZMKExchange, edit: func(s *Script) { s.Keys[0].Parts[1].Channel = "" },
			want: `channel-missing error "PCI PIN 8-1" keys.ZMK.parts.2`},
		"no channel of a bag that came": {kind: ZMKReceive, edit: func(s *Script) { s.Keys[0].Parts[1].Channel = "" },
			want: `channel-missing error "PCI PIN 8-1" keys.ZMK.parts.2`},
		"no channel of what stays": {kind: TMK},
		"nobody tells the serial, in test": {kind: ZMKExchange, edit: func(s *Script) { s.Keys[0].Parts[0].SerialBy = "" },
			want: `serial-by-missing warning "PCI PIN 8-1" keys.ZMK.parts.1`},
		"nobody tells the serial, in production": {kind: ZMKExchange, prod: true, edit: func(s *Script) { s.Keys[0].Parts[0].SerialBy = "" },
			want: `serial-by-missing error "PCI PIN 8-1" keys.ZMK.parts.1`},
		"the courier tells the serial": {kind: ZMKExchange, edit: func(s *Script) { s.Keys[0].Parts[0].SerialBy = "courier a" },
			want: `serial-with-bag error "PCI PIN 8-1" keys.ZMK.parts.1`},
		"who carries the bag tells the serial": {kind: ZMKExchange, edit: func(s *Script) {
			s.Keys[0].Parts[0].Channel, s.Keys[0].Parts[0].SerialBy = "by hand: Leader A", "leader.a"
		}, want: `serial-with-bag error "PCI PIN 8-1" keys.ZMK.parts.1`},
		"no serial of a bag, in test": {kind: ZMKReceive, edit: func(s *Script) { s.Keys[0].Parts[0].Bag = "" },
			want: `bag-missing warning "PCI PIN 8-1" keys.ZMK.parts.1`},
		"no serial of a bag, in production": {kind: ZMKReceive, prod: true, edit: func(s *Script) { s.Keys[0].Parts[0].Bag = "" },
			want: `bag-missing error "PCI PIN 8-1" keys.ZMK.parts.1`},
		"one bag twice": {kind: ZMKReceive, edit: func(s *Script) { s.Keys[0].Parts[1].Bag = "bag-1001" },
			want: `bag-twice error "PCI PIN 8-1" keys.ZMK.parts.2`},
		"one bag in itself": {kind: ZMKReceive, edit: func(s *Script) { s.Keys[0].Parts[1].Outer = "BAG-1002" },
			want: `bag-twice error "PCI PIN 8-1" keys.ZMK.parts.2`},

		"single DES": {kind: TMK, edit: func(s *Script) { s.Keys[0].Algorithm = keys.DES },
			want: `single-des error "PCI PIN 10-1" keys.TMK`},
		"double length": {kind: TMK, edit: func(s *Script) { s.Keys[0].Algorithm = keys.TDES128 },
			want: `double-length-tdes note "PCI PIN 10-1" keys.TMK`},
		"triple length": {kind: TMK, edit: func(s *Script) { s.Keys[0].Algorithm = keys.TDES192 }},
		"one part": {kind: TMK, edit: func(s *Script) { s.Keys[0].Parts = s.Keys[0].Parts[:1]; s.Keys[0].Threshold = 1 },
			want: `one-part error "PCI PIN 21-2.2" keys.TMK|without-seat note "PCI PIN 7-1" people.backup.b|without-seat note "PCI PIN 7-1" people.backup.c|` +
				`without-seat note "PCI PIN 7-1" people.custodian.b|without-seat note "PCI PIN 7-1" people.custodian.c`},
		"shares to a partner": {kind: ZMKExchange, edit: func(s *Script) { s.Keys[0].Scheme = "shamir" },
			want: `shamir-exchange error "PCI PIN 12-6" keys.ZMK`},
		"shares of a partner's custodian": {kind: StoreMaster, edit: func(s *Script) { person1(s, "custodian.a").Partner = true },
			want: `shamir-exchange error "PCI PIN 12-6" keys.MASTER`},
		"software draws in production": {kind: HSMScribe, prod: true, edit: func(s *Script) { s.Keys[0].Source = Generate },
			want: `software-generation warning "PCI PIN 5-1" keys.ZMK`},
		"software draws in test": {kind: HSMScribe, edit: func(s *Script) { s.Keys[0].Source = Generate }},
		"a check value that is too long": {kind: Reissue, edit: func(s *Script) { s.Keys[0].Check = expected(t, "08D7B4FB629") },
			want: `check-too-long error "PCI PIN 15-1" keys.ZMK`},
		"a check value of a part that is too long": {kind: Reissue, edit: func(s *Script) { s.Keys[0].Parts[1].Check = expected(t, "08D7B4FB629") },
			want: `check-too-long error "PCI PIN 15-1" keys.ZMK.parts.2`},
		"a check value of ten digits": {kind: Reissue, edit: func(s *Script) { s.Keys[0].Check = expected(t, "08D7B4FB62") }},
		"a check value that is short": {kind: Reissue, edit: func(s *Script) { s.Keys[0].Check = expected(t, "08D7") },
			want: `check-short warning "PCI PIN 15-1" keys.ZMK`},
		"a TDES check value of eight digits": {kind: Reissue, edit: func(s *Script) {
			s.Keys[0].Algorithm, s.Keys[0].Check = keys.TDES192, expected(t, "08D7B4FB")
		}, want: `check-method warning "PCI PIN 15-1" keys.ZMK`},
		"a check value that is padded": {kind: Reissue, edit: func(s *Script) { s.Keys[0].Check = expected(t, "08D7B40000000000") }},
		"no check values": {kind: Reissue, edit: func(s *Script) { s.Keys[0].Source, s.Keys[0].Label = Components, "" },
			want: `check-missing warning "PCI PIN 15-1" keys.ZMK|part-check-missing warning "PCI PIN 15-1" keys.ZMK.parts.1|` +
				`part-check-missing warning "PCI PIN 15-1" keys.ZMK.parts.2|part-check-missing warning "PCI PIN 15-1" keys.ZMK.parts.3`},

		"a weaker KBPK of the store": {kind: Injection, known: Knowledge{Algorithm: algorithms}, edit: func(s *Script) { s.Keys[0].Outputs[0].KBPK = "K128" },
			want: `kbpk-weaker error "PCI PIN 10-1" keys.PEK.outputs.1`},
		"a TDES key over an AES key": {kind: Injection, known: Knowledge{Algorithm: algorithms}, edit: func(s *Script) {
			s.Keys[0].Algorithm, s.Keys[0].Outputs[0].KBPK = keys.AES128, "T3"
		}, want: `kbpk-weaker error "PCI PIN 10-1" keys.PEK.outputs.1`},
		"a KBPK as strong": {kind: Injection, known: Knowledge{Algorithm: algorithms}, edit: func(s *Script) { s.Keys[0].Outputs[0].KBPK = "K256" }},
		"a KBPK that is not there": {kind: Injection, known: Knowledge{Algorithm: algorithms},
			want: `kbpk-unknown error "PCI PIN 10-1" keys.PEK.outputs.1`},
		"a KBPK of the same script": {kind: Injection, known: Knowledge{Algorithm: algorithms}, edit: func(s *Script) {
			s.Keys = append(s.Keys, Key{ID: "TMK", Source: Stored, Algorithm: keys.AES256, Label: "TEST-TMK"})
		}},
		"a weaker KBPK of the same script": {kind: Injection, edit: func(s *Script) {
			s.Keys = append(s.Keys, Key{ID: "TMK", Source: Components, Algorithm: keys.AES192, Outputs: []Output{{To: ToStore, Label: "TEST-TMK"}}, Check: expected(t, "ABCDEF")})
		}, want: `kbpk-weaker error "PCI PIN 10-1" keys.PEK.outputs.1`},
		"a block that AES does not close": {kind: Injection, known: Knowledge{Algorithm: algorithms}, edit: func(s *Script) {
			s.Keys[0].Outputs[0].KBPK, s.Keys[0].Outputs[0].Version = "K256", 'B'
		}, want: `block-version error "PCI PIN 18-3" keys.PEK.outputs.1`},
		"a block that TDES does not close": {kind: Injection, known: Knowledge{Algorithm: algorithms}, edit: func(s *Script) {
			s.Keys[0].Algorithm, s.Keys[0].Outputs[0].KBPK, s.Keys[0].Outputs[0].Version = keys.TDES192, "T3", 'D'
		}, want: `block-version error "PCI PIN 18-3" keys.PEK.outputs.1`},
		"a block that TDES closes": {kind: Injection, known: Knowledge{Algorithm: algorithms}, edit: func(s *Script) {
			s.Keys[0].Algorithm, s.Keys[0].Outputs[0].KBPK, s.Keys[0].Outputs[0].Version = keys.TDES192, "T3", 'B'
		}},

		"something to fill in, in test": {kind: TMK, edit: func(s *Script) { s.Place = "FILL IN: room" }, want: `fill-in warning "PCI PIN 7-1" place`},
		"something to fill in, in production": {kind: TMK, prod: true, edit: func(s *Script) { s.Steps[3].Text = "待填：什么" },
			want: `fill-in error "PCI PIN 7-1" steps.4.text`},
		"a test's words in production": {kind: TMK, prod: true, edit: func(s *Script) { s.Title = "ZMK (Test)" },
			want: `test-words-in-production error "PCI PIN 19" title`},
		"a test's label in production": {kind: TMK, prod: true, edit: func(s *Script) { s.Keys[0].Outputs[0].Label = "TEST-TMK" },
			want: `test-words-in-production error "PCI PIN 19" keys.TMK.outputs.1`},
		"a Chinese test's words in production": {kind: TMK, prod: true, edit: func(s *Script) { s.Title = "密钥测试仪式" },
			want: `test-words-in-production error "PCI PIN 19" title`},
		"words that only look like a test's": {kind: TMK, prod: true, edit: func(s *Script) { s.Title = "Attestation of the latest key" }},
		"production's words in a test": {kind: TMK, edit: func(s *Script) { s.Title = "ZMK of production" },
			want: `production-words-in-test warning "PCI PIN 19" title`},
		"a printer that nobody looked at": {kind: TMK, edit: func(s *Script) {
			for i := range s.Steps {
				if s.Steps[i].Do == Inspect {
					s.Steps[i] = Step{Do: Read, Text: "x"}
				}
			}
		}, want: `printer-not-inspected warning "PCI PIN 6-3" steps.8`},
	} {
		t.Run(name, func(t *testing.T) {
			s := good(t, c.kind, c.wish)
			if c.prod {
				s = real(t, c.kind)
			}
			if c.prod && c.wish.Parts == 2 {
				s.Keys[0].Parts = s.Keys[0].Parts[:2]
				s.Keys[0].Threshold = 2
				s.People = s.People[:len(s.People)-2]
			}
			before := found(s.Rules(nil))
			if c.edit != nil {
				c.edit(s)
			}
			all := s.RulesWith(c.known)
			got := more(before, found(all))
			want := map[string]int{}
			for _, id := range strings.Split(c.want, "|") {
				if id != "" {
					want[id]++
				}
			}
			have := map[string]int{}
			for _, id := range got {
				have[id]++
			}
			if a, b := more(want, have), more(have, want); len(a)+len(b) > 0 {
				t.Errorf("too much: %v\nmissing: %v", a, b)
			}
			for _, f := range all {
				if !slices.Contains(numbers(), strings.TrimPrefix(f.Requirement, "PCI PIN ")) {
					t.Errorf("%s goes back to %q", f.ID, f.Requirement)
				}
				if f.What.IsZero() || f.Fix.IsZero() || f.Where == "" || strings.Contains(f.What.String()+f.Fix.String(), "%!") {
					t.Errorf("a finding that says nothing: %+v", f)
				}
			}
		})
	}
}

// numbers are those that the knowledge base names.
func numbers() []string {
	return strings.Fields("5-1 6-1 6-2 6-3 6-4 6-6 7-1 7-2 8-1 8-2 9-2 9-4 10-1 12-1 12-2 12-3 12-4 12-5 12-6 12-7 13-1 13-9 14-1 15-1 " +
		"18-1 18-2 18-3 19 20-1 21-1 21-2.1 21-2.2 21-2.3 21-2.4 21-3 22 24-2.2 24-2.3 25-1 26-1 28 29 30-1 30-3 32-9 33")
}

func TestOnlyKnownRequirementsAreNamed(t *testing.T) {
	known := map[string]bool{}
	for _, n := range numbers() {
		known[n] = true
	}
	for _, v := range Verbs() {
		for _, n := range v.Requirements {
			if !known[n] {
				t.Errorf("%s names %s", v.Verb, n)
			}
		}
	}
	for _, r := range rulesInSource(t) {
		if r.number != "" && !known[r.number] {
			t.Errorf("%s names %s", r.id, r.number)
		}
	}
}

type rule struct{ id, number string }

var adding = regexp.MustCompile(`c\.(?:add|same)\((?:prefixed\(earlier, )?"([a-z-]+)"\)?, [A-Za-z.()]+, (?:"([0-9.-]*)")?`)

// rulesInSource reads the rules off the code: a table of them could lack one.
func rulesInSource(t *testing.T) []rule {
	t.Helper()
	files, err := filepath.Glob("rules*.go")
	if err != nil {
		t.Fatal(err)
	}
	var all []rule
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		for _, m := range adding.FindAllStringSubmatch(string(src), -1) {
			all = append(all, rule{m[1], m[2]})
		}
	}
	if len(all) < 40 {
		t.Fatalf("only %d rules were found in the source", len(all))
	}
	return all
}

func TestFindingsStandInTheOrderOfTheScript(t *testing.T) {
	s := good(t, TMK, Wish{})
	s.Place = "FILL IN"
	s.Keys[0].Parts[2].Channel, s.Keys[0].Parts[1].Channel = "x", "x"
	s.People = append(s.People, Person{ID: "guest.a", Name: "Guest"})
	s.Roles[Operator] = Seat{Primary: "leader.a", Backup: "operator.a"}
	var ids []string
	for _, f := range s.Rules(nil) {
		ids = append(ids, f.ID)
	}
	if got := strings.Join(ids, " "); got != "fill-in without-seat leader-is-operator channel-twice" {
		t.Errorf("order %s", got)
	}
}

func TestRulesOfAnEmptyPastAreThoseOfTheScript(t *testing.T) {
	s := good(t, ZMKReceive, Wish{Environment: custody.Production})
	if a, b := found(s.Rules(nil)), found(s.RulesWith(Knowledge{})); len(more(a, b))+len(more(b, a)) > 0 {
		t.Errorf("%v and %v", a, b)
	}
}
