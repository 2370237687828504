package ceremony

// Verification of a record from the file alone: not only that every byte is as it was written, but that what it tells
// is the ceremony that its script asks for. People are held in verify_people.go, keys in verify_keys.go, bags and parts
// in verify_parts.go, what each line says in verify_content.go.

import (
	"io"
	"slices"

	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/kcv"
)

// Verified is a record that was read against its own script.
type Verified struct {
	*transcript.Document
	Script   *script.Script  // nil when it cannot be read: Unread says why
	Program  *script.Program // nil when its steps do not fit
	Unread   error
	Findings []script.Finding // what is not as the script asks for
}

// Verify reads a record from the file alone: every byte, every signature, and every line against the script in it. What
// is wrong with the bytes is in Problems, what is wrong with the ceremony in Findings; an error is one of reading.
func Verify(r io.Reader) (*Verified, error) {
	d, err := transcript.Read(r)
	if err != nil {
		return nil, err
	}
	v := &Verified{Document: d}
	s, err := script.Parse(d.Head.Script)
	if err != nil {
		v.Unread = err
		v.add(finding("script-unreadable", "head", text.New("the script in the record cannot be read: %s", err)))
		return v, nil
	}
	v.Script = s
	if v.Program, err = s.Program(); err != nil {
		v.Unread = err
		v.add(finding("script-unfit", "head", text.New("the steps of the script do not fit: %s", err)))
		return v, nil
	}
	w := newWalker(v)
	w.head()
	w.rules()
	for _, rec := range d.Records {
		w.line(rec)
	}
	w.end()
	return v, nil
}

func (v *Verified) add(f script.Finding) { v.Findings = append(v.Findings, f) }

// finding is an error of the ceremony.
func finding(id, where string, what text.Text) script.Finding {
	return script.Finding{ID: id, Level: script.Error, Where: where, What: what}
}

// walker goes through the lines as the people went through the steps.
type walker struct {
	v        *Verified
	progress *Progress
	at       *script.Planned     // the step that goes on
	lines    []transcript.Record // of it

	came      map[string]bool    // ids of those who took a seat
	seats     map[string]bool    // role, key, part
	in        map[string]bool    // who has logged in since the step began
	told      map[string]bool    // findings of the check before that are in the record
	deviation *transcript.Record // the last one, until it is signed
	vouchers  []string
	stopped   *transcript.Record // the last stop, until it is signed
	broke     *transcript.Record // the last break, until it is explained
	aborted   bool

	keys   map[string]transcript.Verdict // of keys, since they were made
	checks map[string]kcv.Value          // of keys, since they were made
	found  map[string]bool               // keys that were looked up in the store, since the last break
	looked map[int]bool                  // lines in which one was
	kept   map[string]bool
	gone   map[string]bool // keys that went somewhere: nobody can say that nothing came of the ceremony
	parts  map[heldPart]*partSeen
	bags   bagRegister
}

func newWalker(v *Verified) *walker {
	return &walker{v: v, progress: newProgress(v.Program), came: map[string]bool{}, seats: map[string]bool{},
		in: map[string]bool{}, told: map[string]bool{}, keys: map[string]transcript.Verdict{},
		checks: map[string]kcv.Value{}, found: map[string]bool{}, looked: map[int]bool{}, kept: map[string]bool{},
		gone:  map[string]bool{},
		parts: map[heldPart]*partSeen{}, bags: bagRegister{}}
}

func (w *walker) wrong(id string, what text.Text) {
	where := script.InRecord
	if w.at != nil {
		where = "steps." + itoa(w.at.Number)
	}
	w.v.add(finding(id, where, what))
}

func (w *walker) rehearsal() bool { return w.v.Head.Mode == transcript.Rehearsal }

func (w *walker) head() {
	h, s := w.v.Head, w.v.Script
	if h.Environment != s.Environment {
		w.wrong("other-environment", text.New("the record is for %s, its script for %s", h.Environment.Text(),
			s.Environment.Text()))
	}
	if w.rehearsal() {
		f := finding("rehearsal", script.InRecord, text.New("this was a rehearsal with throw-away keys, and no ceremony"))
		f.Level = script.Note
		w.v.add(f)
	}
}

// rules: no ceremony is led by a script that breaks one.
func (w *walker) rules() {
	for _, f := range w.v.Script.Rules(nil) {
		if f.Level == script.Error {
			w.v.add(f)
		}
	}
}

// line takes one line after the other: first what it ends, then what it is, then what it leaves.
func (w *walker) line(r transcript.Record) {
	w.vouched(r)
	w.stopSigned(r)
	w.boundary(r)
	w.content(r)
	w.people(r)
	w.key(r)
	w.part(r)
	w.stop(r)
	w.progress.follow(r)
	if w.at != nil && r.Kind != transcript.KindBegun {
		w.lines = append(w.lines, r)
	}
	if r.Kind == transcript.KindDone {
		w.over(r)
	}
}

// boundary is a line at which something begins anew.
func (w *walker) boundary(r transcript.Record) {
	switch r.Kind {
	case transcript.KindBegun:
		w.explained()
		clear(w.in)
		w.begun(r)
	case transcript.KindResumed:
		w.at, w.lines, w.broke = nil, nil, &r
		clear(w.in)
		clear(w.found)
		if w.rehearsal() {
			clear(w.checks) // another key stands for one that was kept
		}
	case transcript.KindAborted:
		w.aborted = true
		clear(w.in)
	case transcript.KindClosing:
		w.explained()
	case transcript.KindDeviation:
		w.broke = nil
	}
}

