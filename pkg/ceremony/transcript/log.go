package transcript

// The record while it is written: one process, one file, every line on the disk before anybody is told.

import (
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"poskey/internal/chained"
	"poskey/internal/fault"
	"poskey/pkg/custody"
)

// Options are what a record needs from outside.
type Options struct {
	Now  func() time.Time
	Sync func(*os.File) error // nil: File.Sync; tests fail it

	through func(io.Writer) io.Writer // tests make disks fail here
}

// Log is a record that is being written. One process has it; its methods may be called from several goroutines.
type Log struct {
	path    string
	options Options
	file    *os.File
	lock    io.Closer
	info    os.FileInfo

	mu      sync.Mutex
	chain   chain
	last    Record
	size    int64     // of the lines that stand
	written hash.Hash // of them
	torn    int64     // bytes behind them that a break left
	tornSum Digest
	resumes bool // the next line says so
	broken  error
}

// Create begins a record in a new file. Errors: file_exists and those of the disk.
func Create(path string, h Head, o Options) (*Log, error) {
	l, err := create(path, h, o)
	if err != nil {
		return nil, fault.Wrap(err, "creating the record %s", path)
	}
	return l, nil
}

func create(path string, h Head, o Options) (*Log, error) {
	l, err := newLog(path, o)
	if err != nil {
		return nil, err
	}
	if err := h.check(); err != nil { // before there is a file
		return nil, fault.Wrap(err, "head")
	}
	if err := l.openFile(os.O_CREATE | os.O_EXCL); err != nil {
		return nil, err
	}
	_, err = l.append(Entry{Kind: KindOpen, Head: &h})
	if err == nil {
		err = chained.SyncDir(filepath.Dir(path))
	}
	if err != nil { // the file is ours and says nothing yet
		return nil, errors.Join(err, l.closeFiles(), os.Remove(path)) //nolint:gosec // G703: the user names the record
	}
	return l, nil
}

func newLog(path string, o Options) (*Log, error) {
	if o.Now == nil {
		return nil, fault.New(fault.Bug, "the record was given no clock")
	}
	if o.Sync == nil {
		o.Sync = (*os.File).Sync
	}
	if o.through == nil {
		o.through = func(w io.Writer) io.Writer { return w }
	}
	return &Log{path: path, options: o, written: sha256.New()}, nil
}

// Resume opens the record of a ceremony that broke, verifies it, and gives what is in it. The first line written must
// say resumed; it takes the place of a torn last line, and its details tell how many bytes that had (torn) and their
// hash (sha256). Until then nothing is changed. Errors: log_broken; not_permitted for a record that was closed or
// aborted; partial for one whose first line was never whole; busy when another process has it.
func Resume(path string, o Options) (*Log, *Document, error) {
	l, doc, err := resume(path, o)
	if err != nil {
		return nil, nil, fault.Wrap(err, "resuming the record %s", path)
	}
	return l, doc, nil
}

func resume(path string, o Options) (*Log, *Document, error) {
	l, err := newLog(path, o)
	if err != nil {
		return nil, nil, err
	}
	if err := l.openFile(0); err != nil {
		return nil, nil, err
	}
	doc, err := l.load()
	if err != nil {
		return nil, nil, chained.Alongside(err, l.closeFiles())
	}
	return l, doc, nil
}

// load verifies the file and takes its place at the end.
func (l *Log) load() (*Document, error) {
	var all []Record
	v := newVerifier(&limited{io.NewSectionReader(l.file, 0, MaxFile+1), MaxFile}, func(r Record) error {
		all = append(all, r)
		return nil
	})
	if err := v.all(); err != nil {
		return nil, err
	}
	doc := v.document()
	doc.Records = all
	switch {
	case doc.Lines == 0 && doc.Torn > 0:
		return nil, fault.New(fault.Partial, "the ceremony broke off before its first line was whole; begin it anew")
	case len(doc.Problems) > 0:
		return nil, doc.Problems[0].Error
	case doc.State == Closed:
		return nil, fault.New(fault.NotPermitted, "the ceremony is over and its record is closed")
	case doc.State == Aborted:
		return nil, fault.New(fault.NotPermitted, "the ceremony was given up, and its record says so")
	}
	l.chain, l.last, l.size = v.chain, all[len(all)-1], doc.Bytes
	l.torn, l.tornSum, l.resumes = int64(doc.Torn), doc.TornHash, true
	if _, err := io.Copy(l.written, io.NewSectionReader(l.file, 0, l.size)); err != nil {
		return nil, fault.Wrap(err, "reading the record")
	}
	return doc, l.unchanged()
}

