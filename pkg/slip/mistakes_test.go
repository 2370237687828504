package slip_test

// Mistakes of typing as they happen, on text: an implementation of its own, which the package is judged by.

import (
	"math/rand/v2"
	"strings"

	"poskey/pkg/slip"
)

const hexDigits = "0123456789ABCDEF"

func randomText(r *rand.Rand, n int) string {
	var b strings.Builder
	for range n {
		b.WriteByte(hexDigits[r.IntN(16)])
	}
	return b.String()
}

// exchanged swaps two stretches of text of one length; a is before b.
func exchanged(s string, a, b, length int) string {
	return s[:a] + s[b:b+length] + s[a+length:b] + s[a:a+length] + s[b+length:]
}

func replaced(s string, at int, by string) string { return s[:at] + by + s[at+len(by):] }

// mostLookAlikes is the number of places up to which every choice of look-alikes is tried.
const mostLookAlikes = 14

// pairs of digits that are read for each other.
func pairs() []string {
	return []string{"8B", "0D", "68", "6B", "17", "56", "38", "08", "EF", "0C"}
}

// other gives the other digit of a pair.
func other(pair string, digit byte) string {
	if digit == pair[0] {
		return pair[1:]
	}
	return pair[:1]
}

func placesIn(s, pair string) []int {
	var places []int
	for at := range s {
		if strings.IndexByte(pair, s[at]) >= 0 {
			places = append(places, at)
		}
	}
	return places
}

// keepsLength says what becomes of the number of digits when one is left out or put in.
type keepsLength bool

// mistyped makes one mistake of a kind in typing what is right; digits is their number for wrong digits. It gives "" where
// this text does not allow that mistake.
func mistyped(r *rand.Rand, kind slip.Kind, right string, digits int, same keepsLength) string {
	n := len(right)
	switch kind {
	case slip.Wrong:
		typed := right
		for _, at := range r.Perm(n)[:digits] {
			was := strings.IndexByte(hexDigits, typed[at])
			typed = replaced(typed, at, hexDigits[(was+1+r.IntN(15))%16:][:1])
		}
		return typed
	case slip.Confused:
		return confusedAtRandom(r, right)
	case slip.Swapped:
		at := r.IntN(n - 1)
		with := at + 1
		if r.IntN(2) == 0 {
			with = at + 1 + r.IntN(n-1-at)
		}
		return exchanged(right, at, with, 1)
	case slip.Dropped:
		at := r.IntN(n - 1) // the last one, with another at the end, is a wrong digit
		typed := right[:at] + right[at+1:]
		if same {
			typed += randomText(r, 1)
		}
		return typed
	case slip.Inserted, slip.Doubled:
		at := r.IntN(n - 1)
		extra := right[at : at+1]
		for kind == slip.Inserted && (extra == right[at:at+1] || at > 0 && extra == right[at-1:at]) {
			extra = randomText(r, 1)
		}
		typed := right[:at] + extra + right[at:]
		if same {
			typed = typed[:n]
		}
		return typed
	}
	return moved(r, kind, right)
}

func confusedAtRandom(r *rand.Rand, right string) string {
	pair := pairs()[r.IntN(len(pairs()))]
	places := placesIn(right, pair)
	if len(places) < 2 {
		return ""
	}
	r.Shuffle(len(places), func(i, j int) { places[i], places[j] = places[j], places[i] })
	typed := right
	if strings.Count(right, pair[:1]) > 1 && len(places) <= mostLookAlikes && r.IntN(2) == 0 { // throughout
		return strings.ReplaceAll(right, pair[:1], pair[1:])
	}
	for _, at := range places[:min(len(places), 2+r.IntN(3))] {
		typed = replaced(typed, at, other(pair, typed[at]))
	}
	return typed
}

func moved(r *rand.Rand, kind slip.Kind, right string) string {
	n := len(right)
	length := map[slip.Kind]int{slip.Groups: 4, slip.Rows: 8 << r.IntN(2), slip.Halves: n / 2, slip.Repeated: 4 << r.IntN(3), slip.Missing: 4 << r.IntN(3)}[kind]
	rows := n / length
	if kind == slip.Rows && rows < 3 || rows < 2 {
		return ""
	}
	order := r.Perm(rows)
	a, b := min(order[0], order[1])*length, max(order[0], order[1])*length
	switch kind {
	case slip.Missing:
		return replaced(right, a, strings.Repeat("0", length))
	case slip.Repeated:
		return replaced(right, order[0]*length, right[order[1]*length:][:length])
	}
	return exchanged(right, a, b, length)
}

// repairs lists what may have been meant by what was typed, with one mistake of any kind but wrong digits; where other is
// set, what another may have typed who meant this.
func repairs(typed string, digits int, onOther bool) []string {
	var all []string
	n := len(typed)
	even := 0 // a last digit that is another is a wrong digit
	if n == digits {
		even = 1
	}
	if n <= digits {
		for at := range digits - even {
			for _, c := range hexDigits {
				all = append(all, (typed[:min(at, n)] + string(c) + typed[min(at, n):])[:digits])
			}
		}
	}
	if n >= digits {
		for at := range n - even {
			less := typed[:at] + typed[at+1:]
			for _, c := range hexDigits {
				all = append(all, (less + string(c))[:digits])
			}
		}
	}
	if n != digits {
		return all
	}
	for a := range n {
		for b := a + 1; b < n; b++ {
			all = append(all, exchanged(typed, a, b, 1))
		}
	}
	for _, length := range []int{4, 8, 16, n / 2} {
		for a := 0; a < n; a += length {
			for b := a + length; b < n; b += length {
				all = append(all, exchanged(typed, a, b, length))
			}
		}
	}
	for _, pair := range pairs() {
		all = append(all, confusions(typed, pair)...)
	}
	if onOther {
		all = append(all, lostRows(typed)...)
	}
	return all
}

// confusions takes a pair for each other in two places and more.
func confusions(typed, pair string) []string {
	all, changes := []string{typed}, []int{0}
	for _, at := range placesIn(typed, pair) {
		for i, s := range all {
			all, changes = append(all, replaced(s, at, other(pair, s[at]))), append(changes, changes[i]+1)
		}
	}
	var two []string
	for i, s := range all {
		if changes[i] > 1 {
			two = append(two, s)
		}
	}
	return two
}

func lostRows(typed string) []string {
	var all []string
	for _, length := range []int{4, 8, 16} {
		for a := 0; a < len(typed) && length < len(typed); a += length {
			all = append(all, replaced(typed, a, strings.Repeat("0", length)))
			for b := 0; b < len(typed); b += length {
				all = append(all, replaced(typed, a, typed[b:b+length]))
			}
		}
	}
	return all
}
