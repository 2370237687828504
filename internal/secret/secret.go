// Package secret holds key bytes.
//
// A *[Bytes] cannot be printed, marshalled, logged or compared with ==; it is compared in constant time, lives in
// memory that is locked and left out of core dumps where the system allows it, and is wiped when it is no longer
// needed. [Bytes.Expose] is the one way to the bytes, named so that every use can be found.
//
// What it cannot do: the key schedules inside Go's ciphers are neither locked nor wiped, and bytes that a caller
// copies out are the caller's. docs/security.md says so to users.
package secret

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Bytes is a secret of fixed length. The zero value is an empty secret.
type Bytes struct {
	_  [0]func() // not comparable with ==
	at *slot     // nil when empty
	n  int
}

// New makes a secret of n zero bytes.
func New(n int) *Bytes {
	return &Bytes{at: allocate(n), n: n}
}

// Copy makes a secret from bytes and leaves these as they are.
func Copy(src []byte) *Bytes {
	s := New(len(src))
	copy(s.Expose(), src)
	return s
}

// Take makes a secret from bytes and wipes these.
func Take(src []byte) *Bytes {
	s := Copy(src)
	Wipe(src)
	return s
}

// Read makes a secret of n bytes from a random source.
func Read(random io.Reader, n int) (*Bytes, error) {
	s := New(n)
	if _, err := io.ReadFull(random, s.Expose()); err != nil {
		s.Wipe()
		return nil, fmt.Errorf("the random source failed: %w", err)
	}
	return s, nil
}

// ErrLongLine says that a line had no end within the bytes that it may have.
var ErrLongLine = errors.New("the line is too long")

// ReadLine reads up to the end of the first line, or of what there is, and not a byte beyond it. The line end, LF or CR
// LF, is left out; a line of more than most bytes is [ErrLongLine]. Where nothing comes the error is io.EOF.
func ReadLine(r io.Reader, most int) (*Bytes, error) {
	room := New(most + 1) // for the LF
	defer room.Wipe()
	b := room.Expose()
	for n := range b {
		_, err := io.ReadFull(r, b[n:n+1])
		switch {
		case err == nil && b[n] == '\n', n > 0 && errors.Is(err, io.EOF):
			return Copy(bytes.TrimSuffix(b[:n], []byte{'\r'})), nil
		case err != nil:
			return nil, err
		}
	}
	return nil, ErrLongLine
}

// Len is the length in bytes.
func (s *Bytes) Len() int {
	if s == nil {
		return 0
	}
	return s.n
}

// Expose gives the bytes themselves. They are gone after Wipe; do not keep them.
func (s *Bytes) Expose() []byte {
	if s == nil || s.at == nil {
		return nil
	}
	return s.at.mem()[:s.n]
}

// Clone makes a second, independent secret of the same bytes.
func (s *Bytes) Clone() *Bytes { return Copy(s.Expose()) }

// Equal compares in constant time for equal lengths.
func (s *Bytes) Equal(other *Bytes) bool {
	return subtle.ConstantTimeCompare(s.Expose(), other.Expose()) == 1
}

// Wipe zeroes the bytes and gives the memory back. The secret is empty afterwards; a second Wipe does nothing.
func (s *Bytes) Wipe() {
	if s == nil || s.at == nil {
		return
	}
	release(s.at)
	s.at, s.n = nil, 0
}

// Wipe zeroes bytes that are not in a secret.
func Wipe(b []byte) { clear(b) }

const redacted = "[secret]"

var errMarshal = errors.New("a secret cannot be marshalled")

// Format prints a placeholder for every verb.
func (s *Bytes) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// String gives a placeholder.
func (s *Bytes) String() string { return redacted }

// GoString gives a placeholder.
func (s *Bytes) GoString() string { return redacted }

// LogValue gives a placeholder.
func (s *Bytes) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON fails: a secret never becomes part of a document.
func (s *Bytes) MarshalJSON() ([]byte, error) { return nil, errMarshal }

// MarshalText fails.
func (s *Bytes) MarshalText() ([]byte, error) { return nil, errMarshal }

// MarshalBinary fails; encoding/gob asks for it.
func (s *Bytes) MarshalBinary() ([]byte, error) { return nil, errMarshal }
