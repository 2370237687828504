package fleet

// A station at work.

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/hsm"
	"poskey/pkg/inject"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

// Options say how a station works. Store, Run, Station, Boundary, Open, Loads and Env are needed.
type Options struct {
	Store    *store.Store
	Change   store.Change // the mark of the operation
	Run      string
	Station  string
	Boundary hsm.Boundary
	Env      keys.Env
	// Open connects to a device; nothing is sent yet.
	Open func(ctx context.Context, uri string) (device.Device, error)
	// Hold keeps other processes of the machine from an address ([PlaceOf]) while the station is at the device; may be nil.
	Hold func(place string) (release func(), err error)
	// Loads gives what goes into a device that opens key blocks with the given key ("" leaves it to the plan); asked
	// once for each.
	Loads func(ctx context.Context, kbpk string) ([]inject.Plan, error)

	Workers  int           // devices at once; 0 is 16
	Tries    int           // for each device; 0 is 5
	Pause    time.Duration // before the second try, doubled for each further one; 0 is one second
	Timeout  time.Duration // for one device; 0 is two minutes
	GiveUp   int           // the station stops after so many failures in a row; 0 is 10
	Patience time.Duration // for a database that is away; 0 is one minute
	Lease    int           // numbers that the station takes at a time; 0 is 256
	Failed   bool          // devices that failed are tried again
	Clock    device.Clock  // for the station's own pauses; nil takes the machine's. The queue has the machine's always
	Progress func(Event)   // may be nil; must be quick
	Logger   *slog.Logger  // of the queue; nil says nothing
}

func (o *Options) fill() error {
	if o.Store == nil || o.Boundary == nil || o.Open == nil || o.Loads == nil || o.Env.Now == nil || o.Env.Rand == nil {
		return fault.New(fault.Bug, "a station was not given what it needs")
	}
	if err := checkStation(o.Station); err != nil {
		return err
	}
	o.Workers, o.Tries = orElse(o.Workers, 16), orElse(o.Tries, 5)
	o.Pause, o.Timeout = orElse(o.Pause, time.Second), orElse(o.Timeout, 2*time.Minute)
	o.GiveUp, o.Patience, o.Lease = orElse(o.GiveUp, 10), orElse(o.Patience, time.Minute), orElse(o.Lease, 256)
	if o.Workers > maxWorkers {
		return fault.New(fault.Usage, "a station has at most %d workers", maxWorkers)
	}
	if o.Clock == nil {
		o.Clock = device.RealClock{}
	}
	if o.Logger == nil {
		o.Logger = quiet()
	}
	return nil
}

// maxWorkers bounds the connections of a station.
const maxWorkers = 1024

func orElse[T int | time.Duration](v, otherwise T) T {
	if v <= 0 {
		return otherwise
	}
	return v
}

// gone is after how long a station that was at a device and has not said what became of it is dead.
func (o *Options) gone() time.Duration { return 3 * o.Timeout }

// station is a station at work.
type station struct {
	Options
	session string
	plan    Plan
	run     store.Run
	devices map[string]*store.RunDevice
	journal *keeper
	ledger  *ledger
	meter   *meter
	anew    bool          // devices that have a result already are tried again
	turns   chan struct{} // of the workers
	places  places
	tries   tries
	loads   loadCache
	keys    *keyWatch
	late    time.Duration           // see stillness
	stop    context.CancelCauseFunc // of the station itself
	ends    context.Context         // when the station is told to stop, or stops itself
}

// Result is what a station did, and how the run stands when it ends.
type Result struct {
	Station string
	Counts  Counts
	Took    time.Duration
	Settled int // devices that this station was through with
}

