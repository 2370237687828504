package cli

// How a run goes, told while it goes.

import (
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"time"

	"poskey/internal/console"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/fleet"
)

// fleetTeller tells on stderr how a run goes: a bar on a terminal, or an event a second under -o json.
type fleetTeller struct {
	app    *App
	mu     sync.Mutex
	last   time.Time
	events bool
	bar    *console.Bar
	words  string
	once   sync.Once
}

func (a *App) fleetProgress() *fleetTeller {
	return &fleetTeller{app: a, events: !a.render.Quiet && a.render.Format == render.JSON}
}

type fleetEventDoc struct {
	Schema string       `json:"schema"`
	Counts fleet.Counts `json:"counts"`
	Rate   float64      `json:"devices_per_second"`
	ETA    float64      `json:"eta_seconds,omitempty"`
}

func (t *fleetTeller) event(e fleet.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e.Err != nil && !t.events && !t.app.render.Quiet {
		t.app.render.Note(text.New("device %s: %s", e.Serial, e.Err))
	}
	if t.events {
		t.say(e)
		return
	}
	if t.app.render.Quiet || !console.IsTerminal(t.app.Err) || t.app.Getenv("TERM") == "dumb" {
		return
	}
	if t.bar == nil {
		t.bar = console.NewBar(t.app.Err, int64(e.Counts.Expected), t.said)
	}
	t.words = t.app.Say.T("%d of %d devices, %s/s", e.Counts.Done(), e.Counts.Expected, strconv.FormatFloat(e.Rate, 'f', 1, 64))
	if e.ETA > 0 {
		t.words += "  " + e.ETA.Round(time.Second).String()
	}
	t.bar.At(int64(e.Counts.Done()))
}

func (t *fleetTeller) said() string { return t.words }

func (t *fleetTeller) say(e fleet.Event) {
	now := t.app.Env.Now()
	if now.Sub(t.last) < tellEvery && e.Counts.Left > 0 {
		return
	}
	t.last = now
	line, err := json.Marshal(fleetEventDoc{"poskey.fleet.progress/v1", e.Counts, e.Rate, e.ETA.Seconds()})
	if err == nil {
		_, _ = fmt.Fprintf(t.app.Err, "%s\n", line)
	}
}

func (t *fleetTeller) close() {
	t.once.Do(func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.bar != nil {
			t.bar.Close()
		}
	})
}
