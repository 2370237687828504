package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"golang.org/x/mod/sumdb/note"

	"poskey/internal/fault"
)

func readerOf(raw []byte) io.Reader { return bytes.NewReader(raw) }

// signAll signs a checkpoint over all records of a log.
func signAll(t testing.TB, raw []byte, names ...string) []byte {
	t.Helper()
	rep := verified(t, raw, Expect{})
	c := Checkpoint{rep.Identity, rep.Records, rep.Root, rep.Head, rep.Last}
	return sign(t, c.Text(), names...)
}

// evidence is a log with all kinds of records, and what its officers signed: half of it, and all of it.
func evidence(t testing.TB) ([]byte, Expect) {
	t.Helper()
	l, path := newLog(t, 8)
	half := checkpoint(t, l, "alice")
	for i := range 6 {
		p := begin(t, l, fmt.Sprint("TMK-", i))
		add(t, l, "BETWEEN")
		p.After.Details = Details{FieldReason: "quarter", FieldPackage: "0815"}
		done(t, p)
	}
	closeLog(t, l)
	raw := read(t, path)
	_, known := signers(t, "alice", "bob")
	return raw, Expect{Identity: testID, Checkpoints: [][]byte{signAll(t, raw, "alice", "bob"), half}, Officers: known}
}

func TestSoundLogVerifies(t *testing.T) {
	raw, e := evidence(t)
	rep := verified(t, raw, e)
	if rep.Problem != nil || rep.Signed != rep.Records || rep.Intact != rep.Records || rep.Bytes != int64(len(raw)) || rep.Damaged != 0 {
		t.Errorf("%+v", rep)
	}
	all := records(t, raw)
	if rep.First != all[0].Time || rep.Last != all[len(all)-1].Time || rep.Head != all[len(all)-1].Hash || len(rep.Warnings) != 0 {
		t.Errorf("%+v", rep)
	}
	if got := rep.Trust().String(); got != fmt.Sprintf("records 1 to %d are as the officers signed them", rep.Records) {
		t.Errorf("%s", got)
	}
	for _, r := range []io.Reader{iotest.OneByteReader(readerOf(raw)), iotest.DataErrReader(readerOf(raw))} {
		if slow, err := Verify(r, e); err != nil || slow.Head != rep.Head {
			t.Errorf("read in other pieces: %v", err)
		}
	}
}

