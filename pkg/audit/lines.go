package audit

// A log as a stream of lines, of which only one is in memory.

import (
	"bufio"
	"errors"
	"io"
	"strconv"

	"poskey/internal/fault"
)

// lines reads a log from its beginning, or from the beginning of some line.
type lines struct {
	r      *bufio.Reader
	offset int64 // of the line that comes next
	buffer []byte
}

func newLines(r io.Reader, offset int64) *lines {
	return &lines{r: bufio.NewReaderSize(r, 8*MaxLine), offset: offset}
}

// next gives the next record and where its line begins; io.EOF ends a whole log. The problem has no record number yet.
// After one, the following line can be read, unless the line was too long or torn.
func (l *lines) next() (Record, int64, *Problem, error) {
	start := l.offset
	line, err := l.r.ReadSlice('\n')
	l.offset += int64(len(line))
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return Record{}, start, &Problem{Reason: TooLong}, nil
	case errors.Is(err, io.EOF) && len(line) > 0:
		return Record{}, start, &Problem{Reason: TornEnd, Got: strconv.Itoa(len(line))}, nil
	case errors.Is(err, io.EOF):
		return Record{}, start, nil, io.EOF
	case err != nil:
		return Record{}, start, nil, fault.Wrap(err, "reading the log")
	}
	r, p := readRecord(line[:len(line)-1], &l.buffer)
	return r, start, p, nil
}

func number(n uint64) string { return strconv.FormatUint(n, 10) }
