// Package fault is the one kind of error that poskey shows to people and scripts.
//
// An error has a [Kind], which fixes the exit code and is printed as "kind" in JSON, and a sentence
// (an internal/text.Text: lower case, what and where, got and want; never key bytes). Wrapping adds the place,
// outermost first: "part 2: digit 17: the letter O stands where a digit must be".
package fault

import (
	"errors"

	"poskey/internal/text"
)

// Error is an error with a kind and a translatable sentence.
type Error struct {
	Kind Kind
	Text text.Text
	Err  error // what it wraps; its sentence follows after a colon
}

// New makes an error of a kind.
func New(kind Kind, format string, args ...any) error {
	return &Error{Kind: kind, Text: text.New(format, args...)}
}

// Wrap puts a place in front of err and keeps its kind.
func Wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &Error{Kind: KindOf(err), Text: text.New(format, args...), Err: err}
}

// WrapAs is Wrap with a kind of its own.
func WrapAs(kind Kind, err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &Error{Kind: kind, Text: text.New(format, args...), Err: err}
}

// Error renders the sentence in English, outermost place first.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Text.String()
	}
	return e.Text.String() + ": " + e.Err.Error()
}

// Unwrap gives the wrapped error.
func (e *Error) Unwrap() error { return e.Err }

// KindOf gives the kind of the outermost Error in err's chain, or Failure.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Failure
}

// Is reports whether err is of the kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }
