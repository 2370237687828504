package ceremony

// Steps in which nothing happens to a key: something is read, looked at, or waited for.

import (
	"context"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/custody"
)

// said writes what is read aloud in a step.
func (l *lead) said(t *turn) error {
	return l.write(transcript.Entry{Kind: transcript.KindSaid, Who: t.who.ID, Key: t.Step.Key,
		Details: map[string]string{"text": spoken(t.Step.Text)}})
}

// read has a text read aloud.
func (l *lead) read(ctx context.Context, t *turn) error {
	if err := l.said(t); err != nil {
		return err
	}
	if err := l.confirm(ctx, text.New(`%s: when it was read aloud and everybody has heard it, type "read"`, t.who.ID),
		"read"); err != nil {
		return err
	}
	return l.write(transcript.Entry{Kind: transcript.KindConfirmed, Who: t.who.ID,
		Details: map[string]string{"what": transcript.SaidRead}})
}

// inspect has what stands on an item typed, and compares it.
func (l *lead) inspect(ctx context.Context, t *turn) error {
	for {
		seen, err := l.someSerial(ctx, text.New("%s: %s, as you read it off", t.who.ID, t.Step.Item))
		if err != nil {
			return err
		}
		e := transcript.Entry{Kind: transcript.KindObserved, Who: t.who.ID, Verdict: transcript.Compared,
			Details: map[string]string{"item": clean(t.Step.Item), "seen": seen}}
		line := told(text.New("%s: %s, nothing to compare it with", t.Step.Item, seen))
		if t.Step.Expect != "" {
			want := clean(t.Step.Expect)
			e.Details["expected"], e.Verdict = serial(want), transcript.Match
			line = told(text.New("%s: %s, as expected", t.Step.Item, seen))
			if !sameItem(seen, serial(want)) {
				e.Verdict = transcript.Differs
				line = alarm(text.New("%s: %s, the script expects %s", t.Step.Item, seen, serial(want)))
			}
		}
		if err := l.tell(ctx, e, line); err != nil {
			return err
		}
		if e.Verdict != transcript.Differs {
			return nil
		}
		again, err := l.choose(ctx, fault.New(fault.NotConfirmed, "%s is not what the script expects",
			t.Step.Item), wordGoOn)
		if err != nil || !again {
			return err
		}
	}
}

// sameItem compares without regard to case and blanks, which people do not type alike.
func sameItem(a, b string) bool {
	return strings.EqualFold(strings.Join(strings.Fields(a), ""), strings.Join(strings.Fields(b), ""))
}

// pause waits until everybody is back.
func (l *lead) pause(ctx context.Context, t *turn) error {
	if err := l.Desk.Clear(ctx); err != nil {
		return err
	}
	if err := l.confirm(ctx, text.New(`pause; when everybody is back, type "back"`), "back"); err != nil {
		return err
	}
	return l.write(transcript.Entry{Kind: transcript.KindConfirmed, Who: t.who.ID, People: l.present,
		Details: map[string]string{"what": transcript.SaidBack}})
}

// stop shows everything known that can fail before what cannot be taken back, and asks the leader for the exact phrase.
// It is the leader who types it: they are logged in, and their signature stands under it.
func (l *lead) stop(ctx context.Context, t *turn, more ...Line) error {
	if err := l.Desk.Say(ctx, l.heading(text.New("stop before what cannot be taken back: %s", l.about(t)))); err != nil {
		return err
	}
	leader, done, err := l.leaderOf(ctx, t)
	if err != nil {
		return err
	}
	defer done()
	lines := append(l.known(t), more...)
	if err := l.Desk.Say(ctx, append(lines, l.warnings()...)...); err != nil {
		return err
	}
	phrase := stopPhrase(t)
	if err := l.confirm(ctx, text.New(`leader: if all of this is right, type "%s"`, phrase), phrase); err != nil {
		return err
	}
	e := transcript.Entry{Kind: transcript.KindConfirmed, Who: leader.Card().ID(), Key: t.Step.Key, Part: t.Step.Part,
		Details: map[string]string{"what": transcript.SaidStop, "phrase": phrase}}
	if err := l.write(e); err != nil {
		return err
	}
	return l.sign(leader)
}

// leaderOf is the leader, logged in; done is called when they have signed. Who does the step is logged in already.
func (l *lead) leaderOf(ctx context.Context, t *turn) (leader *custody.Identity, done func(), err error) {
	seat := l.s.Roles[script.Leader]
	if t.actor != nil && t.who.ID == l.sitter(seat).ID {
		return t.actor, func() {}, nil
	}
	id, _, _, err := l.enterRoom(ctx, seat)
	if err != nil {
		return nil, nil, err
	}
	return id, id.Wipe, nil
}

// stopPhrase is what the leader types: it is another one for each step, so that no hand goes through by habit.
func stopPhrase(t *turn) string {
	phrase := string(t.Step.Do)
	if t.Step.Key != "" {
		phrase += " " + t.Step.Key
	}
	if t.Step.Part != 0 {
		phrase += " " + itoa(t.Step.Part)
	}
	return phrase
}

// known lists what is known of a step's key, part and output.
func (l *lead) known(t *turn) []Line {
	var lines []Line
	if t.Key != nil {
		lines = append(lines, l.keys[t.Key.ID].lines()...)
	}
	if t.Part != nil {
		lines = append(lines, told(text.New("part %d: custodian %s", t.Part.Number, l.sitter(t.Part.Custodian).ID)))
	}
	if o := t.Output; o != nil {
		for _, f := range []struct {
			is   bool
			text text.Text
		}{
			{o.Label != "", text.New("goes to the store as %s", o.Label)},
			{o.File != "", text.New("goes into the key block %s", o.File)},
			{o.KBPK != "", text.New("under the key %s", o.KBPK)},
			{o.Device != "", text.New("goes into the device %s, slot %s", o.Device, o.Slot)},
		} {
			if f.is {
				lines = append(lines, told(f.text))
			}
		}
	}
	return lines
}

// warnings are those of the check before, in full at the first stop and counted at the others, and how many deviations
// there were.
func (l *lead) warnings() []Line {
	var lines []Line
	for _, f := range l.Findings {
		if f.Level == script.Warning {
			lines = append(lines, alarm(text.New("%s: %s", f.Place(), f.What)))
		}
	}
	if n := len(lines); n > 0 && l.warned {
		lines = []Line{alarm(text.New("warnings of the check: %d (see the minutes)", n))}
	}
	l.warned = true
	if n := l.out.Deviations; n > 0 {
		lines = append(lines, alarm(text.New("deviations until now: %d", n)))
	}
	return lines
}

// someSerial is some for numbers.
func (l *lead) someSerial(ctx context.Context, q text.Text) (string, error) {
	for {
		answer, err := l.ask(ctx, q)
		if err != nil || answer != "" {
			return serial(answer), err
		}
	}
}
