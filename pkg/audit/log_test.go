package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"poskey/internal/fault"
)

func TestLogIsContinuedWhereItEnded(t *testing.T) {
	l, path := newLog(t, 3)
	head := l.Head()
	closeLog(t, l)
	l = reopen(t, path)
	if got := l.Head(); got != head || got.Seq != 4 || l.Identity() != testID {
		t.Errorf("opened at %+v, closed at %+v", got, head)
	}
	if got := add(t, l, "NEXT"); got.Seq != 5 {
		t.Errorf("record %d", got.Seq)
	}
	all := records(t, read(t, path))
	if len(all) != 5 || all[4].Hash != l.Head().Hash || all[4].Prev != head.Hash || !all[4].Time.Equal(l.Head().Time) {
		t.Errorf("%d records, the last is %+v", len(all), all[len(all)-1])
	}
	fromLog, err := io.ReadAll(l.Reader())
	if err != nil || !bytes.Equal(fromLog, read(t, path)) {
		t.Errorf("the log reads itself otherwise: %v", err)
	}
	verified(t, fromLog, Expect{})
}

// witness counts what reaches the disk, in order.
type witness struct {
	Sink
	events *[]string
}

func (w witness) Write(p []byte) (int, error) {
	*w.events = append(*w.events, "write")
	return w.Sink.Write(p)
}

func (w witness) Sync() error {
	*w.events = append(*w.events, "sync")
	return w.Sink.Sync()
}

func TestRecordIsOnTheDiskBeforeTheReceipt(t *testing.T) {
	var events []string
	o := options(newClock())
	o.Sink = func(s Sink) Sink { return witness{s, &events} }
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l, err := Create(path, testID, o)
	if err != nil {
		t.Fatal(err)
	}
	defer closeLog(t, l)
	events = append(events, "created")
	add(t, l, "K")
	events = append(events, "appended")
	p := begin(t, l, "K")
	events = append(events, "begun")
	done(t, p)
	if got := strings.Join(events, " "); got != "write sync created write sync appended write sync begun write sync" {
		t.Errorf("%s", got)
	}
}

func TestSecondWriterIsBusy(t *testing.T) {
	l, path := newLog(t, 1)
	_, err := Open(path, testID, options(newClock()))
	wantKind(t, "a second Open", err, fault.Busy)
	_, err = Create(path, testID, options(newClock()))
	wantKind(t, "Create", err, fault.Busy)
	add(t, l, "STILL-OPEN")
	closeLog(t, l)
	reopen(t, path)
}

func TestClosedLogTakesNothing(t *testing.T) {
	l, path := newLog(t, 0)
	p := begin(t, l, "K")
	closeLog(t, l)
	if err := l.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
	if _, err := l.Append(generate("K"), OK()); err == nil {
		t.Error("a record after Close")
	}
	if _, err := p.Done(OK()); err == nil {
		t.Error("an outcome after Close")
	}
	if n := len(records(t, read(t, path))); n != 2 {
		t.Errorf("%d records", n)
	}
}

func TestClockThatGoesBackIsNoted(t *testing.T) {
	c := newClock()
	o := options(c)
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l, err := Create(path, testID, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []time.Duration{-time.Hour, 0, -1500 * time.Microsecond, 48 * time.Hour, -900 * time.Nanosecond} {
		c.t = c.t.Add(step - time.Second) // the clock adds the second again
		add(t, l, "K")
	}
	closeLog(t, l)
	c.t = time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)
	if l, err = Open(path, testID, o); err != nil {
		t.Fatal(err)
	}
	defer closeLog(t, l)
	add(t, l, "AFTER-A-DEAD-BATTERY")
	var back []time.Duration
	all := records(t, read(t, path))
	for i, r := range all {
		back = append(back, r.Back)
		if i > 0 && r.Time.Add(r.Back).Before(all[i-1].Time) {
			t.Errorf("record %d hides a step back", r.Seq)
		}
	}
	last := all[len(all)-2].Time.Sub(all[len(all)-1].Time)
	if got, want := fmt.Sprint(back), fmt.Sprint([]time.Duration{0, time.Hour, 0, 1500 * time.Microsecond, 0, time.Microsecond, last}); got != want {
		t.Errorf("noted %s, want %s", got, want)
	}
	rep := verified(t, read(t, path), Expect{Now: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)})
	kinds := map[WarningKind]int{}
	for _, w := range rep.Warnings {
		kinds[w.Kind]++
	}
	if kinds[ClockBack] != 4 || kinds[ClockAhead] != 2 || len(kinds) != 2 {
		t.Errorf("warnings %v", kinds)
	}
}

