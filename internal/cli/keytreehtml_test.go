package cli

// The pages of a hierarchy and of the calendar: whole, inert, without keys, and with what they promise.

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"poskey/internal/i18n"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

func treeNode(depth int, label string, usage keys.Usage, state store.State, ends time.Time) store.Node {
	return store.Node{Depth: depth, Key: store.Key{Label: label, Version: 1, Usage: usage, Algorithm: keys.TDES128, State: state, Len: 16,
		Check: kcv.Value{Method: kcv.CMAC, Digits: "8D0A74"}, Created: pageDay().AddDate(-1, 0, 0), Activated: pageDay().AddDate(-1, 0, 0),
		NotAfter: ends}}
}

// smallTree is five deep, with every state, and with a purpose that somebody else wrote.
func smallTree() *hierarchy {
	day := pageDay()
	h := &hierarchy{id: store.Identity{ID: "test-7f3a91", Environment: store.Test, Master: store.Master{Kind: store.ByOfficers,
		Check: kcv.Value{Method: kcv.CMAC, Digits: "5AE3B1"}}}, now: day, devices: map[store.Ref]int{}}
	h.nodes = []store.Node{
		treeNode(0, "BDK-2026", "B0", store.Active, day.AddDate(2, 0, 0)),
		treeNode(0, "KLK-17", "K0", store.PreActivation, time.Time{}),
		treeNode(0, "ZMK-ACQUIRER", "K0", store.Active, day.AddDate(1, 3, 0)),
		treeNode(1, "TMK-REGION-NORTH", "K0", store.Active, day.AddDate(0, 0, 40)),
		treeNode(2, "TMK-BRANCH-17", "K0", store.Suspended, day.AddDate(0, 0, -12)),
		treeNode(3, "TAK-BRANCH-17", "M3", store.Active, day.AddDate(0, 0, 20)),
		treeNode(4, "TPK-BRANCH-17-LANE-1", "P0", store.Active, day.AddDate(0, 0, 1)),
		treeNode(4, "TPK-BRANCH-17-LANE-2", "P0", store.Compromised, day.AddDate(0, 5, 0)),
		treeNode(2, "TMK-BRANCH-18", "K0", store.Deactivated, day.AddDate(0, -1, 0)),
		treeNode(3, "TPK-BRANCH-18", "P0", store.Destroyed, day.AddDate(0, -1, 0)),
		treeNode(1, strings.Repeat("W", 64), "D0", store.DestroyedCompromised, day.AddDate(0, -3, 0)),
		treeNode(0, "ZMK-OLD", "K0", store.Active, day.AddDate(0, -2, 0)),
	}
	h.nodes[0].Key.Algorithm, h.nodes[0].Key.Purpose = keys.AES128, "terminals of the northern region"
	h.nodes[3].Key.Purpose = injected + " " + pageTMK + strings.Repeat("无W", 200)
	for i, n := range []int{1204, 0, 388, 388, 40, 40, 12, 28} {
		h.devices[h.nodes[i].Key.Ref()] = n
	}
	return h
}

// bigTree has so many keys, each under the one before as deep as five.
func bigTree(n int) *hierarchy {
	h := smallTree()
	h.nodes = nil
	for i := range n {
		k := treeNode(i%6, fmt.Sprintf("KEY-%04d", i), "P0", store.States()[i%5], pageDay().AddDate(0, i%30-2, i%28))
		h.nodes = append(h.nodes, k)
		h.devices[k.Key.Ref()] = i
	}
	return h
}

