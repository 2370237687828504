package agent

// An open store: it serves until its end, and seals.

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"poskey/internal/secret"
	"poskey/internal/text"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
)

// server is an open store.
type server struct {
	agent    *agent
	auth     *custody.Authorisation
	roster   *custody.Roster
	boundary hsm.Boundary
	gate     *gate
	desk     *desk
	socket   *socket
	handlers map[string]handler
	owner    int // uid of this process, and of all whom it answers
	patience time.Duration

	stop   chan text.Text // somebody told it to end
	sealed chan struct{}  // it has ended: wiped and recorded
	ctx    context.Context
	cancel context.CancelCauseFunc
	wg     sync.WaitGroup

	mu       sync.Mutex
	sessions map[*session]struct{}
	by       audit.Actor // who told it to end
	refused  refusals
	panics   atomic.Int64 // connections that ended by a bug
}

func (a *agent) newServer(
	guard custody.Guard, roster *custody.Roster, boundary hsm.Boundary, listener *socket,
) *server {
	s := &server{agent: a, owner: os.Geteuid(), patience: patience, auth: guard.Authorisation, roster: roster, boundary: boundary,
		socket: listener, handlers: handlers(), stop: make(chan text.Text, 1), sealed: make(chan struct{}), sessions: map[*session]struct{}{}}
	s.gate = &gate{store: a.config.Store, environment: a.config.Environment, guard: guard, roster: roster,
		env: a.ports.Env, rec: a.ledger, screens: a.ports.Screen}
	s.desk = &desk{ledger: a.ledger, boundary: boundary, environment: a.config.Environment, admit: s.gate.admit,
		after: s.after, free: a.free, works: map[*job]struct{}{}}
	if a.free {
		s.desk.admit = func(context.Context, custody.Action, Intent) (admitted, error) { return admitted{}, nil }
	}
	s.by = a.ledger.self
	s.ctx, s.cancel = context.WithCancelCause(context.Background()) // ends with the store, and with nothing else
	return s
}

// after: an officer who was taken out of the store counts no more, from now on.
func (s *server) after(in Intent, o Outcome) {
	if in.Activity != custody.OfficerRevoke || o.Result != audit.Done {
		return
	}
	for _, c := range s.roster.Cards() {
		if c.ID() == in.Label {
			_ = s.roster.Revoke(c.Fingerprint()) // it is there
		}
	}
}

// discard undoes a server that never lived.
func (s *server) discard() {
	_ = s.socket.close()
	_ = s.boundary.Close()
}

// live serves until the end, and seals.
func (s *server) live(ctx context.Context) error {
	s.wg.Go(s.accept)
	s.agent.ready.Store(true)
	_ = s.agent.ports.Report(Event{Kind: Ready, PID: os.Getpid(), Until: s.auth.Until(), Activities: s.auth.Activities(),
		Officers: idsOf(s.auth.Officers())}) // from here on the agent stays, whoever started it
	why, err := s.wait(ctx)
	lost := s.seal(why)
	if err == nil {
		err = lost
	}
	return err
}

// wait looks at each tick whether the time is over. An error is what it did not end by in good order.
func (s *server) wait(ctx context.Context) (text.Text, error) {
	for {
		select {
		case <-ctx.Done():
			return text.New("the agent was told to end: %s", context.Cause(ctx)), nil
		case why := <-s.stop:
			return why, nil
		case err := <-s.agent.trouble:
			return text.New("the audit log cannot be written"), err
		case <-s.agent.ports.Ticks:
		}
		if why, ended := s.auth.Ended(); ended {
			return why, nil
		}
		if err := secret.LockError(); err != nil && s.agent.mustLock() {
			return text.New("the agent's memory can no longer be locked"), err
		}
		if !s.socket.ours() {
			return text.New("the socket was taken away"), nil
		}
		if err := watched(); err != nil && !s.agent.noArmor {
			return text.New("somebody looks into the agent"), err
		}
	}
}

// grace is how long an agent that has sealed itself waits for answers to be written.
const grace = 2 * time.Second

// seal ends the store: nothing more is admitted, what is under way gets its outcome, the keys are wiped, and all that
// is recorded.
func (s *server) seal(why text.Text) error {
	s.auth.End(why)
	_ = s.socket.close()
	s.cancel(sealedError(why))
	s.desk.close(why)
	_ = s.boundary.Close()
	s.mu.Lock()
	by := s.by
	s.mu.Unlock()
	e := audit.Entry{Who: by, Operation: audit.StoreSeal, Details: thisProcess(),
		Object: audit.Object{Kind: audit.KindStore, Label: s.agent.config.Store}}
	e.Details[audit.FieldReason] = audit.Clean(why.String())
	err := s.agent.ledger.append(e, audit.OK())
	close(s.sealed)
	s.hangUp()
	return err
}

// hangUp ends the connections. No more is read from them; what is being answered is answered yet.
func (s *server) hangUp() {
	s.mu.Lock()
	for c := range s.sessions {
		_ = c.conn.CloseRead() // it may be closed
	}
	s.mu.Unlock()
	over := make(chan struct{})
	go func() {
		s.wg.Wait()
		close(over)
	}()
	late, stop := context.WithTimeout(context.Background(), grace)
	defer stop()
	select {
	case <-over:
		return
	case <-late.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.sessions {
		c.close()
	}
}
