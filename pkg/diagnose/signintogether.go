package diagnose

// Master keys that were given one by one and are the components of one: the sheets stand where the whole should.

import (
	"context"
	"math/bits"

	"poskey/internal/text"
	"poskey/pkg/hsm"
)

// mostTogether is the number of master keys up to which every choice of two and more is put together.
const mostTogether = 6

// together opens field 62 under the XOR of master keys that were given on the spot.
func (s *signing) together() (Report, bool, error) {
	n := len(s.in.TMKs)
	if n < 2 || n > mostTogether || s.in.OpenAll == nil || !s.tells {
		return Report{}, false, nil
	}
	for choice := uint(1)<<n - 1; choice > 0; choice-- { // all of them first
		if bits.OnesCount(choice) < 2 {
			continue
		}
		r, found, err := s.underChoice(choice)
		if err != nil || found {
			return r, found, err
		}
	}
	return Report{}, false, nil
}

// underChoice opens field 62 under the XOR of the master keys whose bits are set.
func (s *signing) underChoice(choice uint) (Report, bool, error) {
	var sum hsm.XOR
	var names []text.Text
	for i, name := range s.in.TMKs {
		if choice&(1<<i) != 0 {
			sum, names = append(sum, hsm.Part(i+1)), append(names, text.Raw(name))
		}
	}
	in := *s.in
	in.TMKs = []string{"XOR"}
	in.Open = func(ctx context.Context, cryptogram []byte, _ int) (hsm.Prober, error) {
		return s.in.OpenAll(ctx, cryptogram)
	}
	one := &signing{ctx: s.ctx, in: &in, kek: sum}
	if fits, err := one.oneLength(sum); err != nil || !fits {
		return Report{}, false, err
	}
	a, found, err := one.firstThatOpens()
	s.asked += one.asked
	s.chance += one.chance
	if err != nil || !found {
		return Report{}, false, err
	}
	f := s.finding(CauseComponentAsKey, s.oddsOf(a.results), text.New(
		"every key opens under the XOR of %s, and under none of them alone: each is a component of the terminal master key",
		joined(names)))
	f.Evidence.Layout = a.layout.ID
	return Report{Verdict: Explained, Findings: []Finding{f}, Keys: a.results}, true, nil
}

// oneLength reports whether the master keys are of one length: others are no components of one key.
func (s *signing) oneLength(sum hsm.XOR) (bool, error) {
	p, err := s.in.Open(s.ctx, s.in.Field62[:min(8, len(s.in.Field62))], 0)
	if err != nil {
		return false, err
	}
	if _, tells := p.(hsm.DigitTeller); !tells {
		return false, nil // keys of a store are not put together
	}
	_, uneven := p.Len(sum)
	return uneven == nil, nil
}
