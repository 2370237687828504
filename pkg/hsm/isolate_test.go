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
		e := w.likely(material)
		_, err := grammar{material, aboutDES()}.answers(e)
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

// likely draws an expression that is answered rather more often than any does.
func (w wild) likely(material []*secret.Bytes) Expr {
	for {
		var e Expr
		piece := Part(w.IntN(len(material)))
		n := material[piece].Len()
		row := func(of Expr) Expr {
			from := 8 * w.IntN(n/8)
			return Slice{of, from, from + 8*(1+w.IntN((n-from)/8))}
		}
		switch w.IntN(6) {
		case 0:
			e = row(piece)
		case 1:
			e = Join{row(piece), row(piece), row(piece)}[:1+w.IntN(3)]
		case 2:
			e = XOR{w.any(material, w.IntN(2)), w.any(material, w.IntN(2))}
		case 3:
			alg := []keys.Algorithm{keys.DES, keys.TDES128, keys.AES128, keys.TDES192}[w.IntN(4)]
			e = Crypt{w.any(material, w.IntN(2)), w.any(material, w.IntN(2)), alg, ECB, w.IntN(2) == 0}
		case 4:
			e = Slice{Text{piece, false}, 0, 8 * (1 + w.IntN(n/4))}
		case 5:
			e = w.expr(material, 1+w.IntN(5))
		}
		if n, err := length(material, e); err == nil && n > 0 {
			return e
		}
	}
}

// aboutDES says of all pieces that their halves may be asked about.
func aboutDES() []Attributes {
	return []Attributes{{Algorithm: keys.TDES128}, {Algorithm: keys.Raw}, {Algorithm: keys.TDES192}}
}

// TestNothingFormsTheKeyNowAndThen: what an answered expression forms is the key itself for all keys or for none, whatever
// stands beside it, parity bits aside. Else its verdict about the key's own check value would tell something of the key.
func TestNothingFormsTheKeyNowAndThen(t *testing.T) {
	w := wild{rand.New(rand.NewPCG(3, 9))}
	const samples = 400
	for answered := 0; answered < 400; {
		material := []*secret.Bytes{secret.New(16), secret.New(16), secret.New(16)}
		for _, m := range material[1:] { // few digits, so that they undo something now and then
			m.Expose()[w.IntN(16)] = byte(w.IntN(16))
		}
		e := w.likely(material)
		n, err := length(material, e)
		if _, refused := (grammar{material, aboutDES()}).answers(e); refused != nil || err != nil || n != 16 {
			wipeAll(material)
			continue
		}
		answered++
		same := 0
		for range samples {
			for i, b := range material[0].Expose() {
				material[0].Expose()[i] = b&0xF0 ^ byte(w.IntN(256))&0x33 // digits that are often alike
			}
			formed, err := form(material, e)
			if err != nil {
				t.Fatal(err)
			}
			alike := true
			for i, b := range formed.Expose() {
				alike = alike && (b^material[0].Expose()[i])&0xFE == 0
			}
			if alike {
				same++
			}
			formed.Wipe()
		}
		wipeAll(material)
		if same != 0 && same != samples {
			t.Errorf("%#v: forms the key in %d of %d cases", e, same, samples)
		}
	}
}

