package store

// What databases say, turned into kinds and sentences.

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"io/fs"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlitecode "modernc.org/sqlite/lib"

	"poskey/internal/fault"
)

// dbError gives an error of a database its kind and a sentence that says what to do about it. Errors that have a kind
// already stay as they are.
func dbError(err error) error {
	var known *fault.Error
	var lite *sqlite.Error
	var pg *pgconn.PgError
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, sql.ErrTxDone): // rolled back when it was given up
		return fault.WrapAs(fault.Interrupted, err, "the database was not waited for")
	case errors.As(err, &lite):
		return sqliteError(lite)
	case errors.As(err, &pg):
		return postgresError(pg)
	case refused(err):
		return fault.WrapAs(fault.DeviceLink, err, "the database cannot be reached")
	case errors.Is(err, context.DeadlineExceeded): // the caller's; it calls itself an error of the network too
		return fault.WrapAs(fault.DeviceTimeout, err, "the database was not waited for")
	case errors.Is(err, fs.ErrNotExist):
		return fault.WrapAs(fault.NotFound, err, "the database")
	case errors.Is(err, fs.ErrPermission):
		return fault.WrapAs(fault.NotPermitted, err, "the database")
	case isLinkError(err):
		return fault.WrapAs(fault.DeviceLink, err, "the database does not answer")
	}
	return fault.Wrap(err, "the database")
}

// refused reports that no connection could be made at all; trying once more at once would not help.
func refused(err error) bool {
	var connecting *pgconn.ConnectError
	return errors.As(err, &connecting)
}

// isLinkError reports that the line to a server broke, was refused or could not be made.
func isLinkError(err error) bool {
	var network net.Error
	return refused(err) || errors.As(err, &network) || errors.Is(err, io.EOF) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, driver.ErrBadConn) ||
		errors.Is(err, sql.ErrConnDone) || strings.Contains(err.Error(), "conn closed")
}

func sqliteError(err *sqlite.Error) error {
	switch err.Code() & 0xFF {
	case sqlitecode.SQLITE_BUSY, sqlitecode.SQLITE_LOCKED:
		return fault.WrapAs(fault.Busy, err, "another process is writing to the database; try again")
	case sqlitecode.SQLITE_FULL:
		return fault.WrapAs(fault.Failure, err, "no room is left for the database; nothing of this change was kept")
	case sqlitecode.SQLITE_IOERR:
		return fault.WrapAs(fault.Failure, err, "the disk of the database fails; nothing of this change was acknowledged")
	case sqlitecode.SQLITE_READONLY, sqlitecode.SQLITE_PERM, sqlitecode.SQLITE_AUTH:
		return fault.WrapAs(fault.NotPermitted, err, "the database or its folder may not be written")
	case sqlitecode.SQLITE_CANTOPEN:
		return fault.WrapAs(fault.NotPermitted, err, "the database or a file beside it cannot be opened")
	case sqlitecode.SQLITE_NOTADB:
		return fault.WrapAs(fault.Malformed, err, "the file is no database")
	case sqlitecode.SQLITE_CORRUPT:
		return fault.WrapAs(fault.ChecksumMismatch, err, "the database is damaged; restore a backup")
	case sqlitecode.SQLITE_CONSTRAINT:
		return fault.WrapAs(fault.ChecksumMismatch, err, "the database does not allow this row")
	}
	return fault.Wrap(err, "the database")
}

func postgresError(err *pgconn.PgError) error {
	switch {
	case err.Code == "57P01", err.Code == "57P02", err.Code == "57P03", strings.HasPrefix(err.Code, "08"):
		return fault.WrapAs(fault.DeviceLink, err, "the database server is stopping or starting; try again")
	case strings.HasPrefix(err.Code, "28"):
		return fault.WrapAs(fault.AuthFailed, err, "the database server does not accept the user")
	case err.Code == "55P03", err.Code == "40001", err.Code == "40P01", err.Code == "53300", err.Code == "57014":
		return fault.WrapAs(fault.Busy, err, "the database is in use by others; try again")
	case strings.HasPrefix(err.Code, "53"), strings.HasPrefix(err.Code, "58"):
		return fault.WrapAs(fault.Failure, err, "the database server is out of room or its disk fails")
	case err.Code == "3D000":
		return fault.WrapAs(fault.NotFound, err, "the server has no such database")
	case err.Code == "42501", err.Code == "25006":
		return fault.WrapAs(fault.NotPermitted, err, "the database server does not allow this user to do it")
	case err.Code == "42P01", err.Code == "3F000":
		return fault.WrapAs(fault.NotFound, err, "there is no poskey store in this schema")
	case strings.HasPrefix(err.Code, "XX"):
		return fault.WrapAs(fault.ChecksumMismatch, err, "the database is damaged; restore a backup")
	case strings.HasPrefix(err.Code, "23"):
		return fault.WrapAs(fault.ChecksumMismatch, err, "the database does not allow this row")
	}
	return fault.Wrap(err, "the database")
}

// isUnique reports that a row is there already.
func isUnique(err error) bool {
	var lite *sqlite.Error
	var pg *pgconn.PgError
	if errors.As(err, &lite) {
		return lite.Code() == sqlitecode.SQLITE_CONSTRAINT_UNIQUE || lite.Code() == sqlitecode.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	return errors.As(err, &pg) && pg.Code == "23505"
}

// noTable reports that the database has no tables of ours.
func noTable(err error) bool {
	var lite *sqlite.Error
	var pg *pgconn.PgError
	if errors.As(err, &lite) {
		return lite.Code() == sqlitecode.SQLITE_ERROR && strings.Contains(lite.Error(), "no such table")
	}
	return errors.As(err, &pg) && (pg.Code == "42P01" || pg.Code == "3F000")
}