// TestEachAttackIsNamed: what somebody who can write the file and knows the format may try.
func TestEachAttackIsNamed(t *testing.T) {
	raw, e := evidence(t)
	lines := splitLines(raw)
	n := len(lines)
	join := func(parts ...[]string) string {
		var b strings.Builder
		for _, p := range parts {
			b.WriteString(strings.Join(p, ""))
		}
		return b.String()
	}
	edit := func(at int, old, new string) []string { return []string{strings.Replace(lines[at], old, new, 1)} }
	other, otherPath := newLog(t, 0)
	for range n {
		add(t, other, "FOREIGN")
	}
	foreign := splitLines(read(t, otherPath))
	for what, c := range map[string]struct {
		raw    string
		reason Reason
		record uint64
	}{
		"a record edited":             {join(lines[:4], edit(4, "ZMK-3", "ZMK-9"), lines[5:]), Changed, 5},
		"a hash edited":               {join(lines[:4], edit(4, `"hash":"`, `"hash":"0`), lines[5:]), NotARecord, 5},
		"edited and resealed":         {join(lines[:4], []string{reseal(edit(4, "ZMK-3", "ZMK-9")[0])}, lines[5:]), NotChained, 6},
		"edited, all made anew":       {rechain(join(lines[:4], edit(4, "ZMK-3", "ZMK-9"), lines[5:])), NotSigned, 10},
		"the last edited, made anew":  {rechain(join(lines[:n-1], edit(n-1, "quarter", "half"))), NotSigned, uint64(n)},
		"a record deleted":            {join(lines[:6], lines[7:]), OutOfOrder, 7},
		"five records deleted":        {join(lines[:2], lines[7:]), OutOfOrder, 3},
		"the first record deleted":    {join(lines[1:]), OutOfOrder, 1},
		"a record repeated":           {join(lines[:6], lines[5:]), OutOfOrder, 7},
		"the whole log repeated":      {join(lines, lines), OutOfOrder, uint64(n) + 1},
		"two records swapped":         {join(lines[:3], lines[4:5], lines[3:4], lines[5:]), OutOfOrder, 4},
		"a foreign record put in":     {join(lines[:3], foreign[3:4], lines[3:]), NotChained, 4},
		"a foreign record instead":    {join(lines[:3], foreign[3:4], lines[4:]), NotChained, 4},
		"a foreign end":               {join(lines[:n-4], foreign[n-4:n]), NotChained, uint64(n) - 3},
		"an empty line put in":        {join(lines[:3], []string{"\n"}, lines[3:]), NotARecord, 4},
		"cut in a record":             {string(raw[:len(raw)-100]), TornEnd, uint64(n)},
		"the last line feed cut":      {string(raw[:len(raw)-1]), TornEnd, uint64(n)},
		"cut between records":         {join(lines[:n-1]), CutShort, uint64(n) - 1},
		"rolled back to an old copy":  {join(lines[:5]), CutShort, 5},
		"rolled back to the first":    {join(lines[:1]), CutShort, 1},
		"nothing left":                {"", Empty, 0},
		"a line without an end":       {join(lines[:3], []string{strings.Repeat("x", MaxLine+10)}, lines[3:]), TooLong, 4},
		"a line with an end, too far": {join(lines[:3], []string{strings.Repeat("x", MaxLine+10) + "\n"}, lines[3:]), TooLong, 4},
		"something after the end":     {string(raw) + "{}\n", NotARecord, uint64(n) + 1},
		"another store":               {rechain(strings.Replace(string(raw), "STORE-1", "STORE-2", 1)), WrongStore, 1},
		"the clock hidden":            {rechain(join(lines[:4], edit(4, `"2026-03-01T08:00:0`, `"2026-03-01T07:00:0`), lines[5:])), ClockNote, 5},
	} {
		rep, err := Verify(strings.NewReader(c.raw), e)
		wantProblem(t, what, err, c.reason)
		if rep.Problem == nil || rep.Problem.Record != c.record || rep.Intact >= max(c.record, 1) && c.reason != CutShort {
			t.Errorf("%s: problem %+v, intact %d, want record %d", what, rep.Problem, rep.Intact, c.record)
		}
		if err != nil && c.reason != Empty && !strings.Contains(err.Error(), fmt.Sprintf("record %d ", c.record)) {
			t.Errorf("%s: the record is not named: %v", what, err)
		}
		checkTrust(t, what, []byte(c.raw), raw, rep)
	}
}

// rechain makes all hashes of a log anew, and the words of the tail follow: what nothing but a checkpoint shows.
func rechain(log string) string {
	var b strings.Builder
	head := Digest{}
	for _, line := range splitLines([]byte(log)) {
		at := strings.Index(line, `"prev":"`) + len(`"prev":"`)
		line = reseal(line[:at] + head.String() + line[at+64:])
		b.WriteString(line)
		hash, _ := parseDigest(line[len(line)-67 : len(line)-3])
		head = hash
	}
	return b.String()
}

// checkTrust holds what a report vouches for against the original: the records that it calls signed are the original's,
// and all of them are there.
func checkTrust(t testing.TB, what string, changed, original []byte, rep Report) {
	t.Helper()
	there := map[string]bool{}
	for line := range strings.Lines(string(changed)) {
		there[line] = true
	}
	was := splitLines(original)
	for i := range rep.Signed {
		if i+1 != rep.Damaged && (i >= uint64(len(was)) || !there[was[i]]) {
			t.Errorf("%s: record %d is called signed and is not", what, i+1)
			return
		}
	}
}

