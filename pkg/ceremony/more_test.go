package ceremony

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/component"
	"poskey/pkg/custody"
)

func TestADeviationCanBeWrittenAtEveryQuestion(t *testing.T) {
	p := newPartner(t, "partner")
	whole := smallStage(t, p, true)
	if _, err := whole.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= len(whole.desk.asked); n += 3 {
		s := smallStage(t, p, true)
		asked := 0
		s.desk.does = func(q text.Text, _ int) (string, error, bool) {
			asked++
			return "", ErrDeviation, asked == n
		}
		out, err := s.run(t.Context())
		if err != nil || out.State != transcript.Closed || out.Deviations != 1 {
			t.Fatalf("question %d (%q): %+v, %v", n, whole.desk.asked[n-1], out, err)
		}
		s.sound()
		if t.Failed() {
			t.Fatalf("question %d (%q)", n, whole.desk.asked[n-1])
		}
	}
}

func TestASheetThatCannotBeReadIsPrintedAgain(t *testing.T) {
	for _, format := range []string{"from the paper, the part check", "from the paper, the check of row"} {
		s := newStage(t, template(t, script.ZMKExchange), transcript.Run)
		s.desk.does = once(format, 2, "0000")
		out, err := s.run(t.Context())
		if err != nil || out.State != transcript.Closed {
			t.Fatal(err)
		}
		v := s.sound()
		if lines(v, transcript.KindPrinted, nil) != 4 || lines(v, transcript.KindDestroyed, nil) != 1 {
			t.Error("the sheet was not printed again, or the first one not destroyed")
		}
	}
}

// TestPrintedComponentsAreSeenOnPaperAlone reads the components off the paper and looks for them everywhere else.
func TestPrintedComponentsAreSeenOnPaperAlone(t *testing.T) {
	s := newStage(t, template(t, script.ZMKExchange), transcript.Run)
	if _, err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen := strings.NewReplacer(" ", "").Replace(s.desk.seen.String() + string(s.record()))
	pages := strings.Split(strings.TrimSuffix(s.paper.String(), "\f"), "\f")
	if len(pages) != 3 {
		t.Fatalf("%d sheets", len(pages))
	}
	for _, page := range pages {
		p, err := component.ParseSheet([]byte(page))
		if err != nil {
			t.Fatal(err)
		}
		digits := strings.ToUpper(hex.EncodeToString(p.Value.Expose()))
		p.Wipe()
		for at := 0; at+12 <= len(digits); at += 4 {
			if strings.Contains(strings.ToUpper(seen), digits[at:at+12]) {
				t.Error("digits of a component are seen beside the paper")
			}
		}
	}
}

func TestTheHSMIsReadByTwoPeople(t *testing.T) {
	s := newStage(t, template(t, script.HSMScribe), transcript.Run)
	s.desk.does = once("the check value that the HSM shows", 2, "08D7B5")
	if _, err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(s.desk.seen.String(), "the two entries differ") {
		t.Error("two entries that differ passed")
	}
	s.sound()
}

func TestAnotherItemIsADeviation(t *testing.T) {
	s := newStage(t, template(t, script.TMK), transcript.Run)
	s.desk.does = func(q text.Text, n int) (string, error, bool) {
		switch {
		case strings.Contains(q.Format, "as you read it off") && n == 1:
			return "PC-0002", nil, true
		case strings.HasPrefix(q.Format, `type "again"`) && n == 1:
			return "", ErrDeviation, true
		case strings.HasPrefix(q.Format, `type "again"`):
			return wordGoOn, nil, true
		}
		return "", nil, false
	}
	out, err := s.run(t.Context())
	if err != nil || out.Deviations != 1 {
		t.Fatalf("%+v, %v", out, err)
	}
	s.sound()
}

// failing are tools of which one fails so many times.
type failing struct {
	Tools
	times int
}