func keyTreePage(t *testing.T, lang i18n.Lang, h *hierarchy) string {
	t.Helper()
	var b bytes.Buffer
	if err := keyTreeHTMLPage(&b, i18n.New(lang), "v1.2.3", h); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// smallCalendar has what is over, what ends soon and later, and a card.
func smallCalendar() *calendarDoc {
	c := newCalendar(pageDay(), 24)
	for i := range smallTree().nodes {
		c.addKey(&smallTree().nodes[i].Key)
	}
	c.add(pageDay().AddDate(0, 1, 0), endDoc{Kind: endsCard, Officer: "custodian.a"})
	c.sort()
	return &c
}

func keyCalendarPage(t *testing.T, lang i18n.Lang, c *calendarDoc) string {
	t.Helper()
	var b bytes.Buffer
	if err := calendarHTMLPage(&b, i18n.New(lang), "v1.2.3", &smallTree().id, c); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func hierarchyPages(t *testing.T) []shownPage {
	t.Helper()
	tree := func(h *hierarchy) func(*testing.T, i18n.Lang) string {
		return func(t *testing.T, lang i18n.Lang) string { return keyTreePage(t, lang, h) }
	}
	return []shownPage{{"tree", tree(smallTree())}, {"tree-200", tree(bigTree(200))},
		{"calendar", func(t *testing.T, lang i18n.Lang) string { return keyCalendarPage(t, lang, smallCalendar()) }}}
}

func TestPagesOfKeysAreInertAndHoldNoKey(t *testing.T) {
	empty := smallTree()
	empty.nodes = nil
	nothing := newCalendar(pageDay(), 3)
	for _, lang := range []i18n.Lang{i18n.English, i18n.Chinese} {
		for name, written := range map[string]string{"tree": keyTreePage(t, lang, smallTree()), "big": keyTreePage(t, lang, bigTree(200)),
			"list": keyTreePage(t, lang, bigTree(mostDrawn+1)), "calendar": keyCalendarPage(t, lang, smallCalendar())} {
			t.Run(name+"-"+string(lang), func(t *testing.T) { holdPage(t, written) })
		}
		for _, written := range []string{keyTreePage(t, lang, empty), keyCalendarPage(t, lang, &nothing)} {
			if !strings.Contains(written, "2026-") || strings.Contains(written, "<table") {
				t.Errorf("%s: a page of nothing has a table, or no words", lang)
			}
		}
	}
}

func TestAHierarchyIsDrawnEachKeyUnderItsParent(t *testing.T) {
	p := &pagePrinter{i18n.New(i18n.English)}
	h := smallTree()
	roots := p.treeKeys(h, &keyTreeWords{})
	var lines []string
	var walk func(all []*treeKey, depth int)
	walk = func(all []*treeKey, depth int) {
		for _, k := range all {
			lines = append(lines, fmt.Sprintf("%d %.12s %d", depth, k.Name, k.Devices))
			walk(k.Below, depth+1)
		}
	}
	walk(roots, 0)
	want := "0 Master key 0|1 BDK-2026#1 1204|1 KLK-17#1 0|1 ZMK-ACQUIRER 388|2 TMK-REGION-N 388|3 TMK-BRANCH-1 40|4 TAK-BRANCH-1 40|" +
		"5 TPK-BRANCH-1 12|5 TPK-BRANCH-1 28|3 TMK-BRANCH-1 0|4 TPK-BRANCH-1 0|2 WWWWWWWWWWWW 0|1 ZMK-OLD#1 0"
	if got := strings.Join(lines, "|"); got != want {
		t.Errorf("it is drawn as\n%s, want\n%s", got, want)
	}
	h.nodes = append(h.nodes[:3:3], h.nodes[4:]...) // a key that is left out leaves its children to the next one
	if k := p.treeKeys(h, &keyTreeWords{})[0].Below[2]; len(k.Below) != 3 || k.Below[0].Name != "TMK-BRANCH-17#1" {
		t.Errorf("below %s hang %d keys", k.Name, len(k.Below))
	}
}

func TestManyKeysAreAList(t *testing.T) {
	written := keyTreePage(t, i18n.English, bigTree(mostDrawn+1))
	if strings.Contains(written, `class="tree"`) || strings.Count(written, `<li class="d`) != mostDrawn+1 {
		t.Error("many keys are still drawn")
	}
}

func TestACalendarPutsWhatIsOverFirst(t *testing.T) {
	c := smallCalendar()
	var got []string
	for _, e := range c.Ends {
		got = append(got, fmt.Sprintf("%s %s %d %v", e.Month, e.name(), e.DaysLeft, e.Overdue))
	}
	want := "2026-01 ZMK-OLD#1 -59 true|2026-02 TMK-BRANCH-17#1 -12 true|2026-03 TPK-BRANCH-17-LANE-1#1 1 false|" +
		"2026-03 TAK-BRANCH-17#1 20 false|2026-04 custodian.a 31 false|2026-04 TMK-REGION-NORTH#1 40 false|2027-06 ZMK-ACQUIRER#1 457 false"
	if strings.Join(got, "|") != want || c.Over != 2 {
		t.Errorf("the calendar is\n%s, want\n%s", strings.Join(got, "|"), want)
	}
	written := keyCalendarPage(t, i18n.English, c)
	if strings.Index(written, "Over their end") > strings.Index(written, "ZMK-OLD") {
		t.Error("the page does not begin with what is over")
	}
}

func TestAKeyThatOthersKnowIsToldAtTheTop(t *testing.T) {
	h := smallTree()
	h.nodes = h.nodes[:1]
	p := &pagePrinter{i18n.New(i18n.English)}
	if s := p.keyTree(h); s.Tone != "plain" || strings.Contains(s.Lead, "Known") {
		t.Errorf("a sound key: %s, %q", s.Tone, s.Lead)
	}
	h.nodes[0].Key.State = store.Compromised
	if s := p.keyTree(h); s.Tone != "bad" || !strings.HasPrefix(s.Lead, "Known to others: 1; ") {
		t.Errorf("a compromised key: %s, %q", s.Tone, s.Lead)
	}
}
