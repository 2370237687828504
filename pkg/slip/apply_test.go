package slip_test

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
	"poskey/pkg/slip"
)

func TestASlipPutsTypedDigitsRight(t *testing.T) {
	const typed = "0123456789ABCDEF"
	one := func(d slip.Digit) []slip.Digit { return []slip.Digit{d} }
	for _, c := range []struct {
		s    slip.Slip
		want string
	}{
		{slip.Slip{Kind: slip.Wrong, Digits: []slip.Digit{{At: 0, Delta: 5}, {At: 15, Delta: 1}}, Length: 1}, "5123456789ABCDEE"},
		{slip.Slip{Kind: slip.Confused, Digits: []slip.Digit{{At: 8, Delta: 3}, {At: 11, Delta: 3}}, Length: 1}, "01234567B9A8CDEF"},
		{slip.Slip{Kind: slip.Swapped, Digits: one(slip.Digit{At: 1, With: 15}), Length: 1}, "0F23456789ABCDE1"},
		{slip.Slip{Kind: slip.Dropped, Digits: one(slip.Digit{At: 3, Delta: 4}), Length: 1}, "01273456789ABCDE"},
		{slip.Slip{Kind: slip.Dropped, Digits: one(slip.Digit{At: 3, Delta: 4}), Length: 1}, "01273456789ABCDEF"},
		{slip.Slip{Kind: slip.Dropped, Digits: one(slip.Digit{At: 16, Delta: 4}), Length: 1}, "0123456789ABCDEFB"},
		{slip.Slip{Kind: slip.Inserted, Digits: one(slip.Digit{At: 3, Delta: 4}), Length: 1}, "012456789ABCDEFB"},
		{slip.Slip{Kind: slip.Inserted, Digits: one(slip.Digit{At: 3}), Length: 1}, "012456789ABCDEF"},
		{slip.Slip{Kind: slip.Doubled, Digits: one(slip.Digit{At: 15}), Length: 1}, "0123456789ABCDE"},
		{slip.Slip{Kind: slip.Groups, Digits: one(slip.Digit{At: 0, With: 8}), Length: 4}, "89AB45670123CDEF"},
		{slip.Slip{Kind: slip.Rows, Digits: one(slip.Digit{At: 8, With: 0}), Length: 8}, "89ABCDEF01234567"},
		{slip.Slip{Kind: slip.Halves, Digits: one(slip.Digit{At: 0, With: 8}), Length: 8}, "89ABCDEF01234567"},
		{slip.Slip{Kind: slip.Repeated, Digits: one(slip.Digit{At: 4, With: 12}), Length: 4}, "0123CDEF89ABCDEF"},
		{slip.Slip{Kind: slip.Missing, Digits: one(slip.Digit{At: 8}), Length: 8}, "0123456700000000"},
	} {
		out := make([]byte, len(c.want))
		if err := c.s.Apply(out, digitsOf(typed)); err != nil || textOf(out) != c.want {
			t.Errorf("%s at %v: %s, %v; want %s", c.s.Kind, c.s.Digits, textOf(out), err, c.want)
		}
	}
}

