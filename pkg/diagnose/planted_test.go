package diagnose_test

// Mistakes planted in random keys are found, every one of them, at the right place.

import (
	"fmt"
	"strings"
	"testing"

	"poskey/internal/cipherx"
	"poskey/pkg/diagnose"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

func xor(parts ...[]byte) []byte {
	sum := make([]byte, len(parts[0]))
	for _, p := range parts {
		for i := range sum {
			sum[i] ^= p[i]
		}
	}
	return sum
}

func valueOf(t testing.TB, alg keys.Algorithm, key []byte, digits int) kcv.Expected {
	t.Helper()
	v, err := kcv.Of(alg, key, kcv.Default(alg), digits)
	if err != nil {
		t.Fatal(err)
	}
	return value(t, v.Digits)
}

func digitOf(b []byte, digit int) byte { return b[digit/2] >> (4 * (1 - digit%2)) & 15 }

func withDigit(b []byte, digit int, v byte) []byte {
	out := append([]byte(nil), b...)
	shift := 4 * (1 - digit%2)
	out[digit/2] = out[digit/2]&^(15<<shift) | v<<shift
	return out
}

// mistype gives the slips of one piece: nil where it would change nothing that a check value shows.
func mistype(b []byte, digit int, delta byte, des bool) []byte {
	if des && digit%2 == 1 && delta == 1 {
		return nil
	}
	return withDigit(b, digit, digitOf(b, digit)^delta)
}

func transpose(b []byte, digit int, des bool) []byte {
	one, two := digitOf(b, digit), digitOf(b, digit+1)
	if one == two {
		return nil
	}
	out := withDigit(withDigit(b, digit, two), digit+1, one)
	if des && string(noParity(out)) == string(noParity(b)) {
		return nil
	}
	return out
}

func noParity(b []byte) []byte {
	out := append([]byte(nil), b...)
	for i := range out {
		out[i] &= 0xFE
	}
	return out
}

// planted is one mistake and where it must be found.
type planted struct {
	piece  diagnose.Piece
	part   int // from 1
	digits []int
}

func (p planted) in(f diagnose.Finding) bool {
	e := f.Evidence.Edits
	if f.Cause != diagnose.CauseMistypedDigit || len(e) != len(p.digits) {
		return false
	}
	for i, d := range p.digits {
		if e[i].Of != p.piece || e[i].Part != p.part || e[i].Digit != d || e[i].Group != (d+3)/4 {
			return false
		}
	}
	return true
}

// mustFind holds that the mistake is among the findings, that nothing but slips is, and that no other is called proven.
func mustFind(t *testing.T, p planted, r diagnose.Report) {
	t.Helper()
	found := false
	for _, f := range r.Findings {
		here := p.in(f)
		found = found || here
		if !here && f.Certainty == diagnose.Proven {
			t.Errorf("%+v was planted, proven is: %s", p, f.Summary)
		}
	}
	if !found || r.Verdict != diagnose.Explained {
		t.Errorf("%+v was planted; verdict %s, %d findings, first: %+v", p, r.Verdict, len(r.Findings), r.Findings)
	}
}

func algorithms() []keys.Algorithm {
	return []keys.Algorithm{keys.TDES128, keys.TDES192, keys.AES128, keys.AES256, keys.SM4}
}

func TestEverySlipInAKeyIsFound(t *testing.T) {
	rnd := newRandom("slips in keys")
	for _, alg := range algorithms() {
		t.Run(string(alg), func(t *testing.T) {
			right := rnd.bytes(alg.KeyLen())
			f := diagnose.Facts{Algorithm: alg, Kind: diagnose.Key, Expected: valueOf(t, alg, right, 8)}
			everySlip(t, rnd, right, alg.IsDES(), func(typed []byte, digits ...int) {
				mustFind(t, planted{diagnose.PieceKey, 1, digits}, runBytes(t, f, typed))
			})
		})
	}
}

// everySlip types every digit wrong, by one delta of the fifteen, and swaps every pair of neighbours.
func everySlip(t *testing.T, rnd *random, right []byte, des bool, try func(typed []byte, digits ...int)) {
	t.Helper()
	step := 1
	if raced {
		step = 3 // a high digit and a low one in turn
	}
	for digit := 0; digit < 2*len(right); digit += step {
		if typed := mistype(right, digit, byte(2+rnd.below(14)), des); typed != nil {
			try(typed, digit+1)
		}
		if digit+1 == 2*len(right) {
			break
		}
		if typed := transpose(right, digit, des); typed != nil {
			try(typed, digit+1, digit+2)
		}
	}
}

func TestEverySlipInEveryPartIsFound(t *testing.T) {
	rnd := newRandom("slips in parts")
	for _, tt := range []struct {
		parts  int
		alg    keys.Algorithm
		sheets bool
	}{{2, keys.TDES128, false}, {3, keys.TDES128, true}, {2, keys.AES128, true}, {3, keys.AES128, false}} {
		t.Run(fmt.Sprintf("%d parts, %s, sheets %t", tt.parts, tt.alg, tt.sheets), func(t *testing.T) {
			parts := make([][]byte, tt.parts)
			for i := range parts {
				parts[i] = rnd.bytes(tt.alg.KeyLen())
			}
			slipsInParts(t, rnd, tt.alg, parts, tt.sheets)
		})
	}
}

func slipsInParts(t *testing.T, rnd *random, alg keys.Algorithm, parts [][]byte, sheets bool) {
	t.Helper()
	f := diagnose.Facts{Algorithm: alg, Kind: diagnose.Parts, Expected: valueOf(t, alg, xor(parts...), 6)}
	for _, p := range parts {
		if sheets {
			f.PartExpected = append(f.PartExpected, valueOf(t, alg, p, 6))
		}
	}
	for i := range parts {
		everySlip(t, rnd, parts[i], alg.IsDES(), func(typed []byte, digits ...int) {
			entered := append([][]byte(nil), parts...)
			entered[i] = typed
			r := runBytes(t, f, entered...)
			mustFind(t, planted{diagnose.PiecePart, i + 1, digits}, r)
			if !sheets && len(digits) == 1 && len(r.Findings) < len(parts) {
				t.Errorf("digit %d of part %d: %d findings, want one for each of %d parts", digits[0], i+1, len(r.Findings), len(parts))
			}
		})
	}
}

// TestEveryWrongDigitOfOddParityPartsIsProven takes all 15 wrong values of every digit. The sheets tell the part, odd
// parity tells the digit to the last bit.
func TestEveryWrongDigitOfOddParityPartsIsProven(t *testing.T) {
	rnd := newRandom("odd parity")
	one, two := rnd.bytes(16), rnd.bytes(16)
	keys.FixParity(one)
	keys.FixParity(two)
	f := diagnose.Facts{Algorithm: keys.TDES128, Kind: diagnose.Parts, Expected: valueOf(t, keys.TDES128, xor(one, two), 6),
		PartExpected: []kcv.Expected{valueOf(t, keys.TDES128, one, 6), valueOf(t, keys.TDES128, two, 6)}}
	step := 1
	if raced {
		step = 3
	}
	for digit := 0; digit < 32; digit += step {
		for delta := byte(1); delta < 16; delta++ {
			typed := withDigit(one, digit, digitOf(one, digit)^delta)
			r := runBytes(t, f, typed, two)
			x := first(t, r)
			if digit%2 == 1 && delta == 1 {
				if r.Verdict != diagnose.Match || x.Cause != diagnose.CauseParityBitTypo || x.Evidence.Edits[0].Digit != digit+1 {
					t.Errorf("digit %d, parity bit: verdict %s, %+v", digit+1, r.Verdict, x)
				}
				continue
			}
			if !(planted{diagnose.PiecePart, 1, []int{digit + 1}}).in(x) || x.Certainty != diagnose.Proven {
				t.Errorf("digit %d by %X: %s %s", digit+1, delta, x.Certainty, x.Summary)
			}
			entered, correct, err := x.Evidence.Edits[0].Digits(digitsOf(typed))
			if err != nil || entered != digitsText(typed)[digit] || correct != digitsText(one)[digit] || x.Evidence.Edits[0].ParityUnseen {
				t.Errorf("digit %d by %X: told %c for %c", digit+1, delta, correct, entered)
			}
		}
	}
}

func digitsText(b []byte) string { return strings.ToUpper(fmt.Sprintf("%x", b)) }

func TestEverySlipOnTheOtherSideIsFound(t *testing.T) {
	rnd := newRandom("slips elsewhere")
	one, two := rnd.bytes(16), rnd.bytes(16)
	f := diagnose.Facts{Algorithm: keys.TDES128, Kind: diagnose.Parts, Expected: valueOf(t, keys.TDES128, xor(one, two), 6),
		PartExpected: []kcv.Expected{valueOf(t, keys.TDES128, one, 6), valueOf(t, keys.TDES128, two, 6)}}
	everySlip(t, rnd, two, true, func(typed []byte, digits ...int) {
		f.Got = valueOf(t, keys.TDES128, xor(one, typed), 6)
		mustFind(t, planted{diagnose.PiecePart, 2, digits}, runBytes(t, f, one, two))
	})
}

func TestEverySlipInCryptogramAndKEKIsFound(t *testing.T) {
	rnd := newRandom("slips in wrapped keys")
	for _, alg := range []keys.Algorithm{keys.TDES128, keys.AES128} {
		t.Run(string(alg), func(t *testing.T) {
			key, kek := rnd.bytes(16), rnd.bytes(16)
			cryptogram := wrap(t, alg, kek, key)
			f := diagnose.Facts{Algorithm: alg, Kind: diagnose.Cryptogram, Expected: valueOf(t, alg, key, 8)}
			everySlip(t, rnd, kek, alg.IsDES(), func(typed []byte, digits ...int) {
				mustFind(t, planted{diagnose.PieceKEK, 2, digits}, runBytes(t, f, cryptogram, typed))
			})
			everySlip(t, rnd, cryptogram, false, func(typed []byte, digits ...int) {
				mustFind(t, planted{diagnose.PieceCryptogram, 1, digits}, runBytes(t, f, typed, kek))
			})
		})
	}
}

func wrap(t testing.TB, alg keys.Algorithm, kek, key []byte) []byte {
	t.Helper()
	b, err := keys.NewCipher(alg, kek)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]byte, len(key))
	cipherx.ECBEncrypt(b, out, key)
	return out
}

