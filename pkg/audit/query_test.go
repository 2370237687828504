package audit

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
)

func chosen(t testing.TB, raw []byte, f Filter) string {
	t.Helper()
	var seqs []uint64
	for r, err := range Query(readerOf(raw), f) {
		if err != nil {
			t.Fatal(err)
		}
		seqs = append(seqs, r.Seq)
	}
	return fmt.Sprint(seqs)
}

func TestRecordsAreChosenByTimeOperationObjectActorAndResult(t *testing.T) {
	raw := read(t, "testdata/small.jsonl")
	at := func(s string) time.Time {
		got, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	for what, c := range map[string]struct {
		f    Filter
		want string
	}{
		"all":                  {Filter{}, "[1 2 3 4 5 6 7 8 9 10 11]"},
		"from":                 {Filter{From: at("2026-03-01T08:00:02Z")}, "[2 3]"},
		"until":                {Filter{Until: at("2026-03-01T07:58:36Z")}, "[4 5]"},
		"from and until":       {Filter{From: at("2026-03-01T07:58:35Z"), Until: at("2026-03-01T07:58:37Z")}, "[5 6]"},
		"another time zone":    {Filter{From: at("2026-03-01T09:00:02+01:00")}, "[2 3]"},
		"an operation":         {Filter{Operation: KeyExport}, "[4]"},
		"operations on keys":   {Filter{Operation: "key."}, "[2 3 4 7 11]"},
		"a longer operation":   {Filter{Operation: "key"}, "[]"},
		"a kind of object":     {Filter{Kind: KindDevice}, "[5 6]"},
		"a label":              {Filter{Label: "ZMK-2026"}, "[2 3 4]"},
		"who acted":            {Filter{Actor: "bob"}, "[3 4 8 9]"},
		"who took part":        {Filter{Actor: "陈伟"}, "[3]"},
		"a result":             {Filter{Result: Refused}, "[4]"},
		"all at once":          {Filter{Operation: "key.", Label: "ZMK-2026", Actor: "bob", Result: Done}, "[3]"},
		"nothing that is here": {Filter{Actor: "mallory"}, "[]"},
	} {
		if got := chosen(t, raw, c.f); got != c.want {
			t.Errorf("%s: %s, want %s", what, got, c.want)
		}
	}
}

func TestQueryEndsAtTheBreak(t *testing.T) {
	raw, _ := evidence(t)
	for what, c := range map[string]struct {
		raw    []byte
		reason Reason
	}{
		"changed": {bytes.Replace(raw, []byte("ZMK-3"), []byte("ZMK-9"), 1), Changed},
		"deleted": {[]byte(strings.Join(append(splitLines(raw)[:4:4], splitLines(raw)[5:]...), "")), OutOfOrder},
	} {
		n := 0
		var last error
		for r, err := range Query(readerOf(c.raw), Filter{}) {
			if last != nil {
				t.Fatalf("%s: more after the error: %v", what, r)
			}
			if last = err; err == nil {
				n++
			}
		}
		wantProblem(t, what, last, c.reason)
		if n != 4 {
			t.Errorf("%s: %d records", what, n)
		}
	}
	for range Query(readerOf(raw), Filter{}) {
		break // a caller that has seen enough
	}
}

func TestJSONLinesAreTheLinesOfTheLog(t *testing.T) {
	raw := read(t, "testdata/small.jsonl")
	var out bytes.Buffer
	if err := WriteJSONLines(&out, Query(readerOf(raw), Filter{})); err != nil || !bytes.Equal(out.Bytes(), raw) {
		t.Errorf("%v\n%s", err, out.Bytes())
	}
	out.Reset()
	if err := WriteJSONLines(&out, Query(readerOf(raw), Filter{Operation: KeyExport})); err != nil || out.String() != splitLines(raw)[3] {
		t.Errorf("%v\n%s", err, out.Bytes())
	}
}

func TestSpreadsheetHasEveryRecordInARow(t *testing.T) {
	raw := read(t, "testdata/small.jsonl")
	var out bytes.Buffer
	if err := WriteCSV(&out, Query(readerOf(raw), Filter{})); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(out.Bytes())).ReadAll()
	if err != nil || len(rows) != 12 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	cell := func(row int, column string) string {
		for i, name := range rows[0] {
			if name == column {
				return rows[row][i]
			}
		}
		t.Fatalf("no column %s", column)
		return ""
	}
	for _, c := range []struct {
		row          int
		column, want string
	}{
		{1, "seq", "1"}, {1, "op", "log.create"}, {2, "of", ""}, {3, "of", "2"}, {3, "with", "bob (administrator); 陈伟 (custodian)"},
		{3, "check", "08D7B4 (ecb-zero)"}, {3, "details", `algorithm: aes-256; note: a "quoted" \ word; usage: K0`},
		{4, "back_us", "89000000"}, {4, "result", "refused"}, {4, "fault", "not_permitted"}, {4, "who", "bob"},
		{6, "ksn", "FFFF9876543210E00000"}, {6, "count", "10"}, {6, "ok", "6"}, {6, "unknown", "1"}, {2, "result", ""},
	} {
		if got := cell(c.row, c.column); got != c.want {
			t.Errorf("row %d, %s: %q, want %q", c.row, c.column, got, c.want)
		}
	}
	all := records(t, raw)
	for i, r := range all {
		if cell(i+1, "hash") != r.Hash.String() {
			t.Errorf("row %d is another record", i+1)
		}
	}
	if n := strings.Count(out.String(), "\r\n"); n != 12 || strings.Contains(strings.ReplaceAll(out.String(), "\r\n", ""), "\n") {
		t.Errorf("%d lines", n)
	}
}

