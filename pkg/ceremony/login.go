package ceremony

// Log-in: who sits down opens their identity with the passphrase, for one step.

import (
	"context"
	"errors"
	"slices"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/custody"
)

// passphraseTries is how often a passphrase may be typed wrong before it is asked again who sits there, and
// passphraseMost how often in all until the ceremony is resumed, which is a deviation. Each time is in the record.
const (
	passphraseTries = 3
	passphraseMost  = 9
)

// The words of a seat.
const (
	seatPrimary = "primary"
	seatBackup  = "backup"
)

func (o *Options) unlockIdentity(locked *custody.Locked, passphrase *secret.Bytes) (*custody.Identity, error) {
	return locked.Unlock(o.Env, passphrase, custody.RecorderFunc(func(custody.Event) error { return nil }))
}

// logIn lets the actor of a step log in.
func (l *lead) logIn(ctx context.Context, t *turn) error {
	id, who, seat, err := l.enterRoom(ctx, t.Actor, l.barred(t)...)
	if err != nil {
		return err
	}
	t.actor, t.who, t.seat = id, who, seat
	return nil
}

// enterRoom lets somebody log in who has the seat. not are those who may not, though they have it.
func (l *lead) enterRoom(ctx context.Context, seat script.Seat, not ...string) (*custody.Identity, script.Person,
	string, error) {
	for {
		who, err := l.whoSits(ctx, seat, not)
		if err != nil {
			return nil, script.Person{}, "", err
		}
		id, err := l.open1(ctx, who)
		if err != nil {
			return nil, script.Person{}, "", err
		}
		if id == nil {
			continue
		}
		l.come(id)
		if err := l.welcome(ctx, seat, who); err != nil {
			id.Wipe()
			return nil, script.Person{}, "", err
		}
		name := seatPrimary
		if who.ID != seat.Primary {
			name = seatBackup
		}
		if err := l.unexpected(ctx, seat, who); err != nil {
			id.Wipe()
			return nil, script.Person{}, "", err
		}
		return id, who, name, nil
	}
}

// whoSits asks for an id until it is that of somebody who has the seat.
func (l *lead) whoSits(ctx context.Context, seat script.Seat, not []string) (script.Person, error) {
	for {
		id, err := l.ask(ctx, text.New("%s: type your id to log in", l.seatName(seat)))
		if err != nil {
			return script.Person{}, err
		}
		var no text.Text
		switch {
		case id == "":
			continue
		case !l.named(id):
			if err := l.unnamed(ctx); err != nil {
				return script.Person{}, err
			}
			continue
		case slices.Contains(not, id):
			no = text.New("%s may not do this as well: it takes another person", id)
		case id != seat.Primary && (seat.Backup == "" || id != seat.Backup):
			no = text.New("%s has no seat here; it is that of %s", id, l.holders(seat))
		default:
			return l.person(id), nil
		}
		if err := l.refuse(ctx, id, no); err != nil {
			return script.Person{}, err
		}
	}
}

func (l *lead) holders(s script.Seat) text.Text {
	if s.Backup == "" {
		return text.Raw(s.Primary)
	}
	return text.New("%s or %s", s.Primary, s.Backup)
}

func (l *lead) named(id string) bool {
	_, ok := l.s.Person(id)
	return ok
}

// unnamed is an answer that is nobody's id. It may be a passphrase that was typed too early: it is in no record, and
// goes from the screen.
func (l *lead) unnamed(ctx context.Context) error {
	e := transcript.Entry{Kind: transcript.KindObserved, Details: map[string]string{"item": "log-in",
		"seen": "no id of the script"}}
	if err := l.write(e); err != nil {
		return err
	}
	if err := l.Desk.Clear(ctx); err != nil {
		return err
	}
	return l.Desk.Say(ctx,
		alarm(text.New("that is no id of the script, and is not recorded; "+
			"if it was a passphrase, others have seen it: change it")))
}

// refuse writes and shows that somebody was not let in.
func (l *lead) refuse(ctx context.Context, id string, why text.Text) error {
	e := transcript.Entry{Kind: transcript.KindObserved, Details: map[string]string{"item": "log-in",
		"seen": public(why.String()), "id": public(id)}}
	return l.tell(ctx, e, alarm(why))
}

