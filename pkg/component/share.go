package component

import (
	"bytes"
	"io"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/keys"
)

// maxShareLine bounds a share in one line: 128 digits, generously spaced.
const maxShareLine = 1024

// WriteShare writes a Shamir share in one line, without line feed, for [ParseShare]: 2/3:7F3A-91C2:HEX:91BC is share 2,
// of which 3 are needed, of that set, all its digits, and the share check that its sheet shows too.
func (p *Part) WriteShare(w io.Writer) error {
	if p.Scheme != Shamir {
		return fault.New(fault.Usage, "only Shamir shares are written in one line")
	}
	if err := p.checkForm(); err != nil {
		return p.place(err, p.Index)
	}
	g := newPage()
	defer g.wipe()
	g.print("%d/%d:%s:", p.Index, p.Threshold, p.Set)
	g.hex(p.Value.Expose())
	g.print(":")
	g.word(shareCheck(p.Set, p.Index, p.Threshold, p.Value.Expose()))
	return g.writeTo(w)
}

// ParseShare reads a Shamir share typed in one line as number/needed:set:digits:check, in either case, with blanks,
// tabs, line breaks and dashes anywhere. It is held against its check, so a mistyped share is named before it is
// combined: ChecksumMismatch. Other errors: Malformed, MalformedHex, MalformedLength, TooLarge, PartRefused for a half.
// The share knows no check value of the key: with no sheet among the shares, the combined key must be compared with
// one that comes from elsewhere.
func ParseShare(alg keys.Algorithm, line []byte) (*Part, error) {
	if len(line) > maxShareLine {
		return nil, fault.New(fault.TooLarge, "a share has no more than %d characters", maxShareLine)
	}
	text := squeeze(line)
	defer text.Wipe()
	head, rest, _ := bytes.Cut(text.Expose(), []byte(":"))
	set, rest, _ := bytes.Cut(rest, []byte(":"))
	digits, check, ok := cutLast(rest, []byte(":"))
	p := &Part{Scheme: Shamir, Algorithm: alg}
	if !ok || !p.readShareHead(head, set) {
		return nil, fault.New(fault.Malformed, "a share in one line reads 2/3:7F3A-91C2:digits:check, which is "+
			"number of the share, shares needed, set, all digits, 4 check digits")
	}
	value, err := parseShareValue(p, digits, check)
	if err != nil {
		return nil, p.place(err, p.Index)
	}
	p.Value = value
	if err := p.addCheck(); err != nil {
		p.Wipe()
		return nil, p.place(err, p.Index)
	}
	return p, nil
}

// squeeze leaves blanks and the like out and makes letters upper case.
func squeeze(line []byte) *secret.Bytes {
	scratch := secret.New(len(line))
	defer scratch.Wipe()
	out := scratch.Expose()[:0]
	for _, c := range line {
		switch {
		case isBlank(rune(c)) || c == '-':
			continue
		case c >= 'a' && c <= 'z':
			c -= 'a' - 'A'
		}
		out = append(out, c)
	}
	return secret.Copy(out)
}

func (p *Part) readShareHead(head, set []byte) bool {
	if len(head) != 3 || head[1] != '/' || len(set) != 8 || !isUpperHex(set) {
		return false
	}
	p.Set = string(set[:4]) + "-" + string(set[4:])
	p.Index, p.Threshold = digit(head[:1]), digit(head[2:])
	return p.checkNumbers() == nil
}

func parseShareValue(p *Part, digits, check []byte) (*secret.Bytes, error) {
	want, err := parseWord(check)
	if err != nil {
		return nil, err
	}
	value, err := keys.ParseHex(digits)
	if err != nil {
		return nil, err
	}
	if shareCheck(p.Set, p.Index, p.Threshold, value.Expose()) != want {
		value.Wipe()
		return nil, fault.New(fault.ChecksumMismatch,
			"it does not agree with its check: a digit is wrong or two are exchanged")
	}
	return value, nil
}