func (f *failing) Load(ctx context.Context, k *script.Key, o *script.Output) (Loaded, error) {
	if f.times--; f.times >= 0 {
		return Loaded{}, fault.New(fault.DeviceFailed, "the device says no")
	}
	return f.Tools.Load(ctx, k, o)
}

func (f *failing) Print(ctx context.Context, write func(io.Writer) error) error {
	if f.times--; f.times >= 0 {
		return fault.New(fault.DeviceFailed, "the printer says no")
	}
	return f.Tools.Print(ctx, write)
}

// runWith is run with other tools.
func (s *stage) runWith(tools Tools) (Outcome, error) {
	s.t.Helper()
	log, err := transcript.Create(s.path, transcript.Head{Ceremony: "20261201-7F3A91C2", Mode: s.mode,
		Environment: custody.Test,
		Script:      s.program.Script.Raw(), Language: "en"}, logOptions())
	if err != nil {
		s.t.Fatal(err)
	}
	o := s.options()
	o.Log, o.Tools = log, tools
	return Lead(s.t.Context(), o)
}

func TestADeviceThatFailsIsTriedAgainOrLeftOut(t *testing.T) {
	for _, times := range []int{1, 1000} {
		s := newStage(t, template(t, script.Injection), transcript.Run)
		s.desk.does = func(q text.Text, n int) (string, error, bool) {
			switch {
			case times == 1 || !strings.HasPrefix(q.Format, `type "again"`):
				return "", nil, false
			case n%2 == 1:
				return "", ErrDeviation, true
			}
			return wordSkip, nil, true
		}
		out, err := s.runWith(&failing{s.tools, times})
		if err != nil || out.State != transcript.Closed {
			t.Fatalf("%+v, %v\n%s", out, err, s.desk.seen.String())
		}
		v := s.sound("left-out")
		if loaded := lines(v, transcript.KindLoaded, nil); (loaded > 0) != (times == 1) {
			t.Errorf("%d keys were loaded", loaded)
		}
	}
}

func TestAPrinterThatFailsIsTriedAgain(t *testing.T) {
	s := newStage(t, template(t, script.ZMKExchange), transcript.Run)
	out, err := s.runWith(&failing{s.tools, 2})
	if err != nil || out.State != transcript.Closed {
		t.Fatalf("%+v, %v", out, err)
	}
	s.sound()
}

// forge writes a record by hand: a ceremony as its lines tell it.
func forge(t *testing.T, program *script.Program, write func(w *transcript.Log,
	id func(string) *custody.Identity)) *Verified {
	t.Helper()
	s := newStage(t, program, transcript.Run)
	log, err := transcript.Create(s.path, transcript.Head{Ceremony: "20261201-7F3A91C2", Mode: transcript.Run,
		Environment: custody.Test,
		Script:      program.Script.Raw(), Language: "en"}, logOptions())
	if err != nil {
		t.Fatal(err)
	}
	people := map[string]*custody.Identity{}
	write(log, func(id string) *custody.Identity {
		if people[id] == nil {
			people[id] = testOfficer(id)
		}
		return people[id]
	})
	for _, id := range people {
		id.Wipe()
	}
	if err := log.Abandon(); err != nil {
		t.Fatal(err)
	}
	return s.verified()
}

