package vault

// The inventory held against its log: what one of them has and the other has not.

import (
	"context"
	"strconv"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/kcv"
	"poskey/pkg/store"
)

// maxHistory bounds what is listed of the log.
const maxHistory = 1000

// bookkeeping holds the inventory against its log.
type bookkeeping struct {
	ctx   context.Context
	db    *store.Store
	v     *Verified
	self  uint64     // intent of the verification itself
	place store.Mark // that the inventory had reached before the log was looked at

	found  bool // the log has that place
	silent silent
	books  books                // the rows of the ledger of ceremonies, as the log tells them
	reach  reach                // of the inventory, as outcomes tell it
	last   uint64               // newest intent whose change the log says was made
	open   map[uint64]bool      // intents without an outcome
	begun  map[uint64]time.Time // when the intents were recorded whose outcome comes later

	restored   int               // restorations that left something behind
	resealing  map[uint64]uint64 // intents to seal the master key anew, with the generation before
	generation uint64            // that the log says the master key has reached
}

// hold finds a log that does not verify, a database that is not of the log's time, and what one of them has and the other
// has not. The order of reading lets both be in use: the log has every place that the inventory reached before, and the
// inventory every change whose outcome is in the log.
func (b *bookkeeping) hold(path string) error {
	id, err := b.db.Identity(b.ctx)
	if err != nil {
		return err
	}
	if err := b.enrolled(); err != nil {
		return err
	}
	officers, err := verifiers(b.ctx, b.db)
	if err != nil {
		return err
	}
	if b.place, err = b.db.Mark(b.ctx); err != nil {
		return err
	}
	before, err := b.standing()
	if err != nil {
		return err
	}
	log, err := openLog(path)
	if err != nil {
		b.v.LogErr = err
		return nil
	}
	defer log.close()
	reached, err := b.db.Mark(b.ctx)
	if err != nil {
		return err
	}
	sets, err := b.db.Reached(b.ctx)
	if err != nil {
		return err
	}
	text := log.whole()
	if b.self == 0 { // nobody is writing: the rest of a line is what a crash left
		text = log.all()
	}
	if b.v.Log, b.v.LogErr = audit.Verify(text, expectation(&id, log.notes, officers)); b.v.LogErr != nil {
		return nil
	}
	if err := b.follow(log); err != nil {
		return err
	}
	if err := b.ledger(before); err != nil {
		return err
	}
	b.judge(reached, id.Master.Generation)
	for _, f := range b.reach.behind(sets) {
		b.find(f.Where, f.Err)
	}
	return nil
}

func expectation(id *store.Identity, notes [][]byte, officers []custody.Card) audit.Expect {
	e := audit.Expect{Identity: identityOf(id), Checkpoints: notes}
	if len(officers) == 0 { // a token store knows nobody who signs
		e.Checkpoints, e.Beside = nil, notes
		return e
	}
	e.Officers = custody.NoteVerifiers(officers)
	return e
}

