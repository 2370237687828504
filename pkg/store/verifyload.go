package store

// Looking at the journal of loads.

import (
	"database/sql"

	"poskey/internal/fault"
)

func (v *verifier) loads() error {
	rows, err := v.tx.QueryContext(v.ctx, "SELECT "+loadColumns+`, COALESCE(a.key_set, ''), COALESCE(a.serial, '')
		FROM loads l`+loadJoins+" ORDER BY l.id")
	return each(rows, err, func(r *sql.Rows) error {
		var set, serial string
		l, err := scanLoad(withMore{r, []any{&set, &serial}})
		if err != nil {
			return err
		}
		v.report.Loads++
		v.find(l.ID, l.fits(set, serial))
		return nil
	})
}

// withMore scans columns behind those that are asked for.
type withMore struct {
	scanner
	more []any
}

func (w withMore) Scan(into ...any) error { return w.scanner.Scan(append(into, w.more...)...) }

// fits holds a load against its number: there when the load is of a key set, of the same set and device, and in a state
// that goes with the load's. The number of a confirmed load may have been burnt since, with the device.
func (l *loadRow) fits(set, serial string) error {
	r := l.LoadRequest
	r.Lease = "" // the number's
	if err := r.check(); err != nil {
		return err
	}
	if l.State != LoadReserved && l.State != LoadFailed {
		if err := checkValue(l.Check); err != nil {
			return err
		}
	}
	switch {
	case l.KeySet == "" && l.number == "":
		return nil
	case l.number == "" || set != l.KeySet || serial != l.Serial:
		return fault.New(fault.ChecksumMismatch, "its number is not there, or that of something else")
	case l.number == l.State.number(), l.State == LoadConfirmed && l.number == Burnt:
		return nil
	}
	return fault.New(fault.ChecksumMismatch, "the load is %s, and its number %s", l.State, l.number)
}
