package component

import (
	"bytes"

	"poskey/internal/fault"
	"poskey/internal/secret"
)

// maxSheet bounds the text of one sheet: far more than any sheet has, little enough to answer at once.
const maxSheet = 64 << 10

const byteOrderMark = '\ufeff'

// Normalise undoes what editors, printers and typists do to a sheet without touching what it says: byte order marks,
// blanks and tabs at the ends of lines and more than one between words, carriage returns, empty lines at the end, a
// missing last line feed, and case. Words made of hex digits and dashes become upper case, all others lower case. Of a
// printed page, on which the sheet stands between bars, the sheet is left. It is idempotent, and the canonical form stays as it is. The result must be wiped. Error: TooLarge.
func Normalise(in []byte) (*secret.Bytes, error) {
	if len(in) > maxSheet {
		return nil, fault.New(fault.TooLarge, "a component sheet has no more than %d bytes", maxSheet)
	}
	scratch := secret.New(len(in) + 1)
	defer scratch.Wipe()
	out, end := scratch.Expose()[:0], 0 // end: behind the last line with a word in it
	for line := range bytes.Lines(in) {
		start := len(out)
		for word := range bytes.FieldsFuncSeq(line, isBlank) {
			if len(out) > start {
				out = append(out, ' ')
			}
			out = appendCased(out, word)
		}
		if len(out) > start {
			end = len(out) + 1
		}
		out = append(out, '\n')
	}
	return secret.Copy(unframe(out[:end])), nil
}

func isBlank(r rune) bool {
	return r == ' ' || r == '\t' || r == '\r' || r == '\n' || r == byteOrderMark
}

func appendCased(out, word []byte) []byte {
	upper := true
	for _, c := range word {
		upper = upper && (c >= '0' && c <= '9' || c >= 'A' && c <= 'F' || c >= 'a' && c <= 'f' || c == '-')
	}
	for _, c := range word {
		switch {
		case upper && c >= 'a' && c <= 'z':
			c -= 'a' - 'A'
		case !upper && c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		}
		out = append(out, c)
	}
	return out
}

// IsSheet tells at a glance whether a text wants to be a component sheet, bare or on a printed page.
func IsSheet(in []byte) bool {
	if titled(bytes.TrimPrefix(in, []byte(string(byteOrderMark)))) {
		return true
	}
	for line := range framed(in) {
		if titled(line) {
			return true
		}
	}
	return false
}

func titled(in []byte) bool {
	return len(in) >= len(titleName) && bytes.EqualFold(in[:len(titleName)], []byte(titleName))
}
