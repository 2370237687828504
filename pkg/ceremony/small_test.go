package ceremony

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/component"
	"poskey/pkg/custody"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// partner is a key of somebody else, in two components, as they would stand on bare sheets.
type partner struct {
	key    string // check value
	parts  [2]string
	checks [2]string
}

func newPartner(t *testing.T, seed string) partner {
	t.Helper()
	k, err := keys.Generate(newDRBG(seed), keys.TDES128)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Wipe()
	parts, err := component.Split(testEnv(seed+" parts"), k, component.Spec{Scheme: component.XOR, Parts: 2,
		OddParity: true})
	if err != nil {
		t.Fatal(err)
	}
	defer component.WipeAll(parts)
	p := partner{key: parts[0].KeyCheck.Digits}
	for i, part := range parts {
		p.parts[i], p.checks[i] = strings.ToUpper(hex.EncodeToString(part.Value.Expose())), part.Check.Digits
	}
	return p
}

const smallHead = `schema: poskey.ceremony/v1
kind: zmk-receive
environment: test
title: 'TEST: a partner key'
organisation: 'Organisation A'
place: 'Room 1'
people:
  - {id: leader.a, name: 'Leader A', manager: 'M1'}
  - {id: operator.a, name: 'Operator A', manager: 'M2'}
  - {id: witness.a, name: 'Witness A', manager: 'M3'}
  - {id: custodian.a, name: 'Custodian A', manager: 'M4'}
  - {id: backup.a, name: 'Backup A', manager: 'M4'}
  - {id: custodian.b, name: 'Custodian B', manager: 'M5'}
  - {id: backup.b, name: 'Backup B', manager: 'M5'}
roles:
  leader: {primary: leader.a}
  operator: {primary: operator.a}
  witness: {primary: witness.a}
keys:
  - id: ZMK
    algorithm: tdes-128
    usage: K0
    source: components
%s    scheme: xor
    parts:
      - number: 1
        custodian: {primary: custodian.a, backup: backup.a}
        bag: BAG-1
        channel: 'Courier A'
%s      - number: 2
        custodian: {primary: custodian.b, backup: backup.b}
        bag: BAG-2
        channel: 'Courier B'
%s    outputs:
      - {to: store, label: TEST-ZMK}
steps:
  - {do: attend}
  - {do: receive, key: ZMK, part: 1}
  - {do: receive, key: ZMK, part: 2}
  - {do: enter, key: ZMK, part: 1}
  - {do: enter, key: ZMK, part: 2}
  - {do: form, key: ZMK}
  - {do: compare, key: ZMK}
  - {do: keep, key: ZMK}
  - {do: destroy-part, key: ZMK, part: 1, method: 'cross-cut'}
  - {do: destroy-part, key: ZMK, part: 2, method: 'cross-cut'}
  - {do: close}
`

// smallStage is the ceremony in which a partner's key is received; known are the check values that the script has.
func smallStage(t *testing.T, p partner, known bool) *stage {
	t.Helper()
	check, one, two := "", "", ""
	if known {
		check = fmt.Sprintf("    check: %q\n", p.key)
		one, two = fmt.Sprintf("        check: %q\n", p.checks[0]), fmt.Sprintf("        check: %q\n", p.checks[1])
	}
	s := newStage(t, parsed(t, fmt.Appendf(nil, smallHead, check, one, two)), transcript.Run)
	for i := range p.parts {
		at := fmt.Sprintf("ZMK/%d", i+1)
		s.desk.sheets[at], s.desk.parts[at] = p.parts[i], p.checks[i]
	}
	return s
}

