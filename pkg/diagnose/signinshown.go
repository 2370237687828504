package diagnose

// Working keys that are right in field 62: what the terminal made of them, and what programs show that make a mistake with them.

import (
	"context"
	"slices"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/unionpay"
)

// Variant is a wrong check value of a right key: what a program shows that makes this mistake.
type Variant struct {
	Key   unionpay.KeyName
	Cause Cause
	Value string
	Says  text.Text
}

// shown explains the check values that the terminal shows: of keys that are right in field 62, what did it do with them?
func (s *signing) shown(a attempt) (Report, error) {
	var all Report
	for i, k := range a.results {
		got, known := s.in.Shown[k.Key]
		if !known || got.Digits == "" {
			continue
		}
		if f, exchanged := s.exchanged(a.results, k, got); exchanged {
			all.Verdict, all.Findings = Explained, append(all.Findings, f)
			continue
		}
		if done, err := s.ofTheirTMK(a, i, got); err != nil || done {
			if err != nil {
				return Report{}, err
			}
			continue
		}
		r, err := s.explainKey(a.layout.Slots[i], a.tmk, got)
		if err != nil {
			return Report{}, err
		}
		if r.Verdict == Unexplained {
			s.leave(k.Key)
		}
		all.add(r)
		if r.Verdict == Explained {
			all.Verdict = Explained
		}
	}
	return all, nil
}

// ofTheirTMK reports whether the terminal shows what its own, wrong, master key makes of a key.
func (s *signing) ofTheirTMK(a attempt, i int, got kcv.Expected) (bool, error) {
	if a.tmk == 0 {
		return false, nil
	}
	slot := a.layout.Slots[i]
	answer, err := s.askValue(slot.Cryptogram(s.in.Field62), 0, slot.Alg, got)
	return answer.Match, err
}

// exchanged notices that the terminal shows for one key the check value of another one.
func (s *signing) exchanged(all []KeyResult, k KeyResult, got kcv.Expected) (Finding, bool) {
	own := kcv.Expected{Digits: k.Check}
	for _, other := range all {
		if other.Key == k.Key || agree(own, got) || !agree(kcv.Expected{Digits: other.Check}, got) {
			continue
		}
		odds := float64(len(all)) * kcv.ChanceOfFalseMatch(min(len(got.Digits), len(other.Check)))
		f := s.finding(CauseWrongSlot, odds, text.New(
			"the terminal shows for %s the check value of %s: one key stands in the place of the other, or the value was read from the wrong line",
			string(k.Key), string(other.Key)))
		f.Certainty = Likely // which of the two it is, no value tells
		f.Evidence.Key, f.Evidence.Got, f.Evidence.Expected = string(k.Key), got.Digits, k.Check
		return f, true
	}
	return Finding{}, false
}

// explainKey searches one key of field 62 by itself.
func (s *signing) explainKey(slot unionpay.Slot, tmk int, got kcv.Expected) (Report, error) {
	cryptogram := slot.Cryptogram(s.in.Field62)
	p, err := s.in.Open(s.ctx, cryptogram, tmk)
	if err != nil {
		return Report{}, err
	}
	check, err := kcv.Parse(hexUpper(slot.Check(s.in.Field62)))
	if err != nil {
		return Report{}, err
	}
	n, err := p.Len(hsm.Part(1))
	if err != nil {
		return Report{}, err
	}
	f := Facts{Algorithm: slot.Alg, Expected: check, Got: got, Method: kcv.ECBZero, Kind: Cryptogram, Prober: p,
		KEKAlgorithm: kekFor(slot.Alg, n)}
	r, err := KCV(s.ctx, f)
	if err != nil {
		return Report{}, err
	}
	for i := range r.Findings {
		r.Findings[i].Evidence.Key = string(slot.Key)
	}
	s.asked += r.Searched.Candidates
	s.chance += r.Searched.ExpectedChanceMatches
	r.Searched = Searched{}
	return r, nil
}

// withVariants adds the check values that programs show which make a mistake with these keys. They are computed for keys
// given on the spot only.
func (s *signing) withVariants(r Report, a attempt) (Report, error) {
	for _, slot := range a.layout.Slots {
		p, err := s.in.Open(s.ctx, slot.Cryptogram(s.in.Field62), a.tmk)
		if err != nil {
			return Report{}, err
		}
		if _, tells := p.(hsm.DigitTeller); !tells {
			continue
		}
		found, err := wrongValues(s.ctx, p, slot)
		if err != nil {
			return Report{}, err
		}
		r.Variants = append(r.Variants, found...)
	}
	return r, nil
}

