package fleet

// Results of devices, many in one transaction.

import (
	"context"
	"sync"

	"poskey/internal/fault"
	"poskey/pkg/store"
)

// ledger writes results into the store: those that come together go together, and each caller returns when its own is
// on the disk.
type ledger struct {
	db       *store.Store
	change   store.Change
	run      string
	patience patience
	in       chan entry
	done     sync.WaitGroup
	over     chan struct{} // closed when nothing is taken any more
}

type entry struct {
	result store.RunResult
	back   chan<- error
}

// mostResults is how many results go into a transaction.
const mostResults = 256

func newLedger(db *store.Store, c store.Change, run string, p patience) *ledger {
	l := &ledger{db: db, change: c, run: run, patience: p, in: make(chan entry), over: make(chan struct{})}
	l.done.Go(l.write)
	return l
}

func (l *ledger) write() {
	for {
		var first entry
		select {
		case first = <-l.in:
		case <-l.over:
			return
		}
		waiting := l.more([]entry{first})
		var all []store.RunResult
		for _, e := range waiting {
			all = append(all, e.result)
		}
		err := l.patience.ask(context.Background(), func() error {
			return l.db.RecordRun(context.Background(), l.change, l.run, all)
		})
		for _, e := range waiting {
			e.back <- err
		}
	}
}

// more takes what waits already.
func (l *ledger) more(waiting []entry) []entry {
	for len(waiting) < mostResults {
		select {
		case e := <-l.in:
			waiting = append(waiting, e)
		default:
			return waiting
		}
	}
	return waiting
}

// record takes a result down. What was found out is written even when the station is told to stop. Errors: busy after the
// end, for a worker that the queue did not wait for: the journal has what it did.
func (l *ledger) record(r store.RunResult) error {
	back := make(chan error, 1)
	select {
	case l.in <- entry{r, back}:
		return fault.Wrap(<-back, "device %s", r.Serial)
	case <-l.over:
		return fault.New(fault.Busy, "the station has ended; the result of device %s is not taken down any more", r.Serial)
	}
}

// close ends it, when what it has taken is on the disk.
func (l *ledger) close() {
	close(l.over)
	l.done.Wait()
}
