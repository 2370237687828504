package script

// What must fit together within a script: names that are used are there, each once, and a key's fields go with where it
// comes from.

import (
	"fmt"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/component"
)

// checkKey holds the fields of one key against each other.
func (r *reader) checkKey(o object, k *Key) {
	if r.err != nil {
		return
	}
	n := len(k.Parts)
	switch {
	case k.Scheme == "" && n > 0:
		o.wrong("scheme", fault.New(fault.Malformed, "it is missing: say how the parts form the key, xor or shamir"))
	case k.Scheme != "" && n == 0:
		o.wrong("scheme", fault.New(fault.Malformed, "there is a scheme and no parts"))
	case k.Threshold != 0 && k.Scheme != string(component.Shamir):
		o.wrong("threshold", fault.New(fault.Malformed, "only shamir has a threshold; xor needs all parts"))
	case k.Scheme == string(component.Shamir) && (k.Threshold < component.MinParts || k.Threshold > n):
		o.wrong("threshold", fault.New(fault.Malformed, "a number from %d to %d is expected here", component.MinParts, n))
	case k.Source == Components && n == 0:
		o.wrong("parts", fault.New(fault.Malformed, "a key of source %s has parts", Components))
	case k.Source == Stored && k.Label == "":
		o.wrong("label", fault.New(fault.Malformed, "a key of source %s has a label, that of the store", Stored))
	case k.Source != Stored && k.Source != InHSM && k.Label != "":
		o.wrong("label", fault.New(fault.Malformed,
			"only a key that is in the store already has a label here; a new one has an output"))
	case k.Source == Generate && k.Check != nil:
		o.wrong("check", fault.New(fault.Malformed, "a key that is drawn in the ceremony has no check value before"))
	case k.Source == InHSM && len(k.Outputs) > 0:
		o.wrong("outputs", fault.New(fault.Malformed, "a key of source %s stays in its HSM", InHSM))
	}
	if k.Scheme == string(component.XOR) {
		k.Threshold = n
	}
	r.checkOutputs(o, k)
}

func (r *reader) checkOutputs(o object, k *Key) {
	seen := map[string]bool{}
	for i, out := range k.Outputs {
		id := out.name()
		switch {
		case seen[id]:
			o.wrong("outputs", fault.New(fault.Malformed, "output %d is there twice", i+1))
		case out.To == ToStore && k.Source == Stored:
			o.wrong("outputs", fault.New(fault.Malformed, "output %d: the key is in the store already", i+1))
		case out.To == ToSheets && (k.Source != Generate || len(k.Parts) == 0):
			o.wrong("outputs", fault.New(fault.Malformed,
				"output %d: sheets are printed of a key that is drawn here and has parts", i+1))
		case out.To == ToStore && seen[string(ToStore)]:
			o.wrong("outputs", fault.New(fault.Malformed, "output %d: a key has one place in the store", i+1))
		case k.Exportability == 'N' && out.To == ToBlock:
			o.wrong("outputs", fault.New(fault.Malformed, "output %d: a key with exportability N leaves in no key block", i+1))
		}
		seen[id], seen[string(out.To)] = true, true
	}
	for i, p := range k.Parts {
		if k.Source == Generate && p.Check != nil {
			o.wrong("parts", fault.New(fault.Malformed,
				"part %d: a key that is drawn in the ceremony has no check value before", i+1))
		}
	}
}

// name tells outputs of a key apart: store:NAME, block:NAME, device:NAME/SLOT, sheets.
func (out Output) name() string {
	switch out.To {
	case ToStore:
		return string(out.To) + ":" + out.Label
	case ToBlock:
		return string(out.To) + ":" + out.File
	case ToDevice:
		return string(out.To) + ":" + out.Device + "/" + out.Slot
	}
	return string(out.To)
}

// resolve holds every name that is used against those that are given.
func (r *reader) resolve(s *Script) {
	r.people(s)
	r.keys(s)
	for i := range s.Steps {
		r.checkStep(s, i)
	}
}

// miss keeps an error of what only the whole shows.
func (r *reader) miss(at string, err error) {
	if r.err == nil {
		r.err = fault.WrapAs(fault.Malformed, err, "line %d: %s", r.line(at), at)
	}
}

// line of a path, or of what it is in.
func (r *reader) line(at string) int {
	for at != "" {
		if n, ok := r.lines[at]; ok {
			return n
		}
		cut := strings.LastIndexByte(at, '.')
		at = at[:max(cut, 0)]
	}
	return 1
}