func TestReplacedFileIsNoticedBeforeTheNextRecord(t *testing.T) {
	for what, act := range map[string]func(t *testing.T, path string){
		"another file in its place": func(t *testing.T, path string) {
			raw := read(t, path)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			write(t, path+".new", raw) // a new inode, whatever the system does with the old one
			write(t, path, raw)
		},
		"an older copy moved over it": func(t *testing.T, path string) {
			write(t, path+".old", []byte(splitLines(read(t, path))[0]))
			if err := os.Rename(path+".old", path); err != nil {
				t.Fatal(err)
			}
		},
		"taken away": func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		},
		"cut": func(t *testing.T, path string) {
			if err := os.Truncate(path, 100); err != nil {
				t.Fatal(err)
			}
		},
		"added to": func(t *testing.T, path string) {
			f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = f.Close() }()
			if _, err := f.WriteString("x\n"); err != nil {
				t.Fatal(err)
			}
		},
	} {
		l, path := newLog(t, 2)
		act(t, path)
		_, err := l.Append(generate("K"), OK())
		if !fault.Is(err, fault.LogBroken) && !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", what, err)
		}
		if _, again := l.Append(generate("K"), OK()); again == nil || fault.KindOf(again) != fault.KindOf(err) {
			t.Errorf("%s: the next record: %v", what, again)
		}
	}
}

func TestLogOfAnotherStoreIsRefused(t *testing.T) {
	l, path := newLog(t, 1)
	closeLog(t, l)
	before := read(t, path)
	for _, id := range []Identity{{"STORE-2", Test}, {"STORE-1", Production}} {
		_, err := Open(path, id, options(newClock()))
		wantProblem(t, id.words(), err, WrongStore)
	}
	if l, err := Open(path, Identity{}, options(newClock())); err != nil || l.Identity() != testID {
		t.Errorf("any store: %v", err)
	} else {
		closeLog(t, l)
	}
	if !bytes.Equal(before, read(t, path)) {
		t.Error("the log was changed")
	}
}

