package ceremony

import (
	"slices"
	"strings"
	"testing"

	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
)

// brokenBehind plays a ceremony and leaves the record as if it had been killed behind a line.
func brokenBehind(t *testing.T, play func() *stage, behind func(transcript.Record) bool) *stage {
	t.Helper()
	whole := play()
	if _, err := whole.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(whole.verified().Records, behind)
	if at < 0 {
		t.Fatal("there is no such line")
	}
	s := play()
	s.left([]byte(strings.Join(strings.SplitAfter(string(whole.record()), "\n")[:at+1], "")))
	s.renew("second")
	return s
}

// TestASheetThatIsPrintedAnewIsSealedAnew: the one that was sealed when it broke is void with its bag.
func TestASheetThatIsPrintedAnewIsSealedAnew(t *testing.T) {
	play := func() *stage { return newStage(t, template(t, script.ZMKExchange), transcript.Run) }
	sealed := func(r transcript.Record) bool { return r.Details["event"] == eventSealed }
	s := brokenBehind(t, play, sealed)
	s.desk.does = func(q text.Text, _ int) (string, error, bool) { // a bag is used once
		if !strings.Contains(q.Format, "serial of the bag") {
			return "", nil, false
		}
		return "BAG-NEW-" + itoa(s.desk.planned().Step.Part), nil, true
	}
	if out, err := s.resume(t.Context()); err != nil || out.State != transcript.Closed {
		t.Fatalf("%+v, %v", out, err)
	}
	v := s.verified()
	first := v.Records[slices.IndexFunc(v.Records, sealed)]
	if n := lines(v, transcript.KindBag, func(r transcript.Record) bool {
		return sealed(r) && r.Key == first.Key && r.Part == first.Part
	}); n != 2 {
		t.Errorf("part %d was sealed %d times, printed twice", first.Part, n)
	}
}

// TestProgressKnowsWhatIsVoid goes line by line.
func TestProgressKnowsWhatIsVoid(t *testing.T) {
	program := smallStage(t, newPartner(t, "partner"), true).program
	bag := func(state string) transcript.Record {
		return transcript.Record{Entry: transcript.Entry{Kind: transcript.KindBag, Step: 2, Key: "ZMK", Part: 1,
			Details: map[string]string{"event": eventReceived, "state": state}}}
	}
	line := func(kind transcript.Kind, step int, details map[string]string) transcript.Record {
		return transcript.Record{Entry: transcript.Entry{Kind: kind, Step: step, Details: details}}
	}
	done := func(n int) transcript.Record { return line(transcript.KindDone, n, nil) }
	again := func(steps string) transcript.Record {
		return line(transcript.KindResumed, 0, map[string]string{detailAgain: steps})
	}
	takenBack := line(transcript.KindVoid, 6, map[string]string{detailStep: "4"})
	for _, c := range []struct {
		name  string
		lines []transcript.Record
		count int
		next  int
		acted bool // step 2
	}{
		{"nothing", nil, 0, 1, false},
		{"two steps", []transcript.Record{done(1), bag(wordIntact), done(2)}, 2, 3, true},
		{"a damaged bag", []transcript.Record{done(1), bag(wordBroken)}, 1, 2, false},
		{"another bag after it", []transcript.Record{done(1), bag(wordBroken), bag(wordIntact)}, 1, 2, true},
		{"a break", []transcript.Record{done(1), done(2), done(3), done(4), again("3, 4")}, 2, 3, false},
		{"a key that did not come out", []transcript.Record{done(1), done(2), done(3), done(4), done(5), takenBack}, 4, 4,
			false},
		{"a step that is none", []transcript.Record{done(1), done(99)}, 1, 2, false},
	} {
		g := ProgressOf(program, c.lines)
		next, ok := g.Next()
		if g.Count() != c.count || next.Number != c.next || !ok || g.acted[2] != c.acted {
			t.Errorf("%s: %d done, next %d (%v), acted %v", c.name, g.Count(), next.Number, ok, g.acted[2])
		}
	}
	var whole []transcript.Record
	for _, s := range program.Steps {
		whole = append(whole, done(s.Number))
	}
	if _, ok := ProgressOf(program, whole).Next(); ok {
		t.Error("there is a step behind the last one")
	}
}

const keptScript = `schema: poskey.ceremony/v1
kind: custom
environment: test
title: 'A key is made and leaves'
organisation: 'Organisation A'
place: 'Room 1'
people:
  - {id: leader.a, name: 'Leader A', manager: 'M1'}
  - {id: operator.a, name: 'Operator A', manager: 'M2'}
  - {id: witness.a, name: 'Witness A', manager: 'M3'}
roles:
  leader: {primary: leader.a}
  operator: {primary: operator.a}
  witness: {primary: witness.a}
keys:
  - id: PEK
    algorithm: aes-128
    usage: P0
    source: generate
    outputs:
      - {to: store, label: TEST-PEK}
      - {to: block, file: pek.txt, kbpk: TEST-ZMK}
steps:
  - {do: attend}
  - {do: generate, key: PEK}
  - {do: keep, key: PEK}
  - {do: export, key: PEK}
  - {do: close}
`

// TestARehearsalThatBrokeAfterAKeyWasKeptIsSound: what is kept in a rehearsal is gone with its process, and another key
// stands for it.
func TestARehearsalThatBrokeAfterAKeyWasKeptIsSound(t *testing.T) {
	s := brokenBehind(t, func() *stage { return newStage(t, parsed(t, []byte(keptScript)), transcript.Rehearsal) },
		func(r transcript.Record) bool { return r.Kind == transcript.KindDone && r.Step == 3 })
	if out, err := s.resume(t.Context()); err != nil || out.State != transcript.Closed {
		t.Fatalf("%+v, %v", out, err)
	}
	v := s.sound("rehearsal")
	kept := v.Records[slices.IndexFunc(v.Records, func(r transcript.Record) bool { return r.Kind == transcript.KindKept })]
	went := v.Records[slices.IndexFunc(v.Records, func(r transcript.Record) bool {
		return r.Kind == transcript.KindExported
	})]
	if kept.Check == went.Check {
		t.Error("the same key was drawn twice; the test shows nothing")
	}
}
