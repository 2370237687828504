package store

// Opening, closing, and the one way in which anything is changed.

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"runtime"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/keys"
)

// Options say how a store is opened.
type Options struct {
	Now      func() time.Time              // the clock; needed
	ReadOnly bool                          // nothing can be changed through this Store
	Expect   Identity                      // fields that are set must agree; a lower generation than expected is refused
	Wait     time.Duration                 // how long to wait for another process; 0 is five seconds
	Period   func(usage keys.Usage) Period // cryptoperiods; nil is [DefaultPeriod]
}

// Store is an open store. Its methods may be called from several goroutines.
type Store struct {
	url     URL
	dialect dialect
	options Options
	db      *sql.DB
	file    os.FileInfo   // of the SQLite file that was opened
	writer  chan struct{} // SQLite has one writer; goroutines queue here instead of polling
	taking  chan struct{} // single numbers asked of a server at one time: see allocateOnServer

	statements statements
}

func (o *Options) fill() error {
	if o.Now == nil {
		return fault.New(fault.Bug, "the store was given no clock")
	}
	if o.Wait <= 0 {
		o.Wait = defaultWait
	}
	if o.Period == nil {
		o.Period = DefaultPeriod
	}
	return nil
}

// Open opens a store. Errors: not_found, malformed (no store), version_unsupported, not_permitted (another store than
// expected, or an older copy of it), file_exposed (others can read the file), busy, device_link, auth_failed.
func Open(ctx context.Context, u URL, o Options) (*Store, error) {
	s, err := open(ctx, u, o)
	if err != nil {
		return nil, fault.Wrap(err, "opening the store %s", u.Redacted())
	}
	return s, nil
}

func open(ctx context.Context, u URL, o Options) (*Store, error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	if u.IsZero() {
		return nil, fault.New(fault.Usage, "no store is named")
	}
	s := &Store{url: u, dialect: u.dialect(), options: o, writer: make(chan struct{}, 1),
		taking: make(chan struct{}, 2)}
	if err := s.connect(ctx); err != nil {
		return nil, err
	}
	if err := s.recognise(ctx); err != nil {
		return nil, alongside(err, s.db.Close())
	}
	return s, nil
}

func (s *Store) connect(ctx context.Context) (err error) {
	if s.dialect == postgresDialect {
		s.db, _, err = openPostgres(s.url, s.options.Wait)
		return err
	}
	if s.file, err = statStore(s.url.path); err != nil {
		return err
	}
	mode := readWrite
	if s.options.ReadOnly {
		mode = readOnly
	}
	if s.db, err = openSQLite(s.url.path, mode, s.options.Wait); err != nil {
		return err
	}
	err = s.db.PingContext(ctx)
	if err != nil && s.options.ReadOnly && !exists(s.url.path+"-wal") {
		// A folder that may not be written has no room for the files beside the database, and needs none: nobody can
		// change it from here.
		err = alongside(err, s.db.Close())
		var lonely error
		if s.db, lonely = openSQLite(s.url.path, immutable, s.options.Wait); lonely == nil {
			if lonely = s.db.PingContext(ctx); lonely == nil {
				return nil
			}
		}
	}
	if err != nil {
		return alongside(dbError(err), s.db.Close())
	}
	return nil
}

// statStore looks at the file before SQLite does: SQLite's own answer does not tell a missing file from a locked one.
func statStore(path string) (os.FileInfo, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.WrapAs(fault.NotFound, err, "the database")
	case err != nil:
		return nil, dbError(err)
	case !info.Mode().IsRegular():
		return nil, fault.New(fault.Malformed, "the database is no regular file")
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		return nil, fault.New(fault.FileExposed,
			"others than its owner can get at the database (mode %04o); chmod 600 it", info.Mode().Perm())
	}
	return info, nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// recognise holds the database against what is expected.
func (s *Store) recognise(ctx context.Context) error {
	if s.dialect == sqliteDialect {
		var id int64
		if err := s.db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
			return dbError(err)
		}
		if id != applicationID {
			return fault.New(fault.Malformed, "the file is no poskey store")
		}
	}
	if err := s.dialect.bring(ctx, s.db, s.dialect.migrations(), s.options.ReadOnly); err != nil {
		return err
	}
	got, err := s.Identity(ctx)
	if err != nil {
		return err
	}
	return got.meets(s.options.Expect)
}

