package keyblock

import (
	"strconv"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// OptBlock is an optional block (6.3.6): two characters of id and printable data.
type OptBlock struct {
	ID   string
	Data string

	// length is the length text as received ("18", "0c", "000402DC"), so that what was parsed is written back to the
	// letter. Empty in blocks that were made here: then it is computed.
	length string
}

// The short form counts the whole block in two hex digits. The extended form is "00", the length of the length in hex
// CHARACTERS (X9.143 6.2 table 1 and the examples of 8.5 and 8.6: 04), then the length. The psec project counts bytes
// there and writes 02 for four characters (openemv/tr31 issue 4).
const (
	shortHead    = 4
	extendedHead = 10 // id, 00, 04, four digits
)

func parseOptBlock(s string) (OptBlock, int, error) {
	if len(s) < 2 {
		return OptBlock{}, 0, fault.New(fault.OptionalBlockID, "the header ends inside the id")
	}
	id := s[:2]
	if !isAlnum(id) {
		return OptBlock{}, 0, fault.New(fault.OptionalBlockID, "id %q is not two letters or digits", id)
	}
	head, total, err := parseOptLength(s)
	if err != nil {
		return OptBlock{}, 0, fault.Wrap(err, "%s", id)
	}
	if total > len(s) {
		return OptBlock{}, 0, fault.New(fault.OptionalBlockTruncated, "%s: has length %d, only %d characters are left", id, total, len(s))
	}
	data := s[head:total]
	for i := range len(data) {
		if data[i] < 0x20 || data[i] > 0x7E {
			return OptBlock{}, 0, fault.New(fault.OptionalBlockCharset, "%s: character %d of the data is not printable ASCII", id, i+1)
		}
	}
	return OptBlock{ID: id, Data: data, length: s[2:head]}, total, nil
}

// parseOptLength gives the length of the block's head and of the whole block, in characters.
func parseOptLength(s string) (head, total int, err error) {
	if len(s) < shortHead {
		return 0, 0, fault.New(fault.OptionalBlockLength, "the header ends inside the length")
	}
	short, ok := hexNumber(s[2:4])
	if !ok {
		return 0, 0, fault.New(fault.OptionalBlockLength, "length %q is not two hex digits", s[2:4])
	}
	if short == 0 {
		return parseExtended(s)
	}
	if short < shortHead {
		return 0, 0, fault.New(fault.OptionalBlockLength, "length %q is below 04, the length of an empty block", s[2:4])
	}
	return shortHead, short, nil
}

func parseExtended(s string) (head, total int, err error) {
	if len(s) < 6 {
		return 0, 0, fault.New(fault.OptionalBlockExtended, "the header ends inside the extended length")
	}
	n, ok := hexNumber(s[4:6])
	if !ok || n == 0 {
		return 0, 0, fault.New(fault.OptionalBlockExtended, "length of length %q is not 02 or 04", s[4:6])
	}
	if n == 2 || n == 4 {
		head, total, err = extendedOf(s, n)
		if err == nil && total <= len(s) {
			return head, total, nil
		}
	}
	// Not readable in characters: see whether psec's reading in bytes explains the block, and say so, without taking it.
	psecHead, psecTotal, psecErr := extendedOf(s, 2*n)
	if psecErr == nil && psecTotal <= len(s) && psecHead <= psecTotal {
		return 0, 0, fault.New(fault.OptionalBlockExtended,
			"length of length %q adds up only when it counts bytes, as the psec library writes it; X9.143 counts characters: write 04", s[4:6])
	}
	if n == 2 || n == 4 {
		return head, total, err
	}
	return psecHead, psecTotal, psecErr
}

func extendedOf(s string, chars int) (head, total int, err error) {
	head = 6 + chars
	if len(s) < head {
		return 0, 0, fault.New(fault.OptionalBlockLength, "the header ends inside the extended length")
	}
	total, ok := hexNumber(s[6:head])
	if !ok {
		return 0, 0, fault.New(fault.OptionalBlockLength, "extended length %q is not hex", s[6:head])
	}
	if total < head {
		return 0, 0, fault.New(fault.OptionalBlockLength, "extended length %d is below %d, the length of an empty block", total, head)
	}
	return head, total, nil
}

// hexNumber reads a length in hex of either case. Eight digits are the most that any reading of an extended length takes;
// a number above the longest block is none.
func hexNumber(s string) (int, bool) {
	if len(s) == 0 || len(s) > 8 || strings.ContainsAny(s, "+-_") {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 16, 32)
	return int(n), err == nil && n <= maxLength
}

func (o *OptBlock) lengthText() string {
	if o.length != "" {
		return o.length
	}
	const digits = "0123456789ABCDEF"
	if n := shortHead + len(o.Data); n <= 0xFF {
		return string([]byte{digits[n>>4], digits[n&15]})
	}
	n := extendedHead + len(o.Data)
	return "0004" + string([]byte{digits[n>>12&15], digits[n>>8&15], digits[n>>4&15], digits[n&15]})
}

func (o *OptBlock) textLen() int { return 2 + len(o.lengthText()) + len(o.Data) }

func (o *OptBlock) appendTo(dst []byte) []byte {
	dst = append(dst, o.ID...)
	dst = append(dst, o.lengthText()...)
	return append(dst, o.Data...)
}

// Extended reports whether the block came with, or needs, an extended length.
func (o *OptBlock) Extended() bool { return strings.HasPrefix(o.lengthText(), "00") }

// NewOptBlock makes an optional block from what a user gave and checks its form.
func NewOptBlock(id, data string) (OptBlock, error) {
	o := OptBlock{ID: strings.ToUpper(id), Data: data}
	if len(o.ID) != 2 || !isAlnum(o.ID) {
		return OptBlock{}, fault.New(fault.OptionalBlockID, "optional block id %q is not two letters or digits", text.Redact(id))
	}
	if extendedHead+len(data) > maxLength {
		return OptBlock{}, fault.New(fault.OptionalBlockLength, "optional block %s: %d characters are more than a key block can hold", o.ID, len(data))
	}
	for i := range len(data) {
		if data[i] < 0x20 || data[i] > 0x7E {
			return OptBlock{}, fault.New(fault.OptionalBlockCharset, "optional block %s: character %d of the data is not printable ASCII", o.ID, i+1)
		}
	}
	return o, nil
}
