package vault

// The form of a backup, as it is written and as it is read.

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"slices"

	"poskey/internal/fault"
)

// A backup is an age file for officers of the store. Inside stand a title and sections, each a name in a line and chunks
// of a length (4 bytes, big-endian) and so many bytes, up to a chunk of length 0. The sections come in this order:
//
//	officer        the card of an officer who can open the file; one or more
//	log            the audit log, whole records
//	checkpoint     one of its checkpoints; any number
//	store          the dump of the inventory (pkg/store)
//	end            without chunks
//
// The store is handed over as ended when the end of the whole file was seen, so that nobody makes a store of a file
// that is cut short or goes on.
const (
	backupTitle = "poskey backup 1\n"
	partOfficer = "officer"
	partLog     = "log"
	partNote    = "checkpoint"
	partStore   = "store"
	partEnd     = "end"
	maxChunk    = 64 << 10
	maxPartName = 32
)

// mayFollow lists what may come after a section; "" is the title.
func mayFollow(name string) []string {
	switch name {
	case "":
		return []string{partOfficer}
	case partOfficer:
		return []string{partOfficer, partLog}
	case partLog, partNote:
		return []string{partNote, partStore}
	}
	return nil
}

// writePart writes a section.
func writePart(out io.Writer, name string, from io.Reader) error {
	if _, err := io.WriteString(out, name+"\n"); err != nil {
		return writing(err)
	}
	buf := make([]byte, 4+maxChunk)
	for {
		n, err := io.ReadFull(from, buf[4:])
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		binary.BigEndian.PutUint32(buf, uint32(n))
		if _, err := out.Write(buf[:4+n]); err != nil {
			return writing(err)
		}
		if n == 0 {
			return nil
		}
	}
}

func writing(err error) error { return fault.WrapAs(fault.Failure, err, "write the backup") }

// parts reads the sections of a backup.
type parts struct{ from *bufio.Reader }

func newParts(r io.Reader) *parts { return &parts{bufio.NewReaderSize(r, maxChunk)} }

// each hands over every section; what is left of one is skipped. It ends well only when the file was whole.
func (p *parts) each(one func(name string, part io.Reader) error) error {
	title := make([]byte, len(backupTitle))
	switch _, err := io.ReadFull(p.from, title); {
	case err != nil && !isEnd(err):
		return err
	case err != nil || string(title) != backupTitle:
		return fault.New(fault.Malformed, "it is no backup of a store, or one of another version")
	}
	for last := ""; last != partStore; {
		name, err := p.name()
		if err != nil {
			return err
		}
		if !slices.Contains(mayFollow(last), name) {
			return fault.New(fault.Malformed, "the sections of the backup are not those of this version, or not in their order")
		}
		part := &chunks{from: p.from}
		if name == partStore {
			part.after = p.end
		}
		if err := one(name, part); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, part); err != nil {
			return err
		}
		last = name
	}
	return nil
}

// end reads the last section, and that nothing follows.
func (p *parts) end() error {
	name, err := p.name()
	if err != nil {
		return err
	}
	if n, err := io.Copy(io.Discard, &chunks{from: p.from}); err != nil {
		return err
	} else if name != partEnd || n != 0 {
		return fault.New(fault.Malformed, "the sections of the backup are not those of this version, or not in their order")
	}
	switch _, err := p.from.ReadByte(); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	}
	return fault.New(fault.Malformed, "more follows after the end of the backup")
}

func (p *parts) name() (string, error) {
	name, err := p.from.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull), err == nil && len(name) > maxPartName:
		return "", fault.New(fault.Malformed, "a section of the backup has no name")
	case err != nil:
		return "", cutShort(err)
	}
	return string(name[:len(name)-1]), nil
}

func isEnd(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

// cutShort tells an end in the middle; other errors are of the reader, which knows them best.
func cutShort(err error) error {
	if isEnd(err) {
		return fault.New(fault.Malformed, "the backup is cut short")
	}
	return err
}

// chunks reads the chunks of a section as one stream.
type chunks struct {
	from  *bufio.Reader
	after func() error // what has to be so before the section counts as ended
	left  int
	over  error // io.EOF, or why there is no end
}

func (c *chunks) Read(p []byte) (int, error) {
	if c.left == 0 && c.over == nil {
		c.next()
	}
	if c.over != nil {
		return 0, c.over
	}
	n, err := c.from.Read(p[:min(len(p), c.left)])
	c.left -= n
	if err != nil {
		c.over = cutShort(err)
	}
	return n, c.over
}

// next begins a chunk.
func (c *chunks) next() {
	var length [4]byte
	if _, err := io.ReadFull(c.from, length[:]); err != nil {
		c.over = cutShort(err)
		return
	}
	switch n := binary.BigEndian.Uint32(length[:]); {
	case n > maxChunk:
		c.over = fault.New(fault.Malformed, "a chunk of the backup is longer than %d bytes", maxChunk)
	case n > 0:
		c.left = int(n)
	default:
		c.over = io.EOF
		if c.after != nil {
			if err := c.after(); err != nil {
				c.over = err
			}
		}
	}
}
