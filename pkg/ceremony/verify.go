package ceremony

// Verification of a record from the file alone: not only that every byte is as it was written, but that what it tells
// is the ceremony that its script asks for.

import (
	"io"
	"slices"

	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/custody"
	"poskey/pkg/kcv"
)

// Verified is a record that was read against its own script.
type Verified struct {
	*transcript.Document
	Script   *script.Script
	Program  *script.Program
	Findings []script.Finding // steps left out or out of order, seats taken by others, comparisons that differ and went on
}

// Verify reads a record from the file alone: every byte, every signature, and every step against the script in it. What
// is wrong with the bytes is in Problems, what is wrong with the ceremony in Findings; an error is one of reading.
func Verify(r io.Reader) (*Verified, error) {
	d, err := transcript.Read(r)
	if err != nil {
		return nil, err
	}
	v := &Verified{Document: d}
	s, err := script.Parse(d.Head.Script)
	if err != nil {
		v.add(finding("script-unreadable", "head", text.New("the script in the record cannot be read: %s", err)))
		return v, nil
	}
	v.Script = s
	if v.Program, err = s.Program(); err != nil {
		v.add(finding("script-unfit", "head", text.New("the steps of the script do not fit: %s", err)))
		return v, nil
	}
	w := &walker{v: v, done: map[int]bool{}, acted: map[int]bool{}, keys: map[string]transcript.Verdict{},
		came: map[string]bool{}, seats: map[string]bool{}, checks: map[string]kcv.Value{}}
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
	v         *Verified
	done      map[int]bool
	acted     map[int]bool                  // what a step must leave is there
	keys      map[string]transcript.Verdict // of keys, since they were made
	came      map[string]bool               // ids
	seats     map[string]bool               // role, key, part
	checks    map[string]kcv.Value          // of keys, since they were made
	at        *script.Planned               // the step that goes on
	lines     []transcript.Record           // of it
	deviation *transcript.Record            // the last one, until it is signed
	vouchers  []string
	stopped   *transcript.Record // the last stop, until it is signed
	aborted   bool
}

func (w *walker) wrong(id string, what text.Text) {
	where := "record"
	if w.at != nil {
		where = "steps." + itoa(w.at.Number)
	}
	w.v.add(finding(id, where, what))
}

