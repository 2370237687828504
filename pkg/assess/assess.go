package assess

// From evidence and answers to verdicts and scores.

import (
	"time"

	"poskey/internal/text"
	"poskey/pkg/incident"
)

// Result is a control with its verdict.
type Result struct {
	Control Control
	Finding Finding
	// Said is what a person answered where the measurement says something else; zero otherwise.
	Said *Answer
}

// Score is how a dimension stands. Points are weights.
type Score struct {
	Dimension Dimension
	Met       int // points
	Known     int // met and not met
	Applies   int // known and without evidence
	Counts    map[Verdict]int
}

// Percent is met among known; ok is false when nothing is known.
func (s *Score) Percent() (percent int, ok bool) {
	if s.Known == 0 {
		return 0, false
	}
	return s.Met * 100 / s.Known, true
}

// Coverage is known among what applies, in per cent; 100 when nothing applies.
func (s *Score) Coverage() int {
	if s.Applies == 0 {
		return 100
	}
	return s.Known * 100 / s.Applies
}

// Report is an assessment.
type Report struct {
	At       time.Time
	Of       Subject
	Results  []Result // in the order of dimensions and ids
	Scores   []Score  // in the order of dimensions
	Total    Score
	Warnings []Warning // of Watch
	Changes  []Change  // against the last assessment
	Last     time.Time // when that was; zero: none
}

// Subject is what was assessed.
type Subject struct {
	Device, Store, Site string // serial, id, words; "" not looked at
	Environment         string
}

// Change is a control whose verdict is another one than in the last assessment.
type Change struct {
	ID       string
	Was, Is  Verdict // "" for a control that was or is not there
	Improved bool
	Worse    bool
}

// Controls gives the catalogue with the controls that lessons of incidents became.
func Controls(incidents []incident.Summary) []Control {
	return nil
}

// Assess gives the verdicts. The same input gives the same report.
func Assess(e *Evidence, a Answers) Report {
	return Report{At: e.Now}
}

// Compare holds a report against the last one, given as the verdicts by control id.
func (r *Report) Compare(last map[string]Verdict, at time.Time) {}

// Severity says how much a warning presses.
type Severity string

// The severities.
const (
	Urgent Severity = "urgent" // now
	Soon   Severity = "soon"   // within days or weeks
	Note   Severity = "note"   // should be known
)

// Warning is something that will go wrong, or may have.
type Warning struct {
	ID       string // key-expiry, battery-low, firmware-behind, locked, tampered, failed-logins, clear-loads, single-custodian, …
	Severity Severity
	Subject  string // label, serial, officer
	What     text.Text
	Fix      text.Text
	Due      time.Time // when it bites; zero: now or not known
}

// WatchOptions are the limits of an early warning; zero fields take the defaults of DefaultWatch.
type WatchOptions struct {
	KeyEnd       time.Duration // a key ends within
	CardEnd      time.Duration // an officer's card ends within
	FailedLogins int           // in the time that is looked at
	Numbers      int           // per cent of a key set's numbers left
	BackupAge    time.Duration
	CheckAge     time.Duration // last checkpoint of the log
}

// DefaultWatch are the limits when nobody says others.
func DefaultWatch() WatchOptions {
	const day = 24 * time.Hour
	return WatchOptions{KeyEnd: 60 * day, CardEnd: 30 * day, FailedLogins: 3, Numbers: 10, BackupAge: 30 * day, CheckAge: 30 * day}
}

// Watch lists what presses, the most urgent first. It never guesses: what was not looked at gives no warning.
func Watch(e *Evidence, o WatchOptions) []Warning {
	return nil
}
