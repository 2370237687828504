package store

// Tests of what only the inside can show: statements, versions, limits of a connection.

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"poskey/internal/fault"
	"poskey/pkg/kcv"
)

func birthday() time.Time { return time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC) }

func inside(t *testing.T) *Store {
	t.Helper()
	u, err := SQLite(filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	check := kcv.Value{Method: kcv.CMAC, Digits: "ABCDEF"}
	id := Identity{ID: "inside", Environment: Test, Created: birthday(),
		Master: Master{Kind: ByToken, Check: check, Generation: 1, Token: "pkcs11:token=test"}}
	s, err := Create(t.Context(), u, id, nil, Options{Now: birthday})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func token(label string, version int) Key {
	return Key{Label: label, Version: version, Usage: "K0", Algorithm: "aes-128", Mode: 'B', Exportability: 'N', Len: 16,
		Block: "token:" + label + strings.Repeat("x", 400), Origin: Generated,
		Check: kcv.Value{Method: kcv.CMAC, Digits: fmt.Sprintf("%06X", version)}}
}

// TestNoQuestionReadsTheWholeTable looks at SQLite's plans: a page is read in the order of an index, without sorting.
func TestNoQuestionReadsTheWholeTable(t *testing.T) {
	s := inside(t)
	value := kcv.Value{Method: kcv.CMAC, Digits: "ABCDEF"}
	for what, c := range map[string]struct {
		choice choice
		index  string
	}{
		"all":              {choice{}, "keys_by_label"},
		"usage":            {choice{Filter: Filter{Usage: "K0"}}, "keys_by_usage"},
		"state":            {choice{Filter: Filter{State: Active}}, "keys_by_state"},
		"usage and state":  {choice{Filter: Filter{Usage: "K0", State: Active}}, "keys_by_usage"},
		"algorithm":        {choice{Filter: Filter{Algorithm: "aes-128"}}, "COVERING INDEX keys_by_state"},
		"usage, algorithm": {choice{Filter: Filter{Usage: "K0", Algorithm: "aes-128"}}, "COVERING INDEX keys_by_usage"},
		"prefix":           {choice{Filter: Filter{Prefix: "A", State: Active, Usage: "K0"}}, "keys_by_label"},
		"label":            {choice{Filter: Filter{Label: "A", State: Active}}, "keys_by_label"},
		"parent":           {choice{parent: 7, Filter: Filter{Usage: "K0", State: Active}}, "keys_by_parent"},
		"roots":            {choice{roots: true}, "keys_by_parent"},
		"expiring":         {choice{expiring: true, Filter: Filter{ExpiringBefore: birthday()}}, "keys_by_end"},
		"expiring, usage": {choice{expiring: true,
			Filter: Filter{ExpiringBefore: birthday(), Usage: "K0", State: Active}}, "keys_by_end"},
		"check value":         {choice{Filter: Filter{Check: value, State: Active, Usage: "K0"}}, "keys_by_check"},
		"check value, prefix": {choice{Filter: Filter{Check: value, Prefix: "A"}}, "keys_by_"},
	} {
		for _, begun := range []bool{false, true} {
			c.choice.begun, c.choice.label, c.choice.version, c.choice.id = begun, "A", 1, 1
			query, args := c.choice.page(100)
			rows, err := s.db.Query("EXPLAIN QUERY PLAN "+query, args...)
			plan := ""
			err = each(rows, err, func(r *sql.Rows) error {
				var id, parent, unused int
				var line string
				err := r.Scan(&id, &parent, &unused, &line)
				plan += line + "\n"
				return err
			})
			if err != nil || !strings.Contains(plan, c.index) {
				t.Errorf("%s: want %s, %v:\n%s", what, c.index, err, plan)
			}
			sorts := strings.Contains(plan, "TEMP B-TREE") && len(c.choice.arms()) == 1 && c.choice.Check == (kcv.Value{})
			if sorts || strings.Contains(plan, "SCAN k\n") {
				t.Errorf("%s:\n%s", what, plan)
			}
		}
	}
}

// TestOlderSchemaIsBroughtUpInSilence lets goose apply a second version, and looks at what it says.
func TestOlderSchemaIsBroughtUpInSilence(t *testing.T) {
	s := inside(t)
	steps := append(sqliteDialect.migrations(), "CREATE TABLE later (x INTEGER) STRICT; INSERT INTO later VALUES (7);")
	if err := sqliteDialect.bring(t.Context(), s.db, steps, true); !fault.Is(err, fault.VersionUnsupported) {
		t.Errorf("for reading: %v", err)
	}
	out, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	was, wasErr := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = out, out
	err = sqliteDialect.bring(t.Context(), s.db, steps, false)
	os.Stdout, os.Stderr = was, wasErr
	if err != nil {
		t.Fatal(err)
	}
	if said, err := os.ReadFile(out.Name()); err != nil || len(said) > 0 {
		t.Errorf("it said %q, %v", said, err)
	}
	var x int
	if err := s.db.QueryRow("SELECT x FROM later").Scan(&x); err != nil || x != 7 {
		t.Errorf("%d, %v", x, err)
	}
	if err := sqliteDialect.bring(t.Context(), s.db, steps, false); err != nil {
		t.Errorf("again: %v", err)
	}
	if err := sqliteDialect.bring(t.Context(), s.db, steps[:1], false); !fault.Is(err, fault.VersionUnsupported) {
		t.Errorf("by an older program: %v", err)
	}
	broken := append(steps, "CREATE TABLE half (x INTEGER) STRICT; INSERT INTO nowhere VALUES (7);")
	if err := sqliteDialect.bring(t.Context(), s.db, broken, false); err == nil {
		t.Error("a broken step was applied")
	}
	if _, err := s.db.Exec("SELECT * FROM half"); err == nil {
		t.Error("half a step is there")
	}
}

// TestFullDatabaseKeepsWhatItHas: SQLite says that it is full, as it says of a disk.
func TestFullDatabaseKeepsWhatItHas(t *testing.T) {
	s := inside(t)
	if _, err := s.Insert(t.Context(), Change{}, token("KEPT", 1)); err != nil {
		t.Fatal(err)
	}
	s.db.SetMaxOpenConns(1)
	if _, err := s.db.Exec("PRAGMA max_page_count = 60"); err != nil {
		t.Fatal(err)
	}
	acknowledged := 0
	var err error
	for err == nil {
		if _, err = s.Insert(t.Context(), Change{}, token("FILL", acknowledged+1)); err == nil {
			acknowledged++
		}
	}
	if !fault.Is(err, fault.Failure) || !strings.Contains(err.Error(), "room") {
		t.Errorf("%v", err)
	}
	if n, err := s.Count(context.Background(), Filter{Label: "FILL"}); err != nil || int(n) != acknowledged || n < 10 {
		t.Errorf("%d keys, %d were acknowledged, %v", n, acknowledged, err)
	}
	if r, err := s.Verify(t.Context(), nil); err != nil || r.Wrong() != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// FuzzMalleability: there is one way to write a row.
func FuzzMalleability(f *testing.F) {
	f.Add(`{"devices":{"serial":"SN1","model":"","poi_version":"5","state":"expected","added":1,"changed":-1}}` + "\n")
	f.Add(`{"allocations":{"request":"r","key_set":"S","n":1,"ksn":"F","serial":"s","state":"burnt","lease":null,` +
		`"at":1,"changed":1}}` + "\n")
	f.Add(`{"officers":{"fingerprint":"f","id":"i","card":"Y2FyZA==","added":1,"revoked":0}}` + "\n")
	f.Add(`{"keys":{}}` + "\n")
	all := tables(schemaVersion())
	f.Fuzz(func(t *testing.T, line string) {
		name, _ := tableOf([]byte(line))
		for i := range all {
			row, err := all[i].decode([]byte(line))
			if err != nil {
				if row != nil {
					t.Error("a row with an error")
				}
				continue
			}
			again, err := all[i].encode(nil, row)
			if err != nil || string(again) != line || all[i].name != name {
				t.Errorf("%q is written as %q, %v", line, again, err)
			}
		}
	})
}

// TestColumnsOfADumpAreThoseOfTheSchema: a column that a backup forgot would be lost.
func TestColumnsOfADumpAreThoseOfTheSchema(t *testing.T) {
	s := inside(t)
	seen := map[string]bool{"schema_version": true, "sqlite_sequence": true}
	for _, table := range tables(schemaVersion()) {
		seen[table.name] = true
		var got []string
		rows, err := s.db.Query("SELECT name FROM pragma_table_xinfo($1) WHERE hidden = 0", table.name)
		err = each(rows, err, func(r *sql.Rows) error {
			var name string
			err := r.Scan(&name)
			got = append(got, name)
			return err
		})
		if err != nil || strings.Join(got, ", ") != table.names() {
			t.Errorf("%s: the schema has %v, the dump %s, %v", table.name, got, table.names(), err)
		}
	}
	rows, err := s.db.Query("SELECT name FROM sqlite_schema WHERE type = 'table'")
	if err := each(rows, err, func(r *sql.Rows) error {
		var name string
		err := r.Scan(&name)
		if !seen[name] {
			t.Errorf("table %s is in no backup", name)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// TestBagNamesAgreeWithFolding walks all letters: bags are one by name if and only if a ceremony takes their serials for the
// same, which compares without case.
func TestBagNamesAgreeWithFolding(t *testing.T) {
	for c := rune(1); c <= unicode.MaxRune; c++ {
		for d := unicode.SimpleFold(c); d != c; d = unicode.SimpleFold(d) {
			if BagName("B "+string(c)) != BagName("b"+string(d)) {
				t.Errorf("%q and %q are two", c, d)
			}
		}
	}
	for _, other := range []string{"B-1", "B1", "B-10", "Ｂ-01"} {
		if BagName("B-01") == BagName(other) {
			t.Errorf("B-01 and %s are one", other)
		}
	}
}
