//go:build unix

package cli

import (
	"fmt"
	"testing"
	"time"

	"github.com/creack/pty"

	"poskey/internal/i18n"
	"poskey/internal/render"
	"poskey/pkg/fleet"
	"poskey/pkg/keys"
)

// TestTheBarOfARunSaysWhatIsDoneByNow: it is drawn by another goroutine while devices go on.
func TestTheBarOfARunSaysWhatIsDoneByNow(t *testing.T) {
	show, terminal, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = show.Close() }()
	if err := pty.Setsize(terminal, &pty.Winsize{Rows: 24, Cols: 120}); err != nil {
		t.Fatal(err)
	}
	screen := watch(show)
	say := i18n.New(i18n.English)
	a := &App{Env: keys.Env{Now: time.Now}, Err: terminal, Getenv: func(string) string { return "" }, Say: say,
		render: &render.Renderer{Err: terminal, Say: say}}
	tell := a.fleetProgress()
	const devices = 300
	for n := range devices { // as long as it takes until a bar is drawn, and some frames more
		tell.event(fleet.Event{Counts: fleet.Counts{Listed: devices, Confirmed: n, Left: devices - n}, Rate: 1.5, ETA: time.Minute})
		time.Sleep(3 * time.Millisecond)
	}
	screen.waitFor(t, fmt.Sprintf("%d of %d devices, 1.5/s  1m0s", devices-1, devices))
	tell.close()
	_ = terminal.Close()
	<-screen.ended
	if left := screen.left(); left != "" {
		t.Errorf("the terminal is left with %q", left)
	}
}
