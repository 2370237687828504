package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"strings"
	"testing"

	"poskey/internal/console"
	"poskey/internal/fault"
	"poskey/internal/i18n"
	"poskey/internal/render"
	"poskey/pkg/keys"
)

// TestABatchThatIsStoppedNeverEndsAsDone: lines that were read and not answered must not look answered, also when the
// whole input was read before the stop.
func TestABatchThatIsStoppedNeverEndsAsDone(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	var out bytes.Buffer
	say := i18n.New(i18n.English)
	a := &App{
		Env: keys.Env{Rand: rand.Reader}, In: strings.NewReader(strings.Repeat("{}\n", 3)), Out: &out, Err: &out,
		Getenv: func(string) string { return "" }, Console: &console.Console{NoInput: true}, Say: say,
		render: &render.Renderer{Out: &out, Err: &out, Say: say, Format: render.JSON},
	}
	defer a.close()
	err := a.runBatch(ctx, "-", "test", func() batchLine {
		return func(context.Context, []byte) (any, error) {
			cancel(fault.New(fault.Interrupted, "interrupted"))
			return struct{}{}, nil
		}
	})
	if !fault.Is(err, fault.Interrupted) {
		t.Errorf("the stopped batch ended with %v", err)
	}
	if out.Len() != 0 {
		t.Errorf("lines were answered after the stop: %s", out.String())
	}
}
