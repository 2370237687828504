package store

// Statements for many rows at once. A server is told all rows in one message, as arrays; in a file a prepared statement
// runs for each row.

import (
	"context"
	"database/sql"
	"encoding/json"
	"strconv"
	"strings"
	"sync"
)

// among is a condition: what stands before it is one of the texts that are given at a place of a statement.
func (d dialect) among(place int) string {
	if d == postgresDialect {
		return "= ANY ($" + strconv.Itoa(place) + "::TEXT[])"
	}
	return "IN (SELECT value FROM JSON_EACH($" + strconv.Itoa(place) + "))"
}

// conditions puts such conditions in the places {1}, {2} and so on.
func (d dialect) conditions(query string) string {
	for place := 1; strings.Contains(query, "{"); place++ {
		query = strings.ReplaceAll(query, "{"+strconv.Itoa(place)+"}", d.among(place))
	}
	return query
}

// texts is a list of texts as an argument of a statement.
func (d dialect) texts(list []string) any {
	if d == postgresDialect {
		return notNilTexts(list)
	}
	raw, err := json.Marshal(notNilTexts(list))
	if err != nil {
		return nil // texts have no error
	}
	return string(raw)
}

func notNilTexts(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// bulk is a statement that writes rows of texts and numbers. In its text {1}, {2} and so on are the values of a row,
// and {rows} is where they come from, in the place of a FROM clause.
type bulk struct {
	statement string
	kinds     string // of the values: t a text, n a number
}

func (b bulk) text(d dialect) string {
	var columns, arrays []string
	statement := b.statement
	for i, kind := range b.kinds {
		n := strconv.Itoa(i + 1)
		value := "$" + n
		if d == postgresDialect {
			value = "v.c" + n
			array := "$" + n + "::TEXT[]"
			if kind == 'n' {
				array = "$" + n + "::BIGINT[]"
			}
			columns, arrays = append(columns, "c"+n), append(arrays, array)
		}
		statement = strings.ReplaceAll(statement, "{"+n+"}", value)
	}
	from := ""
	if d == postgresDialect {
		from = "FROM UNNEST(" + strings.Join(arrays, ", ") + ") AS v (" + strings.Join(columns, ", ") + ")"
	}
	return strings.ReplaceAll(statement, "{rows}", from)
}

// write runs the statement for all rows and counts those of the table that it wrote.
func (s *Store) write(ctx context.Context, tx *sql.Tx, b bulk, rows [][]any) (int64, error) {
	switch {
	case len(rows) == 0:
		return 0, nil
	case s.dialect == postgresDialect:
		done, err := tx.ExecContext(ctx, b.text(postgresDialect), b.arrays(rows)...)
		return affected(done, err)
	}
	statement, err := s.statements.get(ctx, s.db, b.text(sqliteDialect))
	if err != nil {
		return 0, err
	}
	each := tx.StmtContext(ctx, statement)
	defer func() { _ = each.Close() }()
	var all int64
	for _, row := range rows {
		done, err := each.ExecContext(ctx, row...)
		n, err := affected(done, err)
		if err != nil {
			return 0, err
		}
		all += n
	}
	return all, nil
}

// arrays turns rows into columns.
func (b bulk) arrays(rows [][]any) []any {
	columns := make([]any, len(b.kinds))
	for i, kind := range b.kinds {
		if kind == 'n' {
			columns[i] = column64(rows, i)
			continue
		}
		texts := make([]string, len(rows))
		for r := range rows {
			texts[r], _ = rows[r][i].(string)
		}
		columns[i] = texts
	}
	return columns
}

func column64(rows [][]any, i int) []int64 {
	numbers := make([]int64, len(rows))
	for r := range rows {
		numbers[r], _ = rows[r][i].(int64)
	}
	return numbers
}

// ask asks for the rows of a few lists of texts.
func (s *Store) ask(ctx context.Context, tx *sql.Tx, query string, lists [][]string, f func(*sql.Rows) error) error {
	args := make([]any, len(lists))
	for i, list := range lists {
		args[i] = s.dialect.texts(list)
	}
	query = s.dialect.conditions(query)
	if s.dialect == postgresDialect {
		rows, err := tx.QueryContext(ctx, query, args...)
		return each(rows, err, f)
	}
	statement, err := s.statements.get(ctx, s.db, query)
	if err != nil {
		return err
	}
	in := tx.StmtContext(ctx, statement)
	defer func() { _ = in.Close() }()
	rows, err := in.QueryContext(ctx, args...)
	return each(rows, err, f)
}

// statements keeps what SQLite has prepared; with a server its driver does so. They end with their connections.
type statements struct {
	mu  sync.Mutex
	all map[string]*sql.Stmt
}

func (s *statements) get(ctx context.Context, db *sql.DB, text string) (*sql.Stmt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.all[text]; known != nil {
		return known, nil
	}
	fresh, err := db.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	if s.all == nil {
		s.all = map[string]*sql.Stmt{}
	}
	s.all[text] = fresh
	return fresh, nil
}
