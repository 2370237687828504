package dukpt

import (
	"bytes"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/testvec"
	"poskey/pkg/keys"
)

// FuzzParseKSN: what is read is written as its digits and read as the same; what is refused gives nothing, and is
// input that is malformed.
func FuzzParseKSN(f *testing.F) {
	for _, name := range []string{"dukpt_tdes.json", "dukpt_aes.json"} {
		for _, v := range testvec.Load[vector](f, name) {
			f.Add(v.KSN)
			f.Add(v.KSNGiven)
		}
	}
	for _, s := range []string{"FFFF 9876-5432:10E0\n0001", "ffff9876543210e0000l", "\xff\xfe", "12345678901234560000000\u00a0", "FFFF9876543210E0000０"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		k, err := ParseKSN(s)
		if err != nil {
			if k != (KSN{}) || fault.KindOf(err).Exit() != 3 {
				t.Fatalf("%q: %v with %v of kind %s", s, err, k, fault.KindOf(err))
			}
			shorts(t, s)
			return
		}
		if want := strings.ToUpper(keys.StripSeparators(s)); k.String() != want {
			t.Fatalf("%q is written as %s", s, k)
		}
		if again, err := ParseKSN(k.String()); err != nil || again != k || len(k.Bytes()) != len(k.String())/2 {
			t.Fatalf("%q: %v, %v", s, again, err)
		}
		consistent(t, k)
	})
}

// shorts: each reading of a short KSN has its digits, filled up as it says.
func shorts(t *testing.T, s string) {
	digits := strings.ToUpper(keys.StripSeparators(s))
	for _, r := range ShortReadings(s) {
		full := r.KSN.String()
		filled := strings.Trim(strings.Replace(full, digits, "", 1), "F0")
		want := 20
		if r.Padding == IKID {
			want = 24
		}
		if len(full) != want || !strings.Contains(full, digits) || filled != "" {
			t.Fatalf("%q, %s: %s", s, r.Padding, full)
		}
		consistent(t, r.KSN)
	}
}

// consistent: what a KSN says of itself fits together.
func consistent(t *testing.T, k KSN) {
	whole := ""
	for _, f := range k.Fields() {
		if f.Meaning.String() == "" || f.Name.String() == "" {
			t.Fatalf("%s: field %s is not explained", k, f.ID)
		}
		whole += f.Digits
	}
	if k.Scheme() == AES && whole != k.String() {
		t.Fatalf("%s: its fields are %s", k, whole)
	}
	if k.Initial().Counter() != 0 || k.Initial().withCounter(k.Counter()) != k || k.Initial().Initial() != k.Initial() {
		t.Fatalf("%s: the initial KSN is %s", k, k.Initial())
	}
	next, ok := k.Next()
	if !ok {
		if k.Remaining() != 0 {
			t.Fatalf("%s: %d transactions are left after the last", k, k.Remaining())
		}
		return
	}
	if next.CheckCounter() != nil || next.Counter() <= k.Counter() || next.Initial() != k.Initial() || next.Remaining() != k.Remaining()-1 {
		t.Fatalf("after %s comes %s", k, next)
	}
}

// FuzzDeviceMatchesHost: a terminal put at any counter, with any key, makes the host's keys.
func FuzzDeviceMatchesHost(f *testing.F) {
	for _, v := range testvec.Load[vector](f, "dukpt_tdes.json") {
		f.Add([]byte(v.BDK), v.KSN)
	}
	for _, v := range testvec.Load[vector](f, "dukpt_aes.json") {
		f.Add([]byte(v.BDK), v.KSN)
	}
	f.Fuzz(func(t *testing.T, key []byte, text string) {
		ksn, err := ParseKSN(text)
		if err != nil {
			return
		}
		n := 16
		if ksn.Scheme() == AES {
			n = []int{16, 24, 32}[len(key)%3]
		}
		digits := testvec.Upper(append(bytes.Clone(key), make([]byte, 32)...)[:n])
		start, ok := ksn, true
		if ksn.CheckCounter() != nil {
			start, ok = ksn.Next()
		}
		if !ok {
			return
		}
		left := start.Remaining() + 1
		if made := newWalker(t, digits, start, 3).walk(t, 40); made != int(min(left, 40)) {
			t.Fatalf("%s: %d transactions, %d are left", start, made, left)
		}
	})
}
