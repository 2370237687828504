package minutes

// The minutes: what a verified record says, in the order in which an assessor asks.

import (
	"strconv"
	"strings"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/ceremony"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/custody"
	"poskey/pkg/store"
)

// story makes the minutes.
type story struct {
	cast
	p *paper
}

func (s *story) say(t text.Text) string { return s.lang.words(t) }

// tell makes the paper of a verified record.
func tell(v *ceremony.Verified, l Language) (*paper, error) {
	if v == nil || v.Document == nil || v.Script == nil {
		return nil, fault.New(fault.Usage, "there is no verified record to make minutes of")
	}
	s := &story{cast: newCast(l, v.Script, v)}
	s.p = &paper{Language: l, Mark: s.mark(false), At: dated(lastMoment(v.Records))}
	s.p.Title = s.say(text.New("Minutes of key ceremony %s", v.Head.Ceremony))
	s.p.Head = joined(" · ", v.Script.Organisation, v.Script.Title, s.say(text.New("Minutes of a key ceremony")))
	s.p.Foot = s.say(text.New("ceremony %s · script %s", v.Head.Ceremony, shortFingerprint(v.Script)))
	s.title()
	s.verification()
	s.findings()
	s.people()
	s.keysAndOutputs()
	s.checkValues()
	s.bags()
	s.deviations()
	s.steps()
	s.notDone()
	s.scriptText()
	s.signatures()
	s.closingWords()
	return s.p, nil
}

func lastMoment(records []transcript.Record) time.Time {
	if len(records) == 0 {
		return time.Time{}
	}
	return records[len(records)-1].Time
}

func joined(separator string, words ...string) string {
	var out []string
	for _, w := range words {
		if w != "" {
			out = append(out, w)
		}
	}
	return strings.Join(out, separator)
}

// shortFingerprint is enough of a fingerprint to tell one page from another's.
func shortFingerprint(s *script.Script) string {
	groups := strings.Fields(s.Fingerprint().Hex())
	return strings.Join(groups[:min(4, len(groups))], " ") + " …"
}

// nameBlock is the head of the first page of minutes and forms.
func (c *cast) nameBlock(title string, mark string) block {
	b := block{Kind: blockName, Text: title, Code: c.s.Fingerprint().String(),
		Aside: c.lang.words(text.New("QR: fingerprint of the script"))}
	if mark != "" {
		b.Lines = append(b.Lines,
			cell{Text: mark + " · " + c.lang.words(text.New("not for production: nothing on this paper protects "+
				"anything")), Tone: bad, Bold: true})
	}
	b.Lines = append(b.Lines, cell{Text: c.s.Title, Bold: true})
	if c.s.Organisation != "" {
		b.Lines = append(b.Lines, cell{Text: joined(" · ", c.s.Organisation, c.s.Place)})
	}
	return b
}

// fingerprintFacts are the fingerprint in all its forms.
func (c *cast) fingerprintFacts() []fact {
	f := c.s.Fingerprint()
	return []fact{
		{c.lang.words(text.New("script, SHA-256")), cell{Text: f.Hex(), Mono: true}},
		{c.lang.words(text.New("the same in words")), cell{Text: f.Words()}},
		{c.lang.words(text.New("the same in digits")), cell{Text: f.Digits(), Mono: true}},
	}
}

func (s *story) title() {
	h := s.v.Head
	s.p.add(s.nameBlock(s.say(text.New("Minutes of a key ceremony")), s.testMark()))
	rows := []fact{
		{s.say(text.New("ceremony")), cell{Text: h.Ceremony, Mono: true, Bold: true}},
		{s.say(text.New("kind")), cell{Text: s.say(s.s.Kind.Text())}},
		{s.say(text.New("purpose")), cell{Text: s.s.Purpose}},
		{s.say(text.New("organisation")), cell{Text: s.s.Organisation}},
		{s.say(text.New("place of the ceremony")), cell{Text: s.s.Place}},
		{s.say(text.New("mode of the ceremony")), cell{Text: s.say(h.Mode.Text())}},
		{s.say(text.New("environment")), cell{Text: s.say(h.Environment.Text())}},
		{s.say(text.New("planned start")), cell{Text: stamp(s.s.Starts)}},
		{s.say(text.New("begun (UTC)")), cell{Text: stamp(firstMoment(s.v.Records))}},
		{s.say(text.New("last line (UTC)")), cell{Text: stamp(lastMoment(s.v.Records))}},
	}
	rows = append(rows, s.fingerprintFacts()...)
	rows = append(rows,
		fact{s.say(text.New("state")), s.stateCell()},
		fact{s.say(text.New("tool")), cell{Text: h.Tool}},
		fact{s.say(text.New("station")), cell{Text: h.Station}},
		fact{s.say(text.New("language of the ceremony")), cell{Text: h.Language}},
	)
	s.p.table(facts(withValues(rows)))
}