// Run works on a run until no device is left to do, until ctx ends, or until the station stops itself. What it has begun
// it brings to the end. Errors: not_permitted (a closed run, a station that is not in the plan), busy (another station
// works with this SQLite store), partial (the station stopped itself, or devices are left), interrupted. What every
// device would meet (a key of the plan out of use, a sealed store, a database or queue that stays away) stops the
// station with its own kind, and leaves devices expected.
func Run(ctx context.Context, o Options) (Result, error) {
	if err := o.fill(); err != nil {
		return Result{}, err
	}
	s := &station{Options: o}
	if err := s.prepare(ctx); err != nil {
		return Result{}, err
	}
	q, err := openQueue(ctx, s)
	if err != nil {
		s.ledger.close()
		return Result{}, errors.Join(err, s.journal.journal.Close())
	}
	err = s.through(ctx, q)
	s.ledger.close()
	for _, end := range []func() error{s.journal.journal.Close,
		func() error { return s.journal.giveBack(context.WithoutCancel(ctx)) }, q.place.Close} {
		if ended := end(); err == nil {
			err = ended
		}
	}
	result, countErr := s.result()
	if err == nil {
		err = countErr
	}
	return result, err
}

func (s *station) prepare(ctx context.Context) (err error) {
	if s.plan, s.run, err = ReadPlan(ctx, s.Store, s.Options.Run); err != nil {
		return err
	}
	switch {
	case !s.run.Closed.IsZero():
		return fault.New(fault.NotPermitted, "run %s was closed at %s", s.run.ID, s.run.Closed.Format(time.RFC3339))
	case len(s.plan.Stations) > 0 && !slices.Contains(s.plan.Stations, s.Station):
		return fault.New(fault.NotPermitted, "station %s is not in the plan of run %s", s.Station, s.run.ID)
	}
	rows, err := readList(ctx, s.Store, &s.run)
	if err != nil {
		return err
	}
	s.devices = make(map[string]*store.RunDevice, len(rows))
	for i := range rows {
		s.devices[rows[i].Serial] = &rows[i]
	}
	if s.session, err = newSession(s.Env.Rand); err != nil {
		return err
	}
	by, err := s.Store.CountRun(ctx, s.run.ID)
	if err != nil {
		return err
	}
	s.meter = newMeter(s.Env.Now, s.Progress, countsOf(by))
	s.begin()
	return nil
}

// begin makes what lives as long as the station works.
func (s *station) begin() {
	s.keys = &keyWatch{db: s.Store, patience: patience{s.Clock, s.Patience}, now: s.Env.Now, alarm: &alarm{}}
	s.Boundary = guarded{s.Boundary, s.keys.alarm}
	s.journal = &keeper{db: s.Store, change: s.Change, journal: store.NewJournal(s.Store, s.Change), patience: s.keys.patience,
		keys: s.keys, out: map[string]bool{}, leases: map[string]*lessee{}}
	for _, l := range s.plan.Loads {
		if l.KeySet != "" {
			s.journal.leases[l.KeySet] = &lessee{keySet: l.KeySet, station: s.Station, session: s.session,
				size: uint64(s.Lease), now: s.Env.Now}
		}
	}
	s.ledger = newLedger(s.Store, s.Change, s.run.ID, s.journal.patience)
	s.late = max(s.Patience, queueRounds)
	s.turns = make(chan struct{}, s.Workers)
	s.tries = tries{of: map[string]int{}}
	s.places = places{busy: map[string]chan struct{}{}}
	s.loads = loadCache{ask: s.Loads, keys: s.keys, known: map[string][]inject.Plan{}}
	s.ends, s.stop = context.WithCancelCause(context.Background())
}

// through puts the work into the queue and lets it be done.
func (s *station) through(ctx context.Context, q *queue) error {
	defer s.stop(nil)
	todo, err := s.todo(ctx)
	if err == nil {
		err = q.put(ctx, s.run.ID, todo)
	}
	if err != nil {
		return err
	}
	// Stopping is our own affair: running jobs are brought to their end.
	if err := q.client.Start(context.WithoutCancel(ctx)); err != nil {
		return fault.WrapAs(fault.DeviceLink, err, "start the queue of work")
	}
	err = s.watch(ctx, q)
	s.stop(err)
	if halted := q.halt(context.WithoutCancel(ctx), s.Timeout); halted != nil {
		err = errors.Join(err, fault.WrapAs(fault.DeviceLink, halted, "stop the queue of work"))
	}
	return err
}

