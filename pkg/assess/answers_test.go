package assess

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
)

func inEnglish(c *Control) (ask, fix string) { return c.Ask.String(), c.Fix.String() }

func inChinese(c *Control) (ask, fix string) { return zh(c.Ask), zh(c.Fix) }

func zh(t text.Text) string {
	if len(t.Args) == 1 {
		if w, ok := t.Args[0].(text.Words); ok {
			return w.ZH
		}
	}
	return t.String()
}

func someAnswers() Answers {
	return Answers{Site: `The "north" hall, 上海`, All: []Answer{
		{Control: "HW-09", Verdict: Met, By: "auditor", On: daysAgo(10).Truncate(day), Evidence: "file 7: photographs"},
		{Control: "HW-10", Verdict: NotApplicable, By: "安全员", On: daysAgo(10).Truncate(day), Note: "no terminals are kept here #2"},
		{Control: "LW-01", Note: "asked the acquirer on Monday"},
		{Control: "INC-2026-0001-L1", Verdict: NotMet, By: "custodian", On: daysAgo(400).Truncate(day)},
	}}
}

func TestAQuestionnaireGoesOnWhereItWasLeft(t *testing.T) {
	report := Assess(good(), someAnswers())
	for name, say := range map[string]func(*Control) (string, string){"en": inEnglish, "zh": inChinese} {
		raw := Questionnaire(someAnswers(), toAsk(&report), say)
		got, err := ParseAnswers(raw)
		must(t, err)
		if len(got.All) != 4 || got.Site != someAnswers().Site {
			t.Fatalf("%s: %+v", name, got)
		}
		for _, want := range someAnswers().All {
			if have := got.about(want.Control); have == nil || !reflect.DeepEqual(*have, want) {
				t.Errorf("%s: %+v, want %+v", name, have, want)
			}
		}
		again := Questionnaire(got, toAsk(&report), say)
		if !bytes.Equal(again, raw) {
			t.Errorf("%s: written again it is another text", name)
		}
	}
}

func toAsk(r *Report) []Control {
	ask, _ := r.ToAsk(true)
	return ask
}

func TestWhatWasMeasuredIsNotAsked(t *testing.T) {
	report := Assess(good(), Answers{})
	raw := string(Questionnaire(Answers{}, toAsk(&report), inEnglish))
	for id, asked := range map[string]bool{"HW-01": false, "OP-01": false, "HW-09": true, "LW-12": true} {
		if strings.Contains(raw, "control: "+id+"\n") != asked {
			t.Errorf("%s asked: %v", id, !asked)
		}
	}
	blind := Assess(&Evidence{Now: now()}, Answers{})
	if raw = string(Questionnaire(Answers{}, toAsk(&blind), inChinese)); !strings.Contains(raw, "control: HW-01\n") || !strings.Contains(raw, "防拆") {
		t.Error("what nobody looked at is asked, in Chinese")
	}
	usual, left := blind.ToAsk(false)
	if short := string(Questionnaire(Answers{}, usual, inEnglish)); left < 60 || strings.Contains(short, "HW-01") || !strings.Contains(short, "HW-09") {
		t.Errorf("what can be measured (%d) is asked of people because nobody looked", left)
	}
	a, err := ParseAnswers([]byte(raw))
	if err != nil || len(a.All) != 0 {
		t.Errorf("nothing was answered: %d answers, %v", len(a.All), err)
	}
}

func TestAnswersThatAreWrongAreRefusedWithTheirLine(t *testing.T) {
	entry := func(fields string) string {
		return "schema: poskey.assess-answers/v1\nanswers:\n  - {" + fields + "}\n"
	}
	for name, c := range map[string]struct{ raw, says string }{
		"no YAML":          {"a: [", "no YAML"},
		"empty":            {"", "is empty"},
		"a list":           {"- a", "line 1"},
		"another schema":   {"schema: poskey.inject-plan/v1\n", "schema"},
		"unknown field":    {"schema: poskey.assess-answers/v1\nplace: here\n", "line 2: unknown field"},
		"a field twice":    {"schema: poskey.assess-answers/v1\nsite: a\nsite: b\n", "line 3: site is there twice"},
		"two documents":    {"schema: poskey.assess-answers/v1\n---\na: b\n", "more than one"},
		"answers no list":  {"schema: poskey.assess-answers/v1\nanswers: yes\n", "line 2"},
		"unknown in entry": {entry("control: HW-09, verdikt: met"), "line 3: line 3: unknown field"},
		"unknown control":  {entry("control: HW-99"), `there is no control "HW-99"`},
		"no control":       {entry("verdict: met"), "there is no control"},
		"twice":            {entry("control: HW-09}\n  - {control: HW-09"), "line 4: control HW-09 is there twice"},
		"another verdict":  {entry("control: HW-09, verdict: yes, by: a, on: 2026-03-01"), "met, not-met or not-applicable"},
		"no-evidence":      {entry("control: HW-09, verdict: no-evidence, by: a, on: 2026-03-01"), "no answer"},
		"nobody":           {entry("control: HW-09, verdict: met, on: 2026-03-01"), "(by)"},
		"no day":           {entry("control: HW-09, verdict: met, by: a"), "(on)"},
		"a wrong day":      {entry("control: HW-09, verdict: met, by: a, on: 2026-02-30"), "no day"},
		"a time":           {entry("control: HW-09, verdict: met, by: a, on: 2026-02-03T10:00:00Z"), "no day"},
		"no reason":        {entry("control: HW-09, verdict: not-applicable, by: a, on: 2026-03-01"), "(note)"},
		"a reference":      {"schema: poskey.assess-answers/v1\nsite: &a b\n", "plain text"},
		"an alias":         {entry("control: &x HW-09, by: *x"), "plain text"},
		"a tag":            {entry("control: HW-09, note: !!binary aGVsbG8="), "plain text"},
		"an object":        {entry("control: HW-09, note: {a: b}"), "plain text"},
		"a key":            {entry("control: HW-09, note: 0123456789ABCDEF0123456789ABCDEF"), "looks like a key"},
		"too long":         {entry("control: HW-09, note: " + strings.Repeat("x", maxWords+1)), "more than"},
		"a lesson's name":  {entry("control: INC-x-L1"), "there is no control"},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := ParseAnswers([]byte(c.raw))
			if !fault.Is(err, fault.Malformed) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %q", err, c.says)
			}
			if !reflect.DeepEqual(a, Answers{}) {
				t.Errorf("with an error there is %+v", a)
			}
			if err != nil && strings.Contains(err.Error(), "0123456789ABCDEF") {
				t.Error("the error repeats what may be a key")
			}
		})
	}
	if _, err := ParseAnswers(bytes.Repeat([]byte("#"), MaxAnswers+1)); !fault.Is(err, fault.TooLarge) {
		t.Errorf("too large: %v", err)
	}
}

