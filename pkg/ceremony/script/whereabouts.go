package script

// Where parts are, step by step, and what may not be left behind.

import "poskey/internal/fault"

// doPart takes a step with a part of a key.
func (b *bench) doPart(k *onBench, w *whereabouts, p *Planned) error {
	n, id := p.Part.Number, p.Key.ID
	if w.sent > 0 {
		return fault.New(fault.Malformed, "part %d of %s was sent in step %d and is not here", n, id, w.sent)
	}
	if w.destroyed > 0 {
		return fault.New(fault.Malformed, "part %d of %s was destroyed in step %d", n, id, w.destroyed)
	}
	done := map[Verb]*int{PrintPart: &w.printed, ReceivePart: &w.received, EnterPart: &w.entered, Scribe: &w.scribed,
		SealPart: &w.sealed, SendPart: &w.sent, DestroyPart: &w.destroyed}[p.Step.Do]
	if *done > 0 {
		return fault.New(fault.Malformed, "part %d of %s: %s was done in step %d already", n, id, p.Step.Do, *done)
	}
	if err := b.mayPart(k, w, p); err != nil {
		return err
	}
	*done = p.Number
	if p.Step.Do == DestroyPart && k.voided == 0 {
		k.voided = p.Number
	}
	return nil
}

// mayPart says what is missing before a step with a part.
func (b *bench) mayPart(k *onBench, w *whereabouts, p *Planned) error {
	n, id := p.Part.Number, p.Key.ID
	missing := func(v Verb) error {
		return fault.New(fault.Malformed, "part %d of %s: a step %s is missing before", n, id, v)
	}
	taken := w.received == 0 && p.Part.Bag != "" // it is in a bag that nobody has looked at
	switch p.Step.Do {
	case PrintPart:
		return b.mayPrint(k)
	case ReceivePart:
		if w.opened() > 0 || w.sealed > 0 {
			return fault.New(fault.Malformed, "part %d of %s is here already", n, id)
		}
	case EnterPart, Scribe:
		switch {
		case k.made > 0:
			return fault.New(fault.Malformed, "key %s was made in step %d already", id, k.made)
		case w.sealed > 0:
			return fault.New(fault.Malformed, "part %d of %s was sealed in step %d", n, id, w.sealed)
		case taken && (p.Step.Do == EnterPart || b.receives(p.Key)):
			return missing(ReceivePart)
		}
	case SealPart:
		switch {
		case w.opened() == 0 && w.received == 0:
			return fault.New(fault.Malformed, "part %d of %s is not here yet: it was neither printed nor received", n, id)
		case w.entered > 0 && k.made == 0:
			return missing(FormKey)
		}
	case SendPart:
		if w.sealed == 0 {
			return missing(SealPart)
		}
		return k.kept()
	case DestroyPart:
		return b.mayDestroy(k, w, p, taken)
	}
	return nil
}

// receives reports whether bags of the key come in during this ceremony: then what is entered comes out of them.
func (b *bench) receives(k *Key) bool {
	for _, st := range b.script.Steps {
		if st.Do == ReceivePart && st.Key == k.ID {
			return true
		}
	}
	return false
}

func (b *bench) mayPrint(k *onBench) error {
	if err := k.wantThere(); err != nil {
		return err
	}
	for _, out := range k.key.Outputs {
		if out.To == ToSheets {
			return b.nothingOpen()
		}
	}
	return fault.New(fault.Malformed, "key %s has no output to %s", k.key.ID, ToSheets)
}

