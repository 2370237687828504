package slip

// The slips that move digits, and confused look-alikes: few enough to be tried one by one.

import "slices"

// shapes lists the slips that what was typed may have, for a key of so many digits. onOther adds those that can only be
// followed forwards, when what was typed is right and the other side's value is to be explained.
func shapes(typed []byte, digits int, onOther bool) []Slip {
	switch len(typed) {
	case digits - 1:
		return dropped(typed, digits)
	case digits + 1:
		return inserted(typed, digits)
	case digits:
	default:
		return nil
	}
	all := swapped(typed)
	for _, more := range [][]Slip{confused(typed), dropped(typed, digits), inserted(typed, digits), moved(typed)} {
		all = append(all, more...)
	}
	if onOther {
		all = append(all, lost(typed)...)
	}
	return all
}

// swapped exchanges two digits, wherever they stand.
func swapped(typed []byte) []Slip {
	var all []Slip
	for a := range typed {
		for b := a + 1; b < len(typed); b++ {
			if typed[a] != typed[b] {
				all = append(all, exchange(Swapped, a, b, 1))
			}
		}
	}
	return all
}

func exchange(kind Kind, a, b, length int) Slip {
	return Slip{Kind: kind, Digits: []Digit{{At: a, With: b}}, Length: length}
}

// dropped puts a digit in. What stands behind moves down, and when nothing is missing in number, the last falls off.
func dropped(typed []byte, digits int) []Slip {
	var all []Slip
	for at := range digits {
		if len(typed) == digits && at == digits-1 {
			break // the last digit alone is a wrong digit
		}
		for delta := range byte(16) {
			if at < len(typed) && delta == 0 && at > 0 && typed[at] == typed[at-1] {
				continue // the same as one place before
			}
			all = append(all, Slip{Kind: Dropped, Digits: []Digit{{At: at, Delta: delta}}, Length: 1})
		}
	}
	return all
}

// inserted takes a digit out. Of a run of equal digits the first is named.
func inserted(typed []byte, digits int) []Slip {
	var all []Slip
	for at, d := range typed {
		if at > 0 && typed[at-1] == d || len(typed) == digits && at == digits-1 {
			continue
		}
		s := Slip{Kind: Inserted, Digits: []Digit{{At: at}}, Length: 1}
		if at+1 < len(typed) && typed[at+1] == d {
			s.Kind = Doubled
		}
		for delta := range byte(16) {
			s.Digits = []Digit{{At: at, Delta: delta}}
			all = append(all, s)
			if len(typed) != digits {
				break // nothing has to be put at the end
			}
		}
	}
	return all
}

// rowLengths lists the digits that stand together on a sheet or screen: a group of four, and rows of two and of four.
func rowLengths() []int { return []int{4, 8, 16} }

// moved exchanges groups of four, rows of eight and of sixteen, and halves.
func moved(typed []byte) []Slip {
	var all []Slip
	n := len(typed)
	for _, length := range rowLengths() {
		if 2*length >= n {
			break // halves come below
		}
		for a := 0; a+length <= n; a += length {
			for b := a + length; b+length <= n; b += length {
				all = append(all, exchange(kindOfRow(length), a, b, length))
			}
		}
	}
	if n%2 == 0 {
		all = append(all, exchange(Halves, 0, n/2, n/2))
	}
	return all
}

func kindOfRow(length int) Kind {
	if length == 4 {
		return Groups
	}
	return Rows
}

// lost types a row twice in place of another, or leaves it zero.
func lost(typed []byte) []Slip {
	var all []Slip
	for _, length := range rowLengths() {
		for a := 0; a+length <= len(typed) && length < len(typed); a += length {
			all = append(all, Slip{Kind: Missing, Digits: []Digit{{At: a}}, Length: length})
			for b := 0; b+length <= len(typed); b += length {
				if a != b {
					all = append(all, Slip{Kind: Repeated, Digits: []Digit{{At: a, With: b}}, Length: length})
				}
			}
		}
	}
	return all
}

// maxConfused bounds the choices of places in which one pair of look-alikes is tried: every choice of up to 14
// places. Where there are more, the small choices are tried, and each digit of the pair taken for the other throughout.
const maxConfused = 1 << 14

// confused takes look-alikes for each other, in two places and more; one place is a wrong digit.
func confused(typed []byte) []Slip {
	var all []Slip
	for _, pair := range lookAlikes() {
		first, second := placesOf(typed, pair[0]), placesOf(typed, pair[1])
		places := append(append([]int(nil), first...), second...)
		slices.Sort(places)
		tried, choices := 0, 1.0
		for size := 1; size <= len(places); size++ {
			choices *= float64(len(places)-size+1) / float64(size)
			if tried += int(choices); tried >= maxConfused {
				break
			}
			if size > 1 {
				all = confusedAt(all, nil, places, size, pair[0]^pair[1])
			}
		}
		if tried >= maxConfused {
			for _, throughout := range [][]int{first, second, places} {
				all = confusedAt(all, nil, throughout, max(2, len(throughout)), pair[0]^pair[1])
			}
		}
	}
	return all
}

func placesOf(typed []byte, digit byte) []int {
	var places []int
	for at, d := range typed {
		if d == digit {
			places = append(places, at)
		}
	}
	return places
}

// confusedAt appends every choice of size more places.
func confusedAt(all []Slip, chosen []Digit, places []int, size int, delta byte) []Slip {
	if size == 0 {
		return append(all, Slip{Kind: Confused, Digits: slices.Clone(chosen), Length: 1})
	}
	for i := 0; i+size <= len(places); i++ {
		all = confusedAt(all, append(chosen, Digit{At: places[i], Delta: delta}), places[i+1:], size-1, delta)
	}
	return all
}
