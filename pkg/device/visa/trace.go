package visa

import (
	"bytes"
	"fmt"
	"strings"

	"poskey/pkg/device"
	"poskey/pkg/device/visa/table"
	"poskey/pkg/keyblock"
)

// describe renders a frame of the host for a trace. Whatever may be a digit of a key is a star, and so is the whole of what is not
// understood, because a damaged echo can look like anything. The LRC stands there unless it was computed over stars.
func describe(f Frame) string { return f.around(f.describeData()) }

// around puts what is shown of the data between what is always shown; nothing shown hides the id too.
func (f Frame) around(shown string, whole bool) string {
	start, end := "<SI>", "<SO>"
	if f.Kind == Transaction {
		start, end = "<STX>", "<ETX>"
	}
	switch {
	case whole:
		return start + f.ID() + shown + end + fmt.Sprintf("%02X", f.lrc())
	case shown != "":
		return start + f.ID() + shown + end + "**"
	}
	return start + stars(f.payload.Len()) + end + "**"
}

// describeData renders what follows the id: whole, with stars, or not at all ("" and false), which hides the id too.
func (f Frame) describeData() (shown string, whole bool) {
	data := f.Data()
	if f.Kind == Admin {
		return describeAdmin(f.ID(), data)
	}
	switch f.ID() {
	case table.LoadInitial, table.LoadInitial2:
		return blotInitial(data), false
	case table.InitialAnswer, table.SelectSet:
		return shortly(data, 2)
	case table.ComputeMAC:
		return blotMACRequest(data), false
	case table.ComputeMACDone:
		if len(data) == 1+table.MACDigits { // it may be a whole check value
			return plain(data[:1]) + stars(table.MACDigits), false
		}
		return shortly(data, 1)
	}
	return "", false
}

func describeAdmin(id string, data []byte) (shown string, whole bool) {
	switch id {
	case table.LoadKey:
		if _, refused := parseRefusal(data); refused {
			return plain(data), true
		}
		if len(data) > 1 {
			return plain(data[:1]) + blot(data[1:]), false
		}
		return "", false
	case table.AskSlot:
		return shortly(data, len("FK0|D|T"))
	case table.SetSerial, table.AskSerial, table.AskUnit:
		return shortly(data, table.MaxSerialVeriFone)
	case table.SetKeyMode, table.SetKeyMode7:
		return shortly(data, maxKeyMode)
	case table.SelectKey, table.SetLine, table.SelectEngine, table.AskEngine:
		return shortly(data, 2)
	}
	return "", false
}

// shortly shows data that is no longer than such data is; longer data is hidden.
func shortly(data []byte, most int) (shown string, whole bool) {
	if len(data) > most {
		return "", false
	}
	return plain(data), true
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

// headerLen is the part of every key block that is public.
const headerLen = 16

// blotBlock shows the header of a key block with its optional blocks, where the KSN is.
func blotBlock(block []byte) string {
	_, n, err := keyblock.ParseHeader(string(block))
	if err != nil {
		return stars(len(block))
	}
	return plain(block[:n]) + stars(len(block)-n)
}

// blotInitial hides the key of packets 90 and 94 and shows its KSN.
func blotInitial(data []byte) string {
	const ksn = 20
	if isBlock(data) {
		return blotBlock(data)
	}
	if n := len(data) - ksn; n == 16 || n == 32 {
		return stars(n) + plain(data[n:])
	}
	return stars(len(data))
}

// blotMACRequest hides the session key of packet Z66, and the whole of one that is not understood.
func blotMACRequest(data []byte) string {
	fields := bytes.Split(data, []byte{table.FS})
	if len(fields) != 4 || len(fields[0]) > 4 || len(fields[2]) > 1 {
		return stars(len(data))
	}
	return plain(fields[0]) + "<FS>" + stars(len(fields[1])) + "<FS>" + plain(fields[2]) + "<FS>" + plain(fields[3])
}

// isBlock sees a key block by its length field. A clear key is shorter, even with its attributes or its KSN, and cannot
// be taken for one.
func isBlock(b []byte) bool {
	const longestClear = 32 + 20
	return len(b) > longestClear && strings.IndexByte("ABD", b[0]) >= 0 && string(b[1:5]) == fmt.Sprintf("%04d", len(b))
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

// describeEvent renders what was received; show does so for a frame.
func describeEvent(ev Event, show func(Frame) string) string {
	switch ev.Kind {
	case GotACK:
		return describeControl(table.ACK)
	case GotNAK:
		return describeControl(table.NAK)
	case GotEOT:
		return describeControl(table.EOT)
	case GotFrame:
		if show == nil {
			return ev.Frame.around("", false)
		}
		return show(ev.Frame)
	}
	return "<damaged frame>"
}

// showAnswer shows what may answer a question, in the form that such an answer has, and hides every other frame: a
// terminal that had a key can say it in any.
func showAnswer(q question, profile string) func(Frame) string {
	return func(f Frame) string {
		if f.Kind != q.ask.Kind || q.answer == "" || f.ID() != q.answer {
			return f.around("", false)
		}
		if f.Equal(q.ask) { // nothing that was not sent
			return describe(f)
		}
		if f.isPlainAnswer(profile) {
			return f.around(plain(f.Data()), true)
		}
		data := f.Data()
		if f.ID() == table.ComputeMACDone && len(data) == 1+table.MACDigits && data[0] == table.MACDone[0] {
			return f.around(plain(data[:1])+stars(table.MACDigits), false) // it may be a whole check value
		}
		return f.around(stars(len(data)), false)
	}
}

// showAgain shows the answer when it comes again, and nothing else.
func showAgain(answer Frame, show func(Frame) string) func(Frame) string {
	return func(f Frame) string {
		if show == nil || !f.Equal(answer) {
			return f.around("", false)
		}
		return show(f)
	}
}

// isPlainAnswer says whether an answer is in its form, and the form has no room for a key.
func (f Frame) isPlainAnswer(profile string) bool {
	data := f.Data()
	switch f.ID() {
	case table.LoadKey:
		_, refused := parseRefusal(data)
		return refused
	case table.AskSlot:
		_, err := parseState(data)
		return err == nil
	case table.SetSerial:
		return false
	case table.AskSerial, table.AskUnit:
		most := table.MaxSerial
		if profile == device.ProfileVeriFone {
			most = table.MaxSerialVeriFone
		}
		_, err := parseSerial(data)
		return err == nil && len(data) <= most
	case table.InitialAnswer:
		_, err := parseInitialAnswer(data)
		return err == nil
	}
	return len(data) == 1 // a code, or the number of an engine
}