// mayDestroy holds that a part goes only when nobody needs it any more: what was open in the ceremony is destroyed
// after the key is everywhere where it should be.
func (b *bench) mayDestroy(k *onBench, w *whereabouts, p *Planned, taken bool) error {
	n, id := p.Part.Number, p.Key.ID
	if k.key.Source == Generate && w.printed == 0 {
		return fault.New(fault.Malformed, "part %d of %s: a step %s is missing before", n, id, PrintPart)
	}
	if taken && k.key.Source != Generate && w.opened() == 0 && w.sealed == 0 {
		return fault.New(fault.Malformed, "part %d of %s: a step %s is missing before", n, id, ReceivePart)
	}
	if k.key.Source == Stored || w.printed+w.entered+w.scribed == 0 {
		return nil
	}
	if err := k.wantThere(); err != nil {
		return err
	}
	if k.key.Check != nil && k.compared == 0 {
		return fault.New(fault.Malformed, "the check value of key %s is known: a step %s is missing before", id, CompareKey)
	}
	for i := range k.key.Outputs {
		if out := &k.key.Outputs[i]; out.To != ToSheets && k.outputs[out] == 0 {
			return fault.New(fault.Malformed,
				"part %d of %s goes only when the key is where it should be: output %d is missing before", n, id, i+1)
		}
	}
	return nil
}

// nothingOpen: no printed or opened part lies in somebody's hands.
func (b *bench) nothingOpen() error {
	for i := range b.script.Keys {
		k := b.keys[&b.script.Keys[i]]
		for j, w := range k.parts {
			if w.opened() > 0 {
				return fault.New(fault.Malformed, "part %d of %s lies open since step %d: a step %s is missing before", j+1,
					k.key.ID, w.opened(), SealPart)
			}
		}
	}
	return nil
}

// nothingHeld: no bag that came in stands around. Parts in memory would be void after a pause; those are open too.
func (b *bench) nothingHeld() error {
	for i := range b.script.Keys {
		k := b.keys[&b.script.Keys[i]]
		for j, w := range k.parts {
			if w.received > 0 && w.sealed == 0 && w.destroyed == 0 {
				return fault.New(fault.Malformed,
					"part %d of %s is out of its safe since step %d: a step %s or %s is missing before",
					j+1, k.key.ID, w.received, SealPart, DestroyPart)
			}
		}
	}
	return nil
}

// end holds that everything that the script promises was done, and that nothing is left behind.
func (b *bench) end() error {
	if !b.closed {
		return fault.New(fault.Malformed, "the last step is %s", Close)
	}
	if err := b.nothingOpen(); err != nil {
		return err
	}
	if err := b.nothingHeld(); err != nil {
		return err
	}
	for i := range b.script.Keys {
		if err := b.keys[&b.script.Keys[i]].end(); err != nil {
			return err
		}
	}
	return nil
}

func (k *onBench) end() error {
	id := k.key.ID
	if !k.touched {
		return fault.New(fault.Malformed, "no step has to do with key %s", id)
	}
	handled := k.key.Source == Generate || k.key.Source == Components
	if handled {
		if err := k.wantThere(); err != nil {
			return err
		}
	}
	for i := range k.key.Outputs {
		out := &k.key.Outputs[i]
		if out.To != ToSheets && k.outputs[out] == 0 {
			return fault.New(fault.Malformed, "key %s never goes to its output %d (%s)", id, i+1, out.To)
		}
	}
	if handled && len(k.key.Outputs) == 0 && !k.master {
		return fault.New(fault.Malformed, "key %s is made and goes nowhere; give it an output", id)
	}
	return k.endSheets()
}

// endSheets: a key that is cut is printed whole.
func (k *onBench) endSheets() error {
	if k.key.Source != Generate || k.master {
		return nil
	}
	sheets := false
	for _, out := range k.key.Outputs {
		sheets = sheets || out.To == ToSheets
	}
	if !sheets && len(k.parts) > 0 {
		return fault.New(fault.Malformed, "key %s has %d parts and no output to %s", k.key.ID, len(k.parts), ToSheets)
	}
	for i, w := range k.parts {
		if w.printed == 0 {
			return fault.New(fault.Malformed, "part %d of %s is never printed", i+1, k.key.ID)
		}
	}
	return nil
}
