package diagnose

// What the families found, put together: each cause once, the certain first, and one verdict.

import (
	"sort"

	"poskey/internal/text"
)

// add takes the findings of a family. A report without findings that says "match" does not outweigh what others found.
func (r *Report) add(found Report) {
	r.Findings = append(r.Findings, found.Findings...)
	r.RuledOut = append(r.RuledOut, found.RuledOut...)
	r.Notes = append(r.Notes, found.Notes...)
	r.Readings = append(r.Readings, found.Readings...)
	r.Keys = append(r.Keys, found.Keys...)
	r.Variants = append(r.Variants, found.Variants...)
	r.agreed = append(r.agreed, found.agreed...)
	r.Searched.Candidates += found.Searched.Candidates
	r.Searched.ExpectedChanceMatches += found.Searched.ExpectedChanceMatches
	r.Searched.Matches += found.Searched.Matches
	r.Searched.WrongDigits = max(r.Searched.WrongDigits, found.Searched.WrongDigits)
	r.matched = r.matched || found.matched || found.Verdict == Match
	r.failed = r.failed || found.failed || found.Verdict == Unexplained
	if r.NextStep.IsZero() {
		r.NextStep = found.NextStep
	}
	if r.Besides.IsZero() {
		r.Besides = found.Besides
	}
}

// settle puts findings of the same cause together and in order, and gives the verdict.
func (r Report) settle() Report {
	r.Findings = merged(r.Findings)
	sort.SliceStable(r.Findings, func(i, j int) bool { return before(&r.Findings[i], &r.Findings[j]) })
	if len(r.Findings) > maxFindings {
		r.Findings = r.Findings[:maxFindings]
	}
	r.RuledOut = r.stillRuledOut()
	switch {
	case len(r.Findings) > 0 && !(r.matched && r.adviceOnly()):
		r.Verdict, r.NextStep = Explained, text.Text{}
	case r.matched && !r.failed:
		r.Verdict, r.NextStep = Match, text.Text{}
	default:
		r.Verdict = Unexplained
	}
	return r
}

// adviceOnly reports whether nothing found rests on a value that differs or on something seen.
func (r *Report) adviceOnly() bool {
	for _, f := range r.Findings {
		if f.Certainty != Possible {
			return false
		}
	}
	return true
}

// before is the order of findings: the certain first, among those what was seen or what fewest hypotheses can imitate,
// then what is likely beforehand.
func before(a, b *Finding) bool {
	if x, y := a.Certainty.rank(), b.Certainty.rank(); x != y {
		return x < y
	}
	if a.Weight != b.Weight {
		return a.Weight > b.Weight
	}
	return a.Cause.rank() < b.Cause.rank()
}

// merged joins what several facts say about one cause: the strongest finding speaks, the others are its evidence.
func merged(all []Finding) []Finding {
	var out []Finding
	for _, f := range all {
		i := sameFinding(out, &f)
		if i < 0 {
			out = append(out, f)
			continue
		}
		if before(&f, &out[i]) {
			f.Evidence.Seen = append(f.Evidence.Seen, out[i].Evidence.Seen...)
			out[i] = f
			continue
		}
		out[i].Evidence.Seen = append(out[i].Evidence.Seen, f.Evidence.Seen...)
	}
	return out
}

// sameFinding looks for a finding that says the same: of one cause and one place, where neither names digits.
func sameFinding(all []Finding, f *Finding) int {
	for i := range all {
		o := &all[i]
		if o.Cause == f.Cause && o.Also == f.Also && o.Evidence.Slot == f.Evidence.Slot &&
			len(o.Evidence.Edits)+len(f.Evidence.Edits) == 0 && o.Evidence.Computed == f.Evidence.Computed {
			return i
		}
	}
	return -1
}

// stillRuledOut drops what another fact speaks for all the same.
func (r *Report) stillRuledOut() []Ruling {
	var out []Ruling
	for _, x := range r.RuledOut {
		found := false
		for _, f := range r.Findings {
			found = found || f.Cause == x.Cause || f.Also == x.Cause
		}
		if !found {
			out = append(out, x)
		}
	}
	return out
}
