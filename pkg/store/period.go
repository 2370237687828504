package store

// Cryptoperiods.

import (
	"time"

	"poskey/pkg/keys"
)

// Period is a length of time as calendars count it. The zero value has no end.
type Period struct{ Years, Months, Days int }

// After adds the period; the zero period gives the zero time.
func (p Period) After(t time.Time) time.Time {
	if p == (Period{}) {
		return time.Time{}
	}
	return t.AddDate(p.Years, p.Months, p.Days)
}

// DefaultPeriod is how long a key protects before its successor is due. The lengths are what the trade is told about
// NIST SP 800-57 part 1 (symmetric wrapping and data keys up to 2 years, masters of derivation about 1 year); they are
// not confirmed against its text, and every one may be set otherwise ([Options].Period, [Key].NotAfter). Initial keys
// of devices, initialisation vectors and what is not known have no end of their own.
func DefaultPeriod(u keys.Usage) Period {
	switch u {
	case "B0", "B2", "B3", "E0", "E1", "E2", "E3", "E4", "E5", "E6", "E7": // masters that others are derived from
		return Period{Years: 1}
	case "K0", "K1", "K2", "K3", "K4": // wrapping
		return Period{Years: 2}
	case "C0", "D0", "D1", "D2", "D3", "M0", "M1", "M2", "M3", "M4", "M5", "M6", "M7", "M8", "P0", "P1", "V0", "V1", "V2",
		"V3", "V4", "V5", "S0", "S1", "S2": // data, PINs, MACs, verification
		return Period{Years: 2}
	}
	return Period{}
}

// later is the later of two times: a clock that went back does not put a step of a key's life before the one it
// follows.
func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
