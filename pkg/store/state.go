package store

// The life of a key.

import (
	"slices"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// State is a state of NIST SP 800-57 part 1.
type State string

// The states.
const (
	PreActivation        State = "pre-activation"
	Active               State = "active"
	Suspended            State = "suspended"
	Deactivated          State = "deactivated"
	Compromised          State = "compromised"
	Destroyed            State = "destroyed"
	DestroyedCompromised State = "destroyed-compromised"
)

// States lists them in the order of a key's life.
func States() []State {
	return []State{PreActivation, Active, Suspended, Deactivated, Compromised, Destroyed, DestroyedCompromised}
}

// Next lists the states that a key may go to from s. There is no way back from compromised.
func (s State) Next() []State {
	switch s {
	case PreActivation:
		return []State{Active, Compromised, Destroyed}
	case Active:
		return []State{Suspended, Deactivated, Compromised}
	case Suspended:
		return []State{Active, Deactivated, Compromised}
	case Deactivated:
		return []State{Compromised, Destroyed}
	case Compromised:
		return []State{DestroyedCompromised}
	}
	return nil
}

// MayBecome reports whether the step is allowed.
func (s State) MayBecome(to State) bool { return slices.Contains(s.Next(), to) }

// Gone reports whether the key's block is erased.
func (s State) Gone() bool { return s == Destroyed || s == DestroyedCompromised }

// InUse reports whether a cryptoperiod still matters: the key is, or may be, used to protect.
func (s State) InUse() bool { return s == PreActivation || s == Active || s == Suspended }

// ParseState reads a state's name; another word is an error of kind usage.
func ParseState(s string) (State, error) {
	if slices.Contains(States(), State(s)) {
		return State(s), nil
	}
	return "", fault.New(fault.Usage, "unknown key state %q; known: %s", text.Redact(s), join(States()))
}

func join[T ~string](words []T) string {
	var all string
	for i, w := range words {
		if i > 0 {
			all += " "
		}
		all += string(w)
	}
	return all
}