func TestCreationRefusesWhatItCannotBe(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "audit.jsonl")
	for what, c := range map[string]struct {
		id   Identity
		o    Options
		kind fault.Kind
	}{
		"no store":          {Identity{"", Test}, options(newClock()), fault.Malformed},
		"a store with /":    {Identity{"a/b", Test}, options(newClock()), fault.Malformed},
		"a long store":      {Identity{strings.Repeat("x", 65), Test}, options(newClock()), fault.Malformed},
		"no environment":    {Identity{"S", ""}, options(newClock()), fault.Malformed},
		"a new environment": {Identity{"S", "staging"}, options(newClock()), fault.Malformed},
		"no clock":          {testID, Options{Who: agent}, fault.Bug},
		"nobody":            {testID, Options{Now: newClock().now}, fault.Malformed},
	} {
		l, err := Create(path, c.id, c.o)
		wantKind(t, what, err, c.kind)
		if l != nil {
			t.Errorf("%s: a log came out", what)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	_, err := Create(filepath.Join(dir, "nowhere", "audit.jsonl"), testID, options(newClock()))
	wantKind(t, "a folder that is not there", err, fault.NotFound)
	_, err = Open(path, testID, options(newClock()))
	wantKind(t, "opening what is not there", err, fault.NotFound)
	_, err = Open(dir, testID, options(newClock()))
	if err == nil {
		t.Error("a folder was opened as a log")
	}
}

func TestFilesOfOthersAreNotOverwritten(t *testing.T) {
	for _, content := range []string{"hello", "hello\n", `{"seq":1,"time":"` + "\n", `{"seq":2`, strings.Repeat(`{"seq":1,"time":"`, 4000)} {
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		write(t, path, []byte(content))
		_, err := Create(path, testID, options(newClock()))
		wantKind(t, "Create", err, fault.FileExists)
		if string(read(t, path)) != content {
			t.Errorf("%.20q was changed", content)
		}
	}
	l, path := newLog(t, 1)
	closeLog(t, l)
	_, err := Create(path, testID, options(newClock()))
	wantKind(t, "a log that is there", err, fault.FileExists)
}

// TestInterruptedCreationIsDoneAgain cuts the first record at every byte.
func TestInterruptedCreationIsDoneAgain(t *testing.T) {
	l, path := newLog(t, 0)
	closeLog(t, l)
	first := read(t, path)
	for n := range len(first) {
		write(t, path, first[:n])
		_, err := Open(path, testID, options(newClock()))
		if wantKind(t, fmt.Sprint("opened after ", n, " bytes"), err, fault.Partial); t.Failed() {
			return
		}
		l, err := Create(path, testID, options(newClock()))
		if err != nil {
			t.Fatalf("created again after %d bytes: %v", n, err)
		}
		add(t, l, "K")
		closeLog(t, l)
		rep := verified(t, read(t, path), Expect{Identity: testID})
		if rep.Records != 2 || (len(rep.Warnings) == 1) != (n > 0) {
			t.Errorf("after %d bytes: %d records, warnings %v", n, rep.Records, rep.Warnings)
		}
	}
}

// TestTornLineIsRepairedWhereverItWasCut cuts the last record at every byte.
func TestTornLineIsRepairedWhereverItWasCut(t *testing.T) {
	l, path := newLog(t, 3)
	begin(t, l, "OPEN")
	whole := len(read(t, path))
	add(t, l, "CUT")
	closeLog(t, l)
	raw := read(t, path)
	for n := whole + 1; n < len(raw); n++ {
		write(t, path, raw[:n])
		if _, err := Verify(bytes.NewReader(raw[:n]), Expect{}); reasonOf(err) != TornEnd {
			t.Fatalf("cut at byte %d: %v", n, err)
		}
		l := reopen(t, path)
		closeLog(t, l)
		after := read(t, path)
		all := records(t, after)
		last := all[len(all)-1]
		torn := raw[whole:n]
		if len(all) != 6 || last.Operation != LogRecover || last.Torn != (Torn{uint64(len(torn)), DigestOf(torn)}) || last.Who != agent {
			t.Fatalf("cut at byte %d: %d records, the last is %+v", n, len(all), last)
		}
		if !bytes.Equal(after[:whole], raw[:whole]) {
			t.Fatalf("cut at byte %d: the records above were touched", n)
		}
		rep := verified(t, after, Expect{})
		if len(rep.Unfinished) != 1 || rep.Unfinished[0] != 5 {
			t.Fatalf("open intents: %v", rep.Unfinished)
		}
	}
}

func TestWholeLastLineIsNotTorn(t *testing.T) {
	l, path := newLog(t, 3)
	closeLog(t, l)
	before := read(t, path)
	closeLog(t, reopen(t, path))
	if !bytes.Equal(before, read(t, path)) {
		t.Error("opening changed the log")
	}
}

// TestZeroBytesAtTheEndAreTorn is a power failure on file systems that make the file longer before the content is there.
func TestZeroBytesAtTheEndAreTorn(t *testing.T) {
	l, path := newLog(t, 3)
	closeLog(t, l)
	raw := read(t, path)
	lost := []byte(splitLines(raw)[3])
	for what, tail := range map[string][]byte{
		"only zeros":          make([]byte, 4096),
		"a page of the line":  append(make([]byte, 100), lost[100:]...),
		"the end of the line": append(bytes.Clone(lost[:100]), make([]byte, 50)...),
	} {
		write(t, path, append(bytes.Clone(raw), tail...))
		closeLog(t, reopen(t, path))
		all := records(t, read(t, path))
		if last := all[len(all)-1]; len(all) != 5 || last.Torn != (Torn{uint64(len(tail)), DigestOf(tail)}) {
			t.Errorf("%s: %d records, %+v", what, len(all), last.Torn)
		}
		verified(t, read(t, path), Expect{})
	}
}

func TestChangedEndIsRefusedAndNotRepaired(t *testing.T) {
	l, path := newLog(t, 3)
	closeLog(t, l)
	raw := read(t, path)
	lines := splitLines(raw)
	for what, c := range map[string]struct {
		raw    string
		reason Reason
	}{
		"the last record changed":   {strings.Replace(string(raw), "ZMK-2", "ZMK-3", 1), Changed},
		"changed and resealed":      {lines[0] + lines[1] + reseal(strings.Replace(lines[2], "ZMK-1", "ZMK-9", 1)) + lines[3], NotChained},
		"the last record twice":     {string(raw) + lines[3], OutOfOrder},
		"one record taken out":      {lines[0] + lines[1] + lines[3], OutOfOrder},
		"two records swapped":       {lines[0] + lines[2] + lines[1] + lines[3], OutOfOrder},
		"an empty line at the end":  {string(raw) + "\n", NotARecord},
		"too much after the end":    {string(raw) + strings.Repeat("x", MaxLine+1), TooLong},
		"far too much":              {string(raw) + strings.Repeat("x", 5*MaxLine), TooLong},
		"a first record from below": {lines[1] + lines[1] + lines[2] + lines[3], OutOfOrder},
		"a first record changed":    {strings.Replace(string(raw), "STORE-1", "STORE-2", 1), Changed},
	} {
		write(t, path, []byte(c.raw))
		l, err := Open(path, testID, options(newClock()))
		wantProblem(t, what, err, c.reason)
		if l != nil || string(read(t, path)) != c.raw {
			t.Errorf("%s: the file was changed", what)
		}
	}
}

// failing is a disk that is full after some bytes, or whose fsync fails.
type failing struct {
	Sink
	left *int
	sync error
}

var errFull = errors.New("no space left on device")

func (f failing) Write(p []byte) (int, error) {
	n := min(len(p), *f.left)
	*f.left -= n
	if n < len(p) {
		_, _ = f.Sink.Write(p[:n])
		return n, errFull
	}
	return f.Sink.Write(p)
}

func (f failing) Sync() error { return errors.Join(f.sync, f.Sink.Sync()) }

func failAfter(n int) func(Sink) Sink {
	return func(s Sink) Sink { return failing{unsynced{s}, &n, nil} }
}

// TestFullDiskLosesNothingAcknowledged fails at every byte of a record, and again at every byte of the repair.
func TestFullDiskLosesNothingAcknowledged(t *testing.T) {
	l, path := newLog(t, 1)
	p := begin(t, l, "OPEN")
	closeLog(t, l)
	base := read(t, path)
	size := len(splitLines(base)[1])
	for n := 0; n < size; n += 7 {
		write(t, path, base)
		o := options(newClock())
		o.Sink = failAfter(n)
		l, err := Open(path, testID, o)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Append(generate("ZMK-0"), OK()); !errors.Is(err, errFull) {
			t.Fatalf("full after %d bytes: %v", n, err)
		}
		o.Sink = fast // there is room again, and the log does not know what it holds
		if _, err := l.Begin(generate("ZMK-0")); !errors.Is(err, errFull) {
			t.Fatalf("after a failure: %v", err)
		}
		closeLog(t, l)
		torn := read(t, path)
		if len(torn) != len(base)+n {
			t.Fatalf("%d bytes reached the disk", len(torn)-len(base))
		}
		for m := 0; m < 300; m += 37 {
			write(t, path, torn)
			o.Sink = failAfter(m)
			if l, err := Open(path, testID, o); err == nil {
				if n > 0 {
					t.Fatalf("a repair on a disk that is full after %d bytes", m)
				}
				closeLog(t, l)
			}
			l := reopen(t, path)
			if left := l.Unfinished(); len(left) != 1 || left[0].Begun.Hash != p.Begun.Hash {
				t.Fatalf("open intents: %v", left)
			}
			add(t, l, "NEXT")
			closeLog(t, l)
			after := read(t, path)
			verified(t, after, Expect{})
			if !bytes.HasPrefix(after, base) {
				t.Fatalf("full after %d, then %d bytes: an acknowledged record is gone", n, m)
			}
		}
	}
}

func TestFailedSyncIsNotAcknowledged(t *testing.T) {
	l, path := newLog(t, 1)
	closeLog(t, l)
	broken := errors.New("input/output error")
	o := options(newClock())
	o.Sink = func(s Sink) Sink { n := 1 << 20; return failing{s, &n, broken} }
	l, err := Open(path, testID, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(generate("K"), OK()); !errors.Is(err, broken) {
		t.Errorf("acknowledged: %v", err)
	}
	if _, err := l.Append(generate("K"), OK()); !errors.Is(err, broken) {
		t.Errorf("the next: %v", err)
	}
	closeLog(t, l)
	add(t, reopen(t, path), "NEXT") // what was written and not acknowledged may stand in the log; it stays whole
	verified(t, read(t, path), Expect{})
}

// short writes less than it was given and says nothing.
type short struct{ Sink }

func (s short) Write(p []byte) (int, error) { return s.Sink.Write(p[:len(p)/2]) }

func TestShortWriteIsAFailure(t *testing.T) {
	l, path := newLog(t, 1)
	closeLog(t, l)
	o := options(newClock())
	o.Sink = func(s Sink) Sink { return short{s} }
	l, err := Open(path, testID, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(generate("K"), OK()); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("%v", err)
	}
	closeLog(t, l)
	reopen(t, path)
	verified(t, read(t, path), Expect{})
}

func TestManyGoroutinesWriteOneChain(t *testing.T) {
	l, path := newLog(t, 0)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 25 {
				label := fmt.Sprintf("K-%d-%d", w, i)
				p, err := l.Begin(generate(label))
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := l.Append(generate(label), OK()); err != nil {
					t.Error(err)
				}
				_ = l.Head()
				if _, err := p.Done(OK()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	rep := verified(t, read(t, path), Expect{})
	if rep.Records != 1+8*25*3 || len(rep.Unfinished) != 0 {
		t.Errorf("%d records, open %v", rep.Records, rep.Unfinished)
	}
}

// TestLongLogOpensByItsEnd opens logs whose end lies far from their beginning, with intents open at all distances.
func TestLongLogOpensByItsEnd(t *testing.T) {
	l, path := newLog(t, 0)
	var open []*Pending
	for i := range 3000 {
		if i == 40 || i == 1500 || i == 2990 {
			open = append(open, begin(t, l, fmt.Sprint("OPEN-", i)))
		}
		add(t, l, fmt.Sprint("ZMK-", i))
	}
	for _, want := range []int{3, 2, 1, 0} {
		closeLog(t, l)
		l = reopen(t, path)
		left := l.Unfinished()
		if len(left) != want {
			t.Fatalf("%d intents are open, want %d", len(left), want)
		}
		for i, p := range left {
			if p.Begun.Hash != open[len(open)-want+i].Begun.Hash || p.Begun.Object != open[len(open)-want+i].Begun.Object {
				t.Errorf("intent %d came back as %+v", i, p.Begun)
			}
		}
		if want > 0 {
			done(t, left[0])
		}
	}
	verified(t, read(t, path), Expect{})
	raw := read(t, path)
	for i, r := range records(t, raw) {
		if i > 30 && i%97 != 0 {
			continue
		}
		at, err := seek(bytes.NewReader(raw), int64(len(raw)), r.Seq)
		if err != nil || !bytes.HasPrefix(raw[at:], r.Line()) {
			t.Fatalf("record %d is looked for at byte %d: %v", r.Seq, at, err)
		}
	}
}
