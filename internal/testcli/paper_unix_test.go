//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package testcli

import (
	"errors"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"
)

// TestPeopleReadTheSheetThatWasPrintedLast: under load a sheet is in the line yet when the next question is asked, and the
// one before it lies whole on the paper.
func TestPeopleReadTheSheetThatWasPrintedLast(t *testing.T) {
	out, device, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = errors.Join(device.Close(), out.Close()) }()
	if _, err := term.MakeRaw(int(device.Fd())); err != nil {
		t.Fatal(err)
	}
	p := &paper{line: device}
	p.take([]byte("the first\f"))
	if _, err := device.WriteString("the second\f"); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(50*time.Millisecond, func() { go p.read(out) })
	if got := p.text(); got != "the first\fthe second\f" {
		t.Errorf("%q is on the paper", got)
	}
}
