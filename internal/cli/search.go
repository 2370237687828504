package cli

// A search of millions of keys: the garbage collector meanwhile, and the bar that shows how far it is.

import (
	"context"
	"runtime/debug"
	"sync"

	"poskey/internal/console"
	"poskey/internal/render"
	"poskey/pkg/diagnose"
)

// searchMemory is what a search may use before the collector runs.
const searchMemory = 256 << 20

// tuneForSearch lets ciphers that are made and thrown away by the million pile up to a limit, instead of collecting
// them every few milliseconds: that is what makes two cores slower than one. The function returned puts things back.
func tuneForSearch() (restore func()) {
	percent := debug.SetGCPercent(-1)
	limit := debug.SetMemoryLimit(searchMemory)
	return func() {
		debug.SetMemoryLimit(limit)
		debug.SetGCPercent(percent)
	}
}

// searched diagnoses with all that a search needs round it.
func (a *App) searched(ctx context.Context, facts diagnose.Facts) (diagnose.Report, error) {
	defer tuneForSearch()()
	tell, stop := a.searchProgress()
	defer stop()
	facts.Progress = tell
	return diagnose.KCV(ctx, facts)
}

// searchBar draws a bar on a terminal for each search of a diagnosis, one after the other.
type searchBar struct {
	app   *App
	mu    sync.Mutex
	total int
	bar   *console.Bar
}

// searchProgress gives the function that a search tells its progress, and one that takes the bar away.
func (a *App) searchProgress() (tell func(done, total int), stop func()) {
	if a.render.Quiet || a.render.Format == render.JSON || a.Getenv("TERM") == "dumb" || !console.IsTerminal(a.Err) {
		return nil, func() {}
	}
	b := &searchBar{app: a}
	return b.tell, b.stop
}

func (b *searchBar) tell(done, total int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bar == nil || total != b.total {
		b.close()
		words := b.app.Say.T("searching %d keys", total)
		b.bar, b.total = console.NewBar(b.app.Err, int64(total), func() string { return " " + words }), total
	}
	b.bar.At(int64(done))
}

func (b *searchBar) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.close()
}

func (b *searchBar) close() {
	if b.bar != nil {
		b.bar.Close()
		b.bar = nil
	}
}
