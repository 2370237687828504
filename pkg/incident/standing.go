package incident

// Where an incident stands, by its record alone.

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// StepState is where a step stands.
type StepState struct {
	Step
	Done, Skipped bool
	By            string
	At            time.Time // that it was done or skipped
	Proof         string    // said, measured
	Why           string    // what was said of it, what was seen, or why it was skipped
	Due           time.Time // zero: no time
}

// Settled reports that nothing is left to be done.
func (s *StepState) Settled() bool { return s.Done || s.Skipped }

// Overdue reports that its time is over.
func (s *StepState) Overdue(now time.Time) bool {
	return !s.Settled() && !s.Due.IsZero() && now.After(s.Due)
}

// Steps gives the steps of the incident with what the record says of them. A step that was skipped and is done later is
// done.
func (d *Document) Steps() []StepState {
	var all []StepState
	for _, s := range Steps(d.Head.Kind) {
		at := StepState{Step: s}
		if s.Within > 0 {
			at.Due = d.Opened().Add(s.Within)
		}
		all = append(all, at)
	}
	for i := range d.Records {
		r := &d.Records[i]
		n := slices.IndexFunc(all, func(s StepState) bool { return s.ID == r.Step })
		if r.Step == "" || n < 0 {
			continue
		}
		s := &all[n]
		s.Done, s.Skipped = r.Kind == EntryDone || s.Done, r.Kind == EntrySkipped && !s.Done
		s.By, s.At, s.Proof, s.Why = r.By, r.Time, r.Details[DetailProof], r.Details[DetailText]
	}
	return all
}

// Opened is when the first line was written.
func (d *Document) Opened() time.Time { return d.Records[0].Time }

// Happened is when it happened, by who opened it; when the record was opened where nobody said.
func (d *Document) Happened() time.Time {
	if t, err := time.Parse(time.RFC3339, d.Records[0].Details[DetailHappened]); err == nil {
		return t
	}
	return d.Opened()
}

// Subjects are what the incident is about.
func (d *Document) Subjects() []Item { return d.Records[0].Items }

func (d *Document) subjects(what ItemKind) []string {
	var all []string
	seen := func(items []Item) {
		for _, it := range items {
			if it.What == what && !slices.Contains(all, it.Name) {
				all = append(all, it.Name)
			}
		}
	}
	seen(d.Subjects())
	if len(all) == 0 || what == ItemNumbers { // what falls has none of its own among the subjects
		seen(d.Blast())
	}
	return all
}

// Blast is what fell with it, as the inventory had it when it was last asked.
func (d *Document) Blast() []Item {
	var all []Item
	for i := range d.Records {
		if r := &d.Records[i]; r.Kind == EntryBlast {
			if r.Details[DetailCause] != CauseMore {
				all = nil
			}
			all = append(all, r.Items...)
		}
	}
	return all
}

// Causes of a look at the inventory.
const (
	CauseOpened = "opened"
	CauseActed  = "acted"
	CauseMore   = "more" // the line goes on with what the one above began
)

// Acts are what poskey did.
func (d *Document) Acts() []Record { return d.of(EntryAct) }

// Lessons are what was learned.
func (d *Document) Lessons() []Lesson {
	var all []Lesson
	for _, r := range d.of(EntryLesson) {
		weight, _ := strconv.Atoi(r.Details[DetailWeight]) // a line has one
		all = append(all, Lesson{ID: fmt.Sprintf("%s-L%d", d.Head.ID, len(all)+1), Text: r.Details[DetailText], Fix: r.Details[DetailFix],
			Weight: weight, By: r.By, At: r.Time})
	}
	return all
}

// Learned tells that there is a lesson, or that somebody said why there is none.
func (d *Document) Learned() bool { return len(d.of(EntryLesson)) > 0 || len(d.of(EntryNoLesson)) > 0 }

func (d *Document) of(k EntryKind) []Record {
	var all []Record
	for i := range d.Records {
		if d.Records[i].Kind == k {
			all = append(all, d.Records[i])
		}
	}
	return all
}

// ClosedBy gives the two who closed it; "" while it is open.
func (d *Document) ClosedBy() (by, second string) {
	last := &d.Records[len(d.Records)-1]
	if last.Kind != EntryClose {
		return "", ""
	}
	return last.By, last.Second
}

// State tells where it stands. It is contained when every step that contains is done, or was skipped with a reason.
func (d *Document) State() State {
	s := d.Summary(time.Time{})
	return s.State
}

