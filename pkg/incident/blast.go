package incident

// What falls: by the inventory, from what the incident is about.

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"poskey/internal/chained"
	"poskey/internal/fault"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
	"poskey/pkg/store"
	"poskey/pkg/vault"
)

// Blast is what the inventory shows of an incident at one moment.
type Blast struct {
	Named    []store.Key  // keys that it is about, or that a terminal, a bag or an officer leads to
	Below    []store.Node // keys beneath
	Devices  []store.Device
	Sets     []store.KeySet // under one of the keys
	Partners []store.Key    // zone keys at the top of what falls
	Known    []Known        // keys of which an officer has seen parts
	Shared   []Shared
	Loads    []store.Load // of the terminals, of which nobody knows how they ended
	Outside  []Item       // keys that the ledger names and the store does not have

	subjects []store.Device
}

// Known is a key of which somebody has seen parts.
type Known struct {
	Key          store.Ref
	Person       string
	Seen, Needed int
	Enough       bool
}

// Shared is a check value that more than one terminal has.
type Shared struct {
	Check   kcv.Value
	Serials []string
}

// maxShared bounds how many terminals are named for one check value.
const maxShared = 8

// BlastOf asks the inventory what falls. Things that it does not have are left out: who opens an incident may know of keys
// that were never in a store.
func BlastOf(ctx context.Context, db *store.Store, k Kind, subjects []Item) (Blast, error) {
	l := looking{ctx: ctx, db: db, kind: k}
	for _, it := range subjects {
		if err := l.at(it); err != nil {
			return Blast{}, err
		}
	}
	for _, step := range []func() error{l.beneath, l.sets, l.partners, l.shared, l.loads} {
		if err := step(); err != nil {
			return Blast{}, err
		}
	}
	return l.found, nil
}

// looking collects.
type looking struct {
	ctx   context.Context
	db    *store.Store
	kind  Kind
	found Blast
	bdks  []store.Ref // that the terminals' initial keys come from
}

func (l *looking) at(it Item) error {
	switch it.What {
	case ItemKey:
		return l.key(it.Name)
	case ItemDevice:
		return l.device(it.Name)
	case ItemBag:
		return l.bag(it.Name)
	case ItemOfficer:
		return l.officer(it.Name)
	}
	return nil
}

func (l *looking) key(label string) error {
	ref, err := store.ParseRef(label)
	if err != nil || ref.Version == 0 {
		l.outside(label, "not in the store")
		return nil //nolint:nilerr // a key that was never here
	}
	return l.name(ref)
}

func (l *looking) outside(name, note string) {
	it := Item{ItemKey, name, note}
	if !slices.Contains(l.found.Outside, it) {
		l.found.Outside = append(l.found.Outside, it)
	}
}

// name takes a key of the inventory among those that it is about, once.
func (l *looking) name(ref store.Ref) error {
	if slices.ContainsFunc(l.found.Named, func(k store.Key) bool { return k.Ref() == ref }) {
		return nil
	}
	k, err := l.db.Get(l.ctx, ref)
	if fault.Is(err, fault.NotFound) {
		l.outside(ref.String(), "not in the store")
		return nil
	}
	if err == nil {
		l.found.Named = append(l.found.Named, k)
	}
	return err
}

// device leads to the keys that are in a terminal as they are in the store. The base key of an initial key does not fall
// with one terminal: the derivation goes one way.
func (l *looking) device(serial string) error {
	d, err := l.db.Device(l.ctx, serial)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	l.found.subjects = append(l.found.subjects, d)
	l.found.Devices = append(l.found.Devices, d)
	for _, k := range d.Keys {
		if k.Key.IsZero() {
			continue
		}
		if k.KSN != "" {
			l.bdks = append(l.bdks, k.Key)
			continue
		}
		row, err := l.db.Get(l.ctx, k.Key)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		if same, known := store.SameCheck(row.Check, k.Check); err != nil || known && !same {
			continue
		}
		if err := l.name(k.Key); err != nil {
			return err
		}
	}
	return nil
}

func (l *looking) bag(serial string) error {
	bags, err := vault.Bags(l.ctx, l.db, serial)
	if err != nil {
		return err
	}
	for i := range bags {
		b := &bags[i]
		if b.Key.Version == 0 {
			l.outside(b.Key.Label, fmt.Sprintf("part %d of %d, of a key that the store does not have", b.Part, b.Parts))
			continue
		}
		if err := l.name(b.Key); err != nil {
			return err
		}
	}
	return nil
}

