package slip

import (
	"slices"
	"testing"
)

// TestLikelierSlipsWeighMore lists slips of one key, the likelier first.
func TestLikelierSlipsWeighMore(t *testing.T) {
	typed := []byte{8, 5, 0xA, 8, 0, 5, 2, 9, 8, 8, 3, 1, 6, 0xD, 4, 7, 8, 5, 0xA, 8, 0, 5, 2, 9, 8, 8, 3, 1, 6, 0xD, 4, 7}
	wrong := func(all ...Digit) Slip { return Slip{Kind: Wrong, Digits: all, Length: 1} }
	at := func(kind Kind, at, with, length int) Slip {
		return Slip{Kind: kind, Digits: []Digit{{At: at, With: with}}, Length: length}
	}
	for name, order := range map[string][]Slip{
		"one digit: a look-alike, a key beside it, any other": {
			wrong(Digit{At: 0, Delta: 8 ^ 0xB}), wrong(Digit{At: 0, Delta: 8 ^ 9}), wrong(Digit{At: 0, Delta: 8 ^ 0xA}),
		},
		"few wrong digits before many": {
			wrong(Digit{At: 0, Delta: 2}), wrong(Digit{At: 0, Delta: 2}, Digit{At: 9, Delta: 2}),
			wrong(Digit{At: 0, Delta: 2}, Digit{At: 9, Delta: 2}, Digit{At: 20, Delta: 2}),
		},
		"two in a group before two apart": {
			wrong(Digit{At: 8, Delta: 2}, Digit{At: 9, Delta: 2}), wrong(Digit{At: 0, Delta: 2}, Digit{At: 9, Delta: 2}),
		},
		"two look-alikes, one, none": {
			wrong(Digit{At: 0, Delta: 3}, Digit{At: 9, Delta: 3}), wrong(Digit{At: 0, Delta: 3}, Digit{At: 9, Delta: 2}),
			wrong(Digit{At: 0, Delta: 2}, Digit{At: 9, Delta: 2}),
		},
		"one pair confused before two digits wrong": {
			{Kind: Confused, Digits: []Digit{{At: 0, Delta: 3}, {At: 9, Delta: 3}}, Length: 1},
			{Kind: Confused, Digits: []Digit{{At: 0, Delta: 3}, {At: 8, Delta: 3}, {At: 9, Delta: 3}}, Length: 1},
			wrong(Digit{At: 0, Delta: 3}, Digit{At: 9, Delta: 3}),
		},
		"neighbours swapped before digits apart":    {at(Swapped, 3, 4, 1), at(Swapped, 3, 5, 1)},
		"neighbouring groups before groups apart":   {at(Groups, 0, 4, 4), at(Groups, 0, 8, 4)},
		"halves, rows, groups apart":                {at(Halves, 0, 16, 16), at(Rows, 0, 8, 8), at(Groups, 0, 8, 4)},
		"a digit typed twice before one put in":     {at(Doubled, 8, 0, 1), at(Inserted, 7, 0, 1)},
		"a digit typed twice before one left out":   {at(Doubled, 8, 0, 1), at(Dropped, 7, 0, 1)},
		"a row typed again before digits apart":     {at(Repeated, 0, 8, 8), at(Swapped, 3, 20, 1)},
		"a digit left out before three that differ": {at(Dropped, 0, 0, 1), wrong(Digit{At: 0, Delta: 2}, Digit{At: 9, Delta: 2}, Digit{At: 20, Delta: 2})},
	} {
		for i, s := range order {
			w := s.weigh(typed)
			if w <= 0 || w > 1 {
				t.Errorf("%s: number %d weighs %v", name, i+1, w)
			}
			if i > 0 && w >= order[i-1].weigh(typed) {
				t.Errorf("%s: number %d weighs %v, the one before %v", name, i+1, w, order[i-1].weigh(typed))
			}
		}
	}
}

func TestOddParityOutranksEveryWeight(t *testing.T) {
	odd, heavy := Slip{Odd: true, Weight: 1e-6}, Slip{Weight: 0.3}
	if !odd.likelier(heavy) || heavy.likelier(odd) || odd.likelier(odd) {
		t.Error("a piece of odd parity comes first")
	}
}

func TestConfusedDigitsAreLookAlikes(t *testing.T) {
	for _, s := range confused([]byte{8, 0xB, 8, 0, 0xD, 1, 7, 5}) {
		if len(s.Digits) < 2 {
			t.Errorf("%v: one digit is a wrong digit", s.Digits)
		}
		if i := slices.IndexFunc(s.Digits, func(d Digit) bool { return d.Delta != s.Digits[0].Delta }); i >= 0 {
			t.Errorf("%v: two pairs at once", s.Digits)
		}
	}
}

// TestManyLookAlikesAreBounded: all 64 digits are of one pair.
func TestManyLookAlikesAreBounded(t *testing.T) {
	typed := make([]byte, 64)
	for i := range typed {
		typed[i] = 8 * byte(i%2)
	}
	all := confused(typed)
	throughout := map[int]bool{}
	for _, s := range all {
		throughout[len(s.Digits)] = true
	}
	if len(all) > 10*maxConfused || !throughout[2] || !throughout[32] || !throughout[64] {
		t.Errorf("%d slips, of so many digits: %v", len(all), throughout)
	}
}
