package device

import (
	"poskey/internal/fault"
	"poskey/internal/text"
)

// CodeInfo is a row of a dialect's table of error codes.
type CodeInfo struct {
	Code    string
	Meaning text.Text // what the terminal says
	Action  text.Text // what to do about it
	Cause   string    // id in the catalogue of root causes, where one fits
}

// CodeError is a refusal by the terminal, with the code that it gave. Its fault kind is device_failed.
type CodeError struct {
	Dialect string
	Answer  string // as it stood on the line: "02?C"
	CodeInfo
}

// Error renders the sentence in English.
func (e *CodeError) Error() string { return e.Unwrap().Error() }

// Unwrap gives the sentence as a fault, so that it has a kind and can be translated.
func (e *CodeError) Unwrap() error {
	return fault.New(fault.DeviceFailed, "the terminal answered %s: %s; %s", e.Answer, e.Meaning, e.Action)
}

// OutcomeUnknown says that the terminal was told to store a key and that nobody can tell whether it did. Its fault kind
// is outcome_unknown, which no caller repeats of itself: a second load may meet the stored key.
type OutcomeUnknown struct {
	Commit Commit
	Cause  error // what went wrong after the commit
}

// Error renders the sentence and the cause in English.
func (e *OutcomeUnknown) Error() string { return e.Unwrap().Error() }

// Unwrap gives the sentence and the cause as a fault.
func (e *OutcomeUnknown) Unwrap() error {
	return fault.WrapAs(fault.OutcomeUnknown, e.Cause, "it may or may not hold the new key, because the line failed after "+
		"the commit; ask the terminal about the slot before loading again")
}
