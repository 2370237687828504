package script

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/pkg/custody"
	"poskey/pkg/kcv"
)

// good is the script of a template, ready to be broken by a test.
func good(t *testing.T, kind Kind, w Wish) *Script {
	t.Helper()
	raw, err := New(kind, w)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// real is a template for production with everything filled in.
func real(t *testing.T, kind Kind) *Script {
	t.Helper()
	s := good(t, kind, Wish{})
	s.Environment = custody.Production
	s.Title = "Zone master key"
	for i := range s.People {
		s.People[i].Card = strings.Repeat("0", 62) + string(rune('A'+i/16)) + string("0123456789ABCDEF"[i%16])
	}
	for i := range s.Keys {
		k := &s.Keys[i]
		k.Label = strings.TrimPrefix(k.Label, "TEST-")
		for j := range k.Outputs {
			k.Outputs[j].Label = strings.TrimPrefix(k.Outputs[j].Label, "TEST-")
			k.Outputs[j].KBPK = strings.TrimPrefix(k.Outputs[j].KBPK, "TEST-")
		}
	}
	return s
}

func (s *Script) at(t *testing.T, v Verb, part int) int {
	t.Helper()
	i := slices.IndexFunc(s.Steps, func(st Step) bool { return st.Do == v && st.Part == part })
	if i < 0 {
		t.Fatalf("no step %s %d", v, part)
	}
	return i
}

func (s *Script) drop(t *testing.T, v Verb, part int) Step {
	t.Helper()
	i := s.at(t, v, part)
	st := s.Steps[i]
	s.Steps = slices.Delete(s.Steps, i, i+1)
	return st
}

// put inserts a step before the one with the verb and part.
func (s *Script) put(t *testing.T, st Step, before Verb, part int) {
	t.Helper()
	s.Steps = slices.Insert(s.Steps, s.at(t, before, part), st)
}

// move takes a step before another one.
func (s *Script) move(t *testing.T, v Verb, part int, before Verb, beforePart int) {
	t.Helper()
	s.put(t, s.drop(t, v, part), before, beforePart)
}

func expected(t *testing.T, digits string) *kcv.Expected {
	t.Helper()
	e, err := kcv.Parse(digits)
	if err != nil {
		t.Fatal(err)
	}
	return &e
}

// sameValue compares scripts without the bytes they came from, and where in them.
func sameValue(a, b *Script) bool {
	x, y := *a, *b
	x.raw, y.raw, x.lines, y.lines = nil, nil, nil, nil
	return reflect.DeepEqual(x, y)
}

func wantMalformed(t *testing.T, err error, says ...string) {
	t.Helper()
	if !fault.Is(err, fault.Malformed) {
		t.Fatalf("error %v, want one of kind malformed", err)
	}
	for _, word := range says {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %q does not say %q", err, word)
		}
	}
}