func TestNoCellIsAFormula(t *testing.T) {
	l, path := newLog(t, 0)
	for _, s := range []string{"=1+1", "+1", "-1", "@SUM(A1)", `=cmd|' /C calc'!A0`, " =1", "＝1", "a;=1", `";=1`, "a,=1", `a","=1`, "a, +b", "=", "--"} {
		e := Entry{Who: Actor{s, "operator", s}, With: []Actor{{s, "operator", s}}, Operation: KeyCheck,
			Object: Object{Kind: KindKey, Label: s}, Details: Details{FieldReason: s}}
		if _, err := l.Append(e, OK()); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := WriteCSV(&out, Query(l.Reader(), Filter{})); err != nil {
		t.Fatal(err)
	}
	for _, separator := range []rune{',', ';', '|'} { // as spreadsheets of different countries cut
		r := csv.NewReader(bytes.NewReader(out.Bytes()))
		r.Comma, r.LazyQuotes, r.FieldsPerRecord = separator, true, -1
		rows, err := r.ReadAll()
		if err != nil || len(rows) < 10 {
			t.Fatalf("cut at %q: %d rows, %v", separator, len(rows), err)
		}
		for i, row := range rows {
			for _, cell := range row {
				bare := strings.TrimLeft(cell, ` "`)
				if strings.IndexAny(bare, "=+-@＝＋－＠") == 0 {
					t.Errorf("cut at %q, row %d: %q begins a formula", separator, i, cell)
				}
			}
		}
	}
	if got := harmless("plain - text = fine; and 2026-03-01"); got != "plain - text = fine; and 2026-03-01" {
		t.Errorf("harmless text was changed: %q", got)
	}
	verified(t, read(t, path), Expect{})
}

func TestFailedExportSaysSo(t *testing.T) {
	raw := read(t, "testdata/small.jsonl")
	broken := errors.New("pipe closed")
	for what, export := range map[string]func(io.Writer) error{
		"json": func(w io.Writer) error { return WriteJSONLines(w, Query(readerOf(raw), Filter{})) },
		"csv":  func(w io.Writer) error { return WriteCSV(w, Query(readerOf(raw), Filter{})) },
	} {
		var whole bytes.Buffer
		if err := export(&whole); err != nil {
			t.Fatal(err)
		}
		for left := 0; left < whole.Len(); left += 300 {
			w := &brokenPipe{left, broken}
			if err := export(w); !errors.Is(err, broken) {
				t.Errorf("%s after %d bytes: %v", what, left, err)
			}
		}
	}
	var out bytes.Buffer
	damaged := bytes.Replace(raw, []byte("LEFT-OPEN"), []byte("LEFT-OPEM"), 1)
	err := WriteJSONLines(&out, Query(readerOf(damaged), Filter{}))
	if !fault.Is(err, fault.LogBroken) || out.String() != strings.Join(splitLines(raw)[:6], "") {
		t.Errorf("%v\n%s", err, out.Bytes())
	}
}

type brokenPipe struct {
	left int
	err  error
}

func (b *brokenPipe) Write(p []byte) (int, error) {
	if len(p) > b.left {
		return 0, b.err
	}
	b.left -= len(p)
	return len(p), nil
}
