package diagnose_test

// The search over all slips of typing: what is told of them, and how certain.

import (
	"bytes"
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/testvec"
	"poskey/pkg/diagnose"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
	"poskey/pkg/slip"
)

// runTyped diagnoses text as it was typed, an odd number of digits too, and fills in the digits that --reveal shows.
func runTyped(t testing.TB, f diagnose.Facts, texts ...string) diagnose.Report {
	t.Helper()
	r, err := tryTyped(t, f, texts...)
	if err != nil {
		t.Fatal(err)
	}
	wellFormed(t, f, r)
	return r
}

func tryTyped(t testing.TB, f diagnose.Facts, texts ...string) (diagnose.Report, error) {
	t.Helper()
	live := secret.Live()
	var material []*secret.Bytes
	f.Typed = nil
	for _, s := range texts {
		sec, digits, err := keys.ParseTyped([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		material = append(material, sec)
		f.Typed = append(f.Typed, digits%2*digits)
	}
	if f.Kind == diagnose.Parts {
		f.Parts = len(texts)
	}
	p := hsm.NewSpotProber(material)
	f.Prober = p
	r, err := diagnose.KCV(context.Background(), f)
	if n := secret.Live() - live; n != len(material) {
		t.Errorf("%d secrets are left after the diagnosis, want the %d of the material", n, len(material))
	}
	for i := range r.Findings {
		for j := range r.Findings[i].Evidence.Edits {
			reveal(t, p, &r.Findings[i].Evidence.Edits[j])
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	return r, err
}

func reveal(t testing.TB, p *hsm.SpotProber, e *diagnose.Edit) {
	t.Helper()
	if e.Expr() == nil {
		return
	}
	entered, correct, err := e.Digits(func(digit int) (byte, error) { return p.Digit(e.Expr(), digit) })
	if err != nil {
		t.Errorf("digits of %+v: %v", e, err)
	}
	e.Entered, e.Correct = shownDigit(entered), shownDigit(correct)
}

func shownDigit(d byte) string {
	if d == 0 {
		return ""
	}
	return string(rune(d))
}

// told holds that a finding names the digits of a part, with what was entered and what is right.
func told(t testing.TB, f diagnose.Finding, part int, typed, right string, digits ...int) {
	t.Helper()
	var places []int
	for _, e := range f.Evidence.Edits {
		if e.Part != part {
			continue
		}
		places = append(places, e.Digit)
		if e.Entered != typed[e.Digit-1:e.Digit] || e.Correct != right[e.Digit-1:e.Digit] && !e.ParityUnseen || e.Group != (e.Digit+3)/4 {
			t.Errorf("%+v: %s was entered for %s", e, typed, right)
		}
	}
	if !reflect.DeepEqual(places, digits) {
		t.Errorf("part %d: digits %v, want %v: %s", part, places, digits, f.Summary)
	}
}

// withWrong turns some digits of a text, counted from 1, by the same difference; never the lowest bit alone.
func withWrong(right string, digits ...int) string {
	b := []byte(right)
	for _, d := range digits {
		v := strings.IndexByte(allDigits, b[d-1])
		b[d-1] = allDigits[v^6]
	}
	return string(b)
}

const allDigits = "0123456789ABCDEF"

// twoParts are random components with their facts; odd ones have odd parity.
func twoParts(t testing.TB, rnd *random, alg keys.Algorithm, odd bool) (one, two string, f diagnose.Facts) {
	t.Helper()
	a, b := rnd.bytes(alg.KeyLen()), rnd.bytes(alg.KeyLen())
	if odd {
		keys.FixParity(a)
		keys.FixParity(b)
	}
	f = diagnose.Facts{Algorithm: alg, Kind: diagnose.Parts, Expected: valueOf(t, alg, xor(a, b), 6), Search: 2}
	f.PartExpected = []kcv.Expected{valueOf(t, alg, a, 6), valueOf(t, alg, b, 6)}
	return testvec.Upper(a), testvec.Upper(b), f
}

func TestWrongDigitsOfAKnownPartAreProven(t *testing.T) {
	rnd := newRandom("deep known part")
	for _, alg := range []keys.Algorithm{keys.DES, keys.TDES128, keys.TDES192, keys.AES128, keys.AES256, keys.SM4} {
		if raced && alg == keys.AES256 {
			continue // half a million ciphers
		}
		for _, odd := range []bool{alg.IsDES(), false} {
			one, two, f := twoParts(t, rnd, alg, odd)
			typed := withWrong(two, 3, 12)
			x := wantFirst(t, runTyped(t, f, one, typed), diagnose.CauseMistypedDigit, diagnose.Proven)
			told(t, x, 2, typed, two, 3, 12)
			if !reflect.DeepEqual(x.Evidence.Parts, []int{2}) || x.Evidence.Edits[1].ParityUnseen != (alg.IsDES() && !odd) {
				t.Errorf("%s: %+v", alg, x.Evidence)
			}
		}
	}
}

func TestThreeWrongDigitsOfAKnownPartAreProven(t *testing.T) {
	rnd := newRandom("deep three digits")
	times := 10
	if raced {
		times = 1
	}
	for range times {
		one, two, f := twoParts(t, rnd, keys.TDES128, false)
		f.Search = 3
		typed := withWrong(one, 2, 17, 31)
		x := wantFirst(t, runTyped(t, f, typed, two), diagnose.CauseMistypedDigit, diagnose.Proven)
		told(t, x, 1, typed, one, 2, 17, 31)
	}
}

func TestTwoWrongDigitsInEachOfTwoPartsAreProven(t *testing.T) {
	rnd := newRandom("deep both parts")
	for _, alg := range []keys.Algorithm{keys.DES, keys.TDES128, keys.AES128} {
		one, two, f := twoParts(t, rnd, alg, false)
		typed, also := withWrong(one, 1, 9), withWrong(two, 5, 15)
		x := wantFirst(t, runTyped(t, f, typed, also), diagnose.CauseMistypedDigit, diagnose.Proven)
		told(t, x, 1, typed, one, 1, 9)
		told(t, x, 2, also, two, 5, 15)
		if !reflect.DeepEqual(x.Evidence.Parts, []int{1, 2}) || !strings.Contains(x.Summary.String(), "parts 1, 2 each have a slip") {
			t.Errorf("%s: %s", alg, x.Summary)
		}
	}
}

// TestSlipsOfDifferentKindsInTwoParts: one digit wrong here, which is found before, and two there.
func TestSlipsOfDifferentKindsInTwoParts(t *testing.T) {
	one, two, f := twoParts(t, newRandom("deep kinds"), keys.AES128, false)
	typed, also := withWrong(one, 7), exchange(two, 4, 20)
	r := runTyped(t, f, typed, also)
	x := wantFirst(t, r, diagnose.CauseMistypedDigit, diagnose.Proven)
	told(t, x, 1, typed, one, 7)
	told(t, x, 2, also, two, 4, 20)
	if len(r.Findings) != 1 {
		t.Errorf("%d findings, want the whole one alone: %s", len(r.Findings), r.Findings[1].Summary)
	}
	f.Expected = diagnose.Facts{}.Expected // the sheets alone are enough
	told(t, wantFirst(t, runTyped(t, f, typed, also), diagnose.CauseMistypedDigit, diagnose.Proven), 2, also, two, 4, 20)
}

func exchange(s string, a, b int) string {
	d := []byte(s)
	d[a-1], d[b-1] = d[b-1], d[a-1]
	return string(d)
}

// TestWithoutSheetsEveryPartIsNamedWithEqualOdds: XOR cannot tell in which part the digits are wrong.
func TestWithoutSheetsEveryPartIsNamedWithEqualOdds(t *testing.T) {
	rnd := newRandom("deep no sheets")
	for _, alg := range []keys.Algorithm{keys.DES, keys.TDES128, keys.AES128} {
		three := [][]byte{rnd.bytes(alg.KeyLen()), rnd.bytes(alg.KeyLen()), rnd.bytes(alg.KeyLen())}
		f := diagnose.Facts{Algorithm: alg, Kind: diagnose.Parts, Expected: valueOf(t, alg, xor(three...), 8), Search: 2}
		typed := withWrong(testvec.Upper(three[1]), 2, 14)
		r := runTyped(t, f, testvec.Upper(three[0]), typed, testvec.Upper(three[2]))
		parts := map[int]bool{}
		for _, x := range r.Findings {
			if len(x.Evidence.Edits) != 2 || x.Evidence.Edits[0].Digit != 2 || x.Evidence.Edits[1].Digit != 14 {
				t.Errorf("%s: %s", alg, x.Summary)
				continue
			}
			parts[x.Evidence.Edits[0].Part] = true
			if x.Odds != r.Findings[0].Odds || x.Certainty != diagnose.Likely || !strings.Contains(x.Summary.String(), "equal odds") {
				t.Errorf("%s: odds %v, %s: %s", alg, x.Odds, x.Certainty, x.Summary)
			}
		}
		if len(parts) != 3 || len(r.Findings) != 3 {
			t.Errorf("%s: %d findings in parts %v, want one for each of three", alg, len(r.Findings), parts)
		}
	}
}

// TestSlipsThatXORTellsApartAreNotSpreadOverParts: digits that changed places in one part did so in no other.
func TestSlipsThatXORTellsApartAreNotSpreadOverParts(t *testing.T) {
	one, two, f := twoParts(t, newRandom("deep swap"), keys.AES128, false)
	f.PartExpected, f.Search = nil, 1
	typed := exchange(two, 9, 14)
	x := first(t, runTyped(t, f, one, typed))
	told(t, x, 2, typed, two, 9, 14)
	if s := x.Summary.String(); strings.Contains(s, "another part") || !strings.Contains(s, "digits 9 and 14 of part 2 are swapped") {
		t.Errorf("summary: %s", s)
	}
}

// TestParitySpeaksForAPart: of parts with odd parity, the one that has it again when put right is named first.
func TestParitySpeaksForAPart(t *testing.T) {
	rnd := newRandom("deep parity")
	for range 5 {
		one, two, f := twoParts(t, rnd, keys.TDES128, true)
		f.PartExpected = nil
		typed := turnedOne(turnedOne(two, 5), 28)
		r := runTyped(t, f, one, typed)
		x := first(t, r)
		if x.Evidence.Edits[0].Part != 2 || !strings.Contains(x.Summary.String(), "all bytes have odd parity") {
			t.Errorf("%s", x.Summary)
		}
		for _, e := range x.Evidence.Edits {
			if e.ParityUnseen {
				t.Errorf("digit %d is known to the last bit: %+v", e.Digit, e)
			}
		}
		told(t, x, 2, typed, two, 5, 28)
		if len(r.Findings) != 2 || r.Findings[1].Evidence.Edits[0].Part != 1 || x.Odds > r.Findings[1].Odds/10 {
			t.Errorf("%d findings, odds %v with parity: %+v", len(r.Findings), x.Odds, r.Findings)
		}
	}
}

// turnedOne changes a digit by one bit, so that its byte loses odd parity.
func turnedOne(s string, digit int) string {
	d := []byte(s)
	d[digit-1] = allDigits[strings.IndexByte(allDigits, d[digit-1])^4]
	return string(d)
}

// dropped leaves a digit out, counted from 1; inserted puts one in before it.
func dropped(s string, digit int) string { return s[:digit-1] + s[digit:] }

func inserted(s string, digit int, extra string) string { return s[:digit-1] + extra + s[digit-1:] }

// another is a digit that differs from its neighbours.
func another(s string, digit int) string {
	for _, c := range allDigits {
		if s[digit-1] != byte(c) && s[digit-2] != byte(c) && s[digit-1]^1 != byte(c) && s[digit-2]^1 != byte(c) {
			return string(c)
		}
	}
	return ""
}

// oddText is a key whose bytes have odd parity, so that every digit is known to its last bit.
func oddText(rnd *random, alg keys.Algorithm) (string, []byte) {
	key := rnd.bytes(alg.KeyLen())
	keys.FixParity(key)
	return testvec.Upper(key), key
}

func TestAnOddNumberOfDigitsIsPutRight(t *testing.T) {
	rnd := newRandom("deep odd")
	for _, alg := range []keys.Algorithm{keys.DES, keys.TDES128, keys.TDES192, keys.AES128, keys.AES192, keys.AES256, keys.SM4} {
		right, key := oddText(rnd, alg)
		f := diagnose.Facts{Algorithm: alg, Kind: diagnose.Key, Expected: valueOf(t, alg, key, 8), Search: 1}
		n := len(right)
		for _, digit := range []int{2, 11, n - 1, n} {
			typed := dropped(right, digit)
			x := wantFirst(t, runTyped(t, f, typed), diagnose.CauseMistypedDigit, diagnose.Proven)
			// Of a run of equal digits any may be the one; what is put in makes the key right again.
			e := x.Evidence.Edits
			if len(e) != 1 || e[0].Slip != slip.Dropped || e[0].Entered != "" || inserted(typed, e[0].Digit, e[0].Correct) != right {
				t.Errorf("%s: digit %d left out of %s: %+v", alg, digit, right, e)
			}
			typed = inserted(right, digit, another(right, digit))
			x = wantFirst(t, runTyped(t, f, typed), diagnose.CauseMistypedDigit, diagnose.Proven)
			e = x.Evidence.Edits
			if len(e) != 1 || e[0].Slip != slip.Inserted || e[0].Digit != digit || e[0].Entered != typed[digit-1:digit] || e[0].Correct != "" {
				t.Errorf("%s: digit %d put into %s: %+v", alg, digit, right, e)
			}
			typed = inserted(right, digit, right[digit-1:digit])
			x = wantFirst(t, runTyped(t, f, typed), diagnose.CauseMistypedDigit, diagnose.Proven)
			e = x.Evidence.Edits
			if len(e) != 1 || e[0].Slip != slip.Doubled || dropped(typed, e[0].Digit) != right || e[0].Entered != typed[digit-1:digit] {
				t.Errorf("%s: digit %d of %s typed twice: %+v", alg, digit, right, e)
			}
		}
	}
}

// TestTheValueGotTellsOfAnOddPieceToo: nobody can say that such a piece is right, so that the slip is on this side.
func TestTheValueGotTellsOfAnOddPieceToo(t *testing.T) {
	right, key := oddText(newRandom("deep odd got"), keys.TDES128)
	f := diagnose.Facts{Algorithm: keys.TDES128, Kind: diagnose.Key, Got: valueOf(t, keys.TDES128, key, 8), Search: 1}
	for typed, kind := range map[string]slip.Kind{dropped(right, 12): slip.Dropped, inserted(right, 12, another(right, 12)): slip.Inserted} {
		x := wantFirst(t, runTyped(t, f, typed), diagnose.CauseMistypedDigit, diagnose.Proven)
		if e := x.Evidence.Edits; len(e) != 1 || e[0].Slip != kind || e[0].Side != diagnose.SideGiven {
			t.Errorf("%s: %+v", x.Summary, e)
		}
	}
	f.Expected = value(t, "12345678") // explained in part
	x := first(t, runTyped(t, f, dropped(right, 12)))
	if x.Certainty == diagnose.Proven || x.Evidence.Edits[0].Slip != slip.Dropped {
		t.Errorf("%s (%s)", x.Summary, x.Certainty)
	}
}

func TestAnOddNumberOfDigitsInAPart(t *testing.T) {
	rnd := newRandom("deep odd part")
	for _, alg := range []keys.Algorithm{keys.TDES128, keys.AES128} {
		for _, sheets := range []bool{false, true} {
			one, two, f := twoParts(t, rnd, alg, true)
			if !sheets {
				f.PartExpected = nil
			}
			for _, typed := range []string{dropped(two, 13), inserted(two, 13, another(two, 13))} {
				x := wantFirst(t, runTyped(t, f, one, typed), diagnose.CauseMistypedDigit, diagnose.Proven)
				if e := x.Evidence.Edits; e[0].Part != 2 || len(typed) == 31 && inserted(typed, e[0].Digit, e[0].Correct) != two ||
					len(typed) == 33 && dropped(typed, e[0].Digit) != two {
					t.Errorf("%s, sheets %t: %s: %+v", alg, sheets, x.Summary, e)
				}
			}
		}
	}
}

func TestTwoOddPartsNeedTheirSheets(t *testing.T) {
	one, two, f := twoParts(t, newRandom("deep two odd"), keys.TDES128, true)
	short, long := dropped(one, 20), inserted(two, 6, another(two, 6))
	x := wantFirst(t, runTyped(t, f, short, long), diagnose.CauseMistypedDigit, diagnose.Proven)
	if !reflect.DeepEqual(x.Evidence.Parts, []int{1, 2}) || len(x.Evidence.Edits) != 2 {
		t.Errorf("%s: %+v", x.Summary, x.Evidence)
	}
	wrongSheet := f
	wrongSheet.PartExpected = values(t, "123456", "654321")
	if r := runTyped(t, wrongSheet, short, long); r.Verdict != diagnose.Unexplained {
		t.Errorf("with the sheets of other parts: %+v", r)
	}
	f.PartExpected = f.PartExpected[:1]
	if _, err := tryTyped(t, f, short, long); !fault.Is(err, fault.MalformedLength) || !strings.Contains(err.Error(), "parts 1, 2") {
		t.Errorf("with one sheet: error %v", err)
	}
}

// TestAnOddPartAndAWrongDigitInAnother: the sheets tell both.
func TestAnOddPartAndAWrongDigitInAnother(t *testing.T) {
	one, two, f := twoParts(t, newRandom("deep odd and wrong"), keys.AES128, false)
	for _, typed := range []string{dropped(one, 9), inserted(one, 9, another(one, 9))} {
		x := wantFirst(t, runTyped(t, f, typed, withWrong(two, 30)), diagnose.CauseMistypedDigit, diagnose.Proven)
		if !reflect.DeepEqual(x.Evidence.Parts, []int{1, 2}) {
			t.Errorf("%s: %+v", x.Summary, x.Evidence)
		}
	}
	f.PartExpected[0] = kcv.Expected{} // nothing tells of the odd part alone; the other one is told
	x := first(t, runTyped(t, f, inserted(one, 9, another(one, 9)), withWrong(two, 30)))
	if !reflect.DeepEqual(x.Evidence.Parts, []int{2}) || x.Certainty != diagnose.Likely {
		t.Errorf("%s (%s): %+v", x.Summary, x.Certainty, x.Evidence)
	}
}

func TestOddPiecesThatCannotBeSearchedAreRefused(t *testing.T) {
	right, key := oddText(newRandom("deep refused"), keys.TDES128)
	good := diagnose.Facts{Algorithm: keys.TDES128, Kind: diagnose.Key, Expected: valueOf(t, keys.TDES128, key, 6), Search: 2}
	for name, c := range map[string]struct {
		change func(f *diagnose.Facts)
		typed  string
		want   string
	}{
		"three digits missing":     {func(*diagnose.Facts) {}, right[:29], "the key has 29 hex digits, a key for tdes-128 has 32"},
		"three digits more":        {func(*diagnose.Facts) {}, right + "123", "the key has 35 hex digits"},
		"a key for another cipher": {func(f *diagnose.Facts) { f.Algorithm = keys.TDES192 }, right[:31], "has 31 hex digits, a key for tdes-192 has 48"},
		"no search":                {func(f *diagnose.Facts) { f.Search = 0 }, right[:31], "--search 1"},
		"no cipher":                {func(f *diagnose.Facts) { f.Algorithm = keys.HMACSHA256 }, right[:31], "odd number of hex digits: 31"},
	} {
		f := good
		c.change(&f)
		if _, err := tryTyped(t, f, c.typed); !fault.Is(err, fault.MalformedLength) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
	p := hsm.NewSpotProber([]*secret.Bytes{secret.Copy(key)})
	defer func() { _ = p.Close() }()
	good.Typed, good.Prober = []int{31}, verdictOnly{p}
	if _, err := diagnose.KCV(context.Background(), good); !fault.Is(err, fault.MalformedLength) {
		t.Errorf("a prober that does not search: error %v", err)
	}
}

// TestTheOtherSideIsNamedFromThePersonsPointOfView: the material is right; what the value got tells is what somebody did
// there.
func TestTheOtherSideIsNamedFromThePersonsPointOfView(t *testing.T) {
	rnd := newRandom("deep other side")
	key := rnd.bytes(16)
	copy(key, testvec.Hex(t, "8F13B52C9E07A4D6")) // look-alikes in known places, no digit twice in a row
	right := testvec.Upper(key)
	for name, c := range map[string]struct {
		theirs  string
		kind    slip.Kind
		digit   int
		entered string
		correct string
	}{
		"left out":      {dropped(right, 5) + "0", slip.Dropped, 5, "", right[4:5]},
		"put in":        {inserted(right, 5, "7")[:32], slip.Inserted, 5, "7", ""},
		"typed twice":   {inserted(right, 5, right[4:5])[:32], slip.Doubled, 5, right[4:5], ""},
		"two digits":    {withWrong(right, 5, 9), slip.Wrong, 5, withWrong(right, 5)[4:5], right[4:5]},
		"look-alikes":   {strings.Replace(strings.Replace(right[:8], "8", "B", 1), "13B", "138", 1) + right[8:], slip.Confused, 1, "B", "8"},
		"swapped":       {exchange(right, 5, 12), slip.Swapped, 5, right[11:12], right[4:5]},
		"row repeated":  {right[:16] + right[:8] + right[24:], slip.Repeated, 17, "", ""},
		"row left out":  {right[:8] + "00000000" + right[16:], slip.Missing, 9, "", ""},
		"groups":        {right[4:8] + right[:4] + right[8:], slip.Groups, 1, "", ""},
		"rows":          {right[8:16] + right[:8] + right[16:], slip.Rows, 1, "", ""},
		"rows far away": {right[24:] + right[8:24] + right[:8], slip.Rows, 1, "", ""},
	} {
		for _, alg := range []keys.Algorithm{keys.AES128, keys.SM4} {
			f := diagnose.Facts{Algorithm: alg, Kind: diagnose.Key, Expected: valueOf(t, alg, key, 8), Got: valueOf(t, alg, testvec.Hex(t, c.theirs), 8), Search: 1}
			if c.kind == slip.Wrong {
				f.Search = 2
			}
			x := first(t, runTyped(t, f, right))
			e := x.Evidence.Edits[0]
			if e.Slip != c.kind || e.Digit != c.digit || e.Side != diagnose.SideOther || e.Entered != c.entered || e.Correct != c.correct {
				t.Errorf("%s, %s: %+v, want %s at %d, %q for %q", name, alg, e, c.kind, c.digit, c.entered, c.correct)
			}
			if !strings.Contains(x.Summary.String(), "on the other side") || x.Certainty == diagnose.Possible {
				t.Errorf("%s, %s (%s): %s", name, alg, x.Certainty, x.Summary)
			}
		}
	}
}

// TestWhatWasTypedIsNamedKindByKind: the same on this side, where the digits that --reveal shows put it right.
func TestWhatWasTypedIsNamedKindByKind(t *testing.T) {
	key := testvec.Hex(t, "8F13B52C9E07A4D6E9C2750B3D8A1F64")
	right := testvec.Upper(key)
	for name, c := range map[string]struct {
		typed   string
		kind    slip.Kind
		digits  []int
		entered string
		correct string
	}{
		"left out, filled up": {dropped(right, 5) + "0", slip.Dropped, []int{5}, "", "B"},
		"put in, cut":         {inserted(right, 5, "7")[:32], slip.Inserted, []int{5, 32}, "7", "4"},
		"typed twice, cut":    {inserted(right, 5, "B")[:32], slip.Doubled, []int{5, 32}, "B", "4"},
		"two digits":          {withWrong(right, 5, 9), slip.Wrong, []int{5, 9}, "DF", "B9"},
		"look-alikes":         {"B" + right[1:4] + "8" + right[5:], slip.Confused, []int{1, 5}, "B8", "8B"},
		"swapped":             {exchange(right, 5, 12), slip.Swapped, []int{5, 12}, "7B", "B7"},
		"groups":              {right[4:8] + right[:4] + right[8:], slip.Groups, []int{1, 5}, "", ""},
		"rows":                {right[8:16] + right[:8] + right[16:], slip.Rows, []int{1, 9}, "", ""},
	} {
		for _, alg := range []keys.Algorithm{keys.AES128, keys.SM4} {
			f := diagnose.Facts{Algorithm: alg, Kind: diagnose.Key, Expected: valueOf(t, alg, key, 8), Search: 1}
			if c.kind == slip.Wrong {
				f.Search = 2
			}
			x := wantFirst(t, runTyped(t, f, c.typed), diagnose.CauseMistypedDigit, diagnose.Proven)
			digits, entered, correct := []int{}, "", ""
			for _, e := range x.Evidence.Edits {
				digits, entered, correct = append(digits, e.Digit), entered+e.Entered, correct+e.Correct
			}
			if x.Evidence.Edits[0].Slip != c.kind || !reflect.DeepEqual(digits, c.digits) || entered != c.entered || correct != c.correct {
				t.Errorf("%s, %s: %+v, want %s at %v, %q for %q", name, alg, x.Evidence.Edits, c.kind, c.digits, c.entered, c.correct)
			}
		}
	}
}

func TestPartsOfTheOtherSideHaveEqualOdds(t *testing.T) {
	one, two, f := twoParts(t, newRandom("deep other parts"), keys.AES128, false)
	theirs := withWrong(two, 8, 25)
	f.Got = valueOf(t, keys.AES128, xor(testvec.Hex(t, one), testvec.Hex(t, theirs)), 6)
	r := runTyped(t, f, one, two)
	if len(r.Findings) != 2 || r.Findings[0].Odds != r.Findings[1].Odds {
		t.Fatalf("%d findings, want two of equal odds: %+v", len(r.Findings), r.Findings)
	}
	for _, x := range r.Findings {
		if s := x.Summary.String(); !strings.Contains(s, "on the other side") || !strings.Contains(s, "equal odds") {
			t.Errorf("%s", s)
		}
	}
}

// TestChanceMatchesAreCalledSo: with four digits of a value hundreds of keys match; none is proven, and one more check
// value is asked for.
func TestChanceMatchesAreCalledSo(t *testing.T) {
	rnd := newRandom("deep chance")
	for _, alg := range []keys.Algorithm{keys.TDES128, keys.AES128} {
		f := diagnose.Facts{Algorithm: alg, Kind: diagnose.Key, Expected: value(t, testvec.Upper(rnd.bytes(2))), Search: 2}
		if alg.IsDES() {
			f.Search, f.Algorithm = 3, keys.DES
		}
		r := runTyped(t, f, testvec.Upper(rnd.bytes(f.Algorithm.KeyLen())))
		if r.Searched.ExpectedChanceMatches < 1 || r.Searched.Matches == 0 || r.Searched.WrongDigits != f.Search || len(r.Findings) == 0 || len(r.Findings) > 20 {
			t.Errorf("%s: %d findings, searched %+v", alg, len(r.Findings), r.Searched)
		}
		for _, x := range r.Findings {
			deep := len(x.Evidence.Edits) > 1
			if x.Certainty != diagnose.Possible && deep || x.Certainty == diagnose.Proven {
				t.Errorf("%s: %s with odds %v: %s", alg, x.Certainty, x.Odds, x.Summary)
			}
			if deep && !strings.Contains(x.NextTest.String(), "further check value") {
				t.Errorf("%s: next test: %s", alg, x.NextTest)
			}
		}
	}
}

// TestTheSearchDoesNotMakeOneWrongDigitLessCertain: what was found before keeps its odds and its place.
func TestTheSearchDoesNotMakeOneWrongDigitLessCertain(t *testing.T) {
	rnd := newRandom("deep one digit")
	for range 8 {
		key := rnd.bytes(16)
		typed := withWrong(testvec.Upper(key), 1+rnd.below(32))
		f := diagnose.Facts{Algorithm: keys.AES128, Kind: diagnose.Key, Expected: valueOf(t, keys.AES128, key, 4)}
		before := first(t, runTyped(t, f, typed))
		f.Search = 2
		r := runTyped(t, f, typed)
		if x := first(t, r); x.Odds != before.Odds || !reflect.DeepEqual(x.Evidence.Edits, before.Evidence.Edits) || r.Searched.WrongDigits != 2 {
			t.Errorf("odds %v before, %v after the search: %s", before.Odds, x.Odds, x.Summary)
		}
	}
}

func TestWithoutASearchNothingElseIsTried(t *testing.T) {
	rnd := newRandom("deep none")
	key := testvec.Hex(t, "8F13B52C9E07A4D6E9C2750B3D8A1F64")
	right := testvec.Upper(key)
	f := diagnose.Facts{Algorithm: keys.AES128, Kind: diagnose.Key, Expected: valueOf(t, keys.AES128, key, 8)}
	for _, typed := range []string{withWrong(right, 3, 4), exchange(right, 3, 9), right[4:8] + right[:4] + right[8:]} {
		r := runTyped(t, f, typed)
		if r.Verdict != diagnose.Unexplained || r.Searched.WrongDigits != 0 || r.Searched.Matches != 0 || r.Searched.Candidates > 12000 ||
			!strings.Contains(r.NextStep.String(), "--search 2") {
			t.Errorf("%s: verdict %s, %+v, next step %s", typed, r.Verdict, r.Searched, r.NextStep)
		}
	}
	f.Search = 2
	for _, typed := range []string{withWrong(right, 3, 4), exchange(right, 3, 9), right[4:8] + right[:4] + right[8:]} {
		wantFirst(t, runTyped(t, f, typed), diagnose.CauseMistypedDigit, diagnose.Proven)
	}
	r := runTyped(t, f, testvec.Upper(rnd.bytes(16)))
	if r.Verdict != diagnose.Unexplained || !strings.Contains(r.NextStep.String(), "--search 3") {
		t.Errorf("verdict %s, next step %s", r.Verdict, r.NextStep)
	}
	f.Algorithm, f.Expected, f.Search = keys.DES, value(t, "0123456789ABCDEF"), 4
	if raced {
		return
	}
	if r = runTyped(t, f, testvec.Upper(rnd.bytes(8))); r.Verdict != diagnose.Unexplained || strings.Contains(r.NextStep.String(), "--search 5") {
		t.Errorf("verdict %s, next step %s", r.Verdict, r.NextStep)
	}
}

// TestARightTotalNeedsNoSearch: the key has its value; a sheet has not, and is itself wrong.
func TestARightTotalNeedsNoSearch(t *testing.T) {
	one, two, f := twoParts(t, newRandom("deep right"), keys.TDES128, true)
	f.PartExpected = append(values(t, "123456"), f.PartExpected[1])
	r := runTyped(t, f, one, two)
	if r.Verdict != diagnose.Match || r.Searched.WrongDigits != 0 || r.Searched.Matches != 0 {
		t.Errorf("verdict %s, searched %+v", r.Verdict, r.Searched)
	}
	// The other side typed two digits wrong: the sheet that disagrees does not draw suspicion.
	theirs := withWrong(two, 8, 25)
	f.Got = valueOf(t, keys.TDES128, xor(testvec.Hex(t, one), testvec.Hex(t, theirs)), 8)
	x := first(t, runTyped(t, f, one, two))
	if e := x.Evidence.Edits; len(e) != 2 || e[0].Side != diagnose.SideOther || e[0].Digit != 8 || e[1].Digit != 25 {
		t.Errorf("%s: %+v", x.Summary, e)
	}
}

// TestASlipThatFitsTheSheetAloneIsToldSo: a match by chance gives the part its value, and not the key.
func TestASlipThatFitsTheSheetAloneIsToldSo(t *testing.T) {
	one, two, f := twoParts(t, newRandom("deep sheet alone"), keys.AES128, false)
	f.Expected = value(t, "123456")
	typed := withWrong(one, 4, 22)
	x := first(t, runTyped(t, f, typed, two))
	told(t, x, 1, typed, one, 4, 22)
	if x.Certainty == diagnose.Proven || !strings.Contains(x.Summary.String(), "but the key does not have 123456 then") {
		t.Errorf("%s (%s)", x.Summary, x.Certainty)
	}
}

// TestTheSearchTellsNoDigit: the report in JSON is the same for every key, but for check values.
func TestTheSearchTellsNoDigit(t *testing.T) {
	rnd := newRandom("deep secrets")
	var reports []string
	for range 2 {
		key := rnd.bytes(16)
		f := diagnose.Facts{Algorithm: keys.AES128, Kind: diagnose.Key, Expected: valueOf(t, keys.AES128, key, 8), Search: 2}
		p := hsm.NewSpotProber([]*secret.Bytes{secret.Take(testvec.Hex(t, withWrong(testvec.Upper(key), 3, 30)))})
		f.Prober = p
		r, err := diagnose.KCV(context.Background(), f)
		if err = joinClose(p, err); err != nil {
			t.Fatal(err)
		}
		r.Searched = diagnose.Searched{}
		r.Findings[0].Odds = 1 // it counts the slips that a key allows: digits that are equal cannot change places
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"elta", "entered", "correct\"", "against"} {
			if bytes.Contains(text, []byte(word)) {
				t.Errorf("the report has %q: %s", word, text)
			}
		}
		s := strings.ReplaceAll(string(text), f.Expected.Digits, "")
		s = strings.ReplaceAll(s, r.Findings[0].Evidence.AsGiven, "")
		reports = append(reports, s)
	}
	if reports[0] != reports[1] {
		t.Errorf("two keys, two reports:\n%s\n%s", reports[0], reports[1])
	}
}

func joinClose(p *hsm.SpotProber, err error) error {
	if closed := p.Close(); err == nil {
		return closed
	}
	return err
}

// TestCertaintyIsHonest: among chance matches the true slip is among the findings, mostly first, and none is proven that is
// not true. Keys of eight bytes with values of five digits: as many chance matches as six digits leave a key of 24 bytes.
func TestCertaintyIsHonest(t *testing.T) {
	rnd := newRandom("deep honest")
	times := 300
	if raced {
		times = 10
	}
	found, firstOne, proven, chance := 0, 0, 0, 0.0
	for range times {
		key := rnd.bytes(8)
		right := testvec.Upper(key)
		d := 1 + rnd.below(5)
		digits := []int{d, d + 1 + rnd.below(5), d + 6 + rnd.below(5)}
		typed := withWrong(right, digits...)
		f := diagnose.Facts{Algorithm: keys.DES, Kind: diagnose.Key, Expected: valueOf(t, keys.DES, key, 5), Search: 3}
		r := runTyped(t, f, typed)
		chance += r.Searched.ExpectedChanceMatches
		for i, x := range r.Findings {
			var places []int
			for _, e := range x.Evidence.Edits {
				places = append(places, e.Digit)
			}
			same := reflect.DeepEqual(places, digits)
			switch {
			case same && i == 0:
				found, firstOne = found+1, firstOne+1
			case same:
				found++
			case x.Certainty == diagnose.Proven:
				proven++
			}
		}
	}
	t.Logf("%d cases, %.2f chance matches expected in each: the true slip is among the findings in %d, first in %d; %d others proven",
		times, chance/float64(times), found, firstOne, proven)
	if found != times || firstOne < times/2 || proven > 0 {
		t.Errorf("of %d: found %d, first %d, others proven %d", times, found, firstOne, proven)
	}
}

// TestTwoWrongDigitsAreNoProvenSwapInAnotherPart: under XOR the two come to the same key.
func TestTwoWrongDigitsAreNoProvenSwapInAnotherPart(t *testing.T) {
	f := diagnose.Facts{Algorithm: keys.TDES128, Kind: diagnose.Parts, Expected: value(t, "EDF5E0"), Search: 3}
	r := runTyped(t, f, "521E0F761C7BBA9C6F2B4CAABDAB5288", "9C4115871EB7B277F8D2F14BA83723D1")
	listed := false
	for _, found := range r.Findings {
		if found.Certainty == diagnose.Proven {
			t.Errorf("proven: %s", found.Summary)
		}
		e := found.Evidence.Edits
		listed = listed || len(e) == 2 && e[0].Part == 1 && e[0].Digit == 14 && e[1].Digit == 15 && e[0].SwappedWith == 0
	}
	if !listed {
		t.Errorf("two wrong digits of part 1 are not among %d findings", len(r.Findings))
	}
}

func TestSwappedHalvesOfAPartAreFoundByItsSheetAlone(t *testing.T) {
	f := diagnose.Facts{Algorithm: keys.TDES128, Kind: diagnose.Parts, Search: 2,
		PartExpected: []kcv.Expected{value(t, "E2AC18"), value(t, "1E656F")}}
	r := runTyped(t, f, "8F3517EEABE482C90723CD4CDDF25A1F", "227A6A90957517C2E22CBC934EC55187")
	if found := first(t, r); found.Cause != diagnose.CauseHalvesSwapped || found.Evidence.Parts[0] != 1 {
		t.Errorf("%s: %s", found.Cause, found.Summary)
	}
}

// TestAValueLongerThanItsMethodCountsAsWhatIsCompared: the PAX modes give 8 digits.
func TestAValueLongerThanItsMethodCountsAsWhatIsCompared(t *testing.T) {
	f := diagnose.Facts{Algorithm: keys.TDES128, Kind: diagnose.Parts, Method: kcv.PAXMode2, Search: 3,
		PartExpected: []kcv.Expected{value(t, "D6D7106112345678")}}
	long := runTyped(t, f, "1743CD4CDDF25A2F8F3517EEABE482C9", "227A6A90957517C2E22CBC934EC55187")
	f.PartExpected[0] = value(t, "D6D71061")
	short := runTyped(t, f, "1743CD4CDDF25A2F8F3517EEABE482C9", "227A6A90957517C2E22CBC934EC55187")
	if a, b := first(t, long), first(t, short); a.Odds != b.Odds || a.Certainty != b.Certainty {
		t.Errorf("odds %g (%s) with 16 digits, %g (%s) with the 8 that exist", a.Odds, a.Certainty, b.Odds, b.Certainty)
	}
	if a, b := long.Searched.ExpectedChanceMatches, short.Searched.ExpectedChanceMatches; a < b*0.99 || a > b*1.01 {
		t.Errorf("%g and %g matches by chance", long.Searched.ExpectedChanceMatches, short.Searched.ExpectedChanceMatches)
	}
}

// TestTheKeysValueDecidesBetweenChanceMatchesOfShortSheets: four digits on each sheet leave a hundred matches of each.
func TestTheKeysValueDecidesBetweenChanceMatchesOfShortSheets(t *testing.T) {
	f := diagnose.Facts{Algorithm: keys.TDES128, Kind: diagnose.Parts, Expected: value(t, "D414091F"), Search: 3,
		PartExpected: []kcv.Expected{value(t, "E5B2"), value(t, "7CBB")}}
	r := runTyped(t, f, "528DFC079182654FF63F5F0F9A621D72", "9566C74D10037C4D7B6B0407D1E2A699")
	found := first(t, r)
	if found.Evidence.Computed != "D414091F" || len(found.Evidence.Parts) != 2 {
		t.Errorf("%s", found.Summary)
	}
}

func TestOfAKeyThatWasNotTypedNoPlaceIsTold(t *testing.T) {
	rnd := newRandom("not typed")
	key := rnd.bytes(16)
	wrong := append([]byte(nil), key...)
	wrong[3] ^= 0x50
	f := diagnose.Facts{Algorithm: keys.TDES128, Kind: diagnose.Key, Expected: valueOf(t, keys.TDES128, wrong, 6), Search: 2, NotTyped: true}
	r := runBytes(t, f, key)
	if r.Verdict != diagnose.Unexplained {
		t.Errorf("verdict %s: %v", r.Verdict, r.Findings)
	}
	f.NotTyped = false
	if found := first(t, runBytes(t, f, key)); len(found.Evidence.Edits) != 1 {
		t.Errorf("typed, it has %d edits", len(found.Evidence.Edits))
	}
}
