package audit

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"poskey/internal/chained"
	"poskey/internal/fault"
)

// TestNoFieldTakesBytes walks through everything a caller can put into a record.
func TestNoFieldTakesBytes(t *testing.T) {
	seen := 0
	var look func(path string, of reflect.Type)
	look = func(path string, of reflect.Type) {
		seen++
		switch of.Kind() {
		case reflect.String, reflect.Uint64:
		case reflect.Struct:
			for f := range of.Fields() {
				if of == reflect.TypeFor[Digest]() {
					if f.IsExported() {
						t.Errorf("%s.%s: a digest that can be set", path, f.Name)
					}
					continue
				}
				look(path+"."+f.Name, f.Type)
			}
		case reflect.Map:
			look(path+" key", of.Key())
			look(path+" value", of.Elem())
		case reflect.Slice:
			if of.Elem().Kind() != reflect.Struct {
				t.Errorf("%s is a %s", path, of)
			}
			look(path, of.Elem())
		default:
			t.Errorf("%s is a %s", path, of)
		}
	}
	look("Entry", reflect.TypeFor[Entry]())
	look("Outcome", reflect.TypeFor[Outcome]())
	if seen < 25 {
		t.Errorf("only %d types were seen", seen)
	}
}

// TestPackageKnowsNothingThatHoldsAKey lists what the package is linked with.
func TestPackageKnowsNothingThatHoldsAKey(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	ours := 0
	for name := range strings.FieldsSeq(string(out)) {
		if !strings.HasPrefix(name, "poskey/") {
			continue
		}
		ours++
		switch name {
		case "poskey/pkg/audit", "poskey/internal/chained", "poskey/internal/text", "poskey/internal/fault":
		default:
			t.Errorf("linked with %s", name)
		}
	}
	if ours != 4 {
		t.Errorf("%d packages of this module were listed", ours)
	}
}

func TestTextThatLooksLikeAKeyIsRefused(t *testing.T) {
	l, path := newLog(t, 1)
	before := read(t, path)
	const key = "0123456789ABCDEF"
	for what, e := range map[string]Entry{
		"a label":         generate(key),
		"grouped":         generate("0123 4567 89AB CDEF"),
		"lower case":      generate("a 0123-4567-89ab-cdef"),
		"wide":            {Who: alice, Operation: KeyCheck, Details: Details{FieldReason: "０１２３４５６７８９ＡＢＣＤＥＦ"}},
		"inside a word":   generate("Z" + key + "Z"),
		"an actor":        {Who: Actor{ID: key, Role: "operator"}, Operation: KeyCheck},
		"a station":       {Who: Actor{ID: "x", Role: "operator", Station: key}, Operation: KeyCheck},
		"another":         {Who: alice, With: []Actor{bob, {ID: key, Role: "operator"}}, Operation: KeyCheck},
		"a detail":        {Who: alice, Operation: KeyCheck, Details: Details{FieldReason: "typed " + key}},
		"decimal digits":  {Who: alice, Operation: KeyCheck, Details: Details{FieldReason: strings.Repeat("1234 ", 8)}},
		"almost a UUID":   {Who: alice, Operation: KeyCheck, Details: Details{FieldReason: "550e8400-e29b-41d4-a71-6446655440000"}},
		"more than a key": {Who: alice, Operation: KeyCheck, Details: Details{FieldReason: key + key + key}},
	} {
		_, err := l.Append(e, OK())
		wantKind(t, what, err, fault.NotPermitted)
		if _, berr := l.Begin(e); !fault.Is(berr, fault.NotPermitted) {
			t.Errorf("%s, begun: %v", what, berr)
		}
		if err != nil && (strings.Contains(strings.ToUpper(err.Error()), "456789") || strings.Contains(err.Error(), "４５６")) {
			t.Errorf("%s: the error shows it: %v", what, err)
		}
	}
	p := begin(t, l, "ZMK")
	p.After.Details = Details{FieldReason: key}
	if _, err := p.Done(OK()); !fault.Is(err, fault.NotPermitted) {
		t.Errorf("learnt in between: %v", err)
	}
	p.After.Details = nil
	done(t, p)
	e := Entry{Who: alice, Operation: KeyCheck, Details: Details{"uuid": "550e8400-e29b-41d4-a716-446655440000",
		FieldSerial: "1234567890123456", FieldCeremony: "2026-03-01 08"}}
	if _, err := l.Append(e, OK()); err != nil {
		t.Errorf("a UUID, a serial number, a date: %v", err)
	}
	if raw := read(t, path); bytes.Contains(raw, []byte("456789ABCDEF")) || !bytes.HasPrefix(raw, before) {
		t.Error("a refused record got in")
	}
	verified(t, read(t, path), Expect{})
}

