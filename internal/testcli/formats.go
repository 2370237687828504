package testcli

// The documents that commands write, held against the page that lists their fields.

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"poskey/internal/testvec"
)

// Formats are the fields of each document by its schema, as docs/formats.md has them: poskey.kcv.check and so on.
type Formats map[string]map[string]bool

var (
	schemaName = regexp.MustCompile(`(poskey)?[.a-z]*\.[a-z]+/v1`)
	fieldName  = regexp.MustCompile(`[a-z][a-z0-9_]*`)
	reference  = regexp.MustCompile(`\bas (?:poskey\.)?([a-z-]+(?:\.[a-z-]+)*)`)
)

// ReadFormats reads the table. A row that says "as X" has the fields of X too, and "the same" those of the row above.
func ReadFormats(t testing.TB) Formats {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(testvec.Root(t), "docs", "formats.md"))
	if err != nil {
		t.Fatal(err)
	}
	all := Formats{"poskey.key": words(paragraph(string(raw), "A key of the store is "))}
	var above map[string]bool
	type row struct {
		fields map[string]bool
		text   string
	}
	var rows []row
	for line := range strings.Lines(string(raw)) {
		if !strings.HasPrefix(line, "| poskey.") {
			continue
		}
		names, text, _ := strings.Cut(line[2:], "|")
		fields := words(text)
		if strings.HasPrefix(strings.TrimSpace(text), "the same") {
			merge(fields, above)
		}
		above = fields
		for _, name := range schemas(names) {
			all[name] = fields
		}
		rows = append(rows, row{fields, text})
	}
	for range 2 { // what a row refers to may refer to another one
		for _, r := range rows {
			for _, m := range reference.FindAllStringSubmatch(r.text, -1) {
				merge(r.fields, all["poskey."+m[1]])
			}
		}
	}
	return all
}

// schemas takes the names of a row apart: ".translate/v1" is the one before it with another last word.
func schemas(cell string) []string {
	first, all := "", []string(nil)
	for _, name := range schemaName.FindAllString(cell, -1) {
		name = strings.TrimSuffix(name, "/v1")
		if strings.HasPrefix(name, ".") {
			name = first[:strings.LastIndex(first, ".")] + name
		} else {
			first = name
		}
		all = append(all, name)
	}
	return all
}

func words(text string) map[string]bool {
	all := map[string]bool{}
	for _, word := range fieldName.FindAllString(text, -1) {
		all[word] = true
	}
	return all
}

func merge(into, from map[string]bool) {
	for word := range from {
		into[word] = true
	}
}

// paragraph is the one that begins so.
func paragraph(page, begin string) string {
	_, rest, _ := strings.Cut(page, "\n"+begin)
	text, _, _ := strings.Cut(rest, "\n\n")
	return text
}

// Unlisted gives a sentence for every document in what a command has written that the page does not have, and for every field.
func (f Formats) Unlisted(written []byte) []string {
	var found []string
	for line := range bytes.Lines(written) {
		if !bytes.HasPrefix(line, []byte(`{"schema":"poskey.`)) {
			continue
		}
		var doc map[string]json.RawMessage
		if json.Unmarshal(line, &doc) != nil {
			continue
		}
		var schema string
		_ = json.Unmarshal(doc["schema"], &schema)
		name, isFirst := strings.CutSuffix(schema, "/v1")
		fields, listed := f[name]
		if !isFirst || !listed {
			found = append(found, fmt.Sprintf("docs/formats.md has no %s", schema))
			continue
		}
		for field := range doc {
			if field != "schema" && !fields[field] {
				found = append(found, fmt.Sprintf("docs/formats.md does not have the field %s of %s", field, schema))
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}
