package audit

import (
	"fmt"
	"path/filepath"
	"testing"

	"poskey/internal/fault"
)

func TestOperationIsRecordedBeforeAndAfter(t *testing.T) {
	l, path := newLog(t, 0)
	e := generate("ZMK")
	e.Request, e.Details = DigestOf([]byte("request")), Details{FieldPurpose: "exchange"}
	p, err := l.Begin(e)
	if err != nil {
		t.Fatal(err)
	}
	e.Details[FieldPurpose] = "changed by the caller"
	if before := records(t, read(t, path)); len(before) != 2 || !before[1].IsIntent() || before[1].Open != 2 {
		t.Fatalf("on the disk: %+v", before)
	}
	p.After.Object.Check = Check{"08D7B4", "ecb-zero"}
	done(t, p)
	all := records(t, read(t, path))
	intent, outcome := all[1], all[2]
	if intent.Details[FieldPurpose] != "exchange" || outcome.Of != 2 || outcome.Outcome != OK() || outcome.Open != 0 {
		t.Errorf("%+v\n%+v", intent, outcome)
	}
	if outcome.Request != intent.Request || outcome.Object.Label != "ZMK" || outcome.Object.Check.Value != "08D7B4" ||
		outcome.Who != alice || len(outcome.Details) != 0 {
		t.Errorf("the outcome is %+v", outcome)
	}
	if got := intent.Phase().String() + "; " + outcome.Phase().String() + "; " + all[0].Phase().String(); got != "about to; outcome of record 2; " {
		t.Errorf("in words: %s", got)
	}
}

func TestOutcomeIsRecordedOnce(t *testing.T) {
	l, path := newLog(t, 0)
	p := begin(t, l, "K")
	if _, err := p.Done(Outcome{}); !fault.Is(err, fault.Bug) {
		t.Errorf("no outcome: %v", err)
	}
	p.After.Operation = KeyExport
	if _, err := p.Done(OK()); !fault.Is(err, fault.Bug) {
		t.Errorf("another operation: %v", err)
	}
	p.After.Operation = KeyGenerate
	done(t, p)
	if _, err := p.Done(OK()); !fault.Is(err, fault.Bug) {
		t.Errorf("twice: %v", err)
	}
	if n := len(records(t, read(t, path))); n != 3 {
		t.Errorf("%d records", n)
	}
}

func TestBatchHasItsCountsWhenItEnds(t *testing.T) {
	l, _ := newLog(t, 0)
	e := Entry{Who: alice, Operation: KeyWrap, Batch: Batch{Count: 1000}}
	p, err := l.Begin(e)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Done(OK()); !fault.Is(err, fault.Malformed) {
		t.Errorf("a batch that ends without its counts: %v", err)
	}
	p.After.Batch = Batch{1000, 990, 4, 5, 1, DigestOf([]byte("lines"))}
	done(t, p)
}

func TestUnfinishedOperationsAreFoundWhenTheLogIsOpened(t *testing.T) {
	l, path := newLog(t, 0)
	first := begin(t, l, "A")
	second := begin(t, l, "B")
	third := begin(t, l, "C")
	done(t, second)
	if left := l.Unfinished(); len(left) != 0 {
		t.Errorf("operations under way are not unfinished: %v", left)
	}
	closeLog(t, l)
	l = reopen(t, path)
	left := l.Unfinished()
	if len(left) != 2 || left[0].Begun.Hash != first.Begun.Hash || left[1].Begun.Hash != third.Begun.Hash {
		t.Fatalf("%v", left)
	}
	if left[0].After.Who != agent || left[0].Begun.Who != alice || left[0].After.Object.Label != "A" {
		t.Errorf("%+v", left[0].After)
	}
	if _, err := left[0].Done(NotKnown()); err != nil {
		t.Fatal(err)
	}
	if again := l.Unfinished(); len(again) != 1 || again[0] != left[1] {
		t.Errorf("%v", again)
	}
	rep := verified(t, read(t, path), Expect{})
	if last := rep.Warnings[len(rep.Warnings)-1]; fmt.Sprint(rep.Unfinished) != "[4]" || last.Kind != LeftOpen || last.Record != 4 {
		t.Errorf("open %v, warnings %v", rep.Unfinished, rep.Warnings)
	}
}