func TestTextOfOthersIsCleanedForTheRecord(t *testing.T) {
	for in, want := range map[string]string{
		"":                     "",
		"ER02 冲突":              "ER02 冲突",
		"two\nlines\t":         "two?lines?",
		"bad \xff byte":        "bad ? byte",
		"flip \u202Eback":      "flip ?back",
		"key 0123456789ABCDEF": "(20 characters that look like a key)",
		"０１２３４５６７８９ＡＢＣＤＥＦ":       "(16 characters that look like a key)",
		strings.Repeat("é", 200): strings.Repeat("é", 128),
	} {
		got := Clean(in)
		if got != want || chained.CheckText(got, maxValue) != nil || mayHoldKey(got) {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

// largest is a record that uses every limit up.
func largest() Entry {
	quotes := func(n int) string { return strings.Repeat(`"`, n) }
	a := Actor{quotes(maxName), strings.Repeat("r", maxWord), quotes(maxName)}
	e := Entry{Who: a, Operation: Operation(strings.Repeat("o", maxWord)), Request: DigestOf(nil), Details: Details{},
		Object: Object{ObjectKind(strings.Repeat("k", maxWord)), quotes(maxLabel), Check{strings.Repeat("A", maxCheck),
			strings.Repeat("m", maxWord)}, strings.Repeat("F", 24)},
		Batch: Batch{maxNumber, maxNumber - 3, 1, 1, 1, DigestOf(nil)}}
	for range MaxWith {
		e.With = append(e.With, a)
	}
	for i := range MaxDetails {
		e.Details[Field(strings.Repeat("d", maxWord-1)+string(rune('a'+i)))] = quotes(maxValue)
	}
	return e
}

func TestLargestRecordFitsInALine(t *testing.T) {
	l, path := newLog(t, 0)
	got, err := l.Append(largest(), Outcome{Unknown, fault.Kind(strings.Repeat("f", maxWord))})
	if err != nil || got.Seq != 2 {
		t.Fatalf("%v, %v", got, err)
	}
	raw := read(t, path)
	verified(t, raw, Expect{})
	if n := len(splitLines(raw)[1]); n > MaxLine || n < MaxLine/2 {
		t.Errorf("the line has %d bytes, the limit is %d", n, MaxLine)
	}
}

func TestEntriesBeyondTheLimitsAreRefused(t *testing.T) {
	l, path := newLog(t, 0)
	long := func(n int) string { return strings.Repeat("x", n) }
	change := func(f func(*Entry)) Entry {
		e := largest().clone()
		f(&e)
		return e
	}
	for what, e := range map[string]Entry{
		"nobody":                  change(func(e *Entry) { e.Who.ID = "" }),
		"a long id":               change(func(e *Entry) { e.Who.ID = long(maxName + 1) }),
		"no role":                 change(func(e *Entry) { e.Who.Role = "" }),
		"a role of two words":     change(func(e *Entry) { e.Who.Role = "key custodian" }),
		"a role with a capital":   change(func(e *Entry) { e.Who.Role = "Custodian" }),
		"a long station":          change(func(e *Entry) { e.Who.Station = long(maxName + 1) }),
		"17 others":               change(func(e *Entry) { e.With = append(e.With, alice) }),
		"another without a name":  change(func(e *Entry) { e.With[3].ID = "" }),
		"no operation":            change(func(e *Entry) { e.Operation = "" }),
		"an operation in words":   change(func(e *Entry) { e.Operation = "key generate" }),
		"an object of no kind":    change(func(e *Entry) { e.Object.Kind = "" }),
		"a long label":            change(func(e *Entry) { e.Object.Label = long(maxLabel + 1) }),
		"a label of two lines":    change(func(e *Entry) { e.Object.Label = "a\nb" }),
		"a label back to front":   change(func(e *Entry) { e.Object.Label = "\u202Ekey" }),
		"a label not in UTF-8":    change(func(e *Entry) { e.Object.Label = "\xff" }),
		"a zero byte":             change(func(e *Entry) { e.Object.Label = "\x00" }),
		"a long check value":      change(func(e *Entry) { e.Object.Check.Value = "08D7B408D7B408D7B4" }),
		"a check value, no hex":   change(func(e *Entry) { e.Object.Check.Value = "08D7BX" }),
		"a check value, lower":    change(func(e *Entry) { e.Object.Check.Value = "08d7b4" }),
		"a check value alone":     change(func(e *Entry) { e.Object.Check.Method = "" }),
		"a method alone":          change(func(e *Entry) { e.Object.Check.Value = "" }),
		"a KSN of 16 digits":      change(func(e *Entry) { e.Object.KSN = "FFFF9876543210E0" }),
		"a KSN of 32 digits":      change(func(e *Entry) { e.Object.KSN = strings.Repeat("F", 32) }),
		"a batch that loses one":  change(func(e *Entry) { e.Batch.OK-- }),
		"a batch that gains one":  change(func(e *Entry) { e.Batch.OK++ }),
		"a batch that runs over":  change(func(e *Entry) { e.Batch = Batch{Count: 1, OK: 1<<64 - 1, Failed: 2} }),
		"a huge batch":            change(func(e *Entry) { e.Batch = Batch{Count: 1 << 53, OK: 1 << 53} }),
		"a digest of no lines":    change(func(e *Entry) { e.Batch = Batch{Digest: DigestOf(nil)} }),
		"25 details":              change(func(e *Entry) { e.Details["one-more"] = "x" }),
		"a long detail":           change(func(e *Entry) { e.Details = Details{"a": long(maxValue + 1)} }),
		"a detail with a tab":     change(func(e *Entry) { e.Details = Details{"a": "\t"} }),
		"a detail of no name":     change(func(e *Entry) { e.Details = Details{"": "a"} }),
		"a detail in capitals":    change(func(e *Entry) { e.Details = Details{"A": "a"} }),
		"a detail with a dot":     change(func(e *Entry) { e.Details = Details{"a.b": "a"} }),
		"an invisible character":  change(func(e *Entry) { e.Details = Details{"a": "\u200B"} }),
		"a tag character":         change(func(e *Entry) { e.Details = Details{"a": "\U000E0041"} }),
		"a next-line character":   change(func(e *Entry) { e.Details = Details{"a": "\u0085"} }),
		"a byte order mark":       change(func(e *Entry) { e.Details = Details{"a": "\uFEFF"} }),
		"an annotation character": change(func(e *Entry) { e.Details = Details{"a": "\uFFF9"} }),
	} {
		if _, err := l.Append(e, OK()); !fault.Is(err, fault.Malformed) && !fault.Is(err, fault.TooLarge) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, o := range map[string]Outcome{
		"done with an error":   {Done, fault.Busy},
		"failed without":       {Failed, ""},
		"an error of words":    {Failed, "it failed"},
		"a result of our own":  {"fine", ""},
		"unknown without kind": {Unknown, ""},
	} {
		if _, err := l.Append(generate("K"), o); !fault.Is(err, fault.Malformed) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, o := range []Operation{LogCreate, LogRecover, LogCheckpoint} {
		if _, err := l.Append(Entry{Who: alice, Operation: o}, OK()); !fault.Is(err, fault.Bug) {
			t.Errorf("%s by a caller: %v", o, err)
		}
	}
	if _, err := l.Append(generate("K"), Outcome{}); !fault.Is(err, fault.Bug) {
		t.Errorf("no outcome: %v", err)
	}
	add(t, l, "GOOD") // the log is still open
	if rep := verified(t, read(t, path), Expect{}); rep.Records != 2 {
		t.Errorf("%d records", rep.Records)
	}
}

func TestEmptyListsAreThoseThatAreNotThere(t *testing.T) {
	l, path := newLog(t, 0)
	e := generate("K")
	e.With, e.Details = []Actor{}, Details{}
	if _, err := l.Append(e, OK()); err != nil {
		t.Fatal(err)
	}
	if raw := read(t, path); bytes.Contains(raw, []byte("with")) || bytes.Contains(raw, []byte("details")) {
		t.Errorf("%s", raw)
	}
	verified(t, read(t, path), Expect{})
}

func TestClockOutOfRangeIsRefused(t *testing.T) {
	l, path := newLog(t, 0)
	for _, at := range []time.Time{{}, time.Date(1969, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)} {
		l.options.Now = func() time.Time { return at }
		_, err := l.Append(generate("K"), OK())
		wantKind(t, at.String(), err, fault.Malformed)
	}
	l.options.Now = newClock().now
	add(t, l, "GOOD")
	verified(t, read(t, path), Expect{})
}

func TestEachRecordIsReadBackAsItWasWritten(t *testing.T) {
	raw, _ := small(t)
	for _, line := range splitLines(raw) {
		line = strings.TrimSuffix(line, "\n")
		r, err := ParseRecord([]byte(line))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if got := string(r.Line()); got != line {
			t.Errorf("read as\n%s\nfrom\n%s", got, line)
		}
		if !json.Valid([]byte(line)) || !utf8.ValidString(line) {
			t.Errorf("not JSON: %s", line)
		}
	}
}

// reseal gives a changed line the hash that belongs to it: what an attacker who knows the format does.
func reseal(line string) string {
	body := strings.TrimSuffix(line, "\n")
	body = body[:len(body)-chained.SealLength]
	return body + `,"hash":"` + hashRecord([]byte(body)).String() + `"}` + "\n"
}

func TestOtherWaysToWriteTheSameRecordAreRefused(t *testing.T) {
	raw, _ := small(t)
	lines := splitLines(raw)
	tried := 0
	for what, c := range map[string]struct {
		line     int
		old, new string
	}{
		"a blank":                    {3, `"op":`, `"op": `},
		"a leading zero":             {3, `{"seq":3`, `{"seq":03`},
		"a sign":                     {3, `{"seq":3`, `{"seq":+3`},
		"an exponent":                {3, `{"seq":3`, `{"seq":3e0`},
		"a number beyond 2^53":       {6, `"count":10`, `"count":9007199254740992`},
		"an escaped letter":          {3, `"alice"`, `"\u0061lice"`},
		"an escaped slash":           {3, `"alice"`, `"al\/ice"`},
		"members in another order":   {6, `"refused":2,"failed":1`, `"failed":1,"refused":2`},
		"details in another order":   {3, `"algorithm":"aes-256","note":"a \"quoted\" \\ word"`, `"note":"a \"quoted\" \\ word","algorithm":"aes-256"`},
		"a detail twice":             {3, `{"algorithm":"aes-256",`, `{"algorithm":"aes-256","algorithm":"aes-256",`},
		"an empty member":            {4, `"role":"administrator"}`, `"role":"administrator","station":""}`},
		"a zero member":              {4, `"op":"key.export"`, `"op":"key.export","of":0`},
		"an empty object":            {4, `"op":"key.export"`, `"op":"key.export","details":{}`},
		"an empty list":              {4, `,"op":"key.export"`, `,"with":[],"op":"key.export"`},
		"an unknown member":          {4, `,"op":"key.export"`, `,"x":1,"op":"key.export"`},
		"a hash in lower case":       {4, `"request":"F06BBE9A`, `"request":"f06bbe9a`},
		"a zero hash":                {4, `"request":"F06BBE9A8C425817A896E44C5BB88E118D1A5A024E292F00364B3880F71AD69D"`, `"request":"` + strings.Repeat("0", 64) + `"`},
		"a time without fractions":   {3, `08:00:03.000000Z`, `08:00:03Z`},
		"a time of another zone":     {3, `08:00:03.000000Z`, `09:00:03.000000+01:00`},
		"a time that is none":        {3, `08:00:03.000000Z`, `08:60:03.000000Z`},
		"a line feed of Windows":     {3, `{"seq"`, "\r" + `{"seq"`},
		"nothing after the start":    {3, `"op":"key.generate"`, ``},
		"an outcome without result":  {3, `"outcome":{"result":"ok"}`, `"outcome":{}`},
		"an intent that has no end":  {3, `"outcome":{"result":"ok"},`, ``},
		"an ok with a fault":         {3, `{"result":"ok"}`, `{"result":"ok","fault":"busy"}`},
		"a name of another store":    {3, `"who":`, `"log":{"format":"poskey.audit/v1","store":"X","environment":"test"},"who":`},
		"a repair that repairs none": {10, `"torn":{"bytes":16,`, `"torn":{"bytes":0,`},
		"a repair without a length":  {4, `"who":`, `"torn":{"bytes":16,"sha256":"` + strings.Repeat("A", 64) + `"},"who":`},
		"another format":             {1, `poskey.audit/v1"`, `poskey.audit/v2"`},
		"another environment":        {1, `"environment":"test"`, `"environment":"staging"`},
		"a first record that fails":  {1, `{"result":"ok"}`, `{"result":"failed","fault":"busy"}`},
		"a raw control character":    {3, `"alice"`, "\"ali\x01ce\""},
		"broken UTF-8":               {3, `"alice"`, "\"ali\xc3ce\""},
		"a string without an end":    {3, `"aes-256"`, `"aes-256\"`},
	} {
		line := lines[c.line-1]
		if strings.Count(line, c.old) != 1 {
			t.Fatalf("%s: %q stands %d times in %s", what, c.old, strings.Count(line, c.old), line)
		}
		changed := reseal(strings.Replace(line, c.old, c.new, 1))
		tried++
		r, err := ParseRecord([]byte(strings.TrimSuffix(changed, "\n")))
		if err == nil || !reflect.DeepEqual(r, Record{}) || !fault.Is(err, fault.Malformed) {
			t.Errorf("%s: %v, %v", what, r, err)
		}
	}
	if tried < 30 {
		t.Errorf("only %d tried", tried)
	}
}

func TestOutcomeFollowsTheKindOfTheError(t *testing.T) {
	for _, c := range []struct {
		err  error
		want Outcome
	}{
		{nil, OK()},
		{fault.New(fault.NotPermitted, "x"), Outcome{Refused, fault.NotPermitted}},
		{fault.New(fault.WeakKey, "x"), Outcome{Refused, fault.WeakKey}},
		{fault.New(fault.DeviceLink, "x"), Outcome{Failed, fault.DeviceLink}},
		{fault.New(fault.KCVMismatch, "x"), Outcome{Failed, fault.KCVMismatch}},
		{fault.New(fault.OutcomeUnknown, "x"), NotKnown()},
	} {
		if got := OutcomeOf(c.err); got != c.want || got.check() != nil {
			t.Errorf("%v gives %v, want %v", c.err, got, c.want)
		}
	}
}

func TestEveryKindOfErrorMayStandInARecord(t *testing.T) {
	kinds := 0
	for _, row := range fault.ExitCodes() {
		for _, k := range row.Kinds {
			kinds++
			if err := OutcomeOf(fault.New(k, "x")).check(); err != nil {
				t.Errorf("%s: %v", k, err)
			}
		}
	}
	if kinds < 40 {
		t.Errorf("only %d kinds", kinds)
	}
}

func TestEveryOperationHasItsOwnWords(t *testing.T) {
	words := map[string]Operation{}
	for _, row := range Operations() {
		s := row.Text.String()
		if other, twice := words[s]; twice || s == "" || s != row.Operation.Text().String() {
			t.Errorf("%s is %q, and so is %s", row.Operation, s, other)
		}
		words[s] = row.Operation
		if !chained.IsWord(string(row.Operation), '.') || !strings.Contains(string(row.Operation), ".") {
			t.Errorf("%q is no name of an operation", row.Operation)
		}
	}
	if len(words) < 50 {
		t.Errorf("only %d operations", len(words))
	}
	if got := Operation("mailer.print").Text().String(); got != "mailer.print" {
		t.Errorf("an operation of others is shown as %q", got)
	}
}

func TestDigestIsSHA256(t *testing.T) {
	const want = "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD" // FIPS 180-2, appendix B.1: "abc"
	d := NewDigester()
	_, _ = d.Write([]byte("a"))
	_, _ = d.Write([]byte("bc"))
	if got := DigestOf([]byte("abc")); got.String() != want || d.Digest() != got || got.Short() != "BA7816BF8F01…" {
		t.Errorf("%s, %s", got, d.Digest())
	}
	if !(Digest{}).IsZero() || DigestOf(nil).IsZero() {
		t.Error("zero is none")
	}
}
