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
	env := keys.Env{Rand: rand.Reader, Now: time.Now}
	if len(args) == 1 && args[0] == agentWord {
		return runAgent(env, os.Stderr)
	}
	app := &App{
		Env:    env,
		In:     os.Stdin,
		Out:    os.Stdout,
		Err:    os.Stderr,
		Getenv: os.Getenv,
	}
	ctx, stop := withSignals()
	defer stop()
	return app.Run(ctx, args)
}

// withSignals gives a context whose cause says which signal ended the command. Ctrl-\ and a lost terminal end it too:
// left to the runtime they would leave a prompt without echo, and a dump of the stack.
func withSignals() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT, syscall.SIGHUP)
	go func() {
		for s := range signals {
			if s == os.Interrupt {
				cancel(fault.New(fault.Interrupted, "interrupted"))
			} else {
				cancel(fault.New(fault.Terminated, "terminated"))
			}
		}
	}()
	return ctx, func() { signal.Stop(signals); cancel(nil) }
}

// Run runs one command line.
func (a *App) Run(ctx context.Context, args []string) (code int) {
	args = foldMinus(args)
	a.args = args
	a.prepare(ctx, args)
	defer func() {
		if recover() != nil {
			code = a.fail(errBug())
		}
		a.close()
	}()
	a.In = source.Abortable(ctx, a.In)
	root := newRootCmd(a, firstWord(args))
	if len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		addCompletions(root)
	}
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	err = a.finish(ctx, astray(cmd, err))
	if cause := context.Cause(ctx); cause != nil && (errors.Is(err, context.Canceled) || errors.Is(err, cause)) &&
		!fault.Is(err, fault.OutcomeUnknown) { // that something may have been done matters more than who ended it
		err = cause
	}
	a.warnUnlocked()
	return a.fail(err)
}

// prepare settles what must be known before the tree is built: help speaks the user's language too.
func (a *App) prepare(ctx context.Context, args []string) {
	a.settings = defaultSettings()
	if path, ok := scanFlag(args, "--config"); ok {
		if s, err := readSettings(ctx, path); err != nil {
			a.settingsErr = err
		} else {
			a.settings = s
		}
	}
	lang := i18n.FromEnv(a.Getenv)
	if l, err := i18n.Parse(a.settings.Lang); err == nil {
		lang = l
	}
	if v, ok := scanFlag(args, "--lang"); ok {
		if l, err := i18n.Parse(v); err == nil {
			lang = l
		}
	}
	format := render.Format(a.settings.Output)
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

func firstWord(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
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

// errBug is a panic as an error, without its value, which may hold anything: where it happened is enough to mend it. It is
// called in the function that recovered, while the stack still shows the place.
func errBug() error {
	return fault.New(fault.Bug, "internal error in %s; please report it with the command you ran, without keys", panicSite(string(debug.Stack())))
}

// panicSite finds poskey's own function nearest to the panic, with its file and line. A stack names a function on one line
// and its place on the next.
func panicSite(stack string) string {
	_, after, _ := strings.Cut(stack, "panic(")
	function := ""
	for line := range strings.Lines(after) {
		line = strings.TrimSpace(line)
		if function != "" {
			place, _, _ := strings.Cut(line[strings.LastIndex(line, "/")+1:], " ")
			return function + " (" + place + ")"
		}
		if strings.HasPrefix(line, "poskey/") {
			function = line[:max(strings.LastIndex(line, "("), 0)]
		}
	}
	return "unknown place"
}
