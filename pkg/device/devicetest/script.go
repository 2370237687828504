package devicetest

// A scripted terminal: what the driver of one dialect says byte for byte, and what it makes of an answer.

import (
	"bytes"
	"encoding/hex"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"poskey/internal/secret"
	"poskey/pkg/device"
)

// Turn is a turn of a scripted terminal: it waits for the first bytes, then says the second. Both are hex; blanks do not
// count.
type Turn [2]string

// Play runs a script in a bubble against the device that attach makes of the host's end. The script must be played to its
// end, nothing may be said besides, and no secret may stay.
func Play(t *testing.T, attach func(io.ReadWriteCloser) device.Device, script []Turn, body func(t *testing.T, d device.Device)) {
	t.Helper()
	live := secret.Live()
	synctest.Test(t, func(t *testing.T) {
		host, peer := net.Pipe()
		heard := make(chan []byte, 1)
		d := attach(host)
		go func() {
			act(t, peer, script)
			rest, _ := io.ReadAll(peer)
			heard <- rest
		}()
		body(t, d)
		if err := d.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if rest := <-heard; len(rest) != 0 {
			t.Errorf("after the script came %q", rest)
		}
		_ = peer.Close()
	})
	if now := secret.Live(); now != live {
		t.Errorf("%d secrets stayed live", now-live)
	}
}

// act plays the terminal, up to the first turn that fails.
func act(t *testing.T, peer io.ReadWriter, script []Turn) {
	for i, turn := range script {
		want, say := Unhex(t, turn[0]), Unhex(t, turn[1])
		got := make([]byte, len(want))
		if _, err := io.ReadFull(peer, got); err != nil || !bytes.Equal(got, want) {
			t.Errorf("turn %d: heard %q (%v), want %q", i+1, got, err, want)
			return
		}
		if len(say) == 0 {
			continue
		}
		if _, err := peer.Write(say); err != nil {
			t.Errorf("turn %d: %v", i+1, err)
			return
		}
	}
}

// Unhex reads hex. It may be called from any goroutine.
func Unhex(t testing.TB, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	if err != nil {
		t.Error(err)
	}
	return b
}
