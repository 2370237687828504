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

// MakeOld makes a store of an earlier version of the schema out of a backup that this version wrote, and brings nothing up.
func MakeOld(ctx context.Context, u URL, dump io.Reader) error {
	o := Options{Now: func() time.Time { return time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC) }}
	return birth(ctx, u, o, func(ctx context.Context, tx *sql.Tx) error {
		begin := func(version int) error { return u.dialect().build(ctx, tx, 0, version) }
		_, _, err := readDump(dump, begin, func(t *table, row []any) error {
			_, err := tx.ExecContext(ctx, t.insert(), plain(row)...)
			return err
		})
		return err
	})
}

// TestEarlierVersionsOfTheSchemaDoNotChangeAnyMore: stores that have them would not be brought up from what they are.
func TestEarlierVersionsOfTheSchemaDoNotChangeAnyMore(t *testing.T) {
	for d, want := range map[dialect][]string{
		sqliteDialect: {
			"fd6ba3e60255f6ba4b608678c314bbdacf5539090ffca24946a68a88a69818df",
			"768c20c172771df91031a44471db54e5e724dc9242d804ff796d2403c3ff931d",
			"a20907d65ce21d0825c062c533d584574fd98113e2171e381f9de51e9a69a78a",
		},
		postgresDialect: {
			"2e8b3e838e977df435a4bd071981583997648e4e930007a655ee28dbdce7fecd",
			"34b327ca2f974f68b1ab68f6b00d543e37e4356f9fd01c9e66396fbc1be68c36",
			"47f1181da5cdf11cda0f9ecf7ffdd640bb2d5da234232956fcaeebf8dfbdc94f",
		},
	} {
		for i, want := range want {
			sum := sha256.Sum256([]byte(d.migrations()[i]))
			if got := hex.EncodeToString(sum[:]); got != want {
				t.Errorf("the digest of version %d is %s, and was %s", i+1, got, want)
			}
		}
	}
}
