package hsm

import (
	"context"
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"poskey/internal/secret"
	"poskey/internal/testvec"
	"poskey/pkg/dukpt"
	"poskey/pkg/keys"
)

// benchBase is a BDK in a boundary whose randomness comes as in the program, and KSNs of many devices.
func benchBase(b *testing.B, alg keys.Algorithm, bdk, pattern string) (*soft, Key, []dukpt.KSN) {
	b.Helper()
	s, err := NewSoft(keys.Env{Rand: rand.Reader, Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	base, err := s.Import(context.Background(), secret.Take(testvec.Hex(b, bdk)), Attributes{Algorithm: alg, Usage: keys.UsageBDK}, Policy{AllowWeak: true})
	if err != nil {
		b.Fatal(err)
	}
	ksns := make([]dukpt.KSN, 1000)
	for i := range ksns {
		if ksns[i], err = dukpt.ParseKSN(fmt.Sprintf(pattern, 2*i)); err != nil {
			b.Fatal(err)
		}
	}
	return s.(*soft), base, ksns
}

// BenchmarkDeriveIK is a line of `dukpt ik --batch` without its text: the initial key, its check value, and the block
// under the master key.
func BenchmarkDeriveIK(b *testing.B) {
	for _, c := range []struct {
		name, bdk, pattern string
		alg                keys.Algorithm
	}{
		{"tdes", "0123456789ABCDEFFEDCBA9876543210", "FFFF987654%05X00000", keys.TDES128},
		{"aes-128", "FEDCBA9876543210F1F1F1F1F1F1F1F1", "12345678%08X00000000", keys.AES128},
	} {
		b.Run(c.name, func(b *testing.B) {
			s, base, ksns := benchBase(b, c.alg, c.bdk, c.pattern)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				d := Derivation{From: FromBDK, KSN: ksns[i%len(ksns)], Want: WantIK}
				if _, err := s.Derive(b.Context(), base, d, Policy{Inspect: true}); err != nil {
					b.Fatal(err)
				}
				i++
			}
		})
	}
}
