package component

import (
	"fmt"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// Random values without meaning, for parts whose relations a test makes up.
const (
	r1 = "5C1F7E0A93B24D6886E1D02B47F59A3C"
	r2 = "A7640B3DE8129F5570C38E16DBA42F91"
	r3 = "19D3C5784A06BEF1E25B7D9034C86A0F"
	r4 = "E0482D96B7713CA5543FA801CE691BD7"
	r5 = "73F90E21584DD6AC0B95C73AF2E81064"
)

func xorHex(t *testing.T, digits ...string) string {
	t.Helper()
	sum := make([]byte, len(digits[0])/2)
	for _, d := range digits {
		for i, v := range unhex(t, d) {
			sum[i] ^= v
		}
	}
	return fmt.Sprintf("%X", sum)
}

func flipParity(t *testing.T, digits string) string {
	t.Helper()
	return xorHex(t, digits, strings.Repeat("01", len(digits)/2))
}

func TestPartsThatAreRefused(t *testing.T) {
	zero, tdes, aes := strings.Repeat("00", 16), keys.TDES128, keys.AES128
	cases := []struct {
		name  string
		alg   keys.Algorithm
		parts []string
		says  string
	}{
		{"zero", aes, []string{r1, zero, r2}, "part 2: it is zero"},
		{"zero but for parity", tdes, []string{r1, r2, strings.Repeat("01", 16)}, "part 3: it is zero"},
		{"all ones", aes, []string{strings.Repeat("FF", 16), r1}, "part 1: it adds no secrecy"},
		{"a short pattern", aes, []string{r1, strings.Repeat("A5C3", 8)}, "part 2: it adds no secrecy"},
		{"counting", aes, []string{r1, "101112131415161718191A1B1C1D1E1F"}, "part 2: it adds no secrecy"},
		{"published", tdes, []string{"0123456789ABCDEFFEDCBA9876543210", r1}, "part 1: it adds no secrecy"},
		{"a half twice", tdes, []string{r1, r2[:16] + flipParity(t, r2[:16])}, "part 2: it adds no secrecy"},
		{"left half, filled up", tdes, []string{r1[:16] + zero[:16], zero[:16] + r2[:16]}, "part 1: eight bytes in a row"},
		{"right half, filled up", aes, []string{r2, strings.Repeat("FF", 8) + r1[:16]}, "PCI PIN 12-4"},
		{"middle third, filled up", keys.TDES192, []string{r1 + r2[:16], r3[:16] + zero[:16] + r3[16:]},
			"part 2: eight bytes"},
		{"equal", aes, []string{r1, r1}, "parts 1 and 2 are equal"},
		{"equal but for parity", tdes, []string{r1, r2, flipParity(t, r1)}, "parts 1 and 3 are equal"},
		{"equal to the key", aes, []string{r1, r2, r3, xorHex(t, r1, r3)}, "part 2 equals the combined key"},
		{"equal to the key but for parity", tdes, []string{r1, r2, flipParity(t, xorHex(t, r1, r2)), r4}, "part 4 equals"},
		{"zero key", aes, []string{r1, r2, xorHex(t, r1, r2)}, "the combined key would be zero"},
		{"some cancel out", aes, []string{r1, r2, r4, xorHex(t, r1, r4), r5}, "parts 1, 3, 4 cancel out: parts 2, 5 alone"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			noLeaks(t)
			k, err := Combine(c.alg, bare(t, c.alg, c.parts...))
			mustFail(t, err, fault.PartRefused, c.says)
			if k != nil {
				t.Error("a key beside an error")
			}
		})
	}
}

// TestParityDifferencesMatterOutsideDES: for AES every bit counts, so the same values are no reason to refuse.
func TestParityDifferencesMatterOutsideDES(t *testing.T) {
	noLeaks(t)
	combine(t, keys.AES128, bare(t, keys.AES128, r1, r2, flipParity(t, r1)))
	combine(t, keys.AES128, bare(t, keys.AES128, r1, r2[:16]+flipParity(t, r2[:16])))
}

func TestAllowWeakTakesTestPartsButNoTricks(t *testing.T) {
	noLeaks(t)
	opts := Options{AllowWeak: true}
	ones, twos, zero := strings.Repeat("11", 16), strings.Repeat("22", 16), strings.Repeat("00", 16)
	for _, parts := range [][]string{{ones, twos}, {zero, r1, r2}, {r1[:16] + zero[:16], r2}} {
		k, err := CombineWith(keys.AES128, bare(t, keys.AES128, parts...), opts)
		if err != nil {
			t.Fatal(err)
		}
		want := secret.Take(unhex(t, xorHex(t, parts...)))
		if !k.Secret().Equal(want) {
			t.Error("the combined key is wrong")
		}
		want.Wipe()
		k.Wipe()
	}
	for _, parts := range [][]string{{ones, ones}, {zero, r1}, {ones, twos, strings.Repeat("33", 16)}} {
		_, err := CombineWith(keys.AES128, bare(t, keys.AES128, parts...), opts)
		mustFail(t, err, fault.PartRefused)
	}
}

