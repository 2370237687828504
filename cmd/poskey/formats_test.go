package main

import (
	"strings"
	"testing"

	"poskey/internal/testcli"
)

// TestEveryDocumentOfACommandIsInTheFormats: docs/formats.md names the document of every command. That it has every field is held
// by each script, on all documents that it sees.
func TestEveryDocumentOfACommandIsInTheFormats(t *testing.T) {
	listed := testcli.ReadFormats(t)
	silent := map[string]bool{"help": true, "completion": true, // what they write is no document
		"assess run": true} // another name of assess, with its document
	for words := range testcli.CommandsOf(t) {
		if name := "poskey." + strings.ReplaceAll(words, " ", "."); !silent[words] && !listed.Has(name) {
			t.Errorf("docs/formats.md does not have %s/v1", name)
		}
	}
}
