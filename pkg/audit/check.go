package audit

// What may stand in a record. The same checks hold for what is written and what is read.

import (
	"time"

	"poskey/internal/chained"
	"poskey/internal/fault"
)

// Limits, in bytes of UTF-8 where they are about text. Together they keep every record below [MaxLine].
const (
	MaxLine    = 32768 // a line with its line feed
	MaxWith    = 16    // others of a record
	MaxDetails = 24    // details of a record
	MaxOpen    = 1024  // intents without an outcome at one time

	maxWord  = chained.MaxWord // operation, role, kind, name of a detail, result, fault, method
	maxName  = 64              // person, station, store
	maxLabel = 128             // label of an object
	maxValue = 256             // value of a detail
	maxCheck = 16              // digits of a check value

	maxNumber = chained.MaxNumber
)

// check holds a record against the limits; how it fits to the others is checked by [chain].
func (r *Record) check() error {
	if !chained.Within(r.Time.Year(), 1970, 2199) || r.Time.Location() != time.UTC || r.Time.Nanosecond()%1000 != 0 {
		return fault.New(fault.Malformed, "time: a record has UTC to the microsecond, in the years 1970 to 2199")
	}
	if r.Seq > maxNumber || r.Torn.Bytes > maxNumber {
		return fault.New(fault.Malformed, "a number of a record is at most %d", maxNumber)
	}
	if r.Back < 0 || r.Back%time.Microsecond != 0 {
		return fault.New(fault.Malformed, "back_us: a time that goes back is counted in microseconds")
	}
	if err := r.checkIdentity(); err != nil {
		return err
	}
	if err := r.Entry.check(r.Of != 0 || r.Outcome.Result != ""); err != nil {
		return err
	}
	if r.Of != 0 && r.IsIntent() {
		return fault.New(fault.Malformed, "outcome: the record names an intent and says no outcome")
	}
	return r.Outcome.check()
}

func (r *Record) checkIdentity() error {
	if first := r.Log != (Identity{}); first != (r.Operation == LogCreate) || first != (r.Seq == 1) {
		return fault.New(fault.Malformed, "log: the first record creates the log and names the store, and no other does")
	}
	if r.Seq == 1 {
		if err := r.Log.check(); err != nil {
			return err
		}
	}
	torn := r.Torn != Torn{}
	if torn && (r.Torn.Bytes == 0 || r.Torn.Digest.IsZero()) {
		return fault.New(fault.Malformed, "torn: a repair names the number of bytes and their hash")
	}
	if r.Seq > 1 && torn != (r.Operation == LogRecover) {
		return fault.New(fault.Malformed, "torn: records of %s say what was repaired, and no others", LogRecover)
	}
	if r.Seq == 1 || r.Operation == LogRecover {
		if r.Outcome != OK() || r.Of != 0 {
			return fault.New(fault.Malformed, "outcome: a record of %s is done when it is written", r.Operation)
		}
	}
	return nil
}

func (id Identity) check() error {
	if id.Environment != Test && id.Environment != Production {
		return fault.New(fault.Malformed, "environment: %q is neither test nor production", id.Environment)
	}
	fits := func(c byte) bool { return chained.IsAlnum(c) || chained.IsAnyOf(c, "._-") }
	if !chained.Within(len(id.Store), 1, maxName) || !chained.All(id.Store, fits) {
		return fault.New(fault.Malformed, "store: an id has 1 to %d letters, digits and . _ -", maxName)
	}
	return nil
}

func (e *Entry) check(ended bool) error {
	if err := e.Who.check(); err != nil {
		return fault.Wrap(err, "who")
	}
	if len(e.With) > MaxWith {
		return fault.New(fault.TooLarge, "with: a record names at most %d others, got %d", MaxWith, len(e.With))
	}
	for i := range e.With {
		if err := e.With[i].check(); err != nil {
			return fault.Wrap(err, "with")
		}
	}
	if !chained.IsWord(string(e.Operation), '.') {
		return fault.New(fault.Malformed, "op: a word of 1 to %d lower-case letters, digits, dots and dashes is expected",
			maxWord)
	}
	if err := e.Object.check(); err != nil {
		return fault.Wrap(err, "object")
	}
	if err := e.Batch.check(ended); err != nil {
		return err
	}
	return e.Details.check()
}

func (a *Actor) check() error {
	if a.ID == "" {
		return fault.New(fault.Malformed, "id: nobody is named")
	}
	if err := chained.CheckText(a.ID, maxName); err != nil {
		return fault.Wrap(err, "id")
	}
	if err := chained.CheckWord(string(a.Role)); err != nil {
		return fault.Wrap(err, "role")
	}
	return fault.Wrap(chained.CheckText(a.Station, maxName), "station")
}

func (o *Object) check() error {
	if *o == (Object{}) {
		return nil
	}
	if err := chained.CheckWord(string(o.Kind)); err != nil {
		return fault.Wrap(err, "kind")
	}
	if err := chained.CheckText(o.Label, maxLabel); err != nil {
		return fault.Wrap(err, "label")
	}
	if o.KSN != "" && (len(o.KSN) != 20 && len(o.KSN) != 24 || !chained.All(o.KSN, chained.IsHex)) {
		return fault.New(fault.Malformed, "ksn: a key serial number has 20 or 24 upper-case hex digits")
	}
	if o.Check == (Check{}) {
		return nil
	}
	if !chained.Within(len(o.Check.Value), 2, maxCheck) || !chained.All(o.Check.Value, chained.IsHex) {
		return fault.New(fault.Malformed, "check: a check value has 2 to %d upper-case hex digits", maxCheck)
	}
	return fault.Wrap(chained.CheckWord(o.Check.Method), "method")
}

func (b *Batch) check(ended bool) error {
	sum := uint64(0)
	for _, n := range []uint64{b.OK, b.Refused, b.Failed, b.Unknown} {
		sum += min(n, maxNumber) // four of these do not run over
	}
	if b.Count > maxNumber || sum > b.Count || ended && sum != b.Count {
		return fault.New(fault.Malformed, "batch: the outcomes do not add up to %d lines", b.Count)
	}
	if b.Count == 0 && !b.Digest.IsZero() {
		return fault.New(fault.Malformed, "batch: a digest without lines")
	}
	return nil
}

func (d Details) check() error {
	if len(d) > MaxDetails {
		return fault.New(fault.TooLarge, "details: a record has at most %d, got %d", MaxDetails, len(d))
	}
	for name, value := range d {
		if err := chained.CheckWord(string(name)); err != nil {
			return fault.Wrap(err, "details")
		}
		if err := chained.CheckText(value, maxValue); err != nil {
			return fault.Wrap(err, "details: %s", string(name))
		}
	}
	return nil
}

func (o Outcome) check() error {
	switch o.Result {
	case "", Done:
		if o.Fault != "" {
			return fault.New(fault.Malformed, "outcome: an error where there was none")
		}
		return nil
	case Refused, Failed, Unknown:
		if !chained.IsWord(string(o.Fault), '_') {
			return fault.New(fault.Malformed, "outcome: the kind of the error is missing or no word")
		}
		return nil
	}
	return fault.New(fault.Malformed, "outcome: known results: ok, refused, failed, unknown")
}