func TestLengthsAreHeldAgainstTheKeys(t *testing.T) {
	noLeaks(t)
	cases := []struct {
		alg    keys.Algorithm
		digits string
		kind   fault.Kind
		says   string
	}{
		{keys.TDES128, r1[:16], fault.PartRefused, "16 hex digits, only a part of the 32 of a tdes-128 key"},
		{keys.TDES192, r1[:16], fault.PartRefused, "16 hex digits, only a part of the 48"},
		{keys.TDES192, r1[:24], fault.PartRefused, "halves are never joined (PCI PIN 12-4)"},
		{keys.AES256, r1, fault.PartRefused, "32 hex digits, only a part of the 64"},
		{keys.DES, r1[:8], fault.PartRefused, "8 hex digits, only a part of the 16"},
		{keys.TDES192, r1, fault.MalformedLength, "it has 16 bytes (32 hex digits), a part of a tdes-192 key has 24 bytes"},
		{keys.AES128, r1 + "00", fault.MalformedLength, "17 bytes"},
		{keys.AES128, "", fault.MalformedLength, "it is empty"},
		{keys.HMACSHA256, r1[:14], fault.MalformedLength, "8 to 64"},
		{keys.HMACSHA256, strings.Repeat(r1, 5), fault.MalformedLength, "80 bytes"},
		{keys.RSA, r1, fault.Usage, `keys for "rsa" cannot be cut`},
		{"", r1, fault.Usage, "cannot be cut"},
		{"hmac-md5", r1, fault.Usage, "cannot be cut"},
	}
	for _, c := range cases {
		p, err := Bare(c.alg, secret.Take(unhex(t, c.digits)))
		mustFail(t, err, c.kind, c.says)
		if p != nil {
			t.Error("a part beside an error")
		}
		value := secret.Take(unhex(t, c.digits))
		byHand := &Part{Scheme: XOR, Algorithm: c.alg, Value: value}
		_, err = Combine(c.alg, []*Part{byHand, byHand})
		mustFail(t, err, c.kind, "part 1: ", c.says)
		value.Wipe()
	}
	_, err := Combine(keys.HMACSHA1, bare(t, keys.HMACSHA1, r1, r2, r3[:20]))
	mustFail(t, err, fault.MalformedLength, "part 3: it has 10 bytes", "the first part has 16 bytes")
}

func TestLostSheetIsNamed(t *testing.T) {
	noLeaks(t)
	key := newKey(t, "lost", keys.TDES128)
	parts := split(t, "lost", key, Spec{Scheme: XOR, Parts: 4})
	set := parts[0].Set
	_, err := Combine("", []*Part{parts[3], parts[0], parts[2]})
	mustFail(t, err, fault.PartMissing, "part 2 of 4 of set "+set+" is missing")
	_, err = Combine("", []*Part{parts[3], parts[1]})
	mustFail(t, err, fault.PartMissing, "parts 1, 3 of 4 of set "+set+" are missing")
	_, err = Combine("", []*Part{parts[1]})
	mustFail(t, err, fault.PartMissing, "parts 1, 3, 4 of 4 of set "+set)
	_, err = Combine(keys.TDES128, append(bare(t, keys.TDES128, r1), parts[1], parts[3]))
	mustFail(t, err, fault.PartMissing, "3 parts were given, set "+set+" has 4; there are no sheets of parts 1, 3")
	_, err = Combine(keys.TDES128, nil)
	mustFail(t, err, fault.PartMissing, "no parts")
}

func TestSheetUsedTwiceIsNamed(t *testing.T) {
	noLeaks(t)
	for _, spec := range []Spec{{Scheme: XOR, Parts: 3}, {Scheme: Shamir, Parts: 3, Threshold: 2}} {
		parts := split(t, "twice", newKey(t, "twice", keys.SM4), spec)
		_, err := Combine("", []*Part{parts[1], parts[0], copyOf(t, parts[1])})
		mustFail(t, err, fault.PartRefused, "part 2 of 3 of set "+parts[0].Set+": it was given twice")
	}
}

