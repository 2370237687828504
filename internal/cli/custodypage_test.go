package cli

import (
	"fmt"
	"testing"

	"poskey/pkg/store"
	"poskey/pkg/vault"
)

// TestEveryKeyOfASerialFalls: a serial that was used again has the way of both, in the order of time, and each key falls once.
func TestEveryKeyOfASerialFalls(t *testing.T) {
	zmk, tmk := store.Ref{Label: "ZMK", Version: 1}, store.Ref{Label: "TMK", Version: 1}
	step := func(id int64, part int, event store.PartEvent) store.Holding {
		return store.Holding{ID: id, Part: part, Event: event}
	}
	all := []vault.Bag{
		{Key: zmk, History: []store.Holding{step(1, 1, store.PartSealed), step(5, 1, store.PartOpened)}},
		{Key: tmk, History: []store.Holding{step(2, 1, store.PartSealed)}},
		{Key: tmk, History: []store.Holding{step(3, 2, store.PartSealed)}},
	}
	if got := fmt.Sprint(keysOf(all)); got != "[ZMK#1 TMK#1]" {
		t.Errorf("fall: %s", got)
	}
	var way string
	for _, d := range newHoldingDocs(all) {
		way += fmt.Sprintf("%s/%d %s; ", d.Key, d.Part, d.Event)
	}
	if want := "ZMK#1/1 sealed; TMK#1/1 sealed; TMK#1/2 sealed; ZMK#1/1 opened; "; way != want {
		t.Errorf("%s, want %s", way, want)
	}
}
