package visa

import (
	"slices"
	"strings"

	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/device/visa/table"
)

// SetSerialFrame is packet 05: the terminal's new serial number, of 1 to 12 letters and digits (UIC) or exactly 16
// (VeriFone). Zeros alone stand for none and cannot be set.
func SetSerialFrame(serial, profile string) (Frame, error) {
	least, most := 1, table.MaxSerial
	if profile == device.ProfileVeriFone {
		least, most = table.MaxSerialVeriFone, table.MaxSerialVeriFone
	}
	if len(serial) < least || len(serial) > most || !isAlnum(serial) {
		return Frame{}, fault.New(fault.Usage, "a serial number here has %d to %d letters and digits", least, most)
	}
	if strings.Trim(serial, "0") == "" {
		return Frame{}, fault.New(fault.Usage, "zeros alone are what a terminal without a serial number reports")
	}
	return NewFrame(Admin, []byte(table.SetSerial), []byte(serial))
}

func isAlnum(s string) bool {
	for _, c := range []byte(s) {
		if !isUpperAlnum(c) && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// parseSerial reads the answers to packets 06 and M04: the serial number, "" where none was ever set. M04 has hyphens.
// An answer without content is the question itself, from a line that repeats what it is told.
func parseSerial(data []byte) (string, error) {
	s := string(data)
	if s == "" || len(s) > table.MaxSerialVeriFone || !isAlnum(strings.ReplaceAll(s, "-", "")) {
		return "", fault.New(fault.DeviceLink,
			"the serial number cannot be read: %d characters, not 1 to %d letters and digits",
			len(s), table.MaxSerialVeriFone)
	}
	if strings.Trim(s, "0") == "" {
		return "", nil
	}
	return s, nil
}

// SelectKeyFrame is packet 08: which of the slots 0 to 9 serves PIN entry.
func SelectKeyFrame(slot device.Slot) (Frame, error) {
	if err := checkSlot(slot, selectable); err != nil {
		return Frame{}, err
	}
	return NewFrame(Admin, []byte(table.SelectKey), []byte(slot))
}

// selectable are the slots of packet 08.
const selectable = "0123456789"

// SetLineFrame is packet 13: speed and mode of the line, 8N1, 7E1 or 7O1, without flow control.
func SetLineFrame(baud int, mode string) (Frame, error) {
	speed, m := slices.Index(table.Speeds(), baud), slices.Index(table.LineModes(), mode)
	if speed < 0 || m < 0 {
		return Frame{}, fault.New(fault.Usage, "packet 13 can set the speeds %v and the modes %v, not %d %q", table.Speeds(),
			table.LineModes(), baud, mode)
	}
	return NewFrame(Admin, []byte(table.SetLine), []byte{byte('1' + speed), byte('1' + m)})
}

// KeyModeFrame is packet 15 (mode SPAIN, VISA) or 17 (three characters): VeriFone's key management. The modes are passed
// on as they are, because they differ between models.
func KeyModeFrame(id, mode string) (Frame, error) {
	if id != table.SetKeyMode && id != table.SetKeyMode7 || mode == "" || len(mode) > maxKeyMode || !isAlnum(mode) {
		return Frame{}, fault.New(fault.Usage, "packets 15 and 17 name a mode with 1 to %d letters and digits", maxKeyMode)
	}
	return NewFrame(Admin, []byte(id), []byte(mode))
}

const maxKeyMode = 8

// SelectEngineFrame is packet 19: which of VeriFone's DUKPT engines, 0 to 2, is loaded and used.
func SelectEngineFrame(engine int) (Frame, error) {
	if engine < 0 || engine > lastEngine {
		return Frame{}, fault.New(fault.Usage, "DUKPT engines are numbered 0 to %d, not %d", lastEngine, engine)
	}
	return NewFrame(Admin, []byte(table.SelectEngine), []byte{byte('0' + engine)})
}

const lastEngine = 2

// parseEngine reads the answer to packet 25.
func parseEngine(data []byte) (int, error) {
	if len(data) != 1 || data[0] < '0' || data[0] > '0'+lastEngine {
		return 0, fault.New(fault.DeviceLink, "packet 25: the answer cannot be read: it names none of the engines 0 to %d",
			lastEngine)
	}
	return int(data[0] - '0'), nil
}

// parseCode reads an answer that is one character: done, or a code of the table.
func parseCode(id string, data []byte, codes []device.CodeInfo) error {
	if len(data) != 1 || !isUpperAlnum(data[0]) {
		return fault.New(fault.DeviceLink, "packet %s: the answer cannot be read: %d characters after the id, not 1", id,
			len(data))
	}
	if code := string(data); code != table.Done {
		return refusal(id+code, code, codes)
	}
	return nil
}
