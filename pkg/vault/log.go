package vault

// The audit log as a file that somebody else may be writing.

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
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
	size   int64 // of all
	record int64 // of the whole records: somebody may be writing one right now
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

func (l *openedLog) measure() (err error) {
	if l.size, err = l.file.Seek(0, io.SeekEnd); err != nil {
		return reading(err)
	}
	tail := make([]byte, min(l.size, audit.MaxLine))
	if _, err := l.file.ReadAt(tail, l.size-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return reading(err)
	}
	l.record = l.size - int64(len(tail)) + int64(bytes.LastIndexByte(tail, '\n')+1)
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

// removeLog takes a log away whose store never was, with what lies beside it.
func removeLog(path string) {
	if err := os.Remove(path); err == nil || errors.Is(err, fs.ErrNotExist) {
		_ = os.RemoveAll(audit.CheckpointDir(path))
	}
}
