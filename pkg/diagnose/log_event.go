package diagnose

// What a log is read into.

import (
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// Event is a key event of a log.
type Event struct {
	At       time.Time // zero where the line has no date
	Line     int       // from 1
	Kind     EventKind
	Where    string    // device or program
	Station  string    // where people work
	Who      string    // officer or operator
	Text     string    // the line, what looks like a key blotted out
	Code     string    // of an error; as it was written
	Vendor   string    // whose code it is, where the line names it
	Slot     string    // of the device
	Expected string    // check values, where the line has them
	Got      string    // the only one, where the line has one
	Causes   []Cause   // that the words or the code lead to, the likeliest first
	Names    bool      // they name the first one
	Failed   bool      // something did not work
	Until    time.Time // the end of a validity that the line names
}

// EventKind says what happened. Kinds never change their meaning.
type EventKind string

// The kinds.
const (
	EventLoaded       EventKind = "loaded"         // a key was loaded
	EventLoadFailed   EventKind = "load-failed"    // a load was refused or gave up
	EventSignedIn     EventKind = "signed-in"      // a sign-in worked
	EventSignInFailed EventKind = "sign-in-failed" //
	EventTraded       EventKind = "traded"         // a trade was answered without trouble of keys
	EventMismatch     EventKind = "mismatch"       // a check value differs
	EventChecked      EventKind = "checked"        // a check value was told
	EventValid        EventKind = "valid-until"    // an end of validity was told
	EventMACError     EventKind = "mac-error"      // a MAC was refused
	EventPINError     EventKind = "pin-error"      // a PIN block was refused
	EventTamper       EventKind = "tamper"         //
	EventErased       EventKind = "erased"         // keys were erased
	EventRestart      EventKind = "restart"        //
	EventPower        EventKind = "power"          // power was lost, or the battery is weak
	EventLoginFailed  EventKind = "login-failed"   //
	EventClearKey     EventKind = "clear-key"      // a key was loaded or sent in clear
	EventExposed      EventKind = "exposed"        // a sheet, bag or key was seen
	EventExpired      EventKind = "expired"        // a key is past its day
	EventFirmware     EventKind = "firmware"       // software is too old for something
	EventLink         EventKind = "link"           // a time-out, a damaged frame
	EventStorage      EventKind = "storage"        // memory is damaged
	EventPlace        EventKind = "place"          // heat, damp
	EventClock        EventKind = "clock"          // a clock or a certificate
	EventSlip         EventKind = "slip"           // somebody entered something wrong
	EventHealthy      EventKind = "healthy"        // a self test, a sensor or a counter told that all is well
	EventCode         EventKind = "code"           // another code or text that bears on keys
)

// LogOptions say how a log is read. What is zero is the default.
type LogOptions struct {
	Ears      *Ears          // nil: new ones
	Vendor    string         // whose codes the log has: an id of pkg/errorcode
	Where     string         // the device or program of a line that names none
	Location  *time.Location // of time stamps without a zone; nil: UTC
	Year      int            // of time stamps without a year; 0: the first year in the log, else they have no date
	MaxLine   int            // bytes of a line that are read; 0: 16 KiB
	MaxLines  int            // 0: fifty million
	MaxEvents int            // 0: 50,000
}

// LogSummary says what was read.
type LogSummary struct {
	Lines   int       // read
	Events  int       // found
	Long    int       // lines of which the end was not read
	Blotted int       // places where something looked like a key
	Clear   int       // lines that tell of a key in clear
	From    time.Time // the first and the last time stamp
	Until   time.Time
	Cut     bool // the log goes on: a bound was reached
}

// The bounds of a log.
const (
	maxLogLine   = 16 << 10
	maxLogLines  = 50_000_000
	maxLogEvents = 50_000
	mostEvent    = 400 // bytes of a line that an event keeps
	mostLabel    = 48
)

func (o LogOptions) withDefaults() (LogOptions, error) {
	if o.MaxLine < 0 || o.MaxLines < 0 || o.MaxEvents < 0 {
		return LogOptions{}, fault.New(fault.Usage, "the bounds of a log cannot be negative")
	}
	if o.Location == nil {
		o.Location = time.UTC
	}
	o.MaxLine, o.MaxLines, o.MaxEvents = orElse(o.MaxLine, maxLogLine), orElse(o.MaxLines, maxLogLines), orElse(o.MaxEvents, maxLogEvents)
	o.Where = text.OneLine(o.Where, mostLabel)
	ears, err := earsOr(o.Ears)
	if err != nil {
		return LogOptions{}, err
	}
	o.Ears = ears
	return o, nil
}

func orElse(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}
