package diagnose

// What values and codes say together: every value agrees, and the HSM refused all the same.

import (
	"slices"

	"poskey/internal/text"
	"poskey/pkg/hsm"
)

// leastAgreed is the number of digits from which an agreement of values is none by chance.
const leastAgreed = 6

// agreed is a cryptogram of which every value given agrees, that of its key-encrypting key among them.
type agreed struct {
	kek, key string // check values
	odd      bool   // both keys have odd parity, and the boundary tells it
}

// compareKEK holds the key-encrypting key against its own check value.
func (s *search) compareKEK() error {
	v := s.facts.KEKExpected
	if s.facts.Kind != Cryptogram || v.Digits == "" {
		return nil
	}
	a, err := s.ask(reading{expr: hsm.Part(1), alg: s.kek, method: methodFor(s.kek, s.facts.Method)}, v)
	if err != nil {
		return err
	}
	s.kekAgrees = a.Match
	if !a.Match {
		s.notes = append(s.notes, text.New(
			"the key-encrypting key given does not have the check value %s that it should have: diagnose that one first, as a key of its own", v.Digits))
	}
	return nil
}

// agreement is what a match of everything is worth beside a code.
func (s *search) agreement() ([]agreed, error) {
	value := s.facts.Expected.Digits
	if !s.kekAgrees || min(len(value), len(s.facts.KEKExpected.Digits)) < leastAgreed {
		return nil, nil
	}
	out := agreed{kek: s.facts.KEKExpected.Digits, key: value}
	if s.alg.IsDES() && s.kek.IsDES() {
		inner, err := s.parity(s.expr)
		if err != nil {
			return nil, err
		}
		outer, err := s.parity(hsm.Part(1))
		if err != nil {
			return nil, err
		}
		out.odd = inner == ParityOdd && outer == ParityOdd
	}
	return []agreed{out}, nil
}

// combined adds what the values and the codes of a case say together.
func (r *Report) combined() {
	code, speaks := r.codeOf(CauseZMKLengthSetting)
	if !speaks {
		return
	}
	for _, f := range r.Findings {
		if f.Cause == CauseTMKSingleDES && f.Certainty != Possible {
			r.Findings = append(r.Findings, together(text.New(
				"one side used half of the key-encrypting key, and code %s is what an HSM answers whose zone master keys are set to another length", code), code))
			break
		}
	}
	if len(r.agreed) == 0 {
		return
	}
	a := r.agreed[0]
	r.Findings = append(r.Findings, together(text.New(
		"every value agrees, %s of the key-encrypting key and %s of the key under it, and the HSM answered %s all the same: "+
			"its setting for the length of zone master keys is another, or the scheme letter is missing", a.kek, a.key, code), code,
		Seen{What: text.New("check value of the key-encrypting key"), Expected: text.Raw(a.kek), Observed: text.Raw(a.kek)},
		Seen{What: text.New("check value of the key under it"), Expected: text.Raw(a.key), Observed: text.Raw(a.key)}))
	r.rule(CauseWrongTransportKey, text.New("the key-encrypting key has its check value, and so has the key under it"))
	r.rule(CauseSchemeVariant, text.New("the key has its check value when it is opened without any variant"))
	if a.odd {
		r.rule(CauseParityRejected, text.New("both keys have odd parity in every byte"))
	}
}

// codeOf gives the first code that leads to a cause.
func (r *Report) codeOf(c Cause) (string, bool) {
	for _, x := range r.Readings {
		if slices.Contains(x.Causes, c) {
			return x.Code, true
		}
	}
	return "", false
}

// together is a finding of values and a code. A code is no proof, so it is likely.
func together(says text.Text, code string, what ...Seen) Finding {
	f := seen(CauseZMKLengthSetting, Likely, says, append(what, Seen{What: text.New("code"), Observed: text.Raw(code)})...)
	f.Weight = mostPoints
	return f
}

// rule takes out what rests on a code alone where values speak against it, and says why.
func (r *Report) rule(c Cause, reason text.Text) {
	r.Findings = slices.DeleteFunc(r.Findings, func(f Finding) bool { return f.Cause == c && f.saidOnly })
	r.RuledOut = append(r.RuledOut, Ruling{c, reason})
}