// clean holds that no component, no part of one and no key stands where people and files see it.
func (s *stage) clean(p partner, err error) {
	s.t.Helper()
	key := make([]byte, 16)
	one, _ := hex.DecodeString(p.parts[0])
	two, _ := hex.DecodeString(p.parts[1])
	for i := range key {
		key[i] = one[i] ^ two[i]
	}
	canaries := append(p.parts[:], strings.ToUpper(hex.EncodeToString(key)))
	seen := s.desk.seen.String() + string(s.record()) + fmt.Sprint(err)
	seen = strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(seen))
	for _, c := range canaries {
		for at := 0; at+12 <= len(c); at += 4 {
			if strings.Contains(seen, c[at:at+12]) {
				s.t.Fatalf("digits of a component are seen")
			}
		}
	}
}

func TestAPartnersKeyIsReceived(t *testing.T) {
	for _, known := range []bool{true, false} {
		p := newPartner(t, "partner")
		s := smallStage(t, p, known)
		out, err := s.run(t.Context())
		if err != nil {
			t.Fatalf("step %d: %v\n%s", s.desk.step, err, s.desk.seen.String())
		}
		if out.State != transcript.Closed || len(out.Signers) != 5 {
			t.Errorf("%+v", out)
		}
		v := s.sound()
		if n := lines(v, transcript.KindChecked, func(r transcript.Record) bool {
			return r.Verdict == transcript.Match &&
				r.Part == 0
		}); n == 0 {
			t.Error("the key was never compared")
		}
		if s.tools.kept["ZMK"] == "" {
			t.Error("the key was not kept")
		}
		s.clean(p, err)
		var events []string
		for _, h := range s.tools.Ledger() {
			events = append(events, fmt.Sprintf("%s %d %s", h.Event, h.Part, h.Person.ID))
		}
		want := "received 1 custodian.a;received 2 custodian.b;opened 1 custodian.a;entered 1 custodian.a;" +
			"opened 2 custodian.b;entered 2 custodian.b;entered 1 custodian.a;entered 2 custodian.b;destroyed 1 custodian.a;destroyed 2 custodian.b"
		if got := strings.Join(events, ";"); got != want {
			t.Errorf("ledger: %s", got)
		}
	}
}

// once has somebody answer a question otherwise, the nth time it is asked.
func once(format string, nth int, answer string) func(text.Text, int) (string, error, bool) {
	return func(q text.Text, n int) (string, error, bool) {
		if strings.Contains(q.Format, format) && n == nth {
			return answer, nil, true
		}
		return "", nil, false
	}
}

func TestWhoHasNoSeatIsRefusedByName(t *testing.T) {
	for _, c := range []struct {
		nth  int
		who  string
		want string
	}{
		{1, "custodian.a", "custodian.a has no seat here; it is that of leader.a"},
		{8, "custodian.b", "custodian.b has no seat here"},
		{9, "custodian.a", "has no seat here"},
		{10, "nobody", "that is no id of the script"},
	} {
		s := smallStage(t, newPartner(t, "partner"), true)
		s.desk.does = once("type your id to log in", c.nth, c.who)
		if _, err := s.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(s.desk.seen.String(), c.want) {
			t.Errorf("log-in %d by %s was not refused by name:\n%s", c.nth, c.who, s.desk.seen.String())
		}
		s.sound()
	}
}

func TestTheBackupIsADeviation(t *testing.T) {
	s := smallStage(t, newPartner(t, "partner"), true)
	s.desk.does = func(q text.Text, n int) (string, error, bool) {
		if strings.Contains(q.Format, "type your id to log in") && s.desk.step == 4 &&
			strings.HasPrefix(fmt.Sprint(q.Args[0]), "custodian") {
			return "backup.a", nil, true
		}
		return "", nil, false
	}
	out, err := s.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if out.Deviations != 1 {
		t.Errorf("%d deviations", out.Deviations)
	}
	v := s.sound()
	if lines(v, transcript.KindEntered, func(r transcript.Record) bool { return r.Who == "backup.a" }) != 1 {
		t.Error("the backup did not enter it")
	}
	if len(v.Missing) != 0 {
		t.Errorf("%v did not sign", v.Missing)
	}
}

