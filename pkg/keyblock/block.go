package keyblock

import (
	"strings"

	"poskey/internal/fault"
	"poskey/pkg/keys"
)

// Block is a key block whose form is right. Nothing in it has been believed yet: that takes a [Protector].
type Block struct {
	Header
	text      string // the whole block as received
	headerLen int    // characters of the header with its optional blocks
	lower     bool   // hex letters in lower case were found
}

// MaxInput bounds what is read as one key block, with room for the blanks of a paste.
const MaxInput = 64 << 10

// Clean removes what copying does to a block: line breaks, tabs and blanks around and inside it. Blanks may stand in the
// data of an optional block (a label), so inner blanks go only when the length field says that they are too many.
// A block typed in lower case throughout is made upper case; the caller learns it from the warning lower_case_hex.
func Clean(input string) (text string, lowered bool, err error) {
	if len(input) > MaxInput {
		return "", false, fault.New(fault.TooLarge, "the key block has more than %d characters; at most %d are possible", MaxInput, maxLength)
	}
	text = strings.Trim(input, " \t\r\n")
	if strings.ContainsAny(text, " \t\r\n") {
		text = strings.NewReplacer("\r", "", "\n", "", "\t", "").Replace(text)
		if n, err := parseLength(text); err != nil || n != len(text) {
			text = strings.ReplaceAll(text, " ", "")
		}
	}
	if text != "" && text[0] >= 'a' && text[0] <= 'e' {
		return upperCase(text), true, nil
	}
	return text, false, nil
}

// upperCase knows the letters of ASCII only: strings.ToUpper would change the length of what is not UTF-8.
func upperCase(text string) string {
	b := []byte(text)
	for i, c := range b {
		if c >= 'a' && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}

// Parse decides whether text has the form of a key block. The checks come in the order of the text, so the first
// thing wrong is the one reported.
func Parse(text string) (*Block, error) {
	if err := checkVersion(text); err != nil {
		return nil, err
	}
	declared, err := parseLength(text)
	if err != nil {
		return nil, err
	}
	if declared != len(text) {
		return nil, lengthMismatch(text, declared)
	}
	version := text[0]
	if multiple := blockLen(version); version != 'E' && declared%multiple != 0 {
		return nil, fault.New(fault.LengthNotMultiple, "the block has %d characters; version %c asks for a multiple of %d", declared, version, multiple)
	}
	h, n, err := ParseHeader(text)
	if err != nil {
		return nil, err
	}
	b := &Block{Header: h, text: text, headerLen: n}
	if err := b.checkBody(); err != nil {
		return nil, err
	}
	return b, nil
}

func lengthMismatch(text string, declared int) error {
	if bareHex(text) {
		return fault.New(fault.LengthMismatch, "the length field does not say the block's %d characters, and all is bare hex; "+
			"was a key given in its place, or part of a block?", len(text))
	}
	if at := lookAlikeAt(text); at >= 0 {
		return fault.New(fault.LengthMismatch, "the block has %d characters, its length field says %d (and character %d is the letter %c)",
			len(text), declared, at+1, text[at])
	}
	return fault.New(fault.LengthMismatch, "the block has %d characters, its length field says %d", len(text), declared)
}

func (b *Block) checkBody() error {
	mac := 2 * macLen(b.Version)
	rest := b.text[b.headerLen:]
	if len(rest) < mac {
		return fault.New(fault.MACTruncated, "after the header %d characters are left; the MAC of version %c alone has %d", len(rest), b.Version, mac)
	}
	if len(rest) == mac {
		return fault.New(fault.PayloadMissing, "header and MAC are there, the encrypted key between them is missing")
	}
	for i := range len(rest) {
		c := rest[i]
		switch {
		case c >= '0' && c <= '9' || c >= 'A' && c <= 'F':
		case c >= 'a' && c <= 'f':
			b.lower = true
		default:
			return notHex(b.headerLen+i, c)
		}
	}
	payload := len(rest) - mac
	if payload%2 != 0 {
		return fault.New(fault.LengthNotMultiple, "the encrypted part has an odd number of hex digits: %d", payload)
	}
	return nil
}

// checkPayload is not part of Parse: a block of another version under a wrong letter fails here, and then the KBPK's
// length says more, so it is looked at first.
func (b *Block) checkPayload() error {
	n := len(b.payloadHex()) / 2
	if multiple := blockLen(b.Version); b.Version != 'E' && n%multiple != 0 {
		return fault.New(fault.LengthNotMultiple, "the encrypted part has %d bytes, not a multiple of %d; is the version letter %c right?", n, multiple, b.Version)
	}
	return nil
}

func notHex(at int, c byte) error {
	if digit, ok := keys.LookAlike(c); ok {
		return fault.New(fault.NotHex, "character %d is the letter %c where a hex digit must be; %c is meant?", at+1, c, digit)
	}
	return fault.New(fault.NotHex, "character %d is not a hex digit", at+1)
}

// lookAlikeAt finds a letter that was typed for a digit in the part that is hex for certain: the last 8 characters.
func lookAlikeAt(text string) int {
	for i := max(headerLen, len(text)-8); i < len(text); i++ {
		if _, ok := keys.LookAlike(text[i]); ok {
			return i
		}
	}
	return -1
}

// Marshal gives the text of the block, built from its parts: the same text that was parsed.
func (b *Block) Marshal() string {
	dst := b.appendTo(make([]byte, 0, len(b.text)), len(b.text))
	return string(append(dst, b.text[b.headerLen:]...))
}

// Len is the length in characters.
func (b *Block) Len() int { return len(b.text) }

// headerText is the header as received: what the MAC covers.
func (b *Block) headerText() string { return b.text[:b.headerLen] }

func (b *Block) payloadHex() string { return b.text[b.headerLen : len(b.text)-2*macLen(b.Version)] }

func (b *Block) macHex() string { return b.text[len(b.text)-2*macLen(b.Version):] }