func TestASlipThatDoesNotFitIsRefused(t *testing.T) {
	d := func(all ...slip.Digit) []slip.Digit { return all }
	for name, c := range map[string]struct {
		s            slip.Slip
		right, typed int
	}{
		"no kind":                       {slip.Slip{Digits: d(slip.Digit{}), Length: 1}, 16, 16},
		"an unknown kind":               {slip.Slip{Kind: "shouted", Digits: d(slip.Digit{With: 99}), Length: 1}, 16, 16},
		"no digits":                     {slip.Slip{Kind: slip.Wrong, Length: 1}, 16, 16},
		"no digits, swapped":            {slip.Slip{Kind: slip.Swapped, Length: 1}, 16, 16},
		"two places of one":             {slip.Slip{Kind: slip.Dropped, Digits: d(slip.Digit{}, slip.Digit{}), Length: 1}, 16, 16},
		"no length":                     {slip.Slip{Kind: slip.Wrong, Digits: d(slip.Digit{Delta: 1})}, 16, 16},
		"a negative length":             {slip.Slip{Kind: slip.Groups, Digits: d(slip.Digit{}), Length: -4}, 16, 16},
		"a huge length":                 {slip.Slip{Kind: slip.Groups, Digits: d(slip.Digit{}), Length: math.MaxInt}, 16, 16},
		"a negative place":              {slip.Slip{Kind: slip.Wrong, Digits: d(slip.Digit{At: -1, Delta: 1}), Length: 1}, 16, 16},
		"a place beyond the end":        {slip.Slip{Kind: slip.Wrong, Digits: d(slip.Digit{At: 16, Delta: 1}), Length: 1}, 16, 16},
		"a place at the end of numbers": {slip.Slip{Kind: slip.Wrong, Digits: d(slip.Digit{At: math.MaxInt, Delta: 1}), Length: 1}, 16, 16},
		"a partner beyond the end":      {slip.Slip{Kind: slip.Groups, Digits: d(slip.Digit{With: 13}), Length: 4}, 16, 16},
		"a partner far beyond the end":  {slip.Slip{Kind: slip.Repeated, Digits: d(slip.Digit{With: math.MaxInt}), Length: 4}, 16, 16},
		"a negative partner":            {slip.Slip{Kind: slip.Swapped, Digits: d(slip.Digit{With: -1}), Length: 1}, 16, 16},
		"more than a digit":             {slip.Slip{Kind: slip.Wrong, Digits: d(slip.Digit{Delta: 16}), Length: 1}, 16, 16},
		"a wrong digit that shortens":   {slip.Slip{Kind: slip.Wrong, Digits: d(slip.Digit{Delta: 1}), Length: 1}, 15, 16},
		"dropped, but more were typed":  {slip.Slip{Kind: slip.Dropped, Digits: d(slip.Digit{}), Length: 1}, 15, 16},
		"two dropped":                   {slip.Slip{Kind: slip.Dropped, Digits: d(slip.Digit{}), Length: 1}, 18, 16},
		"inserted, but less were typed": {slip.Slip{Kind: slip.Inserted, Digits: d(slip.Digit{}), Length: 1}, 17, 16},
		"nothing typed":                 {slip.Slip{Kind: slip.Dropped, Digits: d(slip.Digit{}), Length: 1}, 1, 0},
		"nothing typed, nothing wanted": {slip.Slip{Kind: slip.Missing, Digits: d(slip.Digit{}), Length: 1}, 0, 0},
	} {
		if err := c.s.Apply(make([]byte, c.right), make([]byte, c.typed)); !fault.Is(err, fault.MalformedLength) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func FuzzApply(f *testing.F) {
	for i := range 12 {
		f.Add(uint8(i), 3, 8, 4, uint8(7), uint8(16), uint8(16))
	}
	f.Add(uint8(3), 16, 0, 1, uint8(7), uint8(17), uint8(16))
	f.Add(uint8(4), 15, 0, 1, uint8(0), uint8(15), uint8(16))
	f.Add(uint8(0), math.MaxInt, math.MinInt, math.MaxInt, uint8(255), uint8(16), uint8(16))
	kinds := []slip.Kind{slip.Wrong, slip.Confused, slip.Swapped, slip.Dropped, slip.Inserted, slip.Doubled, slip.Groups, slip.Rows, slip.Halves,
		slip.Repeated, slip.Missing, "unknown"}
	f.Fuzz(func(t *testing.T, kind uint8, at, with, length int, delta, right, typed uint8) {
		s := slip.Slip{Kind: kinds[int(kind)%len(kinds)], Digits: []slip.Digit{{At: at, Delta: delta, With: with}}, Length: length}
		in := make([]byte, typed)
		for i := range in {
			in[i] = byte(i*7+int(delta)) & 15
		}
		given := bytes.Clone(in)
		out := make([]byte, right)
		err := s.Apply(out, in)
		if !bytes.Equal(in, given) {
			t.Error("what was typed has changed")
		}
		if err != nil {
			return
		}
		for i, d := range out {
			if d > 15 {
				t.Errorf("digit %d is %d", i, d)
			}
		}
		if diff := int(right) - int(typed); diff < -1 || diff > 1 {
			t.Errorf("%d digits became %d", typed, right)
		}
		undo := make([]byte, typed)
		switch apart := max(at, with)-min(at, with) >= length; s.Kind {
		case slip.Swapped, slip.Groups, slip.Rows, slip.Halves:
			if !apart {
				return
			}
			fallthrough
		case slip.Wrong, slip.Confused: // twice is nothing
			if err := s.Apply(undo, out); err != nil || !bytes.Equal(undo, in) {
				t.Errorf("%s twice: %v, %v became %v", s.Kind, err, in, undo)
			}
		}
	})
}

func TestQuestionsThatCannotBeSearchedAreRefused(t *testing.T) {
	typed := digitsOf("0123456789ABCDEFFEDCBA9876543210")
	good := slip.Question{Pieces: []slip.Piece{{Typed: typed}}, Algorithm: keys.TDES128, Method: kcv.ECBZero, Expected: kcv.Expected{Digits: "123456"}}
	for name, c := range map[string]struct {
		change func(q *slip.Question)
		want   fault.Kind
	}{
		"five digits":              {func(q *slip.Question) { q.Digits = 5 }, fault.Usage},
		"minus one digit":          {func(q *slip.Question) { q.Digits = -1 }, fault.Usage},
		"no value":                 {func(q *slip.Question) { q.Expected = kcv.Expected{} }, fault.MalformedHex},
		"a value that is no hex":   {func(q *slip.Question) { q.Expected.Digits = "12345G" }, fault.MalformedHex},
		"too short a value":        {func(q *slip.Question) { q.Expected.Digits = "123" }, fault.MalformedHex},
		"a method that is not its": {func(q *slip.Question) { q.Method = kcv.ECBOne }, fault.Usage},
		"no cipher":                {func(q *slip.Question) { q.Algorithm, q.Method = keys.HMACSHA256, kcv.SHA256 }, fault.Usage},
		"no algorithm":             {func(q *slip.Question) { q.Algorithm, q.Method = "", kcv.SHA256 }, fault.Usage},
		"others of another length": {func(q *slip.Question) { q.Pieces = []slip.Piece{{Typed: typed, Others: make([]byte, 15)}} }, fault.MalformedLength},
	} {
		q := good
		c.change(&q)
		if a, err := slip.Search(context.Background(), q); !fault.Is(err, c.want) || a.Matches != nil || a.Tried != 0 {
			t.Errorf("%s: %+v, %v; want kind %s", name, a, err, c.want)
		}
	}
	for _, n := range []int{0, 1, 30, 34, 64} { // nothing is one slip away
		q := good
		q.Pieces = []slip.Piece{{Typed: make([]byte, n)}}
		if a, err := slip.Search(context.Background(), q); err != nil || len(a.Matches) != 0 || a.Tried != 0 {
			t.Errorf("%d digits typed: %+v, %v", n, a, err)
		}
	}
}

// TestASlipHoldsNoDigitOfTheKey: the same mistake in another key is the same slip, and the difference is never written.
func TestASlipHoldsNoDigitOfTheKey(t *testing.T) {
	r := random(8)
	kinds := []slip.Kind{slip.Wrong, slip.Swapped, slip.Dropped, slip.Inserted, slip.Groups, slip.Halves}
	same := 0
	for i := range 36 {
		kind := kinds[i%len(kinds)]
		right := randomText(r, 32)
		typed := mistyped(r, kind, right, 2, keepsLength(i%2 == 0))
		one, two := slipOf(t, kind, right, typed), slipOf(t, kind, turned(right, byte(i%15+1)), turned(typed, byte(i%15+1)))
		if one == nil || two == nil { // in one of them it is also another slip, a likelier one
			continue
		}
		same++
		if !slices.Equal(one.Digits, two.Digits) {
			t.Errorf("%s: %v in one key, %v in another", kind, one.Digits, two.Digits)
		}
		text, err := json.Marshal(one)
		if err != nil || strings.Contains(string(text), "Delta") {
			t.Errorf("%s is written as %s, %v", kind, text, err)
		}
	}
	if same < 30 {
		t.Errorf("%d slips were compared", same)
	}
}

// turned changes every digit of a text alike.
func turned(s string, by byte) string {
	d := digitsOf(s)
	for i := range d {
		d[i] ^= by
	}
	return textOf(d)
}

// slipOf is the slip that leads from what was typed to what is right.
func slipOf(t *testing.T, kind slip.Kind, right, typed string) *slip.Slip {
	t.Helper()
	q := asked(t, keys.AES128, kcv.CMAC, typed, valueOf(t, keys.AES128, kcv.CMAC, keyOf(t, right)), 16)
	if kind == slip.Wrong {
		q.Digits = 2
	}
	for _, m := range run(t, q).Matches {
		if m.Slip.Kind == kind && corrected(t, q, m) == right {
			return &m.Slip
		}
	}
	return nil
}