func (w *walker) head() {
	h, s := w.v.Head, w.v.Script
	if h.Environment != s.Environment {
		w.wrong("other-environment", text.New("the record is for %s, its script for %s", h.Environment.Text(),
			s.Environment.Text()))
	}
	if h.Mode == transcript.Rehearsal {
		f := finding("rehearsal", "record", text.New("this was a rehearsal with throw-away keys, and no ceremony"))
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

func (w *walker) line(r transcript.Record) {
	undo(w.done, r)
	undo(w.acted, r)
	w.vouched(r)
	w.stopSigned(r)
	switch r.Kind {
	case transcript.KindBegun:
		w.begun(r)
		return
	case transcript.KindResumed:
		w.at, w.lines = nil, nil
		return
	case transcript.KindAborted:
		w.aborted = true
	case transcript.KindAttended:
		w.attended(r)
	case transcript.KindFinding:
		if r.Details["level"] == string(script.Error) {
			w.wrong("began-with-errors", text.New("the check before found %s, which keeps a ceremony from being run",
				r.Details["id"]))
		}
	case transcript.KindMade:
		w.keys[r.Key], w.checks[r.Key] = "", r.Check
	case transcript.KindChecked:
		w.checked(r)
	case transcript.KindKept:
		w.kept(r)
	case transcript.KindExported, transcript.KindLoaded:
		w.used(r)
	}
	w.stop(r)
	if w.at != nil {
		w.lines = append(w.lines, r)
		if isResult(w.at, r) {
			w.acted[w.at.Number] = true
		}
	}
	if r.Kind == transcript.KindDone {
		w.over(r)
	}
}

// begun holds the order: it is the first step that is not done.
func (w *walker) begun(r transcript.Record) {
	steps := w.v.Program.Steps
	w.at, w.lines = nil, nil
	if r.Step < 1 || r.Step > len(steps) {
		w.wrong("unknown-step", text.New("step %d is not in the script", r.Step))
		return
	}
	w.at = &steps[r.Step-1]
	for i := range steps {
		n := steps[i].Number
		switch {
		case n < r.Step && !w.done[n]:
			w.wrong("step-left-out", text.New("step %d begins, and step %d is not done", r.Step, n))
			return
		case n == r.Step && w.done[n]:
			w.wrong("step-twice", text.New("step %d begins, and was done", n))
			return
		}
	}
	if verb := r.Details["verb"]; verb != "" && verb != string(w.at.Step.Do) {
		w.wrong("other-step", text.New("step %d is %s in the script, %s in the record", r.Step, string(w.at.Step.Do), verb))
	}
}

// over holds a step that is done against the script.
func (w *walker) over(r transcript.Record) {
	defer func() { w.at, w.lines = nil, nil }()
	if w.at == nil || w.at.Number != r.Step {
		w.wrong("done-not-begun", text.New("step %d is done, and did not begin", r.Step))
		return
	}
	w.done[r.Step] = true
	w.seat(r.Who, w.at.Actor, "seat-actor")
	if !w.signed(r.Who) {
		w.wrong("not-signed", text.New("step %d: %s did not sign it", r.Step, r.Who))
	}
	if s := w.at.Seconder; s != (script.Seat{}) && !w.confirmed(r.Who, s) {
		w.wrong("not-confirmed", text.New("step %d: nobody confirmed it", r.Step))
	}
	if w.at.Step.Do == script.Attend {
		w.scriptConfirmed()
	}
	w.results(r)
	w.differing(r)
}

func sits(who string, s script.Seat) bool { return who != "" && (who == s.Primary || who == s.Backup) }

// seat finds somebody who has no seat in a step.
func (w *walker) seat(who string, s script.Seat, id string) {
	if !sits(who, s) {
		w.wrong(id, text.New("step %d was done by %s, who has no seat in it", w.at.Number, who))
		return
	}
	if !w.came[who] {
		w.wrong("not-attended", text.New("step %d: %s never logged in at the beginning", w.at.Number, who))
	}
}

// signed reports whether somebody signed what came of a step: a signature under a deviation in it, or one from before
// the result, says nothing about that.
func (w *walker) signed(who string) bool {
	found, vouching := false, 0
	for _, r := range w.lines {
		switch {
		case r.Kind == transcript.KindDeviation:
			vouching = 2 // leader and witness
		case r.Kind != transcript.KindSigned:
			vouching = 0
			if isResult(w.at, r) {
				found = false
			}
		case vouching > 0:
			vouching--
		case r.Who == who:
			found = true
		}
	}
	return found
}

// confirmed reports whether somebody else of a seat said that the step was done, and signed that.
func (w *walker) confirmed(actor string, s script.Seat) bool {
	for i, r := range w.lines {
		if i+1 == len(w.lines) || r.Kind != transcript.KindConfirmed || r.Details["what"] != "step" {
			continue
		}
		if next := w.lines[i+1]; r.Who != actor && sits(r.Who, s) && next.Kind == transcript.KindSigned && next.Who == r.Who {
			return true
		}
	}
	return false
}

// scriptConfirmed wants leader and witness to have typed the fingerprint of the script.
func (w *walker) scriptConfirmed() {
	for _, role := range []script.Role{script.Leader, script.Witness} {
		if !slices.ContainsFunc(w.lines, func(r transcript.Record) bool {
			return r.Kind == transcript.KindConfirmed && r.Details["what"] == "script" && sits(r.Who, w.v.Script.Roles[role])
		}) {
			w.wrong("script-unconfirmed", text.New("the %s did not confirm the script", role.Text()))
		}
	}
}

// stop wants the leader's phrase, signed, before what cannot be taken back.
func (w *walker) stop(r transcript.Record) {
	if w.at == nil || !isResult(w.at, r) || !w.at.Irreversible && w.at.Step.Do != script.FormKey {
		return
	}
	phrase := stopPhrase(&turn{Planned: *w.at})
	for i, said := range w.lines {
		if isStop(said) && said.Details["phrase"] == phrase && i+1 < len(w.lines) && w.ledBy(said, w.lines[i+1]) {
			return
		}
	}
	w.wrong("without-stop", text.New("step %d cannot be taken back, and the leader did not say that it is right", r.Step))
}

func isStop(r transcript.Record) bool {
	return r.Kind == transcript.KindConfirmed && r.Details["what"] == whatStop
}

// ledBy reports whether the leader said something and signed it in the line behind.
func (w *walker) ledBy(said, next transcript.Record) bool {
	return next.Kind == transcript.KindSigned && next.Who == said.Who && sits(said.Who, w.v.Script.Roles[script.Leader])
}

// stopSigned wants the leader's signature under each stop, also where nothing came of it. A break between the two
// leaves a stop that counts for nothing: the step begins again.
func (w *walker) stopSigned(r transcript.Record) {
	if said := w.stopped; said != nil && r.Kind != transcript.KindResumed && !w.ledBy(*said, r) {
		w.wrong("stop-unsigned", text.New("line %d: the leader's word at a stop is not signed by the leader", said.N))
	}
	w.stopped = nil
	if isStop(r) {
		w.stopped = &r
	}
}

// checked takes over what a comparison says of a key, and holds it against the script.
func (w *walker) checked(r transcript.Record) {
	if r.Part != 0 {
		return
	}
	w.keys[r.Key] = r.Verdict
	if k, ok := w.v.Script.Key(r.Key); ok && r.Check.Digits != "" && k.Source != script.Components &&
		k.Source != script.Generate {
		w.checks[r.Key] = r.Check // of a key that was not made here it is the first that is known
	}
}

// used finds keys that left with another check value than was told of them, or than they had.
func (w *walker) used(r transcript.Record) {
	k, ok := w.v.Script.Key(r.Key)
	if !ok {
		w.wrong("unknown-key", text.New("the key %s is not in the script", r.Key))
		return
	}
	if w.keys[r.Key] == transcript.Differs {
		w.wrong("used-differs", text.New("key %s was used though its check value differs", r.Key))
	}
	w.same(k, r)
}

// same holds the check value of a key that goes somewhere against those of before, and of the script.
func (w *walker) same(k *script.Key, r transcript.Record) {
	if r.Check.Digits == "" {
		return
	}
	before := w.checks[r.Key]
	other := before.Digits != "" && before.Method == r.Check.Method && !agrees(r.Check,
		kcv.Expected{Digits: before.Digits})
	if k.Check != nil && w.v.Head.Mode == transcript.Run && !agrees(r.Check, *k.Check) {
		other = true
	}
	if other {
		w.wrong("other-key", text.New("key %s had another check value before, or has another one in the script", r.Key))
	}
}

func (w *walker) deviated() bool {
	return slices.ContainsFunc(w.lines, func(r transcript.Record) bool { return r.Kind == transcript.KindDeviation })
}

// result is the line that a verb must leave.
func result(v script.Verb) (transcript.Kind, string) {
	switch v {
	case script.MakeKey, script.FormKey, script.InitStore:
		return transcript.KindMade, ""
	case script.PrintPart:
		return transcript.KindPrinted, ""
	case script.SealPart:
		return transcript.KindBag, eventSealed
	case script.SendPart:
		return transcript.KindBag, eventSent
	case script.ReceivePart:
		return transcript.KindBag, eventReceived
	case script.EnterPart:
		return transcript.KindEntered, ""
	case script.CompareKey, script.Scribe:
		return transcript.KindChecked, ""
	case script.KeepKey:
		return transcript.KindKept, ""
	case script.ExportKey:
		return transcript.KindExported, ""
	case script.LoadKey:
		return transcript.KindLoaded, ""
	case script.DestroyPart, script.DestroyKey:
		return transcript.KindDestroyed, ""
	case script.Inspect:
		return transcript.KindObserved, ""
	case script.Attend:
		return transcript.KindAttended, ""
	}
	return transcript.KindConfirmed, ""
}

// confirms is what somebody says to have done in a step in which nothing else comes of it.
func confirms(v script.Verb) string {
	switch v {
	case script.Declare:
		return "declaration"
	case script.Read:
		return "read"
	case script.Pause:
		return "back"
	case script.Close:
		return "put away"
	}
	return ""
}

// isResult reports whether a line is what a step must leave, of its own key and part.
func isResult(p *script.Planned, r transcript.Record) bool {
	kind, event := result(p.Step.Do)
	switch {
	case r.Kind != kind, event != "" && r.Details["event"] != event:
		return false
	case kind == transcript.KindAttended:
		return true
	case kind == transcript.KindConfirmed:
		return r.Details["what"] == confirms(p.Step.Do)
	}
	return r.Key == p.Step.Key && r.Part == p.Step.Part
}

// results finds a step that left nothing, and one that left something of another key or part.
func (w *walker) results(r transcript.Record) {
	if w.acted[w.at.Number] {
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
func (w *walker) differing(r transcript.Record) {
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
		if line.Kind == transcript.KindBag && accepted[what{transcript.KindObserved, line.Part, "serial of the bag"}] {
			continue // says what the deviation was about
		}
		if line.Verdict != "" {
			last[what{line.Kind, line.Part, line.Details["item"]}] = line.Verdict
		}
		if line.Kind == transcript.KindBag && line.Verdict != transcript.Differs {
			delete(last, what{transcript.KindObserved, line.Part, "serial of the bag"})
		}
	}
	for _, v := range last {
		if v == transcript.Differs {
			w.wrong("differs", text.New("step %d: a comparison differs, and there is no deviation", r.Step))
			return
		}
	}
}

// kept finds keys that went into use without a match. A key that was drawn here has nothing to be compared with.
func (w *walker) kept(r transcript.Record) {
	k, ok := w.v.Script.Key(r.Key)
	if !ok {
		w.wrong("unknown-key", text.New("the key %s is not in the script", r.Key))
		return
	}
	switch v := w.keys[r.Key]; {
	case v == transcript.Differs:
		w.wrong("kept-differs", text.New("key %s was kept though its check value differs", r.Key))
	case v != transcript.Match && k.Source == script.Components:
		w.wrong("kept-unmatched", text.New("key %s was kept without a check value from outside that matches", r.Key))
	}
	w.same(k, r)
}

func (w *walker) attended(r transcript.Record) {
	w.came[r.Who] = true
	w.card(r)
	for _, p := range places(w.v.Program) {
		if p.role != r.Details["role"] || p.key != r.Key || p.part != r.Part {
			continue
		}
		w.seats[p.role+"/"+p.key+"/"+itoa(p.part)] = true
		if !sits(r.Who, p.seat) {
			w.wrong("seat-attended", text.New("%s took a seat that the script gives to others", r.Who))
		}
		return
	}
	w.wrong("unknown-seat", text.New("%s took a seat that is not in the script", r.Who))
}

// card holds the card of somebody who took a seat against the script. A rehearsal has cards of its own.
func (w *walker) card(r transcript.Record) {
	c, err := custody.ParseCard(r.Card)
	p, _ := w.v.Script.Person(r.Who)
	switch {
	case err != nil || w.v.Head.Mode == transcript.Rehearsal: // the first is a problem of the line
	case p.Card == "" && w.v.Script.Environment == custody.Production:
		w.wrong("card-unknown", text.New("the script does not say which card %s has", r.Who))
	case p.Card != "" && c.Fingerprint().String() != p.Card:
		w.wrong("other-card", text.New("%s came with another card than the script says", r.Who))
	case c.CheckTime(r.Time) != nil:
		w.wrong("card-time", text.New("%s came with a card that was not good then: %s", r.Who, c.CheckTime(r.Time)))
	}
}

// vouched wants the signatures of leader and witness under each deviation.
func (w *walker) vouched(r transcript.Record) {
	if r.Kind == transcript.KindSigned {
		w.vouchers = append(w.vouchers, r.Who)
		return
	}
	if d := w.deviation; d != nil && r.Kind != transcript.KindResumed { // a break between the two: it excuses nothing then
		for _, role := range []script.Role{script.Leader, script.Witness} {
			if !slices.ContainsFunc(w.vouchers, func(who string) bool { return sits(who, w.v.Script.Roles[role]) }) {
				w.wrong("deviation-unsigned", text.New("line %d: a deviation without the signature of the %s", d.N, role.Text()))
			}
		}
	}
	w.deviation, w.vouchers = nil, nil
	if r.Kind == transcript.KindDeviation {
		w.deviation = &r
	}
}

// end finds what is missing altogether.
func (w *walker) end() {
	if w.aborted {
		w.abandoned()
	}
	if w.aborted || w.v.State != transcript.Closed {
		return
	}
	w.at = nil
	for _, s := range w.v.Program.Steps {
		if !w.done[s.Number] {
			w.wrong("step-left-out", text.New("step %d was never done", s.Number))
		}
	}
	for _, p := range places(w.v.Program) {
		if !w.seats[p.role+"/"+p.key+"/"+itoa(p.part)] {
			w.wrong("seat-empty", text.New("nobody took the seat of %s", p.seat.Primary))
		}
	}
	for _, who := range w.v.Missing {
		w.wrong("end-not-signed", text.New("%s did not sign the end", who))
	}
}

// abandoned tells who did not sign that the ceremony was given up. It can be given up where nobody can sign any more.
func (w *walker) abandoned() {
	w.at = nil
	for _, role := range []script.Role{script.Leader, script.Witness} {
		seat := w.v.Script.Roles[role]
		if !w.came[seat.Primary] && !w.came[seat.Backup] ||
			slices.ContainsFunc(w.v.Signers, func(who string) bool { return sits(who, seat) }) {
			continue
		}
		f := finding("end-not-signed", "record", text.New("the %s did not sign that it was given up", role.Text()))
		f.Level = script.Warning
		w.v.add(f)
	}
}
