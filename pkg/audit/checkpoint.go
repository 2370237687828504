package audit

// Checkpoints: what officers sign, and the files that keep it.

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"poskey/internal/chained"
	"poskey/internal/fault"
)

// Checkpoint is what officers say about a log: that it had so many records, and which. Whoever has a checkpoint can
// tell whether a log still begins with exactly these.
type Checkpoint struct {
	Identity
	Size uint64    // number of records
	Root tlog.Hash // of the Merkle tree over their hashes
	Head Digest    // hash of the last one
	Time time.Time // when it was signed
}

const originStart = "poskey/audit/v1/"

// Text is what is signed; package documentation, "Checkpoints".
func (c Checkpoint) Text() string {
	return fmt.Sprintf("%s%s/%s\n%d\n%s\nhead %s\ntime %s\n", originStart, c.Environment, c.Store, c.Size, c.Root, c.Head,
		c.Time.Format(chained.TimeLayout))
}

// parseCheckpoint reads what Text wrote.
func parseCheckpoint(s string) (Checkpoint, error) {
	c, ok := cutCheckpoint(strings.Split(s, "\n"))
	if !ok || c.check() != nil || c.Text() != s {
		return Checkpoint{}, fault.New(fault.Malformed, "a signed note, but no checkpoint of an audit log")
	}
	return c, nil
}

func cutCheckpoint(line []string) (c Checkpoint, ok bool) {
	if len(line) != 6 || !strings.HasPrefix(line[0], originStart) {
		return Checkpoint{}, false
	}
	environment, store, _ := strings.Cut(strings.TrimPrefix(line[0], originStart), "/")
	c.Identity = Identity{store, Environment(environment)}
	var errs [4]error
	c.Size, errs[0] = strconv.ParseUint(line[1], 10, 53)
	c.Root, errs[1] = tlog.ParseHash(line[2])
	c.Head, errs[2] = parseDigest(strings.TrimPrefix(line[3], "head "))
	c.Time, errs[3] = time.Parse("time "+chained.TimeLayout, line[4])
	return c, errors.Join(errs[:]...) == nil && c.Size > 0
}

// MaxNote bounds what is read as a signed note, in bytes: a checkpoint with a hundred signatures is a tenth of it.
const MaxNote = 256 << 10

// ReadCheckpoint reads a signed note without looking at its signatures, to show it.
func ReadCheckpoint(signed []byte) (Checkpoint, error) {
	if len(signed) > MaxNote {
		return Checkpoint{}, fault.New(fault.TooLarge, "a checkpoint has at most %d bytes, got %d", MaxNote, len(signed))
	}
	var unverified *note.UnverifiedNoteError
	if _, err := note.Open(signed, note.VerifierList()); !errors.As(err, &unverified) {
		return Checkpoint{}, fault.New(fault.Malformed, "not a signed note")
	}
	return parseCheckpoint(unverified.Note.Text)
}

// OpenCheckpoint reads a signed note and gives the officers who signed it, by the names of their verifiers. Up to a slash
// the name is the person (officer.a/7F3A91C2): two keys of one officer are one officer. A wrong signature by a known officer,
// or fewer officers than asked for (at least one), is an error of kind log_broken; signatures of unknown officers do not
// count.
func OpenCheckpoint(signed []byte, officers note.Verifiers, quorum int) (Checkpoint, []string, error) {
	c, err := ReadCheckpoint(signed)
	if err != nil {
		return Checkpoint{}, nil, err
	}
	n, err := note.Open(signed, officers)
	var unverified *note.UnverifiedNoteError
	switch {
	case errors.As(err, &unverified):
		return Checkpoint{}, nil, &notEnough{fault.New(fault.LogBroken,
			"checkpoint over %d records: no officer who is known here signed it", c.Size)}
	case err != nil:
		return Checkpoint{}, nil, fault.WrapAs(fault.LogBroken, err, "checkpoint over %d records", c.Size)
	}
	var names []string
	for _, s := range n.Sigs {
		if !slices.ContainsFunc(names, func(name string) bool { return person(name) == person(s.Name) }) {
			names = append(names, s.Name)
		}
	}
	if len(names) < quorum {
		return Checkpoint{}, nil, &notEnough{fault.New(fault.LogBroken,
			"checkpoint over %d records: signed by %d known officers, %d are asked for", c.Size, len(names), quorum)}
	}
	return c, names, nil
}

// person is the officer whose key a verifier's name stands for.
func person(name string) string {
	id, _, _ := strings.Cut(name, "/")
	return id
}

// notEnough is the error about a checkpoint whose signatures are right, as far as they are known, and too few.
type notEnough struct{ error }

func (e *notEnough) Unwrap() error { return e.error }

// CheckpointDir names the folder beside a log that holds its checkpoints, one file each.
func CheckpointDir(path string) string { return path + ".checkpoints" }

const checkpointEnd = ".note"

// Checkpoints reads all checkpoints beside a log, oldest first. Copies that are kept elsewhere are worth more: whoever
// replaces the log can replace these too.
func Checkpoints(path string) ([][]byte, error) {
	names, err := checkpointNames(path)
	if err != nil {
		return nil, err
	}
	var all [][]byte
	for _, name := range names {
		raw, err := readCheckpointFile(path, name)
		if err != nil {
			return nil, err
		}
		all = append(all, raw)
	}
	return all, nil
}

