//go:build cgo && !windows

package pkcs11

// Combining components inside the token.

import (
	"context"
	"math/bits"

	p11 "github.com/miekg/pkcs11"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/text"
	"poskey/pkg/component"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// Form combines components: see hsm.Boundary. XOR components are combined inside where the token can; their sum, which is
// the key, then never is in this process. A refusal is looked at again in process memory, if the user allows that, since
// there it can be said which of the parts would fit.
func (b *boundary) Form(ctx context.Context, f hsm.Forming) (out hsm.Key, err error) {
	defer component.WipeAll(f.Parts)
	err = b.with(ctx, func(s *session) error {
		if b.combines(s, f) {
			out, err = b.form(ctx, s, f)
			if err == nil || !b.allow {
				return err
			}
		}
		return b.outside(ctx, s, JobCombine, nil, func(x *annex) error {
			inner, err := x.Form(ctx, f)
			if err != nil {
				return err
			}
			out, err = b.adopt(s, x, inner)
			return err
		})
	})
	return out, err
}

// combines tells whether the token combines these parts and computes the check value of their key.
func (b *boundary) combines(s *session, f hsm.Forming) bool {
	for _, p := range f.Parts {
		if p.Scheme != component.XOR || p.Value.Len()%8 != 0 {
			return false
		}
	}
	if len(f.Parts) == 0 || !s.can(xorStep()) {
		return false
	}
	alg := f.Parts[0].Algorithm
	k, ok := kindOf(alg)
	basic := kcv.ECBZero
	if ok && k.ecb == 0 {
		basic = kcv.HMACEmpty
	}
	return ok && s.can(valueStep(alg, basic))
}

func (b *boundary) form(ctx context.Context, s *session, f hsm.Forming) (hsm.Key, error) {
	if err := f.CheckParts(); err != nil {
		return hsm.Key{}, err
	}
	lifted := f.Policy.AllowWeak || f.Policy.Inspect
	admitted, err := component.Admit(f.Attributes.Algorithm, f.Parts, component.Options{AllowWeak: lifted})
	if err != nil {
		return hsm.Key{}, err
	}
	if err := hsm.CheckTaken(admitted.Algorithm); err != nil {
		return hsm.Key{}, err
	}
	values := make([]*secret.Bytes, len(f.Parts))
	for i, p := range f.Parts {
		values[i] = p.Value
	}
	weak, err := s.weaknesses(admitted.Algorithm, values)
	if err != nil {
		return hsm.Key{}, failed(err, text.New("look for weaknesses"))
	}
	if len(weak) > 0 && !lifted {
		return hsm.Key{}, fault.New(fault.WeakKey, "weak key (%s): %s", string(weak[0]), weak[0].Text())
	}
	o, err := s.xored(values, template{keyType: p11.CKK_GENERIC_SECRET, wrapped: true})
	if err != nil {
		return hsm.Key{}, failed(err, text.New("combine components"))
	}
	defer s.destroy(o)
	a := f.Attributes.Defaults()
	a.Algorithm = admitted.Algorithm
	k, err := b.finish(ctx, s, o, hsm.Key{Attributes: a, Len: values[0].Len(), Weak: weak,
		Parity: parityOf(a.Algorithm, values)})
	if err != nil {
		return hsm.Key{}, err
	}
	if err := b.checkFormed(s, k, f, admitted); err != nil {
		return hsm.Key{}, err
	}
	return k, nil
}

// checkFormed holds the key against the check values of the sheets and of the one who asked.
func (b *boundary) checkFormed(s *session, k hsm.Key, f hsm.Forming, admitted component.Admitted) error {
	if want := admitted.KeyCheck; want != (kcv.Value{}) {
		full, inside, err := b.valueInside(s, k, want.Method)
		if err != nil {
			return err
		}
		if !inside {
			return JobValue.refused()
		}
		if got := upper(full); len(got) < len(want.Digits) || got[:len(want.Digits)] != want.Digits {
			return fault.New(fault.KCVMismatch,
				"the combined key has check value %s, the sheets of set %s say %s", k.Check, admitted.Set, want)
		}
	}
	if f.Expected == nil {
		return nil
	}
	m := kcv.Default(k.Algorithm)
	full, _, err := b.valueInside(s, k, m)
	if err != nil {
		return err
	}
	c, err := hsm.CompareStrict(k, *f.Expected, m, full)
	if err != nil {
		return err
	}
	if !c.Match {
		return fault.New(fault.KCVMismatch,
			"the parts combine to a key with check value %s, expected %s", c.Got(), c.Wanted())
	}
	return nil
}

// parityOf tells the parity of the key from that of its parts: of each byte it is theirs added up.
func parityOf(alg keys.Algorithm, parts []*secret.Bytes) keys.Parity {
	if !alg.IsDES() {
		return keys.ParityNone
	}
	n := parts[0].Len()
	flags := make([]byte, n)
	for _, p := range parts {
		for i, v := range p.Expose() {
			flags[i] ^= byte(bits.OnesCount8(v) & 1)
		}
	}
	return keys.ParityOf(flags) // a byte of 1 has odd parity, one of 0 even
}
