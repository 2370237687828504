//go:build !linux && !darwin && !freebsd && !openbsd

package line

import (
	"errors"
	"os"
)

var errNoTTY = errors.New("terminal lines are not supported on this system")

// Polled fails where there are no terminal lines.
func Polled(*os.File) (*os.File, error) { return nil, errNoTTY }

// MakeRaw fails where there are no terminal lines.
func MakeRaw(*os.File) error { return errNoTTY }
