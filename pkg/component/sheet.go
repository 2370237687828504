package component

import (
	"fmt"
	"io"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/keys"
)

// The fixed words of a sheet. Labels stand in this order.
const (
	titleName = "poskey component sheet"
	title     = titleName + " 1"
	lastLine  = "end"

	labelSet       = "set"
	labelPart      = "part"
	labelScheme    = "scheme"
	labelThreshold = "threshold"
	labelAlgorithm = "algorithm"
	labelLength    = "length"
	labelKeyCheck  = "key check"
	labelPartCheck = "part check"
	labelShare     = "share check"
	labelHeadCheck = "head check"
	checkWord      = " check "
	lengthUnit     = " bytes"
)

func labels() []string {
	return []string{labelSet, labelPart, labelScheme, labelThreshold, labelAlgorithm, labelLength, labelKeyCheck,
		labelPartCheck, labelShare, labelHeadCheck}
}

const (
	rowBytes = 8
	maxPage  = 1024 // the longest sheet has some 650 characters
)

// rowsOf is the number of rows for n bytes.
func rowsOf(n int) int { return (n + rowBytes - 1) / rowBytes }

// WriteSheet writes the canonical sheet, in one call of w.Write. The part must come from Split or from a sheet, and
// must still have the check value that it says.
func (p *Part) WriteSheet(w io.Writer) error {
	if !p.isSheet() {
		return fault.New(fault.Usage, "a part that came without a sheet has none")
	}
	if err := p.checkForm(); err != nil {
		return p.place(err, p.Index)
	}
	if err := p.checkOwn(); err != nil {
		return p.place(err, p.Index)
	}
	g := newPage()
	defer g.wipe()
	p.writeHead(g)
	p.writeRows(g)
	g.print("%s\n", lastLine)
	return g.writeTo(w)
}

func (p *Part) writeHead(g *page) {
	g.print("%s\n", title)
	g.print("%s: %s\n", labelSet, p.Set)
	g.print("%s: %d of %d\n", labelPart, p.Index, p.Of)
	g.print("%s: %s\n", labelScheme, string(p.Scheme))
	if p.Scheme == Shamir {
		g.print("%s: %d\n", labelThreshold, p.Threshold)
	}
	g.print("%s: %s\n", labelAlgorithm, string(p.Algorithm))
	if p.Algorithm.KeyLen() == 0 {
		g.print("%s: %d%s\n", labelLength, p.Value.Len(), lengthUnit)
	}
	g.print("%s: %s %s\n", labelKeyCheck, p.KeyCheck.Digits, string(p.KeyCheck.Method))
	g.print("%s: %s %s\n", labelPartCheck, p.Check.Digits, string(p.Check.Method))
	if p.Scheme == Shamir {
		g.print("%s: ", labelShare)
		g.word(shareCheck(p.Set, p.Index, p.Threshold, p.Value.Expose()))
		g.print("\n")
	}
	check := crc16(g.text())
	g.print("%s: ", labelHeadCheck)
	g.word(check)
	g.print("\n")
}

func (p *Part) writeRows(g *page) {
	value := p.Value.Expose()
	rows := rowsOf(len(value))
	for i := 1; i <= rows; i++ {
		row := value[:min(rowBytes, len(value))]
		value = value[len(row):]
		g.print("row %d of %d:", i, rows)
		for group := row; len(group) > 0; group = group[min(2, len(group)):] {
			g.print(" ")
			g.hex(group[:min(2, len(group))])
		}
		g.print(checkWord)
		g.word(rowCheck(p.Set, p.Index, i, row))
		g.print("\n")
	}
}

// page is a text with secrets in it, put together in locked memory.
type page struct {
	sec *secret.Bytes
	n   int
}

func newPage() *page { return &page{sec: secret.New(maxPage)} }

func (g *page) wipe() { g.sec.Wipe() }

func (g *page) text() []byte { return g.sec.Expose()[:g.n] }

// Write appends; a page that is full is an error of the code, which a test of the longest sheet excludes.
func (g *page) Write(b []byte) (int, error) {
	n := copy(g.sec.Expose()[g.n:], b)
	g.n += n
	if n < len(b) {
		return n, io.ErrShortWrite
	}
	return n, nil
}

// print is for public words only: fmt keeps buffers.
func (g *page) print(format string, args ...any) { _, _ = fmt.Fprintf(g, format, args...) }

func (g *page) hex(b []byte) {
	sec := secret.Copy(b)
	defer sec.Wipe()
	_ = keys.WriteHex(g, sec)
}

func (g *page) word(v uint16) { g.hex([]byte{byte(v >> 8), byte(v)}) }

func (g *page) writeTo(w io.Writer) error {
	_, err := w.Write(g.text())
	return err
}
