package render

// Lists that may be longer than memory.

import (
	"bytes"
	"iter"
	"strconv"
)

// holdBack is how much of a list is made before the first of it is written: a shorter one is written whole or not at all.
const holdBack = 1 << 20

// Stream answers with a list under -o json, row by row: in the document it is the field of that name, and the fields of
// what rest gives afterwards follow. A list that breaks off after it was begun ends without the end of its document.
func (r *Renderer) Stream(name, field string, rows iter.Seq2[any, error], rest func() any) error {
	if r.Before != nil {
		if err := r.Before(); err != nil {
			return err
		}
	}
	var l Lines
	first := true
	_, _ = l.WriteString(`{"schema":"poskey.` + name + `/v1",` + strconv.Quote(field) + `:[`)
	for row, err := range rows {
		if err == nil {
			err = l.row(first, row)
		}
		if err == nil && l.Len() >= holdBack {
			err = r.write(l.Bytes())
			l.Reset()
		}
		if err != nil {
			return err
		}
		first = false
	}
	last, err := Document(name, rest())
	if err != nil {
		return err
	}
	_, fields, _ := bytes.Cut(last, []byte("/v1\"")) // from the comma on, or the end alone
	_, _ = l.WriteString("]")
	_, _ = l.Write(append(fields, '\n'))
	return r.write(l.Bytes())
}

// row adds an element of a list.
func (l *Lines) row(first bool, row any) error {
	if !first {
		_ = l.WriteByte(',')
	}
	if err := l.encode(row); err != nil {
		return err
	}
	l.Truncate(l.Len() - 1) // the end of the line
	return nil
}
