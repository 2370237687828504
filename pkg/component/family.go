package component

import (
	"strconv"
	"strings"

	"poskey/internal/fault"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// kin is what all parts of one key have in common.
type kin struct {
	set       string
	scheme    Scheme
	algorithm keys.Algorithm
	of        int
	threshold int
	keyCheck  kcv.Value
}

func (p *Part) kin() kin { return kin{p.Set, p.Scheme, p.Algorithm, p.Of, p.Threshold, p.KeyCheck} }

// family is parts that belong together and are enough: the only thing that is combined.
type family struct {
	kin
	parts []*Part
}

// gather makes the family or says which part does not belong, was used twice or is missing.
func gather(alg keys.Algorithm, parts []*Part) (*family, error) {
	if len(parts) == 0 {
		return nil, fault.New(fault.PartMissing, "no parts were given")
	}
	f := &family{majority(parts), parts}
	for _, check := range []func() error{f.checkKin, f.checkLengths, f.checkTwice, f.checkComplete} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	if alg != "" && alg != f.algorithm {
		return nil, fault.New(fault.PartForeign, "the parts are those of a %s key, not of a %s key", f.algorithm, alg)
	}
	return f, nil
}

// majority takes for right what most sheets say, the first of equals; bare parts count where there are no sheets.
func majority(parts []*Part) kin {
	var best kin
	count, most := map[kin]int{}, 0
	for _, p := range parts {
		count[p.kin()]++
	}
	for _, p := range parts {
		weight := count[p.kin()]
		if p.isSheet() {
			weight += len(parts)
		}
		if weight > most {
			best, most = p.kin(), weight
		}
	}
	return best
}

func (f *family) checkKin() error {
	for i, p := range f.parts {
		if err := f.foreign(p); err != nil {
			return p.place(err, i+1)
		}
	}
	return nil
}

func (f *family) foreign(p *Part) error {
	switch {
	case p.Scheme != f.scheme:
		return fault.New(fault.PartForeign, "its scheme is %s, that of the other parts is %s",
			string(p.Scheme), string(f.scheme))
	case p.Algorithm != f.algorithm:
		return fault.New(fault.PartForeign, "its algorithm is %s, that of the other parts is %s", p.Algorithm, f.algorithm)
	case p.isBare():
		return nil // says nothing else of itself
	case p.Set != f.set:
		return fault.New(fault.PartForeign, "it does not belong to set %s", f.set)
	case p.isSheet() && p.Of != f.of:
		return fault.New(fault.PartForeign, "its sheet speaks of %d parts, the others of %d", p.Of, f.of)
	case p.Threshold != f.threshold:
		return fault.New(fault.PartForeign, "it says that %d parts are needed, the others say %d", p.Threshold, f.threshold)
	case !p.isSheet():
		return nil // a share in one line says no more
	case p.KeyCheck != f.keyCheck:
		return fault.New(fault.PartForeign, "its sheet gives the key's check value as %s, the others give %s",
			p.KeyCheck, f.keyCheck)
	}
	return nil
}

// checkLengths finds parts of HMAC keys, which may have any length, but all the same.
func (f *family) checkLengths() error {
	want := f.parts[0].Value.Len()
	for i, p := range f.parts {
		if err := checkSameLength(p, want); err != nil {
			return p.place(err, i+1)
		}
	}
	return nil
}

func checkSameLength(p *Part, want int) error {
	if got := p.Value.Len(); got != want {
		return fault.New(fault.MalformedLength,
			"it has %d bytes (%d hex digits), the first part has %d bytes (%d hex digits)", got, 2*got, want, 2*want)
	}
	return nil
}

func (f *family) checkTwice() error {
	seen := [MaxParts + 1]bool{}
	for i, p := range f.parts {
		if p.Index != 0 && seen[p.Index] {
			return p.place(fault.New(fault.PartRefused, "it was given twice"), i+1)
		}
		seen[p.Index] = true
	}
	return nil
}

func (f *family) checkComplete() error {
	given := len(f.parts)
	switch {
	case f.scheme == Shamir && given < f.threshold && f.of == 0:
		return fault.New(fault.PartMissing, "%d shares of set %s were given, %d are needed", given, f.set, f.threshold)
	case f.scheme == Shamir && given < f.threshold:
		return fault.New(fault.PartMissing, "%d shares of set %s were given, %d are needed; any of parts %s will do",
			given, f.set, f.threshold, list(f.absent()))
	case f.scheme == Shamir:
		return nil
	case f.set == "" && given < MinParts:
		return fault.New(fault.PartMissing, "one part was given; a key has at least %d", MinParts)
	case f.set == "":
		return nil
	case given > f.of:
		return fault.New(fault.PartForeign, "%d parts were given, set %s has %d", given, f.set, f.of)
	}
	return f.checkSheetsComplete()
}

// checkSheetsComplete counts XOR sheets. A bare part may stand for any sheet, so with bare ones only the number tells.
func (f *family) checkSheetsComplete() error {
	absent := f.absent()
	missing := f.of - len(f.parts)
	switch {
	case missing == 0:
		return nil
	case missing == 1 && len(absent) == 1:
		return fault.New(fault.PartMissing, "part %d of %d of set %s is missing", absent[0], f.of, f.set)
	case missing == len(absent):
		return fault.New(fault.PartMissing, "parts %s of %d of set %s are missing", list(absent), f.of, f.set)
	}
	return fault.New(fault.PartMissing, "%d parts were given, set %s has %d; there are no sheets of parts %s",
		len(f.parts), f.set, f.of, list(absent))
}

// absent are the numbers of which there is no sheet.
func (f *family) absent() []int {
	var absent []int
	for n := 1; n <= f.of; n++ {
		found := false
		for _, p := range f.parts {
			found = found || p.Index == n
		}
		if !found {
			absent = append(absent, n)
		}
	}
	return absent
}

// list writes numbers for a sentence in any language.
func list(numbers []int) string {
	words := make([]string, len(numbers))
	for i, n := range numbers {
		words[i] = strconv.Itoa(n)
	}
	return strings.Join(words, ", ")
}
