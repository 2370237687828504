package dukpt

// Which counters are transactions, which comes next, how many are left.

import (
	"math/bits"

	"poskey/internal/fault"
)

// MaxBits is the largest number of bits that may be set in a counter: 10 for TDES (A.3, C.4), 16 for AES (6.1).
func (k KSN) MaxBits() int {
	if k.n == aesLen {
		return 16
	}
	return 10
}

// BitsSet is the number of bits set in the counter: the number of derivation steps from the initial key.
func (k KSN) BitsSet() int { return bits.OnesCount32(k.Counter()) }

// CheckCounter tells why the counter is not that of a transaction (kind counter_bits), nil when it is one.
func (k KSN) CheckCounter() error {
	switch n := k.BitsSet(); {
	case k.n == 0:
		return fault.New(fault.KSNLength, "the KSN is empty")
	case n == 0:
		return fault.New(fault.CounterBits,
			"counter 0 names the initial key and no transaction; the first transaction has counter 1")
	case n <= k.MaxBits():
		return nil
	default:
		return k.tooManyBits(n)
	}
}

func (k KSN) tooManyBits(n int) error {
	next, ok := k.Next()
	if !ok {
		return fault.New(fault.CounterBits,
			"counter %X has %d bits set, at most %d are allowed; no counter is left, the device is at the end of its life",
			k.Counter(), n, k.MaxBits())
	}
	return fault.New(fault.CounterBits,
		"counter %X has %d bits set, at most %d are allowed: devices skip it; the next valid counter is %X",
		k.Counter(), n, k.MaxBits(), next.Counter())
}

// Next is the KSN of the next transaction; false at the end of life. After a counter that no device uses it is the next
// one that is used.
func (k KSN) Next() (KSN, bool) {
	mask := uint64(k.counterMask())
	c := uint64(k.Counter()) + 1
	for bits.OnesCount64(c) > k.MaxBits() {
		c += c & -c
	}
	if c > mask {
		return KSN{}, false
	}
	return k.withCounter(uint32(c)), true
}

// Remaining counts the transactions after this counter: of an initial KSN 1,048,575 (TDES) or 2,448,023,842 (AES).
func (k KSN) Remaining() uint64 {
	mask := k.counterMask()
	if mask == 0 {
		return 0
	}
	width := bits.Len32(mask)
	return fewBits(uint64(mask)+1, width, k.MaxBits()) - fewBits(uint64(k.Counter())+1, width, k.MaxBits())
}

// fewBits counts the numbers below limit, of width bits or less, that have at most most bits set. limit is at most
// 2^width. For each set bit of limit, from the highest, the numbers that agree above it and have a zero there: any
// choice of bits below.
func fewBits(limit uint64, width, most int) uint64 {
	var sum uint64
	for at := width; at >= 0; at-- {
		if limit>>at&1 == 0 {
			continue
		}
		for set := 0; set <= min(most, at); set++ {
			sum += choose(at, set)
		}
		most--
	}
	return sum
}

// choose is the binomial coefficient; n is at most 32, so nothing overflows.
func choose(n, k int) uint64 {
	c := uint64(1)
	for i := range k {
		c = c * uint64(n-i) / uint64(i+1)
	}
	return c
}
