package component

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

func TestEverySplitCombinesInEveryOrder(t *testing.T) {
	noLeaks(t)
	for _, alg := range keys.Named() {
		key := newKey(t, "order "+string(alg), alg)
		for n := MinParts; n <= 5; n++ {
			parts := split(t, fmt.Sprint(n), key, Spec{Scheme: XOR, Parts: n})
			orders(parts, func(parts []*Part) { mustSame(t, combine(t, alg, parts), key) })
		}
	}
}

func TestUpToNinePartsCombine(t *testing.T) {
	noLeaks(t)
	key := newKey(t, "nine", keys.AES256)
	for n := MinParts; n <= MaxParts; n++ {
		parts := split(t, fmt.Sprint(n), key, Spec{Scheme: XOR, Parts: n, Threshold: n})
		mustSame(t, combine(t, "", parts), key)
		bareParts := make([]*Part, n)
		for i, p := range parts {
			bareParts[n-1-i] = bare(t, keys.AES256, fmt.Sprintf("%x", p.Value.Expose()))[0]
		}
		mustSame(t, combine(t, keys.AES256, bareParts), key)
	}
}

func TestHMACKeysOfAnyLengthSplit(t *testing.T) {
	noLeaks(t)
	for n := minBytes; n <= maxBytes; n++ {
		sec, err := secret.Read(newDRBG("hmac"), n)
		if err != nil {
			t.Fatal(err)
		}
		key, err := keys.New(keys.HMACSHA256, sec)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(key.Wipe)
		for _, spec := range []Spec{{Scheme: XOR, Parts: 3}, {Scheme: Shamir, Parts: 3, Threshold: 2}} {
			var back []*Part
			for _, p := range split(t, fmt.Sprint(n), key, spec) {
				back = append(back, parse(t, sheetOf(t, p)))
			}
			mustSame(t, combine(t, keys.HMACSHA256, back), key)
		}
	}
}

func TestPartsSayWhatTheyAre(t *testing.T) {
	noLeaks(t)
	key := newKey(t, "labels", keys.TDES192)
	parts := split(t, "labels", key, Spec{Scheme: Shamir, Parts: 4, Threshold: 3})
	want, err := kcv.Of(keys.TDES192, key.Secret().Expose(), kcv.ECBZero, 6)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range parts {
		own, err := kcv.Of(keys.TDES192, p.Value.Expose(), kcv.ECBZero, 6)
		if err != nil {
			t.Fatal(err)
		}
		if p.Index != i+1 || p.Of != 4 || p.Threshold != 3 || p.Scheme != Shamir || p.Algorithm != keys.TDES192 ||
			p.Set != parts[0].Set || !validSet(p.Set) || p.KeyCheck != want || p.Check != own {
			t.Errorf("part %d is %+v", i+1, p)
		}
	}
	other := split(t, "other", key, Spec{Scheme: XOR, Parts: 2})
	if other[0].Set == parts[0].Set {
		t.Error("two splits have the same set")
	}
	if other[0].Threshold != 2 {
		t.Errorf("the threshold of two XOR components is %d", other[0].Threshold)
	}
}

// chiSquare measures how far counts are from equal ones, over the classes allowed.
func chiSquare(counts [256]int, allowed func(byte) bool) (sum float64, freedom int) {
	total, classes := 0, 0
	for v, n := range counts {
		if allowed(byte(v)) {
			total += n
			classes++
		}
	}
	want := float64(total) / float64(classes)
	for v, n := range counts {
		if allowed(byte(v)) {
			sum += (float64(n) - want) * (float64(n) - want) / want
		}
	}
	return sum, classes - 1
}

// uniform takes six standard deviations for chance; the seeds are fixed, so it is the same every time.
func uniform(counts [256]int, allowed func(byte) bool) error {
	for v, n := range counts {
		if n > 0 && !allowed(byte(v)) {
			return fmt.Errorf("byte %02X must not occur", v)
		}
	}
	sum, freedom := chiSquare(counts, allowed)
	if limit := float64(freedom) + 6*math.Sqrt(2*float64(freedom)); sum > limit {
		return fmt.Errorf("chi-square is %.0f, limit %.0f", sum, limit)
	}
	return nil
}

func anyByte(byte) bool   { return true }
func oddByte(b byte) bool { return keys.ParityOf([]byte{b}) == keys.ParityOdd }

const splits = 1000

