package fleet_test

// Emulated terminals over TCP of this machine.

import (
	"context"
	"encoding/hex"
	"sync"
	"testing"
	"time"

	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/device/drivers"
	"poskey/pkg/device/emulator"
	"poskey/pkg/fleet"
	"poskey/pkg/keys"
)

// farm is many emulators and what they ever stored.
type farm struct {
	*emulator.Farm
	timeout time.Duration // how long both sides wait for an answer

	mu  sync.Mutex
	had map[string]map[device.Slot][]held
}

// grow makes terminals that hold the key loading key.
func grow(t testing.TB, n int, faults ...emulator.Fault) *farm {
	t.Helper()
	f := &farm{had: map[string]map[device.Slot][]held{}, timeout: 10 * time.Second}
	if len(faults) > 0 { // which are waited for
		f.timeout = 200 * time.Millisecond
	}
	raw, err := hex.DecodeString(testKLK)
	must(t, err)
	klk, err := keys.New(keys.TDES128, secret.Copy(raw))
	must(t, err)
	defer klk.Wipe()
	f.Farm, err = emulator.NewFarm(context.Background(), emulator.FarmConfig{
		Config: emulator.Config{Env: keys.Env{Now: time.Now}, Faults: faults, Timeout: f.timeout, SlowFor: 2 * f.timeout,
			Seed: 1},
		Count: n, Prefix: "SN", First: farmFirst,
		Each: func(term *emulator.Terminal) error { return term.LoadDirect("F", klk, keys.UsageKEK, 'D') },
		Told: f.told})
	must(t, err)
	t.Cleanup(func() { must(t, f.Close()) })
	return f
}

// farmFirst makes the serial numbers of a farm those of serialOf.
const farmFirst = 1_000_000

func (f *farm) told(serial string, e emulator.Event) {
	if e.Kind != emulator.Stored {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.had[serial] == nil {
		f.had[serial] = map[device.Slot][]held{}
	}
	f.had[serial][e.Slot] = append(f.had[serial][e.Slot], held{e.KSN, e.Check.Digits})
}

func (f *farm) stored(i int, slot device.Slot) []held {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.had[f.Members()[i].Serial][slot]
}

func (f *farm) clashed(int) bool { return false }

func (f *farm) uri(i int) string { return f.Members()[i].URI() + "?timeout=" + f.timeout.String() }

// open connects as poskey does.
func (f *farm) open(ctx context.Context, uri string) (device.Device, error) {
	return drivers.Open(ctx, uri, device.Options{})
}

// plant takes a run down for the farm, and gives the options of a station for it.
func (f *facility) plant(run string, s *farm) fleet.Options {
	f.Helper()
	n := len(s.Members())
	f.begin(run, n, func(_ *fleet.Plan, m *fleet.Manifest) { *m = manifestAt(f, n, s.uri) })
	o := f.options(run, "A", newShelf(0))
	o.Open = s.open
	return o
}

func TestARunLoadsEmulatedTerminals(t *testing.T) {
	f := open(t, onFile(t))
	s := grow(t, 20)
	_, err := fleet.Run(t.Context(), f.plant("R1", s))
	must(t, err)
	a := f.whole("R1", s, 20, fleet.Counts{Listed: 20, Confirmed: 20})
	if a.Open() != 0 || a.Devices[3].Told != serialOf(3) {
		t.Errorf("told %q, findings %+v", a.Devices[3].Told, a.Findings)
	}
}
