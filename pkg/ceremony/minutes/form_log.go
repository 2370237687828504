package minutes

// The key-loading log.

import (
	"strconv"
	"strings"

	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/store"
)

func (f *filler) loadingLog() {
	f.page()
	f.section(text.New("The ceremony"), f.monoFact(text.New("ceremony"), f.ceremonyID()),
		f.fact(text.New("place of the ceremony"), f.s.Place),
		f.fact(text.New("begun (UTC)"), f.begun()), f.fact(text.New("ended (UTC)"), f.ended()),
		f.fact(text.New("tool, version and build"), f.tool()), f.fact(text.New("state"), f.state()))
	f.p.table(fields(1, []fact{f.monoFact(text.New("script, SHA-256"), f.s.Fingerprint().Hex()),
		f.fact(text.New("script, in words"), f.s.Fingerprint().Words())}))
	f.access()
	f.inspected()
	for i := range f.s.Keys {
		f.loadedKey(&f.s.Keys[i])
	}
	f.devices()
	f.result()
	rows := f.signers()
	f.signing(rows...)
}

func (f *filler) state() string {
	if f.v == nil {
		return ""
	}
	return f.say(stateOf(f.v.State))
}

// access is who was in the room.
func (f *filler) access() {
	f.p.heading(2, f.say(text.New("Access to the room")))
	t := &table{Headed: true, Form: true, High: 8, Columns: []column{{f.say(text.New("name (id)")), 34},
		{f.say(text.New("seats")), 34},
		{f.say(text.New("came at")), 16}, {f.say(text.New("left at")), 16}}}
	for _, id := range f.ids() {
		came := ""
		if f.v != nil {
			for _, r := range f.v.Records {
				if r.Kind == transcript.KindAttended && r.Who == id {
					came = stamp(r.Time)
					break
				}
			}
		}
		seats := f.taken(id)
		if len(seats) == 0 {
			seats = f.seats(id)
		}
		t.Rows = append(t.Rows, []cell{{Text: f.who(id)}, {Text: strings.Join(seats, "\n")}, {Text: came, Write: came == ""},
			{Write: true}})
	}
	f.p.table(t)
	f.p.table(f.blank(2, text.New("others: name"), text.New("reason"), text.New("came at"), text.New("left at")))
}

// inspected are the items that were looked at, or are to be.
func (f *filler) inspected() {
	f.p.heading(2, f.say(text.New("Items inspected")))
	t := &table{Headed: true, Form: true, High: 8, Columns: []column{{f.say(text.New("item")), 30},
		{f.say(text.New("expected")), 26},
		{f.say(text.New("seen")), 26}, {f.say(text.New("verdict")), 18}}}
	if f.v != nil {
		for _, r := range f.v.Records {
			if r.Kind == transcript.KindObserved && r.Step > 0 && f.isInspection(r.Step) {
				name, tone := verdictName(r.Verdict)
				t.Rows = append(t.Rows, []cell{{Text: f.say(word(r.Details["item"]))}, {Text: r.Details["expected"]},
					{Text: r.Details["seen"]},
					{Text: f.say(name), Tone: tone}})
			}
		}
	} else {
		for _, st := range f.s.Steps {
			if st.Do == script.Inspect {
				t.Rows = append(t.Rows, []cell{{Text: st.Item}, {Text: st.Expect}, {Write: true}, {Write: true}})
			}
		}
	}
	for len(t.Rows) < 2 {
		t.Rows = append(t.Rows, []cell{{Write: true}, {Write: true}, {Write: true}, {Write: true}})
	}
	f.p.table(t)
}

// isInspection: what is seen at other steps is a log-in, or the serial of a bag.
func (f *filler) isInspection(step int) bool {
	return step <= len(f.s.Steps) && f.s.Steps[step-1].Do == script.Inspect
}

// bagStates are the states of a bag as it came and as it was opened, once if they are the same.
func (f *filler) bagStates(received, opened transcript.Record) string {
	a, b := f.say(word(received.Details["state"])), f.say(word(opened.Details["state"]))
	if a == b {
		return a
	}
	return joined("; ", a, b)
}

func (f *filler) loadedKey(k *script.Key) {
	expected, seen := f.check(k, 0)
	block, _ := f.event(transcript.KindExported, k.ID, 0, "")
	loaded, _ := f.event(transcript.KindLoaded, k.ID, 0, "")
	slot := loaded.Details["slot"]
	for _, o := range k.Outputs {
		if slot == "" {
			slot = o.Slot
		}
	}
	method := f.say(text.New("drawn inside the boundary, not formed"))
	if k.Source == script.Components {
		method = f.say(text.New("components of full length, combined by %s", orDash(k.Scheme)))
	}
	f.section(text.New("Key %s", k.ID), f.fact(text.New("key in the store"), f.label(k)), f.fact(text.New("usage"),
		f.purpose(k)),
		f.fact(text.New("algorithm"), string(k.Algorithm)), f.fact(text.New("slot"), slot),
		f.fact(text.New("method of combination"), method), f.monoFact(text.New("check value, expected"), expected),
		f.monoFact(text.New("check value, seen by the tool"), seen),
		f.monoFact(text.New("check value, seen by the device"), valueText(loaded.Check)),
		f.monoFact(text.New("key block, header"), block.Details["header"]),
		f.monoFact(text.New("key block, SHA-256"), block.Details["sha256"]))
	if len(k.Parts) > 0 {
		f.p.table(f.components(k))
	}
}

