package diagnose_test

// Logs of terminals, HSMs and stations lead to their causes, and healthy ones to none.

import (
	"errors"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"poskey/pkg/diagnose"
)

// logScene is a log with what should be made of it.
type logScene struct{ name, want, worth, text string }

func logScenes(t testing.TB) []logScene {
	t.Helper()
	raw, err := os.ReadFile("testdata/logs.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all []logScene
	for part := range strings.SplitSeq(string(raw), "== ") {
		head, body, ok := strings.Cut(part, "\n")
		name, want, named := strings.Cut(head, " | ")
		if !ok || !named {
			continue
		}
		cause, worth, _ := strings.Cut(want, " ")
		all = append(all, logScene{name, cause, worth, body})
	}
	if len(all) < 20 {
		t.Fatalf("%d logs", len(all))
	}
	return all
}

func readLog(t testing.TB, text string) ([]diagnose.Event, diagnose.LogSummary) {
	t.Helper()
	return readLogBy(t, nil, text)
}

func readLogBy(t testing.TB, ears *diagnose.Ears, text string) ([]diagnose.Event, diagnose.LogSummary) {
	t.Helper()
	events, sum, err := diagnose.ReadLog(strings.NewReader(text), diagnose.LogOptions{Year: 2026, Ears: ears})
	if err != nil {
		t.Fatal(err)
	}
	return events, sum
}

func TestALogLeadsToItsCause(t *testing.T) {
	ears := hearing(t)
	for _, s := range logScenes(t) {
		events, _ := readLogBy(t, ears, s.text)
		if len(events) == 0 {
			t.Errorf("%s: no events", s.name)
			continue
		}
		r := diagnosed(t, diagnose.Case{Log: events})
		if s.want == "none" {
			if len(r.Findings) > 0 || r.Verdict != diagnose.Match {
				t.Errorf("%s: %s %v %+v", s.name, r.Verdict, causesOf(r), eventKinds(events))
			}
			continue
		}
		if len(r.Findings) == 0 || string(r.Findings[0].Cause) != s.want || s.worth != "" && string(r.Findings[0].Certainty) != s.worth {
			t.Errorf("%s: %v, want %s %s first; events %v", s.name, causesOf(r), s.worth, s.want, eventKinds(events))
			continue
		}
		if seen := r.Findings[0].Evidence.Seen; len(seen) == 0 || !strings.HasPrefix(seen[0].What.String(), "line ") {
			t.Errorf("%s: the evidence names no line: %+v", s.name, seen)
		}
	}
}

func eventKinds(events []diagnose.Event) []string {
	var all []string
	for _, e := range events {
		all = append(all, string(e.Kind)+"("+e.Where+","+e.Code+")")
	}
	return all
}

func TestTimeStampsOfManyFormsAreRead(t *testing.T) {
	ears := hearing(t)
	want := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	for _, stamp := range []string{"2026-03-04T12:00:00Z", "2026-03-04 12:00:00", "2026-03-04T20:00:00+08:00", "2026-03-04 12:00:00,000", "2026-03-04T12:00:00.000000Z",
		"[2026/03/04 12:00:00]", "[2026-03-04 12:00:00]", "20260304120000", "20260304 120000", "03-04 12:00:00.000", "Mar  4 12:00:00", "<34>Mar  4 12:00:00",
		"2026年3月4日 12:00:00", "INFO 2026-03-04 12:00:00", "time=2026-03-04T12:00:00Z"} {
		events, _ := readLogBy(t, ears, stamp+" PED tampered\n")
		if len(events) != 1 || !events[0].At.Equal(want) {
			t.Errorf("%q is read as %+v", stamp, events)
		}
	}
	for _, line := range []string{`{"time":"2026-03-04T12:00:00Z","msg":"PED tampered"}`, `{"ts":1772625600,"msg":"PED tampered"}`, `{"@timestamp":1772625600000,"message":"PED tampered"}`} {
		events, sum := readLogBy(t, ears, line)
		if len(events) != 1 || !events[0].At.Equal(want) || !sum.From.Equal(want) {
			t.Errorf("%s is read as %+v", line, events)
		}
	}
	events, _, err := diagnose.ReadLog(strings.NewReader("2026-03-04 20:00:00 PED tampered"), diagnose.LogOptions{Location: time.FixedZone("", 8*3600)})
	if err != nil || !events[0].At.Equal(want) {
		t.Errorf("%v %+v", err, events)
	}
}

func TestLabelsSayWhoseAndWho(t *testing.T) {
	ears := hearing(t)
	for line, want := range map[string][4]string{
		"station=S2 officer=custodian-B slot 3 key load failed":                                  {"", "S2", "custodian-B", "3"},
		"终端号:12345678 操作员:03 槽位1 灌密钥失败":                                                          {"12345678", "", "03", "1"},
		"custodian A: seal broken":                                                               {"", "", "A", ""},
		"user cancelled the key load, error -301":                                                {"", "", "", ""},
		`{"serial":"SN1","who":{"id":"op-1","station":"S9"},"slot":"2","msg":"key load failed"}`: {"SN1", "S9", "op-1", "2"},
	} {
		events, _ := readLogBy(t, ears, line)
		if len(events) != 1 {
			t.Errorf("%s: %d events", line, len(events))
			continue
		}
		e := events[0]
		if got := [4]string{e.Where, e.Station, e.Who, e.Slot}; got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

func TestALogIsBounded(t *testing.T) {
	ears := hearing(t)
	line := "2026-03-04 12:00:00 PED tampered\n"
	events, sum, err := diagnose.ReadLog(strings.NewReader(strings.Repeat(line, 100)), diagnose.LogOptions{MaxEvents: 10, Ears: ears})
	if err != nil || len(events) != 10 || !sum.Cut || sum.Events != 10 {
		t.Errorf("%v %d %+v", err, len(events), sum)
	}
	_, sum, err = diagnose.ReadLog(strings.NewReader(strings.Repeat(line, 100)), diagnose.LogOptions{MaxLines: 100, Ears: ears})
	if err != nil || sum.Lines != 100 || sum.Cut {
		t.Errorf("%v %+v", err, sum)
	}
	long := "PED tampered " + strings.Repeat("x", 1<<20) + "\n" + line
	events, sum, err = diagnose.ReadLog(strings.NewReader(long), diagnose.LogOptions{Ears: ears})
	if err != nil || len(events) != 2 || sum.Long != 1 || len(events[0].Text) > 400 {
		t.Errorf("%v %d %+v", err, len(events), sum)
	}
	if _, _, err := diagnose.ReadLog(io.MultiReader(strings.NewReader(line), broken{}), diagnose.LogOptions{Ears: ears}); err == nil {
		t.Error("a log that cannot be read is no error")
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("broken") }

func TestAKeyInALogIsHidden(t *testing.T) {
	events, sum := readLog(t, "clear key load 0123 4567 89AB CDEF FEDC BA98 7654 3210 slot 1\n"+
		`{"msg":"clear key \u0030\u0031\u0032\u0033\u0034\u0035\u0036\u0037\u0038\u0039\u0041\u0042\u0043\u0044\u0045\u0046 loaded"}`)
	if len(events) != 2 || sum.Blotted == 0 || sum.Clear != 2 {
		t.Fatalf("%+v %+v", events, sum)
	}
	for _, e := range events {
		if strings.Contains(e.Text, "0123") || strings.Contains(e.Text, `\u0030`) || !strings.Contains(e.Text, "hidden") {
			t.Errorf("%q", e.Text)
		}
	}
}

func TestTheSameLogHasTheSameAnswer(t *testing.T) {
	ears, others := hearing(t), hearing(t)
	for _, s := range logScenes(t) {
		one, _ := readLogBy(t, ears, s.text)
		two, _ := readLogBy(t, others, s.text)
		a, b := diagnosed(t, diagnose.Case{Log: one}), diagnosed(t, diagnose.Case{Log: two})
		if !reflect.DeepEqual(one, two) || !reflect.DeepEqual(a.Findings, b.Findings) {
			t.Errorf("%s: %v, then %v", s.name, causesOf(a), causesOf(b))
		}
	}
}

func TestAnEventWithACodeAloneIsLookedUp(t *testing.T) {
	e := diagnose.Event{Line: 7, Kind: diagnose.EventCode, Code: "-301", Vendor: "pax", Failed: true}
	if f := first(t, diagnosed(t, diagnose.Case{Log: []diagnose.Event{e}})); f.Cause != diagnose.CauseEmptySlot || f.Certainty != diagnose.Likely {
		t.Errorf("%s %s", f.Certainty, f.Cause)
	}
	for _, kind := range []diagnose.EventKind{diagnose.EventMACError, diagnose.EventMismatch, "", "of no kind"} {
		diagnosed(t, diagnose.Case{Log: []diagnose.Event{{Kind: kind, Failed: true, Expected: "no value", Got: "x"}}})
	}
}

func TestNothingOfALogIsProvenButAComparison(t *testing.T) {
	ears := hearing(t)
	for _, s := range logScenes(t) {
		events, _ := readLogBy(t, ears, s.text)
		for _, f := range diagnosed(t, diagnose.Case{Log: events}).Findings {
			if f.Certainty == diagnose.Proven && f.Cause != diagnose.CauseKCVLength {
				t.Errorf("%s proves %s", s.name, f.Cause)
			}
		}
	}
}

func FuzzReadLog(f *testing.F) {
	for _, s := range logScenes(f) {
		f.Add(s.text)
	}
	f.Add("KSN=FFFF9876543210E00001 error 0xFFFFFFFFFFFFFEC6\n\xff\x00{\"a\":{\"b\":{}}}\n")
	ears := hearing(f)
	f.Fuzz(func(t *testing.T, log string) {
		events, sum, err := diagnose.ReadLog(strings.NewReader(log), diagnose.LogOptions{MaxLine: 2048, MaxLines: 200, Ears: ears})
		if err != nil || sum.Events != len(events) {
			t.Fatal(err, sum)
		}
		for _, e := range events {
			for _, s := range []string{e.Where, e.Station, e.Who, e.Text, e.Code, e.Slot, e.Expected, e.Got, e.Vendor} {
				if hexRun(s) >= 16 {
					t.Errorf("%+v", e)
				}
			}
		}
		if len(events) > 0 {
			for _, x := range diagnosed(t, diagnose.Case{Log: events, Ears: ears}).Findings {
				for _, s := range x.Evidence.Seen {
					if hexRun(s.Observed.String()) >= 16 {
						t.Errorf("%+v", s)
					}
				}
			}
		}
	})
}
