package vault

// A backup becomes a store again.

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"slices"
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
	Records  uint64 // of the log in the backup
	Log      string
	KeptLog  bool     // a log that goes on where the backup's ends was there already, and stays
	Newer    uint64   // records that it has and the backup has not
	KeySets  []string // frozen, all that there are: nobody knows what they handed out after the backup was made
	Officers []string
}

// Restore makes a store and its log of the content of a backup. Nothing is overwritten: a store at the place, or a log
// that is not the backup's own or its continuation, is refused (file_exists). The log is verified with its checkpoints and
// put in its place first, the intent is recorded in it, and then the store is made, whole or not at all. What was made is
// taken away again when the rest fails; a crash leaves at most a whole log without a store, with which the next try goes
// on. Nobody knows which numbers went out after the backup was made: every key set comes back frozen, goes on behind what
// the log tells of it, and gives nothing more out of leases that were under way. Errors: not_permitted when the officers are not those whom the rule asks for, or are none of those for whom the
// backup was made; malformed, mac_mismatch, checksum_mismatch and log_broken for a file that is not as it was written.
//
// Who can open a backup can also make one: nothing but its log's checkpoints is signed. Where the file was meanwhile is
// for people to know.
func Restore(ctx context.Context, env keys.Env, plain io.Reader, r Restoring) (Restored, error) {
	if err := mustBeNew(ctx, env, r.URL); err != nil {
		return Restored{}, err
	}
	j := &restoring{ctx: ctx, env: env, how: r}
	defer j.close()
	err := newParts(plain).each(j.part)
	if err == nil || j.stored {
		return j.done, err
	}
	j.undo(err)
	return Restored{}, err
}

type restoring struct {
	ctx  context.Context
	env  keys.Env
	how  Restoring
	done Restored

	cards   []custody.Card // for whom the backup was made
	id      audit.Identity
	draft   *draft // the log of the backup, beside its place
	notes   [][]byte
	madeLog bool
	log     *audit.Log
	stored  bool
}

func (j *restoring) part(name string, content io.Reader) error {
	switch name {
	case partOfficer:
		c, err := readCard(content)
		j.cards = append(j.cards, c)
		return err
	case partLog:
		return fault.Wrap(j.takeLog(content), "the audit log in the backup")
	case partNote:
		note, err := io.ReadAll(io.LimitReader(content, audit.MaxNote+1))
		j.notes = append(j.notes, note)
		return err
	case partStore:
		return j.takeStore(content)
	}
	return fault.New(fault.Bug, "a section of the backup that nobody reads")
}

// takeLog writes the log beside its place. Its first record says whose it is.
func (j *restoring) takeLog(content io.Reader) error {
	from := bufio.NewReaderSize(content, audit.MaxLine+1)
	line, err := from.ReadSlice('\n')
	if err != nil {
		return cutShort(err)
	}
	first, err := audit.ParseRecord(bytes.TrimSuffix(line, []byte{'\n'}))
	if err != nil {
		return err
	}
	j.id = first.Log
	if err := j.permitted(); err != nil {
		return err
	}
	if j.done.Log, err = j.how.LogPath(j.id.Store); err != nil {
		return err
	}
	return j.writeDraft(io.MultiReader(bytes.NewReader(line), from))
}

// writeDraft writes the log beside its place, where another one may lie.
func (j *restoring) writeDraft(content io.Reader) error {
	d, err := newDraft(j.done.Log)
	if err != nil {
		return err
	}
	j.draft = d
	if _, err := io.Copy(d, content); err != nil {
		return fault.Wrap(err, "write %s", d.path)
	}
	return nil
}

// permitted holds the officers against the rule for restoring, and against those for whom the backup was made: an
// identity that somebody made for themselves yesterday is no second officer of this store.
func (j *restoring) permitted() error {
	rule, err := custody.RuleOf(custody.StoreRestore)
	if err != nil {
		return err
	}
	environment := custody.Environment(j.id.Environment)
	for _, c := range j.how.Officers {
		known := func(o custody.Card) bool { return o.Fingerprint() == c.Fingerprint() }
		switch {
		case c.Environment() != environment:
			return fault.New(fault.NotPermitted, "%s is an officer of %s, the backup is of a store of %s", c.ID(),
				string(c.Environment()), string(environment))
		case !slices.ContainsFunc(j.cards, known):
			return fault.New(fault.NotPermitted, "the backup was not made for %s", c.ID())
		}
		if err := c.CheckTime(j.env.Now()); err != nil {
			return err
		}
	}
	if terms := rule.Terms(environment); !terms.MetBy(j.how.Officers) {
		return fault.New(fault.NotPermitted, "restoring a store of %s takes %s", string(environment), terms.Text())
	}
	return nil
}

// takeStore makes the store between an intent and its outcome in the log that goes on from here.
func (j *restoring) takeStore(content io.Reader) error {
	if err := j.settleLog(); err != nil {
		return fault.Wrap(err, "the audit log in the backup")
	}
	pending, err := j.openLog()
	if err != nil {
		return err
	}
	caution, err := j.caution(pending)
	if err != nil {
		return err
	}
	j.done.Summary, err = store.RestoreWith(j.ctx, j.how.URL, content, store.Options{Now: j.env.Now,
		Expect: store.Identity{ID: j.id.Store, Environment: string(j.id.Environment)}}, caution)
	if j.stored = err == nil; !j.stored {
		if !j.madeLog { // else it goes away
			_, _ = pending.Done(audit.OutcomeOf(err)) // the error says more
		}
		return err
	}
	if pending.After.Details, err = j.reached(); err == nil {
		_, err = pending.Done(audit.OK())
	}
	return fault.Wrap(err, "the store was restored, but that could not be recorded")
}

