//go:build linux || darwin

package line_test

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/device/line"
)

// terminalLine makes a pseudo-terminal: the far end, and the path of the near one, which stays open as it does where an
// emulator serves it.
func terminalLine(t *testing.T) (far *os.File, tty *os.File) {
	t.Helper()
	master, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	if far, err = line.Polled(master); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = far.Close(), tty.Close() })
	return far, tty
}

func dialled(t *testing.T, u device.URI) io.ReadWriteCloser {
	t.Helper()
	rw, err := line.Dial(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rw.Close() })
	return rw
}

// everyByte is all that may stand in a frame, start, end and controls included; none of it may be eaten or changed.
func everyByte() []byte {
	out := make([]byte, 128)
	for i := range out {
		out[i] = byte(i)
	}
	return out
}

func TestSerialLinesCarryEveryByteBothWays(t *testing.T) {
	for _, u := range []device.URI{
		{Dialect: device.Visa, Transport: device.Serial}, // a pty has no wires: DTR and RTS fail, the line opens
		{Dialect: device.Visa, Transport: device.PTY},
		{Dialect: device.Visa, Transport: device.PTY, Mode: "7E1", Baud: 1200},
		{Dialect: device.Visa, Transport: device.Serial, Mode: "7O1"},
		{Dialect: device.Futurex, Transport: device.Serial},
	} {
		far, tty := terminalLine(t)
		u.Address = tty.Name()
		near := dialled(t, u)
		for _, way := range []struct {
			from io.Writer
			to   io.Reader
		}{{near, far}, {far, near}} {
			want, got := everyByte(), make([]byte, 128)
			if _, err := way.from.Write(want); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(way.to, got); err != nil || string(got) != string(want) {
				t.Errorf("%s: %X, %v", u, got, err)
			}
		}
		wantSpeed(t, tty, map[int]uint32{1200: unix.B1200, 9600: unix.B9600, 115200: unix.B115200}[u.LineSpeed()])
	}
}

func wantSpeed(t *testing.T, tty *os.File, want uint32) {
	t.Helper()
	conn, err := tty.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Control(func(fd uintptr) {
		if got := speedOf(t, int(fd)); got != want {
			t.Errorf("the line runs at speed %o, want %o", got, want)
		}
	}); err != nil {
		t.Fatal(err)
	}
}

func TestSpeedAndModeChangeWhileTheLineIsOpen(t *testing.T) {
	far, tty := terminalLine(t)
	near := dialled(t, device.URI{Dialect: device.Visa, Transport: device.Serial, Address: tty.Name()})
	l := line.New(near, nil)
	c, ok := l.Speed()
	if !ok {
		t.Fatal("a serial line has no speed")
	}
	if baud, mode := c.LineSettings(); baud != 9600 || mode != "8N1" {
		t.Errorf("it begins at %d %s", baud, mode)
	}
	if err := c.SetLine(19200, "7E1"); err != nil {
		t.Fatal(err)
	}
	if baud, mode := c.LineSettings(); baud != 19200 || mode != "7E1" {
		t.Errorf("it says %d %s", baud, mode)
	}
	wantSpeed(t, tty, unix.B19200)
	if err := c.SetLine(19200, "9X9"); !fault.Is(err, fault.Usage) {
		t.Errorf("mode 9X9: %v", err)
	}
	if err := l.Write([]byte("still here"), 1e9); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(far, make([]byte, 10)); err != nil {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

func TestClosingEndsAReadThatWaits(t *testing.T) {
	_, tty := terminalLine(t)
	near := dialled(t, device.URI{Transport: device.Serial, Address: tty.Name()})
	ended := make(chan error, 1)
	go func() { _, err := near.Read(make([]byte, 1)); ended <- err }()
	if err := near.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err == nil {
		t.Error("the read gave a byte")
	}
}

func TestASecondStationIsToldThatTheLineIsTaken(t *testing.T) {
	_, tty := terminalLine(t)
	for _, transport := range []string{device.Serial, device.PTY} {
		u := device.URI{Dialect: device.Visa, Transport: transport, Address: tty.Name()}
		first := dialled(t, u)
		if rw, err := line.Dial(t.Context(), u); !fault.Is(err, fault.Busy) || rw != nil {
			t.Errorf("%s: a second station: %v of kind %s", transport, err, fault.KindOf(err))
		}
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		again := dialled(t, u)
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	}
}

// station is set in a process of its own that takes a line and keeps it.
const station = "POSKEY_TEST_STATION"

func TestMain(m *testing.M) {
	if path := os.Getenv(station); path != "" {
		os.Exit(holdLine(path))
	}
	os.Exit(m.Run())
}

func holdLine(path string) int {
	u := device.URI{Dialect: device.Visa, Transport: device.PTY, Address: path}
	if _, err := line.Dial(context.Background(), u); err != nil {
		return fault.KindOf(err).Exit()
	}
	_, _ = os.Stdout.WriteString("taken\n")
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

func TestTheLockIsKeptAgainstAnotherProcessAndDiesWithIt(t *testing.T) {
	_, tty := terminalLine(t)
	u := device.URI{Dialect: device.Visa, Transport: device.PTY, Address: tty.Name()}
	ours := dialled(t, u)
	other := exec.Command(os.Args[0])
	other.Env = append(os.Environ(), station+"="+tty.Name())
	if err := other.Run(); err == nil || other.ProcessState.ExitCode() != 9 {
		t.Errorf("another process on our line: %v", err)
	}
	if err := ours.Close(); err != nil {
		t.Fatal(err)
	}

	other = exec.Command(os.Args[0])
	other.Env = append(os.Environ(), station+"="+tty.Name())
	in, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	if s, err := bufio.NewReader(out).ReadString('\n'); err != nil || s != "taken\n" {
		t.Fatalf("the other process says %q, %v", s, err)
	}
	if _, err := line.Dial(t.Context(), u); !fault.Is(err, fault.Busy) {
		t.Errorf("on the other process's line: %v", err)
	}
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = other.Wait() // it was killed
	_ = in.Close()
	if err := dialled(t, u).Close(); err != nil {
		t.Error(err)
	}
}
