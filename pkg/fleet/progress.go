package fleet

// How far a run is.

import (
	"context"
	"sync"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/store"
)

// Counts are the devices of a run by what became of them. Their sum is the list.
type Counts struct {
	Listed      int `json:"expected"` // devices on the list
	Confirmed   int `json:"confirmed"`
	Failed      int `json:"failed"`
	Quarantined int `json:"quarantined"` // outcome unknown
	Rejected    int `json:"rejected"`
	Left        int `json:"left"` // untouched or in work
}

// Done counts the devices that a station is through with.
func (c Counts) Done() int { return c.Confirmed + c.Failed + c.Quarantined + c.Rejected }

func countsOf(by map[store.DeviceState]int) Counts {
	c := Counts{Confirmed: by[store.Confirmed], Failed: by[store.Failed], Quarantined: by[store.QuarantinedDevice],
		Rejected: by[store.Rejected], Left: by[store.Expected]}
	c.Listed = c.Done() + c.Left
	return c
}

// Status is how a run stands.
type Status struct {
	Run      string            `json:"run"`
	Created  time.Time         `json:"created"`
	Closed   time.Time         `json:"closed,omitzero"`
	Counts   Counts            `json:"counts"`
	Stations []StationStatus   `json:"stations"`
	Troubles []store.RunDevice `json:"-"` // that are not confirmed and not untouched, the first so many
}

// StationStatus is what one station did.
type StationStatus struct {
	Station   string    `json:"station"`
	Confirmed int       `json:"confirmed"`
	Others    int       `json:"others"`
	Last      time.Time `json:"last"`
}

// maxTroubles bounds what a status lists.
const maxTroubles = 100

// ReadStatus counts. Errors: not_found.
func ReadStatus(ctx context.Context, db *store.Store, run string) (Status, error) {
	r, err := db.Run(ctx, run)
	if err != nil {
		return Status{}, err
	}
	by, err := db.CountRun(ctx, run)
	if err != nil {
		return Status{}, err
	}
	s := Status{Run: r.ID, Created: r.Created, Closed: r.Closed, Counts: countsOf(by)}
	stations, err := db.RunStations(ctx, run)
	if err != nil {
		return Status{}, err
	}
	for _, n := range stations {
		s.Stations = append(s.Stations, StationStatus{n.Station, n.Confirmed, n.Others, n.Last})
	}
	filter := store.RunFilter{Run: run, Limit: maxTroubles,
		States: []store.DeviceState{store.Failed, store.QuarantinedDevice, store.Rejected}}
	for d, err := range db.RunDevices(ctx, filter) {
		if err != nil {
			return Status{}, err
		}
		s.Troubles = append(s.Troubles, d)
	}
	return s, nil
}

// Event is something that happened at a station.
type Event struct {
	Serial string            // "" for a mere count
	State  store.DeviceState // of the device; Expected for one that will be tried again
	Err    error
	Counts Counts
	Rate   float64       // devices a second at this station
	ETA    time.Duration // until the run is through, at the rate of all stations; 0 unknown
}

// meter counts what a station does.
type meter struct {
	now  func() time.Time
	tell func(Event)

	mu     sync.Mutex
	began  time.Time
	first  Counts // when the station began
	counts Counts
	mine   int
	row    int // failures in a row
	last   error
}

func newMeter(now func() time.Time, tell func(Event), first Counts) *meter {
	return &meter{now: now, tell: tell, began: now(), first: first, counts: first}
}

// refresh takes the counts of the store, where other stations write too.
func (m *meter) refresh(c Counts) {
	m.mu.Lock()
	m.counts = c
	e := m.event("", "", nil)
	m.mu.Unlock()
	m.say(e)
}

// settled counts a device that the station is through with, and says how many failed in a row.
func (m *meter) settled(serial string, state store.DeviceState, err error) int {
	m.mu.Lock()
	switch state {
	case store.Confirmed:
		m.counts.Confirmed++
	case store.Failed:
		m.counts.Failed++
	case store.QuarantinedDevice:
		m.counts.Quarantined++
	case store.Rejected:
		m.counts.Rejected++
	}
	if state != store.Expected {
		m.mine++
		m.counts.Left = max(0, m.counts.Left-1)
	}
	m.row++
	if state == store.Confirmed {
		m.row = 0
	} else {
		m.last = err
	}
	row, e := m.row, m.event(serial, state, err)
	m.mu.Unlock()
	m.say(e)
	return row
}

func (m *meter) say(e Event) {
	if m.tell != nil {
		m.tell(e)
	}
}

// event is what to say; the lock is held.
func (m *meter) event(serial string, state store.DeviceState, err error) Event {
	e := Event{Serial: serial, State: state, Err: err, Counts: m.counts}
	took := m.now().Sub(m.began)
	if took <= 0 {
		return e
	}
	e.Rate = float64(m.mine) / took.Seconds()
	if all := m.counts.Done() - m.first.Done(); all > 0 {
		e.ETA = time.Duration(float64(took) / float64(all) * float64(m.counts.Left)).Round(time.Second)
	}
	return e
}

// why is the last failure.
func (m *meter) why() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last == nil {
		return fault.New(fault.Failure, "nothing is known")
	}
	return m.last
}