// mistakes plants the other causes: each gives what the diagnosis is told and holds, made from fresh keys.
func mistakes() []struct {
	cause diagnose.Cause
	plant func(t testing.TB, rnd *random) (diagnose.Facts, [][]byte)
} {
	type planter = func(t testing.TB, rnd *random) (diagnose.Facts, [][]byte)
	otherKey := func(alg, as keys.Algorithm, method kcv.Method, form func(key []byte) []byte) planter {
		return func(t testing.TB, rnd *random) (diagnose.Facts, [][]byte) {
			key := rnd.bytes(alg.KeyLen())
			v, err := kcv.Of(as, form(key), method, 8)
			if err != nil {
				t.Fatal(err)
			}
			return diagnose.Facts{Algorithm: alg, Kind: diagnose.Key, Expected: value(t, v.Digits)}, [][]byte{key}
		}
	}
	same := func(key []byte) []byte { return key }
	ofParts := func(form func(parts [][]byte) []byte) planter {
		return func(t testing.TB, rnd *random) (diagnose.Facts, [][]byte) {
			parts := [][]byte{rnd.bytes(16), rnd.bytes(16), rnd.bytes(16)}
			f := diagnose.Facts{Algorithm: keys.TDES128, Kind: diagnose.Parts, Expected: valueOf(t, keys.TDES128, xor(parts...), 8)}
			f.Got = valueOf(t, keys.TDES128, form(parts), 8)
			return f, parts
		}
	}
	ofWrapped := func(open func(t testing.TB, cryptogram, kek, key []byte) []byte) planter {
		return func(t testing.TB, rnd *random) (diagnose.Facts, [][]byte) {
			key, kek := rnd.bytes(16), rnd.bytes(16)
			cryptogram := wrap(t, keys.TDES128, kek, key)
			f := diagnose.Facts{Algorithm: keys.TDES128, Kind: diagnose.Cryptogram, Expected: valueOf(t, keys.TDES128, key, 8)}
			f.Got = valueOf(t, keys.TDES128, open(t, cryptogram, kek, key), 8)
			return f, [][]byte{cryptogram, kek}
		}
	}
	decrypt := func(t testing.TB, alg keys.Algorithm, kek, data []byte) []byte {
		b, err := keys.NewCipher(alg, kek)
		if err != nil {
			t.Fatal(err)
		}
		out := make([]byte, len(data))
		cipherx.ECBDecrypt(b, out, data)
		return out
	}
	cbcEncrypt := func(t testing.TB, kek, data []byte) []byte {
		one := wrap(t, keys.TDES128, kek, data[:8])
		return append(one, wrap(t, keys.TDES128, kek, xor(one, data[8:]))...)
	}
	turn := func(b []byte) []byte { return append(append([]byte(nil), b[8:]...), b[:8]...) }
	return []struct {
		cause diagnose.Cause
		plant planter
	}{
		{diagnose.CauseKCVMethod, otherKey(keys.AES128, keys.AES128, kcv.ECBZero, same)},
		{diagnose.CauseKCVMethod, otherKey(keys.TDES192, keys.TDES192, kcv.CMAC, same)},
		{diagnose.CauseKCVCheckMode, otherKey(keys.TDES128, keys.TDES128, kcv.PAXMode2, same)},
		{diagnose.CauseCipherFamily, otherKey(keys.AES192, keys.TDES192, kcv.ECBZero, same)},
		{diagnose.CauseCipherFamily, otherKey(keys.SM4, keys.AES128, kcv.CMAC, same)},
		{diagnose.CauseHalvesSwapped, otherKey(keys.TDES128, keys.TDES128, kcv.ECBZero, turn)},
		{diagnose.CauseLengthClass, otherKey(keys.TDES128, keys.DES, kcv.ECBZero, func(k []byte) []byte { return k[:8] })},
		{diagnose.CauseLengthClass, otherKey(keys.AES256, keys.AES128, kcv.CMAC, func(k []byte) []byte { return k[:16] })},
		{diagnose.CauseLengthClass, otherKey(keys.AES128, keys.AES256, kcv.CMAC, func(k []byte) []byte { return append(k[:16:16], make([]byte, 16)...) })},
		{diagnose.CauseKCVWrongData, otherKey(keys.AES128, keys.AES256, kcv.CMAC, func(k []byte) []byte { return []byte(digitsText(k)) })},
		{diagnose.CauseComponentCount, ofParts(func(p [][]byte) []byte { return xor(p[0], p[2]) })},
		{diagnose.CauseComponentAsKey, ofParts(func(p [][]byte) []byte { return xor(p[0], p[1], p[1]) })}, // what is left is a component
		{diagnose.CauseComponentAsKey, ofParts(func(p [][]byte) []byte { return p[1] })},
		{diagnose.CauseConcatenated, ofParts(func(p [][]byte) []byte { return append(p[2][:8:8], p[0][8:]...) })},
		{diagnose.CauseConcatenated, ofParts(func(p [][]byte) []byte { return append(p[1][8:16:16], p[0][:8]...) })},
		{diagnose.CauseConcatenated, ofParts(func(p [][]byte) []byte { return append(p[1][8:16:16], p[2][8:]...) })},
		{diagnose.CauseHalvesSwapped, ofParts(func(p [][]byte) []byte { return xor(p[0], turn(p[1]), p[2]) })},
		{diagnose.CauseDoubleUnwrap, ofWrapped(func(_ testing.TB, c, _, _ []byte) []byte { return c })},
		{diagnose.CauseDoubleUnwrap, ofWrapped(func(t testing.TB, _, kek, key []byte) []byte { return decrypt(t, keys.TDES128, kek, key) })},
		{diagnose.CauseWrongDirection, ofWrapped(func(t testing.TB, c, kek, _ []byte) []byte { return wrap(t, keys.TDES128, kek, c) })},
		{diagnose.CauseWrongDirection, ofWrapped(func(t testing.TB, c, kek, _ []byte) []byte { return cbcEncrypt(t, kek, c) })},
		{diagnose.CauseTMKSingleDES, ofWrapped(func(t testing.TB, c, kek, _ []byte) []byte { return decrypt(t, keys.DES, kek[8:], c) })},
		{diagnose.CauseHalvesSwapped, ofWrapped(func(t testing.TB, c, kek, _ []byte) []byte { return decrypt(t, keys.TDES128, turn(kek), c) })},
		{diagnose.CauseHalvesSwapped, ofWrapped(func(_ testing.TB, _, _, key []byte) []byte { return turn(key) })},
		{diagnose.CauseECBCBC, ofWrapped(func(_ testing.TB, c, _, key []byte) []byte { return append(key[:8:8], xor(key[8:], c[:8])...) })},
		{diagnose.CauseSchemeVariant, ofWrapped(func(t testing.TB, c, kek, _ []byte) []byte {
			variant := append([]byte(nil), kek...)
			variant[0] ^= 0xE8
			variant[8] ^= 0xE8
			return decrypt(t, keys.TDES128, variant, c)
		})},
	}
}

