package futurex

import (
	"poskey/internal/fault"
	"poskey/pkg/device/futurex/table"
)

// AskSerial is command 03.
func AskSerial() (Frame, error) { return NewFrame([]byte(table.ReadSerial + table.Version)) }

// SetSerial is command 04: a serial number of 16 letters and digits.
func SetSerial(serial string) (Frame, error) {
	if len(serial) != table.SerialLen || !isAlnum(serial) {
		return Frame{}, fault.New(fault.Usage, "a serial number has %d letters and digits in this dialect, not %d",
			table.SerialLen, len(serial))
	}
	return NewFrame([]byte(table.WriteSerial + table.Version + serial))
}

// DeleteAll is command 05: it deletes every key.
func DeleteAll() (Frame, error) { return NewFrame([]byte(table.DeleteAll + table.Version)) }

// DeleteKey is command 06: it deletes the key of this type in this slot.
func (l Layout) DeleteKey(slot int, typ string) (Frame, error) {
	digits, err := l.slotDigits(slot)
	if err != nil {
		return Frame{}, err
	}
	if len(typ) != 2 || !isHex(typ) {
		return Frame{}, notDigits("type", 2)
	}
	return NewFrame([]byte(table.DeleteKey + table.Version + digits + typ))
}

// IsPoll sees the poll and its answer, which look like legacy commands otherwise.
func IsPoll(f Frame) bool {
	s := f.payload.Expose()
	return string(s) == table.Poll || string(s) == table.PollAnswer
}

// Reply is an answer. Which fields it has depends on the command.
type Reply struct {
	Command string
	Code    string
	Check   string // of 02, four digits; zeros with an error
	Serial  string // of 03, and of 02 where the terminal tells it
	Model   string // of 02, where the terminal tells it
}

// Frame makes the frame.
func (r Reply) Frame() (Frame, error) {
	f, err := NewFrame([]byte(r.Command + r.Code + r.Check + r.Serial + r.Model))
	if err != nil {
		return Frame{}, err
	}
	if back, err := ParseReply(f, r.Command); err != nil || back != r {
		f.Wipe()
		return Frame{}, fault.New(fault.Malformed, "such an answer to command %s cannot be written", r.Command)
	}
	return f, nil
}

// ParseReply reads a frame as the answer to a command. It goes by the role: that a frame has the length of an answer
// says nothing.
func ParseReply(f Frame, command string) (Reply, error) {
	if f.Command() != command || IsPoll(f) {
		return Reply{}, fault.New(fault.DeviceLink, "the frame does not answer command %s", command)
	}
	r := fields{rest: f.Data()}
	out := Reply{Command: command, Code: r.take(2)}
	switch command {
	case table.Inject:
		out.Check = r.take(table.CheckDigits)
		out.Serial = r.take(table.SerialLen)
		out.Model = r.take(table.MaxPayload)
	case table.ReadSerial:
		out.Serial = r.take(table.SerialLen)
	}
	if len(r.rest) != 0 || !out.isWhole() {
		return Reply{}, fault.New(fault.DeviceLink, "the answer to command %s cannot be read: its %d characters are not in "+
			"the form for it", command, len(f.Data()))
	}
	return out, nil
}

func (r Reply) isWhole() bool {
	if len(r.Code) != 2 || !isHex(r.Code) || len(r.Serial) != 0 && len(r.Serial) != table.SerialLen {
		return false
	}
	switch r.Command {
	case table.Inject:
		return len(r.Check) == table.CheckDigits && isHex(r.Check)
	case table.ReadSerial:
		return r.Code != table.Done || r.Serial != ""
	}
	return true
}

func isAlnum(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// fields cuts public fields off a text one by one; what is not there is "".
type fields struct{ rest []byte }

func (r *fields) take(n int) string {
	n = min(n, len(r.rest))
	out := string(r.rest[:n])
	r.rest = r.rest[n:]
	return out
}
