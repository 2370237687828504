package errorcode

// What stands near a question that no table answers: a digit more or less, a slip in a name.

import (
	"slices"
	"strings"
)

// Near lists rows whose code or name is one slip away from a question of one word, in the order of the data: a character
// more, less or another. A question of less than three characters is near to everything, and has none.
func (d *Dictionary) Near(q Query, most int) []Row {
	s, err := d.scopeOf(q)
	if err != nil {
		return nil
	}
	asked := bareCode(string(fold(q.Text).runes))
	if len(asked) < 3 || len(asked) > 64 || strings.ContainsRune(asked, ' ') {
		return nil
	}
	var found []Row
	for i := range d.rows {
		e := &d.rows[i]
		if len(found) < most && s.has(e) && (slip(bareCode(lower(e.code)), asked) || len(asked) > 5 && slip(lower(e.symbol), asked)) {
			found = append(found, e.row())
		}
	}
	return found
}

// bareCode takes the sign and the 0x off a code.
func bareCode(s string) string {
	return strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(s), "-"), "0x")
}

// slip reports whether one character more, less or another makes a word of another.
func slip(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if a == "" || len(b)-len(a) > 1 {
		return false
	}
	n := 0
	for n < len(a) && a[n] == b[n] {
		n++
	}
	if len(a) == len(b) {
		return n < len(a) && a[n+1:] == b[n+1:]
	}
	return a[n:] == b[n+1:]
}

// vendorsNear names the vendors whose id or name is a slip or two letters exchanged away from a word.
func (d *Dictionary) vendorsNear(word string) []string {
	word = squash(word)
	var ids []string
	for _, v := range d.Vendors() {
		of := nameOf(v.ID)
		if len(word) > 3 && slices.ContainsFunc(append([]string{v.ID}, of.aliases...), func(name string) bool {
			name = squash(name)
			return slip(name, word) || exchanged(name, word)
		}) {
			ids = append(ids, v.ID)
		}
	}
	return ids
}

// exchanged reports whether two neighbouring letters changed places.
func exchanged(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for n := range len(a) - 1 {
		if a[n] != b[n] {
			return a[n] == b[n+1] && a[n+1] == b[n] && a[n+2:] == b[n+2:]
		}
	}
	return false
}
