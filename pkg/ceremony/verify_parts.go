package ceremony

// The parts of a record and the bags they are in: who had which, and that none of them is another one.

import (
	"slices"

	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/component"
	"poskey/pkg/kcv"
)

// itemBag is what people look at when they read the serial of a bag; itemLegible is that of a sheet.
const (
	itemBag     = "serial of the bag"
	itemLegible = "legible"
)

// partSeen is what the record says of a part until now.
type partSeen struct {
	bag     string // the last one it was in
	opened  bool   // it lies open with its custodian
	printed bool
	who     string // who had it; "" when it is void
	check   kcv.Value
	set     string
}

func (w *walker) seen(key string, part int) *partSeen {
	at := heldPart{key, part}
	if w.parts[at] == nil {
		w.parts[at] = &partSeen{}
	}
	return w.parts[at]
}

// part takes in what a line says of a part.
func (w *walker) part(r transcript.Record) {
	if r.Kind == transcript.KindMade && w.at != nil && w.at.Step.Do == script.MakeKey || r.Kind == transcript.KindVoid &&
		r.Part == 0 {
		w.forget(r.Key)
		return
	}
	if r.Part == 0 {
		return
	}
	p := w.seen(r.Key, r.Part)
	switch r.Kind {
	case transcript.KindPrinted:
		p.who, p.check, p.set, p.printed = r.Who, r.Check, r.Details["set"], true
		w.apart(r)
	case transcript.KindEntered:
		p.who, p.check = r.Who, r.Check
		w.apart(r)
	case transcript.KindChecked:
		if w.at != nil && w.at.Step.Do == script.Scribe && r.Verdict != transcript.Differs {
			p.check = r.Check
			w.apart(r)
		}
	case transcript.KindVoid:
		if p.printed {
			*p = partSeen{}
		}
		p.who, p.check, p.set = "", kcv.Value{}, ""
	case transcript.KindBag:
		w.bag(p, r)
	}
}

func (w *walker) forget(key string) {
	for at := range w.parts {
		if at.key == key {
			delete(w.parts, at)
		}
	}
}

// bag takes in where a part lies.
func (w *walker) bag(p *partSeen, r transcript.Record) {
	name, event := r.Details["serial"], r.Details["event"]
	broken := r.Details["state"] == wordBroken
	if event == eventSealed {
		if err := w.bags.taken(name, r.Key, r.Part); err != nil {
			w.wrong("bag-taken", text.New("line %d: %s", r.N, err))
		}
	} else if err := w.bags.damaged(name); err != nil {
		w.wrong("bag-damaged", text.New("line %d: %s", r.N, err))
	}
	w.bags.use(name, r.Key, r.Part, event == eventReceived || event == eventOpened)
	p.bag, p.opened = name, event == eventOpened && !broken
	if broken {
		w.bags.damage(name)
		if w.at != nil && !w.progress.onlyDestroyed(w.at) {
			p.bag = "" // another one takes its place
		}
	}
}

// apart wants parts to be apart: of other values, of one set, with other people.
func (w *walker) apart(r transcript.Record) {
	k, ok := w.v.Script.Key(r.Key)
	if !ok {
		return
	}
	with, most := 0, 1
	if k.Scheme == string(component.Shamir) {
		most = max(1, k.Needed()-1)
	}
	mine := w.seen(r.Key, r.Part)
	for at, p := range w.parts {
		if at.key != r.Key || at.part == r.Part {
			continue
		}
		if p.check.Digits != "" && sameCheck(p.check, mine.check) {
			w.wrong("parts-alike", text.New("line %d: part %d of %s has the check value of part %d", r.N, r.Part, r.Key,
				at.part))
		}
		if p.set != "" && mine.set != "" && p.set != mine.set {
			w.wrong("other-set", text.New("line %d: part %d of %s is of another set than part %d", r.N, r.Part, r.Key, at.part))
		}
		if p.who != "" && p.who == mine.who {
			with++
		}
	}
	if with >= most {
		w.wrong("parts-together", text.New("line %d: %s had another part of %s", r.N, r.Who, r.Key))
	}
}

func (w *walker) printedClaims(r transcript.Record) []claim {
	return append(w.partCheck(r), given("set", r.Details["set"]))
}

