package diagnose

// Components: too few or too many of them, one of them taken as the key, parts joined or added instead of XORed, and
// the check values on the sheets.

import (
	"slices"
	"strconv"
	"strings"

	"poskey/internal/text"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// maxSubsets is the number of parts up to which every partial combination is tried: 2^10 hypotheses, few enough that a
// match at 6 digits is no chance. With more parts, one or two of them are left out, or one or two taken.
const maxSubsets = 10

// allBut is the XOR of n parts without those named; n of 1 is the part itself. Nothing left is nil.
func allBut(n int, without ...int) hsm.Expr {
	var x hsm.XOR
	for i := range n {
		if !slices.Contains(without, i) {
			x = append(x, hsm.Part(i))
		}
	}
	switch len(x) {
	case 0:
		return nil
	case 1:
		return x[0]
	}
	return x
}

// withPart is the XOR of n parts with one of them replaced.
func withPart(n, at int, by hsm.Expr) hsm.Expr {
	return withParts(n, map[int]hsm.Expr{at: by})
}

func withParts(n int, by map[int]hsm.Expr) hsm.Expr {
	x := make(hsm.XOR, n)
	for i := range n {
		x[i] = hsm.Part(i)
		if e, ok := by[i]; ok {
			x[i] = e
		}
	}
	if n == 1 {
		return x[0]
	}
	return x
}

// compareSheets holds every part against the check value on its sheet and keeps those that do not agree. Sheets in
// another order than the parts are no mistake: XOR knows no order. Where parts agree by another method than the one assumed,
// and more of them do, that is the sheets' method.
func (s *search) compareSheets() error {
	if !anySheet(s.facts.PartExpected) || s.alg == keys.Raw {
		return nil
	}
	methods := append([]kcv.Method{methodFor(s.alg, s.facts.Method)}, kcv.Methods(s.alg)...)
	for i, m := range methods {
		wrong, err := s.wrongSheets(m)
		if err != nil {
			return err
		}
		if i == 0 || len(wrong) < len(s.sheets) {
			s.sheets, s.sheetM = wrong, m
		}
		if len(wrong) == 0 {
			return nil
		}
	}
	return nil
}

func (s *search) wrongSheets(m kcv.Method) (map[int]kcv.Expected, error) {
	wrong, spare := map[int]kcv.Expected{}, []int{}
	for i, v := range s.facts.PartExpected {
		if v.Digits == "" {
			continue
		}
		ok, err := s.partHas(i, m, v)
		if err != nil {
			return nil, err
		}
		if !ok {
			wrong[i] = v
			spare = append(spare, i)
		}
	}
	left, err := s.inAnotherOrder(wrong, spare, m)
	if err == nil && len(wrong) > 0 && len(left) == 0 {
		s.notes = append(s.notes, text.New(
			"the check values of parts %s stand in another order than the parts; XOR does not mind, the sheets may be exchanged", list(spare)))
	}
	return left, err
}

func (s *search) partHas(part int, m kcv.Method, v kcv.Expected) (bool, error) {
	a, err := s.ask(reading{expr: hsm.Part(part), alg: s.alg, method: m}, v)
	return a.Match, err
}

// inAnotherOrder gives no wrong sheets when the parts that disagree have each other's values.
func (s *search) inAnotherOrder(wrong map[int]kcv.Expected, spare []int, m kcv.Method) (map[int]kcv.Expected, error) {
	taken := map[int]bool{}
	for _, part := range spare {
		found := false
		for _, sheet := range spare {
			if sheet == part || taken[sheet] || found {
				continue
			}
			ok, err := s.partHas(part, m, wrong[sheet])
			if err != nil {
				return nil, err
			}
			if ok {
				taken[sheet], found = true, true
			}
		}
		if !found {
			return wrong, nil
		}
	}
	return nil, nil
}

// components lists what can go wrong when parts are brought together.
func (s *search) components() ([]reading, error) {
	n := s.facts.Parts
	var out []reading
	if s.alg != keys.Raw && n > 1 {
		out = append(out, s.subsets(n)...)
		out = append(out, s.singles(n)...)
		out = append(out, s.swappedParts(n)...)
	}
	size, err := s.facts.Prober.Len(hsm.Part(0))
	if err != nil || n < 2 {
		return out, err
	}
	out = append(out, s.joins(n, size)...)
	return append(out, s.added(n)...), nil
}

// subsets leaves parts out. Under XOR a part entered twice is as good as left out.
func (s *search) subsets(n int) []reading {
	var out []reading
	for _, without := range leftOut(n) {
		e := allBut(n, without...)
		if e == nil {
			e = hsm.Zeros(s.size)
		}
		r := s.as(CauseComponentCount, e, s.alg, func(v string) text.Text { return saysLeftOut(n, without, v) })
		out = append(out, r.marked(func(ev *Evidence) { ev.Parts = countFromOne(without) }))
	}
	return out
}

// leftOut lists the sets of parts to leave out, small sets first. Everything may be left out of two parts only: one
// part entered twice in place of both gives the zero key. That one part of three or more is left alone is another cause: it was
// taken as the key.
func leftOut(n int) [][]int {
	var sets [][]int
	for size := 1; size <= n; size++ {
		if size == n && n != 2 || size == n-1 && n > 2 || n > maxSubsets && size > 2 && size < n-2 {
			continue
		}
		sets = appendSets(sets, nil, 0, n, size)
	}
	return sets
}

func appendSets(sets [][]int, head []int, from, n, size int) [][]int {
	if size == 0 {
		return append(sets, append([]int(nil), head...))
	}
	for i := from; i <= n-size; i++ {
		sets = appendSets(sets, append(head, i), i+1, n, size-1)
	}
	return sets
}

func saysLeftOut(n int, without []int, v string) text.Text {
	switch {
	case len(without) == n:
		return text.New(
			"%s is the check value of the all-zero key: one part was entered twice and the other not at all",
			v,
		)
	case len(without) == 1:
		return text.New(
			"without part %d the parts give %s: part %d was left out, or entered twice, which XOR cannot tell apart",
			without[0]+1, v, without[0]+1,
		)
	case len(without) == 2:
		return text.New(
			"without parts %d and %d the parts give %s: both were left out or entered twice, or one was entered in place of the other",
			without[0]+1, without[1]+1, v)
	}
	return text.New("without parts %s the parts give %s: each of these was left out, or entered twice", list(without), v)
}

// singles takes a part for the key.
func (s *search) singles(n int) []reading {
	var out []reading
	for i := range n {
		r := s.as(CauseComponentAsKey, hsm.Part(i), s.alg, func(v string) text.Text {
			return text.New("%s is the check value of part %d alone: the part itself was taken as the key, or the others cancelled out", v, i+1)
		})
		out = append(out, r.marked(func(ev *Evidence) { ev.Parts = []int{i + 1} }))
	}
	return out
}

// swappedParts swaps the halves of one part.
func (s *search) swappedParts(n int) []reading {
	var out []reading
	for i := range n {
		if s.size != 16 && s.size != 32 {
			continue
		}
		e := swapped(hsm.Part(i), s.size)
		r := s.as(CauseHalvesSwapped, withPart(n, i, e), s.alg, func(v string) text.Text {
			return text.New("with the two halves of part %d swapped, the parts give %s", i+1, v)
		})
		r.replaced = map[int]hsm.Expr{i: e}
		out = append(out, r.marked(func(ev *Evidence) { ev.Parts = []int{i + 1} }))
	}
	return out
}

// joins puts halves of two parts, or whole short parts, one after the other.
func (s *search) joins(n, size int) []reading {
	want := s.facts.Algorithm.KeyLen()
	var out []reading
	join := func(e hsm.Expr, parts []int, says func(string) text.Text) {
		r := s.as(CauseConcatenated, e, s.facts.Algorithm, says)
		out = append(out, r.marked(func(ev *Evidence) { ev.Parts = countFromOne(parts) }))
	}
	for first := range n {
		for second := range n {
			if first == second || size != want || size%2 != 0 {
				continue
			}
			for _, halves := range [][2]bool{{false, true}, {false, false}, {true, false}, {true, true}} {
				e := hsm.Join{half(first, size, halves[0]), half(second, size, halves[1])}
				join(e, []int{first, second}, func(v string) text.Text { return saysJoined(first+1, second+1, halves, v) })
			}
		}
	}
	if size*n == want && n <= 4 {
		for _, order := range orders(n) {
			var e hsm.Join
			for _, i := range order {
				e = append(e, hsm.Part(i))
			}
			join(e, order, func(v string) text.Text {
				return text.New("the parts %s one after the other give %s: they were joined instead of XORed", list(order), v)
			})
		}
	}
	return out
}

func half(part, size int, right bool) hsm.Expr {
	if right {
		return hsm.Slice{Of: hsm.Part(part), From: size / 2, To: size}
	}
	return hsm.Slice{Of: hsm.Part(part), To: size / 2}
}

func saysJoined(first, second int, right [2]bool, v string) text.Text {
	switch right {
	case [2]bool{false, false}:
		return text.New(
			"the left half of part %d followed by the left half of part %d gives %s: halves were joined instead of whole parts XORed",
			first, second, v,
		)
	case [2]bool{false, true}:
		return text.New(
			"the left half of part %d followed by the right half of part %d gives %s: halves were joined instead of whole parts XORed",
			first, second, v,
		)
	case [2]bool{true, false}:
		return text.New(
			"the right half of part %d followed by the left half of part %d gives %s: halves were joined instead of whole parts XORed",
			first, second, v,
		)
	}
	return text.New(
		"the right half of part %d followed by the right half of part %d gives %s: halves were joined instead of whole parts XORed",
		first, second, v,
	)
}

// added adds the parts as numbers.
func (s *search) added(n int) []reading {
	if s.alg == keys.Raw {
		return nil
	}
	var sum hsm.Sum
	for i := range n {
		sum = append(sum, hsm.Part(i))
	}
	return []reading{s.as(CauseConcatenated, sum, s.alg, func(v string) text.Text {
		return text.New("the parts added as numbers give %s: they must be XORed, digit by digit without carry", v)
	})}
}

// orders lists every order of n things.
func orders(n int) [][]int {
	if n == 0 {
		return [][]int{nil}
	}
	var out [][]int
	for _, shorter := range orders(n - 1) {
		for at := len(shorter); at >= 0; at-- {
			order := append([]int(nil), shorter[:at]...)
			order = append(order, n-1)
			out = append(out, append(order, shorter[at:]...))
		}
	}
	return out
}

func countFromOne(parts []int) []int {
	out := make([]int, len(parts))
	for i, p := range parts {
		out[i] = p + 1
	}
	return out
}

func list(parts []int) string {
	words := make([]string, len(parts))
	for i, p := range parts {
		words[i] = strconv.Itoa(p + 1)
	}
	return strings.Join(words, ", ")
}
