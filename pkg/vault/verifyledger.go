package vault

// The ledger of ceremonies held against the log: every row that the log says was written is there as it was, and no other.

import (
	"slices"
	"strconv"
	"strings"

	"poskey/internal/fault"
	"poskey/pkg/audit"
	"poskey/pkg/store"
)

// written is a row of the ledger as its intent in the log tells it.
type written struct {
	seq      uint64
	ceremony string
	row      string
	digest   audit.Digest
	words    string
	outcome  uint64 // record that says it was done; else the row may be there or not
}

// books is what the log says of the ledger.
type books struct {
	rows   []*written // in the order of the log
	open   map[uint64]*written
	known  map[string]bool   // ceremonies that were led, whatever the log says of their rows
	backup map[uint64]uint64 // intents to restore the store, with the number of records that the backup had
}

// read takes a record in.
func (b *books) read(r *audit.Record) {
	if b.open == nil {
		b.open, b.known, b.backup = map[uint64]*written{}, map[string]bool{}, map[uint64]uint64{}
	}
	switch {
	case r.Operation == audit.StoreRestore:
		b.restore(r)
	case r.Operation != audit.CeremonyRun:
	case r.IsIntent() && r.Details[FieldLedger] != "":
		w := &written{seq: r.Seq, ceremony: r.Object.Label, row: r.Details[FieldLedger], digest: r.Request, words: wordsOf(r.Details)}
		b.rows = append(b.rows, w)
		b.open[r.Seq] = w
	case r.IsIntent():
		b.known[r.Object.Label] = true
	default:
		if w := b.open[r.Of]; w != nil && r.Outcome.Result == audit.Done {
			w.outcome = r.Seq
		}
		delete(b.open, r.Of)
	}
}

// restore: what was written after its backup need not be there any more; that the store was restored, others tell.
func (b *books) restore(r *audit.Record) {
	if r.IsIntent() {
		b.backup[r.Seq], _ = strconv.ParseUint(r.Details["records"], 10, 53) // none: all of it may be gone
		return
	}
	if records, ok := b.backup[r.Of]; ok && r.Outcome.Result == audit.Done {
		for _, w := range b.rows {
			if w.outcome > records {
				w.outcome = 0
			}
		}
	}
	delete(b.backup, r.Of)
}

// wordsOf is what an intent says of its row.
func wordsOf(d audit.Details) string {
	var all []string
	for _, name := range []audit.Field{fieldEvent, fieldKey, audit.FieldComponent, fieldPerson, audit.FieldPackage, audit.FieldState} {
		if d[name] != "" {
			all = append(all, d[name])
		}
	}
	return strings.Join(all, ", ")
}

// of are the rows of a kind of one ceremony.
func (b *books) of(ceremony, row string) []*written {
	var all []*written
	for _, w := range b.rows {
		if w.ceremony == ceremony && w.row == row {
			all = append(all, w)
		}
	}
	return all
}

// standing is the ledger as it stands in the database.
type standing struct {
	ceremonies map[string]store.Ceremony
	parts      map[string][]part // by ceremony, in the order in which they were written
}

// part is one of its rows.
type part struct {
	id     int64
	digest audit.Digest
	words  string
}

func (b *bookkeeping) standing() (standing, error) {
	s := standing{map[string]store.Ceremony{}, map[string][]part{}}
	for y, err := range b.db.Ceremonies(b.ctx) {
		if err != nil {
			return standing{}, err
		}
		s.ceremonies[y.ID] = y
	}
	for h, err := range b.db.Holdings(b.ctx, store.HoldingFilter{}) {
		if err != nil {
			return standing{}, err
		}
		s.parts[h.Ceremony] = append(s.parts[h.Ceremony], part{h.ID, audit.DigestOf(h.Statement()), wordsOf(partWords(&h))})
	}
	return s, nil
}

// ledger holds the ledger as it was before the log was read, and as it is after, against what the log says: of a row of
// before the log has the intent, and a row whose outcome the log has is there after.
func (b *bookkeeping) ledger(before standing) error {
	after, err := b.standing()
	if err != nil {
		return err
	}
	all := map[string]bool{}
	for _, w := range b.books.rows {
		all[w.ceremony] = true
	}
	for id := range after.ceremonies {
		all[id] = true
	}
	for id := range after.parts {
		all[id] = true
	}
	names := make([]string, 0, len(all))
	for id := range all {
		names = append(names, id)
	}
	slices.Sort(names)
	for _, id := range names {
		was, wasThere := before.ceremonies[id]
		y, there := after.ceremonies[id]
		l := ledgerOf{b: b, id: id, where: "ceremony " + id, begun: b.books.of(id, ledgerBegin), ended: b.books.of(id, ledgerEnd)}
		l.old = len(l.begun) == 0 && b.books.known[id]
		if !there {
			l.gone()
		} else {
			l.begins(&y)
			l.ends(&y, !wasThere || was.State == store.CeremonyOpen)
		}
		l.parts(before.parts[id], after.parts[id])
		if l.unrecorded > 0 {
			b.v.Findings = append(b.v.Findings, store.Finding{Where: l.where, Warning: true, Err: fault.New(fault.ChecksumMismatch,
				"%d of its rows in the ledger are of a time when the log did not have them: nobody can tell whether they are as they were",
				l.unrecorded)})
		}
	}
	return nil
}

