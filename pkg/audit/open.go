package audit

// Beginning a log and continuing one: whose it is, where it ends, what a crash left.

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"

	"poskey/internal/chained"
	"poskey/internal/fault"
)

// Create makes the log of a store and holds it open. The file is new; one that a crash left before its first record was
// whole is taken over. Errors: file_exists, not_found (the folder), not_permitted, busy, and what the disk says.
func Create(path string, id Identity, o Options) (*Log, error) {
	l, err := create(path, id, o)
	if err != nil {
		return nil, fault.Wrap(err, "creating the audit log %s", path)
	}
	return l, nil
}

func create(path string, id Identity, o Options) (*Log, error) {
	first := Record{Log: id, Entry: Entry{Who: o.Who, Operation: LogCreate}, Outcome: OK()}
	if err := o.check(); err != nil {
		return nil, err
	}
	l := &Log{path: path, options: o, identity: id}
	l.chain.fill(&first, o.Now())
	if err := first.check(); err != nil {
		return nil, err
	}
	if err := l.openFile(os.O_CREATE); err != nil {
		return nil, err
	}
	left, err := l.leftover(&first)
	if err == nil {
		err = l.place(&first, 0, left)
	}
	if err == nil {
		err = chained.SyncDir(filepath.Dir(path))
	}
	if err != nil {
		return nil, chained.Alongside(err, l.closeFiles())
	}
	return l, nil
}

// leftover looks for the beginning of a first record that a crash left. Anything else in the file is not ours.
func (l *Log) leftover(first *Record) ([]byte, error) {
	left := make([]byte, min(l.size, MaxLine))
	if _, err := l.file.ReadAt(left, 0); err != nil {
		return nil, err
	}
	const start = `{"seq":1,"time":"`
	n := min(len(left), len(start))
	if l.size >= MaxLine || string(left[:n]) != start[:n] || bytes.IndexByte(left, '\n') >= 0 {
		return nil, fault.New(fault.FileExists, "the file is there already and is never overwritten")
	}
	if len(left) > 0 {
		first.Torn = Torn{uint64(len(left)), DigestOf(left)}
	}
	return left, nil
}

// Open continues a log. It holds the end of the log against itself and against the newest checkpoint beside it, and
// repairs a torn last line by a record of [LogRecover]. The zero Identity opens the log of any store. Errors:
// not_found, busy while another process has the log open, not_permitted, partial when the log was never whole (create
// it again), and log_broken ([*Problem]) when it does not verify or belongs to another store.
func Open(path string, id Identity, o Options) (*Log, error) {
	l, err := open(path, id, o)
	if err != nil {
		return nil, fault.Wrap(err, "opening the audit log %s", path)
	}
	return l, nil
}

func open(path string, id Identity, o Options) (*Log, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	l := &Log{path: path, options: o}
	if err := l.openFile(0); err != nil {
		return nil, err
	}
	if err := l.resume(id); err != nil {
		return nil, chained.Alongside(err, l.closeFiles())
	}
	return l, nil
}

// resume finds the place of the next record, and repairs.
func (l *Log) resume(id Identity) error {
	first, err := readFirst(l.file, l.size)
	if err != nil {
		return err
	}
	if id != (Identity{}) && first.Log != id {
		return &Problem{Reason: WrongStore, Record: 1, Got: first.Log.words(), Want: id.words()}
	}
	l.identity = first.Log
	t, err := readTail(l.file, l.size)
	if err != nil {
		return err
	}
	newest, signed, err := newestCheckpoint(l.path)
	if err != nil {
		return err
	}
	if signed {
		if err := t.holdAgainst(l.file, newest, first.Log); err != nil {
			return err
		}
	}
	l.chain = t.chain
	for i := range t.open {
		p := l.pending(t.open[i])
		p.After.Who, p.After.With = l.options.Who, nil // who says what became of it
		l.found = append(l.found, p)
	}
	if len(t.torn) == 0 {
		return nil
	}
	repair := Record{Entry: Entry{Who: l.options.Who, Operation: LogRecover}, Outcome: OK()}
	repair.Torn = Torn{uint64(len(t.torn)), DigestOf(t.torn)}
	l.chain.fill(&repair, l.options.Now())
	return l.place(&repair, t.end, t.torn)
}

func (o *Options) check() error {
	if o.Now == nil {
		return fault.New(fault.Bug, "the log was given no clock")
	}
	if err := o.Who.check(); err != nil {
		return fault.Wrap(err, "who")
	}
	return (&Entry{Who: o.Who}).guard()
}

// openFile opens and locks the file: one handle to read, one that can only append. So the log works where the system
// lets the file grow and nothing else (chattr +a).
func (l *Log) openFile(create int) (err error) {
	if l.file, err = os.OpenFile(l.path, os.O_RDONLY|create, 0o600); err != nil {
		return fault.WrapAs(chained.KindOf(err), err, "the file")
	}
	defer func() {
		if err != nil {
			err = chained.Alongside(err, l.closeFiles())
		}
	}()
	if l.lock, err = chained.Lock(l.file, l.path); err != nil {
		return notLocked(err)
	}
	if l.appender, err = os.OpenFile(l.path, os.O_WRONLY|os.O_APPEND, 0); err != nil {
		return fault.WrapAs(chained.KindOf(err), err, "the file")
	}
	if l.info, err = l.file.Stat(); err != nil {
		return fault.Wrap(err, "the file")
	}
	if !l.info.Mode().IsRegular() {
		return fault.New(fault.Usage, "an audit log is a regular file")
	}
	if other, err := l.appender.Stat(); err != nil || !os.SameFile(other, l.info) {
		return fault.New(fault.LogBroken, "another file was put in the place of the log")
	}
	l.size = l.info.Size()
	l.sink = l.through(l.appender)
	return l.unchanged()
}

// notLocked says why the log has no lock. A log that two processes could write at once would be worth nothing.
func notLocked(err error) error {
	switch {
	case errors.Is(err, chained.ErrLocked):
		return fault.New(fault.Busy, "another process has the audit log open")
	case errors.Is(err, chained.ErrNoLock):
		return fault.New(fault.Failure, "this system has no lock for the audit log")
	}
	return err
}

func (l *Log) through(s Sink) Sink {
	if l.options.Sink == nil {
		return s
	}
	return l.options.Sink(s)
}

// offset writes at a place of a file.
type offset struct {
	*io.OffsetWriter
	file *os.File
}

func (o offset) Sync() error { return o.file.Sync() }

// place writes a record over torn bytes. The torn bytes are gone only when the record that tells of them stands: a
// crash in between leaves a torn line again.
func (l *Log) place(r *Record, at int64, torn []byte) error {
	line, err := l.encode(r)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(l.path, os.O_WRONLY, 0)
	if err != nil {
		return fault.WrapAs(chained.KindOf(err), err, "the file")
	}
	if err := l.overwrite(f, line, at, torn); err != nil {
		return chained.Alongside(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return err
	}
	l.chain.advance(r)
	l.size = at + int64(len(line))
	return nil
}

func (l *Log) overwrite(f *os.File, line []byte, at int64, torn []byte) error {
	if other, err := f.Stat(); err != nil || !os.SameFile(other, l.info) {
		return fault.New(fault.LogBroken, "another file was put in the place of the log")
	}
	to := l.through(offset{io.NewOffsetWriter(f, at), f})
	if err := chained.WriteAll(to, line); err != nil {
		return err
	}
	if len(torn) > len(line) {
		if err := f.Truncate(at + int64(len(line))); err != nil {
			return err
		}
	}
	return to.Sync()
}
