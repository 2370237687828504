package diagnose

// A sign-in that opens in no layout under any master key: each key of the usual layout by itself, then keys at other
// places, then a field that was cut.

import (
	"slices"

	"poskey/internal/text"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
	"poskey/pkg/unionpay"
)

// keyByKey explains, one by one, the keys of the usual layout that do not match.
func (s *signing) keyByKey() (Report, bool, error) {
	l, results, err := s.likeliestLayout()
	if err != nil || len(results) == 0 {
		return Report{}, false, err
	}
	all := Report{Verdict: Explained, Keys: results}
	var each [][]Finding
	for i, k := range results {
		if k.Match && s.accounted(results, k.Key) {
			continue
		}
		r, err := s.explainOne(l.Slots[i], k)
		if err != nil {
			return Report{}, false, err
		}
		each = append(each, r.Findings)
		r.Findings = nil
		all.add(r)
	}
	all.Findings = jointly(each)
	return all, len(all.Findings) > 0, nil
}

// explainOne explains a key of the usual layout that does not match, or that the terminal shows something else of:
// another master key that was given opens it, or a mistake makes it.
func (s *signing) explainOne(slot unionpay.Slot, k KeyResult) (Report, error) {
	if !k.Match {
		r, found, err := s.underAnother(slot)
		if err != nil || found {
			return r, err
		}
	}
	r, err := s.explainKey(slot, 0, s.in.Shown[k.Key])
	if err == nil && !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Certainty == Proven }) {
		s.leave(k.Key)
	}
	return r, err
}

// underAnother tries the other master keys on one key.
func (s *signing) underAnother(slot unionpay.Slot) (Report, bool, error) {
	check := slot.Check(s.in.Field62)
	for tmk := 1; tmk < len(s.in.TMKs); tmk++ {
		a, err := s.ask(slot.Cryptogram(s.in.Field62), tmk, slot.Alg, check)
		if err != nil {
			return Report{}, false, err
		}
		if !a.Match {
			continue
		}
		f := s.finding(CauseWrongTMK, min(1, float64(s.asked)*kcv.ChanceOfFalseMatch(a.Digits)), text.New(
			"%s opens under %s, not under %s: the host used another terminal master key for it",
			string(slot.Key), s.in.TMKs[tmk], s.in.TMKs[0]))
		f.Evidence.Key, f.Evidence.Label, f.Evidence.Computed = string(slot.Key), s.in.TMKs[tmk], hexUpper(check)
		if err := s.shownUnder(slot, 0, tmk); err != nil {
			return Report{}, false, err
		}
		return Report{Verdict: Explained, Findings: []Finding{f}}, true, nil
	}
	return Report{}, false, nil
}

// jointly joins what explains keys one by one. What explains all of them stands alone. Where one key is left
// unexplained, nothing is proven: what explains that one too may explain the others otherwise.
func jointly(each [][]Finding) []Finding {
	var all, common []Finding
	unexplained := false
	for i, own := range each {
		all = append(all, own...)
		unexplained = unexplained || !slices.ContainsFunc(own, func(f Finding) bool { return f.Certainty != Possible })
		for _, f := range own {
			if odds, ok := f.explainsAll(each, i); ok {
				f.Odds = odds
				common = append(common, f)
			}
		}
	}
	if len(common) > 0 {
		return common
	}
	for i := range all {
		if unexplained && all[i].Certainty == Proven {
			all[i].Certainty = Likely
		}
	}
	return all
}

// explainsAll reports whether every other key comes out of the same mistakes, or of one of them where the other one
// makes no difference to it: of one block, CBC is ECB. The odds are those of all keys together.
func (f *Finding) explainsAll(each [][]Finding, own int) (float64, bool) {
	odds := f.Odds
	if f.Certainty == Possible {
		return 0, false
	}
	for i, others := range each {
		if i == own {
			continue
		}
		at := slices.IndexFunc(others, func(g Finding) bool { return g.Certainty != Possible && f.includes(&g) })
		if at < 0 {
			return 0, false
		}
		odds *= others[at].Odds
	}
	return odds, true
}

