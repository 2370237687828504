package storetest

// What the ledger of ceremonies takes, and how it is searched.

import (
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/pkg/kcv"
	"poskey/pkg/store"
)

// longest is a line of as many bytes as a value of a script may have: 200 characters of four bytes each.
func longest() string { return strings.Repeat("\U00020BB7", 200) }

// limits: what a script may say and what people may type at a ceremony goes into the ledger, whole. A ceremony does not
// fail in its middle because a name is long.
func (s suite) limits(t *testing.T) {
	b := s.open(t)
	y := ceremony("C1")
	y.Title = longest()
	b.must(b.BeginCeremony(b.ctx, store.Change{}, y))
	typed := strings.Repeat("B", store.MaxLedgerLine)
	want := held("C1", strings.Repeat("p", 32), store.PartSealed, 1)
	want.Key.Label, want.Name, want.Channel, want.Outer, want.Bag = strings.Repeat("K", 64), longest(), longest(), longest(), typed
	want.Part, want.Parts, want.Needed = 255, 255, 255
	b.must(b.Hold(b.ctx, store.Change{}, want))
	got := take(b, b.Holdings(b.ctx, store.HoldingFilter{Bag: typed}))
	if len(got) != 1 {
		t.Fatalf("%d holdings", len(got))
	}
	want.ID, want.At = got[0].ID, got[0].At
	if got[0] != want {
		t.Errorf("%+v, want %+v", got[0], want)
	}
	for what, change := range map[string]func(*store.Holding){
		"a name too long":    func(h *store.Holding) { h.Name = typed + "x" },
		"a bag too long":     func(h *store.Holding) { h.Bag = typed + "x" },
		"an outer bag":       func(h *store.Holding) { h.Outer = typed + "x" },
		"a channel too long": func(h *store.Holding) { h.Channel = typed + "x" },
		"a set too long":     func(h *store.Holding) { h.Sheets = typed + "x" },
		"a person too long":  func(h *store.Holding) { h.Person = strings.Repeat("p", 65) },
	} {
		h := held("C1", "custodian.a", store.PartPrinted, 1)
		change(&h)
		b.refused(what, b.Hold(b.ctx, store.Change{}, h), fault.Usage)
	}
	y.ID, y.Title = "C2", typed+"x"
	b.refused("a title too long", b.BeginCeremony(b.ctx, store.Change{}, y), fault.Usage)
}

// events: the ledger has its own words, and no others.
func (s suite) events(t *testing.T) {
	b := s.open(t)
	b.must(b.BeginCeremony(b.ctx, store.Change{}, ceremony("C1")))
	for _, e := range store.PartEvents() {
		b.must(b.Hold(b.ctx, store.Change{}, held("C1", "custodian.a", e, 1)))
	}
	for _, e := range []store.PartEvent{"", "holiday", "Sealed", "sealed "} {
		b.refused(string(e), b.Hold(b.ctx, store.Change{}, held("C1", "custodian.a", e, 1)), fault.Usage)
	}
	if got := take(b, b.Holdings(b.ctx, store.HoldingFilter{})); len(got) != len(store.PartEvents()) {
		t.Errorf("%d holdings", len(got))
	}
}

// search: a bag is found however its serial is typed, and a check value in any length that says something.
func (s suite) search(t *testing.T) {
	b := s.open(t)
	b.must(b.BeginCeremony(b.ctx, store.Change{}, ceremony("C1")))
	for i, bag := range []string{"B-0001", "b-0001", "B- 00 01", "B-0002", ""} {
		h := held("C1", "custodian.a", store.PartSealed, 1)
		h.Bag, h.Outer, h.Check.Digits = bag, "", []string{"08D7", "08D7B4", "08D7B41122", "08D8", "08"}[i]
		b.must(b.Hold(b.ctx, store.Change{}, h))
	}
	for _, c := range []struct {
		bag, digits string
		want        int
	}{
		{"B-0001", "", 3}, {" b-00 01", "", 3}, {"b-0002", "", 1}, {"B-0003", "", 0}, {"  ", "", 0},
		{"", "08D7B4", 3}, {"", "08D7", 3}, {"", "08D7B41122", 3}, {"", "08D7B5", 1}, {"", "08D8", 1}, {"", "08D9", 0},
		{"b-0001", "08D7B5", 1},
	} {
		got := take(b, b.Holdings(b.ctx, store.HoldingFilter{Bag: c.bag, Check: kcv.Value{Digits: c.digits}}))
		if len(got) != c.want {
			t.Errorf("bag %q, check %q: %d, want %d", c.bag, c.digits, len(got), c.want)
		}
	}
	if got := take(b, b.Holdings(b.ctx, store.HoldingFilter{Bag: "b-0001", Limit: 2})); len(got) != 2 || got[1].Bag != "b-0001" {
		t.Errorf("%+v", got)
	}
}
