package line

import (
	"errors"

	"go.bug.st/serial"

	"poskey/internal/fault"
	"poskey/pkg/device"
)

// SpeedChanger is a stream whose speed and mode can be changed while it is open.
type SpeedChanger interface {
	// LineSettings tells both as they are; the mode is data bits, parity and stop bits, as in 7E1.
	LineSettings() (baud int, mode string)
	// SetLine changes both. What was written before must be out already.
	SetLine(baud int, mode string) error
}

// openSerial opens a serial port or a pseudo-terminal, which is the same in all but that it has no wires.
func openSerial(u device.URI) (*Port, error) {
	mode, err := serialMode(u.LineSpeed(), u.LineMode())
	if err != nil {
		return nil, err
	}
	p, err := openPort(u.Address, mode, u.Transport == device.PTY)
	if err != nil {
		return nil, err
	}
	p.baud, p.mode = u.LineSpeed(), u.LineMode()
	return p, nil
}

// LineSettings tells speed and mode.
func (p *Port) LineSettings() (baud int, mode string) { return p.baud, p.mode }

// SetLine changes speed and mode.
func (p *Port) SetLine(baud int, mode string) error {
	m, err := serialMode(baud, mode)
	if err != nil {
		return err
	}
	if err := p.control.SetMode(m); err != nil {
		return fault.WrapAs(fault.DeviceLink, err, "set the line to %d %s", baud, mode)
	}
	p.baud, p.mode = baud, mode
	return nil
}

func serialMode(baud int, mode string) (*serial.Mode, error) {
	if baud <= 0 || !device.IsLineMode(mode) {
		return nil, fault.New(fault.Usage, "a serial line cannot be set to %d %q", baud, mode)
	}
	out := &serial.Mode{BaudRate: baud, DataBits: int(mode[0] - '0')}
	switch mode[1] {
	case 'E':
		out.Parity = serial.EvenParity
	case 'O':
		out.Parity = serial.OddParity
	}
	if mode[2] == '2' {
		out.StopBits = serial.TwoStopBits
	}
	return out, nil
}

// raiseLines says on the wires that the host is there, for terminals that look. A pseudo-terminal has no such wires, and
// some adapters bring none out: that a line cannot be raised shows soon enough in a terminal that does not answer.
func raiseLines(control serial.Port) {
	_ = control.SetDTR(true)
	_ = control.SetRTS(true)
}

// portFault gives an error of opening its kind.
func portFault(err error, path string) error {
	var coded *serial.PortError
	if errors.As(err, &coded) {
		switch coded.Code() {
		case serial.PortBusy:
			return busy(path)
		case serial.PermissionDenied:
			return denied(path)
		}
	}
	return fault.WrapAs(fault.DeviceLink, err, "open the terminal line")
}

func busy(path string) error {
	return fault.New(fault.Busy,
		"another program has %s open: end it, or let it finish, and try again; two stations on one "+
			"line would load keys into the wrong device", path)
}

func denied(path string) error {
	return fault.New(fault.DeviceLink,
		"this user may not open %s; on Linux the members of the group dialout may use serial ports", path)
}
