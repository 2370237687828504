package minutes

// Forms about single components: destroyed, in an envelope, on their way.

import (
	"fmt"
	"strings"

	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/store"
)

// target is a component, or a whole key with part 0.
type target struct {
	key    *script.Key
	part   *script.Part
	method string
}

func (t target) number() int {
	if t.part == nil {
		return 0
	}
	return t.part.Number
}

// targets are what steps destroy; a script without such steps may see all its components destroyed, or else its keys.
func (f *filler) targets() []target {
	var out []target
	for _, st := range f.s.Steps {
		k := f.key(st.Key)
		if k == nil || st.Do != script.DestroyPart && st.Do != script.DestroyKey {
			continue
		}
		t := target{key: k, method: st.Method}
		if st.Do == script.DestroyPart {
			t.part = f.part(st.Key, st.Part)
		}
		out = append(out, t)
	}
	if len(out) > 0 {
		return out
	}
	for i := range f.s.Keys {
		k := &f.s.Keys[i]
		for j := range k.Parts {
			out = append(out, target{key: k, part: &k.Parts[j]})
		}
		if len(k.Parts) == 0 {
			out = append(out, target{key: k})
		}
	}
	return out
}

func (f *filler) destruction() {
	for n, t := range f.targets() {
		f.destroyed(n+1, t)
	}
}

func (f *filler) destroyed(n int, t target) {
	gone, was := f.event(transcript.KindDestroyed, t.key.ID, t.number(), "")
	what := f.say(text.New("the whole key"))
	bag, holder := "", ""
	if t.part != nil {
		what = f.say(text.New("component %d of %d", t.part.Number, len(t.key.Parts)))
		bag, holder = t.part.Bag, f.seat(t.part.Custodian)
	}
	id := ""
	if f.v != nil {
		id = fmt.Sprintf("%s-D%d", f.ceremonyID(), n)
	}
	last := f.lastBag(t)
	if serial := last.Details["serial"]; serial != "" {
		bag = serial
	}
	expected, seen := f.check(t.key, t.number())
	if seen == "" {
		seen = expected
	}
	how := f.say(word(gone.Details["how"]))
	if how == "" {
		how = t.method
	}
	f.page()
	f.section(text.New("What was destroyed"), f.monoFact(text.New("affidavit"), id), f.fact(text.New("ceremony"),
		f.ceremonyID()),
		f.fact(text.New("key"), joined(" = ", t.key.ID, f.label(t.key))), f.fact(text.New("of it"), what),
		f.fact(text.New("algorithm, usage"), joined(", ", string(t.key.Algorithm), f.purpose(t.key))),
		f.monoFact(text.New("check value, method"), seen), f.monoFact(text.New("bag number"), bag),
		f.orBoxes(text.New("state of the bag"), f.say(word(f.bagState(t))), text.New("intact"), text.New("opened"),
			text.New("no bag")),
		f.fact(text.New("custodian"), holder), f.fact(text.New("place of the ceremony"), f.s.Place))
	f.p.table(fields(1, []fact{
		f.choice(text.New("form"), text.New("paper"), text.New("smart card"), text.New("token"),
			text.New("content of a secure device")),
		f.choice(text.New("reason"), text.New("loaded and confirmed"), text.New("end of its period"), text.New("compromise"),
			text.New("made by mistake")),
		f.fact(text.New("proof that the key works (device's check value, line of the log)"), f.proof(t.key)),
	}))
	f.section(text.New("How"), f.fact(text.New("date, time (UTC)"), since(gone.Time, was)),
		f.fact(text.New("destroyed by"), f.destroyer(gone, was)))
	method := []fact{f.fact(text.New("method"), how)}
	if how == "" {
		method = []fact{f.choice(text.New("method"), text.New("cross-cut and pulped"), text.New("burned"),
			text.New("zeroised"))}
	}
	f.p.table(fields(1, append(method,
		fact{f.say(text.New("statement")),
			cell{Text: f.say(text.New("What is named above was destroyed so that it cannot be put together again. No copy " +
				"of it remains. The witness has never been a custodian of this key (PCI PIN 24-2)."))}},
		f.choice(text.New("inventory"),
			text.New("entry closed on: ____________________ by: ____________________")), f.retention())))
	f.signing(f.fact(text.New("destroyed by"), f.destroyer(gone, was)),
		f.fact(text.New("witness, not a custodian of this key"), f.role(script.Witness)),
		f.fact(text.New("custodian"), holder))
}

