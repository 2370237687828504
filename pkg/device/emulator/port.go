package emulator

import (
	"context"
	"errors"
	"strings"
	"time"

	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/device/line"
	"poskey/pkg/device/visa/table"
)

// visaPort is the dialect of the VISA/VeriFone PINpad packets.
type visaPort struct {
	layout  Layout
	profile string
}

// Visa is the port that speaks the visa dialect as a profile has it, device.ProfileUIC ("" too, with the slots of the
// UIC PP791), device.ProfileVeriFone or device.ProfilePoskey.
func Visa(profile string) Port {
	l := Layout{
		Rules: table.Slots(), Initial: table.InitialSlots(), KEK: table.KLK, KeyVersion: table.KeyVersion,
		Exportability: table.Exportability,
		Known: func(slot device.Slot) bool {
			return len(slot) == 1 && strings.Contains(table.AllSlots, string(slot)) ||
				slot == table.Initial90 || slot == table.Initial94
		},
	}
	switch profile {
	case device.ProfileVeriFone:
		l.Rules = table.VeriFoneSlots()
		l.Blocks = func(byte, bool) []int { return nil } // it takes GISKE blocks, which are not spoken here
	case device.ProfilePoskey:
		l.Rules = append(l.Rules, device.SlotRule{Slots: string(table.KLK), Usage: table.DefaultUsage,
			Lengths: []int{16, 24, 32}, Algorithms: "A", Modes: string(table.DefaultMode)}) // from the factory
		l.Blocks = func(version byte, initial bool) []int {
			if lengths := table.AESBlockLengths(version); initial && lengths != nil {
				return lengths
			}
			return visaBlocks(version, initial)
		}
	default:
		l.Blocks = visaBlocks
	}
	return &visaPort{l, profile}
}

func visaBlocks(version byte, initial bool) []int {
	if initial {
		return table.InitialBlockLengths(version)
	}
	return table.BlockLengths(version)
}

func (p *visaPort) Dialect() string { return table.Dialect }

func (p *visaPort) Layout() Layout { return p.layout }

// Serve takes frame after frame.
func (p *visaPort) Serve(ctx context.Context, w *Wire) error {
	s := &port{t: w.t, w: w, veriFone: p.profile == device.ProfileVeriFone}
	defer s.tape.wipe()
	defer s.chain.wipe()
	return s.serve(ctx)
}

// port is the terminal's side of one line: what comes in, what goes out, and how long the terminal waits. What a packet
// means is packets.go's business.
type port struct {
	t        *Terminal
	w        *Wire
	veriFone bool // VeriFone's forms are used where they differ
	tape     tape
	naks     int // damaged frames in a row
	late     int // good frames refused since the last one that was taken, for NAKFirst2
	chain    macChain
}

// serve takes frame after frame.
func (p *port) serve(ctx context.Context) error {
	for {
		tok, err := p.next(ctx, nil)
		for err == nil && tok.kind == frame {
			tok, err = p.exchange(ctx, tok) // an exchange may end with the frame of the next one
		}
		if err == nil && tok.kind == damaged {
			err = p.complain()
		}
		if err != nil {
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
		chunk, err := p.w.Read(ctx, timer)
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
	if err := p.w.Write([]byte{table.NAK}); err != nil {
		return err
	}
	if p.naks <= table.Repeats {
		return nil
	}
	p.naks = 0
	return p.w.Write([]byte{table.EOT})
}

// exchange deals with one good frame. It gives the token that ended it early, where that was another frame.
func (p *port) exchange(ctx context.Context, tok token) (token, error) {
	defer secret.Wipe(tok.body)
	p.naks = 0
	if _, on := p.w.Ordered(NAKFirst2); on && p.late < 2 {
		p.late++
		p.w.Misbehaves(NAKFirst2)
		return token{}, p.w.Write([]byte{table.NAK})
	}
	p.late = 0
	if err := p.w.Begin(ctx); err != nil {
		return token{}, err
	}
	r := p.answer(tok)
	defer r.wipe()
	if r.stored {
		if err := p.w.Stored(); err != nil {
			return token{}, err
		}
	}
	switch {
	case r.ignore:
		p.t.report(Event{Kind: Ignored})
		return token{}, nil
	case r.body == nil:
		return token{}, p.w.Write(r.control)
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
	cut := r.commit != nil && p.w.Misbehaves(DisconnectBeforeEcho)
	_, joined := p.w.Ordered(JoinedWrites)
	p.w.Misbehaves(SplitWrites) // the wire does it
	switch {
	case p.w.Misbehaves(DropACK):
	case joined && !cut:
		p.w.Misbehaves(JoinedWrites)
		both := append([]byte{table.ACK}, first...)
		defer secret.Wipe(both)
		return p.w.Write(both)
	default:
		if err := p.w.Write([]byte{table.ACK}); err != nil {
			return err
		}
	}
	if cut {
		p.w.Cut()
		return ErrCut
	}
	return p.w.Write(first)
}

// wireAnswer frames the answer; the first time with what is to be wrong about it.
func (p *port) wireAnswer(r *reply, first bool) []byte {
	if _, on := p.w.Ordered(WrongEcho); on && r.commit != nil {
		if first {
			p.w.Misbehaves(WrongEcho)
		}
		changed := append([]byte(nil), r.body...)
		defer secret.Wipe(changed)
		at := min(3, len(changed)-1)
		changed[at] = otherDigit(changed[at])
		return r.pack(changed)
	}
	wire := r.pack(r.body)
	if first && p.w.Misbehaves(BadLRC) {
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
	deaf := false
	for repeats := 0; ; {
		fired, stop := p.w.After(p.w.Timeout())
		tok, err := p.next(ctx, fired)
		stop()
		switch {
		case errors.Is(err, line.ErrTimeout) && repeats < table.Repeats:
			repeats++
			err = p.w.Write(wire)
		case errors.Is(err, line.ErrTimeout):
			p.t.report(Event{Kind: Unanswered, Slot: r.slot})
			return token{}, p.w.Write([]byte{table.EOT})
		case err != nil:
		case tok.kind == frame:
			return tok, nil
		case tok.kind == damaged:
			err = p.complain()
		case tok.kind == control && tok.c == table.ACK && !deaf && p.w.Misbehaves(LostACK):
			deaf = true
		case tok.kind == control && tok.c == table.ACK:
			return token{}, p.closing(r)
		case tok.kind == control && tok.c == table.NAK:
			err = p.w.Write(wire)
		case tok.kind == control && tok.c == table.EOT:
			p.t.report(Event{Kind: Cancelled, Slot: r.slot})
			return token{}, nil
		}
		if err != nil {
			return token{}, err
		}
	}
}

// closing stores what was committed and ends the exchange. What could not be stored is not ended: silence is all that
// the dialect has for that.
func (p *port) closing(r *reply) error {
	if r.commit != nil {
		if why := r.commit(); why != Accepted {
			p.t.report(Event{Kind: Refused, Slot: r.slot, Reason: why})
			return nil
		}
		if err := p.w.Stored(); err != nil {
			return err
		}
		if p.w.Misbehaves(DisconnectAfterCommit) {
			p.w.Cut()
			return ErrCut
		}
	}
	if r.start == table.STX || p.w.Misbehaves(NoEOT) {
		return nil
	}
	return p.w.Write([]byte{table.EOT})
}
