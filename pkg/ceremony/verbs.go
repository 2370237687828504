package ceremony

// The table of verbs: what is done in a step, and who does it.

import (
	"context"
	"strings"
	"time"

	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
)

// verb is how a step is done.
type verb struct {
	do func(*lead, context.Context, *turn) error
	// custodian: the screen is cleared, and it waits until the custodian sits there.
	custodian bool
	// stops: the step itself stops before what cannot be taken back.
	stops bool
	// once: what the record says was done before a break is not done again, only signed.
	once bool
}

// verbs is the table.
func verbs() map[script.Verb]verb {
	return map[script.Verb]verb{
		script.Attend:      {do: (*lead).attend},
		script.Declare:     {do: (*lead).declare},
		script.Read:        {do: (*lead).read},
		script.Inspect:     {do: (*lead).inspect},
		script.Pause:       {do: (*lead).pause},
		script.Close:       {do: (*lead).closing},
		script.MakeKey:     {do: (*lead).makeKey},
		script.FormKey:     {do: (*lead).formKey, stops: true},
		script.CompareKey:  {do: (*lead).compareKey},
		script.KeepKey:     {do: (*lead).keepKey, stops: true, once: true},
		script.ExportKey:   {do: (*lead).exportKey, stops: true, once: true},
		script.LoadKey:     {do: (*lead).loadKey, stops: true, once: true},
		script.DestroyKey:  {do: (*lead).destroyKey, stops: true, once: true},
		script.PrintPart:   {do: (*lead).printPart, custodian: true},
		script.EnterPart:   {do: (*lead).enterPart, custodian: true},
		script.SealPart:    {do: (*lead).sealPart, once: true},
		script.SendPart:    {do: (*lead).sendPart, stops: true, once: true},
		script.ReceivePart: {do: (*lead).receivePart, once: true},
		script.DestroyPart: {do: (*lead).destroyPart, stops: true, once: true},
		script.Scribe:      {do: (*lead).scribe},
		script.InitStore:   {do: (*lead).initStore},
	}
}

// headingLines are what people see when a step begins: where they stand, what is said and what is done.
func (l *lead) headingLines(t *turn) []Line {
	lines := []Line{l.heading(text.New("step %d of %d: %s", t.Number, len(l.Program.Steps), l.about(t)))}
	lines = append(lines, toDo(text.New("%s sits at the keyboard (%s)", l.holdersSeated(t.Actor), l.seatName(t.Actor))))
	if t.Seconder != (script.Seat{}) {
		lines = append(lines, toDo(text.New("%s looks on and confirms (%s)", l.holdersSeated(t.Seconder),
			l.seatName(t.Seconder))))
	}
	if t.Step.Minutes > 0 {
		lines = append(lines, toDo(text.New("planned: %d minutes", int(t.Step.Minutes/time.Minute))))
	}
	for said := range strings.Lines(t.Step.Text) {
		lines = append(lines, aloud(text.Raw(strings.TrimSpace(said))))
	}
	return lines
}

func (l *lead) holdersSeated(s script.Seat) text.Text {
	if l.seated[s] == "" {
		return l.holders(s)
	}
	if p := l.sitter(s); p.Name != "" {
		return text.New("%s (%s)", p.Name, p.ID)
	}
	return text.Raw(l.seated[s])
}

// about says what a step is, with its key and part.
func (l *lead) about(t *turn) text.Text {
	says := verbSays(t.Step.Do)
	switch {
	case t.Key != nil && t.Part != nil:
		return text.New("%s, part %d of %d of key %s", says, t.Part.Number, len(t.Key.Parts), t.Key.ID)
	case t.Key != nil:
		return text.New("%s, key %s", says, t.Key.ID)
	}
	return says
}

func verbSays(v script.Verb) text.Text {
	for _, row := range script.Verbs() {
		if row.Verb == v {
			return row.Says
		}
	}
	return text.Raw(string(v))
}
