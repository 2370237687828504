//go:build cgo && linux

package pkcs11

import (
	"context"
	"testing"

	p11 "github.com/miekg/pkcs11"

	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// BenchmarkCheckValue holds check values through the driver against a bare loop over a key that is in the token: the goal
// is at least half of its speed.
func BenchmarkCheckValue(b *testing.B) {
	_, u := softhsm(b)
	o := options(NewModules())
	o.Allow = false
	bound := boundaryIn(b, u, o).(*boundary)
	ctx := context.Background()
	for _, bm := range []struct {
		alg keys.Algorithm
		m   kcv.Method
	}{{keys.AES256, kcv.CMAC}, {keys.TDES128, kcv.ECBZero}} {
		k, err := bound.Generate(ctx, hsm.Attributes{Algorithm: bm.alg}, hsm.Policy{})
		if err != nil {
			b.Fatal(err)
		}
		b.Run("impl=poskey/"+string(bm.alg), func(b *testing.B) {
			for b.Loop() {
				if v, err := bound.CheckValue(ctx, k, bm.m, 0); err != nil || v != k.Check {
					b.Fatal(v, err)
				}
			}
		})
		b.Run("impl=bare/"+string(bm.alg), func(b *testing.B) { bareLoop(b, bound, bm.alg, bm.m) })
	}
}

func bareLoop(b *testing.B, bound *boundary, alg keys.Algorithm, m kcv.Method) {
	err := bound.with(context.Background(), func(s *session) error {
		k, _ := kindOf(alg)
		o, err := s.generated(alg, k, template{uses: k.usesOf()})
		if err != nil {
			return err
		}
		defer s.destroy(o)
		zeros := make([]byte, k.block)
		for b.Loop() {
			if m == kcv.CMAC {
				if err := s.m.SignInit(s.h, []*p11.Mechanism{p11.NewMechanism(k.sign, nil)}, o); err != nil {
					return err
				}
				_, err = s.m.Sign(s.h, zeros)
			} else {
				if err := s.m.EncryptInit(s.h, []*p11.Mechanism{p11.NewMechanism(k.ecb, nil)}, o); err != nil {
					return err
				}
				_, err = s.m.Encrypt(s.h, zeros)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}
