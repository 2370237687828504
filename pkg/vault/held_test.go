package vault

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"poskey/pkg/ceremony/script"
	"poskey/pkg/kcv"
	"poskey/pkg/store"
	"poskey/pkg/store/storetest"
)

// ledger is a store with an open ceremony of each id.
func ledger(t *testing.T, ids ...string) *store.Store {
	t.Helper()
	db, err := store.Create(t.Context(), sqliteAt(t, t.TempDir()), storetest.Identity("ledger"), nil,
		store.Options{Now: storetest.Birth})
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	for _, id := range ids {
		must(t, db.BeginCeremony(t.Context(), store.Change{}, store.Ceremony{ID: id, Kind: "custom", Title: "Parts",
			Script: strings.Repeat("AB", 32)}))
	}
	return db
}

// hold writes lines of "ceremony key part person event bag"; a dash is an empty bag.
func hold(t *testing.T, db *store.Store, lines ...string) {
	t.Helper()
	for _, line := range lines {
		var h store.Holding
		var key, event string
		_, err := fmt.Sscan(line, &h.Ceremony, &key, &h.Part, &h.Person, &event, &h.Bag)
		must(t, err)
		h.Key, err = store.ParseRef(key)
		must(t, err)
		h.Event, h.Bag, h.Parts, h.Needed, h.Seat = store.PartEvent(event), strings.ReplaceAll(h.Bag, "_", " "), 2, 2, "primary"
		if h.Bag == "-" {
			h.Bag = ""
		}
		must(t, db.Hold(t.Context(), store.Change{}, h))
	}
}

// TestABagIsOneHoweverItsSerialIsTyped: a ceremony takes it for the same one.
func TestABagIsOneHoweverItsSerialIsTyped(t *testing.T) {
	db := ledger(t, "C1", "C2")
	hold(t, db, "C1 ZMK#1 1 custodian.a sealed B-0001", "C1 ZMK#1 2 custodian.b sealed B-0002", "C1 ZMK#1 1 custodian.a sent b-0001",
		"C2 ZMK#1 1 custodian.a received B-00_01")
	for serial, want := range map[string]string{"": "[B-0001/3 B-0002/1]", "b-0001": "[B-0001/3]", " B - 0001 ": "[B-0001/3]",
		"B-0002": "[B-0002/1]", "B-0003": "[]", " ": "[]"} {
		all, err := Bags(t.Context(), db, serial)
		must(t, err)
		got := []string{}
		for _, b := range all {
			got = append(got, fmt.Sprintf("%s/%d", b.Serial, len(b.History)))
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%q: %v, want %s", serial, got, want)
		}
	}
}

