package minutes

// Forms to be signed by hand: what all of them have, and the custodian's.

import (
	"strings"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/ceremony"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/kcv"
	"poskey/pkg/store"
)

// formVersion is the version of the layouts of all forms.
const formVersion = "1"

// filler fills a form.
type filler struct {
	cast
	p    *paper
	form Form
}

func (f *filler) say(t text.Text) string { return f.lang.words(t) }

func form(kind Form, s *script.Script, v *ceremony.Verified, l Language) (*paper, error) {
	if v != nil && (v.Document == nil || v.Script == nil) {
		v = nil
	}
	if v != nil {
		s = v.Script
	}
	if s == nil {
		return nil, fault.New(fault.Usage, "there is no script to fill a form from")
	}
	f := &filler{cast: newCast(l, s, v), form: kind}
	f.p = &paper{Language: l, At: dated(s.Starts)}
	id := f.ceremonyID()
	if v != nil {
		f.p.At = dated(lastMoment(v.Records))
	}
	f.p.Mark = f.mark(true)
	fill, title := f.kind(kind)
	if fill == nil {
		return nil, fault.New(fault.Usage, "unknown form %q; known: %s", text.Redact(string(kind)), "acceptance loading-log "+
			"destruction envelope conveyance")
	}
	f.p.Title = f.say(title)
	f.p.Head = joined(" · ", s.Organisation, s.Title, f.p.Title)
	f.p.Foot = f.say(text.New("form %s/%s · ceremony %s · script %s", string(kind), formVersion, orDash(id),
		shortFingerprint(s)))
	fill()
	if len(f.p.Blocks) == 0 {
		return nil, fault.New(fault.Usage, "the script has nothing for a form of the kind %s", string(kind))
	}
	return f.p, nil
}

func (f *filler) kind(kind Form) (fill func(), title text.Text) {
	switch kind {
	case Acceptance:
		return f.acceptance, text.New("Custodian's acceptance")
	case LoadingLog:
		return f.loadingLog, text.New("Key-loading log")
	case Destruction:
		return f.destruction, text.New("Affidavit of destruction")
	case Envelope:
		return f.envelopes, text.New("Envelope label")
	case Conveyance:
		return f.conveyance, text.New("Conveyance record")
	}
	return nil, text.Text{}
}

func (c *cast) ceremonyID() string {
	if c.v == nil {
		return ""
	}
	return c.v.Head.Ceremony
}

// page begins a page of a form with its name.
func (f *filler) page() {
	if len(f.p.Blocks) > 0 {
		f.p.add(block{Kind: blockPage})
	}
	b := f.nameBlock(f.p.Title, f.testMark())
	b.Lines = append(b.Lines, f.scriptLines()...)
	f.p.add(b)
}

// section is a heading with fields below it, two beside each other.
func (f *filler) section(title text.Text, rows ...fact) {
	f.p.heading(2, f.say(title))
	f.p.table(fields(2, rows))
}

func (f *filler) fact(label text.Text, value string) fact {
	return fact{f.say(label), cell{Text: value}}
}

func (f *filler) monoFact(label text.Text, value string) fact {
	return fact{f.say(label), cell{Text: value, Mono: value != ""}}
}

// choice are boxes to tick.
func (f *filler) choice(label text.Text, of ...text.Text) fact {
	var out []string
	for _, t := range of {
		out = append(out, "☐ "+f.say(t))
	}
	return fact{f.say(label), cell{Text: strings.Join(out, "   ")}}
}

// scriptLines are on every page of a form: which script it belongs to, which form it is.
func (f *filler) scriptLines() []cell {
	p := f.s.Fingerprint()
	return []cell{{Text: f.say(text.New("script, SHA-256: %s", p.Hex())), Tone: quiet},
		{Text: f.say(text.New("in words: %s", p.Words())), Tone: quiet},
		{Text: joined(" · ", f.say(text.New("form %s, version %s", string(f.form), formVersion)), f.tool()), Tone: quiet}}
}

