package hsm

import (
	"crypto/sha256"
	"math/rand/v2"
	"testing"

	"poskey/internal/secret"
	"poskey/pkg/keys"
	"poskey/pkg/slip"
)

// wild draws expressions of the whole language, with pieces that fit together where they can. Piece 0 is the secret
// one.
type wild struct{ *rand.Rand }

func (w wild) expr(material []*secret.Bytes, depth int) Expr {
	for {
		e := w.any(material, depth)
		if n, err := length(material, e); err == nil && n > 0 && n <= 64 {
			return e
		}
	}
}

func (w wild) any(material []*secret.Bytes, depth int) Expr {
	if depth == 0 {
		if w.IntN(4) == 0 {
			return Zeros(8 * (1 + w.IntN(3)))
		}
		return Part(w.IntN(len(material)))
	}
	of := w.expr(material, depth-1)
	n, _ := length(material, of)
	switch w.IntN(12) {
	case 0:
		return XOR{of, w.expr(material, depth-1)}
	case 1:
		return Sum{of, w.expr(material, depth-1)}
	case 2:
		return Join{of, w.expr(material, depth-1)}
	case 3, 4:
		from := w.IntN(n)
		return Slice{Of: of, From: from, To: from + 1 + w.IntN(n-from)}
	case 5:
		return Edit{Of: of, Digit: w.IntN(2 * n), Delta: byte(1 + w.IntN(15))}
	case 6:
		return Transpose{Of: of, Digit: w.IntN(2*n - 1)}
	case 7:
		return FixParity{of}
	case 8:
		return KeyXOR{Of: of, Mask: byte(w.IntN(256))}
	case 9:
		return Text{Of: of, Lower: w.IntN(2) == 0}
	case 10:
		alg := []keys.Algorithm{keys.DES, keys.TDES128, keys.AES128}[w.IntN(3)]
		return Crypt{Of: of, Key: w.expr(material, depth-1), Algorithm: alg, Mode: []CryptMode{ECB, CBC}[w.IntN(2)], Encrypt: w.IntN(2) == 0}
	}
	return of
}

// TestWhatIsFormedHoldsMuchOrNothingOfAKey: for every expression that is answered, other keys in the place of one piece
// form other bytes each time, or the same bytes every time. Fewer than some 2^16 possible keys would show as a
// repetition.
func TestWhatIsFormedHoldsMuchOrNothingOfAKey(t *testing.T) {
	w := wild{rand.New(rand.NewPCG(7, 4))}
	const samples = 700
	answered, refused, constant := 0, 0, 0
	for answered < 400 {
		material := pieces(w.Rand)
		e := w.expr(material, 1+w.IntN(5))
		_, err := isolates(material, e)
		if err != nil {
			refused++
			wipeAll(material)
			continue
		}
		answered++
		target := w.IntN(len(material))
		seen := map[[32]byte]bool{}
		for range samples {
			fill(w.Rand, material[target].Expose())
			formed, err := form(material, e)
			if err != nil {
				t.Fatal(err)
			}
			seen[sha256.Sum256(formed.Expose())] = true
			formed.Wipe()
		}
		wipeAll(material)
		switch len(seen) {
		case 1:
			constant++
		case samples:
		default:
			t.Errorf("%#v: %d keys of %d formed from piece %d", e, len(seen), samples, target)
		}
	}
	if refused < 100 || constant == answered || constant == 0 {
		t.Errorf("%d answered, %d of them without the piece, %d refused: the test says nothing", answered, constant, refused)
	}
}

func pieces(r *rand.Rand) []*secret.Bytes {
	var all []*secret.Bytes
	for _, n := range []int{16, 8, 24}[:1+r.IntN(3)] {
		p := secret.New(n)
		fill(r, p.Expose())
		all = append(all, p)
	}
	return all
}

func fill(r *rand.Rand, b []byte) {
	for i := range b {
		b[i] = byte(r.Uint32())
	}
}

func wipeAll(all []*secret.Bytes) {
	for _, s := range all {
		s.Wipe()
	}
}

