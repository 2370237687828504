package diagnose

// What a device has, held against what the inventory says that it should have.

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/dukpt"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// slots holds every key that should be there against what is there.
func (d *onDevice) slots() {
	if len(d.c.Wanted) == 0 {
		d.withoutInventory()
		return
	}
	full, moved := true, 0
	for _, w := range d.c.Wanted {
		got, there := d.s.CheckOf(w.Slot)
		full = full && there
		if there && (w.Check.Digits == "" || got.Digits == "" || sameDigits(got.Digits, w.Check.Digits)) {
			continue
		}
		if at, ok := d.elsewhere(w); ok {
			moved++
			d.inWrongSlot(w, at, got)
			continue
		}
		if !there && d.untold(w.Slot) {
			continue
		}
		if !there {
			d.missing(w)
			continue
		}
		d.differs(w, got)
	}
	if full {
		d.ruledOut(CauseEmptySlot, text.New("every slot that should have a key has one"))
	}
	if moved == 0 && d.allValues() {
		d.ruledOut(CauseWrongSlot, text.New("no key stands in another slot than the inventory says"))
	}
}

// allValues reports that the check value of every key in the device is known.
func (d *onDevice) allValues() bool {
	valueless := func(s device.SlotReport) bool { return s.Check.Digits == "" }
	return (d.tells() || len(d.c.Line.Untold) == 0) && !slices.ContainsFunc(d.s.Slots, valueless)
}

// withoutInventory can tell only whether there is any key.
func (d *onDevice) withoutInventory() {
	if len(d.s.Slots)+len(d.s.Initial) > 0 {
		d.onlyLoader()
		return
	}
	if !d.tells() {
		d.emptyOnTheLine()
		return
	}
	worth := Proven
	if d.tampered() {
		worth = Likely // it is so because of that
	}
	d.found(seen(CauseEmptySlot, worth, text.New("the device has no key in any slot"),
		Seen{What: text.New("slots with a key"), Observed: text.Raw("0")}), weightEmpty)
}

// onlyLoader tells of a device that has nothing but keys under which others are loaded: it is in order, and cannot trade.
func (d *onDevice) onlyLoader() {
	trades := func(s device.SlotReport) bool { return s.Usage != keys.UsageKEK && s.Usage != keys.UsageKBPK }
	if len(d.s.Initial) > 0 || slices.ContainsFunc(d.s.Slots, trades) {
		return
	}
	d.out.Notes = append(d.out.Notes, text.New(
		"the device has only keys under which others are loaded (slots with a key: %d): no working key is loaded",
		len(d.s.Slots)))
}

// emptyOnTheLine is said of a device that was asked slot by slot: some slots may not be known, and why it has no key it has
// no words for.
func (d *onDevice) emptyOnTheLine() {
	l := d.c.Line
	if l.Empty == 0 {
		return
	}
	worth := Likely
	if l.Failed+l.Unended > 0 { // so most were not asked, or not heard
		worth = Possible
	}
	d.found(seen(CauseEmptySlot, worth, text.New(
		"no slot that the device answers for has a key: it is new, or its keys were erased, by an order or by a tamper; it does not tell which over this line"),
		Seen{What: text.New("slots that are empty"), Observed: text.Raw(strconv.Itoa(l.Empty))},
		Seen{What: text.New("slots that are not known"), Observed: text.Raw(strconv.Itoa(len(l.Untold)))}), weightEmpty)
}

// sameDigits compares on the shorter length.
func sameDigits(a, b string) bool {
	n := min(len(a), len(b))
	return n >= 4 && strings.EqualFold(a[:n], b[:n])
}

// elsewhere looks for the key in another slot.
func (d *onDevice) elsewhere(w Wanted) (device.Slot, bool) {
	for _, s := range d.s.Slots {
		if s.Slot != w.Slot && w.Check.Digits != "" && sameDigits(s.Check.Digits, w.Check.Digits) &&
			!otherMethods(s.Check, w.Check) && !d.wantedThere(s.Slot, s.Check) {
			return s.Slot, true
		}
	}
	return "", false
}

// otherMethods reports values that are known to be made in two ways: equal digits of them mean nothing.
func otherMethods(a, b kcv.Value) bool {
	return a.Method != "" && b.Method != "" && a.Method != b.Method
}

// wantedThere reports whether the inventory wants a key of that value in that slot.
func (d *onDevice) wantedThere(slot device.Slot, check kcv.Value) bool {
	for _, w := range d.c.Wanted {
		if w.Slot == slot && sameDigits(w.Check.Digits, check.Digits) {
			return true
		}
	}
	return false
}

