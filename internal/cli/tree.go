package cli

import (
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"poskey/internal/console"
	"poskey/internal/i18n"
	"poskey/internal/render"
	"poskey/pkg/keys"
)

// Tree builds the English command tree with streams that go nowhere, for the reference, for names of commands, and
// for tests that walk it.
func Tree() *cobra.Command { return TreeIn(i18n.English) }

// TreeIn builds the same tree with its texts in a language, for manual pages.
func TreeIn(lang i18n.Lang) *cobra.Command {
	say := i18n.New(lang)
	a := &App{
		Env: keys.Env{Rand: strings.NewReader(""), Now: func() time.Time { return time.Time{} }},
		In:  strings.NewReader(""), Out: io.Discard, Err: io.Discard,
		Getenv:   func(string) string { return "" },
		Console:  &console.Console{NoInput: true},
		Say:      say,
		settings: defaultSettings(),
		render:   &render.Renderer{Out: io.Discard, Err: io.Discard, Say: say, Format: render.Table},
	}
	root := newRootCmd(a, "")
	root.InitDefaultHelpCmd()
	return root
}
