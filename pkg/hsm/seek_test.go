package hsm_test

import (
	"context"
	"math"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
	"poskey/pkg/slip"
)

func both() []hsm.SearchPiece {
	return []hsm.SearchPiece{{Typed: hsm.Part(0), Others: hsm.Part(1)}, {Typed: hsm.Part(1), Others: hsm.Part(0)}}
}

func TestASearchTellsThePlaceInEveryPieceThatMayHaveTheSlip(t *testing.T) {
	// C1 with digits 3 and 32 of part 1 wrong: 2 and 9 are meant (7FF5B8), D and B stand there.
	p := spot(t, "07D3CD4CDDF25A1F8F3517EEABE482CB", c1Two)
	a, err := p.Search(context.Background(), hsm.SearchQuestion{
		Pieces: both(), Algorithm: keys.TDES128, Method: kcv.ECBZero, Expected: expect(t, "7FF5B8"), Digits: 2,
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Matches) != 2 || a.Tried < 61728 {
		t.Fatalf("%d matches of %d: %+v", len(a.Matches), a.Tried, a.Matches)
	}
	pieces := map[int]bool{}
	for _, m := range a.Matches {
		pieces[m.Piece] = true
		if m.Slip.Kind != slip.Wrong || len(m.Slip.Digits) != 2 || m.Slip.Digits[0].At != 2 || m.Slip.Digits[1].At != 31 {
			t.Errorf("piece %d: %+v", m.Piece, m.Slip)
		}
	}
	if !pieces[0] || !pieces[1] {
		t.Errorf("pieces %v", pieces)
	}
}

func TestAnOddNumberOfDigitsIsSearched(t *testing.T) {
	for _, tt := range []struct {
		typed  string // filled up to a byte
		digits int
		kind   slip.Kind
		at     int
	}{
		{"0723CDCDDF25A1F8F3517EEABE482C90", 31, slip.Dropped, 6},     // 4 left out
		{"0723CD4CDDF25A1F8F3517EEABE482C0", 31, slip.Dropped, 31},    // the last one left out
		{"0723CD4CDDF275A1F8F3517EEABE482C90", 33, slip.Inserted, 12}, // 7 put in
		{"0723CD4CCDDF25A1F8F3517EEABE482C90", 33, slip.Doubled, 7},   // C typed twice
	} {
		p := spot(t, tt.typed, c1Two)
		a, err := p.Search(context.Background(), hsm.SearchQuestion{
			Pieces:    []hsm.SearchPiece{{Typed: hsm.Part(0), Digits: tt.digits, Others: hsm.Part(1)}},
			Algorithm: keys.TDES128, Method: kcv.ECBZero, Expected: expect(t, "7FF5B8"), Digits: 3,
		})
		if err != nil || len(a.Matches) != 1 || a.Matches[0].Slip.Kind != tt.kind || a.Matches[0].Slip.Digits[0].At != tt.at {
			t.Errorf("%s, %d digits: %+v, error %v", tt.typed, tt.digits, a, err)
			continue
		}
		e := hsm.Corrected{Of: hsm.Part(0), Digits: tt.digits, Slip: a.Matches[0].Slip, Size: 16}
		for expr, want := range map[*hsm.Expr]string{ptr(e): "E2AC18", ptr(hsm.XOR{e, hsm.Part(1)}): "7FF5B8"} {
			answer, err := p.Probe(context.Background(), hsm.Question{Expr: *expr, Algorithm: keys.TDES128, Method: kcv.ECBZero, Expected: expect(t, want)})
			if err != nil || !answer.Match {
				t.Errorf("%s corrected: %+v, error %v; want %s", tt.typed, answer, err, want)
			}
		}
	}
}

func ptr(e hsm.Expr) *hsm.Expr { return &e }

func TestASearchOfWhatCannotBeIsRefused(t *testing.T) {
	p := spot(t, c1One, c1Two, "0123456789ABCDEF", "")
	good := hsm.SearchQuestion{Pieces: both(), Algorithm: keys.TDES128, Method: kcv.ECBZero, Expected: expect(t, "123456"), Digits: 1}
	one := func(piece hsm.SearchPiece) func(q *hsm.SearchQuestion) {
		return func(q *hsm.SearchQuestion) { q.Pieces = append(q.Pieces, piece) } // the two before are taken in by then
	}
	for name, tt := range map[string]struct {
		change func(q *hsm.SearchQuestion)
		want   fault.Kind
	}{
		"no block cipher":               {func(q *hsm.SearchQuestion) { q.Algorithm = keys.HMACSHA256 }, fault.Usage},
		"a method of another cipher":    {func(q *hsm.SearchQuestion) { q.Method = kcv.ECBOne }, fault.Usage},
		"five wrong digits":             {func(q *hsm.SearchQuestion) { q.Digits = 5 }, fault.Usage},
		"no value":                      {func(q *hsm.SearchQuestion) { q.Expected = kcv.Expected{} }, fault.MalformedHex},
		"a piece that is not there":     {one(hsm.SearchPiece{Typed: hsm.Part(4)}), fault.NotFound},
		"nothing typed":                 {one(hsm.SearchPiece{Typed: hsm.Part(3)}), fault.MalformedLength},
		"more digits than there are":    {one(hsm.SearchPiece{Typed: hsm.Part(0), Digits: 33}), fault.MalformedLength},
		"less than no digits":           {one(hsm.SearchPiece{Typed: hsm.Part(0), Digits: -1}), fault.MalformedLength},
		"others that are not there":     {one(hsm.SearchPiece{Typed: hsm.Part(0), Others: hsm.Part(9)}), fault.NotFound},
		"others of another length":      {one(hsm.SearchPiece{Typed: hsm.Part(0), Others: hsm.Part(2)}), fault.MalformedLength},
		"others that cannot be formed":  {one(hsm.SearchPiece{Typed: hsm.Part(0), Others: hsm.XOR{hsm.Part(0), hsm.Part(2)}}), fault.MalformedLength},
		"others under a key of no kind": {one(hsm.SearchPiece{Typed: hsm.Part(0), Others: hsm.Crypt{Of: hsm.Part(1), Key: hsm.Part(0)}}), fault.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			live, q := secret.Live(), good
			tt.change(&q)
			if a, err := p.Search(context.Background(), q); !fault.Is(err, tt.want) || a.Matches != nil || a.Tried != 0 {
				t.Errorf("%+v, error %v; want kind %s", a, err, tt.want)
			}
			if n := secret.Live(); n != live {
				t.Errorf("%d secrets are left, there were %d before", n, live)
			}
		})
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	live := secret.Live()
	if _, err := p.Search(ctx, good); !fault.Is(err, fault.Interrupted) || secret.Live() != live {
		t.Errorf("a search that was stopped: error %v, %d secrets more", err, secret.Live()-live)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Search(context.Background(), good); !fault.Is(err, fault.NotFound) {
		t.Errorf("a search after Close: error %v", err)
	}
}

func TestASearchLeavesNoSecretBehind(t *testing.T) {
	p := spot(t, c1One, c1Two)
	live := secret.Live()
	a, err := p.Search(context.Background(), hsm.SearchQuestion{
		Pieces: both(), Algorithm: keys.TDES128, Method: kcv.ECBZero, Expected: expect(t, "8E51"), Digits: 2, OnOther: true,
	})
	if err != nil || len(a.Matches) == 0 {
		t.Errorf("%+v, error %v", a, err)
	}
	if n := secret.Live(); n != live {
		t.Errorf("%d secrets are left, there were %d before", n, live)
	}
}

func TestCorrectedPutsAPieceRight(t *testing.T) {
	// part 1 of C1 with its last digit B for 9: EC234F, and E2AC18 when put right.
	p := spot(t, "0723CD4CDDF25A1F8F3517EEABE482CB")
	wrong := slip.Slip{Kind: slip.Wrong, Digits: []slip.Digit{{At: 31, Delta: 2}}, Length: 1}
	swap := slip.Slip{Kind: slip.Halves, Digits: []slip.Digit{{With: 16}}, Length: 16}
	for _, tt := range []struct {
		expr hsm.Expr
		want string
	}{
		{hsm.Part(0), "EC234F"},
		{hsm.Corrected{Of: hsm.Part(0), Slip: wrong, Size: 16}, "E2AC18"},
		{hsm.Corrected{Of: hsm.Part(0), Digits: 32, Slip: wrong, Size: 16}, "E2AC18"},
		{hsm.Corrected{Of: hsm.Corrected{Of: hsm.Part(0), Slip: swap, Size: 16}, Slip: swap, Size: 16}, "EC234F"},
	} {
		if n, err := p.Len(tt.expr); err != nil || n != 16 {
			t.Errorf("%+v: %d bytes, error %v", tt.expr, n, err)
		}
		a, err := p.Probe(context.Background(), hsm.Question{Expr: tt.expr, Algorithm: keys.TDES128, Method: kcv.ECBZero, Expected: expect(t, tt.want)})
		if err != nil || !a.Match {
			t.Errorf("%+v: %+v, error %v; want %s", tt.expr, a, err, tt.want)
		}
	}
}

func TestWhatCannotBeCorrectedIsRefused(t *testing.T) {
	p := spot(t, c1One)
	wrong := slip.Slip{Kind: slip.Wrong, Digits: []slip.Digit{{At: 31, Delta: 2}}, Length: 1}
	for name, tt := range map[string]struct {
		e    hsm.Corrected
		want fault.Kind
	}{
		"a piece that is not there":      {hsm.Corrected{Of: hsm.Part(1), Slip: wrong, Size: 16}, fault.NotFound},
		"a negative size":                {hsm.Corrected{Of: hsm.Part(0), Slip: wrong, Size: -1}, fault.MalformedLength},
		"a huge size":                    {hsm.Corrected{Of: hsm.Part(0), Slip: wrong, Size: math.MaxInt}, fault.MalformedLength},
		"a size the slip does not give":  {hsm.Corrected{Of: hsm.Part(0), Slip: wrong, Size: 15}, fault.MalformedLength},
		"fewer than no digits":           {hsm.Corrected{Of: hsm.Part(0), Digits: -1, Slip: wrong, Size: 16}, fault.MalformedLength},
		"more digits than there are":     {hsm.Corrected{Of: hsm.Part(0), Digits: 33, Slip: wrong, Size: 16}, fault.MalformedLength},
		"digits that the slip is beyond": {hsm.Corrected{Of: hsm.Part(0), Digits: 31, Slip: wrong, Size: 16}, fault.MalformedLength},
		"no slip":                        {hsm.Corrected{Of: hsm.Part(0), Size: 16}, fault.MalformedLength},
	} {
		if n, err := p.Len(tt.e); !fault.Is(err, tt.want) || n != 0 {
			t.Errorf("%s: Len is %d, error %v; want kind %s", name, n, err, tt.want)
		}
		a, err := p.Probe(context.Background(), hsm.Question{Expr: tt.e, Algorithm: keys.TDES128, Method: kcv.ECBZero})
		if !fault.Is(err, tt.want) || a != (hsm.Answer{}) {
			t.Errorf("%s: answer %+v, error %v; want kind %s", name, a, err, tt.want)
		}
	}
}
