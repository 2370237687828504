package keyblock

import (
	"strings"
	"testing"

	"poskey/pkg/keys"
)

// TestContentOfEveryOptionalBlockIsExplainedOrRefused: X9.143, 6.3.6, tables 8 to 23.
func TestContentOfEveryOptionalBlockIsExplainedOrRefused(t *testing.T) {
	type row struct{ data, meaning string } // no meaning: not as the standard has it
	rows := map[string][]row{
		"AL": {{"0100", "ephemeral"}, {"0101", "static"}, {"0102", ""}, {"0200", ""}, {"", ""}, {"01", ""}, {"01000", ""}},
		"BI": {{"00123456789A", "TDES DUKPT key set identifier 123456789A"}, {"0112345678", "AES DUKPT base key identifier 12345678"},
			{"0012345678", ""}, {"01123456789A", ""}, {"0212345678", ""}, {"00123456789G", ""}, {"", ""}, {"00", ""}},
		"CT": {{"00MIIB", "X.509 certificate, 4 characters"}, {"01abc", "EMV certificate, 3 characters"}, {"02" + strings.Repeat("x", 300), "chain of certificates, 300 characters"},
			{"03MIIB", ""}, {"00", ""}, {"", ""}},
		"DA": {{"01", "may derive"}, {"01P0TEN", "P0 T E N"}, {"01P0TENM3TCE", "P0 T E N, M3 T C E"}, {"00P0TEN", ""}, {"01P0TE", ""}, {"01P0TENM", ""}, {"", ""}},
		"HM": {{"10", "SHA-1"}, {"20", "SHA-224"}, {"21", "SHA-256"}, {"22", "SHA-384"}, {"23", "SHA-512"}, {"24", "SHA-512/224"}, {"25", "SHA-512/256"},
			{"30", "SHA3-224"}, {"31", "SHA3-256"}, {"32", "SHA3-384"}, {"33", "SHA3-512"}, {"40", "SHAKE128"}, {"41", "SHAKE256"},
			{"26", ""}, {"00", ""}, {"", ""}, {"210", ""}},
		"IK": {{"1234567890ABCDEF", "base key id 12345678, derivation id 90ABCDEF"}, {"1234567890ABCDE", ""}, {"1234567890ABCDEG", ""}, {"", ""},
			{"FFFF9876543210E00000", ""}},
		"KC": {{"0008D7B4", "08D7B4 by the legacy method"}, {"01BE7ED6AE78", "BE7ED6AE78 by CMAC"}, {"0008D7", "08D7 by the legacy"}, {"01be7ed6", "by CMAC"},
			{"0008D7B4FB", ""}, {"01BE7ED6AE7811", ""}, {"02BE7ED6", ""}, {"00", ""}, {"01", ""}, {"0008D7BG", ""}, {"", ""}},
		"KS": {{"FFFF9876543210E00000", "KSN FFFF9876543210E00000"}, {"00604B120F929280000", ""}, {"VM9A", ""}, {"", ""}, {"FFFF9876543210E0000G", ""}},
		"KV": {{"0000", "0000"}, {"", `""`}},
		"LB": {{"till 7", `"till 7"`}, {"", `""`}},
		"PB": {{"0000", "4 characters"}, {"", "0 characters"}},
		"TC": {{"20260102030405Z", "2026-01-02 03:04:05 UTC"}, {"2026010203040567Z", "2026-01-02 03:04:05.67 UTC"},
			{"2026-01-02T03:04:05Z", "2026-01-02 03:04:05 UTC"}, {"2026-01-02T03:04:05.67Z", "2026-01-02 03:04:05"},
			{"20260102030405", ""}, {"2018-06-18T20:42:39.22", ""}, {"20261302030405Z", ""}, {"20260102250405Z", ""}, {"2026010203040Z", ""},
			{"202601020304056Z", ""}, {"20260102030405+1Z", ""}, {"2026-01-02 03:04:05Z", ""}, {"", ""}},
		"WP": {{"000", "equal or greater strength"}, {"001", "by a weaker key"}, {"002", "asymmetric key"}, {"003", "by a weaker and by an asymmetric"},
			{"004", ""}, {"100", ""}, {"00", ""}, {"", ""}},
	}
	rows["KP"], rows["PK"], rows["TS"] = rows["KC"], rows["KC"], rows["TC"]
	names := map[string]string{}
	for id, all := range rows {
		name, known := (&OptBlock{ID: id}).Name()
		if !known || name.IsZero() {
			t.Errorf("%s has no name", id)
		}
		if other, twice := names[name.String()]; twice {
			t.Errorf("%s and %s have the same name", id, other)
		}
		names[name.String()] = id
		for _, r := range all {
			got, ok := (&OptBlock{ID: id, Data: r.data}).Meaning()
			if ok != (r.meaning != "") || !strings.Contains(got.String(), r.meaning) || got.IsZero() {
				t.Errorf("%s with %q: %q, %v; want %q", id, r.data, got, ok, r.meaning)
			}
		}
	}
	if len(rows) != 16 {
		t.Errorf("%d blocks, want 16", len(rows))
	}
	for _, id := range []string{"10", "01", "ZZ", "kc", "Kc"} {
		o := OptBlock{ID: id, Data: "x"}
		name, known := o.Name()
		meaning, ok := o.Meaning()
		if known || name.String() != "proprietary block" || !ok || !meaning.IsZero() {
			t.Errorf("%s is taken for a block of the standard", id)
		}
	}
}

// TestKSNOfSixteenDigitsIsShownAndDoubted: it occurs, and it is not the standard's length.
func TestKSNOfSixteenDigitsIsShownAndDoubted(t *testing.T) {
	meaning, ok := (&OptBlock{ID: "KS", Data: "FFFF9876543210E0"}).Meaning()
	if ok || meaning.String() != "KSN FFFF9876543210E0" {
		t.Errorf("got %q, %v", meaning, ok)
	}
}

func TestEveryFieldOfTheHeaderIsNamed(t *testing.T) {
	for field, c := range map[string]struct {
		known string
		name  func(c byte) string
	}{
		"algorithm":      {"ADEHIJRST4", func(c byte) string { h := Header{Algorithm: c}; return h.AlgorithmName().String() }},
		"mode":           {"BCDEGNSTVXY", func(c byte) string { h := Header{Mode: c}; return h.ModeName().String() }},
		"exportability":  {"ENS", func(c byte) string { h := Header{Exportability: c}; return h.ExportabilityName().String() }},
		"context":        {"012", func(c byte) string { h := Header{Context: c}; return h.ContextName().String() }},
		"version letter": {"ABCDE", func(c byte) string { h := Header{Version: c}; return h.VersionName().String() }},
	} {
		seen := map[string]byte{}
		for char := byte('0'); char <= 'z'; char++ {
			name, known := c.name(char), strings.IndexByte(c.known, char) >= 0
			if known != (name != "proprietary") || name == "" {
				t.Errorf("%s %c is called %q", field, char, name)
			}
			if other, twice := seen[name]; twice && known {
				t.Errorf("%s %c and %c are both called %q", field, char, other, name)
			}
			seen[name] = char
		}
	}
	for version, want := range map[string]string{"00": "not used", "c7": "a component, number 7", "c0": "a component, number 0", "12": "version 12 of the key"} {
		if got := (&Header{KeyVersion: version}).KeyVersionName().String(); got != want {
			t.Errorf("key version %s is called %q", version, got)
		}
	}
	for _, u := range keys.Usages() {
		if (&Header{Usage: u}).UsageName().String() != u.Name().String() {
			t.Errorf("usage %s has two names", u)
		}
	}
}
