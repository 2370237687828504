package ceremony

// What the lines of a record say, held line by line against the step in which they stand, its actor, and the fields of
// the script.

import (
	"slices"
	"strings"

	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
)

// standing says in which steps lines of a kind stand, and what they must say there.
type standing struct {
	in     []script.Verb
	claims func(*walker, transcript.Record) []claim
}

// standings is the table. Kinds that are not in it stand everywhere, or are held elsewhere.
func standings() map[transcript.Kind]standing {
	return map[transcript.Kind]standing{
		transcript.KindSaid:     {[]script.Verb{script.Declare, script.Read, script.Scribe}, (*walker).saidClaims},
		transcript.KindMade:     {[]script.Verb{script.MakeKey, script.FormKey, script.InitStore}, (*walker).madeClaims},
		transcript.KindPrinted:  {[]script.Verb{script.PrintPart}, (*walker).printedClaims},
		transcript.KindEntered:  {[]script.Verb{script.EnterPart}, (*walker).enteredClaims},
		transcript.KindKept:     {[]script.Verb{script.KeepKey}, (*walker).keptClaims},
		transcript.KindExported: {[]script.Verb{script.ExportKey}, (*walker).exportedClaims},
		transcript.KindLoaded:   {[]script.Verb{script.LoadKey}, (*walker).loadedClaims},
		transcript.KindDestroyed: {[]script.Verb{script.DestroyPart, script.DestroyKey, script.PrintPart},
			(*walker).destroyedClaims},
		transcript.KindBag: {[]script.Verb{script.SealPart, script.SendPart, script.ReceivePart, script.EnterPart},
			(*walker).bagClaims},
	}
}

// claim is what a line says in one field, with what it should say.
type claim struct {
	field, want, got string
	right            bool
}

func is(field, want, got string) claim { return claim{field, want, got, want == got} }

// given is a field that must say something; what, is not in the script.
func given(field, got string) claim { return claim{field, "", got, got != ""} }

// content holds a line against the step in which it stands.
func (w *walker) content(r transcript.Record) {
	w.inItsStep(r)
	var claims []claim
	switch s, ok := standings()[r.Kind]; {
	case ok && (w.at == nil || !slices.Contains(s.in, w.at.Step.Do)):
		w.elsewhere(r)
		return
	case ok:
		w.own(r)
		claims = s.claims(w, r)
	default:
		claims = w.otherClaims(r)
	}
	if k, ok := w.v.Script.Key(r.Key); ok && r.Details["algorithm"] != "" {
		claims = append(claims, is("algorithm", string(k.Algorithm), r.Details["algorithm"]))
	}
	for _, c := range claims {
		switch {
		case c.right:
		case c.got == "":
			w.wrong("other-than-script", text.New("line %d: %s is missing", r.N, c.field))
		default:
			w.wrong("other-than-script", text.New("line %d: %s: the record says %q, where it should be %q", r.N, c.field, c.got,
				c.want))
		}
	}
}

// otherClaims are those of the kinds that stand in any step.
func (w *walker) otherClaims(r transcript.Record) []claim {
	switch r.Kind {
	case transcript.KindConfirmed:
		return w.confirmedClaims(r)
	case transcript.KindChecked:
		return w.checkedClaims(r)
	case transcript.KindObserved:
		return w.observedClaims(r)
	case transcript.KindDeviation:
		return []claim{given("expected", r.Details["expected"]), given("happened", r.Details["happened"]),
			given("decided", r.Details["decided"])}
	}
	return nil
}

// inItsStep wants the number of the step that goes on.
func (w *walker) inItsStep(r transcript.Record) {
	switch r.Kind {
	case transcript.KindOpen, transcript.KindBegun, transcript.KindDone, transcript.KindResumed, transcript.KindNote,
		transcript.KindVoid, transcript.KindAborted, transcript.KindClosing:
		return
	}
	if w.aborted { // it was given up at a step that was over, maybe
		return
	}
	now := 0
	if w.at != nil {
		now = w.at.Number
	}
	if r.Step != now {
		w.elsewhere(r)
	}
}

func (w *walker) elsewhere(r transcript.Record) {
	w.wrong("elsewhere", text.New("line %d: a line %s of step %d does not stand there", r.N, string(r.Kind), r.Step))
}

// own wants a line to be of the step's key and part, and of its actor, who has logged in.
func (w *walker) own(r transcript.Record) {
	s := w.at.Step
	if r.Key != s.Key || r.Part != s.Part && r.Kind != transcript.KindSaid {
		w.wrong("other-key-or-part", text.New("line %d: it is of another key or part than its step", r.N))
	}
	w.byActor(r)
}