func TestOnePersonNeverHoldsTwoParts(t *testing.T) {
	p := newPartner(t, "partner")
	raw := strings.Replace(string(smallStage(t, p, true).program.Script.Raw()), "primary: custodian.b, backup: backup.b}",
		"primary: custodian.b, backup: custodian.a}", 1)
	s := newStage(t, parsed(t, []byte(raw)), transcript.Run)
	s.desk.sheets = map[string]string{"ZMK/1": p.parts[0], "ZMK/2": p.parts[1]}
	tried := false
	s.desk.does = func(q text.Text, n int) (string, error, bool) {
		if !tried && strings.Contains(q.Format, "type your id to log in") && s.desk.step == 5 {
			tried = true
			return "custodian.a", nil, true
		}
		return "", nil, false
	}
	if _, err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(s.desk.seen.String(), "custodian.a may not do this as well") {
		t.Error("one person holds two parts")
	}
	s.sound("one-person-enough-parts") // nobody would have led by this script
}

func TestATypingErrorAtEveryPositionIsNamedAtOnce(t *testing.T) {
	p := newPartner(t, "partner")
	for at := range 32 {
		s := smallStage(t, p, true)
		row, digit := at/16+1, at%16
		typed := []byte(p.parts[0][(row-1)*16 : row*16])
		typed[digit] = "0123456789ABCDEF0"[strings.IndexByte("0123456789ABCDEF", typed[digit])+1]
		wrong := false
		s.desk.does = func(q text.Text, n int) (string, error, bool) {
			if at%8 != 0 && s.desk.step == 5 {
				return "", errCut, true // the rest is as in the others
			}
			if s.desk.step == 4 && !wrong && q.Format == "once more, row %d of %d, %d digits (hidden)" && q.Args[0] == row {
				wrong = true
				return string(typed), nil, true
			}
			return "", nil, false
		}
		if _, err := s.run(t.Context()); err != nil && !errors.Is(err, errCut) {
			t.Fatal(err)
		}
		want := fmt.Sprintf("row %d: the two entries differ at digit %d", row, digit+1)
		if !strings.Contains(s.desk.seen.String(), want) {
			t.Errorf("position %d is not named: want %q", at, want)
		}
		v := s.sound()
		if lines(v, transcript.KindVoid, nil) != 1 || lines(v, transcript.KindEntered, nil) == 0 {
			t.Error("what was typed wrong is not void")
		}
		s.clean(p, nil)
	}
}

func TestTypingErrorsInASheetWithChecksAreNamedAtOnce(t *testing.T) {
	program := template(t, script.ZMKReceive)
	for _, at := range []int{0, 7, 15, 16, 19} {
		s := newStage(t, program, transcript.Rehearsal)
		wrong := false
		s.desk.does = func(q text.Text, n int) (string, error, bool) {
			if wrong || !strings.HasPrefix(q.Format, "row %d of %d with its check") || q.Args[0] != 2 {
				return "", nil, false
			}
			wrong = true
			typed := []byte(strings.NewReplacer(" ", "", "check", "").Replace(s.desk.right(q)))
			typed[at] = "0123456789ABCDEF0"[strings.IndexByte("0123456789ABCDEF", typed[at])+1]
			return string(typed), nil, true
		}
		if _, err := s.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("row 2: the row does not agree with its check: if one digit is wrong, it is digit %d",
			at+1); !strings.Contains(s.desk.seen.String(), want) {
			t.Errorf("want %q", want)
		}
		s.sound("rehearsal")
	}
}

