package chained

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
)

func TestWhatIsWrittenIsJSONAndReadAgain(t *testing.T) {
	when := time.Date(2026, 12, 1, 8, 0, 0, 1000, time.UTC)
	const tricky = `a "quoted" \ 词`
	line := AppendUint([]byte(`{"n":`), MaxNumber)
	line = AppendTime(line, `,"time":`, when)
	line = AppendCount(line, `,"zero":`, 0)
	line = AppendCount(line, `,"count":`, 7)
	line = AppendFilled(line, `,"empty":`, "")
	line = AppendFilled(line, `,"text":`, tricky)
	line = append(line, Opening(true, `,"list":[`)...)
	line = AppendText(line, "x")
	line = append(AppendText(append(line, Opening(false, "")...), "y"), ']')
	sum := Hash("domain", line)
	line = AppendSeal(line, sum)
	var parsed struct {
		N    uint64
		Text string
		List []string
		Hash string
	}
	if err := json.Unmarshal(line, &parsed); err != nil || parsed.Text != tricky || len(parsed.List) != 2 || parsed.N != MaxNumber {
		t.Fatalf("%v: %+v from %s", err, parsed, line)
	}
	body, carried, err := CutSeal(line)
	if err != nil || carried != sum || len(body)+SealLength != len(line) || Hash("domain", body) != sum {
		t.Errorf("the seal: %v", err)
	}
	if Hash("other", body) == sum || string(AppendHex(nil, sum)) != parsed.Hash {
		t.Error("the hash does not depend on its domain, or is written otherwise")
	}
	s := NewScanner(string(line))
	if s.Number(`{"n":`) != MaxNumber || !s.Time(`,"time":`).Equal(when) || s.Count(`,"zero":`) != 0 || s.Count(`,"count":`) != 7 ||
		s.Optional(`,"empty":`) != "" || s.Needed(`,"text":`) != tricky {
		t.Error("read otherwise")
	}
	s.Must(`,"list":[`)
	if s.Quoted() != "x" || !s.May(",") || s.Quoted() != "y" {
		t.Error("the list")
	}
	s.Must("]")
	s.Seal()
	if err := s.Err(); err != nil || s.Failed() {
		t.Error(err)
	}
}

func TestScannerKeepsTheFirstThingThatIsWrong(t *testing.T) {
	for line, read := range map[string]func(*Scanner){
		`{"a":1}`:           func(s *Scanner) { s.Number(`{"b":`) },
		`99999999999999999`: func(s *Scanner) { s.Digits() },
		`x`:                 func(s *Scanner) { s.Digits() },
		`"open`:             func(s *Scanner) { _ = s.Quoted() },
		`"a\n"`:             func(s *Scanner) { _ = s.Quoted() },
		`"a\`:               func(s *Scanner) { _ = s.Quoted() },
		`"2026-12-01"`:      func(s *Scanner) { s.Time("") },
		`"abc"`:             func(s *Scanner) { s.Hash() },
		`{}`:                func(s *Scanner) { s.Seal() },
	} {
		s := NewScanner(line)
		read(s)
		err := s.Err()
		if !s.Failed() || !fault.Is(err, fault.Malformed) {
			t.Errorf("%s: %v", line, err)
			continue
		}
		s.Must("something else")
		if s.Err().Error() != err.Error() || s.May("") || s.Quoted() != "" || s.Digits() != 0 || s.Hash() != (Sum{}) {
			t.Errorf("%s: it goes on after the error", line)
		}
	}
}

func TestSealIsOneForm(t *testing.T) {
	line := string(AppendSeal([]byte(`{"n":1`), Hash("d", nil)))
	for _, changed := range []string{"", line[:len(line)-1], line + " ", strings.ToLower(line), line[40:],
		strings.Replace(line, `"hash"`, `"Hash"`, 1)} {
		if _, _, err := CutSeal([]byte(changed)); !fault.Is(err, fault.Malformed) {
			t.Errorf("%q: %v", changed, err)
		}
	}
}

func TestTextThatChangesHowTheRestIsShownIsRefused(t *testing.T) {
	for _, s := range []string{"", "plain", "机房 2", "Ünïcode", `"\`} {
		if err := CheckText(s, 64); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, s := range []string{"a\nb", "\x7f", "\u0085", "\u200b", "\u202e", "\u2066", "\ufeff", "\ufffb", "\U000E0041", "\xff",
		strings.Repeat("x", 65)} {
		if err := CheckText(s, 64); err == nil {
			t.Errorf("%q: taken", s)
		}
	}
	for s, good := range map[string]bool{"a": true, "a-1": true, "": false, "A": false, "1a": false, "a.b": false, "-a": false,
		strings.Repeat("a", MaxWord+1): false} {
		if (CheckWord(s) == nil) != good {
			t.Errorf("word %q", s)
		}
	}
	if !IsWord("a.b", '.') || !IsAlnum('z') || IsAlnum('-') || !IsAnyOf('b', "abc") || IsAnyOf('d', "abc") {
		t.Error("letters")
	}
}

func TestSecondLockIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	open := func() *os.File {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		return f
	}
	first := open()
	lock, err := Lock(first, path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(open(), path); !errors.Is(err, ErrLocked) {
		t.Errorf("%v", err)
	}
	if lock != nil {
		err = lock.Close()
	}
	if err := errors.Join(err, first.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(open(), path); err != nil {
		t.Errorf("not let go: %v", err)
	}
	if err := SyncDir(filepath.Dir(path)); err != nil {
		t.Error(err)
	}
	if err := SyncDir(path + ".none"); KindOf(err) != fault.NotFound {
		t.Errorf("%v", err)
	}
}

type halfWriter struct{}

func (halfWriter) Write(p []byte) (int, error) { return len(p) / 2, nil }

func TestHalfAWriteIsAnError(t *testing.T) {
	if err := WriteAll(halfWriter{}, []byte("four")); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("%v", err)
	}
	var b bytes.Buffer
	if err := WriteAll(&b, []byte("four")); err != nil || b.String() != "four" {
		t.Errorf("%v", err)
	}
	if err := Alongside(io.EOF, nil); err != io.EOF {
		t.Errorf("%v", err)
	}
	if err := Alongside(io.EOF, io.ErrShortWrite); !errors.Is(err, io.EOF) || !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("%v", err)
	}
	for err, kind := range map[error]fault.Kind{os.ErrExist: fault.FileExists, os.ErrPermission: fault.NotPermitted,
		io.EOF: fault.Failure} {
		if KindOf(err) != kind {
			t.Errorf("%v is %s", err, KindOf(err))
		}
	}
	if CommonLength([]byte("abc"), []byte("abd")) != 2 || CommonLength(nil, []byte("x")) != 0 {
		t.Error("common length")
	}
}
