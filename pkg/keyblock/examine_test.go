package keyblock

import (
	"crypto/rand"
	"strings"
	"testing"

	"poskey/internal/secret"
	"poskey/internal/testvec"
	"poskey/pkg/keys"
)

func testKBPK(t testing.TB, alg keys.Algorithm, digits string) *keys.Key {
	t.Helper()
	k, err := keys.New(alg, secret.Take(testvec.Hex(t, digits)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Wipe)
	return k
}

func wrapTest(t testing.TB, kbpk *keys.Key, header string, alg keys.Algorithm) string {
	t.Helper()
	h, err := BuildHeader(header)
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewProtector(h.Version, kbpk)
	if err != nil {
		t.Fatal(err)
	}
	key, err := keys.Generate(rand.Reader, alg)
	if err != nil {
		t.Fatal(err)
	}
	defer key.Wipe()
	text, _, err := p.Wrap(rand.Reader, h, key, WrapOptions{PadTo: ObfuscatedLen(alg)})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func examine(t testing.TB, text string, kbpk *keys.Key) []Finding {
	t.Helper()
	b, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	found, err := Examine(b, kbpk)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestEveryChangedCharacterIsNamed(t *testing.T) {
	for header, kbpk := range map[string]*keys.Key{
		"B0000P0TE00N0000": testKBPK(t, keys.TDES128, "DD7515F2BFC17F85CE48F3CA25CB21F6"),
		"A0000P0TE00N0000": testKBPK(t, keys.TDES128, "89E88CF7931444F334BD7547FC3F380C"),
		"D0000P0AE00N0000": testKBPK(t, keys.AES128, "FA36E44278DB3AB5F298F9F7DA8F1F88"),
		"E0000P0AE00N0000": testKBPK(t, keys.AES128, "FA36E44278DB3AB5F298F9F7DA8F1F88"),
	} {
		alg := keys.TDES128
		if header[7] == 'A' {
			alg = keys.AES128
		}
		text := wrapTest(t, kbpk, header, alg)
		for i := 5; i < len(text); i += 3 {
			changed := []byte(text)
			switch {
			case i < 12 && i != 9 && i != 10:
				changed[i] = 'D' ^ text[i]&1 // another letter
			case i >= headerLen:
				changed[i] = "123456789ABCDEF0"[strings.IndexByte("0123456789ABCDEF", text[i])]
			default:
				continue
			}
			if changed[i] == text[i] {
				continue
			}
			found := examine(t, string(changed), kbpk)
			if len(found) != 1 || found[0].Certainty != Proven || found[0].Character != i+1 || found[0].Corrected != text {
				t.Fatalf("%s: change at %d gives %+v", header, i+1, found)
			}
		}
	}
}

func TestTransposedMACOfTheManualIsNamed(t *testing.T) {
	kbpk := testKBPK(t, keys.TDES128, "19191919191919195B5B5B5B5B5B5B5B")
	found := examine(t, "A0072K0TD00N00007D2D21FC9ECD3EECBB0A2615BD8F05605722120BDFF2CCAC319C3198", kbpk)
	if len(found) != 1 || found[0].Cause != "mac_edited" || !strings.HasSuffix(found[0].Corrected, "319C3918") {
		t.Fatalf("got %+v", found)
	}
}

func TestAnotherKBPKIsLikelyWrong(t *testing.T) {
	kbpk := testKBPK(t, keys.TDES128, "BB2E09DB3EF0BA71E0CE6CD755C23A3B")
	found := examine(t, "B0128B1TX00N0300KS18FFFF00A0200001E00000KC0C000169E3KP0C00ECAD626F9F1A826814AA066D86C8C18BD0E14033E1EBEC75BEDF586E6E325F3AA8C0E5", kbpk)
	if len(found) == 0 || found[0].Cause != "kbpk_wrong" || found[0].Certainty != Likely {
		t.Fatalf("got %+v", found)
	}
}

func TestFormsOfTheKBPKAreTried(t *testing.T) {
	right := testKBPK(t, keys.TDES128, "DD7515F2BFC17F85CE48F3CA25CB21F6")
	text := wrapTest(t, right, "B0000P0TE00N0000", keys.TDES128)
	for name, digits := range map[string]string{
		"halves swapped": "CE48F3CA25CB21F6DD7515F2BFC17F85",
		"as 24 bytes":    "DD7515F2BFC17F85CE48F3CA25CB21F6DD7515F2BFC17F85",
	} {
		alg := keys.TDES128.ForLength(len(digits) / 2)
		found := examine(t, text, testKBPK(t, alg, digits))
		if len(found) != 1 || found[0].Cause != "kbpk_form" {
			t.Errorf("%s: got %+v", name, found)
		}
	}
}

func TestTwoChangesInTheHeaderLeaveThePayloadAsEvidence(t *testing.T) {
	kbpk := testKBPK(t, keys.TDES128, "DD7515F2BFC17F85CE48F3CA25CB21F6")
	text := []byte(wrapTest(t, kbpk, "B0000P0TE00N0000", keys.TDES128))
	text[8], text[11] = 'D', 'E'
	found := examine(t, string(text), kbpk)
	if len(found) != 1 || found[0].Cause != "header_edited" || found[0].Certainty != Likely {
		t.Fatalf("got %+v", found)
	}
}

func TestAGoodBlockHasNoFindings(t *testing.T) {
	kbpk := testKBPK(t, keys.AES128, "FA36E44278DB3AB5F298F9F7DA8F1F88")
	if found := examine(t, wrapTest(t, kbpk, "D0000P0AE00N0000", keys.AES128), kbpk); found != nil {
		t.Fatalf("got %+v", found)
	}
}

func TestASlipInATypedKBPKIsFound(t *testing.T) {
	for header, digits := range map[string]string{
		"B0000P0TE00N0000": "DD7515F2BFC17F85CE48F3CA25CB21F6",
		"D0000P0AE00N0000": "FA36E44278DB3AB5F298F9F7DA8F1F88",
	} {
		alg := keys.TDES128
		if header[0] == 'D' {
			alg = keys.AES128
		}
		block := wrapTest(t, testKBPK(t, alg, digits), header, alg)
		for i := 0; i+1 < len(digits); i += 5 {
			wrong := []byte(digits)
			wrong[i] = "89ABCDEF01234567"[strings.IndexByte("0123456789ABCDEF", digits[i])]
			f := examineTyped(t, block, testKBPK(t, alg, string(wrong)))
			if f.Cause != "kbpk_typo" || f.Certainty != Proven || f.Digit != i+1 || f.Swapped {
				t.Errorf("%s, digit %d: %+v", header, i+1, f)
			}
			swapped := []byte(digits)
			swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
			if swapped[i] == swapped[i+1] {
				continue
			}
			f = examineTyped(t, block, testKBPK(t, alg, string(swapped)))
			if f.Cause != "kbpk_typo" || f.Digit != i+1 || !f.Swapped {
				t.Errorf("%s, digits %d and %d: %+v", header, i+1, i+2, f)
			}
		}
	}
}

func TestSwappedHalvesAndAChangedCharacterAreFoundTogether(t *testing.T) {
	right := testKBPK(t, keys.TDES128, "DD7515F2BFC17F85CE48F3CA25CB21F6")
	typed := testKBPK(t, keys.TDES128, "CE48F3CA25CB21F6DD7515F2BFC17F85")
	for header, certainty := range map[string]string{"A0000P0TE00N0000": Likely, "B0000P0TE00N0000": Proven} {
		block := []byte(wrapTest(t, right, header, keys.TDES128))
		at := len(block) - 3
		block[at] = "123456789ABCDEF0"[strings.IndexByte("0123456789ABCDEF", block[at])]
		f := examineTyped(t, string(block), typed)
		if f.Cause != "kbpk_form" || f.Form != "halves_swapped" || f.Character != at+1 || f.Certainty != certainty || f.Corrected != "" {
			t.Errorf("%s: %+v", header, f)
		}
	}
}

func TestOfAKBPKThatWasNotTypedNoDigitIsTried(t *testing.T) {
	block := wrapTest(t, testKBPK(t, keys.TDES128, "DD7515F2BFC17F85CE48F3CA25CB21F6"), "B0000P0TE00N0000", keys.TDES128)
	found := examine(t, block, testKBPK(t, keys.TDES128, "DD7515F2BFC17F85CE48F3CA25CB2AF6"))
	if len(found) == 0 || found[0].Certainty == Proven || found[0].Digit != 0 {
		t.Errorf("%+v", found)
	}
}

func examineTyped(t testing.TB, text string, kbpk *keys.Key) Finding {
	t.Helper()
	b, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	found, err := ExamineTyped(b, kbpk)
	if err != nil || len(found) == 0 {
		t.Fatalf("%+v, %v", found, err)
	}
	return found[0]
}
