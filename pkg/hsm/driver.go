package hsm

// What drivers that compute elsewhere share with the soft one.

import "poskey/pkg/kcv"

// CompareStrict compares a whole check value, computed wherever, as a strict boundary does in [Boundary.Compare]: on no
// more digits than a check value has (kind malformed_length), and of a value that differs no more is told than
// [CheckValueRule] lets out.
func CompareStrict(k Key, expected kcv.Expected, m kcv.Method, full []byte) (kcv.Comparison, error) {
	if err := expected.Check(m, full); err != nil {
		return kcv.Comparison{}, err
	}
	return verdict(k.Algorithm, expected, m, full)
}

// CheckParts compares each component with its expected check value, where these were given, before anything is combined.
func (f Forming) CheckParts() error { return checkParts(f) }
