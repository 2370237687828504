package visa

import (
	"strings"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/device/visa/table"
)

// Kind is the kind of a frame: what it begins and ends with.
type Kind byte

// The kinds.
const (
	Admin       Kind = table.SI
	Transaction Kind = table.STX
)

// end is the byte before the LRC.
func (k Kind) end() byte {
	if k == Admin {
		return table.SO
	}
	return table.ETX
}

// overhead is what a frame has besides its payload: start, end, LRC.
const overhead = 3

// MaxPayload is the most that fits between start and end.
const MaxPayload = table.MaxPacket - overhead

// minID is the least a payload has: its id.
const minID = 2

// structure are the bytes that mean something by themselves and never stand in data.
const structure = "\x02\x03\x04\x06\x0e\x0f\x15"

// Frame is what stands between start and end. It may hold key digits: wipe it after use.
type Frame struct {
	Kind    Kind
	payload *secret.Bytes
}

// NewFrame puts a payload together from its parts: id and fields.
func NewFrame(kind Kind, parts ...[]byte) (Frame, error) {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	if n < minID || n > MaxPayload {
		return Frame{}, fault.New(fault.MalformedLength, "a frame carries %d to %d characters, not %d", minID, MaxPayload, n)
	}
	f := Frame{Kind: kind, payload: secret.New(n)}
	at := f.payload.Expose()
	for _, p := range parts {
		at = at[copy(at, p):]
	}
	if err := f.check(); err != nil {
		f.Wipe()
		return Frame{}, err
	}
	return f, nil
}

func (f Frame) check() error {
	if f.Kind != Admin && f.Kind != Transaction {
		return fault.New(fault.Malformed, "a frame begins with SI or STX, not with %02X", byte(f.Kind))
	}
	for i, c := range f.payload.Expose() {
		if isStructure(c) {
			return fault.New(fault.Malformed,
				"character %d of the frame is a control byte (%02X) that cannot stand in data", i+1, c)
		}
	}
	if f.idLen() > f.payload.Len() {
		return fault.New(fault.MalformedLength, "the frame is too short for its id")
	}
	return nil
}

func isStructure(c byte) bool { return strings.IndexByte(structure, c) >= 0 }

// idLen is the length of the id: three characters where it begins with a letter, else two.
func (f Frame) idLen() int {
	if c := f.payload.Expose()[0]; c >= 'A' && c <= 'Z' {
		return 3
	}
	return minID
}

// ID names the packet.
func (f Frame) ID() string { return string(f.payload.Expose()[:f.idLen()]) }

// Data is what follows the id; it is gone after Wipe.
func (f Frame) Data() []byte { return f.payload.Expose()[f.idLen():] }

// Len is the length of the whole frame on the line.
func (f Frame) Len() int { return f.payload.Len() + overhead }

// Equal compares two frames in constant time for equal lengths.
func (f Frame) Equal(other Frame) bool { return f.Kind == other.Kind && f.payload.Equal(other.payload) }

// Wipe destroys the content.
func (f Frame) Wipe() { f.payload.Wipe() }

// Encode gives the bytes for the line; the caller wipes them.
func (f Frame) Encode() *secret.Bytes {
	wire := secret.New(f.Len())
	b := wire.Expose()
	n := copy(b[1:], f.payload.Expose())
	b[0], b[1+n], b[2+n] = byte(f.Kind), f.Kind.end(), f.lrc()
	return wire
}

func (f Frame) lrc() byte {
	sum := f.Kind.end()
	for _, c := range f.payload.Expose() {
		sum ^= c
	}
	return sum
}

// DecodeFrame reads exactly one frame.
func DecodeFrame(wire []byte) (Frame, error) {
	n := len(wire)
	if n < overhead+minID || n > table.MaxPacket {
		return Frame{}, fault.New(fault.MalformedLength,
			"a frame has %d to %d bytes, not %d", overhead+minID, table.MaxPacket, n)
	}
	kind := Kind(wire[0])
	f, err := NewFrame(kind, wire[1:n-2])
	if err != nil {
		return Frame{}, err
	}
	if wire[n-2] != kind.end() {
		f.Wipe()
		return Frame{}, fault.New(fault.Malformed, "the frame does not end with %02X before its LRC", kind.end())
	}
	if wire[n-1] != f.lrc() {
		f.Wipe()
		return Frame{}, fault.New(fault.ChecksumMismatch, "the LRC of the frame is wrong")
	}
	return f, nil
}
