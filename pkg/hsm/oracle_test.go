package hsm

// Attacks on the strict prober that went through once: each asks about a key of the store what is true of some of its
// digits, and holds the answers against the key. The check value of a key is known to everybody.

import (
	"context"
	"math/big"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// victim is a key of a store and a prober about it, with a second piece that the asker brought.
type victim struct {
	*StrictProber
	t     *testing.T
	alg   keys.Algorithm
	clear []byte
	check kcv.Expected
}

func newVictim(t *testing.T, alg keys.Algorithm, brought []byte) *victim {
	t.Helper()
	clear := make([]byte, alg.KeyLen())
	for i := range clear {
		clear[i] = byte(0x35 + 0x5D*i + i*i*7)
	}
	value, err := kcv.Of(alg, clear, kcv.Default(alg), 6)
	if err != nil {
		t.Fatal(err)
	}
	material := []*secret.Bytes{secret.Copy(clear), secret.Copy(brought)}
	about := []Attributes{{Algorithm: alg, Label: "ZMK#1"}, {Algorithm: keys.Raw}}
	p, err := NewStrictProber(material, about, Options{ProbeRecord: func(context.Context, Probe) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return &victim{p, t, alg, clear, kcv.Expected{Digits: value.Digits}}
}

// is asks whether an expression has the check value of the key; over tells that it is not answered.
func (v *victim) is(e Expr) (same, over bool) {
	v.t.Helper()
	a, err := v.Probe(v.t.Context(), Question{Expr: e, Algorithm: v.alg, Method: kcv.Default(v.alg), Expected: v.check})
	if err != nil && !fault.Is(err, fault.NotPermitted) {
		v.t.Fatal(err)
	}
	return a.Match, err != nil
}

// constant is bytes that the asker chose.
func constant(b []byte) Expr {
	x := XOR{Zeros(len(b))}
	for i := range 2 * len(b) {
		if d := digitAt(b, i); d != 0 {
			x = append(x, Edit{Zeros(len(b)), i, d})
		}
	}
	return x
}

// with puts another byte, or bytes, in a place of the key.
func with(n, at int, middle Expr, width int) Expr {
	j := Join{}
	if at > 0 {
		j = append(j, Slice{Part(0), 0, at})
	}
	j = append(j, middle)
	if at+width < n {
		j = append(j, Slice{Part(0), at + width, n})
	}
	return j
}

func TestNoCarryIsTold(t *testing.T) {
	v := newVictim(t, keys.AES256, make([]byte, 32))
	n := v.alg.KeyLen()
	c := new(big.Int)
	for i := 8*(n-1) - 1; i >= 0; i-- {
		c.SetBit(c, i, 1)
		sum := Sum{Part(0), constant(c.FillBytes(make([]byte, n)))}
		same, over := v.is(Join{Slice{sum, 0, 1}, Slice{Part(0), 1, n}})
		if over {
			return
		}
		if !same {
			c.SetBit(c, i, 0)
		}
	}
	low := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), uint(8*(n-1))), big.NewInt(1))
	low.Sub(low, c)
	if string(low.FillBytes(make([]byte, n))[1:]) == string(v.clear[1:]) {
		t.Error("all of the key but its first byte was found by its carries")
	}
}

func TestNoDifferenceOfBytesIsTold(t *testing.T) {
	v := newVictim(t, keys.AES128, make([]byte, 16))
	n, found := v.alg.KeyLen(), 0
	for i := range n - 1 {
		swapped := with(n, i, Join{Slice{Part(0), i + 1, i + 2}, Slice{Part(0), i, i + 1}}, 2)
		for d := range 256 {
			c := make([]byte, n)
			c[i], c[i+1] = byte(d), byte(d)
			same, over := v.is(XOR{swapped, constant(c)})
			if over {
				return
			}
			if same && byte(d) == v.clear[i]^v.clear[i+1] {
				found++
			}
		}
	}
	if found > 0 {
		t.Errorf("%d differences of neighbours were told", found)
	}
}

func TestNoByteIsTakenOutThroughACipher(t *testing.T) {
	v := newVictim(t, keys.AES128, make([]byte, 16))
	crypt := func(e Expr, encrypt bool) Expr { return Crypt{e, Zeros(16), keys.AES128, ECB, encrypt} }
	back := crypt(crypt(Join{Zeros(8), Slice{Part(0), 0, 8}}, true), false)
	for guess := range 256 {
		one := make([]byte, 16)
		one[7] = byte(guess)
		value, err := kcv.Of(keys.AES128, one, kcv.CMAC, 6)
		if err != nil {
			t.Fatal(err)
		}
		v.check = kcv.Expected{Digits: value.Digits}
		if same, _ := v.is(Join{Slice{back, 1, 9}, Zeros(8)}); same {
			t.Errorf("the first byte of the key, %02X, was told", guess)
		}
	}
}

func TestNoParityBitIsTold(t *testing.T) {
	v := newVictim(t, keys.AES128, make([]byte, 16))
	n, told := v.alg.KeyLen(), 0
	for i := range n {
		if _, over := v.is(with(n, i, Slice{FixParity{Part(0)}, i, i + 1}, 1)); !over {
			told++
		}
	}
	if told > 0 {
		t.Errorf("the parity of %d bytes was told", told)
	}
}

// TestNoSlipTellsDigits: a slip that exchanges two digits changes both by their difference. Beside a difference that the
// asker chose, the key has its own check value again when the two agree.
func TestNoSlipTellsDigits(t *testing.T) {
	for delta := byte(1); delta < 16; delta++ {
		brought := make([]byte, 16)
		brought[0], brought[3] = delta<<4, delta<<4
		v := newVictim(t, keys.AES128, brought)
		a, err := v.Search(t.Context(), SearchQuestion{Algorithm: v.alg, Method: kcv.CMAC, Expected: v.check,
			Pieces: []SearchPiece{{Typed: Part(0), Others: Part(1)}}})
		if err == nil && (len(a.Matches) > 0) == (delta == v.clear[0]>>4^v.clear[3]>>4) {
			t.Errorf("whether digits 1 and 7 differ by %X was told", delta)
		}
		if err != nil && !fault.Is(err, fault.NotPermitted) {
			t.Fatal(err)
		}
	}
}

// TestASearchHasNoMorePiecesThanThereAre: one of a thousand would cost its asker as much as one of one.
func TestASearchHasNoMorePiecesThanThereAre(t *testing.T) {
	v := newVictim(t, keys.AES128, make([]byte, 16))
	q := SearchQuestion{Algorithm: v.alg, Method: kcv.CMAC, Expected: v.check}
	for range 3 {
		q.Pieces = append(q.Pieces, SearchPiece{Typed: Part(0)})
	}
	if _, err := v.Search(t.Context(), q); !fault.Is(err, fault.TooLarge) {
		t.Errorf("three searches of two pieces: %v", err)
	}
}