func (d *onDevice) inWrongSlot(w Wanted, at device.Slot, got kcv.Value) {
	f := seen(CauseWrongSlot, Proven, text.New("the key %s should be in slot %s and is in slot %s", w.Label, string(w.Slot), string(at)),
		Seen{What: text.New("slot %s", string(w.Slot)), Expected: text.Raw(w.Check.Digits), Observed: text.Raw(got.Digits)},
		Seen{What: text.New("slot %s", string(at)), Observed: text.Raw(w.Check.Digits)})
	there, _ := d.s.CheckOf(at)
	compared := min(len(there.Digits), len(w.Check.Digits))
	f.Odds = float64(len(d.c.Wanted)*len(d.s.Slots)) * kcv.ChanceOfFalseMatch(compared) // every key is looked for in every slot
	f.Certainty = worthOf(f.Odds, Proven)
	f.Evidence.Slot, f.Evidence.Label = w.Slot, w.Label
	d.found(f, weightWrongSlot)
}

// worthOf is how certain a finding can be whose values agree by accident with such odds, and no more than most.
func worthOf(odds float64, most Certainty) Certainty {
	switch {
	case odds >= likelyBelow:
		return Possible
	case odds >= provenBelow:
		return Likely
	}
	return most
}

func (d *onDevice) missing(w Wanted) {
	worth := Proven
	if d.tampered() {
		worth = Likely
	}
	f := seen(CauseEmptySlot, worth, text.New("slot %s has no key; the inventory says %s should be there", string(w.Slot), w.Label),
		Seen{What: text.New("slot %s", string(w.Slot)), Expected: text.Raw(cmp.Or(w.Check.Digits, w.KSN)), Observed: text.Raw("-")})
	f.Evidence.Slot, f.Evidence.Label = w.Slot, w.Label
	d.found(f, weightEmpty)
}

// differs says what can be said of a value that is another one; why it is, the search over [Case].Checks says.
func (d *onDevice) differs(w Wanted, got kcv.Value) {
	what := Seen{What: text.New("slot %s", string(w.Slot)), Expected: text.Raw(w.Check.Digits), Observed: text.Raw(got.Digits)}
	loads := d.loadsOf(w)
	var f Finding
	if w.Check.Method != "" && got.Method != "" && got.Method != w.Check.Method {
		f = seen(CauseKCVMethod, Likely, text.New(
			"the device makes the check value of slot %s by %s, the inventory has that of %s by %s: they cannot be compared",
			string(w.Slot), string(got.Method), w.Label, string(w.Check.Method)), what,
			Seen{What: text.New("method of the check value"), Expected: text.Raw(string(w.Check.Method)), Observed: text.Raw(string(got.Method))})
	} else if loads > 0 || sameDigits(d.lastStored(w.Slot), got.Digits) {
		f = seen(CauseProcedure, Likely, text.New(
			"slot %s does not have the key %s, and the device's log tells of loads into it after that: somebody loaded another key, and the inventory does not know",
			string(w.Slot), w.Label), what, Seen{What: text.New("loads in the device's log"), Observed: text.Raw(strconv.Itoa(max(loads, 1)))})
	} else {
		f = seen(CauseStorageCorrupt, Possible, text.New(
			"slot %s does not have the check value of %s, and no load of another key is known: its memory is damaged, or another key, or this one changed (halves swapped, half its length), came into it unseen; the key itself tells which",
			string(w.Slot), w.Label), what)
	}
	f.Evidence.Slot, f.Evidence.Label = w.Slot, w.Label
	d.found(f, 1)
}

// lastStored is the check value with which the device's own log tells of the last load into a slot; "" where it tells none.
func (d *onDevice) lastStored(slot device.Slot) string {
	last := ""
	for _, e := range d.s.Events {
		if e.Kind == eventStored && detailOf(e, "slot") == string(slot) {
			last = detailOf(e, "check")
		}
	}
	return last
}

// loadsOf counts the device's own events of loads into a slot after the one that the inventory knows.
func (d *onDevice) loadsOf(w Wanted) int {
	n := 0
	for _, e := range d.s.Events {
		if e.Kind == eventStored && detailOf(e, "slot") == string(w.Slot) && !w.LoadedAt.IsZero() && d.hostTime(e.At).After(w.LoadedAt.Add(clockLikely)) {
			n++
		}
	}
	return n
}

// initial compares the key serial numbers of DUKPT keys: the counter moves, the rest does not.
func (d *onDevice) initial() {
	for _, w := range d.c.Wanted {
		if w.KSN == "" {
			continue
		}
		for _, e := range d.s.Initial {
			if e.Slot != w.Slot || e.KSN == "" || sameInitial(e.KSN, w.KSN) {
				continue
			}
			worth := Proven
			if !isKSN(e.KSN) || !isKSN(w.KSN) { // what no one can read may be written otherwise
				worth = Likely
			}
			f := seen(CauseKSNMismatch, worth, text.New(
				"the DUKPT key in slot %s counts under another key serial number than the inventory gave it", string(w.Slot)),
				Seen{What: text.New("key serial number"), Expected: text.Raw(w.KSN), Observed: text.Raw(e.KSN)})
			f.Evidence.Slot, f.Evidence.Label = w.Slot, w.Label
			d.found(f, weightKSN)
		}
	}
}