func (w *walker) byActor(r transcript.Record) {
	if !sits(r.Who, w.at.Actor) {
		w.wrong("other-person", text.New("line %d: %s has no seat in this step", r.N, r.Who))
		return
	}
	w.loggedIn(r.Who, r.N)
}

// before holds what must stand in a step beside its result: what was said, what was compared.
func (w *walker) before() {
	want := map[script.Verb]func(transcript.Record) bool{
		script.Declare:   func(r transcript.Record) bool { return r.Kind == transcript.KindSaid },
		script.Read:      func(r transcript.Record) bool { return r.Kind == transcript.KindSaid },
		script.Scribe:    func(r transcript.Record) bool { return r.Kind == transcript.KindSaid },
		script.FormKey:   func(r transcript.Record) bool { return w.isChecked(r) && r.Part == 0 && r.Check.Digits != "" },
		script.EnterPart: func(r transcript.Record) bool { return w.isChecked(r) && r.Verdict != transcript.Differs },
		script.PrintPart: func(r transcript.Record) bool { return w.isChecked(r) && r.Details["what"] == itemLegible },
		script.CompareKey: func(r transcript.Record) bool {
			return w.isChecked(r) && r.Verdict != transcript.Compared && !w.looked[r.N]
		},
	}[w.at.Step.Do]
	if want != nil && !slices.ContainsFunc(w.lines, want) {
		w.wrong("without-result", text.New("step %d is done, and the record does not say what was read or compared in it",
			w.at.Number))
	}
}

func (w *walker) isChecked(r transcript.Record) bool {
	return r.Kind == transcript.KindChecked && r.Key == w.at.Step.Key
}

func (w *walker) saidClaims(r transcript.Record) []claim {
	return []claim{is("text", spoken(w.at.Step.Text), r.Details["text"])}
}

// confirmedClaims are those of people's words: each stands in its step, and is that of whose word it is.
func (w *walker) confirmedClaims(r transcript.Record) []claim {
	what := r.Details["what"]
	if w.at == nil {
		if what != transcript.SaidLogIn && what != transcript.SaidScript {
			w.elsewhere(r)
		}
		return nil
	}
	v := verbs()[w.at.Step.Do]
	switch what {
	case transcript.SaidDeclaration, transcript.SaidRead, transcript.SaidBack, transcript.SaidAway:
		w.byActor(r)
		return []claim{is("what", v.says, what)}
	case transcript.SaidHeld:
		w.own(r)
		return []claim{is("what", string(script.EnterPart), string(w.at.Step.Do)),
			is("serial", w.seen(r.Key, r.Part).bag, r.Details["serial"])}
	case transcript.SaidScript:
		return []claim{is("what", string(script.Attend), string(w.at.Step.Do))}
	case transcript.SaidStep:
		if !sits(r.Who, w.at.Seconder) {
			w.wrong("other-person", text.New("line %d: %s has no seat in this step", r.N, r.Who))
		}
	case transcript.SaidStop:
		return []claim{is("phrase", stopPhrase(&turn{Planned: *w.at}), r.Details["phrase"]),
			is("key", w.at.Step.Key, r.Key), is("part", itoa(w.at.Step.Part), itoa(r.Part))}
	}
	return nil
}

// checkedClaims are those of a comparison: what agrees, agrees with what the script says of a part.
func (w *walker) checkedClaims(r transcript.Record) []claim {
	if w.at == nil || w.at.Step.Key != r.Key {
		return nil // it speaks of a key that is looked up
	}
	w.byActor(r)
	if r.Part == 0 {
		return []claim{w.stored(r.Details["label"], r.Details["label"] != "")}
	}
	claims := []claim{is("part", itoa(w.at.Step.Part), itoa(r.Part))}
	if w.at.Part == nil {
		return claims
	}
	if e := w.at.Part.Check; e != nil && !w.rehearsal() && r.Verdict != transcript.Differs {
		claims = append(claims, claim{"check", e.Digits, r.Check.Digits, agrees(r.Check, *e)})
	}
	if w.at.Step.Do == script.PrintPart && r.Verdict == transcript.Match { // of the sheet that was printed
		claims = append(claims, is("check", w.seen(r.Key, r.Part).check.Digits, r.Check.Digits))
	}
	return claims
}

