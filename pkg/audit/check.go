package audit

// What may stand in a record. The same checks hold for what is written and what is read.

import (
	"time"
	"unicode/utf8"

	"poskey/internal/fault"
)

// Limits, in bytes of UTF-8 where they are about text. Together they keep every record below [MaxLine].
const (
	MaxLine    = 32768 // a line with its line feed
	MaxWith    = 16    // others of a record
	MaxDetails = 24    // details of a record
	MaxOpen    = 1024  // intents without an outcome at one time

	maxWord  = 48  // operation, role, kind, name of a detail, result, fault, method
	maxName  = 64  // person, station, store
	maxLabel = 128 // label of an object
	maxValue = 256 // value of a detail
	maxCheck = 16  // digits of a check value

	maxNumber uint64 = 1<<53 - 1 // what every reader of JSON reads exactly
)

// check holds a record against the limits; how it fits to the others is checked by [chain].
func (r *Record) check() error {
	if !within(r.Time.Year(), 1970, 2199) || r.Time.Location() != time.UTC || r.Time.Nanosecond()%1000 != 0 {
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
	if !within(len(id.Store), 1, maxName) || !all(id.Store, func(c byte) bool { return isAlnum(c) || isAnyOf(c, "._-") }) {
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
	if !isWord(string(e.Operation), '.') {
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
	if err := checkText(a.ID, maxName); err != nil {
		return fault.Wrap(err, "id")
	}
	if err := checkWord(string(a.Role)); err != nil {
		return fault.Wrap(err, "role")
	}
	return fault.Wrap(checkText(a.Station, maxName), "station")
}

func (o *Object) check() error {
	if *o == (Object{}) {
		return nil
	}
	if err := checkWord(string(o.Kind)); err != nil {
		return fault.Wrap(err, "kind")
	}
	if err := checkText(o.Label, maxLabel); err != nil {
		return fault.Wrap(err, "label")
	}
	if o.KSN != "" && (len(o.KSN) != 20 && len(o.KSN) != 24 || !all(o.KSN, isHex)) {
		return fault.New(fault.Malformed, "ksn: a key serial number has 20 or 24 upper-case hex digits")
	}
	if o.Check == (Check{}) {
		return nil
	}
	if !within(len(o.Check.Value), 2, maxCheck) || !all(o.Check.Value, isHex) {
		return fault.New(fault.Malformed, "check: a check value has 2 to %d upper-case hex digits", maxCheck)
	}
	return fault.Wrap(checkWord(o.Check.Method), "method")
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
		if err := checkWord(string(name)); err != nil {
			return fault.Wrap(err, "details")
		}
		if err := checkText(value, maxValue); err != nil {
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
		if !isWord(string(o.Fault), '_') {
			return fault.New(fault.Malformed, "outcome: the kind of the error is missing or no word")
		}
		return nil
	}
	return fault.New(fault.Malformed, "outcome: known results: ok, refused, failed, unknown")
}

// checkWord accepts names of things: lower-case letters, digits and dashes, a letter first.
func checkWord(s string) error {
	if !isWord(s, '-') {
		return fault.New(fault.Malformed, "a word of 1 to %d lower-case letters, digits and dashes is expected", maxWord)
	}
	return nil
}

func isWord(s string, also byte) bool {
	if !within(len(s), 1, maxWord) || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	return all(s, func(c byte) bool { return c >= 'a' && c <= 'z' || isDigit(c) || c == '-' || c == also })
}

// checkText accepts what people write, in one line and in any script. Left out is what changes how the rest is shown:
// control characters, line separators, direction marks, invisible and tag characters. The list is fixed with the
// format, so that no edition of Unicode changes which logs are valid.
func checkText(s string, limit int) error {
	if len(s) > limit {
		return fault.New(fault.TooLarge, "at most %d bytes, got %d", limit, len(s))
	}
	plain := true
	for i := range len(s) {
		plain = plain && s[i] >= 0x20 && s[i] < 0x7F
	}
	if plain {
		return nil
	}
	if !utf8.ValidString(s) {
		return fault.New(fault.Malformed, "not UTF-8")
	}
	for at, c := range s {
		if hidden(c) {
			return fault.New(fault.Malformed, "the character U+%04X at byte %d cannot be shown", c, at)
		}
	}
	return nil
}

func hidden(c rune) bool {
	switch {
	case c < 0x20, c >= 0x7F && c <= 0x9F:
		return true
	case c >= 0x200B && c <= 0x200F, c >= 0x2028 && c <= 0x202E, c >= 0x2060 && c <= 0x206F:
		return true
	case c == 0xFEFF, c >= 0xFFF9 && c <= 0xFFFB, c >= 0xE0000 && c <= 0xE007F:
		return true
	}
	return false
}

func within(n, least, most int) bool { return n >= least && n <= most }

func all(s string, ok func(byte) bool) bool {
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return true
}

func isAnyOf(c byte, set string) bool {
	for i := range len(set) {
		if set[i] == c {
			return true
		}
	}
	return false
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isHex(c byte) bool   { return isDigit(c) || c >= 'A' && c <= 'F' }
func isAlnum(c byte) bool { return isDigit(c) || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' }
