package transcript

// Reading: everything from the file alone.

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"

	"poskey/internal/fault"
	"poskey/pkg/custody"
)

// State is how a record ends.
type State string

// The states.
const (
	Closed  State = "closed"  // signed at the end
	Aborted State = "aborted" // given up, and says so
	Open    State = "open"    // it broke, or is being written
)

// Problem is what is wrong with a record.
type Problem struct {
	Line  int
	Error error
}

// Document is a record that was read and verified.
type Document struct {
	Head     Head
	Records  []Record
	State    State
	Cards    []custody.Card // of those who attended
	Signers  []string       // ids of those whose signature stands under the closing note; nobody's when there are Problems
	Missing  []string       // ids of those who attended and did not sign
	Problems []Problem      // empty: every byte is as it was written
	Warnings []Problem      // what people should know of a record that verifies: clocks, breaks, expired cards
	Torn     int            // bytes of a last line that is not whole
	TornHash Digest         // their SHA-256
	Script   Digest         // of the script in it
	Last     Digest         // hash of the last line: compare it with what was written down
	Lines    int            // whole lines
	Bytes    int64          // of whole lines
}

// maxProblems bounds what is listed: after so many the rest of the file is not looked at.
const maxProblems = 64

// Read reads and verifies a record from the file alone. What is wrong is in Problems; an error is only one of reading:
// too_large for a file of more than [MaxFile].
func Read(r io.Reader) (*Document, error) {
	var all []Record
	d, err := Scan(&limited{r, MaxFile}, func(r Record) error {
		all = append(all, r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	d.Records = all
	return d, nil
}

// Scan is Read for a file of any length, of which only a line is in memory: each gets the lines that fit, one by one,
// as soon as they are verified, and ends the reading by an error. Records stays empty. Whether the whole verifies is
// known when Scan returns.
func Scan(r io.Reader, each func(Record) error) (*Document, error) {
	v := newVerifier(r, each)
	if err := v.all(); err != nil {
		return nil, err
	}
	return v.document(), nil
}

// limited refuses a file that is longer.
type limited struct {
	r    io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, fault.New(fault.TooLarge, "a record of a ceremony has at most %d bytes", MaxFile)
	}
	return n, err
}

// verifier goes through a record line by line.
type verifier struct {
	r     *bufio.Reader
	each  func(Record) error
	chain chain
	line  int  // lines met
	lost  bool // the line above could not be read
	doc   Document
}

func newVerifier(r io.Reader, each func(Record) error) *verifier {
	return &verifier{r: bufio.NewReaderSize(r, buffer), each: each}
}

// buffer holds the usual line. Longer ones are put together.
const buffer = 4 << 10

func (v *verifier) all() error {
	for len(v.doc.Problems) < maxProblems {
		line, err := v.next()
		switch {
		case errors.Is(err, io.EOF) && len(line) == 0:
			return nil
		case errors.Is(err, io.EOF) && len(line) < MaxFirstLine:
			v.torn(line)
			return nil
		case errors.Is(err, io.EOF), len(line) > MaxFirstLine:
			v.unread(tooLong(MaxFirstLine))
			continue
		case err != nil:
			return fault.Wrap(err, "reading the record")
		}
		if err := v.take(line); err != nil {
			return err
		}
	}
	v.problem(v.line+1, fault.New(fault.LogBroken, "more is wrong; the rest of the file was not looked at"))
	return nil
}

// next gives the next line, with its line feed if it has one. Of a line that is too long it gives the beginning, one
// byte longer than a line may be, and goes over the rest.
func (v *verifier) next() ([]byte, error) {
	line, err := v.r.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, err
	}
	long := slices.Clone(line)
	for errors.Is(err, bufio.ErrBufferFull) {
		line, err = v.r.ReadSlice('\n')
		long = append(long, line[:min(len(line), MaxFirstLine+1-len(long))]...)
	}
	return long, err
}

// unread keeps that a line could not be read, and goes on behind it.
func (v *verifier) unread(err error) {
	v.line++
	v.lost = true
	v.problem(v.line, err)
}

// take verifies a line with its line feed.
func (v *verifier) take(line []byte) error {
	r, err := ParseRecord(line[:len(line)-1])
	if err != nil {
		if v.zeroed(line) {
			v.torn(line)
			return nil
		}
		v.unread(err)
		return nil
	}
	v.line++
	if v.lost {
		v.chain.n, v.chain.hash, v.chain.time = r.N-1, r.Prev, r.Time.Add(r.Back)
		v.lost = false
	}
	p, err := v.chain.check(&r)
	if err != nil {
		v.problem(v.line, err)
		v.chain.follow(&r)
		return nil
	}
	v.remark(&r, p)
	v.chain.advance(&r, p)
	v.doc.Lines = v.line
	v.doc.Bytes += int64(len(line))
	return v.each(r)
}

// zeroed reports whether a line is the last one and a power failure left it: the pages of the line were not written.
func (v *verifier) zeroed(line []byte) bool {
	if bytes.IndexByte(line, 0) < 0 {
		return false
	}
	_, err := v.r.Peek(1)
	return errors.Is(err, io.EOF)
}

func (v *verifier) torn(rest []byte) {
	v.doc.Torn, v.doc.TornHash = len(rest), DigestOf(rest)
	if v.chain.closed {
		v.problem(v.line+1, fault.New(fault.LogBroken, "%d bytes stand after the note", len(rest)))
		return
	}
	v.warn(v.line+1, fault.New(fault.Partial,
		"the last line is not whole (%d bytes): it is being written, a crash tore it, or the file was cut", len(rest)))
}

func (v *verifier) problem(line int, err error) {
	v.doc.Problems = append(v.doc.Problems, Problem{line, fault.WrapAs(fault.LogBroken, err, "line %d", line)})
}

func (v *verifier) warn(line int, err error) {
	if len(v.doc.Warnings) < maxProblems {
		v.doc.Warnings = append(v.doc.Warnings, Problem{line, fault.Wrap(err, "line %d", line)})
	}
}

// remark tells what is unusual about a line that fits.
func (v *verifier) remark(r *Record, p proof) {
	if r.Back > 0 {
		v.warn(v.line, fault.New(fault.NotPermitted, "the clock went back by %s", r.Back))
	}
	if r.Kind == KindResumed {
		v.warn(v.line, fault.New(fault.Partial, "the ceremony was broken off here and went on"))
	}
	if r.Kind == KindAttended {
		if err := p.card.CheckTime(r.Time); err != nil {
			v.warn(v.line, err)
		}
	}
	for _, at := range r.suspects(v.chain.spoken().with(p.card.Fingerprint())) {
		v.warn(v.line, fault.New(fault.NotPermitted, "%s: the text looks like a key", at))
	}
}

// document sums up. Nobody's signature vouches for a record that does not verify.
func (v *verifier) document() *Document {
	d := &v.doc
	if v.line == 0 {
		v.problem(1, fault.New(fault.LogBroken, "the record has no line"))
	}
	if v.chain.head != nil {
		d.Head = *v.chain.head
		d.Script = DigestOf(d.Head.Script)
	}
	d.State, d.Cards, d.Last = v.chain.state(), slices.Clone(v.chain.cards), v.chain.hash
	if len(d.Problems) == 0 {
		d.Signers = v.chain.signers
	}
	d.Missing = v.chain.missing(d.Signers)
	if len(d.Signers) == 0 {
		v.warn(v.line, fault.New(fault.PartMissing, "nobody signed the record at its end: what was cut off after this line "+
			"cannot be seen"))
	}
	return d
}