// reached is how far the restored inventory has come, for the outcome.
func (j *restoring) reached() (audit.Details, error) {
	db, err := store.Open(j.ctx, j.how.URL, store.Options{Now: j.env.Now})
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	sets, err := db.KeySets(j.ctx)
	if err != nil {
		return nil, err
	}
	for _, k := range sets {
		j.done.KeySets = append(j.done.KeySets, k.ID)
	}
	mark, err := db.Mark(j.ctx)
	if err != nil {
		return nil, err
	}
	come, err := db.Reached(j.ctx)
	d := reachedDetails(mark, come)
	d[FieldBackup] = strconv.FormatUint(j.done.Mark.Seq, 10)
	return d, err
}

// caution keeps numbers from going out twice, as far as the log tells which ones went out.
func (j *restoring) caution(p *audit.Pending) (store.Caution, error) {
	intent := &p.Begun
	c := store.Caution{Mark: store.Mark{Seq: intent.Seq, Hash: intent.Hash.String()}, Next: map[string]uint64{}}
	j.done.Newer = intent.Seq - 1 - j.done.Records
	log, err := os.Open(j.done.Log)
	if err != nil {
		return store.Caution{}, reading(err)
	}
	defer func() { _ = log.Close() }()
	var r reach
	for rec, err := range audit.Query(log, audit.Filter{}) {
		if err != nil {
			return store.Caution{}, err
		}
		if rec.Details[FieldInventory] == "" {
			continue
		}
		r.read(&rec)
		for name, k := range r.sets { // a restoration before this one takes nothing back
			c.Next[name] = max(c.Next[name], k.Next)
		}
	}
	return c, nil
}

// settleLog verifies the log and puts it where it belongs, or finds it there.
func (j *restoring) settleLog() error {
	if _, err := j.draft.Seek(0, io.SeekStart); err != nil {
		return reading(err)
	}
	report, err := audit.Verify(j.draft, audit.Expect{Identity: j.id, Beside: j.notes})
	if err != nil {
		return err
	}
	j.done.Records = report.Records
	switch err := j.draft.place(); {
	case err == nil:
		j.madeLog = true
	case fault.Is(err, fault.FileExists):
		j.done.KeptLog = true
		if err := j.goesOn(); err != nil {
			return err
		}
	default:
		return err
	}
	for _, note := range j.notes {
		if err := audit.KeepCheckpoint(j.done.Log, note); err != nil && !fault.Is(err, fault.FileExists) {
			return err
		}
	}
	return nil
}

// goesOn tells whether the log that is there begins with that of the backup.
func (j *restoring) goesOn() error {
	there, err := os.Open(j.done.Log)
	if err != nil {
		return reading(err)
	}
	defer func() { _ = there.Close() }()
	if _, err := j.draft.Seek(0, io.SeekStart); err != nil {
		return reading(err)
	}
	goesOn, err := beginsWith(there, j.draft)
	if err != nil {
		return reading(err)
	}
	if !goesOn {
		return fault.New(fault.FileExists, "%s is there and does not go on where the backup's log ends; move it away first",
			j.done.Log)
	}
	return nil
}

// beginsWith tells whether one file begins with all of another.
func beginsWith(long, short io.Reader) (bool, error) {
	a, b := make([]byte, maxChunk), make([]byte, maxChunk)
	for {
		n, err := io.ReadFull(short, b)
		if err != nil && !isEnd(err) {
			return false, err
		}
		m, lerr := io.ReadFull(long, a[:n])
		if lerr != nil && !isEnd(lerr) {
			return false, lerr
		}
		if m != n || !bytes.Equal(a[:n], b[:n]) || err != nil {
			return m == n && bytes.Equal(a[:n], b[:n]), nil
		}
	}
}

// openLog records what is about to be done.
func (j *restoring) openLog() (*audit.Pending, error) {
	var err error
	if j.log, err = audit.Open(j.done.Log, j.id, audit.Options{Now: j.env.Now, Who: j.how.Who}); err != nil {
		return nil, err
	}
	entry := audit.Entry{Who: j.how.Who, Operation: audit.StoreRestore,
		Object:  audit.Object{Kind: audit.KindStore, Label: j.id.Store},
		Details: audit.Details{"records": strconv.FormatUint(j.done.Records, 10)}}
	for _, c := range j.how.Officers {
		j.done.Officers = append(j.done.Officers, c.ID())
		entry.With = append(entry.With, audit.Actor{ID: c.ID(), Role: string(c.Roles()[0])})
	}
	return j.log.Begin(entry)
}

func (j *restoring) close() {
	if j.log != nil {
		_ = j.log.Close() // every record is on the disk
	}
	if j.draft != nil {
		j.draft.drop()
	}
}

// undo takes away the log that was made for a store that could not be.
func (j *restoring) undo(why error) {
	j.close()
	if j.madeLog {
		removeLogUnless(j.done.Log, why)
	}
}
