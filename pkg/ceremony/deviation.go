package ceremony

// Deviations, giving up, and every other way in which a ceremony ends.

import (
	"context"
	"errors"
	"slices"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/custody"
)

// patience is how long an interrupted ceremony asks whether it is given up for good.
const patience = time.Minute

// abortError is that people gave the ceremony up.
type abortError struct {
	why     string
	because error // what they were asked about; may be nil
	alone   bool  // the program gave it up, and asks nobody
}

func (a *abortError) Error() string { return "the ceremony is given up" }

// deviate writes a deviation down: what was expected, what happened, what was decided, signed by leader and witness.
// expected is known where the program itself found it.
func (l *lead) deviate(ctx context.Context, expected text.Text) error {
	l.deciding = true
	defer func() { l.deciding = false }()
	err := l.writeDeviation(ctx, expected)
	l.deciding = false
	if errors.Is(err, ErrAbort) {
		if err = l.giveUp(ctx); err == nil {
			return l.deviate(ctx, expected)
		}
	}
	if err != nil || !l.alone() {
		return err
	}
	return l.change(ctx, l.sitter(l.private), l.seatName(l.private)) // the custodian comes back, the others step back
}

// alone reports whether somebody sits at the keyboard whom nobody looks over the shoulder. In a rehearsal everybody
// learns.
func (l *lead) alone() bool { return l.private != script.Seat{} && !l.isRehearsal() }

func (l *lead) writeDeviation(ctx context.Context, expected text.Text) error {
	if l.alone() { // leader and witness come to the keyboard
		if err := l.Desk.Clear(ctx); err != nil {
			return err
		}
	}
	if err := l.Desk.Say(ctx, l.heading(l.deviationAt())); err != nil {
		return err
	}
	d := map[string]string{"expected": public(expected.String())}
	if expected.IsZero() {
		answer, err := l.some(ctx, text.New("deviation: what was expected"))
		if err != nil {
			return err
		}
		d["expected"] = answer
	}
	for _, q := range []struct {
		field string
		text  text.Text
	}{
		{"happened", text.New("deviation: what happened")},
		{"decided", text.New("deviation: what was decided, and how it goes on")},
	} {
		answer, err := l.some(ctx, q.text)
		if err != nil {
			return err
		}
		d[q.field] = answer
	}
	if err := l.vouch(ctx, transcript.Entry{Kind: transcript.KindDeviation, Details: d}); err != nil {
		return err
	}
	l.out.Deviations++
	return l.Desk.Say(ctx, told(text.New("the deviation is written down")))
}

// deviationAt says where a deviation happened: in a step, or between two, as after a break.
func (l *lead) deviationAt() text.Text {
	if l.number > 0 {
		return text.New("deviation in step %d", l.number)
	}
	for _, s := range l.Program.Steps {
		switch {
		case l.done[s.Number]:
		case len(l.done) == 0:
			return text.New("deviation before the first step")
		default:
			return text.New("deviation before step %d", s.Number)
		}
	}
	return text.New("deviation after the last step")
}

// vouch writes a line that leader and witness sign. Both log in before it is written.
func (l *lead) vouch(ctx context.Context, e transcript.Entry) error {
	leader, who, _, err := l.enterRoom(ctx, l.s.Roles[script.Leader])
	if err != nil {
		return err
	}
	defer leader.Wipe()
	witness, _, _, err := l.enterRoom(ctx, l.s.Roles[script.Witness], who.ID)
	if err != nil {
		return err
	}
	defer witness.Wipe()
	e.Who, e.People = who.ID, slices.Clone(l.present)
	if err := l.write(e); err != nil {
		return err
	}
	if err := l.sign(leader); err != nil {
		return err
	}
	return l.sign(witness)
}

// some asks until something is said.
func (l *lead) some(ctx context.Context, q text.Text) (string, error) {
	for {
		answer, err := l.ask(ctx, q)
		if err != nil || answer != "" {
			return public(answer), err
		}
	}
}

// giveUp asks whether it is meant, and why. No error: it goes on.
func (l *lead) giveUp(ctx context.Context) error {
	l.deciding = true
	defer func() { l.deciding = false }()
	answer, err := l.ask(ctx,
		text.New(`give the ceremony up? Nothing that was not kept survives. Type "abort", or anything else to go on`))
	switch {
	case errors.Is(err, ErrAbort): // typed twice by a quick hand: it is something else
		return nil
	case err != nil:
		return err
	case !has(answer, wordAbort):
		return nil
	}
	why, err := l.ask(ctx, text.New("why is it given up"))
	if err != nil && !errors.Is(err, ErrAbort) {
		return err
	}
	return &abortError{why: public(why), because: l.because}
}

