package incident

// What the audit log was told of records: how many lines one had, and the hash of the last of them.

import (
	"io"
	"slices"
	"strconv"

	"poskey/internal/chained"
	"poskey/internal/fault"
	"poskey/pkg/audit"
)

// FieldLines is the detail of an operation incident.open or incident.note: how many lines the record has; the hash of the
// last one is the request.
const FieldLines audit.Field = "lines"

// Told is one telling.
type Told struct {
	Lines int
	Head  Digest
	Seq   uint64 // in the audit log
}

// Tellings reads what a log was told, by incident, in order. Error: that of a log that does not verify.
func Tellings(log io.Reader) (map[string][]Told, error) {
	all := map[string][]Told{}
	for r, err := range audit.Query(log, audit.Filter{Operation: "incident."}) {
		if err != nil {
			return nil, err
		}
		lines, err := strconv.Atoi(r.Details[FieldLines])
		if err != nil || !r.IsIntent() || r.Operation != audit.IncidentOpen && r.Operation != audit.IncidentNote {
			continue
		}
		if _, _, ok := splitID(r.Object.Label); !ok { // anybody may tell the log; there is no such record to be missed
			continue
		}
		head, err := chained.ParseHex(r.Request.String())
		if err != nil {
			return nil, err
		}
		all[r.Object.Label] = append(all[r.Object.Label], Told{lines, head, r.Seq})
	}
	return all, nil
}

// HoldAgainst looks whether a record is the one that the log was told of. Error: log_broken.
func (d *Document) HoldAgainst(told []Told) error {
	for _, t := range told {
		switch {
		case t.Lines < 1 || t.Lines > len(d.Records):
			return fault.New(fault.LogBroken, "by record %d of the audit log it had %d lines, and it has %d: it was cut off", t.Seq, t.Lines,
				len(d.Records))
		case d.Records[t.Lines-1].Hash != t.Head:
			return fault.New(fault.LogBroken, "by record %d of the audit log line %d had the hash %s, and it has %s: it was written anew", t.Seq,
				t.Lines, t.Head.Short(), d.Records[t.Lines-1].Hash.Short())
		}
	}
	return nil
}

// Untold is how many lines the log was not told of yet.
func (d *Document) Untold(told []Told) int {
	most := 0
	for _, t := range told {
		most = max(most, t.Lines)
	}
	return len(d.Records) - most
}

// Missing lists the incidents that the log knows and that have no record.
func Missing(all []Summary, told map[string][]Told) []Summary {
	var gone []Summary
	for id := range told {
		if !slices.ContainsFunc(all, func(s Summary) bool { return s.ID == id }) {
			gone = append(gone, Summary{ID: id, Broken: fault.New(fault.LogBroken, "the audit log knows it, and its record is gone")})
		}
	}
	slices.SortFunc(gone, func(a, b Summary) int { return compareIDs(a.ID, b.ID) })
	return gone
}
