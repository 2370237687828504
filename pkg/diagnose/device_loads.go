package diagnose

// How loads of a device ended, held against what the device has now.

import (
	"slices"
	"strings"
	"time"

	"poskey/internal/text"
	"poskey/pkg/device"
	futurex "poskey/pkg/device/futurex/table"
	"poskey/pkg/device/manage"
	visa "poskey/pkg/device/visa/table"
	"poskey/pkg/kcv"
)

// LoadOutcome is how a load of a key into a device ended.
type LoadOutcome string

// The outcomes.
const (
	LoadConfirmed LoadOutcome = "confirmed" // it is proven to be in the device
	LoadFailed    LoadOutcome = "failed"    // it is known not to be there, or was given up
	LoadUnknown   LoadOutcome = "unknown"   // nobody heard the end
	LoadSent      LoadOutcome = "sent"      // the host broke off after it was sent
)

// DeviceLoad is a load of a key into a device.
type DeviceLoad struct {
	Slot    device.Slot
	Label   string    // of the key in the store
	Check   kcv.Value // of the key that was sent; without digits nothing was sent
	At      time.Time // by the host's clock
	Outcome LoadOutcome
	Said    string // why it failed or is unknown, in the words of the host, in English
	// Dialect and Answer are the device's own no, as [device.CodeError] has them; "" where nobody kept them.
	Dialect, Answer string
}

// loads looks at the newest load of every slot. One that is confirmed is the inventory's matter, and what was never sent is
// none of the device's. After a tamper nothing is in any slot, however its load ended.
func (d *onDevice) loads() {
	if d.tampered() {
		return
	}
	for _, l := range newestLoads(d.c.Loads) {
		if l.Outcome != LoadConfirmed && l.Check.Digits != "" {
			d.load(l)
		}
	}
}

// fromLoads looks at loads of a device that was not asked, or that told nothing.
func fromLoads(c *Case) Report {
	if len(c.Loads) == 0 {
		return Report{}
	}
	d := &onDevice{c: c, s: &device.Status{}}
	d.loads()
	return d.out.withVerdict()
}

// newestLoads keeps the newest load of each slot, in the order in which the slots first come.
func newestLoads(all []DeviceLoad) []DeviceLoad {
	var out []DeviceLoad
	for _, l := range all {
		i := slices.IndexFunc(out, func(o DeviceLoad) bool { return o.Slot == l.Slot })
		switch {
		case i < 0:
			out = append(out, l)
		case !l.At.Before(out[i].At):
			out[i] = l
		}
	}
	return out
}

func (d *onDevice) load(l DeviceLoad) {
	got, there := d.s.CheckOf(l.Slot)
	if info, refused := d.refusalOf(l); refused {
		d.refusedLoad(l, info, there)
		return
	}
	switch {
	case there && got.Digits != "" && sameDigits(got.Digits, l.Check.Digits):
		d.unheard(l, got)
	case l.Outcome != LoadFailed && (there && got.Digits == "" || !there && d.untold(l.Slot)):
		d.untoldLoad(l)
	case there && got.Digits != "" && !d.wantedThere(l.Slot, got):
		d.storedOther(l, got)
	default:
		d.notArrived(l)
	}
}

// untold reports a slot that the device was not asked about, or did not answer about.
func (d *onDevice) untold(slot device.Slot) bool {
	return d.c.Line != nil && slices.Contains(d.c.Line.Untold, slot)
}

// foundAt is found with the place.
func (d *onDevice) foundAt(f Finding, weight float64, slot device.Slot, label string) {
	f.Evidence.Slot, f.Evidence.Label = slot, label
	d.found(f, weight)
}

// seenLoad is how the load ended, as evidence.
func seenLoad(l DeviceLoad) Seen {
	return Seen{What: text.New("load of slot %s in the journal", string(l.Slot)), Expected: text.Raw(string(LoadConfirmed)),
		Observed: text.Raw(string(l.Outcome))}
}

// unheard is a key that is in the device, and whose end nobody heard. When power failed there, that says why.
func (d *onDevice) unheard(l DeviceLoad, got kcv.Value) {
	if d.powerFailedIn(l.Slot) {
		return
	}
	d.foundAt(seen(CauseLinkFault, Likely, text.New(
		"the key %s is in slot %s, its check value agrees, and the journal did not hear the end of its load: the answer was lost on the line",
		l.Label, string(l.Slot)), seenLoad(l),
		Seen{What: text.New("slot %s", string(l.Slot)), Expected: text.Raw(l.Check.Digits), Observed: text.Raw(got.Digits)}),
		weightLink, l.Slot, l.Label)
}

func (d *onDevice) untoldLoad(l DeviceLoad) {
	d.foundAt(seen(CauseLinkFault, Likely, text.New(
		"the journal did not hear the end of the load of %s into slot %s, and no check value of the slot is known: it may or may not be there",
		l.Label, string(l.Slot)), seenLoad(l)), weightLink, l.Slot, l.Label)
}

// notArrived is a key that was sent and is not there, while the device has refused nothing.
func (d *onDevice) notArrived(l DeviceLoad) {
	d.foundAt(seen(CauseLinkFault, Likely, text.New(
		"the key %s was sent to slot %s and is not there, and the device is not known to have refused it: it was lost or changed on the line",
		l.Label, string(l.Slot)), seenLoad(l)), weightLink, l.Slot, l.Label)
}