// TestEveryMutationIsDetected changes a signed log at random, thousands of times.
func TestEveryMutationIsDetected(t *testing.T) {
	raw, e := evidence(t)
	rnd := rand.New(rand.NewPCG(7, 11))
	lines := splitLines(raw)
	pick := func() int { return rnd.IntN(len(raw)) }
	mutations := map[string]func() []byte{
		"a bit": func() []byte { b := bytes.Clone(raw); b[pick()] ^= 1 << rnd.IntN(8); return b },
		"a byte": func() []byte {
			b := bytes.Clone(raw)
			b[pick()] = byte(rnd.IntN(256))
			return b
		},
		"bytes deleted": func() []byte {
			at := pick()
			return append(bytes.Clone(raw[:at]), raw[min(len(raw), at+1+rnd.IntN(700)):]...)
		},
		"bytes put in": func() []byte {
			at := pick()
			b := append(bytes.Clone(raw[:at]), raw[pick():][:1]...)
			return append(b, raw[at:]...)
		},
		"bytes repeated": func() []byte {
			at := pick()
			n := min(len(raw)-at, 1+rnd.IntN(700))
			return append(bytes.Clone(raw[:at+n]), raw[at:]...)
		},
		"cut":   func() []byte { return bytes.Clone(raw[:pick()]) },
		"begun": func() []byte { return bytes.Clone(raw[1+pick():]) },
		"two stretches swapped": func() []byte {
			a, b := pick(), pick()
			n := min(1+rnd.IntN(60), len(raw)-max(a, b))
			c := bytes.Clone(raw)
			copy(c[a:a+n], raw[b:b+n])
			copy(c[b:b+n], raw[a:a+n])
			return c
		},
		"lines shuffled": func() []byte {
			some := append([]string{}, lines...)
			rnd.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
			return []byte(strings.Join(some[:1+rnd.IntN(len(some))], ""))
		},
		"a line moved": func() []byte {
			some := append([]string{}, lines...)
			a, b := rnd.IntN(len(some)), rnd.IntN(len(some))
			some[a], some[b] = some[b], some[a]
			return []byte(strings.Join(some, ""))
		},
		"a letter changed and all made anew": func() []byte {
			some := append([]string{}, lines...)
			i := rnd.IntN(len(some))
			some[i] = strings.Replace(some[i], "desk-1", fmt.Sprint("desk-", 2+rnd.IntN(7)), 1)
			return []byte(rechain(strings.Join(some, "")))
		},
	}
	for what, mutate := range mutations {
		detected, known := 0, 0
		for range 300 {
			b := mutate()
			if bytes.Equal(b, raw) {
				continue
			}
			known++
			rep, err := Verify(readerOf(b), e)
			if err == nil || rep.Problem == nil {
				t.Fatalf("%s: not detected:\n%s", what, b)
			}
			checkTrust(t, what, b, raw, rep)
			detected++
		}
		if detected != known || known < 200 {
			t.Errorf("%s: %d of %d", what, detected, known)
		}
	}
}

// TestMutationsAreDetectedByTheFormatAlone needs no checkpoint, and none of this package.
func TestMutationsAreDetectedByTheFormatAlone(t *testing.T) {
	raw, _ := evidence(t)
	rnd := rand.New(rand.NewPCG(3, 5))
	for range 1500 {
		b := bytes.Clone(raw)
		at := rnd.IntN(len(b))
		b[at] ^= byte(1 + rnd.IntN(255))
		if err := independent(b); err == nil {
			t.Fatalf("byte %d changed from %q to %q: the independent verifier did not see it", at, raw[at], b[at])
		}
		if _, err := Verify(readerOf(b), Expect{}); err == nil {
			t.Fatalf("byte %d changed from %q to %q: not seen", at, raw[at], b[at])
		}
	}
}

func TestOneDamagedRecordLeavesTheOthersTheirWorth(t *testing.T) {
	raw, e := evidence(t)
	n := uint64(len(splitLines(raw)))
	damage := bytes.Replace(raw, []byte("ZMK-3"), []byte("ZMK-9"), 1)
	rep, err := Verify(readerOf(damage), e)
	wantProblem(t, "damaged", err, Changed)
	if rep.Problem.Record != 5 || rep.Damaged != 5 || rep.Intact != 4 || rep.Records != n || rep.Signed != n {
		t.Errorf("%+v", rep)
	}
	if got, want := rep.Trust().String(), fmt.Sprintf("records 1 to %d are as the officers signed them, but record 5, whose content is lost", n); got != want {
		t.Errorf("%s", got)
	}
	twice := bytes.Replace(damage, []byte("ZMK-5"), []byte("ZMK-9"), 1)
	rep, err = Verify(readerOf(twice), e)
	if reasonOf(err) != Changed || rep.Problem.Record != 5 || rep.Signed != 0 || rep.Records != 6 {
		t.Errorf("two damaged records: %+v", rep)
	}
	lines := splitLines(raw)
	rep, err = Verify(strings.NewReader(strings.Join(lines[:4], "")+"garbage\n"+strings.Join(lines[4:], "")), e)
	if reasonOf(err) != NotARecord || rep.Damaged != 0 || rep.Problem.Record != 5 || rep.Signed != n {
		t.Errorf("a line put in between: %+v", rep)
	}
	// Records made anew below the damage are not the signed ones.
	below := splitLines(bytes.Replace(damage, []byte("ZMK-6"), []byte("ZMK-8"), 1))
	rep, err = Verify(strings.NewReader(strings.Join(below[:5], "")+rechainFrom(below[5:])), e)
	if err == nil || rep.Signed != 0 {
		t.Errorf("%+v, %v", rep, err)
	}
}

