package vault

// What the outcome of a containment says of the inventory: what was taken out of use there is in use again in an older
// database.

import (
	"strconv"
	"strings"

	"poskey/pkg/audit"
	"poskey/pkg/custody"
)

// Details of an outcome of incident.contain.
const (
	FieldChanged audit.Field = "changed" // how many rows it wrote
	FieldMoved   audit.Field = "moved"   // keys whose state it changed, with blanks between them; more in moved-2, moved-3, ...
)

// The names of keys that an outcome has room for; of those beyond, the number of rows tells.
const (
	maxMovedRows = 12
	maxMovedRow  = 240
)

// Contained are the details of the outcome of a containment that wrote so many rows.
func Contained(rows int, moved []string) audit.Details {
	d := audit.Details{FieldChanged: strconv.Itoa(rows)}
	row := 1
	for _, label := range moved {
		line := strings.TrimPrefix(d[movedRow(row)]+" "+label, " ")
		if len(line) > maxMovedRow {
			row, line = row+1, label
		}
		if row > maxMovedRows {
			break
		}
		d[movedRow(row)] = line
	}
	for name, line := range d {
		d[name] = audit.Clean(line)
	}
	return d
}

func movedRow(n int) audit.Field {
	if n == 1 {
		return FieldMoved
	}
	return FieldMoved + audit.Field("-"+strconv.Itoa(n))
}

// contained tells the outcome of a containment that wrote rows, whether all was done or not.
func contained(r *audit.Record) bool {
	n, err := strconv.Atoi(r.Details[FieldChanged])
	return r.Operation == audit.Operation(custody.IncidentContain) && err == nil && n > 0
}

// movedBy are the keys whose state an operation changed, by its outcome.
func movedBy(r *audit.Record) []string {
	switch r.Operation {
	case audit.KeyRotate, audit.KeyState, audit.KeyDestroy:
		return []string{r.Object.Label}
	case audit.Operation(custody.IncidentContain):
		var all []string
		for n := 1; n <= maxMovedRows; n++ {
			for _, label := range strings.Fields(r.Details[movedRow(n)]) {
				if isKey(label) {
					all = append(all, label)
				}
			}
		}
		return all
	}
	return nil
}
