package store

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
)

func remembers(t *testing.T) *sql.DB {
	t.Helper()
	db := remembering("file://" + filepath.ToSlash(filepath.Join(t.TempDir(), "q.db")))
	db.SetMaxOpenConns(1)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := db.Exec("CREATE TABLE n (i INTEGER PRIMARY KEY, t TEXT NOT NULL)"); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		if _, err := db.Exec("INSERT INTO n (i, t) VALUES (?, ?)", i, fmt.Sprint("row ", i)); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

const above = "SELECT i FROM n WHERE i >= ? ORDER BY i"

func integers(t *testing.T, rows *sql.Rows, err error) (all []int) {
	t.Helper()
	if err := each(rows, err, func(r *sql.Rows) error {
		var i int
		err := r.Scan(&i)
		all = append(all, i)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestARememberedStatementGivesEachAskerItsOwnRows(t *testing.T) {
	db := remembers(t)
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	outer, err := tx.Query(above, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = outer.Close() }()
	var got []int
	for outer.Next() {
		var i int
		if err := outer.Scan(&i); err != nil {
			t.Fatal(err)
		}
		got = append(got, i)
		inner, err := tx.Query(above, i+1) // the same text while rows of it are open
		if n := len(integers(t, inner, err)); n != 4-i {
			t.Fatalf("%d rows above %d, want %d", n, i, 4-i)
		}
	}
	if len(got) != 4 || outer.Err() != nil {
		t.Fatal(got, outer.Err())
	}
}

func TestARememberedStatementOutlivesErrorsAndChangesOfTheTable(t *testing.T) {
	db := remembers(t)
	insert := "INSERT INTO n (i, t) VALUES (?, ?)"
	if _, err := db.Exec(insert, 1, "twice"); !isUnique(err) {
		t.Fatalf("got %v", err)
	}
	if _, err := db.Exec(insert, 9, "after an error"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("ALTER TABLE n ADD COLUMN more TEXT"); err != nil {
		t.Fatal(err)
	}
	rows, err := db.Query(above, 4)
	if got := integers(t, rows, err); len(got) != 2 {
		t.Fatal(got)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if rows, err := db.QueryContext(ended, above, 4); err == nil {
		_ = rows.Close()
		t.Fatal("asked after the end")
	}
	rows, err = db.Query(above, 0)
	if got := integers(t, rows, err); len(got) != 6 {
		t.Fatal(got)
	}
}

func TestOneConnectionRemembersABoundedNumberOfStatements(t *testing.T) {
	db := remembers(t)
	for i := range 2 * mostRemembered {
		rows, err := db.Query(fmt.Sprintf("%s LIMIT %d", above, i), 0)
		if got := integers(t, rows, err); len(got) != min(i, 5) {
			t.Fatal(i, got)
		}
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.Raw(func(c any) error {
		if kept := len(c.(*rememberingConn).kept); kept != mostRemembered {
			return fmt.Errorf("%d statements kept, want %d", kept, mostRemembered)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
