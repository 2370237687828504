package cli

// The page of an assessment: whole, inert, without keys, a score never without what it rests on.

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"poskey/internal/i18n"
	"poskey/internal/page"
	"poskey/internal/text"
	"poskey/pkg/assess"
)

// sampleReport has every verdict and origin in every dimension, what others wrote, and an assessment before.
func sampleReport() *assess.Report {
	day := pageDay()
	r := &assess.Report{At: day, Last: day.AddDate(0, -3, 0), Total: assess.Score{Counts: map[assess.Verdict]int{}},
		Of: assess.Subject{Device: "TEST-0001", Store: "test-7f3a91", Site: "Injection room, second floor", Environment: "test"}}
	verdicts := []assess.Verdict{assess.Met, assess.Met, assess.NotMet, assess.NoEvidence, assess.Met, assess.NotApplicable, ""}
	origins := []assess.Origin{assess.FromDevice, assess.FromStore, assess.FromLog, assess.FromHost, assess.FromIncidents, assess.FromAnswer}
	n := 0
	for i, dimension := range assess.Dimensions() {
		s := assess.Score{Dimension: dimension, Counts: map[assess.Verdict]int{}}
		for j := range 6 + i*2 {
			n++
			x := assess.Result{Control: assess.Control{ID: fmt.Sprintf("%c%c-%02d", 'A'+i, 'X', j+1), Dimension: dimension, Weight: 1 + (n*3)%5,
				Ask: text.Raw("Are the keys of the terminal erased when its case is opened, and does somebody look at it then?"),
				Fix: text.Raw("Take the terminal out of service, and send it to the workshop in a sealed bag"),
				Refs: []assess.Reference{{Standard: "PCI PIN v3.1", Clause: fmt.Sprintf("%d-%d", i+1, j+1), Confirmed: j%2 == 0},
					{Standard: "JR/T 0120-2016"}}},
				Finding: assess.Finding{Verdict: verdicts[n%len(verdicts)]}}
			if v := givenVerdict(&x); v != assess.NoEvidence {
				x.Finding.Origin, x.Finding.At = origins[n%len(origins)], day.AddDate(0, 0, -n)
				x.Finding.Found = text.New("%d of %d slots tell a check value", n, n+2)
			}
			if x.Finding.Origin == assess.FromAnswer {
				x.Finding.By = "security officer"
			}
			s.Counts[givenVerdict(&x)]++
			addPoints(&s, &x)
			addPoints(&r.Total, &x)
			r.Results = append(r.Results, x)
		}
		r.Scores = append(r.Scores, s)
	}
	f := &r.Results[1].Finding
	*f = assess.Finding{Verdict: assess.NotMet, Origin: assess.FromStore, At: day, More: 380, Found: text.New("%s", injected),
		Items: []string{"TEST-0001", "TEST-0002", injected, pageTMK, strings.Repeat("W", 300)}}
	r.Results[1].Said = &assess.Answer{By: "custodian.a" + injected, On: day.AddDate(0, -1, 0), Verdict: assess.Met}
	r.Results[2].Control.Lesson = "INC-2026-0001"
	r.Warnings = []assess.Warning{
		{ID: "key-expiry", Severity: assess.Urgent, Subject: "TPK-17#1", What: text.Raw("its cryptoperiod is over"), Fix: text.Raw("rotate it"), Due: day},
		{ID: "battery-low", Severity: assess.Soon, Subject: injected, What: text.Raw("the backup battery is low " + pageTMK), Fix: text.Raw("replace it")},
		{ID: "locked", Severity: assess.Note, Subject: strings.Repeat("无", 120), What: text.Raw("it is locked"), Fix: text.Raw("unlock it")}}
	r.Changes = []assess.Change{{ID: r.Results[0].Control.ID, Was: assess.NotMet, Is: assess.Met, Improved: true},
		{ID: r.Results[1].Control.ID, Was: assess.Met, Is: assess.NotMet, Worse: true}, {ID: "ZZ-99", Was: assess.Met}}
	return r
}

func addPoints(s *assess.Score, x *assess.Result) {
	w := x.Control.Weight
	switch givenVerdict(x) {
	case assess.Met:
		s.Met, s.Known, s.Applies = s.Met+w, s.Known+w, s.Applies+w
	case assess.NotMet:
		s.Known, s.Applies = s.Known+w, s.Applies+w
	case assess.NoEvidence:
		s.Applies += w
	}
}

