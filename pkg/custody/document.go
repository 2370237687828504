package custody

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"poskey/internal/fault"
)

const (
	maxDocument = 64 << 10 // the longest, nine sealed shares, has some 15,000 bytes
	lastLine    = "end"
	labelDigest = "document check"
)

// writer puts a document together: a title with its version, lines of a label and a value.
type writer struct{ text []byte }

func (w *writer) add(lines []byte) { w.text = append(w.text, lines...) }

func (w *writer) title(name string) { w.add([]byte(name + " 1\n")) }

func (w *writer) field(label, value string) { w.add([]byte(label + ": " + value + "\n")) }

// optional leaves out what is empty.
func (w *writer) optional(label, value string) {
	if value != "" {
		w.field(label, value)
	}
}

func (w *writer) hex(label string, b []byte) { w.field(label, upperHex(b)) }

func (w *writer) number(label string, n uint64) { w.field(label, strconv.FormatUint(n, 10)) }

func (w *writer) time(label string, t time.Time) { w.field(label, stamp(t)) }

// digest closes a document with a check over all lines above it, which finds damage before anybody types a passphrase.
// It is no protection against intent: everybody can compute it.
func (w *writer) digest() {
	sum := sha256.Sum256(w.text)
	w.hex(labelDigest, sum[:])
}

func (w *writer) end() []byte {
	w.add([]byte(lastLine + "\n"))
	return w.text
}

func upperHex(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }

// reader takes a document apart, line by line, in the order in which it was written. The first error stays, and every
// later call gives zero values.
type reader struct {
	raw  []byte
	at   int // where the next line begins
	line int // its number, from 1
	err  error
}

// read starts a document of the title. What is not text of whole lines is refused here.
func read(raw []byte, title string) *reader {
	r := &reader{raw: raw, line: 1}
	switch {
	case len(raw) > maxDocument:
		r.fail(fault.New(fault.TooLarge, "a %s has no more than %d bytes", title, maxDocument))
	case !utf8.Valid(raw):
		r.fail(fault.New(fault.Malformed, "this is no text in UTF-8, so no %s", title))
	case bytes.IndexByte(raw, '\r') >= 0:
		r.fail(fault.New(fault.Malformed, "lines end in CR LF: an editor or a transfer in text mode changed the %s", title))
	}
	r.title(title)
	return r
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// next gives the line at hand without its line feed, "" behind the last one.
func (r *reader) next() string {
	rest := r.raw[r.at:]
	if end := bytes.IndexByte(rest, '\n'); end >= 0 {
		return string(rest[:end])
	}
	return ""
}

func (r *reader) take(line string) {
	r.at += len(line) + 1
	r.line++
}

func (r *reader) title(title string) {
	if r.err != nil {
		return
	}
	line := r.next()
	version, ok := strings.CutPrefix(line, title+" ")
	switch {
	case !ok:
		r.fail(fault.New(fault.Malformed, "line %d: want %q", r.line, title+" 1"))
	case version != "1":
		r.fail(fault.New(fault.VersionUnsupported, "this %s has another version than 1, the only one known", title))
	default:
		r.take(line)
	}
}

// has reports whether the line at hand has the label.
func (r *reader) has(label string) bool {
	return r.err == nil && strings.HasPrefix(r.next(), label+": ")
}

// field gives the value of the next line, which must have the label.
func (r *reader) field(label string) string {
	if r.err != nil {
		return ""
	}
	line := r.next()
	value, ok := strings.CutPrefix(line, label+": ")
	if !ok || !printable(value) {
		r.fail(fault.New(fault.Malformed, "line %d: want %q and a value", r.line, label+": "))
		return ""
	}
	r.take(line)
	return value
}

func (r *reader) optional(label string) string {
	if !r.has(label) {
		return ""
	}
	return r.field(label)
}

// bad is the error about the value of the line just taken.
func (r *reader) bad(label string) {
	r.fail(fault.New(fault.Malformed, "line %d: the value of %q cannot be", r.line-1, label))
}

// check runs a check of what has been read so far, unless something is wrong already.
func (r *reader) check(check func() error) {
	if r.err != nil {
		return
	}
	if err := check(); err != nil {
		r.fail(fault.WrapAs(fault.Malformed, err, "above line %d", r.line))
	}
}

// hex fills out from the value, upper-case digits of exactly its length.
func (r *reader) hex(label string, out []byte) {
	value := r.field(label)
	if r.err != nil {
		return
	}
	b, err := hex.DecodeString(value)
	if err != nil || len(b) != len(out) || upperHex(b) != value {
		r.bad(label)
		return
	}
	copy(out, b)
}

func (r *reader) number(label string, limit uint64) uint64 {
	value := r.field(label)
	if r.err != nil {
		return 0
	}
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil || n > limit || strconv.FormatUint(n, 10) != value {
		r.bad(label)
		return 0
	}
	return n
}

func (r *reader) time(label string) time.Time {
	value := r.field(label)
	if r.err != nil {
		return time.Time{}
	}
	t, err := time.Parse(stampForm, value)
	if err != nil || stamp(t) != value {
		r.bad(label)
		return time.Time{}
	}
	return t
}

func (r *reader) digest() {
	sum := sha256.Sum256(r.raw[:r.at])
	var got [sha256.Size]byte
	r.hex(labelDigest, got[:])
	if r.err == nil && got != sum {
		r.fail(fault.New(fault.ChecksumMismatch, "the document check does not agree: the file is damaged"))
	}
}

// end asks for the last line and nothing behind it.
func (r *reader) end() error {
	if r.err == nil && string(r.raw[r.at:]) != lastLine+"\n" {
		r.fail(fault.New(fault.Malformed, "line %d: want %q and nothing behind it", r.line, lastLine))
	}
	return r.err
}

// same holds what was read against what would be written: a document has one form only.
func same(raw, written []byte) error {
	if !bytes.Equal(raw, written) {
		return fault.New(fault.Malformed, "the document is not in the form in which poskey writes it")
	}
	return nil
}

// printable reports whether s can stand in a line and be read by people: letters, marks, digits, punctuation, symbols
// and plain blanks, no blanks at its ends. Controls and what turns the direction of writing are none of these.
func printable(s string) bool {
	if s == "" || strings.TrimSpace(s) != s || !utf8.ValidString(s) {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}
