package cli

// A search of millions of keys: how the garbage collector is set meanwhile, and how people and programs are told how far
// the search is.

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"poskey/internal/console"
	"poskey/internal/text"
	"poskey/pkg/diagnose"
)

// searchMemory is what a long search may use before the collector runs.
const searchMemory = 512 << 20

// tuneForSearch lets ciphers that are made and thrown away by the million (of AES keys, and for values that are not
// searched 64 at a time) pile up to a limit. Collecting them every few milliseconds makes two cores slower than one. The
// function returned puts things back.
func tuneForSearch() (restore func()) {
	percent := debug.SetGCPercent(-1)
	limit := debug.SetMemoryLimit(-1) // asks only
	debug.SetMemoryLimit(min(limit, searchMemory))
	return func() {
		debug.SetMemoryLimit(limit)
		debug.SetGCPercent(percent)
	}
}

// searched diagnoses a case by our clock, with the collector set for a search and its progress told.
func (a *App) searched(ctx context.Context, c *diagnose.Case) (diagnose.Report, error) {
	long := func(check diagnose.Check) bool { return check.Search > defaultSearch } // up to there it is too short to matter
	if slices.ContainsFunc(c.Checks, long) {
		defer tuneForSearch()()
	}
	tell, stop := a.searchProgress()
	defer stop()
	for i := range c.Checks {
		c.Checks[i].Progress = tell
	}
	c.Now = a.Env.Now()
	report, err := diagnose.Diagnose(ctx, *c)
	report.Searched.Elapsed = a.Env.Now().Sub(c.Now)
	return report, err
}

// searchTeller tells how far the searches of a diagnosis are, one after the other: a bar on a terminal, an event every
// tellEvery under -o json, else nothing.
type searchTeller struct {
	app    *App
	events bool
	bars   bool

	mu    sync.Mutex
	total int
	told  time.Time
	bar   *console.Bar
}

// longSearch is a number of keys that takes minutes and more.
const longSearch = 5e9

// searchProgress gives the function that a search tells its progress, and one that takes the bar away.
func (a *App) searchProgress() (tell func(done, total int), stop func()) {
	t := &searchTeller{app: a, told: a.Env.Now()}
	t.events, t.bars = a.telling()
	return t.tell, t.stop
}

func (t *searchTeller) tell(done, total int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if total != t.total {
		t.begin(total)
	}
	if t.bar != nil {
		t.bar.At(int64(done))
	}
	if now := t.app.Env.Now(); t.events && now.Sub(t.told) >= tellEvery {
		t.told = now
		line, _ := json.Marshal(searchEvent{"poskey.progress/v1", done, total, int(100 * float64(done) / float64(total))})
		_, _ = fmt.Fprintf(t.app.Err, "%s\n", line)
	}
}

// begin is called when a search says for the first time how many keys it has.
func (t *searchTeller) begin(total int) {
	t.close()
	t.total = total
	if float64(total) > longSearch && !t.app.render.Quiet {
		t.app.render.Warn(text.New("this search tries %d keys, which takes minutes and more; Ctrl-C stops it", total))
	}
	if t.bars {
		words := t.app.Say.T("searching %d keys", total)
		t.bar = console.NewBar(t.app.Err, int64(total), func() string { return " " + words })
	}
}

// searchEvent is the event of a search.
type searchEvent struct {
	Schema  string `json:"schema"`
	Keys    int    `json:"keys"`
	Total   int    `json:"total"`
	Percent int    `json:"percent"`
}

func (t *searchTeller) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.close()
}

func (t *searchTeller) close() {
	if t.bar != nil {
		t.bar.Close()
		t.bar = nil
	}
}
