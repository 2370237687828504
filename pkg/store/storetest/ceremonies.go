package storetest

// The ledger of ceremonies.

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/pkg/kcv"
	"poskey/pkg/store"
)

func ceremony(id string) store.Ceremony {
	return store.Ceremony{ID: id, Kind: "zmk-exchange", Title: "区域主密钥 for a partner", Script: strings.Repeat("CD", 32)}
}

// held is what somebody did with a part of a key of three.
func held(ceremony, person string, event store.PartEvent, part int) store.Holding {
	return store.Holding{Ceremony: ceremony, Key: store.Ref{Label: "ZMK-2026", Version: 1},
		Check: kcv.Value{Method: kcv.ECBZero, Digits: "08D7B4"}, Sheets: "7F3A-91C2", Part: part, Parts: 3, Needed: 3, Person: person,
		Name: "Custodian", Card: strings.Repeat("EF", 32), Seat: "primary", Event: event, Bag: fmt.Sprint("B-", part),
		Outer: fmt.Sprint("T-", part), Channel: "courier one"}
}

// ceremonies: nobody forgets what they have held.
func (s suite) ceremonies(t *testing.T) {
	b := s.open(t)
	b.must(b.BeginCeremony(b.ctx, store.Change{Mark: mark(3)}, ceremony("C1")))
	b.must(b.BeginCeremony(b.ctx, store.Change{}, ceremony("C1"))) // it goes on after a break
	other := ceremony("C1")
	other.Script = strings.Repeat("AB", 32)
	b.refused("another script under the same name", b.BeginCeremony(b.ctx, store.Change{}, other), fault.FileExists)
	b.refused("a part in no ceremony", b.Hold(b.ctx, store.Change{}, held("C2", "custodian.a", store.PartPrinted, 1)), fault.NotFound)
	for i, person := range []string{"custodian.a", "custodian.b", "custodian.c"} {
		b.must(b.Hold(b.ctx, store.Change{}, held("C1", person, store.PartPrinted, i+1)))
	}
	for range 600 { // more than a page
		b.must(b.Hold(b.ctx, store.Change{}, held("C1", "custodian.a", store.PartOpened, 1)))
	}
	b.illHoldings()
	b.ledger(b.Store)
	end := strings.Repeat("12", 32)
	b.refused("no end", b.EndCeremony(b.ctx, store.Change{}, "C1", store.CeremonyOpen, end), fault.Usage)
	b.must(b.EndCeremony(b.ctx, store.Change{Mark: mark(4)}, "C1", store.CeremonyClosed, end))
	b.refused("a second end", b.EndCeremony(b.ctx, store.Change{}, "C1", store.CeremonyAborted, end), fault.NotPermitted)
	b.refused("after the end", b.Hold(b.ctx, store.Change{}, held("C1", "custodian.a", store.PartOpened, 1)), fault.NotPermitted)
	b.refused("a ceremony that was closed", b.BeginCeremony(b.ctx, store.Change{}, ceremony("C1")), fault.FileExists)
	b.movedLedger(s.place(t), `"state":"closed","head":"`+end+`"`)
}

func (b *bench) illHoldings() {
	for what, change := range map[string]func(*store.Holding){
		"no part":           func(h *store.Holding) { h.Part = 0 },
		"a part too many":   func(h *store.Holding) { h.Part = 4 },
		"nobody":            func(h *store.Holding) { h.Person = "" },
		"two lines":         func(h *store.Holding) { h.Bag = "B-1\nB-2" },
		"no event":          func(h *store.Holding) { h.Event = "" },
		"no key":            func(h *store.Holding) { h.Key = store.Ref{} },
		"a card of nobody":  func(h *store.Holding) { h.Card = "AB" },
		"more than a whole": func(h *store.Holding) { h.Needed = 4 },
	} {
		h := held("C1", "custodian.a", store.PartPrinted, 1)
		change(&h)
		if b.Hold(b.ctx, store.Change{}, h) == nil {
			b.Errorf("%s was written", what)
		}
	}
}

// ledger asks it.
func (b *bench) ledger(from *store.Store) {
	b.Helper()
	for what, c := range map[string]struct {
		f    store.HoldingFilter
		want int
	}{
		"all":               {store.HoldingFilter{}, 603},
		"a few":             {store.HoldingFilter{Limit: 501}, 501},
		"of a key":          {store.HoldingFilter{Key: store.Ref{Label: "ZMK-2026"}}, 603},
		"of another":        {store.HoldingFilter{Key: store.Ref{Label: "ZMK-2026", Version: 2}}, 0},
		"of somebody":       {store.HoldingFilter{Person: "custodian.b"}, 1},
		"in a bag":          {store.HoldingFilter{Bag: "B-3"}, 1},
		"in an outer bag":   {store.HoldingFilter{Bag: "T-2"}, 1},
		"by check value":    {store.HoldingFilter{Check: kcv.Value{Digits: "08D7B4"}}, 603},
		"of a ceremony":     {store.HoldingFilter{Ceremony: "C1", Person: "custodian.c"}, 1},
		"of no ceremony":    {store.HoldingFilter{Ceremony: "C9"}, 0},
		"by another method": {store.HoldingFilter{Check: kcv.Value{Method: kcv.CMAC, Digits: "08D7B4"}}, 0},
	} {
		if got := take(b, from.Holdings(b.ctx, c.f)); len(got) != c.want {
			b.Errorf("%s: %d, want %d", what, len(got), c.want)
		}
	}
	want := held("C1", "custodian.c", store.PartPrinted, 3)
	got := take(b, from.Holdings(b.ctx, store.HoldingFilter{Person: "custodian.c"}))[0]
	want.ID, want.At = got.ID, got.At
	if got != want || got.At.IsZero() {
		b.Errorf("%+v, want %+v", got, want)
	}
}

// movedLedger takes it through a backup, in which stands how the ceremony ended.
func (b *bench) movedLedger(u store.URL, end string) {
	var dump bytes.Buffer
	sum, err := b.Backup(b.ctx, &dump)
	b.must(err)
	if !strings.Contains(dump.String(), end) {
		b.Errorf("the backup has no %s", end)
	}
	if sum.Rows["ceremonies"] != 1 || sum.Rows["holdings"] != 603 {
		b.Errorf("%+v", sum.Rows)
	}
	_, err = store.RestoreInto(b.ctx, u, &dump, b.options())
	b.must(err)
	again, err := store.Open(b.ctx, u, b.options())
	b.must(err)
	defer func() { b.must(again.Close()) }()
	b.ledger(again)
	b.must(again.BeginCeremony(b.ctx, store.Change{}, ceremony("C2")))
	b.must(again.Hold(b.ctx, store.Change{}, held("C2", "custodian.a", store.PartPrinted, 1)))
}
