package visa

import (
	"poskey/internal/secret"
	"poskey/pkg/device/visa/table"
)

// EventKind says what the decoder saw.
type EventKind int

// The events.
const (
	NoEvent      EventKind = iota
	GotACK                 // a single control byte, outside a frame or cutting one off
	GotNAK                 //
	GotEOT                 //
	GotFrame               // a whole frame with the right LRC
	DamagedFrame           // a whole frame with a wrong LRC, or one that cannot be taken: cut off, too long, without an id
)

// Event is what a byte completed. The frame of GotFrame is the receiver's to wipe.
type Event struct {
	Kind  EventKind
	Frame Frame
}

type state int

const (
	idle    state = iota
	inFrame       // between start and end
	tooLong       // the same, but the frame is lost: it has more than MaxPayload characters
	atLRC         // the next byte is the LRC, whatever it is
)

// Decoder turns a byte stream into events. It has no opinion on chunks: bytes go in one by one. What lies outside a
// frame and is no ACK, NAK or EOT is noise, and counted. Memory is bounded by one frame.
type Decoder struct {
	Noise int // bytes outside any frame that mean nothing
	state state
	kind  Kind
	lost  bool // the frame awaiting its LRC was too long
	buf   *secret.Bytes
	n     int
	sum   byte
}

// NewDecoder makes a decoder; wipe it after use.
func NewDecoder() *Decoder { return &Decoder{buf: secret.New(MaxPayload)} }

// Wipe destroys what is buffered; the decoder is of no use afterwards.
func (d *Decoder) Wipe() {
	d.Reset()
	d.buf.Wipe()
}

// Reset forgets a frame in progress.
func (d *Decoder) Reset() {
	secret.Wipe(d.buf.Expose()[:d.n])
	d.state, d.n, d.lost = idle, 0, false
}

// Feed takes one byte and gives what it completed.
func (d *Decoder) Feed(c byte) Event {
	switch d.state {
	case inFrame, tooLong:
		return d.inside(c)
	case atLRC:
		return d.finish(c)
	}
	return d.outside(c)
}

func (d *Decoder) outside(c byte) Event {
	switch c {
	case table.SI, table.STX:
		d.begin(Kind(c))
	case table.ACK:
		return Event{Kind: GotACK}
	case table.NAK:
		return Event{Kind: GotNAK}
	case table.EOT:
		return Event{Kind: GotEOT}
	default:
		d.Noise++
	}
	return Event{}
}

func (d *Decoder) begin(kind Kind) {
	d.Reset()
	d.state, d.kind, d.sum = inFrame, kind, 0
}

// inside takes a byte of a frame. A byte of the structure other than the frame's own end cuts the frame off: the start
// of another one begins that, anything else ends in noise or in the event that the byte is.
func (d *Decoder) inside(c byte) Event {
	switch {
	case c == d.kind.end():
		d.lost = d.state == tooLong
		d.sum ^= c
		d.state = atLRC
	case c == table.SI || c == table.STX:
		d.begin(Kind(c))
		return Event{Kind: DamagedFrame}
	case isStructure(c):
		d.Reset()
		if ev := d.outside(c); ev.Kind != NoEvent {
			return ev
		}
		return Event{Kind: DamagedFrame}
	case d.n == MaxPayload:
		d.state = tooLong
	default:
		d.buf.Expose()[d.n] = c
		d.n++
		d.sum ^= c
	}
	return Event{}
}

func (d *Decoder) finish(lrc byte) Event {
	defer d.Reset()
	if d.lost || lrc != d.sum || d.n == 0 {
		return Event{Kind: DamagedFrame}
	}
	f, err := NewFrame(d.kind, d.buf.Expose()[:d.n])
	if err != nil {
		return Event{Kind: DamagedFrame}
	}
	return Event{Kind: GotFrame, Frame: f}
}
