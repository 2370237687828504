package vault

// Backups: the inventory of one moment with the log that vouches for it, in one file for the officers.

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"os"
	"strings"

	"poskey/internal/fault"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/store"
)

// BackedUp says what a backup holds.
type BackedUp struct {
	store.Summary
	Records     uint64 // of the audit log
	Checkpoints int
	Officers    []string // ids of those who can open it
	Bytes       int64    // of the file
}

// Backup writes the backup of the store and its log to a new file for the officers of the cards, any one of whom can
// open it. The file is read back from the disk before it gets its name: every byte decrypts and is the one that was
// written, the dump agrees with its own sums, the log with itself, and the log has the place that the inventory has
// reached. Whatever goes wrong, there is no file. Errors: file_exists; not_permitted for a card that is not of the store's
// environment; log_broken for a log that does not verify or is not of the inventory's time (which `poskey store verify`
// explains); and what the disk and the database say.
func (w *Work) Backup(ctx context.Context, path, log string, to []custody.Card) (BackedUp, error) {
	if err := w.fitToOpen(to); err != nil {
		return BackedUp{}, err
	}
	if err := mustBeFree(path); err != nil {
		return BackedUp{}, err
	}
	d, err := newDraft(path)
	if err != nil {
		return BackedUp{}, err
	}
	defer d.drop()
	done, err := w.backup(ctx, d.File, log, to)
	if err != nil {
		return BackedUp{}, err
	}
	if err := d.place(); err != nil {
		return BackedUp{}, err
	}
	return done, nil
}

// fitToOpen: nothing of a production store is for officers of test, and the other way round.
func (w *Work) fitToOpen(to []custody.Card) error {
	for _, c := range to {
		if e := string(c.Environment()); e != w.vault.id.Environment {
			return fault.New(fault.NotPermitted, "%s is an officer of %s, the store is one of %s", c.ID(), e, w.vault.id.Environment)
		}
	}
	return nil
}

func (w *Work) backup(ctx context.Context, f *os.File, log string, to []custody.Card) (BackedUp, error) {
	sealed, back, err := custody.SealTo(f, to)
	if err != nil {
		return BackedUp{}, err
	}
	wrote := sha256.New()
	done, err := w.writeBackup(ctx, io.MultiWriter(sealed, wrote), log, to)
	if err != nil {
		return BackedUp{}, err
	}
	if err := sealed.Close(); err != nil {
		return BackedUp{}, writing(err)
	}
	if err := f.Sync(); err != nil {
		return BackedUp{}, writing(err)
	}
	if done.Bytes, err = f.Seek(0, io.SeekEnd); err != nil {
		return BackedUp{}, writing(err)
	}
	return done, fault.Wrap(readBack(f, back, wrote.Sum(nil), &done), "read the backup back")
}

// writeBackup takes the log as it was just before the dump's moment, and of what came between only as much as the dump
// knows of. So the log has every intent that the dump knows of, and no outcome of a change that came after it.
func (w *Work) writeBackup(ctx context.Context, out io.Writer, path string, to []custody.Card) (BackedUp, error) {
	log, err := openLog(path)
	if err != nil {
		return BackedUp{}, err
	}
	defer log.close()
	dump := w.dump(ctx)
	defer func() { _, _ = dump.stop() }()
	mark, err := dump.moment()
	if err != nil {
		return BackedUp{}, err
	}
	if err := log.include(mark); err != nil {
		return BackedUp{}, err
	}
	if _, err := io.WriteString(out, backupTitle); err != nil {
		return BackedUp{}, writing(err)
	}
	var done BackedUp
	for _, c := range to {
		if err := writePart(out, partOfficer, bytes.NewReader(c.Marshal())); err != nil {
			return BackedUp{}, err
		}
		done.Officers = append(done.Officers, c.ID())
	}
	if err := done.writeLog(out, log, identityOf(&w.vault.id)); err != nil {
		return BackedUp{}, fault.Wrap(err, "the audit log")
	}
	if err := writePart(out, partStore, dump.from); err != nil {
		return BackedUp{}, err
	}
	if err := writePart(out, partEnd, strings.NewReader("")); err != nil {
		return BackedUp{}, err
	}
	done.Summary, err = dump.stop()
	return done, err
}

