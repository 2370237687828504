package diagnose

// From a code of the dictionary to its causes and to the page that says what to do.

import (
	"slices"
	"strings"

	"poskey/pkg/errorcode"
)

// Situations are the pages about what people see, beside those about causes.
const (
	SituationCheckFailed   = "key-check-failed"
	SituationError14       = "key-error-14"
	SituationRestartClient = "restart-client"
	SituationLocked        = "terminal-locked"
)

// CausesOf lists the causes that a code or text of the dictionary leads to, the likeliest first. Every row that bears on a
// key leads to one at least, but for answers that tell of success; of the others only those do that tell of something
// round the key: the line, the binding, the PIN pad, the service, a clock.
func CausesOf(r errorcode.Row) []Cause {
	return newCodeRules().causesOf(&r)
}

// PlaybookOf names the page for a code or text of the dictionary: the id of a situation or of a cause; "" for one that is
// none of a key.
func PlaybookOf(r errorcode.Row) string { return newCodeRules().pageOf(&r) }

// codeRules are all rules, ready to be asked.
type codeRules struct{ byName, roundKey, byMeaning []codeRule }

func newCodeRules() *codeRules { return &codeRules{codesByName(), roundKeyCodes(), codesByMeaning()} }

func (c *codeRules) causesOf(r *errorcode.Row) []Cause { return slices.Clone(c.ruleOf(r).causes) }

// pageOf is what PlaybookOf answers.
func (c *codeRules) pageOf(r *errorcode.Row) string {
	rule := c.ruleOf(r)
	switch {
	case rule.page != "":
		return rule.page
	case len(rule.causes) > 0:
		return string(rule.causes[0])
	}
	return ""
}

// leadsOf says how well a code names its first cause: one that says "it does not fit" leads to causes and names none.
func (c *codeRules) leadsOf(r *errorcode.Row) (causes []Cause, names bool) {
	rule := c.ruleOf(r)
	return rule.causes, !rule.open
}

// codeRule is what some codes lead to. What is empty is true of every code.
type codeRule struct {
	vendor string // id
	table  string // a part of its name
	codes  string // as the table prints them, a blank between two
	says   string // parts of the English meaning or of the name, in lower case, | between two: one of them is enough
	causes []Cause
	open   bool   // the codes say that something does not fit, and not what
	page   string // a situation; "" is the page of the first cause
}

// ruleOf finds the rule of a row: by its number first, then by its meaning.
func (c *codeRules) ruleOf(r *errorcode.Row) codeRule {
	meaning, symbol := strings.ToLower(r.Meaning.String()), strings.ToLower(r.Symbol)
	for _, rules := range [][]codeRule{c.byName, c.roundKey} {
		if rule, ok := firstThatFits(r, meaning, symbol, rules); ok {
			return rule
		}
	}
	if !r.KeyRelated {
		return codeRule{}
	}
	rule, _ := firstThatFits(r, meaning, symbol, c.byMeaning)
	return rule
}

func firstThatFits(r *errorcode.Row, meaning, symbol string, rules []codeRule) (codeRule, bool) {
	for i := range rules {
		if rules[i].fits(r, meaning, symbol) {
			return rules[i], true
		}
	}
	return codeRule{}, false
}

// fits reports whether a rule is for a row, whose meaning and symbol are given in lower case.
func (c *codeRule) fits(r *errorcode.Row, meaning, symbol string) bool {
	if c.vendor != "" && c.vendor != r.Vendor || c.table != "" && !strings.Contains(r.Table, c.table) {
		return false
	}
	if c.codes != "" && (r.Code == "" || !hasField(c.codes, r.Code)) {
		return false
	}
	if c.says == "" {
		return true
	}
	for part := range strings.SplitSeq(c.says, "|") {
		if strings.Contains(meaning, part) || strings.Contains(symbol, part) {
			return true
		}
	}
	return false
}

// hasField reports whether a word is among words with blanks between them.
func hasField(words, word string) bool {
	for w := range strings.FieldsSeq(words) {
		if w == word {
			return true
		}
	}
	return false
}
