package store

// Writing a backup, reading it, making a store of it.

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"maps"
	"strconv"
	"strings"

	"poskey/internal/fault"
)

// Summary says what a backup holds.
type Summary struct {
	Store       string
	Environment string
	Mark        Mark
	Rows        map[string]int64 // by table
	SHA256      string           // of all lines but the last
}

// Backup writes a dump of one moment to w. It holds no clear key, but everything about who has which keys: the caller
// encrypts it.
func (s *Store) Backup(ctx context.Context, w io.Writer) (Summary, error) {
	return s.BackupFrom(ctx, w, func(Mark) error { return nil })
}

// BackupFrom is [Store.Backup] for who writes the audit log beside the dump: moment is told the mark of the dump's
// moment before anything is written, and its error ends the backup.
func (s *Store) BackupFrom(ctx context.Context, w io.Writer, moment func(Mark) error) (Summary, error) {
	d := dumper{w: bufio.NewWriterSize(w, 1<<20), sum: sha256.New(), rows: map[string]int64{}}
	var sum Summary
	err := s.snapshot(ctx, func(tx *sql.Tx) error {
		id, err := readIdentity(ctx, tx)
		if err != nil {
			return err
		}
		mark, err := readMark(ctx, tx)
		if err != nil {
			return err
		}
		if err := moment(mark); err != nil {
			return err
		}
		sum = Summary{Store: id.ID, Environment: id.Environment}
		return d.dump(ctx, tx, dumpHead{dumpFormat, schemaVersion(), id.ID, id.Environment}, &sum.Mark)
	})
	if err != nil {
		return Summary{}, fault.Wrap(err, "backing up the store")
	}
	sum.Rows, sum.SHA256 = d.rows, d.digest()
	return sum, nil
}

type dumper struct {
	w    *bufio.Writer
	sum  hash.Hash
	rows map[string]int64
}

func (d *dumper) digest() string { return strings.ToUpper(hex.EncodeToString(d.sum.Sum(nil))) }

func (d *dumper) line(line []byte) error {
	d.sum.Write(line)
	_, err := d.w.Write(line)
	return err
}

func (d *dumper) dump(ctx context.Context, tx *sql.Tx, head dumpHead, mark *Mark) error {
	line, err := json.Marshal(head)
	if err != nil {
		return err
	}
	if err := d.line(append(line, '\n')); err != nil {
		return err
	}
	for _, t := range tables(head.Schema) {
		if err := d.table(ctx, tx, t, mark); err != nil {
			return err
		}
	}
	tail, err := json.Marshal(dumpTail{d.rows, d.digest()})
	if err != nil {
		return err
	}
	_, err = d.w.Write(append(tail, '\n'))
	return errors.Join(err, d.w.Flush())
}

func (d *dumper) table(ctx context.Context, tx *sql.Tx, t table, mark *Mark) error {
	d.rows[t.name] = 0
	into := t.destinations()
	var line []byte
	query := "SELECT " + t.names() + " FROM " + t.name + " ORDER BY " + t.key //nolint:gosec // G202: names of dump.go
	rows, err := tx.QueryContext(ctx, query)
	return each(rows, err, func(r *sql.Rows) error {
		err := r.Scan(into...)
		if err != nil {
			return err
		}
		d.rows[t.name]++
		t.mark(into, mark)
		if line, err = t.encode(line[:0], into); err != nil {
			return err
		}
		return d.line(line)
	})
}

// mark raises a mark to the one that stands in a row.
func (t *table) mark(row []any, highest *Mark) {
	if t.name != "meta" && t.name != "key_sets" {
		return
	}
	var m Mark
	for i, c := range t.columns {
		switch c.name {
		case "mark_seq":
			m.Seq = uint64(*row[i].(*int64))
		case "mark_hash":
			m.Hash = *row[i].(*string)
		}
	}
	if m.Seq > highest.Seq {
		*highest = m
	}
}

// ReadBackup reads a dump to its end and checks its form, its counts and its digest. Errors: malformed,
// version_unsupported, checksum_mismatch, partial (cut off).
func ReadBackup(r io.Reader) (Summary, error) {
	sum, _, err := readDump(r, func(int) error { return nil }, func(*table, []any) error { return nil })
	return sum, fault.Wrap(err, "reading the backup")
}

