package client

// What a terminal says, checked before anybody believes it.

import (
	"slices"
	"strings"

	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/device/manage"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// Bounds of what a terminal may say.
const (
	maxSlot   = 8 // characters
	maxSlots  = 256
	maxRules  = 256
	maxName   = 64 // of serial numbers, models and the like
	maxDigits = 64 // of a check value
	digits    = 10 // of them that are taken: no check value in use has more, and more could be a key
	maxKSN    = 24
)

func bad(what string) error {
	return fault.New(fault.DeviceLink, "the terminal's answer is not one of this protocol: %s", what)
}

// learn takes down what the terminal is.
func (d *driver) learn(a manage.About) error {
	if len(a.Boot) != manage.RequestID || !isHex(a.Boot) {
		return bad("boot")
	}
	if !isCharacters(a.Blocks) || !isCharacters(a.Algorithms) || !areLengths(a.BlockLengths) || len(a.Rules) > maxRules ||
		len(a.Initial) > maxSlots {
		return bad("what it takes")
	}
	caps := device.Capabilities{BlockVersions: a.Blocks, BlockLengths: a.BlockLengths, Algorithms: a.Algorithms,
		Proof: device.ProofCheckValue}
	for _, r := range a.Rules {
		rule := device.SlotRule{Usage: keys.Usage(r.Usage), Lengths: r.Lengths, Algorithms: r.Algorithms, Modes: r.Modes}
		if len(r.Usage) != 2 || !isCharacters(r.Usage+r.Algorithms+r.Modes) || r.Algorithms == "" || r.Modes == "" ||
			!areLengths(r.Lengths) || len(r.Slots) > maxSlots || !slices.ContainsFunc(r.Slots, isSlot) {
			return bad("rules")
		}
		for _, s := range r.Slots {
			switch {
			case !isSlot(s):
				return bad("rules")
			case len(s) == 1:
				rule.Slots += s
			default:
				rule.Named = append(rule.Named, device.Slot(s))
			}
		}
		caps.Slots = append(caps.Slots, rule)
	}
	for _, s := range a.Initial {
		if !isSlot(s) {
			return bad("initial")
		}
		caps.InitialSlots = append(caps.InitialSlots, device.Slot(s))
	}
	d.caps, d.boot = caps, a.Boot
	return nil
}

// slotOf reads what is told of a slot. An empty name takes any.
func slotOf(m manage.Slot, want device.Slot) (device.SlotReport, error) {
	if !isSlot(m.Slot) || want != "" && m.Slot != string(want) {
		return device.SlotReport{}, bad("slot")
	}
	r := device.SlotReport{Slot: device.Slot(m.Slot), Damaged: m.Damaged, Expires: m.Expires}
	if !m.Loaded {
		if m.Damaged || m.Usage+m.Mode+m.Algorithm+m.KSN+m.Parity != "" || m.Check != nil {
			return device.SlotReport{}, bad("an empty slot with a key")
		}
		return r, nil
	}
	if len(m.Usage) != 2 || len(m.Mode) != 1 || len(m.Algorithm) != 1 || !isCharacters(m.Usage+m.Mode+m.Algorithm) {
		return device.SlotReport{}, bad("attributes")
	}
	if len(m.KSN) > maxKSN || !isHex(m.KSN) {
		return device.SlotReport{}, bad("ksn")
	}
	switch r.Parity = keys.Parity(m.Parity); r.Parity {
	case keys.ParityNone, keys.ParityOdd, keys.ParityEven, keys.ParityMixed:
	default:
		return device.SlotReport{}, bad("parity")
	}
	r.SlotState = device.SlotState{Loaded: true, HasAttributes: true, Usage: keys.Usage(m.Usage), Mode: m.Mode[0],
		Algorithm: m.Algorithm[0], KSN: strings.ToUpper(m.KSN)}
	var err error
	r.Check, err = checkOf(m.Check)
	if err != nil {
		return device.SlotReport{}, err
	}
	return r, nil
}

// checkOf reads a check value; the zero value where none is told.
func checkOf(m *manage.Check) (kcv.Value, error) {
	if m == nil {
		return kcv.Value{}, nil
	}
	method, err := kcv.ParseMethod(m.Method)
	if err != nil || len(m.Value) == 0 || len(m.Value) > maxDigits || !isHex(m.Value) {
		return kcv.Value{}, bad("check value")
	}
	return kcv.Value{Method: method, Digits: strings.ToUpper(m.Value[:min(digits, len(m.Value))])}, nil
}

// statusOf reads a status. Texts are made harmless; what has a form must have it.
func statusOf(m manage.Status) (device.Status, error) {
	s := device.Status{Serial: serialName(m.Serial), Model: name(m.Model), POIVersion: name(m.POIVersion), Firmware: name(m.Firmware),
		Now: m.Now, Screen: clean(m.Screen), InjectMode: m.InjectMode, OpenBatch: m.OpenBatch,
		Tamper:      device.TamperState{Tripped: m.Tamper.Tripped, Sensor: clean(m.Tamper.Sensor), At: m.Tamper.At},
		Battery:     device.Battery{Millivolts: m.Battery.Millivolts, Low: m.Battery.Low},
		Environment: device.Environment{Celsius: m.Sensors.Celsius, Humidity: m.Sensors.Humidity},
		Link:        device.Link{Kind: clean(m.Link.Kind), Quality: m.Link.Quality}}
	if len(m.Slots) > maxSlots || len(m.Initial) > maxSlots || len(m.Locks) > maxSlots || len(m.Events) > manage.MaxEvents {
		return device.Status{}, bad("more than any terminal has")
	}
	if unprintable(m.Serial) != m.Serial {
		return device.Status{}, bad("serial")
	}
	if !isMeasured(m) {
		return device.Status{}, bad("figures that cannot be")
	}
	for _, l := range m.Locks {
		kind, err := device.ParseLock(l.Kind)
		if err != nil || slices.ContainsFunc(s.Locks, func(on device.LockState) bool { return on.Kind == kind }) {
			return device.Status{}, bad("lock")
		}
		s.Locks = append(s.Locks, device.LockState{Kind: kind, Since: l.Since, Detail: clean(l.Detail)})
	}
	told := map[device.Slot]bool{}
	for _, slot := range m.Slots {
		r, err := slotOf(slot, "")
		if err != nil {
			return device.Status{}, err
		}
		if told[r.Slot] {
			return device.Status{}, bad("a slot twice")
		}
		if told[r.Slot] = true; r.Loaded {
			s.Slots = append(s.Slots, r)
		}
	}
	engines := map[string]bool{}
	for _, i := range m.Initial {
		if !isSlot(i.Slot) || engines[i.Slot] || len(i.KSN) > maxKSN || !isHex(i.KSN) {
			return device.Status{}, bad("initial")
		}
		engines[i.Slot] = true
		check, err := checkOf(i.Check)
		if err != nil {
			return device.Status{}, err
		}
		s.Initial = append(s.Initial, device.InitialReport{Slot: device.Slot(i.Slot), KSN: strings.ToUpper(i.KSN),
			Check: check, Left: i.Left})
	}
	s.Events = eventsOf(m.Events)
	return s, nil
}

// isMeasured reports whether figures are within what can be measured.
func isMeasured(m manage.Status) bool {
	const hot, whole = 1000, 100
	percent := func(n int) bool { return n >= 0 && n <= whole }
	return m.OpenBatch >= 0 && m.Battery.Millivolts >= 0 && m.Sensors.Celsius > -hot && m.Sensors.Celsius < hot &&
		percent(m.Sensors.Humidity) && percent(m.Link.Quality)
}

// areLengths reports whether lengths are some.
func areLengths(all []int) bool { return !slices.ContainsFunc(all, func(n int) bool { return n < 1 }) }

func eventsOf(all []manage.Event) []device.LogEvent {
	var out []device.LogEvent
	for _, e := range all {
		out = append(out, device.LogEvent{Seq: e.Seq, At: e.At, Kind: clean(e.Kind), Detail: clean(e.Detail)})
	}
	return out
}

// inOrder reports whether numbers only grow, from above a given one.
func inOrder(events []device.LogEvent, after uint64) bool {
	for _, e := range events {
		if e.Seq <= after {
			return false
		}
		after = e.Seq
	}
	return true
}

// name is a short text without anything that does not belong into one. It stands on screens and in reports, where the
// digits of a key must not.
func name(s string) string { return cut(manage.Blot(unprintable(s)), maxName) }

// serialDigits is how long a serial number of hex digits alone may be: real ones have up to sixteen.
const serialDigits = 16

// serialName is name for a serial number, which goes by more than by its looks: it is compared.
func serialName(s string) string {
	if len(s) <= serialDigits {
		return unprintable(s)
	}
	return name(s)
}

func isSlot(s string) bool { return s != "" && len(s) <= maxSlot && isCharacters(s) }

func isCharacters(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

func isHex(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'A' || c > 'F') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