// officer leads to every key of whose parts somebody has seen any, and takes those for known that they could form.
func (l *looking) officer(id string) error {
	all, err := vault.HoldersOf(l.ctx, l.db, store.HoldingFilter{Person: id})
	if err != nil {
		return err
	}
	for i := range all {
		p := &all[i]
		for j := range p.People {
			h := &p.People[j]
			if len(h.Seen)+len(h.Carried) == 0 {
				continue
			}
			known := Known{p.Key, id, len(h.Seen), p.Needed, p.Enough(h)}
			l.found.Known = append(l.found.Known, known)
			if known.Enough && p.Key.Version > 0 {
				if err := l.name(p.Key); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// beneath goes down from every key.
func (l *looking) beneath() error {
	met := map[store.Ref]bool{}
	for i := range l.found.Named {
		met[l.found.Named[i].Ref()] = true
	}
	devices := map[string]bool{}
	for _, d := range l.found.Devices {
		devices[d.Serial] = true
	}
	for i := range l.found.Named {
		blast, err := vault.BlastOf(l.ctx, l.db, l.found.Named[i].Ref())
		if err != nil {
			return err
		}
		for _, n := range blast.Keys {
			if !met[n.Key.Ref()] {
				met[n.Key.Ref()] = true
				l.found.Below = append(l.found.Below, n)
			}
		}
		for _, d := range blast.Devices {
			if !devices[d.Serial] {
				devices[d.Serial] = true
				l.found.Devices = append(l.found.Devices, d)
			}
		}
	}
	return nil
}

// sets finds the key sets under what falls. When terminals got a wrong key, or fail by the many, those that their initial
// keys came out of are meant too.
func (l *looking) sets() error {
	fallen := map[store.Ref]bool{}
	for _, k := range l.found.All() {
		fallen[k.Ref()] = true
	}
	if l.kind == WrongKey || l.kind == MassFailure {
		for _, ref := range l.bdks {
			fallen[ref] = true
		}
	}
	all, err := l.db.KeySets(l.ctx)
	for _, s := range all {
		if fallen[s.BDK] {
			l.found.Sets = append(l.found.Sets, s)
		}
	}
	return err
}

// All are the keys that fall: those named and those beneath.
func (b *Blast) All() []store.Key {
	all := slices.Clone(b.Named)
	for i := range b.Below {
		all = append(all, b.Below[i].Key)
	}
	return all
}

// partners are those with whom a zone key at the top of what falls was exchanged: they have keys beneath it too.
func (l *looking) partners() error {
	met := map[store.Ref]bool{}
	for _, k := range l.found.All() {
		for up := 0; !k.Parent.IsZero() && up < maxDepth; up++ {
			above, err := l.db.Get(l.ctx, k.Parent)
			if err != nil {
				return err
			}
			k = above
		}
		if !met[k.Ref()] && isZone(k.Usage) {
			met[k.Ref()] = true
			l.found.Partners = append(l.found.Partners, k)
		}
	}
	return nil
}

// maxDepth bounds the way up, should somebody have made a circle.
const maxDepth = 64

// isZone tells keys under which keys are exchanged.
func isZone(u keys.Usage) bool { return strings.HasPrefix(string(u), "K") }

// shared compares check values across terminals (PCI PIN 20-1): of those that it is about, or else of those that fall.
func (l *looking) shared() error {
	mine := l.found.subjects
	if len(mine) == 0 {
		mine = l.found.Devices
	}
	checks := map[kcv.Value][]string{}
	for _, d := range mine {
		for _, k := range d.Keys {
			if k.Check.Digits != "" {
				checks[k.Check] = nil
			}
		}
	}
	if len(checks) == 0 {
		return nil
	}
	for d, err := range l.db.Devices(l.ctx, store.DeviceFilter{}) {
		if err != nil {
			return err
		}
		for _, k := range d.Keys {
			if serials, ok := checks[k.Check]; ok && !slices.Contains(serials, d.Serial) && d.State != store.Rejected {
				checks[k.Check] = append(serials, d.Serial)
			}
		}
	}
	for check, serials := range checks {
		others := slices.ContainsFunc(serials, func(s string) bool { return !isOne(mine, s) })
		if len(serials) > 1 || len(l.found.subjects) > 0 && others {
			l.found.Shared = append(l.found.Shared, Shared{check, serials})
		}
	}
	slices.SortFunc(l.found.Shared, func(a, b Shared) int { return strings.Compare(a.Check.Digits, b.Check.Digits) })
	return nil
}

func isOne(all []store.Device, serial string) bool {
	return slices.ContainsFunc(all, func(d store.Device) bool { return d.Serial == serial })
}

func (l *looking) loads() error {
	for _, d := range l.found.subjects {
		for load, err := range l.db.Loads(l.ctx, store.LoadFilter{Serial: d.Serial}) {
			if err != nil {
				return err
			}
			if load.State.Open() {
				l.found.Loads = append(l.found.Loads, load)
			}
		}
	}
	return nil
}

// Items writes down what falls, as a record keeps it.
func (b *Blast) Items() []Item {
	all := slices.Clone(b.Outside)
	for _, k := range b.All() {
		all = append(all, Item{ItemKey, k.Ref().String(), fmt.Sprintf("%s, check value %s, %s", k.Usage, k.Check.Digits, k.State)})
	}
	for _, d := range b.Devices {
		all = append(all, Item{ItemDevice, d.Serial, strings.TrimPrefix(d.Model+", "+string(d.State), ", ")})
	}
	for i := range b.Sets {
		all = append(all, Item{ItemNumbers, b.Sets[i].ID, numbersNote(&b.Sets[i])})
	}
	for _, k := range b.Partners {
		all = append(all, Item{ItemPartner, k.Ref().String(), shown(k.Purpose)})
	}
	for _, k := range b.Known {
		all = append(all, Item{ItemKnown, refName(k.Key), fmt.Sprintf("%s has seen %d parts, %d form it", shown(k.Person), k.Seen, k.Needed)})
	}
	for _, s := range b.Shared {
		all = append(all, Item{ItemShared, s.Check.Digits, shown(strings.Join(s.Serials[:min(len(s.Serials), maxShared)], " "))})
	}
	for _, load := range b.Loads {
		all = append(all, Item{ItemLoad, shown(load.ID), shown(fmt.Sprintf("%s slot %s, %s", load.Serial, load.Slot, load.State))})
	}
	return all
}

// refName names a key with its version, where it has one.
func refName(r store.Ref) string {
	if r.Version == 0 {
		return r.Label
	}
	return r.String()
}

// numbersNote says what went out of a key set.
func numbersNote(s *store.KeySet) string {
	out := s.Next - min(s.From, s.Next)
	if s.Next <= s.From {
		return fmt.Sprintf("under %s, no number went out", s.BDK)
	}
	first, err := s.KSN(s.From)
	if err != nil {
		return fmt.Sprintf("under %s, %d numbers went out", s.BDK, out)
	}
	last, err := s.KSN(s.Next - 1)
	if err != nil {
		return fmt.Sprintf("under %s, %d numbers went out", s.BDK, out)
	}
	return fmt.Sprintf("under %s, %d numbers went out, KSN %s to KSN %s", s.BDK, out, first.String(), last.String())
}

// shown makes what may stand in a record of a text from the inventory.
func shown(s string) string {
	s = strings.Map(func(c rune) rune {
		if chained.Hidden(c) {
			return '?'
		}
		return c
	}, s)
	for len(s) > maxName {
		s = s[:len(s)-1]
	}
	return strings.ToValidUTF8(s, "?")
}

// maxListed bounds what the record lists of one look; how many more there are it says.
const maxListed = 2000

// Entries are the lines that keep it.
func (b *Blast) Entries(by, cause string) []Entry {
	items := b.Items()
	if more := len(items) - maxListed; more > 0 {
		items = append(items[:maxListed:maxListed], Item{ItemMore, fmt.Sprint(more), "not listed here; the inventory has them"})
	}
	var all []Entry
	for part := range slices.Chunk(items, maxItems) {
		all = append(all, Entry{Kind: EntryBlast, By: by, Items: part, Details: map[string]string{DetailCause: cause}})
		cause = causeMore
	}
	if len(all) == 0 {
		all = append(all, Entry{Kind: EntryBlast, By: by, Details: map[string]string{DetailCause: cause}})
	}
	return all
}
