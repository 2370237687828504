//go:build !unix

package console

import (
	"errors"
	"os"
	"time"

	"poskey/internal/fault"
)

// openTTY opens the console's input; prompts written to it appear on the screen.
func openTTY() (*os.File, error) { return os.OpenFile("CONIN$", os.O_RDWR, 0) }

// handable: no terminal is handed over on this system.
func handable() error {
	return fault.New(fault.InputNeeded, "no terminal can be handed over on this system")
}

func readable(int, time.Duration) bool { return false }

func readNow(int, []byte) (int, error) { return 0, errors.ErrUnsupported }
