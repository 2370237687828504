package fleet

// One device, from the queue to its result.

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/inject"
	"poskey/pkg/store"
)

// work brings a device to the end, or says that it is to come again after a pause. The claim keeps other stations away.
func (s *station) work(ctx context.Context, serial string, c claim) (again bool, pause time.Duration) {
	expected := s.devices[serial]
	if expected == nil { // the queue is no authority about who is on the list
		return false, 0
	}
	select {
	case s.turns <- struct{}{}:
		defer func() { <-s.turns }()
	case <-ctx.Done():
		return true, s.Pause
	}
	ctx, stop := context.WithTimeout(ctx, s.Timeout)
	defer stop()
	leave, err := s.places.enter(ctx, PlaceOf(expected.URI))
	if err != nil {
		return true, s.Pause
	}
	defer leave()
	if s.ends.Err() != nil { // the station ends; the job stays for the next one
		return true, s.Pause
	}
	if !c.take() {
		return true, 10 * s.Pause
	}
	defer func() {
		if again { // else nobody need have it any more
			c.letGo()
		}
	}()
	result, err := s.bring(ctx, expected)
	if fault.Is(err, fault.Busy) && s.elsewhere(ctx, serial) {
		return true, 10 * s.Pause
	}
	tries := s.tries.count(serial, err)
	if result.State == store.Expected && tries >= s.Tries {
		result.State, result.Reason = store.Failed, reason(fault.Wrap(err, "after %d tries", tries))
	}
	if !ofStore(err) && !inTrouble(err) {
		if failed := s.finish(ctx, &result); failed != nil {
			err = &stored{failed}
		}
	}
	if inTrouble(err) {
		s.stop(s.nobodysFault(s.keys.alarm.raised()))
		return true, s.Pause
	}
	if ofStore(err) { // it was waited for; what became of the device stands in the journal
		s.stop(fault.Wrap(err, "station %s stops itself, since it cannot write down what it does", s.Station))
		return true, s.Pause
	}
	s.told(serial, result.State, err)
	return result.State == store.Expected, s.Pause << min(tries-1, 10)
}

// elsewhere reports that another station has sent something to a device and has not told what became of it: pkg/inject
// waits until that station must be through with it, or dead. Nobody has failed meanwhile.
func (s *station) elsewhere(ctx context.Context, serial string) bool {
	sent := store.LoadFilter{Run: s.run.ID, Serial: serial, States: []store.LoadState{store.LoadSent}}
	for l, err := range s.journal.Loads(ctx, sent) {
		if err == nil && l.Station != s.Station {
			return true
		}
	}
	return false
}

// finish writes down what became of a device that the station is through with.
func (s *station) finish(ctx context.Context, r *store.RunResult) error {
	if r.State == store.Expected {
		return nil
	}
	if err := s.settle(ctx, r); err != nil {
		return err
	}
	return s.ledger.record(*r)
}

// tries counts how often a station tried each device. What was not the device's doing does not count.
type tries struct {
	mu sync.Mutex
	of map[string]int
}

func (t *tries) count(serial string, err error) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !ofStore(err) && !inTrouble(err) && !fault.Is(err, fault.Interrupted) {
		t.of[serial]++
	}
	return max(1, t.of[serial])
}

// settle looks what the journal has open of a device that failed. What was reserved is given up: it would stand in the
// way of the next run. Of what was sent nobody knows, and so the device is quarantined.
func (s *station) settle(ctx context.Context, r *store.RunResult) error {
	if r.State != store.Failed && r.State != store.Rejected {
		return nil
	}
	open := store.LoadFilter{Run: s.run.ID, Serial: r.Serial,
		States: []store.LoadState{store.LoadReserved, store.LoadSent, store.LoadUnknown}}
	for l, err := range s.journal.Loads(ctx, open) {
		if err != nil {
			return err
		}
		step := store.LoadStep{ID: l.ID, To: store.LoadFailed, Reason: "given up: " + r.Reason}
		if l.State != store.LoadReserved {
			r.State = store.QuarantinedDevice
			step.To, step.Reason, step.Device = store.LoadUnknown, r.Reason, store.QuarantinedDevice
		}
		if l.State == store.LoadUnknown {
			continue
		}
		if _, err := s.journal.Step(ctx, step); err != nil {
			return err
		}
	}
	return nil
}

// told counts a device, and stops the station after too many failures in a row. A station that ends is
// nobody's failure.
func (s *station) told(serial string, state store.DeviceState, err error) {
	if state == store.Expected && fault.Is(err, fault.Interrupted) {
		return
	}
	if row := s.meter.settled(serial, state, err); row == s.GiveUp {
		s.stop(fault.Wrap(fault.WrapAs(fault.Partial, s.meter.why(), "the last one"),
			"station %s stops itself after %d failures in a row; look at cables, keys and devices, then start it again", s.Station, row))
	}
}

