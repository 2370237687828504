package futurex

import (
	"context"
	"errors"
	"io"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/device/futurex/table"
	"poskey/pkg/device/line"
)

// session runs exchanges over a line: one frame asks, one answers. It knows when to ask again, and nothing of keys.
type session struct {
	line   *line.Reader
	o      device.Options
	layout Layout
	dec    *Decoder
	// The answer to an order may still come, and must not be taken for another's. It is so from the beginning: the line is
	// older than this session, and who had it before may have left an order on it.
	owed    bool
	ordered bool // an order of this session is what is owed
	missing int  // answers to questions of this session that never came
}

func newSession(rw io.ReadWriteCloser, o device.Options) *session {
	o = line.Defaults(o, table.Timeout, table.Repeats)
	return &session{line: line.NewReader(rw, o.Clock), o: o, layout: LayoutOf(o), dec: NewDecoder(),
		owed: true}
}

func (s *session) close() error {
	err := s.line.Close()
	s.dec.Wipe()
	return err
}

// forget throws away what an earlier exchange left behind.
func (s *session) forget() {
	s.line.Forget()
	s.dec.Reset()
	s.dec.Noise = 0
}

// question asks what changes nothing: it may be asked again. Answers come in the order of the questions, so once this
// one is here no order's is on its way.
func (s *session) question(ctx context.Context, ask Frame) (Reply, error) {
	x := exchange{session: s, ask: ask, again: true}
	reply, err := x.run(ctx)
	if err == nil {
		s.owed = false
	}
	return reply, fault.Wrap(err, "command %s", ask.Command())
}

// order says what changes something, once. With sent, the terminal may have it, and nobody knows what became of it. A
// context that ends does not count any more then: the answer is what tells.
func (s *session) order(ctx context.Context, ask Frame) (reply Reply, sent bool, err error) {
	if err := ctx.Err(); err != nil {
		return Reply{}, false, line.Fault(err)
	}
	if err := s.settle(ctx, ask); err != nil {
		return Reply{}, false, err
	}
	if err := ctx.Err(); err != nil {
		return Reply{}, false, line.Fault(err)
	}
	x := exchange{session: s, ask: ask}
	reply, err = x.run(context.WithoutCancel(ctx))
	s.owed = err != nil && x.sent
	s.ordered = s.owed
	return reply, s.owed, fault.Wrap(err, "command %s", ask.Command())
}

// settle makes sure that no older answer is on its way when an order leaves: neither one to an order, for which the
// serial number is asked, nor one to a question, by which the next session would be taken in.
func (s *session) settle(ctx context.Context, next Frame) error {
	if s.owed {
		if err := s.overtake(ctx); err != nil {
			return fault.Wrap(err, "command %s: an earlier answer is missing", next.Command())
		}
	}
	return s.collect(ctx)
}

// overtake asks for the serial number. A terminal that does not know the question says it back, which a line that
// repeats what it is told does too: then, before the first order, a line on which nothing else came for so long is
// taken for a quiet one.
func (s *session) overtake(ctx context.Context) error {
	ask, err := AskSerial()
	if err != nil {
		return err
	}
	defer ask.Wipe()
	x := exchange{session: s, ask: ask, again: true}
	if _, err := x.run(ctx); err != nil && (s.ordered || !x.onlyEchoes() || ctx.Err() != nil) {
		return err
	} else if err != nil {
		s.missing = 0
	}
	s.owed = false
	return nil
}

// collect waits for the answers to questions that were asked more than once. Any that takes longer than two time-outs is
// taken for lost.
func (s *session) collect(ctx context.Context) error {
	if s.missing == 0 {
		return nil
	}
	defer func() { s.missing = 0 }()
	ask, err := AskSerial()
	if err != nil {
		return err
	}
	defer ask.Wipe()
	x := exchange{session: s, ask: ask}
	for s.missing > 0 {
		fired, stop := s.o.Clock.After(2 * s.o.Timeout)
		ev, err := x.next(ctx, fired)
		stop()
		switch {
		case errors.Is(err, line.ErrTimeout):
			return nil
		case err != nil:
			return line.Fault(err)
		case ev.Kind == GotFrame:
			ev.Frame.Wipe()
		}
		s.missing--
	}
	return nil
}

// exchange is one question on its way to its answer.
type exchange struct {
	*session
	ask     Frame
	again   bool // it may be sent again
	sent    bool // it went out, and the terminal did not say that it came damaged
	times   int  // how often it was sent
	damaged int  // frames that came damaged
	strays  int  // frames that answer something else
	echoes  int  // the frame itself
}

