package audit

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"poskey/internal/chained"
)

// FuzzMalleability: a line that is accepted is the only way to write its record.
func FuzzMalleability(f *testing.F) {
	raw, _ := small(f)
	for _, line := range splitLines(raw) {
		f.Add([]byte(strings.TrimSuffix(line, "\n")), true)
	}
	f.Add([]byte(`{"seq":1}`), false)
	f.Fuzz(func(t *testing.T, line []byte, seal bool) {
		if seal && len(line) >= chained.SealLength { // let changes through to the parser
			line = []byte(strings.TrimSuffix(reseal(string(line)), "\n"))
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

// FuzzVerify: no bytes make Verify panic, and none but the signed ones are accepted as the signed log.
func FuzzVerify(f *testing.F) {
	raw, e := evidence(f)
	lines := splitLines(raw)
	f.Add(raw)
	f.Add([]byte(strings.Join(lines[:7], "")))
	f.Add([]byte(rechain(strings.Replace(string(raw), "ZMK-3", "ZMK-9", 1))))
	f.Add([]byte(strings.Join(append(lines[3:], lines[:3]...), "")))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, log []byte) {
		rep, err := Verify(readerOf(log), e)
		if err == nil && !bytes.HasPrefix(log, raw) {
			t.Errorf("accepted:\n%s", log)
		}
		checkTrust(t, "fuzzed", log, raw, rep)
		_ = rep.Trust().String()
		if _, err := Verify(readerOf(log), Expect{}); err == nil {
			if err := independent(log); err != nil {
				t.Errorf("accepted, and the independent verifier says: %v\n%s", err, log)
			}
		}
		for r, err := range Query(readerOf(log), Filter{}) {
			if err == nil && r.check() != nil {
				t.Errorf("a record that is not valid: %+v", r)
			}
		}
	})
}

// FuzzCheckpoint: a signed note that is read is written in the only way there is.
func FuzzCheckpoint(f *testing.F) {
	raw, _ := evidence(f)
	f.Add(signAll(f, raw, "alice"))
	f.Add([]byte("poskey/audit/v1/test/S\n1\n\n\n— x AAAAAAA=\n"))
	f.Fuzz(func(t *testing.T, signed []byte) {
		c, err := ReadCheckpoint(signed)
		if err != nil {
			if c != (Checkpoint{}) {
				t.Errorf("an error and a checkpoint: %+v", c)
			}
			return
		}
		if !bytes.HasPrefix(signed, []byte(c.Text()+"\n")) {
			t.Errorf("read %q\nwrote %q", signed, c.Text())
		}
	})
}