// storedOther is said of a value that is neither that of the key nor that of another one that should be there; why it is
// another one, the search over [Case].Checks says.
func (d *onDevice) storedOther(l DeviceLoad, got kcv.Value) {
	d.foundAt(seen(CauseStorageCorrupt, Possible, text.New(
		"after the load of %s slot %s has another check value than the key that was sent", l.Label, string(l.Slot)), seenLoad(l),
		Seen{What: text.New("slot %s", string(l.Slot)), Expected: text.Raw(l.Check.Digits), Observed: text.Raw(got.Digits)}),
		1, l.Slot, l.Label)
}

// refusedLoad is a load that the device refused, by the cause behind its code. That a slot is empty because nothing more is
// stored is what the device itself says.
func (d *onDevice) refusedLoad(l DeviceLoad, info device.CodeInfo, there bool) {
	cause := causeOfCode(info)
	if cause == "" {
		d.out.Notes = append(d.out.Notes, text.New("the device refused the load of slot %s: %s", string(l.Slot), info.Meaning))
		return
	}
	worth := Likely
	if cause == CauseEmptySlot && !there && !d.untold(l.Slot) {
		worth = Proven
	}
	says := text.New("the device refused the key %s for slot %s: %s", l.Label, string(l.Slot), info.Meaning)
	if !info.Action.IsZero() {
		says = text.New("the device refused the key %s for slot %s: %s; %s", l.Label, string(l.Slot), info.Meaning, info.Action)
	}
	d.foundAt(seen(cause, worth, says, seenLoad(l), Seen{What: text.New("code of the refusal"), Observed: text.Raw(info.Code)}),
		weightOfRefusal(cause), l.Slot, l.Label)
}

// causeOfCode is the cause of a code of a device; "" where its table has none.
func causeOfCode(info device.CodeInfo) Cause {
	if c := Cause(info.Cause); slices.Contains(Causes(), c) {
		return c
	}
	return ""
}

// weightOfRefusal puts a refusal beside what else is seen of the same cause.
func weightOfRefusal(c Cause) float64 {
	switch c {
	case CauseTamper:
		return weightTamper
	case CauseEmptySlot:
		return weightEmpty
	case CauseFirmwareOld:
		return weightFirmware
	}
	return weightRefused
}

// refusalOf finds out whether the device refused the load: by what it answered, by what the host said of it where the
// answer was not kept, else by the device's own log.
func (d *onDevice) refusalOf(l DeviceLoad) (device.CodeInfo, bool) {
	if info, ok := answered(l.Dialect, l.Answer); ok {
		return info, true
	}
	if info, ok := refusalIn(l.Said); ok {
		return info, true
	}
	reason, refused := d.lastOf(l.Slot)
	if !refused {
		return device.CodeInfo{}, false
	}
	return infoOf(manage.CodeOf(reason)), true
}

// answered looks an answer up in the table of its dialect.
func answered(dialect, answer string) (device.CodeInfo, bool) {
	switch dialect {
	case visa.Dialect:
		return visa.Answered(answer)
	case futurex.Dialect:
		return futurex.Answered(answer)
	case device.Agent:
		i := slices.IndexFunc(manage.Codes(), func(c manage.Code) bool { return c.Code == answer })
		if i >= 0 {
			return infoOf(manage.Codes()[i]), true
		}
	}
	return device.CodeInfo{}, false
}

func infoOf(c manage.Code) device.CodeInfo {
	return device.CodeInfo{Code: c.Code, Meaning: c.Meaning, Action: c.Action, Cause: c.Cause}
}

// refusalIn finds the refusal in what a host said of a load, before journals kept the answer (version 4 of a store), or in
// facts that were written down: its sentences are made from the tables of the dialects. Where several are in it, the
// longest says the most.
func refusalIn(said string) (device.CodeInfo, bool) {
	if !strings.Contains(said, "the terminal answered ") && !strings.Contains(said, "the terminal refuses: ") {
		return device.CodeInfo{}, false
	}
	var best device.CodeInfo
	for _, info := range refusals() {
		if m := info.Meaning.String(); strings.Contains(said, m) && len(m) > len(best.Meaning.String()) {
			best = info
		}
	}
	return best, best.Code != ""
}

// refusals are those of all dialects.
func refusals() []device.CodeInfo {
	var out []device.CodeInfo
	for _, row := range manage.Codes() {
		out = append(out, infoOf(row))
	}
	out = append(out, visa.LoadErrors()...)
	out = append(out, visa.InitialErrors()...)
	return append(out, futurex.Replies()...)
}

// lastOf looks up in the device's log whether the last that happened to a load of a slot was a refusal, and its reason.
func (d *onDevice) lastOf(slot device.Slot) (reason string, refused bool) {
	for _, e := range d.s.Events {
		if detailOf(e, "slot") != string(slot) {
			continue
		}
		switch e.Kind {
		case eventRefused:
			reason, refused = detailOf(e, "reason"), true
		case eventStored:
			reason, refused = "", false
		}
	}
	return reason, refused
}

// detailOf reads a word out of the detail of an event: "slot 0, reason memory, ...".
func detailOf(e device.LogEvent, name string) string {
	for part := range strings.SplitSeq(e.Detail, ",") {
		words := strings.Fields(part)
		for i := 0; i+1 < len(words); i++ {
			if words[i] == name {
				return words[i+1]
			}
		}
	}
	return ""
}
