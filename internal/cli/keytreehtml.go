package cli

// The page of a hierarchy of keys: what hangs under what, and when it ends.

import (
	"context"
	_ "embed" // the page
	"io"
	"strings"
	"time"

	"poskey/internal/i18n"
	"poskey/internal/page"
	"poskey/internal/text"
	"poskey/pkg/kcv"
	"poskey/pkg/store"
)

//go:embed keytree.html.tmpl
var keyTreeHTML string

// hierarchy is what the page shows.
type hierarchy struct {
	id      store.Identity
	root    store.Ref // zero: the whole store, its master key on top
	nodes   []store.Node
	devices map[store.Ref]int // that hold the key or one below it
	now     time.Time
}

// readHierarchy takes the nodes, and counts the devices below each.
func (a *App) readHierarchy(ctx context.Context, db *store.Store, id store.Identity, root store.Ref, nodes []store.Node) (*hierarchy, error) {
	h := &hierarchy{id: id, root: root, nodes: nodes, devices: map[store.Ref]int{}, now: a.Env.Now()}
	above := h.parents()
	last := map[store.Ref]int{} // the device that was counted last
	n := 0
	for d, err := range db.Devices(ctx, store.DeviceFilter{}) {
		if err != nil {
			return nil, err
		}
		n++
		for _, k := range d.Keys {
			for at, there := k.Key, true; there && !at.IsZero() && last[at] != n; at, there = above[at] {
				last[at] = n
				h.devices[at]++
			}
		}
	}
	return h, nil
}

// parents gives for each key of the picture the one that it hangs under, zero for the highest.
func (h *hierarchy) parents() map[store.Ref]store.Ref {
	all := map[store.Ref]store.Ref{}
	var line []store.Ref
	for _, n := range h.nodes {
		for len(line) < n.Depth {
			line = append(line, store.Ref{}) // left out
		}
		line = append(line[:n.Depth], n.Key.Ref())
		all[n.Key.Ref()] = n.Key.Parent
	}
	return all
}

func (a *App) writeKeyTreeHTML(path string, h *hierarchy) error {
	return writePage(path, func(w io.Writer) error { return keyTreeHTMLPage(w, a.Say, buildVersion().Version, h) })
}

// mostDrawn is how many keys are drawn as a tree; more become a list in which depth is told by indents.
const mostDrawn = 400

// keyTreeSheet is what the template sees.
type keyTreeSheet struct {
	Tone, Kicker, Heading, Lead string
	W                           keyTreeWords
	States                      page.Bar
	Roots                       []*treeKey // nil where the list is shown
	Flat                        []flatKey
	FlatNote, Nothing           string
	Lives                       []lifeSpan // the legend of cryptoperiods
	Calendar                    calendarSheet
}

type keyTreeWords struct {
	Tree, Key, Algorithm, Check, Period, Devices, CountNote string
}

// treeKey is a key of the drawing with all below it.
type treeKey struct {
	W                               *keyTreeWords
	Name, Usage, UsageName, Purpose string
	Look                            page.Area
	State                           string // "" for the usual one
	Tone                            string
	Algorithm, Check, Method        string
	Ends, Left                      string
	Life                            *lifeSpan
	Devices                         int
	Below                           []*treeKey
}

// flatKey is a line of the list.
type flatKey struct {
	Depth int // at most 9: there is no room for more
	Name  string
	Says  string
	Look  page.Area
}

// lifeSpan is how much of a cryptoperiod is used.
type lifeSpan struct {
	Frame, Used page.Area
	Told        string
}

func keyTreeHTMLPage(w io.Writer, say *i18n.Printer, version string, h *hierarchy) error {
	t, err := page.New("key tree", calendarHTML+keyTreeHTML)
	if err != nil {
		return err
	}
	p := &pagePrinter{say}
	s := p.keyTree(h)
	return t.Write(w, p.frame(s.Heading, version, h.now), s)
}

