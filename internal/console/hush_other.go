//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package console

import "errors"

// echoOff: between two questions echo is on here; each question takes it off for itself.
func echoOff(int) error { return errors.ErrUnsupported }

// flush: what was typed ahead stays here.
func flush(int) error { return errors.ErrUnsupported }

func dark(int) bool { return true }

func echoOn(int) {}

func keepSignals(int) {}

func foreground(int) bool { return true }

func (h *hush) watch() (unwind func()) { return func() {} }
