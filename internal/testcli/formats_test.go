package testcli

import (
	"slices"
	"testing"
)

// TestFieldsThatThePageDoesNotHaveAreFound, inside of objects and lists too. What a page says of names that are data is believed.
func TestFieldsThatThePageDoesNotHaveAreFound(t *testing.T) {
	f := ReadFormats(t)
	for _, c := range []struct {
		name, line string
		want       []string
	}{
		{"as listed", `{"schema":"poskey.kcv.compute/v1","algorithm":"aes-128","values":[{"method":"cmac","kcv":"00"}]}`, nil},
		{"on top", `{"schema":"poskey.kcv.compute/v1","colour":"red"}`,
			[]string{"docs/formats.md does not have the field colour of poskey.kcv.compute/v1"}},
		{"inside", `{"schema":"poskey.kcv.compute/v1","values":[{"method":"cmac"},{"colour":"red"}]}`,
			[]string{"docs/formats.md does not have the field colour of poskey.kcv.compute/v1"}},
		{"by reference", `{"schema":"poskey.key.list/v1","keys":[{"label":"ZMK-1","exportability":"N","colour":"red"}]}`,
			[]string{"docs/formats.md does not have the field colour of poskey.key.list/v1"}},
		{"names that are data", `{"schema":"poskey.store.backup/v1","rows":{"a_table":3}}`, nil},
		{"a document that is not there", `{"schema":"poskey.colours/v1"}`, []string{"docs/formats.md has no poskey.colours/v1"}},
		{"another version", `{"schema":"poskey.kcv.compute/v2"}`, []string{"docs/formats.md has no poskey.kcv.compute/v2"}},
		{"text", "no document", nil},
	} {
		if got := f.Unlisted([]byte(c.line + "\n")); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