// components are a table with a row for each part.
func (f *filler) components(k *script.Key) *table {
	t := &table{Headed: true, Form: true, High: 10, Columns: []column{{f.say(text.New("component, custodian")), 22},
		{f.say(text.New("bag out")), 13}, {f.say(text.New("state of the bag")), 13}, {f.say(text.New("opened at")), 13},
		{f.say(text.New("entered at")), 13}, {f.say(text.New("check value: expected, seen, match")), 24},
		{f.say(text.New("bag in, or destruction")), 16}}}
	for i := range k.Parts {
		p := &k.Parts[i]
		expected, seen := f.check(k, p.Number)
		received, _ := f.event(transcript.KindBag, k.ID, p.Number, store.PartReceived)
		opened, wasOpened := f.event(transcript.KindBag, k.ID, p.Number, store.PartOpened)
		entered, wasEntered := f.event(transcript.KindEntered, k.ID, p.Number, "")
		sealed, _ := f.event(transcript.KindBag, k.ID, p.Number, store.PartSealed)
		gone, wasDestroyed := f.event(transcript.KindDestroyed, k.ID, p.Number, "")
		holder := f.seat(p.Custodian)
		if entered.Who != "" {
			holder = f.who(entered.Who)
		}
		after := sealed.Details["serial"]
		if wasDestroyed {
			after = joined(" ", f.say(text.New("destroyed")), stamp(gone.Time))
		}
		out := joined(" ", opened.Details["serial"])
		if out == "" {
			out = p.Bag
		}
		checks := ""
		if joined("", expected, seen) != "" {
			checks = joined("\n", orDash(expected), orDash(seen), f.matchOf(k, p.Number))
		}
		row := []cell{{Text: joined("\n", partOf(k, k.ID, p.Number), holder)}, {Text: out, Mono: true},
			{Text: f.bagStates(received, opened)}, {Text: since(opened.Time, wasOpened)},
			{Text: since(entered.Time, wasEntered)}, {Text: checks, Mono: true}, {Text: after}}
		for j := range row {
			row[j].Write = row[j].Text == ""
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// matchOf is the last verdict about a check value.
func (f *filler) matchOf(k *script.Key, part int) string {
	verdict := transcript.Verdict("")
	if f.v != nil {
		for _, r := range f.v.Records {
			if f.void[r.N] == 0 && r.Key == k.ID && r.Part == part && r.Verdict != "" {
				verdict = r.Verdict
			}
		}
	}
	if verdict == "" {
		return ""
	}
	name, _ := verdictName(verdict)
	return f.say(name)
}

// devices are those that keys were loaded into, or are to be.
func (f *filler) devices() {
	f.p.heading(2, f.say(text.New("Devices")))
	t := &table{Headed: true, Form: true, High: 9, Columns: []column{{f.say(text.New("serial number")), 20},
		{f.say(text.New("make, model")), 20},
		{f.say(text.New("firmware")), 16}, {f.say(text.New("POI version")), 14}, {f.say(text.New("key, slot")),
			16}, {f.say(text.New("proof")), 24}}}
	n := 0
	if f.v != nil {
		for _, r := range f.v.Records {
			if r.Kind == transcript.KindLoaded {
				n++
				t.Rows = append(t.Rows, f.deviceRow(r.Details["device"], joined(" ", r.Key, r.Details["slot"]),
					joined("\n", r.Details["proof"], valueText(r.Check))))
			}
		}
	}
	if n == 0 {
		for _, k := range f.s.Keys {
			for _, o := range k.Outputs {
				if o.To == script.ToDevice {
					t.Rows = append(t.Rows, f.deviceRow(o.Device, joined(" ", k.ID, o.Slot), ""))
				}
			}
		}
	}
	for len(t.Rows) < 2 {
		t.Rows = append(t.Rows, f.deviceRow("", "", ""))
	}
	f.p.table(t)
	number := ""
	if f.v != nil {
		number = strconv.Itoa(n)
	}
	f.p.table(fields(2, []fact{f.fact(text.New("number of devices loaded"), number), f.retention()}))
}

func (f *filler) deviceRow(serial, key, proof string) []cell {
	return []cell{{Text: serial, Mono: serial != "", Write: serial == ""}, {Write: true}, {Write: true}, {Write: true},
		{Text: key, Write: key == ""}, {Text: proof, Write: proof == ""}}
}

func (f *filler) result() {
	f.p.heading(2, f.say(text.New("Result and deviations")))
	result, deviations := "", []string(nil)
	if f.v != nil {
		result = joined("; ", f.say(stateOf(f.v.State)), f.say(text.New("steps that differ from the script: %d",
			f.differences())))
		for _, r := range f.v.Records {
			if r.Kind == transcript.KindDeviation {
				deviations = append(deviations, f.say(text.New("line %d, step %d: expected %s; happened %s; decided %s; by %s", r.N,
					r.Step,
					r.Details["expected"], r.Details["happened"], r.Details["decided"], f.all(deviators(r)))))
			}
		}
		if len(deviations) == 0 {
			deviations = []string{f.say(text.New("none"))}
		}
	}
	f.p.table(fields(1, []fact{f.fact(text.New("result"), result), f.fact(text.New("deviations"), strings.Join(deviations,
		"\n"))}))
}

// signers are custodians, operator and witness.
func (f *filler) signers() []fact {
	var rows []fact
	for _, h := range f.holders() {
		if h.backup {
			continue
		}
		id := h.id
		if r, ok := f.event(transcript.KindEntered, h.key.ID, h.part.Number, ""); ok && r.Who != "" {
			id = r.Who
		}
		rows = append(rows, fact{f.say(text.New("custodian of %s", partOf(h.key, h.key.ID, h.part.Number))),
			cell{Text: f.who(id)}})
	}
	for _, r := range []script.Role{script.Operator, script.Witness, script.SecondWitness} {
		if name := f.role(r); name != "" || r != script.SecondWitness {
			rows = append(rows, fact{f.say(r.Text()), cell{Text: name}})
		}
	}
	return rows
}