// bring does it. A panic, from a driver for one, is a failure of this device and not of the station.
func (s *station) bring(ctx context.Context, e *store.RunDevice) (result store.RunResult, err error) {
	result = store.RunResult{Serial: e.Serial, State: store.Expected, Station: s.Station}
	defer func() {
		if p := recover(); p != nil {
			err = fault.New(fault.Bug, "device %s: %s", e.Serial, strings.SplitN(fmt.Sprint(p), "\n", 2)[0])
		}
		if err != nil && result.State == store.Expected && !again(err) {
			result.State = store.Failed
		}
		if err != nil {
			result.Reason = reason(err)
		}
	}()
	fresh := s.journal.fresh.take(e.Serial)
	job, err := s.job(ctx, e, fresh)
	if err != nil {
		return result, err
	}
	release, err := s.hold(e.URI)
	if err != nil {
		return result, err
	}
	defer release()
	d, err := s.Open(ctx, e.URI)
	if err != nil {
		return result, err
	}
	defer func() { _ = d.Close() }() // every load has its verdict, or the line has failed already
	cleared, err := inject.Preflight(ctx, d, nil, s.Env.Now(), job)
	if err != nil {
		return s.refused(ctx, d, &job, result, err)
	}
	result.Told = toldBy(&cleared)
	loader := &inject.Loader{Boundary: s.Boundary, Journal: s.journal, History: history{s.journal, fresh}, Now: s.Env.Now, Rand: s.Env.Rand,
		Replace: s.plan.Replace}
	report, err := loader.Run(ctx, d, cleared)
	if err == nil {
		err = report.Err()
	}
	result.State = verdict(&report, err)
	return result, err
}

func (s *station) hold(uri string) (release func(), err error) {
	if s.Hold == nil {
		return func() {}, nil
	}
	return s.Hold(PlaceOf(uri))
}

// job is what goes into the device.
func (s *station) job(ctx context.Context, e *store.RunDevice, fresh bool) (inject.Job, error) {
	loads, err := s.loads.get(ctx, e.KBPK)
	if err == nil {
		err = s.keys.look(ctx, freshLook)
	}
	if err != nil {
		return inject.Job{}, err
	}
	known, err := s.known(ctx, e, fresh)
	if err != nil {
		return inject.Job{}, err
	}
	return inject.Job{Run: s.run.ID, Station: s.Station, Serial: e.Serial, Known: &known, POIVersion: e.POIVersion,
		Production: s.plan.Environment == store.Production, Own: s.plan.Own, Loads: loads}, nil
}

// known is the device's row in the inventory. When the run was taken down, list and inventory said the same, and the
// journal takes no load of a device that was rejected since: so the first try need not ask.
func (s *station) known(ctx context.Context, e *store.RunDevice, fresh bool) (d store.Device, err error) {
	if fresh && e.POIVersion != "" {
		return store.Device{Serial: e.Serial, Model: e.Model, POIVersion: e.POIVersion, State: store.Expected}, nil
	}
	err = s.journal.patience.ask(ctx, func() error {
		d, err = s.Store.Device(ctx, e.Serial)
		return err
	})
	return d, err
}

// refused tells a device that is another one than expected from one that is not fit.
func (s *station) refused(
	ctx context.Context, d device.Device, job *inject.Job, r store.RunResult, err error,
) (store.RunResult, error) {
	if !fault.Is(err, fault.NotPermitted) {
		return r, err
	}
	if job.Known.State == store.Rejected {
		r.State = store.Rejected
	}
	if asks, ok := d.(device.Serials); ok && !clears(job.Loads) {
		if told, askErr := asks.Serial(ctx); askErr == nil && told != "" {
			r.Told = text.OneLine(told, 128)
			if told != job.Serial {
				r.State = store.Rejected
			}
		}
	}
	return r, err
}

func clears(all []inject.Plan) bool {
	for i := range all {
		if all[i].Clear {
			return true
		}
	}
	return false
}

// toldBy is the serial number that the device told, "" where it tells none.
func toldBy(c *inject.Cleared) string {
	for _, check := range c.Checks() {
		if check.ID == inject.CheckIdentity && !check.Doubt {
			return c.Serial()
		}
	}
	return ""
}

// verdict is what became of a device. Expected means that it may be tried again.
func verdict(r *inject.Report, err error) store.DeviceState {
	for _, o := range r.Loads {
		if o.State == store.LoadUnknown || fault.Is(o.Err, fault.OutcomeUnknown) && !ofStore(o.Err) && !inTrouble(o.Err) {
			return store.QuarantinedDevice
		}
	}
	switch {
	case err == nil && r.Confirmed():
		return store.Confirmed
	case again(err):
		return store.Expected
	}
	return store.Failed
}

// again reports an error after which a device may be tried again: the journal says what has become of what was begun,
// and pkg/inject asks before it goes on. A refusal, which has a code, would come again.
func again(err error) bool {
	for _, kind := range []fault.Kind{fault.DeviceLink, fault.DeviceTimeout, fault.Busy, fault.Interrupted} {
		if fault.Is(err, kind) {
			return true
		}
	}
	var refusal *device.CodeError
	return fault.Is(err, fault.DeviceFailed) && !errors.As(err, &refusal) // "the slot is empty: the commit did not arrive"
}

// reason is an error in one line, as the store takes it. Errors hold no key bytes.
func reason(err error) string { return text.OneLine(err.Error(), 240) }