// TestOneDigitIsNeverAlone goes through all slices of a key, with all that may stand beside them.
func TestOneDigitIsNeverAlone(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	material := []*secret.Bytes{secret.New(16), secret.New(8)}
	for _, m := range material {
		fill(r, m.Expose())
	}
	defer wipeAll(material)
	size := material[0].Len()
	for from := range size {
		for to := from + 1; to <= size; to++ {
			cut := Slice{Of: Part(0), From: from, To: to}
			whole, err := isolates(material, Join{cut, Zeros(24)})
			if enough := to-from >= 8; enough != (err == nil) || err == nil && whole != (to-from == size) {
				t.Errorf("bytes %d to %d: whole %v, %v", from+1, to, whole, err)
			}
		}
	}
	known := Part(1) // its owner may be who asks
	first := Slice{Part(0), 0, 1}
	for what, e := range map[string]Expr{
		"a carry into known bytes": Slice{Sum{Join{Zeros(8), Slice{Part(0), 0, 8}}, Join{known, known}}, 0, 8},
		"a carry, compared":        XOR{Part(0), Sum{Part(0), Zeros(16)}},
		"parity bits":              XOR{Part(0), FixParity{Part(0)}},
		"halves on each other":     Join{XOR{Slice{Part(0), 0, 8}, Slice{Part(0), 8, 16}}, Zeros(8)},
		"text from behind":         Slice{Text{Part(0), false}, 4, 20},
		"text, too little":         Slice{Text{Part(0), false}, 0, 15},
		"text, beside something":   Join{Text{Slice{Part(0), 0, 8}, false}, Zeros(8)},
		"text of text":             Text{Text{Part(0), false}, false},
		"text under parity":        FixParity{Text{Part(0), false}},
		"a byte, enciphered":       Crypt{Join{first, Zeros(7)}, Slice{known, 0, 8}, keys.DES, ECB, true},
		"a byte as a key":          Crypt{Zeros(8), Join{first, Zeros(7)}, keys.DES, ECB, true},
		"a digit changed":          Edit{Part(0), 3, 5},
		"digits changed places":    Transpose{Part(0), 30},
		"a slip":                   Corrected{Of: Part(0), Slip: slip.Slip{Kind: slip.Swapped, Digits: []slip.Digit{{At: 1, With: 9}}, Length: 1}, Size: 16},
		"equal blocks, half of each": Join{Slice{Crypt{Zeros(16), Part(0), keys.TDES128, ECB, true}, 0, 4},
			Slice{Crypt{Zeros(16), Part(0), keys.TDES128, ECB, true}, 8, 12}},
		"a byte and parts of known ones": Join{first, Slice{known, 0, 7}},
	} {
		if _, err := length(material, e); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if _, err := isolates(material, e); err == nil {
			t.Errorf("%s: is answered", what)
		}
	}
	for what, e := range map[string]Expr{
		"the key":                        Part(0),
		"halves changed places":          Join{Slice{Part(0), 8, 16}, Slice{Part(0), 0, 8}},
		"K1 K2 K1":                       Join{Part(0), Slice{Part(0), 0, 8}},
		"a half, filled up":              Join{Slice{Part(0), 0, 8}, Zeros(8)},
		"with odd parity":                FixParity{Part(0)},
		"a variant":                      KeyXOR{Part(0), 0x45},
		"a sum":                          Sum{Part(0), Zeros(16)},
		"hex text, cut":                  Slice{Text{Part(0), false}, 0, 16},
		"decrypted under a half":         Crypt{Zeros(16), Slice{Part(0), 0, 8}, keys.DES, ECB, false},
		"decrypted":                      Crypt{Part(0), Zeros(16), keys.TDES128, ECB, false},
		"decrypted under itself, a half": Slice{Crypt{Part(0), Part(0), keys.TDES128, CBC, false}, 0, 8},
	} {
		if _, err := isolates(material, e); err != nil {
			t.Errorf("%s: %v; diagnosis needs it", what, err)
		}
	}
}