// TestOneDigitIsNeverAlone goes through all slices of a key, with all that may stand beside them.
func TestOneDigitIsNeverAlone(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	material := []*secret.Bytes{secret.New(16), secret.New(8), secret.New(24), secret.New(32), secret.New(16)}
	for _, m := range material {
		fill(r, m.Expose())
	}
	defer wipeAll(material)
	g := grammar{material, []Attributes{{Algorithm: keys.TDES128}, {Algorithm: keys.Raw}, {Algorithm: keys.TDES192},
		{Algorithm: keys.AES256}, {Algorithm: keys.Raw}}}
	for piece, least := range map[Part]int{0: 8, 2: 8, 3: 16} {
		size := material[piece].Len()
		for from := range size {
			for to := from + 1; to <= size; to++ {
				whole, err := g.answers(Slice{Of: piece, From: from, To: to})
				if row := from%8 == 0 && to%8 == 0 && to-from >= least; row != (err == nil) || whole {
					t.Errorf("bytes %d to %d: whole %v, %v", from+1, to, whole, err)
				}
			}
		}
	}
	known := Part(1) // its owner may be who asks
	first, half := Slice{Part(0), 0, 1}, Slice{Part(0), 0, 8}
	for what, e := range map[string]Expr{
		"a carry into known bytes": Slice{Sum{Join{Zeros(8), half}, Join{known, known}}, 0, 8},
		"a carry, compared":        XOR{Part(0), Sum{Part(0), Zeros(16)}},
		"a sum":                    Sum{Part(0), Part(4)},
		"parity bits":              XOR{Part(0), FixParity{Part(0)}},
		"with odd parity":          FixParity{Part(0)},
		"halves on each other":     Join{XOR{half, Slice{Part(0), 8, 16}}, Zeros(8)},
		"a half twice":             Join{half, half},
		"a half and known bytes":   Join{half, known},
		"a key XORed with a form":  XOR{Part(0), Join{known, known}},
		"text from behind":         Slice{Text{Part(0), false}, 4, 20},
		"text, too little":         Slice{Text{Part(0), false}, 0, 15},
		"text of AES, too little":  Slice{Text{Part(3), false}, 0, 24},
		"text, XORed":              Slice{Text{XOR{Part(0), Part(4)}, false}, 0, 16},
		"text, beside something":   Join{Text{half, false}, Zeros(8)},
		"text of text":             Text{Text{Part(0), false}, false},
		"text under parity":        FixParity{Text{Part(0), false}},
		"a variant":                KeyXOR{Part(0), 0x45},
		"a byte, enciphered":       Crypt{Join{first, Zeros(7)}, known, keys.DES, ECB, true},
		"a byte as a key":          Crypt{Zeros(8), Join{first, Zeros(7)}, keys.DES, ECB, true},
		"a cipher undone":          Crypt{Crypt{Part(0), Part(4), keys.TDES128, ECB, true}, Part(4), keys.TDES128, ECB, false},
		"a cipher cut and undone":  Crypt{Slice{Crypt{Part(0), known, keys.DES, ECB, true}, 0, 8}, known, keys.DES, ECB, false},
		"encrypted, cut":           Slice{Crypt{Part(0), Part(4), keys.TDES128, ECB, true}, 0, 8},
		"decrypted, in bytes":      Slice{Crypt{Part(0), Part(4), keys.TDES128, ECB, false}, 1, 9},
		"decrypted under itself":   Crypt{Part(0), Part(0), keys.TDES128, CBC, false},
		"a digit changed":          Edit{Part(0), 3, 5},
		"a constant":               XOR{Part(0), Edit{Zeros(16), 3, 5}},
		"digits changed places":    Transpose{Part(0), 30},
		"a slip":                   Corrected{Of: Part(0), Slip: slip.Slip{Kind: slip.Swapped, Digits: []slip.Digit{{At: 1, With: 9}}, Length: 1}, Size: 16},
		"bytes in another order":   Join{Slice{Part(0), 4, 16}, Slice{Part(0), 0, 4}},
		"equal blocks, half of each": Join{Slice{Crypt{Part(0), Part(4), keys.TDES128, ECB, false}, 0, 4},
			Slice{Crypt{Part(0), Part(4), keys.TDES128, ECB, false}, 8, 12}},
		"a byte and parts of known ones": Join{first, Slice{known, 0, 7}},
	} {
		if _, err := length(material, e); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if _, err := g.answers(e); err == nil {
			t.Errorf("%s: is answered", what)
		}
	}
	turned := Join{Slice{Part(0), 8, 16}, half}
	opened := Crypt{Part(4), Part(0), keys.TDES128, ECB, false}
	for what, c := range map[string]struct {
		e     Expr
		whole bool
	}{
		"the key":                       {Part(0), true},
		"halves changed places":         {turned, true},
		"thirds changed places":         {Join{Slice{Part(2), 8, 16}, Slice{Part(2), 16, 24}, Slice{Part(2), 0, 8}}, true},
		"halves of AES changed places":  {Join{Slice{Part(3), 16, 32}, Slice{Part(3), 0, 16}}, true},
		"filled up":                     {Join{Part(0), Zeros(8)}, true},
		"a half":                        {half, false},
		"two of three":                  {Slice{Part(2), 8, 24}, false},
		"XORed":                         {XOR{Part(0), Part(4)}, true},
		"XORed, one turned":             {XOR{turned, Part(4)}, true},
		"one after the other":           {Join{Part(0), known}, true},
		"hex text, cut":                 {Slice{Text{Part(0), false}, 0, 16}, false},
		"opened":                        {opened, true},
		"opened, a half":                {Slice{opened, 0, 8}, false},
		"opened, turned":                {Join{Slice{opened, 8, 16}, Slice{opened, 0, 8}}, true},
		"opened in the wrong mode":      {Crypt{Part(4), Part(0), keys.TDES128, CBC, true}, true},
		"opened twice":                  {Crypt{opened, Part(0), keys.TDES128, ECB, false}, true},
		"opened under a half":           {Crypt{Part(4), half, keys.DES, ECB, false}, false},
		"opened under a turned one":     {Crypt{Part(4), turned, keys.TDES128, ECB, false}, true},
		"opened under a variant":        {Crypt{Part(4), KeyXOR{Part(0), 8}, keys.TDES128, ECB, false}, true},
		"opened, with a slot filled up": {Crypt{Join{known, Zeros(8)}, Part(0), keys.TDES128, ECB, false}, true},
		"the first half opened":         {Crypt{Slice{Part(4), 0, 8}, Part(0), keys.TDES128, ECB, false}, false},
		"nobody's key":                  {Zeros(16), true},
	} {
		if _, err := length(material, c.e); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if whole, err := g.answers(c.e); err != nil || whole != c.whole {
			t.Errorf("%s: whole %v, %v; diagnosis needs it", what, whole, err)
		}
	}
}
