package transcript

// The last net: what looks like a key is not recorded, whoever put it there.

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"poskey/internal/chained"
	"poskey/internal/fault"
	"poskey/pkg/custody"
)

// known lists texts of digits that are no secret and that people do read aloud: the ceremony's id, the fingerprints of
// the script and of those who attend, hashes of lines. They are taken out of a text before it is looked at.
type known []string

func (k known) with(fingerprints ...custody.Fingerprint) known {
	k = slices.Clip(k)
	for _, f := range fingerprints {
		if f.IsZero() {
			continue
		}
		k = append(k, f.String(), f.Hex(), f.Digits(), strings.ToLower(f.String()))
	}
	return k
}

// guard refuses an entry with a text in which a key may stand.
func (e *Entry) guard(public known) error {
	for _, at := range e.suspects(public) {
		return fault.New(fault.NotPermitted, "%s: a text that looks like a key is not recorded", at)
	}
	return nil
}

// suspects names the members whose text may hold a key.
func (e *Entry) suspects(public known) []string {
	var found []string
	look := func(at, value string, hold func(string) bool) {
		for _, p := range public {
			value = strings.ReplaceAll(value, p, "\n") // no text has a line feed, and no run of digits goes over it
		}
		if hold(value) {
			found = append(found, at)
		}
	}
	look("who", e.Who, mayHoldKey)
	look("key", e.Key, mayHoldKey)
	for _, p := range e.People {
		look("people", p, mayHoldKey)
	}
	for name, value := range e.Details {
		look("details: "+name, e.exempt(name, value), e.rule(name))
	}
	slices.Sort(found)
	return found
}

// exempt takes out of a detail what the kind of the line says is there: the hash of a file, a KSN, the head of a key
// block.
func (e *Entry) exempt(name, value string) string {
	switch {
	case name == "sha256" && (e.Kind == KindExported || e.Kind == KindResumed) && isHash(value):
		return ""
	case name == "ksn" && (len(value) == 20 || len(value) == 24) && chained.All(value, chained.IsHex):
		return ""
	case name == "header" && e.Kind == KindExported && isBlockHeader(value):
		return value[blockHeader:]
	}
	return value
}

// isHash accepts a SHA-256 in one piece, in either case.
func isHash(s string) bool { return len(s) == 64 && chained.All(strings.ToUpper(s), chained.IsHex) }

// blockHeader is the length of a key block's fixed header: version, length, usage and so on (X9.143).
const blockHeader = 16

func isBlockHeader(s string) bool {
	return len(s) >= blockHeader && s[0] >= 'A' && s[0] <= 'Z' && chained.All(s[1:5], chained.IsDigit) &&
		chained.All(s[5:blockHeader], chained.IsAlnum)
}

// rule gives the test for a detail. Serials of bags and devices may be long decimal numbers.
func (e *Entry) rule(name string) func(string) bool {
	names := []string{"serial", "serial-by", "outer", "bag", "channel", "device", "seen", "expected"}
	kinds := []Kind{KindBag, KindObserved, KindLoaded, KindPrinted, KindAttended}
	if slices.Contains(names, name) && slices.Contains(kinds, e.Kind) {
		return mayHoldKeyBesideNumbers
	}
	return mayHoldKey
}

// Clean makes a detail of a text that came from elsewhere (what somebody typed, a device's answer): what may not stand
// in a record becomes "?", what looks like a key is only described, and the rest is cut to the limit.
func Clean(s string) string { return clean(s, mayHoldKey) }

// CleanSerial is Clean for the number of a bag or a device, which may be a long decimal one.
func CleanSerial(s string) string { return clean(s, mayHoldKeyBesideNumbers) }

func clean(s string, holds func(string) bool) string {
	s = strings.Map(func(c rune) rune {
		if c == utf8.RuneError || chained.Hidden(c) {
			return '?'
		}
		return c
	}, s)
	if holds(s) {
		return fmt.Sprintf("(%d characters that look like a key)", utf8.RuneCountInString(s))
	}
	for len(s) > maxValue {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}

// mayHoldKey looks for sixteen hex digits in a row, whatever blanks and dashes stand between. Points, colons and the
// like may stand between groups of digits too when letters are among them, or when there are thirty-two (a time has
// fewer).
func mayHoldKey(s string) bool { return inARow(s, 16) || inGroups(s) }

// mayHoldKeyBesideNumbers lets decimal numbers of up to 31 digits pass.
func mayHoldKeyBesideNumbers(s string) bool { return inARow(s, 32) || inGroups(s) }

// inARow looks for sixteen hex digits with letters among them, or for so many decimal ones.
func inARow(s string, decimal int) bool {
	var r run
	for _, c := range s {
		c = chained.Plain(c)
		switch {
		case isHexDigit(c):
			r.add(c)
		case c != ' ' && c != '-':
			r = run{}
		}
		if r.digits >= decimal || r.digits >= 16 && r.letters > 0 {
			return true
		}
	}
	return false
}

// inGroups looks at words that are hex digits and nothing else, a 0x before them not counted. Marks may stand between
// them; any other word, and any other script, ends the row.
func inGroups(s string) bool {
	var all run
	word := strings.Builder{}
	for _, c := range s + " " {
		switch c = chained.Plain(c); {
		case c < 0x80 && chained.IsAlnum(byte(c)):
			word.WriteRune(c)
			continue
		case c >= 0x80:
			word.Reset()
			all = run{}
			continue
		}
		all.addWord(strings.TrimPrefix(strings.TrimPrefix(word.String(), "0"), "X"), word.String())
		word.Reset()
		if all.digits >= 32 || all.digits >= 16 && all.letters > 0 {
			return true
		}
	}
	return false
}

// run counts digits that stand together.
type run struct{ digits, letters int }

func (r *run) add(c rune) {
	r.digits++
	if c > '9' {
		r.letters++
	}
}

// addWord adds a word of digits, given also without the 0x before it; another word begins anew.
func (r *run) addWord(bare, word string) {
	switch {
	case chained.All(word, chained.IsHex):
	case chained.All(bare, chained.IsHex):
		word = bare
	default:
		*r = run{}
		return
	}
	for _, c := range word {
		r.add(c)
	}
}

func isHexDigit(c rune) bool { return c < 0x80 && chained.IsHex(byte(c)) }
