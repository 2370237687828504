//go:build !linux && !darwin && !freebsd && !openbsd

package line

import (
	"time"

	"go.bug.st/serial"

	"poskey/internal/fault"
)

// readPause is how long a Read waits before it looks whether the port was closed. It then gives no bytes and no error,
// which is nothing at all to a Line.
const readPause = 100 * time.Millisecond

// Port is a serial port. The system itself keeps a second program away.
type Port struct {
	serial.Port
	control serial.Port
	baud    int
	mode    string
}

func openPort(path string, mode *serial.Mode, isPTY bool) (*Port, error) {
	if isPTY {
		return nil, fault.New(fault.Usage, "there are no pseudo-terminals on this system")
	}
	control, err := serial.Open(path, mode)
	if err != nil {
		return nil, portFault(err, path)
	}
	if err := control.SetReadTimeout(readPause); err != nil {
		_ = control.Close()
		return nil, portFault(err, path)
	}
	raiseLines(control)
	return &Port{Port: control, control: control}, nil
}
