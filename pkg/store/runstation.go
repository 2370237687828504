package store

// What each station did in a run.

import (
	"context"
	"database/sql"
	"time"
)

// RunStation is what one station did in a run.
type RunStation struct {
	Station           string
	Confirmed, Others int
	Last              time.Time
}

// RunStations counts by station, in the order of their names.
func (s *Store) RunStations(ctx context.Context, run string) ([]RunStation, error) {
	var all []RunStation
	rows, err := s.read().QueryContext(ctx, `SELECT station, SUM(CASE WHEN state = 'confirmed' THEN 1 ELSE 0 END),
		SUM(CASE WHEN state = 'confirmed' THEN 0 ELSE 1 END), MAX(changed) FROM run_devices
		WHERE run = $1 AND station <> '' GROUP BY station ORDER BY station`, run)
	err = each(rows, err, func(r *sql.Rows) error {
		var n RunStation
		var last int64
		err := r.Scan(&n.Station, &n.Confirmed, &n.Others, &last)
		n.Last = fromMicros(last)
		all = append(all, n)
		return err
	})
	if err != nil {
		return nil, dbError(err)
	}
	return all, nil
}
