package client_test

// Which errors are those of the line: a diagnosis goes by that.

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"testing"
	"time"

	"poskey/pkg/device"
	"poskey/pkg/device/manage/client"
)

// TestAFailedLineIsToldFromPapersAndFromNobodyThere: what our own papers are to blame for is no fault of the line, and
// neither is an address where nobody takes the call.
func TestAFailedLineIsToldFromPapersAndFromNobodyThere(t *testing.T) {
	other := newAuthority(t)
	stranger, strangerKey := other.issue("stranger", x509.ExtKeyUsageClientAuth)
	oldTLS := func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }
	for name, c := range map[string]struct {
		change         func(*tls.Config)
		uri            func(*device.URI)
		line, rejected bool
	}{
		"it refuses our TLS":     {oldTLS, func(*device.URI) {}, true, true},
		"it refuses our papers":  {func(*tls.Config) {}, func(u *device.URI) { u.Cert, u.Key = stranger, strangerKey }, false, false},
		"we do not take its own": {func(*tls.Config) {}, func(u *device.URI) { u.CA = other.ca() }, false, false},
		"nobody is there":        {func(*tls.Config) {}, func(u *device.URI) { u.Address = freePort(t) }, false, false},
		"it hangs up":            {func(*tls.Config) {}, func(u *device.URI) { u.Address = port(t, true) }, true, false},
		"it never says a word":   {func(*tls.Config) {}, func(u *device.URI) { u.Address = port(t, false) }, true, false},
		"it speaks another tongue": {func(*tls.Config) {}, func(u *device.URI) {
			u.Address = port(t, true, "HTTP/1.1 400 no\r\n\r\n")
		}, true, false},
	} {
		p := newPeer(t, c.change)
		c.uri(&p.uri)
		_, err := client.Open(t.Context(), p.uri, device.Options{Timeout: time.Second})
		var failed *device.LineError
		if line := errors.As(err, &failed); err == nil || line != c.line || line && failed.Rejected != c.rejected {
			t.Errorf("%s: %v, of the line %v", name, err, line)
		}
	}
}

// port takes one call, says its words, and hangs up or waits for the end of the test.
func port(t *testing.T, hangUp bool, words ...string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = conn.Read(make([]byte, 1<<12))
		for _, w := range words {
			_, _ = conn.Write([]byte(w))
		}
		if !hangUp {
			_, _ = conn.Read(make([]byte, 1)) // until the other end is gone
		}
		_ = conn.Close()
	}()
	return l.Addr().String()
}
