package testcli

// The documents that commands write, held against the page that lists their fields.

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"poskey/internal/testvec"
)

// Formats are the fields of each document by its schema, as docs/formats.md has them: poskey.kcv.check and so on. Fields of
// objects inside stand among those of the document: what lies where is for people to read.
type Formats map[string]row

// row is what a row of the page names.
type row struct {
	fields map[string]bool
	data   map[string]bool // fields of whose objects the page names no fields: names of tables, of states
	text   string
}

var (
	schemaName = regexp.MustCompile(`(poskey)?[.a-z]*\.[a-z-]+/v1`)
	fieldName  = regexp.MustCompile(`[a-z][a-z0-9_]*`)
	reference  = regexp.MustCompile(`\bas (?:poskey\.)?([a-z-]+(?:\.[a-z-]+)*)`)
	named      = regexp.MustCompile(`([a-z_]+)\??\{[a-z]+: `)                      // rows{table: number}: the names inside are data
	elsewhere  = regexp.MustCompile(`([a-z_]+)\[\] \([^()]*: see the comment of `) // fields that stand in a package's comment
)

// ReadFormats reads the table. A row that says "as X" has the fields of X too, and "the same" those of the row above.
func ReadFormats(t testing.TB) Formats {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(testvec.Root(t), "docs", "formats.md"))
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	common := newRow(paragraph(page, "`warnings` are "))
	all, above := Formats{"poskey.key": newRow(paragraph(page, "A key of the store is "))}, row{}
	for line := range strings.Lines(page) {
		if !strings.HasPrefix(line, "| poskey.") {
			continue
		}
		names, text, _ := strings.Cut(line[2:], "|")
		if strings.HasPrefix(strings.TrimSpace(text), "the same") {
			text = above.text + text
		}
		r := newRow(text)
		if r.fields["header"] || r.fields["warnings"] {
			r.merge(common)
		}
		above = r
		for _, name := range schemas(names) {
			all[name] = r
		}
	}
	for range 3 { // what a row refers to may refer to another one
		for _, r := range all {
			for _, m := range reference.FindAllStringSubmatch(r.text, -1) {
				r.merge(all["poskey."+m[1]])
			}
		}
	}
	return all
}

func newRow(text string) row {
	r := row{words(text), map[string]bool{}, text}
	for _, m := range slices.Concat(named.FindAllStringSubmatch(text, -1), elsewhere.FindAllStringSubmatch(text, -1)) {
		r.data[m[1]] = true
	}
	return r
}

// merge takes in what another row names.
func (r row) merge(other row) {
	maps.Copy(r.fields, other.fields)
	maps.Copy(r.data, other.data)
}

// without are the fields of a value, and of what is in it, that the row does not name.
func (r row) without(value any) []string {
	var missing []string
	switch v := value.(type) {
	case []any:
		for _, one := range v {
			missing = append(missing, r.without(one)...)
		}
	case map[string]any:
		for field, inside := range v {
			if !r.fields[field] {
				missing = append(missing, field)
			}
			if !r.data[field] {
				missing = append(missing, r.without(inside)...)
			}
		}
	}
	return missing
}

// Has tells whether the page has a document.
func (f Formats) Has(name string) bool {
	_, listed := f[name]
	return listed
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

// paragraph is the one that begins so.
func paragraph(page, begin string) string {
	_, rest, _ := strings.Cut(page, "\n"+begin)
	text, _, _ := strings.Cut(rest, "\n\n")
	return text
}

// Unlisted gives a sentence for every document in what a command has written that the page does not have, and for every field,
// those of objects inside too.
func (f Formats) Unlisted(written []byte) []string {
	var found []string
	for line := range bytes.Lines(written) {
		if !bytes.HasPrefix(line, []byte(`{"schema":"poskey.`)) {
			continue
		}
		var doc map[string]any
		if json.Unmarshal(line, &doc) != nil {
			continue
		}
		schema, _ := doc["schema"].(string)
		name, isFirst := strings.CutSuffix(schema, "/v1")
		r, listed := f[name]
		if !isFirst || !listed {
			found = append(found, fmt.Sprintf("docs/formats.md has no %s", schema))
			continue
		}
		delete(doc, "schema")
		for _, field := range r.without(doc) {
			found = append(found, fmt.Sprintf("docs/formats.md does not have the field %s of %s", field, schema))
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}