func TestOpenOperationsAreLimited(t *testing.T) {
	l, path := newLog(t, 0)
	var last *Pending
	for i := range MaxOpen {
		last = begin(t, l, fmt.Sprint(i))
	}
	_, err := l.Begin(generate("ONE-MORE"))
	wantKind(t, "one more", err, fault.Busy)
	add(t, l, "AT-ONCE")
	done(t, last)
	begin(t, l, "AGAIN")
	closeLog(t, l)
	if n := len(reopen(t, path).Unfinished()); n != MaxOpen {
		t.Errorf("%d came back", n)
	}
	if rep := verified(t, read(t, path), Expect{}); len(rep.Unfinished) != MaxOpen || rep.More != MaxOpen-maxWarnings {
		t.Errorf("%d open, %d more", len(rep.Unfinished), rep.More)
	}
}

// forge seals records of its own making into a chain: what a log would look like if a program broke the rules.
func forge(rs ...Record) []byte {
	var raw []byte
	var c chain
	for i := range rs {
		r := &rs[i]
		open := r.Open
		c.fill(r, r.Time)
		if open != 0 {
			r.Open = open &^ (1 << 60)
		}
		r.Hash = hashRecord(appendBody(nil, r))
		raw = append(append(raw, r.Line()...), '\n')
		c.advance(r)
	}
	return raw
}

func TestFalseAccountsOfIntentsAreFound(t *testing.T) {
	now := newClock()
	genesis := Record{Time: now.now(), Log: testID, Entry: Entry{Who: agent, Operation: LogCreate}, Outcome: OK()}
	intent := func(label string) Record { return Record{Time: now.now(), Entry: generate(label)} }
	outcome := func(label string, of uint64) Record {
		return Record{Time: now.now(), Entry: generate(label), Of: of, Outcome: OK()}
	}
	export := outcome("A", 2)
	export.Operation = KeyExport
	claims := func(r Record, open uint64) Record { r.Open = open; return r }
	const none = 1 << 60 // forge writes 0
	for what, c := range map[string]struct {
		rs     []Record
		record uint64
	}{
		"good":                          {[]Record{genesis, intent("A"), outcome("A", 2)}, 0},
		"an outcome of nothing":         {[]Record{genesis, outcome("A", 7)}, 2},
		"an outcome of itself":          {[]Record{genesis, outcome("A", 2)}, 2},
		"an outcome twice":              {[]Record{genesis, intent("A"), outcome("A", 2), outcome("A", 2)}, 4},
		"an outcome of an outcome":      {[]Record{genesis, intent("A"), outcome("A", 2), outcome("A", 3)}, 4},
		"an outcome of another act":     {[]Record{genesis, intent("A"), export}, 3},
		"an intent that is not counted": {[]Record{genesis, claims(intent("A"), none)}, 2},
		"an intent counted as another":  {[]Record{genesis, intent("A"), claims(intent("B"), 3)}, 3},
		"one open that is not":          {[]Record{genesis, intent("A"), claims(outcome("A", 2), 2)}, 3},
	} {
		raw := forge(c.rs...)
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		write(t, path, raw)
		rep, err := Verify(readerOf(raw), Expect{})
		l, oerr := Open(path, testID, options(newClock()))
		if oerr == nil {
			closeLog(t, l)
		}
		ierr := independent(raw)
		if c.record == 0 {
			if err != nil || oerr != nil || ierr != nil {
				t.Errorf("%s: %v, %v, %v", what, err, oerr, ierr)
			}
			continue
		}
		wantProblem(t, what, err, IntentNote)
		wantProblem(t, what+", opened", oerr, IntentNote)
		if rep.Problem == nil || rep.Problem.Record != c.record || ierr == nil {
			t.Errorf("%s: %+v, %v", what, rep.Problem, ierr)
		}
	}
}
