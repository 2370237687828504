package component

import (
	"encoding/json"
	"os"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

type vector struct {
	ID          string
	Scheme      string
	Algorithm   string
	Components  []string
	KCVs        []string `json:"component_kcvs"`
	Combined    string
	CombinedOdd string `json:"combined_odd_parity"`
	KCV         string
	Method      string `json:"kcv_method"`
	Source      string
}

func loadVectors(t *testing.T) []vector {
	t.Helper()
	raw, err := os.ReadFile("../../testdata/vectors/components.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	if err := json.Unmarshal(raw, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) == 0 {
		t.Fatal("the vector file is empty")
	}
	return vectors
}

func (v vector) algorithm() keys.Algorithm {
	if v.Algorithm == "des-64" {
		return keys.DES
	}
	return keys.Algorithm(v.Algorithm)
}

func TestPublishedComponentsCombine(t *testing.T) {
	for _, v := range loadVectors(t) {
		t.Run(v.ID, func(t *testing.T) {
			noLeaks(t)
			if v.Scheme != string(XOR) || v.Method != string(kcv.ECBZero) || v.Source == "" {
				t.Fatalf("unexpected vector: scheme %q, method %q, source %q", v.Scheme, v.Method, v.Source)
			}
			parts := bare(t, v.algorithm(), v.Components...)
			for i, p := range parts {
				if want := (kcv.Value{Method: kcv.ECBZero, Digits: v.KCVs[i]}); p.Check != want {
					t.Errorf("check value of component %d is %s, want %s", i+1, p.Check, want)
				}
			}
			orders(parts, func(parts []*Part) {
				mustGive(t, combine(t, v.algorithm(), parts), v.Combined, v.CombinedOdd, v.KCV)
			})
		})
	}
}

// mustGive compares a key, its form with odd parity and its check value.
func mustGive(t *testing.T, k *keys.Key, plain, odd, check string) {
	t.Helper()
	want := secret.Take(unhex(t, plain))
	defer want.Wipe()
	if !k.Secret().Equal(want) {
		t.Error("the combined key is wrong")
	}
	adjusted, wantOdd := k.Secret().Clone(), secret.Take(unhex(t, odd))
	defer adjusted.Wipe()
	defer wantOdd.Wipe()
	keys.FixParity(adjusted.Expose())
	if !adjusted.Equal(wantOdd) {
		t.Error("the combined key with odd parity is wrong")
	}
	for _, b := range []*secret.Bytes{k.Secret(), adjusted} {
		if got, err := kcv.Of(k.Algorithm(), b.Expose(), kcv.ECBZero, len(check)); err != nil || got.Digits != check {
			t.Errorf("check value is %v (%v), want %s", got, err, check)
		}
	}
}

// C1 to C3 of the component table in the reference on check values; C1 is that of the README of
// https://github.com/arthurvdmerwe/gemalto-payment-hsm-client, C3 is synthetic.
const (
	c1Part1 = "0723CD4CDDF25A1F8F3517EEABE482C9"
	c1Part2 = "227A6A90957517C2E22CBC934EC55187"
	c1Key   = "2559A7DC48874DDD6D19AB7DE521D34E"
	c3Part1 = "0E1570C846D9E9580DB6ADD6AE7F6798"
	c3Part2 = "8AC7230489E90101F1E0D3C2B5A49786"
)

func TestKnownPairsCombine(t *testing.T) {
	noLeaks(t)
	parts := bare(t, keys.TDES128, c1Part1, c1Part2)
	if parts[0].Check.Digits != "E2AC18" || parts[1].Check.Digits != "1E656F" {
		t.Errorf("check values of C1 are %s and %s", parts[0].Check, parts[1].Check)
	}
	mustGive(t, combine(t, keys.TDES128, parts), c1Key, "2558A7DC49864CDC6D19AB7CE520D34F", "7FF5B8")

	parts = bare(t, keys.TDES128, c3Part1, c3Part2)
	k := combine(t, keys.TDES128, parts)
	mustGive(t, k, "84D253CCCF30E859FC567E141BDBF01E", "85D352CDCE31E958FD577F151ADAF11F", "ADEF0ABF")
	if got := k.Parity(); got != keys.ParityEven {
		t.Errorf("two odd components give parity %q, want even", got)
	}
}

// TestWrongResultsOfC1 goes through the mistakes of the reference's table: what can be refused is refused, what
// cannot (a bare component says nothing about itself) gives the key that the table says.
func TestWrongResultsOfC1(t *testing.T) {
	noLeaks(t)
	t.Run("a slip in a parity bit changes no check value of a bare part", func(t *testing.T) {
		parts := bare(t, keys.TDES128, c1Part1[:31]+"8", c1Part2)
		if parts[0].Check.Digits != "E2AC18" {
			t.Errorf("part check value is %s", parts[0].Check)
		}
		mustGive(t, combine(t, keys.TDES128, parts), "2559A7DC48874DDD6D19AB7DE521D34F",
			"2558A7DC49864CDC6D19AB7CE520D34F", "7FF5B8")
	})
	t.Run("a slip in a key bit changes the part's check value", func(t *testing.T) {
		parts := bare(t, keys.TDES128, c1Part1[:31]+"B", c1Part2)
		if parts[0].Check.Digits != "EC234F" {
			t.Errorf("part check value is %s", parts[0].Check)
		}
		mustGive(t, combine(t, keys.TDES128, parts), "2559A7DC48874DDD6D19AB7DE521D34C",
			"2558A7DC49864CDC6D19AB7CE520D34C", "8E51D8")
	})
	t.Run("one part alone", func(t *testing.T) {
		_, err := Combine(keys.TDES128, bare(t, keys.TDES128, c1Part1))
		mustFail(t, err, fault.PartMissing, "one part was given")
	})
	t.Run("one part twice", func(t *testing.T) {
		_, err := Combine(keys.TDES128, bare(t, keys.TDES128, c1Part1, c1Part1))
		mustFail(t, err, fault.PartRefused, "parts 1 and 2 are equal")
	})
	t.Run("one part twice beside the other", func(t *testing.T) {
		_, err := Combine(keys.TDES128, bare(t, keys.TDES128, c1Part1, c1Part2, c1Part2))
		mustFail(t, err, fault.PartRefused, "parts 2 and 3 are equal")
	})
	t.Run("halves", func(t *testing.T) {
		for _, half := range []string{c1Part1[:16], c1Part2[16:]} {
			_, err := Bare(keys.TDES128, secret.Take(unhex(t, half)))
			mustFail(t, err, fault.PartRefused, "16 hex digits", "32", "PCI PIN 12-4")
		}
	})
	t.Run("which parts give a check value", func(t *testing.T) {
		parts := bare(t, keys.TDES128, c1Part1, c1Part2)
		for check, want := range map[string]string{"7FF5B8": "1, 2", "E2AC18": "1", "1E656F": "2",
			"783D18": "", "C33D3D": "", "107050": "", "8E51D8": ""} {
			if got := fitsOf(t, keys.TDES128, parts, check); got != want {
				t.Errorf("check value %s is given by parts %q, want %q", check, got, want)
			}
		}
	})
}

// fitsOf writes the choices that fit, separated by semicolons.
func fitsOf(t *testing.T, alg keys.Algorithm, parts []*Part, check string) string {
	t.Helper()
	expected, err := kcv.Parse(check)
	if err != nil {
		t.Fatal(err)
	}
	fits, err := FitSubsets(alg, parts, expected)
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for i, f := range fits {
		if i > 0 {
			text += "; "
		}
		text += list(f.Parts)
	}
	return text
}
