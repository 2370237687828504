package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"poskey/internal/cli"
	"poskey/pkg/diagnose"
	"poskey/pkg/keys"
)

// A heldOut is one scenario of testdata/heldout: what somebody in front of a problem types, and what an expert who
// never saw how poskey diagnoses would answer. Its inputs were not computed with poskey.
type heldOut struct {
	ID       string            `json:"id"`
	Title    string            `json:"title"`
	Args     []string          `json:"args"`
	Files    map[string]string `json:"files"` // by name, with mode 0600 in $WORK
	Terminal *heldOutTerminal  `json:"terminal"`
	Expect   heldOutAnswer     `json:"expect"`
	Source   string            `json:"source"`
	Secrets  []string          `json:"secrets"` // digits that must not be shown, besides those of files
	// KnownMiss tells why poskey answers otherwise today. A known miss that passes fails the test: nothing stays hidden.
	KnownMiss string `json:"known_miss"`
}

// A heldOutTerminal is an emulated terminal: its flags, the commands that load it, and what hands then do at it.
type heldOutTerminal struct {
	Args    []string   `json:"args"`
	Load    [][]string `json:"load"`
	Control []string   `json:"control"`
}

// A heldOutAnswer is the first cause, or "none proven"; and how sure it has to be at least, and may be at most.
type heldOutAnswer struct {
	Cause   string   `json:"cause"`
	Also    string   `json:"also"`
	AnyOf   []string `json:"any_of"` // where an expert would take any of these for the first
	Least   string   `json:"least"`
	Most    string   `json:"most"`
	Verdict string   `json:"verdict"`
	// NotRuledOut are causes that nothing speaks against: it would be false to say so.
	NotRuledOut []string `json:"not_ruled_out"`
}

const noneProven = "none proven"

var certainties = []string{"", "possible", "likely", "proven"}

type diagnosis struct {
	Verdict  string `json:"verdict"`
	Findings []struct {
		Cause     string `json:"cause"`
		Also      string `json:"also"`
		Certainty string `json:"certainty"`
	} `json:"findings"`
	RuledOut []struct {
		Cause  string `json:"cause"`
		Reason string `json:"reason"`
	} `json:"ruled_out"`
}

// TestHeldOutScenariosAreAnswered puts every scenario through the whole command line, in this process.
func TestHeldOutScenariosAreAnswered(t *testing.T) {
	paths, err := filepath.Glob("testdata/heldout/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, path := range paths {
		for _, s := range readHeldOut(t, path) {
			t.Run(strings.TrimSuffix(filepath.Base(path), ".json")+"/"+s.ID, func(t *testing.T) {
				t.Parallel()
				s.judge(t, s.miss(t))
			})
		}
	}
}

func readHeldOut(t *testing.T, path string) []heldOut {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Note      string    `json:"note"`
		Scenarios []heldOut `json:"scenarios"`
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&file); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if len(file.Scenarios) == 0 {
		t.Fatalf("%s holds no scenarios", path)
	}
	for _, s := range file.Scenarios {
		if odd := s.Expect.misspelt(); odd != "" {
			t.Fatalf("%s: %s: %q is no word of an answer", path, s.ID, odd)
		}
	}
	return file.Scenarios
}

// misspelt gives a word of the answer that no answer can have: it would ask for nothing.
func (e heldOutAnswer) misspelt() string {
	causes := []string{"", noneProven}
	for _, c := range diagnose.Causes() {
		causes = append(causes, string(c))
	}
	for _, c := range slices.Concat([]string{e.Cause, e.Also}, e.AnyOf, e.NotRuledOut) {
		if !slices.Contains(causes, c) {
			return c
		}
	}
	for _, certainty := range []string{e.Least, e.Most} {
		if rank(certainty) < 0 {
			return certainty
		}
	}
	verdicts := []string{"", string(diagnose.Match), string(diagnose.Explained), string(diagnose.Unexplained)}
	if !slices.Contains(verdicts, e.Verdict) {
		return e.Verdict
	}
	return ""
}

func (s heldOut) judge(t *testing.T, miss string) {
	t.Helper()
	switch {
	case miss == "" && s.KnownMiss != "":
		t.Errorf("%s: a known miss is answered well now: take known_miss out of the scenario", s.Title)
	case miss != "" && s.KnownMiss == "":
		t.Errorf("%s\n  %s\n  poskey %s", s.Title, miss, strings.Join(s.Args, " "))
	}
}

// miss runs the scenario and says what is wrong with the answer, or nothing.
func (s heldOut) miss(t *testing.T) string {
	t.Helper()
	w := &heldOutWork{t: t, dir: t.TempDir()}
	w.write(s.Files)
	if s.Terminal != nil {
		w.start(*s.Terminal)
		w.write(s.Files) // once more: documents name the terminal
	}
	page := filepath.Join(w.dir, "report.html")
	out, talk, code := w.run(append(slices.Clone(s.Args), "--html", page, "-o", "json", "--no-input")...)
	html, err := os.ReadFile(page)
	if err != nil {
		html = nil // a command that failed writes none; its exit code tells
	}
	if leak := s.leaked(out + talk + string(html)); leak != "" {
		return leak
	}
	if code != 0 && code != 11 {
		return fmt.Sprintf("exit code %d: %s", code, talk)
	}
	var got diagnosis
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		return fmt.Sprintf("the answer is no JSON: %v", err)
	}
	return s.Expect.compare(got)
}

