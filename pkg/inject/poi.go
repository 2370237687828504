package inject

// From when on devices take no clear keys (PCI PIN 32-9).

import (
	"strconv"
	"strings"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// poiRule says from when on devices of a POI version take no clear keys.
type poiRule struct {
	atLeast int
	others  string // injection on behalf of others
	own     string
}

// poiRules are the rules, the newest version first. Source: PCI PIN Security Requirements v3.1, 32-9, and the FAQ of
// August 2019 (pciwatch.org). unconfirmed: the text of 32-9 was not seen.
func poiRules() []poiRule {
	return []poiRule{{atLeast: 5, others: "2024-01-01", own: "2026-01-01"}}
}

// ParsePOIVersion reads a PCI POI version such as 5, v5 or 5.1: the first number decides. Error: malformed.
func ParsePOIVersion(s string) (int, error) {
	said := strings.TrimSpace(s)
	if said != "" && (said[0] == 'v' || said[0] == 'V') {
		said = said[1:]
	}
	major, minor, more := strings.Cut(said, ".")
	n, ok := digits(major)
	if more {
		_, whole := digits(minor)
		ok = ok && whole
	}
	if !ok || n < 1 {
		return 0, fault.New(fault.Malformed, "POI version %q is not of the form 5 or 5.1", text.Redact(s))
	}
	return n, nil
}

// digits reads a number of one or two digits.
func digits(s string) (int, bool) {
	if s == "" || len(s) > 2 || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}

// clearFrom gives the day from which on a device of that version takes no clear keys; zero where there is none.
func clearFrom(version int, own bool) (time.Time, error) {
	for _, r := range poiRules() {
		if version < r.atLeast {
			continue
		}
		day := r.others
		if own {
			day = r.own
		}
		at, err := time.Parse(time.DateOnly, day)
		if err != nil {
			return time.Time{}, fault.New(fault.Bug, "the table of POI versions has a day that cannot be read")
		}
		return at, nil
	}
	return time.Time{}, nil
}
