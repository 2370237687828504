package cli

import (
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/hsm/pkcs11"
)

// upcoming is the release that is being worked towards: what is built from a commit without a tag comes before it. It is
// raised with the tag of a release; docs/release.md has the order of things.
const upcoming = "0.1.0"

func newVersionCmd(a *App) *cobra.Command {
	cmd := a.command(cmdSpec{
		use: "version", group: groupTool,
		short: text.New("show the version and how it was built"),
		long: text.New("A build of a tagged commit has the tag's version; any other is VERSION-dev.TIME, where VERSION is the release that comes\n" +
			"next and TIME the commit's. The time of the build is nowhere: the same commit gives the same bytes."),
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
	CGO      bool   `json:"cgo"`
	PKCS11   bool   `json:"pkcs11"`
}

func runVersion(a *App) error {
	doc := buildVersion()
	return a.render.Answer("version", doc, func(p *render.Page) {
		p.Line(text.New("poskey %s (%s, %s)", doc.Version, doc.Go, doc.Platform))
		if doc.Commit != "" { // no table: this command is the yardstick of start-up
			p.Line(text.New("commit %s of %s", doc.Commit, doc.Time))
		}
		if doc.PKCS11 {
			p.Line(text.New("with cgo and PKCS#11"))
		} else {
			p.Line(text.New("without PKCS#11"))
		}
	})
}

// buildVersion reads what the Go toolchain recorded; the time is the commit's, so that builds can be repeated.
func buildVersion() versionDoc {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	doc := versionOf(info)
	doc.Go, doc.Platform, doc.PKCS11 = runtime.Version(), runtime.GOOS+"/"+runtime.GOARCH, pkcs11.Available()
	return doc
}

func versionOf(info *debug.BuildInfo) versionDoc {
	var doc versionDoc
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			doc.Commit = s.Value
		case "vcs.time":
			doc.Time = s.Value
		case "vcs.modified":
			doc.Modified = s.Value == "true"
		case "CGO_ENABLED":
			doc.CGO = s.Value == "1"
		}
	}
	doc.Version = versionName(info.Main.Version, doc.Time, doc.Modified)
	return doc
}

// versionName gives what the toolchain calls the module the project's form: 1.2.3 for a tag. What Go makes up for a commit
// without one (v1.2.4-0.20261123032614-1f290202d08e) would call itself a version that nobody has decided on.
func versionName(module, time string, modified bool) string {
	module, _, dirty := strings.Cut(strings.TrimPrefix(module, "v"), "+dirty")
	name := upcoming + "-dev"
	switch {
	case module != "" && module != "(devel)" && !madeUp(module):
		name = module
	case time != "":
		name += "." + onlyDigits(time)
	}
	if modified || dirty {
		name += "+dirty"
	}
	return name
}

// madeUp tells a version that ends in the time and the name of a commit.
func madeUp(version string) bool {
	parts := strings.FieldsFunc(version, func(r rune) bool { return r == '-' || r == '.' })
	n := len(parts)
	return n >= 2 && len(parts[n-1]) == 12 && len(parts[n-2]) == 14 && onlyDigits(parts[n-2]) == parts[n-2]
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}
