package ceremony

// Who held what: it goes into the ledger when it happens, since nobody forgets.

import (
	"cmp"
	"context"

	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/kcv"
	"poskey/pkg/store"
)

// The events of the ledger and of bags.
const (
	eventPrinted   = string(store.PartPrinted)
	eventEntered   = string(store.PartEntered)
	eventSealed    = string(store.PartSealed)
	eventDealt     = string(store.PartDealt)
	eventSent      = string(store.PartSent)
	eventReceived  = string(store.PartReceived)
	eventOpened    = string(store.PartOpened)
	eventDestroyed = string(store.PartDestroyed)
)

// EventName is what happens to a part or its bag, for people.
func EventName(event string) text.Text {
	switch event {
	case eventPrinted:
		return text.New("printed")
	case eventEntered:
		return text.New("entered")
	case eventSealed:
		return text.New("sealed")
	case eventDealt:
		return text.New("dealt")
	case eventSent:
		return text.New("sent")
	case eventReceived:
		return text.New("received")
	case eventOpened:
		return text.New("opened")
	case eventDestroyed:
		return text.New("destroyed")
	}
	return text.Raw(event)
}

// hold writes that somebody held a part. It stands on the disk of the record already.
func (l *lead) hold(ctx context.Context, t *turn, who script.Person, event, bag string) error {
	return l.enterHeld(ctx, t, l.heldOf(t, who, event, bag))
}

// enterHeld writes into the ledger until it is there: what is not would be forgotten.
func (l *lead) enterHeld(ctx context.Context, t *turn, h Held) error {
	return l.try(ctx, t, func() error { return l.Tools.Hold(ctx, h) })
}

func (l *lead) heldOf(t *turn, who script.Person, event, bag string) Held {
	k := l.keys[t.Key.ID]
	check := k.made.Check
	if check == (kcv.Value{}) {
		if e := l.expected(k); e != nil {
			check = method(k.Key, *e)
		}
	}
	return Held{Ceremony: l.id, Key: t.Key, Label: cmp.Or(k.made.Label, k.found, k.label()), Check: check, Set: k.set,
		Part: t.Part.Number, Of: len(t.Key.Parts), Needed: k.needed(), Person: who, Seat: t.seatOf(who), Event: event,
		Bag: bag, Outer: t.Part.Outer, Channel: t.Part.Channel}
}

// unheld is what the record said at its break, and the ledger may not have: it is written after the line. Twice in the
// ledger does no harm.
func (l *lead) unheld(records []transcript.Record) (t *turn, h Held, ok bool) {
	i := len(records) - 1
	for i >= 0 && (records[i].Kind == transcript.KindObserved || records[i].Kind == transcript.KindResumed) {
		i-- // the ledger failed, or it broke again before it was written
	}
	if i < 0 || records[i].Step < 1 || records[i].Step > len(l.Program.Steps) {
		return nil, Held{}, false
	}
	r := records[i]
	event, bag := r.Details["event"], r.Details["serial"]
	switch r.Kind {
	case transcript.KindPrinted:
		event = eventPrinted
	case transcript.KindEntered:
		event = eventEntered
		if k := l.keys[r.Key]; k != nil {
			bag = k.bags[r.Part]
		}
	case transcript.KindDestroyed:
		event, bag = eventDestroyed, r.Details["bag"]
	case transcript.KindBag:
	default:
		return nil, Held{}, false
	}
	t = &turn{Planned: l.Program.Steps[r.Step-1], who: l.person(r.Who)}
	if t.Key == nil || t.Part == nil || t.Key.ID != r.Key || t.Part.Number != r.Part {
		return nil, Held{}, false
	}
	return t, l.heldOf(t, t.who, event, bag), true
}

// seatOf says whether somebody is the part's custodian or their backup; "" for others.
func (t *turn) seatOf(who script.Person) string {
	switch who.ID {
	case t.Part.Custodian.Primary, t.Part.Former.Primary:
		return seatPrimary
	case t.Part.Custodian.Backup, t.Part.Former.Backup:
		return seatBackup
	}
	return ""
}
