package agent

// Configuration and events between an agent and the process that starts it: one JSON document in each line.

import (
	"bufio"
	"encoding/json"
	"io"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/custody"
	"poskey/pkg/kcv"
)

// Bounds of a line.
const (
	maxConfig = 8 << 20
	maxEvent  = 1 << 20
)

// handedOver is the configuration with what the descriptors after it are.
type handedOver struct {
	Config      Config
	Terminal    bool
	Passphrases int
}

func writeConfig(w io.Writer, h handedOver) error {
	raw, err := encode(h)
	if err != nil {
		return err
	}
	if len(raw) > maxConfig {
		return fault.New(fault.TooLarge, "the store has more officers than an agent is told of")
	}
	_, err = w.Write(append(raw, '\n'))
	return err
}

// readConfig reads the first line. What would come after it does not: the other process keeps the pipe open as long as
// it waits, and writes nothing more.
func readConfig(r io.Reader) (handedOver, error) {
	line, err := bufio.NewReader(io.LimitReader(r, maxConfig)).ReadBytes('\n')
	var h handedOver
	if err == nil {
		err = decodeStrict(line, &h)
	}
	if err != nil {
		return handedOver{}, fault.New(fault.Usage, "an agent is started by poskey itself, with its configuration")
	}
	return h, nil
}

type wireEvent struct {
	Kind       EventKind
	Officer    string             `json:",omitempty"`
	Left       int                `json:",omitempty"`
	Text       sentence           `json:",omitzero"`
	Document   []byte             `json:",omitempty"`
	Check      kcv.Value          `json:",omitzero"`
	Generation uint64             `json:",omitempty"`
	PID        int                `json:",omitempty"`
	Until      time.Time          `json:",omitzero"`
	Activities []custody.Activity `json:",omitempty"`
	Officers   []string           `json:",omitempty"`
	Err        *wireError         `json:",omitempty"`
}

func writeEvent(w io.Writer, e Event) error {
	raw, err := json.Marshal(wireEvent{e.Kind, e.Officer, e.Left, sentence{e.Text}, e.Document, e.Check, e.Generation,
		e.PID, e.Until, e.Activities, e.Officers, packError(e.Err)})
	if err != nil {
		return fault.New(fault.Bug, "an event cannot be written")
	}
	_, err = w.Write(append(raw, '\n'))
	return err
}

func readEvent(line []byte) (Event, error) {
	var w wireEvent
	if err := decodeStrict(line, &w); err != nil {
		return Event{}, err
	}
	return Event{w.Kind, w.Officer, w.Left, w.Text.Text, w.Document, w.Check, w.Generation, w.PID, w.Until, w.Activities,
		w.Officers, w.Err.unpack()}, nil
}