// TestEveryPartAloneIsUniform also looks at what all parts but one add up to: n-1 custodians together know nothing.
func TestEveryPartAloneIsUniform(t *testing.T) {
	noLeaks(t)
	key := keyOf(t, keys.TDES128, "0123456789ABCDEFFEDCBA9876543210") // a key whose bytes would stand out
	for n := MinParts; n <= MaxParts; n++ {
		for _, odd := range []bool{false, true} {
			alone, others := countBytes(t, key, Spec{Scheme: XOR, Parts: n, OddParity: odd})
			for i := range n {
				allowed, allowedSum := anyByte, anyByte
				if odd {
					allowed = oddByte
					allowedSum = func(b byte) bool { return oddByte(b) == (n%2 == 0) }
				}
				if err := uniform(alone[i], allowed); err != nil {
					t.Errorf("part %d of %d, odd parity %t: %v", i+1, n, odd, err)
				}
				if err := uniform(others[i], allowedSum); err != nil {
					t.Errorf("all but part %d of %d, odd parity %t: %v", i+1, n, odd, err)
				}
			}
		}
	}
}

func TestEveryShareAloneIsUniform(t *testing.T) {
	noLeaks(t)
	key := keyOf(t, keys.AES128, "00000000000000010000000000000001")
	for _, m := range []int{2, 3, 5} {
		alone, _ := countBytes(t, key, Spec{Scheme: Shamir, Parts: 5, Threshold: m})
		for i, counts := range alone {
			if err := uniform(counts, anyByte); err != nil {
				t.Errorf("share %d, threshold %d: %v", i+1, m, err)
			}
		}
	}
}

// countBytes counts the bytes of each part, and of the XOR of all other parts, over many splits.
func countBytes(t *testing.T, key *keys.Key, spec Spec) (alone, others [MaxParts][256]int) {
	t.Helper()
	env := testEnv(fmt.Sprintf("%+v", spec))
	sum := make([]byte, key.Len())
	for range splits {
		parts, err := Split(env, key, spec)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range parts {
			addUp(sum, parts, ^(1 << i))
			for k, v := range p.Value.Expose() {
				alone[i][v]++
				others[i][sum[k]]++
			}
		}
		WipeAll(parts)
	}
	return alone, others
}

// TestTheUniformityTestCanFail shows the measure what it has to find.
func TestTheUniformityTestCanFail(t *testing.T) {
	var fair, zeroHeavy, noOnes [256]int
	b := make([]byte, 16*splits)
	_, _ = newDRBG("fair").Read(b)
	for i, v := range b {
		fair[v]++
		noOnes[v&^1]++
		if i%50 == 0 {
			v = 0
		}
		zeroHeavy[v]++
	}
	if err := uniform(fair, anyByte); err != nil {
		t.Errorf("fair bytes: %v", err)
	}
	if uniform(zeroHeavy, anyByte) == nil {
		t.Error("two bytes in a hundred forced to zero pass")
	}
	if uniform(noOnes, anyByte) == nil {
		t.Error("bytes without the lowest bit pass")
	}
	if uniform(fair, oddByte) == nil {
		t.Error("bytes of any parity pass as odd")
	}
}

func TestOddParityComponentsGiveTheKeyUpToParity(t *testing.T) {
	noLeaks(t)
	for _, alg := range []keys.Algorithm{keys.DES, keys.TDES128, keys.TDES192} {
		key := newKey(t, "parity "+string(alg), alg) // odd parity
		for n := MinParts; n <= MaxParts; n++ {
			parts := split(t, fmt.Sprint(n), key, Spec{Scheme: XOR, Parts: n, OddParity: true})
			for _, p := range parts {
				if keys.ParityOf(p.Value.Expose()) != keys.ParityOdd {
					t.Fatalf("%s: part %d of %d has parity %s", alg, p.Index, n, keys.ParityOf(p.Value.Expose()))
				}
			}
			back := combine(t, alg, parts)
			if n%2 == 1 {
				mustSame(t, back, key)
				continue
			}
			if back.Parity() != keys.ParityEven {
				t.Errorf("%s: %d components give parity %s, want even", alg, n, back.Parity())
			}
			keys.FixParity(back.Secret().Expose())
			mustSame(t, back, key)
		}
	}
}

func TestMixedParityIsKept(t *testing.T) {
	noLeaks(t)
	key := keyOf(t, keys.TDES128, c1Key)
	if key.Parity() != keys.ParityMixed {
		t.Fatalf("the key has parity %s, this test needs mixed", key.Parity())
	}
	parts := split(t, "mixed", key, Spec{Scheme: XOR, Parts: 2})
	mustSame(t, combine(t, keys.TDES128, parts), key)
}

