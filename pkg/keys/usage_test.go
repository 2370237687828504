package keys

import (
	"strings"
	"testing"

	"poskey/internal/fault"
)

func TestEveryUsageHasNameAndModes(t *testing.T) {
	names, codes := map[string]Usage{}, map[Usage]bool{}
	for _, u := range Usages() {
		if codes[u] {
			t.Errorf("%s is listed twice", u)
		}
		codes[u] = true
		name := u.Name().String()
		if name == "" || name == "proprietary" {
			t.Errorf("%s has no name", u)
		}
		if other, twice := names[name]; twice {
			t.Errorf("%s and %s have the same name", u, other)
		}
		names[name] = u
		modes := u.Modes()
		if modes == "" || strings.Trim(modes, "BCDEGNSTVXY") != "" { // X9.143, 6.3.3, and T of older editions
			t.Errorf("%s has modes %q", u, modes)
		}
		for i, m := range []byte(modes) {
			if !u.Allows(m) {
				t.Errorf("%s does not allow %c of its own modes", u, m)
			}
			if strings.IndexByte(modes, m) != i {
				t.Errorf("%s has mode %c twice", u, m)
			}
		}
		if !u.Known() || u.DefaultMode() != modes[0] || u.Allows('Z') || u.Allows(0) {
			t.Errorf("%s: known %v, default %c", u, u.Known(), u.DefaultMode())
		}
		if got, err := ParseUsage(strings.ToLower(string(u)) + " "); err != nil || got != u {
			t.Errorf("%s: parses to %q, %v", u, got, err)
		}
	}
	if len(codes) != 43 {
		t.Errorf("%d usages, want 43", len(codes))
	}
}

// TestModesAreThoseOfTheLintTable: reference/keyblocks.md, 5.
func TestModesAreThoseOfTheLintTable(t *testing.T) {
	for codes, modes := range map[string]string{
		"B0 B1 B3": "XN", "D0": "BDEN", "K0 K1": "BDEN", "P0": "BDEN", "P1 C0": "CGVN", "I0": "N",
		"M0 M1 M2 M3 M4 M5 M6 M7 M8": "CGVN", "V0 V1 V2 V3 V4 V5": "CGVNBDE", "S0 S1 S2": "SVNT",
		"E0 E1 E2 E3 E4 E5 E6 E7": "XNBCDEGV",
	} {
		for code := range strings.FieldsSeq(codes) {
			for _, m := range []byte("BCDEGNSTVXY") {
				if got, want := Usage(code).Allows(m), strings.IndexByte(modes, m) >= 0; got != want {
					t.Errorf("usage %s with mode %c: %v, want %v", code, m, got, want)
				}
			}
		}
	}
}

func TestProprietaryUsageAllowsEverything(t *testing.T) {
	for _, u := range []Usage{"10", "ZZ", "p0", ""} {
		if u.Known() || u.Modes() != "" || u.DefaultMode() != 'N' || !u.Allows('Z') || u.Name().String() != "proprietary" {
			t.Errorf("%q is taken for a usage of the standard", u)
		}
	}
	if u, err := ParseUsage("z9"); err != nil || u != "Z9" {
		t.Errorf("got %q, %v", u, err)
	}
}

func TestBadUsageIsRefused(t *testing.T) {
	for _, s := range []string{"", "P", "P00", "P-", "密钥", "P\x00", "p é"} {
		u, err := ParseUsage(s)
		wantKind(t, err, fault.Usage)
		if u != "" {
			t.Errorf("%q: an error came with %q", s, u)
		}
	}
}
