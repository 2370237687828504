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
	// Dial opens the line; nil takes pkg/device/line.
	Dial func(ctx context.Context, u URI) (io.ReadWriteCloser, error)
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