// enteredClaims: a part is typed with its check value, and lies open before its custodian.
func (w *walker) enteredClaims(r transcript.Record) []claim {
	claims := w.partCheck(r)
	for _, line := range slices.Backward(w.lines) {
		if line.Kind == transcript.KindChecked && line.Part == r.Part {
			claims = append(claims, is("check", line.Check.Digits, r.Check.Digits))
			break
		}
	}
	p := w.seen(r.Key, r.Part)
	if p.bag+w.at.Part.Bag != "" && !(p.opened && slices.ContainsFunc(w.lines, opensOrHolds)) {
		claims = append(claims, is("bag", eventOpened, ""))
	}
	return claims
}

// opensOrHolds is a line by which a sheet comes out of its bag, or never left its custodian since it did.
func opensOrHolds(r transcript.Record) bool {
	return r.Kind == transcript.KindBag || r.Kind == transcript.KindConfirmed && r.Details["what"] == transcript.SaidHeld
}

func (w *walker) partCheck(r transcript.Record) []claim {
	claims := []claim{}
	if kcv.Default(w.at.Key.Algorithm) != "" {
		claims = append(claims, given("check", r.Check.Digits))
	}
	if e := w.at.Part.Check; e != nil && !w.rehearsal() {
		claims = append(claims, claim{"check", e.Digits, r.Check.Digits, agrees(r.Check, *e)})
	}
	return claims
}

// bagClaims are those of what happened to a bag.
func (w *walker) bagClaims(r transcript.Record) []claim {
	d, p := r.Details, w.at.Part
	event, by, states := verbs()[w.at.Step.Do].event, "", []string{""}
	switch w.at.Step.Do {
	case script.EnterPart:
		event, states = eventOpened, []string{wordIntact, wordBroken}
	case script.ReceivePart:
		states = []string{wordIntact, wordBroken}
	case script.SendPart:
		by = serial(p.SerialBy)
	}
	return []claim{{"state", wordIntact, wordBroken, w.damageTold()}, is("event", event, d["event"]),
		given("serial", d["serial"]),
		is("outer", serial(p.Outer), d["outer"]), is("channel", serial(p.Channel), d["channel"]),
		is("serial-by", by, d["serial-by"]), {"state", states[0], d["state"], slices.Contains(states, d["state"])},
		w.bagVerdict(r)}
}

// bagVerdict is the comparison of a bag's serial with the one of before and that of the script.
func (w *walker) bagVerdict(r transcript.Record) claim {
	own := w.seen(r.Key, r.Part).bag
	known := slices.DeleteFunc([]string{own, w.at.Part.Bag}, func(s string) bool { return s == "" })
	same := slices.ContainsFunc(known, func(s string) bool { return sameItem(s, r.Details["serial"]) })
	c := claim{"verdict", string(transcript.Match), string(r.Verdict), false}
	switch r.Verdict {
	case transcript.Match:
		c.field, c.want, c.got, c.right = "serial", w.at.Part.Bag, r.Details["serial"], same
	case transcript.Compared:
		c.right = len(known) == 0 || r.Details["event"] == eventSealed && own != ""
	case transcript.Differs: // it takes a deviation, which is asked for elsewhere
		c.right = true
	}
	return c
}

// damageTold reports whether the part of a damaged bag is void by a deviation, before anything else becomes of it.
func (w *walker) damageTold() bool {
	told, void := true, false
	for _, line := range w.lines {
		switch line.Kind {
		case transcript.KindBag:
			told, void = line.Details["state"] != wordBroken, false
		case transcript.KindVoid:
			void = true
		case transcript.KindDeviation:
			told = told || void
		}
	}
	return told
}

// bagGone: a part that lies in a bag is destroyed with that bag.
func (w *walker) bagGone(r transcript.Record) []claim {
	p, got := w.seen(r.Key, r.Part), r.Details["bag"]
	known := slices.DeleteFunc([]string{p.bag, w.at.Part.Bag}, func(s string) bool { return s == "" })
	switch {
	case got == "" && (p.opened || len(known) == 0):
		return nil
	case len(known) == 0:
		return []claim{is("bag", "", got)}
	case got != "" && w.deviated():
		return nil
	}
	return []claim{{"bag", known[0], got, slices.ContainsFunc(known, func(s string) bool { return sameItem(s, got) })}}
}