// TestWhatDoesNotBelongIsNamedBeforeAnythingIsCombined has the first custodian type something else, and then the right
// one.
func TestWhatDoesNotBelongIsNamedBeforeAnythingIsCombined(t *testing.T) {
	p, other := newPartner(t, "partner"), newPartner(t, "another partner")
	for _, c := range []struct {
		name  string
		known bool
		step  int
		typed string
		check string // on the sheet
		want  string
	}{
		{"of another key", true, 4, other.parts[0], "", "check value is " + other.checks[0] + " (ecb-zero), expected " +
			p.checks[0]},
		{"of another key, unknown", false, 4, other.parts[0], p.checks[0], "check value is " + other.checks[0] +
			" (ecb-zero), expected " + p.checks[0]},
		{"swapped sheets", true, 4, p.parts[1], "", "it is part 2: the sheets are swapped"},
		{"the same part twice", true, 5, p.parts[0], "", "it is the value of part 1, which was entered already"},
		{"the same value twice", false, 5, p.parts[0], p.checks[1], "it is the value of part 1, which was entered already"},
		{"a half", true, 4, p.parts[0][:16] + "0000000000000000", "", "eight bytes in a row are equal"},
		{"zero", true, 4, strings.Repeat("0", 32), "", "it is zero and adds no secrecy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := smallStage(t, p, c.known)
			voided := func() bool { return strings.Contains(s.desk.seen.String(), "what was typed is void") }
			s.desk.does = func(q text.Text, n int) (string, error, bool) {
				switch {
				case s.desk.step != c.step || voided():
				case strings.Contains(q.Format, "row %d of %d, %d digits"):
					from := (q.Args[0].(int) - 1) * 16
					return c.typed[from : from+16], nil, true
				case strings.Contains(q.Format, "check value of the part as it stands"):
					return c.check, nil, true
				}
				return "", nil, false
			}
			out, err := s.run(t.Context())
			if err != nil || out.State != transcript.Closed {
				t.Fatalf("%v\n%s", err, s.desk.seen.String())
			}
			if !strings.Contains(s.desk.seen.String(), c.want) {
				t.Errorf("it is not named %q:\n%s", c.want, s.desk.seen.String())
			}
			v := s.sound()
			if n := lines(v, transcript.KindMade, nil); n != 1 {
				t.Errorf("made %d keys", n)
			}
			s.clean(p, err)
			s.clean(other, err)
		})
	}
}

// TestAWrongKeyIsNeverKept: both components are right by what is known of them, and the key is not the one that was
// told.
func TestAWrongKeyIsNeverKept(t *testing.T) {
	p, other := newPartner(t, "partner"), newPartner(t, "another partner")
	s := smallStage(t, p, false)
	s.desk.does = func(q text.Text, n int) (string, error, bool) {
		again := strings.Contains(s.desk.seen.String(), "all parts of ZMK are void")
		switch {
		case strings.Contains(q.Format, "check value of the key as the other side told it"):
			return p.key, nil, true
		case again || s.desk.step != 5:
		case strings.Contains(q.Format, "row %d of %d, %d digits"):
			from := (q.Args[0].(int) - 1) * 16
			return other.parts[1][from : from+16], nil, true
		case strings.Contains(q.Format, "check value of the part as it stands"):
			return other.checks[1], nil, true
		}
		return "", nil, false
	}
	out, err := s.run(t.Context())
	if err != nil || out.State != transcript.Closed {
		t.Fatalf("%v\n%s", err, s.desk.seen.String())
	}
	v := s.sound()
	if n := lines(v, transcript.KindMade, nil); n != 1 {
		t.Errorf("made %d keys", n)
	}
	if n := lines(v, transcript.KindEntered, nil); n != 4 {
		t.Errorf("%d parts were entered, want each twice", n)
	}
}