func TestAnAnswerIsSetInItsPlace(t *testing.T) {
	a := someAnswers()
	must(t, a.Set(Answer{Control: "LW-01", Verdict: Met, By: "auditor", On: now().Truncate(day)}))
	must(t, a.Set(Answer{Control: "LW-02", Verdict: Met, By: "auditor", On: now().Truncate(day)}))
	if len(a.All) != 5 || a.All[2].Verdict != Met || a.All[4].Control != "LW-02" {
		t.Errorf("%+v", a.All)
	}
	for name, one := range map[string]Answer{
		"no name":  {Control: "LW-01", Verdict: Met, On: now().Truncate(day)},
		"a time":   {Control: "LW-01", Verdict: Met, By: "a", On: now()},
		"two rows": {Control: "LW-01", Verdict: Met, By: "a\nb", On: now().Truncate(day)},
		"no id":    {Control: "lw", Verdict: Met, By: "a", On: now().Truncate(day)},
	} {
		if err := a.Set(one); !fault.Is(err, fault.Malformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzAnswers: what can be read is written and read as the same; what cannot gives nothing.
func FuzzAnswers(f *testing.F) {
	f.Add(Questionnaire(someAnswers(), nil, inEnglish))
	f.Add([]byte("schema: poskey.assess-answers/v1\nsite: >-\n  two\n  lines\nanswers:\n- control: HW-09\n  verdict: met\n  by: ~\n"))
	f.Add([]byte("schema: poskey.assess-answers/v1\nanswers: [{control: HW-09, verdict: not-met, by: 17, on: 2026-03-01}]"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, err := ParseAnswers(raw)
		if err != nil {
			if !reflect.DeepEqual(a, Answers{}) {
				t.Fatalf("with an error there is %+v", a)
			}
			return
		}
		again, err := ParseAnswers(Questionnaire(a, nil, inEnglish))
		if err != nil || !reflect.DeepEqual(a, again) {
			t.Fatalf("%v\n%+v\n%+v", err, a, again)
		}
	})
}

func TestDaysAreWrittenAsDays(t *testing.T) {
	raw := Questionnaire(Answers{All: []Answer{{Control: "HW-09", Verdict: Met, By: "a", On: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}}}, nil, inEnglish)
	if !strings.Contains(string(raw), `on: "2026-03-01"`) {
		t.Errorf("%s", raw)
	}
}

// TestCommentsOfPeopleStay: what is written anew keeps them, and the questions are not taken for comments, in either language.
func TestCommentsOfPeopleStay(t *testing.T) {
	report := Assess(&Evidence{Now: now()}, Answers{})
	raw := string(Questionnaire(Answers{}, toAsk(&report), inEnglish))
	raw = "# looked through by the auditor\n" + raw
	raw = strings.Replace(raw, "  - control: HW-09\n    verdict: \"\"", "  # photographs are with the vendor\n  - control: HW-09\n    verdict: \"\" # ask again in May", 1)
	raw = strings.Replace(raw, "  - control: HW-10\n    verdict: \"\"\n    by: \"\"\n    on: \"\"",
		"  - control: HW-10\n    verdict: met\n    # the day of the visit\n    by: auditor\n    on: 2026-08-01", 1)
	for round := range 3 {
		a, err := ParseAnswers([]byte(raw))
		if err != nil {
			t.Fatal(err)
		}
		say := inChinese
		if round == 2 {
			say = inEnglish
		}
		again := string(Questionnaire(a, toAsk(&report), say))
		for _, c := range []string{"# looked through by the auditor\n", "  # photographs are with the vendor\n", "  # ask again in May\n", "  # the day of the visit\n"} {
			if strings.Count(again, c) != 1 {
				t.Errorf("round %d: %q is there %d times", round, c, strings.Count(again, c))
			}
		}
		if round > 0 && strings.Count(again, "#") != strings.Count(raw, "#") {
			t.Errorf("round %d: %d comments became %d", round, strings.Count(raw, "#"), strings.Count(again, "#"))
		}
		raw = again
	}
}
