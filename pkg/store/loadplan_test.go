package store

import (
	"database/sql"
	"strings"
	"testing"
)

// TestJournalIsReadByIndex looks at SQLite's plans: the loads of a run or a device are read by an index, a run is counted
// out of it alone, and what a batch asks for is found row by row.
func TestJournalIsReadByIndex(t *testing.T) {
	s := inside(t)
	plan := func(query string, args ...any) string {
		t.Helper()
		all := ""
		rows, err := s.db.Query("EXPLAIN QUERY PLAN "+query, args...)
		if err := each(rows, err, func(r *sql.Rows) error {
			var id, parent, unused int
			var line string
			err := r.Scan(&id, &parent, &unused, &line)
			all += line + "\n"
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return all
	}
	last := &Load{LoadRequest: LoadRequest{ID: "l", Run: "run", Serial: "SN"}}
	for what, c := range map[string]struct {
		filter LoadFilter
		index  string
	}{
		"all":    {LoadFilter{}, "USING INDEX loads_by_run"},
		"run":    {LoadFilter{Run: "run"}, "USING INDEX loads_by_run (run=?"},
		"states": {LoadFilter{Run: "run", States: []LoadState{LoadSent}}, "USING INDEX loads_by_run (run=?"},
		"device": {LoadFilter{Serial: "SN"}, "USING INDEX loads_by_serial (serial=?"},
		"both":   {LoadFilter{Run: "run", Serial: "SN"}, "USING INDEX loads_by_"},
	} {
		for _, after := range []*Load{nil, last} {
			query, args := c.filter.page(after, 100)
			if got := plan(query, args...); !strings.Contains(got, c.index) || strings.Contains(got, "TEMP B-TREE FOR ORDER BY") &&
				c.filter.Serial == "" {
				t.Errorf("%s: want %s:\n%s", what, c.index, got)
			}
		}
	}
	if got := plan("SELECT state, COUNT(*) FROM loads WHERE run = $1 GROUP BY state", "run"); !strings.Contains(got,
		"COVERING INDEX loads_by_run") {
		t.Errorf("counting:\n%s", got)
	}
	for _, query := range []string{"SELECT " + loadColumns + " FROM loads l" + loadJoins + " WHERE l.id {1}",
		"SELECT id FROM loads WHERE serial {1} AND state IN ('reserved', 'sent', 'unknown')",
		"SELECT request FROM allocations WHERE key_set {1} AND serial {1} AND state IN ('reserved', 'confirmed')"} {
		for line := range strings.Lines(plan(s.dialect.conditions(query), "[]")) {
			if strings.HasPrefix(line, "SCAN") && !strings.Contains(line, "json_each") && !strings.Contains(line, "JSON_EACH") {
				t.Errorf("%s:\n%s", query, line)
			}
		}
	}
}
