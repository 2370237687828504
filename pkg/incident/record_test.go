package incident

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"poskey/internal/chained"
	"poskey/internal/fault"
)

const childMark = "POSKEY_INCIDENT_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(childMark); path != "" {
		os.Exit(appendForEver(path))
	}
	os.Exit(m.Run())
}

// at is a clock that goes on by a second with each look.
func at() Options {
	var mu sync.Mutex
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	return Options{Now: func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Second)
		return now
	}}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func opened(t testing.TB, dir string, o Options) string {
	t.Helper()
	d, err := Create(dir, Head{Kind: Tamper, Title: `housing "opened" at 机房`}, Entry{By: "officer a",
		Items: []Item{{ItemDevice, "PK00000001", "PP791"}}}, nil, o)
	must(t, err)
	path, err := Path(dir, d.Head.ID)
	must(t, err)
	return path
}

func note(words string) func(*Document) ([]Entry, error) {
	return func(*Document) ([]Entry, error) { return []Entry{Say("officer a", words)}, nil }
}

func TestEveryChangedByteIsFound(t *testing.T) {
	o := at()
	path := opened(t, t.TempDir(), o)
	for _, words := range []string{"one", "two", "three"} {
		_, err := Append(path, o, note(words))
		must(t, err)
	}
	raw, err := os.ReadFile(path)
	must(t, err)
	for i := range raw {
		changed := bytes.Clone(raw)
		changed[i] ^= 1
		if d, err := parse(changed); err == nil && d.Torn == 0 {
			t.Fatalf("byte %d was changed, and nobody saw it", i+1)
		}
	}
	lines := bytes.SplitAfter(raw, []byte("\n"))
	for name, file := range map[string][][]byte{"deleted": {lines[0], lines[2]}, "moved": {lines[0], lines[2], lines[1]}, "repeated": {lines[0], lines[1], lines[1]},
		"headless": {lines[1]}, "empty": nil} {
		if _, err := parse(bytes.Join(file, nil)); !fault.Is(err, fault.LogBroken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTornLineIsWrittenOver(t *testing.T) {
	for name, rest := range map[string]string{"half": `{"n":2,"time":"2026`, "longer than the next": strings.Repeat("x", 3000), "zeros": "{\x00\x00\n"} {
		o := at()
		path := opened(t, t.TempDir(), o)
		raw, err := os.ReadFile(path)
		must(t, err)
		must(t, os.WriteFile(path, append(raw, rest...), 0o600))
		d, err := Read(path)
		must(t, err)
		if d.Torn != len(rest) || len(d.Records) != 1 {
			t.Errorf("%s: %d torn", name, d.Torn)
		}
		_, err = Append(path, o, note("after the break"))
		must(t, err)
		d, err = Read(path)
		must(t, err)
		if d.Torn != 0 || d.Records[1].Details[detailTorn] != fmt.Sprint(len(rest)) || d.Records[1].Details[detailTornSum] != digestOf([]byte(rest)).String() {
			t.Errorf("%s: %+v", name, d.Records[1])
		}
	}
}

type failing struct {
	w     io.Writer
	after int
}

var errDisk = errors.New("the disk is full")

func (f *failing) Write(p []byte) (int, error) {
	n, err := f.w.Write(p[:min(len(p), f.after)])
	f.after -= n
	if err == nil && n < len(p) {
		err = errDisk
	}
	return n, err
}

// TestDiskThatFailsAtAnyByteLosesNothing: what stood stands, and the next line can be written.
func TestDiskThatFailsAtAnyByteLosesNothing(t *testing.T) {
	for after := 0; after < 200; after += 13 {
		o := at()
		dir := t.TempDir()
		path := opened(t, dir, o)
		bad := o
		bad.through = func(w io.Writer) io.Writer { return &failing{w, after} }
		if _, err := Append(path, bad, note("lost")); !errors.Is(err, errDisk) {
			t.Fatalf("after %d bytes: %v", after, err)
		}
		if _, err := Create(dir, Head{Kind: Tamper, Title: "x"}, Entry{By: "a"}, nil, bad); !errors.Is(err, errDisk) {
			t.Fatalf("after %d bytes: %v", after, err)
		}
		d, err := Append(path, o, note("kept"))
		must(t, err)
		all, err := List(dir, o.Now())
		must(t, err)
		if len(d.Records) != 2 || len(all) != 1 || all[0].Broken != nil {
			t.Errorf("after %d bytes: %d lines, %+v", after, len(d.Records), all)
		}
	}
	o := at()
	path := opened(t, t.TempDir(), o)
	o.sync = func(*os.File) error { return errDisk }
	if _, err := Append(path, o, note("x")); !errors.Is(err, errDisk) {
		t.Errorf("sync: %v", err)
	}
}

// TestTwoOpenOneNumberEach: whoever opens at the same time gets another number, or is told to wait.
func TestTwoOpenOneNumberEach(t *testing.T) {
	dir, o := t.TempDir(), at()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for {
				_, err := Create(dir, Head{Kind: LostBag, Title: fmt.Sprint("bag ", i)}, Entry{By: "a"}, nil, o)
				if err == nil {
					return
				}
				if !fault.Is(err, fault.Busy) {
					t.Error(err)
					return
				}
				time.Sleep(time.Millisecond)
			}
		})
	}
	wg.Wait()
	all, err := List(dir, o.Now())
	must(t, err)
	if len(all) != 8 || all[7].ID != "INC-2026-0008" {
		t.Errorf("%d: %+v", len(all), all)
	}
	o.Known = []string{"INC-2026-0041", "INC-2025-0099", "nonsense"}
	if d, err := Create(dir, Head{Kind: LostBag, Title: "x"}, Entry{By: "a"}, nil, o); err != nil || d.Head.ID != "INC-2026-0042" {
		t.Errorf("%v", err)
	}
}

