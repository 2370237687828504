package ceremony

// Questions: at each of them people may write a deviation down, or give up; then it is asked again.

import (
	"context"
	"errors"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
)

// The words that are typed, the same in every language.
const (
	wordAgain  = "again"
	wordGoOn   = "go on"
	wordSkip   = "leave out"
	wordNone   = "-"
	wordAbort  = "abort"
	wordSeen   = "seen"
	wordIntact = "intact"
	wordBroken = "damaged"
)

// hear asks until there is an answer that is no deviation.
func (l *lead) hear(ctx context.Context, question func() error) error {
	for {
		err := question()
		switch {
		case errors.Is(err, ErrDeviation) && l.deciding:
			continue
		case errors.Is(err, ErrDeviation):
			err = l.deviate(ctx, text.Text{})
		case errors.Is(err, ErrAbort) && l.deciding:
			return err
		case errors.Is(err, ErrAbort):
			err = l.giveUp(ctx)
		default:
			return err
		}
		if err != nil {
			return err
		}
	}
}

func (l *lead) ask(ctx context.Context, q text.Text) (answer string, err error) {
	err = l.hear(ctx, func() error {
		answer, err = l.Desk.Ask(ctx, q)
		return err
	})
	return clean(answer), err
}

func (l *lead) confirm(ctx context.Context, q text.Text, word string) error {
	return l.hear(ctx, func() error { return l.Desk.Confirm(ctx, q, word) })
}

func (l *lead) hidden(ctx context.Context, q text.Text) (typed *secret.Bytes, err error) {
	err = l.hear(ctx, func() error {
		typed, err = l.Desk.Hidden(ctx, q)
		return err
	})
	if err != nil {
		return nil, err
	}
	return typed, nil
}

func (l *lead) change(ctx context.Context, to script.Person, as text.Text) error {
	return l.hear(ctx, func() error { return l.Desk.Change(ctx, to, as) })
}

// awaited says that nobody typed, before the same is asked again.
func (l *lead) awaited(ctx context.Context) error {
	return l.Desk.Say(ctx, alarm(text.New("nobody typed for a while; it is asked again")))
}

// idle reports that nobody typed for a while.
func idle(err error) bool { return err != nil && fault.Is(err, fault.DeviceTimeout) }

// wrong tells people what is wrong: it is on the disk before.
func (l *lead) wrong(ctx context.Context, t *turn, item string, what text.Text) error {
	e := transcript.Entry{Kind: transcript.KindObserved, Who: t.who.ID, Key: t.Step.Key, Part: t.Step.Part,
		Details: map[string]string{"item": item, "seen": public(what.String())}}
	return l.tell(ctx, e, alarm(what))
}

// again waits until people want to do it again. There is no other way on but giving up.
func (l *lead) again(ctx context.Context, why error) error {
	l.because = why
	if err := l.confirm(ctx, text.New(`this cannot go on as it is; !! gives the ceremony up; to do it once more type "again"`),
		wordAgain); err != nil {
		return err
	}
	l.because = nil
	return nil
}

// choose asks whether something that differs is done again, or gone past by a word. Going past takes a deviation that
// was written down at this question.
func (l *lead) choose(ctx context.Context, why error, past string) (again bool, err error) {
	l.because = why
	defer func() {
		if err == nil {
			l.because = nil
		}
	}()
	before := l.out.Deviations
	for {
		answer, err := l.ask(ctx, text.New(
			`type "again" to do it once more; or give the ceremony up (!!); or write a deviation (!) and then type "%s"`, past))
		switch {
		case err != nil:
			return false, err
		case has(answer, wordAgain):
			return true, nil
		case has(answer, past) && l.out.Deviations > before:
			return false, nil
		case has(answer, past):
			if err := l.Desk.Say(ctx, alarm(text.New(`that takes a deviation: type "!" first`))); err != nil {
				return false, err
			}
		}
	}
}

// blindTwice has something typed twice that the first time is not seen, so that the second is no copy.
func (l *lead) blindTwice(ctx context.Context, t *turn, first, second text.Text) (string, error) {
	for {
		one, err := l.blind(ctx, first)
		if err != nil {
			return "", err
		}
		two, err := l.blind(ctx, second)
		if err != nil {
			return "", err
		}
		what := text.New("the two entries differ; type both again")
		switch {
		case one != "" && one == two:
			return one, nil
		case one == two:
			what = text.New("nothing was typed; type it twice")
		}
		if err := l.wrong(ctx, t, "typed twice", what); err != nil {
			return "", err
		}
	}
}

// blind has something public typed without being seen.
func (l *lead) blind(ctx context.Context, q text.Text) (string, error) {
	for {
		typed, err := l.hidden(ctx, q)
		if idle(err) {
			if err := l.awaited(ctx); err != nil {
				return "", err
			}
			continue
		}
		if err != nil {
			return "", err
		}
		defer typed.Wipe()
		return clean(string(typed.Expose())), nil
	}
}
