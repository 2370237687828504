package diagnose

// Two check values in one text, or in two lines, held against each other.

import (
	"context"
	"regexp"
	"strings"

	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// valuePatterns find two check values; the groups are expected and got. They are compiled by who looks, and no state.
func valuePatterns() []*regexp.Regexp {
	const hex = `([0-9A-Fa-f]{4,16})\b`
	return []*regexp.Regexp{
		regexp.MustCompile(`(?i)(?:expected|expect|want|wanted|should be|host|sheet|store|应为|期望|预期|主机|平台|` +
			`应该是).{0,16}?\b` + hex +
			`.{0,24}?(?:got|actual|computed|received|device|terminal|was|is|but|read back|实际|得到|收到|计算|终端|设备|` +
			`读回).{0,16}?\b` + hex),
		regexp.MustCompile(`(?i)(?:kcv|check value|校验值)[^0-9A-Za-z]{0,6}` + hex +
			`\s*(?:!=|<>|≠|vs\.?|versus|against|instead of|but|not|与|和|而不是|对)\s*` + hex),
		regexp.MustCompile(`(?i)(?:kcv|check value|校验值)[^0-9A-Za-z]{0,6}` + hex +
			`\s*(?:here|on this side|on our side|on one side|这边|我方|一边).{0,16}?\b` + hex),
	}
}

// matchValues finds two check values that a text holds against each other.
func matchValues(patterns []*regexp.Regexp, s string) (expected, got kcv.Expected, ok bool) {
	for _, p := range patterns {
		m := p.FindStringSubmatch(s)
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
