package ceremony

// The table of verbs: what is done in a step, and who does it.

import (
	"context"
	"strings"
	"time"

	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
)

// verb is how a step is done, and what is left of it in the record.
type verb struct {
	do func(*lead, context.Context, *turn) error
	// leaves is the line without which nothing came of a step; event is its event, where it is about a bag, and says
	// what somebody confirms in it, where it is that.
	leaves      transcript.Kind
	event, says string
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
		script.Attend:     {do: (*lead).attend, leaves: transcript.KindAttended},
		script.Declare:    {do: (*lead).declare, leaves: transcript.KindConfirmed, says: transcript.SaidDeclaration},
		script.Read:       {do: (*lead).read, leaves: transcript.KindConfirmed, says: transcript.SaidRead},
		script.Inspect:    {do: (*lead).inspect, leaves: transcript.KindObserved},
		script.Pause:      {do: (*lead).pause, leaves: transcript.KindConfirmed, says: transcript.SaidBack},
		script.Close:      {do: (*lead).closing, leaves: transcript.KindConfirmed, says: transcript.SaidAway},
		script.MakeKey:    {do: (*lead).makeKey, leaves: transcript.KindMade},
		script.FormKey:    {do: (*lead).formKey, leaves: transcript.KindMade, stops: true},
		script.CompareKey: {do: (*lead).compareKey, leaves: transcript.KindChecked},
		script.KeepKey:    {do: (*lead).keepKey, leaves: transcript.KindKept, stops: true, once: true},
		script.ExportKey:  {do: (*lead).exportKey, leaves: transcript.KindExported, stops: true, once: true},
		script.LoadKey:    {do: (*lead).loadKey, leaves: transcript.KindLoaded, stops: true, once: true},
		script.DestroyKey: {do: (*lead).destroyKey, leaves: transcript.KindDestroyed, stops: true, once: true},
		script.PrintPart:  {do: (*lead).printPart, leaves: transcript.KindPrinted, custodian: true},
		script.EnterPart:  {do: (*lead).enterPart, leaves: transcript.KindEntered, custodian: true},
		script.SealPart:   {do: (*lead).sealPart, leaves: transcript.KindBag, event: eventSealed, once: true},
		script.SendPart:   {do: (*lead).sendPart, leaves: transcript.KindBag, event: eventSent, stops: true, once: true},
		script.ReceivePart: {do: (*lead).receivePart, leaves: transcript.KindBag, event: eventReceived,
			once: true},
		script.DestroyPart: {do: (*lead).destroyPart, leaves: transcript.KindDestroyed, stops: true, once: true},
		script.Scribe:      {do: (*lead).scribe, leaves: transcript.KindChecked},
		script.InitStore:   {do: (*lead).initStore, leaves: transcript.KindMade},
	}
}

// isResult reports whether a line is what a step must leave, of its own key and part.
func isResult(p *script.Planned, r transcript.Record) bool {
	v := verbs()[p.Step.Do]
	switch {
	case r.Kind != v.leaves, v.event != "" && r.Details["event"] != v.event:
		return false
	case r.Kind == transcript.KindAttended:
		return true
	case r.Kind == transcript.KindConfirmed:
		return r.Details["what"] == v.says
	case r.Kind == transcript.KindObserved: // another one says what did not work
		return r.Details["item"] == clean(p.Step.Item) && r.Verdict != ""
	}
	return r.Key == p.Step.Key && r.Part == p.Step.Part
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
