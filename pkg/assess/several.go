package assess

// One report over several terminals.

import (
	"slices"
	"strings"
)

// Several puts reports together that differ in the terminal alone. Of each control the worst verdict holds: a control is
// met when it is met by all of them, and known when it is known of all of them or not met by one. Whom a finding is about
// begins with the terminal. One report stays as it is; none gives the zero Report.
func Several(each []Report) Report {
	if len(each) == 0 {
		return Report{}
	}
	all := each[0]
	if len(each) == 1 {
		return all
	}
	var serials []string
	for i := range each {
		if s := each[i].Of.Device; s != "" && !slices.Contains(serials, s) {
			serials = append(serials, s)
		}
	}
	all.Of.Device = strings.Join(serials, ", ")
	all.Results = slices.Clone(all.Results)
	for i := range all.Results {
		all.Results[i] = worst(each, i)
	}
	all.tally()
	return all
}

// worst is the result of a control that holds for all terminals.
func worst(each []Report, at int) Result {
	w := each[0].Results[at]
	for i := range each {
		if r := each[i].Results[at]; badness(r.Finding.Verdict) > badness(w.Finding.Verdict) {
			w = r
		}
	}
	if w.Finding.Origin != FromDevice || w.Finding.Verdict != NotMet {
		return w
	}
	var whom []string
	for i := range each {
		if f := &each[i].Results[at].Finding; f.Verdict == w.Finding.Verdict && f.Origin == FromDevice {
			whom = append(whom, named(each[i].Of.Device, f)...)
		}
	}
	w.Finding = w.Finding.about(whom)
	return w
}

// named is whom a finding is about, with the terminal in front.
func named(serial string, f *Finding) []string {
	if len(f.Items) == 0 {
		return []string{serial}
	}
	var all []string
	for _, item := range f.Items {
		if item != serial {
			item = serial + ": " + item
		}
		all = append(all, item)
	}
	return all
}

func badness(v Verdict) int {
	switch v {
	case NotMet:
		return 3
	case Met:
		return 1
	case NotApplicable:
		return 0
	case NoEvidence:
	}
	return 2
}

// tally counts the scores anew.
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