func firstMoment(records []transcript.Record) time.Time {
	if len(records) == 0 {
		return time.Time{}
	}
	return records[0].Time
}

// withValues leaves out labels without anything behind them.
func withValues(rows []fact) []fact {
	var out []fact
	for _, r := range rows {
		if r.Value.Text != "" {
			out = append(out, r)
		}
	}
	return out
}

func (s *story) stateCell() cell {
	c := cell{Text: s.say(stateOf(s.v.State)), Tone: good, Bold: true}
	if s.v.State != transcript.Closed {
		c.Tone = bad
	}
	return c
}

// verification is the answer to the first question: is this the record as it was written, and did it go by the script?
func (s *story) verification() {
	s.p.heading(1, s.say(text.New("Verification")))
	last := transcript.Record{}
	if n := len(s.v.Records); n > 0 {
		last = s.v.Records[n-1]
	}
	rows := []fact{{s.say(text.New("record")), s.wholeCell()}, {s.say(text.New("against the script")), s.byScriptCell()},
		{s.say(text.New("signatures at the end")), s.signedCell()},
		{s.say(text.New("lines of the record")), cell{Text: strconv.Itoa(len(s.v.Records))}},
		{s.say(text.New("hash of the last line")), cell{Text: custody.Fingerprint(last.Hash).Hex(), Mono: true}}}
	if s.v.Torn > 0 {
		rows = append(rows, fact{s.say(text.New("torn")), cell{Tone: bad,
			Text: s.say(text.New("%d bytes at the end are no whole line", s.v.Torn))}})
	}
	s.p.table(facts(rows))
	if len(s.v.Problems) > 0 {
		t := &table{Headed: true, Columns: []column{{s.say(text.New("line")), 10}, {s.say(text.New("what is wrong with it")),
			90}}}
		for _, p := range s.v.Problems {
			t.Rows = append(t.Rows, []cell{{Text: strconv.Itoa(p.Line)}, {Text: s.say(text.New("%s", p.Error)), Tone: bad}})
		}
		s.p.table(t)
	}
	s.findingTable(s.v.Findings)
}

func (s *story) wholeCell() cell {
	if n := len(s.v.Problems); n > 0 {
		return cell{Text: s.say(text.New("NOT INTACT; problems: %d", n)), Tone: bad, Bold: true}
	}
	return cell{Text: s.say(text.New("intact: every line is as it was written, and every signature in it is right")),
		Tone: good, Bold: true}
}

func (s *story) byScriptCell() cell {
	if n := s.differences(); n > 0 {
		return cell{Text: s.say(text.New("findings: %d, see below", n)), Tone: bad, Bold: true}
	}
	return cell{Text: s.say(text.New("every step was done as the script has it")), Tone: good, Bold: true}
}

func (s *story) signedCell() cell {
	switch {
	case len(s.v.Signers) == 0:
		return cell{Text: s.say(text.New("nobody signed at the end")), Tone: bad, Bold: true}
	case len(s.v.Missing) > 0:
		return cell{Text: s.say(text.New("missing: %s", s.all(s.v.Missing))), Tone: bad, Bold: true}
	}
	return cell{Text: s.say(text.New("all %d who took part signed", len(s.v.Signers))), Tone: good, Bold: true}
}

