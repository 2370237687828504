package device

import (
	"context"
	"io"
	"time"
)

// Options says how to talk to a device. The zero value is good. What the URI says goes before.
type Options struct {
	Timeout time.Duration // for one answer; 0 takes the dialect's
	Retries int           // how often a frame is sent again; 0 takes the dialect's, NoRetries none
	Trace   Trace         // sees every frame, key bytes blotted out; may be nil
	Clock   Clock         // nil takes RealClock
	Slots   string        // of futurex: SlotsDecimal or SlotsHex; "" is decimal
	Profile string        // see Profiles; "" is the dialect's first
	// Dial opens the line; nil takes pkg/device/line.
	Dial func(ctx context.Context, u URI) (io.ReadWriteCloser, error)
}

// How the futurex dialect writes slot numbers. Implementations and their prose differ, and 10 to 99 mean different
// slots in the two readings.
const (
	SlotsDecimal = "decimal"
	SlotsHex     = "hex"
)

// Profiles of the visa dialect.
const (
	ProfileUIC      = "uic"      // UIC PP791
	ProfileVeriFone = "verifone" // VeriFone's forms, where they differ
	ProfilePoskey   = "poskey"   // UIC's, and poskey's own extensions, which no real terminal speaks
)

// Profiles of the futurex dialect.
const (
	ProfileBase    = "base"    // the layout that is taken as the protocol
	ProfileDialect = "dialect" // with the fields that one terminal application adds
)

// Profiles lists the profiles of a dialect, the one that goes without saying first.
func Profiles(dialect string) []string {
	switch dialect {
	case Visa:
		return []string{ProfileUIC, ProfileVeriFone, ProfilePoskey}
	case Futurex:
		return []string{ProfileBase, ProfileDialect}
	}
	return nil
}

// NoRetries sends each frame once.
const NoRetries = -1

// Trace receives what goes over the line, as text in which every key byte is blotted out.
type Trace func(direction Direction, line string)

// Direction is the way of a frame, seen from the host.
type Direction string

// The directions.
const (
	Sent     Direction = "sent"
	Received Direction = "received"
)
