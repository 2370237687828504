// Package text holds words for people before their language is known.
//
// A [Text] is a format in English with its arguments. Packages that have something to say (a warning, the meaning of
// a field, the reason of an error) return Text; only the command line turns it into English or Chinese. The English
// format is the key of the catalogue (internal/i18n), so the sentence stands where it is used and stands once.
//
// Formats take the verbs of fmt. Arguments are public values: a Text never carries key bytes.
package text

import (
	"fmt"
	"strings"
)

// Text is a translatable sentence: an English format and its arguments.
type Text struct {
	Format string
	Args   []any
}

// New makes a Text. The format must be a literal: a test collects the literals and holds the catalogues against them.
func New(format string, args ...any) Text { return Text{Format: format, Args: args} }

// Raw makes a Text that is the same in every language: a name, a value, a file's path.
func Raw(s string) Text { return Text{Format: "%s", Args: []any{s}} }

// Stored is a sentence that was written down in English, with its arguments in it.
type Stored string

// Known makes a Text of a stored sentence: a reader of another language is shown what the catalogue has for it, and the
// sentence itself when it has nothing.
func Known(sentence string) Text { return Text{Format: "%s", Args: []any{Stored(sentence)}} }

// String renders the Text in English.
func (t Text) String() string {
	return fmt.Sprintf(t.Format, t.Args...)
}

// Redact gives a word that a user wrote, for an error about it; a word that may hold a key is described and not repeated: one
// with what Hide hides, or with sixteen hex digits in a row, blanks and dashes not counted. Errors go to logs, and keys land
// in wrong places.
func Redact(word string) string {
	run, longest := 0, 0
	for _, c := range word {
		switch {
		case strings.ContainsRune("0123456789abcdefABCDEF", c):
			run++
		case !strings.ContainsRune(" -\t", c):
			run = 0
		}
		longest = max(longest, run)
	}
	if _, hidden := Hide(word); hidden > 0 || longest >= keyDigits {
		return fmt.Sprintf("(%d characters)", len(word))
	}
	return word
}

// IsZero reports whether there is nothing to say.
func (t Text) IsZero() bool { return t.Format == "" }
