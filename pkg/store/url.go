package store

// Where a store is: a file or a server.

import (
	"net/url"
	"path/filepath"
	"strings"

	"poskey/internal/fault"
)

// URL says where a store is. The zero value is nowhere.
type URL struct {
	path   string   // of a SQLite file
	server *url.URL // of PostgreSQL
}

// ParseURL reads sqlite:PATH, postgres://… or postgresql://…; anything else is an error of kind usage, which never
// repeats the text: it may hold a password.
func ParseURL(s string) (URL, error) {
	scheme, rest, ok := strings.Cut(strings.TrimSpace(s), ":")
	switch {
	case !ok:
	case strings.EqualFold(scheme, "sqlite"):
		return SQLite(rest)
	case strings.EqualFold(scheme, "postgres"), strings.EqualFold(scheme, "postgresql"):
		u, err := url.Parse(strings.TrimSpace(s))
		if err != nil || !strings.HasPrefix(rest, "//") || misread(u) {
			return URL{}, fault.New(fault.Usage,
				"the URL of the PostgreSQL store cannot be read; want postgres://USER@HOST/DATABASE")
		}
		return URL{server: u}, nil
	}
	return URL{}, fault.New(fault.Usage, "the URL of a store begins with sqlite: or postgres://")
}

// misread tells a URL whose password was not taken for one: an unescaped / ? or # in it ends the part that it stands
// in, and what is left would be shown.
func misread(u *url.URL) bool {
	option, _, _ := strings.Cut(u.RawQuery, "=")
	return u.Fragment != "" || strings.Contains(u.EscapedPath(), "@") || strings.Contains(option, "@")
}

// SQLite names a file; a path that is empty, :memory: or has a NUL in it is an error of kind usage.
func SQLite(path string) (URL, error) {
	if path == "" || path == ":memory:" || strings.ContainsRune(path, 0) {
		return URL{}, fault.New(fault.Usage, "a SQLite store is a file: sqlite:PATH")
	}
	return URL{path: filepath.Clean(path)}, nil
}

// IsZero reports whether it names no place.
func (u URL) IsZero() bool { return u.path == "" && u.server == nil }

// Path is the file of a SQLite store, "" on a server.
func (u URL) Path() string { return u.path }

// Redacted is the URL for people and logs, without any password.
func (u URL) Redacted() string {
	if u.server == nil {
		return "sqlite:" + u.path
	}
	shown := *u.server
	if shown.User != nil {
		shown.User = url.User(shown.User.Username())
	}
	q := shown.Query()
	for name := range q {
		if strings.Contains(strings.ToLower(name), "passw") { // password, sslpassword, and what somebody took for them
			q.Del(name)
		}
	}
	shown.RawQuery = q.Encode()
	return shown.String()
}

// String is [URL.Redacted]: a password does not get into a log by accident.
func (u URL) String() string { return u.Redacted() }