func assessPageOf(t *testing.T, lang i18n.Lang, r *assess.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := assessHTMLPage(&b, i18n.New(lang), "v1.2.3", r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func assessPages(t *testing.T) []shownPage {
	t.Helper()
	return []shownPage{{"assess", func(t *testing.T, lang i18n.Lang) string { return assessPageOf(t, lang, sampleReport()) }}}
}

func TestAnAssessmentPageIsInertAndHoldsNoKey(t *testing.T) {
	first := sampleReport()
	first.Last, first.Changes, first.Warnings, first.Of = pageDay().AddDate(0, 0, -1).AddDate(-3000, 0, 0), nil, nil, assess.Subject{}
	nothing := sampleReport()
	nothing.Results, nothing.Total = nil, assess.Score{}
	for i := range nothing.Scores {
		nothing.Scores[i] = assess.Score{Dimension: nothing.Scores[i].Dimension}
	}
	for _, lang := range []i18n.Lang{i18n.English, i18n.Chinese} {
		for name, r := range map[string]*assess.Report{"sample": sampleReport(), "first": first, "nothing": nothing} {
			t.Run(name+"-"+string(lang), func(t *testing.T) { holdPage(t, assessPageOf(t, lang, r)) })
		}
	}
}

func TestAScoreIsNeverToldWithoutItsCoverage(t *testing.T) {
	r := sampleReport()
	p := &pagePrinter{i18n.New(i18n.English)}
	s := p.assessment(r)
	percent, _ := r.Total.Percent()
	if s.Score != fmt.Sprintf("%d %%", percent) || s.Coverage != fmt.Sprintf("%d %%", r.Total.Coverage()) {
		t.Errorf("in all: %s, %s", s.Score, s.Coverage)
	}
	told := regexp.MustCompile(`^[0-9]+ % met, [0-9]+ % known$`)
	for i, d := range s.Pictures {
		if !told.MatchString(d.Says) || s.Lists[i].Says != d.Says {
			t.Errorf("%s: %q", d.Title, d.Says)
		}
	}
	r.Total.Met, r.Total.Known = 0, 0
	if got := p.percentText(&r.Total); got != "unknown" {
		t.Errorf("where nothing is known the score is %s", got)
	}
}

func TestAPictureHasEachControlWithItsWeightAndVerdict(t *testing.T) {
	r := sampleReport()
	p := &pagePrinter{i18n.New(i18n.English)}
	columns := 0
	for i, d := range p.dimensionPictures(r) {
		points := 0
		for _, c := range d.Columns {
			columns++
			if c.Sign != verdictSign(assess.NotApplicable) {
				points += len(c.Blocks)
			}
			for _, b := range c.Blocks {
				if b.X < 0 || b.X+b.W > d.W || b.Y < 0 || b.Y+b.H > d.H {
					t.Errorf("%s: a block stands at %d,%d", d.Title, b.X, b.Y)
				}
			}
			if c.LabelY > d.H || page.Measure(c.Label, 9.5) > columnPitch {
				t.Errorf("%s: the label %s does not fit", d.Title, c.Label)
			}
		}
		if points != r.Scores[i].Applies {
			t.Errorf("%s shows %d points of %d", d.Title, points, r.Scores[i].Applies)
		}
	}
	if columns != len(r.Results) {
		t.Errorf("there are %d columns for %d controls", columns, len(r.Results))
	}
}

func TestWhatIsNotMetStandsTheMostImportantFirst(t *testing.T) {
	p := &pagePrinter{i18n.New(i18n.English)}
	s := p.assessment(sampleReport())
	last := heaviestWeight
	for _, u := range s.Unmet {
		weight := 0
		for _, dot := range u.Dots {
			if dot.On {
				weight++
			}
		}
		if weight > last {
			t.Errorf("%s of weight %d stands below one of %d", u.ID, weight, last)
		}
		last = weight
	}
	written := assessPageOf(t, i18n.English, sampleReport())
	for _, want := range []string{"(unconfirmed)", "answered otherwise", "and 380 more", "a lesson of INC-2026-0001", "security officer", "Worse: 1"} {
		if !strings.Contains(written, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(written, "PCI PIN v3.1 1-1 (unconfirmed)") || !strings.Contains(written, "PCI PIN v3.1 1-2 (unconfirmed)") {
		t.Error("the wrong clauses are called unconfirmed")
	}
	links := 0
	eachElement(t, written, func(e xml.StartElement) {
		if e.Name.Local == "a" {
			links++
		}
	})
	if want := len(s.Unmet) + 2; links != want { // and two of the three changes: the third control is no more
		t.Errorf("the page has %d links, want %d", links, want)
	}
}

// TestWhatIsTheSameOfManyTakesOneRow: changes and warnings would push what matters off the screen.
func TestWhatIsTheSameOfManyTakesOneRow(t *testing.T) {
	r := sampleReport()
	r.Changes, r.Warnings = nil, nil
	for i := range 20 {
		r.Changes = append(r.Changes, assess.Change{ID: fmt.Sprintf("ZZ-%02d", i), Was: assess.NoEvidence, Is: assess.Met, Improved: true})
		r.Warnings = append(r.Warnings, assess.Warning{ID: "locked", Severity: assess.Urgent, Subject: fmt.Sprintf("TEST-%04d", i),
			What: text.Raw("it is locked"), Fix: text.Raw("unlock it")})
	}
	r.Warnings = append(r.Warnings, assess.Warning{ID: "locked", Severity: assess.Soon, Subject: "TEST-9999", What: text.Raw("it is locked"),
		Fix: text.Raw("unlock it")})
	s := (&pagePrinter{i18n.New(i18n.English)}).assessment(r)
	if len(s.Since.Rows) != 1 || len(s.Since.Rows[0].Controls) != 20 || !strings.HasPrefix(s.Since.Says, "Better: 20.") {
		t.Errorf("twenty equal changes take %d rows: %s", len(s.Since.Rows), s.Since.Says)
	}
	if len(s.Warnings) != 2 || len(s.Warnings[0].Subjects) != 20 || len(s.Warnings[1].Subjects) != 1 {
		t.Errorf("the warnings are %+v", s.Warnings)
	}
}