func (f *filler) destroyer(r transcript.Record, ok bool) string {
	if !ok || r.Who == "" {
		return ""
	}
	return f.who(r.Who)
}

// orBoxes is what is known, else boxes to tick.
func (f *filler) orBoxes(label text.Text, known string, of ...text.Text) fact {
	if known != "" {
		return f.fact(label, known)
	}
	return f.choice(label, of...)
}

// lastBag is the last line about the bag of a component. What is void is destroyed too.
func (f *filler) lastBag(t target) (last transcript.Record) {
	if f.v != nil {
		for _, r := range f.v.Records {
			if r.Kind == transcript.KindBag && r.Key == t.key.ID && r.Part == t.number() {
				last = r
			}
		}
	}
	return last
}

// bagState is what was last written about the state of its bag.
func (f *filler) bagState(t target) string {
	state := ""
	if f.v != nil {
		for _, r := range f.v.Records {
			if r.Kind == transcript.KindBag && r.Key == t.key.ID && r.Part == t.number() && r.Details["state"] != "" {
				state = r.Details["state"]
			}
		}
	}
	return state
}

// proof is where the record says that the key works.
func (f *filler) proof(k *script.Key) string {
	var out []string
	if r, ok := f.event(transcript.KindLoaded, k.ID, 0, ""); ok {
		out = append(out, f.say(text.New("line %d: device %s, check value %s", r.N, r.Details["device"],
			orDash(valueText(r.Check)))))
	}
	if r, ok := f.event(transcript.KindChecked, k.ID, 0, ""); ok && r.Verdict == transcript.Match {
		out = append(out, f.say(text.New("line %d: check value %s compared, match", r.N, valueText(r.Check))))
	}
	return strings.Join(out, "; ")
}

// envelopes are labels, three on a page; those with long names have more of it.
func (f *filler) envelopes() {
	for i := range f.s.Keys {
		k := &f.s.Keys[i]
		for j := range k.Parts {
			if len(f.p.Blocks) > 0 {
				f.p.add(block{Kind: blockCut})
			}
			f.envelope(k, &k.Parts[j])
		}
	}
}

// labelHigh is the least that a label takes, in mm.
const labelHigh = 74

