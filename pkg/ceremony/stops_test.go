package ceremony

// Stops: whose word it is, and what stands above it.

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/custody"
)

// network is a finding of the check before.
func network() []script.Finding {
	return []script.Finding{{ID: "network-up", Level: script.Warning, Requirement: "PCI PIN 13-9", Where: "room",
		What: text.Raw("a network is up")}}
}

// warned are the warnings of a script with more that was found.
func (s *stage) warned(found []script.Finding) []script.Finding {
	return slices.DeleteFunc(slices.Concat(ownFindings(s.program), found), func(f script.Finding) bool {
		return f.Level != script.Warning
	})
}

func isFinding(r transcript.Record) bool { return r.Details["id"] == "network-up" }

// led is a ceremony from its first line, with what the check before has found.
func (s *stage) led(found []script.Finding) (Outcome, error) {
	s.t.Helper()
	log, err := transcript.Create(s.path, transcript.Head{Ceremony: "20261201-7F3A91C2", Mode: s.mode,
		Environment: custody.Test,
		Script:      s.program.Script.Raw(), Language: "en"}, logOptions())
	if err != nil {
		s.t.Fatal(err)
	}
	o := s.options()
	o.Log, o.Findings = log, slices.Concat(o.Findings, found)
	return Lead(s.t.Context(), o)
}

func TestWarningsStandInFullAtTheFirstStopAndAreCountedAtTheOthers(t *testing.T) {
	s := smallStage(t, newPartner(t, "partner"), true)
	if _, err := s.led(network()); err != nil {
		t.Fatal(err)
	}
	v := s.sound()
	if lines(v, transcript.KindFinding, isFinding) != 1 {
		t.Error("the finding is not in the record")
	}
	stops := lines(v, transcript.KindConfirmed, isStop)
	seen := s.desk.seen.String()
	full, counted := strings.Count(seen, "a network is up"), strings.Count(seen,
		fmt.Sprintf("warnings of the check: %d (see the minutes)", len(s.warned(network()))))
	if stops < 2 || full != 2 || counted != stops-1 {
		t.Errorf("in full %d times with the beginning, counted %d times, at %d stops", full, counted, stops)
	}
}

func TestFindingsAfterABreakStandInTheRecord(t *testing.T) {
	s := smallStage(t, newPartner(t, "partner"), true)
	s.desk.does = func(text.Text, int) (string, error, bool) { return "", errCut, s.desk.step == 4 }
	if _, err := s.led(nil); !errors.Is(err, errCut) {
		t.Fatal(err)
	}
	s.renew("second")
	log, before, err := transcript.Resume(s.path, logOptions())
	if err != nil {
		t.Fatal(err)
	}
	o := s.options()
	o.Log, o.Before, o.Findings = log, before, slices.Concat(o.Findings, network())
	if _, err := Lead(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	v := s.sound()
	resumed := slices.IndexFunc(v.Records, func(r transcript.Record) bool { return r.Kind == transcript.KindResumed })
	found := slices.IndexFunc(v.Records, isFinding)
	if resumed < 0 || found < resumed || strings.Count(s.desk.seen.String(), "a network is up") != 2 {
		t.Errorf("resumed in line %d, and the finding is line %d", resumed+1, found+1)
	}
}

// TestTheLeadersWordAtAStopIsSigned: by the leader, who logs in for it, in the line behind.
func TestTheLeadersWordAtAStopIsSigned(t *testing.T) {
	s := smallStage(t, newPartner(t, "partner"), true)
	if _, err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	v, stops := s.sound(), 0
	for i, r := range v.Records {
		if !isStop(r) {
			continue
		}
		stops++
		if next := v.Records[i+1]; next.Kind != transcript.KindSigned || next.Who != "leader.a" {
			t.Errorf("line %d: the word at a stop is followed by %s of %s", r.N, string(next.Kind), next.Who)
		}
	}
	if stops != 4 {
		t.Errorf("%d stops", stops)
	}
}

func TestNobodyElseGivesTheLeadersWord(t *testing.T) {
	s := smallStage(t, newPartner(t, "partner"), true)
	tried := map[string]bool{}
	s.desk.does = func(q text.Text, _ int) (string, error, bool) {
		stops := s.desk.step == 6 && fmt.Sprint(q.Args...) == "leader"
		switch {
		case stops && strings.Contains(q.Format, "type your id to log in") && !tried["id"]:
			tried["id"] = true
			return "operator.a", nil, true
		case s.desk.step == 6 && strings.Contains(q.Format, "passphrase of") && fmt.Sprint(q.Args...) == "leader.a" &&
			!tried["passphrase"]:
			tried["passphrase"] = true
			return "a guess", nil, true
		}
		return "", nil, false
	}
	if _, err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"operator.a has no seat here", "the passphrase of leader.a is wrong (1 of 3)"} {
		if !strings.Contains(s.desk.seen.String(), want) {
			t.Errorf("not said: %s", want)
		}
	}
	s.sound()
}

