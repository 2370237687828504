package keys

import (
	"encoding/hex"
	"strings"
)

// PublishedKeys gives the published sample keys of n bytes, for those who can only compare check values.
func PublishedKeys(n int) [][]byte {
	var all [][]byte
	for word := range strings.FieldsSeq(publishedKeys) {
		if b, err := hex.DecodeString(word); err == nil && len(b) == n {
			all = append(all, b)
		}
	}
	return all
}