// readDump tells begin the version of a dump's schema, also one before this poskey's, and gives the rows to f. What
// they did counts only when there is no error: the digest is at the end.
func readDump(r io.Reader, begin func(version int) error, f func(t *table, row []any) error) (Summary, int, error) {
	d := undumper{r: bufio.NewReaderSize(r, 1<<16), sum: sha256.New(), rows: map[string]int64{}}
	line, err := d.line()
	if err != nil {
		return Summary{}, 0, err
	}
	var head dumpHead
	switch err := decodeLine(line, &head); {
	case err != nil || !strings.HasPrefix(head.Format, "poskey.store/"):
		return Summary{}, 0, fault.New(fault.Malformed, "this is no backup of a poskey store")
	case head.Format != dumpFormat || head.Schema < 1 || head.Schema > schemaVersion():
		return Summary{}, 0, fault.New(fault.VersionUnsupported,
			"the backup has format %q and schema %d, this poskey reads %q and schemas up to %d",
			head.Format, head.Schema, dumpFormat, schemaVersion())
	}
	d.sum.Write(line)
	d.tables = tables(head.Schema)
	if err := begin(head.Schema); err != nil {
		return Summary{}, 0, err
	}
	sum := Summary{Store: head.Store, Environment: head.Environment, Rows: d.rows}
	if line, err = d.all(f, &sum); err != nil {
		return Summary{}, 0, err
	}
	return sum, head.Schema, d.finish(line, &sum)
}

type undumper struct {
	r      *bufio.Reader
	sum    hash.Hash
	tables []table
	rows   map[string]int64
	lines  int
}

// line reads a line with its line feed, valid until the next call.
func (d *undumper) line() ([]byte, error) {
	line, err := d.r.ReadSlice('\n')
	for errors.Is(err, bufio.ErrBufferFull) && len(line) < maxLine {
		line = bytes.Clone(line)
		var more []byte
		more, err = d.r.ReadSlice('\n')
		line = append(line, more...)
	}
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, fault.New(fault.TooLarge, "line %d is longer than %d bytes", d.lines+1, maxLine)
	case errors.Is(err, io.EOF):
		return nil, fault.New(fault.Partial, "the backup ends after %d lines, without its last one", d.lines)
	case err != nil:
		return nil, err
	}
	d.lines++
	return line, nil
}

// all reads the rows and gives the line after them.
func (d *undumper) all(f func(*table, []any) error, sum *Summary) ([]byte, error) {
	left := d.tables
	for {
		line, err := d.line()
		if err != nil {
			return nil, err
		}
		name, isRow := tableOf(line)
		if !isRow || name == "rows" {
			return line, nil
		}
		for len(left) > 0 && left[0].name != name {
			left = left[1:]
		}
		if len(left) == 0 {
			return nil, fault.Wrap(malformedDump(), "line %d", d.lines)
		}
		row, err := left[0].decode(line)
		if err == nil {
			err = f(&left[0], row)
		}
		if err != nil {
			return nil, fault.Wrap(dbError(err), "line %d", d.lines)
		}
		d.sum.Write(line)
		d.rows[name]++
		left[0].mark(row, &sum.Mark)
	}
}

func (d *undumper) finish(line []byte, sum *Summary) error {
	var tail dumpTail
	if err := decodeLine(line, &tail); err != nil {
		return fault.Wrap(err, "line %d", d.lines)
	}
	for _, t := range d.tables {
		d.rows[t.name] += 0 // tables without rows are counted too
	}
	sum.SHA256 = strings.ToUpper(hex.EncodeToString(d.sum.Sum(nil)))
	switch _, err := d.r.ReadByte(); {
	case !maps.Equal(tail.Rows, d.rows) || tail.SHA256 != sum.SHA256:
		return fault.New(fault.ChecksumMismatch, "the backup is damaged: its last line does not fit the lines above")
	case err == nil:
		return fault.New(fault.Malformed, "something follows the last line of the backup")
	case !errors.Is(err, io.EOF):
		return err
	}
	return nil
}

