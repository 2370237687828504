package transcript

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/custody"
	"poskey/pkg/kcv"
)

func step(n int) Entry { return Entry{Kind: KindDone, Step: n} }

func TestRecordIsNeverOverwritten(t *testing.T) {
	l, path := newRecord(t)
	before := load(t, path)
	_, err := Create(path, testHead(), fast(newClock()))
	mustFail(t, err, fault.FileExists, path)
	if string(load(t, path)) != string(before) {
		t.Error("the file was changed")
	}
	put(t, l, step(1))
	info, err := os.Stat(path)
	must(t, err)
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %o", info.Mode().Perm())
	}
	_, err = Create(filepath.Join(t.TempDir(), "no", "transcript.jsonl"), testHead(), fast(newClock()))
	mustFail(t, err, fault.NotFound)
}

func TestHeadThatCannotBeIsRefusedBeforeThereIsAFile(t *testing.T) {
	for what, edit := range map[string]func(*Head){
		"ceremony":    func(h *Head) { h.Ceremony = "../x" },
		"mode":        func(h *Head) { h.Mode = "practice" },
		"environment": func(h *Head) { h.Environment = "" },
		"script":      func(h *Head) { h.Script = nil },
		"too_large":   func(h *Head) { h.Script = make([]byte, MaxScript+1) },
		"tool":        func(h *Head) { h.Tool = "a\nb" },
		"station":     func(h *Head) { h.Station = strings.Repeat("x", 65) },
		"language":    func(h *Head) { h.Language = "EN" },
	} {
		path := filepath.Join(t.TempDir(), "transcript.jsonl")
		h := testHead()
		edit(&h)
		if _, err := Create(path, h, fast(newClock())); err == nil {
			t.Errorf("%s: taken", what)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s: the file is there", what)
		}
	}
	_, err := Create(filepath.Join(t.TempDir(), "t"), testHead(), Options{})
	mustFail(t, err, fault.Bug, "clock")
}

// TestLineIsOnTheDiskWhenWriteReturns looks at the file after each line, and at the order: written, then synced.
func TestLineIsOnTheDiskWhenWriteReturns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "transcript.jsonl")
	synced := int64(0)
	o := Options{Now: newClock().now, Sync: func(f *os.File) error {
		info, err := f.Stat()
		must(t, err)
		synced = info.Size()
		return f.Sync()
	}}
	l, err := Create(path, testHead(), o)
	must(t, err)
	for n := 1; n < 5; n++ {
		r := put(t, l, step(n))
		raw := load(t, path)
		if !strings.HasSuffix(string(raw), string(r.Line())+"\n") || synced != int64(len(raw)) || r.N != n+1 {
			t.Errorf("line %d is not on the disk: %d bytes synced of %d", r.N, synced, len(raw))
		}
		if got := l.Head(); got.Hash != r.Hash || got.N != r.N {
			t.Errorf("the head is line %d", got.N)
		}
	}
	must(t, l.Abandon())
	_, err = l.Write(step(9))
	mustFail(t, err, fault.Bug, "closed")
	if d := verified(t, load(t, path)); d.State != Open || d.Lines != 5 {
		t.Errorf("%s, %d lines", d.State, d.Lines)
	}
}

// failing writes part of what it gets and then says why not.
type failing struct {
	w    io.Writer
	left int
}

func (f *failing) Write(p []byte) (int, error) {
	n, err := f.w.Write(p[:min(len(p), f.left)])
	f.left -= n
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return n, err
}

