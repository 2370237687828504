package vault

// Backups: the inventory of one moment with the log that vouches for it, in one file for the officers.

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"strings"

	"poskey/internal/fault"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/store"
)

// A backup is an age file for every officer of the store. Inside stand a title and sections, each a name in a line and
// chunks of a length (4 bytes, big-endian) and so many bytes, up to a chunk of length 0:
//
//	log            the audit log, whole records
//	checkpoint     one of its checkpoints; any number
//	store          the dump of the inventory (pkg/store)
//	end            without chunks
const (
	backupTitle   = "poskey backup 1\n"
	partLog       = "log"
	partSignature = "checkpoint"
	partStore     = "store"
	partEnd       = "end"
	maxChunk      = 64 << 10
	maxPartName   = 32
)

// BackedUp says what a backup holds.
type BackedUp struct {
	store.Summary
	Records     uint64 // of the audit log
	Checkpoints int
	Officers    []string // who can open it
	Bytes       int64    // of the file
}

// Backup writes the backup of a store and its log to a new file, and verifies it by reading it back from the disk:
// every byte decrypts, the dump agrees with its own sums, and the log verifies. The file is removed when anything is wrong.
// to are the cards of those who shall be able to open it.
func (w *Work) Backup(ctx context.Context, f *os.File, log string, to []custody.Card) (BackedUp, error) {
	sealed, back, err := custody.SealTo(f, to)
	if err != nil {
		return BackedUp{}, err
	}
	wrote := sha256.New()
	done, err := w.writeBackup(ctx, io.MultiWriter(sealed, wrote), log)
	if err != nil {
		return BackedUp{}, err
	}
	if err := sealed.Close(); err != nil {
		return BackedUp{}, fault.WrapAs(fault.Failure, err, "write the backup")
	}
	if err := f.Sync(); err != nil {
		return BackedUp{}, fault.WrapAs(fault.Failure, err, "write the backup")
	}
	if done.Bytes, err = f.Seek(0, io.SeekEnd); err != nil {
		return BackedUp{}, fault.WrapAs(fault.Failure, err, "read the backup back")
	}
	for _, c := range to {
		done.Officers = append(done.Officers, c.ID())
	}
	return done, w.readBack(f, back, wrote.Sum(nil), done)
}

// writeBackup begins the dump first, so that its moment is not after the log's end: a log that knows more than the
// inventory is the normal case, the other way round is what an attack looks like.
func (w *Work) writeBackup(ctx context.Context, out io.Writer, log string) (BackedUp, error) {
	dump, pipe := io.Pipe()
	type dumped struct {
		summary store.Summary
		err     error
	}
	result := make(chan dumped, 1)
	go func() {
		summary, err := w.vault.db.Backup(ctx, pipe)
		_ = pipe.CloseWithError(err)
		result <- dumped{summary, err}
	}()
	defer func() { _ = dump.Close() }()
	first := bufio.NewReader(dump)
	if _, err := first.Peek(1); err != nil {
		return BackedUp{}, fault.Wrap(err, "dump the inventory")
	}
	if _, err := io.WriteString(out, backupTitle); err != nil {
		return BackedUp{}, fault.WrapAs(fault.Failure, err, "write the backup")
	}
	done, err := writeLog(out, log)
	if err != nil {
		return BackedUp{}, err
	}
	if err := writePart(out, partStore, first); err != nil {
		return BackedUp{}, err
	}
	if err := writePart(out, partEnd, strings.NewReader("")); err != nil {
		return BackedUp{}, err
	}
	d := <-result
	done.Summary = d.summary
	return done, d.err
}

// writeLog copies the log as it is now, after verifying exactly the bytes that are copied.
func writeLog(out io.Writer, path string) (BackedUp, error) {
	f, err := os.Open(path)
	if err != nil {
		return BackedUp{}, fault.WrapAs(fault.Failure, err, "open the audit log")
	}
	defer func() { _ = f.Close() }()
	size, err := wholeRecords(f)
	if err != nil {
		return BackedUp{}, err
	}
	report, err := audit.Verify(io.NewSectionReader(f, 0, size), audit.Expect{})
	if err != nil {
		return BackedUp{}, fault.Wrap(err, "the audit log")
	}
	if err := writePart(out, partLog, io.NewSectionReader(f, 0, size)); err != nil {
		return BackedUp{}, err
	}
	notes, err := audit.Checkpoints(path)
	if err != nil {
		return BackedUp{}, err
	}
	for _, note := range notes {
		if err := writePart(out, partSignature, bytes.NewReader(note)); err != nil {
			return BackedUp{}, err
		}
	}
	return BackedUp{Records: report.Records, Checkpoints: len(notes)}, nil
}

