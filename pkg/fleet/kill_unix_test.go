//go:build unix

package fleet_test

// Stations that are killed, in processes of their own.

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"poskey/pkg/device"
	"poskey/pkg/device/drivers"
	"poskey/pkg/fleet"
	"poskey/pkg/store"
)

// childMark names the store of a station in a process of its own.
const childMark = "POSKEY_TEST_STATION"

func TestMain(m *testing.M) {
	if u := os.Getenv(childMark); u != "" {
		if err := station(u); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// station works on run R1 until it is killed or through.
func station(at string) error {
	u, err := store.ParseURL(at)
	if err != nil {
		return err
	}
	f := &facility{url: u}
	if f.db, err = store.Open(context.Background(), u, storeOptions()); err != nil {
		return err
	}
	if err := f.keys(); err != nil {
		return err
	}
	o := f.options("R1", "killed", newShelf(0))
	o.Open, o.GiveUp = openTCP, 40 // what a dead station had sent comes first, and all of it may be in doubt
	_, err = fleet.Run(context.Background(), o)
	return errors.Join(err, f.boundary.Close(), f.db.Close())
}

func openTCP(ctx context.Context, uri string) (device.Device, error) {
	return drivers.Open(ctx, uri, device.Options{})
}

// killAt starts a station and kills it when so many devices are done.
func (f *facility) killAt(u string, done int) {
	f.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childMark+"="+u)
	var said strings.Builder
	c.Stderr = &said
	must(f, c.Start())
	var ended atomic.Bool
	gone := make(chan error, 1)
	go func() { gone <- c.Wait(); ended.Store(true) }()
	for !ended.Load() {
		by, err := f.db.CountRun(context.Background(), "R1")
		must(f, err)
		if by[store.Confirmed] >= done {
			break
		}
		time.Sleep(time.Millisecond)
	}
	_ = c.Process.Kill()
	var exit *exec.ExitError
	if err := <-gone; !errors.As(err, &exit) || exit.Exited() {
		f.Fatalf("the station was not killed: %v: %s", err, said.String())
	}
}

func TestAStationThatIsKilledLeavesNothingInDoubtButWhatItSent(t *testing.T) {
	t.Parallel() // it waits, most of the time
	pg := server(t)
	for name, u := range map[string]store.URL{"sqlite": onFile(t), "postgresql": onServer(t, pg)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const n = 120
			f := open(t, u)
			s := grow(t, n)
			o := f.plant("R1", s)
			at := "sqlite:" + u.Path()
			if name == "postgresql" {
				at = pg.URL("")
			}
			f.killAt(at, n/6)
			f.killAt(at, n/2)
			o.GiveUp = 40
			o.Patience = time.Minute                                                // the dead station led the queue: nothing is given out until another one does
			o.Timeout = 4 * time.Second                                             // then jobs of the dead go to the living
			o.Env.Now = func() time.Time { return time.Now().Add(3 * time.Minute) } // nobody can be at it any more
			_, err := fleet.Run(t.Context(), o)
			must(t, err)
			a := f.account("R1", time.Now())
			f.truth(&a, s, n)
			// A load that was under way when the station died is asked about, or quarantined: of 16 workers at most 16 each.
			if a.Counts.Done() != n || a.Counts.Quarantined > 32 || a.Counts.Failed > 0 || !a.Balanced() {
				t.Errorf("%+v", a.Counts)
			}
			t.Log(strconv.Itoa(a.Counts.Quarantined) + " in quarantine")
		})
	}
}
