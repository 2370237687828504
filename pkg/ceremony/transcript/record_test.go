package transcript

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"poskey/internal/chained"
)

// mend gives a line the hash that it should have.
func mend(line string) string {
	body := []byte(line[:len(line)-chained.SealLength])
	return string(chained.AppendSeal(slices.Clone(body), chained.Hash(recordDomain, body)))
}

// TestThereIsOneWayToWriteALine changes the form and not the meaning, with a hash that fits.
func TestThereIsOneWayToWriteALine(t *testing.T) {
	l, path := newRecord(t)
	attend(t, l, testOfficer(t, "li.na"), "leader")
	put(t, l, Entry{Kind: KindChecked, Step: 1, Who: "li.na", People: []string{"chen"}, Key: "zmk", Part: 1,
		Check:    ecb("08D7B4"),
		Expected: ecb("08D7"), Verdict: Match, Details: map[string]string{"a": `q"`, "b": "词"}})
	lines := splitLines(load(t, path))
	for i, line := range lines {
		lines[i] = strings.TrimSuffix(line, "\n")
		if _, err := ParseRecord([]byte(lines[i])); err != nil || mend(lines[i]) != lines[i] {
			t.Fatalf("line %d: %v", i+1, err)
		}
	}
	tried := 0
	change := func(line int, old, fresh string) {
		t.Helper()
		tried++
		changed := strings.Replace(lines[line], old, fresh, 1)
		if changed == lines[line] {
			t.Fatalf("line %d has no %s", line+1, old)
		}
		if r, err := ParseRecord([]byte(mend(changed))); err == nil || !reflect.DeepEqual(r, Record{}) {
			t.Errorf("read %s for %s: %v", fresh, old, err)
		}
	}
	for _, c := range [][2]string{
		{`{"n":3`, `{"n": 3`}, {`{"n":3`, ` {"n":3`}, {`{"n":3`, `{"n":03`}, {`{"n":3`, `{"n":3.0`}, {`{"n":3`, `{"n":"3"`},
		{`{"n":3`, `{"n":0`}, {`{"n":3`, `{"n":99999999`}, {`{"n":3`, `{"N":3`}, {`{"n":3,`, `{"n":3,"x":1,`},
		{`,"kind"`, `,"back_us":0,"kind"`}, {`,"kind"`, `,"back_us":9007199254740991,"kind"`}, {`"kind":"checked"`,
			`"kind":"Checked"`},
		{`"kind":"checked"`, `"kind":"\u0063hecked"`}, {`"step":1`, `"step":0`}, {`"step":1,"who":"li.na"`,
			`"who":"li.na","step":1`},
		{`"who":"li.na"`, `"who":""`}, {`"who":"li.na"`, `"who":null`}, {`"people":["chen"]`, `"people":[]`},
		{`"people":["chen"]`, `"people":["chen",]`}, {`"people":["chen"]`, `"people":["chen","li.na"`}, {`08D7B4`, `08d7b4`},
		{`{"digits":"08D7B4","method":"ecb-zero"}`, `{"method":"ecb-zero","digits":"08D7B4"}`}, {`"08D7","method":"ecb-zero"`,
			`"08D7","method":""`},
		{`"verdict":"match"`, `"verdict":""`}, {`{"a":"q\"","b":"词"}`, `{"b":"词","a":"q\""}`}, {`{"a":"q\"","b":"词"}`,
			`{"a":"q\"","a":"q\"","b":"词"}`},
		{`,"details":{`, `,"details":{},"details":{`}, {`{"a":"q\"","b":"词"}`, `{}`}, {`q\"`, `q\u0022`}, {`词`, `\u8BCD`},
		{`词`, ``}, {`词`, `\/`},
		{`.000000Z`, `Z`}, {`.000000Z`, `.0000000Z`}, {`.000000Z`, `.000000+00:00`}, {`2026-12`, `2026-13`}, {`2026`, `1969`},
		{`2026`, `2200`},
		{`,"prev"`, `,"card":"","prev"`}, {`,"prev"`, `,"card":"AAAA","prev"`}, {`,"prev"`, `,"note":"AAAA","prev"`},
		{`,"prev"`, ` ,"prev"`},
		{`,"hash"`, `,"more":1,"hash"`},
	} {
		change(2, c[0], c[1])
	}
	for _, c := range [][2]string{{`"card":"`, `"card":" `}, {`"card":"`, `"card":"=`}, {`"card":"`, `"card":"\\`}} {
		change(1, c[0], c[1])
	}
	for _, c := range [][2]string{{`"head":{`, `"head":{"x":1,`}, {Format, "poskey.transcript/v2"}, {`"mode":"run"`,
		`"mode":"RUN"`},
		{`,"station":"desk-1"`, `,"station":""`}, {`"script":"`, `"script":"-_`}, {`"language":"en"`,
			`"language":"en","language":"en"`}} {
		change(0, c[0], c[1])
	}
	// the last characters of base64 have bits that say nothing
	at := strings.Index(lines[0], `","tool"`) - 1
	for lines[0][at] == '=' {
		at--
	}
	if lines[0][at+1] != '=' {
		t.Fatal("the script of the test needs padding")
	}
	change(0, lines[0][at:at+1]+"=", string(lines[0][at]+1)+"=")
	if tried < 50 {
		t.Errorf("only %d", tried)
	}
}

// TestWhatNobodySignsSaysNothingElse: lines that open, sign and close have no room for more.
func TestWhatNobodySignsSaysNothingElse(t *testing.T) {
	seen := 0
	for _, r := range read(t, short(t, testHead(), testOfficer(t, "li.na"))).Records {
		if r.Kind != KindOpen && r.Kind != KindSigned && r.Kind != KindNote {
			continue
		}
		seen++
		for _, add := range []func(*Entry){
			func(e *Entry) { e.Details = map[string]string{"text": "x"} },
			func(e *Entry) { e.People = []string{"chen"} },
			func(e *Entry) { e.Key = "zmk" },
			func(e *Entry) { e.Part = 1 },
			func(e *Entry) { e.Check = ecb("08D7B4") },
			func(e *Entry) { e.Verdict = Compared },
		} {
			more := r
			add(&more.Entry)
			if _, err := ParseRecord(seal(&more)); err == nil || !strings.Contains(err.Error(), "says more") {
				t.Errorf("%s: %v", r.Kind, err)
			}
		}
	}
	if seen != 3 {
		t.Errorf("%d lines", seen)
	}
}
