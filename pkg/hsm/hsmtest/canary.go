package hsmtest

// The search for clear key bytes in what leaves the boundary.

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// window is how many bytes of a key in a row give it away. Chance shows so many once in 2^48 places.
const window = 6

// shows fails when anything of a value, however it is printed, holds a piece of the clear key.
func shows(t *testing.T, what string, clear []byte, values ...any) {
	t.Helper()
	for _, v := range values {
		text := fmt.Sprintf("%v %+v %#v %s %q %x", v, v, v, v, v, v)
		if doc, err := json.Marshal(v); err == nil {
			text += string(doc)
		}
		if piece := leak(clear, text); piece != "" {
			t.Errorf("%s: clear bytes of the key show, %s", what, piece)
		}
	}
}

// leak says in what form a piece of the key stands in the text, or nothing.
func leak(clear []byte, text string) string {
	upper := strings.ToUpper(text)
	digits := strings.ToUpper(hex.EncodeToString(clear))
	for at := 0; at+window <= len(clear); at++ {
		piece := clear[at : at+window]
		switch {
		case strings.Contains(upper, digits[2*at:2*(at+window)]):
			return "as hex"
		case strings.Contains(text, string(piece)):
			return "as they are"
		case strings.Contains(text, strings.Trim(fmt.Sprintf("%d", piece), "[]")):
			return "as decimal numbers"
		case strings.Contains(text, base64.StdEncoding.EncodeToString(piece)):
			return "as base64"
		}
	}
	return ""
}
