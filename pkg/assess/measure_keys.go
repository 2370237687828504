package assess

// Measures over the keys of a store and of a terminal.

import (
	"math"
	"slices"
	"strings"
	"time"

	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

// keysThat names the keys that something is true of.
func keysThat(s *StoreEvidence, which func(*store.Key) bool) []string {
	var names []string
	for i := range s.Keys {
		if which(&s.Keys[i]) {
			names = append(names, s.Keys[i].Ref().String())
		}
	}
	return names
}

// keysInUse counts the keys of which most controls speak; a store without any meets none of them.
func keysInUse(s *StoreEvidence) int {
	return len(keysThat(s, func(k *store.Key) bool { return k.State.InUse() }))
}

func noKeys() text.Text { return text.New("the store has no key in use") }

func ended(k *store.Key, now time.Time) bool {
	return k.State.InUse() && !k.NotAfter.IsZero() && !now.Before(k.NotAfter)
}

func withinPeriod(s *StoreEvidence, now time.Time) Finding {
	if keysInUse(s) == 0 {
		return notApplicable(noKeys())
	}
	late := keysThat(s, func(k *store.Key) bool { return ended(k, now) })
	return judged(late, text.New("no key is past its end"), text.New("keys in use past their end: %d", len(late)))
}

func periodSet(s *StoreEvidence, _ time.Time) Finding {
	if keysInUse(s) == 0 {
		return notApplicable(noKeys())
	}
	endless := keysThat(s, func(k *store.Key) bool {
		return k.State == store.Active && k.NotAfter.IsZero() && store.DefaultPeriod(k.Usage) != store.Period{}
	})
	return judged(endless, text.New("every active key has an end"), text.New("active keys without an end: %d", len(endless)))
}

// alike gathers what has an equal check value. Owners are told apart: what one owner has twice does not count.
type alike struct {
	byValue map[kcv.Value][]owned
	n       int
}

type owned struct{ owner, name string }

// digitsCompared is the least that says something; every value is cut to it, so that short and long ones meet.
const digitsCompared = 6

func (a *alike) add(v kcv.Value, owner, name string) {
	if len(v.Digits) < digitsCompared {
		return
	}
	if a.byValue == nil {
		a.byValue = map[kcv.Value][]owned{}
	}
	v.Digits = v.Digits[:digitsCompared]
	if slices.ContainsFunc(a.byValue[v], func(o owned) bool { return o.owner == owner }) {
		return
	}
	a.byValue[v] = append(a.byValue[v], owned{owner, name})
	a.n++
}

// pairs names all that have an equal, in order, and counts the pairs.
func (a *alike) pairs() (names []string, pairs int) {
	for _, all := range a.byValue {
		if len(all) < 2 {
			continue
		}
		pairs += len(all) * (len(all) - 1) / 2
		for _, o := range all {
			names = append(names, o.name)
		}
	}
	slices.Sort(names)
	return names, pairs
}

// byChance is how many pairs so many different keys make by chance, and beyond is the number from which on chance does not
// explain them: three deviations more. Where no pair is expected, the first one is beyond.
func (a *alike) byChance() (expected, beyond float64) {
	n := float64(a.n)
	expected = n * (n - 1) / 2 / math.Pow(16, digitsCompared)
	return expected, expected + 3*math.Sqrt(expected)
}

func (a *alike) finding(good, bad func(pairs int, expected float64) text.Text) Finding {
	names, pairs := a.pairs()
	expected, beyond := a.byChance()
	if float64(pairs) > beyond {
		return notMet(bad(pairs, expected), names...)
	}
	return met(good(pairs, expected))
}

// uniquePerTerminal looks for one key in two terminals: one that the store knows itself, for certain; else equal check
// values, as an assessor would compare them (PCI PIN 20-1).
func uniquePerTerminal(s *StoreEvidence, _ time.Time) Finding {
	own := map[store.Ref]kcv.Value{}
	for i := range s.Keys {
		own[s.Keys[i].Ref()] = s.Keys[i].Check
	}
	itself := map[store.Ref][]owned{}
	var all alike
	var owners, slots int
	for i := range s.Devices {
		serial := s.Devices[i].Serial
		slots += len(s.Devices[i].Keys)
		was := all.n
		for _, k := range s.Devices[i].Keys {
			name := serial + "/" + k.Slot
			all.add(k.Check, serial, name)
			same, known := store.SameCheck(own[k.Key], k.Check)
			if !k.Key.IsZero() && same && known && !slices.ContainsFunc(itself[k.Key], func(o owned) bool { return o.owner == serial }) {
				itself[k.Key] = append(itself[k.Key], owned{serial, name})
			}
		}
		if all.n > was {
			owners++
		}
	}
	if shared := sharedSlots(itself); len(shared) > 0 {
		return notMet(text.New("slots with a key that another terminal has too: %d", len(shared)), shared...)
	}
	switch {
	case slots == 0:
		return notApplicable(text.New("the inventory has no key in a terminal"))
	case all.n == 0:
		return noEvidence(text.New("of %d keys in terminals no check value of six digits is known", slots))
	case owners < 2:
		return notApplicable(text.New("there are no two terminals to compare"))
	}
	return all.finding(
		func(pairs int, expected float64) text.Text {
			return text.New("pairs of equal check values: %d; chance explains about %.1f", pairs, expected)
		},
		func(pairs int, expected float64) text.Text {
			return text.New("pairs of equal check values: %d; chance explains about %.1f", pairs, expected)
		})
}

func sharedSlots(itself map[store.Ref][]owned) []string {
	var names []string
	for _, all := range itself {
		if len(all) < 2 {
			continue
		}
		for _, o := range all {
			names = append(names, o.name)
		}
	}
	slices.Sort(names)
	return names
}

func noTwins(s *StoreEvidence, _ time.Time) Finding {
	var all alike
	for i := range s.Keys {
		if k := &s.Keys[i]; !k.State.Gone() {
			all.add(k.Check, k.Ref().String(), k.Ref().String())
		}
	}
	if all.n < 2 {
		return notApplicable(text.New("there are no two keys to compare"))
	}
	told := func(pairs int, expected float64) text.Text {
		return text.New("pairs of equal check values: %d; chance explains about %.1f", pairs, expected)
	}
	return all.finding(told, told)
}

// nobodyKnowsAll: what was ever seen counts, whoever holds it today.
func nobodyKnowsAll(s *StoreEvidence, _ time.Time) Finding {
	if len(s.Cuttings) == 0 {
		return notApplicable(text.New("the ledger has no part of a key"))
	}
	var know []string
	for _, k := range knowers(s) {
		know = append(know, k.key+" "+k.person)
	}
	return judged(know, text.New("of %d keys in parts nobody has seen enough", len(s.Cuttings)),
		text.New("people who have seen enough parts of a key: %d", len(know)))
}

// knower is somebody who has seen as many parts of a key as form it.
type knower struct{ key, person string }

func knowers(s *StoreEvidence) []knower {
	var all []knower
	for i := range s.Cuttings {
		c := &s.Cuttings[i]
		for j := range c.People {
			if c.Enough(&c.People[j]) {
				all = append(all, knower{c.Key.String(), c.People[j].Person})
			}
		}
	}
	return all
}

func formedByTwo(s *StoreEvidence, _ time.Time) Finding {
	if len(keysThat(s, func(k *store.Key) bool { return k.Origin == store.Formed && k.State.InUse() })) == 0 {
		return notApplicable(text.New("no key in use was formed from components"))
	}
	alone := keysThat(s, func(k *store.Key) bool {
		people := slices.Clone(k.Custodians)
		slices.Sort(people)
		return k.Origin == store.Formed && k.State.InUse() && len(slices.Compact(people)) < 2
	})
	return judged(alone, text.New("every formed key names two custodians or more"), text.New("formed keys with fewer than two custodians: %d", len(alone)))
}

func parentsStrong(s *StoreEvidence, _ time.Time) Finding {
	if len(keysThat(s, func(k *store.Key) bool { return k.State.InUse() && !k.Parent.IsZero() })) == 0 {
		return notApplicable(text.New("no key in use is exchanged under another one"))
	}
	strength := map[store.Ref]int{}
	for i := range s.Keys {
		strength[s.Keys[i].Ref()] = strengthOf(&s.Keys[i])
	}
	weak := keysThat(s, func(k *store.Key) bool {
		parent, child := strength[k.Parent], strengthOf(k)
		return k.State.InUse() && parent > 0 && child > parent
	})
	return judged(weak, text.New("no key is under a weaker one"), text.New("keys under a weaker one: %d", len(weak)))
}

func strengthOf(k *store.Key) int { return k.Algorithm.Strength(k.Len) }

func noSingleDES(s *StoreEvidence, _ time.Time) Finding {
	if keysInUse(s) == 0 {
		return notApplicable(noKeys())
	}
	single := keysThat(s, func(k *store.Key) bool { return k.Algorithm == keys.DES && k.State.InUse() })
	return judged(single, text.New("no single-length DES key is in use"), text.New("single-length DES keys in use: %d", len(single)))
}

func slotParityOdd(d *DeviceEvidence, _ *Evidence) Finding {
	known := slotNames(d.Status.Slots, func(s *device.SlotReport) bool { return s.Parity != keys.ParityNone })
	if len(known) == 0 {
		return noEvidence(text.New("the terminal tells the parity of no key"))
	}
	wrong := slotNames(d.Status.Slots, func(s *device.SlotReport) bool {
		return s.Parity != keys.ParityNone && s.Parity != keys.ParityOdd
	})
	return judged(wrong, text.New("keys of odd parity: %d", len(known)), text.New("keys whose parity is not odd: %d", len(wrong)))
}

func slotKeysInTime(d *DeviceEvidence, _ *Evidence) Finding {
	if len(slotNames(d.Status.Slots, func(s *device.SlotReport) bool { return !s.Expires.IsZero() })) == 0 {
		return noEvidence(text.New("the terminal knows of no end of its keys"))
	}
	late := slotNames(d.Status.Slots, func(s *device.SlotReport) bool { return pastEnd(s, d.SeenAt) })
	return judged(late, text.New("no key in it is past its end"), text.New("keys in it past their end: %d", len(late)))
}

func pastEnd(s *device.SlotReport, now time.Time) bool {
	return !s.Expires.IsZero() && !now.IsZero() && !now.Before(s.Expires)
}

// fewTransactions is when a DUKPT engine is near its end; a TDES key gives about a million.
const fewTransactions = 10_000

func countersLeft(d *DeviceEvidence, _ *Evidence) Finding {
	if len(d.Status.Initial) == 0 {
		if !d.told() {
			return Finding{}
		}
		return notApplicable(text.New("the terminal has no DUKPT key"))
	}
	var few []string
	known := 0
	for _, i := range d.Status.Initial {
		if i.KSN == "" {
			continue
		}
		if known++; i.Left < fewTransactions {
			few = append(few, plain(string(i.Slot)))
		}
	}
	if known == 0 {
		return noEvidence(text.New("the terminal does not tell how many transactions are left"))
	}
	return judged(few, text.New("DUKPT engines with enough transactions left: %d", known),
		text.New("DUKPT engines near their end: %s", strings.Join(few[:min(len(few), MaxItems)], " ")))
}

func numbersLeft(s *StoreEvidence, _ time.Time) Finding {
	if len(s.KeySets) == 0 {
		return notApplicable(text.New("the store has no key set"))
	}
	var few []string
	for i := range s.KeySets {
		if runsOut(&s.KeySets[i], DefaultWatch().Numbers) {
			few = append(few, s.KeySets[i].ID)
		}
	}
	return judged(few, text.New("none of %d key sets runs out", len(s.KeySets)), text.New("key sets that run out: %d", len(few)))
}

// runsOut reports that less than so many per cent of the numbers are left.
func runsOut(k *store.KeySet, percent int) bool {
	total := float64(k.To - k.From)
	return float64(k.Left())*100 < total*float64(percent)
}
