package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"poskey/internal/console"
	"poskey/internal/render"
)

// progress tells on stderr how far a batch is: a bar on a terminal, or an event a second under -o json.
type progress struct {
	app                *App
	start, told        time.Time
	total              int64 // bytes of the input; 0 when nobody knows
	lines, bad, passed atomic.Int64
	bar                *console.Bar
	events             bool
}

// tellEvery is the pause between two events.
const tellEvery = time.Second

// telling is how a command tells on stderr how far it is: by events, by a bar, or not at all.
func (a *App) telling() (events, bars bool) {
	if a.render.Quiet {
		return false, false
	}
	events = a.render.Format == render.JSON
	return events, !events && a.Getenv("TERM") != "dumb" && console.IsTerminal(a.Err)
}

// startProgress begins to tell. Nothing is told under -q, to a file or a pipe, and on a terminal that shows the answers, or
// the typing of the lines, themselves.
func (a *App) startProgress(in batchInput) *progress {
	p := &progress{app: a, total: in.size}
	events, bars := a.telling()
	p.events, bars = events, bars && !console.IsTerminal(a.Out) && !in.typed
	if !events && !bars {
		return p
	}
	p.start = a.Env.Now()
	p.told = p.start
	if bars {
		p.bar = console.NewBar(a.Err, p.total, p.words)
	}
	return p
}

// add counts what a chunk brought.
func (p *progress) add(c *chunk) {
	p.lines.Add(int64(c.answered))
	p.bad.Add(int64(c.bad))
	p.passed.Store(c.end)
	if p.bar != nil {
		p.bar.At(c.end)
	}
	if !p.events {
		return
	}
	if now := p.app.Env.Now(); now.Sub(p.told) >= tellEvery {
		p.told = now
		p.tell()
	}
}

// close takes the bar away.
func (p *progress) close() {
	if p.bar != nil {
		p.bar.Close()
	}
}

// progressDoc is an event.
type progressDoc struct {
	Schema    string `json:"schema"`
	Lines     int64  `json:"lines"`
	Bad       int64  `json:"bad"`
	PerSecond int64  `json:"per_second"`
	Percent   *int64 `json:"percent,omitempty"` // where the size of the input is known
}

func (p *progress) tell() {
	doc := progressDoc{Schema: "poskey.progress/v1", Lines: p.lines.Load(), Bad: p.bad.Load(), PerSecond: p.rate()}
	if p.total > 0 {
		percent := p.percent()
		doc.Percent = &percent
	}
	line, _ := json.Marshal(doc)
	_, _ = fmt.Fprintf(p.app.Err, "%s\n", line)
}

// words are what stands behind the bar.
func (p *progress) words() string {
	say := p.app.Say
	out := " " + say.T("lines: %d  with errors: %d  per second: %d", p.lines.Load(), p.bad.Load(), p.rate())
	if passed := p.passed.Load(); p.total > 0 && passed > 0 {
		left := time.Duration(float64(p.elapsed()) * float64(max(0, p.total-passed)) / float64(passed)).Round(time.Second)
		out = fmt.Sprintf(" %3d %% ", p.percent()) + out + say.T("  left: %s", left)
	}
	return out
}

func (p *progress) elapsed() time.Duration { return p.app.Env.Now().Sub(p.start) }

func (p *progress) rate() int64 {
	return int64(float64(p.lines.Load()) / max(p.elapsed().Seconds(), 1e-3))
}

func (p *progress) percent() int64 { return min(100, 100*p.passed.Load()/p.total) }

// sizeOf is how much is left to read of a file, or 0 where that cannot be known, as of a pipe.
func sizeOf(f *os.File) int64 {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return 0
	}
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0
	}
	return max(0, info.Size()-at)
}
