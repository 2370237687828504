package kcv

import (
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/testvec"
	"poskey/pkg/keys"
)

// TestOneValueIsRecognisedInEveryLengthAndPadding: reference/check-values.md, Lengths and paddings.
func TestOneValueIsRecognisedInEveryLengthAndPadding(t *testing.T) {
	whole := testvec.Hex(t, full(t, keys.TDES128, keyT, ECBZero))
	for _, c := range []struct {
		printed string
		digits  int
		padded  bool
	}{
		{"08D7", 4, false},
		{"08D7B", 5, false},
		{"08D7B4", 6, false},
		{"08d7b4", 6, false},
		{"08 D7 B4", 6, false},
		{"08-D7:B4\n", 6, false},
		{"08D7B4FB", 8, false},
		{"08D7B4FB629D0885", 16, false},
		{"08D7B40000000000", 6, true},
		{"08D7B400", 6, true},
		{"08D7B40", 6, true},
		{"08D7B4FB629D0885FFFF", 16, false}, // longer than the cipher's block: the shorter one counts
	} {
		e, err := Parse(c.printed)
		if err != nil {
			t.Errorf("%q: %v", c.printed, err)
			continue
		}
		got := e.Compare(ECBZero, whole)
		if !got.Match || got.Digits != c.digits || e.Padded != c.padded {
			t.Errorf("%q: match %v on %d digits, padded %v; want %d, %v", c.printed, got.Match, got.Digits, e.Padded, c.digits, c.padded)
		}
		if got.Expected != e.Digits || got.Computed != (Value{ECBZero, "08D7B4FB629D0885"[:c.digits]}) {
			t.Errorf("%q: compared %q with %v", c.printed, got.Expected, got.Computed)
		}
	}
}

func TestOneWrongDigitIsNoMatchInAnyPlace(t *testing.T) {
	whole := testvec.Hex(t, "08D7B4FB629D0885")
	for n := 4; n <= 16; n++ {
		for at := range n {
			for _, d := range "0123456789ABCDEF" {
				digits := []byte("08D7B4FB629D0885"[:n])
				same := digits[at] == byte(d)
				digits[at] = byte(d)
				if got := (Expected{Digits: string(digits)}).Compare(ECBZero, whole); got.Match != same {
					t.Fatalf("%s: match is %v", digits, got.Match)
				}
			}
		}
	}
}

func TestTooFewDigitsAreRefusedAndNeverMatch(t *testing.T) {
	for _, s := range []string{"", " ", "0", "08", "08D", "0 8 D", "---"} {
		e, err := Parse(s)
		if !fault.Is(err, fault.MalformedLength) || e != (Expected{}) {
			t.Errorf("%q: got %+v, %v", s, e, err)
		}
	}
	whole := testvec.Hex(t, "08D7B4FB629D0885")
	for n := range 4 { // a value that did not come from Parse, the zero value above all
		if got := (Expected{Digits: "08D"[:n]}).Compare(ECBZero, whole); got.Match {
			t.Errorf("%d digits are a match", n)
		}
	}
	if got := (Expected{Digits: "08D7"}).Compare(ECBZero, nil); got.Match {
		t.Error("a match with nothing computed")
	}
}

func TestBadCheckValuesAreRefused(t *testing.T) {
	for _, c := range []struct {
		in   string
		kind fault.Kind
		want string
	}{
		{"08D7BG", fault.MalformedHex, "character 6"},
		{"O8D7B4", fault.MalformedHex, "character 1"},
		{"08 D7 B4.", fault.MalformedHex, "character 7"},
		{"０8D7B4", fault.MalformedHex, "character 1"},
		{"08D7\x00", fault.MalformedHex, "character 5"},
		{strings.Repeat("A", 129), fault.MalformedLength, "129 digits"},
		{strings.Repeat(" ", 513), fault.MalformedLength, "513 characters"},
		{strings.Repeat("A", 100<<20), fault.MalformedLength, "104857600 characters"},
	} {
		e, err := Parse(c.in)
		if !fault.Is(err, c.kind) || e != (Expected{}) {
			t.Errorf("%.20q: got %+v, %.100v", c.in, e, err)
			continue
		}
		if s := err.Error(); !strings.Contains(s, c.want) || len(s) > 1000 {
			t.Errorf("%.20q: %.200v, want %q", c.in, err, c.want)
		}
	}
	if e, err := Parse(strings.Repeat("AB", 64)); err != nil || len(e.Digits) != 128 {
		t.Errorf("128 digits: %v", err)
	}
}