// ledgerOf is one ceremony.
type ledgerOf struct {
	b            *bookkeeping
	id, where    string
	begun, ended []*written
	old          bool // it was begun when the log did not have the rows of the ledger
	unrecorded   int  // rows of such a time
}

func (l *ledgerOf) find(err error) { l.b.find(l.where, err) }

func (l *ledgerOf) gone() {
	if w := sure(l.begun); w != nil {
		l.find(fault.New(fault.ChecksumMismatch, "by record %d of the log it was written into the ledger, and it is not there", w.seq))
	}
}

func (l *ledgerOf) begins(y *store.Ceremony) {
	switch {
	case has(l.begun, y.Beginning()):
	case len(l.begun) > 0:
		l.find(fault.New(fault.ChecksumMismatch, "its kind, title, script or beginning is not as record %d of the log wrote it into the ledger",
			l.begun[len(l.begun)-1].seq))
	case l.old:
		l.unrecorded++
	default:
		l.find(fault.New(fault.ChecksumMismatch, "it stands in the ledger, and the log has no record of it"))
	}
}

// ends looks at the end. One that was written while the log was read is for the next time.
func (l *ledgerOf) ends(y *store.Ceremony, wasOpen bool) {
	if y.State == store.CeremonyOpen {
		if w := sure(l.ended); w != nil {
			l.find(fault.New(fault.ChecksumMismatch, "by record %d of the log it ended, and in the ledger it is open", w.seq))
		}
		return
	}
	switch {
	case has(l.ended, y.Ending()), wasOpen:
	case len(l.ended) > 0:
		l.find(fault.New(fault.ChecksumMismatch, "its end is not as record %d of the log wrote it into the ledger", l.ended[len(l.ended)-1].seq))
	case !l.old && len(l.begun) > 0:
		l.find(fault.New(fault.ChecksumMismatch, "it is %s in the ledger, and the log has no record of its end", string(y.State)))
	}
}

// sure gives the newest of rows that must be there; nil for none.
func sure(rows []*written) *written {
	for _, w := range slices.Backward(rows) {
		if w.outcome > 0 {
			return w
		}
	}
	return nil
}

func has(rows []*written, statement []byte) bool {
	digest := audit.DigestOf(statement)
	return slices.ContainsFunc(rows, func(w *written) bool { return w.digest == digest })
}

// parts holds the rows about parts against their records, in their order.
func (l *ledgerOf) parts(before, after []part) {
	records := l.b.books.of(l.id, ledgerPart)
	byDigest := map[audit.Digest][]int{}
	for i, w := range records {
		byDigest[w.digest] = append(byDigest[w.digest], i)
	}
	found := make([]bool, len(records))
	var more []stray
	last, matched, turned := -1, 0, false
	for _, p := range after {
		at := byDigest[p.digest]
		if len(at) == 0 {
			if slices.ContainsFunc(before, func(q part) bool { return q.id == p.id }) {
				more = append(more, stray{p.words, matched})
			}
			continue
		}
		byDigest[p.digest] = at[1:]
		found[at[0]] = true
		turned = turned || at[0] < last
		last = at[0]
		matched++
	}
	l.differ(records, found, more)
	if turned {
		l.find(fault.New(fault.ChecksumMismatch, "its rows in the ledger do not stand in the order in which the log says they were written"))
	}
}

// stray is a row without a record, behind so many that have theirs.
type stray struct {
	words  string
	behind int
}

// differ tells rows that are missing, rows that were changed, and rows that nobody recorded. A missing row and one without a
// record at the same place are one that was changed.
func (l *ledgerOf) differ(records []*written, found []bool, more []stray) {
	matched := 0
	for i, w := range records {
		if found[i] {
			matched++
			continue
		}
		if w.outcome == 0 {
			continue
		}
		at := slices.IndexFunc(more, func(s stray) bool { return s.behind == matched })
		if at < 0 || l.old {
			l.find(fault.New(fault.ChecksumMismatch, "by record %d of the log a row was written into the ledger (%s), and it is not there",
				w.seq, w.words))
			continue
		}
		l.find(fault.New(fault.ChecksumMismatch, "a row of the ledger was changed: by record %d of the log it was (%s), now it is (%s)",
			w.seq, w.words, more[at].words))
		more = slices.Delete(more, at, at+1)
	}
	for _, s := range more {
		if l.old {
			l.unrecorded++
			continue
		}
		l.find(fault.New(fault.ChecksumMismatch, "a row of the ledger (%s) has no record in the log", s.words))
	}
}
