package script

// What things of a script are called, on the screen and on paper.

import "poskey/internal/text"

// Where findings are that belong to no field of a script.
const (
	InRoom   = "room"   // the machine, and what stands around it
	InRecord = "record" // of a ceremony that was
)

// Text is what people call a level.
func (l Level) Text() text.Text {
	switch l {
	case Error:
		return text.New("error")
	case Warning:
		return text.New("warning")
	case Note:
		return text.New("note")
	}
	return text.Raw(string(l))
}

// Place is where a finding is, for people: a path in the script as it stands, and words for what is no path.
func (f Finding) Place() text.Text { return PlaceText(f.Where) }

// PlaceText is [Finding.Place] for a place out of a record.
func PlaceText(where string) text.Text {
	switch where {
	case InRoom:
		return text.New("room")
	case InRecord:
		return text.New("record")
	}
	return text.Raw(where)
}

// Text is what people call a role.
func (r Role) Text() text.Text {
	switch r {
	case Leader:
		return text.New("leader")
	case Operator:
		return text.New("operator")
	case Witness:
		return text.New("witness")
	case SecondWitness:
		return text.New("second witness")
	}
	return text.Raw(string(r))
}

// Text is what people are told that a step is; a verb that the table does not know stays as it is.
func (v Verb) Text() text.Text {
	if row := verbOf(v); !row.Says.IsZero() {
		return row.Says
	}
	return text.Raw(string(v))
}

// Text is what a ceremony of the kind is for.
func (k Kind) Text() text.Text {
	for _, row := range Kinds() {
		if row.Kind == k {
			return row.Says
		}
	}
	return text.Raw(string(k))
}
