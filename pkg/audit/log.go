package audit

// The writer: one process, one file, every record on the disk before anybody is told.

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"poskey/internal/chained"
	"poskey/internal/fault"
)

// Options are what a log needs from outside.
type Options struct {
	Now func() time.Time // the clock
	Who Actor            // who opens the log, for the records that it writes of itself
	// Sink, where set, stands between the log and its file: tests make disks fail there.
	Sink func(Sink) Sink
}

// Sink is what the log writes to. Sync returns when everything written is on the disk.
type Sink interface {
	io.Writer
	Sync() error
}

// Log is an open log, held against every other process. Its methods may be called from several goroutines.
type Log struct {
	path     string
	options  Options
	identity Identity
	file     *os.File // holds the lock; for reading only
	lock     io.Closer
	appender *os.File // for appending only
	sink     Sink
	info     os.FileInfo
	found    []*Pending

	mu     sync.Mutex
	chain  chain
	size   int64
	broken error
	line   []byte
}

// encode seals a record that has its place, and holds it against the rules once more.
func (l *Log) encode(r *Record) ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	l.line = appendBody(l.line[:0], r)
	r.Hash = hashRecord(l.line)
	l.line = append(chained.AppendSeal(l.line, r.Hash.sum), '\n')
	if p := l.chain.check(r); p != nil {
		return nil, p.detail()
	}
	return l.line, nil
}

// Append records an operation that is over. It returns when the record is on the disk; with an error the operation is
// not recorded, and the caller must not show its result. Errors: malformed, too_large and not_permitted for an entry
// that does not fit (the log stays open), log_broken when the file is not the one that was opened, and what the
// disk says; after the last two the log takes nothing more until it is opened again.
func (l *Log) Append(e Entry, o Outcome) (Receipt, error) {
	if err := e.writable(); err != nil {
		return Receipt{}, err
	}
	if o.Result == "" {
		return Receipt{}, fault.New(fault.Bug, "a record without an outcome is begun, not appended")
	}
	r, _, err := l.append(Record{Entry: e, Outcome: o})
	return r.receipt(), err
}

func (e *Entry) writable() error {
	if e.Operation.reserved() {
		return fault.New(fault.Bug, "records of %s are written by the log itself", string(e.Operation))
	}
	return fault.Wrap(e.guard(), "audit record")
}

func (r *Record) receipt() Receipt { return Receipt{r.Seq, r.Time, r.Hash} }

// append gives the record its place and writes it. It returns the end of the file.
func (l *Log) append(r Record) (Record, int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return Record{}, 0, fault.Wrap(l.broken, "the audit log is closed to new records")
	}
	if r.IsIntent() && len(l.chain.open) == MaxOpen {
		return Record{}, 0, fault.New(fault.Busy, "%d operations are under way at one time; wait for one to end", MaxOpen)
	}
	l.chain.fill(&r, l.options.Now())
	line, err := l.encode(&r)
	if err != nil {
		return Record{}, 0, fault.Wrap(err, "audit record")
	}
	if err := l.commit(line); err != nil {
		l.broken = err
		return Record{}, 0, fault.Wrap(err, "audit record %d was not written", r.Seq)
	}
	l.chain.advance(&r)
	l.size += int64(len(line))
	return r, l.size, nil
}

func (l *Log) commit(line []byte) error {
	if err := l.unchanged(); err != nil {
		return err
	}
	if err := chained.WriteAll(l.sink, line); err != nil {
		return err
	}
	return l.sink.Sync()
}

// unchanged tells whether the path still names the file that was opened, with nothing in it that is not ours.
func (l *Log) unchanged() error {
	now, err := os.Stat(l.path) //nolint:gosec // the user names the log
	if err != nil {
		return fault.WrapAs(chained.KindOf(err), err, "the file was taken away")
	}
	if !os.SameFile(now, l.info) {
		return fault.New(fault.LogBroken, "another file was put in the place of the log")
	}
	if now.Size() != l.size {
		return fault.New(fault.LogBroken, "the file has %d bytes and should have %d; something else wrote to it",
			now.Size(), l.size)
	}
	return nil
}

// Head gives the last record's receipt.
func (l *Log) Head() Receipt {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Receipt{l.chain.seq, l.chain.last, l.chain.head}
}

// Identity says which store the log belongs to.
func (l *Log) Identity() Identity { return l.identity }

// Reader reads the log from its beginning to the record that is the last one now. It is good until Close.
func (l *Log) Reader() io.Reader { return l.upTo(-1) }

// upTo reads the log to a byte; -1 is the end.
func (l *Log) upTo(end int64) io.Reader {
	l.mu.Lock()
	defer l.mu.Unlock()
	if end < 0 {
		end = l.size
	}
	return io.NewSectionReader(l.file, 0, end)
}

// Close lets the log go. Intents that are open stay so, and the next Open finds them.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = fault.New(fault.Bug, "it was closed")
	return l.closeFiles()
}

// closeFiles may be called twice.
func (l *Log) closeFiles() error {
	var errs []error
	if l.appender != nil {
		errs = append(errs, l.appender.Close())
	}
	if l.lock != nil {
		errs = append(errs, l.lock.Close())
	}
	if l.file != nil {
		errs = append(errs, l.file.Close())
	}
	l.appender, l.lock, l.file = nil, nil, nil
	return errors.Join(errs...)
}
