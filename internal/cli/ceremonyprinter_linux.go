package cli

// Which devices of Linux print (Documentation/admin-guide/devices.txt of its kernel).

import (
	"os"

	"poskey/internal/console"
)

// The device numbers of what prints, and of terminals that are none of a serial line.
const (
	majorConsoles = 4 // virtual consoles, and from minor 64 serial lines
	firstSerial   = 64
	majorOwnTTY   = 5 // the terminal of the process, the console, the master of pseudo-terminals
	majorParallel = 6
	majorUSB      = 180 // printers are its first minors
	usbPrinters   = 16
)

// deviceParts are major and minor as makedev(3) of the GNU C library puts them together.
func deviceParts(number uint64) (major, minor uint64) {
	const low = 0xFF
	return number>>8&0xFFF | number>>32&^uint64(0xFFF), number&low | number>>12&^uint64(low)
}

// takesPaper reports whether an open device prints: a parallel or a USB printer, or a serial line. Memory, noise and the
// log of the kernel do not.
func takesPaper(f *os.File, info os.FileInfo) bool {
	number, ok := deviceNumber(info)
	if !ok {
		return false
	}
	switch major, minor := deviceParts(number); major {
	case majorParallel:
		return true
	case majorUSB:
		return minor < usbPrinters
	case majorOwnTTY:
		return false
	case majorConsoles:
		return minor >= firstSerial
	}
	return console.IsTerminal(f)
}