func TestRecordThatCouldNotBeWrittenTakesNothingMore(t *testing.T) {
	for _, left := range []int{0, 1, 40, 1000} {
		l, path := newRecord(t)
		put(t, l, step(1))
		whole := load(t, path)
		l.options.through = func(w io.Writer) io.Writer { return &failing{w, left} }
		if left == 1000 { // written, and not known to be on the disk
			l.options.Sync = func(*os.File) error { return errors.New("input/output error") }
		}
		_, err := l.Write(step(2))
		mustFail(t, err, fault.Failure, "line 3 of the record was not written")
		l.options.through, l.options.Sync = func(w io.Writer) io.Writer { return w }, func(*os.File) error { return nil }
		for range 2 {
			_, err = l.Write(step(2))
			mustFail(t, err, fault.Failure, "takes nothing more")
		}
		if got := l.Head(); got.N != 2 {
			t.Errorf("the head is line %d", got.N)
		}
		must(t, l.Abandon())
		raw := load(t, path)
		if !strings.HasPrefix(string(raw), string(whole)) {
			t.Fatal("what stood before was changed")
		}
		again, doc := resumed(t, path, newClock())
		if left < 1000 && (doc.Torn != left || doc.Lines != 2) || left == 1000 && doc.Lines != 3 {
			t.Errorf("after %d bytes: %d torn, %d lines", left, doc.Torn, doc.Lines)
		}
		put(t, again, Entry{Kind: KindResumed})
		verified(t, load(t, path))
	}
}

func TestRecordThatCouldNotBeBegunLeavesNoFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "transcript.jsonl")
	o := fast(newClock())
	o.Sync = func(*os.File) error { return errors.New("input/output error") }
	_, err := Create(path, testHead(), o)
	mustFail(t, err, fault.Failure, "was not written")
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is there: %v", err)
	}
}

func TestFileThatSomebodyElseWroteToIsRefused(t *testing.T) {
	for what, touch := range map[string]func(path string, raw []byte){
		"grown":      func(path string, raw []byte) { store(t, path, append(raw, '\n')) },
		"cut":        func(path string, raw []byte) { store(t, path, raw[:len(raw)-1]) },
		"same size":  func(path string, raw []byte) { raw[20] ^= 1; store(t, path, raw) },
		"taken away": func(path string, _ []byte) { must(t, os.Remove(path)) },
		"replaced": func(path string, raw []byte) {
			store(t, path+".2", raw)
			must(t, os.Rename(path+".2", path))
		},
	} {
		l, path := newRecord(t)
		put(t, l, step(1))
		raw := load(t, path)
		touch(path, slices.Clone(raw))
		_, err := l.Write(step(2))
		if !fault.Is(err, fault.LogBroken) && !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", what, err)
		}
		if what != "taken away" {
			store(t, path, raw) // putting it back does not heal it
		}
		if _, err := l.Write(step(2)); err == nil {
			t.Errorf("%s: written after all", what)
		}
	}
}

func TestOneProcessHasTheRecord(t *testing.T) {
	l, path := newRecord(t)
	_, _, err := Resume(path, fast(newClock()))
	mustFail(t, err, fault.Busy, "another process")
	must(t, l.Abandon())
	resumed(t, path, newClock())
	_, _, err = Resume(path, fast(newClock()))
	mustFail(t, err, fault.Busy)
}

func TestResumedRecordGoesOnInTheSameChain(t *testing.T) {
	li := testOfficer(t, "li.na")
	l, path := newRecord(t)
	attend(t, l, li, "leader")
	put(t, l, Entry{Kind: KindEntered, Step: 1, Who: "li.na", Key: "zmk", Part: 1})
	must(t, l.Abandon())
	long := strings.Repeat("x", 3000)
	tear(t, path, long)
	torn := load(t, path)
	again, doc := resumed(t, path, newClock())
	if doc.Torn != 3000 || doc.TornHash != DigestOf([]byte(long)) || doc.State != Open || len(doc.Records) != 3 {
		t.Errorf("%d torn, state %s, %d lines", doc.Torn, doc.State, len(doc.Records))
	}
	if string(load(t, path)) != string(torn) {
		t.Error("looking at it changed it")
	}
	_, err := again.Write(step(1))
	mustFail(t, err, fault.NotPermitted, "the first line after a break")
	_, err = again.Sign(1, li)
	mustFail(t, err, fault.NotPermitted, "the first line after a break")
	if _, err = again.Statement(); err == nil {
		t.Error("closed before it went on")
	}
	r := put(t, again, Entry{Kind: KindResumed, Who: "li.na"})
	if r.Details["torn"] != "3000" || r.Details["sha256"] != DigestOf([]byte(long)).String() || r.Prev != doc.Last {
		t.Errorf("the line says %v", r.Details)
	}
	_, err = again.Write(Entry{Kind: KindResumed})
	mustFail(t, err, fault.NotPermitted)
	put(t, again, step(1))
	sign(t, again, 1, li) // attended before the break
	closeSigned(t, again, li)
	if d := verified(t, load(t, path)); d.State != Closed || d.Torn != 0 || len(d.Warnings) != 2 {
		t.Errorf("%s, %d torn, warnings %v", d.State, d.Torn, d.Warnings)
	}
}

