// Package docs holds the documents to what they say: it has tests only. The shell blocks run, links lead somewhere, commands and
// flags exist, tables of exit codes and fields are those of the program, named tests and places are there, and what exists in two
// languages says the same.
package docs

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"poskey/internal/testcli"
	"poskey/internal/testvec"
)

// TestMain is also poskey itself.
func TestMain(m *testing.M) { testcli.Main(m) }

// page is one Markdown file.
type page struct {
	name   string // from the root, with slashes
	lines  []string
	blocks []block
	prose  []numbered // lines outside of blocks
}

// block is what stands between fences.
type block struct {
	info string
	line int // of the opening fence
	text string
}

// numbered is a line with its place.
type numbered struct {
	line int
	text string
}

// pages are all Markdown files that people read: those of the root and of docs.
func pages(t *testing.T) []page {
	t.Helper()
	root := testvec.Root(t)
	var files []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) < 150 {
		t.Fatalf("only %d pages were found", len(files))
	}
	var all []page
	for _, file := range files {
		name, err := filepath.Rel(root, file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, read(t, filepath.ToSlash(name)))
	}
	return all
}

// written are the pages that people write: not the reference, which is made, nor the playbooks, which the program reads.
func written(t *testing.T) []page {
	t.Helper()
	return slices.DeleteFunc(pages(t), func(p page) bool {
		return slices.Contains([]string{"docs/cli", "docs/playbooks"}, path.Dir(p.name))
	})
}

// read takes one page.
func read(t *testing.T, name string) page {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(testvec.Root(t), filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	p := page{name: name, lines: strings.Split(string(raw), "\n")}
	open, from := -1, 0
	for i, line := range p.lines {
		fence := strings.HasPrefix(strings.TrimSpace(line), "```")
		switch {
		case fence && open < 0:
			open, from = i, i+1
		case fence:
			text := strings.Join(p.lines[from:i], "\n") + "\n"
			p.blocks = append(p.blocks, block{strings.TrimPrefix(strings.TrimSpace(p.lines[open]), "```"), open + 1, text})
			open = -1
		case open < 0:
			p.prose = append(p.prose, numbered{i + 1, line})
		}
	}
	if open >= 0 {
		t.Fatalf("%s:%d: the block has no end", name, open+1)
	}
	return p
}

// table gives the rows of the tables below a heading, cell by cell, without the row of names and the ruler.
func (p page) table(heading string) [][]string {
	var rows [][]string
	inside, head := heading == "", true
	for _, l := range p.prose {
		switch {
		case strings.HasPrefix(l.text, "#"):
			inside = heading == "" || strings.TrimSpace(strings.TrimLeft(l.text, "#")) == heading
			head = true
		case !inside:
		case !strings.HasPrefix(l.text, "|"):
			head = true
		case regexp.MustCompile(`^\|[ :|-]+\|$`).MatchString(l.text):
			head = false
		case !head:
			rows = append(rows, cells(l.text))
		}
	}
	return rows
}

// cells cuts a row of a table; what stands between backticks stays whole.
func cells(row string) []string {
	row = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(row), "|"), "|")
	all, code := []string{""}, false
	for _, r := range row {
		if r == '`' {
			code = !code
		}
		if r == '|' && !code {
			all = append(all, "")
			continue
		}
		all[len(all)-1] += string(r)
	}
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}

// quoted are the pieces of a text between backticks.
func quoted(text string) []string {
	var all []string
	for i, piece := range strings.Split(text, "`") {
		if i%2 == 1 {
			all = append(all, piece)
		}
	}
	return all
}
