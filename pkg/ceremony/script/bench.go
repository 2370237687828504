package script

// What lies on the table after each step: which keys are there, and where every part is.

import (
	"poskey/internal/fault"
	"poskey/pkg/keys"
)

// bench is the state of a ceremony between two steps.
type bench struct {
	script *Script
	keys   map[*Key]*onBench
	closed bool
	master int // step that drew the master key of a store
}

// onBench is where a key of the script is. Steps are numbered from 1; 0 is not yet.
type onBench struct {
	key       *Key
	made      int // it is there: drawn, formed, shown by the HSM
	compared  int
	destroyed int
	voided    int // step of the first part that was destroyed
	used      int // step of the last output made
	touched   bool
	master    bool // it became the master key of a store
	outputs   map[*Output]int
	parts     []whereabouts
}

// whereabouts of a part: the step in which each of these happened.
type whereabouts struct {
	printed, received, entered, scribed, sealed, sent, destroyed int
}

// opened is the step since which the part can be read by whoever holds it; 0 when it cannot.
func (w whereabouts) opened() int {
	if w.sealed > 0 || w.destroyed > 0 {
		return 0
	}
	return max(w.printed, w.entered, w.scribed)
}

func newBench(s *Script) *bench {
	b := &bench{script: s, keys: map[*Key]*onBench{}}
	for i := range s.Keys {
		k := &s.Keys[i]
		b.keys[k] = &onBench{key: k, outputs: map[*Output]int{}, parts: make([]whereabouts, len(k.Parts))}
	}
	return b
}

// do takes a step, or says why it cannot be done here.
func (b *bench) do(p *Planned) error {
	if err := b.frame(p); err != nil {
		return err
	}
	if p.Key == nil {
		return b.doRoom(p)
	}
	k := b.keys[p.Key]
	k.touched = true
	if k.destroyed > 0 && p.Step.Do != ReceivePart && p.Step.Do != DestroyPart {
		return fault.New(fault.Malformed, "key %s was destroyed in step %d", p.Key.ID, k.destroyed)
	}
	if err := k.checkSource(p.Step.Do); err != nil {
		return err
	}
	if p.Part != nil {
		return b.doPart(k, &k.parts[p.Part.Number-1], p)
	}
	return b.doKey(k, p)
}

// doRoom takes a step without a key.
func (b *bench) doRoom(p *Planned) error {
	switch p.Step.Do {
	case Pause:
		if err := b.nothingOpen(); err != nil {
			return err
		}
		return b.nothingHeld()
	case Close:
		b.closed = true
	}
	return nil
}

// sourcesOf are the sources of keys with which a verb can be done; none: all.
func sourcesOf(v Verb) []Source {
	switch v {
	case MakeKey, PrintPart, InitStore:
		return []Source{Generate}
	case EnterPart, FormKey:
		return []Source{Components}
	case ReceivePart:
		return []Source{Components, Stored, InHSM}
	case Scribe:
		return []Source{InHSM}
	case DestroyKey:
		return []Source{Stored}
	}
	return nil
}

func (k *onBench) checkSource(v Verb) error {
	fitting := sourcesOf(v)
	for _, s := range fitting {
		if s == k.key.Source {
			return nil
		}
	}
	if fitting == nil {
		return nil
	}
	return fault.New(fault.Malformed, "key %s has source %s; this step is for keys of source %s", k.key.ID, k.key.Source,
		words(fitting))
}

// isThere reports whether the key exists at this point.
func (k *onBench) isThere() bool { return k.made > 0 || k.key.Source == Stored }

// maker is the verb that makes the key.
func (k *onBench) maker() Verb {
	switch k.key.Source {
	case Components:
		return FormKey
	case InHSM:
		return Scribe
	}
	return MakeKey
}

func (k *onBench) wantThere() error {
	if !k.isThere() {
		return fault.New(fault.Malformed, "key %s is not there yet: a step %s is missing before", k.key.ID, k.maker())
	}
	return nil
}