// observedClaims are those of what was looked at: nothing agrees that is not the same.
func (w *walker) observedClaims(r transcript.Record) []claim {
	d := r.Details
	var claims []claim
	if r.Verdict == transcript.Match {
		claims = append(claims, claim{"seen", d["expected"], d["seen"], d["expected"] != "" && sameItem(d["seen"],
			d["expected"])})
	}
	if w.at == nil || w.at.Step.Do != script.Inspect || d["item"] != clean(w.at.Step.Item) {
		return claims
	}
	w.byActor(r)
	want, verdict := serial(clean(w.at.Step.Expect)), transcript.Compared
	switch {
	case want != "" && sameItem(d["seen"], want):
		verdict = transcript.Match
	case want != "":
		verdict = transcript.Differs
	}
	return append(claims, given("seen", d["seen"]), is("expected", want, d["expected"]),
		is("verdict", string(verdict), string(r.Verdict)))
}

// stored is the name of a key in the store: that of the script, with a version.
func (w *walker) stored(got string, asked bool) claim {
	want := (&keyState{Key: w.at.Key}).label()
	if !asked && want == "" || w.at.Step.Do == script.InitStore {
		return is("label", got, got)
	}
	name, _, _ := strings.Cut(got, "#")
	return claim{"label", want, got, !asked && got == "" || w.named(name, want)}
}

// named reports whether something is called as in the script. What is not real may have TEST before
// its name.
func (w *walker) named(got, want string) bool {
	real := w.v.Script.Environment == custody.Production && !w.rehearsal()
	return got == want || !real && got == marked(want)
}

func (w *walker) madeClaims(r transcript.Record) []claim {
	how := map[script.Verb]string{script.MakeKey: "drawn", script.FormKey: "formed", script.InitStore: "cut to officers"}
	label := r.Details["label"]
	return []claim{is("how", how[w.at.Step.Do], r.Details["how"]), given("algorithm", r.Details["algorithm"]),
		w.stored(label, label != "" || w.keeps())}
}

// keeps reports whether the key of the step has a place in the store.
func (w *walker) keeps() bool { return (&keyState{Key: w.at.Key}).label() != "" }

func (w *walker) keptClaims(r transcript.Record) []claim {
	return []claim{w.stored(r.Details["label"], true)}
}

func (w *walker) exportedClaims(r transcript.Record) []claim {
	d, o := r.Details, w.at.Output
	sum := d["sha256"]
	return []claim{{"file", o.File, d["file"], w.named(d["file"], o.File)},
		{"sha256", "", sum, len(sum) == 64 && strings.Trim(sum, "0123456789ABCDEF") == ""},
		w.header(d["header"])}
}

// header is the head of a key block: of the key's usage, and more where the key was made by this script.
func (w *walker) header(got string) claim {
	k, o := w.at.Key, w.at.Output
	a := hsm.Attributes{Algorithm: k.Algorithm, Usage: k.Usage, Mode: k.Mode, Exportability: k.Exportability}
	h := hsm.Key{Attributes: a}.Header(o.Version)
	want := string([]byte{h.Version}) + "...." + string(h.Usage) + string([]byte{h.Algorithm, h.Mode}) + ".." +
		string([]byte{h.Exportability}) + "...."
	c := claim{"header", want, got, len(got) == len(want)}
	for i := range min(len(got), len(want)) {
		switch {
		case want[i] == '.', i == 0 && o.Version == 0:
		case k.Source == script.Stored && (i > 7 || k.Usage == ""): // the store knows better
		default:
			c.right = c.right && got[i] == want[i]
		}
	}
	return c
}

func (w *walker) loadedClaims(r transcript.Record) []claim {
	d, o := r.Details, w.at.Output
	return []claim{{"device", o.Device, d["device"], w.named(d["device"], o.Device) ||
		sameItem(d["device"], o.Device)}, is("slot", o.Slot, d["slot"]),
		given("proof", d["proof"])}
}

func (w *walker) destroyedClaims(r transcript.Record) []claim {
	how := r.Details["how"]
	switch w.at.Step.Do {
	case script.PrintPart:
		return []claim{is("how", misprinted, how)}
	case script.DestroyPart:
		return append(w.bagGone(r), is("how", public(w.at.Step.Method), how))
	}
	reason := public(w.at.Step.Text)
	if reason == "" {
		reason = public(w.at.Step.Method)
	}
	return []claim{is("reason", reason, r.Details["reason"]), w.stored(r.Details["label"], true)}
}
