package minutes

// The steps of the minutes, and the keys with what became of them.

import (
	"strconv"
	"strings"
	"time"

	"poskey/internal/text"
	"poskey/pkg/ceremony"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
)

// planned is a step of the script by number; ok is false for what the script does not have.
func (s *story) planned(n int) (script.Planned, bool) {
	if s.v.Program != nil && n >= 1 && n <= len(s.v.Program.Steps) {
		return s.v.Program.Steps[n-1], true
	}
	if n >= 1 && n <= len(s.s.Steps) {
		st := s.s.Steps[n-1]
		return script.Planned{Number: n, Step: st, Key: s.key(st.Key), Part: s.part(st.Key, st.Part)}, true
	}
	return script.Planned{}, false
}

func (s *story) requirementsOf(n int) []string {
	p, _ := s.planned(n)
	return p.Requirements
}

// stepName is a step with its number: 7. enter a component · ZMK 2/3.
func (s *story) stepName(n int) string {
	if n == 0 {
		return s.say(text.New("outside the steps"))
	}
	p, ok := s.planned(n)
	if !ok {
		return strconv.Itoa(n) + "."
	}
	what := ""
	if p.Step.Key != "" {
		what = partOf(s.key(p.Step.Key), p.Step.Key, p.Step.Part)
	}
	return joined(" · ", strconv.Itoa(n)+". "+s.say(p.Step.Do.Text()), what, p.Step.Item, outputOf(p))
}

func outputOf(p script.Planned) string {
	if p.Output == nil {
		return p.Step.Output
	}
	return joined(" ", p.Output.Label, p.Output.File, p.Output.Device)
}

// group is lines of the record that belong to one step and stand one after the other.
type group struct {
	step    int
	records []transcript.Record
}

func (s *story) groups() []group {
	var out []group
	for _, r := range s.v.Records {
		if n := len(out); n > 0 && out[n-1].step == r.Step && r.Kind != transcript.KindBegun {
			out[n-1].records = append(out[n-1].records, r)
			continue
		}
		out = append(out, group{r.Step, []transcript.Record{r}})
	}
	return out
}

// steps are all lines of the record, step by step.
func (s *story) steps() {
	s.p.heading(1, s.say(text.New("What happened, step by step (times are UTC)")))
	day := time.Time{}
	for _, g := range s.groups() {
		b := block{Kind: blockStep, Text: s.stepName(g.step), Aside: s.stepAside(g, !sameDay(g.records[0].Time, day))}
		if g.step > 0 && !g.finished() {
			b.Tone, b.Aside = bad, joined(" · ", b.Aside, s.say(text.New("NOT FINISHED HERE")))
		}
		s.p.add(b)
		day = g.records[0].Time
		t := &table{Again: s.say(text.New("%s (continued)", s.stepName(g.step))), Columns: []column{{s.say(text.New("line")),
			6}, {s.say(text.New("time")), 10}, {s.say(text.New("what happened")), 66},
			{"PCI PIN", 18}}}
		numbers := requirements(s.requirementsOf(g.step))
		for _, r := range g.records {
			number := numbers
			if r.Kind == transcript.KindFinding {
				number = strings.TrimPrefix(r.Details["requirement"], "PCI PIN ")
			}
			when := clock(r.Time)
			if !sameDay(r.Time, day) {
				when, day = stamp(r.Time), r.Time
			}
			t.Rows = append(t.Rows, []cell{{Text: strconv.Itoa(r.N), Tone: quiet}, {Text: when}, s.sentence(r),
				{Text: number, Tone: quiet}})
		}
		s.p.table(t)
	}
}

// stepAside is when a step was, who was to do it, what it is held to.
func (s *story) stepAside(g group, dated bool) string {
	first, last := g.records[0].Time, g.records[len(g.records)-1].Time
	when := clock(first)
	if dated {
		when = stamp(first)
	}
	if end := clock(last); last.Sub(first) >= time.Second {
		when += " – " + end
	}
	p, ok := s.planned(g.step)
	if !ok || g.step == 0 {
		return when
	}
	out := []string{when}
	if who := s.seat(p.Actor); who != "" {
		out = append(out, s.say(text.New("to be done by %s", who)))
	}
	if who := s.seat(p.Seconder); who != "" {
		out = append(out, s.say(text.New("confirmed by %s", who)))
	}
	if p.Step.Minutes > 0 {
		out = append(out, s.say(text.New("planned: %d minutes", int(p.Step.Minutes.Minutes()))))
	}
	if p.Irreversible {
		out = append(out, s.say(text.New("cannot be taken back")))
	}
	if len(p.Requirements) > 0 {
		out = append(out, "PCI PIN "+requirements(p.Requirements))
	}
	return strings.Join(out, " · ")
}

// finished: the step is over; signatures may follow the line that says so.
func (g group) finished() bool {
	for _, r := range g.records {
		if r.Kind == transcript.KindDone || r.Kind == transcript.KindClosing || r.Kind == transcript.KindNote {
			return true
		}
	}
	return false
}

// notDone are the steps of the script that the record does not end, or that are void and were not done again.
func (s *story) notDone() {
	done := func(int) bool { return false }
	if s.v.Program != nil {
		done = ceremony.ProgressOf(s.v.Program, s.v.Records).Done
	}
	t := &table{Headed: true, Columns: []column{{s.say(text.New("step")), 80}, {"PCI PIN", 20}}}
	for n := 1; n <= len(s.s.Steps); n++ {
		p, _ := s.planned(n)
		if done(n) || p.Step.Do == script.Close && s.v.State == transcript.Closed {
			continue
		}
		t.Rows = append(t.Rows, []cell{{Text: s.stepName(n)}, {Text: orDash(requirements(p.Requirements))}})
	}
	if len(t.Rows) > 0 {
		s.p.heading(1, s.say(text.New("Steps of the script that were not done")))
		s.p.table(t)
	}
}