// rechainFrom makes the hashes anew from the second line on.
func rechainFrom(lines []string) string {
	var b strings.Builder
	for i, line := range lines {
		if i > 0 {
			above := b.String()
			at := strings.Index(line, `"prev":"`) + len(`"prev":"`)
			line = line[:at] + above[len(above)-67:len(above)-3] + line[at+64:]
		}
		b.WriteString(reseal(line))
	}
	return b.String()
}

func TestCheckpointsOfOthersSpoilTheVerdict(t *testing.T) {
	raw, e := evidence(t)
	rep := verified(t, raw, Expect{})
	c := Checkpoint{rep.Identity, rep.Records, rep.Root, rep.Head, rep.Last}
	change := func(f func(*Checkpoint)) []byte {
		x := c
		f(&x)
		return sign(t, x.Text(), "alice", "bob")
	}
	for what, signed := range map[string][]byte{
		"of another store":        change(func(c *Checkpoint) { c.Store = "STORE-2" }),
		"of production":           change(func(c *Checkpoint) { c.Environment = Production }),
		"of another store, later": change(func(c *Checkpoint) { c.Store, c.Size = "STORE-2", 500 }),
		"with another head":       change(func(c *Checkpoint) { c.Head = DigestOf(nil) }),
		"with another root":       change(func(c *Checkpoint) { c.Root[0] ^= 1 }),
		"over fewer records":      change(func(c *Checkpoint) { c.Size-- }),
		"over more records":       change(func(c *Checkpoint) { c.Size++ }),
		"by strangers":            sign(t, c.Text(), "dave"),
		"garbage":                 []byte("garbage"),
	} {
		x := e
		x.Checkpoints = append([][]byte{signed}, e.Checkpoints...)
		rep, err := Verify(readerOf(raw), x)
		if err == nil || len(rep.Checkpoints) != 3 {
			t.Errorf("%s: %v", what, err)
		}
		bad := rep.Checkpoints[0]
		if bad.Agrees || bad.Err == nil || strings.Contains(what, "store") && reasonOf(err) != WrongStore {
			t.Errorf("%s: %+v, %v", what, bad, err)
		}
	}
	if got := verified(t, raw, e); !got.Checkpoints[0].Agrees || !got.Checkpoints[1].Agrees {
		t.Errorf("%+v", got.Checkpoints)
	}
}

func TestQuorumOfOfficersIsAskedFor(t *testing.T) {
	raw, e := evidence(t)
	e.Checkpoints, e.Quorum = e.Checkpoints[:1], 2
	verified(t, raw, e)
	e.Quorum = 3
	if _, err := Verify(readerOf(raw), e); !fault.Is(err, fault.LogBroken) {
		t.Errorf("three of two: %v", err)
	}
	_, e.Officers = signers(t, "alice")
	e.Quorum = 0
	verified(t, raw, e)
	e.Officers = note.VerifierList()
	if _, err := Verify(readerOf(raw), e); !fault.Is(err, fault.LogBroken) {
		t.Errorf("nobody known: %v", err)
	}
}

func TestCheckpointThatIsNotHandedInIsMissed(t *testing.T) {
	raw, e := evidence(t)
	e.Checkpoints = e.Checkpoints[:1]
	rep := verified(t, raw, e)
	if len(rep.Warnings) != 1 || rep.Warnings[0].Kind != CheckpointMissing || rep.Warnings[0].Record != 11 {
		t.Errorf("%+v", rep.Warnings)
	}
}

