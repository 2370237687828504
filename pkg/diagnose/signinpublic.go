package diagnose

// Sign-ins that are open to whoever hears them: the keys, or the master key, came under a published transport key, or
// the key above came along in clear. All of that is public, so it is tried here; what is opened is told in verdicts
// alone, and wiped.

import (
	"context"
	"strings"

	"poskey/internal/cipherx"
	"poskey/internal/secret"
	"poskey/internal/text"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
	"poskey/pkg/unionpay"
)

// opensWith is a sign-in whose cryptograms are opened with one known key; done wipes what is left.
func (s *signing) opensWith(name string, kek []byte) (in *SignIn, done func()) {
	var last *hsm.SpotProber
	done = func() {
		if last != nil {
			_ = last.Close()
		}
	}
	one := *s.in
	one.TMKs = []string{name}
	one.Open = func(_ context.Context, cryptogram []byte, _ int) (hsm.Prober, error) {
		done()
		last = hsm.NewSpotProber([]*secret.Bytes{secret.Copy(cryptogram), secret.Copy(kek)})
		return last, nil
	}
	return &one, done
}

// opensUnder tells whether every key of field 62 opens under a key, in some layout.
func (s *signing) opensUnder(name string, kek []byte) (attempt, float64, bool, error) {
	in, done := s.opensWith(name, kek)
	defer done()
	one := &signing{ctx: s.ctx, in: in}
	a, found, err := one.firstThatOpens()
	s.asked += one.asked
	s.chance += one.chance
	if err != nil || !found {
		return attempt{}, 1, false, err
	}
	return a, s.oddsOf(a.results), true, nil
}

// publicKEK tries the published keys on the working keys themselves.
func (s *signing) publicKEK() (Report, bool, error) {
	for _, p := range publishedKeys() {
		a, odds, found, err := s.opensUnder(p.name, []byte(p.key))
		if err != nil {
			return Report{}, false, err
		}
		if !found || odds >= likelyBelow {
			continue
		}
		f := s.finding(CauseFixedTransportKey, odds, text.New(
			"the working keys open under the published transport key %s: whoever heard this answer has them", p.name))
		f.Evidence.Layout = a.layout.ID
		return Report{Verdict: Explained, Findings: []Finding{f}, Keys: a.results}, true, nil
	}
	return Report{}, false, nil
}

// publicTMK tries the published keys on the cryptogram of the master key: its own check value decides, or that the working
// keys open under what comes out.
func (s *signing) publicTMK() (Report, bool, error) {
	if n := len(s.in.Wrapped); n == 0 || n%8 != 0 || keys.TDES128.ForLength(n) == keys.Raw {
		return Report{}, false, nil
	}
	for _, p := range publishedKeys() {
		tmk, err := decrypted(p, s.in.Wrapped)
		if err != nil {
			return Report{}, false, err
		}
		r, found, err := s.exposedTMK(p, tmk)
		tmk.Wipe()
		if err != nil || found {
			return r, found, err
		}
	}
	return Report{}, false, nil
}

// decrypted opens a cryptogram under a published key; the caller wipes it.
func decrypted(p published, cryptogram []byte) (*secret.Bytes, error) {
	b, err := keys.NewCipher(p.alg(), []byte(p.key))
	if err != nil {
		return nil, err
	}
	out := secret.New(len(cryptogram))
	cipherx.ECBDecrypt(b, out.Expose(), cryptogram)
	return out, nil
}

// checkedTMK holds a master key against the check value beside its cryptogram. Without one, nothing is known: odds of 1.
func (s *signing) checkedTMK(tmk *secret.Bytes) (odds float64, match bool, err error) {
	if s.in.WrappedCheck.Digits == "" {
		return 1, true, nil
	}
	full, err := kcv.Compute(keys.TDES128.ForLength(tmk.Len()), tmk.Expose(), kcv.ECBZero)
	if err != nil {
		return 1, false, err
	}
	defer secret.Wipe(full)
	s.asked++
	c := s.in.WrappedCheck.Compare(kcv.ECBZero, full)
	s.chance += kcv.ChanceOfFalseMatch(c.Digits)
	return min(1, float64(len(publishedKeys()))*kcv.ChanceOfFalseMatch(c.Digits)), c.Match, nil
}

func (s *signing) exposedTMK(p published, tmk *secret.Bytes) (Report, bool, error) {
	odds, match, err := s.checkedTMK(tmk)
	if err != nil || !match {
		return Report{}, false, err
	}
	a, under, opens, err := s.opensUnder(p.name, tmk.Expose())
	if err != nil {
		return Report{}, false, err
	}
	if opens {
		odds *= under
	}
	if odds >= likelyBelow {
		return Report{}, false, nil
	}
	f := s.finding(CauseFixedTransportKey, odds, text.New(
		"the terminal master key came under the published transport key %s: whoever heard its injection has it, and all keys under it", p.name))
	f.Evidence.Expected = s.in.WrappedCheck.Digits
	r := Report{Verdict: Explained, Findings: []Finding{f}}
	if opens && len(s.in.TMKs) == 0 {
		r.Keys = a.results
	}
	return r, true, nil
}

// insecure notices a download that brings the key-encrypting key along in clear.
func (s *signing) insecure() (Report, bool) {
	for _, l := range unionpay.Layouts() {
		if !l.Insecure || !l.Fits(len(s.in.Field62)) {
			continue
		}
		slot := l.Slots[0]
		if !opensInClear(slot, s.in.Field62) {
			continue
		}
		f := s.finding(CauseKEKSentWithKey, kcv.ChanceOfFalseMatch(2*slot.CheckLen), text.New(
			"field 62 brings the key and, in clear in its bytes %d to %d, the key that protects it: whoever heard it has the key",
			slot.KEKAt+1, slot.KEKAt+slot.KEKLen))
		f.Evidence.Layout, f.Evidence.Key = l.ID, string(slot.Key)
		f.Evidence.Expected = hexUpper(slot.Check(s.in.Field62))
		return Report{Verdict: Explained, Findings: []Finding{f}}, true
	}
	return Report{}, false
}

// opensInClear opens a key with the key that stands beside it. All of it came over the line in clear: it is no secret any
// more, and nothing of it is told here but the verdict.
func opensInClear(slot unionpay.Slot, field []byte) bool {
	kek, cryptogram := slot.KEK(field), slot.Cryptogram(field)
	b, err := keys.NewCipher(slot.Alg, kek)
	if err != nil {
		return false // these bytes are no key
	}
	key := make([]byte, len(cryptogram))
	cipherx.ECBDecrypt(b, key, cryptogram)
	v, err := kcv.Of(slot.Alg, key, kcv.ECBZero, 2*slot.CheckLen)
	clear(key)
	return err == nil && strings.EqualFold(v.Digits, hexUpper(slot.Check(field)))
}