func sameInitial(a, b string) bool {
	if strings.EqualFold(a, b) {
		return true
	}
	one, err := dukpt.ParseKSN(whole(a))
	if err != nil {
		return false
	}
	two, err := dukpt.ParseKSN(whole(b))
	return err == nil && one.Initial().String() == two.Initial().String()
}

func isKSN(s string) bool {
	_, err := dukpt.ParseKSN(whole(s))
	return err == nil
}

// whole fills a key serial number of 8 bytes up as devices keep it: the first two are padding, and some leave them out.
func whole(ksn string) string {
	const short = 16
	if len(ksn) == short {
		return "FFFF" + ksn
	}
	return ksn
}

// duplicates looks for one value in two slots, and for one in two devices.
func (d *onDevice) duplicates() {
	told := map[kcv.Value]bool{}
	found := false
	for i, a := range d.s.Slots {
		if a.Check.Digits == "" || told[a.Check] {
			continue
		}
		told[a.Check] = true
		if others := slotsOf(d.s.Slots[i+1:], a.Check); len(others) > 0 {
			found = true
			d.inSeveral(a, others)
		}
	}
	if !found && len(d.s.Slots) > 1 && d.allValues() {
		d.ruledOut(CauseDuplicateValue, text.New("all slots have different check values"))
	}
	for _, w := range d.c.Wanted {
		if len(w.Devices) == 0 {
			continue
		}
		f := seen(CauseDuplicateKCVFleet, Likely, text.New(
			"the key of slot %s is in other devices too (%s): a key belongs to one device (PCI PIN 20-1)",
			string(w.Slot), strings.Join(w.Devices[:min(3, len(w.Devices))], ", ")),
			Seen{What: text.New("devices with this check value"), Observed: text.Raw(strconv.Itoa(1 + len(w.Devices)))})
		f.Evidence.Slot, f.Evidence.Label = w.Slot, w.Label
		d.found(f, weightDuplicate)
	}
}

// slotsOf lists the slots that have a check value.
func slotsOf(all []device.SlotReport, check kcv.Value) []string {
	var out []string
	for _, s := range all {
		if s.Check == check {
			out = append(out, string(s.Slot))
		}
	}
	return out
}

// inSeveral tells of one value in several slots.
func (d *onDevice) inSeveral(a device.SlotReport, others []string) {
	const most = 8
	last := others[len(others)-1]
	slots := strings.Join(append([]string{string(a.Slot)}, others[:min(len(others)-1, most)]...), ", ")
	says := text.New("slots %s and %s have the same check value: one key stands in both", slots, last)
	if len(others) > 1 {
		says = text.New("%d slots (%s … %s) have the same check value: one key stands in all of them", 1+len(others), slots, last)
	}
	f := seen(CauseDuplicateValue, Likely, says,
		Seen{What: text.New("slots %s and %s", slots, last), Observed: text.Raw(a.Check.Digits)})
	pairs := float64(len(d.s.Slots)*(len(d.s.Slots)-1)) / 2
	f.Odds = pairs * kcv.ChanceOfFalseMatch(len(a.Check.Digits))
	f.Certainty, f.Evidence.Slot = worthOf(f.Odds, Likely), a.Slot
	d.found(f, weightDuplicate)
}

// states looks at the states of the keys in the store.
func (d *onDevice) states() {
	for _, w := range d.c.Wanted {
		worth, says := Proven, text.New("the store has the key %s of slot %s as compromised", w.Label, string(w.Slot))
		switch w.State {
		case "compromised", "destroyed-compromised":
		case "suspended":
			worth, says = Likely, text.New(
				"the store has the key %s of slot %s as suspended: somebody took it out of use, and the device has it still", w.Label, string(w.Slot))
		default:
			continue
		}
		if !d.mayHold(w) {
			continue
		}
		f := seen(CauseKeyExposed, worth, says,
			Seen{What: text.New("state in the store"), Expected: text.Raw("active"), Observed: text.Raw(w.State)})
		f.Evidence.Slot, f.Evidence.Label = w.Slot, w.Label
		d.found(f, weightExposed)
	}
}

// mayHold reports that the device has the key, or something of which it tells no value, or that it was not asked.
func (d *onDevice) mayHold(w Wanted) bool {
	got, there := d.s.CheckOf(w.Slot)
	if !there {
		return d.untold(w.Slot)
	}
	return got.Digits == "" || w.Check.Digits == "" || sameDigits(got.Digits, w.Check.Digits)
}
