package custody

import (
	"slices"
	"strings"

	"poskey/internal/fault"
	"poskey/pkg/keys"
)

const labelAttributes = "attributes"

// Attributes say what a key that comes into being shall be for, each of them or none: who approves a key must see whether
// it is one that encrypts PINs or one under which all others leave.
type Attributes struct {
	Algorithm     keys.Algorithm
	Usage         keys.Usage
	Mode          byte
	Exportability byte
}

// IsZero reports whether nothing is said.
func (a Attributes) IsZero() bool { return a == Attributes{} }

// String gives them as they stand in documents: aes-128 P0 E N. Nothing for none.
func (a Attributes) String() string {
	if a.IsZero() {
		return ""
	}
	return strings.Join([]string{string(a.Algorithm), string(a.Usage), string(a.Mode), string(a.Exportability)}, " ")
}

// Check refuses what is neither whole nor nothing. Kind usage.
func (a Attributes) Check() error {
	if a.IsZero() {
		return nil
	}
	usage, err := keys.ParseUsage(string(a.Usage))
	known := slices.Contains(keys.Named(), a.Algorithm) || slices.Contains(carried(), a.Algorithm)
	if err != nil || usage != a.Usage || !known || !alnum(a.Mode) || strings.IndexByte("ENS", a.Exportability) < 0 {
		return fault.New(fault.Usage, "what a key shall be for is said by its algorithm, its usage, its mode and its exportability")
	}
	return nil
}

// carried are what keys are besides those of ciphers and MACs.
func carried() []keys.Algorithm { return []keys.Algorithm{keys.RSA, keys.EC, keys.DSA, keys.Raw} }

func alnum(c byte) bool { return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' }

// readAttributes reads them as they stand in documents.
func readAttributes(r *reader) Attributes {
	words := strings.Split(r.field(labelAttributes), " ")
	if len(words) != 4 || len(words[2]) != 1 || len(words[3]) != 1 {
		r.bad(labelAttributes)
		return Attributes{}
	}
	a := Attributes{keys.Algorithm(words[0]), keys.Usage(words[1]), words[2][0], words[3][0]}
	r.check(a.Check)
	return a
}