func TestAWrongKeyEndsTheCeremonyWithItsKind(t *testing.T) {
	p := newPartner(t, "partner")
	s := smallStage(t, p, false)
	s.desk.does = func(q text.Text, n int) (string, error, bool) {
		switch {
		case strings.Contains(q.Format, "check value of the key as the other side told it"):
			return "FFFFFF", nil, true
		case strings.HasPrefix(q.Format, "this cannot go on as it is"):
			return "", ErrAbort, true
		}
		return "", nil, false
	}
	out, err := s.run(t.Context())
	if !fault.Is(err, fault.KCVMismatch) || out.State != transcript.Aborted {
		t.Errorf("%+v, %v", out, err)
	}
	if len(s.tools.keys) != 0 {
		t.Error("a wrong key is left")
	}
	s.sound()
	s.clean(p, err)
}

func TestADamagedBagVoidsItsPart(t *testing.T) {
	s := smallStage(t, newPartner(t, "partner"), true)
	broken, shown, gone := false, 0, false
	s.desk.does = func(q text.Text, n int) (string, error, bool) {
		one := s.desk.planned().Step.Part == 1
		switch f := q.Format; {
		case strings.Contains(f, `type "intact" or "damaged"`) && !broken:
			broken = true
			return wordBroken, nil, true
		case one && broken && strings.Contains(f, "serial of the bag"):
			if shown++; shown > 2 { // the damaged one is shown once more, then another one comes
				return "BAG-9", nil, true
			}
		case one && shown > 2 && strings.HasPrefix(f, `type "again"`) && !gone:
			gone = true
			return "", ErrDeviation, true
		case one && gone && strings.HasPrefix(f, `type "again"`):
			return wordGoOn, nil, true
		}
		return "", nil, false
	}
	out, err := s.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seen := s.desk.seen.String()
	if out.Deviations != 2 || !strings.Contains(seen, "PCI PIN 9-2") || !strings.Contains(seen, "bag BAG-1 was damaged") {
		t.Errorf("%d deviations:\n%s", out.Deviations, seen)
	}
	s.sound()
}

func TestAnotherSerialTakesADeviationToGoOn(t *testing.T) {
	s := smallStage(t, newPartner(t, "partner"), true)
	s.desk.does = func(q text.Text, n int) (string, error, bool) {
		switch {
		case (s.desk.step == 2 || s.desk.step == 4) && strings.Contains(q.Format, "serial of the bag"):
			return "BAG-9", nil, true
		case s.desk.step == 2 && strings.HasPrefix(q.Format, `type "again"`) && n == 2:
			return "", ErrDeviation, true
		case s.desk.step == 2 && strings.HasPrefix(q.Format, `type "again"`):
			return wordGoOn, nil, true
		}
		return "", nil, false
	}
	out, err := s.run(t.Context())
	if err != nil {
		t.Fatalf("%v\n%s", err, s.desk.seen.String())
	}
	if out.Deviations != 1 || !strings.Contains(s.desk.seen.String(), "that takes a deviation") {
		t.Errorf("%d deviations", out.Deviations)
	}
	s.sound()
}

func TestThreeWrongPassphrasesAskAgainWhoItIs(t *testing.T) {
	s := smallStage(t, newPartner(t, "partner"), true)
	n := 0
	s.desk.does = func(q text.Text, _ int) (string, error, bool) {
		if strings.Contains(q.Format, "passphrase of") && s.desk.step == 2 && n < 3 {
			n++
			return "not the passphrase", nil, true
		}
		return "", nil, false
	}
	if _, err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(s.desk.seen.String(), "(3 of 3)") {
		t.Error("a wrong passphrase is not told")
	}
	s.sound()
}

func TestWhoLeavesTheirSheetTypesItAgain(t *testing.T) {
	s := smallStage(t, newPartner(t, "partner"), true)
	left := false
	s.desk.does = func(q text.Text, n int) (string, error, bool) {
		if !left && strings.Contains(q.Format, "once more, row") {
			left = true
			return "", fault.New(fault.DeviceTimeout, "nobody types"), true
		}
		return "", nil, false
	}
	if _, err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	v := s.sound()
	if lines(v, transcript.KindVoid, nil) != 1 {
		t.Error("what was typed is not void")
	}
}

