package hsmtest

// Claims about check values.

import (
	"reflect"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/testvec"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

func (s suite) checkValues(t *testing.T) {
	if s.strict {
		s.claim(t, "of check values those by rule are told", toldByRule)
		s.claim(t, "a comparison is a verdict on a check value's digits", verdicts)
	} else {
		s.claim(t, "a check value is that of the published vectors", publishedValues)
		s.claim(t, "a check value is that computed outside, by every method", sameValues)
		s.claim(t, "methods and lengths that do not exist are refused", noSuchValue)
		s.claim(t, "a comparison tells a match from a miss", comparisons)
	}
	s.claim(t, "identification finds what is found outside", identified)
	s.claim(t, "the content of KC, KP and PK is that computed outside", checkData)
}

// methods lists the methods of an algorithm and one that is not in the list of its usual ones.
func methods(alg keys.Algorithm) []kcv.Method {
	all := kcv.Methods(alg)
	if alg.IsHMAC() {
		all = append(all, kcv.HMACZeros(1))
	}
	return all
}

func publishedValues(t *testing.T, b hsm.Boundary) {
	type vector struct {
		ID, Key   string
		Algorithm keys.Algorithm
		Computed  map[kcv.Method]string
	}
	compared := 0
	for _, v := range testvec.Load[vector](t, "kcv.json") {
		if _, err := keys.ParseAlgorithm(string(v.Algorithm)); err != nil {
			continue
		}
		k := take(t, b, v.Algorithm, unhex(t, v.Key))
		for m, want := range v.Computed {
			if _, err := kcv.ParseMethod(string(m)); err != nil {
				continue
			}
			got, err := b.CheckValue(t.Context(), k, m, len(want))
			if err != nil || got.Digits != want || got.Method != m {
				t.Errorf("%s by %s: %s, error %v; want %s", v.ID, m, got, err, want)
			}
			compared++
		}
	}
	if compared < 100 {
		t.Errorf("only %d values were compared: vectors are missing", compared)
	}
}

func sameValues(t *testing.T, b hsm.Boundary) {
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
			for _, digits := range []int{0, 2, 5, 6, 2 * len(full)} {
				want := valueOf(t, alg, clear, m, digits)
				got, err := b.CheckValue(t.Context(), k, m, digits)
				if err != nil || got != want {
					t.Errorf("%s by %q, %d digits: %s, error %v; want %s", alg, m, digits, got, err, want)
				}
			}
		}
	}
}

func noSuchValue(t *testing.T, b hsm.Boundary) {
	for _, tt := range []struct {
		alg    keys.Algorithm
		m      kcv.Method
		digits int
	}{
		{keys.AES128, kcv.PAXMode1, 0}, {keys.TDES128, kcv.ECBOne, 0}, {keys.TDES128, kcv.HMACEmpty, 0},
		{keys.HMACSHA1, kcv.CMAC, 0}, {keys.HMACSHA1, kcv.HMACZeros(0), 0}, {keys.AES128, "md5", 0},
		{keys.AES128, kcv.CMAC, 33}, {keys.AES128, kcv.CMAC, 1}, {keys.AES128, kcv.CMAC, -6},
	} {
		v, err := b.CheckValue(t.Context(), take(t, b, tt.alg, sound(t, tt.alg, "x")), tt.m, tt.digits)
		refused(t, string(tt.alg)+" "+string(tt.m), v, err, fault.Usage)
	}
}

func comparisons(t *testing.T, b hsm.Boundary) {
	for _, alg := range takes(b) {
		clear := sound(t, alg, "compare")
		k := take(t, b, alg, clear)
		for _, m := range methods(alg) {
			full, err := kcv.Compute(alg, clear, m)
			if err != nil {
				t.Fatal(err)
			}
			whole := testvec.Upper(full)
			for _, n := range []int{4, 6, len(whole)} {
				for _, digits := range []string{whole[:n], damage(whole[:n], n-1), damage(whole[:n], 0)} {
					e := kcv.Expected{Digits: digits}
					got, err := b.Compare(t.Context(), k, e, m)
					if want := e.Compare(m, full); err != nil || got != want || got.Match != (digits == whole[:n]) {
						t.Errorf("%s by %s with %s: %+v, error %v; want %+v", alg, m, digits, got, err, want)
					}
				}
			}
			longer, err := b.Compare(t.Context(), k, kcv.Expected{Digits: whole + "00"}, m)
			refused(t, string(alg)+" by "+string(m)+": more digits than there are", longer, err, fault.MalformedLength)
			c, err := b.Compare(t.Context(), k, expect(t, k.Check.Digits), "")
			if err != nil || !c.Match || c.Computed != k.Check {
				t.Errorf("%s by its default method: %+v, error %v; want a match with %s", alg, c, err, k.Check)
			}
		}
	}
}

func identified(t *testing.T, b hsm.Boundary) {
	for _, alg := range takes(b) {
		clear := sound(t, alg, "identify")
		k := take(t, b, alg, clear)
		for _, m := range methods(alg) {
			e := expect(t, valueOf(t, alg, clear, m, 8).Digits)
			for _, among := range []keys.Algorithm{alg, ""} {
				want, err := kcv.Identify(clear, e, among)
				if err != nil {
					t.Fatal(err)
				}
				if got, err := b.Identify(t.Context(), k, e, among); err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("%s by %s among %q: %+v, error %v; want %+v", alg, m, among, got, err, want)
				}
			}
		}
		nothing := expect(t, damage(valueOf(t, alg, clear, "", 8).Digits, 7))
		if got, err := b.Identify(t.Context(), k, nothing, ""); err != nil || len(got) != 0 {
			t.Errorf("%s: a value of nothing is taken for %+v, error %v", alg, got, err)
		}
	}
}

func checkData(t *testing.T, b hsm.Boundary) {
	for _, alg := range takes(b) {
		clear := sound(t, alg, "check data")
		got, err := b.CheckData(t.Context(), take(t, b, alg, clear))
		if alg.IsHMAC() {
			refused(t, string(alg), got, err, fault.Usage)
			continue
		}
		if want, wantErr := keyblock.CheckData(clearKey(t, alg, clear)); err != nil || wantErr != nil || got != want {
			t.Errorf("%s: %q, error %v; want %q, error %v", alg, got, err, want, wantErr)
		}
	}
}
