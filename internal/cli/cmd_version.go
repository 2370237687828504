package cli

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"poskey/internal/render"
	"poskey/internal/text"
)

func newVersionCmd(a *App) *cobra.Command {
	cmd := a.command(cmdSpec{
		use: "version", group: groupTool,
		short:   text.New("show the version and how it was built"),
		example: "  poskey version\n  poskey version -o json",
		args:    cobra.NoArgs,
	})
	cmd.RunE = func(*cobra.Command, []string) error { return runVersion(a) }
	return cmd
}

type versionDoc struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Time     string `json:"time,omitempty"`
	Modified bool   `json:"modified"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func runVersion(a *App) error {
	doc := buildVersion()
	return a.render.Answer("version", doc, func(p *render.Page) {
		p.Line(text.New("poskey %s (%s, %s)", doc.Version, doc.Go, doc.Platform))
		if doc.Commit != "" { // no table: this command is the yardstick of start-up
			p.Line(text.New("commit %s of %s", doc.Commit, doc.Time))
		}
	})
}

// buildVersion reads what the Go toolchain recorded; the time is the commit's, so that builds can be repeated.
func buildVersion() versionDoc {
	doc := versionDoc{Version: "devel", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return doc
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		doc.Version = v
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			doc.Commit = s.Value
		case "vcs.time":
			doc.Time = s.Value
		case "vcs.modified":
			doc.Modified = s.Value == "true"
		}
	}
	return doc
}
