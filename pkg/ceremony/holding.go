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
			check.Digits = shown(k.Key, *e) // no more than the record has of it
		}
	}
	return Held{Ceremony: l.id, Key: t.Key, Label: cmp.Or(k.made.Label, k.found, k.label()), Check: check, Set: k.set,
		Part: t.Part.Number, Of: len(t.Key.Parts), Needed: k.needed(), Person: who, Seat: t.seatOf(who), Event: event,
		Bag: bag, Outer: t.Part.Outer, Channel: t.Part.Channel}
}

// heldAnew writes who typed the parts of a key once more, now that it is there: only now the ledger can say of which key of
// the store they are, and by which check value it is known again.
func (l *lead) heldAnew(ctx context.Context, t *turn, k *keyState) error {
	for i := range k.Parts {
		who, has := k.by[k.Parts[i].Number]
		if !has {
			continue
		}
		one := *t
		one.Part = &k.Parts[i]
		if err := l.hold(ctx, &one, l.person(who), eventEntered, k.bags[one.Part.Number]); err != nil {
			return err
		}
	}
	return nil
}

// owed is what the ledger must have by a record: what happened to a part is written there after its line. bags are the
// parts' as far as the record was read.
func (l *lead) owed(r transcript.Record, bags map[heldPart]string) (t *turn, h Held, ok bool) {
	if r.Step < 1 || r.Step > len(l.Program.Steps) {
		return nil, Held{}, false
	}
	event, bag := r.Details["event"], r.Details["serial"]
	switch r.Kind {
	case transcript.KindPrinted:
		event = eventPrinted
	case transcript.KindEntered:
		event, bag = eventEntered, bags[heldPart{r.Key, r.Part}]
	case transcript.KindDestroyed:
		event, bag = eventDestroyed, cmp.Or(r.Details["bag"], bags[heldPart{r.Key, r.Part}])
		if r.Details["how"] == misprinted {
			bag = ""
		}
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

type heldPart struct {
	key  string
	part int
}

// remembering are tools whose ledger can be asked.
type remembering interface {
	// Holds reports whether the ledger has something, whatever version and check value it knew then.
	Holds(ctx context.Context, h Held) (bool, error)
	// BagHeld names an earlier ceremony that had a bag of this serial; "" where none had.
	BagHeld(ctx context.Context, serial string) (string, error)
}

// unheld is what the record says and the ledger may not have: it broke between the two, or the ledger is an older one
// that was put back. Where the ledger cannot be asked it is the last line. Twice in the ledger does no harm.
func (l *lead) unheld(ctx context.Context, records []transcript.Record) (all []debt, err error) {
	ledger, asked := l.Tools.(remembering)
	bags := map[heldPart]string{}
	for _, r := range records {
		if r.Kind == transcript.KindBag {
			bags[heldPart{r.Key, r.Part}] = r.Details["serial"]
		}
		t, h, ok := l.owed(r, bags)
		switch {
		case !ok && !asked && r.Kind != transcript.KindObserved && r.Kind != transcript.KindResumed:
			all = nil // the ledger did not fail here
		case !ok:
		case asked:
			has, err := ledger.Holds(ctx, h)
			if err != nil {
				return nil, err
			}
			if !has {
				all = append(all, debt{t, h})
			}
		default:
			all = []debt{{t, h}}
		}
	}
	return all, nil
}

// debt is what the ledger is owed, with the turn in which it happened.
type debt struct {
	at   *turn
	held Held
}

// payLedger writes what the ledger is owed. More than the last line is told: somebody has put an older ledger back.
func (l *lead) payLedger(ctx context.Context, owed []debt) error {
	if n := len(owed); n > 1 {
		what := text.New("the ledger of the store lacks %d lines of this record; they are written again", n)
		e := transcript.Entry{Kind: transcript.KindObserved, Details: map[string]string{"item": "ledger",
			"seen": public(what.String())}}
		if err := l.tell(ctx, e, alarm(what)); err != nil {
			return err
		}
	}
	for _, d := range owed {
		if err := l.enterHeld(ctx, d.at, d.held); err != nil {
			return err
		}
	}
	return nil
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
