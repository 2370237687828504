package cli

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/internal/host"
	"poskey/internal/i18n"
	"poskey/internal/text"
	"poskey/pkg/assess"
	"poskey/pkg/device"
	"poskey/pkg/incident"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

func TestABarShowsWhateverIsThere(t *testing.T) {
	for _, c := range []struct {
		met, known, applies int
		want                string
	}{
		{0, 0, 0, "[                    ]"},
		{0, 0, 5, "[....................]"},
		{5, 5, 5, "[####################]"},
		{0, 5, 5, "[--------------------]"},
		{10, 15, 20, "[##########-----.....]"},
		{199, 200, 200, "[###################-]"},
		{199, 199, 200, "[###################.]"},
		{0, 1, 3, "[-------.............]"},
		{6, 11, 60, "[##--................]"},
	} {
		s := assess.Score{Met: c.met, Known: c.known, Applies: c.applies}
		got := scoreBar(&s)
		if len(got) != barColumns+2 || c.want != got {
			t.Errorf("%d met, %d known of %d: %s, want %s", c.met, c.known, c.applies, got, c.want)
		}
	}
	for applies := range 40 {
		for known := range applies + 1 {
			for met := range known + 1 {
				s := assess.Score{Met: met, Known: known, Applies: applies}
				bar := scoreBar(&s)
				if len(bar) != barColumns+2 || known > met != strings.Contains(bar, "-") || applies > known != strings.Contains(bar, ".") ||
					met == 0 && strings.Contains(bar, "#") {
					t.Fatalf("%d met, %d known of %d: %s", met, known, applies, bar)
				}
			}
		}
	}
}

func TestAnswersAreUnderstoodInBothLanguages(t *testing.T) {
	for line, want := range map[string]string{
		"y": answerYes, " YES ": answerYes, "是": answerYes, "ｙ": answerYes, "n": answerNo, "否": answerNo, "a": answerNA, "n/a": answerNA,
		"不适用": answerNA, "s": answerPass, "跳过": answerPass, "b": answerBack, "返回": answerBack, "q": answerQuit, "退出": answerQuit,
		"?": answerHelp, "？": answerHelp, "": "", "maybe": "", "yn": "",
	} {
		if got := answered(line); got != want {
			t.Errorf("%q is %q, want %q", line, got, want)
		}
	}
}

// TestWhatAMachineDoesNotTellIsNoEvidence: every field that says something of a machine is either known or named.
func TestWhatAMachineDoesNotTellIsNoEvidence(t *testing.T) {
	h := newHostEvidence(host.Facts{System: "TEST"})
	for _, f := range reflect.VisibleFields(reflect.TypeFor[assess.HostEvidence]()) {
		if slices.Contains([]string{"System", "Version", "Unknown"}, f.Name) {
			continue
		}
		if !h.IsUnknown(f.Name) {
			t.Errorf("%s is taken as known of a machine that tells nothing", f.Name)
		}
	}
	own := filepath.Join(t.TempDir(), "own")
	if err := os.WriteFile(own, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	here := newHostEvidence(host.Look(host.Options{Files: []string{own}}))
	if here.IsUnknown("OthersCanRead") || len(here.OthersCanRead) > 0 && here.System == "linux" {
		t.Errorf("a file of one's own: %v, unknown %v", here.OthersCanRead, here.Unknown)
	}
}

func TestAQuestionnaireIsNeverLost(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "site.yaml")
	s := sights{evidence: assess.Evidence{Now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}}
	open := func() *questionnaire {
		q, err := openQuestionnaire(ctx, path)
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	q := open()
	asked := s.questions(q.answers, true)
	if len(asked.all) == 0 || len(asked.open) != len(asked.all) {
		t.Fatalf("%d questions, %d open", len(asked.all), len(asked.open))
	}
	say := i18n.New(i18n.English)
	put := func(q *questionnaire, a assess.Answers) error {
		_, err := q.write(ctx, asked.file(say, a))
		return err
	}
	if err := put(q, q.answers); err != nil {
		t.Fatal(err)
	}
	again := open()
	a := again.answers
	a.All = append(a.All, assess.Answer{Control: asked.open[0].ID, Verdict: assess.Met, By: "TEST officer", On: s.evidence.Now})
	if err := put(again, a); err != nil {
		t.Fatal(err)
	}
	if left := len(s.questions(again.answers, true).open); left != len(asked.open)-1 {
		t.Errorf("%d questions are open after an answer, of %d", left, len(asked.open))
	}
	// q read the file before the answer: it must not write over it.
	if err := put(q, assess.Answers{Site: "another"}); !fault.Is(err, fault.Busy) {
		t.Errorf("somebody else's answer was written over: %v", err)
	}
	if got := open().answers; len(got.All) != 1 || got.All[0].By != "TEST officer" {
		t.Errorf("the answers are %+v", got)
	}
	// What is no questionnaire is left alone.
	if err := os.WriteFile(path, []byte("answers: [broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openQuestionnaire(ctx, path); !fault.Is(err, fault.Malformed) {
		t.Errorf("a file that is no questionnaire: %v", err)
	}
}

func TestTheNewestAssessmentIsTheLastOne(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "TEST.assessments")
	then := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	r := (&sights{evidence: assess.Evidence{Now: then}}).assessed(assess.Answers{}, "TEST")
	for range 3 { // three in the same moment are three files
		if err := keepAssessment(dir, &r); err != nil {
			t.Fatal(err)
		}
	}
	r.At = then.Add(time.Hour)
	if err := keepAssessment(dir, &r); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 4 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f.Name(), info.Mode(), err)
		}
	}
	last, err := readAssessment(context.Background(), filepath.Join(dir, files[3].Name()))
	if err != nil || !last.at.Equal(r.At) || len(last.verdicts) != len(r.Results) {
		t.Errorf("the newest one is of %v with %d verdicts, want %v and %d: %v", last.at, len(last.verdicts), r.At, len(r.Results), err)
	}
}