func TestImpossibleSpecsAreRefused(t *testing.T) {
	noLeaks(t)
	tdes, aes := newKey(t, "t", keys.TDES128), newKey(t, "a", keys.AES128)
	cases := []struct {
		key  *keys.Key
		spec Spec
		says string
	}{
		{tdes, Spec{Parts: 3}, "unknown scheme"},
		{tdes, Spec{Scheme: "concat", Parts: 2}, "unknown scheme"},
		{tdes, Spec{Scheme: XOR}, "2 to 9 parts, not 0"},
		{tdes, Spec{Scheme: XOR, Parts: 1}, "2 to 9 parts, not 1"},
		{tdes, Spec{Scheme: XOR, Parts: 10}, "2 to 9 parts, not 10"},
		{tdes, Spec{Scheme: XOR, Parts: 3, Threshold: 2}, "XOR needs all 3 parts"},
		{tdes, Spec{Scheme: Shamir, Parts: 3}, "threshold is 0, want 2 to 3"},
		{tdes, Spec{Scheme: Shamir, Parts: 3, Threshold: 1}, "threshold is 1"},
		{tdes, Spec{Scheme: Shamir, Parts: 3, Threshold: 4}, "threshold is 4"},
		{tdes, Spec{Scheme: Shamir, Parts: 10, Threshold: 4}, "2 to 9 parts, not 10"},
		{tdes, Spec{Scheme: Shamir, Parts: 3, Threshold: 2, OddParity: true}, "cannot have odd parity"},
		{aes, Spec{Scheme: XOR, Parts: 3, OddParity: true}, "aes-128 have no parity bits"},
	}
	for _, c := range cases {
		parts, err := Split(testEnv("x"), c.key, c.spec)
		mustFail(t, err, fault.Usage, c.says)
		if parts != nil {
			t.Errorf("%+v: parts beside an error", c.spec)
		}
	}
}

func TestKeysThatCannotBeSplit(t *testing.T) {
	noLeaks(t)
	cases := []struct {
		alg    keys.Algorithm
		digits string
		kind   fault.Kind
	}{
		{keys.AES128, "00000000000000000000000000000000", fault.WeakKey},
		{keys.TDES128, "01010101010101010101010101010101", fault.WeakKey}, // zero but for parity
		{keys.HMACSHA256, "01020304050607", fault.MalformedLength},
		{keys.HMACSHA512, fmt.Sprintf("%0130X", 7), fault.MalformedLength},
		{keys.RSA, c1Key, fault.Usage},
		{keys.Raw, c1Key, fault.Usage},
	}
	for _, c := range cases {
		for _, spec := range []Spec{{Scheme: XOR, Parts: 2}, {Scheme: Shamir, Parts: 3, Threshold: 2}} {
			_, err := Split(testEnv("x"), keyOf(t, c.alg, c.digits), spec)
			mustFail(t, err, c.kind)
		}
	}
}

// failReader fails after some bytes, as a random source that dies.
type failReader struct{ left int }

func (r *failReader) Read(b []byte) (int, error) {
	if r.left == 0 {
		return 0, errors.New("no more randomness")
	}
	n := min(len(b), r.left)
	r.left -= n
	for i := range b[:n] {
		b[i] = byte(r.left + i*i)
	}
	return n, nil
}

func TestDeadRandomSourceIsAnError(t *testing.T) {
	noLeaks(t)
	key := newKey(t, "dead", keys.AES128)
	for left := range 20 {
		_, err := Split(keys.Env{Rand: &failReader{left}}, key, Spec{Scheme: XOR, Parts: 2})
		mustFail(t, err, fault.Failure, "no more randomness")
	}
}

