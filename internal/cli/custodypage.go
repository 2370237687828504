package cli

// The ledger of ceremonies as it is shown.

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/ceremony"
	"poskey/pkg/kcv"
	"poskey/pkg/store"
	"poskey/pkg/vault"
)

type partsLedgerDoc struct {
	Keys []keyHoldersDoc `json:"keys"`
}

type keyHoldersDoc struct {
	Key    string      `json:"key"`
	KCV    string      `json:"kcv,omitempty"`
	Method kcv.Method  `json:"method,omitempty"`
	Sheets string      `json:"sheets,omitempty"`
	Parts  int         `json:"parts"`
	Needed int         `json:"needed"`
	People []holderDoc `json:"people"`
}

type holderDoc struct {
	Person     string    `json:"person"`
	Name       string    `json:"name,omitempty"`
	Card       string    `json:"card,omitempty"`
	Seen       []int     `json:"seen"`
	Carried    []int     `json:"carried"`
	Enough     bool      `json:"enough"`
	Last       time.Time `json:"last"`
	Ceremonies []string  `json:"ceremonies"`
}

func newPartsLedgerDoc(all []vault.PartsOf) partsLedgerDoc {
	doc := partsLedgerDoc{Keys: []keyHoldersDoc{}}
	for i := range all {
		p := &all[i]
		k := keyHoldersDoc{Key: keyName(p.Key.Label, p.Key.Version), KCV: p.Check.Digits, Method: p.Check.Method, Sheets: p.Sheets,
			Parts: p.Parts, Needed: p.Needed}
		for j := range p.People {
			h := &p.People[j]
			k.People = append(k.People, holderDoc{Person: h.Person, Name: h.Name, Card: h.Card, Seen: orNone(h.Seen),
				Carried: orNone(h.Carried), Enough: p.Enough(h), Last: h.Last, Ceremonies: h.Ceremonies})
		}
		doc.Keys = append(doc.Keys, k)
	}
	return doc
}

func orNone(all []int) []int {
	if all == nil {
		return []int{}
	}
	return all
}

// keyName is a key of the store with its version, or the name that a script gave one which no store keeps.
func keyName(label string, version int) string {
	if version == 0 {
		return label
	}
	return fmt.Sprintf("%s#%d", label, version)
}

func partsLedgerPage(p *render.Page, all []vault.PartsOf) {
	if len(all) == 0 {
		p.Line(text.New("the ledger has nothing about this; ceremonies with this store write it"))
		return
	}
	for i := range all {
		if i > 0 {
			p.Blank()
		}
		keyHolders(p, &all[i])
	}
}

func keyHolders(p *render.Page, k *vault.PartsOf) {
	p.Fields(
		render.F(text.New("key"), keyName(k.Key.Label, k.Key.Version)),
		render.F(text.New("check value"), k.Check.String()),
		render.F(text.New("sheets"), k.Sheets),
		render.F(text.New("parts"), p.T(text.New("%d, of which %d form the key", k.Parts, k.Needed))),
	)
	rows := make([][]string, 0, len(k.People))
	for j := range k.People {
		h := &k.People[j]
		rows = append(rows, []string{h.Person, h.Name, numbersOf(h.Seen), numbersOf(h.Carried), shownTime(h.Last), strings.Join(h.Ceremonies, " ")})
	}
	p.Blank()
	p.Grid([]text.Text{text.New("PERSON"), text.New("NAME"), text.New("SAW PART"), text.New("ONLY ITS BAG"), text.New("LAST"), text.New("CEREMONIES")}, rows)
	for j := range k.People {
		if h := &k.People[j]; k.Enough(h) {
			p.Bad(text.New("%s has seen %d parts: enough to form the key (PCI PIN 8-2). Replace the key.", h.Person, len(h.Seen)))
		}
	}
}

func numbersOf(all []int) string { return strings.Trim(fmt.Sprint(all), "[]") }

type bagsDoc struct {
	Bags []bagRow `json:"bags"`
}

type bagRow struct {
	Serial string     `json:"serial"`
	Outer  string     `json:"outer,omitempty"`
	Key    string     `json:"key"`
	KCV    string     `json:"kcv,omitempty"`
	Method kcv.Method `json:"method,omitempty"`
	Part   int        `json:"part"`
	Parts  int        `json:"parts"`
	Event  string     `json:"event"`
	Person string     `json:"person"`
	At     time.Time  `json:"at"`
}

