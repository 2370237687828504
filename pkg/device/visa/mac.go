package visa

import (
	"bytes"
	"encoding/hex"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/device/visa/table"
)

// MACRequest is what a terminal is to compute a MAC over, and with which key.
type MACRequest struct {
	Slot device.Slot
	// Second is the slot of the right half where Slot holds a single-length key; "" for none.
	Second device.Slot
	// Session is a key encrypted under the one in Slot, 8 or 16 bytes. Zeros alone mean the key in Slot itself.
	Session []byte
	// Message is padded with zero bytes to whole blocks of eight here, so that it does not matter what a terminal pads
	// with (VeriFone pads text with the digit zero).
	Message []byte
	// Text sends the message as it is, in place of hex digits. It must be whole blocks of printable characters.
	Text bool
}

// macBlock is what a message is cut by.
const macBlock = 8

// macFixed is what a packet Z66 has besides slots, session key and message: id, type, sequence number and three FS.
const macFixed = 3 + 1 + 2 + 3

// frames cuts a request into packets. The caller wipes them.
func (m MACRequest) frames() (out []Frame, err error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			wipeAll(out)
			out = nil
		}
	}()
	session := secret.New(2 * len(m.Session))
	defer session.Wipe()
	hex.Encode(session.Expose(), m.Session)
	copy(session.Expose(), bytes.ToUpper(session.Expose()))
	message, last, more := m.message()
	room := min(table.MACChars, (MaxPayload-macFixed-session.Len()-2)/(2*macBlock)*2*macBlock)
	for at := 0; at < len(message); at += room {
		end := min(at+room, len(message))
		kind := more
		if end == len(message) {
			kind = last
		}
		seq := at / room
		if seq >= table.MaxMACPackets {
			return out, fault.New(fault.TooLarge, "a message for a MAC goes into %d packets at most: %d characters",
				table.MaxMACPackets, table.MaxMACPackets*room)
		}
		f, err := NewFrame(Transaction, []byte(table.ComputeMAC), []byte{kind, byte('0' + seq/10), byte('0' + seq%10)},
			[]byte(m.Slot), []byte{table.FS}, session.Expose(), []byte{table.FS}, []byte(m.Second), []byte{table.FS},
			message[at:end])
		if err != nil {
			return out, err
		}
		out = append(out, f)
	}
	return out, nil
}

// message gives the message as it is written, and the types of the last packet and of those before it.
func (m MACRequest) message() (chars []byte, last, more byte) {
	if m.Text {
		return m.Message, table.MACTextLast, table.MACText
	}
	padded := append(bytes.Clone(m.Message), make([]byte, (macBlock-len(m.Message)%macBlock)%macBlock)...)
	return bytes.ToUpper([]byte(hex.EncodeToString(padded))), table.MACBinaryLast, table.MACBinary
}

func (m MACRequest) check() error {
	if err := checkSlot(m.Slot, table.AskSlots); err != nil {
		return err
	}
	if m.Second != "" {
		if err := checkSlot(m.Second, table.AskSlots); err != nil {
			return err
		}
	}
	if n := len(m.Session); n != 8 && n != 16 {
		return fault.New(fault.Usage, "a session key of packet Z66 has 8 or 16 bytes, not %d", n)
	}
	if len(m.Message) == 0 {
		return fault.New(fault.Usage, "there is no message to compute a MAC over")
	}
	if m.Text && (len(m.Message)%macBlock != 0 || !isPrintable(m.Message)) {
		return fault.New(fault.Usage, "text for a MAC is whole blocks of %d printable characters; send it as bytes", macBlock)
	}
	return nil
}

func isPrintable(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

func wipeAll(frames []Frame) {
	for _, f := range frames {
		f.Wipe()
	}
}

// parseMAC reads packet Z67: a code, and the MAC where it is that of success.
func parseMAC(data []byte) (code string, mac []byte, err error) {
	switch {
	case len(data) == 1 && isUpperAlnum(data[0]) && string(data) != table.MACDone:
		return string(data), nil, nil
	case len(data) == 1+table.MACDigits && string(data[:1]) == table.MACDone && isUpperHex(data[1:]):
		mac = make([]byte, table.MACDigits/2)
		if _, err := hex.Decode(mac, data[1:]); err == nil {
			return table.MACDone, mac, nil
		}
	}
	return "", nil, fault.New(fault.DeviceLink,
		"packet Z67: the answer cannot be read: the %d characters after the id are neither "+
			"a code nor 0 and a MAC of %d hex digits", len(data), table.MACDigits)
}

func isUpperHex(b []byte) bool {
	for _, c := range b {
		if (c < '0' || c > '9') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}
