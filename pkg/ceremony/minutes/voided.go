package minutes

// What of a record is void: it stands there, and nothing of it is used.

import (
	"slices"
	"strconv"
	"strings"

	"poskey/internal/text"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/store"
)

// voided are the lines whose content is void, by their numbers, each with the line that says so.
func voided(records []transcript.Record) map[int]int {
	void := map[int]int{}
	for i, by := range records {
		var is func(transcript.Record) bool
		switch by.Kind {
		case transcript.KindResumed:
			steps := stepsIn(by.Details["again"])
			is = func(r transcript.Record) bool { return slices.Contains(steps, r.Step) && mayBeVoid(r.Kind) }
		case transcript.KindVoid:
			bag := damagedBag(records[:i], by)
			is = func(r transcript.Record) bool {
				return r.Key == by.Key && r.Part == by.Part && (ofPart(r) || bag != "" && r.Details["serial"] == bag)
			}
		default:
			continue
		}
		for _, r := range records[:i] {
			if void[r.N] == 0 && is(r) {
				void[r.N] = by.N
			}
		}
	}
	return void
}

// stepsIn reads the steps that a line resumed says are done again.
func stepsIn(list string) (steps []int) {
	for n := range strings.SplitSeq(list, ",") {
		if i, err := strconv.Atoi(strings.TrimSpace(n)); err == nil {
			steps = append(steps, i)
		}
	}
	return steps
}

// mayBeVoid: a line with what a step made. What people said and saw stays as it was.
func mayBeVoid(k transcript.Kind) bool {
	switch k {
	case transcript.KindMade, transcript.KindChecked, transcript.KindPrinted, transcript.KindEntered, transcript.KindBag,
		transcript.KindExported, transcript.KindLoaded:
		return true
	}
	return false
}

// ofPart: a line that falls with its component. A bag that came from outside does not: what is in it is typed again.
func ofPart(r transcript.Record) bool {
	if r.Kind == transcript.KindBag {
		return r.Details["event"] == string(store.PartSealed) || r.Details["event"] == string(store.PartSent)
	}
	return r.Kind == transcript.KindPrinted || r.Kind == transcript.KindEntered || r.Kind == transcript.KindChecked
}

// damagedBag is the serial of the bag for whose damage a component is void; "" when it is for something else.
func damagedBag(before []transcript.Record, void transcript.Record) string {
	for _, r := range slices.Backward(before) {
		if r.Kind == transcript.KindBag && r.Key == void.Key && r.Part == void.Part {
			if r.Step == void.Step && r.Details["state"] == "damaged" {
				return r.Details["serial"]
			}
			return ""
		}
	}
	return ""
}

// marked strikes the cells of a row through, when its line is void, and says so in the cell at place at.
func (s *story) marked(r transcript.Record, at int, row []cell) []cell {
	by := s.void[r.N]
	if by == 0 {
		return row
	}
	for i := range row {
		row[i].Struck = row[i].Text != "-"
	}
	row[at] = cell{Text: joined("\n", s.say(text.New("VOID, see line %d", by)), strings.Trim(row[at].Text, "-")), Tone: bad, Bold: true}
	return row
}