func (s *story) findingTable(found []script.Finding) {
	t := &table{Headed: true, Columns: []column{{s.say(text.New("level")), 12}, {s.say(text.New("requirement")), 16},
		{s.say(text.New("where")), 22}, {s.say(text.New("finding")), 50}}}
	for _, f := range found {
		level, tone := levelName(f.Level)
		what := s.say(f.What)
		if !f.Fix.IsZero() {
			what += "\n" + s.say(f.Fix)
		}
		t.Rows = append(t.Rows, []cell{{Text: s.say(level), Tone: tone, Bold: tone == bad}, {Text: orDash(f.Requirement)},
			{Text: joined(" ", f.Where, "("+f.ID+")")}, {Text: what}})
	}
	s.p.table(t)
}

// findings are those of the check before the ceremony, as the record has them.
func (s *story) findings() {
	s.p.heading(1, s.say(text.New("Findings of the check before the ceremony")))
	t := &table{Headed: true, Columns: []column{{s.say(text.New("level")), 12}, {s.say(text.New("requirement")), 16},
		{s.say(text.New("finding")), 72}}}
	for _, r := range s.v.Records {
		if r.Kind != transcript.KindFinding {
			continue
		}
		level, tone := levelName(script.Level(r.Details["level"]))
		d := &details{values: r.Details, taken: map[string]bool{"level": true, "requirement": true, "what": true, "id": true}}
		t.Rows = append(t.Rows, []cell{{Text: s.say(level), Tone: tone, Bold: tone == bad},
			{Text: orDash(r.Details["requirement"])},
			{Text: joined("\n", s.say(text.Known(r.Details["what"]))+" ("+r.Details["id"]+")", s.rest(d))}})
	}
	if len(t.Rows) == 0 {
		s.p.text(s.say(text.New("The check found nothing.")), plain)
	}
	s.p.table(t)
}

func (s *story) people() {
	s.p.heading(1, s.say(text.New("Roles and people")))
	t := &table{Headed: true, Columns: []column{{s.say(text.New("name (id)")), 22}, {s.say(text.New("employee, manager")),
		20},
		{s.say(text.New("seats by the script")), 26}, {s.say(text.New("seats taken")),
			18}, {s.say(text.New("card, fingerprint")), 26}}}
	for _, id := range s.ids() {
		p := s.person(id)
		job := joined("\n", p.Employee, p.Manager)
		if p.Partner {
			job = joined("\n", s.say(text.New("of the partner")), job)
		}
		seats := cell{Text: orDash(strings.Join(s.seats(id), "\n"))}
		if len(s.seats(id)) == 0 {
			seats.Tone = quiet
		}
		took := cell{Text: strings.Join(s.taken(id), "\n")}
		if took.Text == "" {
			took = cell{Text: s.say(text.New("did not attend")), Tone: quiet}
		}
		t.Rows = append(t.Rows, []cell{{Text: s.who(id), Bold: true}, {Text: job}, seats, took,
			{Text: orDash(s.card(id)), Mono: true}})
	}
	s.p.table(t)
}

func (s *story) checkValues() {
	s.p.heading(1, s.say(text.New("Check values")))
	t := &table{Headed: true, Columns: []column{{s.say(text.New("line, time")), 17}, {s.say(text.New("step")), 7},
		{s.say(text.New("key or component")), 20}, {s.say(text.New("what")), 14}, {s.say(text.New("method")), 14},
		{s.say(text.New("expected")), 15}, {s.say(text.New("seen")), 15}, {s.say(text.New("verdict")), 16}}}
	for _, r := range s.v.Records {
		seen, want := r.Check, r.Expected
		if seen.Digits == "" && want.Digits == "" {
			continue
		}
		method := string(seen.Method)
		if want.Method != "" && want.Method != seen.Method {
			method = joined(" / ", string(want.Method), method)
		}
		verdict := cell{Text: "-", Tone: quiet}
		if r.Verdict != "" {
			name, tone := verdictName(r.Verdict)
			verdict = cell{Text: s.say(name), Tone: tone, Bold: tone == bad}
		}
		t.Rows = append(t.Rows, s.marked(r, 7, []cell{{Text: s.lineTime(r)}, {Text: number0(r.Step)},
			{Text: orDash(partOf(s.key(r.Key), r.Key, r.Part))}, {Text: s.say(checkedAs(r.Kind))}, {Text: method, Mono: true},
			{Text: orDash(want.Digits), Mono: true}, {Text: orDash(seen.Digits), Mono: true, Bold: true}, verdict}))
	}
	if len(t.Rows) == 0 {
		s.p.text(s.say(text.New("No check value was seen.")), plain)
	}
	s.p.table(t)
}