// appendForEver is the process that gets killed. It says on its standard output what was acknowledged.
func appendForEver(path string) int {
	o := Options{Now: time.Now}
	for i := 0; ; i++ {
		d, err := Append(path, o, note(strings.Repeat("x", 1+i%700)))
		if err != nil {
			fmt.Println("error", err)
			return 1
		}
		r := d.Records[len(d.Records)-1]
		fmt.Println("ack", r.N, r.Hash)
	}
}

func TestKilledWriterLosesNothingAcknowledged(t *testing.T) {
	dir := t.TempDir()
	path := opened(t, dir, at())
	var said []string
	for i := range 6 {
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), childMark+"="+path, "GORACE=atexit_sleep_ms=0")
		var out bytes.Buffer
		c.Stdout = &out
		must(t, c.Start())
		time.Sleep(time.Duration(60+17*i) * time.Millisecond)
		must(t, c.Process.Kill())
		_ = c.Wait() // it was killed
		for line := range strings.Lines(out.String()) {
			if strings.HasPrefix(line, "error") {
				t.Fatal(line)
			}
			if strings.HasSuffix(line, "\n") {
				said = append(said, strings.TrimSpace(line))
			}
		}
	}
	d, err := Read(path)
	must(t, err)
	if len(said) < 6 {
		t.Fatalf("only %d lines were acknowledged: the test did not test", len(said))
	}
	there := map[string]bool{}
	for _, r := range d.Records {
		there[fmt.Sprint("ack ", r.N, " ", r.Hash)] = true
	}
	for _, line := range said {
		if !there[line] {
			t.Errorf("acknowledged and gone: %s", line)
		}
	}
}

func TestSecondWriterWaits(t *testing.T) {
	o := at()
	path := opened(t, t.TempDir(), o)
	_, err := Append(path, o, func(*Document) ([]Entry, error) {
		if _, err := Append(path, o, note("beside")); !fault.Is(err, fault.Busy) {
			t.Errorf("beside another one: %v", err)
		}
		return nil, nil
	})
	must(t, err)
}

func TestTextThatLooksLikeAKeyIsRefused(t *testing.T) {
	o := at()
	path := opened(t, t.TempDir(), o)
	for _, words := range []string{"0123456789ABCDEFFEDCBA9876543210", "it was 0123 4567 89AB CDEF", "ab:cd:ef:01:23:45:67:89"} {
		if _, err := Append(path, o, note(words)); !fault.Is(err, fault.NotPermitted) {
			t.Errorf("%q: %v", words, err)
		}
	}
	good := Entry{Kind: EntryBlast, By: "a", Items: []Item{{ItemNumbers, "KS-1", "2 numbers, KSN FFFF9876543210E00000 to KSN FFFF9876543210E00002"}}}
	_, err := Append(path, o, func(*Document) ([]Entry, error) { return []Entry{good}, nil })
	must(t, err)
}

func whole(t testing.TB) []byte {
	o := at()
	path := opened(t, t.TempDir(), o)
	_, err := Append(path, o, func(d *Document) ([]Entry, error) {
		lesson, err := Learn("b", "learned", "fix", 5)
		must(t, err)
		done, err := d.Do("batch", "b", ProofSaid, "")
		must(t, err)
		skip, err := d.Skip("vendor", "b", "replaced")
		must(t, err)
		return []Entry{lesson, done, skip,
			{Kind: EntryAct, By: "b", Details: map[string]string{DetailAct: "freeze", DetailObject: "KS", DetailResult: ResultDone}},
			{Kind: EntryEvidence, By: "b", Details: map[string]string{DetailFile: "f", DetailBytes: "1", DetailSHA256: strings.Repeat("AB", 32)}},
			{Kind: EntryClose, By: "a", Second: "b"}}, nil
	})
	must(t, err)
	raw, err := os.ReadFile(filepath.Clean(path))
	must(t, err)
	return raw
}

// FuzzMalleability: a line that is accepted is the only way to write its record.
func FuzzMalleability(f *testing.F) {
	for line := range bytes.Lines(whole(f)) {
		f.Add(bytes.TrimSuffix(line, []byte("\n")), true)
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
	})
}

// FuzzParse: no bytes make it panic, and what it takes is exactly what its records are.
func FuzzParse(f *testing.F) {
	raw := whole(f)
	f.Add(raw)
	f.Add(raw[:len(raw)-9])
	f.Fuzz(func(t *testing.T, file []byte) {
		d, err := Parse(bytes.NewReader(file))
		if err != nil {
			return
		}
		var again []byte
		for _, r := range d.Records {
			again = append(append(again, r.Line()...), '\n')
		}
		if !bytes.HasPrefix(file, again) || len(again)+d.Torn != len(file) {
			t.Errorf("read %q\nwrote %q", file, again)
		}
		d.Summary(time.Unix(0, 0))
	})
}