func TestForeignSheetIsNamed(t *testing.T) {
	noLeaks(t)
	key := newKey(t, "foreign", keys.AES128)
	parts := split(t, "set one", key, Spec{Scheme: XOR, Parts: 3})
	other := split(t, "set two", key, Spec{Scheme: XOR, Parts: 3})
	_, err := Combine("", []*Part{other[0], parts[1], parts[2]})
	mustFail(t, err, fault.PartForeign, "part 1 of 3 of set "+other[0].Set, "does not belong to set "+parts[0].Set)

	change := func(f func(*Part)) []*Part {
		odd := copyOf(t, parts[0])
		f(odd)
		return []*Part{odd, parts[1], parts[2]}
	}
	cases := map[string][]*Part{
		"its scheme is shamir":                    change(func(p *Part) { p.Scheme, p.Threshold = Shamir, 2 }),
		"its algorithm is sm4":                    change(func(p *Part) { p.Algorithm = keys.SM4; _ = p.addCheck() }),
		"its sheet speaks of 4 parts":             change(func(p *Part) { p.Of, p.Threshold = 4, 4 }),
		"gives the key's check value as 123456 (": change(func(p *Part) { p.KeyCheck.Digits = "123456" }),
	}
	cases["its algorithm is sm4"][0].KeyCheck.Method = kcv.ECBZero
	for says, given := range cases {
		_, err := Combine("", given)
		mustFail(t, err, fault.PartForeign, "part 1 of", "of set "+parts[0].Set, says)
	}

	shares := split(t, "shares", key, Spec{Scheme: Shamir, Parts: 4, Threshold: 2})
	odd := copyOf(t, shares[3])
	odd.Threshold = 3
	_, err = Combine("", []*Part{shares[0], shares[1], odd})
	mustFail(t, err, fault.PartForeign, "part 4 of 4", "it says that 3 parts are needed, the others say 2")
	_, err = Combine("", append(bare(t, keys.AES128, r1), shares[0], shares[1]))
	mustFail(t, err, fault.PartForeign, "part 1: its scheme is xor, that of the other parts is shamir")
	_, err = Combine(keys.SM4, parts)
	mustFail(t, err, fault.PartForeign, "those of a aes-128 key, not of a sm4 key")
}

func TestBarePartStandsForASheet(t *testing.T) {
	noLeaks(t)
	key := newKey(t, "stands", keys.AES128)
	parts := split(t, "stands", key, Spec{Scheme: XOR, Parts: 3})
	typed := bare(t, keys.AES128, fmt.Sprintf("%X", parts[1].Value.Expose()))[0]
	mustSame(t, combine(t, keys.AES128, []*Part{parts[2], typed, parts[0]}), key)

	_, err := Combine(keys.AES128, append(bare(t, keys.AES128, r1), parts[0], parts[2]))
	mustFail(t, err, fault.KCVMismatch, "the sheets of set "+parts[0].Set+" say "+parts[0].KeyCheck.String())
	_, err = Combine(keys.AES128, append(bare(t, keys.AES128, r1), parts...))
	mustFail(t, err, fault.PartForeign, "4 parts were given, set "+parts[0].Set+" has 3")
	typed = bare(t, keys.AES128, fmt.Sprintf("%X", parts[2].Value.Expose()))[0]
	_, err = Combine(keys.AES128, []*Part{parts[2], typed, parts[0]})
	mustFail(t, err, fault.PartRefused, "parts 1 and 2 are equal")
}

func TestPartThatIsNotWhatItsSheetSaysIsNamed(t *testing.T) {
	noLeaks(t)
	for _, spec := range []Spec{{Scheme: XOR, Parts: 3}, {Scheme: Shamir, Parts: 3, Threshold: 3}} {
		parts := split(t, "own", newKey(t, "own", keys.AES192), spec)
		parts[1].Value.Expose()[23] ^= 1
		_, err := Combine("", parts)
		mustFail(t, err, fault.KCVMismatch, "part 2 of 3 of set "+parts[0].Set, "its sheet says "+parts[1].Check.String())
	}
}

func TestKeyThatIsNotWhatTheSheetsSayIsRefused(t *testing.T) {
	noLeaks(t)
	parts := split(t, "key", newKey(t, "key", keys.TDES128), Spec{Scheme: XOR, Parts: 3})
	parts[2] = forge(t, parts[2])
	_, err := Combine("", parts)
	mustFail(t, err, fault.KCVMismatch, "the combined key has check value", parts[0].KeyCheck.String())
}