// checkedAs is what a check value was seen at.
func checkedAs(k transcript.Kind) text.Text {
	switch k {
	case transcript.KindMade:
		return text.New("key made")
	case transcript.KindPrinted:
		return text.New("sheet printed")
	case transcript.KindEntered:
		return text.New("component typed")
	case transcript.KindChecked:
		return text.New("compared")
	case transcript.KindKept:
		return text.New("key kept")
	case transcript.KindExported:
		return text.New("key block")
	case transcript.KindLoaded:
		return text.New("in the device")
	}
	return text.Raw(string(k))
}

// lineTime is the number of a line and its time; with the day, when it is not that of the beginning.
func (s *story) lineTime(r transcript.Record) string {
	when := clock(r.Time)
	if !sameDay(r.Time, firstMoment(s.v.Records)) {
		when = stamp(r.Time)
	}
	return strconv.Itoa(r.N) + " · " + when
}

// number0 is the number of a step; outside steps there is none.
func number0(n int) string {
	if n == 0 {
		return "-"
	}
	return strconv.Itoa(n)
}

func (s *story) bags() {
	s.p.heading(1, s.say(text.New("Ledger of bags")))
	t := &table{Headed: true, Columns: []column{{s.say(text.New("line, time")), 17}, {s.say(text.New("step")), 7},
		{s.say(text.New("component")), 14}, {s.say(text.New("event")), 13}, {s.say(text.New("bag")), 17},
		{s.say(text.New("outer bag")), 15}, {s.say(text.New("channel")), 16}, {s.say(text.New("state")),
			14}, {s.say(text.New("who")), 18}}}
	for _, r := range s.v.Records {
		if r.Kind != transcript.KindBag && r.Kind != transcript.KindDestroyed {
			continue
		}
		event := r.Details["event"]
		if r.Kind == transcript.KindDestroyed {
			event = string(store.PartDestroyed)
		}
		t.Rows = append(t.Rows, s.marked(r, 7, []cell{{Text: s.lineTime(r)}, {Text: number0(r.Step)},
			{Text: orDash(partOf(s.key(r.Key), r.Key, r.Part))}, {Text: s.say(ceremony.EventName(event))},
			{Text: orDash(orElse(r.Details["serial"], r.Details["bag"])), Mono: true}, {Text: orDash(r.Details["outer"]),
				Mono: true},
			{Text: orDash(r.Details["channel"])}, {Text: orDash(joined("; ", s.say(word(r.Details["state"])),
				s.say(word(r.Details["how"]))))},
			{Text: orDash(s.allOf(r))}}))
	}
	if len(t.Rows) == 0 {
		s.p.text(s.say(text.New("No bag was handled.")), plain)
	}
	s.p.table(t)
	s.plannedBags()
}

// plannedBags is what the script says of the bags: the serial, the channel, who tells the serial apart.
func (s *story) plannedBags() {
	t := &table{Headed: true, Columns: []column{{s.say(text.New("component")), 14}, {s.say(text.New("bag by the script")),
		18},
		{s.say(text.New("outer bag")), 18}, {s.say(text.New("channel")),
			24}, {s.say(text.New("who tells the serial, apart from the bag")), 26}}}
	for i := range s.s.Keys {
		k := &s.s.Keys[i]
		for _, p := range k.Parts {
			if p.Bag+p.Outer+p.Channel+p.SerialBy != "" {
				t.Rows = append(t.Rows, []cell{{Text: partOf(k, k.ID, p.Number)}, {Text: orDash(p.Bag), Mono: true},
					{Text: orDash(p.Outer), Mono: true}, {Text: orDash(p.Channel)}, {Text: orDash(s.who(p.SerialBy))}})
			}
		}
	}
	s.p.table(t)
}

func (s *story) allOf(r transcript.Record) string {
	return joined("; ", s.who(r.Who), s.all(r.People))
}