// todo are the devices that nobody is through with, and those of the quarantine about which the journal knows by now.
func (s *station) todo(ctx context.Context) ([]string, error) {
	begun, unsettled := map[string]bool{}, map[string]bool{}
	for l, err := range s.journal.Loads(ctx, store.LoadFilter{Run: s.run.ID}) {
		if err != nil {
			return nil, err
		}
		begun[l.Serial] = true
		if l.State == store.LoadSent || l.State == store.LoadUnknown {
			unsettled[l.Serial] = true
		}
	}
	s.journal.fresh.is = map[string]bool{}
	var all []string
	for serial, d := range s.devices {
		again := d.State == store.Failed && s.Failed || d.State == store.QuarantinedDevice && !unsettled[serial]
		if d.State != store.Expected && !again {
			continue
		}
		all = append(all, serial)
		s.anew = s.anew || again
		if !begun[serial] {
			s.journal.fresh.is[serial] = true
		}
	}
	slices.Sort(all) // numbers are taken in this order, which keeps the journal's pages together
	return all, nil
}

// queueRounds is some rounds of the queue, which looks every few seconds whether paused jobs are due.
const queueRounds = 20 * time.Second

// Intervals at which a station looks around.
const (
	lookAround = 50 * time.Millisecond
	countAgain = 20 // looks between two counts of the store
)

// watch waits for the end: no job is left, or the station is told to stop, or stops itself.
func (s *station) watch(ctx context.Context, q *queue) error {
	still := stillness{now: s.Env.Now, most: s.Patience, late: s.late}
	for looks := 1; ; looks++ {
		if err := s.pause(ctx, lookAround); err != nil {
			return err
		}
		none := looks%countAgain == 0 && s.noneLeft(ctx)
		if err := s.keys.look(ctx, watchAgain); err != nil && ctx.Err() == nil && s.ends.Err() == nil {
			return s.nobodysFault(err)
		}
		if s.places.working() {
			still.over()
			continue
		}
		if none { // also when the queue has not heard so
			return nil
		}
		idle, err := still.look(ctx, q)
		if err != nil {
			return s.nobodysFault(err)
		}
		if idle {
			return nil
		}
	}
}

// nobodysFault says why a station stops that no device made stop.
func (s *station) nobodysFault(err error) error {
	return fault.Wrap(err, "station %s stops itself, and no device is to blame; what is left stays expected", s.Station)
}

// pause waits, unless the station ends.
func (s *station) pause(ctx context.Context, d time.Duration) error {
	fired, stop := s.Clock.After(d)
	defer stop()
	select {
	case <-ctx.Done():
		return fault.WrapAs(fault.Interrupted, context.Cause(ctx), "the station was told to stop; start it again to go on")
	case <-s.ends.Done():
		return context.Cause(s.ends)
	case <-fired:
		return nil
	}
}

// noneLeft counts, and reports whether nobody need do anything any more.
func (s *station) noneLeft(ctx context.Context) bool {
	by, err := s.Store.CountRun(ctx, s.run.ID)
	if err != nil { // it comes again
		return false
	}
	counts := countsOf(by)
	s.meter.refresh(counts)
	return counts.Left == 0 && !s.anew
}

func (s *station) result() (Result, error) {
	r := Result{Station: s.Station, Took: s.Env.Now().Sub(s.meter.began), Settled: s.meter.mine}
	err := s.journal.patience.ask(context.Background(), func() error {
		by, err := s.Store.CountRun(context.Background(), s.run.ID)
		r.Counts = countsOf(by)
		return err
	})
	if err == nil && r.Counts.Left > 0 {
		err = fault.New(fault.Partial, "%d of %d devices of run %s are left; start a station again to go on", r.Counts.Left,
			r.Counts.Listed, s.run.ID)
	}
	return r, err
}
