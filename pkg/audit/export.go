package audit

// Exports: JSON Lines for programs, CSV for spreadsheets.

import (
	"bufio"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"poskey/internal/chained"
	"poskey/internal/fault"
)

// WriteJSONLines writes records as they stand in the log, so that each line still carries a hash that can be computed.
func WriteJSONLines(w io.Writer, records iter.Seq2[Record, error]) error {
	return export(w, records, func(dst []byte, r *Record) []byte { return append(appendRecord(dst, r), '\n') })
}

// WriteCSV writes records for a spreadsheet, by RFC 4180, with a line of headings and every cell quoted. It is a view,
// not evidence: what a spreadsheet would take for a formula gets an apostrophe in front of it, and the hashes of the
// records above are left out.
func WriteCSV(w io.Writer, records iter.Seq2[Record, error]) error {
	if _, err := w.Write(appendRow(nil, Columns())); err != nil {
		return fault.Wrap(err, "export")
	}
	return export(w, records, func(dst []byte, r *Record) []byte { return appendRow(dst, cells(r)) })
}

func export(w io.Writer, records iter.Seq2[Record, error], line func([]byte, *Record) []byte) error {
	b := bufio.NewWriterSize(w, MaxLine)
	var buffer []byte
	for r, err := range records {
		if err != nil {
			return chained.Alongside(fault.Wrap(err, "export"), b.Flush()) // what is good stays
		}
		buffer = line(buffer[:0], &r)
		if _, err := b.Write(buffer); err != nil {
			return fault.Wrap(err, "export")
		}
	}
	return fault.Wrap(b.Flush(), "export")
}

// Columns gives the headings of the CSV, which are the names of the fields in the log.
func Columns() []string {
	return []string{"seq", "time", "back_us", "who", "role", "station", "with", "op", "of", "kind", "label", "check",
		"ksn", "request", "result", "fault", "count", "ok", "refused", "failed", "unknown", "batch_sha256", "details", "hash"}
}

func cells(r *Record) []string {
	return []string{number(r.Seq), r.Time.Format(chained.TimeLayout), count(uint64(r.Back / time.Microsecond)),
		r.Who.ID, r.Who.Role, r.Who.Station, others(r.With), string(r.Operation), count(r.Of),
		string(r.Object.Kind), r.Object.Label, r.Object.Check.String(), r.Object.KSN, digest(r.Request),
		string(r.Outcome.Result), string(r.Outcome.Fault), count(r.Batch.Count), count(r.Batch.OK), count(r.Batch.Refused),
		count(r.Batch.Failed), count(r.Batch.Unknown), digest(r.Batch.Digest), details(r.Details), r.Hash.String()}
}

func count(n uint64) string {
	if n == 0 {
		return ""
	}
	return number(n)
}

func digest(d Digest) string {
	if d.IsZero() {
		return ""
	}
	return d.String()
}

func others(with []Actor) string {
	var names []string
	for _, a := range with {
		names = append(names, a.ID+" ("+a.Role+")")
	}
	return strings.Join(names, "; ")
}

func details(d Details) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(d)) {
		all = append(all, string(name)+": "+d[name])
	}
	return strings.Join(all, "; ")
}

func appendRow(dst []byte, cells []string) []byte {
	for i, c := range cells {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '"')
		dst = append(dst, strings.ReplaceAll(harmless(c), `"`, `""`)...)
		dst = append(dst, '"')
	}
	return append(dst, "\r\n"...)
}

// harmless puts an apostrophe in front of what spreadsheets take for a formula, where a cell begins or where a cell
// would begin for a spreadsheet that cuts at other signs than the comma.
func harmless(cell string) string {
	var b strings.Builder
	begins := true
	for _, c := range cell {
		if begins && strings.ContainsRune("=+-@＝＋－＠", c) {
			b.WriteByte('\'')
		}
		begins = strings.ContainsRune(`,;|"'`, c) || begins && c == ' '
		b.WriteRune(c)
	}
	return b.String()
}
