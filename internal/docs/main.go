// Command docs writes what is told of the commands, from the commands themselves: the reference in Markdown (docs
// FOLDER), or manual pages and completions as packages bring them (docs -manual FOLDER -version V -date D).
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"poskey/internal/cli"
)

func main() {
	manuals := flag.String("manual", "", "write manual pages and completions below this `folder`")
	version := flag.String("version", "devel", "the `version` that manual pages say")
	date := flag.String("date", "", "the `day` that manual pages say, as 2026-11-23")
	flag.Parse()
	var err error
	switch {
	case *manuals != "" && *date != "" && flag.NArg() == 0:
		err = writeManuals(*manuals, stamp{version: *version, date: *date})
	case *manuals == "" && flag.NArg() == 1:
		err = writeReference(flag.Arg(0))
	default:
		err = fmt.Errorf("usage: docs FOLDER | docs -manual FOLDER -version V -date D")
	}
	if err != nil {
		fail(err)
	}
}

func writeReference(folder string) error {
	old, err := filepath.Glob(filepath.Join(folder, "*.md"))
	if err != nil {
		return err
	}
	for _, name := range old { // pages of commands that are no more
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	return writeAll(folder, Pages(cli.Tree()))
}

func writeManuals(folder string, s stamp) error {
	if err := writeAll(filepath.Join(folder, "man"), Manuals(s)); err != nil {
		return err
	}
	scripts, err := Completions()
	if err != nil {
		return err
	}
	return writeAll(filepath.Join(folder, "completions"), scripts)
}

func writeAll(folder string, pages map[string][]byte) error {
	for name, page := range pages {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // documentation is for everybody
			return err
		}
		if err := os.WriteFile(path, page, 0o644); err != nil { //nolint:gosec // the same
			return err
		}
	}
	return nil
}

// Completions renders the completion scripts under the names that each shell looks for.
func Completions() (map[string][]byte, error) {
	scripts := map[string][]byte{}
	for shell, name := range map[string]string{
		"bash": "poskey.bash", "zsh": "_poskey", "fish": "poskey.fish", "powershell": "poskey.ps1",
	} {
		var out bytes.Buffer
		if err := cli.WriteCompletion(&out, cli.Tree(), shell); err != nil {
			return nil, err
		}
		scripts[name] = out.Bytes()
	}
	return scripts, nil
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "docs:", err) //nolint:forbidigo // a tool of the build
	os.Exit(1)
}

// Pages renders every command and help topic: file name to Markdown.
func Pages(root *cobra.Command) map[string][]byte {
	pages := map[string][]byte{}
	var index bytes.Buffer
	index.WriteString("# poskey: command reference\n\nMade by `make docs` from the commands; do not edit.\n\n")
	walk(root, func(cmd *cobra.Command) {
		name := fileName(cmd)
		pages[name] = page(cmd)
		fmt.Fprintf(&index, "- [%s](%s): %s\n", cmd.CommandPath(), name, cmd.Short)
	})
	pages["README.md"] = index.Bytes()
	return pages
}

func walk(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, c := range cmd.Commands() {
		walk(c, visit)
	}
}

func fileName(cmd *cobra.Command) string {
	return strings.ReplaceAll(cmd.CommandPath(), " ", "_") + ".md"
}

func page(cmd *cobra.Command) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, "# %s\n\n", cmd.CommandPath())
	long, exits, _ := strings.Cut(cmd.Long, "EXIT STATUS\n")
	if !cmd.Runnable() {
		fmt.Fprintf(&out, "```\n%s\n```\n", strings.TrimSpace(long))
		return out.Bytes()
	}
	fmt.Fprintf(&out, "%s\n\n```\n%s\n```\n", strings.TrimSpace(long), cmd.UseLine())
	section(&out, "Examples", cmd.Example)
	section(&out, "Flags", cmd.NonInheritedFlags().FlagUsages())
	section(&out, "Flags of every command", cmd.InheritedFlags().FlagUsages())
	section(&out, "Exit status", exits)
	for i, c := range cmd.Commands() {
		if i == 0 {
			out.WriteString("\n## Commands\n\n")
		}
		fmt.Fprintf(&out, "- [%s](%s): %s\n", c.CommandPath(), fileName(c), c.Short)
	}
	return out.Bytes()
}

func section(out *bytes.Buffer, title, body string) {
	if body = strings.Trim(body, "\n"); body != "" {
		fmt.Fprintf(out, "\n## %s\n\n```\n%s\n```\n", title, body)
	}
}