func (l *Log) openFile(create int) (err error) {
	if l.file, err = os.OpenFile(l.path, os.O_RDWR|create, 0o600); err != nil {
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
	if l.info, err = l.file.Stat(); err != nil {
		return fault.Wrap(err, "the file")
	}
	if !l.info.Mode().IsRegular() {
		return fault.New(fault.Usage, "the record of a ceremony is a regular file")
	}
	return nil
}

func notLocked(err error) error {
	switch {
	case errors.Is(err, chained.ErrLocked):
		return fault.New(fault.Busy, "another process has the record of this ceremony open")
	case errors.Is(err, chained.ErrNoLock):
		return fault.New(fault.Failure, "this system has no lock for the record")
	}
	return err
}

// Write puts a line on the disk; when it returns, the line is there (fsync). Check values are cut to what may be shown
// ([Cut]). Errors: malformed, too_large and not_permitted for an entry that cannot stand here (the record stays open);
// log_broken when somebody else wrote to the file, and what the disk says: after these nothing more is taken.
func (l *Log) Write(e Entry) (Record, error) {
	switch e.Kind {
	case KindOpen, KindSigned, KindNote:
		return Record{}, fault.New(fault.Bug, "lines of %s are written by the record itself", string(e.Kind))
	}
	return l.append(e)
}

// Sign adds the signature of somebody who is there over the line before: they stand for what it says, and by the chain
// for all before it. The step is that of the line before, and 0 when it has none. Errors: not_permitted for somebody
// who did not attend, and those of Write.
func (l *Log) Sign(step int, who *custody.Identity) (Record, error) {
	message, err := l.toSign(step, who.Card())
	if err != nil {
		return Record{}, err
	}
	signature, err := who.Sign(Domain, message)
	if err != nil {
		return Record{}, fault.Wrap(err, "signing the record")
	}
	return l.append(Entry{Kind: KindSigned, Step: step, Who: who.Card().ID(), Signature: signature})
}

func (l *Log) toSign(step int, card custody.Card) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if step != l.chain.step {
		return nil, fault.New(fault.Bug, "the line above is of step %d, not %d", l.chain.step, step)
	}
	attended, err := l.chain.cardOf(card.ID())
	if err != nil {
		return nil, err
	}
	if attended.Fingerprint() != card.Fingerprint() {
		return nil, fault.New(fault.NotPermitted, "%s attended with another card before", card.ID())
	}
	return l.chain.signedMessage(), nil
}

// Head is the last line that was written.
func (l *Log) Head() Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.last
	r.Entry = r.Entry.clone()
	return r
}

// Cards gives those of the people who attended, in the order in which they came.
func (l *Log) Cards() []custody.Card {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.chain.cards)
}

// Statement is the text that the participants sign at the end, made by the line closing: format, environment, mode,
// ceremony, state, number of lines, hash of the last one, fingerprint of the script, time. It writes that line if it is
// not the last one already; after it only the note can follow.
func (l *Log) Statement() (string, error) {
	if l.Head().Kind != KindClosing {
		if _, err := l.append(Entry{Kind: KindClosing}); err != nil {
			return "", err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.chain.statement(), nil
}

// Close writes the signed note (custody.SignNote over Statement, signatures of all) as the last line and closes the
// file. A note that is not over this statement, or has a signature of somebody who did not attend, is refused, and
// another one can be given.
func (l *Log) Close(note []byte) error {
	if _, err := l.append(Entry{Kind: KindNote, Note: note}); err != nil {
		return err
	}
	return l.Abandon()
}

// Abandon closes the file as it stands.
func (l *Log) Abandon() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = fault.New(fault.Bug, "it was closed")
	return fault.Wrap(l.closeFiles(), "closing the record")
}

// append gives a line its place and writes it.
func (l *Log) append(e Entry) (Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return Record{}, fault.Wrap(l.broken, "the record takes nothing more")
	}
	r, p, line, err := l.encode(e)
	if err != nil {
		return Record{}, fault.Wrap(err, "record of the ceremony")
	}
	if err := l.commit(line); err != nil {
		l.broken = err
		return Record{}, fault.Wrap(err, "line %d of the record was not written", r.N)
	}
	l.chain.advance(&r, p)
	l.last, l.resumes, l.torn = r, false, 0
	l.size += int64(len(line))
	l.written.Write(line)
	r.Entry = r.Entry.clone()
	return r, nil
}

