// Package playbook reads the pages of docs/playbooks: what to do about each cause of a failed key check, and about each
// of the situations that people meet.
//
// # A page
//
// ID.md is the English page and ID.zh.md the Chinese one: the same steps with the same commands, in each language's own
// words. UTF-8, lines that end with one line feed, no tabs, no blanks at a line's end, one empty line between blocks:
//
//	# Title
//
//	- id: kcv-length
//	- kind: cause
//
//	## What it means
//
//	Paragraphs.
//
//	## Technical causes
//
//	- One line for each.
//
//	## Checks
//
//	1. What to look at, and what the answer tells.
//	   ```sh
//	   poskey device status --device {device}
//	   ```
//
// The kind is cause or situation. The sections are, in this order and all of them with something in them: what it
// means (paragraphs); technical, operational and management causes (lists); checks, fix (steps, numbered from 1, nine at
// most); prevention (list); impact (a list whose lines begin with "Trade:", then with "Risk:"); stop and call, record
// (lists). The headings of both languages stand in headings.go. A line that is too long goes on in the next one, indented
// as Markdown wants it; a blank joins the two, but none between Chinese characters.
//
// In backquotes stand ids of pages and nothing else. A step has at most one command, in one fenced block of one line
// that begins with poskey. It is split into arguments here, and no shell sees it: words, 'single' and "double" quotes,
// and none of the characters that mean something to a shell. A placeholder ({device}) stands for what only the reader
// knows; its names are a closed list ([Placeholders]). Secrets are never on a page and never on a command line: {key} is
// the place where a key is (store:LABEL, file:PATH), not the key.
//
// # What it does not do
//
// It runs nothing, asks nobody, and does not know which commands there are: internal/cli holds the pages against its own
// commands. It does not render Markdown; words of a page are plain text.
package playbook

import (
	"cmp"
	"io/fs"
	"slices"
	"strings"

	"poskey/docs/playbooks"
	"poskey/internal/fault"
)

// Book is the pages in one language. A page is read when it is asked for.
type Book struct {
	pages fs.FS
	words headings
	end   string // of the files' names
}

// Open opens the book that is in the binary, in English ("en") or Chinese ("zh").
func Open(lang string) (*Book, error) { return open(playbooks.Pages, lang) }

func open(pages fs.FS, lang string) (*Book, error) {
	words, err := wordsOf(lang)
	if err != nil {
		return nil, err
	}
	end := ".md"
	if lang != English {
		end = "." + lang + ".md"
	}
	return &Book{pages: pages, words: words, end: end}, nil
}

// Page gives the page with this id; false when there is none.
func (b *Book) Page(id string) (Page, bool) {
	page, err := b.read(id)
	return page, err == nil
}

// Pages gives all pages: the situations first, then the causes, each by id.
func (b *Book) Pages() []Page {
	pages := []Page{}
	for _, id := range b.ids() {
		if page, ok := b.Page(id); ok {
			pages = append(pages, page)
		}
	}
	slices.SortFunc(pages, func(x, y Page) int {
		return cmp.Or(-cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.ID, y.ID)) // "situation" is after "cause"
	})
	return pages
}

func (b *Book) ids() []string {
	names, err := fs.Glob(b.pages, "*.md")
	if err != nil {
		return nil // not with this pattern
	}
	ids := []string{}
	for _, name := range names {
		if id := strings.TrimSuffix(name, b.end); id != name && isID(id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// read reads one page. A page whose file says another id than its name is none.
func (b *Book) read(id string) (Page, error) {
	if !isID(id) {
		return Page{}, fault.New(fault.NotFound, "there is no page %q", id)
	}
	raw, err := fs.ReadFile(b.pages, id+b.end)
	if err != nil {
		return Page{}, fault.New(fault.NotFound, "there is no page %q", id)
	}
	page, err := parse(b.words, string(raw))
	if err != nil {
		return Page{}, fault.Wrap(err, "page %s", id+b.end)
	}
	if page.ID != id {
		return Page{}, fault.New(fault.Malformed, "page %s says that it is %q", id+b.end, page.ID)
	}
	return page, nil
}

// isID reports whether this can be the id of a page: lower-case letters and digits, in words with hyphens between.
func isID(s string) bool {
	for word := range strings.SplitSeq(s, "-") {
		if word == "" || strings.Trim(word, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
			return false
		}
	}
	return true
}
