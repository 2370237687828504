package hsm_test

import (
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/testvec"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// keyInSoft is keyT in a boundary of its own.
func keyInSoft(t *testing.T) (hsm.Boundary, hsm.Key) {
	t.Helper()
	b := openSoft(t)
	t.Cleanup(func() { _ = b.Close() })
	a := hsm.Attributes{Algorithm: keys.TDES128}
	k, err := b.Import(t.Context(), secret.Take(testvec.Hex(t, keyT)), a, hsm.Policy{Inspect: true})
	if err != nil {
		t.Fatal(err)
	}
	return b, k
}

func TestVerifyGivesTheProofForTheRightValueOnly(t *testing.T) {
	b, k := keyInSoft(t)
	for _, tt := range []struct {
		digits string
		method kcv.Method
	}{{"08D7B4", ""}, {"08D7", kcv.ECBZero}, {"08D7B4FB629D0885", kcv.ECBZero}, {"0A8245", kcv.CMAC}} {
		c, err := hsm.Verify(t.Context(), b, k, expect(t, tt.digits), tt.method, hsm.BySheet)
		got := c.Comparison()
		if err != nil || c.Key().Block != k.Block || c.By() != hsm.BySheet || !got.Match || got.Digits != len(tt.digits) {
			t.Errorf("%s by %q: %+v, error %v", tt.digits, tt.method, c, err)
		}
	}
	for _, digits := range []string{"08D7B5", "18D7B4", "0A8245", "08D7B4FB629D0884"} {
		c, err := hsm.Verify(t.Context(), b, k, expect(t, digits), "", hsm.ByExpected)
		if !fault.Is(err, fault.KCVMismatch) || c.By() != "" || c.Key().Block != "" {
			t.Errorf("%s: %+v, error %v; want no proof", digits, c, err)
		}
	}
}

func TestAnEmptyValueProvesNothing(t *testing.T) {
	b, k := keyInSoft(t)
	c, err := hsm.Verify(t.Context(), b, k, kcv.Expected{}, "", hsm.ByExpected)
	if !fault.Is(err, fault.Usage) || c.By() != "" {
		t.Errorf("%+v, error %v; want no proof", c, err)
	}
}

func TestAMethodThatTheKeyDoesNotHaveProvesNothing(t *testing.T) {
	b, k := keyInSoft(t)
	c, err := hsm.Verify(t.Context(), b, k, expect(t, "123456"), kcv.HMACEmpty, hsm.ByExpected)
	if !fault.Is(err, fault.Usage) || c.By() != "" {
		t.Errorf("%+v, error %v; want no proof", c, err)
	}
}

func TestAcceptNeverClaimsAComparison(t *testing.T) {
	_, k := keyInSoft(t)
	for said, want := range map[hsm.Witness]hsm.Witness{
		hsm.ByOperator: hsm.ByOperator, hsm.Uncompared: hsm.Uncompared,
		hsm.ByExpected: hsm.Uncompared, hsm.BySheet: hsm.Uncompared, hsm.ByBlock: hsm.Uncompared, "": hsm.Uncompared,
	} {
		c := hsm.Accept(k, said)
		if c.By() != want || c.Comparison() != (kcv.Comparison{}) || c.Key().Block != k.Block {
			t.Errorf("accepted by %q: witness %q, comparison %+v; want %q and none", said, c.By(), c.Comparison(), want)
		}
	}
}

// A Checked has no exported fields, so outside of this package only Verify and Accept make one with a key in it. What
// the compiler lets pass, hsm.Checked{}, has no witness; pkg/inject refuses it by that.
func TestAZeroCheckedHasNoWitness(t *testing.T) {
	if by := (hsm.Checked{}).By(); by != "" {
		t.Errorf("witness %q of nothing", by)
	}
}