// wholeRecords is the length of the file up to its last line feed: somebody may be writing a record right now.
func wholeRecords(f *os.File) (int64, error) {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, fault.WrapAs(fault.Failure, err, "read the audit log")
	}
	tail := make([]byte, min(size, audit.MaxLine))
	if _, err := f.ReadAt(tail, size-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return 0, fault.WrapAs(fault.Failure, err, "read the audit log")
	}
	return size - int64(len(tail)) + int64(bytes.LastIndexByte(tail, '\n')+1), nil
}

func writePart(out io.Writer, name string, from io.Reader) error {
	if _, err := io.WriteString(out, name+"\n"); err != nil {
		return fault.WrapAs(fault.Failure, err, "write the backup")
	}
	buf := make([]byte, 4+maxChunk)
	for {
		n, err := io.ReadFull(from, buf[4:])
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return fault.Wrap(err, "%s", name)
		}
		binary.BigEndian.PutUint32(buf, uint32(n))
		if _, err := out.Write(buf[:4+n]); err != nil {
			return fault.WrapAs(fault.Failure, err, "write the backup")
		}
		if n == 0 {
			return nil
		}
	}
}

// readBack holds the file against what was written to it, by its content and by its sense.
func (w *Work) readBack(f *os.File, back *custody.ReadBack, wrote []byte, want BackedUp) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fault.WrapAs(fault.Failure, err, "read the backup back")
	}
	plain, err := back.Open(bufio.NewReader(f))
	if err != nil {
		return fault.Wrap(err, "read the backup back")
	}
	read := sha256.New()
	got := BackedUp{}
	r := newParts(io.TeeReader(plain, read))
	err = r.each(func(name string, part io.Reader) error {
		var err error
		switch name {
		case partLog:
			var report audit.Report
			report, err = audit.Verify(part, audit.Expect{})
			got.Records = report.Records
		case partSignature:
			got.Checkpoints++
		case partStore:
			got.Summary, err = store.ReadBackup(part)
		}
		return err
	})
	if err != nil {
		return fault.Wrap(err, "read the backup back")
	}
	if !bytes.Equal(read.Sum(nil), wrote) || got.Records != want.Records || got.Checkpoints != want.Checkpoints ||
		got.SHA256 != want.SHA256 {
		return fault.New(fault.Failure, "the backup does not hold what was written to it")
	}
	return nil
}

// parts reads the sections of a backup in their order.
type parts struct{ from *bufio.Reader }

func newParts(r io.Reader) *parts { return &parts{bufio.NewReaderSize(r, maxChunk)} }

// each hands over every section; what is left of one is skipped. It ends well only with the section "end" and nothing
// behind it.
func (p *parts) each(one func(name string, part io.Reader) error) error {
	title := make([]byte, len(backupTitle))
	if _, err := io.ReadFull(p.from, title); err != nil || string(title) != backupTitle {
		return fault.New(fault.Malformed, "it is no backup of a store, or one of another version")
	}
	for {
		name, err := p.name()
		if err != nil {
			return err
		}
		part := &chunks{from: p.from}
		if err := one(name, part); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, part); err != nil {
			return err
		}
		if name != partEnd {
			continue
		}
		switch _, err := p.from.ReadByte(); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		return fault.New(fault.Malformed, "more follows after the end of the backup")
	}
}

func (p *parts) name() (string, error) {
	name, err := p.from.ReadSlice('\n')
	if err != nil || len(name) > maxPartName {
		return "", cutShort(err)
	}
	return string(name[:len(name)-1]), nil
}

// cutShort tells damage, which the decryption found, from an end in the middle.
func cutShort(err error) error {
	if fault.Is(err, fault.MACMismatch) {
		return err
	}
	return fault.New(fault.Malformed, "the backup is cut short")
}

// chunks reads the chunks of a section as one stream.
type chunks struct {
	from *bufio.Reader
	left int
	done bool
}

func (c *chunks) Read(p []byte) (int, error) {
	if c.left == 0 && !c.done {
		var length [4]byte
		if _, err := io.ReadFull(c.from, length[:]); err != nil {
			return 0, cutShort(err)
		}
		n := binary.BigEndian.Uint32(length[:])
		if n > maxChunk {
			return 0, fault.New(fault.Malformed, "a chunk of the backup is longer than %d bytes", maxChunk)
		}
		c.left, c.done = int(n), n == 0
	}
	if c.done {
		return 0, io.EOF
	}
	n, err := c.from.Read(p[:min(len(p), c.left)])
	c.left -= n
	if err != nil {
		err = cutShort(err)
	}
	return n, err
}
