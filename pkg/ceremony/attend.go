package ceremony

// The beginning and the end: everybody is there, the room is declared, everybody signs.

import (
	"context"
	"slices"

	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/custody"
)

// place is a seat with what it is for.
type place struct {
	seat script.Seat
	role string
	key  string
	part int
}

const (
	roleCustodian = "custodian"
	roleFormer    = "former custodian"
	roleNone      = "other"
)

// places lists every seat of the ceremony: the roles, then the custodians in the order of their steps.
func places(p *script.Program) []place {
	var all []place
	for _, role := range []script.Role{script.Leader, script.Witness, script.SecondWitness, script.Operator} {
		if seat, ok := p.Script.Roles[role]; ok && seat.Primary != "" {
			all = append(all, place{seat: seat, role: string(role)})
		}
	}
	for _, s := range p.Steps {
		if s.Step.Do == script.InitStore && s.Key != nil {
			for _, part := range s.Key.Parts {
				all = append(all, place{part.Custodian, roleCustodian, s.Key.ID, part.Number})
			}
		}
		if s.Part == nil {
			continue
		}
		for _, seat := range []script.Seat{s.Actor, s.Seconder} {
			if seat != s.Part.Custodian && seat != s.Part.Former {
				continue
			}
			one := place{seat, roleCustodian, s.Key.ID, s.Part.Number}
			if seat == s.Part.Former {
				one.role = roleFormer
			}
			if seat.Primary != "" && !slices.Contains(all, one) {
				all = append(all, one)
			}
		}
	}
	return all
}

// attend seats everybody, and leader and witness confirm the script.
func (l *lead) attend(ctx context.Context, t *turn) error {
	if err := l.seatAll(ctx, t); err != nil {
		return err
	}
	for _, role := range []script.Role{script.Leader, script.Witness} {
		if err := l.confirmScript(ctx, role); err != nil {
			return err
		}
	}
	return nil
}

// seatAll has everybody log in, once each; who has logged in already signs again only for what they did.
func (l *lead) seatAll(ctx context.Context, t *turn) error {
	signed := map[string]bool{}
	for _, p := range places(l.Program) {
		if err := l.take(ctx, t, p, signed); err != nil {
			return err
		}
	}
	return nil
}

// take fills one seat.
func (l *lead) take(ctx context.Context, t *turn, p place, signed map[string]bool) error {
	id, who := t.actor, t.who
	switch {
	case id != nil && (p.seat == t.Actor || p.seat.Primary == who.ID):
	case p.seat.Backup == "" && signed[p.seat.Primary]:
		return l.seatTaken(ctx, p, l.person(p.seat.Primary)) // has logged in for another seat
	default:
		fresh, sits, _, err := l.enterRoom(ctx, p.seat)
		if err != nil {
			return err
		}
		defer fresh.Wipe()
		id, who = fresh, sits
	}
	if err := l.seatTaken(ctx, p, who); err != nil {
		return err
	}
	signed[who.ID] = true
	return l.sign(id)
}

func (l *lead) seatTaken(ctx context.Context, p place, who script.Person) error {
	if l.took[p] == who.ID {
		return nil
	}
	if l.seated[p.seat] == "" {
		l.seated[p.seat] = who.ID
	}
	l.took[p], l.welcomed[who.ID] = who.ID, true
	seat := seatPrimary
	if who.ID != p.seat.Primary {
		seat = seatBackup
	}
	e := transcript.Entry{Kind: transcript.KindAttended, Who: who.ID, Key: p.key, Part: p.part,
		Card:    l.cards[who.ID].Marshal(),
		Details: map[string]string{"role": p.role, "seat": seat}}
	return l.tell(ctx, e, told(text.New("%s (%s) is there: %s", who.Name, who.ID, l.seatName(p.seat))))
}

