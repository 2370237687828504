package audit

// How an operation ended.

import (
	"poskey/internal/fault"
	"poskey/internal/text"
)

// Result is the verdict on an operation.
type Result string

// The results. Unknown is for an operation that was begun and whose end nobody saw, or a load whose answer was lost.
const (
	Done    Result = "ok"
	Refused Result = "refused"
	Failed  Result = "failed"
	Unknown Result = "unknown"
)

// Text gives the result in a word for people.
func (r Result) Text() text.Text {
	switch r {
	case Done:
		return text.New("done")
	case Refused:
		return text.New("refused")
	case Failed:
		return text.New("failed")
	case Unknown:
		return text.New("not known")
	}
	return text.Raw(string(r))
}

// Outcome is a result with the kind of the error where there was one. The error's sentence is not recorded: sentences
// may quote what people typed.
type Outcome struct {
	Result Result
	Fault  fault.Kind
}

// OK is the outcome of an operation that was done.
func OK() Outcome { return Outcome{Result: Done} }

// NotKnown is the outcome of an operation that was interrupted so that nobody can tell what it did.
func NotKnown() Outcome { return Outcome{Unknown, fault.OutcomeUnknown} }

// OutcomeOf turns the error of an operation into its outcome. What policy or authentication forbade (exit codes 6 and
// 7) was refused; everything else failed.
func OutcomeOf(err error) Outcome {
	if err == nil {
		return OK()
	}
	kind := fault.KindOf(err)
	switch code := kind.Exit(); {
	case kind == fault.OutcomeUnknown:
		return NotKnown()
	case code == 6 || code == 7:
		return Outcome{Refused, kind}
	}
	return Outcome{Failed, kind}
}