func (r *reader) people(s *Script) {
	seen := map[string]bool{}
	for _, p := range s.People {
		if seen[p.ID] {
			r.miss("people."+p.ID, fault.New(fault.Malformed, "the id %s is given twice", p.ID))
		}
		seen[p.ID] = true
	}
	for _, role := range Roles() {
		r.seat(s, "roles."+string(role), s.Roles[role])
	}
	for _, k := range s.Keys {
		for _, p := range k.Parts {
			at := fmt.Sprintf("keys.%s.parts.%d", k.ID, p.Number)
			r.seat(s, at+".custodian", p.Custodian)
			r.seat(s, at+".former", p.Former)
		}
	}
}

func (r *reader) seat(s *Script, at string, seat Seat) {
	for _, id := range []string{seat.Primary, seat.Backup} {
		if _, ok := s.Person(id); id != "" && !ok {
			r.miss(at, fault.New(fault.Malformed, "%s is none of the people", text.Redact(id)))
		}
	}
}

func (r *reader) keys(s *Script) {
	seen, labels, places := map[string]bool{}, map[string]string{}, map[string]string{}
	for i := range s.Keys {
		k := &s.Keys[i]
		at := "keys." + k.ID
		if seen[strings.ToLower(k.ID)] {
			r.miss(at, fault.New(fault.Malformed, "the id %s is given twice", k.ID))
		}
		seen[strings.ToLower(k.ID)] = true
		for j, out := range k.Outputs {
			place := fmt.Sprintf("%s.outputs.%d", at, j+1)
			r.once(labels, place, out.Label)
			r.once(places, place, strings.ToLower(out.File))
			if out.To == ToDevice {
				r.once(places, place, out.name())
			}
		}
		r.former(s, k)
	}
}

// once refuses a place that two keys would go to.
func (r *reader) once(taken map[string]string, at, name string) {
	if name == "" {
		return
	}
	if other := taken[name]; other != "" {
		r.miss(at, fault.New(fault.Malformed, "%s goes to the same place", other))
	}
	taken[name] = at
}

// former custodians there are where a part is handed on.
func (r *reader) former(s *Script, k *Key) {
	for _, p := range k.Parts {
		at := fmt.Sprintf("keys.%s.parts.%d.former", k.ID, p.Number)
		if p.Former == (Seat{}) {
			continue
		}
		switch {
		case s.Kind != Reissue && s.Kind != Custom:
			r.miss(at, fault.New(fault.Malformed, "only a ceremony of kind %s has former custodians", Reissue))
		case k.Source == Generate:
			r.miss(at, fault.New(fault.Malformed, "a key that is drawn in the ceremony has no former custodians"))
		}
	}
}

func (r *reader) checkStep(s *Script, i int) {
	st := s.Steps[i]
	at := fmt.Sprintf("steps.%d", i+1)
	if st.By != "" {
		if _, ok := s.Roles[Role(st.By)]; !ok {
			r.miss(at+".by", fault.New(fault.Malformed, "nobody has the role %s", st.By))
		}
	}
	if st.Key == "" {
		return
	}
	k, ok := s.Key(st.Key)
	if !ok {
		r.miss(at+".key", fault.New(fault.Malformed, "there is no key %s", text.Redact(st.Key)))
		return
	}
	if st.Part > len(k.Parts) {
		r.miss(at+".part", fault.New(fault.Malformed, "key %s has %d parts", k.ID, len(k.Parts)))
	}
	if to := outputOf(st.Do); to != "" {
		if _, err := k.output(to, st.Output); err != nil {
			r.miss(at+".output", err)
		}
	}
}

// outputOf is the kind of output that a verb makes; "" for others.
func outputOf(v Verb) OutputKind {
	switch v {
	case KeepKey:
		return ToStore
	case ExportKey:
		return ToBlock
	case LoadKey:
		return ToDevice
	}
	return ""
}

// output finds the one that a step means: named by its kind or by kind:NAME, or the only one of its kind.
func (k *Key) output(to OutputKind, named string) (*Output, error) {
	var found *Output
	for i := range k.Outputs {
		out := &k.Outputs[i]
		if out.To != to || named != "" && named != string(to) && named != out.name() && !strings.HasPrefix(out.name(),
			named+"/") {
			continue
		}
		if found != nil {
			return nil, fault.New(fault.Malformed, "key %s has several outputs to %s; name one as %s:NAME", k.ID, to, to)
		}
		found = out
	}
	switch {
	case found != nil:
		return found, nil
	case named != "":
		return nil, fault.New(fault.Malformed, "key %s has no output to %s that is called so", k.ID, to)
	}
	return nil, fault.New(fault.Malformed, "key %s has no output to %s", k.ID, to)
}

// Needed is how many parts form the key; 0 without parts.
func (k *Key) Needed() int {
	if k.Threshold > 0 {
		return k.Threshold
	}
	return len(k.Parts)
}
