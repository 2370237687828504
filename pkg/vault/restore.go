package vault

// A backup becomes a store again.

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"poskey/internal/fault"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

// Restoring says where a backup goes and who stands behind it.
type Restoring struct {
	URL      store.URL
	LogPath  func(id string) (string, error)
	Officers []custody.Card // who have shown that they are there
	Who      audit.Actor
}

// Restored says what was restored.
type Restored struct {
	store.Summary
	Records  uint64
	Log      string
	KeptLog  bool // a log that goes on where the backup's ends was there already, and stays
	Officers []string
}

// Restore makes a store and its log of the content of a backup. Nothing is overwritten: a store at the place, or a log
// that is not the backup's own or its continuation, is refused (file_exists). What was made is taken away again when the
// rest fails. Errors: not_permitted when the officers are not those whom the rule asks for.
func Restore(ctx context.Context, env keys.Env, plain io.Reader, r Restoring) (Restored, error) {
	if err := mustBeNew(ctx, env, r.URL); err != nil {
		return Restored{}, err
	}
	job := &restoring{ctx: ctx, env: env, how: r}
	err := newParts(plain).each(job.part)
	if err == nil && !job.stored {
		err = fault.New(fault.Malformed, "the backup holds no store")
	}
	if err != nil {
		job.undo()
		return Restored{}, err
	}
	job.done.KeptLog = !job.madeLog
	for _, c := range r.Officers {
		job.done.Officers = append(job.done.Officers, c.ID())
	}
	return job.done, job.recordIt()
}

type restoring struct {
	ctx     context.Context
	env     keys.Env
	how     Restoring
	done    Restored
	id      audit.Identity
	notes   [][]byte
	madeLog bool
	stored  bool
}

func (j *restoring) part(name string, content io.Reader) error {
	switch name {
	case partLog:
		return j.log(content)
	case partSignature:
		note, err := io.ReadAll(io.LimitReader(content, maxChunk))
		j.notes = append(j.notes, note)
		return err
	case partStore:
		return j.store(content)
	case partEnd:
		return nil
	}
	return fault.New(fault.VersionUnsupported, "the backup has a section that this version does not know")
}

// log writes the log beside its place, verifies it there, and gives it its name when nobody has it.
func (j *restoring) log(content io.Reader) error {
	dir, err := os.MkdirTemp("", "poskey-restore-")
	if err != nil {
		return fault.WrapAs(fault.Failure, err, "restore the audit log")
	}
	defer func() { _ = os.RemoveAll(dir) }()
	aside := filepath.Join(dir, "log")
	if err := copyTo(aside, content); err != nil {
		return err
	}
	f, err := os.Open(aside)
	if err != nil {
		return fault.WrapAs(fault.Failure, err, "restore the audit log")
	}
	defer func() { _ = f.Close() }()
	report, err := audit.Verify(f, audit.Expect{})
	if err != nil {
		return fault.Wrap(err, "the audit log in the backup")
	}
	j.id, j.done.Records = report.Identity, report.Records
	if err := j.permitted(); err != nil {
		return err
	}
	if j.done.Log, err = j.how.LogPath(j.id.Store); err != nil {
		return err
	}
	return j.place(f)
}

// permitted holds the officers against the rule for restoring.
func (j *restoring) permitted() error {
	rule, err := custody.RuleOf(custody.StoreRestore)
	if err != nil {
		return err
	}
	environment := custody.Environment(j.id.Environment)
	for _, c := range j.how.Officers {
		if c.Environment() != environment {
			return fault.New(fault.NotPermitted, "%s is an officer of %s, the backup is of a store of %s", c.ID(),
				string(c.Environment()), string(environment))
		}
	}
	if terms := rule.Terms(environment); !terms.MetBy(j.how.Officers) {
		return fault.New(fault.NotPermitted, "restoring a store of %s takes %s", string(environment), terms.Text())
	}
	return nil
}

// place puts the verified log where it belongs, or finds it there.
func (j *restoring) place(from *os.File) error {
	if _, err := from.Seek(0, io.SeekStart); err != nil {
		return fault.WrapAs(fault.Failure, err, "restore the audit log")
	}
	there, err := os.Open(j.done.Log)
	if err == nil {
		defer func() { _ = there.Close() }()
		if !beginsWith(there, from) {
			return fault.New(fault.FileExists, "%s is there and does not go on where the backup's log ends; move it away first", j.done.Log)
		}
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return fault.WrapAs(fault.Failure, err, "open %s", j.done.Log)
	}
	j.madeLog = true
	return copyTo(j.done.Log, from)
}

func beginsWith(long, short io.Reader) bool {
	a, b := make([]byte, maxChunk), make([]byte, maxChunk)
	for {
		n, err := io.ReadFull(short, b)
		if n > 0 {
			if m, _ := io.ReadFull(long, a[:n]); m != n || !bytes.Equal(a[:n], b[:n]) {
				return false
			}
		}
		if err != nil {
			return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		}
	}
}

// copyTo writes a new file and makes it last; a half-written one is taken away.
func copyTo(path string, from io.Reader) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.NotFound, "folder %s does not exist", filepath.Dir(path))
	}
	if err != nil {
		return fault.WrapAs(fault.Failure, err, "make %s", path)
	}
	_, err = io.Copy(f, from)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		return nil
	}
	_ = os.Remove(path)
	if fault.KindOf(err) != fault.Failure {
		return err
	}
	return fault.WrapAs(fault.Failure, err, "write %s", path)
}

func (j *restoring) store(content io.Reader) error {
	if j.done.Log == "" {
		return fault.New(fault.Malformed, "the backup holds no audit log")
	}
	summary, err := store.RestoreInto(j.ctx, j.how.URL, content, store.Options{Now: j.env.Now})
	if err != nil {
		return err
	}
	j.stored, j.done.Summary = true, summary
	if summary.Store != j.id.Store {
		return fault.New(fault.Malformed, "the backup holds the inventory of %s and the log of %s", summary.Store, j.id.Store)
	}
	if !j.madeLog {
		return nil
	}
	return j.checkpoints()
}

// checkpoints puts the checkpoints beside a log that was restored.
func (j *restoring) checkpoints() error {
	for _, note := range j.notes {
		if err := audit.KeepCheckpoint(j.done.Log, note); err != nil {
			return err
		}
	}
	return nil
}

// undo takes away the log that was made for a store that could not be.
func (j *restoring) undo() {
	if j.madeLog {
		_ = os.Remove(j.done.Log)
		_ = os.RemoveAll(audit.CheckpointDir(j.done.Log))
	}
}

// recordIt puts the restoration into the log that goes on from here.
func (j *restoring) recordIt() error {
	log, err := audit.Open(j.done.Log, j.id, audit.Options{Now: j.env.Now, Who: j.how.Who})
	if err != nil {
		return fault.Wrap(err, "the store was restored, but that could not be recorded")
	}
	defer func() { _ = log.Close() }()
	entry := audit.Entry{Who: j.how.Who, Operation: audit.StoreRestore,
		Object:  audit.Object{Kind: audit.KindStore, Label: j.id.Store},
		Details: audit.Details{"records": strconv.FormatUint(j.done.Records, 10)}}
	for _, c := range j.how.Officers {
		entry.With = append(entry.With, audit.Actor{ID: c.ID(), Role: "officer"})
	}
	_, err = log.Append(entry, audit.OK())
	return fault.Wrap(err, "the store was restored, but that could not be recorded")
}
