package audit

// The last net: what looks like a key is not recorded, whoever put it there.

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"poskey/internal/chained"
	"poskey/internal/fault"
	"poskey/internal/text"
)

// guard refuses an entry with a text in which a key may stand. It is a rule for writing alone; readers do not apply it.
func (e *Entry) guard() error {
	for name, value := range e.texts() {
		if mayHoldKey(value) {
			return fault.New(fault.NotPermitted, "%s: %s looks like a key and is not recorded", name, text.Redact(value))
		}
	}
	return nil
}

// texts gives the free texts of an entry with the places where they stand.
func (e *Entry) texts() map[string]string {
	texts := map[string]string{"who: id": e.Who.ID, "who: station": e.Who.Station, "object: label": e.Object.Label}
	for i, a := range e.With {
		n := string(rune('a' + i))
		texts["with: id "+n], texts["with: station "+n] = a.ID, a.Station
	}
	for name, value := range e.Details {
		texts["details: "+string(name)] = value
	}
	return texts
}

// mayHoldKey looks for sixteen hex digits in a row, letters among them, or thirty-two decimal ones; blanks and dashes
// do not count, and wide digits as Chinese keyboards make them do. A serial number of sixteen decimal digits passes, and so
// does a UUID.
func mayHoldKey(s string) bool {
	if isUUID(s) {
		return false
	}
	digits, letters := 0, 0
	for _, c := range s {
		switch c = chained.Plain(c); {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'A' && c <= 'F':
			digits++
			letters++
		case c != ' ' && c != '-' && c != '\t':
			digits, letters = 0, 0
		}
		if digits >= 32 || digits >= 16 && letters > 0 {
			return true
		}
	}
	return false
}

// isUUID accepts 8-4-4-4-12 hex digits.
func isUUID(s string) bool {
	groups := strings.Split(s, "-")
	if len(groups) != 5 {
		return false
	}
	for i, n := range []int{8, 4, 4, 4, 12} {
		if len(groups[i]) != n || !chained.All(strings.ToUpper(groups[i]), chained.IsHex) {
			return false
		}
	}
	return true
}

// Clean makes a detail of a text that came from elsewhere (a device's answer, a file's name): what may not stand in a
// record becomes "?", what looks like a key is only described, and the rest is cut to the limit.
func Clean(s string) string {
	clean := strings.Map(func(c rune) rune {
		if c == utf8.RuneError || chained.Hidden(c) {
			return '?'
		}
		return c
	}, s)
	if mayHoldKey(clean) {
		return fmt.Sprintf("(%d characters that look like a key)", utf8.RuneCountInString(clean))
	}
	for len(clean) > maxValue {
		_, size := utf8.DecodeLastRuneInString(clean)
		clean = clean[:len(clean)-size]
	}
	return clean
}
