package assess

// What is asked, and what a verdict is.

import (
	"time"

	"poskey/internal/text"
)

// Dimension is a side from which security is looked at.
type Dimension string

// The dimensions, in the order of a report.
const (
	Hardware       Dimension = "hardware"
	Software       Dimension = "software"
	Transit        Dimension = "data-in-transit"
	Authentication Dimension = "user-authentication"
	Response       Dimension = "incident-response"
	Operations     Dimension = "operations"
	Management     Dimension = "management"
	Law            Dimension = "law"
)

// Dimensions lists them.
func Dimensions() []Dimension {
	return []Dimension{Hardware, Software, Transit, Authentication, Response, Operations, Management, Law}
}

// Text is the dimension's name for people.
func (d Dimension) Text() text.Text {
	switch d {
	case Hardware:
		return text.New("hardware")
	case Software:
		return text.New("software")
	case Transit:
		return text.New("data in transit")
	case Authentication:
		return text.New("user authentication")
	case Response:
		return text.New("incident response")
	case Operations:
		return text.New("operations")
	case Management:
		return text.New("management")
	case Law:
		return text.New("law and standards")
	}
	return text.New("%s", string(d))
}

// Verdict is what is known of a control.
type Verdict string

// The verdicts.
const (
	Met           Verdict = "met"
	NotMet        Verdict = "not-met"
	NotApplicable Verdict = "not-applicable"
	NoEvidence    Verdict = "no-evidence"
)

// Origin is where the evidence for a verdict comes from.
type Origin string

// The origins.
const (
	FromDevice    Origin = "device"
	FromStore     Origin = "store"
	FromLog       Origin = "audit-log"
	FromHost      Origin = "host"
	FromIncidents Origin = "incidents"
	FromAnswer    Origin = "answer" // a person said so
)

// Scope is what a control is about.
type Scope string

// The scopes.
const (
	OfTerminal Scope = "terminal"
	OfStore    Scope = "store"
	OfSite     Scope = "site"
)

// Reference is where a control comes from. Clause is empty where the standard is named as a whole.
type Reference struct {
	Standard  string // PCI PIN v3.1, PCI DSS 4.0.1, JR/T 0120-2016, …
	Clause    string
	Confirmed bool // its text was seen; else the clause is to be checked before it is quoted
}

// Control is one thing that is asked. Ids never change their meaning.
type Control struct {
	ID        string // HW-01
	Dimension Dimension
	Scope     Scope
	Ask       text.Text // a question to which yes is the good answer
	Fix       text.Text // what to do when it is not met
	Weight    int       // 1 (good to have) to 5 (keys are lost without it)
	Refs      []Reference
	// Lesson is the id of the incident that the control comes from; "" for those of the catalogue.
	Lesson string

	measure func(*Evidence) Finding // nil: only a person can tell
}

// Measured reports whether poskey looks by itself; a person is asked where it finds nothing to look at.
func (c *Control) Measured() bool { return c.measure != nil }

// Finding is what was seen of a control. The zero Finding is no evidence.
type Finding struct {
	Verdict Verdict
	Origin  Origin
	Found   text.Text // what was seen, in a line
	Items   []string  // whom it is about: serials, labels, slots; at most MaxItems
	More    int       // that are not listed
	By      string    // who said so, of an answer
	At      time.Time // when it was seen or said

	absent bool // not met by what is not there
}

// MaxItems bounds what a finding lists.
const MaxItems = 20
