//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package console

import (
	"errors"

	"golang.org/x/term"
)

// echoOff: between two questions echo is on here; each question takes it off for itself.
func echoOff(int) error { return errors.ErrUnsupported }

// flush: what was typed ahead stays here.
func flush(int) error { return errors.ErrUnsupported }

func dark(int) bool { return true }

func echoOn(int) {}

func rawMode(fd int, _ bool) error {
	_, err := term.MakeRaw(fd)
	return err
}

func foreground(int) bool { return true }

func (h *hush) watch() (unwind func()) { return func() {} }