func (b *bookkeeping) follow(log *openedLog) error {
	b.found, b.open = b.place.IsZero(), map[uint64]bool{}
	b.begun, b.resealing = map[uint64]time.Time{}, map[uint64]uint64{}
	for _, seq := range b.v.Log.Unfinished {
		b.open[seq] = true
	}
	for r, err := range audit.Query(log.whole(), audit.Filter{}) {
		if err == nil {
			err = b.record(&r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// record holds one record against the inventory.
func (b *bookkeeping) record(r *audit.Record) error {
	b.found = b.found || isMark(r, b.place)
	if lost := b.reach.lost(r); lost != nil && b.restored < maxHistory { // officers did it: no fault of the store's
		b.restored++
		b.v.Findings = append(b.v.Findings, store.Finding{Where: "database", Warning: true, Err: lost})
	}
	b.reach.read(r)
	if r.IsIntent() {
		b.begun[r.Seq] = r.Time
	}
	b.silent.read(r)
	b.books.read(r)
	defer delete(b.begun, r.Of) // so there are never more than can be open
	switch {
	case r.Operation == audit.Operation(custody.StoreReshare):
		b.resealed(r)
	case r.Of > 0 && (r.Outcome.Result == audit.Done && changesInventory(r) || contained(r)):
		b.last = max(b.last, r.Of)
		b.supersede(r)
		return b.changed(r)
	case b.open[r.Seq]:
		return b.unsettled(r, r.Seq)
	case r.Outcome.Result == audit.Unknown && r.Of > 0:
		return b.unsettled(r, r.Of)
	}
	return nil
}

// changed looks whether the inventory has what the log says was done.
func (b *bookkeeping) changed(r *audit.Record) error {
	if kept := r.Details[FieldKept]; kept != "" {
		return b.entered(r, kept)
	}
	for _, label := range movedBy(r) {
		done, err := b.hasStep(label, r.Of)
		if err != nil {
			return err
		}
		if !done {
			b.find(label, fault.New(fault.ChecksumMismatch,
				"by record %d of the log its state was changed, and the inventory does not have that: an older database was put in its place", r.Seq))
		}
	}
	return nil
}

// resealed notes the generation of the master key.
func (b *bookkeeping) resealed(r *audit.Record) {
	before, err := strconv.ParseUint(r.Details["generation"], 10, 53)
	switch {
	case r.IsIntent() && err == nil:
		b.resealing[r.Seq] = before
	case r.Outcome.Result == audit.Done && b.resealing[r.Of] > 0:
		b.generation = b.resealing[r.Of] + 1
		fallthrough
	default:
		delete(b.resealing, r.Of)
	}
}

// entered looks for a key that was put into the inventory.
func (b *bookkeeping) entered(r *audit.Record, label string) error {
	row, err := b.row(label)
	switch {
	case err != nil:
		return err
	case row == nil:
		b.find(label, fault.New(fault.ChecksumMismatch,
			"by record %d of the log it was put into the inventory, and it is not there: an older database was put in its place", r.Seq))
	case !agrees(r.Object.Check, row.Check):
		b.find(label, fault.New(fault.KCVMismatch, "by record %d of the log its check value is %s, by the inventory %s", r.Seq,
			r.Object.Check.Value, row.Check.Digits))
	}
	return nil
}

// agrees compares check values as far as a record keeps them.
func agrees(recorded audit.Check, v kcv.Value) bool {
	n := min(len(recorded.Value), len(v.Digits))
	return recorded.Method != string(v.Method) || recorded.Value[:n] == v.Digits[:n]
}

// row gives the row of a name that the log has; nil when it is not there or the name is none of a key.
func (b *bookkeeping) row(label string) (*store.Key, error) {
	ref, err := store.ParseRef(label)
	if err != nil || ref.Version == 0 {
		return nil, nil //nolint:nilerr,nilnil // names of other things stand there too
	}
	row, err := b.db.Get(b.ctx, ref)
	if fault.Is(err, fault.NotFound) {
		return nil, nil //nolint:nilnil // no error, and no row
	}
	return &row, err
}

// hasStep tells whether a key's history has the step of an intent.
func (b *bookkeeping) hasStep(label string, intent uint64) (bool, error) {
	row, err := b.row(label)
	if err != nil || row == nil {
		return false, err
	}
	steps, err := b.db.History(b.ctx, row.Ref())
	for _, s := range steps {
		if s.Mark == intent {
			return true, nil
		}
	}
	return false, err
}

// unsettled asks the inventory how an operation ended that nobody saw the end of.
func (b *bookkeeping) unsettled(r *audit.Record, intent uint64) error {
	if !mayChange(r.Operation) || len(b.v.Unsettled) == maxHistory {
		return nil
	}
	u := Unsettled{Seq: intent, Operation: r.Operation, Label: r.Object.Label}
	var err error
	switch r.Operation {
	case audit.KeyRotate, audit.KeyState, audit.KeyDestroy:
		u.Told = isKey(u.Label)
		u.Done, err = b.hasStep(u.Label, intent)
	default:
		var row *store.Key
		if row, err = b.row(u.Label); row != nil && row.Created.Before(b.begun[intent]) {
			return err // it was there before: the operation used it
		}
		u.Told, u.Done = isKey(u.Label), row != nil
	}
	b.v.Unsettled = append(b.v.Unsettled, u)
	return err
}

// isKey tells the full name of a key.
func isKey(label string) bool {
	ref, err := store.ParseRef(label)
	return err == nil && ref.Version > 0
}

// supersede: a key that was put into the inventory later was not put there before.
func (b *bookkeeping) supersede(r *audit.Record) {
	kept := r.Details[FieldKept]
	for i := range b.v.Unsettled {
		if u := &b.v.Unsettled[i]; kept != "" && u.Label == kept {
			u.Done = false
		}
	}
}

// judge compares how far inventory and log have come.
func (b *bookkeeping) judge(reached store.Mark, generation uint64) {
	if generation < b.generation {
		b.find("database", fault.New(fault.ChecksumMismatch, "by the log the master key was sealed anew for other officers (generation %d), "+
			"the inventory is at %d: an older database was put in its place, or resharing broke off", b.generation, generation))
	}
	if b.silent.newest > reached.Seq { // see silent
		b.v.Findings = append(b.v.Findings, store.Finding{Where: "database", Warning: true, Err: fault.New(fault.ChecksumMismatch,
			"record %d of the log began to load keys and derived some, nobody recorded its end, and the inventory, which ends at record %d, has "+
				"nothing of it: an older database was put in its place", b.silent.newest, reached.Seq)})
	}
	switch {
	case !b.found:
		b.find("log", fault.New(fault.LogBroken,
			"the inventory was changed by record %d, which the log does not have: an older log was put in its place", b.place.Seq))
	case max(b.last, b.reach.place) > reached.Seq:
		b.find("database", fault.New(fault.ChecksumMismatch,
			"the log has a change at record %d, the inventory ends at %d: an older database was put in its place",
			max(b.last, b.reach.place), reached.Seq))
	}
}

func (b *bookkeeping) find(where string, err error) {
	if len(b.v.History) < maxHistory {
		b.v.History = append(b.v.History, store.Finding{Where: where, Err: err})
	}
}

// FieldKept is the detail of an outcome that put a key into the inventory: its label with the version.
const FieldKept audit.Field = "kept"

// changesInventory tells the outcomes of operations that wrote a row.
func changesInventory(r *audit.Record) bool {
	switch r.Operation {
	case audit.KeyRotate, audit.KeyState, audit.KeyDestroy, audit.OfficerAdd, audit.OfficerRemove:
		return true
	}
	return r.Details[FieldKept] != ""
}

// mayChange tells operations on keys that may have written a row.
func mayChange(o audit.Operation) bool {
	switch o {
	case audit.KeyGenerate, audit.KeyForm, audit.KeyImport, audit.KeyUnwrap, audit.KeyDerive, audit.KeyRotate, audit.KeyState,
		audit.KeyDestroy, audit.Operation(custody.IncidentContain):
		return true
	}
	return false
}
