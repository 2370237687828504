package assess

// The questionnaire: what people answer where nothing can be measured.

import (
	"time"

	"poskey/internal/fault"
)

// Answer is what a person said about a control.
type Answer struct {
	Control  string
	Verdict  Verdict // met, not-met, not-applicable
	By       string  // name or role of who answered
	On       time.Time
	Evidence string // where it can be looked up: a document, a contract, a photograph
	Note     string // why it does not apply, what is missing
}

// AnswerValid is how long an answer counts.
const AnswerValid = 365 * 24 * time.Hour

// Answers are those of a questionnaire, by control.
type Answers struct {
	Site string // what is assessed, in the words of those who answer
	All  []Answer
}

// ParseAnswers reads a questionnaire (YAML, strict). Errors: malformed, with line; too_large.
func ParseAnswers(raw []byte) (Answers, error) {
	return Answers{}, fault.New(fault.Bug, "not there yet")
}

// Questionnaire writes the answers of today with every question that is still open, so that people can go on in a text
// editor; reading it back gives the same answers. What poskey measured by itself is not asked. Texts are in the language
// of say.
func Questionnaire(a Answers, controls []Control, say func(c *Control) (ask, fix string)) []byte {
	return nil
}
