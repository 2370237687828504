package incident

// Reading: everything from the file alone.

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"poskey/internal/chained"
	"poskey/internal/fault"
	"poskey/internal/text"
)

// Document is a record that was read and verified.
type Document struct {
	Head    Head
	Records []Record
	Torn    int    // bytes of a last line that is not whole: it was never acknowledged
	Last    Digest // hash of the last line
	Bytes   int64  // of whole lines

	tornSum Digest
}

// Read reads and verifies the record in a file. Errors: not_found; log_broken for one that does not verify;
// too_large.
func Read(path string) (*Document, error) {
	f, err := openRegular(path, os.O_RDONLY)
	if err != nil {
		return nil, notOpened(err, path)
	}
	defer func() { _ = f.Close() }() // it was read
	d, err := Parse(f)
	return d, fault.Wrap(err, "the record %s", path)
}

// notOpened says why there is no record to read.
func notOpened(err error, path string) error {
	if isGone(err) {
		return fault.New(fault.NotFound, "there is no incident %s in %s; poskey incident list shows those that are there",
			strings.TrimSuffix(filepath.Base(path), suffix), text.Redact(filepath.Dir(path)))
	}
	return fault.WrapAs(chained.KindOf(err), err, "the record of an incident")
}

// openRegular opens a file that is one: a link leads to the record of another incident or out of the folder, and a pipe
// keeps whoever lists them waiting for ever.
func openRegular(path string, flag int) (*os.File, error) {
	is, err := os.Lstat(path) //nolint:gosec // G703: the folder is the user's
	if err != nil {
		return nil, err
	}
	if !is.Mode().IsRegular() {
		return nil, fault.New(fault.LogBroken, "it is no file but a link, a folder or a pipe")
	}
	f, err := os.OpenFile(path, flag, 0o600) //nolint:gosec // G304: the folder is the user's
	if err != nil {
		return nil, err
	}
	if now, err := f.Stat(); err != nil || !os.SameFile(is, now) {
		return nil, chained.Alongside(fault.New(fault.LogBroken, "another file was put in its place"), f.Close())
	}
	return f, nil
}

// Belongs tells whether a record is the one of an incident, of a store or of a site without one (""). A record that was
// copied under another number, or from another place, is whole and yet not the one that is asked for. Error: log_broken.
func (d *Document) Belongs(id, store string) error {
	switch {
	case d.Head.ID != id:
		return fault.New(fault.LogBroken, "the file is called %s, and the record in it is of %s", id, d.Head.ID)
	case d.Head.Store != store:
		return fault.New(fault.LogBroken, "the record is of store %s, and this is store %s", orNone(d.Head.Store), orNone(store))
	}
	return nil
}

func orNone(store string) string {
	if store == "" {
		return "(none)"
	}
	return store
}

// Parse verifies a record: every line by itself, its place in the chain, and that it may stand there.
func Parse(r io.Reader) (*Document, error) {
	raw, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	switch {
	case err != nil:
		return nil, fault.WrapAs(fault.Failure, err, "reading the record")
	case len(raw) > MaxFile:
		return nil, fault.New(fault.TooLarge, "the record of an incident has at most %d bytes", MaxFile)
	}
	return parse(raw)
}

func parse(raw []byte) (*Document, error) {
	d, c := &Document{}, chain{}
	for rest := raw; len(rest) > 0; {
		line, after, whole := bytes.Cut(rest, []byte{'\n'})
		if !whole {
			d.tear(rest)
			break
		}
		r, err := ParseRecord(line)
		if err != nil && len(after) == 0 && bytes.IndexByte(line, 0) >= 0 { // pages that a power failure left unwritten
			d.tear(rest)
			break
		}
		if err == nil {
			err = c.check(&r)
		}
		if err != nil {
			return nil, fault.WrapAs(fault.LogBroken, err, "line %d", len(d.Records)+1)
		}
		c.follow(&r)
		d.Records = append(d.Records, r)
		d.Bytes += int64(len(line) + 1)
		rest = after
	}
	switch {
	case len(d.Records) == 0 && len(raw) > 0:
		return nil, fault.New(fault.LogBroken, "its first line was never whole")
	case len(d.Records) == 0:
		return nil, fault.New(fault.LogBroken, "it is empty")
	case d.Torn > 0 && c.closed:
		return nil, fault.New(fault.LogBroken, "%d bytes stand after the line that closes it", d.Torn)
	}
	d.Head, d.Last = *d.Records[0].Head, c.hash
	return d, nil
}

func (d *Document) tear(rest []byte) { d.Torn, d.tornSum = len(rest), digestOf(rest) }

// chain is what the next line depends on.
type chain struct {
	n      int
	hash   Digest
	time   time.Time
	closed bool
}

// fill gives a new record its place.
func (c *chain) fill(r *Record, now time.Time) {
	r.N, r.Prev = c.n+1, c.hash
	r.Time = now.UTC().Truncate(time.Microsecond)
	r.Back = c.back(r.Time)
}

// back tells how far a time lies before that of the last line.
func (c *chain) back(t time.Time) time.Duration {
	if c.n == 0 {
		return 0
	}
	return max(0, c.time.Sub(t))
}

// check tells whether the record may follow. The record itself has passed its own checks.
func (c *chain) check(r *Record) error {
	switch {
	case r.N != c.n+1:
		return fault.New(fault.LogBroken, "line %d stands in the place of line %d; lines were deleted, inserted or moved", r.N, c.n+1)
	case r.Prev != c.hash:
		return fault.New(fault.LogBroken, "it names %s as the hash of the line above, which has %s; one of the two was changed",
			r.Prev.Short(), c.hash.Short())
	case r.Back != c.back(r.Time):
		return fault.New(fault.LogBroken, "its note says that the clock went back by %s, the times say %s", r.Back, c.back(r.Time))
	case (c.n == 0) != (r.Kind == EntryOpen):
		return fault.New(fault.LogBroken, "the first line opens the record, and no other does")
	case c.closed:
		return fault.New(fault.NotPermitted, "the incident is closed; nothing stands after that line")
	}
	return nil
}

// follow takes the place of a record.
func (c *chain) follow(r *Record) {
	c.n, c.hash, c.time, c.closed = r.N, r.Hash, r.Time, r.Kind == EntryClose
}

func (d *Document) chain() chain {
	c := chain{}
	c.follow(&d.Records[len(d.Records)-1])
	return c
}

// isGone tells that there is no such file.
func isGone(err error) bool { return errors.Is(err, os.ErrNotExist) || fault.Is(err, fault.NotFound) }