func TestRecordThatIsOverIsNotResumed(t *testing.T) {
	li := testOfficer(t, "li.na")
	l, path := newRecord(t)
	attend(t, l, li, "leader")
	closeSigned(t, l, li)
	_, _, err := Resume(path, fast(newClock()))
	mustFail(t, err, fault.NotPermitted, "closed")
	l, path = newRecord(t)
	put(t, l, Entry{Kind: KindAborted, Details: map[string]string{"why": "the bag was open"}})
	must(t, l.Abandon())
	_, _, err = Resume(path, fast(newClock()))
	mustFail(t, err, fault.NotPermitted, "given up")
	l, path = newRecord(t)
	put(t, l, step(1))
	must(t, l.Abandon())
	raw := load(t, path)
	raw[30] ^= 1
	store(t, path, raw)
	_, _, err = Resume(path, fast(newClock()))
	mustFail(t, err, fault.LogBroken, "line 1")
	_, _, err = Resume(path+".none", fast(newClock()))
	mustFail(t, err, fault.NotFound)
	store(t, path, []byte(`{"n":1,"time"`))
	_, _, err = Resume(path, fast(newClock()))
	mustFail(t, err, fault.Partial, "begin it anew")
	store(t, path, nil)
	_, _, err = Resume(path, fast(newClock()))
	mustFail(t, err, fault.LogBroken, "no line")
}

func TestCeremonyGivenUpIsSignedToo(t *testing.T) {
	li := testOfficer(t, "li.na")
	l, path := newRecord(t)
	attend(t, l, li, "leader")
	put(t, l, Entry{Kind: KindAborted, Details: map[string]string{"why": "the bag was open"}})
	_, err := l.Write(Entry{Kind: KindMade, Key: "zmk"})
	mustFail(t, err, fault.NotPermitted, "given up")
	_, err = l.Write(Entry{Kind: KindAborted})
	mustFail(t, err, fault.NotPermitted, "given up")
	put(t, l, Entry{Kind: KindVoid, Key: "zmk", Part: 1})
	sign(t, l, 0, li)
	text, err := l.Statement()
	must(t, err)
	if !strings.Contains(text, "\nstate: aborted\n") {
		t.Errorf("the statement is %q", text)
	}
	closeSigned(t, l, li)
	if d := verified(t, load(t, path)); d.State != Aborted || !slices.Equal(d.Signers, []string{"li.na"}) {
		t.Errorf("%s, signed by %v", d.State, d.Signers)
	}
}

func TestStatementIsWhatPeopleSign(t *testing.T) {
	li := testOfficer(t, "li.na")
	l, path := newRecord(t)
	attend(t, l, li, "leader")
	put(t, l, step(1))
	text, err := l.Statement()
	must(t, err)
	last := l.Head()
	want := "poskey/transcript/v1/test/run/20261201-7F3A91C2\nstate: closed\nlines: 4\nhead: " + last.Hash.String() +
		"\nscript: " + DigestOf([]byte(testScript)).String() + "\ntime: " + timeText(last.Time) + "\n"
	if text != want || last.Kind != KindClosing {
		t.Errorf("%q, want %q", text, want)
	}
	if again, err := l.Statement(); err != nil || again != text || l.Head().N != last.N {
		t.Errorf("asked twice it is %q: %v", again, err)
	}
	_, err = l.Write(step(2))
	mustFail(t, err, fault.NotPermitted, "after the line closing")
	_, err = l.Sign(0, li)
	mustFail(t, err, fault.NotPermitted, "after the line closing")
	other, err := custody.SignNote(strings.Replace(text, "lines: 4", "lines: 5", 1), li)
	must(t, err)
	mustFail(t, l.Close(other), fault.LogBroken, "something else")
	stranger, err := custody.SignNote(text, testOfficer(t, "stranger"))
	must(t, err)
	mustFail(t, l.Close(stranger), fault.LogBroken)
	closeSigned(t, l, li) // the refused ones did no harm
	if d := verified(t, load(t, path)); d.State != Closed {
		t.Errorf("state %s", d.State)
	}
}