func findings(v *Verified) []string {
	var ids []string
	for _, f := range v.Findings {
		ids = append(ids, f.ID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func TestAForgedCeremonyIsSeenThrough(t *testing.T) {
	p := newPartner(t, "partner")
	program := smallStage(t, p, true).program
	k := &program.Script.Keys[0]
	write := func(t *testing.T, w *transcript.Log, e transcript.Entry) {
		t.Helper()
		if _, err := w.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	attend := func(t *testing.T, w *transcript.Log, id func(string) *custody.Identity, who, role string) {
		write(t, w, transcript.Entry{Kind: transcript.KindAttended, Step: 1, Who: who, Card: id(who).Card().Marshal(),
			Details: map[string]string{"role": role}})
	}
	for _, c := range []struct {
		want  string
		write func(t *testing.T, w *transcript.Log, id func(string) *custody.Identity)
	}{
		{"step-left-out", func(t *testing.T, w *transcript.Log, _ func(string) *custody.Identity) {
			write(t, w, transcript.Entry{Kind: transcript.KindBegun, Step: 2, Who: "custodian.a"})
		}},
		{"unknown-step", func(t *testing.T, w *transcript.Log, _ func(string) *custody.Identity) {
			write(t, w, transcript.Entry{Kind: transcript.KindBegun, Step: 99, Who: "custodian.a"})
		}},
		{"other-step", func(t *testing.T, w *transcript.Log, _ func(string) *custody.Identity) {
			write(t, w, transcript.Entry{Kind: transcript.KindBegun, Step: 1, Who: "leader.a",
				Details: map[string]string{"verb": "close"}})
		}},
		{"done-not-begun", func(t *testing.T, w *transcript.Log, _ func(string) *custody.Identity) {
			write(t, w, transcript.Entry{Kind: transcript.KindDone, Step: 1, Who: "leader.a"})
		}},
		{"seat-attended", func(t *testing.T, w *transcript.Log, id func(string) *custody.Identity) {
			attend(t, w, id, "custodian.a", "leader")
		}},
		{"unknown-seat", func(t *testing.T, w *transcript.Log, id func(string) *custody.Identity) {
			attend(t, w, id, "custodian.a", "guest")
		}},
		{"not-signed", func(t *testing.T, w *transcript.Log, id func(string) *custody.Identity) {
			write(t, w, transcript.Entry{Kind: transcript.KindBegun, Step: 1, Who: "leader.a"})
			attend(t, w, id, "leader.a", "leader")
			write(t, w, transcript.Entry{Kind: transcript.KindDone, Step: 1, Who: "leader.a"})
		}},
		{"not-confirmed", func(t *testing.T, w *transcript.Log, id func(string) *custody.Identity) {
			write(t, w, transcript.Entry{Kind: transcript.KindBegun, Step: 1, Who: "leader.a"})
			attend(t, w, id, "leader.a", "leader")
			if _, err := w.Sign(1, id("leader.a")); err != nil {
				t.Fatal(err)
			}
			write(t, w, transcript.Entry{Kind: transcript.KindDone, Step: 1, Who: "leader.a"})
		}},
		{"seat-actor", func(t *testing.T, w *transcript.Log, _ func(string) *custody.Identity) {
			write(t, w, transcript.Entry{Kind: transcript.KindBegun, Step: 1, Who: "leader.a"})
			write(t, w, transcript.Entry{Kind: transcript.KindDone, Step: 1, Who: "custodian.a"})
		}},
		{"without-result", func(t *testing.T, w *transcript.Log, _ func(string) *custody.Identity) {
			write(t, w, transcript.Entry{Kind: transcript.KindBegun, Step: 1, Who: "leader.a"})
			write(t, w, transcript.Entry{Kind: transcript.KindDone, Step: 1, Who: "leader.a"})
		}},
		{"differs", func(t *testing.T, w *transcript.Log, _ func(string) *custody.Identity) {
			write(t, w, transcript.Entry{Kind: transcript.KindBegun, Step: 1, Who: "leader.a"})
			write(t, w, transcript.Entry{Kind: transcript.KindObserved, Step: 1, Verdict: transcript.Differs,
				Details: map[string]string{"item": "a seal"}})
			write(t, w, transcript.Entry{Kind: transcript.KindDone, Step: 1, Who: "leader.a"})
		}},
		{"kept-unmatched", func(t *testing.T, w *transcript.Log, _ func(string) *custody.Identity) {
			write(t, w, transcript.Entry{Kind: transcript.KindKept, Key: k.ID})
		}},
		{"kept-differs", func(t *testing.T, w *transcript.Log, _ func(string) *custody.Identity) {
			write(t, w, transcript.Entry{Kind: transcript.KindChecked, Key: k.ID, Verdict: transcript.Differs})
			write(t, w, transcript.Entry{Kind: transcript.KindKept, Key: k.ID})
		}},
		{"unknown-key", func(t *testing.T, w *transcript.Log, _ func(string) *custody.Identity) {
			write(t, w, transcript.Entry{Kind: transcript.KindKept, Key: "OTHER"})
		}},
		{"deviation-unsigned", func(t *testing.T, w *transcript.Log, _ func(string) *custody.Identity) {
			write(t, w, transcript.Entry{Kind: transcript.KindDeviation, Details: map[string]string{"happened": "much"}})
			write(t, w, transcript.Entry{Kind: transcript.KindBegun, Step: 1, Who: "leader.a"})
		}},
	} {
		t.Run(c.want, func(t *testing.T) {
			v := forge(t, program, func(w *transcript.Log, id func(string) *custody.Identity) { c.write(t, w, id) })
			if got := findings(v); !slices.Contains(got, c.want) {
				t.Errorf("found %v", got)
			}
		})
	}
}

func TestARecordWithAnotherScriptIsSeenThrough(t *testing.T) {
	s := smallStage(t, newPartner(t, "partner"), true)
	log, err := transcript.Create(s.path, transcript.Head{Ceremony: "20261201-7F3A91C2", Mode: transcript.Run,
		Environment: custody.Production,
		Script:      s.program.Script.Raw(), Language: "en"}, logOptions())
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Abandon(); err != nil {
		t.Fatal(err)
	}
	v, err := Verify(bytes.NewReader(s.record()))
	if err != nil || !slices.Contains(findings(v), "other-environment") {
		t.Errorf("%v, %v", findings(v), err)
	}
}

func TestWhatPeopleTypeIsOneLineWithoutKeys(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"  the   seal\tis\nbroken ", "the seal is broken"},
		{"a\u202Eb\u200Bc\x00", "abc"},
		{"key 0123 4567-89AB.CDEF", "(23 characters that look like a key)"},
		{"0123456789012345", "(16 characters that look like a key)"},
		{"BAG 7002-451", "BAG 7002-451"},
	} {
		if got := public(c.in); got != c.want {
			t.Errorf("%q gives %q, want %q", c.in, got, c.want)
		}
	}
	if got := serial("0123456789012345"); got != "0123456789012345" {
		t.Errorf("a serial gives %q", got)
	}
	if n := len(public(strings.Repeat("长", 1000))); n > maxWords {
		t.Errorf("%d bytes", n)
	}
}

func TestPracticeMakesNothingReal(t *testing.T) {
	var name string
	var block []byte
	p, err := NewPractice(PracticeOptions{Env: testEnv("practice"), Load: identityFile,
		Write: func(n string, b []byte) error { name, block = n, b; return nil }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	k := &script.Key{ID: "PEK", Algorithm: "aes-128", Usage: "P0", Outputs: []script.Output{{To: script.ToBlock,
		File: "pek.txt", KBPK: "ZMK"}}}
	if _, err := p.Generate(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	x, err := p.Export(t.Context(), k, &k.Outputs[0])
	if err != nil {
		t.Fatal(err)
	}
	if name != "TEST-pek.txt" || x.File != name || !bytes.Contains(block, []byte("TEST-")) {
		t.Errorf("%s: %s", name, block)
	}
	l, err := p.Load(t.Context(), k, &script.Output{Device: "D1", Slot: "3"})
	if err != nil || l.Device != "TEST-D1" {
		t.Errorf("%+v, %v", l, err)
	}
	if err := p.Forget(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Keep(t.Context(), k, nil); !fault.Is(err, fault.NotFound) {
		t.Errorf("a key is there after all was forgotten: %v", err)
	}
	if got := fmt.Sprint(len(p.Ledger())); got != "0" {
		t.Error(got)
	}
}
