// Package selftest runs self-tests: tests of the program by itself, on the machine where it is used.
//
// A [Test] computes an answer and has the answer that is right. It passes when they are equal, and only when the
// comparison would have noticed another answer: each run compares the computed answer with a wrong one as well, so that
// a comparison that always says yes is found. [Test.Break] makes a test that must fail, for those who want to see that a
// failure is told: it changes the right answer, or, where the test has one, the thing that is tested.
//
// What is compared is text: hex in upper case, the kind of an error, or [Sound]. Answers that are keys (Secret) are never part
// of an error; all of them are published test keys, and stay out of logs all the same.
package selftest

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// Group is what a test is about.
type Group string

// The groups, in the order of a report.
const (
	Ciphers    Group = "ciphers"
	MACs       Group = "macs"
	CheckValue Group = "check-values"
	Parts      Group = "key-parts"
	KeyBlocks  Group = "key-blocks"
	DUKPT      Group = "dukpt"
	Custody    Group = "custody"
	Search     Group = "search"
	Random     Group = "random"
	Boundary   Group = "boundary"
	Memory     Group = "memory"
	Files      Group = "files"
	Machine    Group = "machine"
)

// Groups lists them.
func Groups() []Group {
	return []Group{Ciphers, MACs, CheckValue, Parts, KeyBlocks, DUKPT, Custody, Search, Random, Boundary, Memory, Files, Machine}
}

// Text is the group's name for people.
func (g Group) Text() text.Text {
	switch g {
	case Ciphers:
		return text.New("ciphers")
	case MACs:
		return text.New("MACs and digests")
	case CheckValue:
		return text.New("check values")
	case Parts:
		return text.New("key parts and sheets")
	case KeyBlocks:
		return text.New("key blocks")
	case DUKPT:
		return text.New("DUKPT")
	case Custody:
		return text.New("officers and shares")
	case Search:
		return text.New("search for slips")
	case Random:
		return text.New("random source")
	case Boundary:
		return text.New("boundary")
	case Memory:
		return text.New("memory")
	case Files:
		return text.New("files")
	case Machine:
		return text.New("machine")
	}
	return text.Raw(string(g))
}

// Kind is how a test tests.
type Kind string

// The kinds.
const (
	KnownAnswer Kind = "known-answer" // a published example is computed
	Refusal     Kind = "refusal"      // what is wrong is refused
	RoundTrip   Kind = "round-trip"   // what was done is undone, with fresh randomness
	Health      Kind = "health"       // of the random source
	Condition   Kind = "condition"    // of process, files and machine
)

// Sound is the answer of a test that has no other: conditions, health, round trips.
const Sound = "sound"

// Test is one self-test.
type Test struct {
	Name   string // stable: lower case, digits and dashes
	Group  Group
	Kind   Kind
	What   text.Text
	Source string // where the right answer stands: a standard and its place, or how it was made
	Want   string // the right answer
	Secret bool   // the answers are keys
	Warns  bool   // a failure is a warning: it says something about the machine, not about the program
	// Compute gives the answer. It may fail; ErrUnknown says that nothing can be told.
	Compute func(context.Context) (string, error)
	// Faulty, where it is set, computes it with the fault in what is tested.
	Faulty func(context.Context) (string, error)
}

// unknown says that a test could not be made here.
type unknown struct{ why string }

func (u unknown) Error() string { return u.why }

// Unknown is the error of a test that cannot be made on this machine: neither passed nor failed.
func Unknown(why string) error { return unknown{why} }

// Outcome is what became of a test.
type Outcome struct {
	Test
	Err     error  // it failed
	Unknown string // why nothing can be told; then Err is nil
}

// Failed reports whether the self-test as a whole fails for it.
func (o Outcome) Failed() bool { return o.Err != nil && !o.Warns }

// Warning is what a test warns of, or nil.
func (o Outcome) Warning() error {
	if o.Warns {
		return o.Err
	}
	return nil
}

// Run makes a test.
func (t Test) Run(ctx context.Context) Outcome {
	got, err := t.Compute(ctx)
	var cannot unknown
	switch {
	case errors.As(err, &cannot):
		return Outcome{Test: t, Unknown: cmp.Or(cannot.why, "not told")}
	case err == nil:
		err = t.compare(got)
	}
	return Outcome{Test: t, Err: err}
}

// compare holds an answer against the right one, and the comparison against wrong ones.
func (t Test) compare(got string) error {
	if len(t.Want) == 0 {
		return fault.New(fault.Bug, "the self-test has no answer")
	}
	if !equal(got, t.Want) {
		return t.mismatch(got)
	}
	for _, wrong := range []string{Wrong(t.Want), t.Want[1:], t.Want + "0", ""} {
		if equal(got, wrong) {
			return fault.New(fault.SelftestFailed, "the comparison takes a wrong answer")
		}
	}
	return nil
}

func (t Test) mismatch(got string) error {
	if t.Secret {
		return fault.New(fault.SelftestFailed, "it is not the key of the example")
	}
	return fault.New(fault.SelftestFailed, "got %s, want %s", short(got), short(t.Want))
}

// equal compares in constant time: answers may be keys.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// shown is how many characters of an answer an error has.
const shown = 16

func short(answer string) string {
	if len(answer) > shown {
		return answer[:shown] + ".."
	}
	return answer
}

// Wrong gives an answer with its first character changed, which no test may take.
func Wrong(answer string) string {
	if answer == "" {
		return "wrong"
	}
	first := byte('0')
	if answer[0] == first {
		first = 'F'
	}
	return string(first) + answer[1:]
}

// Break makes a test that must fail: with the fault in what is tested where there is such a fault, else with a wrong answer;
// a condition is said to be broken. A warning is a failure then.
func (t Test) Break() Test {
	t.Warns = false
	switch {
	case t.Faulty != nil:
		t.Compute = t.Faulty
	case t.Kind == Condition:
		t.Compute = func(context.Context) (string, error) {
			return "", fault.New(fault.SelftestFailed, "broken on purpose")
		}
	default:
		t.Want = Wrong(t.Want)
	}
	return t
}

// Broken gives the tests with one of them broken; false where none has the name.
func Broken(all []Test, name string) ([]Test, bool) {
	out := make([]Test, len(all))
	found := false
	for i, t := range all {
		if t.Name == name {
			t, found = t.Break(), true
		}
		out[i] = t
	}
	return out, found
}
