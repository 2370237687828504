package agent

// One connection to an agent: greeting, then question and answer, one at a time.

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/audit"
	"poskey/pkg/hsm"
)

// Bounds of connections.
const (
	maxSessions = 256
	maxSpare    = 16 // more, for whoever asks how the store stands or seals it
	maxProbers  = 8
	maxFiles    = 17               // a terminal and passphrases
	patience    = 10 * time.Second // until the greeting is there, and with a connection that does nothing
	breath      = 50 * time.Millisecond
)

// session is one connection.
type session struct {
	server  *server
	conn    *net.UnixConn
	uid     int
	spare   bool       // one too many: it is told how the store stands, and may seal it
	files   []*os.File // that came with the frame that is being read
	job     *job
	probers []hsm.ProbeCloser
	once    sync.Once
}

func (c *session) close() { c.once.Do(func() { _ = c.conn.Close() }) }

// accept takes connections until the socket is closed.
func (s *server) accept() {
	for {
		conn, err := s.socket.accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // no descriptors left, or the like
			if breathe(s.ctx); s.ctx.Err() != nil {
				return
			}
			continue
		}
		c := &session{server: s, conn: conn}
		if !s.enter(c) {
			c.close()
			continue
		}
		s.wg.Go(func() { s.serve(c) })
	}
}

func (s *server) enter(c *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sessions) >= maxSessions+maxSpare || s.ctx.Err() != nil {
		return false
	}
	c.spare = len(s.sessions) >= maxSessions
	s.sessions[c] = struct{}{}
	return true
}

// serve ends with its connection. A panic ends this connection alone; what it says may hold anything and is not shown.
func (s *server) serve(c *session) {
	defer func() {
		if recover() != nil {
			s.panics.Add(1)
			e := audit.Entry{Who: s.agent.ledger.self, Operation: audit.AgentConnect}
			_ = s.agent.ledger.append(e, audit.Outcome{Result: audit.Failed, Fault: fault.Bug}) // the agent ends when this fails
		}
		c.leave()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.sessions, c)
	}()
	uid, err := peerUID(c.conn)
	if err != nil || uid != s.owner {
		s.refusePeer(uid, err)
		return
	}
	c.uid = uid
	if !c.greet() {
		return
	}
	if c.spare {
		defer c.within(patience)()
	}
	for c.step() {
	}
}

// leave lets go of everything that the connection holds.
func (c *session) leave() {
	c.close()
	c.dropFiles()
	c.endWork()
}

func (c *session) endWork() {
	for _, p := range c.probers {
		if p != nil {
			_ = p.Close()
		}
	}
	c.probers = nil
	if c.job != nil {
		_ = c.job.Close() // a log that failed ends the agent by itself
		c.job = nil
	}
}

func (c *session) dropFiles() {
	for _, f := range c.files {
		_ = f.Close()
	}
	c.files = nil
}

// refusals are connections of others, of which not every one is recorded.
type refusals struct {
	last  time.Duration // by the boot clock; 0 is never
	since int
}

// refusePeer records a connection of somebody else, at most one in a minute.
func (s *server) refusePeer(uid int, cause error) {
	now := s.agent.ports.Clock().Boot
	s.mu.Lock()
	r := &s.refused
	if r.last != 0 && now-r.last < time.Minute {
		r.since++
		s.mu.Unlock()
		return
	}
	others := r.since
	r.last, r.since = now, 0
	s.mu.Unlock()
	e := audit.Entry{Who: s.agent.ledger.self, Operation: audit.AgentConnect,
		Details: audit.Details{fieldUID: strconv.Itoa(uid), fieldOthers: strconv.Itoa(others)}}
	if cause != nil {
		e.Details[fieldUID] = "unknown"
	}
	_ = s.agent.ledger.append(e, audit.Outcome{Result: audit.Refused, Fault: fault.NotPermitted})
}

// greet exchanges the greetings, for which a peer has little time.
func (c *session) greet() bool {
	late, stop := context.WithTimeout(c.server.ctx, patience)
	defer stop()
	defer context.AfterFunc(late, c.close)()
	said := make([]byte, len(greeting))
	if _, err := io.ReadFull(c, said); err != nil {
		return false
	}
	if _, err := io.WriteString(c.conn, greeting); err != nil {
		return false
	}
	return string(said) == greeting
}

// within closes the connection after a while, unless the function that it gives is called before. The end of the store
// is not waited for here: what is being answered then is answered yet.
func (c *session) within(d time.Duration) (stop func()) {
	late, cancel := context.WithTimeout(context.Background(), d)
	keep := context.AfterFunc(late, c.close)
	return func() {
		keep()
		cancel()
	}
}

// breathe waits a moment.
func breathe(ctx context.Context) {
	late, stop := context.WithTimeout(ctx, breath)
	defer stop()
	<-late.Done()
}

// read waits for the next question, but not for long where nothing was begun.
func (c *session) read() (frame, error) {
	if c.job == nil {
		defer c.within(c.server.patience)()
	}
	return readFrame(c)
}

// step answers one question. It reports whether another can follow.
func (c *session) step() bool {
	f, err := c.read()
	defer f.wipe()
	defer c.dropFiles()
	if err != nil {
		return false
	}
	result, out, err := c.answer(f)
	defer wipeAll(out)
	if err == nil {
		err = c.send(result, out)
		if err == nil {
			return true
		}
		if !fault.Is(err, fault.TooLarge) && !fault.Is(err, fault.Bug) {
			return false
		}
	}
	raw, packErr := encode(answer{Error: packError(err)})
	if packErr != nil {
		return false
	}
	return writeFrame(c.conn, frame{head: raw}) == nil
}

func (c *session) send(result any, out []*secret.Bytes) error {
	raw, err := encode(result)
	if err != nil {
		return err
	}
	head, err := encode(answer{Result: raw})
	if err != nil {
		return err
	}
	return writeFrame(c.conn, frame{head, out})
}

// answer finds who answers the question.
func (c *session) answer(f frame) (any, []*secret.Bytes, error) {
	var q question
	if err := decodeStrict(f.head, &q); err != nil {
		return nil, nil, err
	}
	if len(q.Args) == 0 {
		q.Args = json.RawMessage("{}")
	}
	h, ok := c.server.handlers[q.Op]
	if !ok {
		return nil, nil, fault.New(fault.Malformed, "an agent is not asked this")
	}
	if c.spare && !spared(q.Op) {
		return nil, nil, fault.New(fault.Busy, "the agent has %d connections at one time; try again", maxSessions)
	}
	if len(f.secrets) > 0 && !h.secrets || len(c.files) > 0 && !h.files {
		return nil, nil, fault.New(fault.Malformed, "more was handed over than belongs to the question")
	}
	return h.do(c.server.ctx, c, q.Args, f.secrets)
}

// watched ends a context when the other side hangs up while people are asked. Nothing may be said meanwhile.
func (c *session) watched(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		var one [1]byte
		_, err := c.conn.Read(one[:])
		if !isTimeout(err) {
			cancel(fault.New(fault.Interrupted, "the command went away"))
		}
	}()
	return ctx, func() {
		_ = c.conn.SetReadDeadline(time.Unix(1, 0)) // wakes the reader
		<-stopped
		_ = c.conn.SetReadDeadline(time.Time{})
		cancel(nil)
	}
}

func isTimeout(err error) bool {
	t, ok := err.(net.Error) //nolint:errorlint // what Read returns is not wrapped
	return ok && t.Timeout()
}