// TestAValueLongerThanTheMethodsIsRefused: the digits behind would be compared with nothing.
func TestAValueLongerThanTheMethodsIsRefused(t *testing.T) {
	whole := testvec.Hex(t, "08D7B4FB629D0885")
	for digits, fits := range map[string]bool{"08D7": true, "08D7B4FB629D0885": true, "08D7B4FB629D08850": false, "08D7B4FB629D088508D7B4FB629D0885": false} {
		err := Expected{Digits: digits}.Check(ECBZero, whole)
		if fits != (err == nil) || !fits && !fault.Is(err, fault.MalformedLength) {
			t.Errorf("%d digits: %v", len(digits), err)
		}
		if !fits && strings.Contains(err.Error(), "08D7") {
			t.Errorf("the value is repeated: %v", err)
		}
	}
	key := testvec.Hex(t, "0123456789ABCDEFFEDCBA9876543210")
	full, err := Compute(keys.TDES128, key, ECBZero)
	if err != nil {
		t.Fatal(err)
	}
	long := Expected{Digits: testvec.Upper(full) + "00"}
	if matches, err := Identify(key, long, keys.TDES128); err != nil || len(matches) != 0 {
		t.Errorf("two digits too many: %v, %v", matches, err)
	}
}

// TestAMismatchTellsHowMuchWasComparedAndHowMuchIsShown: two values that differ behind what is shown must not look equal,
// and a key that was pasted as a check value is not repeated.
func TestAMismatchTellsHowMuchWasComparedAndHowMuchIsShown(t *testing.T) {
	whole := testvec.Hex(t, "F594C07432A0112233445566778899AA")
	for digits, want := range map[string]string{
		"F594C1":                           "check value is F594C0 (cmac), expected F594C1 (6 digits compared)",
		"F594C07432A1":                     "check value is F594C07432... (cmac), expected F594C07432A1 (12 digits compared, the first 10 of the computed value shown)",
		"0123456789ABCDEFFEDCBA9876543210": "check value is F594C07432... (cmac), expected 0123456789... (32 digits compared, the first 10 of the computed value shown)",
	} {
		c := Expected{Digits: digits}.Compare(CMAC, whole)
		if err := c.Err(); !fault.Is(err, fault.KCVMismatch) || err.Error() != want {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if err := (Expected{Digits: "F594C07432A0112233445566778899AA"}).Compare(CMAC, whole).Err(); err != nil {
		t.Errorf("equal values: %v", err)
	}
}

// FuzzParse: what is read is canonical and stays what it is; what is not read gives the zero value.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "08D7B4", "08 d7-b4:00", "08D7B40000000000", "000000", "0000000", "ＡＢＣＤ", "O8D7B4", strings.Repeat("a", 128)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := Parse(s)
		if err != nil {
			if e != (Expected{}) {
				t.Fatalf("%q: an error came with %+v", s, e)
			}
			return
		}
		if len(e.Digits) < 4 || len(e.Digits) > 128 || strings.Trim(e.Digits, "0123456789ABCDEF") != "" || e.Padded && len(e.Digits) != 6 {
			t.Fatalf("%q: read as %+v", s, e)
		}
		again, err := Parse(e.Digits)
		if err != nil || again != (Expected{Digits: e.Digits}) {
			t.Fatalf("%q: read as %+v, then as %+v, %v", s, e, again, err)
		}
		typed := strings.ToUpper(strings.NewReplacer(" ", "", "\t", "", "\n", "", "\r", "", "-", "", ":", "").Replace(s))
		if rest, ok := strings.CutPrefix(typed, e.Digits); !ok || strings.Trim(rest, "0") != "" || (rest != "") != e.Padded {
			t.Fatalf("%q: read as %+v", s, e)
		}
	})
}