// explained wants a deviation behind a break: it says what happened.
func (w *walker) explained() {
	if w.broke != nil && !w.aborted {
		w.wrong("break-unexplained", text.New("line %d: it went on after a break, and no deviation says what happened",
			w.broke.N))
	}
	w.broke = nil
}

// begun holds the order: it is the first step that is not done.
func (w *walker) begun(r transcript.Record) {
	again := w.at != nil && w.at.Number == r.Step // without a break
	w.at, w.lines = w.progress.step(r.Step), nil
	if w.at == nil {
		w.wrong("unknown-step", text.New("step %d is not in the script", r.Step))
		return
	}
	for _, s := range w.v.Program.Steps {
		switch n := s.Number; {
		case n < r.Step && !w.progress.Done(n):
			w.wrong("step-left-out", text.New("step %d begins, and step %d is not done", r.Step, n))
			return
		case n == r.Step && (again || w.progress.Done(n)):
			w.wrong("step-twice", text.New("step %d begins, and was done", n))
			return
		}
	}
	if !sits(r.Who, w.at.Actor) {
		w.wrong("other-person", text.New("line %d: %s has no seat in this step", r.N, r.Who))
	}
	if verb := r.Details["verb"]; verb != string(w.at.Step.Do) || r.Key != w.at.Step.Key || r.Part != w.at.Step.Part {
		w.wrong("other-step", text.New("step %d is %s in the script, %s in the record", r.Step, string(w.at.Step.Do), verb))
	}
}

// over holds a step that is done against the script.
func (w *walker) over(r transcript.Record) {
	defer func() {
		w.at, w.lines = nil, nil
		clear(w.in)
	}()
	if w.at == nil || w.at.Number != r.Step {
		w.wrong("done-not-begun", text.New("step %d is done, and did not begin", r.Step))
		return
	}
	if r.Key != w.at.Step.Key || r.Part != w.at.Step.Part {
		w.wrong("other-step", text.New("step %d is done, with another key or part than in the script", r.Step))
	}
	w.actors(r)
	w.results(r)
	w.differing()
	if !w.damageTold() {
		w.wrong("bag-damaged", text.New("step %d: a bag was damaged, and its part is not void by a deviation", r.Step))
	}
}

func (w *walker) deviated() bool {
	return slices.ContainsFunc(w.lines, func(r transcript.Record) bool { return r.Kind == transcript.KindDeviation })
}

// results finds a step that left nothing, or not all that it must leave.
func (w *walker) results(r transcript.Record) {
	if w.progress.acted[w.at.Number] {
		w.before()
		return
	}
	if v := w.at.Step.Do; w.deviated() && (v == script.ExportKey || v == script.LoadKey) {
		f := finding("left-out", "steps."+itoa(w.at.Number), text.New("step %d was left out, by a deviation", r.Step))
		f.Level = script.Warning
		w.v.add(f)
		return
	}
	w.wrong("without-result", text.New("step %d is done, and the record does not say what came of it", r.Step))
}

// differing finds comparisons that differ and were gone past without a deviation behind them.
func (w *walker) differing() {
	type what struct {
		kind transcript.Kind
		part int
		item string
	}
	last, accepted := map[what]transcript.Verdict{}, map[what]bool{}
	for _, line := range w.lines {
		if line.Kind == transcript.KindDeviation {
			for k, v := range last {
				accepted[k] = accepted[k] || v == transcript.Differs
			}
			clear(last)
			continue
		}
		if line.Kind == transcript.KindBag && accepted[what{transcript.KindObserved, line.Part, itemBag}] {
			continue // says what the deviation was about
		}
		if line.Verdict != "" {
			last[what{line.Kind, line.Part, line.Details["item"]}] = line.Verdict
		}
		if line.Kind == transcript.KindBag && line.Verdict != transcript.Differs {
			delete(last, what{transcript.KindObserved, line.Part, itemBag})
		}
	}
	for _, v := range last {
		if v == transcript.Differs {
			w.wrong("differs", text.New("step %d: a comparison differs, and there is no deviation", w.at.Number))
			return
		}
	}
}

// end finds what is missing altogether.
func (w *walker) end() {
	w.at = nil
	w.findings()
	switch {
	case w.aborted:
		w.abandoned()
		return
	case w.v.State != transcript.Closed:
		return
	}
	for _, s := range w.v.Program.Steps {
		if !w.progress.Done(s.Number) {
			w.wrong("step-left-out", text.New("step %d was never done", s.Number))
		}
	}
	for _, p := range places(w.v.Program) {
		if !w.seats[p.name()] {
			w.wrong("seat-empty", text.New("nobody took the seat of %s", p.seat.Primary))
		}
	}
	for _, who := range w.v.Missing {
		w.wrong("end-not-signed", text.New("%s did not sign the end", who))
	}
}

// findings wants the warnings that the script itself gives: they were told to everybody before it began. One that is
// missing is a warning: a later poskey may have rules that the one of the record did not have.
func (w *walker) findings() {
	if !slices.ContainsFunc(w.v.Records, func(r transcript.Record) bool { return r.Kind == transcript.KindBegun }) {
		return
	}
	for _, f := range w.v.Script.Rules(nil) {
		if f.Level == script.Warning && !w.told[f.ID+" "+f.Where] {
			left := finding("finding-left-out", script.InRecord,
				text.New("the check before finds %s (%s), which the record does not tell", f.ID, f.Where))
			left.Level = script.Warning
			w.v.add(left)
		}
	}
}