// open1 opens somebody's identity; nil when they could not.
func (l *lead) open1(ctx context.Context, who script.Person) (*custody.Identity, error) {
	locked, err := l.Tools.Identity(ctx, who)
	if err == nil {
		err = l.admit(who, locked.Card())
	}
	if err == nil && l.failures[who.ID] >= passphraseMost {
		err = fault.New(fault.NotPermitted,
			"%d wrong passphrases are too many; somebody else takes the seat, or the ceremony is "+
				"interrupted and resumed", l.failures[who.ID])
	}
	if err != nil {
		return nil, l.refuse(ctx, who.ID, text.New("%s cannot log in: %s", who.ID, err))
	}
	for try := 1; try <= passphraseTries; try++ {
		passphrase, err := l.hidden(ctx, l.passphraseQuestion(who))
		if idle(err) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		id, err := l.unlock(locked, passphrase)
		passphrase.Wipe()
		if err == nil {
			in := transcript.Entry{Kind: transcript.KindConfirmed, Who: who.ID, Details: map[string]string{"what": transcript.SaidLogIn}}
			if err := l.write(in); err != nil {
				id.Wipe()
				return nil, err
			}
			return id, nil
		}
		if !errors.Is(err, custody.ErrPassphrase) && !fault.Is(err, fault.Malformed) {
			return nil, l.refuse(ctx, who.ID, text.New("%s cannot log in: %s", who.ID, err))
		}
		l.failures[who.ID]++
		if err := l.refuse(ctx, who.ID, text.New("the passphrase of %s is wrong (%d of %d)", who.ID, try,
			passphraseTries)); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// practising are tools whose passphrases everybody may know.
type practising interface{ Passphrase() string }

func (l *lead) passphraseQuestion(who script.Person) text.Text {
	if p, ok := l.Tools.(practising); ok && l.isRehearsal() {
		return text.New("TEST REHEARSAL: passphrase of %s (for practice: %s)", who.ID, p.Passphrase())
	}
	return text.New("passphrase of %s (hidden)", who.ID)
}

// admit holds a card against the script.
func (l *lead) admit(who script.Person, c custody.Card) error {
	want := l.s.Environment
	if l.isRehearsal() {
		want = custody.Test
	}
	switch before, known := l.cards[who.ID]; {
	case c.ID() != who.ID:
		return fault.New(fault.NotPermitted, "the identity file is that of %s", c.ID())
	case !l.isRehearsal() && IsPractice(c):
		return fault.New(fault.NotPermitted, "the identity is one of a rehearsal, whose passphrase everybody knows")
	case c.Environment() != want:
		return fault.New(fault.NotPermitted, "the card is for %s, the ceremony is for %s", c.Environment().Text(),
			want.Text())
	case !l.isRehearsal() && who.Card != "" && c.Fingerprint().String() != who.Card:
		return fault.New(fault.NotPermitted, "the card has another fingerprint than the script says")
	case !l.isRehearsal() && who.Card == "" && l.s.Environment == custody.Production:
		return fault.New(fault.NotPermitted, "the script does not say the fingerprint of the card")
	case known && before.Fingerprint() != c.Fingerprint():
		return fault.New(fault.NotPermitted, "the card is not the one of before")
	}
	return c.CheckTime(l.Clock())
}

// unexpected writes a deviation when somebody else sits there than before.
func (l *lead) unexpected(ctx context.Context, seat script.Seat, who script.Person) error {
	before := l.seated[seat]
	if before == "" || before == who.ID || l.deciding {
		return nil
	}
	if who.ID == seat.Primary { // is back where they are planned to be
		l.seated[seat] = who.ID
		return nil
	}
	if err := l.Desk.Say(ctx, alarm(text.New("%s sits where %s sat; this is a deviation", who.ID, before))); err != nil {
		return err
	}
	l.seated[seat] = who.ID
	return l.deviate(ctx, text.New("%s does it", before))
}

// welcome writes that somebody attends who did not before: only then can they sign.
func (l *lead) welcome(ctx context.Context, seat script.Seat, who script.Person) error {
	if l.welcomed[who.ID] {
		return nil
	}
	for _, p := range places(l.Program) {
		if p.seat == seat {
			return l.seatTaken(ctx, p, who)
		}
	}
	return l.seatTaken(ctx, place{seat: seat, role: roleNone}, who)
}

// barred are those who may not do a step though they have the seat: they had another part of the key.
func (l *lead) barred(t *turn) []string {
	if t.Key == nil || t.Part == nil {
		return nil
	}
	switch t.Step.Do {
	case script.PrintPart, script.EnterPart:
		return l.keys[t.Key.ID].barred(t.Part.Number)
	}
	return nil
}