func (f *filler) envelope(k *script.Key, p *script.Part) {
	b := f.nameBlock(f.say(text.New("Key %s · component %d of %d", k.ID, p.Number, len(k.Parts))), f.testMark())
	b.Level, b.Keep = 2, labelHigh
	b.Lines = append(b.Lines,
		cell{Text: f.say(text.New("To be opened by its custodian alone. Broken or wrong serial: stop, do not open."))})
	f.p.add(b)
	sealed, was := f.event(transcript.KindBag, k.ID, p.Number, store.PartSealed)
	serial, outer := p.Bag, p.Outer
	if was {
		serial, outer = orElse(sealed.Details["serial"], serial), orElse(sealed.Details["outer"], outer)
	}
	t := fields(2, []fact{f.fact(text.New("custodian"), f.who(p.Custodian.Primary)), f.fact(text.New("backup custodian"),
		f.who(p.Custodian.Backup)),
		f.monoFact(text.New("bag, inner"), serial), f.monoFact(text.New("bag, outer"), outer),
		f.fact(text.New("channel"), p.Channel), f.fact(text.New("who sends the serial, apart"), f.who(p.SerialBy)),
		f.fact(text.New("key in the store"), f.label(k)), f.fact(text.New("ceremony"), f.ceremonyID()),
		f.fact(text.New("sealed (date, time)"), since(sealed.Time, was)), f.fact(text.New("signature over the seal"), "")})
	t.High = 7
	f.p.table(t)
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// conveyance is one page for each component that travels.
func (f *filler) conveyance() {
	for i := range f.s.Keys {
		k := &f.s.Keys[i]
		for j := range k.Parts {
			if f.travels(k, &k.Parts[j]) {
				f.conveyed(k, &k.Parts[j])
			}
		}
	}
}

func (f *filler) travels(k *script.Key, p *script.Part) bool {
	if p.Channel != "" {
		return true
	}
	for _, st := range f.s.Steps {
		if (st.Do == script.SendPart || st.Do == script.ReceivePart) && st.Key == k.ID && st.Part == p.Number {
			return true
		}
	}
	return false
}

func (f *filler) conveyed(k *script.Key, p *script.Part) {
	sent, wasSent := f.event(transcript.KindBag, k.ID, p.Number, store.PartSent)
	received, wasReceived := f.event(transcript.KindBag, k.ID, p.Number, store.PartReceived)
	sealed, _ := f.event(transcript.KindBag, k.ID, p.Number, store.PartSealed)
	sender, receiver := "", ""
	if wasSent {
		sender = f.who(sent.Who)
	}
	if wasReceived {
		receiver = f.who(received.Who)
	}
	if k.Source != script.Components {
		sender = orElse(sender, f.seat(p.Custodian)) // made here
	} else {
		receiver = orElse(receiver, f.seat(p.Custodian))
	}
	channel := orElse(orElse(sent.Details["channel"], received.Details["channel"]), p.Channel)
	f.page()
	f.section(text.New("The component"), f.fact(text.New("component"), partOf(k, k.ID, p.Number)),
		f.fact(text.New("key in the store"), f.label(k)),
		f.fact(text.New("algorithm, usage"), joined(", ", string(k.Algorithm), f.purpose(k))), f.fact(text.New("ceremony"),
			f.ceremonyID()),
		f.monoFact(text.New("bag, inner"), orElse(sealed.Details["serial"], p.Bag)),
		f.monoFact(text.New("bag, outer"), orElse(sealed.Details["outer"], p.Outer)))
	f.section(text.New("On its way"), f.fact(text.New("sender"), sender), f.fact(text.New("receiver"), receiver),
		f.fact(text.New("out (date, time)"), since(sent.Time, wasSent)), f.fact(text.New("in (date, time)"),
			since(received.Time, wasReceived)),
		f.fact(text.New("channel or courier"), channel), f.fact(text.New("waybill"), ""))
	f.p.table(fields(1, []fact{f.others(k, p, channel)}))
	f.section(text.New("The serial number, sent apart from the bag"), f.fact(text.New("by whom"), f.who(p.SerialBy)),
		f.fact(text.New("how"), ""), f.fact(text.New("when"), ""), f.fact(text.New("to whom"), ""))
	match := f.matchWord(received)
	f.section(text.New("At receipt"), f.monoFact(text.New("serial read"), received.Details["serial"]),
		f.orBoxes(text.New("match"), match, text.New("match"), text.New("DIFFERS")),
		f.orBoxes(text.New("state of the bag"), f.say(word(received.Details["state"])), text.New("intact"),
			text.New("signs of opening")),
		f.fact(text.New("stored in"), ""))
	f.signing(f.fact(text.New("sender"), sender), f.fact(text.New("courier"), ""), f.fact(text.New("receiver"), receiver))
}

func (f *filler) matchWord(r transcript.Record) string {
	if r.Verdict == "" {
		return ""
	}
	name, _ := verdictName(r.Verdict)
	return f.say(name)
}

// others are the channels of the key's other components, and whether this one is another.
func (f *filler) others(k *script.Key, p *script.Part, channel string) fact {
	label := text.New("channels of the other components")
	var list []string
	same := false
	for _, q := range k.Parts {
		if q.Number == p.Number {
			continue
		}
		list = append(list, fmt.Sprintf("%s: %s", partOf(k, k.ID, q.Number), orDash(q.Channel)))
		same = same || q.Channel != "" && q.Channel == channel
	}
	switch {
	case same:
		list = append(list, f.say(text.New("THE SAME CHANNEL IS USED TWICE (PCI PIN 8-1)")))
	case channel != "":
		list = append(list, f.say(text.New("this one differs")))
	}
	out := f.fact(label, strings.Join(list, "\n"))
	if same {
		out.Value.Tone, out.Value.Bold = bad, true
	}
	return out
}
