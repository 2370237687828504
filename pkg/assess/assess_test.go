package assess

import (
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"poskey/pkg/incident"
)

// resultOf is the result of a control.
func resultOf(t *testing.T, r *Report, id string) *Result {
	t.Helper()
	for i := range r.Results {
		if r.Results[i].Control.ID == id {
			return &r.Results[i]
		}
	}
	t.Fatalf("there is no control %s", id)
	return nil
}

// verdictAfter assesses good evidence with a change.
func verdictAfter(t *testing.T, id string, by change) Finding {
	t.Helper()
	e := good()
	if by != nil {
		by(e)
	}
	r := Assess(e, Answers{})
	return resultOf(t, &r, id).Finding
}

// unseen lists controls of which poskey sees when they are not met, and never that they are: a person has to say.
func unseen(id string) bool { return id == "HW-07" }

// TestEveryMeasureIsMetNotMetAndWithoutEvidence: a control that is measured and has no row for one of the three fails here.
func TestEveryMeasureIsMetNotMetAndWithoutEvidence(t *testing.T) {
	measured := 0
	for _, c := range Controls(nil) {
		if !c.Measured() {
			continue
		}
		measured++
		t.Run(c.ID, func(t *testing.T) {
			if f := verdictAfter(t, c.ID, better()[c.ID]); !unseen(c.ID) && f.Verdict != Met || !unseen(c.ID) && (f.Origin == "" || f.Found.IsZero() || f.At.IsZero()) {
				t.Errorf("with good evidence: %s from %q at %s: %q", f.Verdict, f.Origin, f.At, f.Found)
			}
			by, ok := worse()[c.ID]
			if !ok {
				t.Fatal("no row says by what it is not met")
			}
			if f := verdictAfter(t, c.ID, by); f.Verdict != NotMet || f.Origin == "" || f.Found.IsZero() {
				t.Errorf("with bad evidence: %s from %q: %q", f.Verdict, f.Origin, f.Found)
			}
			r := Assess(&Evidence{Now: now()}, Answers{})
			if f := resultOf(t, &r, c.ID).Finding; f.Verdict != NoEvidence || f.Origin != "" {
				t.Errorf("without any evidence: %s from %q", f.Verdict, f.Origin)
			}
		})
	}
	if measured < 40 {
		t.Errorf("only %d controls are measured", measured)
	}
}

func TestAMeasureThatSawNothingSaysNothing(t *testing.T) {
	for id, by := range nothing() {
		if f := verdictAfter(t, id, by); f.Verdict != NoEvidence || f.Origin != "" {
			t.Errorf("%s: %s from %q: %q", id, f.Verdict, f.Origin, f.Found)
		}
	}
}

func TestWhatDoesNotApplyIsSaidWithItsReason(t *testing.T) {
	for id, by := range outside() {
		if f := verdictAfter(t, id, by); f.Verdict != NotApplicable || f.Origin == "" || f.Found.IsZero() {
			t.Errorf("%s: %s from %q: %q", id, f.Verdict, f.Origin, f.Found)
		}
	}
}

func TestRowsOfTheFixtureAreAboutControls(t *testing.T) {
	for _, rows := range []map[string]change{better(), worse(), nothing(), outside()} {
		for id := range rows {
			if !slices.ContainsFunc(Controls(nil), func(c Control) bool { return c.ID == id && c.Measured() }) {
				t.Errorf("%s is no control that is measured", id)
			}
		}
	}
}

