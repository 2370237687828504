package hsm

import (
	"context"

	"poskey/internal/fault"
	"poskey/pkg/kcv"
)

// Verify compares a key with an expected check value and gives the proof, or KCVMismatch.
func Verify(ctx context.Context, b Boundary, k Key, expected kcv.Expected, m kcv.Method, by Witness) (Checked, error) {
	if expected.Digits == "" {
		return Checked{}, fault.New(fault.Usage, "no check value was given to compare with")
	}
	c, err := b.Compare(ctx, k, expected, m)
	if err != nil {
		return Checked{}, err
	}
	if err := c.Err(); err != nil {
		return Checked{}, err
	}
	return Checked{key: k, by: by, comparison: c}, nil
}

// Accept takes a key whose check value nobody compared with one from outside: the witness says whether at least a person
// saw it. The record shows the difference, so a witness that only [Verify] can give counts as [Uncompared].
func Accept(k Key, by Witness) Checked {
	if by != ByOperator {
		by = Uncompared
	}
	return Checked{key: k, by: by}
}
