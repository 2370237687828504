package visa

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/device/line"
	"poskey/pkg/device/visa/table"
)

// session runs exchanges over a line: who sends what again, and how long anybody waits. It knows no packets.
type session struct {
	line    *line.Reader
	clock   device.Clock
	timeout time.Duration
	retries int
	trace   device.Trace
	profile string
	dec     *Decoder
	// The last exchange was over with an ACK. Should an EOT come (mayEnd), or the answer again because the ACK was lost
	// (mayRepeat), it still belongs to that one, until the terminal has acknowledged something else.
	mayEnd, mayRepeat bool
	// settled says that a question was answered since the last frame that leaves once: answers come in the order of the
	// questions, so no older one is on its way. The line is older than this session: it begins unsettled.
	settled  bool
	repeated bool // a question was sent more than once: another answer to it may come
	// show renders what is received, by what is awaited; nil hides it all.
	show func(Frame) string
}

func newSession(rw io.ReadWriteCloser, o device.Options) *session {
	o = line.Defaults(o, table.Timeout, table.Repeats)
	return &session{line: line.NewReader(rw, o.Clock), clock: o.Clock, timeout: o.Timeout, retries: o.Retries, trace: o.Trace,
		profile: o.Profile, dec: NewDecoder()}
}

func (s *session) close() error {
	err := s.line.Close()
	s.dec.Wipe()
	return err
}

// timer is one waiting.
type timer struct {
	fired <-chan time.Time
	stop  func()
}

// startTimer is called before something is sent: the answer may come as soon as the last byte is out.
func (s *session) startTimer() timer {
	fired, stop := s.clock.After(s.timeout)
	return timer{fired, stop}
}

// next gives the next event, whatever it is.
func (s *session) next(ctx context.Context, t timer) (ev Event, err error) {
	err = s.line.Feed(ctx, t.fired, func(c byte) bool {
		ev = s.dec.Feed(c)
		return ev.Kind != NoEvent
	})
	if err != nil {
		return Event{}, err
	}
	s.trace(device.Received, describeEvent(ev, s.show))
	return ev, nil
}

// forget throws away what an earlier exchange left behind.
func (s *session) forget() {
	s.line.Forget()
	s.dec.Reset()
	s.dec.Noise = 0
}

func (s *session) sendFrame(f Frame) error {
	wire := f.Encode()
	defer wire.Wipe()
	s.trace(device.Sent, describe(f))
	return s.line.Write(wire.Expose(), s.timeout)
}

func (s *session) sendControl(c byte) error {
	s.trace(device.Sent, describeControl(c))
	return s.line.Write([]byte{c}, s.timeout)
}

// abort tells the terminal that the exchange is over. It failed already; that this may fail too adds nothing.
func (s *session) abort() { _ = s.sendControl(table.EOT) }

// finish acknowledges an answer and waits for the terminal's EOT. An answer that comes again was not acknowledged as
// far as the terminal knows, so it is again, as often as anything is repeated.
func (s *session) finish(ctx context.Context, answer Frame) error {
	t := s.startTimer()
	defer t.stop()
	reply := byte(table.ACK)
	s.show = showAgain(answer, s.show)
	defer func() { s.show = nil }()
	for replies := 0; ; {
		if reply != 0 && replies <= s.retries {
			replies++
			if err := s.sendControl(reply); err != nil {
				return line.Fault(err)
			}
		}
		ev, err := s.next(ctx, t)
		if errors.Is(err, line.ErrTimeout) {
			return fault.New(fault.DeviceTimeout, "the terminal did not end the exchange with EOT within %s", s.timeout)
		}
		if err != nil {
			return line.Fault(err)
		}
		if ev.Kind == GotEOT {
			s.mayEnd = false
			return nil
		}
		reply = replyTo(ev, answer)
	}
}

// acknowledge ends an exchange of transaction frames. Nothing comes after it, but some terminals say EOT all the same.
func (s *session) acknowledge() error {
	s.mayEnd, s.mayRepeat = true, true
	if err := s.sendControl(table.ACK); err != nil {
		return line.Fault(err)
	}
	return nil
}

// replyTo says what to send for an event that is not the EOT awaited; 0 is nothing.
func replyTo(ev Event, answer Frame) byte {
	switch ev.Kind {
	case DamagedFrame:
		return table.NAK
	case GotFrame:
		defer ev.Frame.Wipe()
		if ev.Frame.Equal(answer) {
			return table.ACK
		}
	}
	return 0
}

// maxUnquiet bounds the waiting for a quiet line, in time-outs.
const maxUnquiet = 4

// quiet waits until nothing has come for one time-out, and throws away what came before. What is sent then is not
// answered by it.
func (s *session) quiet(ctx context.Context) error {
	most, stop := s.clock.After(maxUnquiet * s.timeout)
	defer stop()
	for {
		t := s.startTimer()
		chunk, err := s.line.Read(ctx, t.fired)
		t.stop()
		switch {
		case errors.Is(err, line.ErrTimeout):
			s.settled, s.repeated = true, false
			return nil
		case err != nil:
			return line.Fault(err)
		}
		s.trace(device.Received, fmt.Sprintf("<%d bytes that nobody asked for>", len(chunk)))
		secret.Wipe(chunk)
		select {
		case <-most:
			return fault.New(fault.DeviceLink, "the line is not quiet: an answer to somebody else could be taken for one to "+
				"this load; end what else uses the terminal, and try again")
		default:
		}
	}
}
