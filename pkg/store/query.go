package store

// Reading rows.

import (
	"context"
	"database/sql"
	"strconv"
)

// asker is what reads: the database or a transaction in it.
type asker interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// read asks outside of a transaction. A server that was restarted leaves dead connections in the pool; asking again on
// another one is harmless.
func (s *Store) read() asker { return again{s} }

type again struct{ s *Store }

func (a again) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	for try := 0; ; try++ {
		rows, err := a.s.db.QueryContext(ctx, query, args...)
		if err == nil || try == maxTries || !passing(err) {
			return rows, err
		}
	}
}

func (a again) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	row := a.s.db.QueryRowContext(ctx, query, args...)
	for try := 0; row.Err() != nil && try < maxTries && passing(row.Err()); try++ {
		row = a.s.db.QueryRowContext(ctx, query, args...)
	}
	return row
}

// arguments collects the values of a statement and gives their places.
type arguments []any

func (a *arguments) place(v any) string {
	*a = append(*a, v)
	return "$" + strconv.Itoa(len(*a))
}

// each scans all rows.
func each(rows *sql.Rows, err error, f func(*sql.Rows) error) error {
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