func TestTrustIsPutInOneSentence(t *testing.T) {
	raw, e := evidence(t)
	lines := splitLines(raw)
	half := Expect{Checkpoints: e.Checkpoints[1:], Officers: e.Officers}
	for what, c := range map[string]struct {
		raw  string
		e    Expect
		want string
	}{
		"no checkpoint": {string(raw), Expect{}, "records 1 to 29 agree with one another; no checkpoint vouches for them"},
		"half signed": {string(raw), half,
			"records 1 to 10 are as the officers signed them; 11 to 29 agree with one another and are signed by nobody yet"},
		"broken below": {strings.Join(lines[:20], "") + lines[22], half,
			"records 1 to 10 are as the officers signed them; 11 to 20 agree with one another and are signed by nobody yet"},
		"broken at once": {lines[3], half, "nothing in this log can be relied on"},
		"made anew":      {rechain(strings.Replace(string(raw), "ZMK-3", "ZMK-9", 1)), half, "nothing in this log can be relied on"},
	} {
		rep, _ := Verify(strings.NewReader(c.raw), c.e)
		if got := rep.Trust().String(); got != c.want {
			t.Errorf("%s: %s", what, got)
		}
	}
}

func TestErrorsOfTheReaderAreNotVerdicts(t *testing.T) {
	raw, e := evidence(t)
	broken := errors.New("the disk is gone")
	_, err := Verify(io.MultiReader(readerOf(raw[:5000]), iotest.ErrReader(broken)), e)
	if !errors.Is(err, broken) || reasonOf(err) != "" {
		t.Errorf("%v", err)
	}
}

// sampler looks at the memory in use from time to time.
type sampler struct {
	r    io.Reader
	next int
	seen int
	most uint64
}

func (s *sampler) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if s.seen += n; s.seen >= s.next {
		s.next += 4 << 20
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		s.most = max(s.most, m.HeapAlloc)
	}
	return n, err
}

func TestVerificationNeedsTheSameMemoryForAnyLength(t *testing.T) {
	var use [2]uint64
	for i, records := range []int{1000, 60000} {
		s := &sampler{r: endless(t, records)}
		rep, err := Verify(s, Expect{})
		if err != nil || rep.Records != uint64(records) {
			t.Fatalf("%d records, %v", rep.Records, err)
		}
		use[i] = s.most
	}
	if use[1] > use[0]+1<<20 {
		t.Errorf("%d bytes for a short log, %d for a long one", use[0], use[1])
	}
}

// stream is a log that is made while it is read.
type stream struct {
	left    int
	clock   *clock
	chain   chain
	pending uint64
	buffer  []byte
	rest    []byte
}

func endless(t testing.TB, records int) io.Reader {
	t.Helper()
	return &stream{left: records, clock: newClock()}
}