func TestEveryPlantedCauseIsFound(t *testing.T) {
	rnd := newRandom("causes")
	for _, m := range mistakes() {
		t.Run(string(m.cause), func(t *testing.T) {
			for range 5 {
				f, material := m.plant(t, rnd)
				holds(t, m.cause, runBytes(t, f, material...))
			}
		})
	}
}

func holds(t testing.TB, cause diagnose.Cause, r diagnose.Report) {
	t.Helper()
	for _, f := range r.Findings {
		if f.Cause == cause {
			return
		}
	}
	t.Errorf("%s was planted; verdict %s, findings %+v", cause, r.Verdict, r.Findings)
}

// FuzzDiagnose: an injected mistake is found, whatever the keys and whatever the mistake.
func FuzzDiagnose(f *testing.F) {
	for i := range mistakes() {
		f.Add("seed", uint8(i), uint8(0), uint8(0), false)
	}
	f.Add("seed", uint8(0xFF), uint8(17), uint8(6), true)
	f.Add("seed", uint8(0xFE), uint8(40), uint8(0), false)
	f.Fuzz(func(t *testing.T, seed string, which, digit, delta uint8, sheets bool) {
		rnd := newRandom(seed) // keys are hashes of the seed: degenerate ones are not what is tested here
		if all := mistakes(); int(which) < len(all) {
			facts, material := all[which].plant(t, rnd)
			holds(t, all[which].cause, runBytes(t, facts, material...))
			return
		}
		fuzzSlip(t, rnd, int(digit), delta, sheets)
	})
}