// compare says where an answer is another one than an expert's.
func (e heldOutAnswer) compare(got diagnosis) string {
	if e.Verdict != "" && e.Verdict != got.Verdict {
		return fmt.Sprintf("verdict %s, want %s; findings %v", got.Verdict, e.Verdict, got.Findings)
	}
	for _, out := range got.RuledOut {
		if slices.Contains(e.NotRuledOut, out.Cause) {
			return fmt.Sprintf("%s is falsely ruled out: %s", out.Cause, out.Reason)
		}
	}
	if e.Cause == noneProven {
		return e.overstated(got)
	}
	if len(got.Findings) == 0 {
		return fmt.Sprintf("verdict %s, nothing found, want %s %s", got.Verdict, e.Cause, e.Also)
	}
	first := got.Findings[0]
	named := []string{first.Cause}
	if first.Also != "" {
		named = append(named, first.Also)
	}
	if !e.names(named) {
		return fmt.Sprintf("first %v, want %s %s; all: %v", first, e.Cause, e.Also, got.Findings)
	}
	if rank(first.Certainty) < rank(e.Least) || e.Most != "" && rank(first.Certainty) > rank(e.Most) {
		return fmt.Sprintf("%s is %s, want %s (at most %s)", e.Cause, first.Certainty, e.Least, e.Most)
	}
	return ""
}

// overstated looks for a proof where there is nothing to prove, or for more than Most.
func (e heldOutAnswer) overstated(got diagnosis) string {
	most := e.Most
	if most == "" {
		most = "likely"
	}
	for _, f := range got.Findings {
		if rank(f.Certainty) > rank(most) {
			return fmt.Sprintf("%v, want nothing above %s", f, most)
		}
	}
	return ""
}

func (e heldOutAnswer) names(causes []string) bool {
	if len(e.AnyOf) > 0 {
		return len(causes) == 1 && slices.Contains(e.AnyOf, causes[0])
	}
	want := []string{e.Cause}
	if e.Also != "" {
		want = append(want, e.Also)
	}
	slices.Sort(want)
	slices.Sort(causes)
	return slices.Equal(want, causes)
}

func rank(certainty string) int { return slices.Index(certainties, certainty) }

// leaked looks for 12 digits in a row of any key of the scenario, however they are grouped. That is more than a check
// value of 10 digits shows.
func (s heldOut) leaked(said string) string {
	said = onlyHex(said)
	secrets := slices.Clone(s.Secrets)
	for name, content := range s.Files {
		if filepath.Ext(name) == ".txt" {
			secrets = append(secrets, content)
		}
	}
	for _, secret := range secrets {
		for digits := onlyHex(secret); len(digits) >= 12; digits = digits[1:] {
			if strings.Contains(said, digits[:12]) {
				return "digits of a key are in the answer"
			}
		}
	}
	return ""
}

func onlyHex(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("0123456789ABCDEF", r) {
			return r
		}
		return -1
	}, strings.ToUpper(s))
}

// heldOutWork is the folder of one scenario and its terminal.
type heldOutWork struct {
	t                 *testing.T
	dir, line, manage string
}

func (w *heldOutWork) write(files map[string]string) {
	w.t.Helper()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(w.dir, name), []byte(w.place([]string{content})[0]+"\n"), 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *heldOutWork) place(words []string) []string {
	place := strings.NewReplacer("$WORK", w.dir, "$LINE", w.line, "$MANAGE", w.manage)
	placed := make([]string, len(words))
	for i, word := range words {
		placed[i] = place.Replace(word)
	}
	return placed
}

func (w *heldOutWork) app(in io.Reader, out, talk io.Writer) *cli.App {
	return &cli.App{
		Env: keys.Env{Rand: rand.Reader, Now: time.Now},
		In:  in, Out: out, Err: talk,
		Getenv: func(name string) string {
			if name == "HOME" {
				return w.dir
			}
			return ""
		},
	}
}

func (w *heldOutWork) run(words ...string) (out, talk string, code int) {
	var stdout, stderr bytes.Buffer
	code = w.app(strings.NewReader(""), &stdout, &stderr).Run(w.t.Context(), w.place(words))
	return stdout.String(), stderr.String(), code
}

// start begins the terminal, loads it, and lets hands do what they do at it. It ends with the test.
func (w *heldOutWork) start(terminal heldOutTerminal) {
	w.t.Helper()
	uris, tell := io.Pipe()
	orders, hands := io.Pipe()
	words := []string{
		"device", "emulate", "--listen", "127.0.0.1:0", "--manage", "127.0.0.1:0", "--control",
		"--state", "$WORK/state", "--serial", "PK00000001",
	}
	words = w.place(append(words, terminal.Args...))
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	var talk bytes.Buffer
	go func() {
		defer close(done)
		defer func() { _ = tell.Close() }() // ends the reading below, where it never spoke
		w.app(orders, tell, &talk).Run(ctx, words)
	}()
	w.t.Cleanup(func() {
		stop()
		_ = hands.Close()
		_ = uris.Close()
		<-done
	})
	said := bufio.NewScanner(uris)
	for _, uri := range []*string{&w.line, &w.manage} {
		if !said.Scan() {
			stop()
			<-done
			w.t.Fatalf("the terminal did not start: %s", &talk)
		}
		*uri = said.Text()
	}
	for _, load := range terminal.Load {
		if _, talk, code := w.run(append(slices.Clone(load), "--no-input")...); code != 0 {
			w.t.Fatalf("load: exit code %d: %s", code, talk)
		}
	}
	for _, order := range terminal.Control {
		// The terminal takes a second empty line only when it has done what stands before the first.
		for _, line := range []string{order, "", ""} {
			if _, err := fmt.Fprintln(hands, line); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}
