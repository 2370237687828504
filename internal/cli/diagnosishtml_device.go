package cli

// The chain of a device for the drawing of a diagnosis: inventory, connection, device, slots.

import (
	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/diagnose"
)

// deviceChain is inventory, line, device, slots.
func deviceChain(c *diagnose.Case) *chainLink {
	top := newLink(roleHost, linkUnseen, text.New("inventory"), text.New("not looked at"))
	if len(c.Wanted) > 0 {
		top.state, top.lines = linkHolds, []text.Text{text.New("keys that should be in the device: %d", len(c.Wanted))}
	}
	at := top
	if c.Line != nil {
		at = newLink(roleLine, linkHolds, text.New("connection"), text.Raw(c.Line.Dialect),
			text.New("asked %d, without an answer %d", c.Line.Asked, c.Line.Failed))
		if c.Line.Failed+c.Line.Damaged > 0 {
			at.state = linkBreaks
		}
		top.under = append(top.under, at)
	}
	d := &chainLink{role: roleDevice, state: linkUnseen, title: text.New("device")}
	at.under = append(at.under, d)
	if c.Device == nil {
		return top
	}
	d.state, d.lines = linkHolds, deviceLines(c.Device)
	if c.Device.Tamper.Tripped {
		d.state = linkBreaks
	}
	d.under = slotLinks(c)
	return top
}

func deviceLines(s *device.Status) []text.Text {
	var out []text.Text
	if s.Model != "" {
		out = append(out, text.Raw(s.Model))
	}
	if s.Serial != "" {
		out = append(out, text.New("serial number %s", inGroups(s.Serial)))
	}
	for _, l := range s.Locks {
		out = append(out, text.New("locked: %s", string(l.Kind)))
	}
	if s.Tamper.Tripped {
		out = append(out, text.New("tamper switch tripped"))
	}
	return out
}

// slotLinks lists what should be in the slots beside what is: the wanted ones first, each under the key that protects it,
// then the others.
func slotLinks(c *diagnose.Case) []*chainLink {
	have := map[device.Slot]*chainLink{}
	var wanted, out []*chainLink
	for _, w := range c.Wanted {
		l := wantedLink(c.Device, w)
		have[w.Slot] = l
		wanted = append(wanted, l)
	}
	out = underParents(c.Wanted, wanted)
	add := func(l *chainLink, check string) {
		if have[l.slot] != nil {
			return
		}
		l.values = append(valueOf(text.New("observed"), check), l.values...)
		have[l.slot], out = l, append(out, l)
	}
	for _, s := range c.Device.Slots {
		l := &chainLink{role: roleSlot, slot: s.Slot, title: text.New("slot %s", string(s.Slot)), state: linkUnseen}
		if s.HasAttributes {
			l.lines = append(l.lines, text.New("usage %s", string(s.Usage)))
		}
		add(l, s.Check.Digits)
	}
	for _, s := range c.Device.Initial {
		add(&chainLink{role: roleInitial, slot: s.Slot, title: text.New("slot %s", string(s.Slot)), state: linkUnseen,
			lines: []text.Text{text.New("DUKPT initial key")}, values: valueOf(text.New("KSN"), s.KSN)}, s.Check.Digits)
	}
	for _, s := range c.Device.Slots {
		if l := have[s.Slot]; s.Damaged {
			l.state, l.lines = linkBreaks, append(l.lines, text.New("cannot be read"))
		}
	}
	return out
}

// wantedLink is a slot that should hold a key, with what it holds.
func wantedLink(s *device.Status, w diagnose.Wanted) *chainLink {
	l := &chainLink{role: roleSlot, slot: w.Slot, title: text.New("slot %s", string(w.Slot)), state: linkHolds}
	if w.Label != "" {
		l.lines = append(l.lines, text.Raw(w.Label))
	}
	l.values = valueOf(text.New("expected"), w.Check.Digits)
	got, there := s.CheckOf(w.Slot)
	switch {
	case !there:
		l.state, l.lines = linkBreaks, append(l.lines, text.New("there is no key in it"))
	case w.Check.Digits == "" || got.Digits == "":
		l.state = linkUnseen
	case !agree(w.Check.Digits, got.Digits):
		l.state = linkBreaks
	}
	l.values = append(l.values, valueOf(text.New("observed"), got.Digits)...)
	if w.KSN != "" {
		l.role = roleInitial
		l.values = append(l.values, valueOf(text.New("KSN"), w.KSN)...)
	}
	return l
}

// mostNested is how many keys of a device hang one under the other: boxes below that would be too narrow for their words.
const mostNested = 4

// underParents hangs each key under the one that protects it, where that is in the device too; else the protecting key is
// said in its box. It gives the keys that hang under none.
func underParents(all []diagnose.Wanted, drawn []*chainLink) []*chainLink {
	at := map[string]int{}
	for i, w := range all {
		if _, twice := at[w.Label]; !twice && w.Label != "" {
			at[w.Label] = i
		}
	}
	var out []*chainLink
	for i, w := range all {
		parent, there := at[w.Parent]
		if there && nested(all, at, i) < mostNested {
			drawn[parent].under = append(drawn[parent].under, drawn[i])
			continue
		}
		if w.Parent != "" {
			drawn[i].lines = append(drawn[i].lines, text.New("protected by %s", w.Parent))
		}
		out = append(out, drawn[i])
	}
	return out
}

// nested is how many keys of the device stand over one; keys that protect each other in a ring stand over none.
func nested(all []diagnose.Wanted, at map[string]int, i int) int {
	for depth := range mostNested {
		parent, there := at[all[i].Parent]
		if !there {
			return depth
		}
		i = parent
	}
	return mostNested
}