// doKey takes a step with a key.
func (b *bench) doKey(k *onBench, p *Planned) error {
	if p.Step.Do == Scribe {
		return k.scribe(p.Number)
	}
	if k.made > 0 && (p.Step.Do == MakeKey || p.Step.Do == FormKey || p.Step.Do == InitStore) {
		return fault.New(fault.Malformed, "key %s was made in step %d already", k.key.ID, k.made)
	}
	switch p.Step.Do {
	case MakeKey:
		k.made = p.Number
		return nil
	case FormKey:
		return k.form(p.Number)
	case InitStore:
		return b.initStore(k, p.Number)
	}
	if err := k.wantThere(); err != nil {
		return err
	}
	switch p.Step.Do {
	case CompareKey:
		return k.compare(p.Number)
	case DestroyKey:
		if k.used > 0 {
			return fault.New(fault.Malformed, "key %s was put to use in step %d; destroying it here would undo that", k.key.ID,
				k.used)
		}
		k.destroyed = p.Number
		return nil
	}
	return k.use(p)
}

func (k *onBench) form(step int) error {
	entered := 0
	for _, w := range k.parts {
		if w.entered > 0 {
			entered++
		}
	}
	if n := k.key.Needed(); entered < n {
		return fault.New(fault.Malformed, "key %s needs %d parts and %d were entered: a step %s is missing before", k.key.ID,
			n, entered, EnterPart)
	}
	k.made = step
	return nil
}

func (k *onBench) scribe(step int) error {
	scribed := 0
	for _, w := range k.parts {
		if w.scribed > 0 {
			scribed++
		}
	}
	if n := k.key.Needed(); scribed < n {
		return fault.New(fault.Malformed,
			"key %s needs %d parts and %d went through the HSM: a step %s with a part is missing before", k.key.ID, n, scribed, Scribe)
	}
	if k.made == 0 {
		k.made = step
	}
	return nil
}

func (b *bench) initStore(k *onBench, step int) error {
	switch {
	case b.master > 0:
		return fault.New(fault.Malformed, "the store was begun in step %d already", b.master)
	case k.key.Algorithm != keys.AES256:
		return fault.New(fault.Malformed, "the master key of a store is an %s key, not %s", keys.AES256, k.key.Algorithm)
	case k.key.Scheme != "shamir":
		return fault.New(fault.Malformed, "the master key of a store is cut by shamir to its officers")
	case len(k.key.Outputs) > 0:
		return fault.New(fault.Malformed, "the master key of a store goes to its officers and has no outputs")
	}
	k.made, b.master, k.master = step, step, true
	return nil
}

// compare comes before what cannot be taken back: a difference that is found later is found too late. What was drawn
// here is compared when the other side has formed it, whenever that is.
func (k *onBench) compare(step int) error {
	if late := max(k.used, k.voided); late > 0 && k.key.Source != Generate {
		return fault.New(fault.Malformed,
			"key %s was put to use, or lost a part, in step %d: a difference would be found too late", k.key.ID, late)
	}
	k.compared = step
	return nil
}

// use takes a key to one of its outputs.
func (k *onBench) use(p *Planned) error {
	switch {
	case k.key.Check != nil && k.compared == 0:
		return fault.New(fault.Malformed, "the check value of key %s is known: a step %s is missing before", k.key.ID,
			CompareKey)
	case k.outputs[p.Output] > 0:
		return fault.New(fault.Malformed, "key %s went there in step %d already", k.key.ID, k.outputs[p.Output])
	case k.voided > 0 && k.key.Source != Stored:
		return fault.New(fault.Malformed,
			"a part of key %s was destroyed in step %d: should this step fail, the key could not be formed again", k.key.ID, k.voided)
	}
	if p.Step.Do != KeepKey {
		if err := k.kept(); err != nil {
			return err
		}
	}
	k.outputs[p.Output], k.used = p.Number, p.Number
	return nil
}

// kept: what leaves the house is in the store before, or it could leave and be lost.
func (k *onBench) kept() error {
	for i := range k.key.Outputs {
		if out := &k.key.Outputs[i]; out.To == ToStore && k.outputs[out] == 0 {
			return fault.New(fault.Malformed, "key %s goes to the store before it goes elsewhere: a step %s is missing before",
				k.key.ID, KeepKey)
		}
	}
	return nil
}