// wrongValues computes what every single mistake would show.
func wrongValues(ctx context.Context, p hsm.Prober, slot unionpay.Slot) ([]Variant, error) {
	n, err := p.Len(hsm.Part(1))
	if err != nil {
		return nil, err
	}
	f := Facts{Algorithm: slot.Alg, Method: kcv.ECBZero, Kind: Cryptogram, Prober: p, KEKAlgorithm: kekFor(slot.Alg, n)}
	s, err := newSearch(ctx, f)
	if err != nil {
		return nil, err
	}
	defer s.close()
	readings, err := s.unwrapping()
	if err != nil {
		return nil, err
	}
	readings = slices.Concat(readings, s.shapes(), s.otherMethods(), s.otherData())
	eight := kcv.Expected{Digits: "00000000"} // nothing is expected; of the values so many digits are told
	right, err := p.Probe(ctx, hsm.Question{Expr: s.expr, Algorithm: s.alg, Method: kcv.ECBZero, Expected: eight})
	if err != nil {
		return nil, err
	}
	var out []Variant
	told := map[string]bool{right.Value.Digits: true}
	for _, r := range readings {
		a, err := p.Probe(ctx, hsm.Question{Expr: r.expr, Algorithm: r.alg, Method: r.method, Data: r.data,
			Expected: eight})
		if fault.Is(err, fault.Interrupted) {
			return nil, err
		}
		if err != nil || told[a.Value.Digits] {
			continue // a form that this key cannot have
		}
		told[a.Value.Digits] = true
		out = append(out, Variant{Key: slot.Key, Cause: r.cause, Value: a.Value.Digits, Says: r.says(a.Value.Digits)})
	}
	return out, nil
}

// accounted reports whether what the terminal shows of a key, if anything, is the check value of one of these keys.
func (s *signing) accounted(all []KeyResult, name unionpay.KeyName) bool {
	got := s.in.Shown[name]
	return got.Digits == "" || slices.ContainsFunc(all, func(k KeyResult) bool {
		return k.Match && (k.Key == name || k.Key == "") && agree(kcv.Expected{Digits: k.Check}, got)
	})
}

// shownUnder holds what the terminal shows of a key against what some of the master keys make of it.
func (s *signing) shownUnder(slot unionpay.Slot, tmks ...int) error {
	got := s.in.Shown[slot.Key]
	for _, tmk := range tmks {
		if got.Digits == "" {
			return nil
		}
		a, err := s.askValue(slot.Cryptogram(s.in.Field62), tmk, slot.Alg, got)
		if err != nil || a.Match {
			return err
		}
	}
	s.leave(slot.Key)
	return nil
}

// whole holds what the terminal shows against the keys that a look at the field as a whole found.
func (s *signing) whole(look func() (Report, bool, error)) func() (Report, bool, error) {
	return func() (Report, bool, error) {
		r, found, err := look()
		if err != nil || !found {
			return r, found, err
		}
		for _, name := range unionpay.KeyNames() {
			if !s.accounted(r.Keys, name) {
				s.leave(name)
			}
		}
		return r, true, nil
	}
}

// leave notes that what the terminal shows of a key, if anything, is accounted for by nothing that is certain.
func (s *signing) leave(name unionpay.KeyName) {
	got := s.in.Shown[name]
	if got.Digits != "" && !slices.Contains(s.leftOf, name) {
		s.leftOf = append(s.leftOf, name)
		s.left = append(s.left, text.New(
			"the value %s that the terminal shows of %s is accounted for by nothing that is certain", got.Shown(), string(name)))
	}
}

// admitLeft takes back what is called proven while a value given is left over, and says which one.
func (s *signing) admitLeft(r *Report) {
	for _, name := range unionpay.KeyNames() {
		known := slices.ContainsFunc(r.Keys, func(k KeyResult) bool { return k.Key == name || k.Key == "" })
		if !known && len(r.Keys) > 0 {
			s.leave(name) // field 62 has no such key
		}
	}
	if len(s.left) == 0 {
		return
	}
	r.failed = true
	for i := range r.Findings {
		if r.Findings[i].Certainty == Proven {
			r.Findings[i].Certainty = Likely
		}
	}
	r.Notes = append(r.Notes, s.left...)
}