// includes reports whether the mistakes of another finding are among this one's.
func (f *Finding) includes(g *Finding) bool {
	among := func(c Cause) bool { return c == "" || c == f.Cause || c == f.Also }
	return among(g.Cause) && among(g.Also)
}

// slide looks for keys anywhere in the field: a cryptogram of 8, 16 or 24 bytes with its check value close behind it.
// Keys at the places of a known layout alone speak for no other layout.
func (s *signing) slide() (Report, bool, error) {
	if !s.tells {
		return Report{}, false, nil // some hundred questions about a key of a store are too many
	}
	field := s.in.Field62
	var found []KeyResult
	var where []text.Text
	elsewhere := false
	for at := 0; at+12 <= len(field); at++ {
		k, end, err := s.keyAt(at)
		if err != nil {
			return Report{}, false, err
		}
		if !k.Match {
			continue
		}
		found = append(found, k)
		where = append(where, text.New("%d bytes at %d", k.Alg.KeyLen(), at))
		elsewhere = elsewhere || !knownPlace(at, k.Alg.KeyLen(), end)
		at = end - 1
	}
	odds := s.oddsOf(found)
	if !elsewhere || odds >= likelyBelow {
		return Report{}, false, nil
	}
	f := s.finding(CauseField62Layout, odds, text.New(
		"keys stand in field 62 at places that no known layout has: %s (bytes counted from 0)", joined(where)))
	if len(found) < s.fewestKeys() {
		f.Certainty = Likely // a key is missing, and what became of it is not explained
	}
	f.Evidence.Layout = "unknown"
	return Report{Verdict: Explained, Findings: []Finding{f}, Keys: found}, true, nil
}

// knownPlace reports whether some layout has a key of n bytes there, with its check value ending at end.
func knownPlace(at, n, end int) bool {
	for _, l := range unionpay.Layouts() {
		for _, slot := range l.Slots {
			if slot.At == at && slot.Bytes == n && slot.CheckAt+slot.CheckLen == end {
				return true
			}
		}
	}
	return false
}

// fewestKeys is how many keys an answer to this code has at least.
func (s *signing) fewestKeys() int {
	fewest := 0
	for _, l := range unionpay.Layouts() {
		if !l.Insecure && l.Says(s.in.Code) && (fewest == 0 || len(l.Slots) < fewest) {
			fewest = len(l.Slots)
		}
	}
	return fewest
}

// keyAt tries a key at an offset, with the check value right behind it or behind eight bytes of padding.
func (s *signing) keyAt(at int) (KeyResult, int, error) {
	field := s.in.Field62
	for _, alg := range []keys.Algorithm{keys.TDES128, keys.DES, keys.TDES192, keys.SM4} {
		n := alg.KeyLen()
		for _, pad := range []int{0, 8} {
			end := at + n + pad + 4
			if end > len(field) {
				continue
			}
			check := field[end-4 : end]
			a, err := s.ask(field[at:at+n], 0, alg, check)
			if err != nil {
				return KeyResult{}, 0, err
			}
			if a.Match {
				return KeyResult{Layout: "unknown", TMK: s.in.TMKs[0], Check: hexUpper(check), Computed: a.Value.Digits,
					Match: true, Alg: alg, digits: a.Digits}, end, nil
			}
		}
	}
	return KeyResult{}, 0, nil
}

func joined(all []text.Text) text.Text {
	if len(all) == 0 {
		return text.Text{}
	}
	out := all[0]
	for _, t := range all[1:] {
		out = text.New("%s, %s", out, t)
	}
	return out
}

// cutOff notices a field that ends too early: what is there of a longer layout opens.
func (s *signing) cutOff() (Report, bool, error) {
	n := len(s.in.Field62)
	for _, l := range unionpay.Layouts() {
		if l.Insecure || !l.Checked() || !l.Says(s.in.Code) || l.Length <= n {
			continue
		}
		l.Slots = slices.DeleteFunc(l.Slots, func(x unionpay.Slot) bool { return x.CheckAt+x.CheckLen > n })
		if len(l.Slots) == 0 {
			continue
		}
		results, all, err := s.open(l, 0)
		if err != nil {
			return Report{}, false, err
		}
		if !all {
			continue
		}
		f := s.finding(CauseLinkFault, s.oddsOf(results), text.New(
			"field 62 has %d bytes, layout %s has %d, and what is there of it opens (%s): it was cut on its way, or in the log",
			n, l.ID, l.Length, keyNames(results)))
		f.Certainty, f.Evidence.Layout = Likely, l.ID
		return Report{Verdict: Explained, Findings: []Finding{f}, Keys: results}, true, nil
	}
	return Report{}, false, nil
}

