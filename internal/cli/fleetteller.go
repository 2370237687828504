package cli

// How a run goes, told while it goes.

import (
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"poskey/internal/console"
	"poskey/internal/text"
	"poskey/pkg/fleet"
)

// fleetTeller tells on stderr how a run goes: a bar on a terminal, or an event a second under -o json.
type fleetTeller struct {
	app    *App
	events bool
	bars   bool

	mu   sync.Mutex
	told time.Time
	bar  *console.Bar
	once sync.Once

	words atomic.Pointer[string] // behind the bar, which another goroutine draws
}

func (a *App) fleetProgress() *fleetTeller {
	t := &fleetTeller{app: a}
	t.events, t.bars = a.telling()
	return t
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
	if !t.bars {
		return
	}
	words := t.app.Say.T("%d of %d devices, %s/s", e.Counts.Done(), e.Counts.Listed, strconv.FormatFloat(e.Rate, 'f', 1, 64))
	if e.ETA > 0 {
		words += "  " + e.ETA.Round(time.Second).String()
	}
	t.words.Store(&words)
	if t.bar == nil {
		t.bar = console.NewBar(t.app.Err, int64(e.Counts.Listed), func() string { return *t.words.Load() })
	}
	t.bar.At(int64(e.Counts.Done()))
}

func (t *fleetTeller) say(e fleet.Event) {
	now := t.app.Env.Now()
	if now.Sub(t.told) < tellEvery && e.Counts.Left > 0 {
		return
	}
	t.told = now
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
