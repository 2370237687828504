package hsm

import (
	"strconv"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/component"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// checkParts compares each component with its expected check value, before anything is combined: a wrong sum does not
// say which part is wrong.
func checkParts(f Forming) error {
	if n := len(f.PartExpected); n != 0 && n != len(f.Parts) {
		return fault.New(fault.Usage, "%d check values of parts were given for %d parts; give none or one for each, in the same order", n, len(f.Parts))
	}
	for i, expected := range f.PartExpected {
		if err := CheckPart(i+1, f.Parts[i], expected); err != nil {
			return err
		}
	}
	return nil
}

// CheckPart compares one component with the check value it should have. Commands call it as soon as a component is
// there, so that its custodian can mend a slip before the next one sits down.
func CheckPart(number int, part *component.Part, expected kcv.Expected) error {
	full, err := kcv.Compute(part.Algorithm, part.Value.Expose(), part.Check.Method)
	if err != nil {
		return fault.Wrap(err, "part %d", number)
	}
	if err := expected.Check(part.Check.Method, full); err != nil {
		return fault.Wrap(err, "part %d", number)
	}
	if c := expected.Compare(part.Check.Method, full); !c.Match {
		return fault.New(fault.KCVMismatch, "part %d: check value is %s, expected %s; nothing was combined", number, c.Got(), c.Wanted())
	}
	return nil
}

// checkFormed compares the key with its expected check value, and says of a wrong one which of the parts would give it.
func checkFormed(k *keys.Key, f Forming) error {
	if f.Expected == nil {
		return nil
	}
	method := kcv.Default(k.Algorithm())
	full, err := kcv.Compute(k.Algorithm(), k.Secret().Expose(), method)
	if err != nil {
		return err
	}
	if err := f.Expected.Check(method, full); err != nil {
		return err
	}
	c := f.Expected.Compare(method, full)
	if c.Match {
		return nil
	}
	return fault.New(fault.KCVMismatch, "the parts combine to a key with check value %s, expected %s: %s", c.Got(), c.Wanted(), subsetText(k.Algorithm(), f))
}

func subsetText(alg keys.Algorithm, f Forming) text.Text {
	if f.Parts[0].Scheme != component.XOR {
		return text.New("shares of another key, or another check value")
	}
	fits, err := component.FitSubsets(alg, f.Parts, *f.Expected)
	if err != nil || len(fits) == 0 {
		return text.New("no subset fits; a part is missing, wrong or mistyped")
	}
	names := make([]string, len(fits[0].Parts))
	for i, n := range fits[0].Parts {
		names[i] = strconv.Itoa(n)
	}
	switch {
	case len(names) == len(f.Parts):
		return text.New("all parts fit, but by the method %s", fits[0].Match.Method)
	case len(names) == 1:
		return text.New("part %s alone has it: the check value is that of a part, or a part was taken for the key", names[0])
	}
	return text.New("parts %s without the others give it; one part too many, or one entered twice", strings.Join(names, ", "))
}
