package keys

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"

	"poskey/internal/fault"
)

func TestGeneratedKeysAreWholeSoundAndOfOddParity(t *testing.T) {
	noLeaks(t)
	for _, a := range Named() {
		random, seen := seeded(string(a)), map[string]bool{}
		for range 300 {
			k, err := Generate(random, a)
			if err != nil {
				t.Fatalf("%s: %v", a, err)
			}
			if k.Algorithm() != a || k.Len() != a.DefaultLen() {
				t.Fatalf("%s: got %s of %d bytes", a, k.Algorithm(), k.Len())
			}
			if w := k.Weaknesses(); w != nil {
				t.Errorf("%s: a weak key: %v", a, w)
			}
			if a.IsDES() && k.Parity() != ParityOdd {
				t.Errorf("%s: parity %s", a, k.Parity())
			}
			if seen[string(k.Secret().Expose())] {
				t.Errorf("%s: the same key twice", a)
			}
			seen[string(k.Secret().Expose())] = true
			k.Wipe()
		}
	}
}

// TestEveryKeyBitIsDrawn: each bit of a key is one about half the time; a bit that is fixed or forgotten stands out.
func TestEveryKeyBitIsDrawn(t *testing.T) {
	noLeaks(t)
	const draws = 4000
	limit := 6 * math.Sqrt(draws) / 2 // six sigma; the source is seeded, so the test does the same every time
	for _, a := range []Algorithm{DES, TDES192, AES256, SM4, HMACSHA512} {
		random := seeded("bits of " + string(a))
		ones := make([]int, 8*a.DefaultLen())
		for range draws {
			k, err := Generate(random, a)
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range k.Secret().Expose() {
				for bit := range 8 {
					ones[8*i+bit] += int(v >> bit & 1)
				}
			}
			k.Wipe()
		}
		for i, n := range ones {
			if math.Abs(float64(n)-draws/2) > limit {
				t.Errorf("%s: bit %d is one in %d of %d keys", a, i, n, draws)
			}
		}
	}
}

func TestKeysAreTheBytesThatWereDrawn(t *testing.T) {
	noLeaks(t)
	drawn := []byte("0aB#zU-17&kkQ!.d8sD8fgj3lPe0wwRt")
	k, err := Generate(bytes.NewReader(drawn), AES256)
	if err != nil || !bytes.Equal(k.Secret().Expose(), drawn) {
		t.Errorf("AES: other bytes than those drawn: %v", err)
	}
	k.Wipe()
	k, err = Generate(bytes.NewReader(drawn), TDES192)
	if err != nil || !equalIgnoringParity(k.Secret().Expose(), drawn[:24]) {
		t.Errorf("TDES: other bytes than those drawn: %v", err)
	}
	k.Wipe()
}

func TestFailingSourceGivesNoKey(t *testing.T) {
	noLeaks(t)
	broken := errors.New("no entropy")
	for _, a := range Named() {
		for name, c := range map[string]struct {
			r    io.Reader
			want error
		}{
			"broken":     {iotest.ErrReader(broken), broken},
			"empty":      {strings.NewReader(""), io.EOF},
			"a byte off": {io.LimitReader(seeded("short"), int64(a.DefaultLen())-1), io.ErrUnexpectedEOF},
		} {
			k, err := Generate(c.r, a)
			if k != nil || !errors.Is(err, c.want) {
				t.Errorf("%s, %s: got %v, %v", a, name, k, err)
			}
			wantKind(t, err, fault.Failure)
			if !strings.Contains(err.Error(), string(a)) {
				t.Errorf("%s, %s: the error does not say what was made: %v", a, name, err)
			}
		}
	}
}

func TestAlgorithmWithoutALengthIsNotGenerated(t *testing.T) {
	noLeaks(t)
	for _, a := range []Algorithm{RSA, EC, DSA, Raw, "nonsense"} {
		if k, err := Generate(seeded("x"), a); k != nil || err == nil {
			t.Errorf("%s: got %v, %v", a, k, err)
		}
	}
}

func TestTenWeakDrawsAreABrokenSource(t *testing.T) {
	noLeaks(t)
	for _, a := range Named() {
		zeros := make([]byte, 10*a.DefaultLen())
		k, err := Generate(bytes.NewReader(zeros), a)
		if k != nil {
			t.Errorf("%s: a key out of zeros", a)
		}
		wantKind(t, err, fault.Failure)
		if !strings.Contains(err.Error(), "broken") {
			t.Errorf("%s: %v", a, err)
		}
		k, err = Generate(io.MultiReader(bytes.NewReader(zeros[a.DefaultLen():]), seeded("tenth")), a)
		if err != nil || len(k.Weaknesses()) != 0 {
			t.Errorf("%s: the tenth draw is good, but: %v", a, err)
		}
		k.Wipe()
	}
}