func checkpointNames(path string) ([]string, error) {
	entries, err := os.ReadDir(CheckpointDir(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fault.WrapAs(chained.KindOf(err), err, "checkpoints of the audit log")
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), checkpointEnd) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

func readCheckpointFile(path, name string) ([]byte, error) {
	f, err := os.Open(filepath.Join(CheckpointDir(path), name))
	if err != nil {
		return nil, fault.WrapAs(chained.KindOf(err), err, "checkpoints of the audit log")
	}
	defer func() { _ = f.Close() }() // it was read
	raw, err := io.ReadAll(io.LimitReader(f, MaxNote+1))
	return raw, fault.WrapAs(chained.KindOf(err), err, "checkpoints of the audit log")
}

// newestCheckpoint reads the checkpoint with the most records, unverified.
func newestCheckpoint(path string) (Checkpoint, bool, error) {
	names, err := checkpointNames(path)
	if err != nil || len(names) == 0 {
		return Checkpoint{}, false, err
	}
	newest := names[len(names)-1]
	raw, err := readCheckpointFile(path, newest)
	if err != nil {
		return Checkpoint{}, false, err
	}
	c, err := ReadCheckpoint(raw)
	if err != nil {
		return Checkpoint{}, false, fault.Wrap(err, "checkpoint %s", newest)
	}
	return c, true, nil
}

// KeepCheckpoint puts a checkpoint that came from elsewhere, such as a backup, beside a log. Whether it agrees with the
// log is for [Verify] to say. Errors: malformed, file_exists.
func KeepCheckpoint(path string, signed []byte) error {
	c, err := ReadCheckpoint(signed)
	if err != nil {
		return err
	}
	if err := saveCheckpoint(path, c.Size, signed); err != nil {
		return fault.WrapAs(chained.KindOf(err), err, "keeping the checkpoint")
	}
	return nil
}

// saveCheckpoint writes a checkpoint so that it is there as a whole or not at all.
func saveCheckpoint(path string, size uint64, signed []byte) error {
	dir := CheckpointDir(path)
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := chained.SyncDir(filepath.Dir(path)); err != nil {
		return err
	}
	final := filepath.Join(dir, fmt.Sprintf("%012d%s", size, checkpointEnd))
	if _, err := os.Lstat(final); !errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.FileExists, "%s is there already", final)
	}
	draft := filepath.Join(dir, "draft")
	if err := writeSynced(draft, signed); err != nil {
		return err
	}
	if err := os.Rename(draft, final); err != nil {
		return err
	}
	return chained.SyncDir(dir)
}

func writeSynced(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}

// Checkpoint verifies the whole log, lets the officers sign what it is, and keeps the note beside it. The log can be
// used meanwhile: signers may ask people for passphrases. The signing is recorded first, so that the checkpoint covers
// its own announcement, and its outcome after. It returns the signed note, to be copied elsewhere.
func (l *Log) Checkpoint(who Actor, officers ...note.Signer) ([]byte, error) {
	if len(officers) == 0 {
		return nil, fault.New(fault.Usage, "a checkpoint is signed by at least one officer")
	}
	entry := Entry{Who: who, Operation: LogCheckpoint, Details: Details{FieldSigners: signerNames(officers)}}
	pending, err := l.begin(entry)
	if err != nil {
		return nil, err
	}
	signed, err := l.sign(pending, officers)
	_, doneErr := pending.Done(OutcomeOf(err))
	if err == nil {
		err = doneErr
	}
	if err != nil {
		return nil, fault.Wrap(err, "checkpoint over %d records", pending.Begun.Seq)
	}
	return signed, nil
}

func signerNames(officers []note.Signer) string {
	var names []string
	for _, s := range officers {
		names = append(names, s.Name())
	}
	return Clean(strings.Join(names, " "))
}

func (l *Log) sign(p *Pending, officers []note.Signer) ([]byte, error) {
	kept, err := Checkpoints(l.path)
	if err != nil {
		return nil, err
	}
	w := newWalk(l.upTo(p.end), Expect{Identity: l.identity})
	for _, raw := range kept {
		c, err := ReadCheckpoint(raw)
		if err != nil {
			return nil, err
		}
		w.expect(c, nil)
	}
	if err := w.run(); err != nil {
		return nil, err
	}
	if w.report.Records != p.Begun.Seq || w.report.Head != p.Begun.Hash {
		return nil, &Problem{Reason: CutShort, Record: w.report.Records, Got: number(w.report.Records),
			Want: number(p.Begun.Seq)}
	}
	c := Checkpoint{Identity: w.report.Identity, Size: w.report.Records, Root: w.report.Root, Head: w.report.Head,
		Time: l.options.Now().UTC().Truncate(time.Microsecond)}
	signed, err := note.Sign(&note.Note{Text: c.Text()}, officers...)
	if err != nil {
		return nil, fault.Wrap(err, "signing")
	}
	if err := saveCheckpoint(l.path, c.Size, signed); err != nil {
		return nil, fault.WrapAs(chained.KindOf(err), err, "keeping the checkpoint")
	}
	return signed, nil
}