func TestEveryControlIsWhole(t *testing.T) {
	all := Controls(nil)
	if n := len(all); n < 70 || n > 120 {
		t.Errorf("%d controls", n)
	}
	seenIDs, perDimension := map[string]bool{}, map[Dimension]int{}
	prefix := map[Dimension]string{Hardware: "HW-", Software: "SW-", Transit: "DT-", Authentication: "UA-", Response: "IR-",
		Operations: "OP-", Management: "MG-", Law: "LW-"}
	for _, c := range all {
		switch {
		case seenIDs[c.ID]:
			t.Errorf("%s is there twice", c.ID)
		case !strings.HasPrefix(c.ID, prefix[c.Dimension]) || !isControlID(c.ID):
			t.Errorf("%s is in %s", c.ID, c.Dimension)
		case c.Weight < 1 || c.Weight > 5:
			t.Errorf("%s weighs %d", c.ID, c.Weight)
		case !strings.HasSuffix(c.Ask.String(), "?") || c.Fix.IsZero() || strings.HasSuffix(c.Fix.String(), "."):
			t.Errorf("%s asks %q and mends by %q", c.ID, c.Ask, c.Fix)
		case len(c.Refs) == 0 || !slices.Contains([]Scope{OfTerminal, OfStore, OfSite}, c.Scope):
			t.Errorf("%s has %d references and the scope %q", c.ID, len(c.Refs), c.Scope)
		}
		for _, ref := range c.Refs {
			if ref.Standard == "" || ref.Confirmed && !slices.Contains(seen(ref.Standard), ref.Clause) {
				t.Errorf("%s refers to %+v", c.ID, ref)
			}
		}
		seenIDs[c.ID] = true
		perDimension[c.Dimension]++
	}
	for _, d := range Dimensions() {
		if perDimension[d] < 10 {
			t.Errorf("%s has only %d controls", d, perDimension[d])
		}
	}
}

// TestScoresAreThoseOfAHand: hardware has the weights 5 4 4 2 3 2 5 4, which are measured, and 4 4 4 3 4, which are not.
func TestScoresAreThoseOfAHand(t *testing.T) {
	e := good()
	e.Device.Status.Tamper.Tripped = true // HW-01, 5, is not met; HW-08, 4, is not met by good evidence
	e.Device.Status.Battery.Millivolts = 0
	a := Answers{All: []Answer{
		{Control: "HW-09", Verdict: Met, By: "auditor", On: daysAgo(10)},
		{Control: "HW-10", Verdict: NotApplicable, By: "auditor", On: daysAgo(10), Note: "no terminals are kept here"},
		{Control: "HW-11", Verdict: NotMet, By: "auditor", On: daysAgo(10)},
	}}
	r := Assess(e, a)
	s := &r.Scores[0]
	// Met: HW-02 4, 04 2, 05 3, 06 2, 09 4 = 15. Not met: 01 5, 08 4, 11 4 = 13. No evidence: 03 4, 07 5, 12 3, 13 4 = 16.
	want := Score{Dimension: Hardware, Met: 15, Known: 28, Applies: 44,
		Counts: map[Verdict]int{Met: 5, NotMet: 3, NoEvidence: 4, NotApplicable: 1}}
	if !reflect.DeepEqual(*s, want) {
		t.Errorf("got %+v, want %+v", *s, want)
	}
	if percent, ok := s.Percent(); !ok || percent != 53 || s.Coverage() != 63 {
		t.Errorf("%d %%, coverage %d %%", percent, s.Coverage())
	}
	met, known, applies := 0, 0, 0
	for i := range r.Scores {
		met, known, applies = met+r.Scores[i].Met, known+r.Scores[i].Known, applies+r.Scores[i].Applies
	}
	if r.Total.Met != met || r.Total.Known != known || r.Total.Applies != applies {
		t.Errorf("the total %+v is not the sum %d %d %d", r.Total, met, known, applies)
	}
}

func TestNothingKnownHasNoPercent(t *testing.T) {
	r := Assess(&Evidence{Now: now()}, Answers{})
	if _, ok := r.Total.Percent(); ok || r.Total.Coverage() != 0 || len(r.Warnings) != 0 {
		t.Errorf("%+v, %d warnings", r.Total, len(r.Warnings))
	}
	if d := r.Document(); d.Total.Percent != nil || d.Warnings == nil || d.Changes == nil {
		t.Error("the document has what is not known, or null")
	}
}

// parts hands evidence out part by part.
func parts(e *Evidence, which int) *Evidence {
	out := &Evidence{Now: e.Now}
	if which&1 != 0 {
		out.Device = e.Device
	}
	if which&2 != 0 {
		out.Store = e.Store
	}
	if which&4 != 0 {
		out.Log = e.Log
	}
	if which&8 != 0 {
		out.Host = e.Host
	}
	if which&16 != 0 {
		out.Incidents = e.Incidents
	}
	return out
}

// spoil changes evidence, unless it is about what an earlier change took away.
func spoil(e *Evidence, by change) {
	defer func() { _ = recover() }()
	by(e)
}

