package store

// Where a queue of work beside the store lives. What is in it can be made again from the store at any time.

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"poskey/internal/fault"
)

// Queue is a database for a queue of work: Pool on a server, in the store's own schema, for as many stations as one
// likes; File beside a SQLite store, for one process at a time. One of the two is nil. A commit in it may be lost with the
// machine (synchronous_commit and synchronous are off), which is no loss: what is to be done stands in the store.
type Queue struct {
	Pool *pgxpool.Pool
	File *sql.DB
}

// queueConnections is how many connections a station's queue takes.
const queueConnections = 8

// OpenQueue connects to the place of the queue. A file is taken for this process alone (busy when another one has it)
// and emptied: nothing in it outlives the station. On a server it is kept. Errors: busy, device_link, not_permitted.
func (s *Store) OpenQueue(ctx context.Context) (*Queue, error) {
	if s.options.ReadOnly {
		return nil, readingOnly()
	}
	q := &Queue{}
	var err error
	if s.dialect == postgresDialect {
		q.Pool, err = s.queuePool(ctx)
	} else {
		q.File, err = queueFile(ctx, s.url.path+"-queue")
	}
	if err != nil {
		return nil, fault.Wrap(dbError(err), "opening the queue of work")
	}
	return q, nil
}

// Close closes it.
func (q *Queue) Close() error {
	if q.Pool != nil {
		q.Pool.Close()
		return nil
	}
	return dbError(q.File.Close())
}

// aloneSQL waits, however long it takes, for a lock of this schema alone; the first number tells it from locks of others.
const aloneSQL = `SET LOCAL lock_timeout = 0;
	SELECT PG_ADVISORY_XACT_LOCK(1347105652, HASHTEXT(CURRENT_SCHEMA()))`

// Alone runs f while no other process is in Alone in the same schema; in a file nobody else is there anyway.
func (q *Queue) Alone(ctx context.Context, f func() error) error {
	if q.Pool == nil {
		return f()
	}
	conn, err := q.Pool.Acquire(ctx)
	if err != nil {
		return dbError(err)
	}
	defer conn.Release()
	tx, err := conn.Begin(ctx) // the lock ends with it
	if err != nil {
		return dbError(err)
	}
	defer func() { _ = tx.Rollback(ctx) }()
	if _, err := tx.Exec(ctx, aloneSQL); err != nil {
		return dbError(err)
	}
	return f()
}

func (s *Store) queuePool(ctx context.Context) (*pgxpool.Pool, error) {
	connect, _, err := serverConfig(s.url, s.options.Wait)
	if err != nil {
		return nil, err
	}
	config, err := pgxpool.ParseConfig("")
	if err != nil {
		return nil, err
	}
	// Jobs that a crash of the server forgets are put there again from the store.
	connect.RuntimeParams["synchronous_commit"] = "off"
	config.ConnConfig, config.MaxConns = connect, queueConnections
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}

// queueFile opens the file of a queue for this process alone. A file that a power cut left damaged is made anew.
func queueFile(ctx context.Context, path string) (*sql.DB, error) {
	db, err := openQueueFile(ctx, path)
	if fault.Is(dbError(err), fault.Malformed) || fault.Is(dbError(err), fault.ChecksumMismatch) {
		for _, end := range []string{"", "-wal", "-journal"} {
			if err := os.Remove(path + end); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
		}
		db, err = openQueueFile(ctx, path)
	}
	return db, err
}

func openQueueFile(ctx context.Context, path string) (*sql.DB, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	slashed, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	slashed = filepath.ToSlash(slashed)
	if !strings.HasPrefix(slashed, "/") { // a drive's letter
		slashed = "/" + slashed
	}
	db := remembering("file://" + (&url.URL{Path: slashed}).EscapedPath() +
		"?mode=rw&_txlock=immediate&_pragma=busy_timeout(200)&_pragma=locking_mode(EXCLUSIVE)&_pragma=journal_mode(WAL)" +
		"&_pragma=synchronous(OFF)&_pragma=temp_store(2)")
	db.SetMaxOpenConns(1) // which holds the lock for as long as it is open
	db.SetMaxIdleConns(1)
	if err := emptyQueue(ctx, db); err != nil {
		return nil, alongside(err, db.Close())
	}
	return db, nil
}

// emptyQueue takes the lock and drops what an earlier station left.
func emptyQueue(ctx context.Context, db *sql.DB) error {
	if _, err := db.ExecContext(ctx, "BEGIN EXCLUSIVE; COMMIT"); err != nil {
		return err
	}
	var names []string
	rows, err := db.QueryContext(ctx, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
	err = each(rows, err, func(r *sql.Rows) error {
		var name string
		err := r.Scan(&name)
		names = append(names, name)
		return err
	})
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, err := db.ExecContext(ctx, `DROP TABLE IF EXISTS "`+strings.ReplaceAll(name, `"`, `""`)+`"`); err != nil {
			return err
		}
	}
	return nil
}
