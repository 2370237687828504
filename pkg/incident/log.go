package incident

// Writing: one process at a time, every line on the disk before anybody is told.

import (
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"poskey/internal/chained"
	"poskey/internal/fault"
)

// Options are what writing needs from outside.
type Options struct {
	Now func() time.Time
	// Known are incidents that there were though their files may be gone: their numbers are not given again.
	Known []string

	sync    func(*os.File) error      // nil: File.Sync; tests fail it
	through func(io.Writer) io.Writer // tests make disks fail here
}

func (o Options) complete() (Options, error) {
	if o.Now == nil {
		return o, fault.New(fault.Bug, "the record was given no clock")
	}
	if o.sync == nil {
		o.sync = (*os.File).Sync
	}
	if o.through == nil {
		o.through = func(w io.Writer) io.Writer { return w }
	}
	return o, nil
}

// beginning is the name under which a record is written before it has its own. One process at a time has it: the lock
// of the folder says which.
const (
	beginning = ".beginning"
	lockFile  = ".lock"
)

// Create opens an incident: it takes the next number of the year and writes the first lines into a new file, all of them
// or none. The id in the head is set here. Errors: busy when another process opens one, and those of the disk.
func Create(dir string, h Head, opening Entry, more []Entry, o Options) (*Document, error) {
	d, err := create(dir, h, opening, more, o)
	return d, fault.Wrap(err, "opening an incident in %s", dir)
}

func create(dir string, h Head, opening Entry, more []Entry, o Options) (*Document, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.WrapAs(chained.KindOf(err), err, "the folder")
	}
	unlock, err := lockFolder(dir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if h.ID, err = nextID(dir, o); err != nil {
		return nil, err
	}
	if err := isHome(dir, h.Store); err != nil {
		return nil, err
	}
	opening.Kind, opening.Head = EntryOpen, &h
	all, raw, err := compose(chain{}, slices.Concat([]Entry{opening}, more), o, nil)
	if err != nil {
		return nil, err
	}
	if err := place(dir, h.ID+suffix, raw, o); err != nil {
		return nil, err
	}
	last := all[len(all)-1]
	return &Document{Head: h, Records: all, Last: last.Hash, Bytes: int64(len(raw))}, nil
}

// isHome refuses to open an incident among those of another store, or of a store without naming it. Records that do not
// verify say nothing here.
func isHome(dir, store string) error {
	ids, err := idsIn(dir)
	for _, id := range ids {
		d, err := Read(filepath.Join(dir, id+suffix))
		if err == nil && d.Head.Store != store {
			return fault.New(fault.NotPermitted, "the folder has the incidents of store %s, and this one is of store %s", orNone(d.Head.Store), orNone(store))
		}
	}
	return err
}

// lockFolder keeps others from opening an incident at the same time.
func lockFolder(dir string) (unlock func(), err error) {
	path := filepath.Join(dir, lockFile)
	if is, err := os.Lstat(path); err == nil && !is.Mode().IsRegular() {
		return nil, fault.New(fault.NotPermitted, "the folder's lock is no file but a link, a folder or a pipe")
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fault.WrapAs(chained.KindOf(err), err, "the folder's lock")
	}
	lock, err := chained.Lock(f, path)
	if err != nil {
		return nil, chained.Alongside(notLocked(err), f.Close())
	}
	return func() {
		_ = f.Close() // nothing was written to it
		if lock != nil {
			_ = lock.Close()
		}
	}, nil
}

func notLocked(err error) error {
	switch {
	case errors.Is(err, chained.ErrLocked):
		return fault.New(fault.Busy, "another process writes to it")
	case errors.Is(err, chained.ErrNoLock):
		return fault.New(fault.Failure, "this system has no lock for the record")
	}
	return err
}

// nextID is the number after the highest one of the year.
func nextID(dir string, o Options) (string, error) {
	ids, err := idsIn(dir)
	if err != nil {
		return "", err
	}
	year, highest := o.Now().UTC().Year(), 0
	for _, id := range slices.Concat(ids, o.Known) {
		if y, n, ok := splitID(id); ok && y == year {
			highest = max(highest, n)
		}
	}
	return idOf(year, highest+1), nil
}

// place writes a whole file under another name and gives it its own when it is on the disk. Who is killed in between
// leaves a file that the next one takes away. What somebody else put there is not written to.
func place(dir, name string, raw []byte, o Options) (err error) {
	path, temporary := filepath.Join(dir, name), filepath.Join(dir, beginning)
	if _, err := os.Lstat(path); !isGone(err) {
		return fault.New(fault.FileExists, "%s is there already", path)
	}
	if err := os.Remove(temporary); err != nil && !isGone(err) {
		return fault.WrapAs(chained.KindOf(err), err, "a new record")
	}
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fault.WrapAs(chained.KindOf(err), err, "a new record")
	}
	err = chained.WriteAll(o.through(f), raw)
	if err == nil {
		err = o.sync(f)
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		return errors.Join(fault.WrapAs(chained.KindOf(err), err, "a new record"), os.Remove(temporary))
	}
	return fault.Wrap(chained.SyncDir(dir), "the folder")
}

