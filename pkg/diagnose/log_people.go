package diagnose

// Slips that repeat at one person or station, and not at others.

import "poskey/internal/text"

// people counts the slips by person, and where no person stands out, by station.
func (l *logCase) people() {
	for _, by := range []func(*Event) string{func(e *Event) string { return e.Who },
		func(e *Event) string { return e.Station }} {
		total := 0
		slips := map[string][]*Event{}
		var names []string
		for i := range l.events {
			e := &l.events[i]
			if e.Kind != EventSlip && e.Kind != EventMismatch && e.Kind != EventLoginFailed &&
				e.Kind != EventLoadFailed {
				continue
			}
			total++
			name := by(e)
			if name != "" && slips[name] == nil {
				names = append(names, name)
			}
			slips[name] = append(slips[name], e)
		}
		for _, name := range names {
			mine := slips[name]
			if len(mine) >= manySlips && 10*len(mine) >= 6*total && apart(mine) {
				l.found(CauseProcedure, Likely, weightLogProcedure, text.New(
					"%d of %d slips in the log happened to one (%s): look at the work there before you look at keys",
					len(mine), total, name), mine...)
				return
			}
		}
	}
}

// apart reports whether slips are of several devices, slots or parts, or of people's hands alone: one key that is
// wrong fails again and again.
func apart(slips []*Event) bool {
	hands := 0
	places := map[[2]string]bool{}
	for _, e := range slips {
		if e.Kind == EventSlip || e.Kind == EventLoginFailed {
			hands++
		}
		places[[2]string{e.Where, e.Slot}] = true
	}
	return hands >= manySlips || len(places) > 1
}
