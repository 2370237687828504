package custody

import (
	"crypto/sha256"
	"strings"
	"testing"

	"poskey/internal/fault"
)

// distance is the number of letters to change, add or leave out (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		corner := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := corner
			if a[i-1] != b[j-1] {
				change++
			}
			corner = row[j]
			row[j] = min(change, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}

func TestWordsAreTold(t *testing.T) {
	for half, list := range [][]string{strings.Fields(wordsEven), strings.Fields(wordsOdd)} {
		if len(list) != 256 {
			t.Fatalf("half %d has %d words", half, len(list))
		}
		for i, w := range list {
			if len(w) < 4 || len(w) > 8 || strings.Trim(w, "abcdefghijklmnopqrstuvwxyz") != "" {
				t.Errorf("%q is no word of 4 to 8 small letters", w)
			}
			if even := w[0] <= 'l'; even != (half == 0) {
				t.Errorf("%q is in the wrong half", w)
			}
			for _, v := range list[:i] {
				if distance(v, w) < 3 || v[:4] == w[:4] {
					t.Errorf("%q and %q are too much alike", v, w)
				}
			}
		}
	}
	if distance("beach", "peach") != 1 || distance("panda", "panther") != 4 || distance("", "ab") != 2 {
		t.Error("the distance is measured wrong")
	}
}

func TestFingerprintIsReadAloud(t *testing.T) {
	f := Fingerprint(sha256.Sum256([]byte("abc")))
	// BA7816BF 8F01CFEA 414140DE 5DAE2223 …: 0xBA78 is 47736.
	if got := f.Digits(); got != "47736 05823 36609 53226 16705 16606 23982 08739" {
		t.Errorf("in digits %s", got)
	}
	even, odd := strings.Fields(wordsEven), strings.Fields(wordsOdd)
	words := strings.Fields(f.Words())
	for i, b := range f[:16] {
		want := even[b]
		if i%2 == 1 {
			want = odd[b]
		}
		if words[i] != want {
			t.Errorf("word %d is %s, want %s", i+1, words[i], want)
		}
	}
	if len(words) != 16 {
		t.Errorf("%d words", len(words))
	}
	if !strings.HasPrefix(f.Hex(), "BA78 16BF 8F01 ") || len(strings.Fields(f.Hex())) != 16 {
		t.Errorf("in hex %s", f.Hex())
	}
	back, err := ParseFingerprint(" " + strings.ToLower(f.Hex()))
	if err != nil || back != f {
		t.Errorf("read back as %s, %v", back, err)
	}
	for _, bad := range []string{"", f.String()[1:], f.String() + "00", "zz" + f.String()[2:]} {
		back, err := ParseFingerprint(bad)
		mustFail(t, err, fault.Malformed, "64 hex digits")
		if !back.IsZero() {
			t.Error("a fingerprint beside an error")
		}
	}
}