func TestAnotherFingerprintIsNotConfirmed(t *testing.T) {
	s := smallStage(t, newPartner(t, "partner"), true)
	s.desk.does = func(q text.Text, n int) (string, error, bool) {
		if strings.Contains(q.Format, "the first two and the last two words") {
			switch n {
			case 1:
				return "academy mailbox academy mailbox", nil, true
			case 2:
				return s.program.Script.Fingerprint().Digits(), nil, true
			}
		}
		return "", nil, false
	}
	if _, err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(s.desk.seen.String(), "that is not the fingerprint of this script") {
		t.Error("a wrong fingerprint passed")
	}
	s.sound()
}

// TestACeremonyCanBeGivenUpAtEveryQuestion also holds the number of secrets (newStage).
func TestACeremonyCanBeGivenUpAtEveryQuestion(t *testing.T) {
	p := newPartner(t, "partner")
	whole := smallStage(t, p, true)
	if _, err := whole.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= len(whole.desk.asked); n++ {
		s := smallStage(t, p, true)
		s.desk.aborts = n
		out, err := s.run(t.Context())
		if !fault.Is(err, fault.Interrupted) || out.State != transcript.Aborted {
			t.Fatalf("question %d (%q): %+v, %v", n, s.desk.asked[n-1], out, err)
		}
		v := s.verified()
		if v.State != transcript.Aborted {
			t.Fatalf("question %d: the record is %s", n, v.State)
		}
		if len(v.Cards) > 0 {
			s.sound()
		} else if got := findings(v); !slices.Equal(got, []string{"abort-unsigned"}) { // nobody was there who could sign
			t.Fatalf("question %d: found %v", n, got)
		}
		if len(v.Missing) > 0 || len(v.Signers) != len(v.Cards) {
			t.Fatalf("question %d: %v did not sign that it was given up", n, v.Missing)
		}
		s.clean(p, err)
	}
}

// TestACeremonyBreaksAnywhereAndGoesOn cuts the line at every call and resumes with another process.
func TestACeremonyBreaksAnywhereAndGoesOn(t *testing.T) {
	p := newPartner(t, "partner")
	whole := smallStage(t, p, true)
	if _, err := whole.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for n := 1; n < whole.desk.calls; n++ {
		live := secret.Live()
		s := smallStage(t, p, true)
		parts := s.desk.parts
		s.desk.cut = n
		out, err := s.run(t.Context())
		if !errors.Is(err, errCut) || out.State != transcript.Open {
			t.Fatalf("call %d: %+v, %v", n, out, err)
		}
		step := s.desk.step
		s.renew(fmt.Sprintf("process %d", n))
		if left := secret.Live() - live; left > 1 {
			t.Fatalf("call %d: %d secrets are left", n, left)
		}
		s.desk.parts = parts
		out, err = s.resume(t.Context())
		if err != nil || out.State != transcript.Closed || out.Deviations != 1 {
			t.Fatalf("call %d, in step %d: %+v, %v\n%s", n, step, out, err, s.desk.seen.String())
		}
		v := s.sound()
		if t.Failed() {
			t.Fatalf("call %d, in step %d", n, step)
		}
		if kept := lines(v, transcript.KindKept, nil); kept != 1 {
			t.Fatalf("call %d, in step %d: kept %d times", n, step, kept)
		}
		s.clean(p, err)
	}
}

func TestTheWholeExchangeBreaksBetweenStepsAndGoesOn(t *testing.T) {
	program := template(t, script.ZMKExchange)
	for step := 2; step <= len(program.Steps); step++ {
		s := newStage(t, program, transcript.Run)
		s.desk.does = func(q text.Text, n int) (string, error, bool) { return "", errCut, s.desk.step == step }
		if out, err := s.run(t.Context()); !errors.Is(err, errCut) || out.State != transcript.Open {
			t.Fatalf("%+v, %v", out, err)
		}
		s.renew(fmt.Sprintf("process %d", step))
		out, err := s.resume(t.Context())
		if err != nil || out.State != transcript.Closed {
			t.Fatalf("step %d: %+v, %v\n%s", step, out, err, s.desk.seen.String())
		}
		v := s.sound()
		if t.Failed() {
			t.Fatalf("step %d", step)
		}
		if step > 14 && lines(v, transcript.KindKept, nil) != 1 {
			t.Errorf("step %d: kept again", step)
		}
	}
}

