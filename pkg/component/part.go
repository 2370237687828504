package component

import (
	"strings"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/text"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// Scheme is a way to cut a key into parts.
type Scheme string

// The schemes.
const (
	XOR    Scheme = "xor"
	Shamir Scheme = "shamir"
)

// Limits. A key shorter than the shortest DES key would be given away by the check values of its parts.
const (
	MinParts = 2
	MaxParts = 9
	minBytes = 8
	maxBytes = 64
)

// ParseScheme reads a scheme's name in either case.
func ParseScheme(s string) (Scheme, error) {
	switch scheme := Scheme(strings.ToLower(strings.TrimSpace(s))); scheme {
	case XOR, Shamir:
		return scheme, nil
	}
	return "", fault.New(fault.Usage, "unknown scheme %q; known: xor shamir", text.Redact(s))
}

// Part is one component or share. It comes from [Split] or from a sheet, from a share typed in one line (without Of and
// KeyCheck), or it is bare (without Set and Index too).
type Part struct {
	Set       string // eight hex digits with a dash in the middle; the same for all parts of one split
	Index, Of int    // part Index of Of, counted from 1
	Threshold int    // parts needed; Of for XOR, 0 when bare
	Scheme    Scheme
	Algorithm keys.Algorithm
	Check     kcv.Value // of this part
	KeyCheck  kcv.Value // of the key
	Value     *secret.Bytes
}

// Bare makes an XOR component of bytes that came without a sheet. It takes ownership of value, which is wiped with an
// error: MalformedLength, or PartRefused where the length is that of a half or a third.
func Bare(alg keys.Algorithm, value *secret.Bytes) (*Part, error) {
	p := &Part{Scheme: XOR, Algorithm: alg, Value: value}
	if err := p.addCheck(); err != nil {
		value.Wipe()
		return nil, err
	}
	return p, nil
}

// addCheck computes the part's check value by the default method of the algorithm.
func (p *Part) addCheck() error {
	if err := checkLength(p.Algorithm, p.Value.Len()); err != nil {
		return err
	}
	check, err := kcv.Of(p.Algorithm, p.Value.Expose(), kcv.Default(p.Algorithm), 0)
	if err != nil {
		return err
	}
	p.Check = check
	return nil
}

// Wipe destroys the part's value.
func (p *Part) Wipe() {
	if p != nil {
		p.Value.Wipe()
	}
}

// WipeAll destroys the values of all parts.
func WipeAll(parts []*Part) {
	for _, p := range parts {
		p.Wipe()
	}
}

// What is known about a part beside its value tells where it came from.
func (p *Part) isSheet() bool { return p.Set != "" && p.Of != 0 }
func (p *Part) isBare() bool  { return p.Set == "" }

// place puts the name of a part in front of an error. A bare part has only its position among those given.
func (p *Part) place(err error, position int) error {
	switch {
	case p.isSheet():
		return fault.Wrap(err, "part %d of %d of set %s", p.Index, p.Of, p.Set)
	case p.isBare():
		return fault.Wrap(err, "part %d", position)
	}
	return fault.Wrap(err, "share %d of set %s", p.Index, p.Set)
}

// numbers are the names of parts in sentences about several of them: what stands on the sheets, or the positions as
// soon as one part has no number of its own.
func numbers(parts []*Part) []int {
	byIndex, byPosition := make([]int, len(parts)), make([]int, len(parts))
	bare := false
	for i, p := range parts {
		byIndex[i], byPosition[i] = p.Index, i+1
		bare = bare || p.isBare()
	}
	if bare {
		return byPosition
	}
	return byIndex
}

// checkAlgorithm refuses what cannot be cut: algorithms that are only carried in key blocks, and unknown ones.
func checkAlgorithm(alg keys.Algorithm) error {
	if known, err := keys.ParseAlgorithm(string(alg)); err != nil || known != alg {
		return fault.New(fault.Usage, "keys for %q cannot be cut into parts", string(alg))
	}
	return nil
}

// checkLength holds the length of a part, in bytes, against that of the key.
func checkLength(alg keys.Algorithm, n int) error {
	if err := checkAlgorithm(alg); err != nil {
		return err
	}
	want := alg.KeyLen()
	switch {
	case want == 0 && n >= minBytes && n <= maxBytes, want != 0 && n == want:
		return nil
	case want == 0:
		return fault.New(fault.MalformedLength, "it has %d bytes (%d hex digits), a part of an HMAC key has %d to %d bytes",
			n, 2*n, minBytes, maxBytes)
	case n == 0:
		return fault.New(fault.MalformedLength, "it is empty")
	case 2*n == want, 3*n == want:
		return fault.New(fault.PartRefused, "it has %d hex digits, only a part of the %d of a %s key: "+
			"components have full length and are combined by XOR; halves are never joined (PCI PIN 12-4)", 2*n, 2*want, alg)
	}
	return fault.New(fault.MalformedLength,
		"it has %d bytes (%d hex digits), a part of a %s key has %d bytes (%d hex digits)", n, 2*n, alg, want, 2*want)
}

// checkForm refuses a part whose data contradict each other. It looks at everything but the check values' truth.
func (p *Part) checkForm() error {
	if err := checkLength(p.Algorithm, p.Value.Len()); err != nil {
		return err
	}
	if p.isBare() {
		if p.Scheme != XOR || p.Index != 0 {
			return fault.New(fault.Usage, "a part without a set is an XOR component without a number")
		}
		return nil
	}
	if !validSet(p.Set) {
		return fault.New(fault.MalformedSheet, "the set is not of the form 7F3A-91C2")
	}
	if err := p.checkNumbers(); err != nil || !p.isSheet() {
		return err
	}
	if err := checkValueForm(p.Algorithm, p.KeyCheck); err != nil {
		return fault.Wrap(err, "check value of the key")
	}
	return fault.Wrap(checkValueForm(p.Algorithm, p.Check), "check value of the part")
}

func (p *Part) checkNumbers() error {
	of := p.Of
	if !p.isSheet() {
		of = MaxParts // not known
	}
	switch {
	case of < MinParts || of > MaxParts:
		return fault.New(fault.MalformedSheet, "a key has %d to %d parts, not %d", MinParts, MaxParts, of)
	case p.Index < 1 || p.Index > of:
		return fault.New(fault.MalformedSheet, "part %d of %d cannot be", p.Index, of)
	case p.Scheme == XOR && p.isSheet() && p.Threshold == of:
		return nil
	case p.Scheme == Shamir && p.Threshold >= MinParts && p.Threshold <= of:
		return nil
	}
	return fault.New(fault.MalformedSheet, "scheme %q with %d of %d parts cannot be", string(p.Scheme), p.Threshold, of)
}

// checkValueForm asks for a method of the algorithm and digits as a sheet shows them.
func checkValueForm(alg keys.Algorithm, v kcv.Value) error {
	m, err := kcv.ParseMethod(string(v.Method))
	if err != nil || m != v.Method {
		return fault.New(fault.MalformedSheet, "unknown method")
	}
	if len(v.Digits) < 4 || len(v.Digits) > 16 || !isUpperHex([]byte(v.Digits)) {
		return fault.New(fault.MalformedSheet, "want 4 to 16 hex digits and a method, as in 08D7B4 ecb-zero")
	}
	// A value of any key of that length tells whether the method exists and yields so many digits.
	probe := make([]byte, max(alg.KeyLen(), minBytes))
	if _, err := kcv.Of(alg, probe, m, len(v.Digits)); err != nil {
		return fault.WrapAs(fault.MalformedSheet, err, "it cannot be")
	}
	return nil
}

// checkOwn computes the part's check value and holds it against the one it came with.
func (p *Part) checkOwn() error {
	if p.Check == (kcv.Value{}) {
		return nil
	}
	got, err := kcv.Of(p.Algorithm, p.Value.Expose(), p.Check.Method, len(p.Check.Digits))
	if err != nil {
		return err
	}
	if got != p.Check {
		return fault.New(fault.KCVMismatch, "its check value is %s, its sheet says %s", got, p.Check)
	}
	return nil
}