// Append adds lines to a record, all in one go. While the record is locked, what makes them sees what is in it; without
// lines nothing is written. A last line that a crash tore is written over, and the line that takes its place says so.
// Errors: those of Read; busy; not_permitted once it is closed, or for a text that looks like a key; log_broken when the
// file was exchanged meanwhile.
func Append(path string, o Options, makes func(*Document) ([]Entry, error)) (*Document, error) {
	d, err := appendTo(path, o, makes)
	return d, fault.Wrap(err, "the record %s", path)
}

func appendTo(path string, o Options, makes func(*Document) ([]Entry, error)) (d *Document, err error) {
	if o, err = o.complete(); err != nil {
		return nil, err
	}
	f, err := openRegular(path, os.O_RDWR)
	if err != nil {
		return nil, notOpened(err, path)
	}
	defer func() { err = chained.Alongside(err, f.Close()) }()
	lock, err := chained.Lock(f, path)
	if err != nil {
		return nil, notLocked(err)
	}
	if lock != nil {
		defer func() { err = chained.Alongside(err, lock.Close()) }()
	}
	if d, err = Parse(io.NewSectionReader(f, 0, MaxFile+1)); err != nil {
		return nil, err
	}
	entries, err := makes(d)
	if err != nil || len(entries) == 0 {
		return d, err
	}
	return d, d.extend(f, path, entries, o)
}

// extend writes lines behind those that stand.
func (d *Document) extend(f *os.File, path string, entries []Entry, o Options) error {
	c := d.chain()
	if c.closed {
		return fault.New(fault.NotPermitted, "incident %s is closed, and its record takes nothing more; open another one", d.Head.ID)
	}
	all, raw, err := compose(c, entries, o, d)
	if err != nil {
		return err
	}
	if d.Bytes+int64(len(raw)) > MaxFile {
		return fault.New(fault.TooLarge, "the record of an incident has at most %d bytes", MaxFile)
	}
	if err := isStill(f, path, d.Bytes+int64(d.Torn)); err != nil {
		return err
	}
	if err := commit(f, raw, d, o); err != nil {
		return fault.WrapAs(chained.KindOf(err), err, "line %d was not written", c.n+1)
	}
	d.Records, d.Last, d.Torn = append(d.Records, all...), all[len(all)-1].Hash, 0
	d.Bytes += int64(len(raw))
	return nil
}

// commit writes over what a crash left. That is gone only when the lines that tell of it stand.
func commit(f *os.File, raw []byte, d *Document, o Options) error {
	if err := chained.WriteAll(o.through(io.NewOffsetWriter(f, d.Bytes)), raw); err != nil {
		return err
	}
	if d.Torn > len(raw) {
		if err := f.Truncate(d.Bytes + int64(len(raw))); err != nil {
			return err
		}
	}
	return o.sync(f)
}

// isStill tells whether the path names the file that is open, with the length that was read.
func isStill(f *os.File, path string, want int64) error {
	open, err := f.Stat()
	if err != nil {
		return fault.Wrap(err, "the file")
	}
	now, err := os.Stat(path) //nolint:gosec // G703: the folder is the user's
	if err != nil {
		return fault.WrapAs(chained.KindOf(err), err, "the file was taken away")
	}
	if !os.SameFile(open, now) || now.Size() != want {
		return fault.New(fault.LogBroken, "another file was put in the place of the record, or something else wrote to it")
	}
	return nil
}

// compose makes the lines of entries, each in its place.
func compose(c chain, entries []Entry, o Options, after *Document) ([]Record, []byte, error) {
	var all []Record
	var raw []byte
	for i, e := range entries {
		r := Record{Entry: e.clone()}
		maps.DeleteFunc(r.Details, func(_, value string) bool { return value == "" })
		if i == 0 && after != nil && after.Torn > 0 {
			r.tellTorn(after)
		}
		if len(r.Details) == 0 {
			r.Details = nil
		}
		if err := r.guard(); err != nil {
			return nil, nil, err
		}
		c.fill(&r, o.Now())
		if err := r.check(); err != nil {
			return nil, nil, err
		}
		if err := c.check(&r); err != nil {
			return nil, nil, err
		}
		line := append(seal(&r), '\n')
		if len(line) > MaxLine {
			return nil, nil, tooLong()
		}
		c.follow(&r)
		all, raw = append(all, r), append(raw, line...)
	}
	return all, raw, nil
}

// tellTorn says what a break left.
func (r *Record) tellTorn(d *Document) {
	if r.Details == nil {
		r.Details = map[string]string{}
	}
	r.Details[detailTorn], r.Details[detailTornSum] = strconv.Itoa(d.Torn), d.tornSum.String()
}
