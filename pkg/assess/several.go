package assess

// One report over several terminals.

import (
	"slices"
	"strings"
)

// All is [Assess] over several terminals, as one report; the evidence has none itself. One that gave no account of
// itself is a terminal of which nothing is known. What is not about a terminal is judged once.
func All(e *Evidence, devices []DeviceEvidence, a Answers) Report {
	if len(devices) == 0 {
		return Assess(e, a)
	}
	one := *e
	one.Device = &devices[0]
	each := []Report{verdicts(&one, a)}
	for i := 1; i < len(devices); i++ {
		one.Device = &devices[i]
		next := Report{Of: subject(&one, a), Results: slices.Clone(each[0].Results)}
		for j := range next.Results {
			if c := &next.Results[j].Control; c.Scope == OfTerminal {
				next.Results[j] = judge(c, &one, a.about(c.ID))
			}
		}
		each = append(each, next)
	}
	r := Several(each)
	r.tally()
	r.Warnings = WatchAll(e, devices, DefaultWatch())
	return r
}

// SubjectOf is what an assessment of that would be of.
func SubjectOf(e *Evidence, devices []DeviceEvidence) Subject {
	s := subject(e, Answers{})
	s.Device = serials(devices, func(d *DeviceEvidence) string { return d.serial() })
	return s
}

// serials joins those that are known, each once.
func serials[T any](all []T, serial func(*T) string) string {
	var known []string
	for i := range all {
		if s := serial(&all[i]); s != "" && !slices.Contains(known, s) {
			known = append(known, s)
		}
	}
	return strings.Join(known, ", ")
}

// WatchAll is [Watch] over several terminals; the evidence has none itself.
func WatchAll(e *Evidence, devices []DeviceEvidence, o WatchOptions) []Warning {
	w := watch{now: e.Now, o: o.orDefault(), all: Watch(e, o)}
	for i := range devices {
		w.all = append(w.all, Watch(&Evidence{Now: e.Now, Device: &devices[i]}, o)...)
	}
	same := func(a, b Warning) bool {
		return a.ID == b.ID && a.Subject == b.Subject && a.Due.Equal(b.Due) && a.What.String() == b.What.String()
	}
	sorted := w.sorted()
	return slices.CompactFunc(sorted, same) // one terminal may have been named twice
}

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
	all.Of.Device = serials(each, func(r *Report) string { return r.Of.Device })
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
