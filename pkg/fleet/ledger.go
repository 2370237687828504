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
}

type entry struct {
	result store.RunResult
	back   chan<- error
}

// mostResults is how many results go into a transaction.
const mostResults = 256

func newLedger(db *store.Store, c store.Change, run string, p patience) *ledger {
	l := &ledger{db: db, change: c, run: run, patience: p, in: make(chan entry)}
	l.done.Go(l.write)
	return l
}

func (l *ledger) write() {
	for first := range l.in {
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
		case e, ok := <-l.in:
			if !ok {
				return waiting
			}
			waiting = append(waiting, e)
		default:
			return waiting
		}
	}
	return waiting
}

// record takes a result down. What was found out is written even when the station is told to stop.
func (l *ledger) record(r store.RunResult) error {
	back := make(chan error, 1)
	l.in <- entry{r, back}
	return fault.Wrap(<-back, "device %s", r.Serial)
}

// close ends it; nobody records any more.
func (l *ledger) close() {
	close(l.in)
	l.done.Wait()
}
