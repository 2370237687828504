package hsmtest

// Claims about boundaries over the keys of a store or a token: check values by rule, and verdicts.

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/testvec"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
	"poskey/pkg/slip"
)

// told is how many digits of a method are told (PCI PIN 15-1, and the default of the others); 0 for none.
func told(alg keys.Algorithm, m kcv.Method) int {
	switch {
	case m == kcv.CMAC && alg.IsBlockCipher(), m == kcv.HMACEmpty && alg.IsHMAC():
		return 10
	case m == kcv.ECBZero && alg == keys.SM4:
		return 8
	case m == kcv.ECBZero && alg.IsDES():
		return 6
	}
	return 0
}

func toldByRule(t *testing.T, b hsm.Boundary) {
	for _, alg := range takes(b) {
		clear := sound(t, alg, "values")
		k := take(t, b, alg, clear)
		for _, m := range append(methods(alg), "") {
			method := m
			if m == "" {
				method = kcv.Default(alg)
			}
			full, err := kcv.Compute(alg, clear, method)
			if err != nil {
				t.Fatal(err)
			}
			for _, digits := range []int{0, 2, 5, 6, 7, 8, 9, 10, 11, 12, 16, 2 * len(full)} {
				what := fmt.Sprintf("%s by %q, %d digits", alg, m, digits)
				got, err := b.CheckValue(t.Context(), k, m, digits)
				if most := told(alg, method); most == 0 || digits > most {
					refused(t, what, got, err, fault.NotPermitted, fault.Usage)
					continue
				}
				if want := valueOf(t, alg, clear, m, digits); err != nil || got != want {
					t.Errorf("%s: %s, error %v; want %s", what, got, err, want)
				}
			}
			for _, digits := range []int{-6, 1} {
				got, err := b.CheckValue(t.Context(), k, m, digits)
				refused(t, fmt.Sprintf("%s by %q, %d digits", alg, m, digits), got, err, fault.Usage, fault.NotPermitted)
			}
		}
	}
}

// verdicts: a longer value than a check value would tell the rest of a cipher block, digit by digit; a shorter one the
// first digits. Neither is compared in part, which would say of a wrong value that it is right.
func verdicts(t *testing.T, b hsm.Boundary) {
	for _, alg := range takes(b) {
		clear := sound(t, alg, "compare")
		k := take(t, b, alg, clear)
		for _, m := range methods(alg) {
			full, err := kcv.Compute(alg, clear, m)
			if err != nil {
				t.Fatal(err)
			}
			whole := testvec.Upper(full)
			for n := range 4 {
				c, err := b.Compare(t.Context(), k, kcv.Expected{Digits: whole[:n]}, m)
				refused(t, fmt.Sprintf("%s by %s: %d digits", alg, m, n), c, err)
				found, err := b.Identify(t.Context(), k, kcv.Expected{Digits: whole[:n]}, alg)
				refused(t, fmt.Sprintf("%s identified by %d digits", alg, n), found, err)
			}
			for n := 4; n <= len(whole); n++ {
				verdict(t, b, k, m, whole, n)
			}
			found, err := b.Identify(t.Context(), k, kcv.Expected{Digits: (whole + "00")[:9]}, alg)
			refused(t, string(alg)+" identified by more digits than are compared", found, err, fault.MalformedLength)
			longer, err := b.Compare(t.Context(), k, kcv.Expected{Digits: whole + "00"}, m)
			refused(t, string(alg)+" by "+string(m)+": more digits than there are", longer, err, fault.MalformedLength)
		}
		c, err := b.Compare(t.Context(), k, expect(t, k.Check.Digits), "")
		if err != nil || !c.Match {
			t.Errorf("%s by its default method: %+v, error %v; want a match with %s", alg, c, err, k.Check)
		}
	}
}

func verdict(t *testing.T, b hsm.Boundary, k hsm.Key, m kcv.Method, whole string, n int) {
	t.Helper()
	what := fmt.Sprintf("%s by %s with %d digits", k.Algorithm, m, n)
	got, err := b.Compare(t.Context(), k, kcv.Expected{Digits: whole[:n]}, m)
	if n > 10 || n > 8 && told(k.Algorithm, m) != 10 && fault.Is(err, fault.MalformedLength) {
		refused(t, what, got, err, fault.MalformedLength)
		return
	}
	if err != nil || !got.Match || got.Digits != n {
		t.Errorf("%s: %+v, %v; want a match on all of them", what, got, err)
	}
	if wrong, err := b.Compare(t.Context(), k, kcv.Expected{Digits: damage(whole[:n], 3)}, m); err != nil || wrong.Match {
		t.Errorf("%s, a wrong one: %+v, %v", what, wrong, err)
	} else if shown := wrong.Computed.Digits; len(shown) > told(k.Algorithm, m) || !strings.HasPrefix(whole, shown) {
		t.Errorf("%s, a wrong one: %s is told", what, shown)
	}
}