func (c *cast) tool() string {
	if c.v == nil {
		return ""
	}
	return c.v.Head.Tool
}

// signing is where the people named sign, each in a role; empty names are written in.
func (f *filler) signing(rows ...fact) {
	t := &table{Headed: true, Form: true, High: 9.5, Columns: []column{{f.say(text.New("as")), 26},
		{f.say(text.New("name")), 28},
		{f.say(text.New("signature")), 28}, {f.say(text.New("date, time")), 18}}}
	for _, r := range rows {
		t.Rows = append(t.Rows, []cell{{Text: r.Label}, {Text: r.Value.Text, Write: r.Value.Text == ""}, {Write: true},
			{Write: true}})
	}
	f.p.heading(2, f.say(text.New("Signatures")))
	f.p.table(t)
}

// role is who has a role in this ceremony: who took it, else who is to.
func (c *cast) role(r script.Role) string {
	if c.v != nil {
		for _, rec := range c.v.Records {
			if rec.Kind == transcript.KindAttended && rec.Details["role"] == string(r) {
				return c.who(rec.Who)
			}
		}
	}
	if id := c.s.Roles[r].Primary; id != "" {
		return c.who(id)
	}
	return ""
}

// event is the last line about a part that is of a kind, and for bags of an event; what is void does not count.
func (c *cast) event(kind transcript.Kind, key string, part int, event store.PartEvent) (transcript.Record, bool) {
	var found transcript.Record
	ok := false
	if c.v == nil {
		return found, false
	}
	for _, r := range c.v.Records {
		if c.void[r.N] == 0 && r.Kind == kind && r.Key == key && r.Part == part && (event == "" || r.Details["event"] == string(event)) {
			found, ok = r, true
		}
	}
	return found, ok
}

// check is what is known of a check value: as it was seen, and what was expected.
func (c *cast) check(k *script.Key, part int) (expected, seen string) {
	if p := c.part(k.ID, part); part > 0 && p != nil {
		expected = p.CheckText
	}
	if part == 0 {
		expected = k.CheckText
	}
	if c.v == nil {
		return expected, ""
	}
	for _, r := range c.v.Records {
		if c.void[r.N] != 0 || r.Key != k.ID || r.Part != part || r.Check == (kcv.Value{}) || r.Kind == transcript.KindLoaded {
			continue
		}
		seen = valueText(r.Check)
		if r.Expected != (kcv.Value{}) {
			expected = valueText(r.Expected)
		}
	}
	return expected, seen
}

func (c *cast) purpose(k *script.Key) string {
	name := k.Usage.Name()
	if k.Usage == "" || name.IsZero() {
		return string(k.Usage)
	}
	return c.lang.words(text.New("%s (%s)", string(k.Usage), name))
}

// label is a key's in the store: as it was kept, else as the script has it.
func (c *cast) label(k *script.Key) string {
	if r, ok := c.event(transcript.KindKept, k.ID, 0, ""); ok && r.Details["label"] != "" {
		return r.Details["label"]
	}
	for _, o := range k.Outputs {
		if o.To == script.ToStore && k.Label == "" {
			return o.Label
		}
	}
	return k.Label
}

// holder is a part with one of those who hold it.
type holder struct {
	key    *script.Key
	part   *script.Part
	id     string
	backup bool
}

// parts are all of the script with who holds them, primary first.
func (c *cast) holders() []holder {
	var out []holder
	for i := range c.s.Keys {
		k := &c.s.Keys[i]
		for j := range k.Parts {
			p := &k.Parts[j]
			if p.Custodian.Primary != "" {
				out = append(out, holder{k, p, p.Custodian.Primary, false})
			}
			if p.Custodian.Backup != "" {
				out = append(out, holder{k, p, p.Custodian.Backup, true})
			}
		}
	}
	return out
}