func TestOnlyWhoAttendedSigns(t *testing.T) {
	li, chen := testOfficer(t, "li.na"), testOfficer(t, "chen")
	l, _ := newRecord(t)
	_, err := l.Sign(0, li)
	mustFail(t, err, fault.NotPermitted, "li.na did not attend")
	attend(t, l, li, "leader")
	put(t, l, step(1))
	_, err = l.Sign(1, chen)
	mustFail(t, err, fault.NotPermitted, "chen did not attend")
	_, err = l.Sign(1, officer(t, "li.na", "another", custody.Test))
	mustFail(t, err, fault.NotPermitted, "another card")
	_, err = l.Sign(2, li)
	mustFail(t, err, fault.Bug, "step")
	sign(t, l, 1, li)
}

func TestOnePersonIsOneCard(t *testing.T) {
	li := testOfficer(t, "li.na")
	l, _ := newRecord(t)
	attend(t, l, li, "leader")
	attend(t, l, li, "custodian") // another seat
	for what, e := range map[string]Entry{
		"not of chen": {Kind: KindAttended, Who: "chen", Card: li.Card().Marshal()},
		"another card": {Kind: KindAttended, Who: "li.na", Card: officer(t, "li.na", "other",
			custody.Test).Card().Marshal()},
		"one key": {Kind: KindAttended, Who: "li.na2", Card: officer(t, "li.na2", "TEST li.na",
			custody.Test).Card().Marshal()},
		"environment": {Kind: KindAttended, Who: "prod", Card: officer(t, "prod", "prod",
			custody.Production).Card().Marshal()},
		"officer's card":   {Kind: KindAttended, Who: "chen", Card: []byte("no card")},
		"card: lines of":   {Kind: KindAttended, Who: "chen"},
		"who: a line of":   {Kind: KindAttended, Card: li.Card().Marshal()},
		"card: 5000 bytes": {Kind: KindAttended, Who: "li.na", Card: make([]byte, 5000)},
	} {
		if _, err := l.Write(e); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if got := l.Cards(); len(got) != 1 || got[0].ID() != "li.na" {
		t.Errorf("%d cards", len(got))
	}
	h := testHead()
	h.Mode = Rehearsal
	r, err := Create(filepath.Join(t.TempDir(), "t"), h, fast(newClock()))
	must(t, err)
	attend(t, r, officer(t, "prod", "prod", custody.Production), "leader") // who rehearses has the card of the real thing
	must(t, r.Abandon())
}

func TestEntryThatCannotStandIsRefusedAndTheRecordGoesOn(t *testing.T) {
	l, path := newRecord(t)
	many := map[string]string{}
	long := map[string]string{}
	for i := range maxDetails + 1 {
		many[fmt.Sprint("d", i)] = "x"
		long[fmt.Sprint("d", i)] = strings.Repeat(`"`, maxValue)
	}
	delete(long, "d0")
	aes := kcv.Value{Digits: "763CBC", Method: kcv.CMAC}
	for what, e := range map[string]Entry{
		"no kind":           {},
		"another kind":      {Kind: "opened"},
		"head":              {Kind: KindSaid, Head: &Head{}},
		"signature":         {Kind: KindSaid, Signature: make([]byte, 64)},
		"note":              {Kind: KindSaid, Note: []byte("x")},
		"card":              {Kind: KindSaid, Card: []byte("x")},
		"step":              {Kind: KindDone, Step: 10000},
		"no step":           {Kind: KindBegun},
		"negative step":     {Kind: KindSaid, Step: -1},
		"part":              {Kind: KindVoid, Part: 100},
		"entered by nobody": {Kind: KindEntered, Key: "zmk", Part: 1},
		"entered no part":   {Kind: KindEntered, Who: "li", Key: "zmk"},
		"entered no key":    {Kind: KindEntered, Who: "li", Part: 1},
		"who":               {Kind: KindSaid, Who: strings.Repeat("x", 65)},
		"hidden character":  {Kind: KindSaid, Who: "li\u202Ena"},
		"no UTF-8":          {Kind: KindSaid, Key: "\xff"},
		"nobody":            {Kind: KindSaid, People: []string{""}},
		"a crowd":           {Kind: KindSaid, People: make([]string, 33)},
		"line feed":         {Kind: KindSaid, Details: map[string]string{"text": "a\nb"}},
		"name of a detail":  {Kind: KindSaid, Details: map[string]string{"Text": "a"}},
		"long detail":       {Kind: KindSaid, Details: map[string]string{"text": strings.Repeat("x", 2049)}},
		"many details":      {Kind: KindSaid, Details: many},
		"a long line":       {Kind: KindSaid, Details: long},
		"digits":            {Kind: KindMade, Check: ecb("08d7b4")},
		"few digits":        {Kind: KindMade, Check: ecb("08D")},
		"method":            {Kind: KindMade, Check: kcv.Value{Digits: "08D7B4", Method: "ECB"}},
		"no method":         {Kind: KindMade, Check: kcv.Value{Digits: "08D7B4"}},
		"verdict":           {Kind: KindObserved, Verdict: "yes"},
		"checked without":   {Kind: KindChecked, Key: "zmk", Check: aes},
		"checked what":      {Kind: KindChecked, Check: aes, Verdict: Compared},
		"match of nothing":  {Kind: KindChecked, Key: "zmk", Check: aes, Verdict: Match},
		"match of what differs": {Kind: KindChecked, Key: "zmk", Check: aes, Expected: kcv.Value{Digits: "763CBD"},
			Verdict: Match},
		"match of other methods": {Kind: KindMade, Key: "zmk", Check: aes, Expected: ecb("763CBC"), Verdict: Match},
		"expected, not compared": {Kind: KindChecked, Key: "zmk", Check: aes, Expected: aes, Verdict: Compared},
		"opened by hand":         {Kind: KindOpen},
		"signed by hand":         {Kind: KindSigned, Who: "li.na", Signature: make([]byte, 64)},
		"noted by hand":          {Kind: KindNote, Note: []byte("x")},
		"resumed without break":  {Kind: KindResumed},
	} {
		if r, err := l.Write(e); err == nil || r.N != 0 {
			t.Errorf("%s: taken", what)
		}
	}
	put(t, l, step(1))
	if d := verified(t, load(t, path)); d.Lines != 2 {
		t.Errorf("%d lines", d.Lines)
	}
}

func TestCheckValuesAreCutToWhatMayBeShown(t *testing.T) {
	l, path := newRecord(t)
	full := ecb("08D7B4FB629D0885")
	put(t, l, Entry{Kind: KindMade, Key: "zmk", Check: full, Details: map[string]string{"algorithm": "tdes-192"}})
	put(t, l, Entry{Kind: KindMade, Key: "zmk", Check: full})
	put(t, l, Entry{Kind: KindChecked, Key: "zmk", Check: full, Expected: kcv.Value{Digits: full.Digits}, Verdict: Match})
	put(t, l, Entry{Kind: KindMade, Key: "zmk", Check: kcv.Value{Digits: strings.Repeat("AB", 32), Method: kcv.SHA256}})
	for i, want := range []string{"", "08D7B4", "08D7B4FB62", "08D7B4FB62", "ABABABABAB"} {
		if got := read(t, load(t, path)).Records[i].Check.Digits; got != want {
			t.Errorf("line %d: %s, want %s", i+1, got, want)
		}
	}
	r := Record{N: 1, Time: dawn(), Entry: Entry{Kind: KindMade, Check: full}}
	if _, err := ParseRecord(seal(&r)); err == nil {
		t.Error("a longer one is read")
	}
}

func TestWhatTheCallerChangesLaterIsNotInTheRecord(t *testing.T) {
	l, path := newRecord(t)
	details, people := map[string]string{"text": "a", "empty": ""}, []string{"li.na"}
	r := put(t, l, Entry{Kind: KindSaid, Details: details, People: people})
	details["text"], people[0] = "b", "chen"
	r.Details["text"] = "c"
	if got := l.Head(); got.Details["text"] != "a" || got.People[0] != "li.na" {
		t.Errorf("the head says %v %v", got.Details, got.People)
	}
	if _, there := read(t, load(t, path)).Records[1].Details["empty"]; there {
		t.Error("an empty detail was written")
	}
}

func TestClockThatGoesBackIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "transcript.jsonl")
	c := newClock()
	l, err := Create(path, testHead(), fast(c))
	must(t, err)
	c.set(dawn().Add(-time.Hour))
	if r := put(t, l, step(1)); r.Back != time.Hour {
		t.Errorf("back by %s", r.Back)
	}
	c.set(dawn().AddDate(3, 0, 0))
	li := testOfficer(t, "li.na")
	attend(t, l, li, "leader")
	must(t, l.Abandon())
	raw := load(t, path)
	d := verified(t, raw)
	if len(d.Warnings) != 3 || !strings.Contains(d.Warnings[0].Error.Error(), "line 2: the clock went back by 1h0m0s") ||
		!strings.Contains(d.Warnings[1].Error.Error(), "expired") {
		t.Errorf("warnings %v", d.Warnings)
	}
	lines := splitLines(raw)
	r, err := ParseRecord([]byte(strings.TrimSuffix(lines[1], "\n")))
	must(t, err)
	r.Back = 0
	caught(t, "the note about the clock left out", []byte(lines[0]+string(seal(&r))+"\n"), "clock went back")
}

