// Package cli is the command line: a tree of commands, one file each. A command turns flags into options, makes one call
// down, and hands the result to the renderer. Keys pass through here only as handles of the boundary (pkg/hsm); clear
// bytes are touched only on their way from a SRC into it and, when the user said --reveal, out of it.
package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"poskey/internal/console"
	"poskey/internal/fault"
	"poskey/internal/i18n"
	"poskey/internal/render"
	"poskey/internal/secret"
	"poskey/internal/source"
	"poskey/pkg/keys"
)

// Main runs poskey as a process: real streams, clock and randomness. It gives the exit code.
func Main(args []string) int {
	_ = secret.HardenProcess() // best effort: a refusal leaves what every other program has
	app := &App{
		Env:    keys.Env{Rand: rand.Reader, Now: time.Now},
		In:     os.Stdin,
		Out:    os.Stdout,
		Err:    os.Stderr,
		Getenv: os.Getenv,
	}
	ctx, stop := withSignals()
	defer stop()
	return app.Run(ctx, args)
}

// errInterrupted and errTerminated end a command; the cause of the context carries them.
func withSignals() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		for s := range signals {
			if s == syscall.SIGTERM {
				cancel(fault.New(fault.Terminated, "terminated"))
			} else {
				cancel(fault.New(fault.Interrupted, "interrupted"))
			}
		}
	}()
	return ctx, func() { signal.Stop(signals); cancel(nil) }
}

// Run runs one command line.
func (a *App) Run(ctx context.Context, args []string) (code int) {
	a.prepare(args)
	defer func() {
		if p := recover(); p != nil {
			code = a.bug(p)
		}
		a.close()
	}()
	a.In = source.Abortable(ctx, a.In)
	root := newRootCmd(a)
	if len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		addCompletions(root)
	}
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if cause := context.Cause(ctx); err != nil && cause != nil && (errors.Is(err, context.Canceled) || errors.Is(err, cause)) {
		err = cause
	}
	a.warnUnlocked()
	return a.fail(err)
}

// prepare settles what must be known before the tree is built: help speaks the user's language too.
func (a *App) prepare(args []string) {
	lang := i18n.FromEnv(a.Getenv)
	if v, ok := scanFlag(args, "--lang"); ok {
		if l, err := i18n.Parse(v); err == nil {
			lang = l
		}
	}
	format := render.Table
	if v, ok := scanFlag(args, "--output", "-o"); ok {
		if f, err := render.ParseFormat(v); err == nil {
			format = f
		}
	}
	a.Say = i18n.New(lang)
	a.render = &render.Renderer{Out: a.Out, Err: a.Err, Format: format, Say: a.Say}
	a.Console = &console.Console{}
	if f, ok := a.In.(*os.File); ok {
		a.Console.Stdin = f
	}
}

// scanFlag finds a flag's value before anything is parsed.
func scanFlag(args []string, names ...string) (string, bool) {
	for i, arg := range args {
		if arg == "--" {
			break
		}
		for _, name := range names {
			if v, ok := strings.CutPrefix(arg, name+"="); ok {
				return v, true
			}
			if arg == name && i+1 < len(args) {
				return args[i+1], true
			}
			if len(name) == 2 && strings.HasPrefix(arg, name) && len(arg) > 2 && arg[1] != '-' {
				return strings.TrimPrefix(arg[2:], "="), true
			}
		}
	}
	return "", false
}

// bug reports a panic without its value, which may hold anything: where it happened is enough to mend it.
func (a *App) bug(any) int {
	return a.fail(fault.New(fault.Bug, "internal error at %s; please report it with the command you ran, without keys", panicSite(string(debug.Stack()))))
}

// panicSite finds the file and line of the first frame of poskey's own under the panic.
func panicSite(stack string) string {
	_, after, _ := strings.Cut(stack, "panic(")
	for line := range strings.Lines(after) {
		line = strings.TrimSpace(line)
		if i := strings.Index(line, "poskey/"); i >= 0 && strings.Contains(line, ".go:") {
			place, _, _ := strings.Cut(line[i:], " ")
			return place
		}
	}
	for line := range strings.Lines(after) {
		if place := strings.TrimSpace(line); strings.Contains(place, ".go:") && !strings.Contains(place, "/runtime/") {
			place, _, _ = strings.Cut(place[strings.LastIndex(place, "/")+1:], " ")
			return place
		}
	}
	return "unknown place"
}
