package incident

// Kinds, and what is known of an incident at a time.

import (
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// Kind is what went wrong.
type Kind string

// The kinds.
const (
	KeyCompromised Kind = "compromise" // a key is known to others
	KeySuspected   Kind = "suspicion"  // a key may be known to others
	Tamper         Kind = "tamper"     // a terminal was opened, or says so
	LostBag        Kind = "lost-bag"   // a bag with a component is missing, or came torn
	OfficerLeft    Kind = "officer-left"
	WrongKey       Kind = "wrong-key"    // another key than meant was loaded
	MassFailure    Kind = "mass-failure" // many key checks fail at once
)

// Kinds lists them in the order of a manual.
func Kinds() []Kind {
	return []Kind{KeyCompromised, KeySuspected, Tamper, LostBag, OfficerLeft, WrongKey, MassFailure}
}

// ParseKind reads a kind. Error: usage.
func ParseKind(s string) (Kind, error) {
	for _, k := range Kinds() {
		if string(k) == s {
			return k, nil
		}
	}
	return "", fault.New(fault.Usage, "--kind %q: known: compromise suspicion tamper lost-bag officer-left wrong-key mass-failure",
		text.Redact(s))
}

// Text is what people call it.
func (k Kind) Text() text.Text {
	switch k {
	case KeyCompromised:
		return text.New("a key is known to others")
	case KeySuspected:
		return text.New("a key may be known to others")
	case Tamper:
		return text.New("a terminal was opened, or says so")
	case LostBag:
		return text.New("a bag with a component is missing, or came torn")
	case OfficerLeft:
		return text.New("an officer left")
	case WrongKey:
		return text.New("another key than meant was loaded")
	case MassFailure:
		return text.New("many key checks fail at once")
	}
	return text.Raw(string(k))
}

// State is where an incident stands.
type State string

// The states.
const (
	Open      State = "open"
	Contained State = "contained"
	Closed    State = "closed"
)

// Text is what people call it.
func (s State) Text() text.Text {
	switch s {
	case Open:
		return text.New("open")
	case Contained:
		return text.New("contained")
	case Closed:
		return text.New("closed")
	}
	return text.Raw(string(s))
}

// Summary is what others need of an incident: the watch, the assessment, lists.
type Summary struct {
	ID       string // INC-2026-0001
	Kind     Kind
	State    State
	Title    string
	Subjects []string // labels, serials, bags, officers
	Opened   time.Time
	Contained,
	Closed time.Time
	StepsLeft int
	Overdue   []string // ids of steps whose time is over
	Lessons   []Lesson
	Broken    error // the record does not verify
}

// Lesson is what was learned; it is asked for in every assessment from then on.
type Lesson struct {
	ID     string // INC-2026-0001-L1
	Text   string // what must be so from now on
	Fix    string // what is to be done for it; may be empty
	Weight int    // 1 to 5
	By     string
	At     time.Time
}