func TestStuckRandomSourceIsAnError(t *testing.T) {
	noLeaks(t)
	key := newKey(t, "stuck", keys.AES128)
	for _, spec := range []Spec{{Scheme: XOR, Parts: 3}, {Scheme: Shamir, Parts: 3, Threshold: 2}} {
		_, err := Split(keys.Env{Rand: zeros{}}, key, spec)
		mustFail(t, err, fault.Failure, "16 unusable draws")
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// TestRefusedDrawsAreRedrawn feeds draws that Combine would refuse; the parts must come from the good one after them.
func TestRefusedDrawsAreRedrawn(t *testing.T) {
	noLeaks(t)
	key := keyOf(t, keys.TDES128, c1Key)
	good := unhex(t, c1Part1+c3Part1)
	bad := map[string][]byte{
		"zero part":            append(make([]byte, 16), unhex(t, c3Part1)...),
		"equal parts":          unhex(t, c3Part1+c3Part1),
		"equal but for parity": unhex(t, c1Part1+c1Part1[:31]+"8"),
		"part equal to key":    unhex(t, c1Key+c3Part1),
		"last part zero":       unhex(t, c1Part1+c1Part2),
		"filled half":          unhex(t, c1Part1+c1Part2[:16]+"0000000000000000"),
		"published":            unhex(t, "0123456789ABCDEFFEDCBA9876543210"+c3Part1),
	}
	set := []byte{1, 2, 3, 4}
	want := split2(t, key, bytes.NewReader(append(append([]byte(nil), set...), good...)))
	for name, draw := range bad {
		stream := append(append(append([]byte(nil), set...), draw...), good...)
		got := split2(t, key, bytes.NewReader(stream))
		for i := range got {
			if !got[i].Value.Equal(want[i].Value) {
				t.Errorf("%s: part %d was not redrawn", name, i+1)
			}
		}
	}
}

// TestDrawsWhosePartsCancelOutAreRedrawn: with five parts, three may cancel out without two being equal.
func TestDrawsWhosePartsCancelOutAreRedrawn(t *testing.T) {
	noLeaks(t)
	key := keyOf(t, keys.AES128, c1Key)
	stream := unhex(t, "01020304"+r1+r2+xorHex(t, r1, r2)+r3+r1+r2+r3+r4)
	parts, err := Split(keys.Env{Rand: bytes.NewReader(stream)}, key, Spec{Scheme: XOR, Parts: 5})
	if err != nil {
		t.Fatal(err)
	}
	defer WipeAll(parts)
	if got := fmt.Sprintf("%X", parts[3].Value.Expose()); got != r4 {
		t.Error("the parts are not those of the second draw")
	}
}

// TestCheckValuesNameOnePart looks for two values with the same check value, of which there is a pair among some
// thousand, and deals them as two parts and as a part and the key.
func TestCheckValuesNameOnePart(t *testing.T) {
	noLeaks(t)
	a, b := sameCheckValue(t)
	for _, c := range []struct{ key, draw string }{{c1Key, a + b}, {a, b + r1}} {
		stream := unhex(t, "01020304"+c.draw+r1+r2)
		parts := split2(t, keyOf(t, keys.AES128, c.key), bytes.NewReader(stream))
		if got := fmt.Sprintf("%X", parts[1].Value.Expose()); got != r2 {
			t.Error("the parts are not those of the second draw")
		}
	}
}

func sameCheckValue(t *testing.T) (a, b string) {
	t.Helper()
	seen := map[string]string{}
	value := make([]byte, 16)
	random := newDRBG("same check value")
	for range 50000 {
		_, _ = random.Read(value)
		digits := fmt.Sprintf("%X", value)
		check := checkOf(t, keys.AES128, digits, kcv.CMAC)
		if other, ok := seen[check]; ok {
			return other, digits
		}
		seen[check] = digits
	}
	t.Fatal("no two values have the same check value")
	return "", ""
}

func split2(t *testing.T, key *keys.Key, random *bytes.Reader) []*Part {
	t.Helper()
	parts, err := Split(keys.Env{Rand: random}, key, Spec{Scheme: XOR, Parts: 3})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { WipeAll(parts) })
	return parts
}

func TestPartsNeverPrintTheirValue(t *testing.T) {
	noLeaks(t)
	p := split(t, "print", newKey(t, "print", keys.AES128), Spec{Scheme: XOR, Parts: 2})[0]
	digits := fmt.Sprintf("%X", p.Value.Expose())
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%d"} {
		for _, arg := range []any{p, *p} {
			if text := fmt.Sprintf(format, arg); bytes.Contains(bytes.ToUpper([]byte(text)), []byte(digits[:8])) {
				t.Errorf("%s prints the value", format)
			}
		}
	}
}

// TestSplitHandsOutOnlyWhatCombines goes past the drawing, which never gets it wrong, to the proof after it.
func TestSplitHandsOutOnlyWhatCombines(t *testing.T) {
	noLeaks(t)
	key, other := newKey(t, "proof", keys.AES128), newKey(t, "other", keys.AES128)
	spec := Spec{Scheme: XOR, Parts: 2}
	parts := split(t, "proof", key, spec)
	got, err := proven(parts, other, spec)
	mustFail(t, err, fault.Bug, "do not give the key back")
	if got != nil || parts[0].Value.Len() != 0 {
		t.Error("parts that do not combine are handed out")
	}
	parts = split(t, "proof", key, spec)
	parts[1].Value.Expose()[0] ^= 1
	_, err = proven(parts, key, spec)
	mustFail(t, err, fault.Bug, "the parts do not combine", "its check value is")
	if parts[0].Value.Len() != 0 {
		t.Error("parts that do not combine are not wiped")
	}
}
