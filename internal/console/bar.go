package console

import (
	"io"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// Bar is the line at the foot of a terminal that shows how far long work is. It is the only user of mpb.
type Bar struct {
	total int64
	all   *mpb.Progress
	one   *mpb.Bar
	shown *time.Timer
}

// barDelay keeps work that is soon done free of a bar that flashes.
const barDelay = 300 * time.Millisecond

// NewBar draws on a terminal, a few times a second, until Close: a bar, and behind it what words say at that moment. Of
// work whose total is not known (0) it shows the words alone. words is called from another goroutine.
func NewBar(terminal io.Writer, total int64, words func() string) *Bar {
	late := make(chan struct{})
	b := &Bar{
		total: total,
		all:   mpb.New(mpb.WithOutput(terminal), mpb.WithRenderDelay(late)),
		shown: time.AfterFunc(barDelay, func() { close(late) }),
	}
	style := mpb.BarFillerBuilder(mpb.NopStyle())
	if total > 0 {
		style = mpb.BarStyle().Lbound("[").Rbound("]")
	}
	said := decor.Any(func(decor.Statistics) string { return words() })
	b.one = b.all.New(total, style, mpb.BarRemoveOnComplete(), mpb.AppendDecorators(said))
	return b
}

// At says how much is done.
func (b *Bar) At(n int64) {
	if b.total > 0 {
		b.one.SetCurrent(min(n, b.total))
	}
}

// Close takes the line off the terminal.
func (b *Bar) Close() {
	b.shown.Stop()
	b.one.Abort(true)
	b.all.Wait()
}
