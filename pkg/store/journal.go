package store

// Group commit.

import (
	"context"
	"runtime"
	"sync"

	"poskey/internal/fault"
)

// Journal writes loads of many at once: calls that come together go into one transaction (group commit), and each
// returns when its own change is on the disk. Whoever comes while a transaction is written goes into the next one, and
// who comes alone waits for nobody. Its methods may be called from any goroutine.
//
// What fails one call fails it alone; a transaction that fails fails all calls in it, with its cause. A caller who gives
// up before his change is under way has changed nothing (interrupted, device_timeout); after that he is told
// outcome_unknown, and the others in the transaction go on.
type Journal struct {
	s      *Store
	change Change

	mu      sync.Mutex
	waiting []*entry
	busy    chan struct{} // closed when nobody writes any more; nil when nobody does
	closed  bool
	marked  bool // the mark is in the store
}

// entry is a call that waits. It is taken by the transaction that it goes into, or given up before.
type entry struct {
	op   *loadOp
	tx   *group // nil while it waits
	done chan struct{}
	err  error // of the transaction
}

// group is a transaction; it is not waited for any more when all of its callers have given up.
type group struct {
	stop context.CancelFunc
	left int
}

// mostInOne bounds a transaction, so that a flood of calls does not keep the first of them waiting.
const mostInOne = 1024

// NewJournal writes into a store under one change, which carries the mark of the operation.
func NewJournal(s *Store, c Change) *Journal { return &Journal{s: s, change: c} }

// Reserve is [Store.ReserveLoads] for one.
func (j *Journal) Reserve(ctx context.Context, r LoadRequest) (Load, error) {
	op := reserveOp(r)
	if err := j.do(ctx, op); err != nil {
		return Load{}, err
	}
	return op.load, nil
}

// Step is [Store.StepLoads] for one; same lists other slots, as SERIAL/SLOT, that hold a key with an equal check value.
func (j *Journal) Step(ctx context.Context, s LoadStep) (same []string, err error) {
	op := stepOp(s)
	if err := j.do(ctx, op); err != nil {
		return nil, err
	}
	return op.same, nil
}

// Close writes what waits and ends the journal. Calls after it are refused (kind bug).
func (j *Journal) Close() error {
	j.mu.Lock()
	j.closed = true
	busy := j.busy
	j.mu.Unlock()
	if busy != nil {
		<-busy
	}
	return nil
}

func (j *Journal) do(ctx context.Context, op *loadOp) error {
	if op.ill != nil {
		return op.ill
	}
	if ctx.Err() != nil {
		return dbError(context.Cause(ctx))
	}
	e := &entry{op: op, done: make(chan struct{})}
	if err := j.enter(e); err != nil {
		return err
	}
	select {
	case <-e.done:
	case <-ctx.Done():
		if !j.giveUp(e) {
			return dbError(context.Cause(ctx))
		}
		select {
		case <-e.done: // it is over all the same
		default:
			return fault.WrapAs(fault.OutcomeUnknown, context.Cause(ctx),
				"the journal of loads was not waited for; look what became of the load")
		}
	}
	if e.err != nil {
		return e.err
	}
	return op.err
}

// enter puts an entry in line. When nobody is writing, somebody begins.
func (j *Journal) enter(e *entry) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return fault.New(fault.Bug, "the journal of loads is closed")
	}
	j.waiting = append(j.waiting, e)
	if j.busy == nil {
		j.busy = make(chan struct{})
		go j.write()
	}
	return nil
}

// giveUp takes an entry out of the line; false when it was still in it. Of one that is under way it reports true, and
// the last to give up stops the transaction.
func (j *Journal) giveUp(e *entry) (underWay bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if e.tx == nil {
		for i, other := range j.waiting {
			if other == e {
				j.waiting = append(j.waiting[:i:i], j.waiting[i+1:]...)
				break
			}
		}
		return false
	}
	if e.tx.left--; e.tx.left == 0 {
		e.tx.stop()
	}
	return true
}

// write writes groups until nobody waits.
func (j *Journal) write() {
	for {
		ctx, all, change := j.next()
		if len(all) == 0 {
			return
		}
		ops := make([]*loadOp, len(all))
		for i, e := range all {
			ops[i] = e.op
		}
		err := j.s.applyLoads(ctx, change, ops)
		j.over(all, err)
		runtime.Gosched() // those who were told go on first, and may be in the next group already
	}
}

// next takes those who wait.
func (j *Journal) next() (context.Context, []*entry, Change) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.waiting) == 0 {
		close(j.busy)
		j.busy = nil
		return nil, nil, Change{}
	}
	n := min(len(j.waiting), mostInOne)
	all := j.waiting[:n:n]
	j.waiting = j.waiting[n:]
	ctx, stop := context.WithCancel(context.Background())
	g := &group{stop: stop, left: n}
	for _, e := range all {
		e.tx = g
	}
	change := j.change
	if j.marked {
		change.Mark = Mark{}
	}
	return ctx, all, change
}

// over tells all of a group.
func (j *Journal) over(all []*entry, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.marked = j.marked || err == nil
	all[0].tx.stop()
	for _, e := range all {
		e.err = err
		close(e.done)
	}
}
