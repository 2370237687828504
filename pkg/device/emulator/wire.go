package emulator

import (
	"poskey/internal/secret"
	"poskey/pkg/device/visa/table"
)

// tokenKind says what stands next on the line.
type tokenKind int

const (
	nothing tokenKind = iota // no whole token yet
	control                  // ACK, NAK or EOT
	frame                    // SI ... SO or STX ... ETX, with its LRC right
	damaged                  // one with its LRC wrong, too long or cut off
	foreign                  // a byte that means nothing
)

// token is what was cut off the stream; body is what stands in a frame, the receiver's to wipe.
type token struct {
	kind  tokenKind
	c     byte
	start byte // of a frame: SI or STX
	body  []byte
}

// tape collects bytes and cuts them into tokens. It keeps no more than one unfinished frame and the last chunk.
type tape struct{ buf []byte }

func (t *tape) push(chunk []byte) {
	grown := append(append(make([]byte, 0, len(t.buf)+len(chunk)), t.buf...), chunk...)
	secret.Wipe(t.buf)
	t.buf = grown
}

func (t *tape) wipe() { t.drop(len(t.buf)) }

// drop forgets the first n bytes.
func (t *tape) drop(n int) {
	secret.Wipe(t.buf[:n])
	t.buf = t.buf[n:]
}

// next cuts the next token off.
func (t *tape) next() token {
	if len(t.buf) == 0 {
		return token{}
	}
	switch first := t.buf[0]; first {
	case table.SI:
		return t.framed(table.SO)
	case table.STX:
		return t.framed(table.ETX)
	case table.ACK, table.NAK, table.EOT:
		t.drop(1)
		return token{kind: control, c: first}
	default:
		t.drop(1)
		return token{kind: foreign, c: first}
	}
}

// framed cuts off a frame that ends with end and one byte of LRC. A control byte in it cuts it short and stays for the
// next token; what was before is lost.
func (t *tape) framed(end byte) token {
	sum, start := byte(0), t.buf[0]
	for i := 1; i < len(t.buf); i++ {
		c := t.buf[i]
		if c != end && isControl(c) || i+1 >= table.MaxPacket {
			t.drop(i)
			return token{kind: damaged}
		}
		sum ^= c
		if c != end {
			continue
		}
		if i+1 == len(t.buf) {
			return token{} // the LRC is still to come
		}
		tok := token{kind: damaged}
		if t.buf[i+1] == sum {
			tok = token{kind: frame, start: start, body: append([]byte(nil), t.buf[1:i]...)}
		}
		t.drop(i + 2)
		return tok
	}
	return token{}
}

func isControl(c byte) bool {
	switch c {
	case table.SI, table.SO, table.STX, table.ETX, table.ACK, table.NAK, table.EOT:
		return true
	}
	return false
}

// pack makes an admin frame of a body.
func pack(body []byte) []byte { return packed(table.SI, table.SO, body) }

func packed(start, end byte, body []byte) []byte {
	out := make([]byte, 0, len(body)+3)
	out = append(append(append(out, start), body...), end)
	sum := byte(0)
	for _, c := range out[1:] {
		sum ^= c
	}
	return append(out, sum)
}
