package futurex

import (
	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/device/futurex/table"
)

// overhead is what a frame has besides its payload: STX, ETX, LRC.
const overhead = 3

// minPayload is the least a payload has: its command.
const minPayload = 2

// Frame is what stands between STX and ETX. It may hold key digits: wipe it after use.
type Frame struct{ payload *secret.Bytes }

// NewFrame puts a payload together from its parts: command and fields.
func NewFrame(parts ...[]byte) (Frame, error) {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	if n < minPayload || n > table.MaxPayload {
		return Frame{}, fault.New(fault.MalformedLength, "a frame carries %d to %d characters, not %d", minPayload,
			table.MaxPayload, n)
	}
	f := Frame{payload: secret.New(n)}
	at := f.payload.Expose()
	for _, p := range parts {
		at = at[copy(at, p):]
	}
	for i, c := range f.payload.Expose() {
		if !isText(c) {
			f.Wipe()
			return Frame{}, fault.New(fault.Malformed,
				"character %d of the frame is a byte (%02X) that cannot stand in data", i+1, c)
		}
	}
	return f, nil
}

// isText tells the characters of a payload: ASCII that can be printed.
func isText(c byte) bool { return c >= ' ' && c <= '~' }

// Command is what the frame begins with.
func (f Frame) Command() string { return string(f.payload.Expose()[:minPayload]) }

// Data is what follows the command; it is gone after Wipe.
func (f Frame) Data() []byte { return f.payload.Expose()[minPayload:] }

// Len is the length of the whole frame on the line.
func (f Frame) Len() int { return f.payload.Len() + overhead }

// Equal compares two frames in constant time for equal lengths.
func (f Frame) Equal(other Frame) bool { return f.payload.Equal(other.payload) }

// Wipe destroys the content.
func (f Frame) Wipe() { f.payload.Wipe() }

// Encode gives the bytes for the line; the caller wipes them.
func (f Frame) Encode() *secret.Bytes {
	wire := secret.New(f.Len())
	b := wire.Expose()
	n := copy(b[1:], f.payload.Expose())
	b[0], b[1+n], b[2+n] = table.STX, table.ETX, f.lrc()
	return wire
}

// lrc is the XOR of payload and ETX; STX is left out.
func (f Frame) lrc() byte {
	sum := byte(table.ETX)
	for _, c := range f.payload.Expose() {
		sum ^= c
	}
	return sum
}

// DecodeFrame reads exactly one frame.
func DecodeFrame(wire []byte) (Frame, error) {
	n := len(wire)
	if n < overhead+minPayload || n > overhead+table.MaxPayload {
		return Frame{}, fault.New(fault.MalformedLength, "a frame has %d to %d bytes, not %d", overhead+minPayload,
			overhead+table.MaxPayload, n)
	}
	if wire[0] != table.STX || wire[n-2] != table.ETX {
		return Frame{}, fault.New(fault.Malformed, "a frame stands between STX and ETX, not between %02X and %02X", wire[0],
			wire[n-2])
	}
	f, err := NewFrame(wire[1 : n-2])
	if err != nil {
		return Frame{}, err
	}
	if wire[n-1] != f.lrc() {
		f.Wipe()
		return Frame{}, fault.New(fault.ChecksumMismatch, "the LRC of the frame is wrong")
	}
	return f, nil
}
