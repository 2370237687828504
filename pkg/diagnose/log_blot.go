package diagnose

// What looks like a key is blotted out before anything else reads a line: logs and people's words hold keys that should
// not be there.

import (
	"strings"
	"unicode/utf8"
)

// blotted stands where something was that looks like a key.
const blotted = "[hidden]"

// The digits from which on something may be a key: half a DES key in one piece; in groups that differ in length, sixteen
// too, where dates and times are shorter.
const (
	keyDigits  = 16
	widestGap  = 4 // characters between two groups: a comma, a blank, 0x
	longGroup  = 8 // digits of the groups that people cut keys into, at most
	mostDigits = 4096
)

// digitGroup is a run of hex digits in a line.
type digitGroup struct{ start, end, digits int }

// blot hides every run of sixteen hex digits or more, in one piece or in groups, and says how many it hid. A key serial
// number that is labelled as one keeps its first and last digits. cut says that the line goes on where it was not read: its
// last digits may be the first of a key.
func blot(line string, cut bool) (string, int) {
	groups := hexGroups(line)
	if len(groups) == 0 {
		return line, 0
	}
	var b strings.Builder
	hidden, from := 0, 0
	for i := 0; i < len(groups); {
		n := keyAt(line, groups[i:])
		if n == 0 && cut && i == len(groups)-1 && groups[i].end == len(line) {
			n = 1
		}
		if n == 0 {
			i++
			continue
		}
		first, last := groups[i], groups[i+n-1]
		b.WriteString(line[from:first.start])
		if ksn, ok := serialNumber(line, first); n == 1 && ok {
			b.WriteString(ksn)
		} else {
			b.WriteString(blotted)
			hidden++
		}
		from = last.end
		i += n
	}
	b.WriteString(line[from:])
	return b.String(), hidden
}

// keyAt says how many groups from the first on look like one key; 0 is none.
func keyAt(line string, groups []digitGroup) int {
	if groups[0].digits >= keyDigits {
		return 1
	}
	return max(evenGroups(line, groups), longGroups(line, groups))
}

// evenGroups counts groups of one length that are a key together: 0123 4567 89AB CDEF, 01:23:45:…, 0x01, 0x23, ….
func evenGroups(line string, groups []digitGroup) int {
	size, sum, n := groups[0].digits, 0, 0
	if size > longGroup {
		return 0
	}
	for i, g := range groups {
		if g.digits > size || i > 0 && !near(line[groups[i-1].end:g.start], " -:,\t|.;0xX\\hH") {
			break
		}
		sum, n = sum+g.digits, i+1
		if g.digits < size {
			break
		}
	}
	if sum < keyDigits {
		return 0
	}
	return n
}

// longGroups counts groups of four digits or more, whatever their length, with a blank or a dash between them.
func longGroups(line string, groups []digitGroup) int {
	sum, n, letters := 0, 0, false
	for i, g := range groups {
		if g.digits < 4 || i > 0 && !near(line[groups[i-1].end:g.start], " -") {
			break
		}
		sum, n = sum+g.digits, i+1
		letters = letters || strings.ContainsAny(line[g.start:g.end], "abcdefABCDEF")
	}
	if sum < keyDigits || !letters {
		return 0
	}
	return n
}

func near(gap, of string) bool {
	const unseen = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u00a0\u3000"
	return len(gap) <= widestGap && strings.Trim(gap, of+unseen) == ""
}

// hexGroups lists the runs of hex digits, of every width of characters. The 0 of 0x is none of the digits behind it.
func hexGroups(line string) []digitGroup {
	var found []digitGroup
	open := -1
	digits := 0
	end := func(at int) {
		if open >= 0 {
			found = append(found, digitGroup{open, at, digits})
		}
		open, digits = -1, 0
	}
	for i, r := range line {
		switch {
		case hexRune(r):
			if open < 0 {
				open = i
			}
			digits++
		case (r == 'x' || r == 'X') && digits == 1 && line[i-1] == '0':
			open, digits = -1, 0 // the prefix
		default:
			end(i)
		}
		if len(found) >= mostDigits {
			return found
		}
	}
	end(len(line))
	return found
}

func hexRune(r rune) bool {
	if r >= 0xFF01 && r <= 0xFF5E {
		r -= 0xFF01 - '!'
	}
	return r < utf8.RuneSelf && strings.ContainsRune("0123456789abcdefABCDEF", r)
}

// serialNumber shortens what is labelled as a key serial number and has the length of one.
func serialNumber(line string, g digitGroup) (string, bool) {
	if g.digits != 20 && g.digits != 24 || g.end-g.start != g.digits {
		return "", false
	}
	before := strings.ToLower(line[max(0, g.start-24):g.start])
	at := max(strings.LastIndex(before, "ksn"), strings.LastIndex(before, "key serial number"), strings.LastIndex(before, "密钥序列号"))
	if at < 0 {
		return "", false
	}
	gap := strings.NewReplacer("ksn", "", "key serial number", "", "密钥序列号", "").Replace(before[at:])
	if strings.Trim(gap, " :=\"'[(#->") != "" {
		return "", false
	}
	return line[g.start:g.start+6] + "…" + line[g.end-5:g.end], true
}
