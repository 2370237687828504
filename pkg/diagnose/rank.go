package diagnose

// From claims to findings: how certain, in which order, and what to say when there are none.

import (
	"sort"

	"poskey/internal/text"
	"poskey/pkg/slip"
)

// maxFindings bounds a report: with short check values chance gives more candidates than anybody can try.
const maxFindings = 20

func (s *search) report(claims []claim) Report {
	r := Report{Verdict: Explained, Findings: s.findings(s.withoutFragments(claims)), Searched: s.searched()}
	if len(r.Findings) == 0 {
		r.Verdict, r.NextStep = Unexplained, s.nextStep()
	}
	if s.facts.Kind == Base && !s.derives() {
		r.Notes = append(r.Notes, s.notDerived())
	}
	r.Notes = append(r.Notes, s.notes...)
	return r
}

// withoutFragments drops slips that explain a part of the values where others explain all of them beyond chance.
func (s *search) withoutFragments(claims []claim) []claim {
	if !s.settled(claims) {
		return claims
	}
	var out []claim
	for _, c := range claims {
		if c.whole || c.cause != CauseMistypedDigit || c.most != "" {
			out = append(out, c)
		}
	}
	return out
}

func (s *search) searched() Searched {
	return Searched{Candidates: s.asked, ExpectedChanceMatches: s.chance, WrongDigits: s.depth, Matches: s.matches}
}

// findings ranks by certainty, then by how likely the cause is beforehand; what parity speaks for comes first.
func (s *search) findings(claims []claim) []Finding {
	ranked := make([]Finding, len(claims))
	preferred := map[int]bool{}
	order := make([]int, len(claims))
	for i, c := range claims {
		ranked[i] = s.finding(c, claims)
		preferred[i], order[i] = c.preferred, i
	}
	sort.SliceStable(order, func(i, j int) bool {
		a, b := ranked[order[i]], ranked[order[j]]
		if x, y := a.Certainty.rank(), b.Certainty.rank(); x != y {
			return x < y
		}
		if x, y := a.Cause.rank(), b.Cause.rank(); x != y {
			return x < y
		}
		if x, y := preferred[order[i]], preferred[order[j]]; x != y {
			return x
		}
		return claims[order[i]].weight > claims[order[j]].weight
	})
	sorted := make([]Finding, 0, len(claims))
	for _, i := range order[:min(len(order), maxFindings)] {
		sorted = append(sorted, ranked[i])
	}
	return sorted
}

func (s *search) finding(c claim, all []claim) Finding {
	return Finding{
		Cause: c.cause, Also: c.also, Certainty: s.certainty(c, all), Odds: s.odds(c), Evidence: c.evidence, Summary: c.summary,
	}.with(c.advice)
}

func (s *search) certainty(c claim, all []claim) Certainty {
	odds := s.odds(c)
	switch {
	case c.most == Possible || odds >= likelyBelow:
		return Possible
	case c.most == Likely || !c.whole || odds >= provenBelow || rivals(all) > 1:
		return Likely
	}
	return Proven
}

// rivals counts the claims that reproduce every value given.
func rivals(all []claim) int {
	n := 0
	for _, c := range all {
		if c.whole {
			n++
		}
	}
	return n
}

func (c Certainty) rank() int {
	switch c {
	case Proven:
		return 0
	case Likely:
		return 1
	}
	return 2
}

// nextStep says what to do when the search found nothing, and how much could not be asked.
func (s *search) nextStep() text.Text {
	next := s.stepAfterNothing()
	if s.unanswered > 0 {
		return text.New("%s (questions that the boundary did not answer about these keys: %d)", next, s.unanswered)
	}
	return next
}

func (s *search) stepAfterNothing() text.Text {
	if !s.special.IsZero() {
		return s.special
	}
	if s.totalRight() {
		return text.New(
			"the key given here is right, and no single mistake with it gives the other value: the other side holds another key; read back which slot holds what, and load again",
		)
	}
	switch s.facts.Kind {
	case Base:
		return text.New(
			"no KSN near the one given and no mistake that was tried gives the value: compare the check value of the base derivation key itself, then ask which key set the device belongs to",
		)
	case Unopened:
		return text.New(
			"the cryptogram opens under no published transport key: give the key-encrypting key with --kek, and what is behind the cryptogram can be searched",
		)
	case Parts:
		return s.orSearchMore(text.New(
			"no mistake that was tried explains the value: compare each component's check value with its sheet (--part-expected), and make sure that all sheets belong to one key",
		))
	case Cryptogram:
		return s.nextStepByParity()
	}
	return s.orSearchMore(text.New(
		"no mistake that was tried explains the value: give the components with their check values, or the cryptogram with its key-encrypting key, and make sure that the value belongs to this key",
	))
}

// orSearchMore adds the search of one more wrong digit, where that can be had.
func (s *search) orSearchMore(t text.Text) text.Text {
	more := max(2, s.facts.Search+1)
	if !s.alg.IsBlockCipher() || !s.fits() || more > slip.MaxDigits {
		return t
	}
	return text.New("%s; or search up to %d wrong digits (--search %d)", t, more, more)
}

// nextStepByParity reads the parity of the unwrapped key, the strongest witness when no value matches.
func (s *search) nextStepByParity() text.Text {
	if !s.alg.IsDES() {
		return text.New(
			"no single mistake explains the value: compare the check value of the key-encrypting key first, then try other key-encrypting keys and key indexes",
		)
	}
	found, err := s.parity(s.expr)
	switch {
	case err == nil && found == ParityOdd:
		return text.New(
			"the unwrapped key has odd parity in all %d bytes, so key-encrypting key, mode and direction are right; look at how the check value is made, at the order of the halves and at the layout of the message",
			s.size,
		)
	case err == nil && found == ParityFirst8Odd:
		return text.New(
			"the first 8 bytes of the unwrapped key have odd parity, the rest does not: look at the mode (ECB or CBC), at padding that was taken for key bytes, and at the right half of the key-encrypting key",
		)
	}
	if found == "" {
		return text.New(
			"no single mistake explains the value: compare the check value of the key-encrypting key first, then try other key-encrypting keys and key indexes",
		)
	}
	return text.New(
		"the unwrapped key has mixed parity: the key-encrypting key, the mode or the cryptogram is wrong, unless the sender does not set parity; compare the check value of the key-encrypting key, then try others",
	)
}
