package emulator

// The places that the management agent has for connections.

import (
	"crypto/tls"
	"net"
	"net/http"
	"slices"
	"sync"
)

// places takes so many connections at one time. A host whose certificate was seen keeps its place; one that only
// knocked, and may be anybody, makes room for the next. When all are hosts' the next is hung up on.
type places struct {
	net.Listener
	mu    sync.Mutex
	taken []*placed // the oldest first
}

// placed is a connection that has a place.
type placed struct {
	net.Conn
	all   *places
	known bool
}

func (p *places) Accept() (net.Conn, error) {
	for {
		conn, err := p.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c := p.take(conn); c != nil {
			return c, nil
		}
		_ = conn.Close()
	}
}

// take finds a place for a connection, nil where there is none.
func (p *places) take(conn net.Conn) *placed {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.taken) >= manageConns {
		i := slices.IndexFunc(p.taken, func(c *placed) bool { return !c.known })
		if i < 0 {
			return nil
		}
		_ = p.taken[i].Conn.Close() // whoever serves it finds out
		p.taken = slices.Delete(p.taken, i, i+1)
	}
	c := &placed{Conn: conn, all: p}
	p.taken = append(p.taken, c)
	return c
}

// know is told by the server: a request begins behind the handshake alone, which takes a certificate.
func (p *places) know(conn net.Conn, state http.ConnState) {
	secured, ok := conn.(*tls.Conn)
	if !ok || state != http.StateActive {
		return
	}
	if c, ok := secured.NetConn().(*placed); ok {
		p.mu.Lock()
		defer p.mu.Unlock()
		c.known = true
	}
}

// Close gives the place back.
func (c *placed) Close() error {
	c.all.mu.Lock()
	c.all.taken = slices.DeleteFunc(c.all.taken, func(other *placed) bool { return other == c })
	c.all.mu.Unlock()
	return c.Conn.Close()
}
