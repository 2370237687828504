package slip_test

// The matches are those of brute force: every digit changed, every mistake made on text, and the value computed with the
// library's ciphers.

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"poskey/internal/testvec"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
	"poskey/pkg/slip"
)

// wrongDigits lists every text within so many digits of another, itself included.
func wrongDigits(typed string, most int) []string {
	all := []string{typed}
	if most == 0 {
		return all
	}
	for _, s := range wrongDigits(typed, most-1) {
		for at := range s {
			for _, c := range hexDigits {
				if s[at:] == typed[at:] && typed[at] != byte(c) { // behind the last one changed
					all = append(all, replaced(s, at, string(c)))
				}
			}
		}
	}
	return all
}

// byValue sorts texts by the value that their keys have, cut to four digits: short, so that keys share it.
func byValue(t *testing.T, alg keys.Algorithm, m kcv.Method, texts []string) map[string]map[string]bool {
	t.Helper()
	sorted := map[string]map[string]bool{}
	for _, s := range texts {
		v := testvec.Upper(valueOf(t, alg, m, keyOf(t, s)))[:4]
		if sorted[v] == nil {
			sorted[v] = map[string]bool{}
		}
		sorted[v][visible(alg, m, s)] = true
	}
	return sorted
}

// fewLookAlikes is random text in which no pair of look-alikes stands so often that not every choice of them is tried.
func fewLookAlikes(r *rand.Rand, n int) string {
	for {
		s := randomText(r, n)
		if !slices.ContainsFunc(pairs(), func(pair string) bool { return len(placesIn(s, pair)) > mostLookAlikes }) {
			return s
		}
	}
}

// crowded picks values that most keys share, and some at random.
func crowded(r *rand.Rand, sorted map[string]map[string]bool, typed string, n int) []string {
	values := slices.Sorted(maps.Keys(sorted))
	r.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
	slices.SortStableFunc(values[:len(values)/2], func(a, b string) int { return len(sorted[b]) - len(sorted[a]) })
	values = append(slices.Clone(values[:n]), values[len(values)-n:]...)
	return slices.DeleteFunc(values, func(v string) bool { return sorted[v][typed] }) // nothing is wrong there
}

func TestMatchesEqualBruteForce(t *testing.T) {
	r, most := random(3), 6
	if raced {
		most = 3
	}
	type one struct {
		alg     keys.Algorithm
		methods []kcv.Method
		most    int
	}
	cases := []one{{keys.DES, []kcv.Method{kcv.ECBZero, kcv.SHA1}, 2}, {keys.DES, kcv.Methods(keys.DES), 1}}
	for _, alg := range keys.BlockCiphers()[1:] {
		cases = append(cases, one{alg, kcv.Methods(alg)[:2], 1})
	}
	if !raced {
		cases = append(cases,
			one{keys.DES, kcv.Methods(keys.DES), 2},
			one{keys.TDES128, []kcv.Method{kcv.ECBZero, kcv.CMAC, kcv.PAXMode2, kcv.SHA1}, 2},
			one{keys.TDES192, []kcv.Method{kcv.ECBZero}, 2},
			one{keys.AES128, []kcv.Method{kcv.CMAC, kcv.ECBZero, kcv.ECBOne, kcv.SHA1}, 2},
			one{keys.SM4, []kcv.Method{kcv.ECBZero}, 2})
	}
	for _, c := range cases {
		for _, m := range c.methods {
			typed := fewLookAlikes(r, 2*c.alg.KeyLen())
			right := append(wrongDigits(typed, c.most), repairs(typed, len(typed), false)...)
			sorted := byValue(t, c.alg, m, right)
			found, values := 0, crowded(r, sorted, visible(c.alg, m, typed), most)
			for _, v := range values {
				q := slip.Question{Pieces: []slip.Piece{{Typed: digitsOf(typed)}}, Algorithm: c.alg, Method: m, Expected: kcv.Expected{Digits: v}, Digits: c.most}
				got := corrections(t, q, run(t, q))
				if !maps.Equal(got, sorted[v]) {
					t.Errorf("%s, %s, %d digits, value %s: %d matches, brute force has %d", c.alg, m, c.most, v, len(got), len(sorted[v]))
				}
				found += len(got)
			}
			if found < len(values) || len(values) < most {
				t.Errorf("%s, %s: %d matches for %d values", c.alg, m, found, len(values))
			}
		}
	}
}

// TestMovedDigitsEqualBruteForce: the same without wrong digits, with a digit too few and too many, and for the other side.
func TestMovedDigitsEqualBruteForce(t *testing.T) {
	r, most := random(4), 10
	if raced {
		most = 2
	}
	for _, alg := range keys.BlockCiphers() {
		n := 2 * alg.KeyLen()
		for _, c := range []struct {
			typed   int
			onOther bool
		}{{n - 1, false}, {n, false}, {n + 1, false}, {n, true}} {
			m := kcv.Methods(alg)[r.IntN(2)]
			typed := fewLookAlikes(r, c.typed)
			sorted := byValue(t, alg, m, repairs(typed, n, c.onOther))
			for _, v := range crowded(r, sorted, visible(alg, m, typed), most) {
				q := slip.Question{Pieces: []slip.Piece{{Typed: digitsOf(typed)}}, Algorithm: alg, Method: m, Expected: kcv.Expected{Digits: v}, OnOther: c.onOther}
				if got := corrections(t, q, run(t, q)); !maps.Equal(got, sorted[v]) {
					t.Errorf("%s, %s, %d digits typed, value %s: %d matches, brute force has %d", alg, m, c.typed, v, len(got), len(sorted[v]))
				}
			}
		}
	}
}
