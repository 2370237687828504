package incident

// What falls: by the inventory, from what the incident is about.

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"poskey/internal/chained"
	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/ceremony/transcript"
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
	Set      []vault.Bag  // the other bags of a set of which one is lost: its parts are void too

	subjects []store.Device
	people   bool // the ledger has something about an officer
}

// Known is a key of which somebody has seen parts.
type Known struct {
	Key          store.Ref
	Person       string
	Seen, Needed int
	Together     int  // with those whose cards are revoked, or who leave with them
	Enough       bool // alone, or together
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
	return blastOf(ctx, db, k, subjects, time.Time{})
}

// blastOf leaves out what terminals got after a moment; the zero one is now.
func blastOf(ctx context.Context, db *store.Store, k Kind, subjects []Item, until time.Time) (Blast, error) {
	l := looking{ctx: ctx, db: db, kind: k, subjects: subjects, until: until}
	for _, it := range subjects {
		if err := l.at(it); err != nil {
			return Blast{}, err
		}
	}
	for _, step := range []func() error{l.twins, l.beneath, l.strangers, l.sets, l.partners, l.shared, l.loads} {
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

	subjects []Item
	until    time.Time
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
		l.outside(label, text.New("not in the store"))
		return nil //nolint:nilerr // a key that was never here
	}
	return l.name(ref)
}

func (l *looking) outside(name string, note text.Text) {
	it := Item{ItemKey, name, note.String()}
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
		l.outside(ref.String(), text.New("not in the store"))
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
		if !l.until.IsZero() && k.Loaded.After(l.until) { // it is new, and was not there when it happened
			continue
		}
		if k.Key.IsZero() {
			if err := l.same(k.Check, nil); err != nil {
				return err
			}
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
		if same, known := store.SameCheck(row.Check, k.Check); err != nil || known && !same { // it has another key than the list says
			if err := l.same(k.Check, nil); err != nil {
				return err
			}
			continue
		}
		if err := l.name(k.Key); err != nil {
			return err
		}
	}
	return nil
}

// same names the keys of the inventory that have a check value; like leaves out those of another algorithm or length.
func (l *looking) same(check kcv.Value, like *store.Key) error {
	if len(check.Digits) < leastCheck {
		return nil
	}
	for k, err := range l.db.List(l.ctx, store.Filter{Check: check}) {
		if err != nil {
			return err
		}
		if like != nil && (k.Algorithm != like.Algorithm || k.Len != like.Len) {
			continue
		}
		if err := l.name(k.Ref()); err != nil {
			return err
		}
	}
	return nil
}

// leastCheck is how many digits a check value has that tells keys apart.
const leastCheck = 4

// twins names what is the same key under another label.
func (l *looking) twins() error {
	for i := 0; i < len(l.found.Named); i++ { // it grows
		k := l.found.Named[i]
		if err := l.same(k.Check, &k); err != nil {
			return err
		}
	}
	return nil
}

// strangers finds terminals that have a key which no key of the inventory stands for, with a check value of what falls.
func (l *looking) strangers() error {
	var checks checkTable
	for _, k := range l.found.All() {
		checks.add(k.Check)
	}
	for d, err := range l.db.Devices(l.ctx, store.DeviceFilter{}) {
		if err != nil {
			return err
		}
		for _, k := range d.Keys {
			if k.Key.IsZero() && k.KSN == "" && len(checks.like(k.Check)) > 0 && !isOne(l.found.Devices, d.Serial) {
				l.found.Devices = append(l.found.Devices, d)
			}
		}
	}
	return nil
}

// checkTable finds check values that say the same, at whatever length they were written.
type checkTable map[string][]kcv.Value

func (t *checkTable) add(v kcv.Value) {
	if len(v.Digits) < leastCheck {
		return
	}
	if *t == nil {
		*t = checkTable{}
	}
	head := v.Digits[:leastCheck]
	if !slices.Contains((*t)[head], v) {
		(*t)[head] = append((*t)[head], v)
	}
}

// like gives those of the table that a value may be.
func (t *checkTable) like(v kcv.Value) []kcv.Value {
	if len(v.Digits) < leastCheck {
		return nil
	}
	var all []kcv.Value
	for _, own := range (*t)[v.Digits[:leastCheck]] {
		if same, _ := store.SameCheck(own, v); same {
			all = append(all, own)
		}
	}
	return all
}