func TestPartsThatContradictThemselvesAreRefused(t *testing.T) {
	noLeaks(t)
	parts := split(t, "self", newKey(t, "self", keys.AES128), Spec{Scheme: Shamir, Parts: 3, Threshold: 2})
	cases := map[string]func(*Part){
		"set is not of the form":          func(p *Part) { p.Set = "7F3A91C2" },
		"part 4 of 3 cannot be":           func(p *Part) { p.Index = 4 },
		"part 0 of 3 cannot be":           func(p *Part) { p.Index = 0 },
		"2 to 9 parts, not 10":            func(p *Part) { p.Of = 10 },
		"with 1 of 3 parts cannot be":     func(p *Part) { p.Threshold = 1 },
		"with 4 of 3 parts cannot be":     func(p *Part) { p.Threshold = 4 },
		`scheme "xor" with 2 of 3 parts`:  func(p *Part) { p.Scheme = XOR },
		"check value of the key: unknown": func(p *Part) { p.KeyCheck.Method = "crc" },
		"check value of the key: want 4":  func(p *Part) { p.KeyCheck.Digits = "08d7b4" },
		"check value of the part: want 4": func(p *Part) { p.Check.Digits = "123" },
		"check value of the part: it":     func(p *Part) { p.Check.Method = kcv.HMACEmpty },
	}
	for says, change := range cases {
		odd := copyOf(t, parts[0])
		change(odd)
		_, err := Combine("", []*Part{odd, parts[1]})
		mustFail(t, err, fault.MalformedSheet, says)
		mustFail(t, odd.WriteSheet(&strings.Builder{}), fault.MalformedSheet, says)
	}
	odd := copyOf(t, parts[0])
	odd.Set = ""
	_, err := Combine("", []*Part{odd, parts[1]})
	mustFail(t, err, fault.Usage, "without a number")
}

func TestTooManyPartsAreRefused(t *testing.T) {
	noLeaks(t)
	many := make([]*Part, MaxParts+1)
	for i := range many {
		many[i] = bare(t, keys.AES128, xorHex(t, r1, fmt.Sprintf("%032X", i)))[0]
	}
	_, err := Combine(keys.AES128, many)
	mustFail(t, err, fault.Usage, "10 parts were given")
	_, err = FitSubsets(keys.AES128, many, kcv.Expected{Digits: "123456"})
	mustFail(t, err, fault.Usage, "10 parts were given")
}

// TestErrorsShowNoDigitsOfParts runs refusals over parts and looks for any four digits of a value in the words.
func TestErrorsShowNoDigitsOfParts(t *testing.T) {
	noLeaks(t)
	parts := split(t, "silent", newKey(t, "silent", keys.TDES128), Spec{Scheme: XOR, Parts: 3})
	forged := forge(t, parts[2])
	for _, given := range [][]*Part{parts[:2], {parts[0], parts[1], parts[1]}, {parts[0], parts[1], forged},
		append(bare(t, keys.TDES128, r1), parts...)} {
		_, err := Combine("", given)
		if err == nil {
			t.Fatal("no error")
		}
		for _, p := range append(given, forged) {
			digits := fmt.Sprintf("%X", p.Value.Expose())
			for i := 0; i+8 <= len(digits); i++ {
				if strings.Contains(strings.ToUpper(err.Error()), digits[i:i+8]) {
					t.Errorf("error %q shows digits of part %d", err, p.Index)
				}
			}
		}
	}
}

func TestCombineLeavesPartsAlone(t *testing.T) {
	noLeaks(t)
	parts := split(t, "alone", newKey(t, "alone", keys.AES128), Spec{Scheme: XOR, Parts: 2})
	before := []*Part{copyOf(t, parts[0]), copyOf(t, parts[1])}
	combine(t, "", parts)
	for i, p := range parts {
		if !p.Value.Equal(before[i].Value) {
			t.Errorf("part %d was changed", i+1)
		}
	}
	WipeAll(parts)
	for _, p := range append(parts, nil) {
		p.Wipe() // a second time, and of none
		if p != nil && p.Value.Len() != 0 {
			t.Error("a wiped part still has a value")
		}
	}
}

// TestSheetsAreNamedByTheirNumbers: sentences about several parts use what stands on the sheets, not the order given.
func TestSheetsAreNamedByTheirNumbers(t *testing.T) {
	noLeaks(t)
	parts := split(t, "numbers", newKey(t, "numbers", keys.AES128), Spec{Scheme: XOR, Parts: 3})
	twin := copyOf(t, parts[2])
	twin.Index = 1
	_, err := Combine("", []*Part{parts[2], parts[1], twin})
	mustFail(t, err, fault.PartRefused, "parts 3 and 1 are equal")
}

func TestPartMadeByHandNeedsNoCheckValue(t *testing.T) {
	noLeaks(t)
	parts := bare(t, keys.TDES128, c1Part1, c1Part2)
	parts[0].Check = kcv.Value{}
	mustGive(t, combine(t, keys.TDES128, parts), c1Key, "2558A7DC49864CDC6D19AB7CE520D34F", "7FF5B8")
}
