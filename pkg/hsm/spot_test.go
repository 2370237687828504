package hsm_test

import (
	"context"
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// Keys and values of the project's list of check values (reference, all recomputed): T, C1 and its wrong results.
const (
	keyT  = "0123456789ABCDEFFEDCBA9876543210"
	c1One = "0723CD4CDDF25A1F8F3517EEABE482C9"
	c1Two = "227A6A90957517C2E22CBC934EC55187"
)

func spot(t *testing.T, hexKeys ...string) *hsm.SpotProber {
	t.Helper()
	live := secret.Live()
	var material []*secret.Bytes
	for _, h := range hexKeys {
		b, err := hex.DecodeString(h)
		if err != nil {
			t.Fatal(err)
		}
		material = append(material, secret.Take(b))
	}
	p := hsm.NewSpotProber(material)
	t.Cleanup(func() {
		if err := errors.Join(p.Close(), p.Close()); err != nil {
			t.Error(err)
		}
		if n := secret.Live(); n != live {
			t.Errorf("%d secrets are left, there were %d before", n, live)
		}
	})
	return p
}

func expect(t *testing.T, digits string) kcv.Expected {
	t.Helper()
	e, err := kcv.Parse(digits)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEveryExpressionGivesThePublishedValue(t *testing.T) {
	left, right := func(e hsm.Expr) hsm.Expr { return hsm.Slice{Of: e, To: 8} }, func(e hsm.Expr) hsm.Expr { return hsm.Slice{Of: e, From: 8, To: 16} }
	const tmk, pik = "CA5D92598DCA48CE8A4C76361A9269E9", "6701EAD6A9AD51E51AA406E2C27FCFA9"
	both := hsm.XOR{hsm.Part(0), hsm.Part(1)}
	unwrap := func(kek hsm.Expr, alg keys.Algorithm, mode hsm.CryptMode, encrypt bool) hsm.Expr {
		return hsm.Crypt{Of: hsm.Part(0), Key: kek, Algorithm: alg, Mode: mode, Encrypt: encrypt}
	}
	tests := []struct {
		name     string
		material []string
		expr     hsm.Expr
		alg      keys.Algorithm
		data     string
		want     string
	}{
		{"key", []string{keyT}, hsm.Part(0), keys.TDES128, "", "08D7B4FB629D0885"},
		{"left half", []string{keyT}, left(hsm.Part(0)), keys.DES, "", "D5D44F"},
		{"right half", []string{keyT}, right(hsm.Part(0)), keys.DES, "", "A68CDC"},
		{"halves swapped", []string{keyT}, hsm.Join{right(hsm.Part(0)), left(hsm.Part(0))}, keys.TDES128, "", "7B8358"},
		{"XOR", []string{c1One, c1Two}, both, keys.TDES128, "", "7FF5B8"},
		{"XOR, parity set", []string{c1One, c1Two}, hsm.FixParity{Of: both}, keys.TDES128, "", "7FF5B8"},
		{"last digit B for 9", []string{c1One, c1Two}, hsm.XOR{hsm.Edit{Of: hsm.Part(0), Digit: 31, Delta: 2}, hsm.Part(1)}, keys.TDES128, "", "8E51D8"},
		{"left of 1, right of 2", []string{c1One, c1Two}, hsm.Join{left(hsm.Part(0)), right(hsm.Part(1))}, keys.TDES128, "", "783D18"},
		{"left halves joined", []string{c1One, c1Two}, hsm.Join{left(hsm.Part(0)), left(hsm.Part(1))}, keys.TDES128, "", "C33D3D"},
		{"added", []string{c1One, c1Two}, hsm.Sum{hsm.Part(0), hsm.Part(1)}, keys.TDES128, "", "107050"},
		{"unwrapped", []string{pik, tmk}, unwrap(hsm.Part(1), keys.TDES128, hsm.ECB, false), keys.TDES128, "", "8D0A74B8"},
		{"unwrapped in CBC", []string{pik, tmk}, unwrap(hsm.Part(1), keys.TDES128, hsm.CBC, false), keys.TDES128, "", "BC308E85"},
		{"encrypted", []string{pik, tmk}, unwrap(hsm.Part(1), keys.TDES128, hsm.ECB, true), keys.TDES128, "", "955CF65A"},
		{"half of the TMK", []string{pik, tmk}, unwrap(left(hsm.Part(1)), keys.DES, hsm.ECB, false), keys.TDES128, "", "F98F076F"},
		{"variant 10", []string{pik, tmk}, unwrap(hsm.KeyXOR{Of: hsm.Part(1), Mask: 0x10}, keys.TDES128, hsm.ECB, false), keys.TDES128, "", "DFEC8D82"},
		{"first digits AC", []string{pik, tmk}, unwrap(hsm.Transpose{Of: hsm.Part(1)}, keys.TDES128, hsm.ECB, false), keys.TDES128, "", "19A1B00C"},
		{"ASCII zeros", []string{"F337CE3C64E02D96C61A9EC69E051D5A"}, hsm.Part(0), keys.TDES128, "00000000", "27D187"},
		{"0 and padding", []string{"F337CE3C64E02D96C61A9EC69E051D5A"}, hsm.Part(0), keys.TDES128, "0\x00\x00\x00\x00\x00\x00\x00", "6C3E10"},
		{"hex text", []string{"F337CE3C64E02D96C61A9EC69E051D5A"}, hsm.Slice{Of: hsm.Text{Of: hsm.Part(0)}, To: 24}, keys.TDES192, "", "BC9FA4"},
		{"zeros", nil, hsm.Zeros(16), keys.TDES128, "", "8CA64D"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := spot(t, tt.material...)
			q := hsm.Question{Expr: tt.expr, Algorithm: tt.alg, Method: kcv.ECBZero, Expected: expect(t, tt.want)}
			if tt.data != "" {
				q.Data = []byte(tt.data)
			}
			a, err := p.Probe(context.Background(), q)
			if err != nil || !a.Match || a.Value.Digits != tt.want || a.Digits != len(tt.want) {
				t.Errorf("answer %+v, error %v; want a match with %s", a, err, tt.want)
			}
			q.Expected = expect(t, "123456")
			if a, err = p.Probe(context.Background(), q); err != nil || a.Match {
				t.Errorf("answer %+v, error %v to a wrong value; want no match", a, err)
			}
		})
	}
}

func TestWithoutAnExpectedValueNothingMatches(t *testing.T) {
	p := spot(t, keyT)
	a, err := p.Probe(context.Background(), hsm.Question{Expr: hsm.Part(0), Algorithm: keys.TDES128, Method: kcv.ECBZero})
	if err != nil || a.Match || a.Value.Digits != "08D7B4" {
		t.Errorf("answer %+v, error %v; want the value 08D7B4 and no match", a, err)
	}
}

func TestIllFormedExpressionsAreRefused(t *testing.T) {
	p := spot(t, keyT, "0123456789ABCDEF")
	crypt := func(key hsm.Expr, alg keys.Algorithm, mode hsm.CryptMode) hsm.Expr {
		return hsm.Crypt{Of: hsm.Part(0), Key: key, Algorithm: alg, Mode: mode}
	}
	tests := map[string]struct {
		expr hsm.Expr
		want fault.Kind
	}{
		"piece that is not there":   {hsm.Part(2), fault.NotFound},
		"negative piece":            {hsm.Part(-1), fault.NotFound},
		"XOR of nothing":            {hsm.XOR{}, fault.Malformed},
		"XOR of unequal lengths":    {hsm.XOR{hsm.Part(0), hsm.Part(1)}, fault.MalformedLength},
		"sum of unequal lengths":    {hsm.Sum{hsm.Part(0), hsm.Part(1)}, fault.MalformedLength},
		"cut beyond the end":        {hsm.Slice{Of: hsm.Part(0), From: 8, To: 17}, fault.MalformedLength},
		"cut backwards":             {hsm.Slice{Of: hsm.Part(0), From: 8, To: 7}, fault.MalformedLength},
		"edit beyond the end":       {hsm.Edit{Of: hsm.Part(0), Digit: 32, Delta: 1}, fault.MalformedLength},
		"edit by more than a digit": {hsm.Edit{Of: hsm.Part(0), Digit: 0, Delta: 16}, fault.Malformed},
		"last digit has no next":    {hsm.Transpose{Of: hsm.Part(0), Digit: 31}, fault.MalformedLength},
		"cipher key too short":      {crypt(hsm.Part(1), keys.TDES128, hsm.ECB), fault.MalformedLength},
		"no cipher mode":            {crypt(hsm.Part(1), keys.DES, ""), fault.Malformed},
		"not whole blocks":          {hsm.Crypt{Of: hsm.Part(1), Key: hsm.Part(0), Algorithm: keys.SM4, Mode: hsm.ECB}, fault.MalformedLength},
		"too many zeros":            {hsm.Zeros(1 << 20), fault.MalformedLength},
		"too long a join":           {hsm.Join{hsm.Zeros(4096), hsm.Part(0)}, fault.MalformedLength},
		"inside another":            {hsm.FixParity{Of: hsm.KeyXOR{Of: hsm.Text{Of: hsm.Join{hsm.Part(7)}}}}, fault.NotFound},
		"nothing":                   {nil, fault.Malformed},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if n, err := p.Len(tt.expr); !fault.Is(err, tt.want) || n != 0 {
				t.Errorf("Len is %d, error %v; want kind %s", n, err, tt.want)
			}
			a, err := p.Probe(context.Background(), hsm.Question{Expr: tt.expr, Algorithm: keys.TDES128, Method: kcv.ECBZero})
			if !fault.Is(err, tt.want) || a != (hsm.Answer{}) {
				t.Errorf("answer %+v, error %v; want kind %s", a, err, tt.want)
			}
			if _, err := p.Parity(context.Background(), tt.expr); !fault.Is(err, tt.want) {
				t.Errorf("Parity: error %v; want kind %s", err, tt.want)
			}
		})
	}
}