// strictly opens a prober about fresh keys, nil where there are none.
func strictly(t *testing.T, b hsm.Boundary, material ...hsm.Key) hsm.ProbeCloser {
	t.Helper()
	if !hasProbers(t, b) {
		return nil
	}
	p, err := b.Prober(t.Context(), material)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func strictProbes(t *testing.T, b hsm.Boundary) {
	const alg = keys.TDES128
	clear := sound(t, alg, "one")
	k := take(t, b, alg, clear)
	p := strictly(t, b, k)
	if p == nil {
		return
	}
	whole := testvec.Upper(mustCompute(t, alg, clear, kcv.ECBZero))
	q := hsm.Question{Expr: hsm.Part(0), Algorithm: alg, Method: kcv.ECBZero}
	for n := 4; n <= len(whole); n++ {
		for digits, match := range map[string]bool{whole[:n]: true, damage(whole[:n], 3): false} {
			q.Expected = kcv.Expected{Digits: digits}
			a, err := p.Probe(t.Context(), q)
			if err != nil || a != (hsm.Answer{Match: match, Digits: min(n, 8)}) {
				t.Errorf("%d digits: %+v, %v; want the verdict %v and nothing else", n, a, err, match)
			}
		}
	}
	for n := range 4 {
		q.Expected = kcv.Expected{Digits: whole[:n]}
		a, err := p.Probe(t.Context(), q)
		refused(t, fmt.Sprintf("%d digits", n), a, err, fault.NotPermitted, fault.MalformedLength)
	}
	q.Expected, q.Data = kcv.Expected{Digits: whole[:6]}, make([]byte, 8)
	a, err := p.Probe(t.Context(), q)
	refused(t, "a block of one's own", a, err, fault.NotPermitted)
	if _, tells := p.(hsm.DigitTeller); tells {
		t.Error("it tells digits")
	}
	twice, err := b.Prober(t.Context(), []hsm.Key{k, k})
	refused(t, "the same key twice", twice, err, fault.NotPermitted)
}

func mustCompute(t *testing.T, alg keys.Algorithm, clear []byte, m kcv.Method) []byte {
	t.Helper()
	full, err := kcv.Compute(alg, clear, m)
	if err != nil {
		t.Fatal(err)
	}
	return full
}

// strictPieces: halves are answered about, at six digits; what isolates less, or would be the key again when something is
// true of it, is not.
func strictPieces(t *testing.T, b hsm.Boundary) {
	const alg = keys.TDES128
	one, two := sound(t, alg, "one"), sound(t, alg, "two")
	p := strictly(t, b, take(t, b, alg, one), take(t, b, alg, two))
	if p == nil {
		return
	}
	half := hsm.Slice{Of: hsm.Part(0), To: 8}
	want := valueOf(t, keys.DES, one[:8], kcv.ECBZero, 6).Digits
	q := hsm.Question{Expr: half, Algorithm: keys.DES, Method: kcv.ECBZero, Expected: expect(t, want)}
	if a, err := p.Probe(t.Context(), q); err != nil || !a.Match || a.Value != (kcv.Value{}) {
		t.Errorf("a half: %+v, %v", a, err)
	}
	q.Expected = expect(t, want[:5])
	a, err := p.Probe(t.Context(), q)
	refused(t, "a half by five digits", a, err, fault.MalformedLength)

	first := hsm.Slice{Of: hsm.Part(0), To: 1}
	known := hsm.Part(1) // its owner may be who asks
	for what, e := range map[string]hsm.Expr{
		"a byte and zeros":               hsm.Join{first, hsm.Zeros(15)},
		"a byte and known bytes":         hsm.Join{first, hsm.Slice{Of: known, To: 15}},
		"seven bytes":                    hsm.Join{hsm.Slice{Of: hsm.Part(0), To: 7}, hsm.Zeros(9)},
		"a byte sixteen times":           hsm.Join{first, first, first, first, first, first, first, first, first, first, first, first, first, first, first, first},
		"its parity bits":                hsm.XOR{hsm.Part(0), hsm.FixParity{Of: hsm.Part(0)}},
		"its carries":                    hsm.XOR{hsm.Part(0), known, hsm.Sum{hsm.Part(0), known}},
		"a half beside a known one":      hsm.Join{half, hsm.Slice{Of: known, From: 8, To: 16}},
		"a sum":                          hsm.Sum{hsm.Part(0), known},
		"bytes that changed places":      hsm.Join{hsm.Slice{Of: hsm.Part(0), From: 1, To: 2}, first, hsm.Slice{Of: hsm.Part(0), From: 2, To: 16}},
		"one parity bit":                 hsm.Join{hsm.Slice{Of: hsm.FixParity{Of: hsm.Part(0)}, To: 1}, hsm.Slice{Of: hsm.Part(0), From: 1, To: 16}},
		"a byte through a cipher":        hsm.Slice{Of: hsm.Crypt{Of: hsm.Part(0), Key: known, Algorithm: alg, Mode: hsm.ECB}, From: 1, To: 9},
		"the difference of its halves":   hsm.Join{hsm.XOR{half, hsm.Slice{Of: hsm.Part(0), From: 8, To: 16}}, hsm.Zeros(8)},
		"a slip that leaves out a row":   hsm.Corrected{Of: hsm.Part(0), Slip: missing(24), Size: 16},
		"a slip in the first two digits": hsm.Corrected{Of: hsm.Part(0), Digits: 2, Size: 1, Slip: missing(1)},
	} {
		n, err := p.Len(e)
		if err != nil {
			t.Fatal(err)
		}
		q := hsm.Question{Expr: e, Algorithm: keys.AES128.ForLength(n), Method: kcv.SHA256, Expected: expect(t, "123456")}
		a, err := p.Probe(t.Context(), q)
		refused(t, what, a, err, fault.NotPermitted)
	}
}

func missing(digits int) slip.Slip {
	return slip.Slip{Kind: slip.Missing, Digits: []slip.Digit{{}}, Length: digits}
}

func strictLimit(t *testing.T, b hsm.Boundary) {
	p := strictly(t, b, take(t, b, keys.AES128, sound(t, keys.AES128, "x")))
	if p == nil {
		return
	}
	q, answered := question(t), 0
	for ; answered <= hsm.MaxQuestions; answered++ {
		a, err := p.Probe(t.Context(), q)
		if err != nil {
			refused(t, "the question too many", a, err, fault.NotPermitted)
			break
		}
	}
	if answered > hsm.MaxQuestions {
		t.Errorf("%d questions were answered", answered)
	}
	a, err := p.Probe(t.Context(), q)
	refused(t, "the next one", a, err, fault.NotPermitted)
}

// strictSearch: two groups of the second piece changed places. A key of the store (with a label) is searched alone only:
// beside a difference of the asker's choice the answer would tell digits.
func strictSearch(t *testing.T, b hsm.Boundary) {
	const alg = keys.AES128
	one, two := sound(t, alg, "one"), sound(t, alg, "two")
	typed := swappedGroups(two)
	p := strictly(t, b, take(t, b, alg, one), take(t, b, alg, typed))
	if p == nil {
		return
	}
	by, ok := p.(hsm.Searcher)
	if !ok {
		return
	}
	right := expect(t, valueOf(t, alg, xored(one, two), kcv.CMAC, 10).Digits)
	q := hsm.SearchQuestion{Algorithm: alg, Method: kcv.CMAC, Expected: right, Pieces: []hsm.SearchPiece{
		{Typed: hsm.Part(0), Others: hsm.Part(1)}, {Typed: hsm.Part(1), Others: hsm.Part(0)}}}
	a, err := by.Search(t.Context(), q)
	if err != nil || len(a.Matches) == 0 {
		t.Fatalf("nothing is found: %+v, %v", a, err)
	}
	for _, m := range a.Matches {
		if !reflect.DeepEqual(m, slip.Match{Piece: m.Piece}) || m.Piece > 1 {
			t.Errorf("more than the piece is told: %+v", m)
		}
	}
	q.Expected = expect(t, right.Digits[:5])
	a, err = by.Search(t.Context(), q)
	refused(t, "five digits", a, err, fault.MalformedLength)
	q.Expected = right
	own, err := b.Keep(t.Context(), take(t, b, alg, typed), "SEARCHED#1")
	if err != nil {
		t.Fatal(err)
	}
	if stored, ok := strictly(t, b, take(t, b, alg, one), own).(hsm.Searcher); ok {
		for _, piece := range []hsm.SearchPiece{{Typed: hsm.Part(1)}, {Typed: hsm.Part(0), Others: hsm.Part(1)}} {
			q.Pieces = []hsm.SearchPiece{piece}
			if _, err := stored.Search(t.Context(), q); err != nil {
				t.Errorf("%+v: %v", piece, err)
			}
		}
		q.Pieces = []hsm.SearchPiece{{Typed: hsm.Part(1), Others: hsm.Part(0)}}
		a, err := stored.Search(t.Context(), q)
		refused(t, "a key of the store beside another piece", a, err, fault.NotPermitted)
	}
	for what, piece := range map[string]hsm.SearchPiece{
		"two digits":        {Typed: hsm.Part(0), Digits: 2},
		"a half":            {Typed: hsm.Join{hsm.Slice{Of: hsm.Part(0), To: 8}, hsm.Zeros(8)}},
		"itself on itself":  {Typed: hsm.Part(0), Others: hsm.Part(0)},
		"a byte on a known": {Typed: hsm.Part(1), Others: hsm.Join{hsm.Slice{Of: hsm.Part(0), To: 1}, hsm.Zeros(15)}},
	} {
		q.Pieces = []hsm.SearchPiece{piece}
		a, err := by.Search(t.Context(), q)
		refused(t, what, a, err, fault.NotPermitted)
	}
}

// swappedGroups exchanges the first two groups of four digits.
func swappedGroups(key []byte) []byte {
	out := append([]byte(nil), key...)
	copy(out, key[2:4])
	copy(out[2:], key[:2])
	return out
}