func TestAnInterruptedCeremonyIsGivenUpOrLeft(t *testing.T) {
	for _, answer := range []string{wordAbort, "later"} {
		s := smallStage(t, newPartner(t, "partner"), true)
		ctx, cancel := context.WithCancelCause(t.Context())
		s.desk.does = func(q text.Text, n int) (string, error, bool) {
			if strings.HasPrefix(q.Format, "interrupted:") {
				return answer, nil, true
			}
			if s.desk.step == 5 {
				cancel(fault.New(fault.Interrupted, "interrupted"))
				return "", context.Cause(ctx), true
			}
			return "", nil, false
		}
		out, err := s.run(ctx)
		want := map[string]transcript.State{wordAbort: transcript.Aborted, "later": transcript.Open}[answer]
		if !fault.Is(err, fault.Interrupted) || out.State != want {
			t.Errorf("%s: %+v, %v", answer, out, err)
		}
		s.sound("abort-unsigned") // whoever interrupted it has gone
	}
}

// panicking are tools that break.
type panicking struct{ Tools }

func (panicking) Keep(context.Context, *script.Key, *script.Output) (Made, error) {
	panic("a secret value")
}

func TestAFaultOfTheProgramIsWipedAndRecorded(t *testing.T) {
	s := smallStage(t, newPartner(t, "partner"), true)
	log, err := transcript.Create(s.path, transcript.Head{Ceremony: "20261201-7F3A91C2", Mode: s.mode,
		Environment: custody.Test,
		Script:      s.program.Script.Raw(), Language: "en"}, logOptions())
	if err != nil {
		t.Fatal(err)
	}
	o := s.options()
	o.Log, o.Tools = log, panicking{s.tools}
	out, err := Lead(t.Context(), o)
	if !fault.Is(err, fault.Bug) || out.State != transcript.Aborted || strings.Contains(err.Error(), "a secret value") {
		t.Errorf("%+v, %v", out, err)
	}
	s.sound("abort-unsigned")
}

func TestEditedStepsAreFound(t *testing.T) {
	s := smallStage(t, newPartner(t, "partner"), true)
	if _, err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := bytes.SplitAfter(s.record(), []byte("\n"))
	for i := range all[:len(all)-1] {
		v, err := Verify(bytes.NewReader(bytes.Join(append(append([][]byte{}, all[:i]...), all[i+1:]...), nil)))
		if err != nil {
			t.Fatal(err)
		}
		if len(v.Problems) == 0 && v.State == transcript.Closed {
			t.Errorf("line %d was deleted and nobody sees it", i+1)
		}
	}
}

func TestRehearsalsNeverLookReal(t *testing.T) {
	s := newStage(t, template(t, script.TMK), transcript.Rehearsal)
	if _, err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, label := range s.tools.kept {
		if !strings.HasPrefix(label, testPrefix) {
			t.Errorf("a key is called %s", label)
		}
	}
	for line := range strings.Lines(s.desk.seen.String()) {
		if strings.Contains(line, "step ") && strings.Contains(line, " of ") && strings.Contains(line, ": ") &&
			strings.HasPrefix(line, "step") {
			if !strings.Contains(line, "is done") {
				t.Errorf("a heading without TEST: %s", line)
			}
		}
	}
	if agrees(kcv.Value{Digits: "08D"}, kcv.Expected{Digits: "08D"}) {
		t.Error("three digits agree")
	}
}
