package vault

// The audit log as a file that somebody else may be writing.

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"

	"poskey/internal/fault"
	"poskey/pkg/audit"
	"poskey/pkg/store"
)

// identityOf is a store as its log names it.
func identityOf(id *store.Identity) audit.Identity {
	return audit.Identity{Store: id.ID, Environment: audit.Environment(id.Environment)}
}

// openedLog is a log as it was at one moment, with the checkpoints beside it.
type openedLog struct {
	file   *os.File
	size   int64  // of all
	record int64  // of the whole records: somebody may be writing one right now
	last   uint64 // number of the last one
	notes  [][]byte
}

func openLog(path string) (*openedLog, error) {
	notes, err := audit.Checkpoints(path) // before the length: what a checkpoint covers is there before the checkpoint is
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, reading(err)
	}
	l := &openedLog{file: f, notes: notes}
	if err := l.measure(); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// measure finds the end, and where the whole records end.
func (l *openedLog) measure() (err error) {
	if l.size, err = l.file.Seek(0, io.SeekEnd); err != nil {
		return reading(err)
	}
	start := max(0, l.size-2*audit.MaxLine)
	tail := make([]byte, l.size-start)
	if _, err := l.file.ReadAt(tail, start); err != nil && !errors.Is(err, io.EOF) {
		return reading(err)
	}
	tail = tail[:bytes.LastIndexByte(tail, '\n')+1]
	l.record = start + int64(len(tail))
	if lines := bytes.Split(bytes.TrimSuffix(tail, []byte{'\n'}), []byte{'\n'}); len(tail) > 0 {
		if r, err := audit.ParseRecord(lines[len(lines)-1]); err == nil { // else verification will tell
			l.last = r.Seq
		}
	}
	return nil
}

// include lets the whole records go on up to a mark, if they end before it and the log has it.
func (l *openedLog) include(m store.Mark) error {
	more := bufio.NewReaderSize(io.NewSectionReader(l.file, l.record, math.MaxInt64-l.record), audit.MaxLine)
	for l.last < m.Seq {
		line, err := more.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return reading(err)
		}
		r, err := audit.ParseRecord(bytes.TrimSuffix(line, []byte{'\n'}))
		if err != nil {
			return err
		}
		l.record, l.last = l.record+int64(len(line)), r.Seq
	}
	l.size = max(l.size, l.record)
	return nil
}

// whole reads the whole records.
func (l *openedLog) whole() io.Reader { return io.NewSectionReader(l.file, 0, l.record) }

// all reads everything.
func (l *openedLog) all() io.Reader { return io.NewSectionReader(l.file, 0, l.size) }

func (l *openedLog) close() { _ = l.file.Close() } // it was read

// reading gives errors of reading a log their kind.
func reading(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.WrapAs(fault.NotFound, err, "read the audit log")
	case errors.Is(err, fs.ErrPermission):
		return fault.WrapAs(fault.NotPermitted, err, "read the audit log")
	}
	return fault.WrapAs(fault.Failure, err, "read the audit log")
}

// followLog follows the chain of a log to its end, and looks for a mark.
func followLog(log io.Reader, mark store.Mark) (records uint64, marked bool, err error) {
	marked = mark.IsZero()
	for r, err := range audit.Query(log, audit.Filter{}) {
		if err != nil {
			return records, marked, err
		}
		records = r.Seq
		marked = marked || isMark(&r, mark)
	}
	return records, marked, nil
}

// isMark tells whether the inventory means this record.
func isMark(r *audit.Record, m store.Mark) bool { return r.Seq == m.Seq && r.Hash.String() == m.Hash }

// removeLogUnless keeps the log where nobody can tell whether its store was made: a store without its log is worse than a
// log without its store.
func removeLogUnless(path string, err error) {
	if !fault.Is(err, fault.OutcomeUnknown) {
		removeLog(path)
	}
}

// removeLog takes a log away whose store never was, with what lies beside it.
func removeLog(path string) {
	if err := os.Remove(path); err == nil || errors.Is(err, fs.ErrNotExist) {
		_ = os.RemoveAll(audit.CheckpointDir(path))
	}
}
