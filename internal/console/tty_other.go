//go:build !unix

package console

import (
	"errors"
	"os"

	"poskey/internal/fault"
)

// openTTY opens the console's input; prompts written to it appear on the screen.
func openTTY() (*os.File, error) { return os.OpenFile("CONIN$", os.O_RDWR, 0) }

// handedOver: no terminal is handed over on this system.
func handedOver(*os.File) (*os.File, func(), error) {
	return nil, nil, fault.New(fault.InputNeeded, "no terminal can be handed over on this system")
}

var errNothing = errors.ErrUnsupported

func readable(int) bool { return false }

func readNow(int, []byte) (int, error) { return 0, errors.ErrUnsupported }
