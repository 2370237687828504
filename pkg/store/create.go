package store

// Making a store: whole, or not at all.

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"poskey/internal/fault"
)

// Create makes a new store and opens it. A SQLite file is built beside its place under another name, synced, and then
// linked to its name, which fails when there is something; a store on PostgreSQL is one transaction. Errors:
// file_exists, not_found (the folder), not_permitted, device_link, auth_failed; outcome_unknown when the store may be
// there.
func Create(ctx context.Context, u URL, id Identity, officers []Officer, o Options) (*Store, error) {
	fill := func(ctx context.Context, tx *sql.Tx) error {
		if err := u.dialect().build(ctx, tx, 0, schemaVersion()); err != nil {
			return err
		}
		if err := insertIdentity(ctx, tx, id); err != nil {
			return err
		}
		return addOfficers(ctx, tx, micros(id.Created), officers)
	}
	err := id.check()
	if err == nil {
		err = birth(ctx, u, o, fill)
	}
	if err != nil {
		return nil, fault.Wrap(err, "creating the store %s", u.Redacted())
	}
	s, err := Open(ctx, u, o)
	if err != nil {
		return nil, fault.WrapAs(fault.OutcomeUnknown, err, "the store is made, but it cannot be opened")
	}
	return s, nil
}

// birth lets fill make the tables and their first rows.
func birth(ctx context.Context, u URL, o Options, fill func(context.Context, *sql.Tx) error) error {
	if err := o.fill(); err != nil {
		return err
	}
	switch {
	case o.ReadOnly:
		return fault.New(fault.Usage, "a new store is not for reading only")
	case u.IsZero():
		return fault.New(fault.Usage, "no store is named")
	case u.dialect() == postgresDialect:
		return birthOnServer(ctx, u, o, fill)
	}
	return birthOfFile(ctx, u.path, o, fill)
}

func birthOfFile(ctx context.Context, path string, o Options, fill func(context.Context, *sql.Tx) error) (err error) {
	for _, name := range []string{path, path + "-wal", path + "-shm", path + "-journal"} {
		if exists(name) { // journals of a database that is gone would be played back into the new one
			return fault.New(fault.FileExists, "%s is there already and is never overwritten", name)
		}
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".new-*") // mode 0600
	if err != nil {
		return dbError(err)
	}
	temp := f.Name()
	defer func() {
		for _, name := range []string{temp, temp + "-wal", temp + "-shm", temp + "-journal"} {
			if exists(name) {
				err = alongside(err, os.Remove(name))
			}
		}
	}()
	if err := f.Close(); err != nil {
		return err
	}
	if err := buildFile(ctx, temp, o, fill); err != nil {
		return dbError(err)
	}
	if err := syncFile(temp); err != nil {
		return err
	}
	if err := os.Link(temp, path); errors.Is(err, os.ErrExist) {
		return fault.New(fault.FileExists, "%s is there already and is never overwritten", path)
	} else if err != nil {
		return dbError(err)
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return alongside(err, os.Remove(path)) // it might not be there tomorrow
	}
	return nil
}

func buildFile(ctx context.Context, path string, o Options, fill func(context.Context, *sql.Tx) error) (err error) {
	db, err := openSQLite(path, readWrite, o.Wait)
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	defer func() { err = alongside(err, db.Close()) }()
	if _, err := db.ExecContext(ctx, "PRAGMA application_id = "+strconv.Itoa(applicationID)); err != nil {
		return err
	}
	if err := sqliteDialect.inOne(ctx, db, func(tx *sql.Tx) error { return fill(ctx, tx) }); err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "PRAGMA journal_mode = WAL") // written into the file, for all who open it
	return err
}

func birthOnServer(ctx context.Context, u URL, o Options, fill func(context.Context, *sql.Tx) error) (err error) {
	db, schema, err := openPostgres(u, o.Wait)
	if err != nil {
		return err
	}
	defer func() { err = alongside(err, db.Close()) }()
	return dbError(postgresDialect.inOne(ctx, db, func(tx *sql.Tx) error {
		if err := claim(ctx, tx, schema); err != nil {
			return err
		}
		return fill(ctx, tx)
	}))
}

// claim takes the schema, making it when it is missing. A database administrator may have made an empty one for us.
func claim(ctx context.Context, tx *sql.Tx, schema string) error {
	// One creator at a time; the lock goes with the transaction.
	if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(HASHTEXT('poskey store ' || $1))", schema); err != nil {
		return err
	}
	var there, full bool
	if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1),
		EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1)`,
		schema).Scan(&there, &full); err != nil {
		return err
	}
	switch {
	case full:
		return fault.New(fault.FileExists, "schema %s of the database is not empty, and is never overwritten", schema)
	case there:
		return nil
	}
	_, err := tx.ExecContext(ctx, `CREATE SCHEMA "`+schema+`"`) // a-z 0-9 _ only: openPostgres looked
	return err
}

func (d dialect) inOne(ctx context.Context, db *sql.DB, f func(tx *sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if err := f(tx); err != nil {
		return err
	}
	return d.commit(ctx, tx)
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// syncDir makes a new name of a file last. Windows has no such call and keeps names in its journal.
func syncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