// declare has two people say what the room is like.
func (l *lead) declare(ctx context.Context, t *turn) error {
	if err := l.said(t); err != nil {
		return err
	}
	if err := l.confirm(ctx, text.New(`%s: what was read is true of this room; type "declare"`, t.who.ID),
		"declare"); err != nil {
		return err
	}
	e := transcript.Entry{Kind: transcript.KindConfirmed, Who: t.who.ID, Details: map[string]string{"what": transcript.SaidDeclaration}}
	return l.tell(ctx, e, told(text.New("%s declares it", t.who.ID)))
}

// closing is the last step: everybody who attended is still known, and nothing lies open.
func (l *lead) closing(ctx context.Context, t *turn) error {
	if err := l.proveKept(ctx, t); err != nil {
		return err
	}
	var open []string
	for _, k := range l.s.Keys {
		if len(l.keys[k.ID].parts) > 0 {
			open = append(open, k.ID)
		}
		l.keys[k.ID].wipe()
	}
	for _, id := range open {
		e := transcript.Entry{Kind: transcript.KindVoid, Key: id,
			Details: map[string]string{"why": "closed without being formed"}}
		if err := l.tell(ctx, e, told(text.New("parts of %s were not formed; they are void", id))); err != nil {
			return err
		}
	}
	if err := l.confirm(ctx, text.New(`%s: everything is put away; type "close"`, t.who.ID), "close"); err != nil {
		return err
	}
	return l.write(transcript.Entry{Kind: transcript.KindConfirmed, Who: t.who.ID,
		Details: map[string]string{"what": transcript.SaidAway}})
}

// close has everybody sign what happened.
func (l *lead) close(ctx context.Context) error {
	var all []*custody.Identity
	defer func() {
		for _, id := range all {
			id.Wipe()
		}
	}()
	l.number = 0
	for { // what nobody signs is not closed
		if err := l.Desk.Say(ctx, l.heading(text.New("everybody signs the record"))); err != nil {
			return err
		}
		for i := 0; i < len(l.present); i++ { // a backup may come to write a deviation
			id, err := l.signer(ctx, l.present[i])
			if err != nil {
				return err
			}
			if id != nil {
				all = append(all, id)
			}
		}
		if len(all) > 0 {
			break
		}
		if err := l.Desk.Say(ctx, alarm(text.New("nobody has signed; a record without a signature is not closed"))); err != nil {
			return err
		}
	}
	if err := l.signEnd(all); err != nil {
		return err
	}
	l.out.State = transcript.Closed
	return l.Desk.Say(ctx, l.heading(text.New("the ceremony is over; the record is signed and closed")))
}

// signEnd writes the last lines: the statement about all that was written, with signatures.
func (l *lead) signEnd(all []*custody.Identity) error {
	if err := l.write(transcript.Entry{Kind: transcript.KindClosing, People: slices.Clone(l.present)}); err != nil {
		return err
	}
	statement, err := l.Log.Statement()
	if err != nil {
		return err
	}
	note, err := custody.SignNote(statement, all...)
	if err != nil {
		return err
	}
	if err := l.Log.Close(note); err != nil {
		return err
	}
	for _, id := range all {
		l.out.Signers = append(l.out.Signers, id.Card().ID())
	}
	return nil
}

// signer has somebody log in to sign the end. Who has gone is left out, after a deviation.
func (l *lead) signer(ctx context.Context, who string) (*custody.Identity, error) {
	seat := script.Seat{Primary: who}
	for {
		answer, err := l.ask(ctx, text.New(`%s: type your id to sign the record, or "-" when you have gone`, who))
		if err != nil {
			return nil, err
		}
		switch answer {
		case wordNone:
			again, err := l.choose(ctx, nil, wordGoOn)
			if err != nil {
				return nil, err
			}
			if !again {
				return nil, nil
			}
		case who:
			id, err := l.open1(ctx, l.person(seat.Primary))
			if err != nil || id != nil {
				return id, err
			}
		default:
			if answer != "" && !l.named(answer) {
				if err := l.unnamed(ctx); err != nil {
					return nil, err
				}
			}
		}
	}
}