// bag leads to the key of which a part was in a bag, and to the other bags of its set.
func (l *looking) bag(serial string) error {
	bags, err := vault.Bags(l.ctx, l.db, serial)
	if err != nil || len(bags) == 0 {
		return err
	}
	every, err := vault.Bags(l.ctx, l.db, "")
	if err != nil {
		return err
	}
	for i := range every {
		if isOfSet(&every[i], bags) && !slices.ContainsFunc(l.found.Set, func(b vault.Bag) bool { return isBag(&b, &every[i]) }) {
			l.found.Set = append(l.found.Set, every[i])
		}
	}
	for i := range bags {
		b := &bags[i]
		if b.Key.Version == 0 {
			l.outside(b.Key.Label, text.New("part %d of %d, of a key that the store does not have", b.Part, b.Parts))
			continue
		}
		if err := l.name(b.Key); err != nil {
			return err
		}
	}
	return nil
}

// isOfSet tells that a bag is another one of a set of which some are lost. Lines of which nobody knows the set count.
func isOfSet(b *vault.Bag, lost []vault.Bag) bool {
	return !slices.ContainsFunc(lost, func(o vault.Bag) bool { return isBag(b, &o) }) &&
		slices.ContainsFunc(lost, func(o vault.Bag) bool {
			return b.Key == o.Key && (b.Last.Sheets == o.Last.Sheets || b.Last.Sheets == "" || o.Last.Sheets == "")
		})
}

func isBag(a, b *vault.Bag) bool {
	return store.BagName(a.Serial) == store.BagName(b.Serial) && a.Key == b.Key && a.Part == b.Part
}

// officer leads to every key of whose parts somebody has seen any, and takes those for known that they could form: alone,
// or with others who left.
func (l *looking) officer(id string) error {
	gone, err := l.leavers()
	if err != nil {
		return err
	}
	all, err := vault.HoldersOf(l.ctx, l.db, store.HoldingFilter{})
	if err != nil {
		return err
	}
	for i := range all {
		p := &all[i]
		at := slices.IndexFunc(p.People, func(h vault.Holder) bool { return h.Person == id })
		if at < 0 {
			continue
		}
		l.found.people = true
		h := &p.People[at]
		if len(h.Seen)+len(h.Carried) == 0 {
			continue
		}
		known := Known{Key: p.Key, Person: id, Seen: len(h.Seen), Needed: p.Needed, Together: together(p, gone)}
		known.Enough = p.Enough(h) || known.Seen > 0 && known.Together >= p.Needed
		l.found.Known = append(l.found.Known, known)
		switch {
		case known.Enough && p.Key.Version > 0:
			if err := l.name(p.Key); err != nil {
				return err
			}
		case known.Enough:
			l.outside(p.Key.Label, text.New("parts that form it are known, and the store does not have it"))
		}
	}
	return nil
}

// leavers are those of whom the incident is, and those whose cards are revoked.
func (l *looking) leavers() ([]string, error) {
	var gone []string
	for _, it := range l.subjects {
		if it.What == ItemOfficer {
			gone = append(gone, it.Name)
		}
	}
	rows, err := l.db.Officers(l.ctx)
	for _, r := range rows {
		if !r.Revoked.IsZero() {
			gone = append(gone, r.ID)
		}
	}
	return gone, err
}