// Summary sums up. now says which steps are late; of a closed incident none is.
func (d *Document) Summary(now time.Time) Summary {
	s := Summary{ID: d.Head.ID, Kind: d.Head.Kind, State: Open, Title: d.Head.Title, Opened: d.Opened(), Lessons: d.Lessons()}
	for _, it := range d.Subjects() {
		s.Subjects = append(s.Subjects, it.Name)
	}
	contained := true
	for _, step := range d.Steps() {
		if !step.Settled() {
			s.StepsLeft++
		}
		if step.Overdue(now) {
			s.Overdue = append(s.Overdue, step.ID)
		}
		if step.Contains {
			contained = contained && step.Settled()
			s.Contained = later(s.Contained, step.At)
		}
	}
	if !contained {
		s.Contained = time.Time{}
	} else {
		s.State = Contained
	}
	if last := &d.Records[len(d.Records)-1]; last.Kind == EntryClose {
		s.State, s.Closed, s.Overdue = Closed, last.Time, nil
	}
	return s
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// MayClose tells what keeps an incident from being closed by two people. seen are lines that are written before the last
// one: steps that were measured to be done. Errors: usage; not_permitted.
func (d *Document) MayClose(by, second string, seen []Entry) error {
	if err := apart(by, second); err != nil {
		return err
	}
	var left []string
	for _, s := range d.Steps() {
		if !s.Settled() && !slices.ContainsFunc(seen, func(e Entry) bool { return e.Kind == EntryDone && e.Step == s.ID }) {
			left = append(left, s.ID)
		}
	}
	switch {
	case d.State() == Closed:
		return fault.New(fault.NotPermitted, "incident %s is closed already", d.Head.ID)
	case len(left) > 0:
		return fault.New(fault.NotPermitted, "steps that are neither done nor skipped with a reason: %d (%s)", len(left), join(left))
	case !d.Learned():
		return fault.New(fault.NotPermitted, "nothing was learned yet: poskey incident add %s --lesson TEXT, or --nothing-learned REASON", d.Head.ID)
	}
	return nil
}

// MayNot tells which steps keep an incident from being closed since they were seen to be done and are so no more. Error:
// not_permitted.
func (d *Document) MayNot(m Measured) error {
	undone := d.Undone(m)
	if len(undone) == 0 {
		return nil
	}
	s := undone[0]
	return fault.New(fault.NotPermitted, "step %s was seen to be done, and is so no more (%s); do it again, or answer for it: "+
		"poskey incident add %s --step %s --done --note WHY", s.ID, m.Steps[s.ID].Why, d.Head.ID, s.ID)
}

// apart refuses one person twice, however the name is written.
func apart(by, second string) error {
	switch {
	case fold(by) == "" || fold(second) == "":
		return fault.New(fault.Usage, "two people close an incident: --by and --second")
	case deceptive(by + second):
		return fault.New(fault.Usage, "--by and --second have letters of several scripts that look alike: write both names in one")
	case fold(by) == fold(second):
		return fault.New(fault.Usage, "--by and --second are the same person; an incident is closed by two")
	}
	return nil
}

// Entries that people add.

// Say makes a note.
func Say(by, words string) Entry {
	return Entry{Kind: EntryNote, By: by, Details: map[string]string{DetailText: words}}
}

// Do says that a step was done. Error: not_found for one that the kind does not have.
func (d *Document) Do(step, by, proof, words string) (Entry, error) {
	return d.settle(EntryDone, step, by, map[string]string{DetailProof: proof, DetailText: words})
}

// Skip says why a step is left out. Error: not_found; usage without a reason.
func (d *Document) Skip(step, by, why string) (Entry, error) {
	if why == "" {
		return Entry{}, fault.New(fault.Usage, "a step is skipped with a reason")
	}
	return d.settle(EntrySkipped, step, by, map[string]string{DetailText: why})
}

func (d *Document) settle(kind EntryKind, step, by string, details map[string]string) (Entry, error) {
	if _, ok := stepOf(d.Head.Kind, step); !ok {
		var ids []string
		for _, s := range Steps(d.Head.Kind) {
			ids = append(ids, s.ID)
		}
		return Entry{}, fault.New(fault.NotFound, "incident %s has no step %q; its steps: %s", d.Head.ID, text.Redact(step), join(ids))
	}
	return Entry{Kind: kind, By: by, Step: step, Details: details}, nil
}

// Learn makes a lesson. Error: usage for a weight that is none.
func Learn(by, words, fix string, weight int) (Entry, error) {
	if weight < 1 || weight > maxWeight {
		return Entry{}, fault.New(fault.Usage, "--weight %d: a lesson weighs 1 to %d", weight, maxWeight)
	}
	return Entry{Kind: EntryLesson, By: by,
		Details: map[string]string{DetailText: words, DetailFix: fix, DetailWeight: strconv.Itoa(weight)}}, nil
}
