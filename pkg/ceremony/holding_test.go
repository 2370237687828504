package ceremony

import (
	"testing"

	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/store"
)

// TestSharesAreDealtAndNotSealed: no sheet goes into a bag when a store's master key is cut to its officers.
func TestSharesAreDealtAndNotSealed(t *testing.T) {
	s := newStage(t, template(t, script.StoreMaster), transcript.Rehearsal)
	if _, err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	dealt := map[int]string{}
	for _, h := range s.tools.Ledger() {
		if h.Event != string(store.PartDealt) || h.Bag != "" {
			t.Errorf("part %d was %s, bag %q", h.Part, h.Event, h.Bag)
		}
		dealt[h.Part] = h.Person.ID
	}
	if want := len(s.program.Script.Keys[0].Parts); want == 0 || len(dealt) != want {
		t.Errorf("%v, want %d parts", dealt, want)
	}
}

// TestEveryEventOfTheLedgerHasAName for people.
func TestEveryEventOfTheLedgerHasAName(t *testing.T) {
	for _, e := range store.PartEvents() {
		if EventName(string(e)).Format != string(e) {
			t.Errorf("%s has none", e)
		}
	}
}