// deviations stand on sheets of their own, with room for the hands of those who decided.
func (s *story) deviations() {
	s.p.heading(1, s.say(text.New("Deviations")))
	n := 0
	for i, r := range s.v.Records {
		if r.Kind != transcript.KindDeviation {
			continue
		}
		n++
		there := ""
		if r.Who != "" {
			there = s.all(r.People)
		}
		d := &details{values: r.Details, taken: map[string]bool{"expected": true, "happened": true, "decided": true}}
		s.p.add(block{Kind: blockStep, Tone: bad, Text: s.say(text.New("Deviation %d", n)),
			Aside: s.say(text.New("line %d · %s UTC · %s · PCI PIN %s", r.N, stamp(r.Time), s.stepName(r.Step),
				orDash(requirements(s.requirementsOf(r.Step)))))})
		s.p.table(facts(withValues([]fact{
			{s.say(text.New("expected")), cell{Text: orDash(r.Details["expected"])}},
			{s.say(text.New("happened")), cell{Text: orDash(r.Details["happened"])}},
			{s.say(text.New("decided")), cell{Text: orDash(r.Details["decided"])}},
			{s.say(text.New("by")), cell{Text: orDash(s.all(deviators(r)))}},
			{s.say(text.New("who was there")), cell{Text: there}},
			{s.say(text.New("signed by")), cell{Text: s.all(signedAfter(s.v.Records[i+1:]))}},
			{s.say(text.New("also said")), cell{Text: s.rest(d)}},
		})))
	}
	if n == 0 {
		s.p.text(s.say(text.New("There was none.")), plain)
	}
}

// signedAfter are those whose signatures follow at once.
func signedAfter(records []transcript.Record) []string {
	var out []string
	for _, r := range records {
		if r.Kind != transcript.KindSigned {
			break
		}
		out = append(out, r.Who)
	}
	return out
}

func (s *story) signatures() {
	s.p.add(block{Kind: blockPage})
	s.p.heading(1, s.say(text.New("Signatures")))
	digital := &table{Headed: true, Columns: []column{{s.say(text.New("name (id)")), 40},
		{s.say(text.New("signed the record at its end")), 30},
		{s.say(text.New("lines signed on the way")), 30}}}
	ids := s.attended()
	for _, list := range [][]string{s.v.Signers, s.v.Missing} {
		for _, id := range list {
			if !has(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	lines := map[string]int{}
	for _, r := range s.v.Records {
		if r.Kind == transcript.KindSigned {
			lines[r.Who]++
		}
	}
	for _, id := range ids {
		answer := cell{Text: s.say(text.New("MISSING")), Tone: bad, Bold: true}
		if has(s.v.Signers, id) {
			answer = cell{Text: s.say(text.New("signed, and the signature is right")), Tone: good}
		}
		digital.Rows = append(digital.Rows, []cell{{Text: s.who(id)}, answer, {Text: strconv.Itoa(lines[id])}})
	}
	if len(ids) == 0 {
		ids = s.ids()
	}
	s.p.table(digital)
	s.p.text(s.say(text.New("By hand: I was there, and this paper says what happened.")), plain)
	s.p.table(s.handTable(ids))
}

func has(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// handTable is where people sign.
func (c *cast) handTable(ids []string) *table {
	t := &table{Headed: true, Form: true, High: 11, Columns: []column{{c.lang.words(text.New("name")), 28},
		{c.lang.words(text.New("seats")), 28}, {c.lang.words(text.New("signature")),
			28}, {c.lang.words(text.New("date, time")), 16}}}
	for _, id := range ids {
		seats := c.taken(id)
		if len(seats) == 0 {
			seats = c.seats(id)
		}
		t.Rows = append(t.Rows, []cell{{Text: c.who(id)}, {Text: strings.Join(seats, "\n")}, {Write: true}, {Write: true}})
	}
	return t
}

func (s *story) closingWords() {
	s.p.heading(1, s.say(text.New("Keeping")))
	s.p.text(s.say(text.New("This record is kept for two years at least after the last key named in it was destroyed (PCI PIN 26-1).")),
		plain)
	s.p.table(fields(1, []fact{{s.say(text.New("kept until")), cell{}}, {s.say(text.New("kept where, by whom")), cell{}}}))
	s.p.text(s.say(text.New("The minutes hold no key, no component, and nothing from which one could be guessed. What counts is the "+
		"record itself: poskey ceremony verify reads it again, from the file alone.")), quiet)
	s.p.text(s.say(text.New("made by %s", orDash(s.v.Head.Tool))), quiet)
}
