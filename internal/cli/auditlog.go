package cli

// The audit log as the commands on it find, read and filter it. Readers take no lock and write nothing: they work beside
// an agent that holds the log open, and in a folder that may only be read.

import (
	"context"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
)

func (a *App) logFlag(cmd *cobra.Command, into *string) {
	cmd.Flags().StringVar(into, "log", "", a.Say.T("the log's file; the store's own when left out"))
}

// openedLog is a log as it was when it was opened: what is written meanwhile is not seen.
type openedLog struct {
	file *os.File
	size int64
}

// openLog opens a log for reading. A last line that is being written right now is waited for, a little.
func openLog(ctx context.Context, path string) (*openedLog, error) {
	f, err := source.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	l := &openedLog{file: f}
	for range 10 {
		info, err := f.Stat()
		if err != nil || !info.Mode().IsRegular() {
			_ = f.Close()
			return nil, fault.New(fault.Usage, "%s is no file that a log can be in", text.Redact(path))
		}
		if l.size = info.Size(); l.whole() {
			break
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
	return l, nil
}

// whole reports whether the log ends with the end of a line.
func (l *openedLog) whole() bool {
	last := make([]byte, 1)
	_, err := l.file.ReadAt(last, l.size-1)
	return err == nil && last[0] == '\n'
}

// read reads the log from its beginning.
func (l *openedLog) read(ctx context.Context) io.Reader {
	return source.Stream(ctx, io.NewSectionReader(l.file, 0, l.size))
}

func (l *openedLog) close() { _ = l.file.Close() } // it was read

// filterOpts are the flags that choose records.
type filterOpts struct{ from, until, operation, label, actor, result string }

func (o *filterOpts) add(a *App, cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.from, "from", "", a.Say.T("records from this time on: 2026-03-01, 2026-03-01T08:00:00Z, or 7d for the last seven days"))
	f.StringVar(&o.until, "until", "", a.Say.T("records before this time, written in the same way"))
	f.StringVar(&o.operation, "operation", "", a.Say.T("this operation, such as key.generate; key for all operations on keys"))
	f.StringVar(&o.label, "label", "", a.Say.T("the key, device or officer with this label"))
	f.StringVar(&o.actor, "actor", "", a.Say.T("who acted or took part, by id"))
	f.StringVar(&o.result, "result", "", a.Say.T("ok, refused, failed or unknown"))
}

func (o *filterOpts) filter(now time.Time) (audit.Filter, error) {
	f := audit.Filter{Operation: audit.Operation(o.operation), Label: o.label, Actor: o.actor}
	if f.Operation != "" && !strings.Contains(o.operation, ".") {
		f.Operation += "."
	}
	var err error
	if f.From, err = parseMoment(o.from, now); err != nil {
		return audit.Filter{}, fault.Wrap(err, "--from")
	}
	if f.Until, err = parseMoment(o.until, now); err != nil {
		return audit.Filter{}, fault.Wrap(err, "--until")
	}
	switch r := audit.Result(strings.ToLower(o.result)); r {
	case "", audit.Done, audit.Refused, audit.Failed, audit.Unknown:
		f.Result = r
		return f, nil
	}
	return audit.Filter{}, fault.New(fault.Usage, "unknown result %q; known: ok refused failed unknown", text.Redact(o.result))
}

// sameEnvironment refuses officers of another environment than the log's.
func sameEnvironment(cards []custody.Card, id audit.Identity) error {
	for _, c := range cards {
		if string(c.Environment()) != string(id.Environment) {
			return fault.New(fault.NotPermitted, "%s is an officer of the environment %s, and the log is of %s",
				c.ID(), string(c.Environment()), string(id.Environment))
		}
	}
	return nil
}
