package store

// Stores as an earlier version made them, for tests.

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"io"
	"testing"
	"time"
)

// MakeOld makes a store of version 1 of the schema out of a backup that version 1 wrote, and brings nothing up.
func MakeOld(ctx context.Context, u URL, dump io.Reader) error {
	o := Options{Now: func() time.Time { return time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC) }}
	return birth(ctx, u, o, func(ctx context.Context, tx *sql.Tx) error {
		if err := u.dialect().build(ctx, tx, 0, 1); err != nil {
			return err
		}
		_, _, err := readDump(dump, func(int) error { return nil }, func(t *table, row []any) error {
			_, err := tx.ExecContext(ctx, t.insert(), plain(row)...)
			return err
		})
		return err
	})
}

// TestVersion1OfTheSchemaDoesNotChangeAnyMore: stores that have it would not be brought up from what they are.
func TestVersion1OfTheSchemaDoesNotChangeAnyMore(t *testing.T) {
	for d, want := range map[dialect]string{
		sqliteDialect:   "fd6ba3e60255f6ba4b608678c314bbdacf5539090ffca24946a68a88a69818df",
		postgresDialect: "2e8b3e838e977df435a4bd071981583997648e4e930007a655ee28dbdce7fecd",
	} {
		sum := sha256.Sum256([]byte(d.migrations()[0]))
		if got := hex.EncodeToString(sum[:]); got != want {
			t.Errorf("the digest of version 1 is %s, and was %s", got, want)
		}
	}
}
