package vault

// What the ledger of ceremonies answers: who knows which parts of a key, and what falls with a bag.

import (
	"cmp"
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
	checks     []kcv.Value
	lines      []store.Holding
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
// Some lines do not say all: what was typed before the key was formed has no version, what a partner printed has no set.
// Such lines count for the key of that label that their ceremony made, else for each that has their set or their check
// value; one that knows neither of these is told by itself, whatever version is asked for.
func HoldersOf(ctx context.Context, db *store.Store, f store.HoldingFilter) ([]PartsOf, error) {
	wide := f
	wide.Key.Version, wide.Person, wide.Check = 0, "", kcv.Value{} // these may stand in other lines about the key alone
	var lines []store.Holding
	for h, err := range db.Holdings(ctx, wide) {
		if err != nil {
			return nil, err
		}
		lines = append(lines, h)
	}
	all := cuttings(lines)
	all = slices.DeleteFunc(all, func(p PartsOf) bool {
		return f.Key.Version != 0 && p.Key.Version != 0 && p.Key.Version != f.Key.Version || f.Check.Digits != "" && !p.hasCheck(f.Check)
	})
	for i := range all {
		all[i].People = slices.DeleteFunc(all[i].People, func(h Holder) bool { return f.Person != "" && h.Person != f.Person })
	}
	return slices.DeleteFunc(all, func(p PartsOf) bool { return len(p.People) == 0 }), nil
}

// cuttings puts the lines about one cutting of a key together: first those that say which one it is, then those that leave
// something open.
func cuttings(lines []store.Holding) []PartsOf {
	var groups []PartsOf
	for i := range lines {
		h := &lines[i]
		at := slices.IndexFunc(groups, func(g PartsOf) bool {
			return g.Key == h.Key && g.Sheets == h.Sheets && g.Parts == h.Parts && (g.open() == 0 || g.ceremonies[0] == h.Ceremony)
		})
		if at < 0 {
			at = len(groups)
			groups = append(groups, PartsOf{Key: h.Key, Sheets: h.Sheets, Parts: h.Parts, Needed: h.Needed})
		}
		groups[at].note(h)
	}
	slices.SortStableFunc(groups, func(a, b PartsOf) int { return a.open() - b.open() })
	var all []PartsOf
	for i := range groups {
		g := &groups[i]
		at := g.among(all)
		if len(at) == 0 {
			all = append(all, *g)
		}
		for _, n := range at {
			all[n].join(g)
		}
	}
	slices.SortStableFunc(all, func(a, b PartsOf) int { return cmp.Compare(a.lines[0].ID, b.lines[0].ID) })
	for i := range all {
		all[i].sum()
	}
	return all
}

// open counts what is not known of it: which version of the key, which set of sheets.
func (p *PartsOf) open() int {
	n := 0
	if p.Key.Version == 0 {
		n++
	}
	if p.Sheets == "" {
		n++
	}
	return n
}

// among finds the cuttings that lines which leave something open may be about: those of their own ceremony before others.
func (p *PartsOf) among(all []PartsOf) []int {
	var near, far []int
	for i := range all {
		o := &all[i]
		switch {
		case !p.mayBe(o):
		case slices.ContainsFunc(p.ceremonies, func(id string) bool { return slices.Contains(o.ceremonies, id) }):
			near = append(near, i)
		case p.Key.Version == 0 && slices.ContainsFunc(o.checks, p.contradicts):
		case p.Key.Version > 0 && p.Key == o.Key, p.Sheets != "" && p.Sheets == o.Sheets, p.shares(o):
			far = append(far, i)
		}
	}
	if near != nil {
		return near
	}
	return far
}

// mayBe reports that neither label, version, set nor number of parts speaks against two groups being about one cutting.
func (p *PartsOf) mayBe(o *PartsOf) bool {
	return p.Key.Label == o.Key.Label && p.Parts == o.Parts && p.Needed == o.Needed &&
		(p.Key.Version == o.Key.Version || p.Key.Version == 0 || o.Key.Version == 0) &&
		(p.Sheets == o.Sheets || p.Sheets == "" || o.Sheets == "")
}

// contradicts reports that a check value is of another key.
func (p *PartsOf) contradicts(v kcv.Value) bool {
	return slices.ContainsFunc(p.checks, func(own kcv.Value) bool {
		same, known := store.SameCheck(own, v)
		return known && !same
	})
}

func (p *PartsOf) shares(o *PartsOf) bool { return slices.ContainsFunc(o.checks, p.hasCheck) }

func (p *PartsOf) hasCheck(v kcv.Value) bool {
	return slices.ContainsFunc(p.checks, func(own kcv.Value) bool {
		same, _ := store.SameCheck(own, v)
		return same
	})
}

func (p *PartsOf) note(h *store.Holding) {
	p.lines, p.ceremonies = append(p.lines, *h), with(p.ceremonies, h.Ceremony)
	if h.Check != (kcv.Value{}) {
		p.checks = with(p.checks, h.Check)
	}
}

// join takes lines in that leave something open.
func (p *PartsOf) join(o *PartsOf) {
	for i := range o.lines {
		p.note(&o.lines[i])
	}
	if p.Key.Version == 0 {
		p.Key = o.Key
	}
	if p.Sheets == "" {
		p.Sheets = o.Sheets
	}
}

// sum sums the lines up in their order.
func (p *PartsOf) sum() {
	slices.SortFunc(p.lines, func(a, b store.Holding) int { return cmp.Compare(a.ID, b.ID) })
	for i := range p.lines {
		p.add(&p.lines[i])
	}
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
// outer bag has it, however it is typed (see [store.BagName]). A part of a key that had no version yet is of the version that
// its ceremony made.
func Bags(ctx context.Context, db *store.Store, serial string) ([]Bag, error) {
	formed, err := formedIn(ctx, db)
	if err != nil {
		return nil, err
	}
	var all []Bag
	for h, err := range db.Holdings(ctx, store.HoldingFilter{Bag: serial}) {
		if err != nil {
			return nil, err
		}
		if h.Bag == "" {
			continue
		}
		key := h.Key
		if made := formed[made{h.Ceremony, h.Key.Label}]; key.Version == 0 && made > 0 {
			key.Version = made
		}
		at := slices.IndexFunc(all, func(b Bag) bool {
			return store.BagName(b.Serial) == store.BagName(h.Bag) && b.Part == h.Part && b.Key == key
		})
		if at < 0 {
			at = len(all)
			all = append(all, Bag{Serial: h.Bag, Key: key})
		}
		all[at].add(&h)
	}
	return all, nil
}

// BagKnown tells what the ledger has about a bag, the newest line last; nothing for one that no ceremony ever had. A bag is
// used once: one that is known is not sealed again.
func BagKnown(ctx context.Context, db *store.Store, serial string) ([]store.Holding, error) {
	var all []store.Holding
	if store.BagName(serial) == "" {
		return nil, nil
	}
	for h, err := range db.Holdings(ctx, store.HoldingFilter{Bag: serial}) {
		if err != nil {
			return nil, err
		}
		all = append(all, h)
	}
	return all, nil
}

// made is a key of a ceremony.
type made struct{ ceremony, label string }

// formedIn gives the versions that keys got in their ceremonies; 0 where a ceremony has more than one.
func formedIn(ctx context.Context, db *store.Store) (map[made]int, error) {
	all := map[made]int{}
	for h, err := range db.Holdings(ctx, store.HoldingFilter{}) {
		if err != nil {
			return nil, err
		}
		k := made{h.Ceremony, h.Key.Label}
		switch known, there := all[k]; {
		case h.Key.Version == 0:
		case !there:
			all[k] = h.Key.Version
		case known != h.Key.Version:
			all[k] = 0
		}
	}
	return all, nil
}

func (b *Bag) add(h *store.Holding) {
	b.Part, b.Parts, b.Needed, b.Last = h.Part, h.Parts, h.Needed, *h
	b.History = append(b.History, *h)
	if b.Outer == "" {
		b.Outer = h.Outer
	}
	if h.Check != (kcv.Value{}) {
		b.Check = h.Check
	}
}