// TestMoreEvidenceNeverUndoesAMeasurement: what is met, or not, by measurement is never without evidence when more was
// looked at. All sets of parts are tried, on good evidence and with changes by chance.
func TestMoreEvidenceNeverUndoesAMeasurement(t *testing.T) {
	rows := worse()
	ids := slices.Sorted(maps.Keys(rows))
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 12 {
		e := good()
		for range min(round, 8) {
			spoil(e, rows[ids[random.IntN(len(ids))]])
		}
		var all [32]Report
		for which := range all {
			all[which] = Assess(parts(e, which), Answers{})
		}
		for which := range all {
			for _, more := range []int{1, 2, 4, 8, 16} {
				losses(t, &all[which], &all[which|more])
			}
		}
	}
}

func losses(t *testing.T, less, more *Report) {
	t.Helper()
	for i := range less.Results {
		was, is := &less.Results[i], &more.Results[i]
		if was.Finding.Verdict != NoEvidence && is.Finding.Verdict == NoEvidence {
			t.Errorf("%s was %s and is %s with more evidence: %s", was.Control.ID, was.Finding.Verdict, is.Finding.Verdict, is.Finding.Found)
		}
	}
}

func TestTheSameInputGivesTheSameReport(t *testing.T) {
	e := good()
	rows := worse()
	for _, id := range slices.Sorted(maps.Keys(rows)) {
		spoil(e, rows[id])
	}
	one, two := Assess(e, Answers{}), Assess(e, Answers{})
	if !reflect.DeepEqual(one.Document(), two.Document()) || len(one.Warnings) == 0 {
		t.Error("two reports of the same evidence differ")
	}
}

func TestAWordNeverOverrulesAMeasurement(t *testing.T) {
	e := good()
	e.Device.Status.Tamper.Tripped = true
	a := Answers{All: []Answer{{Control: "HW-01", Verdict: Met, By: "operator", On: daysAgo(1)}, {Control: "HW-02", Verdict: Met, By: "operator", On: daysAgo(1)}}}
	r := Assess(e, a)
	if got := resultOf(t, &r, "HW-01"); got.Finding.Verdict != NotMet || got.Said == nil || got.Said.By != "operator" {
		t.Errorf("%+v", got.Finding)
	}
	if got := resultOf(t, &r, "HW-02"); got.Finding.Origin != FromDevice || got.Said != nil {
		t.Errorf("an answer that agrees is no contradiction: %+v", got)
	}
}

func TestAnswersCountForAYear(t *testing.T) {
	for _, c := range []struct {
		name string
		on   time.Time
		want Verdict
	}{
		{"today", now().Truncate(day), Met},
		{"the calendar is ahead", now().Truncate(day).Add(day), NotMet},
		{"a year ago", now().Truncate(day).Add(-364 * day), Met},
		{"older", now().Truncate(day).Add(-366 * day), NoEvidence},
		{"to come", now().Truncate(day).Add(2 * day), NoEvidence},
	} {
		t.Run(c.name, func(t *testing.T) {
			verdict := c.want
			if verdict == NoEvidence {
				verdict = Met
			}
			at := now()
			if c.want == NotMet { // 23:00 in UTC is the next day in the east
				at = now().Truncate(day).Add(23 * time.Hour)
			}
			r := Assess(&Evidence{Now: at}, Answers{All: []Answer{{Control: "HW-09", Verdict: verdict, By: "auditor", On: c.on}}})
			f := resultOf(t, &r, "HW-09").Finding
			if f.Verdict != c.want || f.Verdict == NoEvidence && f.Found.IsZero() || f.Verdict != NoEvidence && f.Origin != FromAnswer {
				t.Errorf("%+v", f)
			}
		})
	}
}

