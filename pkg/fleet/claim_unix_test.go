//go:build unix

package fleet_test

// Whose a device is, whatever the queue thinks.

import (
	"context"
	"sync"
	"testing"
	"time"

	"poskey/internal/testpg"
	"poskey/pkg/device"
	"poskey/pkg/fleet"
)

// atDevice is a station at the only device of run R1.
type atDevice struct {
	*facility
	*shelf
	pg       *testpg.Server
	leave    chan struct{} // closed when it may go on
	stations sync.WaitGroup
}

func stationAtDevice(t *testing.T) *atDevice {
	pg := server(t, "wal_writer_delay=10s", "autovacuum=off") // nothing comes to the disk by the way
	a := &atDevice{facility: open(t, onServer(t, pg)), shelf: newShelf(1), pg: pg, leave: make(chan struct{})}
	a.begin("R1", 1)
	there := make(chan struct{})
	a.station("A", func() { close(there); <-a.leave })
	<-there
	return a
}

// station works on the run, and calls at when it is at the device for the first time.
func (a *atDevice) station(name string, at func()) {
	var first sync.Once
	a.stations.Go(func() {
		o := a.options("R1", name, a.shelf)
		o.Workers = 1
		o.Open = func(ctx context.Context, uri string) (device.Device, error) {
			d, err := a.shelf.open(ctx, uri)
			first.Do(at)
			return d, err
		}
		if _, err := fleet.Run(context.Background(), o); err != nil {
			a.Errorf("station %s: %v", name, err)
		}
	})
}

// another lets another station work for a while, which is to get the device when the first one has left it.
func (a *atDevice) another(meanwhile func()) {
	a.Helper()
	second := make(chan struct{})
	a.station("B", func() { close(second) })
	patience := time.After(2 * time.Second) // a station that is let begins sooner
	for waits := true; waits; {
		meanwhile()
		select {
		case <-second: // the account tells
			waits = false
		case <-patience:
			waits = false
		case <-time.After(20 * time.Millisecond):
		}
	}
	close(a.leave)
	a.stations.Wait()
	a.whole("R1", a.shelf, 1, fleet.Counts{Listed: 1, Confirmed: 1})
}

func TestAStationKeepsItsDeviceWhenTheServerCrashesAndForgets(t *testing.T) {
	t.Parallel() // it waits, most of the time
	a := stationAtDevice(t)
	must(t, a.pg.Crash())
	must(t, a.pg.Up())
	a.another(func() {})
}

func TestAStationKeepsItsDeviceWhenTheQueueGivesItOutAgain(t *testing.T) {
	t.Parallel() // it waits, most of the time
	a := stationAtDevice(t)
	q, err := a.db.OpenQueue(t.Context())
	must(t, err)
	a.another(func() { // more than once: the first station may take it too, and lets it wait
		_, err := q.Pool.Exec(t.Context(), "UPDATE river_job SET state = 'available' WHERE state = 'running'")
		must(t, err)
	})
	must(t, q.Close())
}
