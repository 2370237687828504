package diagnose_test

// Healthy and random inputs: nothing is called proven of them beyond the odds that are printed.

import (
	"testing"

	"poskey/pkg/diagnose"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// mix is how many inputs of each kind there are: ten thousand in all.
func mix() map[string]int {
	m := map[string]int{"healthy": 6000, "values": 3350, "key": 250, "cryptogram": 100, "parts": 150, "bdk": 100, "unopened": 50}
	if raced {
		for k := range m {
			m[k] /= 25
		}
	}
	return m
}

func TestNothingIsProvenOfHealthyOrRandomInputs(t *testing.T) {
	for name, n := range mix() {
		t.Run(name, func(t *testing.T) {
			rnd := newRandom("random " + name)
			odds, proven := 0.0, 0
			for range n {
				r := ofMix(t, rnd, name)
				for _, f := range r.Findings {
					if f.Certainty == diagnose.Proven {
						proven++
						t.Logf("odds %.2g: %s", f.Odds, f.Summary)
					}
				}
				odds += min(1e-4, r.Searched.ExpectedChanceMatches)
			}
			// As many as the printed odds allow, and no more: five sigmas over their sum.
			if allowed := odds + 5; float64(proven) > allowed*0.2+odds {
				t.Errorf("%d of %d inputs are called proven, the odds allow %.2g", proven, n, odds)
			}
		})
	}
}

// ofMix diagnoses one input.
func ofMix(t *testing.T, rnd *random, name string) diagnose.Report {
	t.Helper()
	algs := algorithms()
	alg := algs[rnd.below(len(algs))]
	digits := 6 + 2*rnd.below(2)
	any := value(t, digitsText(rnd.bytes(8))[:digits])
	w := newWorld(t, rnd, alg)
	f := diagnose.Facts{Algorithm: alg, Expected: any}
	switch name {
	case "healthy":
		kind := []diagnose.Material{diagnose.Key, diagnose.Parts, diagnose.Cryptogram, diagnose.Base}[rnd.below(4)]
		if kind == diagnose.Base && !w.base() {
			kind = diagnose.Key
		}
		f, material := w.facts(kind, digits)
		r := runBytes(t, f, material...)
		if r.Verdict != diagnose.Match {
			t.Errorf("a healthy %s of %s: %s", kind, alg, r.Verdict)
		}
		return r
	case "values":
		f.Got = value(t, digitsText(rnd.bytes(8))[:digits])
		return runBytes(t, f)
	case "key":
		f.Kind = diagnose.Key
		return runBytes(t, f, w.key)
	case "bdk":
		if !w.base() {
			return ofMix(t, rnd, name)
		}
		f.Kind, f.KSN = diagnose.Base, w.ksn
		return runBytes(t, f, w.bdk)
	case "unopened":
		f.Kind, f.Wrapped = diagnose.Unopened, w.cryptogram()
		return runBytes(t, f)
	case "parts":
		f.Kind = diagnose.Parts
		if rnd.below(2) == 0 {
			for _, p := range w.parts {
				f.PartExpected = append(f.PartExpected, valueOf(t, alg, p, 6))
			}
		}
		return runBytes(t, f, w.parts...)
	}
	f.Kind, f.Wrapped = diagnose.Cryptogram, w.cryptogram()
	return runBytes(t, f, f.Wrapped, w.kek)
}

func BenchmarkUnexplained(b *testing.B) {
	rnd := newRandom("bench unexplained")
	for _, kind := range []diagnose.Material{diagnose.Key, diagnose.Parts, diagnose.Cryptogram} {
		b.Run(string(kind), func(b *testing.B) {
			w := newWorld(b, rnd, keys.TDES128)
			f, material := w.facts(kind, 8)
			f.Expected, f.Got = value(b, "12345678"), kcv.Expected{}
			for b.Loop() {
				runBytes(b, f, material...)
			}
		})
	}
}
