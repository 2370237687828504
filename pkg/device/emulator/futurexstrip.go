package emulator

import (
	"bytes"

	"poskey/internal/secret"
	"poskey/pkg/device/futurex/table"
)

// stripState says what was torn off a strip.
type stripState int

const (
	stripEmpty   stripState = iota // no whole frame yet
	stripGood                      // a frame with its LRC right
	stripDamaged                   // one with its LRC wrong, or with bytes that are no text
)

// stripFrame is a frame; payload is the receiver's to wipe.
type stripFrame struct {
	state   stripState
	payload []byte
}

// strip collects bytes, and tears frames of the futurex dialect off it. It keeps no more than one unfinished frame and
// the last chunk.
type strip struct{ buf []byte }

func (s *strip) push(chunk []byte) {
	grown := append(append(make([]byte, 0, len(s.buf)+len(chunk)), s.buf...), chunk...)
	secret.Wipe(s.buf)
	s.buf = grown
}

func (s *strip) wipe() { s.drop(len(s.buf)) }

func (s *strip) drop(n int) {
	secret.Wipe(s.buf[:n])
	s.buf = s.buf[n:]
}

// next tears off the next frame. What was begun and never ended, because another frame begins in it or it is too long,
// is thrown away: there is nothing in it to answer.
func (s *strip) next() stripFrame {
	for {
		begin := bytes.IndexByte(s.buf, table.STX)
		if begin < 0 {
			s.wipe()
			return stripFrame{}
		}
		s.drop(begin)
		end := bytes.IndexByte(s.buf, table.ETX)
		inside := s.buf[1:]
		if end > 0 {
			inside = s.buf[1:end]
		}
		again := bytes.IndexByte(inside, table.STX)
		switch {
		case again >= 0:
			s.drop(1 + again)
		case len(inside) > table.MaxPayload:
			s.drop(1 + len(inside))
		case end < 0 || end+1 == len(s.buf):
			return stripFrame{} // the LRC is still to come, whatever byte it is
		default:
			return s.tear(end)
		}
	}
}

// tear takes the frame whose ETX is at end.
func (s *strip) tear(end int) stripFrame {
	out := stripFrame{state: stripGood, payload: bytes.Clone(s.buf[1:end])}
	sum := byte(0)
	for _, c := range s.buf[1 : end+1] {
		sum ^= c
		if c != table.ETX && (c < 0x20 || c > 0x7E) {
			out.state = stripDamaged
		}
	}
	if s.buf[end+1] != sum {
		out.state = stripDamaged
	}
	s.drop(end + 2)
	return out
}

// stripped makes a frame of a payload.
func stripped(payload string) []byte {
	out := append([]byte{table.STX}, payload...)
	out = append(out, table.ETX)
	sum := byte(0)
	for _, c := range out[1:] {
		sum ^= c
	}
	return append(out, sum)
}