func (p *pagePrinter) keyTree(h *hierarchy) keyTreeSheet {
	c := newCalendar(h.now, calendarMonths)
	for i := range h.nodes {
		c.addKey(&h.nodes[i].Key)
	}
	c.sort()
	s := keyTreeSheet{Kicker: p.kicker(text.New("Hierarchy of keys"), &h.id), W: p.keyTreeWords(), Tone: overTone(&c), Lead: p.overText(&c),
		Heading: p.head(text.New("store %s", h.id.ID)), Calendar: p.calendar(&c, false),
		States: page.NewBar("states", p.say(text.New("keys by state")), 480, 20, p.keyStates(h.nodes))}
	if !h.root.IsZero() {
		s.Heading = p.head(text.New("key %s of store %s", h.root, h.id.ID))
	}
	if n := fallen(h.nodes); n > 0 {
		s.Tone, s.Lead = "bad", p.head(text.New("known to others: %d", n))+"; "+p.overText(&c)
	}
	s.Lives = p.lives()
	switch {
	case len(h.nodes) == 0:
		s.Nothing = p.head(text.New("no keys"))
	case len(h.nodes) > mostDrawn:
		s.FlatNote = p.head(text.New("%d keys are more than a drawing shows well: this is a list, indented by depth", len(h.nodes)))
		s.Flat = p.flatKeys(h)
	default:
		s.Roots = p.treeKeys(h, &s.W)
	}
	return s
}

// fallen counts the keys that others know and that are still there.
func fallen(nodes []store.Node) int {
	n := 0
	for i := range nodes {
		if nodes[i].Key.State == store.Compromised {
			n++
		}
	}
	return n
}

func (p *pagePrinter) keyTreeWords() keyTreeWords {
	say := p.say
	return keyTreeWords{
		Tree: say(text.New("What hangs under what")), Key: say(text.New("key")), Algorithm: say(text.New("algorithm")),
		Check: say(text.New("check value")), Period: say(text.New("cryptoperiod ends")), Devices: say(text.New("devices")),
		CountNote: say(text.New("Devices are those of the inventory that hold the key or one below it.")),
	}
}

func (p *pagePrinter) keyStates(nodes []store.Node) []page.Portion {
	counts := map[store.State]int{}
	for i := range nodes {
		counts[nodes[i].Key.State]++
	}
	var all []page.Portion
	for _, s := range store.States() {
		all = append(all, page.Portion{Name: p.say(stateText(s)), Count: counts[s], Look: stateLook(s)})
	}
	return all
}

func stateLook(s store.State) page.Look {
	switch s {
	case store.Active:
		return page.Full
	case store.PreActivation:
		return page.Open
	case store.Suspended:
		return page.Half
	case store.Compromised:
		return page.Striped
	case store.DestroyedCompromised:
		return page.Crossed
	case store.Destroyed:
		return page.Gone
	}
	return page.Faint
}

// treeKeys hangs each key under the one above it; where that one is left out, under the next higher one.
func (p *pagePrinter) treeKeys(h *hierarchy, w *keyTreeWords) []*treeKey {
	top := &treeKey{W: w}
	line, depths := []*treeKey{top}, []int{-1}
	for i := range h.nodes {
		n := &h.nodes[i]
		for len(depths) > 1 && depths[len(depths)-1] >= n.Depth {
			line, depths = line[:len(line)-1], depths[:len(depths)-1]
		}
		k := p.treeKey(h, &n.Key)
		k.W = w
		parent := line[len(line)-1]
		parent.Below = append(parent.Below, k)
		line, depths = append(line, k), append(depths, n.Depth)
	}
	if !h.root.IsZero() {
		return top.Below
	}
	top.Name, top.UsageName = p.head(text.New("master key")), p.say(masterText(&h.id))
	top.Look = page.NewArea(1, 1, 12, 12, page.Full)
	top.Check, top.Method = inGroups(h.id.Master.Check.Digits), string(h.id.Master.Check.Method)
	return []*treeKey{top}
}

// masterText says who has the master key.
func masterText(id *store.Identity) text.Text {
	if id.Master.Kind == store.ByToken {
		return text.New("in a token")
	}
	return text.New("in the shares of officers")
}

