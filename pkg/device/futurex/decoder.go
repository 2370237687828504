package futurex

import (
	"poskey/internal/secret"
	"poskey/pkg/device/futurex/table"
)

// EventKind says what the decoder saw.
type EventKind int

// The events.
const (
	NoEvent      EventKind = iota
	GotFrame               // a whole frame with the right LRC
	DamagedFrame           // one with a wrong LRC, or that cannot be taken: cut off, too long, too short, not text
)

// Event is what a byte completed. The frame of GotFrame is the receiver's to wipe.
type Event struct {
	Kind  EventKind
	Frame Frame
}

type state int

const (
	idle    state = iota
	inFrame       // between STX and ETX
	atLRC         // the next byte is the LRC, whatever it is
)

// Decoder turns a byte stream into events. It has no opinion on chunks: bytes go in one by one. What lies outside a
// frame is noise, and counted. Memory is bounded by one frame, however long the stream's is.
type Decoder struct {
	Noise int // bytes outside any frame
	state state
	lost  bool // the frame in progress cannot be taken any more
	buf   *secret.Bytes
	n     int
	sum   byte
}

// NewDecoder makes a decoder; wipe it after use.
func NewDecoder() *Decoder { return &Decoder{buf: secret.New(table.MaxPayload)} }

// Wipe destroys what is buffered; the decoder is of no use afterwards.
func (d *Decoder) Wipe() {
	d.Reset()
	d.buf.Wipe()
}

// Reset forgets a frame in progress.
func (d *Decoder) Reset() {
	secret.Wipe(d.buf.Expose()[:d.n])
	d.state, d.n, d.sum, d.lost = idle, 0, 0, false
}

// Feed takes one byte and gives what it completed.
func (d *Decoder) Feed(c byte) Event {
	switch {
	case d.state == atLRC:
		return d.finish(c)
	case c == table.STX:
		cut := d.state == inFrame
		d.Reset()
		d.state = inFrame
		if cut {
			return Event{Kind: DamagedFrame}
		}
	case d.state == idle:
		d.Noise++
	default:
		d.inside(c)
	}
	return Event{}
}

func (d *Decoder) inside(c byte) {
	d.sum ^= c
	switch {
	case c == table.ETX:
		d.state = atLRC
	case d.n == table.MaxPayload:
		d.lost = true
	default:
		d.buf.Expose()[d.n] = c
		d.n++
	}
}

func (d *Decoder) finish(lrc byte) Event {
	defer d.Reset()
	if d.lost || lrc != d.sum {
		return Event{Kind: DamagedFrame}
	}
	f, err := NewFrame(d.buf.Expose()[:d.n])
	if err != nil {
		return Event{Kind: DamagedFrame}
	}
	return Event{Kind: GotFrame, Frame: f}
}
