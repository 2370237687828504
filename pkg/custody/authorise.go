package custody

import (
	"slices"
	"sync"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// Bounds of an authorisation.
const (
	MinAuthorisation = time.Minute
	MaxAuthorisation = 12 * time.Hour
)

// Authorisation is the state in which an open store may do things without being asked each time: which ones and until
// when. It ends with its time, when the machine has slept, when a clock goes back, and when it is told to; after that
// it never allows anything again. It may be used from several goroutines.
type Authorisation struct {
	store       string
	environment Environment
	activities  []Activity
	officers    []Card
	clock       Clock
	start       Instant
	limit       time.Duration

	mu   sync.Mutex
	last Instant
	over text.Text // why it has ended
}

func newAuthorisation(o *Opened, clock Clock, limit time.Duration, activities []Activity) (*Authorisation, error) {
	if o.key.Len() == 0 {
		return nil, fault.New(fault.Bug, "the master key was wiped")
	}
	if limit < MinAuthorisation || limit > MaxAuthorisation {
		return nil, fault.New(fault.Usage, "activities are allowed for %s to %s, not for %s", MinAuthorisation,
			MaxAuthorisation, limit)
	}
	allowed, err := standing(o.doc.environment, activities)
	if err != nil {
		return nil, err
	}
	now := clock()
	a := &Authorisation{store: o.doc.store, environment: o.doc.environment, activities: allowed,
		officers: o.Officers(), clock: clock, start: now, limit: limit, last: now}
	event := Event{At: now.Wall, Kind: Authorised, Store: a.store, Generation: o.doc.generation, Officers: o.Officers(),
		Activities: slices.Clone(allowed), Until: a.Until()}
	if err := record(o.rec, event); err != nil {
		return nil, err
	}
	return a, nil
}

// standing gives the activities in the order of the table, each once.
func standing(e Environment, wanted []Activity) ([]Activity, error) {
	if len(wanted) == 0 {
		return nil, fault.New(fault.Usage, "no activity is named")
	}
	for _, a := range wanted {
		rule, err := RuleOf(a)
		if err != nil {
			return nil, err
		}
		if !rule.Terms(e).Standing {
			return nil, fault.New(fault.NotPermitted, "%s is not allowed for a time; it is approved each time", string(a))
		}
	}
	var ordered []Activity
	for _, a := range allActivities() {
		if slices.Contains(wanted, a) {
			ordered = append(ordered, a)
		}
	}
	return ordered, nil
}

// StandingActivities lists what may be allowed for a time in an environment.
func StandingActivities(e Environment) []Activity {
	var all []Activity
	for _, r := range Rules() {
		if r.Terms(e).Standing {
			all = append(all, r.Activity)
		}
	}
	return all
}

// Until is the end by the wall clock, for people. What counts is the boot clock.
func (a *Authorisation) Until() time.Time { return a.start.Wall.Add(a.limit) }

// Activities lists what is allowed.
func (a *Authorisation) Activities() []Activity { return slices.Clone(a.activities) }

// Officers lists on whose behalf.
func (a *Authorisation) Officers() []Card { return slices.Clone(a.officers) }

// Left is how much time there is; 0 when it has ended.
func (a *Authorisation) Left() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.look().IsZero() {
		return 0
	}
	return a.limit - (a.last.Boot - a.start.Boot)
}

// Ended tells whether and why it has ended. Whoever holds the master key asks often, and wipes it then.
func (a *Authorisation) Ended() (why text.Text, ended bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	why = a.look()
	return why, !why.IsZero()
}

// End ends it; the first reason stays.
func (a *Authorisation) End(why text.Text) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.look().IsZero() {
		a.over = why
	}
	if a.over.IsZero() {
		a.over = text.New("the store was sealed")
	}
}

// Allowed refuses an activity that was not allowed, or after the end: not_permitted.
func (a *Authorisation) Allowed(activity Activity) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if why := a.look(); !why.IsZero() {
		return fault.New(fault.NotPermitted, "the store is sealed: %s", why)
	}
	if !slices.Contains(a.activities, activity) {
		return fault.New(fault.NotPermitted, "%s was not allowed when the store was opened; allowed are %s",
			string(activity), activityNames(a.activities))
	}
	return nil
}

// look reads the clocks and remembers the end. The lock is held.
func (a *Authorisation) look() text.Text {
	if !a.over.IsZero() {
		return a.over
	}
	now := a.clock()
	switch {
	case checkForward(a.start, now) != nil || now.Boot < a.last.Boot || now.Monotonic < a.last.Monotonic:
		a.over = text.New("a clock was set back")
	case slept(a.start, now):
		a.over = text.New("the machine has slept")
	case now.Boot-a.start.Boot >= a.limit || !now.Wall.Before(a.Until()):
		a.over = text.New("its time is over")
	}
	a.last = now
	return a.over
}