func keyNames(all []KeyResult) text.Text {
	var names []text.Text
	for _, k := range all {
		names = append(names, text.Raw(string(k.Key)))
	}
	return joined(names)
}

// guessClosed says what is likely when nothing reproduces a value: the master key, where no key opens; one slot, where
// others do.
func (s *signing) guessClosed() (Report, error) {
	l, results, err := s.likeliestLayout()
	if err != nil {
		return Report{}, err
	}
	if len(results) == 0 {
		return s.unfit(), nil
	}
	wrong := slices.DeleteFunc(slices.Clone(results), func(k KeyResult) bool { return k.Match })
	f := s.finding(CauseWrongTMK, 1, text.New(
		"no key of field 62 opens under %s, in any layout, mode or direction: the host used another terminal master key, or this is not the field that it sent",
		s.in.TMKs[0]))
	f.Evidence.Label = s.in.TMKs[0]
	f.Certainty = Likely
	all := []Finding{f}
	if len(wrong) < len(results) {
		all = s.oneSlot(l, keyNames(wrong))
	}
	return Report{Verdict: Explained, Findings: all, Keys: results}, nil
}

// oneSlot is what is said of keys that do not open where others do: bytes that were changed come first.
func (s *signing) oneSlot(l unionpay.Layout, wrong text.Text) []Finding {
	changed := s.finding(CauseLinkFault, 1, text.New(
		"the master key is right, since other keys open under it; %s does not: its bytes were damaged on their way, or in a program between",
		wrong))
	other := s.finding(CauseField62Layout, 1, text.New(
		"the slot of %s may have another length, or hold something else", wrong))
	changed.Certainty, other.Certainty = Likely, Possible
	changed.Evidence.Layout, other.Evidence.Layout = l.ID, l.ID
	return []Finding{changed, other}
}

// likeliestLayout is a usual one for the code and the length, or else for the length, with its keys; none where there is
// none. Among several it is the one in which most keys open.
func (s *signing) likeliestLayout() (unionpay.Layout, []KeyResult, error) {
	n := len(s.in.Field62)
	usual := unionpay.Usual(s.in.Code, n)
	if len(usual) == 0 {
		usual = unionpay.Usual("", n)
	}
	var best unionpay.Layout
	var of []KeyResult
	for _, l := range usual {
		results, _, err := s.open(l, 0)
		if err != nil {
			return unionpay.Layout{}, nil, err
		}
		if of == nil || opening(results) > opening(of) {
			best, of = l, results
		}
	}
	return best, of, nil
}

// opening counts the keys that open.
func opening(all []KeyResult) int {
	n := 0
	for _, k := range all {
		if k.Match {
			n++
		}
	}
	return n
}

// unfit says that field 62 has no length that a field with keys has.
func (s *signing) unfit() Report {
	n := len(s.in.Field62)
	f := s.finding(CauseField62Layout, 1, text.New(
		"field 62 has %d bytes; with keys it has 24, 40, 56, 60 or 84 (32 without padding): it was cut, or is no sign-in answer", n))
	f.Certainty = Likely
	r := Report{Verdict: Explained, Findings: []Finding{f}}
	if n < 24 {
		link := s.finding(CauseLinkFault, 1, text.New("field 62 has only %d bytes: it may have been cut on its way", n))
		link.Certainty, r.Findings[0].Certainty = Likely, Possible // no answer with keys is so short
		r.Findings = append(r.Findings, link)
	}
	return r
}

// oddsOf is the chance that all these matches are accidents.
func (s *signing) oddsOf(all []KeyResult) float64 {
	odds := float64(max(1, s.asked))
	for _, k := range all {
		if k.Match {
			odds *= kcv.ChanceOfFalseMatch(k.digits)
		}
	}
	return min(1, odds)
}