// together counts the parts that some people have seen between them.
func together(p *vault.PartsOf, people []string) int {
	seen := map[int]bool{}
	for _, h := range p.People {
		if !slices.Contains(people, h.Person) {
			continue
		}
		for _, part := range h.Seen {
			seen[part] = true
		}
	}
	return len(seen)
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
	var table checkTable
	for _, d := range mine {
		for _, k := range d.Keys {
			table.add(k.Check)
		}
	}
	if len(table) == 0 {
		return nil
	}
	checks := map[kcv.Value][]string{}
	for d, err := range l.db.Devices(l.ctx, store.DeviceFilter{}) {
		if err != nil {
			return err
		}
		for _, k := range d.Keys {
			for _, check := range table.like(k.Check) {
				if !slices.Contains(checks[check], d.Serial) && d.State != store.Rejected {
					checks[check] = append(checks[check], d.Serial)
				}
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

// loads finds those without a known end: of the terminals that it is about, else of those that fall, else of all.
func (l *looking) loads() error {
	mine := l.found.subjects
	if len(mine) == 0 {
		mine = l.found.Devices
	}
	serials := map[string]bool{}
	for _, d := range mine {
		serials[d.Serial] = true
	}
	open := []store.LoadState{store.LoadReserved, store.LoadSent, store.LoadUnknown}
	for load, err := range l.db.Loads(l.ctx, store.LoadFilter{States: open}) {
		if err != nil {
			return err
		}
		if len(serials) == 0 || serials[load.Serial] {
			l.found.Loads = append(l.found.Loads, load)
		}
	}
	return nil
}

// Items writes down what falls, as a record keeps it: in English, in sentences that a reader of another language can be
// shown (text.Known).
func (b *Blast) Items() []Item {
	all := slices.Clone(b.Outside)
	for _, k := range b.All() {
		note := text.New("%s, check value %s, %s", k.Usage, k.Check.Digits, k.State)
		all = append(all, Item{ItemKey, k.Ref().String(), note.String()})
	}
	for _, d := range b.Devices {
		all = append(all, Item{ItemDevice, cleaned(d.Serial), deviceNote(&d)})
	}
	for i := range b.Sets {
		all = append(all, Item{ItemNumbers, b.Sets[i].ID, numbersNote(&b.Sets[i])})
	}
	for _, k := range b.Partners {
		all = append(all, Item{ItemPartner, k.Ref().String(), cleaned(k.Purpose)})
	}
	for _, k := range b.Known {
		all = append(all, Item{ItemKnown, refName(k.Key), knownNote(&k)})
	}
	for _, s := range b.Shared {
		all = append(all, Item{ItemShared, s.Check.Digits, sharedNote(&s)})
	}
	for _, load := range b.Loads {
		note := text.New("slot %s, %s, load %s", cleaned(load.Slot), load.State, cleaned(load.ID))
		all = append(all, Item{ItemLoad, cleaned(load.Serial), note.String()})
	}
	for i := range b.Set {
		s := &b.Set[i]
		note := text.New("part %d of %d of %s, %s, %s", s.Part, s.Parts, refName(s.Key), s.Last.Event, cleaned(s.Last.Person))
		all = append(all, Item{ItemBag, cleaned(s.Serial), note.String()})
	}
	return all
}

// deviceNote says how a terminal is, and the numbers of its initial keys: what they protect from here on is in doubt.
func deviceNote(d *store.Device) string {
	note := cleaned(strings.TrimPrefix(d.Model+", "+string(d.State), ", "))
	for _, k := range d.Keys {
		if k.KSN != "" && len(note)+len(k.KSN) < maxName*2 {
			note += ", KSN " + k.KSN
		}
	}
	return note
}

func knownNote(k *Known) string {
	if k.Together > k.Seen {
		return text.New("%s has seen %d parts, %d form it; %d with others who left", cleaned(k.Person), k.Seen, k.Needed, k.Together).String()
	}
	return text.New("%s has seen %d parts, %d form it", cleaned(k.Person), k.Seen, k.Needed).String()
}

// sharedNote names terminals one by one: serial numbers that are all digits would read like a key in a row.
func sharedNote(s *Shared) string {
	var all []string
	for _, serial := range s.Serials[:min(len(s.Serials), maxShared)] {
		all = append(all, cleaned(serial))
	}
	note := strings.Join(all, " and ")
	for len(note) > maxNote {
		all = all[:len(all)-1]
		note = strings.Join(all, " and ")
	}
	return note
}

// cleaned is a text of the inventory as a record takes it: an incident is opened whatever stands there.
func cleaned(s string) string { return transcript.CleanSerial(shown(s)) }

// refName names a key with its version, where it has one.
func refName(r store.Ref) string {
	if r.Version == 0 {
		return r.Label
	}
	return r.String()
}

// numbersNote says what went out of a key set.
func numbersNote(s *store.KeySet) string {
	if s.Next <= s.From {
		return text.New("under %s, no number went out", s.BDK).String()
	}
	out := s.Next - s.From
	first, err := s.KSN(s.From)
	last, lastErr := s.KSN(s.Next - 1)
	if err != nil || lastErr != nil { // the set is damaged, and how many there were is known all the same
		return text.New("under %s, %d numbers went out", s.BDK, out).String()
	}
	return text.New("under %s, %d numbers went out, KSN %s to KSN %s", s.BDK, out, first.String(), last.String()).String()
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
		items = append(items[:maxListed:maxListed], Item{ItemMore, fmt.Sprint(more), text.New("not listed here; the inventory has them").String()})
	}
	var all []Entry
	for part := range slices.Chunk(items, maxItems) {
		all = append(all, Entry{Kind: EntryBlast, By: by, Items: part, Details: map[string]string{DetailCause: cause}})
		cause = CauseMore
	}
	if len(all) == 0 {
		all = append(all, Entry{Kind: EntryBlast, By: by, Details: map[string]string{DetailCause: cause}})
	}
	return all
}
