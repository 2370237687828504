package line_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/device/line"
)

func TestBytesArriveInOrderAndThenTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, peer := net.Pipe()
		l := line.New(host, nil)
		go func() {
			for _, s := range []string{"ab", "c", "", "def"} {
				_, _ = peer.Write([]byte(s))
			}
			_ = peer.Close()
		}()
		var got []byte
		for {
			chunk, err := l.Read(t.Context(), nil)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, chunk...)
		}
		if string(got) != "abcdef" {
			t.Errorf("read %q", got)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestAPeerThatNeverPausesDoesNotOutrunTheClock(t *testing.T) {
	host, peer := net.Pipe()
	l := line.New(host, nil)
	go func() {
		for _, err := peer.Write([]byte("noise")); err == nil; _, err = peer.Write([]byte("noise")) {
		}
	}()
	fired := make(chan time.Time)
	close(fired)
	for range 100 {
		if _, err := l.Read(t.Context(), fired); !errors.Is(err, line.ErrTimeout) {
			t.Fatalf("read with a timer that has fired: %v", err)
		}
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

func TestWaitingEndsWithTimerOrContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, peer := net.Pipe()
		l := line.New(host, nil)
		fired, stop := device.RealClock{}.After(time.Hour)
		defer stop()
		begun := time.Now()
		if _, err := l.Read(t.Context(), fired); !errors.Is(err, line.ErrTimeout) || time.Since(begun) != time.Hour {
			t.Errorf("after %s: %v", time.Since(begun), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := l.Read(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("read: %v", err)
		}
		if err := errors.Join(l.Close(), peer.Close()); err != nil {
			t.Error(err)
		}
	})
}

func TestWritingToAPeerThatTakesNothingEndsAndClosesTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, peer := net.Pipe()
		l := line.New(host, nil)
		begun := time.Now()
		err := l.Write([]byte("frame"), time.Minute)
		if !errors.Is(err, line.ErrTimeout) || time.Since(begun) != time.Minute {
			t.Errorf("write: %v after %s", err, time.Since(begun))
		}
		if _, err := peer.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("the line is still open: %v", err)
		}
		if err := errors.Join(l.Close(), peer.Close()); err != nil {
			t.Error(err)
		}
	})
}

func TestDrainForgetsWhatWasReadAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, peer := net.Pipe()
		l := line.New(host, nil)
		go func() { _, _ = peer.Write([]byte("stale")); _, _ = peer.Write([]byte("stale too")) }()
		synctest.Wait()
		l.Drain()
		go func() { _, _ = peer.Write([]byte("fresh")) }()
		if got, err := l.Read(t.Context(), nil); err != nil || string(got) != "fresh" {
			t.Errorf("%q, %v", got, err)
		}
		if err := errors.Join(l.Close(), peer.Close()); err != nil {
			t.Error(err)
		}
	})
}

func TestAFloodIsHeldBackNotStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, peer := net.Pipe()
		l := line.New(host, nil)
		taken := 0
		go func() {
			for n, err := peer.Write(make([]byte, 512)); err == nil; n, err = peer.Write(make([]byte, 512)) {
				taken += n
			}
		}()
		synctest.Wait()
		if taken > 64<<10 {
			t.Errorf("%d bytes were taken without a reader", taken)
		}
		if err := errors.Join(l.Close(), peer.Close()); err != nil {
			t.Error(err)
		}
	})
}

func TestADeadAddressIsALinkFault(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead := device.URI{Transport: device.TCP, Address: l.Addr().String()}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := line.Dial(t.Context(), dead); !fault.Is(err, fault.DeviceLink) {
		t.Errorf("connection refused: %v of kind %s", err, fault.KindOf(err))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := line.Dial(ctx, dead); !fault.Is(err, fault.Interrupted) {
		t.Errorf("cancelled: %v of kind %s", err, fault.KindOf(err))
	}
	if _, err := line.Dial(t.Context(), device.URI{Transport: device.HTTPS}); !fault.Is(err, fault.Usage) {
		t.Errorf("https: %v", err)
	}
}

func TestKeysAreNeverWrittenIntoAFileByASlip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(path, []byte("keep me"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fault.Kind{
		path: fault.Usage, path + ".none": fault.DeviceLink, os.DevNull: fault.DeviceLink,
	} {
		for _, transport := range []string{device.PTY, device.Serial} {
			if _, err := line.Dial(t.Context(), device.URI{Transport: transport, Address: name}); !fault.Is(err, want) {
				t.Errorf("%s: %v of kind %s, want %s", name, err, fault.KindOf(err), want)
			}
		}
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, []byte("keep me")) {
		t.Errorf("the file holds %q, %v", got, err)
	}
}

// full is a stream that takes everything and then says that it failed.
type full struct {
	net.Conn
	took []byte
}

func (f *full) Write(b []byte) (int, error) {
	f.took = append(f.took, b...)
	return len(b), io.ErrClosedPipe
}

// What is on its way is on its way: a caller who was told that it failed would send it again, or take it for unsent.
func TestWhatWasTakenWholeCountsAsSent(t *testing.T) {
	host, peer := net.Pipe()
	f := &full{Conn: host}
	l := line.New(f, nil)
	if err := l.Write([]byte("whole"), time.Minute); err != nil || string(f.took) != "whole" {
		t.Errorf("took %q, %v", f.took, err)
	}
	_ = peer.Close()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}
