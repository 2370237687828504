package ceremony

// What is read off an HSM.

import (
	"strings"
	"testing"

	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
)

// hsmStep is the nth step in which something is read off the HSM, from 1.
func hsmStep(t *testing.T, p *script.Program, n int) script.Planned {
	t.Helper()
	for _, s := range p.Steps {
		if s.Step.Do != script.Scribe {
			continue
		}
		if n--; n == 0 {
			return s
		}
	}
	t.Fatal("the script has no such step")
	return script.Planned{}
}

// TestTheSameCheckValueIsReadOffOnce: whoever reads the line of another part, or of the key, is told so; it is read
// again, or gone past with a deviation.
func TestTheSameCheckValueIsReadOffOnce(t *testing.T) {
	program := template(t, script.HSMScribe)
	parts := len(program.Script.Keys[0].Parts)
	for _, c := range []struct {
		name   string
		step   int    // among those of the HSM
		typed  string // first
		goesOn bool
		want   string
	}{
		{"of another part", 2, "08D7B1", false,
			"it is the check value of part 1: the wrong line was read, or the HSM did the same part twice"},
		{"of a part for the key", parts + 1, "08D7B2", false, "it is the check value of part 2"},
		{"of another part, with a deviation", 2, "08D7B1", true, "it is the check value of part 1"},
		{"shorter", 2, "08D7", false, "it is the check value of part 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t, program, transcript.Run)
			at, typed, deviated := hsmStep(t, program, c.step).Number, 0, false
			s.desk.does = func(q text.Text, _ int) (string, error, bool) {
				switch {
				case s.desk.step != at:
				case strings.Contains(q.Format, "HSM shows") && typed < 2:
					typed++
					return c.typed, nil, true
				case c.goesOn && strings.HasPrefix(q.Format, `type "again"`) && !deviated:
					deviated = true
					return "", ErrDeviation, true
				case c.goesOn && strings.HasPrefix(q.Format, `type "again"`):
					return wordGoOn, nil, true
				}
				return "", nil, false
			}
			out, err := s.run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(s.desk.seen.String(), c.want) {
				t.Errorf("not said: %s", c.want)
			}
			if (out.Deviations > 0) != c.goesOn {
				t.Errorf("%d deviations", out.Deviations)
			}
			v := s.sound()
			if n := lines(v, transcript.KindChecked,
				func(r transcript.Record) bool { return r.Verdict == transcript.Differs }); n != 1 {
				t.Errorf("%d lines say that it differs", n)
			}
		})
	}
}

// TestTheSameCheckValueIsFoundAfterABreak: what was read before it still counts.
func TestTheSameCheckValueIsFoundAfterABreak(t *testing.T) {
	program := template(t, script.HSMScribe)
	s := newStage(t, program, transcript.Run)
	at := hsmStep(t, program, 2).Number
	s.desk.does = func(text.Text, int) (string, error, bool) { return "", errCut, s.desk.step == at }
	if _, err := s.run(t.Context()); err == nil {
		t.Fatal("it did not break")
	}
	s.renew("second")
	typed := 0
	s.desk.does = func(q text.Text, _ int) (string, error, bool) {
		if s.desk.step == at && strings.Contains(q.Format, "HSM shows") && typed < 2 {
			typed++
			return "08D7B1", nil, true
		}
		return "", nil, false
	}
	if _, err := s.resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(s.desk.seen.String(), "it is the check value of part 1") {
		t.Error("nobody sees that part 1 was read again")
	}
	s.sound()
}

// alarmed reports whether an alarm said something.
func (y *player) alarmed(words string) bool {
	for _, a := range y.alarms {
		if strings.Contains(a, words) {
			return true
		}
	}
	return false
}

// TestNothingIsAlarmingAboutAKeyThatIsBornHere: nobody outside can know its check value. Of a key that comes from
// elsewhere it is alarming that nobody told it.
func TestNothingIsAlarmingAboutAKeyThatIsBornHere(t *testing.T) {
	for _, kind := range []script.Kind{script.HSMScribe, script.TMK, script.ZMKExchange} {
		s := newStage(t, template(t, kind), transcript.Run)
		if _, err := s.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, words := range []string{"there is none to compare it with", "nobody has compared it"} {
			if s.desk.alarmed(words) {
				t.Errorf("%s: an alarm says: %s", kind, words)
			}
		}
	}
	s := smallStage(t, newPartner(t, "partner"), false)
	s.desk.parts = map[string]string{"ZMK/1": wordNone, "ZMK/2": wordNone}
	if _, err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !s.desk.alarmed("there is none to compare it with") {
		t.Error("nobody is alarmed about a component from elsewhere of which nothing is known")
	}
}