func (s *stream) Read(p []byte) (int, error) {
	if len(s.rest) == 0 && s.left == 0 {
		return 0, io.EOF
	}
	if len(s.rest) == 0 {
		s.left--
		r := s.record()
		s.chain.fill(&r, s.clock.now())
		s.buffer = appendBody(s.buffer[:0], &r)
		r.Hash = hashRecord(s.buffer)
		s.buffer = append(appendRecord(s.buffer[:0], &r), '\n')
		s.chain.advance(&r)
		s.rest = s.buffer
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// record takes turns: an event, an intent, its outcome.
func (s *stream) record() Record {
	seq := s.chain.seq + 1
	e := generate("ZMK-2026")
	e.Object.Check = Check{"08D7B4", "ecb-zero"}
	switch {
	case seq == 1:
		return Record{Log: testID, Entry: Entry{Who: agent, Operation: LogCreate}, Outcome: OK()}
	case s.pending != 0:
		r := Record{Entry: e, Of: s.pending, Outcome: OK()}
		s.pending = 0
		return r
	case seq%3 == 0:
		s.pending = seq
		return Record{Entry: e}
	}
	e.Details = Details{FieldUsage: "K0", FieldAlgorithm: "aes-256", FieldReason: "yearly rotation"}
	return Record{Entry: e, Outcome: OK()}
}

func TestFutureRecordsAreRemarked(t *testing.T) {
	raw, e := evidence(t)
	e.Now = records(t, raw)[20].Time
	rep := verified(t, raw, e)
	if len(rep.Warnings) != 8 || rep.Warnings[0].Kind != ClockAhead || rep.Warnings[0].Record != 22 {
		t.Errorf("%v", rep.Warnings)
	}
	e.Now = e.Now.Add(time.Hour)
	if rep := verified(t, raw, e); len(rep.Warnings) != 0 {
		t.Errorf("%v", rep.Warnings)
	}
}

// TestCheckpointsBesideTheLogAreHeldAgainstIt: those of officers who are not known here vouch for nothing, but must agree.
func TestCheckpointsBesideTheLogAreHeldAgainstIt(t *testing.T) {
	raw, e := evidence(t)
	_, strangers := signers(t, "dave")
	notes := e.Checkpoints
	for what, c := range map[string]struct {
		officers note.Verifiers
		quorum   int
		signed   bool
	}{
		"known": {e.Officers, 1, true}, "too few": {e.Officers, 3, false}, "strangers": {strangers, 1, false}, "nobody": {nil, 0, false},
	} {
		got, err := Verify(readerOf(raw), Expect{Beside: notes, Officers: c.officers, Quorum: c.quorum})
		if err != nil || (got.Signed > 0) != c.signed {
			t.Errorf("%s: %d records signed, %v", what, got.Signed, err)
		}
		for _, cp := range got.Checkpoints {
			if !cp.Agrees || (len(cp.Signers) > 0) != c.signed {
				t.Errorf("%s: %+v", what, cp)
			}
		}
		cut := strings.Join(splitLines(raw)[:4], "")
		got, err = Verify(readerOf([]byte(cut)), Expect{Beside: notes, Officers: c.officers, Quorum: c.quorum})
		if reasonOf(err) != CutShort || got.Intact != 4 {
			t.Errorf("%s, cut short: %d intact, %v", what, got.Intact, err)
		}
	}
	wrong := bytes.Replace(notes[0], []byte("\nhead "), []byte("\nhead  "), 1)
	if _, err := Verify(readerOf(raw), Expect{Beside: [][]byte{wrong}, Officers: e.Officers}); !fault.Is(err, fault.Malformed) {
		t.Errorf("no checkpoint: %v", err)
	}
	forged := bytes.Replace(notes[0], []byte("\ntime 2"), []byte("\ntime 1"), 1)
	if _, err := Verify(readerOf(raw), Expect{Beside: [][]byte{forged}, Officers: e.Officers}); err == nil {
		t.Error("a wrong signature of a known officer passes")
	}
	other := sign(t, Checkpoint{Identity: testID, Size: 3, Time: newClock().t}.Text(), "mallory")
	got, err := Verify(readerOf(raw), Expect{Beside: [][]byte{other}, Officers: e.Officers})
	if reasonOf(err) != NotSigned || got.Intact != 3 {
		t.Errorf("made up by a stranger: %d intact, %v", got.Intact, err)
	}
}

func TestStoreAloneIsAskedFor(t *testing.T) {
	raw, _ := evidence(t)
	verified(t, raw, Expect{Identity: Identity{Store: testID.Store}})
	verified(t, raw, Expect{Identity: Identity{Environment: testID.Environment}})
	for _, want := range []Identity{{Store: "STORE-2"}, {Environment: Production}} {
		if _, err := Verify(readerOf(raw), Expect{Identity: want}); reasonOf(err) != WrongStore {
			t.Errorf("%+v: %v", want, err)
		}
	}
}

func TestIdentitiesOfOnePersonAreOneOfficer(t *testing.T) {
	l, _ := newLog(t, 2)
	old, oldKey := officerWith(t, "alice/11111111", 1)
	renewed, newKey := officerWith(t, "alice/22222222", 2)
	signed, err := l.Checkpoint(bob, old, renewed)
	if err != nil {
		t.Fatal(err)
	}
	known := note.VerifierList(oldKey, newKey)
	if _, names, err := OpenCheckpoint(signed, known, 1); err != nil || len(names) != 1 {
		t.Errorf("%v, %v", names, err)
	}
	if _, _, err := OpenCheckpoint(signed, known, 2); !fault.Is(err, fault.LogBroken) {
		t.Errorf("one person, two asked for: %v", err)
	}
}
