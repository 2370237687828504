package emulator

import (
	"context"
	"errors"
	"io"
	"time"

	"poskey/internal/secret"
	"poskey/pkg/device/line"
	"poskey/pkg/device/visa/table"
)

// port is the terminal's side of one line: what comes in, what goes out, and how long the terminal waits. What a packet
// means is packets.go's business.
type port struct {
	t    *Terminal
	line *line.Line
	tape tape
	naks int // damaged frames in a row
	late int // good frames refused since the last one that was taken, for NAKFirst2
}

// errCut says that the terminal cut the line on purpose.
var errCut = errors.New("the emulator cut the line")

// serve takes frame after frame.
func (p *port) serve(ctx context.Context) error {
	for {
		tok, err := p.next(ctx, nil)
		for err == nil && tok.kind == frame {
			tok, err = p.exchange(ctx, tok.body) // an exchange may end with the frame of the next one
		}
		if err == nil && tok.kind == damaged {
			err = p.complain()
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, errCut):
			return nil
		case err != nil:
			return err
		}
	}
}

// next gives the next token, waiting until timer fires.
func (p *port) next(ctx context.Context, timer <-chan time.Time) (token, error) {
	for {
		if tok := p.tape.next(); tok.kind != nothing {
			return tok, nil
		}
		chunk, err := p.line.Read(ctx, timer)
		if err != nil {
			return token{}, err
		}
		p.tape.push(chunk)
		secret.Wipe(chunk)
	}
}

// complain answers a damaged frame: NAK, and EOT after the third.
func (p *port) complain() error {
	p.t.report(Event{Kind: Damaged})
	p.naks++
	if err := p.send([]byte{table.NAK}); err != nil {
		return err
	}
	if p.naks <= table.Repeats {
		return nil
	}
	p.naks = 0
	return p.send([]byte{table.EOT})
}

// exchange deals with one good frame. It gives the token that ended it early, where that was another frame.
func (p *port) exchange(ctx context.Context, body []byte) (token, error) {
	defer secret.Wipe(body)
	p.naks = 0
	if p.t.faults[NAKFirst2] && p.late < 2 {
		p.late++
		p.t.misbehaves(NAKFirst2)
		return token{}, p.send([]byte{table.NAK})
	}
	p.late = 0
	if p.t.misbehaves(Slow) {
		if err := p.sleep(ctx); err != nil {
			return token{}, err
		}
	}
	r := p.t.answer(body)
	defer r.wipe()
	switch {
	case r.ignore:
		p.t.report(Event{Kind: Ignored})
		return token{}, nil
	case r.body == nil:
		return token{}, p.send([]byte{table.EOT})
	}
	if err := p.opening(r); err != nil {
		return token{}, err
	}
	return p.await(ctx, r)
}

// opening sends ACK and the answer.
func (p *port) opening(r *reply) error {
	first := p.wireAnswer(r, true)
	defer secret.Wipe(first)
	cut := r.commit != nil && p.t.misbehaves(DisconnectBeforeEcho)
	p.t.misbehaves(SplitWrites) // send does it
	switch {
	case p.t.misbehaves(DropACK):
	case p.t.faults[JoinedWrites] && !cut:
		p.t.misbehaves(JoinedWrites)
		joined := append([]byte{table.ACK}, first...)
		defer secret.Wipe(joined)
		return p.send(joined)
	default:
		if err := p.send([]byte{table.ACK}); err != nil {
			return err
		}
	}
	if cut {
		return errCut
	}
	return p.send(first)
}

// wireAnswer frames the answer; the first time with what is to be wrong about it.
func (p *port) wireAnswer(r *reply, first bool) []byte {
	if r.commit != nil && p.t.faults[WrongEcho] {
		if first {
			p.t.misbehaves(WrongEcho)
		}
		changed := append([]byte(nil), r.body...)
		defer secret.Wipe(changed)
		changed[3] = otherDigit(changed[3])
		return pack(changed)
	}
	wire := pack(r.body)
	if first && p.t.misbehaves(BadLRC) {
		wire[len(wire)-1] ^= 0x55
	}
	return wire
}

func otherDigit(c byte) byte {
	if c == '0' {
		return '1'
	}
	return '0'
}

// await waits for the host's word on the answer: ACK stores the key, NAK wants the answer again, EOT cancels.
func (p *port) await(ctx context.Context, r *reply) (token, error) {
	wire := p.wireAnswer(r, false)
	defer secret.Wipe(wire)
	for repeats := 0; ; {
		fired, stop := p.t.cfg.Clock.After(p.t.cfg.Timeout)
		tok, err := p.next(ctx, fired)
		stop()
		switch {
		case errors.Is(err, line.ErrTimeout) && repeats < table.Repeats:
			repeats++
			err = p.send(wire)
		case errors.Is(err, line.ErrTimeout):
			p.t.report(Event{Kind: Unanswered, Slot: r.slot})
			return token{}, p.send([]byte{table.EOT})
		case err != nil:
		case tok.kind == frame:
			return tok, nil
		case tok.kind == damaged:
			err = p.complain()
		case tok.kind == control && tok.c == table.ACK:
			return token{}, p.closing(r)
		case tok.kind == control && tok.c == table.NAK:
			err = p.send(wire)
		case tok.kind == control && tok.c == table.EOT:
			p.t.report(Event{Kind: Cancelled, Slot: r.slot})
			return token{}, nil
		}
		if err != nil {
			return token{}, err
		}
	}
}

// closing stores what was committed and ends the exchange.
func (p *port) closing(r *reply) error {
	if r.commit != nil {
		r.commit()
		if p.t.misbehaves(DisconnectAfterCommit) {
			return errCut
		}
	}
	if p.t.misbehaves(NoEOT) {
		return nil
	}
	return p.send([]byte{table.EOT})
}

// send writes to the line, byte by byte where that is asked for.
func (p *port) send(b []byte) error {
	if !p.t.faults[SplitWrites] {
		return p.line.Write(b, p.t.cfg.Timeout)
	}
	for i := range b {
		if err := p.line.Write(b[i:i+1], p.t.cfg.Timeout); err != nil {
			return err
		}
	}
	return nil
}

// sleep lets the host's time-out pass. What comes in meanwhile waits on the line.
func (p *port) sleep(ctx context.Context) error {
	fired, stop := p.t.cfg.Clock.After(p.t.cfg.SlowFor)
	defer stop()
	select {
	case <-fired:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