func (x *exchange) run(ctx context.Context) (Reply, error) {
	for {
		reply, err := x.once(ctx)
		if err == nil && reply.Code == table.LRCWrong {
			x.sent = false // it came damaged, so nothing came of it
			if x.times <= x.o.Retries {
				continue
			}
		}
		if x.again && errors.Is(err, line.ErrTimeout) {
			x.missing++
		}
		if err != nil && x.again && x.times <= x.o.Retries && isLost(err) {
			continue
		}
		if err != nil && isLost(err) {
			err = x.explain()
		}
		return reply, err
	}
}

// errLost says that an answer came damaged, and need not be waited for.
var errLost = errors.New("the answer came damaged")

func isLost(err error) bool { return errors.Is(err, line.ErrTimeout) || errors.Is(err, errLost) }

// once sends the frame and waits for its answer.
func (x *exchange) once(ctx context.Context) (Reply, error) {
	x.forget()
	x.times++
	fired, stop := x.o.Clock.After(x.o.Timeout) // before the sending: the answer may come with its last byte
	defer stop()
	if err := x.send(); err != nil {
		return Reply{}, err
	}
	for {
		ev, err := x.next(ctx, fired)
		switch {
		case errors.Is(err, line.ErrTimeout):
			return Reply{}, err
		case err != nil:
			return Reply{}, line.Fault(err)
		case ev.Kind == DamagedFrame:
			x.damaged++
			if x.again {
				return Reply{}, errLost
			}
		default:
			reply, mine, err := x.read(ev.Frame)
			if mine || err != nil {
				return reply, err
			}
		}
	}
}

// send writes the frame. A write that failed is a frame that did not go out whole; of one that was given up nobody
// knows.
func (x *exchange) send() error {
	wire := x.ask.Encode()
	defer wire.Wipe()
	x.o.Trace(device.Sent, x.layout.describe(x.ask))
	err := x.line.Write(wire.Expose(), x.o.Timeout)
	x.sent = err == nil || errors.Is(err, line.ErrTimeout)
	if err != nil {
		return line.Fault(err)
	}
	return nil
}

// read takes a frame as the answer, unless it is none: the frame itself, sent back by the line, or another command's.
func (x *exchange) read(f Frame) (reply Reply, mine bool, err error) {
	defer f.Wipe()
	switch {
	case f.Equal(x.ask):
		x.echoes++
		return Reply{}, false, nil
	case f.Command() != x.ask.Command() || IsPoll(f):
		x.strays++
		return Reply{}, false, nil
	}
	reply, err = ParseReply(f, x.ask.Command())
	return reply, err == nil, err
}

// next gives the next event, whatever it is.
func (x *exchange) next(ctx context.Context, timer <-chan time.Time) (ev Event, err error) {
	err = x.line.Feed(ctx, timer, func(c byte) bool {
		ev = x.dec.Feed(c)
		return ev.Kind != NoEvent
	})
	if err != nil {
		return Event{}, err
	}
	x.o.Trace(device.Received, describeAnswer(ev, x.ask.Command()))
	return ev, nil
}

// onlyEchoes says that nothing came but the frame itself.
func (x *exchange) onlyEchoes() bool {
	return x.echoes > 0 && x.damaged == 0 && x.strays == 0 && x.dec.Noise == 0
}

// explain says what came in place of an answer.
func (x *exchange) explain() error {
	switch {
	case x.damaged > 0:
		return fault.New(fault.DeviceLink,
			"the answer came damaged %d times; check the line, its speed and its parity", x.damaged)
	case x.echoes > 0:
		return fault.New(fault.DeviceLink, "nothing came back within %s but the frame itself; the line repeats what it is "+
			"told, or the terminal does not know the command", x.o.Timeout)
	case x.strays > 0:
		return fault.New(fault.DeviceLink, "no answer within %s, but %d frames that answer something else; "+
			"is this the right device, and nobody else talking to it?", x.o.Timeout, x.strays)
	case x.dec.Noise > 0:
		return fault.New(fault.DeviceLink, "no answer within %s, but %d bytes that are no frame; "+
			"is this the right device, and speed and parity right?", x.o.Timeout, x.dec.Noise)
	}
	return fault.New(fault.DeviceTimeout, "no answer within %s, sent %d times; is the terminal on, connected, and in the "+
		"mode in which it takes keys?", x.o.Timeout, x.times)
}
