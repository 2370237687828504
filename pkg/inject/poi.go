package inject

import (
	_ "embed"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"poskey/internal/fault"
)

//go:embed poi.json
var poiJSON []byte

// poiRule says from when on devices of a POI version take no clear keys (PCI PIN 32-9).
type poiRule struct {
	AtLeast int    `json:"poi_version_at_least"`
	Others  string `json:"others"` // injection on behalf of others
	Own     string `json:"own"`
}

func poiRules() ([]poiRule, error) {
	var doc struct {
		From []poiRule `json:"from"`
	}
	if err := json.Unmarshal(poiJSON, &doc); err != nil || len(doc.From) == 0 {
		return nil, fault.New(fault.Bug, "the table of POI versions cannot be read")
	}
	return doc.From, nil
}

// ParsePOIVersion reads a PCI POI version such as 5, v5 or 5.1: the first number decides. Error: malformed.
func ParsePOIVersion(s string) (int, error) {
	major, _, _ := strings.Cut(strings.TrimLeft(strings.TrimSpace(s), "vV"), ".")
	n, err := strconv.Atoi(strings.TrimLeft(major, "vV"))
	if err != nil || n < 1 || n > 99 {
		return 0, fault.New(fault.Malformed, "POI version %q is not of the form 5 or 5.1", s)
	}
	return n, nil
}

// clearFrom gives the day from which on a device of that version takes no clear keys; zero where there is none.
func clearFrom(version int, own bool) (time.Time, error) {
	rules, err := poiRules()
	if err != nil {
		return time.Time{}, err
	}
	for _, r := range rules {
		if version < r.AtLeast {
			continue
		}
		day := r.Others
		if own {
			day = r.Own
		}
		at, err := time.Parse(time.DateOnly, day)
		if err != nil {
			return time.Time{}, fault.New(fault.Bug, "the table of POI versions has a day that cannot be read")
		}
		return at, nil
	}
	return time.Time{}, nil
}
