package ceremony

// The opening: what this is, whose script, what the check before has found, and after a break what is void.

import (
	"context"
	"maps"
	"slices"
	"strings"

	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
)

func (l *lead) open(ctx context.Context) error {
	if err := l.Desk.Say(ctx, l.openingLines()...); err != nil {
		return err
	}
	if l.Before != nil {
		return l.resume(ctx)
	}
	return l.tellFindings(ctx)
}

// tellFindings writes what the check before has found, at the beginning and after each break.
func (l *lead) tellFindings(ctx context.Context) error {
	for _, f := range l.Findings {
		e := transcript.Entry{Kind: transcript.KindFinding, Details: map[string]string{
			"id": f.ID, "level": string(f.Level), "requirement": f.Requirement,
			"where": f.Where, "what": public(f.What.String())}}
		maps.DeleteFunc(e.Details, func(_, v string) bool { return v == "" })
		line := told(text.New("%s: %s", f.Place(), f.What))
		if f.Level != script.Note {
			line.Style = Alarm
		}
		if err := l.tell(ctx, e, line); err != nil {
			return err
		}
	}
	return nil
}

// openingLines repeat what the first line of the record says.
func (l *lead) openingLines() []Line {
	fp := l.s.Fingerprint()
	lines := []Line{
		l.heading(text.New("key ceremony %s", l.id)),
		l.title(),
		told(text.New("environment: %s", l.s.Environment.Text())),
		told(text.New("mode: %s", l.Mode.Text())),
		told(text.New("organisation: %s", l.s.Organisation)),
		told(text.New("place: %s", l.s.Place)),
	}
	if l.s.Purpose != "" {
		lines = append(lines, told(text.New("purpose: %s", l.s.Purpose)))
	}
	lines = append(lines,
		told(text.New("script: %s", fp.Hex())),
		aloud(text.New("script in words: %s", fp.Words())),
		aloud(text.New("script in digits: %s", fp.Digits())),
	)
	if l.isRehearsal() {
		lines = append(lines, alarm(text.New("TEST REHEARSAL: the keys are thrown away; nothing of this is used")))
	}
	return append(lines, toDo(text.New("at every question: ! writes a deviation down, !! gives the ceremony up")))
}

// title is that of the script. One that says itself that it is a test is not marked twice.
func (l *lead) title() Line {
	title := l.s.Title
	for _, own := range []string{"TEST: ", "TEST 测试："} { // as the templates write it
		if l.isTest() {
			title = strings.TrimPrefix(title, own)
		}
	}
	return l.heading(text.Raw(title))
}

// confirmScript has the script's fingerprint typed as people read it from their own copy.
func (l *lead) confirmScript(ctx context.Context, role script.Role) error {
	fp := l.s.Fingerprint()
	words := strings.Fields(fp.Words())
	short := ""
	if n := len(words); n >= 4 {
		short = strings.Join(append(slices.Clone(words[:2]), words[n-2:]...), " ")
	}
	who := l.sitter(l.s.Roles[role])
	for {
		answer, err := l.ask(ctx,
			text.New("%s: from your own copy of the script, type the first two and the last two words, or all digits",
				role.Text()))
		if err != nil {
			return err
		}
		by := ""
		switch answer = strings.ToLower(answer); {
		case short != "" && answer == short:
			by = "words"
		case answer != "" && strings.Join(strings.Fields(answer), "") == strings.Join(strings.Fields(fp.Digits()), ""):
			by = "digits"
		}
		if by != "" {
			e := transcript.Entry{Kind: transcript.KindConfirmed, Who: who.ID, Details: map[string]string{"what": transcript.SaidScript,
				"by": by}}
			return l.tell(ctx, e, told(text.New("the %s confirms the script", role.Text())))
		}
		e := transcript.Entry{Kind: transcript.KindObserved, Who: who.ID,
			Details: map[string]string{"item": "script", "seen": "another fingerprint was typed"}}
		if err := l.tell(ctx, e, alarm(text.New("that is not the fingerprint of this script"))); err != nil {
			return err
		}
	}
}
