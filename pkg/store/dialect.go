package store

// The two databases: how they are reached, and the little in which they differ.

import (
	"context"
	"database/sql"
	"net/url"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"poskey/internal/fault"
)

type dialect byte

const (
	sqliteDialect dialect = iota
	postgresDialect
)

func (u URL) dialect() dialect {
	if u.server != nil {
		return postgresDialect
	}
	return sqliteDialect
}

// defaultWait is how long another process is waited for.
const defaultWait = 5 * time.Second

// sqliteMode says how a file is opened.
type sqliteMode string

const (
	readWrite sqliteMode = "rw" // never rwc: a missing file is an error, not a new store
	readOnly  sqliteMode = "ro"
	immutable sqliteMode = "ro&immutable=1" // a file that nobody can change, such as a copy on a read-only medium
)

// openSQLite connects to a file. With synchronous FULL what was acknowledged is on the disk; secure_delete overwrites
// what is erased. That it keeps a write-ahead log, so that readers do not wait for the writer, is written in the file.
func openSQLite(path string, mode sqliteMode, wait time.Duration) (*sql.DB, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	slashed := filepath.ToSlash(absolute)
	if !strings.HasPrefix(slashed, "/") { // a drive's letter
		slashed = "/" + slashed
	}
	// The file's own part of a URI: blanks, ? and # of a name are escaped.
	dsn := "file://" + (&url.URL{Path: slashed}).EscapedPath() + "?mode=" + string(mode) + "&_txlock=immediate"
	pragmas := []string{"busy_timeout(" + strconv.FormatInt(wait.Milliseconds(), 10) + ")", "foreign_keys(1)",
		"synchronous(FULL)", "secure_delete(1)", "temp_store(2)", "cache_size(-65536)", "trusted_schema(0)"}
	if mode != readWrite {
		pragmas = append(pragmas, "query_only(1)")
	}
	if runtime.GOOS == "darwin" { // fsync alone leaves it in the drive's cache there
		pragmas = append(pragmas, "fullfsync(1)", "checkpoint_fullfsync(1)")
	}
	for _, p := range pragmas {
		dsn += "&_pragma=" + p
	}
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxIdleConns(8) // to open one anew costs as much as many questions
	return db, nil
}

// defaultSchema is where the tables live in a PostgreSQL database unless the URL has a search_path.
const defaultSchema = "poskey"

// openPostgres connects to a server and gives the schema. Nothing is sent yet.
func openPostgres(u URL, wait time.Duration) (db *sql.DB, schema string, err error) {
	config, schema, err := serverConfig(u, wait)
	if err != nil {
		return nil, "", err
	}
	db = stdlib.OpenDB(*config)
	db.SetMaxIdleConns(16)
	return db, schema, nil
}

// serverConfig says how a server is reached, and gives the schema.
func serverConfig(u URL, wait time.Duration) (config *pgx.ConnConfig, schema string, err error) {
	config, err = pgx.ParseConfig(u.server.String())
	if err != nil { // what it says may repeat the URL
		return nil, "", fault.New(fault.Usage,
			"the URL of the PostgreSQL store %s cannot be used; look at its host, port and options", u.Redacted())
	}
	path := config.RuntimeParams["search_path"]
	if path == "" {
		path = defaultSchema
	}
	schema, _, _ = strings.Cut(path, ",")
	schema = strings.TrimSpace(schema)
	if schema == "" || strings.Trim(schema, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" || len(schema) > 63 {
		return nil, "", fault.New(fault.Usage, "the search_path of the store begins with %q; want a name of a-z 0-9 _",
			schema)
	}
	defaults := map[string]string{
		"application_name": "poskey", "synchronous_commit": "on", "timezone": "UTC",
		"lock_timeout":                        strconv.FormatInt(wait.Milliseconds(), 10),
		"idle_in_transaction_session_timeout": "600000",
	}
	config.RuntimeParams["search_path"] = schema
	for name, value := range defaults {
		if config.RuntimeParams[name] == "" {
			config.RuntimeParams[name] = value
		}
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = wait
	}
	return config, schema, nil
}

// begin starts a transaction that writes. A server that was restarted leaves dead connections behind; since nothing was
// done yet, another one is tried.
func (s *Store) begin(ctx context.Context, o *sql.TxOptions) (*sql.Tx, error) {
	for try := 0; ; try++ {
		tx, err := s.db.BeginTx(ctx, o)
		if err == nil || try == maxTries || !passing(err) {
			return tx, dbError(err)
		}
	}
}

// maxTries covers a pool full of dead connections.
const maxTries = 20

// passing reports an error of the link that a new connection may mend.
func passing(err error) bool { return fault.Is(dbError(err), fault.DeviceLink) && !refused(err) }