func (p *pagePrinter) treeKey(h *hierarchy, k *store.Key) *treeKey {
	t := &treeKey{Name: page.Line(k.Ref().String()), Usage: string(k.Usage), UsageName: p.say(k.Usage.Name()), Purpose: quoted(keyless(k.Purpose)),
		Look: page.NewArea(1, 1, 12, 12, stateLook(k.State)), State: p.unusual(k.State), Tone: stateTone(k.State),
		Algorithm: string(k.Algorithm), Devices: h.devices[k.Ref()]}
	t.Check, t.Method = checkParts(k.Check)
	if !k.NotAfter.IsZero() {
		t.Ends = k.NotAfter.UTC().Format(time.DateOnly)
	}
	if k.State.InUse() && !k.NotAfter.IsZero() {
		e := endDoc{DaysLeft: daysBetween(h.now, k.NotAfter), Overdue: !h.now.Before(k.NotAfter)}
		t.Left = p.say(e.leftText())
		t.Life = newLifeSpan(k, h.now, t.Left)
	}
	return t
}

func checkParts(v kcv.Value) (digits, method string) {
	if v.Digits == "" {
		return "", ""
	}
	return inGroups(v.Digits), string(v.Method)
}

func stateTone(s store.State) string {
	switch s {
	case store.Compromised, store.DestroyedCompromised:
		return "bad"
	case store.Suspended:
		return "may"
	}
	return "plain"
}

// Sizes of a life, in units of its drawing.
const (
	lifeWide = 72
	lifeHigh = 8
	lifeSoon = 60 // days
)

// newLifeSpan draws how much of the time from activation, or from when the key was made, is over.
func newLifeSpan(k *store.Key, now time.Time, told string) *lifeSpan {
	from := k.Activated
	if from.IsZero() {
		from = k.Created
	}
	look, part := page.Plain, lifeWide-2
	whole := k.NotAfter.Sub(from)
	switch {
	case !now.Before(k.NotAfter):
		look = page.Striped
	case daysBetween(now, k.NotAfter) <= lifeSoon:
		look = page.Half
	}
	if now.Before(k.NotAfter) && whole > 0 {
		part = min(max(int(float64(lifeWide-2)*float64(now.Sub(from))/float64(whole)), 1), lifeWide-2)
	}
	return &lifeSpan{Frame: page.Area{X: 1, Y: 1, W: lifeWide - 2, H: lifeHigh - 2, Look: page.Faint},
		Used: page.NewArea(1, 1, part, lifeHigh-2, look), Told: told}
}

// lives is the legend of cryptoperiods.
func (p *pagePrinter) lives() []lifeSpan {
	entry := func(part int, look page.Look, told text.Text) lifeSpan {
		return lifeSpan{page.Area{X: 1, Y: 1, W: 40, H: lifeHigh - 2, Look: page.Faint}, page.NewArea(1, 1, part, lifeHigh-2, look), p.say(told)}
	}
	return []lifeSpan{entry(16, page.Plain, text.New("used part of a cryptoperiod")),
		entry(35, page.Half, text.New("ends within %d days", lifeSoon)), entry(40, page.Striped, text.New("over its end"))}
}

func (p *pagePrinter) flatKeys(h *hierarchy) []flatKey {
	var all []flatKey
	top := h.nodes[0].Depth
	for i := range h.nodes {
		t := p.treeKey(h, &h.nodes[i].Key)
		words := []string{t.Usage, t.Algorithm}
		for _, w := range []string{strings.TrimSpace(t.Check + " " + t.Method), t.State, t.Ends} {
			if w != "" {
				words = append(words, w)
			}
		}
		if t.Devices > 0 {
			words = append(words, p.say(text.New("devices: %d", t.Devices)))
		}
		all = append(all, flatKey{min(max(h.nodes[i].Depth-top, 0), 9), t.Name, strings.Join(words, " · "), t.Look})
	}
	return all
}
