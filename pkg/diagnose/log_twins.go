package diagnose

// One check value at two devices of a log: two terminals with one key.

import (
	"strings"

	"poskey/internal/text"
)

// leastTwin is from how many digits on two equal check values are no accident.
const leastTwin = 6

// twins finds check values of loads that two devices share. One key of a whole fleet is told of once.
func (l *logCase) twins() {
	first := map[string]*Event{}
	told := map[string]bool{}
	for i := range l.events {
		e := &l.events[i]
		if e.Kind != EventLoaded && e.Kind != EventChecked || e.Where == "" || len(e.Got) < leastTwin ||
			alikeDigits(e.Got) {
			continue
		}
		value := strings.ToUpper(e.Got[:leastTwin])
		other := first[value]
		if other == nil {
			first[value] = e
			continue
		}
		if other.Where == e.Where || told[value] || !sameDigits(other.Got, e.Got) || other.Slot != "" &&
			e.Slot != "" && other.Slot != e.Slot {
			continue
		}
		told[value] = true
		l.found(CauseDuplicateKCVFleet, Likely, weightLogTwin, text.New(
			"%s and %s hold a key with the same check value, %s: they share one key, or one was loaded with the "+
				"key of the other",
			other.Where, e.Where, e.Got), other, e)
	}
}

// alikeDigits reports whether all digits are the same: no value.
func alikeDigits(s string) bool { return strings.Trim(s, s[:1]) == "" }
