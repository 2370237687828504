package script

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// FuzzParse: what is refused leaves nothing; what is taken is kept byte for byte, and nothing that follows panics.
func FuzzParse(f *testing.F) {
	for _, tm := range Templates() {
		for _, zh := range []bool{false, true} {
			raw, err := New(tm.Kind, Wish{Chinese: zh, Parts: 3})
			if err != nil {
				f.Fatal(err)
			}
			f.Add(raw)
		}
	}
	f.Add([]byte("schema: &a poskey.ceremony/v1\nkind: *a\n"))
	f.Add([]byte("--- {schema: poskey.ceremony/v1}\n...\n"))
	f.Add([]byte(small))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := Parse(raw)
		if err != nil {
			if s != nil {
				t.Errorf("a script beside the error %v", err)
			}
			return
		}
		if !bytes.Equal(s.Raw(), raw) {
			t.Error("the bytes are not those that were read")
		}
		if p, err := s.Program(); (p == nil) == (err == nil) {
			t.Errorf("program %v, error %v", p, err)
		}
		for _, finding := range s.Rules([]Past{{Person: "custodian.a", Label: "TEST-ZMK", Part: 2}}) {
			if finding.ID == "" || finding.Where == "" || finding.What.IsZero() || finding.Fix.IsZero() {
				t.Errorf("a finding that says nothing: %+v", finding)
			}
		}
	})
}

// A file that is made to be slow or deep is refused in no time: nobody looks at it before the program does.
func TestHostileFilesAreRefusedAtOnce(t *testing.T) {
	for name, unit := range map[string]string{"lists": "[", "mappings": "{a: ", "blocks": "- ", "keys": "? ", "aliases": "*a ", "comments": "#\n",
		"quotes": "'", "lines": "a:\n", "texts": "a: |\n x\n", "anchors": "&a ", "tags": "!a ", "documents": "---\n"} {
		start := time.Now()
		s, err := Parse([]byte(strings.Repeat(unit, MaxFile/len(unit))))
		if took := time.Since(start); s != nil || err == nil || took > 20*time.Second {
			t.Errorf("%s: %v after %s", name, err, took)
		} else {
			t.Log(name, took)
		}
	}
	var steps strings.Builder
	steps.WriteString(small[:strings.Index(small, "  - do: close")])
	for steps.Len() < MaxFile-100 {
		steps.WriteString("  - do: pause\n")
	}
	if s, err := Parse([]byte(steps.String())); s != nil || err == nil {
		t.Errorf("too many steps: %v", err)
	}
}
