package text

// Keys that are not written in hex digits: base64, and bytes with percent signs between them.

import (
	"strings"
	"unicode/utf8"
)

// otherSpans lists what looks like a key and has no hex digits of its own.
func otherSpans(line string) []KeySpan {
	var spans []KeySpan
	if strings.Count(line, "%") >= fewEscapes {
		spans = escapedSpans(line)
	}
	for at := 0; at < len(line); {
		if !base64Byte(line[at]) {
			at++
			continue
		}
		end := at
		for end < len(line) && base64Byte(line[end]) {
			end++
		}
		if base64Key(line, at, end) {
			padded := end + len(line[end:]) - len(strings.TrimLeft(line[end:], "="))
			spans = append(spans, KeySpan{Start: at, End: padded})
		}
		at = end
	}
	return spans
}

func base64Byte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '+' || c == '/' || c == '-' ||
		c == '_'
}

// base64Key reports whether a run is base64 of 8, 16, 24 or 32 bytes: with its padding, or behind the name of a key.
func base64Key(line string, at, end int) bool {
	padding := 0
	for end+padding < len(line) && line[end+padding] == '=' && padding < 3 {
		padding++
	}
	size := end - at
	named := size == 11 || size == 22 || size == 32 || size == 43
	if !named || !scrambled(line[at:end]) {
		return false
	}
	if size == 22 && padding == 2 || size == 43 && padding == 1 {
		return true
	}
	return namesKey(line[max(0, at-40):at])
}

// scrambled reports whether a run has capitals, small letters and digits or signs mixed as no name has.
func scrambled(run string) bool {
	kinds, turns, last := 0, 0, -1
	for i := range len(run) {
		kind := 3
		switch c := run[i]; {
		case c >= '0' && c <= '9':
			kind = 0
		case c >= 'A' && c <= 'Z':
			kind = 1
		case c >= 'a' && c <= 'z':
			kind = 2
		}
		if kind != last {
			turns++
		}
		kinds, last = kinds|1<<kind, kind
	}
	return kinds&6 == 6 && kinds&9 != 0 && 3*turns >= len(run)
}

// namesKey reports whether words right before a value name it as a key.
func namesKey(before string) bool {
	before = strings.ToLower(before)
	for _, name := range []string{"key", "tmk", "pik", "mak", "tdk", "zmk", "zpk", "kek", "kbpk", "bdk", "ipek",
		"secret", "component",
		"密钥", "秘钥", "分量"} {
		if strings.Contains(before, name) {
			return true
		}
	}
	return false
}

// fewEscapes is from how many bytes on a run of them may be a key.
const fewEscapes = 4

// escapedSpans lists runs with %3B in them that stand for bytes that are no text, or for text that has a key in it.
func escapedSpans(line string) []KeySpan {
	var spans []KeySpan
	for at := 0; at < len(line); {
		n := strings.IndexByte(line[at:], '%')
		if n < 0 {
			break
		}
		from := at + n
		end := from
		for end < len(line) && line[end] > ' ' && strings.IndexByte(`"'<>&=;,`, line[end]) < 0 {
			end++
		}
		for from > at && line[from-1] > ' ' && strings.IndexByte(`"'<>&=;,:`, line[from-1]) < 0 {
			from--
		}
		if escapedKey(line[from:end]) {
			spans = append(spans, KeySpan{Start: from, End: end})
		}
		at = max(end, at+n+1)
	}
	return spans
}

func escapedKey(run string) bool {
	var plain strings.Builder
	escapes := 0
	for i := 0; i < len(run); i++ {
		if run[i] == '%' && i+2 < len(run) && hexByte(run[i+1]) && hexByte(run[i+2]) {
			plain.WriteByte(nibble(run[i+1])<<4 | nibble(run[i+2]))
			escapes++
			i += 2
			continue
		}
		plain.WriteByte(run[i])
	}
	if escapes < fewEscapes {
		return false
	}
	s := plain.String()
	return !utf8.ValidString(s) && len(s) >= 8 || len(hexKeys(s)) > 0
}

// markEscapes finds words that are written in bytes with percent signs, as in addresses: they are no groups of a key.
func markEscapes(line string, groups []hexGroup) {
	escape := func(i int) bool {
		g := &groups[i]
		return g.end-g.start == 2 && g.start > 0 && line[g.start-1] == '%'
	}
	for i := 0; i < len(groups); {
		var plain []byte
		n := i
		for n < len(groups) && escape(n) && (n == i || groups[n].start == groups[n-1].end+1) {
			plain = append(plain, nibble(line[groups[n].start])<<4|nibble(line[groups[n].start+1]))
			n++
		}
		if s := string(plain); utf8.ValidString(s) && utf8.RuneCountInString(s) < len(s) && len(hexKeys(s)) == 0 {
			for k := i; k < n; k++ {
				groups[k].stamp = true
			}
		}
		i = max(n, i+1)
	}
}

func hexKeys(s string) []KeySpan {
	if strings.Contains(s, "%") {
		return nil // escaped twice: the outer form is read
	}
	return KeySpans(s, false)
}

func hexByte(c byte) bool { return c < utf8.RuneSelf && asciiKinds[c] >= kindHex }

func nibble(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}
