package script

// The order of steps, held before the day: a script whose steps cannot be done one after the other is no program.

import (
	"slices"

	"poskey/internal/fault"
	"poskey/pkg/custody"
)

// Planned is a step that can be done where it stands.
type Planned struct {
	Number       int // from 1
	Step         Step
	Actor        Seat    // who does it
	Seconder     Seat    // who confirms it; zero when nobody does
	Key          *Key    // nil without
	Part         *Part   // nil without
	Output       *Output // nil without
	Irreversible bool    // what it does cannot be taken back: everything known is shown, and asked for, before it
	Requirements []string
}

// Program is a script whose steps fit. Only [Script.Program] makes one; a run asks for it.
type Program struct {
	Script *Script
	Steps  []Planned
}

// Program holds the steps against each other: a key is there before it is used, a part is entered after it was
// received, each once, a bag is sealed before it is sent, nothing is left lying open at the end, the first step is
// attend and the last close. Error: malformed, with the number of the step and what is missing before it.
func (s *Script) Program() (*Program, error) {
	if err := s.checkKind(); err != nil {
		return nil, err
	}
	p, b := &Program{Script: s}, newBench(s)
	for i, st := range s.Steps {
		planned, err := s.plan(i+1, st)
		if err == nil {
			err = b.do(&planned)
		}
		if err != nil {
			return nil, fault.Wrap(err, "step %d (%s)", i+1, st.Do)
		}
		p.Steps = append(p.Steps, planned)
	}
	if err := b.end(); err != nil {
		return nil, fault.Wrap(err, "at the end of the script")
	}
	return p, nil
}

// checkKind holds a script against what its kind must have.
func (s *Script) checkKind() error {
	for _, k := range Kinds() {
		if k.Kind != s.Kind {
			continue
		}
		for _, anyOf := range k.Steps {
			if !slices.ContainsFunc(s.Steps, func(st Step) bool { return slices.Contains(anyOf, st.Do) }) {
				return fault.New(fault.Malformed, "a ceremony of kind %s has a step %s; it is missing", s.Kind, words(anyOf))
			}
		}
		if k.Source != nil && !slices.ContainsFunc(s.Keys, func(x Key) bool { return slices.Contains(k.Source, x.Source) }) {
			return fault.New(fault.Malformed, "a ceremony of kind %s has a key of source %s; it is missing", s.Kind,
				words(k.Source))
		}
	}
	return nil
}

// plan finds who does a step, and with what.
func (s *Script) plan(number int, st Step) (Planned, error) {
	v := verbOf(st.Do)
	p := Planned{Number: number, Step: st, Irreversible: v.Irreversible, Requirements: v.Requirements}
	if st.Key != "" {
		k, _ := s.Key(st.Key)
		p.Key = k
		if st.Part > 0 {
			p.Part = &k.Parts[st.Part-1]
		}
		if to := outputOf(st.Do); to != "" {
			p.Output, _ = k.output(to, st.Output)
		}
	}
	actor := v.Actor
	if st.By != "" {
		actor = Role(st.By)
	}
	p.Actor, p.Seconder = s.Roles[actor], s.Roles[v.Seconder]
	if v.Custodian && p.Part != nil {
		if st.By != "" {
			return p, fault.New(fault.Malformed, "what is done with a part is done by its custodian; leave by out")
		}
		p.Actor = p.Part.Custodian
		if st.Do == ReceivePart && p.Part.Former != (Seat{}) {
			p.Actor = p.Part.Former // who had it takes it out of the safe; the new custodian seals it
		}
	}
	if v.Seconder == SecondWitness && p.Seconder == (Seat{}) {
		p.Seconder = s.Roles[Leader] // in test; production asks for two witnesses (second-witness-missing)
	}
	if p.Seconder != (Seat{}) && p.Seconder.Primary == p.Actor.Primary {
		return p, fault.New(fault.Malformed, "%s does the step and confirms it; these are two people", p.Actor.Primary)
	}
	return p, nil
}

// frame holds the steps that stand in fixed places.
func (b *bench) frame(p *Planned) error {
	declared := b.script.Environment == custody.Production
	switch do := p.Step.Do; {
	case b.closed:
		return fault.New(fault.Malformed, "nothing comes after the step %s", Close)
	case (p.Number == 1) != (do == Attend):
		return fault.New(fault.Malformed, "the step %s stands there once, as the first one", Attend)
	case p.Number == 2 && declared && do != Declare:
		return fault.New(fault.Malformed, "in production the second step is %s", Declare)
	case p.Number != 2 && do == Declare:
		return fault.New(fault.Malformed, "the step %s stands there once, as the second one", Declare)
	}
	return nil
}
