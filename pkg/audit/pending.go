package audit

// Operations in two records: before they act, and after.

import (
	"sync"

	"poskey/internal/fault"
)

// Pending is an operation that was recorded as about to be done. Its Done must be called once, whatever happened; when
// the process ends before, the next [Open] finds the intent among [Log.Unfinished].
type Pending struct {
	Begun Record
	// After is what the second record says beside the outcome. It begins as what was begun, without the details, and takes
	// what was learnt in between: a check value, the counts of a batch. Its operation stays as it is.
	After Entry

	log  *Log
	end  int64 // of the file, after the intent
	once sync.Mutex
	done bool
}

// Begin records what is about to be done, by whom, to what. It returns when the record is on the disk; with an error
// nothing may be done. Errors are those of [Log.Append], and busy when [MaxOpen] operations are under way.
func (l *Log) Begin(e Entry) (*Pending, error) {
	if err := e.writable(); err != nil {
		return nil, err
	}
	return l.begin(e)
}

func (l *Log) begin(e Entry) (*Pending, error) {
	r, end, err := l.append(Record{Entry: e.clone()})
	if err != nil {
		return nil, err
	}
	p := l.pending(r)
	p.end = end
	return p, nil
}

func (l *Log) pending(r Record) *Pending {
	p := &Pending{Begun: r, After: r.clone(), log: l}
	p.After.Details = nil
	return p
}

// Done records how the operation ended. The result may be shown when it has returned without an error.
func (p *Pending) Done(o Outcome) (Receipt, error) {
	p.once.Lock()
	defer p.once.Unlock()
	if p.done {
		return Receipt{}, fault.New(fault.Bug, "the outcome of record %d was recorded before", p.Begun.Seq)
	}
	if o.Result == "" {
		return Receipt{}, fault.New(fault.Bug, "a record without an outcome is begun, not appended")
	}
	if p.After.Operation != p.Begun.Operation {
		return Receipt{}, fault.New(fault.Bug, "record %d is about %s, not %s", p.Begun.Seq,
			string(p.Begun.Operation), string(p.After.Operation))
	}
	if err := p.After.guard(); err != nil {
		return Receipt{}, fault.Wrap(err, "audit record")
	}
	r, _, err := p.log.append(Record{Entry: p.After, Outcome: o, Of: p.Begun.Seq})
	if err != nil {
		return Receipt{}, err
	}
	p.done = true
	return r.receipt(), nil
}

// Unfinished gives the operations that were begun before the log was opened and whose outcome nobody recorded: the
// process was killed, or the disk was full. Whoever opens the log finds out what became of each, as far as that can be
// told, and calls Done in their own name; [NotKnown] is for where nobody can tell.
func (l *Log) Unfinished() []*Pending {
	var left []*Pending
	for _, p := range l.found {
		p.once.Lock()
		if !p.done {
			left = append(left, p)
		}
		p.once.Unlock()
	}
	return left
}
