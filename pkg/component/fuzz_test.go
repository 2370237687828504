package component

import (
	"bytes"
	"strings"
	"testing"

	"poskey/internal/secret"
	"poskey/pkg/keys"
)

// FuzzMalleability: what the canonical parser takes is written again as the same bytes, what ParseSheet takes as the
// normal form of them; an error comes with no part and leaves no secret behind.
func FuzzMalleability(f *testing.F) {
	for _, seed := range []string{goldenXOR, goldenShamir, "", "\n", title, strings.ToUpper(goldenXOR),
		strings.ReplaceAll(goldenShamir, "\n", "\r\n"), strings.Replace(goldenXOR, "0723", "O723", 1),
		strings.Replace(goldenXOR, "7F3A", "7F3B", 1), goldenXOR + goldenXOR, pageOf(goldenXOR), pageOf(goldenXOR) + pageOf(goldenShamir), "| " + titleName + " | |\n| |\n",
		"a |" + titleName + " |"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		before := secret.Live()
		canonical, err := parseCanonical(in)
		writtenAs(t, canonical, err, in)
		p, err := ParseSheet(in)
		normal, tooLarge := Normalise(in)
		if tooLarge == nil {
			writtenAs(t, p, err, normal.Expose())
		}
		normal.Wipe()
		if after := secret.Live(); after != before {
			t.Errorf("%d secrets are left behind", after-before)
		}
	})
}

func writtenAs(t *testing.T, p *Part, err error, want []byte) {
	t.Helper()
	if err != nil {
		if p != nil {
			t.Error("a part beside an error")
		}
		return
	}
	defer p.Wipe()
	if got := sheetOf(t, p); !bytes.Equal(got, want) {
		t.Errorf("read\n%s\nwritten\n%s", want, got)
	}
}

// FuzzShareLine is the same for shares in one line, whose normal form has no blanks and no dash but that of the set.
func FuzzShareLine(f *testing.F) {
	f.Add([]byte(goldenLine))
	f.Add([]byte(strings.ToLower(goldenLine)))
	f.Add([]byte("2/3:7F3A-91C2:0123:4567"))
	f.Fuzz(func(t *testing.T, in []byte) {
		before := secret.Live()
		p, err := ParseShare(keys.HMACSHA1, in)
		if err != nil && p != nil {
			t.Error("a share beside an error")
		}
		if err == nil {
			bare := func(s string) string {
				return strings.Map(func(r rune) rune {
					if strings.ContainsRune(" \t\r\n-:", r) {
						return -1
					}
					return r
				}, strings.ToUpper(s))
			}
			if bare(shareLine(t, p)) != bare(string(in)) {
				t.Errorf("read %q, written %q", in, shareLine(t, p))
			}
			p.Wipe()
		}
		if after := secret.Live(); after != before {
			t.Errorf("%d secrets are left behind", after-before)
		}
	})
}

// FuzzRoundTrip splits a key of any algorithm, prints and reads the sheets, and combines any choice of enough of them
// from any place on; one part less is an error, and a flipped bit in a value is too.
func FuzzRoundTrip(f *testing.F) {
	for i := range byte(12) {
		f.Add([]byte("seed"), i, 2+i%8, 2+i%3, i, i%2 == 0, i%3 == 0)
	}
	f.Fuzz(func(t *testing.T, seed []byte, alg, n, m, from byte, shamir, odd bool) {
		before := secret.Live()
		defer func() {
			if after := secret.Live(); after != before {
				t.Errorf("%d secrets are left behind", after-before)
			}
		}()
		all := keys.Named()
		key, err := keys.Generate(newDRBG(string(seed)), all[int(alg)%len(all)])
		if err != nil {
			t.Fatal(err)
		}
		defer key.Wipe()
		spec := Spec{Scheme: XOR, Parts: int(n), OddParity: odd}
		if shamir {
			spec.Scheme, spec.Threshold = Shamir, int(m)
		}
		parts, err := Split(testEnv("split "+string(seed)), key, spec)
		if possible := spec.check(key.Algorithm()) == nil || spec.Scheme == XOR && (Spec{XOR, int(n), int(n), odd}).
			check(key.Algorithm()) == nil; (err == nil) != possible {
			t.Fatalf("%+v: error %v", spec, err)
		}
		if err != nil {
			return
		}
		defer WipeAll(parts)
		roundTrip(t, key, parts, int(from), odd)
	})
}

func roundTrip(t *testing.T, key *keys.Key, parts []*Part, from int, odd bool) {
	t.Helper()
	need := parts[0].Threshold
	var read []*Part
	for i := range need {
		p, err := ParseSheet(sheetOf(t, parts[(from+i)%len(parts)]))
		if err != nil {
			t.Fatal(err)
		}
		defer p.Wipe()
		read = append(read, p)
	}
	back, err := Combine(key.Algorithm(), read)
	if err != nil {
		t.Fatal(err)
	}
	defer back.Wipe()
	if odd {
		keys.FixParity(back.Secret().Expose())
	}
	if !back.Secret().Equal(key.Secret()) {
		t.Error("the combined key is another one")
	}
	if k, err := Combine(key.Algorithm(), read[1:]); err == nil || k != nil {
		t.Error("one part less combines")
	}
	read[0].Value.Expose()[from%key.Len()] ^= 0x10
	if k, err := Combine(key.Algorithm(), read); err == nil || k != nil {
		t.Error("a changed part combines")
	}
}