// TestDefaultsAndLimitsFollowPCI: reference/check-values.md, Defaults (PCI PIN 15-1).
func TestDefaultsAndLimitsFollowPCI(t *testing.T) {
	for _, c := range []struct {
		algs   []keys.Algorithm
		method Method
		digits int
		limits map[Method]int
	}{
		{[]keys.Algorithm{keys.DES, keys.TDES128, keys.TDES192}, ECBZero, 6,
			map[Method]int{ECBZero: 6, CMAC: 10, PAXMode1: 8, PAXMode2: 8, CCASHA256: 16}},
		{[]keys.Algorithm{keys.AES128, keys.AES192, keys.AES256}, CMAC, 6, map[Method]int{CMAC: 10, CCASHA256: 16}},
		{[]keys.Algorithm{keys.SM4}, ECBZero, 8, map[Method]int{ECBZero: 8, CMAC: 10}},
		{keys.HMACs(), HMACEmpty, 6, map[Method]int{HMACEmpty: 10}},
	} {
		for _, alg := range c.algs {
			if Default(alg) != c.method || DefaultDigits(alg, c.method) != c.digits {
				t.Errorf("%s: default is %s with %d digits", alg, Default(alg), DefaultDigits(alg, c.method))
			}
			for m, want := range c.limits {
				if got := Limit(alg, m); got != want {
					t.Errorf("%s by %s: limit %d, want %d", alg, m, got, want)
				}
			}
			for _, m := range Methods(alg) {
				if DefaultDigits(alg, m) > Limit(alg, m) {
					t.Errorf("%s by %s: shown by default are %d digits, the limit is %d", alg, m, DefaultDigits(alg, m), Limit(alg, m))
				}
				v, err := Of(alg, make([]byte, max(8, alg.KeyLen())), m, 0)
				if err != nil || len(v.Digits) != DefaultDigits(alg, m) || v.Method != m {
					t.Errorf("%s by %s: shown as %v, %v", alg, m, v, err)
				}
			}
		}
	}
	if DefaultDigits(keys.TDES128, PAXMode1) != 8 || DefaultDigits(keys.TDES128, PAXMode2) != 8 || DefaultDigits(keys.AES128, CCASHA256) != 16 {
		t.Error("the methods of PAX and CCA are not shown in the length of their users")
	}
}

func TestValueIsCutToTheDigitsAskedFor(t *testing.T) {
	key := testvec.Hex(t, keyT)
	for n := 2; n <= 16; n++ {
		v, err := Of(keys.TDES128, key, ECBZero, n)
		if err != nil || v.Digits != "08D7B4FB629D0885"[:n] {
			t.Errorf("%d digits: %v, %v", n, v, err)
		}
	}
	for _, n := range []int{-1, 1, 17, 1 << 30} {
		if v, err := Of(keys.TDES128, key, ECBZero, n); !fault.Is(err, fault.Usage) || v != (Value{}) {
			t.Errorf("%d digits: %v, %v", n, v, err)
		}
	}
	if v, err := Of(keys.TDES128, key, PAXMode1, 10); err == nil {
		t.Errorf("4 bytes were shown as %v", v)
	}
	if s := (Value{ECBZero, "08D7B4"}).String(); s != "08D7B4 (ecb-zero)" {
		t.Errorf("printed as %q", s)
	}
}

func TestChanceOfAFalseMatchIsOneInSixteenADigit(t *testing.T) {
	for digits, one := range map[int]float64{4: 65536, 6: 16777216, 8: 4294967296} { // reference/check-values.md, Facts
		if got := ChanceOfFalseMatch(digits); got != 1/one {
			t.Errorf("%d digits: %g, want %g", digits, got, 1/one)
		}
	}
}

func TestTheDefaultIsTheFirstMethod(t *testing.T) {
	for _, alg := range append(keys.Named(), keys.RSA, keys.Raw) {
		if got, want := Default(alg), Methods(alg)[0]; got != want {
			t.Errorf("%s: default %s, first method %s", alg, got, want)
		}
	}
}