// reserve is kept free at the end of the largest record, so that a ceremony can always be given up, closed and signed.
const reserve = 2 * MaxFirstLine

// encode gives an entry its place and its line.
func (l *Log) encode(e Entry) (Record, proof, []byte, error) {
	r, err := l.record(e)
	if err != nil {
		return Record{}, proof{}, nil, err
	}
	if err := r.check(); err != nil {
		return Record{}, proof{}, nil, err
	}
	line := append(seal(&r), '\n')
	if limit := r.Kind.maxLine(); len(line) > limit {
		return Record{}, proof{}, nil, tooLong(limit)
	}
	if free := MaxFile - l.size - int64(len(line)); free < 0 || free < reserve && !r.Kind.ends() {
		return Record{}, proof{}, nil, fault.New(fault.TooLarge, "a record of a ceremony has at most %d bytes", MaxFile)
	}
	p, err := l.chain.check(&r)
	return r, p, line, err
}

// record makes a record of an entry: complete, cut, and without anything that looks like a key.
func (l *Log) record(e Entry) (Record, error) {
	if l.resumes != (e.Kind == KindResumed) {
		return Record{}, fault.New(fault.NotPermitted,
			"the first line after a break says that it goes on, and no other does")
	}
	r := Record{Entry: e.clone()}
	maps.DeleteFunc(r.Details, func(_, value string) bool { return value == "" })
	r.Check, r.Expected = cut(r.Check, r.limit(r.Check.Method)), cut(r.Expected, r.limit(r.Expected.Method))
	public := l.chain.spoken()
	if card, err := custody.ParseCard(r.Card); err == nil { // of somebody who comes now
		public = public.with(card.Fingerprint())
	}
	if err := r.guard(public); err != nil {
		return Record{}, err
	}
	if l.torn > 0 {
		l.tellTorn(&r.Entry)
	}
	if len(r.Details) == 0 {
		r.Details = nil
	}
	l.chain.fill(&r, l.options.Now())
	return r, nil
}

// tellTorn says what a break left.
func (l *Log) tellTorn(e *Entry) {
	if e.Details == nil {
		e.Details = map[string]string{}
	}
	e.Details["torn"], e.Details["sha256"] = strconv.FormatInt(l.torn, 10), l.tornSum.String()
}

// commit writes a line behind those that stand, over what a break left there. That is gone only when the line that
// tells of it stands: a crash in between leaves a torn line again.
func (l *Log) commit(line []byte) error {
	if err := l.unchanged(); err != nil {
		return err
	}
	if err := chained.WriteAll(l.options.through(io.NewOffsetWriter(l.file, l.size)), line); err != nil {
		return err
	}
	if l.torn > int64(len(line)) {
		if err := l.file.Truncate(l.size + int64(len(line))); err != nil {
			return err
		}
	}
	return l.options.Sync(l.file)
}

// unchanged tells whether the path still names the file that was opened, with every byte in it as it was written.
func (l *Log) unchanged() error {
	now, err := os.Stat(l.path) //nolint:gosec // G703: the user names the record
	if err != nil {
		return fault.WrapAs(chained.KindOf(err), err, "the file was taken away")
	}
	if !os.SameFile(now, l.info) {
		return fault.New(fault.LogBroken, "another file was put in the place of the record")
	}
	if want := l.size + l.torn; now.Size() != want {
		return fault.New(fault.LogBroken, "the file has %d bytes and should have %d; something else wrote to it", now.Size(),
			want)
	}
	stands := sha256.New()
	if _, err := io.Copy(stands, io.NewSectionReader(l.file, 0, l.size)); err != nil {
		return fault.Wrap(err, "reading the record")
	}
	if string(stands.Sum(nil)) != string(l.written.Sum(nil)) {
		return fault.New(fault.LogBroken, "the file is not as it was written; something else wrote to it")
	}
	return nil
}

// closeFiles may be called twice.
func (l *Log) closeFiles() error {
	var errs []error
	if l.file != nil {
		errs = append(errs, l.file.Close())
	}
	if l.lock != nil {
		errs = append(errs, l.lock.Close())
	}
	l.file, l.lock = nil, nil
	return errors.Join(errs...)
}