func fuzzSlip(t *testing.T, rnd *random, digit int, delta byte, sheets bool) {
	t.Helper()
	parts := [][]byte{rnd.bytes(16), rnd.bytes(16)}
	part, digit := digit/32%2, digit%32
	f := diagnose.Facts{Algorithm: keys.TDES128, Kind: diagnose.Parts, Expected: valueOf(t, keys.TDES128, xor(parts...), 8)}
	if sheets {
		f.PartExpected = []kcv.Expected{valueOf(t, keys.TDES128, parts[0], 6), valueOf(t, keys.TDES128, parts[1], 6)}
	}
	p := planted{diagnose.PiecePart, part + 1, []int{digit + 1}}
	typed := mistype(parts[part], digit, delta%16, true)
	if delta%16 == 0 {
		digit %= 31
		p.digits = []int{digit + 1, digit + 2}
		typed = transpose(parts[part], digit, true)
	}
	if typed == nil {
		return
	}
	parts[part] = typed
	mustFind(t, p, runBytes(t, f, parts...))
}

func BenchmarkKCVOfUnexplainedParts(b *testing.B) {
	rnd := newRandom("benchmark")
	material := [][]byte{rnd.bytes(16), rnd.bytes(16), rnd.bytes(16)}
	f := diagnose.Facts{Algorithm: keys.TDES128, Kind: diagnose.Parts, Expected: kcv.Expected{Digits: "123456"}}
	for b.Loop() {
		runBytes(b, f, material...)
	}
}
