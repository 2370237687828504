package visa

import (
	"context"
	"errors"

	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/device/line"
	"poskey/pkg/device/visa/table"
)

// question is a frame and what may answer it.
type question struct {
	ask    Frame
	answer string // id of the answer
	bare   bool   // ACK alone answers it
	ended  bool   // ACK and EOT alone answer it
	once   bool   // never send it again unless the terminal says that it came damaged
}

// request is one exchange on its way to an answer.
type request struct {
	*session
	question
	timer   timer
	sent    int  // how often ask went out
	taken   bool // the terminal acknowledged it
	done    bool // it is answered without a frame
	missed  bool // the terminal did not take it, that much is known
	damaged int  // answers that came damaged
	strays  int  // frames that answer something else
}

// request sends a frame and gives the answer, a frame with the same id. The answer is not acknowledged yet: that is the
// caller's decision, and for packet 02 it is the commit. After an error the exchange is over on both sides.
func (s *session) request(ctx context.Context, ask Frame) (Frame, error) {
	answer, _, err := s.put(ctx, question{ask: ask, answer: ask.ID()})
	return answer, err
}

// put sends a frame and gives what answers it; a zero frame where that is none. With an error missed says whether it is
// known that the terminal did not take the frame: it never arrived whole, or was refused before it was acknowledged.
func (s *session) put(ctx context.Context, q question) (answer Frame, missed bool, err error) {
	s.forget()
	r := &request{session: s, question: q, timer: timer{stop: func() {}}}
	defer func() { r.timer.stop() }()
	s.show = showAnswer(q, s.profile)
	answer, err = r.run(ctx)
	switch {
	case q.once:
		s.settled = err == nil || r.missed
	case answer != (Frame{}): // an ACK alone may be anybody's
		s.settled = true
	}
	s.repeated = s.repeated || !q.once && r.sent > 1
	if err != nil {
		s.show = nil
	}
	return answer, r.missed, fault.Wrap(err, "packet %s", q.ask.ID())
}

func (r *request) run(ctx context.Context) (Frame, error) {
	if err := r.send(); err != nil {
		return Frame{}, err
	}
	for {
		ev, err := r.next(ctx, r.timer)
		switch {
		case errors.Is(err, line.ErrTimeout):
			err = r.silence()
		case err != nil:
			r.abort()
			err = line.Fault(err)
		case ev.Kind == GotFrame && r.isRepeat(ev.Frame):
			ev.Frame.Wipe()
			err = r.acknowledge()
		case ev.Kind == GotFrame && r.answeredBy(ev.Frame):
			return ev.Frame, nil
		default:
			err = r.take(ev)
		}
		if err != nil || r.done {
			return Frame{}, err
		}
	}
}

func (r *request) answeredBy(f Frame) bool { return f.Kind == r.ask.Kind && f.ID() == r.answer }

// isRepeat sees the answer of the exchange before, which comes again. It looks like the answer that is awaited, and for a
// frame that leaves once it would be a proof of something else: such an answer counts only behind an ACK.
func (r *request) isRepeat(f Frame) bool {
	return r.once && r.mayRepeat && !r.taken && r.answeredBy(f)
}

// restart begins a new waiting.
func (r *request) restart() {
	r.timer.stop()
	r.timer = r.startTimer()
}

func (r *request) send() error {
	r.sent++
	r.restart()
	if err := r.sendFrame(r.ask); err != nil {
		r.missed = true // not whole at least, and half a frame is none
		return line.Fault(err)
	}
	return nil
}

// take handles what is not the answer.
func (r *request) take(ev Event) error {
	switch ev.Kind {
	case GotACK:
		r.acknowledged()
	case GotNAK:
		return r.refused()
	case GotEOT:
		return r.endOfIt()
	case GotFrame:
		ev.Frame.Wipe()
		r.strays++
	case DamagedFrame:
		return r.askAgain()
	}
	return nil
}

func (r *request) acknowledged() {
	if r.taken {
		return
	}
	r.taken, r.mayEnd, r.mayRepeat = true, false, false
	r.restart()
	if r.bare {
		r.done, r.mayEnd = true, true
	}
}

// endOfIt takes an EOT: the end of the exchange before, or of this one, with or without success.
func (r *request) endOfIt() error {
	if r.mayEnd && !r.taken {
		r.mayEnd = false
		return nil
	}
	if r.ended && r.taken {
		r.done = true
		return nil
	}
	r.missed = !r.taken
	return endedByTerminal()
}

func endedByTerminal() error {
	return &device.CodeError{Dialect: table.Dialect, Answer: "EOT", CodeInfo: table.Ended()}
}

// refused sends the frame again that the terminal could not read. Once it was taken, a late NAK means nothing.
func (r *request) refused() error {
	if r.taken {
		return nil
	}
	if r.sent <= r.retries {
		return r.send()
	}
	r.missed = true
	r.abort()
	return fault.New(fault.DeviceLink,
		"the terminal found the frame damaged %d times; check the line, its speed and its parity", r.sent)
}

// askAgain asks for an answer again that came damaged. That there is one shows that the frame was taken.
func (r *request) askAgain() error {
	r.taken = true
	r.damaged++
	if r.damaged > r.retries {
		r.abort()
		return fault.New(fault.DeviceLink,
			"the answer came damaged %d times; check the line, its speed and its parity", r.damaged)
	}
	r.restart()
	if err := r.sendControl(table.NAK); err != nil {
		return line.Fault(err)
	}
	return nil
}

// silence sends the frame again that nobody acknowledged, or gives up.
func (r *request) silence() error {
	if !r.taken && !r.once && r.sent <= r.retries {
		return r.send()
	}
	r.abort()
	switch {
	case r.strays > 0:
		return fault.New(fault.DeviceLink, "no answer within %s, but %d frames that answer something else; "+
			"is this the right device, and nobody else talking to it?", r.timeout, r.strays)
	case r.dec.Noise > 0:
		return fault.New(fault.DeviceLink, "no answer within %s, but %d bytes that are no frame; "+
			"is this the right device, and speed and parity right?", r.timeout, r.dec.Noise)
	case r.taken:
		return fault.New(fault.DeviceTimeout, "the terminal took the frame, but gave no whole answer within %s", r.timeout)
	}
	return fault.New(fault.DeviceTimeout, "no answer within %s, sent %d times; is the terminal on, connected, and in the "+
		"mode in which it takes keys?", r.timeout, r.sent)
}
