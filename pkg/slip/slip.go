// Package slip knows the mistakes of people who type keys: what they are, how a typed key is put right again, how likely
// each is, and which of them explain a check value.
//
// A [Slip] says what happened, by place; it holds no digit of a key. Where the right digit cannot be had from what was
// typed, the slip holds its XOR with the digit that stands there. [Slip.Apply] puts the typed digits right. Places count
// from 0, people count from 1.
//
// # The kinds
//
//	wrong-digits    1 to 4 digits are not what they should be
//	confused        digits that look alike were taken for each other, in any number of places
//	swapped         two digits changed places; neighbours most of all
//	dropped         a digit was left out: those behind moved up, something stands at the end
//	inserted        a digit was put in: those behind moved down, the last fell off
//	doubled         a digit was typed twice: inserted, with one equal to the digit behind it
//	groups-swapped  groups of four digits changed places
//	rows-swapped    rows of 8 or 16 digits changed places
//	halves-swapped  the halves changed places
//	row-repeated    a row of 4, 8 or 16 digits was typed a second time in place of another
//	row-missing     a row of 4, 8 or 16 digits was left zero
//
// The last two cannot be undone: they are tried only when the slip was made on the other side ([Question].OnOther).
//
// [Search] tries them all on what was typed, wrong digits last. Wrong digits of DES keys are searched 64 candidates at a
// time (internal/bitslice).
//
// # Parity
//
// DES reads seven bits of a byte. Where the value does not show the eighth (that of a hash does), of two digits that
// differ in the lowest bit only the one is taken that gives its byte odd parity, if the whole piece then has odd parity
// ([Slip].Odd); otherwise the one that is the likelier slip, and [Slip].Unseen is set. When the slip was made on the
// other side it is always the latter: nothing is known of what was typed there.
//
// A piece of a DES key that has odd parity when put right is seldom an accident: such matches come first, and wrong
// digits among them are held against the candidates that have it too ([Match].Among).
//
// # What is not searched
//
// Two kinds at once, two swaps, several digits left out or put in, and more than 14 places of one pair
// of look-alikes in every combination.
package slip

import (
	"poskey/internal/fault"
)

// Kind names a mistake.
type Kind string

// The kinds; the package comment says what they are.
const (
	Wrong    Kind = "wrong-digits"
	Confused Kind = "confused"
	Swapped  Kind = "swapped"
	Dropped  Kind = "dropped"
	Inserted Kind = "inserted"
	Doubled  Kind = "doubled"
	Groups   Kind = "groups-swapped"
	Rows     Kind = "rows-swapped"
	Halves   Kind = "halves-swapped"
	Repeated Kind = "row-repeated"
	Missing  Kind = "row-missing"
)

// Slip is one mistake, told by places in what was typed.
type Slip struct {
	Kind   Kind
	Digits []Digit
	Length int // digits that moved together; 1 where single digits are spoken of

	Unseen bool    // of at least one digit the lowest bit is a parity bit that nothing tells
	Odd    bool    // put right, every byte of the piece has odd parity
	Weight float64 // how likely beforehand, against other slips
}

// Digit is a place and what is to be done there: XOR Delta for wrong digits, or exchange with the digit at With. The
// digit that Delta is XORed with is the one typed at the place; where a digit comes to stand behind the last one typed,
// it is the last. Together with what was typed, Delta tells a digit of the key: it is never written down.
type Digit struct {
	At    int
	Delta byte `json:"-"`
	With  int
}

// Apply puts right what was typed: typed and out are hex digits, one per byte, 0 to 15. It fails where the slip does not
// fit them, and leaves out half-written then.
func (s Slip) Apply(out, typed []byte) error {
	if err := s.check(len(out), len(typed)); err != nil {
		return err
	}
	copy(out, typed)
	switch s.Kind {
	case Dropped:
		at := s.Digits[0].At
		right := typed[min(at, len(typed)-1)] ^ s.Digits[0].Delta
		copy(out[at+1:], typed[at:])
		out[at] = right
	case Inserted, Doubled:
		at := s.Digits[0].At
		if n := at + copy(out[at:], typed[at+1:]); n < len(out) {
			out[n] = typed[len(typed)-1] ^ s.Digits[0].Delta
		}
	case Repeated:
		copy(out[s.Digits[0].At:], typed[s.Digits[0].With:s.Digits[0].With+s.Length])
	case Missing:
		clear(out[s.Digits[0].At : s.Digits[0].At+s.Length])
	case Wrong, Confused:
		for _, d := range s.Digits {
			out[d.At] ^= d.Delta
		}
	default:
		a, b := s.Digits[0].At, s.Digits[0].With
		copy(out[a:a+s.Length], typed[b:b+s.Length])
		copy(out[b:b+s.Length], typed[a:a+s.Length])
	}
	return nil
}

// check holds a slip against the number of digits: a slip may come from a caller.
func (s Slip) check(right, typed int) error {
	fits := s.Length >= 1 && typed > 0 && s.counts(right, typed)
	for _, d := range s.Digits {
		fits = fits && d.At >= 0 && d.At <= max(right, typed)-s.Length && d.Delta < 16
		if s.exchanges() || s.Kind == Repeated {
			fits = fits && d.With >= 0 && d.With <= typed-s.Length
		}
	}
	if !fits {
		return fault.New(fault.MalformedLength, "a slip of kind %s does not fit %d digits", string(s.Kind), typed)
	}
	return nil
}

// counts reports whether a slip of this kind has as many places as it names here, and turns so many typed digits into so
// many right ones.
func (s Slip) counts(right, typed int) bool {
	switch s.Kind {
	case Wrong, Confused:
		return len(s.Digits) > 0 && right == typed
	case Dropped:
		return len(s.Digits) == 1 && (right == typed || right == typed+1)
	case Inserted, Doubled:
		return len(s.Digits) == 1 && (right == typed || right == typed-1)
	case Swapped, Groups, Rows, Halves, Repeated, Missing:
		return len(s.Digits) == 1 && right == typed
	}
	return false
}

func (s Slip) exchanges() bool {
	switch s.Kind {
	case Swapped, Groups, Rows, Halves:
		return true
	}
	return false
}

// Unpack cuts bytes into hex digits, as many as out takes.
func Unpack(out, packed []byte) {
	for i := range out {
		out[i] = packed[i/2] >> (4 * (1 - i%2)) & 15
	}
}

// Pack joins hex digits to bytes, as many as out takes: two digits for each.
func Pack(out, digits []byte) {
	for i := range out {
		out[i] = digits[2*i]<<4 | digits[2*i+1]
	}
}
