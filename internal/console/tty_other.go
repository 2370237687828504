//go:build !unix

package console

import "os"

// openTTY opens the console's input; prompts written to it appear on the screen.
func openTTY() (*os.File, error) { return os.OpenFile("CONIN$", os.O_RDWR, 0) }
