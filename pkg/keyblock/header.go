package keyblock

import (
	"strconv"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/keys"
)

const (
	headerLen   = 16
	maxLength   = 9999 // the length field has four decimal digits
	maxOptional = 99   // their number has two
)

// Header is what a key block says about its key. It is public: no secret is in it.
type Header struct {
	Version       byte       // A to E
	Usage         keys.Usage // 6.3.1, table 2
	Algorithm     byte       // 6.3.2
	Mode          byte       // 6.3.3
	KeyVersion    string     // two characters; 00 unused, cN component (6.3.4)
	Exportability byte       // E exportable, N not, S sensitive (6.3.5)
	Context       byte       // 0 by the wrapping key, 1 storage, 2 exchange
	Reserved      byte       // 0
	Optional      []OptBlock // in the order received or given
}

// ParseHeader reads the header at the start of text and tells how many characters it took. The length field is only
// checked for its form, so that a header can be looked at alone.
func ParseHeader(text string) (Header, int, error) {
	h, count, err := parseFixed(text)
	if err != nil {
		return Header{}, 0, err
	}
	at := headerLen
	for i := range count {
		o, n, err := parseOptBlock(text[at:])
		if err != nil {
			return Header{}, 0, fault.Wrap(err, "optional block %d of %d, at character %d", i+1, count, at+1)
		}
		if h.find(o.ID) >= 0 {
			return Header{}, 0, fault.New(fault.OptionalBlockDuplicate, "optional block %s occurs twice", o.ID)
		}
		h.Optional = append(h.Optional, o)
		at += n
	}
	return h, at, nil
}

func parseFixed(text string) (h Header, count int, err error) {
	if err := checkVersion(text); err != nil {
		return Header{}, 0, err
	}
	if len(text) < headerLen {
		return Header{}, 0, fault.New(fault.HeaderMalformed, "the header has 16 characters, the block ends after %d", len(text))
	}
	if _, err := parseLength(text); err != nil {
		return Header{}, 0, err
	}
	for _, f := range [...]struct{ from, to int }{{5, 7}, {7, 8}, {8, 9}, {9, 11}, {11, 12}, {14, 15}, {15, 16}} {
		if !isAlnum(text[f.from:f.to]) {
			return Header{}, 0, fault.New(fault.HeaderMalformed, "%s %q (character %d) is not letters and digits",
				fieldAt(f.from), text[f.from:f.to], f.from+1)
		}
	}
	count, ok := decimal(text[12:14])
	if !ok {
		return Header{}, 0, fault.New(fault.HeaderMalformed, "number of optional blocks %q is not two decimal digits", text[12:14])
	}
	return Header{
		Version: text[0], Usage: keys.Usage(text[5:7]), Algorithm: text[7], Mode: text[8], KeyVersion: text[9:11],
		Exportability: text[11], Context: text[14], Reserved: text[15],
	}, count, nil
}

// fieldAt names the field of the header that begins at an offset.
func fieldAt(offset int) text.Text {
	switch offset {
	case 5:
		return text.New("key usage")
	case 7:
		return text.New("algorithm")
	case 8:
		return text.New("mode of use")
	case 9:
		return text.New("key version")
	case 11:
		return text.New("exportability")
	case 14:
		return text.New("key context")
	}
	return text.New("the reserved character")
}

// checkVersion names the blocks that look like key blocks and are not.
func checkVersion(text string) error {
	if text == "" {
		return fault.New(fault.HeaderMalformed, "the key block is empty")
	}
	if v := text[0]; v >= 'A' && v <= 'E' {
		return nil
	}
	if bareHex(text) {
		return fault.New(fault.VersionUnsupported, "%s", notABlock())
	}
	switch v := text[0]; v {
	case 'S':
		return fault.New(fault.VersionUnsupported, "a block that begins with S is a Thales key block, not X9.143; export it from the HSM with scheme R")
	case '0', '1':
		return fault.New(fault.VersionUnsupported, "version %c is a proprietary Thales key block, not X9.143; versions A to E are known", v)
	default:
		return fault.New(fault.VersionUnsupported, "version %q is unknown; a key block begins with A, B, C, D or E", string(rune(v)))
	}
}

func parseLength(text string) (int, error) {
	if len(text) < 5 {
		return 0, fault.New(fault.LengthMalformed, "the block ends inside its length field")
	}
	n, ok := decimal(text[1:5])
	if !ok && bareHex(text) {
		return 0, fault.New(fault.LengthMalformed, "%s", notABlock())
	}
	if !ok {
		return 0, fault.New(fault.LengthMalformed, "length field %q is not four decimal digits", text[1:5])
	}
	return n, nil
}

// bareHex reports text of nothing but hex digits. It may be a key that was given in place of a block, so errors do not
// repeat any of it.
func bareHex(text string) bool { return len(text) >= 2*8 && isHex(text, len(text)) }

func notABlock() text.Text {
	return text.New("bare hex and no key block; was a key given in its place?")
}

