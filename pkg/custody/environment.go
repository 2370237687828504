package custody

import (
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// Environment tells test from production. Officers, stores, shares and approvals belong to one of them from birth, and
// nothing of the one is taken in the other.
type Environment string

// The environments.
const (
	Test       Environment = "test"
	Production Environment = "production"
)

// Text is what people call it.
func (e Environment) Text() text.Text {
	switch e {
	case Test:
		return text.New("test")
	case Production:
		return text.New("production")
	}
	return text.Raw(string(e))
}

// ParseEnvironment reads an environment's name in either case.
func ParseEnvironment(s string) (Environment, error) {
	e := Environment(strings.ToLower(strings.TrimSpace(s)))
	if e != Test && e != Production {
		return "", fault.New(fault.Usage, "unknown environment %q; known: test production", text.Redact(s))
	}
	return e, nil
}

func (e Environment) check() error {
	if e != Test && e != Production {
		return fault.New(fault.Usage, "the environment is missing: test or production")
	}
	return nil
}
