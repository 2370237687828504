package assess

// From evidence and answers to verdicts and scores.

import (
	"maps"
	"slices"
	"strings"
	"time"

	"poskey/internal/text"
)

// Result is a control with its verdict.
type Result struct {
	Control Control
	Finding Finding
	// Said is what a person answered where the measurement says something else; zero otherwise.
	Said *Answer
}

// Score is how a dimension stands. Points are weights.
type Score struct {
	Dimension Dimension
	Met       int // points
	Known     int // met and not met
	Applies   int // known and without evidence
	Counts    map[Verdict]int
}

// Percent is met among known; ok is false when nothing is known.
func (s *Score) Percent() (percent int, ok bool) {
	if s.Known == 0 {
		return 0, false
	}
	return s.Met * 100 / s.Known, true
}

// Coverage is known among what applies, in per cent; 100 when nothing applies.
func (s *Score) Coverage() int {
	if s.Applies == 0 {
		return 100
	}
	return s.Known * 100 / s.Applies
}

// Report is an assessment.
type Report struct {
	At       time.Time
	Of       Subject
	Results  []Result // in the order of dimensions and ids
	Scores   []Score  // in the order of dimensions
	Total    Score
	Warnings []Warning // of Watch
	Changes  []Change  // against the last assessment
	Last     time.Time // when that was; zero: none
	Differs  []string  // what that one was not of: device, store, environment, site
	Unknown  []string  // answers to controls that there are not
}

// Subject is what was assessed.
type Subject struct {
	Device, Store, Site string // serials, id, words; "" not looked at
	Environment         string
	Silent              []string // addresses of terminals that gave no account of themselves
}

// Differs names what another assessment was not of: device, store, environment, site. Words for a site that only one of
// them has say nothing.
func (s *Subject) Differs(o *Subject) []string {
	var all []string
	for _, m := range []struct {
		name string
		is   bool
	}{
		{"device", s.Device != o.Device}, {"store", s.Store != o.Store}, {"environment", s.Environment != o.Environment},
		{"site", s.Site != "" && o.Site != "" && s.Site != o.Site},
	} {
		if m.is {
			all = append(all, m.name)
		}
	}
	return all
}

// Change is a control whose verdict is another one than in the last assessment. What nobody knew before and is not met now
// is neither better nor worse: it is known.
type Change struct {
	ID       string
	Was, Is  Verdict // "" for a control that was or is not there
	Improved bool
	Worse    bool
}

// Assess gives the verdicts. The same input gives the same report. Warnings are those of [Watch] with [DefaultWatch].
func Assess(e *Evidence, a Answers) Report {
	r := verdicts(e, a)
	r.tally()
	r.Warnings = Watch(e, DefaultWatch())
	return r
}

func verdicts(e *Evidence, a Answers) Report {
	r := Report{At: e.Now, Of: subject(e, a)}
	controls := Controls(e.Incidents)
	for i := range controls {
		r.Results = append(r.Results, judge(&controls[i], e, a.about(controls[i].ID)))
	}
	r.Unknown = a.Unknown(controls)
	return r
}

// tally counts the scores.
func (r *Report) tally() {
	r.Scores, r.Total = nil, Score{Counts: map[Verdict]int{}}
	for _, d := range Dimensions() {
		s := Score{Dimension: d, Counts: map[Verdict]int{}}
		for i := range r.Results {
			if r.Results[i].Control.Dimension == d {
				s.add(&r.Results[i])
			}
		}
		r.Scores = append(r.Scores, s)
	}
	for i := range r.Results {
		r.Total.add(&r.Results[i])
	}
}

func subject(e *Evidence, a Answers) Subject {
	s := Subject{Site: a.Site}
	if e.Device != nil {
		s.Device = e.Device.serial()
	}
	if e.Log != nil {
		s.Store, s.Environment = e.Log.Report.Identity.Store, string(e.Log.Report.Identity.Environment)
	}
	if e.Store != nil {
		s.Store, s.Environment = e.Store.Identity.ID, e.Store.Identity.Environment
	}
	return s
}