// applicationID marks a SQLite file as a store: "PKSt".
const applicationID = 0x504B5374

// Close closes the store.
func (s *Store) Close() error { return dbError(s.db.Close()) }

// URL says where the store is.
func (s *Store) URL() URL { return s.url }

func alongside(err, more error) error {
	if more == nil {
		return err
	}
	return errors.Join(err, more)
}

// now is the time of a change.
func (s *Store) now(c Change) int64 {
	if c.At.IsZero() {
		return micros(s.options.Now())
	}
	return micros(c.At)
}

// micros gives a time as it is stored; the zero time is 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// fromMicros is the reverse.
func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

// change runs f in a transaction and puts the mark beside what f did. Whatever goes wrong before the commit leaves
// nothing behind. When the line breaks while committing, nobody can tell (outcome_unknown).
func (s *Store) change(ctx context.Context, c Change, f func(tx *sql.Tx, at int64) error) error {
	if s.options.ReadOnly {
		return readingOnly()
	}
	if err := c.Mark.check(); err != nil {
		return err
	}
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	tx, err := s.begin(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if err := f(tx, s.now(c)); err != nil {
		return dbError(err)
	}
	if err := putMark(ctx, tx, c.Mark); err != nil {
		return dbError(err)
	}
	if err := s.unmoved(); err != nil {
		return err
	}
	return s.dialect.commit(ctx, tx)
}

func readingOnly() error { return fault.New(fault.NotPermitted, "the store is open for reading only") }

// commit ends a transaction. From here on a server that is not heard of any more, or is not waited for, may have done
// it or not; a file is changed or is not.
func (d dialect) commit(ctx context.Context, tx *sql.Tx) error {
	if ctx.Err() != nil {
		return dbError(context.Cause(ctx))
	}
	err := tx.Commit()
	if d != postgresDialect || errors.Is(err, sql.ErrTxDone) {
		return dbError(err)
	}
	switch known := dbError(err); fault.KindOf(known) {
	case fault.DeviceLink, fault.DeviceTimeout, fault.Interrupted:
		return fault.WrapAs(fault.OutcomeUnknown, err,
			"the line to the database broke during the commit; look whether the change is there before making it again")
	default:
		return known
	}
}

// changeKeys is change for what concerns keys and the numbers under them: one such change at a time, so that what was
// checked in the transaction still holds when it commits, and no two wait for each other. SQLite has one writer anyway.
func (s *Store) changeKeys(ctx context.Context, c Change, f func(tx *sql.Tx, at int64) error) error {
	return s.change(ctx, c, func(tx *sql.Tx, at int64) error {
		if s.dialect == postgresDialect {
			var one int
			if err := tx.QueryRowContext(ctx, "SELECT one FROM meta FOR UPDATE").Scan(&one); err != nil {
				return err
			}
		}
		if err := c.holds(ctx, tx); err != nil {
			return err
		}
		return f(tx, at)
	})
}

// enter waits for the other goroutines that write.
func (s *Store) enter(ctx context.Context) error {
	if s.dialect != sqliteDialect {
		return nil
	}
	select {
	case s.writer <- struct{}{}:
		return nil
	case <-ctx.Done():
		return dbError(context.Cause(ctx))
	}
}

func (s *Store) leave() {
	if s.dialect == sqliteDialect {
		<-s.writer
	}
}

// unmoved refuses to commit into a file that is not at its place any more: nobody would find there what was
// acknowledged.
func (s *Store) unmoved() error {
	if s.file == nil {
		return nil
	}
	info, err := os.Stat(s.url.path)
	if err != nil || !os.SameFile(info, s.file) {
		return fault.New(fault.ChecksumMismatch, "another file was put in the place of the database %s", s.url.path)
	}
	return nil
}

// snapshot runs f in a transaction that sees one moment.
func (s *Store) snapshot(ctx context.Context, f func(tx *sql.Tx) error) error {
	o := &sql.TxOptions{ReadOnly: true}
	if s.dialect == postgresDialect {
		o.Isolation = sql.LevelRepeatableRead
	}
	tx, err := s.begin(ctx, o)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	return dbError(f(tx))
}