func newBagsDoc(all []vault.Bag) bagsDoc {
	doc := bagsDoc{Bags: []bagRow{}}
	for i := range all {
		b := &all[i]
		doc.Bags = append(doc.Bags, bagRow{Serial: b.Serial, Outer: b.Outer, Key: keyName(b.Key.Label, b.Key.Version),
			KCV: b.Check.Digits, Method: b.Check.Method, Part: b.Part, Parts: b.Parts, Event: string(b.Last.Event), Person: b.Last.Person,
			At: b.Last.At})
	}
	return doc
}

func bagsPage(p *render.Page, all []vault.Bag) {
	if len(all) == 0 {
		p.Line(text.New("the ledger has no bags; ceremonies with this store write it"))
		return
	}
	rows := make([][]string, 0, len(all))
	for _, r := range newBagsDoc(all).Bags {
		rows = append(rows, []string{r.Serial, r.Outer, r.Key, fmt.Sprintf("%d/%d", r.Part, r.Parts), p.T(ceremony.EventName(r.Event)), r.Person, shownTime(r.At)})
	}
	p.Grid([]text.Text{text.New("BAG"), text.New("OUTER"), text.New("KEY"), text.New("PART"), text.New("LAST"), text.New("PERSON"), text.New("TIME")}, rows)
}

type bagDoc struct {
	Bags    []bagRow     `json:"bags"`
	History []holdingDoc `json:"history"`
	Falls   []fallDoc    `json:"falls"`
}

type holdingDoc struct {
	Ceremony string    `json:"ceremony"`
	At       time.Time `json:"at"`
	Key      string    `json:"key"`
	Part     int       `json:"part"`
	Event    string    `json:"event"`
	Person   string    `json:"person"`
	Name     string    `json:"name,omitempty"`
	Channel  string    `json:"channel,omitempty"`
}

// newHoldingDocs is the way of bags with the same serial, in the order in which it was written down.
func newHoldingDocs(all []vault.Bag) []holdingDoc {
	type step struct {
		holdingDoc
		id int64
	}
	var steps []step
	for i := range all {
		b := &all[i]
		for _, h := range b.History {
			steps = append(steps, step{holdingDoc{Ceremony: h.Ceremony, At: h.At, Key: keyName(b.Key.Label, b.Key.Version), Part: h.Part,
				Event: string(h.Event), Person: h.Person, Name: h.Name, Channel: h.Channel}, h.ID})
		}
	}
	slices.SortFunc(steps, func(x, y step) int { return cmp.Compare(x.id, y.id) })
	docs := []holdingDoc{}
	for i := range steps {
		docs = append(docs, steps[i].holdingDoc)
	}
	return docs
}

// keysOf are the keys that fall with bags, each once.
func keysOf(all []vault.Bag) []store.Ref {
	var refs []store.Ref
	for i := range all {
		if !slices.Contains(refs, all[i].Key) {
			refs = append(refs, all[i].Key)
		}
	}
	return refs
}

// fallDoc is what falls when a bag was opened by somebody else.
type fallDoc struct {
	Key     string   `json:"key"`
	InStore bool     `json:"in_store"`
	Keys    []string `json:"keys"`
	Devices []string `json:"devices"`
}

func bagPage(p *render.Page, all []vault.Bag, doc bagDoc) {
	bagsPage(p, all)
	rows := make([][]string, 0, len(doc.History))
	for _, h := range doc.History {
		rows = append(rows, []string{shownTime(h.At), p.T(ceremony.EventName(h.Event)), h.Key, strconv.Itoa(h.Part), h.Person, h.Channel, h.Ceremony})
	}
	p.Blank()
	p.Grid([]text.Text{text.New("TIME"), text.New("EVENT"), text.New("KEY"), text.New("PART"), text.New("PERSON"), text.New("CHANNEL"), text.New("CEREMONY")}, rows)
	for _, f := range doc.Falls {
		p.Blank()
		p.Line(text.New("If this bag was opened by somebody else, the part is void, and so is the whole set of key %s (PCI PIN 9-2).", f.Key))
		if !f.InStore {
			p.Line(text.New("The store does not have this key; what hangs beneath it is known where it is kept."))
			continue
		}
		p.Line(text.New("%d keys hang beneath it, in %d devices.", len(f.Keys), len(f.Devices)))
		p.Line(text.New("next: poskey key compromise %s --dry-run", f.Key))
	}
}