// find gives the index of the optional block with the id, or -1.
func (h *Header) find(id string) int {
	for i := range h.Optional {
		if h.Optional[i].ID == id {
			return i
		}
	}
	return -1
}

// Opt gives the data of an optional block.
func (h *Header) Opt(id string) (data string, ok bool) {
	if i := h.find(id); i >= 0 {
		return h.Optional[i].Data, true
	}
	return "", false
}

// SetOpt puts an optional block at the end, or replaces the data of the one that is there in its place.
func (h *Header) SetOpt(id, data string) {
	if i := h.find(id); i >= 0 {
		h.Optional[i] = OptBlock{ID: id, Data: data}
		return
	}
	h.Optional = append(h.Optional, OptBlock{ID: id, Data: data})
}

// DropOpt takes an optional block away.
func (h *Header) DropOpt(id string) {
	if i := h.find(id); i >= 0 {
		h.Optional = append(h.Optional[:i:i], h.Optional[i+1:]...)
	}
}

// appendTo writes the header for a block of length characters in all.
func (h *Header) appendTo(dst []byte, length int) []byte {
	dst = append(dst, h.Version)
	dst = appendDecimal(dst, length, 4)
	dst = append(dst, h.Usage...)
	dst = append(dst, h.Algorithm, h.Mode)
	dst = append(dst, h.KeyVersion...)
	dst = append(dst, h.Exportability)
	dst = appendDecimal(dst, len(h.Optional), 2)
	dst = append(dst, h.Context, h.Reserved)
	for i := range h.Optional {
		dst = h.Optional[i].appendTo(dst)
	}
	return dst
}

// textLen is the length of the header in characters.
func (h *Header) textLen() int {
	n := headerLen
	for i := range h.Optional {
		n += h.Optional[i].textLen()
	}
	return n
}

func appendDecimal(dst []byte, n, width int) []byte {
	s := strconv.Itoa(n)
	for range width - len(s) {
		dst = append(dst, '0')
	}
	return append(dst, s...)
}

func decimal(s string) (int, bool) {
	n := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

func isAlnum(s string) bool {
	for _, c := range []byte(s) {
		if !(c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z') {
			return false
		}
	}
	return true
}

// blockLen is the cipher's block length for a version, to which header and payload are aligned.
func blockLen(version byte) int {
	if version == 'D' || version == 'E' {
		return 16
	}
	return 8
}

// macLen is the length of the MAC in bytes.
func macLen(version byte) int {
	switch version {
	case 'A', 'C':
		return 4
	case 'B':
		return 8
	}
	return 16
}

// BuildHeader reads a header given by a user as 16 characters or more; length and counts in it are placeholders and are
// computed anew when the block is written. Optional blocks in it are kept.
func BuildHeader(given string) (Header, error) {
	given = strings.TrimSpace(given)
	if len(given) < headerLen {
		h, _, err := ParseHeader(given)
		return h, err
	}
	h, _, err := ParseHeader(given[:12] + "00" + given[14:headerLen])
	if err != nil {
		return Header{}, err
	}
	for at := headerLen; at < len(given); {
		o, n, err := parseOptBlock(given[at:])
		if err != nil {
			return Header{}, fault.Wrap(err, "optional block %d, at character %d; give the header alone, without payload", len(h.Optional)+1, at+1)
		}
		h.Optional = append(h.Optional, o)
		at += n
	}
	if _, err := CheckHeader(h); err != nil {
		return Header{}, err
	}
	return h, nil
}

// CheckHeader holds a header that was put together from single fields against the rules of the text form.
func CheckHeader(h Header) (Header, error) {
	h.Optional = fresh(h.Optional)
	if err := h.checkFields(); err != nil {
		return Header{}, err
	}
	checked, _, err := ParseHeader(string(h.appendTo(nil, h.textLen())))
	return checked, err
}

// fresh leaves the lengths as received behind: what is written anew is in upper case and in the form of the standard.
func fresh(received []OptBlock) []OptBlock {
	if len(received) == 0 {
		return nil
	}
	out := make([]OptBlock, len(received))
	for i, o := range received {
		out[i] = OptBlock{ID: o.ID, Data: o.Data}
	}
	return out
}

// checkFields refuses fields that would push the others out of their places; the rest is for ParseHeader to see.
func (h *Header) checkFields() error {
	if len(h.Usage) != 2 || len(h.KeyVersion) != 2 {
		return fault.New(fault.HeaderMalformed, "key usage %q and key version %q have two characters each", text.Redact(string(h.Usage)), text.Redact(h.KeyVersion))
	}
	if len(h.Optional) > maxOptional {
		return fault.New(fault.HeaderMalformed, "a header has room for %d optional blocks, not for %d", maxOptional, len(h.Optional))
	}
	for i := range h.Optional {
		if id := h.Optional[i].ID; len(id) != 2 {
			return fault.New(fault.OptionalBlockID, "optional block id %q is not two letters or digits", id)
		}
	}
	return nil
}