// RestoreInto makes a store from a dump, whole or not at all; it never overwrites one (file_exists). The store is the
// one that was backed up, with its id and environment. Errors of [ReadBackup] and [Create].
func RestoreInto(ctx context.Context, u URL, r io.Reader, o Options) (Summary, error) {
	return restoreInto(ctx, u, r, o, nil)
}

// RestoreWith is RestoreInto for a store that goes on: with its rows it gets what keeps numbers from going out twice.
func RestoreWith(ctx context.Context, u URL, r io.Reader, o Options, c Caution) (Summary, error) {
	return restoreInto(ctx, u, r, o, c.apply)
}

func restoreInto(ctx context.Context, u URL, r io.Reader, o Options, after func(context.Context, *sql.Tx) error) (Summary, error) {
	var sum Summary
	err := birth(ctx, u, o, func(ctx context.Context, tx *sql.Tx) (err error) {
		sum, err = restore(ctx, tx, u.dialect(), r, o.Expect)
		if err == nil && after != nil {
			err = after(ctx, tx)
		}
		return err
	})
	if err != nil {
		return Summary{}, fault.Wrap(err, "restoring into %s", u.Redacted())
	}
	return sum, nil
}

func restore(ctx context.Context, tx *sql.Tx, d dialect, r io.Reader, want Identity) (Summary, error) {
	put := map[string]*sql.Stmt{}
	defer func() {
		for _, stmt := range put {
			_ = stmt.Close()
		}
	}()
	begin := func(version int) error { return d.build(ctx, tx, 0, version) }
	sum, version, err := readDump(r, begin, func(t *table, row []any) error {
		if put[t.name] == nil {
			stmt, err := tx.PrepareContext(ctx, t.insert())
			if err != nil {
				return err
			}
			put[t.name] = stmt
		}
		_, err := put[t.name].ExecContext(ctx, plain(row)...)
		return err
	})
	if err != nil {
		return Summary{}, err
	}
	if err := d.build(ctx, tx, version, schemaVersion()); err != nil {
		return Summary{}, err
	}
	if sum.Rows["meta"] != 1 {
		return Summary{}, fault.New(fault.Malformed, "the backup does not say whose it is")
	}
	id, err := readIdentity(ctx, tx)
	if err != nil {
		return Summary{}, err
	}
	if err := errors.Join(id.check(), id.meets(want)); err != nil {
		return Summary{}, err
	}
	if id.ID != sum.Store || id.Environment != sum.Environment {
		return Summary{}, fault.New(fault.Malformed, "the first line of the backup names another store than its rows")
	}
	lost, err := strays(ctx, tx)
	if err == nil && len(lost) > 0 {
		err = fault.Wrap(stray(), "request %s", lost[0])
	}
	if err != nil {
		return Summary{}, err
	}
	return sum, d.renumber(ctx, tx)
}

// plain takes the values out of scanned variables. A nil pointer becomes a NULL.
func plain(row []any) []any {
	values := make([]any, len(row))
	for i, v := range row {
		switch v := v.(type) {
		case *string:
			values[i] = *v
		case *int64:
			values[i] = *v
		case *[]byte:
			values[i] = notNil(*v)
		case **int64:
			if *v != nil {
				values[i] = **v
			}
		case **string:
			if *v != nil {
				values[i] = **v
			}
		}
	}
	return values
}

func (t *table) insert() string {
	places := make([]string, len(t.columns))
	for i := range places {
		places[i] = "$" + strconv.Itoa(i+1)
	}
	return "INSERT INTO " + t.name + " (" + t.names() + ") VALUES (" + strings.Join(places, ", ") + ")"
}

// renumber lets new rows begin after those that came with their numbers. SQLite does so by itself.
func (d dialect) renumber(ctx context.Context, tx *sql.Tx) error {
	if d != postgresDialect {
		return nil
	}
	for _, query := range []string{
		"SELECT setval(pg_get_serial_sequence('key_events', 'id'), GREATEST((SELECT MAX(id) FROM key_events), 1))",
		"SELECT setval(pg_get_serial_sequence('holdings', 'id'), GREATEST((SELECT MAX(id) FROM holdings), 1))",
	} {
		if _, err := tx.ExecContext(ctx, query); err != nil {
			return err
		}
	}
	return nil
}
