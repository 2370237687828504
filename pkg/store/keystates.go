package store

// The states of some keys, asked for often.

import (
	"context"
	"database/sql"
	"strings"
)

// KeyStates tells what state keys are in; a key that the store does not have is not among them.
func (s *Store) KeyStates(ctx context.Context, refs []Ref) (map[Ref]State, error) {
	var args arguments
	var places []string
	asked := map[Ref]bool{}
	for _, r := range refs {
		places, asked[r] = append(places, args.place(r.Label)), true
	}
	states := map[Ref]State{}
	if len(places) == 0 {
		return states, nil
	}
	rows, err := s.read().QueryContext(ctx, "SELECT label, version, state FROM keys WHERE label IN ("+strings.Join(places, ", ")+")",
		args...)
	err = each(rows, err, func(r *sql.Rows) error {
		var ref Ref
		var state State
		err := r.Scan(&ref.Label, &ref.Version, (*string)(&state))
		if asked[ref] {
			states[ref] = state
		}
		return err
	})
	if err != nil {
		return nil, dbError(err)
	}
	return states, nil
}