func TestLargestRecordCanStillBeGivenUpAndSigned(t *testing.T) {
	li := testOfficer(t, "li.na")
	l, path := newRecord(t)
	attend(t, l, li, "leader")
	l.size = MaxFile - reserve // as if it were so long
	_, _, _, err := l.encode(step(1))
	mustFail(t, err, fault.TooLarge)
	for _, k := range []Kind{KindAborted, KindDeviation, KindVoid, KindClosing} {
		if _, _, _, err := l.encode(Entry{Kind: k}); err != nil {
			t.Errorf("%s: %v", k, err)
		}
	}
	l.size = MaxFile
	_, _, _, err = l.encode(Entry{Kind: KindAborted})
	mustFail(t, err, fault.TooLarge)
	must(t, l.Abandon())
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	must(t, err)
	must(t, f.Truncate(MaxFile+1))
	must(t, f.Close())
	_, _, err = Resume(path, fast(newClock()))
	mustFail(t, err, fault.TooLarge)
}

// endless is a line that never ends, or lines that are none.
type endless struct{ line string }

func (e endless) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		n += copy(p[n:], e.line)
	}
	return n, nil
}

func TestReadingIsBounded(t *testing.T) {
	_, err := Read(endless{"x"})
	mustFail(t, err, fault.TooLarge)
	d, err := Read(endless{"\n"})
	must(t, err)
	if len(d.Problems) != maxProblems+1 {
		t.Errorf("%d problems", len(d.Problems))
	}
	long := strings.Repeat("x", MaxFirstLine+5) + "\n"
	caught(t, "a line that is too long", []byte(long+"y\n"), "longer than")
	_, err = Read(io.MultiReader(strings.NewReader("x\n"), iotestErr{}))
	mustFail(t, err, fault.Failure, "reading the record")
	_, err = Scan(strings.NewReader(string(load(t, filepath.FromSlash(golden)))),
		func(Record) error { return io.ErrClosedPipe })
	if !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("%v", err)
	}
}

type iotestErr struct{}

func (iotestErr) Read([]byte) (int, error) { return 0, errors.New("input/output error") }

func TestManyWritersMakeOneChain(t *testing.T) {
	li := testOfficer(t, "li.na")
	l, path := newRecord(t)
	attend(t, l, li, "leader")
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for n := range 20 {
				if _, err := l.Write(step(n + 1)); err != nil {
					t.Error(err)
				}
				_, _ = l.Head(), l.Cards()
				_, _ = l.Sign(n+1, li) // somebody else may have written in between: then it is refused
			}
		})
	}
	all.Wait()
	if d := verified(t, load(t, path)); d.Lines < 82 {
		t.Errorf("%d lines", d.Lines)
	}
}
