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
	Key           store.Ref // without a version for a key that was not in the store
	Check         kcv.Value
	Sheets        string // set; "" where it is not known
	Parts, Needed int
	People        []Holder

	ceremonies []string
}

// Holder is somebody who has held parts of a key. Nobody forgets: what was ever seen counts (PCI PIN 21-2.4).
type Holder struct {
	Person, Name, Card string
	Seen               []int // parts that they know by [store.PartEvent.Tells], each once
	Carried            []int // parts that they had in a closed bag alone
	Last               time.Time
	Ceremonies         []string
}

// Enough reports that one person has seen as many parts as form the key (PCI PIN 8-2).
func (p *PartsOf) Enough(h *Holder) bool { return len(h.Seen) >= p.Needed }

// HoldersOf sums the ledger up, key by key, in the order of its first line about each. Parts that were cut at different
// times do not add up, and are told apart by the set of their sheets.
//
// What was typed before the key was formed stands in the ledger without a version, which there was none of: it counts for
// the version that the same ceremony made. Where none came of it, it is told whatever version is asked for.
func HoldersOf(ctx context.Context, db *store.Store, f store.HoldingFilter) ([]PartsOf, error) {
	var all []PartsOf
	wide := f
	wide.Key.Version, wide.Person = 0, "" // a version may stand in a line of somebody else's alone
	for h, err := range db.Holdings(ctx, wide) {
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(all, func(p PartsOf) bool {
			return p.Sheets == h.Sheets && p.Parts == h.Parts && sameKey(p.Key, h.Key, slices.Contains(p.ceremonies, h.Ceremony))
		})
		if at < 0 {
			at = len(all)
			all = append(all, PartsOf{Key: h.Key, Sheets: h.Sheets, Parts: h.Parts, Needed: h.Needed})
		}
		all[at].add(&h)
	}
	for i := range all {
		all[i].People = slices.DeleteFunc(all[i].People, func(h Holder) bool { return f.Person != "" && h.Person != f.Person })
	}
	return slices.DeleteFunc(all, func(p PartsOf) bool {
		return len(p.People) == 0 || f.Key.Version != 0 && p.Key.Version != 0 && p.Key.Version != f.Key.Version
	}), nil
}

// sameKey reports whether two lines of the ledger are about one key: within a ceremony it has no version until it is formed.
func sameKey(a, b store.Ref, together bool) bool {
	return a == b || together && a.Label == b.Label && (a.Version == 0 || b.Version == 0)
}

func (p *PartsOf) add(h *store.Holding) {
	if h.Check != (kcv.Value{}) {
		p.Check = h.Check
	}
	if p.Key.Version == 0 {
		p.Key = h.Key
	}
	p.ceremonies = with(p.ceremonies, h.Ceremony)
	at := slices.IndexFunc(p.People, func(k Holder) bool { return k.Person == h.Person })
	if at < 0 {
		at = len(p.People)
		p.People = append(p.People, Holder{Person: h.Person})
	}
	who := &p.People[at]
	who.Name, who.Card, who.Last = h.Name, h.Card, h.At
	who.Ceremonies = with(who.Ceremonies, h.Ceremony)
	if h.Event.Tells() {
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

// Bag is a bag with one part of one key. A serial that was used again, though a bag is used once, makes another.
type Bag struct {
	Serial, Outer string // as they were typed first
	Key           store.Ref
	Check         kcv.Value
	Part, Parts   int
	Needed        int
	Last          store.Holding   // what happened to it last
	History       []store.Holding // all that happened to it
}

// Bags lists the bags of the ledger in the order in which they came into it. A serial chooses those that have it, or whose
// outer bag has it, however it is typed (see [store.BagName]).
func Bags(ctx context.Context, db *store.Store, serial string) ([]Bag, error) {
	var all []Bag
	for h, err := range db.Holdings(ctx, store.HoldingFilter{Bag: serial}) {
		if err != nil {
			return nil, err
		}
		if h.Bag == "" {
			continue
		}
		at := slices.IndexFunc(all, func(b Bag) bool { return b.has(&h) })
		if at < 0 {
			at = len(all)
			all = append(all, Bag{Serial: h.Bag, Key: h.Key})
		}
		all[at].add(&h)
	}
	return all, nil
}

func (b *Bag) has(h *store.Holding) bool {
	return store.BagName(b.Serial) == store.BagName(h.Bag) && b.Part == h.Part &&
		sameKey(b.Key, h.Key, b.Last.Ceremony == h.Ceremony)
}

func (b *Bag) add(h *store.Holding) {
	b.Part, b.Parts, b.Needed, b.Last = h.Part, h.Parts, h.Needed, *h
	b.History = append(b.History, *h)
	if b.Key.Version == 0 {
		b.Key = h.Key
	}
	if b.Outer == "" {
		b.Outer = h.Outer
	}
	if h.Check != (kcv.Value{}) {
		b.Check = h.Check
	}
}