// TestTwoPeopleAnswerAtOnce: each has the file open; nobody's answer is lost, and the first word about a question stays.
func TestTwoPeopleAnswerAtOnce(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "site.yaml")
	s := sights{evidence: assess.Evidence{Now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}}
	asked := s.questions(assess.Answers{}, true)
	page := func(a assess.Answers) []byte { return asked.file(i18n.New(i18n.English), a) }
	first, err := openQuestionnaire(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.write(ctx, page(first.answers)); err != nil {
		t.Fatal(err)
	}
	const people, each = 4, 6
	done := make(chan error, people)
	for p := range people {
		q, err := openQuestionnaire(ctx, path)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for i := range each {
				a := assess.Answer{Control: asked.all[p*each+i].ID, Verdict: assess.Met, By: "TEST officer", On: dayOf(s.evidence.Now)}
				if _, err := q.add(ctx, a, page); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range people {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	again, err := openQuestionnaire(ctx, path)
	if err != nil || len(again.answers.All) != people*each {
		t.Fatalf("%d answers, want %d: %v", len(again.answers.All), people*each, err)
	}
	// first read the file before all that.
	a := assess.Answer{Control: asked.all[0].ID, Verdict: assess.NotMet, By: "TEST auditor", On: dayOf(s.evidence.Now)}
	if theirs, err := first.add(ctx, a, page); err != nil || theirs.By != "TEST officer" || theirs.Verdict != assess.Met {
		t.Errorf("somebody else's word was written over: %+v, %v", theirs, err)
	}
	if theirs, err := first.add(ctx, a, page); err != nil || theirs.Verdict != "" {
		t.Errorf("who has seen it may change it: %+v, %v", theirs, err)
	}
}

func TestOnlyAnAssessmentOfTheSameIsTheLastOne(t *testing.T) {
	a, dir := &App{}, filepath.Join(t.TempDir(), "TEST.assessments")
	then := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	r := (&sights{evidence: assess.Evidence{Now: then}}).assessed(assess.Answers{}, "")
	for i, device := range []string{"T1", "T2", "T2"} {
		r.Of.Device, r.At = device, then.Add(time.Duration(i)*time.Hour)
		if err := keepAssessment(dir, &r); err != nil {
			t.Fatal(err)
		}
	}
	if last := a.lastKept(context.Background(), dir, &assess.Subject{Device: "T1"}); last == nil || !last.at.Equal(then) {
		t.Errorf("of T1: %+v", last)
	}
	if last := a.lastKept(context.Background(), dir, &assess.Subject{}); last != nil {
		t.Errorf("no terminal was looked at, and it is compared with %q", last.of.Device)
	}
}

// TestEverySentenceOfAnAssessmentIsChineseInChinese: what is asked, found, warned of and to be done, of evidence in which
// little is well.
func TestEverySentenceOfAnAssessmentIsChineseInChinese(t *testing.T) {
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	late := now.AddDate(0, 0, 200)
	s := sights{
		evidence: assess.Evidence{Now: now, Incidents: []incident.Summary{}, Host: &assess.HostEvidence{Swap: []string{"a"}, NetworksUp: []string{"b"}},
			Log: &assess.LogEvidence{Backup: late, Checkpoint: late, Selftest: late, FailedLogins: 9, Reveals: 1, ClearLoads: 1, Unfinished: 1},
			Store: &assess.StoreEvidence{Threshold: 2, Shares: 2, Conveyed: 1, NoWay: 1, LocalFile: true, FileMode: 0o644, DirMode: 0o777,
				Officers: []assess.OfficerFact{{ID: "custodian.a", Share: true, Expires: now}},
				Keys: []store.Key{{Label: "K", Version: 1, State: store.Active, Created: now, NotAfter: now, Algorithm: keys.DES, Len: 8},
					{Label: "L", Version: 1, State: store.Suspended, Origin: store.Formed}},
				Devices: []store.Device{{Serial: "T1", State: store.QuarantinedDevice}}}},
		devices: []assess.DeviceEvidence{{SeenAt: now, Latest: "9", URI: device.URI{Dialect: device.Visa, Transport: device.TCP},
			Status: device.Status{Serial: "T1", Now: late, InjectMode: true, Tamper: device.TamperState{Tripped: true}, Battery: device.Battery{Low: true},
				Locks: []device.LockState{{Kind: device.LockDualAdmin}}, Events: []device.LogEvent{{Seq: 90, Kind: "stored"}}}}},
		silent: []silentDevice{{"127.0.0.1:1", fault.New(fault.NotFound, "it is empty")}},
	}
	say, seen := i18n.New(i18n.Chinese), 0
	han := regexp.MustCompile(`\p{Han}`)
	look := func(where string, of text.Text, command bool) {
		shown := say.Text(of)
		if seen++; shown != "" && !han.MatchString(shown) && !(command && strings.HasPrefix(shown, "poskey ")) {
			t.Errorf("%s: %q", where, shown)
		}
	}
	r := s.assessed(assess.Answers{}, "")
	for i := range r.Results {
		res := &r.Results[i]
		look(res.Control.ID, res.Control.Ask, false)
		look(res.Control.ID, res.Control.Fix, false)
		if !res.Finding.Found.IsZero() {
			look(res.Control.ID, res.Finding.Found, false)
		}
	}
	for _, w := range r.Warnings {
		look(w.ID, w.What, false)
		look(w.ID, w.Fix, true)
	}
	if seen < 250 {
		t.Errorf("only %d sentences were looked at", seen)
	}
}
