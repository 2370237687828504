package vault

// What the ledger of ceremonies answers: who knows which parts of a key, and what falls with a bag.

import (
	"context"
	"slices"
	"time"

	"poskey/pkg/kcv"
	"poskey/pkg/store"
)

// PartsOf is one cutting of a key, and who has held its parts.
type PartsOf struct {
	Key           store.Ref
	Check         kcv.Value
	Sheets        string // set; "" where it is not known
	Parts, Needed int
	People        []Holder
}

// Holder is somebody who has held parts of a key. Nobody forgets: what was ever seen counts (PCI PIN 21-2.4).
type Holder struct {
	Person, Name, Card string
	Seen               []int // parts whose digits they have seen, each once
	Carried            []int // parts that they had in a sealed bag alone
	Last               time.Time
	Ceremonies         []string
}

// Enough reports that one person has seen as many parts as form the key (PCI PIN 8-2).
func (p *PartsOf) Enough(h *Holder) bool { return len(h.Seen) >= p.Needed }

// Sees tells the events after which somebody knows the digits of a part; the others are about its bag.
func Sees(event string) bool {
	return event == "printed" || event == "entered" || event == "opened"
}

// HoldersOf sums the ledger up, key by key, in the order of its first line about each. Parts that were cut at different
// times do not add up, and are told apart by the set of their sheets.
func HoldersOf(ctx context.Context, db *store.Store, f store.HoldingFilter) ([]PartsOf, error) {
	var all []PartsOf
	for h, err := range db.Holdings(ctx, f) {
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(all, func(p PartsOf) bool { return p.Key == h.Key && p.Sheets == h.Sheets && p.Parts == h.Parts })
		if at < 0 {
			at = len(all)
			all = append(all, PartsOf{Key: h.Key, Sheets: h.Sheets, Parts: h.Parts, Needed: h.Needed})
		}
		all[at].add(&h)
	}
	return all, nil
}

func (p *PartsOf) add(h *store.Holding) {
	if h.Check != (kcv.Value{}) {
		p.Check = h.Check
	}
	at := slices.IndexFunc(p.People, func(k Holder) bool { return k.Person == h.Person })
	if at < 0 {
		at = len(p.People)
		p.People = append(p.People, Holder{Person: h.Person})
	}
	who := &p.People[at]
	who.Name, who.Card, who.Last = h.Name, h.Card, h.At
	who.Ceremonies = with(who.Ceremonies, h.Ceremony)
	if Sees(h.Event) {
		who.Seen = with(who.Seen, h.Part)
		who.Carried = slices.DeleteFunc(who.Carried, func(n int) bool { return n == h.Part })
	} else if !slices.Contains(who.Seen, h.Part) {
		who.Carried = with(who.Carried, h.Part)
	}
}

func with[T comparable](all []T, v T) []T {
	if slices.Contains(all, v) {
		return all
	}
	return append(all, v)
}

// Bag is a bag, and what is known of it.
type Bag struct {
	Serial, Outer string
	Key           store.Ref
	Check         kcv.Value
	Part, Parts   int
	Needed        int
	Last          store.Holding   // what happened to it last
	History       []store.Holding // all that happened to it
}

// Bags lists the bags of the ledger in the order in which they came into it. A serial chooses one bag, by its own or the
// outer bag's.
func Bags(ctx context.Context, db *store.Store, serial string) ([]Bag, error) {
	var all []Bag
	for h, err := range db.Holdings(ctx, store.HoldingFilter{Bag: serial}) {
		if err != nil {
			return nil, err
		}
		if h.Bag == "" {
			continue
		}
		at := slices.IndexFunc(all, func(b Bag) bool { return b.Serial == h.Bag })
		if at < 0 {
			at = len(all)
			all = append(all, Bag{Serial: h.Bag})
		}
		b := &all[at]
		b.Key, b.Part, b.Parts, b.Needed, b.Last = h.Key, h.Part, h.Parts, h.Needed, h
		b.History = append(b.History, h)
		if h.Outer != "" {
			b.Outer = h.Outer
		}
		if h.Check != (kcv.Value{}) {
			b.Check = h.Check
		}
	}
	return all, nil
}