// keysAndOutputs are the keys of the script, and what the record says became of them.
func (s *story) keysAndOutputs() {
	s.p.heading(1, s.say(text.New("Keys")))
	t := &table{Headed: true, Columns: []column{{s.say(text.New("key")), 16}, {s.say(text.New("algorithm, usage")), 28},
		{s.say(text.New("source")), 22}, {s.say(text.New("components")), 13}, {s.say(text.New("expected check value")), 21}}}
	for i := range s.s.Keys {
		k := &s.s.Keys[i]
		usage := string(k.Usage)
		if name := k.Usage.Name(); !name.IsZero() && k.Usage != "" {
			usage = s.say(text.New("%s (%s)", usage, name))
		}
		t.Rows = append(t.Rows, []cell{{Text: joined("\n", k.ID, s.label(k)), Bold: true}, {Text: joined("\n",
			string(k.Algorithm), usage)},
			{Text: s.say(sourceName(k.Source))}, {Text: s.schemeOf(k)}, {Text: orDash(k.CheckText), Mono: true}})
	}
	s.p.table(t)
	s.partTable()
	s.outputTable()
}

func (c *cast) schemeOf(k *script.Key) string {
	if len(k.Parts) == 0 {
		return "-"
	}
	return c.lang.words(text.New("%s, %d of %d", k.Scheme, k.Threshold, len(k.Parts)))
}

func (s *story) partTable() {
	t := &table{Headed: true, Columns: []column{{s.say(text.New("component")), 14}, {s.say(text.New("custodian")), 34},
		{s.say(text.New("custodian until now")), 28}, {s.say(text.New("expected check value")), 24}}}
	for i := range s.s.Keys {
		k := &s.s.Keys[i]
		for _, p := range k.Parts {
			t.Rows = append(t.Rows, []cell{{Text: partOf(k, k.ID, p.Number), Bold: true}, {Text: orDash(s.seat(p.Custodian))},
				{Text: orDash(s.seat(p.Former))}, {Text: orDash(p.CheckText), Mono: true}})
		}
	}
	s.p.table(t)
}

// outputTable are keys kept, written, loaded and destroyed, as the record has them, and what of the script did not
// come.
func (s *story) outputTable() {
	t := &table{Headed: true, Columns: []column{{s.say(text.New("line, time")), 17}, {s.say(text.New("key")), 14},
		{s.say(text.New("where")), 13}, {s.say(text.New("what")), 58}}}
	for _, r := range s.v.Records {
		var where text.Text
		var rows []string
		d := r.Details
		switch r.Kind {
		case transcript.KindKept:
			where, rows = text.New("store"), []string{d["label"]}
		case transcript.KindExported:
			where, rows = text.New("key block"), []string{d["file"], "SHA-256 " + d["sha256"], d["header"]}
		case transcript.KindLoaded:
			where, rows = text.New("device"), []string{joined(" ", d["device"], d["slot"]), s.say(text.Known(d["proof"]))}
		case transcript.KindDestroyed:
			where, rows = text.New("destroyed"), []string{s.say(word(d["how"]))}
		default:
			continue
		}
		t.Rows = append(t.Rows, s.marked(r, 2, []cell{{Text: s.lineTime(r)}, {Text: partOf(s.key(r.Key), r.Key, r.Part)},
			{Text: s.say(where)}, {Text: joined("\n", append(rows, valueText(r.Check))...)}}))
	}
	if len(t.Rows) == 0 {
		s.p.text(s.say(text.New("No key left this ceremony.")), plain)
		return
	}
	s.p.heading(2, s.say(text.New("Outputs")))
	s.p.table(t)
}

// inRecord is a text as the record has it: one line, without what a key could stand in.
func inRecord(s string) string { return transcript.Clean(strings.Join(strings.Fields(s), " ")) }

// scriptText is what the script says beyond what was read aloud, for those who do not have the file.
func (s *story) scriptText() {
	said := map[int]map[string]bool{}
	for _, r := range s.v.Records {
		if r.Kind == transcript.KindSaid {
			if said[r.Step] == nil {
				said[r.Step] = map[string]bool{}
			}
			said[r.Step][inRecord(r.Details["text"])] = true
		}
	}
	t := &table{Headed: true, Columns: []column{{s.say(text.New("step")), 40}, {s.say(text.New("by the script")), 60}}}
	for n := 1; n <= len(s.s.Steps); n++ {
		p, _ := s.planned(n)
		var rows []string
		if p.Step.Text != "" && !said[n][inRecord(p.Step.Text)] {
			rows = append(rows, p.Step.Text)
		}
		if p.Step.Expect != "" {
			rows = append(rows, s.say(text.New("expected: %s", p.Step.Expect)))
		}
		if p.Step.Method != "" {
			rows = append(rows, s.say(text.New("method: %s", p.Step.Method)))
		}
		if len(rows) > 0 {
			t.Rows = append(t.Rows, []cell{{Text: s.stepName(n)}, {Text: strings.Join(rows, "\n")}})
		}
	}
	if len(t.Rows) > 0 {
		s.p.heading(1, s.say(text.New("What the script says at its steps")))
		s.p.table(t)
	}
}