// writeLog copies the log after verifying exactly the bytes that are copied.
func (b *BackedUp) writeLog(out io.Writer, log *openedLog, id audit.Identity) error {
	report, err := audit.Verify(log.whole(), audit.Expect{Identity: id, Beside: log.notes})
	if err != nil {
		return err
	}
	if err := writePart(out, partLog, log.whole()); err != nil {
		return err
	}
	for _, note := range log.notes {
		if err := writePart(out, partNote, bytes.NewReader(note)); err != nil {
			return err
		}
	}
	b.Records, b.Checkpoints = report.Records, len(log.notes)
	return nil
}

// dumping is a dump of the inventory under way.
type dumping struct {
	from    *io.PipeReader
	at      chan store.Mark
	ended   chan struct{}
	summary store.Summary
	err     error
}

func (w *Work) dump(ctx context.Context) *dumping {
	r, out := io.Pipe()
	d := &dumping{from: r, at: make(chan store.Mark, 1), ended: make(chan struct{})}
	go func() {
		defer close(d.ended)
		d.summary, d.err = w.vault.db.BackupFrom(ctx, out, func(m store.Mark) error {
			d.at <- m
			return nil
		})
		_ = out.CloseWithError(d.err)
	}()
	return d
}

// moment waits until the dump's moment is fixed, and gives the place in the log that the inventory had reached by then.
func (d *dumping) moment() (store.Mark, error) {
	select {
	case m := <-d.at:
		return m, nil
	case <-d.ended:
		return store.Mark{}, d.err
	}
}

// stop ends the dump where it is and waits for it: nothing of it touches the database any more.
func (d *dumping) stop() (store.Summary, error) {
	_ = d.from.Close()
	<-d.ended
	return d.summary, d.err
}

// readBack holds a backup against what was written to it, by its content and by its sense.
func readBack(f *os.File, back *custody.ReadBack, wrote []byte, want *BackedUp) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return writing(err)
	}
	plain, err := back.Open(bufio.NewReaderSize(f, maxChunk))
	if err != nil {
		return err
	}
	read := sha256.New()
	got, marked, err := readBackup(io.TeeReader(plain, read), want.Mark)
	switch {
	case err != nil:
		return err
	case !marked:
		return fault.New(fault.LogBroken, "the inventory was changed by record %d, which the log does not have; "+
			"poskey store verify tells more", want.Mark.Seq)
	}
	same := bytes.Equal(read.Sum(nil), wrote) && got.Records == want.Records && got.Checkpoints == want.Checkpoints &&
		got.SHA256 == want.SHA256 && len(got.Officers) == len(want.Officers)
	if !same {
		return fault.New(fault.Failure, "the backup does not hold what was written to it")
	}
	return nil
}

// readBackup reads a whole backup without keeping any of it, and looks for a mark in its log.
func readBackup(plain io.Reader, mark store.Mark) (got BackedUp, marked bool, err error) {
	err = newParts(plain).each(func(name string, part io.Reader) (err error) {
		switch name {
		case partOfficer:
			var c custody.Card
			c, err = readCard(part)
			got.Officers = append(got.Officers, c.ID())
		case partLog:
			got.Records, marked, err = followLog(part, mark)
		case partNote:
			got.Checkpoints++
		case partStore:
			got.Summary, err = store.ReadBackup(part)
		}
		return err
	})
	return got, marked, err
}

// readCard reads the card of a section.
func readCard(part io.Reader) (custody.Card, error) {
	raw, err := io.ReadAll(io.LimitReader(part, maxChunk))
	if err != nil {
		return custody.Card{}, err
	}
	return custody.ParseCard(raw)
}
