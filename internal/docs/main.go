// Command docs writes the command reference, one page a command, from the commands themselves.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"poskey/internal/cli"
)

func main() {
	if len(os.Args) != 2 {
		fail(fmt.Errorf("usage: docs FOLDER"))
	}
	pages := Pages(cli.Tree())
	old, err := filepath.Glob(filepath.Join(os.Args[1], "*.md"))
	if err != nil {
		fail(err)
	}
	for _, name := range old { // pages of commands that are no more
		if err := os.Remove(name); err != nil { //nolint:gosec // the caller names the folder
			fail(err)
		}
	}
	if err := os.MkdirAll(os.Args[1], 0o755); err != nil { //nolint:gosec // documentation is for everybody
		fail(err)
	}
	for name, page := range pages {
		if err := os.WriteFile(filepath.Join(os.Args[1], name), page, 0o644); err != nil { //nolint:gosec // the same
			fail(err)
		}
	}
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
