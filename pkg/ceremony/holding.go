package ceremony

// Who held what: it goes into the ledger when it happens, since nobody forgets.

import (
	"context"

	"poskey/pkg/ceremony/script"
	"poskey/pkg/kcv"
)

// The events of the ledger and of bags.
const (
	eventPrinted   = "printed"
	eventEntered   = "entered"
	eventSealed    = "sealed"
	eventSent      = "sent"
	eventReceived  = "received"
	eventOpened    = "opened"
	eventDestroyed = "destroyed"
)

// hold writes that somebody held a part. It stands on the disk of the record already.
func (l *lead) hold(ctx context.Context, t *turn, who script.Person, event, bag string) error {
	k := l.keys[t.Key.ID]
	check := k.made.Check
	if check == (kcv.Value{}) {
		if e := l.expected(k); e != nil {
			check = method(k.Key, *e)
		}
	}
	label := k.made.Label
	if label == "" {
		label = k.label()
	}
	h := Held{Ceremony: l.id, Key: t.Key, Label: label, Check: check, Set: k.set, Part: t.Part.Number, Of: len(t.Key.Parts),
		Needed: k.needed(), Person: who, Seat: t.seatOf(who), Event: event, Bag: bag, Outer: t.Part.Outer, Channel: t.Part.Channel}
	return l.try(ctx, t, func() error { return l.Tools.Hold(ctx, h) }) // what is not in the ledger would be forgotten
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
