//go:build linux

package transcript

import (
	"errors"
	"io"
	"os"
	"syscall"
	"testing"
)

// TestFullDeviceIsAFailure lets the kernel say it: /dev/full has no room.
func TestFullDeviceIsAFailure(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	must(t, err)
	defer func() { _ = full.Close() }()
	l, path := newRecord(t)
	before := load(t, path)
	l.options.through = func(io.Writer) io.Writer { return full }
	if _, err := l.Write(step(1)); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%v", err)
	}
	if _, err := l.Write(step(1)); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("after it: %v", err)
	}
	if string(load(t, path)) != string(before) {
		t.Error("the record was changed")
	}
}