// end brings the ceremony to its end, whatever happened: nothing secret is left, and the record says how it ended.
func (l *lead) end(ctx context.Context, err error) error {
	for _, k := range l.keys {
		k.wipe()
	}
	if l.private != (script.Seat{}) {
		_ = l.Desk.Clear(context.WithoutCancel(ctx))
	}
	err = l.cut(ctx, err)
	var aborted *abortError
	switch {
	case err == nil:
	case errors.As(err, &aborted):
		if err = l.writeAborted(aborted); l.out.State == transcript.Aborted && !aborted.alone {
			err = errors.Join(err, l.signAborted(ctx))
		}
	}
	if l.out.State != transcript.Closed {
		err = errors.Join(err, l.Log.Abandon())
	}
	ctx = context.WithoutCancel(ctx)
	l.sayEnd(ctx, err)
	if l.out.State == transcript.Open { // it goes on with what lies in the store
		return err
	}
	if forget := l.Tools.Forget(ctx); forget != nil {
		err = errors.Join(err, fault.Wrap(forget, "wipe what was not kept"))
	}
	return err
}

// sayEnd tells how it ended, before anybody is asked to approve what that takes.
func (l *lead) sayEnd(ctx context.Context, err error) {
	switch l.out.State {
	case transcript.Closed:
	case transcript.Aborted:
		_ = l.Desk.Say(ctx, alarm(text.New("the ceremony was given up; the record says so")))
	case transcript.Open:
		if err != nil {
			_ = l.Desk.Say(ctx, alarm(text.New("the ceremony stopped here, and its record is open: %s", err)))
		}
	}
}

// cut asks people who pressed the key for an interrupt whether they mean it for good. Without an answer the record
// stays open, and the ceremony can be resumed.
func (l *lead) cut(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil || !fault.Is(context.Cause(ctx), fault.Interrupted) {
		return err
	}
	asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	answer, lost := l.Desk.Ask(asking,
		text.New(`interrupted: type "abort" to give the ceremony up for good, or anything else to resume it later`))
	if lost != nil || !has(answer, wordAbort) {
		return err
	}
	return &abortError{why: "interrupted", because: context.Cause(ctx)}
}

// voidAll writes that the parts in people's hands are void: those typed that are in no key, those printed.
func (l *lead) voidAll() error {
	for i := range l.s.Keys {
		k := l.keys[l.s.Keys[i].ID]
		if k.kept != "" {
			continue
		}
		for _, p := range k.Parts {
			if k.by[p.Number] == "" {
				continue
			}
			e := transcript.Entry{Kind: transcript.KindVoid, Key: k.ID, Part: p.Number,
				Details: map[string]string{"why": "the ceremony was given up"}}
			if err := l.write(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// signAborted has those who are there sign how it ended. Nothing secret is left, and the record says already that it
// was given up: who does not sign leaves it so.
func (l *lead) signAborted(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	l.deciding = true // nothing can be decided any more
	defer func() { l.deciding = false }()
	var all []*custody.Identity
	defer func() {
		for _, id := range all {
			id.Wipe()
		}
	}()
	for _, who := range slices.Clone(l.present) {
		id, err := l.bySigning(ctx, who)
		if err != nil {
			break // nobody can be asked any more
		}
		if id != nil {
			all = append(all, id)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return l.signEnd(all)
}

// farewell is how long those who are there are asked for their signatures under a ceremony that was given up.
const farewell = 15 * time.Minute

// bySigning has somebody log in to sign that it was given up; nil when they do not.
func (l *lead) bySigning(ctx context.Context, who string) (*custody.Identity, error) {
	for {
		answer, err := l.ask(ctx, text.New(`%s: type your id to sign that it was given up, or "-" to leave without`, who))
		switch {
		case err != nil || answer == wordNone:
			return nil, err
		case answer == who:
			return l.open1(ctx, l.person(who))
		case answer != "" && !l.named(answer):
			if err := l.unnamed(ctx); err != nil {
				return nil, err
			}
		}
	}
}

func (l *lead) writeAborted(a *abortError) error {
	e := transcript.Entry{Kind: transcript.KindAborted, People: slices.Clone(l.present),
		Details: map[string]string{"why": a.why}}
	if a.why == "" {
		e.Details["why"] = "not said"
	}
	if a.because != nil {
		e.Details["because"] = public(a.because.Error())
	}
	if err := l.voidAll(); err != nil {
		return err
	}
	if err := l.write(e); err != nil {
		return err
	}
	l.out.State = transcript.Aborted
	if a.because != nil {
		return fault.Wrap(a.because, "the ceremony was given up")
	}
	return fault.New(fault.Interrupted, "the ceremony was given up: %s", e.Details["why"])
}
