package unionpay

// The data elements of messages: kinds, lengths, packed digits.

import (
	"encoding/hex"
	"strings"

	"github.com/moov-io/iso8583/encoding"
	"github.com/moov-io/iso8583/field"
	"github.com/moov-io/iso8583/padding"
	"github.com/moov-io/iso8583/prefix"

	"poskey/internal/fault"
)

// kind is how a data element is written.
type kind int

const (
	digits  kind = iota // n and z: two a byte, an odd one with a zero behind it
	chars               // an, ans: one byte a character
	octets              // b
	octetsL             // b, as long as is said
)

// element is a data element: of fixed length, or with a length of 2 or 3 digits before it.
type element struct {
	id   int
	kind kind
	most int // digits, characters or bytes
	len  int // digits of the length before it; 0 is fixed
}

// elements lists the data elements.
func elements() []element {
	return []element{
		{2, digits, 19, 2}, {3, digits, 6, 0}, {4, digits, 12, 0}, {5, digits, 12, 0}, {6, digits, 12, 0}, {7, digits, 10, 0},
		{9, digits, 8, 0}, {10, digits, 8, 0}, {11, digits, 6, 0}, {12, digits, 6, 0}, {13, digits, 4, 0}, {14, digits, 4, 0},
		{15, digits, 4, 0}, {16, digits, 4, 0}, {18, digits, 4, 0}, {19, digits, 3, 0}, {22, digits, 3, 0}, {23, digits, 3, 0},
		{24, digits, 3, 0}, {25, digits, 2, 0}, {26, digits, 2, 0}, {28, digits, 8, 0}, {32, digits, 11, 2}, {33, digits, 11, 2},
		{35, digits, 37, 2}, {36, digits, 104, 3}, {37, chars, 12, 0}, {38, chars, 6, 0}, {39, chars, 2, 0}, {40, chars, 3, 0},
		{41, chars, 8, 0}, {42, chars, 15, 0}, {43, chars, 40, 0}, {44, chars, 25, 2}, {45, chars, 79, 2}, {47, chars, 999, 3},
		{48, digits, 322, 3}, {49, chars, 3, 0}, {52, octets, 8, 0}, {53, digits, 16, 0}, {54, chars, 120, 3}, {55, octetsL, 512, 3},
		{56, octetsL, 999, 3}, {57, octetsL, 999, 3}, {58, octetsL, 999, 3}, {59, octetsL, 999, 3}, {60, digits, 24, 3},
		{61, digits, 60, 3}, {62, octetsL, 999, 3}, {63, octetsL, 999, 3}, {64, octets, 8, 0},
		{90, digits, 42, 0}, {100, digits, 11, 2}, {102, chars, 28, 2}, {103, chars, 28, 2}, {128, octets, 8, 0},
	}
}

func (e element) field() field.Field {
	s := &field.Spec{Length: e.most, Enc: encoding.ASCII, Pref: e.prefix()}
	switch e.kind {
	case digits:
		s.Enc = packed{}
		return field.NewString(s)
	case octets, octetsL:
		s.Enc = encoding.Binary
		return field.NewBinary(s)
	}
	return field.NewString(s)
}

func (e element) prefix() prefix.Prefixer {
	switch e.len {
	case 2:
		return prefix.BCD.LL
	case 3:
		return prefix.BCD.LLL
	}
	return prefix.BCD.Fixed
}

func fixedDigits(n int) field.Field {
	return field.NewString(&field.Spec{Length: n, Enc: packed{}, Pref: prefix.BCD.Fixed, Pad: padding.None})
}

func bitmap() field.Field {
	return field.NewBitmap(&field.Spec{Enc: encoding.Binary, Pref: prefix.BCD.Fixed})
}

// packed writes digits two a byte, left first. It takes the letters of hex too: the separator of track 2 is D.
type packed struct{}

// Encode packs.
func (packed) Encode(src []byte) ([]byte, error) {
	s := string(src)
	if len(s)%2 != 0 {
		s += "0"
	}
	out, err := hex.DecodeString(s)
	if err != nil {
		return nil, fault.New(fault.Malformed, "a field of digits holds something else")
	}
	return out, nil
}

// Decode unpacks so many digits.
func (packed) Decode(data []byte, length int) ([]byte, int, error) {
	n := (length + 1) / 2
	if length < 0 || n > len(data) {
		return nil, 0, fault.New(fault.MalformedLength, "a field is cut off")
	}
	return []byte(strings.ToUpper(hex.EncodeToString(data[:n])))[:length], n, nil
}