func TestLessonsBecomeControlsThatOnlyPeopleMeet(t *testing.T) {
	e := good()
	e.Incidents[0].Lessons = []incident.Lesson{
		{ID: "INC-2026-0001-L10", Text: "two people count the bags", Weight: 9}, {ID: "INC-2026-0001-L2", Text: "bags are numbered.", Fix: "order numbered bags", Weight: 3}}
	a := Answers{All: []Answer{{Control: "INC-2026-0001-L2", Verdict: Met, By: "custodian", On: daysAgo(3)},
		{Control: "INC-2020-0009-L1", Verdict: Met, By: "custodian", On: daysAgo(3)}}}
	r := Assess(e, a)
	two, ten := resultOf(t, &r, "INC-2026-0001-L2"), resultOf(t, &r, "INC-2026-0001-L10")
	if two.Finding.Verdict != Met || ten.Finding.Verdict != NoEvidence || ten.Control.Weight != 5 || ten.Control.Dimension != Response {
		t.Errorf("%+v\n%+v", two, ten)
	}
	if two.Control.Ask.String() != "Is it so that: bags are numbered?" || two.Control.Lesson != "INC-2026-0001" || ten.Control.Fix.IsZero() {
		t.Errorf("%q, %q", two.Control.Ask, ten.Control.Fix)
	}
	ids := slices.Collect(maps.Keys(map[string]bool{}))
	for i := range r.Results {
		ids = append(ids, r.Results[i].Control.ID)
	}
	if slices.Index(ids, "INC-2026-0001-L2") > slices.Index(ids, "INC-2026-0001-L10") {
		t.Error("the second lesson comes before the tenth")
	}
	if !slices.Equal(r.Unknown, []string{"INC-2020-0009-L1"}) {
		t.Errorf("unknown: %v", r.Unknown)
	}
}

func TestFindingsListNoMoreThanTheirBound(t *testing.T) {
	var many []string
	for range MaxItems + 7 {
		many = append(many, "x")
	}
	if f := notMet(sentence("a", "b"), many...); len(f.Items) != MaxItems || f.More != 7 {
		t.Errorf("%d items and %d more", len(f.Items), f.More)
	}
}

func TestVersionsAreComparedByTheirNumbers(t *testing.T) {
	for _, c := range []struct {
		has, latest string
		want        bool
	}{{"1.9.0", "1.10.0", true}, {"1.10.0", "1.9.0", false}, {"v2", "2.0", false}, {"2.0", "2.0.1", true}, {"B-7", "B-8", true},
		{"B-8", "b-8", false}, {"99999999999999999999", "1", true}} {
		if got := behind(c.has, c.latest); got != c.want {
			t.Errorf("behind(%s, %s) is %v", c.has, c.latest, got)
		}
	}
}

func TestComparisonTellsBetterFromWorse(t *testing.T) {
	e := good()
	e.Device.Status.Tamper.Tripped = true
	r := Assess(e, Answers{})
	last := map[string]Verdict{}
	for i := range r.Results {
		last[r.Results[i].Control.ID] = r.Results[i].Finding.Verdict
	}
	last["HW-01"], last["HW-02"], last["SW-01"], last["HW-09"], last["XX-01"] = Met, NotMet, NoEvidence, Met, NotMet
	seen := maps.Clone(last)
	seen["HW-01"] = NoEvidence
	r.Compare(seen, daysAgo(30))
	if c := r.Changes[0]; c.ID != "HW-01" || c.Improved || c.Worse {
		t.Errorf("what nobody knew before and is not met now: %+v", c)
	}
	delete(last, "SW-02")
	r.Compare(last, daysAgo(30))
	want := []Change{
		{ID: "HW-01", Was: Met, Is: NotMet, Worse: true},
		{ID: "HW-02", Was: NotMet, Is: Met, Improved: true},
		{ID: "HW-09", Was: Met, Is: NoEvidence, Worse: true},
		{ID: "SW-01", Was: NoEvidence, Is: Met, Improved: true},
		{ID: "SW-02", Is: Met},
		{ID: "XX-01", Was: NotMet},
	}
	if !reflect.DeepEqual(r.Changes, want) || !r.Last.Equal(daysAgo(30)) {
		t.Errorf("got %+v", r.Changes)
	}
}

// TestChanceIsTold: a hundred thousand different keys have some hundred pairs of equal check values.
func TestChanceIsTold(t *testing.T) {
	var all alike
	random := rand.New(rand.NewPCG(7, 7))
	const digits = "0123456789ABCDEF"
	for i := range 20_000 {
		var v [6]byte
		for j := range v {
			v[j] = digits[random.IntN(16)]
		}
		owner := "T-" + time.Duration(i).String()
		all.add(check(string(v[:])), owner, owner)
	}
	_, pairs := all.pairs()
	expected, beyond := all.byChance()
	if expected < 11 || expected > 13 || float64(pairs) > beyond || pairs == 0 {
		t.Errorf("%d pairs, expected %.1f, beyond %.1f", pairs, expected, beyond)
	}
}
