//go:build unix

package testpg

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Server is a PostgreSQL server and its cluster.
type Server struct {
	dir  string
	bin  string
	as   *syscall.Credential // the server refuses to be root
	keep []string            // settings
}

// Start makes a cluster and starts its server. Settings are those of postgresql.conf, as fsync=off. The caller stops it
// ([Server.Remove]), also when the tests fail.
func Start(settings ...string) (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "pg") // short: a socket's path has about a hundred characters
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, bin: bin, keep: settings}
	if err := s.make(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := s.Up(); err != nil {
		return nil, errors.Join(err, s.Remove())
	}
	return s, nil
}

// binaries finds the newest server that is installed; Debian keeps it out of the search path.
func binaries() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		return "", errors.New("no PostgreSQL is installed; make deps installs it (Debian: apt-get install postgresql)")
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
		return n
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
	return filepath.Dir(newest), nil
}

func (s *Server) make() error {
	if os.Getuid() == 0 {
		s.as = other()
		if err := os.Chown(s.dir, int(s.as.Uid), int(s.as.Gid)); err != nil {
			return err
		}
	}
	return s.run("initdb", "-D", s.data(), "-U", "poskey", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
		"-n")
}

// other is who runs the server when we are root.
func other() *syscall.Credential {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errUID := strconv.ParseUint(u.Uid, 10, 32)
		gid, errGID := strconv.ParseUint(u.Gid, 10, 32)
		if errUID == nil && errGID == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), NoSetGroups: true}
		}
	}
	return &syscall.Credential{Uid: 65534, Gid: 65534, NoSetGroups: true}
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) run(name string, args ...string) error {
	c := exec.Command(filepath.Join(s.bin, name), args...) //nolint:gosec // G204: a program of PostgreSQL
	c.Dir = s.dir
	c.SysProcAttr = &syscall.SysProcAttr{Credential: s.as}
	said, err := os.CreateTemp("", "pgout") // a file: the server keeps what it inherits open
	if err != nil {
		return err
	}
	defer func() { _ = errors.Join(said.Close(), os.Remove(said.Name())) }()
	c.Stdout, c.Stderr = said, said
	if err := c.Run(); err != nil {
		out, _ := os.ReadFile(said.Name())
		return fmt.Errorf("%s: %w\n%s", name, err, bytes.TrimSpace(out))
	}
	return nil
}

// Up starts the server again after [Server.Down].
func (s *Server) Up() error {
	options := []string{"-c listen_addresses=", "-c unix_socket_directories=" + s.dir, "-c max_connections=60"}
	for _, setting := range s.keep {
		options = append(options, "-c "+setting)
	}
	return s.run("pg_ctl", "start", "-w", "-t", "60", "-D", s.data(), "-l", filepath.Join(s.dir, "log"), "-o",
		strings.Join(options, " "))
}

// Down stops the server, throwing out who is connected. What was committed stays.
func (s *Server) Down() error {
	return s.run("pg_ctl", "stop", "-w", "-t", "60", "-m", "fast", "-D", s.data())
}

// Crash stops it without any tidying up: the next start recovers from its log.
func (s *Server) Crash() error {
	return s.run("pg_ctl", "stop", "-w", "-t", "60", "-m", "immediate", "-D", s.data())
}

// Remove stops the server if it runs, and removes everything.
func (s *Server) Remove() error {
	var stopped error
	if _, err := os.Stat(filepath.Join(s.data(), "postmaster.pid")); err == nil {
		stopped = s.run("pg_ctl", "stop", "-w", "-t", "60", "-m", "immediate", "-D", s.data())
	}
	return errors.Join(stopped, os.RemoveAll(s.dir))
}

// URL names the database postgres of the cluster and a schema in it, which need not exist; "" names none.
func (s *Server) URL(schema string) string {
	q := url.Values{"host": {s.dir}}
	if schema != "" {
		q.Set("search_path", schema)
	}
	return "postgres://poskey@/postgres?" + q.Encode()
}
