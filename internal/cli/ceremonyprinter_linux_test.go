package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"

	"poskey/internal/fault"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/custody"
)

// printerLine is a printer: a serial line with its other end.
func printerLine(t *testing.T) (paper, device *os.File) {
	t.Helper()
	paper, device, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = errors.Join(device.Close(), paper.Close()) })
	if _, err := term.MakeRaw(int(device.Fd())); err != nil {
		t.Fatal(err)
	}
	return paper, device
}

// linked is a path that stands for a device; to puts something else in its place.
func linked(t *testing.T, device string) (path string, to func(target string)) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "printer")
	to = func(target string) {
		_ = os.Remove(path)
		if err := os.Symlink(target, path); err != nil {
			t.Fatal(err)
		}
	}
	to(device)
	return path, to
}

func foundPrinter(t *testing.T, path string) *sheetPrinter {
	t.Helper()
	r := &room{script: &script.Script{Environment: custody.Production}, printer: path}
	if found := r.checkPrinter(); len(found) > 0 {
		t.Fatalf("%+v", found)
	}
	return r.paper
}

func sheet(w io.Writer) error {
	_, err := io.WriteString(w, "TEST SHEET")
	return err
}

// TestASheetGoesToTheDeviceThatWasLookedAt: during the ceremony somebody puts something else under its path.
func TestASheetGoesToTheDeviceThatWasLookedAt(t *testing.T) {
	paper, device := printerLine(t)
	_, other := printerLine(t)
	path, to := linked(t, device.Name())
	p := foundPrinter(t, path)
	if err := p.print(t.Context(), sheet); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 10)
	if _, err := io.ReadFull(paper, got); err != nil || string(got) != "TEST SHEET" {
		t.Fatalf("%q, %v", got, err)
	}
	file := filepath.Join(t.TempDir(), "sheet")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{file, other.Name(), os.DevNull} {
		to(target)
		if err := p.print(t.Context(), sheet); !fault.Is(err, fault.NotPermitted) {
			t.Errorf("%s: %v", target, err)
		}
	}
	if kept, err := os.ReadFile(file); err != nil || len(kept) > 0 {
		t.Errorf("%d bytes of a sheet are in a file, %v", len(kept), err)
	}
}

func TestAPrinterThatTakesNothingIsNotWaitedForForEver(t *testing.T) {
	_, device := printerLine(t)
	p := foundPrinter(t, device.Name())
	p.patience = 3 * printerLook
	long := func(w io.Writer) error {
		_, err := io.WriteString(w, strings.Repeat("TEST", 1<<18))
		return err
	}
	began := time.Now()
	err := p.print(t.Context(), long)
	if !fault.Is(err, fault.DeviceFailed) && !fault.Is(err, fault.DeviceTimeout) || !strings.Contains(err.Error(), "the printer takes nothing") {
		t.Errorf("%v", err)
	}
	p.patience = time.Hour
	ctx, cancel := context.WithTimeout(t.Context(), 3*printerLook)
	defer cancel()
	if err := p.print(ctx, long); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it took %s", took)
	}
}

// TestADeviceThatDoesNotPrintIsNoPrinter: in production it is an error.
func TestADeviceThatDoesNotPrintIsNoPrinter(t *testing.T) {
	for _, path := range []string{"/dev/zero", "/dev/full", "/dev/urandom", "/dev/ptmx"} {
		for environment, want := range map[custody.Environment]script.Level{custody.Production: script.Error,
			custody.Test: script.Warning} {
			r := &room{script: &script.Script{Environment: environment}, printer: path}
			found := r.checkPrinter()
			if len(found) != 1 || found[0].ID != "printer-none" || found[0].Level != want {
				t.Errorf("%s in %s: %+v", path, environment, found)
			}
		}
	}
}