// acceptance is one page for each custodian of each component.
func (f *filler) acceptance() {
	for _, h := range f.holders() {
		p := f.person(h.id)
		role, other := text.New("primary custodian"), h.part.Custodian.Backup
		if h.backup {
			role, other = text.New("backup custodian"), h.part.Custodian.Primary
		}
		if other != "" {
			other = f.who(other)
		}
		f.page()
		f.section(text.New("The custodian"), f.fact(text.New("name"), joined(" ", p.Name, "("+h.id+")")),
			f.fact(text.New("employee number"), p.Employee), f.fact(text.New("reports to (manager)"), p.Manager),
			f.fact(text.New("date of training"), ""), f.fact(text.New("in force from (date, time)"), stamp(f.s.Starts)),
			f.fact(text.New("in force until (date, time)"), ""))
		f.section(text.New("The component"), f.fact(text.New("role"), f.say(role)),
			f.fact(text.New("component"), f.say(text.New("%d of %d of key %s", h.part.Number, len(h.key.Parts), h.key.ID))),
			f.fact(text.New("key in the store"), f.label(h.key)), f.fact(text.New("purpose"), f.purpose(h.key)),
			f.fact(text.New("algorithm, scheme"), joined(", ", string(h.key.Algorithm), f.schemeOf(h.key))),
			f.fact(text.New("the other custodian"), other), f.monoFact(text.New("bag, inner"), h.part.Bag),
			f.monoFact(text.New("bag, outer"), h.part.Outer))
		f.p.table(fields(1, []fact{f.monoFact(text.New("card, fingerprint"), f.card(h.id))}))
		f.duties()
		f.p.heading(2, f.say(text.New("History of this component's custodians")))
		f.p.table(f.blank(2, text.New("handed over by"), text.New("taken over by"), text.New("date, time"), text.New("bag"),
			text.New("signatures")))
		f.signing(f.fact(text.New("custodian"), joined(" ", p.Name, "("+h.id+")")),
			f.fact(text.New("management, which authorises"), ""))
	}
}

func (f *filler) duties() {
	f.p.heading(2, f.say(text.New("Duties")))
	for _, t := range []text.Text{
		text.New("1. I hold the component named above and none other of this key, now or before (PCI PIN 8-2, 21-2.4)."),
		text.New("2. I keep it in its numbered bag in the place assigned, tell nobody what it says, and never copy, photograph, " +
			"dictate or send it (PCI PIN 6-6, 21-3)."),
		text.New("3. Before I open a bag I compare its serial number with the one told apart, and look for signs of opening. At any " +
			"doubt I stop and report it at once (PCI PIN 9-2)."),
		text.New("4. I write down every removal from storage and every use, with time, purpose and bag (PCI PIN 26-1)."),
		text.New("5. When I leave this duty I hand the component over before a witness, and keep silent about it after."),
	} {
		f.p.text(f.say(t), plain)
	}
}

// blank is a table to write in.
func (f *filler) blank(rows int, titles ...text.Text) *table {
	t := &table{Headed: true, Form: true, High: 8}
	for _, title := range titles {
		t.Columns = append(t.Columns, column{f.say(title), 1})
	}
	for range rows {
		row := make([]cell, len(titles))
		for i := range row {
			row[i].Write = true
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// retention is the end of keeping, to be written in.
func (f *filler) retention() fact {
	return f.fact(text.New("kept until (two years after the key's destruction at least)"), "")
}

// begun and ended are the times of the ceremony.
func (c *cast) begun() string {
	if c.v == nil {
		return ""
	}
	return stamp(firstMoment(c.v.Records))
}

func (c *cast) ended() string {
	if c.v == nil || c.v.State == transcript.Open {
		return ""
	}
	return stamp(lastMoment(c.v.Records))
}

// since is a moment, or nothing.
func since(at time.Time, ok bool) string {
	if !ok {
		return ""
	}
	return stamp(at)
}
