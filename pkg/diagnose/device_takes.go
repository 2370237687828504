package diagnose

// What keys need, held against what the device takes, and what the device tells of keys that no check value shows.

import (
	"slices"
	"strconv"
	"strings"

	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// DeviceTakes is what a device takes.
type DeviceTakes struct {
	device.Capabilities
	Told bool // in the device's own words; else as its dialect is documented, and the model may differ
}

// takes looks whether the keys that should be there and are not can be there at all. The software of a device that does
// not take them is too old, or it is the wrong device.
func (d *onDevice) takes() {
	t := d.c.Takes
	if t == nil {
		return
	}
	for _, w := range d.c.Wanted {
		got, there := d.s.CheckOf(w.Slot)
		if w.Algorithm == "" || w.KSN != "" || d.untold(w.Slot) || there && sameDigits(got.Digits, w.Check.Digits) {
			continue
		}
		char := string(keyblock.AlgorithmChar(w.Algorithm))
		if all := t.algorithmsOf(w.Slot); all != "" && !strings.Contains(all, char) {
			d.tooOld(w, text.New("the key %s is for algorithm %s, and slot %s of the device takes keys for %s", w.Label, char,
				string(w.Slot), all), t.takesAlgorithm(char),
				Seen{What: text.New("algorithm"), Expected: text.Raw(all), Observed: text.Raw(char)})
			continue
		}
		if all := t.usagesOf(w.Slot); w.Usage != "" && len(all) > 0 && !slices.Contains(all, string(w.Usage)) {
			d.tooOld(w, text.New("the key %s has usage %s, and slot %s of the device takes keys of usage %s", w.Label, string(w.Usage),
				string(w.Slot), strings.Join(all, " ")), t.takesUsage(w.Usage),
				Seen{What: text.New("usage"), Expected: text.Raw(strings.Join(all, " ")), Observed: text.Raw(string(w.Usage))})
		}
	}
}

// tooOld is proven where the device itself says that it does not take the key, in no slot: where another one takes it, the
// plan may be what is wrong.
func (d *onDevice) tooOld(w Wanted, says text.Text, elsewhere bool, what Seen) {
	worth := Likely
	if d.c.Takes.Told && !elsewhere {
		worth = Proven
	}
	d.foundAt(seen(CauseFirmwareOld, worth, says, what,
		Seen{What: text.New("version of the device's software"), Observed: text.Raw(d.s.Firmware)}), weightFirmware, w.Slot, w.Label)
}

// algorithmsOf lists the algorithms that a slot takes, those of the device where no rule is about the slot.
func (t *DeviceTakes) algorithmsOf(slot device.Slot) string {
	out := ""
	for _, rule := range t.Slots {
		for _, c := range rule.Algorithms {
			if rule.Has(slot) && !strings.ContainsRune(out, c) {
				out += string(c)
			}
		}
	}
	if out == "" {
		return t.Algorithms
	}
	return out
}

// takesAlgorithm reports whether any slot takes keys for an algorithm.
func (t *DeviceTakes) takesAlgorithm(char string) bool {
	return strings.Contains(t.Algorithms, char) ||
		slices.ContainsFunc(t.Slots, func(r device.SlotRule) bool { return strings.Contains(r.Algorithms, char) })
}

// takesUsage reports whether any slot takes keys of a usage.
func (t *DeviceTakes) takesUsage(u keys.Usage) bool {
	return slices.ContainsFunc(t.Slots, func(r device.SlotRule) bool { return r.Usage == u })
}

func (t *DeviceTakes) usagesOf(slot device.Slot) []string {
	var out []string
	for _, rule := range t.Slots {
		if rule.Has(slot) && !slices.Contains(out, string(rule.Usage)) {
			out = append(out, string(rule.Usage))
		}
	}
	return out
}

// version compares the PCI POI version of the device with that of the inventory: an older one is another device, or one
// that was set back.
func (d *onDevice) version() {
	own, known := poiVersion(d.s.POIVersion), poiVersion(d.c.POI)
	if own == 0 || known == 0 || own >= known {
		return
	}
	d.found(seen(CauseFirmwareOld, Likely, text.New("the device says that it is of PCI POI version %s, the inventory has it as %s",
		d.s.POIVersion, d.c.POI),
		Seen{What: text.New("PCI POI version"), Expected: text.Raw(d.c.POI), Observed: text.Raw(d.s.POIVersion)}), weightFirmware)
}

// poiVersion reads 6.2; 0 is none.
func poiVersion(s string) float64 {
	v, err := strconv.ParseFloat(strings.TrimSuffix(strings.ToLower(s), ".x"), 64)
	if err != nil || v < 0 || v > 100 {
		return 0
	}
	return v
}

// parity looks at what devices tell that look at parity: no check value shows it. All bytes even is what turned parity bits
// give, and an even number of components; keys without any set parity are common, and are no fault.
func (d *onDevice) parity() {
	for _, s := range d.s.Slots {
		if s.Damaged || s.Parity != keys.ParityEven && s.Parity != keys.ParityMixed {
			continue
		}
		if s.Parity == keys.ParityMixed {
			d.out.Notes = append(d.out.Notes, text.New(
				"not every byte of the key in slot %s has odd parity: a device that checks parity would refuse it, and no check value shows it",
				string(s.Slot)))
			continue
		}
		label := ""
		for _, w := range d.c.Wanted {
			if w.Slot == s.Slot {
				label = w.Label
			}
		}
		d.foundAt(seen(CauseParityBitTypo, Likely, text.New(
			"the device says that every byte of the key in slot %s has even parity: its parity bits were turned over, or an even number of components was combined; its check value does not show it",
			string(s.Slot)), Seen{What: text.New("parity of slot %s", string(s.Slot)), Expected: text.Raw(string(keys.ParityOdd)),
			Observed: text.Raw(string(s.Parity))}), weightParity, s.Slot, label)
	}
}
