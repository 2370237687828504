package script

// The rules about people, parts and keys, each with its requirement.

import (
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"poskey/internal/text"
	"poskey/pkg/custody"
	"poskey/pkg/keys"
)

// Level is how much a finding weighs.
type Level string

// The levels. An error keeps a ceremony from being run; a warning is written into the record; a note is told.
const (
	Error   Level = "error"
	Warning Level = "warning"
	Note    Level = "note"
)

// Finding is what is wrong with a script, or with the room.
type Finding struct {
	ID          string // stable: one-person-two-parts
	Level       Level
	Requirement string // "PCI PIN 8-2"; 7-1 or 7-2 (procedures, records) where nothing closer asks for it
	Where       string // keys.ZMK.parts.2, people.custodian.a, steps.7, room
	What        text.Text
	Fix         text.Text
}

// Past is what somebody is known to have held, in ceremonies before: prior knowledge counts (PCI PIN 21-2.4).
type Past struct {
	Person string // id
	Name   string // "" where it is not known
	Card   string // fingerprint, where known
	Label  string // of the key in the store, NAME
	Number int    // its version there; 0 when it is not known
	Check  string // check value of the key, digits
	Set    string // of the sheets; "" when not known
	Part   int
	At     time.Time
	Where  string // ceremony
}

// Knowledge is what a script is held against beside itself.
type Knowledge struct {
	Past []Past
	// Algorithm gives that of a key of the store by its label (NAME or NAME#VERSION); ok is false when there is no such
	// key. Nil: nobody can tell, and nothing is said about it.
	Algorithm func(label string) (alg keys.Algorithm, ok bool)
	// Stored finds a key of source store by its label (NAME or NAME#VERSION): its version and its check value. Nil, or not ok:
	// nobody can tell.
	Stored func(label string) (row StoredKey, ok bool)
}

// StoredKey is what the store says of a key that a script takes out of it.
type StoredKey struct {
	Version int
	Check   string // digits
}

// Rules holds a script against the rules: what it alone can tell, and what was before. The order is that of the script.
func (s *Script) Rules(past []Past) []Finding { return s.RulesWith(Knowledge{Past: past}) }

// RulesWith is Rules with all that is known.
func (s *Script) RulesWith(known Knowledge) []Finding {
	c := &court{s: s, known: known}
	c.wording()
	c.people()
	c.letters()
	c.roles()
	for i := range s.Keys {
		c.key(&s.Keys[i])
	}
	c.steps()
	return c.found
}

// court gathers findings.
type court struct {
	s     *Script
	known Knowledge
	found []Finding
}

// add keeps a finding. A requirement is a number of PCI PIN.
func (c *court) add(id string, l Level, requirement, where string, what, fix text.Text) {
	c.found = append(c.found, Finding{id, l, "PCI PIN " + requirement, where, what, fix})
}

// strict is what an error in production weighs: a test is for trying things out, also by fewer people than a key needs.
func (c *court) strict() Level {
	if c.production() {
		return Error
	}
	return Warning
}

func (c *court) production() bool { return c.s.Environment == custody.Production }

// does reports whether a step with the verb handles the key, or any key for nil; and the part, for a number.
func (c *court) does(v Verb, k *Key, part int) bool {
	for _, st := range c.s.Steps {
		if st.Do == v && (k == nil || st.Key == k.ID) && (part == 0 || st.Part == part) {
			return true
		}
	}
	return false
}

// folded is a name as it is compared: case, blanks and other ways to write the same letter (NFKC: full width, ligatures, marks
// apart from their letters) do not tell people and couriers apart.
func folded(s string) string {
	s = strings.ToLower(strings.ToUpper(norm.NFKC.String(s))) // some letters have two small forms
	return strings.Join(strings.Fields(norm.NFKC.String(s)), " ")
}
