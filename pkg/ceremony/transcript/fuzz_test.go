package transcript

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"poskey/internal/chained"
	"poskey/pkg/kcv"
)

// FuzzMalleability: a line that is accepted is the only way to write its record.
func FuzzMalleability(f *testing.F) {
	for _, line := range splitLines(whole(f)) {
		f.Add([]byte(strings.TrimSuffix(line, "\n")), true)
	}
	f.Add([]byte(`{"n":1}`), false)
	f.Fuzz(func(t *testing.T, line []byte, mend bool) {
		if mend && len(line) >= chained.SealLength { // let changes through to the parser
			body := line[:len(line)-chained.SealLength]
			line = chained.AppendSeal(bytes.Clone(body), chained.Hash(recordDomain, body))
		}
		r, err := ParseRecord(line)
		if err != nil {
			if !reflect.DeepEqual(r, Record{}) {
				t.Errorf("an error and a record: %+v", r)
			}
			return
		}
		if got := r.Line(); !bytes.Equal(got, line) {
			t.Errorf("read %q\nwrote %q", line, got)
		}
		if err := r.check(); err != nil {
			t.Errorf("accepted, and not valid: %v", err)
		}
	})
}

// FuzzRead: no bytes make Read panic, what it takes is exactly what its records are, and none but the people sign.
func FuzzRead(f *testing.F) {
	raw := short(f, testHead(), testOfficer(f, "li.na"))
	lines := splitLines(raw)
	f.Add(raw, false)
	f.Add([]byte(strings.Join(lines[:3], "")), true)
	f.Add([]byte(strings.Join(append(lines[2:], lines[:2]...), "")), true)
	ceremony := whole(f)
	f.Add(ceremony, true)
	f.Add([]byte{}, false)
	f.Fuzz(func(t *testing.T, file []byte, mend bool) {
		if mend {
			file = mended(file)
		}
		d, err := Read(bytes.NewReader(file))
		if err != nil {
			return
		}
		if len(d.Problems) > 0 {
			if len(d.Signers) > 0 {
				t.Errorf("it does not verify, and %v signed it", d.Signers)
			}
			return
		}
		var again []byte
		for _, r := range d.Records {
			again = append(append(again, r.Line()...), '\n')
		}
		if len(again)+d.Torn != len(file) || !bytes.HasPrefix(file, again) {
			t.Errorf("read %q\nwrote %q and %d bytes", file, again, d.Torn)
		}
		if err := independent(again); err != nil {
			t.Errorf("accepted, and the independent verifier says: %v\n%s", err, again)
		}
		if len(d.Signers) > 0 && !strings.HasPrefix(string(file), lines[0]) && !bytes.HasPrefix(file, ceremony) {
			t.Errorf("%v signed %q", d.Signers, file)
		}
	})
}

// FuzzWrite: whatever is taken is read again as it was said, and what is refused leaves no trace.
func FuzzWrite(f *testing.F) {
	f.Add("checked", 1, "li.na", "zmk", 1, "08D7B4", "ecb-zero", "match", "text", "hello")
	f.Add("bag", 0, "", "", 0, "", "", "", "serial", `1234567890123456 "\\`)
	f.Add("made", 9, "陈", "zmk", 2, "763CBCDE04AA", "cmac", "", "algorithm", "aes-256")
	f.Fuzz(func(t *testing.T, kind string, step int, who, key string, part int, digits, method, verdict, name,
		value string) {
		l, path := newRecord(t)
		e := Entry{Kind: Kind(kind), Step: step, Who: who, Key: key, Part: part, Verdict: Verdict(verdict),
			Check: kcv.Value{Digits: digits, Method: kcv.Method(method)}, Details: map[string]string{name: value}}
		e.Expected = e.Check
		r, err := l.Write(e)
		d := verified(t, load(t, path))
		if err != nil {
			if d.Lines != 1 || r.N != 0 {
				t.Errorf("refused, and there are %d lines", d.Lines)
			}
			put(t, l, Entry{Kind: KindSaid})
			return
		}
		if d.Lines != 2 || !reflect.DeepEqual(d.Records[1], r) || d.Torn != 0 {
			t.Errorf("wrote %+v\nread %+v", r, d.Records)
		}
	})
}

// mended gives the lines the hashes that they would have, so that changes get through to the rules.
func mended(file []byte) []byte {
	var out []byte
	prev := strings.Repeat("0", 64)
	const before = `,"prev":"`
	for _, line := range bytes.SplitAfter(file, []byte("\n")) {
		cut := len(line) - 1 - chained.SealLength
		if cut < len(before)+65 || line[len(line)-1] != '\n' {
			out = append(out, line...)
			continue
		}
		body := bytes.Clone(line[:cut])
		copy(body[len(body)-65:], prev)
		sum := chained.Hash(recordDomain, body)
		prev = string(chained.AppendHex(nil, sum))
		out = append(chained.AppendSeal(append(out, body...), sum), '\n')
	}
	return out
}