// TestASerialThatWasUsedAgainIsABagOfEachKey: with it fall all keys whose parts were in it, not the last one alone.
func TestASerialThatWasUsedAgainIsABagOfEachKey(t *testing.T) {
	db := ledger(t, "C1", "C2", "C3")
	hold(t, db, "C1 ZMK#1 1 custodian.a sealed B-1", "C2 TMK#1 1 custodian.a sealed B-1", "C2 TMK#1 2 custodian.b sealed B-1",
		"C3 ZMK#2 1 custodian.a sealed b-1", "C3 ZMK#1 1 custodian.a opened B-1")
	all, err := Bags(t.Context(), db, "B-1")
	must(t, err)
	var got []string
	for _, b := range all {
		got = append(got, fmt.Sprintf("%s/%d %s", b.Key, b.Part, b.Last.Event))
	}
	want := []string{"ZMK#1/1 opened", "TMK#1/1 sealed", "TMK#1/2 sealed", "ZMK#2/1 sealed"}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestWhatWasTypedBeforeTheKeyWasFormedCounts: the key has no version yet, and whoever typed a part knows it for good.
func TestWhatWasTypedBeforeTheKeyWasFormedCounts(t *testing.T) {
	db := ledger(t, "C1", "C2", "C3")
	hold(t, db, "C1 ZMK 1 custodian.a received B-1", "C1 ZMK 1 custodian.a opened B-1", "C1 ZMK 1 custodian.a entered B-1",
		"C1 ZMK 2 custodian.b entered -", "C1 ZMK#1 2 custodian.b destroyed -", "C1 ZMK#1 1 custodian.a destroyed B-1",
		"C2 ZMK#2 1 custodian.c printed -", "C3 ZMK 1 custodian.d entered -")
	for want, f := range map[string]store.HoldingFilter{
		"[ZMK#1 custodian.a[1] custodian.b[2]] [ZMK#2 custodian.c[1]] [ZMK custodian.d[1]]": {Key: store.Ref{Label: "ZMK"}},
		"[ZMK#1 custodian.a[1] custodian.b[2]] [ZMK custodian.d[1]]":                        {Key: store.Ref{Label: "ZMK", Version: 1}},
		"[ZMK#2 custodian.c[1]] [ZMK custodian.d[1]]":                                       {Key: store.Ref{Label: "ZMK", Version: 2}},
		"[ZMK#1 custodian.b[2]]": {Key: store.Ref{Label: "ZMK", Version: 1}, Person: "custodian.b"},
		"[ZMK#2 custodian.c[1]]": {Person: "custodian.c"},
	} {
		all, err := HoldersOf(t.Context(), db, f)
		must(t, err)
		var got []string
		for _, p := range all {
			name := p.Key.String()
			if p.Key.Version == 0 {
				name = p.Key.Label
			}
			for _, h := range p.People {
				name += " " + h.Person + fmt.Sprint(h.Seen)
			}
			got = append(got, "["+name+"]")
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%+v: %s, want %s", f, strings.Join(got, " "), want)
		}
	}
	bags, err := Bags(t.Context(), db, "B-1")
	if err != nil || len(bags) != 1 || bags[0].Key.String() != "ZMK#1" || len(bags[0].History) != 4 {
		t.Errorf("%+v, %v", bags, err)
	}
}

// TestWhoSealedAnOpenSheetHasSeenIt: in a re-issue nobody prints, types or opens anything. Of a share that was sealed to a
// card, its officer knows.
func TestWhoSealedAnOpenSheetHasSeenIt(t *testing.T) {
	db := ledger(t, "C1")
	hold(t, db, "C1 ZMK#1 1 custodian.a sent B-1", "C1 ZMK#1 1 custodian.b received B-1", "C1 ZMK#1 1 custodian.b sealed B-2",
		"C1 ZMK#1 2 custodian.b dealt -", "C1 ZMK#1 2 custodian.c received B-3", "C1 ZMK#1 2 custodian.c destroyed B-3")
	all, err := HoldersOf(t.Context(), db, store.HoldingFilter{})
	must(t, err)
	var got []string
	for _, h := range all[0].People {
		got = append(got, fmt.Sprint(h.Person, h.Seen, h.Carried, all[0].Enough(&h)))
	}
	want := []string{"custodian.a[] [1] false", "custodian.b[1 2] [] true", "custodian.c[] [2] false"}
	if len(all) != 1 || !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestTheLinesAboutOneKeyAreCountedTogether: before the key was formed nobody knew its version, and a partner's sheets may
// have no set. Each line is "ceremony key check set part person"; a dash is nothing.
func TestTheLinesAboutOneKeyAreCountedTogether(t *testing.T) {
	for name, c := range map[string]struct {
		lines []string
		want  string
	}{
		"in three ways": {[]string{"C1 ZMK 08D7B4 - 1 a", "C1 ZMK 08D7B4 7F3A-91C2 2 b", "C2 ZMK#1 08D7B4 - 2 a"},
			"[ZMK#1 a[1 2]! b[2]]"},
		"by the check value, in another ceremony": {[]string{"C1 ZMK#1 08D7B4 S1 1 a", "C2 ZMK 08D7B4FB - 2 a"}, "[ZMK#1 a[1 2]!]"},
		"by the set":                            {[]string{"C1 ZMK#1 08D7B4 S1 1 a", "C2 ZMK - S1 2 a"}, "[ZMK#1 a[1 2]!]"},
		"by the ceremony, whatever it was told": {[]string{"C1 ZMK AAAAAA - 1 a", "C1 ZMK#1 08D7B4 - 2 a"}, "[ZMK#1 a[1 2]!]"},
		"of another key":                        {[]string{"C1 ZMK#1 08D7B4 S1 1 a", "C2 ZMK AAAAAA - 2 a"}, "[ZMK#1 a[1]] [ZMK a[2]]"},
		"of another label":                      {[]string{"C1 ZMK#1 08D7B4 S1 1 a", "C2 TMK 08D7B4 - 2 a"}, "[ZMK#1 a[1]] [TMK a[2]]"},
		"of another version":                    {[]string{"C1 ZMK#1 08D7B4 - 1 a", "C2 ZMK#2 08D7B4 - 2 a"}, "[ZMK#1 a[1]] [ZMK#2 a[2]]"},
		"cut at two times":                      {[]string{"C1 ZMK#1 08D7B4 S1 1 a", "C2 ZMK#1 08D7B4 S2 2 a"}, "[ZMK#1 a[1]] [ZMK#1 a[2]]"},
		"cut at two times, and one that may be of each": {[]string{"C1 ZMK#1 08D7B4 S1 1 a", "C2 ZMK#1 08D7B4 S2 1 b", "C3 ZMK 08D7B4 - 2 a"},
			"[ZMK#1 a[1 2]!] [ZMK#1 b[1] a[2]]"},
		"drawn again after a break":    {[]string{"C1 ZMK - S1 1 a", "C1 ZMK#1 08D7B4 S2 2 a"}, "[ZMK a[1]] [ZMK#1 a[2]]"},
		"that say nothing of the key":  {[]string{"C1 ZMK - - 1 a", "C2 ZMK - - 2 a", "C3 ZMK#1 08D7B4 - 2 b"}, "[ZMK a[1]] [ZMK a[2]] [ZMK#1 b[2]]"},
		"with a check value too short": {[]string{"C1 ZMK 08D - 1 a", "C2 ZMK#1 08D - 2 a"}, "[ZMK a[1]] [ZMK#1 a[2]]"},
	} {
		db := ledger(t, "C1", "C2", "C3")
		for _, line := range c.lines {
			var id, key, check, set, person string
			var n int
			_, err := fmt.Sscan(line, &id, &key, &check, &set, &n, &person)
			must(t, err)
			h := aPart(id, person, n, store.PartEntered)
			h.Check, h.Sheets, h.Parts, h.Needed = kcv.Value{}, strings.Trim(set, "-"), 2, 2
			if check != "-" {
				h.Check = kcv.Value{Method: kcv.CMAC, Digits: check}
			}
			h.Key, err = store.ParseRef(key)
			must(t, err)
			must(t, db.Hold(t.Context(), store.Change{}, h))
		}
		all, err := HoldersOf(t.Context(), db, store.HoldingFilter{})
		must(t, err)
		var got []string
		for _, p := range all {
			words := []string{strings.TrimSuffix(p.Key.String(), "#0")}
			for _, h := range p.People {
				enough := ""
				if p.Enough(&h) {
					enough = "!"
				}
				words = append(words, h.Person+fmt.Sprint(h.Seen)+enough)
			}
			got = append(got, "["+strings.Join(words, " ")+"]")
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %s, want %s", name, strings.Join(got, " "), c.want)
		}
	}
}

// TestWhoIsAskedForByCheckValueIsFoundWithAllLines: what was typed before the key was formed has no check value.
func TestWhoIsAskedForByCheckValueIsFoundWithAllLines(t *testing.T) {
	db := ledger(t, "C1", "C2")
	typed, kept := aPart("C1", "custodian.a", 1, store.PartEntered), aPart("C1", "custodian.b", 2, store.PartDestroyed)
	typed.Check, kept.Key.Version = kcv.Value{}, 1
	other := aPart("C2", "custodian.c", 1, store.PartEntered)
	other.Check.Digits = "AAAAAA"
	for _, h := range []store.Holding{typed, kept, other} {
		must(t, db.Hold(t.Context(), store.Change{}, h))
	}
	all, err := HoldersOf(t.Context(), db, store.HoldingFilter{Check: kcv.Value{Digits: "08D7"}})
	if err != nil || len(all) != 1 || len(all[0].People) != 2 || all[0].Key.Version != 1 {
		t.Errorf("%+v, %v", all, err)
	}
}

// TestABagThatWasOnceUsedIsKnown in whatever way it is typed.
func TestABagThatWasOnceUsedIsKnown(t *testing.T) {
	db := ledger(t, "C1")
	hold(t, db, "C1 ZMK 1 custodian.a received B-0001", "C1 ZMK#1 2 custodian.b sealed B-0002", "C1 ZMK 1 custodian.a opened b-0001")
	for serial, want := range map[string]int{"b - 0001": 2, "B-0002": 1, "B-0003": 0, "": 0, " ": 0} {
		if known, err := BagKnown(t.Context(), db, serial); err != nil || len(known) != want {
			t.Errorf("%q: %+v, %v", serial, known, err)
		}
	}
	bags, err := Bags(t.Context(), db, "B-0001")
	if err != nil || len(bags) != 1 || bags[0].Key.String() != "ZMK#1" {
		t.Errorf("the ceremony made ZMK#1: %+v, %v", bags, err)
	}
}

const longScript = `schema: poskey.ceremony/v1
kind: custom
environment: test
title: '%s'
organisation: 'Organisation A'
place: 'Key room 1'
people:
  - id: %s
    name: '%s'
    manager: 'Manager A'
roles:
  leader: {primary: %[2]s}
  operator: {primary: %[2]s}
  witness: {primary: %[2]s}
keys:
  - id: %[4]s
    algorithm: aes-256
    usage: K1
    source: components
    scheme: xor
    parts:
      - number: 1
        custodian: {primary: %[2]s}
        bag: %[5]s
        outer: %[6]s
        channel: '%[7]s'
      - number: 2
        custodian: {primary: %[2]s}
steps:
  - do: attend
  - do: close
`

// TestTheLedgerTakesWhatAScriptMaySay makes each field as long as a script lets it be, in letters of four bytes where it
// takes them, and writes all of them.
func TestTheLedgerTakesWhatAScriptMaySay(t *testing.T) {
	unit := []string{"\U00020BB7", "k", "\U00020BB7", "K", "Z", "Z", "\U00020BB7"} // title, id, name, key, bag, outer, channel
	long := []any{"T", "aa", "N", "K", "B-1", "B-2", "C"}
	parse := func(values []any) (*script.Script, error) {
		return script.Parse(fmt.Appendf(nil, longScript, values...))
	}
	_, err := parse(long)
	must(t, err)
	for i, letter := range unit {
		for n := 2; ; n++ {
			more := slices.Clone(long)
			more[i] = strings.Repeat(letter, n)
			if _, err := parse(more); err != nil {
				break
			}
			long = more
		}
	}
	s, err := parse(long)
	must(t, err)
	if len(s.Title) < 800 || len(s.People[0].Name) < 800 || len(s.Keys[0].Parts[0].Channel) < 800 || len(s.Keys[0].Parts[0].Bag) < 64 {
		t.Fatalf("the script is not long: %d bytes of a title", len(s.Title))
	}
	db, p := ledger(t), s.Keys[0].Parts[0]
	must(t, db.BeginCeremony(t.Context(), store.Change{}, store.Ceremony{ID: "C1", Kind: string(s.Kind), Title: s.Title,
		Script: s.Fingerprint().String()}))
	must(t, db.Hold(t.Context(), store.Change{}, store.Holding{Ceremony: "C1", Key: store.Ref{Label: s.Keys[0].ID}, Part: 1, Parts: 2,
		Needed: 2, Person: s.People[0].ID, Name: s.People[0].Name, Seat: "primary", Event: store.PartSealed, Bag: p.Bag, Outer: p.Outer,
		Channel: p.Channel}))
	bags, err := Bags(t.Context(), db, p.Outer)
	if err != nil || len(bags) != 1 || bags[0].Last.Channel != p.Channel || bags[0].Last.Name != s.People[0].Name {
		t.Errorf("%+v, %v", bags, err)
	}
}
