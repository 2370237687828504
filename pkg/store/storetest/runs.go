package storetest

// Runs and the place of their queue.

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/store"
)

func list(from, to int) []store.RunDevice {
	var all []store.RunDevice
	for i := from; i < to; i++ {
		all = append(all, store.RunDevice{Serial: fmt.Sprintf("SN%04d", i), URI: fmt.Sprint("visa+tcp://127.0.0.1:", 9000+i),
			Model: "S90", POIVersion: "5"})
	}
	return all
}

func run(id string) store.Run {
	return store.Run{ID: id, Plan: []byte(`{"run":"` + id + `"}`), Manifest: strings.Repeat("AB", 32)}
}

// runs takes a run from its list to its end.
func (s suite) runs(t *testing.T) {
	b := s.open(t)
	b.must(b.AddDevice(b.ctx, store.Change{}, store.Device{Serial: "SN0001", Model: "S90"}))
	b.must(b.AddRun(b.ctx, store.Change{Mark: mark(3)}, run("R1"), list(0, 1200)))
	b.refused("the same run", b.AddRun(b.ctx, store.Change{}, run("R1"), list(2000, 2001)), fault.FileExists)
	b.refused("a device of an open run", b.AddRun(b.ctx, store.Change{}, run("R2"), list(1199, 1201)), fault.NotPermitted)
	twice := append(list(1300, 1302), list(1301, 1302)...)
	b.refused("a device twice", b.AddRun(b.ctx, store.Change{}, run("R2"), twice), fault.Usage)
	b.refused("no devices", b.AddRun(b.ctx, store.Change{}, run("R2"), nil), fault.Usage)
	other := list(1300, 1301)
	b.must(b.AddDevice(b.ctx, store.Change{}, store.Device{Serial: "SN1300", Model: "OTHER"}))
	b.refused("another model", b.AddRun(b.ctx, store.Change{}, run("R2"), other), fault.NotPermitted)
	_, err := b.Device(b.ctx, "SN1302")
	b.refused("a device of a run that was refused", err, fault.NotFound)

	b.results("R1", store.Confirmed, "A", 0, 600)
	b.results("R1", store.Failed, "B", 600, 700)
	b.results("R1", store.Failed, "B", 0, 1) // what is confirmed stays so
	counts, err := b.CountRun(b.ctx, "R1")
	b.must(err)
	if counts[store.Confirmed] != 600 || counts[store.Failed] != 100 || counts[store.Expected] != 500 {
		t.Errorf("%v", counts)
	}
	stations, err := b.RunStations(b.ctx, "R1")
	b.must(err)
	if len(stations) != 2 || stations[0].Confirmed != 599 || stations[1].Others != 100 {
		t.Errorf("%+v", stations)
	}
	failed := take(b, b.RunDevices(b.ctx, store.RunFilter{Run: "R1", States: []store.DeviceState{store.Failed}}))
	if all := take(b, b.RunDevices(b.ctx, store.RunFilter{Run: "R1"})); len(all) != 1200 || len(failed) != 100 ||
		failed[0].Serial != "SN0600" || failed[0].Told != "SN0600" || failed[0].Reason != "why" || all[1199].Serial != "SN1199" {
		t.Errorf("%d devices, %d failed, first %+v", len(all), len(failed), failed[0])
	}
	b.refused("a device that is not on the list", b.RecordRun(b.ctx, store.Change{}, "R1",
		[]store.RunResult{{Serial: "SN0001", State: store.Failed}, {Serial: "SN1300", State: store.Failed}}), fault.NotFound)
	b.runEnds()
}

func (b *bench) results(run string, state store.DeviceState, station string, from, to int) {
	b.Helper()
	var all []store.RunResult
	for _, d := range list(from, to) {
		all = append(all, store.RunResult{Serial: d.Serial, State: state, Told: d.Serial, Station: station, Reason: "why"})
	}
	b.must(b.RecordRun(b.ctx, store.Change{}, run, all))
}

func (b *bench) runEnds() {
	b.Helper()
	b.refused("closing with devices that nobody spoke of", b.CloseRun(b.ctx, store.Change{}, "R1", 0), fault.NotPermitted)
	b.now = b.now.Add(time.Hour)
	_, err := b.reserve(store.LoadRequest{ID: "begun", Run: "R1", Serial: "SN1100", Slot: "1"})
	b.must(err)
	b.now = b.now.Add(-time.Hour) // the clock goes back
	b.refused("closing while a station is at a device", b.CloseRun(b.ctx, store.Change{}, "R1", 500), fault.NotPermitted)
	b.results("R1", store.Failed, "B", 1100, 1101)
	b.must(b.CloseRun(b.ctx, store.Change{}, "R1", 499))
	b.refused("closing twice", b.CloseRun(b.ctx, store.Change{}, "R1", 500), fault.NotPermitted)
	b.refused("a result after the end", b.RecordRun(b.ctx, store.Change{}, "R1",
		[]store.RunResult{{Serial: "SN0001", State: store.Failed}}), fault.NotPermitted)
	b.refused("closing what is not there", b.CloseRun(b.ctx, store.Change{}, "R9", 0), fault.NotFound)
	r, err := b.Store.Run(b.ctx, "R1")
	b.must(err)
	if r.Closed.Before(b.now.Add(time.Hour)) || r.Devices != 1200 || string(r.Plan) != `{"run":"R1"}` || r.Manifest != strings.Repeat("AB", 32) {
		b.Errorf("%+v", r)
	}
	b.must(b.AddRun(b.ctx, store.Change{}, run("R2"), list(0, 3))) // devices of a closed run may be listed again
	all, err := b.Runs(b.ctx)
	b.must(err)
	if len(all) != 2 {
		b.Errorf("%d runs", len(all))
	}
	var dump bytes.Buffer
	sum, err := b.Backup(b.ctx, &dump)
	b.must(err)
	if sum.Rows["runs"] != 2 || sum.Rows["run_devices"] != 1203 {
		b.Errorf("the backup has %v", sum.Rows)
	}
	b.verified(0)
}

// queue opens the place of a queue; of a file there is one at a time.
func (s suite) queue(t *testing.T) {
	b := s.open(t)
	first, err := b.OpenQueue(b.ctx)
	b.must(err)
	ran := false
	b.must(first.Alone(b.ctx, func() error { ran = true; return nil }))
	if (first.Pool == nil) == (first.File == nil) || !ran {
		t.Errorf("%+v", first)
	}
	second, err := b.OpenQueue(b.ctx)
	if first.Pool == nil {
		b.refused("a second one in a file", err, fault.Busy)
		_, err = first.File.ExecContext(b.ctx, "CREATE TABLE left_behind (a INTEGER)")
		b.must(err)
	} else {
		b.must(err)
		b.must(second.Close())
	}
	b.must(first.Close())
	third, err := b.OpenQueue(b.ctx)
	b.must(err)
	if third.File != nil {
		_, err = third.File.ExecContext(b.ctx, "SELECT * FROM left_behind")
		if err == nil {
			t.Error("a queue in a file keeps what an earlier station left")
		}
	}
	b.must(third.Close())
}