func TestIllFormedQuestionsAreRefused(t *testing.T) {
	p := spot(t, keyT)
	tests := map[string]struct {
		q    hsm.Question
		want fault.Kind
	}{
		"key of another length": {hsm.Question{Expr: hsm.Part(0), Algorithm: keys.TDES192, Method: kcv.ECBZero}, fault.MalformedLength},
		"data with CMAC":        {hsm.Question{Expr: hsm.Part(0), Algorithm: keys.TDES128, Method: kcv.CMAC, Data: make([]byte, 8)}, fault.Usage},
		"data of half a block":  {hsm.Question{Expr: hsm.Part(0), Algorithm: keys.SM4, Method: kcv.ECBZero, Data: make([]byte, 8)}, fault.MalformedLength},
		"no such method":        {hsm.Question{Expr: hsm.Part(0), Algorithm: keys.TDES128, Method: kcv.ECBOne}, fault.Usage},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if a, err := p.Probe(context.Background(), tt.q); !fault.Is(err, tt.want) || a != (hsm.Answer{}) {
				t.Errorf("answer %+v, error %v; want kind %s", a, err, tt.want)
			}
		})
	}
}

func TestAStoppedContextStopsTheSearch(t *testing.T) {
	p := spot(t, keyT)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := p.Probe(ctx, hsm.Question{Expr: hsm.Part(0), Algorithm: keys.TDES128, Method: kcv.ECBZero})
	if !fault.Is(err, fault.Interrupted) {
		t.Errorf("error %v; want kind %s", err, fault.Interrupted)
	}
}

