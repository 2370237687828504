package visa

import (
	"fmt"
	"strings"

	"poskey/pkg/device/visa/table"
)

// headerLen is the part of a key block that is public: its header.
const headerLen = 16

// describe renders a frame for a trace. Whatever may be a digit of a key is a star: the key of packet 02, and the whole
// of what is not understood, because a damaged echo can look like anything.
func describe(f Frame) string {
	start, end := "<SI>", "<SO>"
	if f.Kind == Transaction {
		start, end = "<STX>", "<ETX>"
	}
	data := f.Data()
	if f.Kind == Admin && f.ID() == table.AskSlot && len(data) <= len("FK0|D|T") {
		return start + f.ID() + plain(data) + end + fmt.Sprintf("%02X", f.lrc())
	}
	if _, refused := parseRefusal(data); f.Kind == Admin && f.ID() == table.LoadKey && refused {
		return start + f.ID() + plain(data) + end + fmt.Sprintf("%02X", f.lrc())
	}
	if f.Kind == Admin && f.ID() == table.LoadKey && len(data) > 1 {
		return start + f.ID() + plain(data[:1]) + blot(data[1:]) + end + "**"
	}
	return start + stars(f.payload.Len()) + end + "**"
}

// blot hides the key of packet 02: a key block keeps its header, a clear key the attributes behind it.
func blot(key []byte) string {
	if isBlock(key) {
		return plain(key[:headerLen]) + stars(len(key)-headerLen)
	}
	if at := len(key) - 4; at > 0 && key[at] == table.FS && isUpperAlnum(key[at+1]) {
		return stars(at) + plain(key[at:])
	}
	return stars(len(key))
}

// isBlock sees a key block by its length field. A clear key is shorter, even with its attributes, and cannot be taken
// for one.
func isBlock(b []byte) bool {
	const longestClear = 48 + 4
	return len(b) > longestClear && (b[0] == 'A' || b[0] == 'B') && string(b[1:5]) == fmt.Sprintf("%04d", len(b))
}

func stars(n int) string { return strings.Repeat("*", n) }

// plain shows text with its field separators; anything else that cannot be printed is a dot.
func plain(b []byte) string {
	var s strings.Builder
	for _, c := range b {
		switch {
		case c == table.FS:
			s.WriteString("<FS>")
		case c < ' ' || c > '~':
			s.WriteByte('.')
		default:
			s.WriteByte(c)
		}
	}
	return s.String()
}

// describeControl names a control byte.
func describeControl(c byte) string {
	switch c {
	case table.ACK:
		return "<ACK>"
	case table.NAK:
		return "<NAK>"
	case table.EOT:
		return "<EOT>"
	}
	return fmt.Sprintf("<%02X>", c)
}

// describeEvent renders what was received.
func describeEvent(ev Event) string {
	switch ev.Kind {
	case GotACK:
		return describeControl(table.ACK)
	case GotNAK:
		return describeControl(table.NAK)
	case GotEOT:
		return describeControl(table.EOT)
	case GotFrame:
		return describe(ev.Frame)
	}
	return "<damaged frame>"
}
