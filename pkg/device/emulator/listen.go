package emulator

import (
	"context"
	"net"
	"sync"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/device"
)

// Listener serves a terminal on a TCP port.
type Listener struct {
	l    net.Listener
	t    *Terminal
	stop context.CancelFunc
	done sync.WaitGroup
}

// Listen opens a TCP port of this machine, such as 127.0.0.1:9100 (port 0 takes a free one), and serves one connection
// after the other until ctx ends or Close is called. Any other address is refused: frames carry neither a name nor a
// signature, so whoever reached the port could load keys or watch them being loaded.
func (t *Terminal) Listen(ctx context.Context, addr string) (*Listener, error) {
	l, err := listenHere(ctx, addr)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	out := &Listener{l: l, t: t, stop: stop}
	context.AfterFunc(ctx, func() { _ = l.Close() })
	out.done.Go(func() { t.accept(ctx, l) })
	return out, nil
}

// listenHere opens a port of this machine and of no other.
func listenHere(ctx context.Context, addr string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fault.New(fault.Usage, "address %q is not of the form 127.0.0.1:9100", text.Redact(addr))
	}
	if ip := net.ParseIP(host); host != "localhost" && !ip.IsLoopback() {
		return nil, notLoopback(addr)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fault.WrapAs(fault.DeviceLink, err, "open the emulator's port")
	}
	if tcp, ok := l.Addr().(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() { // the name localhost may be set to anything
		_ = l.Close()
		return nil, notLoopback(addr)
	}
	return l, nil
}

func notLoopback(addr string) error {
	return fault.New(fault.Usage, "the emulator does not listen on %q, only on this machine (127.0.0.1, ::1 or "+
		"localhost): keys cross the line unprotected, and whoever reaches the port may load them", addr)
}

// accept serves connections until the port is closed. How a connection ended is said by the event Disconnected; the
// next host gets its turn whatever it was.
func (t *Terminal) accept(ctx context.Context, l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		_ = t.Serve(ctx, conn)
	}
}

// Addr is the address, with the port that was taken.
func (l *Listener) Addr() net.Addr { return l.l.Addr() }

// URI names the terminal for the loader.
func (l *Listener) URI() string {
	return l.t.name(device.URI{Transport: device.TCP, Address: l.Addr().String()})
}

// Close ends the connection and gives the port back; nothing is served any more when it returns.
func (l *Listener) Close() error {
	l.stop()
	l.done.Wait()
	return nil
}
