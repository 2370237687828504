package diagnose_test

// Diagnosis of keys of a store, whose boundary answers in verdicts.

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/testvec"
	"poskey/pkg/diagnose"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// runStrict diagnoses facts over keys of a store, with a limit of questions, and gives what was recorded.
func runStrict(t *testing.T, f diagnose.Facts, limit int, material ...string) (diagnose.Report, []hsm.Probe, error) {
	t.Helper()
	return runStrictAbout(t, f, limit, make([]hsm.Attributes, len(material)), material...)
}

func runStrictAbout(
	t *testing.T, f diagnose.Facts, limit int, about []hsm.Attributes, material ...string,
) (diagnose.Report, []hsm.Probe, error) {
	t.Helper()
	var secrets []*secret.Bytes
	for _, m := range material {
		secrets = append(secrets, secret.Take(testvec.Hex(t, m)))
	}
	var recorded []hsm.Probe
	p, err := hsm.NewStrictProber(secrets, about, hsm.Options{Questions: limit,
		ProbeRecord: func(_ context.Context, q hsm.Probe) error {
			recorded = append(recorded, q)
			return nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	f.Prober = p
	if f.Kind == diagnose.Parts {
		f.Parts = len(material)
	}
	r, err := diagnose.KCV(t.Context(), f)
	return r, recorded, err
}

func TestWrongModesAreFoundByVerdicts(t *testing.T) {
	key := testvec.Hex(t, keyT)
	swapped := append(append([]byte(nil), key[8:]...), key[:8]...)
	r, recorded, err := runStrict(t, tdesKey(t, valueOf(t, keys.TDES128, swapped, 6).Digits, ""), 0, keyT)
	if err != nil {
		t.Fatal(err)
	}
	e := wantFirst(t, r, diagnose.CauseHalvesSwapped, diagnose.Proven).Evidence
	if e.AsGiven != "" || e.Parity != "" {
		t.Errorf("evidence %+v", e)
	}
	if len(recorded) < 10 || recorded[len(recorded)-1].Question != len(recorded) {
		t.Errorf("%d questions are recorded", len(recorded))
	}
}

func TestOfASlipInAKeyOfTheStoreThePieceAloneIsTold(t *testing.T) {
	f := tdesParts(t, "7FF5B8", "")
	f.Search = 1
	f.PartExpected = values(t, "E2AC18", "1E656F")
	wrong := "5" + c1Two[1:]
	r, recorded, err := runStrict(t, f, 0, c1One, wrong)
	if err != nil {
		t.Fatal(err)
	}
	told := false
	for _, x := range r.Findings {
		if len(x.Evidence.Edits) > 0 || x.Evidence.Parity != "" {
			t.Errorf("a place is told: %+v", x.Evidence)
		}
		told = told || x.Cause == diagnose.CauseMistypedDigit && len(x.Evidence.Parts) == 1 && x.Evidence.Parts[0] == 2
	}
	if !told {
		t.Errorf("part 2 is not named: %+v, next: %s", r.Findings, r.NextStep)
	}
	searches := 0
	for _, q := range recorded {
		if q.Search {
			searches++
		}
	}
	if searches == 0 {
		t.Error("no search is recorded")
	}
	doc, err := json.Marshal(r)
	if err != nil || strings.Contains(string(doc), "\"digit\"") {
		t.Errorf("%s, %v", doc, err)
	}
}

// TestBesideAKeyOfTheStoreWhatWasBroughtIsSearched: a slip in the key of the store itself is not, since the answer would
// tell its digits to whoever chose what stands beside it.
func TestBesideAKeyOfTheStoreWhatWasBroughtIsSearched(t *testing.T) {
	about := []hsm.Attributes{{Algorithm: keys.TDES128, Label: "PART#1"}, {Algorithm: keys.Raw}}
	groups := c1Two[4:8] + c1Two[:4] + c1Two[8:] // two groups changed places
	f := tdesParts(t, "7FF5B8", "")
	f.Search = 1
	r, _, err := runStrictAbout(t, f, 0, about, c1One, groups)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Findings) == 0 || len(r.Findings[0].Evidence.Parts) != 1 || r.Findings[0].Evidence.Parts[0] != 2 {
		t.Errorf("part 2 is not named: %+v, next: %s", r.Findings, r.NextStep)
	}
	groups = c1One[4:8] + c1One[:4] + c1One[8:]
	r, _, err = runStrictAbout(t, f, 0, about, groups, c1Two)
	if err != nil || r.Verdict != diagnose.Unexplained || !strings.Contains(r.NextStep.String(), "did not answer") {
		t.Errorf("a slip in the key of the store: %+v, next step %s, %v", r.Findings, r.NextStep, err)
	}
}

// TestHalvesOfAKeyOfTheStoreAreFound: the wrong shapes that a diagnosis looks for are still answered about.
func TestHalvesOfAKeyOfTheStoreAreFound(t *testing.T) {
	key := testvec.Hex(t, keyT)
	about := []hsm.Attributes{{Algorithm: keys.TDES128, Label: "ZMK#1"}}
	filled := append(append([]byte(nil), key...), make([]byte, 8)...)
	for what, value := range map[string]string{
		"the left half alone": valueOf(t, keys.DES, key[:8], 6).Digits,
		"filled up":           valueOf(t, keys.TDES192, filled, 6).Digits,
	} {
		r, _, err := runStrictAbout(t, tdesKey(t, value, ""), 0, about, keyT)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Findings) == 0 || r.Findings[0].Cause != diagnose.CauseLengthClass {
			t.Errorf("%s: %+v", what, r.Findings)
		}
	}
}

// TestACryptogramUnderAKeyOfTheStoreIsExplained: the cryptogram is anybody's, the key-encrypting key is the store's.
func TestACryptogramUnderAKeyOfTheStoreIsExplained(t *testing.T) {
	about := []hsm.Attributes{{Algorithm: keys.Raw}, {Algorithm: keys.TDES128, Label: "TMK#1"}}
	tmk, working := testvec.Hex(t, keyT), testvec.Hex(t, c1One)
	value := valueOf(t, keys.TDES128, working, 6)
	left := append(append([]byte(nil), tmk[:8]...), tmk[:8]...)
	swapped := append(append([]byte(nil), tmk[8:]...), tmk[:8]...)
	for cause, under := range map[diagnose.Cause][]byte{
		diagnose.CauseTMKSingleDES: left, diagnose.CauseHalvesSwapped: swapped,
	} {
		cryptogram := encrypted(t, under, working)
		f := diagnose.Facts{Kind: diagnose.Cryptogram, Algorithm: keys.TDES128, Expected: kcv.Expected{Digits: value.Digits}}
		r, _, err := runStrictAbout(t, f, 0, about, testvec.Upper(cryptogram), keyT)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Findings) == 0 || r.Findings[0].Cause != cause {
			t.Errorf("%s: %+v, next %s", cause, r.Findings, r.NextStep)
		}
	}
}

