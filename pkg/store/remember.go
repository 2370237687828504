package store

// A SQLite connection that keeps the statements it has prepared. What asks through it (a queue of work) sends the same
// few statements for every job, as text; preparing them anew is most of what they cost.

import (
	"context"
	"database/sql"
	"database/sql/driver"

	"modernc.org/sqlite"
)

// mostRemembered bounds what one connection keeps; a statement beyond that is prepared anew each time.
const mostRemembered = 64

// remembering opens a database whose connections keep their statements.
func remembering(dsn string) *sql.DB { return sql.OpenDB(rememberer{dsn}) }

type rememberer struct{ dsn string }

func (r rememberer) Driver() driver.Driver { return &sqlite.Driver{} }

func (r rememberer) Connect(context.Context) (driver.Conn, error) {
	conn, err := r.Driver().Open(r.dsn)
	if err != nil {
		return nil, err
	}
	return &rememberingConn{sqliteConn: conn.(sqliteConn), kept: map[string]*keptStmt{}}, nil
}

// sqliteConn is what the driver's connection does.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.Pinger
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

type rememberingConn struct {
	sqliteConn
	kept map[string]*keptStmt
}

// sqliteStmt is what the driver's statement does.
type sqliteStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// keptStmt is a prepared statement; while rows of it are read, it is busy and another one must be prepared.
type keptStmt struct {
	sqliteStmt
	busy bool
}

// find prepares a statement or finds it; nil when this one is to be prepared without being kept. What is done without
// arguments is done seldom, or is a script.
func (c *rememberingConn) find(ctx context.Context, text string, args []driver.NamedValue) (*keptStmt, error) {
	if kept := c.kept[text]; kept != nil {
		if kept.busy {
			return nil, nil
		}
		return kept, nil
	}
	if len(args) == 0 || len(c.kept) == mostRemembered {
		return nil, nil
	}
	stmt, err := c.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	kept := &keptStmt{sqliteStmt: stmt.(sqliteStmt)}
	c.kept[text] = kept
	return kept, nil
}

func (c *rememberingConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	kept, err := c.find(ctx, text, args)
	switch {
	case err != nil:
		return nil, err
	case kept == nil:
		return c.sqliteConn.ExecContext(ctx, text, args)
	}
	return kept.ExecContext(ctx, args)
}

func (c *rememberingConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	kept, err := c.find(ctx, text, args)
	switch {
	case err != nil:
		return nil, err
	case kept == nil:
		return c.sqliteConn.QueryContext(ctx, text, args)
	}
	rows, err := kept.QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	kept.busy = true
	return &keptRows{rows, kept}, nil
}

// Close ends the statements before the connection, which would be left half open otherwise.
func (c *rememberingConn) Close() error {
	var failed error
	for _, kept := range c.kept {
		failed = alongside(failed, kept.Close())
	}
	return alongside(failed, c.sqliteConn.Close())
}

type keptRows struct {
	driver.Rows
	of *keptStmt
}

func (r *keptRows) Close() error {
	r.of.busy = false
	return r.Rows.Close()
}
