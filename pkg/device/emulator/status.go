package emulator

import (
	"slices"
	"strings"

	"poskey/pkg/device"
)

// statusEvents is how many events of the log a status has.
const statusEvents = 10

// Status tells how the terminal is, to whoever holds it in the hand.
func (t *Terminal) Status() device.Status {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.destroyAgain()
	t.liftBars()
	s := &t.s
	out := device.Status{
		Serial: s.serial, Model: t.modelName(), POIVersion: s.poi, Firmware: s.firmware, Now: t.now(), Screen: t.screen(),
		Locks: slices.Clone(s.locks), Tamper: s.tamper, InjectMode: t.injecting(), OpenBatch: s.batch,
		Battery: device.Battery{Millivolts: s.millivolts, Low: s.millivolts < lowBattery},
		Link:    t.cfg.Link, Environment: t.cfg.Sensors,
	}
	if t.undone != nil {
		out.Tamper.Sensor += ", keys on disk NOT destroyed"
	}
	if out.Link == (device.Link{}) {
		out.Link = device.Link{Kind: "ethernet", Quality: 100}
	}
	if out.Environment == (device.Environment{}) {
		out.Environment = device.Environment{Celsius: 22.5, Humidity: 45}
	}
	for slot := range s.slots {
		out.Slots = append(out.Slots, t.slotReport(slot))
	}
	for slot, e := range s.engines {
		out.Initial = append(out.Initial, e.report(slot))
	}
	slices.SortFunc(out.Slots, func(a, b device.SlotReport) int { return strings.Compare(string(a.Slot), string(b.Slot)) })
	slices.SortFunc(out.Initial, func(a, b device.InitialReport) int {
		return strings.Compare(string(a.Slot), string(b.Slot))
	})
	out.Events = t.log.after(max(t.log.seq, statusEvents)-statusEvents, statusEvents)
	return out
}

func (e *engine) report(slot device.Slot) device.InitialReport {
	out := device.InitialReport{Slot: slot, Check: e.check}
	if state, err := e.state(); err == nil {
		out.KSN, out.Left = state.KSN.String(), state.Remaining
	}
	return out
}

// Engine tells how a DUKPT engine is.
func (t *Terminal) Engine(slot device.Slot) (device.InitialReport, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e, ok := t.s.engines[slot]
	if !ok {
		return device.InitialReport{}, false
	}
	return e.report(slot), true
}

// SettleBatch closes the open batch.
func (t *Terminal) SettleBatch() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.s.batch = 0
	t.keepAnyway() // it is settled with the host
}
