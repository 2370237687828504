package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"poskey/internal/console"
	"poskey/internal/fault"
	"poskey/internal/i18n"
	"poskey/internal/render"
	"poskey/internal/secret"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/hsm"
	"poskey/pkg/keys"
)

// App is one run of poskey with all it may touch of the world.
type App struct {
	Env      keys.Env
	In       io.Reader
	Out, Err io.Writer
	Getenv   func(string) string
	Console  *console.Console
	Say      *i18n.Printer

	args        []string // of the command line
	settings    settings
	settingsErr error // of the configuration file; reported when a command runs
	render      *render.Renderer
	flags       globalFlags
	boundary    hsm.Boundary
	holding     holding
	reader      *source.Reader
}

// globalFlags are those that every command has.
type globalFlags struct {
	output    string
	lang      string
	color     string
	hsmURI    string
	store     string
	approval  approverFlags
	noInput   bool
	quiet     bool
	verbose   bool
	allowArgv bool
}

// apply makes the global flags take effect; it runs before every command.
func (a *App) apply() error {
	if a.settingsErr != nil {
		return a.settingsErr
	}
	format, err := render.ParseFormat(a.flags.output)
	if err != nil {
		return err
	}
	if a.flags.lang != "" {
		if _, err := i18n.Parse(a.flags.lang); err != nil {
			return err
		}
	}
	a.render.Format = format
	a.render.Quiet = a.flags.quiet
	a.Console.NoInput = a.flags.noInput
	if a.render.Color, err = a.useColor(a.Out); err != nil {
		return err
	}
	a.render.ErrColor, _ = a.useColor(a.Err)
	a.render.Width = console.WidthOf(a.Out)
	return a.checkHSM()
}

func (a *App) useColor(stream io.Writer) (bool, error) {
	switch a.flags.color {
	case "always":
		return true, nil
	case "never":
		return false, nil
	case "auto":
		return console.IsTerminal(stream) && a.Getenv("NO_COLOR") == "" && a.Getenv("TERM") != "dumb", nil
	}
	return false, fault.New(fault.Usage, "--color %q: known: auto always never", text.Redact(a.flags.color))
}

// hsm gives the boundary, made when a command first needs it.
func (a *App) hsm(ctx context.Context) (hsm.Boundary, error) {
	if a.boundary == nil && a.holding.named {
		return a.storeBoundary(ctx)
	}
	if a.boundary == nil && a.onToken() {
		return nil, errTokenElsewhere()
	}
	if a.boundary == nil {
		b, err := hsm.NewSoft(a.Env)
		if err != nil {
			return nil, err
		}
		a.boundary = b
	}
	return a.boundary, nil
}

// sources gives the reader of SRC.
func (a *App) sources() *source.Reader {
	if a.reader == nil {
		a.reader = &source.Reader{Console: a.Console, Stdin: a.In, Getenv: a.Getenv, Say: a.Say,
			AllowArgv: a.flags.allowArgv || a.Getenv("POSKEY_ALLOW_ARGV_SECRETS") == "1"}
	}
	return a.reader
}

func (a *App) close() {
	a.Console.Close()
	if a.boundary != nil {
		_ = a.boundary.Close()
	}
	a.holding.close()
}

// warnUnlocked says once that secrets may be swapped out, when a secret was held and the system refused to lock memory.
func (a *App) warnUnlocked() {
	if err := secret.LockError(); err != nil {
		a.render.Warn(text.New("keys were held in memory that is not locked: %s; raise the limit for locked memory (ulimit -l)", err))
	}
}

// fail reports an error and gives the exit code. Under -o json the last line of stderr is the error as JSON.
func (a *App) fail(err error) int {
	if err == nil {
		return 0
	}
	err = translateFlagError(err)
	kind := fault.KindOf(err)
	if a.render.Format == render.JSON {
		a.failJSON(kind, err)
		return kind.Exit()
	}
	_, _ = fmt.Fprintf(a.Err, "poskey: %s\n", a.Say.Error(err))
	if hint := hintFor(err); !hint.IsZero() {
		_, _ = fmt.Fprintf(a.Err, "poskey: %s\n", a.Say.T("hint: %s", hint))
	}
	return kind.Exit()
}

// failJSON writes for programs: never translated.
func (a *App) failJSON(kind fault.Kind, err error) {
	line, merr := json.Marshal(struct {
		Schema    string `json:"schema"`
		Code      int    `json:"code"`
		Kind      string `json:"kind"`
		Message   string `json:"message"`
		Hint      string `json:"hint"`
		Retriable bool   `json:"retriable"`
	}{"poskey.error/v1", kind.Exit(), string(kind), err.Error(), hintFor(err).String(), kind.Retriable()})
	if merr != nil {
		line = []byte(`{"schema":"poskey.error/v1","code":1,"kind":"failure"}`)
	}
	_, _ = fmt.Fprintf(a.Err, "%s\n", line)
}

// confirm asks the user to type a word before something that cannot be taken back. --yes answers in scripts.
func (a *App) confirm(ctx context.Context, yes bool, question text.Text, word string) error {
	if yes {
		return nil
	}
	typed, err := a.Console.Line(ctx, a.Say.T("%s\nType %s to go on: ", question, word))
	if err != nil {
		return fault.Wrap(err, "confirmation is missing (--yes gives it in a script)")
	}
	if typed != word {
		return fault.New(fault.NotConfirmed, "not confirmed; nothing was done")
	}
	return nil
}

// cmdSpec is what every command must say of itself.
type cmdSpec struct {
	use     string
	short   text.Text
	long    text.Text
	example string // runnable lines, the same in every language
	exits   []int  // exit codes it can end with, besides 0, 1, 2, 70, 130 and 143
	args    cobra.PositionalArgs
	group   string
}

// command makes a cobra command with its EXIT STATUS section.
func (a *App) command(s cmdSpec) *cobra.Command {
	long := a.Say.Text(s.short)
	if !s.long.IsZero() {
		long = a.Say.T("%s.\n\n%s", s.short, s.long)
	}
	cmd := &cobra.Command{
		Use:     s.use,
		Short:   a.Say.Text(s.short),
		Long:    long + "\n\n" + a.exitStatus(s.exits),
		Example: s.example,
		Args:    s.args,
		GroupID: s.group,
	}
	return cmd
}

// exitStatus writes the section from the one table of exit codes.
func (a *App) exitStatus(codes []int) string {
	out := a.Say.T("EXIT STATUS")
	for _, row := range fault.ExitCodes() {
		if hasCode(row.Code, codes) {
			out += fmt.Sprintf("\n  %-4d %s", row.Code, a.Say.Text(row.Meaning))
		}
	}
	return out
}

func hasCode(code int, codes []int) bool {
	if code <= 2 || code >= 70 {
		return true
	}
	for _, c := range codes {
		if c == code {
			return true
		}
	}
	return false
}
