package diagnose

// The characters of a log: logs come packed, in UTF-16 from Windows, and in GBK from most Chinese terminals and tools.

import (
	"bufio"
	"compress/gzip"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"poskey/internal/fault"
)

// logBuffer is how much of a log is held at a time.
const logBuffer = 64 << 10

// unpacked gives the bytes of a log as UTF-8 or GBK, whatever it came as: gzip and UTF-16 are taken off, and so is a mark
// at its beginning.
func unpacked(r io.Reader) (*bufio.Reader, error) {
	in := bufio.NewReaderSize(r, logBuffer)
	if head, _ := in.Peek(2); len(head) == 2 && head[0] == 0x1F && head[1] == 0x8B {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, fault.New(fault.HeaderMalformed, "the log is packed with gzip, and damaged")
		}
		in = bufio.NewReaderSize(z, logBuffer)
	}
	head, _ := in.Peek(512)
	order, wide := wideOrder(head)
	if wide {
		in = bufio.NewReaderSize(unicode.UTF16(order, unicode.UseBOM).NewDecoder().Reader(in), logBuffer)
	}
	if head, _ = in.Peek(3); string(head) == "\uFEFF" {
		_, _ = in.Discard(len(head))
	}
	return in, nil
}

// wideOrder reports whether a log is UTF-16, by its mark or by the zeros between Latin letters.
func wideOrder(head []byte) (order unicode.Endianness, wide bool) {
	switch {
	case len(head) < 2:
		return order, false
	case head[0] == 0xFF && head[1] == 0xFE:
		return unicode.LittleEndian, true
	case head[0] == 0xFE && head[1] == 0xFF:
		return unicode.BigEndian, true
	}
	zeros := [2]int{}
	for i, b := range head {
		if b == 0 {
			zeros[i%2]++
		}
	}
	switch most := len(head) / 4; {
	case zeros[1] > most && zeros[0] == 0:
		return unicode.LittleEndian, true
	case zeros[0] > most && zeros[1] == 0:
		return unicode.BigEndian, true
	}
	return order, false
}

// lineReader reads lines.
type lineReader struct {
	in   *bufio.Reader
	gbk  *encoding.Decoder
	most int // bytes of a line
}

func newLineReader(r io.Reader, most int) (*lineReader, error) {
	in, err := unpacked(r)
	if err != nil {
		return nil, err
	}
	return &lineReader{in: in, gbk: simplifiedchinese.GB18030.NewDecoder(), most: most}, nil
}

// plain gives a line in UTF-8. A line that is none is GBK where that makes sense: one log may have both.
func (l *lineReader) plain(line string, cut bool) string {
	if cut {
		line = wholeRunes(line)
	}
	if utf8.ValidString(line) {
		return line
	}
	if damaged, wide := strange(line); damaged > wide {
		if s, err := l.gbk.String(line); err == nil && strings.Count(s, "\uFFFD") <= 1 {
			return strings.ReplaceAll(s, "\uFFFD", "?")
		}
	}
	return strings.ToValidUTF8(line, "?")
}

// wholeRunes takes off the first bytes of a character whose last were not read.
func wholeRunes(line string) string {
	for n := 1; n < utf8.UTFMax && n <= len(line); n++ {
		if tail := line[len(line)-n:]; utf8.RuneStart(tail[0]) {
			if tail[0] >= utf8.RuneSelf && !utf8.FullRuneInString(tail) {
				return line[:len(line)-n]
			}
			break
		}
	}
	return line
}

// strange counts the bytes of a line that are no UTF-8, and the characters that are, and are no Latin.
func strange(line string) (damaged, wide int) {
	for _, r := range line {
		switch {
		case r == utf8.RuneError:
			damaged++
		case r >= utf8.RuneSelf:
			wide++
		}
	}
	return damaged, wide
}
