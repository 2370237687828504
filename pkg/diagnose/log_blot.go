package diagnose

// What looks like a key is blotted out before anything else reads a line: logs and people's words hold keys that
// should not be there.

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"poskey/internal/text"
	"poskey/pkg/keys"
)

// blotted stands where something was that looks like a key.
const blotted = text.Hidden

// keyDigits are the digits from which on something may be a key: half a DES key.
const keyDigits = 16

// blot hides what looks like a key, and says how many places it hid. cut says that the line goes on where it was not
// read.
func blot(line string, cut bool) (string, int) {
	if cut {
		return text.HideCut(line)
	}
	return text.Hide(line)
}

// clearKey reports whether a line holds what looks like a key in clear, and not like a cryptogram: it is named so, or
// it has odd parity in 16 bytes or more, which chance gives once in 65,536, in a line that speaks of keys.
func clearKey(line string, spans []text.KeySpan) bool {
	for _, s := range spans {
		before := line[max(0, s.Start-wordsBefore):s.Start]
		if clearDigits(line, before, line[s.Start:s.End]) {
			return true
		}
	}
	return false
}

// wordsBefore is how far before its digits a key is named.
const wordsBefore = 40

func clearDigits(line, before, digits string) bool {
	bytes := bytesOf(digits)
	size := len(bytes)
	before = strings.ToLower(before)
	if size != 8 && size != 16 && size != 24 && size != 32 || alikeBytes(bytes) ||
		hasAny(before, "cryptogram", "cipher", "encrypt", "enc=",
			"enc:", "wrapped", "hash", "sha", "digest", "token", "uuid", "ksn", "field", "data", "pinblock", "pin "+
				"block",
			"密文", "加密", "序列号", "62域") {
		return false
	}
	if hasAny(before, "clear key", "clear tmk", "clear component", "cleartext", "plain", "component", "明文", "分量") {
		return true
	}
	return (size == 16 || size == 24) && keys.ParityOf(bytes) == keys.ParityOdd && hasAny(strings.ToLower(line), "key", "tmk", "pik", "mak",
		"zmk", "kek", "密钥", "主密")
}

func hasAny(s string, words ...string) bool {
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

// bytesOf reads hex digits, and passes over what stands between their groups.
func bytesOf(digits string) []byte {
	var out []byte
	half, open := byte(0), false
	digits = strings.NewReplacer("0x", " ", "0X", " ").Replace(digits)
	for _, r := range digits {
		v := strings.IndexRune("0123456789abcdef", unicode.ToLower(narrow(r)))
		switch {
		case v < 0:
		case open:
			out, open = append(out, half<<4|byte(v)), false
		default:
			half, open = byte(v), true
		}
	}
	if open {
		return nil
	}
	return out
}

// alikeBytes reports whether all bytes are the same: padding, and no key.
func alikeBytes(all []byte) bool {
	for _, b := range all {
		if b != all[0] {
			return false
		}
	}
	return true
}

// narrow gives the ASCII character of one of full width.
func narrow(r rune) rune {
	if r >= 0xFF01 && r <= 0xFF5E {
		return r - 0xFF01 + '!'
	}
	return r
}

func hexRune(r rune) bool {
	r = narrow(r)
	return r < utf8.RuneSelf && strings.ContainsRune("0123456789abcdefABCDEF", r)
}
