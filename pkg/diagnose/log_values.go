package diagnose

// Two check values in one text, or in two lines, held against each other.

import (
	"context"
	"strings"

	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// valuePatterns find two check values; the groups are expected and got.
func valuePatterns() []*sieve {
	const hex = `([0-9A-Fa-f]{4,16})\b`
	return []*sieve{
		newSieve(`(?i)(?:expected|expect|want|wanted|should be|host|sheet|store|应为|期望|预期|主机|平台|` +
			`应该是).{0,16}?\b` + hex +
			`.{0,24}?(?:got|actual|computed|received|device|terminal|was|is|but|read back|实际|得到|收到|计算|终端|设备|` +
			`读回).{0,16}?\b` + hex),
		newSieve(`(?i)(?:kcv|check value|校验值)[^0-9A-Za-z]{0,6}` + hex +
			`\s*(?:!=|<>|≠|vs\.?|versus|against|instead of|but|not|与|和|而不是|对)\s*` + hex),
		newSieve(`(?i)(?:kcv|check value|校验值)[^0-9A-Za-z]{0,6}` + hex +
			`\s*(?:here|on this side|on our side|on one side|这边|我方|一边).{0,16}?\b` + hex),
	}
}

// matchValues finds two check values that a text holds against each other.
func matchValues(patterns []*sieve, l *sifted) (expected, got kcv.Expected, ok bool) {
	for _, p := range patterns {
		m := p.submatch(l)
		if m == nil || !hasDigit(m[1]) || !hasDigit(m[2]) {
			continue
		}
		a, err := kcv.Parse(m[1])
		if err != nil {
			continue
		}
		b, err := kcv.Parse(m[2])
		if err != nil {
			continue
		}
		return a, b, true
	}
	return kcv.Expected{}, kcv.Expected{}, false
}

// hasDigit: "face" and "dead" are words.
func hasDigit(s string) bool { return strings.ContainsAny(s, "0123456789") }

// comparedValues says what two values alone can tell.
func comparedValues(ctx context.Context, expected, got kcv.Expected) ([]Finding, error) {
	if strings.EqualFold(expected.Digits, got.Digits) {
		return nil, nil
	}
	r, err := KCV(ctx, Facts{Algorithm: keys.TDES128, Expected: expected, Got: got})
	if err != nil {
		return nil, err
	}
	for i := range r.Findings {
		r.Findings[i].Evidence.Algorithm, r.Findings[i].Evidence.Method = "", "" // nobody said
	}
	return r.Findings, nil
}

// values holds check values against each other: two of a line, or those of two lines about one slot where something
// failed.
func (l *logCase) values(ctx context.Context) error {
	tried := map[[2]string]bool{}
	for i := range l.events {
		e := &l.events[i]
		if e.Got == "" || len(tried) >= mostValues {
			continue
		}
		expected, other := e.Expected, (*Event)(nil)
		if expected == "" {
			if other = l.partner(i); other == nil {
				continue
			}
			expected = other.Got
		}
		pair := [2]string{expected, e.Got}
		if tried[pair] {
			continue
		}
		tried[pair] = true
		if err := l.compare(ctx, e, other, expected); err != nil {
			return err
		}
	}
	return nil
}

func (l *logCase) compare(ctx context.Context, e, other *Event, expected string) error {
	a, err := kcv.Parse(expected)
	if err != nil {
		return nil // what is no check value is not compared
	}
	b, err := kcv.Parse(e.Got)
	if err != nil {
		return nil
	}
	found, err := comparedValues(ctx, a, b)
	if err != nil {
		return err
	}
	for i := range found {
		if other != nil {
			if found[i].Cause != CauseKCVLength {
				continue // two lines may be about two keys
			}
			found[i].Evidence.Seen = append(found[i].Evidence.Seen, other.seen())
		}
		found[i].Evidence.Seen = append(found[i].Evidence.Seen, e.seen())
		l.compared = append(l.compared, e.Line)
		l.troubles = append(l.troubles, trouble{e.Where, found[i].Cause, weightLogCode, e.Line})
		l.out.Findings = append(l.out.Findings, found[i])
	}
	return nil
}

// partner finds an earlier line with another form of a value, about the same slot, where a failure stands near.
func (l *logCase) partner(i int) *Event {
	e := &l.events[i]
	failed := false
	for j := range l.events {
		o := &l.events[j]
		failed = failed || o.Failed && o.Line-e.Line <= nearLines && e.Line-o.Line <= nearLines
	}
	if !failed {
		return nil
	}
	for j := i - 1; j >= 0 && l.events[i].Line-l.events[j].Line <= nearLines; j-- {
		o := &l.events[j]
		if o.Got != "" && o.Expected == "" && o.Slot == e.Slot && (o.Where == e.Where || o.Where == "" ||
			e.Where == "") &&
			len(o.Got) != len(e.Got) && sameDigits(o.Got, e.Got) {
			return o
		}
	}
	return nil
}