// TestALeaderWhoDoesTheStepLogsInOnce: the word at its stop takes no second passphrase.
func TestALeaderWhoDoesTheStepLogsInOnce(t *testing.T) {
	raw := strings.Replace(string(smallStage(t, newPartner(t, "partner"), true).program.Script.Raw()),
		"{do: form, key: ZMK}", "{do: form, key: ZMK, by: leader}", 1)
	s := newStage(t, parsed(t, []byte(raw)), transcript.Run)
	p := newPartner(t, "partner")
	s.desk.sheets = map[string]string{"ZMK/1": p.parts[0], "ZMK/2": p.parts[1]}
	asked := 0
	s.desk.does = func(q text.Text, _ int) (string, error, bool) {
		if s.desk.step == 6 && strings.Contains(q.Format, "passphrase of") && fmt.Sprint(q.Args...) == "leader.a" {
			asked++
		}
		return "", nil, false
	}
	if _, err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if asked != 1 {
		t.Errorf("the leader was asked for the passphrase %d times in one step", asked)
	}
	s.sound()
}

// TestAStopWithoutTheLeadersSignatureIsFound, also where nothing came of the step.
func TestAStopWithoutTheLeadersSignatureIsFound(t *testing.T) {
	program := smallStage(t, newPartner(t, "partner"), true).program
	k := &program.Script.Keys[0]
	stop := func(who string) transcript.Entry {
		return transcript.Entry{Kind: transcript.KindConfirmed, Step: 6, Who: who, Key: k.ID,
			Details: map[string]string{"what": "stop", "phrase": "form ZMK"}}
	}
	made := transcript.Entry{Kind: transcript.KindMade, Step: 6, Key: k.ID, Who: "operator.a"}
	for _, c := range []struct {
		name   string
		said   string
		signer string
		after  transcript.Entry
		want   []string
		not    []string
	}{
		{"nobody", "leader.a", "", made, []string{"stop-unsigned", "without-stop"}, nil},
		{"the operator", "leader.a", "operator.a", made, []string{"stop-unsigned", "without-stop"}, nil},
		{"the operator for himself", "operator.a", "operator.a", made, []string{"stop-unsigned", "without-stop"}, nil},
		{"nobody, and nothing came of it", "leader.a", "", transcript.Entry{Kind: transcript.KindDone, Step: 6,
			Who: "operator.a"}, []string{"stop-unsigned"}, nil},
		{"the leader", "leader.a", "leader.a", made, nil, []string{"stop-unsigned", "without-stop"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := forge(t, program, func(w *transcript.Log, id func(string) *custody.Identity) {
				write := func(e transcript.Entry) {
					if _, err := w.Write(e); err != nil {
						t.Fatal(err)
					}
				}
				for role, who := range map[string]string{"leader": "leader.a", "operator": "operator.a"} {
					write(transcript.Entry{Kind: transcript.KindAttended, Who: who, Card: id(who).Card().Marshal(),
						Details: map[string]string{"role": role}})
				}
				write(transcript.Entry{Kind: transcript.KindBegun, Step: 6, Who: "operator.a", Key: k.ID})
				write(stop(c.said))
				if c.signer != "" {
					if _, err := w.Sign(6, id(c.signer)); err != nil {
						t.Fatal(err)
					}
				}
				write(c.after)
			})
			got := findings(v)
			for _, want := range c.want {
				if !slices.Contains(got, want) {
					t.Errorf("found %v, want %s", got, want)
				}
			}
			for _, not := range c.not {
				if slices.Contains(got, not) {
					t.Errorf("found %v", got)
				}
			}
		})
	}
}

// TestABreakBetweenAWordAndItsSignatureIsNoForgery: the disk is full there, the ceremony is resumed, and the step with
// its stop is done again.
func TestABreakBetweenAWordAndItsSignatureIsNoForgery(t *testing.T) {
	p := newPartner(t, "partner")
	whole := smallStage(t, p, true)
	if _, err := whole.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(whole.verified().Records, isStop)
	s := smallStage(t, p, true)
	all := bytes.SplitAfter(whole.record(), []byte("\n"))
	s.left(bytes.Join(all[:at+1], nil))
	if out, err := s.resume(t.Context()); err != nil || out.State != transcript.Closed {
		t.Fatalf("%+v, %v", out, err)
	}
	s.sound()
}
