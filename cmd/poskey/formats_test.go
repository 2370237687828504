package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"poskey/internal/testvec"
)

// TestEveryDocumentOfACommandIsInTheFormats: docs/formats.md names the document of every command.
func TestEveryDocumentOfACommandIsInTheFormats(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(testvec.Root(t), "docs", "formats.md"))
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for line := range strings.Lines(string(page)) {
		if !strings.HasPrefix(line, "| poskey.") {
			continue
		}
		first := ""
		for _, name := range regexp.MustCompile(`(poskey)?[.a-z]*\.[a-z]+/v1`).FindAllString(line, -1) {
			if strings.HasPrefix(name, ".") { // the same with another last word
				name = first[:strings.LastIndex(first, ".")] + name
			} else {
				first = strings.TrimSuffix(name, "/v1")
			}
			listed[strings.TrimSuffix(name, "/v1")] = true
		}
	}
	silent := map[string]bool{"help": true, "completion": true} // what they write is no document
	for words := range commandsOf(t) {
		if name := "poskey." + strings.ReplaceAll(words, " ", "."); !silent[words] && !listed[name] {
			t.Errorf("docs/formats.md does not have %s/v1", name)
		}
	}
}
