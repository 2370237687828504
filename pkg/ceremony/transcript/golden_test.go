package transcript

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"poskey/internal/chained"
)

const golden = "testdata/whole.jsonl"

func TestFormatDoesNotDrift(t *testing.T) {
	got := whole(t)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		must(t, os.MkdirAll("testdata", 0o755))
		store(t, golden, got)
	}
	want := load(t, filepath.FromSlash(golden))
	if len(want) == 0 {
		t.Fatal("the golden record is empty")
	}
	if at := chained.CommonLength(got, want); at < max(len(got), len(want)) {
		t.Errorf("written otherwise from byte %d on:\n%q\nwant\n%q", at, near(got, at), near(want, at))
	}
}

// near gives what stands around a byte.
func near(b []byte, at int) []byte { return b[max(0, at-60):min(len(b), at+80)] }

func TestRecordOfThisFormatVerifiesForEver(t *testing.T) {
	raw := load(t, filepath.FromSlash(golden))
	d := verified(t, raw)
	if d.State != Closed || d.Torn != 0 || d.Bytes != int64(len(raw)) || d.Lines != len(splitLines(raw)) {
		t.Errorf("state %s, %d torn, %d bytes, %d lines", d.State, d.Torn, d.Bytes, d.Lines)
	}
	if !slices.Equal(d.Signers, []string{"li.na", "chen"}) || !slices.Equal(d.Missing, []string{"wang.wei"}) {
		t.Errorf("signed by %v, missing %v", d.Signers, d.Missing)
	}
	if string(d.Head.Script) != testScript || d.Script != DigestOf([]byte(testScript)) || len(d.Cards) != 3 {
		t.Errorf("head %+v with %d cards", d.Head, len(d.Cards))
	}
	seen := map[Kind]bool{}
	for i, r := range d.Records {
		seen[r.Kind] = true
		if r.N != i+1 || string(r.Line())+"\n" != splitLines(raw)[i] {
			t.Errorf("line %d is written otherwise", i+1)
		}
	}
	for _, k := range Kinds() {
		if !seen[k] && k != KindAborted {
			t.Errorf("the golden record has no line of %s", k)
		}
	}
	var told []string
	for _, w := range d.Warnings {
		told = append(told, fmt.Sprint(w.Error))
	}
	all := strings.Join(told, "\n")
	for _, want := range []string{"line 16: the clock went back by 1m14s", "line 16: the ceremony was broken off"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not told:\n%s", want, all)
		}
	}
	if r := d.Records[15]; r.Details["torn"] != "18" ||
		r.Details["sha256"] != DigestOf([]byte(`{"n":16,"time":"20`)).String() {
		t.Errorf("the break left %v", r.Details)
	}
}

func TestScanGivesTheSameLinesOneByOne(t *testing.T) {
	raw := load(t, filepath.FromSlash(golden))
	var got []byte
	d, err := Scan(bytes.NewReader(raw), func(r Record) error {
		got = append(append(got, r.Line()...), '\n')
		return nil
	})
	must(t, err)
	if !bytes.Equal(got, raw) || len(d.Records) != 0 || d.State != Closed || len(d.Problems) != 0 {
		t.Errorf("%d bytes of %d, state %s", len(got), len(raw), d.State)
	}
}