// encrypted runs TDES in ECB.
func encrypted(t *testing.T, key, data []byte) []byte {
	t.Helper()
	b, err := keys.NewCipher(keys.TDES128, key)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]byte, len(data))
	for at := 0; at < len(data); at += 8 {
		b.Encrypt(out[at:], data[at:])
	}
	return out
}

func TestWhatWasNotAnsweredIsSaid(t *testing.T) {
	r, _, err := runStrict(t, tdesKey(t, "123456", ""), 5, keyT)
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict != diagnose.Unexplained || !strings.Contains(r.NextStep.String(), "did not answer") {
		t.Errorf("verdict %s, next step %s", r.Verdict, r.NextStep)
	}
	if _, _, err := runStrict(t, tdesKey(t, "123456", ""), 0, keyT, keyT+"00"); err != nil {
		t.Errorf("a second piece that is not used: %v", err)
	}
}

func TestAFailingRecordStopsTheDiagnosis(t *testing.T) {
	broken := fault.New(fault.Failure, "the disk is full")
	p, err := hsm.NewStrictProber([]*secret.Bytes{secret.Take(testvec.Hex(t, keyT))}, make([]hsm.Attributes, 1),
		hsm.Options{ProbeRecord: func(context.Context, hsm.Probe) error { return broken }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	f := tdesKey(t, "123456", "")
	f.Prober = p
	if r, err := diagnose.KCV(t.Context(), f); !fault.Is(err, fault.Failure) || r.Verdict != "" {
		t.Errorf("report %+v, error %v", r, err)
	}
}
