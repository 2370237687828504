package diagnose_test

// Base derivation keys, initial keys and key serial numbers that do not belong together.

import (
	"context"
	"strings"
	"testing"

	"poskey/internal/secret"
	"poskey/internal/testvec"
	"poskey/pkg/diagnose"
	"poskey/pkg/dukpt"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// The example of X9.24-1 annex A, and one of X9.24-3.
const (
	bdkTDES = "0123456789ABCDEFFEDCBA9876543210"
	ikTDES  = "6AC292FAA1315B4D858AB3A3D7D5933A"
	ksnTDES = "FFFF9876543210E00000"
	bdkAES  = "FEDCBA9876543210F1F1F1F1F1F1F1F1"
	ksnAES  = "123456789012345600000000"
)

func tdesBase(t testing.TB, ksn, expected, got string) diagnose.Facts {
	return diagnose.Facts{Algorithm: keys.TDES128, Kind: diagnose.Base, KSN: ksn, Expected: value(t, expected), Got: value(t, got)}
}

// ikValue is the check value of the initial key of a KSN.
func ikValue(t testing.TB, bdk, ksn string) string {
	t.Helper()
	return dukptValue(t, bdk, ksn, func(ik *dukpt.IK, _ dukpt.KSN) *keys.Key { return ik.Key() })
}

func dukptValue(t testing.TB, bdk, ksn string, of func(*dukpt.IK, dukpt.KSN) *keys.Key) string {
	t.Helper()
	n, err := dukpt.ParseKSN(ksn)
	if err != nil {
		t.Fatal(err)
	}
	alg := keys.TDES128
	if n.Scheme() == dukpt.AES {
		alg = keys.AES128.ForLength(len(bdk) / 2)
	}
	k, err := keys.New(alg, secret.Take(testvec.Hex(t, bdk)))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Wipe()
	b, err := dukpt.NewBDK(n.Scheme(), k)
	if err != nil {
		t.Fatal(err)
	}
	ik, err := b.IK(n)
	if err != nil {
		t.Fatal(err)
	}
	defer ik.Wipe()
	out := of(ik, n)
	defer out.Wipe()
	return valueOf(t, out.Algorithm(), out.Secret().Expose(), 6).Digits
}

func TestTheValueOfTheBDKIsNotThatOfItsInitialKey(t *testing.T) {
	wantFirst(t, run(t, tdesBase(t, ksnTDES, "AF8C07", "08D7B4"), bdkTDES), diagnose.CauseIPEKBDK, diagnose.Proven)
	wantFirst(t, run(t, tdesBase(t, ksnTDES, "08D7B4", "AF8C07"), bdkTDES), diagnose.CauseIPEKBDK, diagnose.Proven)
	wantFirst(t, run(t, tdesBase(t, ksnTDES, "08D7B4", ""), bdkTDES), diagnose.CauseIPEKBDK, diagnose.Proven)
	if r := run(t, tdesBase(t, ksnTDES, "AF8C07", ""), bdkTDES); r.Verdict != diagnose.Match || len(r.Findings) != 0 {
		t.Errorf("the initial key as it should be: %s, %+v", r.Verdict, r.Findings)
	}
}

// TestAKeyGivenAsInitialKeyMayBeTheBDK: the other way round, with the key that was loaded.
func TestAKeyGivenAsInitialKeyMayBeTheBDK(t *testing.T) {
	f := tdesKey(t, "AF8C07", "")
	f.KSN = ksnTDES
	wantFirst(t, run(t, f, bdkTDES), diagnose.CauseIPEKBDK, diagnose.Proven)
	f = tdesKey(t, "", "")
	f.KSN, f.Expected = ksnTDES, value(t, dukptValue(t, bdkTDES, "FFFF9876543210E00001", pinKey(t)))
	wantFirst(t, run(t, f, ikTDES), diagnose.CauseIPEKBDK, diagnose.Proven)
}

func pinKey(t testing.TB) func(ik *dukpt.IK, ksn dukpt.KSN) *keys.Key {
	return func(ik *dukpt.IK, ksn dukpt.KSN) *keys.Key {
		txn, err := ik.Transaction(ksn)
		if err != nil {
			t.Fatal(err)
		}
		defer txn.Wipe()
		k, err := txn.Working(dukpt.PIN, "")
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
}

// TestTheKSNThatFitsIsNamed: which field is off, and what would fit.
func TestTheKSNThatFitsIsNamed(t *testing.T) {
	for _, c := range []struct{ bdk, given, used, says string }{
		{bdkTDES, "9876543210E00000", ksnTDES, "with F on the left"},
		{bdkTDES, ksnTDES, "9876543210E000000000", "without its leading F's, filled up with zeros on the right"},
		{bdkTDES, ksnTDES, "00009876543210E00000", "with zeros on the left"},
		{bdkTDES, "FFFF9876543210F00003", "FFFF9876543211E00003", "device"},
		{bdkTDES, "FFFF9876543210E00001", "FFFF9876543211000000", "a device 1 behind"},
		{bdkTDES, "FFFF9876543210E00001", "FFFF9876543210A00000", "a device 2 before"},
		{bdkTDES, "FFFF9876543210E00001", "FFFF9867543210E00001", "the key set id has digits 7 and 8 swapped"},
		{bdkTDES, "FFFF9876543210E00001", "FFFF9876743210E00001", "the key set id differs in digit 9"},
		{bdkTDES, "FFFF9876543210E000017", ksnTDES, "one too many"},
		{bdkAES, ksnAES, "123456789012345700000000", "a device 1 behind"},
		{bdkAES, ksnAES, "124356789012345600000000", "the BDK id has digits 3 and 4 swapped"},
		{bdkAES, ksnAES, "123456789012845600000000", "the derivation id differs in digit 13"},
		{bdkAES, ksnAES, "901234561234567800000000", "changed places"},
		{bdkAES, "1234567890123456", ksnAES, "the first 8 bytes"},
	} {
		f := diagnose.Facts{Algorithm: keys.TDES128, Kind: diagnose.Base, KSN: c.given}
		if c.bdk == bdkAES {
			f.Algorithm = keys.AES128
		}
		f.Expected = value(t, ikValue(t, c.bdk, c.used))
		x := wantFirst(t, run(t, f, c.bdk), diagnose.CauseKSNMismatch, diagnose.Proven)
		used, _ := dukpt.ParseKSN(c.used)
		if len(x.Evidence.Seen) != 1 || x.Evidence.Seen[0].Expected.String() != used.Initial().String() || !strings.Contains(x.Summary.String(), c.says) {
			t.Errorf("KSN %s for %s: %s, %+v", c.given, c.used, x.Summary, x.Evidence.Seen)
		}
	}
}

func TestACounterThatWasNotClearedIsNamed(t *testing.T) {
	ksn, _ := dukpt.ParseKSN("FFFF9876543210F40003")
	k, err := keys.New(keys.TDES128, secret.Take(testvec.Hex(t, bdkTDES)))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Wipe()
	b, err := dukpt.NewBDK(dukpt.TDES, k)
	if err != nil {
		t.Fatal(err)
	}
	ik, err := b.MistakenIK(ksn)
	if err != nil {
		t.Fatal(err)
	}
	defer ik.Wipe()
	f := tdesBase(t, ksn.String(), valueOf(t, keys.TDES128, ik.Key().Secret().Expose(), 6).Digits, "")
	x := wantFirst(t, run(t, f, bdkTDES), diagnose.CauseKSNMismatch, diagnose.Proven)
	if !strings.Contains(x.Summary.String(), "not cleared") {
		t.Errorf("%s", x.Summary)
	}
}

// TestTheOtherSchemeIsNamed: the number of AES DUKPT cut to ten bytes, with code for TDES.
func TestTheOtherSchemeIsNamed(t *testing.T) {
	f := diagnose.Facts{Algorithm: keys.AES128, Kind: diagnose.Base, KSN: ksnAES, Got: value(t, ikValue(t, bdkAES, ksnAES[:20])),
		Expected: value(t, ikValue(t, bdkAES, ksnAES))}
	wantFirst(t, run(t, f, bdkAES), diagnose.CauseCipherFamily, diagnose.Proven)
}

func TestASlipInTheBDKIsFound(t *testing.T) {
	r := run(t, tdesBase(t, ksnTDES, "AF8C07", ""), "1"+bdkTDES[1:])
	if e := wantFirst(t, r, diagnose.CauseMistypedDigit, diagnose.Proven).Evidence; len(e.Edits) != 1 || e.Edits[0].Digit != 1 {
		t.Errorf("%+v", e.Edits)
	}
}

// TestABDKOfAStoreIsAskedForItsOwnValueAlone: nothing is derived from it for a diagnosis, and that is said.
func TestABDKOfAStoreIsAskedForItsOwnValueAlone(t *testing.T) {
	for expected, verdict := range map[string]diagnose.Verdict{"08D7B4": diagnose.Explained, "AF8C07": diagnose.Unexplained} {
		r, recorded, err := runStrict(t, tdesBase(t, ksnTDES, expected, ""), 0, bdkTDES)
		if err != nil {
			t.Fatal(err)
		}
		if r.Verdict != verdict || len(r.Notes) != 1 || len(recorded) != 1 {
			t.Errorf("%s: verdict %s, notes %v, %d questions", expected, r.Verdict, r.Notes, len(recorded))
		}
	}
}

func TestABDKIsNotDiagnosedWithoutAWholeNumber(t *testing.T) {
	p := hsm.NewSpotProber([]*secret.Bytes{secret.Take(testvec.Hex(t, bdkTDES))})
	defer func() { _ = p.Close() }()
	for _, ksn := range []string{"", "FFFF", "FFFF9876543210E0000G", strings.Repeat("F", 33)} {
		f := tdesBase(t, ksn, "AF8C07", "")
		f.Prober = p
		if r, err := diagnose.KCV(context.Background(), f); err == nil || r.Verdict != "" {
			t.Errorf("KSN %q: %+v", ksn, r)
		}
	}
	f := diagnose.Facts{Algorithm: keys.SM4, Kind: diagnose.Base, KSN: ksnTDES, Expected: kcv.Expected{Digits: "AF8C07"}, Prober: p}
	if _, err := diagnose.KCV(context.Background(), f); err == nil {
		t.Error("an SM4 key is no BDK")
	}
}
