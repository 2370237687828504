package fleet

// The queue of work: River. Nothing else in the program knows it.

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"

	"poskey/internal/fault"
	"poskey/pkg/store"
)

// jobArgs is a job: bring a device of a run to the end.
type jobArgs struct {
	Run    string `json:"run"`
	Serial string `json:"serial"`
}

// Kind names the job.
func (jobArgs) Kind() string { return "fleet_device" }

// riverClient is the little of River's client that is used; its type differs between the databases.
type riverClient interface {
	InsertMany(ctx context.Context, params []river.InsertManyParams) ([]*rivertype.JobInsertResult, error)
	JobList(ctx context.Context, params *river.JobListParams) (*river.JobListResult, error)
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
	StopAndCancel(ctx context.Context) error
}

// queue is the work of one run.
type queue struct {
	place  *store.Queue
	client riverClient
	name   string
	claims *claims
}

// queueName names the queue of a run; River allows fewer characters than a run's name has.
func queueName(run string) string {
	sum := sha256.Sum256([]byte(run))
	return "run_" + hex.EncodeToString(sum[:16])
}

// openStates are those of jobs that are not done. While a device has a job in one of them, it gets no second one.
func openStates() []rivertype.JobState {
	return []rivertype.JobState{rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning,
		rivertype.JobStateRetryable, rivertype.JobStateScheduled}
}

// openQueue connects to the queue of a station's run and brings its tables up to date.
func openQueue(ctx context.Context, s *station) (*queue, error) {
	place, err := s.Store.OpenQueue(ctx)
	if fault.Is(err, fault.Busy) {
		return nil, fault.New(fault.Busy, "another station works with this store, and a SQLite store has one at a time; wait for its end, "+
			"or use PostgreSQL")
	}
	if err != nil {
		return nil, err
	}
	q := &queue{place: place, name: queueName(s.run.ID),
		claims: &claims{place: place, who: s.Station + "." + s.session, longest: s.gone()}}
	if place.Pool != nil {
		err = q.onServer(ctx, s)
	} else {
		err = q.inFile(ctx, s)
	}
	if err != nil {
		_ = place.Close() // the first error says more
		return nil, fault.WrapAs(fault.DeviceLink, err, "the queue of work")
	}
	return q, nil
}

func (q *queue) onServer(ctx context.Context, s *station) error {
	driver := riverpgxv5.New(q.place.Pool)
	m, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: s.Logger})
	if err != nil {
		return err
	}
	migrate := func() error { return bringUp(ctx, m) }
	if err := q.place.Alone(ctx, migrate); err != nil { // other stations begin at the same time
		return err
	}
	q.client, err = river.NewClient(driver, q.config(s, 10*time.Millisecond, 200*time.Millisecond))
	return err
}

func (q *queue) inFile(ctx context.Context, s *station) error {
	driver := riversqlite.New(q.place.File)
	m, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: s.Logger})
	if err == nil {
		err = bringUp(ctx, m)
	}
	if err != nil {
		return err
	}
	c := q.config(s, 10*time.Millisecond, 50*time.Millisecond)
	c.PollOnly = true // nobody else puts jobs in
	q.client, err = river.NewClient(driver, c)
	return err
}

// bringUp brings River's tables up to date.
func bringUp[T any](ctx context.Context, m *rivermigrate.Migrator[T]) error {
	_, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

// config takes twice as many jobs as there are workers, so that a worker who is through finds the next one at once.
func (q *queue) config(s *station, cooldown, poll time.Duration) *river.Config {
	workers := river.NewWorkers()
	river.AddWorker(workers, &worker{station: s, claims: q.claims})
	return &river.Config{
		ID:                   q.claims.who,
		Logger:               s.Logger,
		Queues:               map[string]river.QueueConfig{q.name: {MaxWorkers: 2 * s.Workers}},
		Workers:              workers,
		JobTimeout:           2 * s.Timeout, // with the wait for its turn
		RescueStuckJobsAfter: s.gone(),
		FetchCooldown:        cooldown,
		FetchPollInterval:    poll,
		// What became of a job stands in the store; that it was a job need not be kept.
		CompletedJobRetentionPeriod: time.Hour,
	}
}

// insertPage is how many jobs are put in at a time.
const insertPage = 1000

// put makes jobs of devices; one that has a job keeps it.
func (q *queue) put(ctx context.Context, run string, serials []string) error {
	var page []river.InsertManyParams
	flush := func() error {
		if len(page) == 0 {
			return nil
		}
		_, err := q.client.InsertMany(ctx, page)
		page = page[:0]
		return fault.WrapAs(fault.DeviceLink, err, "put work into the queue")
	}
	for _, serial := range serials {
		page = append(page, river.InsertManyParams{Args: jobArgs{run, serial}, InsertOpts: &river.InsertOpts{Queue: q.name,
			UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: openStates()}}})
		if len(page) == insertPage {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// idle reports whether no job of the run is left, at any station, and whether one is due since a time and nobody has it.
func (q *queue) idle(ctx context.Context, since time.Time) (idle, due bool, err error) {
	const some = 100
	found, err := q.client.JobList(ctx, river.NewJobListParams().Queues(q.name).States(openStates()...).First(some))
	if err != nil {
		return false, false, err
	}
	for _, job := range found.Jobs {
		due = due || job.State != rivertype.JobStateRunning && job.ScheduledAt.Before(since)
	}
	return len(found.Jobs) == 0, due, nil
}

// halt lets running jobs come to their end, for so long, and takes no new ones.
func (q *queue) halt(ctx context.Context, patience time.Duration) error {
	soft, done := context.WithTimeout(ctx, patience)
	defer done()
	if err := q.client.Stop(soft); err == nil {
		return nil
	}
	hard, done := context.WithTimeout(ctx, patience)
	defer done()
	return q.client.StopAndCancel(hard)
}

// worker is what River calls for each job.
type worker struct {
	river.WorkerDefaults[jobArgs]
	station *station
	claims  *claims
}

// Work brings a device to the end, or has it come again later.
func (w *worker) Work(ctx context.Context, job *river.Job[jobArgs]) error {
	again, pause := w.station.work(ctx, job.Args.Serial, claim{w.claims, job.ID})
	if again {
		return river.JobSnooze(pause)
	}
	return nil
}

// quiet is a logger for nobody: what River has to say comes back as errors too.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