// judge lets a measurement decide, and a person where nothing was measured.
func judge(c *Control, e *Evidence, said *Answer) Result {
	r := Result{Control: *c, Finding: Finding{Verdict: NoEvidence}}
	if c.measure != nil {
		if f := c.measure(e); f.Verdict != "" {
			r.Finding = f
		}
	}
	if said == nil || said.Verdict == "" {
		return r
	}
	if r.Finding.Verdict != NoEvidence {
		if said.Verdict != r.Finding.Verdict {
			r.Said = said
		}
		return r
	}
	r.Finding = said.finding(e.Now)
	return r
}

// aheadAtMost: a day is written down by the calendar of a place, which may be that far ahead of UTC.
const aheadAtMost = 14 * time.Hour

// finding is what an answer is worth now.
func (a *Answer) finding(now time.Time) Finding {
	switch {
	case a.On.After(now.Add(aheadAtMost)):
		return noEvidence(text.New("the answer of %s is of %s, which is in the future", a.By, a.On.Format(time.DateOnly)))
	case now.Sub(a.On) > AnswerValid:
		return noEvidence(text.New("the answer of %s is of %s: too old, ask again", a.By, a.On.Format(time.DateOnly)))
	}
	f := Finding{Verdict: a.Verdict, Origin: FromAnswer, By: a.By, At: a.On}
	if words := strings.Trim(strings.Join([]string{a.Evidence, a.Note}, "; "), "; "); words != "" {
		f.Found = text.Raw(words)
	}
	return f
}

func (s *Score) add(r *Result) {
	v, w := r.Finding.Verdict, r.Control.Weight
	s.Counts[v]++
	switch v {
	case Met:
		s.Met, s.Known, s.Applies = s.Met+w, s.Known+w, s.Applies+w
	case NotMet:
		s.Known, s.Applies = s.Known+w, s.Applies+w
	case NoEvidence:
		s.Applies += w
	case NotApplicable:
	}
}

// ToAsk lists the controls that a questionnaire asks: what only people can tell, what was looked at and could not be told,
// and what somebody has answered already. What could be measured and was not looked at is counted, and asked where
// everything is asked for.
func (r *Report) ToAsk(everything bool) (ask []Control, unmeasured int) {
	for i := range r.Results {
		c, f := &r.Results[i].Control, &r.Results[i].Finding
		switch {
		case f.Origin == FromAnswer || f.Verdict == NoEvidence && (!c.Measured() || !f.Found.IsZero()):
		case f.Verdict != NoEvidence:
			continue
		default:
			if unmeasured++; !everything {
				continue
			}
		}
		ask = append(ask, *c)
	}
	return ask, unmeasured
}

// Compare holds a report against the last one, given as the verdicts by control id. A change is an improvement when the
// verdict comes to met, or leaves not met for not applicable; it is worse when it comes to not met, or leaves met for
// no evidence. A control that was not there before is neither.
func (r *Report) Compare(last map[string]Verdict, at time.Time) {
	r.Last, r.Changes = at, nil
	now := map[string]bool{}
	for i := range r.Results {
		id, is := r.Results[i].Control.ID, r.Results[i].Finding.Verdict
		now[id] = true
		if was := last[id]; was != is {
			r.Changes = append(r.Changes, Change{ID: id, Was: was, Is: is,
				Improved: was != "" && is == Met || was == NotMet && is == NotApplicable,
				Worse:    (was == Met || was == NotApplicable) && is == NotMet || was == Met && is == NoEvidence})
		}
	}
	for _, id := range slices.Sorted(maps.Keys(last)) {
		if !now[id] {
			r.Changes = append(r.Changes, Change{ID: id, Was: last[id]})
		}
	}
}
