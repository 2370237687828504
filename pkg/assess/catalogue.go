package assess

// The catalogue: one file for each dimension.

import (
	"cmp"
	"slices"
	"strings"

	"poskey/internal/text"
	"poskey/pkg/incident"
)

// Controls gives the catalogue with the controls that lessons of incidents became.
func Controls(incidents []incident.Summary) []Control {
	all := slices.Concat(
		hardwareControls(), softwareControls(), transitControls(), authenticationControls(),
		append(responseControls(), lessonControls(incidents)...),
		operationsControls(), managementControls(), lawControls())
	return all
}

// dimension puts controls into theirs.
func dimension(d Dimension, all []Control) []Control {
	for i := range all {
		all[i].Dimension = d
	}
	return all
}

// lessonControls asks whether what was learned from incidents is so by now. Only a person can tell.
func lessonControls(incidents []incident.Summary) []Control {
	var all []Control
	for i := range incidents {
		for _, l := range incidents[i].Lessons {
			if slices.ContainsFunc(all, func(c Control) bool { return c.ID == l.ID }) {
				continue
			}
			all = append(all, lessonControl(incidents[i].ID, l))
		}
	}
	slices.SortStableFunc(all, func(a, b Control) int { return compareIDs(a.ID, b.ID) })
	return all
}

func lessonControl(from string, l incident.Lesson) Control {
	fix := text.Raw(l.Fix)
	if l.Fix == "" {
		fix = text.New("do what the lesson asks for, and answer with name and date")
	}
	return Control{ID: l.ID, Dimension: Response, Scope: OfSite, Weight: min(5, max(1, l.Weight)), Lesson: from,
		Ask: text.New("Is it so that: %s?", trimmed(l.Text)), Fix: fix, Refs: whole(from)}
}

// compareIDs puts INC-2026-0001-L2 before INC-2026-0001-L10.
func compareIDs(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

// trimmed is a lesson's text without the stop at its end, so that it can stand in a question.
func trimmed(s string) string { return strings.TrimRight(strings.TrimSpace(s), ".?!。？！ ") }