func TestDigitsCountFromOne(t *testing.T) {
	p := spot(t, keyT)
	for i, want := range []byte(keyT) {
		if got, err := p.Digit(hsm.Part(0), i+1); err != nil || got != want {
			t.Errorf("digit %d is %c, error %v; want %c", i+1, got, err, want)
		}
	}
	for _, n := range []int{0, 33} {
		if _, err := p.Digit(hsm.Part(0), n); !fault.Is(err, fault.MalformedLength) {
			t.Errorf("digit %d: error %v; want kind %s", n, err, fault.MalformedLength)
		}
	}
}

func TestParityIsToldOfWhatIsFormed(t *testing.T) {
	// V7i: two odd-parity components always XOR to all-even parity.
	p := spot(t, "0E1570C846D9E9580DB6ADD6AE7F6798", "8AC7230489E90101F1E0D3C2B5A49786")
	both := hsm.XOR{hsm.Part(0), hsm.Part(1)}
	for _, tt := range []struct {
		expr hsm.Expr
		want keys.Parity
	}{
		{hsm.Part(0), keys.ParityOdd}, {both, keys.ParityEven}, {hsm.FixParity{Of: both}, keys.ParityOdd},
		{hsm.Edit{Of: hsm.Part(0), Digit: 3, Delta: 1}, keys.ParityMixed},
	} {
		if got, err := p.Parity(context.Background(), tt.expr); err != nil || got != tt.want {
			t.Errorf("parity of %v is %q, error %v; want %q", tt.expr, got, err, tt.want)
		}
	}
}

func TestTwentyThousandQuestionsTakeUnderASecond(t *testing.T) {
	p := spot(t, c1One, c1Two)
	began := time.Now()
	for i := range 20000 {
		q := hsm.Question{
			Expr:      hsm.Edit{Of: hsm.XOR{hsm.Part(0), hsm.Part(1)}, Digit: i % 32, Delta: byte(i%15) + 1},
			Algorithm: keys.TDES128, Method: kcv.ECBZero, Expected: kcv.Expected{Digits: "123456"},
		}
		if _, err := p.Probe(context.Background(), q); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took > 5*time.Second { // the race detector on a busy machine included
		t.Errorf("20,000 questions took %v", took)
	}
}

func BenchmarkProbe(b *testing.B) {
	one, _ := hex.DecodeString(c1One)
	two, _ := hex.DecodeString(c1Two)
	p := hsm.NewSpotProber([]*secret.Bytes{secret.Take(one), secret.Take(two)})
	defer func() { _ = p.Close() }()
	q := hsm.Question{
		Expr:      hsm.Edit{Of: hsm.XOR{hsm.Part(0), hsm.Part(1)}, Digit: 17, Delta: 5},
		Algorithm: keys.TDES128, Method: kcv.ECBZero, Expected: kcv.Expected{Digits: "123456"},
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Probe(context.Background(), q); err != nil {
			b.Fatal(err)
		}
	}
}
