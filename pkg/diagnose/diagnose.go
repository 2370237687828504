// Package diagnose says what is wrong with a key, or round it: facts in, ranked and proven causes out.
//
// # What it looks at
//
// [Diagnose] takes a whole [Case] and has every family of causes look at it; what several of them say of one cause
// becomes one finding. Every cause is an id of the project's catalogue (causes.go); ids never change their meaning.
// What to do about each of them is in advice_*.go.
//
//	facts                           family       files
//	check values that do not match  fromChecks   diagnose.go, search.go and the next table
//	a sign-in answer                fromSignIn   signin*.go
//	a key block                     fromBlock    block.go
//	what a device tells of itself,  fromDevice   ondevice.go, device_*.go, inventory.go
//	its loads and its inventory
//	what it refuses to tell         fromRefusals device_refused.go
//	the line to it                  fromLine     online.go
//	codes, texts, people's words    fromSaid     said*.go, codecauses*.go
//	logs                            fromLog      fromlog.go, log_*.go; ReadLog makes the events
//
// Texts and logs are heard with [Ears] (ears.go), whose patterns stand behind the words that they need (sieve.go).
//
// case.go has the facts, report*.go the answer. settle.go puts the findings of the families together, combine.go adds
// what values and codes say only together.
//
// [KCV] is the search over one failed comparison ([Facts]): it looks for mistakes that turn the material as given
// into the values as given.
//
//	rule.go        the key is right, the comparison is not: length, method, data, cipher, parity
//	shape.go       halves swapped, half a key, a key filled up
//	components.go  too few or too many parts, a part taken as the key, parts joined or added
//	unwrap.go      the wrong mode, direction, half or variant of the wrapping key
//	transport.go   a transport key that is published
//	dukpt.go       base derivation key, initial key and key serial number that do not belong together
//	typing*.go     one wrong digit, or two neighbours swapped, in any piece
//	misread.go     the same in a check value
//	pairs.go       two of these at once
//	deep*.go       every other slip of typing, and up to four wrong digits ([Facts].Search)
//	odd.go         a digit too few or too many in a piece as a whole
//	leftover.go    what can be told when nothing reproduces the values
//
// It goes from the simple to the laborious and stops as soon as a step has an explanation that is not chance;
// weigh.go and rank.go say what an explanation is worth.
//
// Nothing here does I/O or has a clock, but that ReadLog reads what it is handed. Same facts, same answer.
//
// # Keys
//
// The search sees no key bytes: it tells a boundary what to form (an [hsm.Expr]) and learns whether the check value
// of that matches. One over keys of a store answers in verdicts, and in fewer of them: nothing is derived, no two
// mistakes are paired, and of a slip the piece alone is told.
//
// Keys are opened here in two cases, where they are exposed already: of a download which sends the key-encrypting key
// along in clear, and under a published transport key (transport.go, signinpublic.go). Nothing of them but the
// verdict is told, and they are wiped.
//
// What looks like a key in a log or in people's words is blotted out before anything else looks at it (log_blot.go).
//
// # What the words mean
//
// A value given is the expected one, the one got, and the check value on the sheet of each part. A finding that was
// computed is
//
//	proven    it reproduces every value given, nothing else that was tried does, and Odds is below 1 in 10,000
//	likely    it is no chance (Odds below 1 in 100), but has rivals, leaves a value given unexplained, or says that a
//	          value given is itself mistyped
//	possible  neither; or an advice that rests on no comparison
//
// Odds is the chance that the finding is an accident: the hypotheses tried, times the chance that a wrong key agrees
// on all the digits (and parity bits) on which this one agrees. It is the same for findings that exclude each other
// (a slip in part 1, or in part 2), which therefore stand side by side.
//
// A finding that was seen is
//
//	proven    the device itself says so, or it answers and loses frames on the line, or a block opens: Odds 0, where no
//	          check values were compared for it
//	likely    what was seen is explained best so, or words or a code name the cause: Odds 1
//	possible  what was seen, a code or words lead there: Odds 1
//
// A code is never a proof, and nothing in a log is one but a comparison of check values. Among findings of equal
// certainty Weight decides, then the order of the catalogue.
//
// When the material gives the expected value but not the one got, the mistake is searched on the other side: what did
// the device do with this key? Otherwise it is searched in the material: what should have been entered?
//
// # What it does not do
//
// It searches no three mistakes together. Several wrong digits in one piece, or over the parts that are XORed, count
// as one mistake, and so does one slip in each part where the sheets' values tell the parts apart. Of two mistakes of
// different kinds, one is in what is formed or typed and one in how that is compared or cut; slips of more than one
// digit are not paired. More wrong digits mean more matches by chance: the report gives their expected number, and
// Odds of a finding counts the hypotheses that are as simple as it (and, where the piece put right has odd parity in
// every byte, those that have it too).
//
// DES ignores the lowest bit of each byte: a slip in it is invisible to a check value and, where the digit is wrong
// in other bits too, leaves two readings of it ([Edit].ParityUnseen).
package diagnose

import (
	"context"
	"slices"

	"poskey/internal/fault"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// Material says what the prober holds.
type Material string

// The kinds of material.
const (
	None       Material = ""           // nothing: two values are compared
	Key        Material = "key"        // part 0 is the key
	Parts      Material = "parts"      // XOR components, in order
	Cryptogram Material = "cryptogram" // part 0 is the cryptogram, part 1 the key-encrypting key
	Unopened   Material = "unopened"   // nothing: Wrapped is a cryptogram whose key-encrypting key is not there
	Base       Material = "bdk"        // part 0 is a base derivation key; the values are said to be of its initial key for KSN
)

// Facts is what is known of one failed comparison.
type Facts struct {
	Algorithm keys.Algorithm // of the key
	Expected  kcv.Expected   // what the value should be; no digits when it is not known
	Got       kcv.Expected   // what a device or another party shows; no digits when nothing is known
	Method    kcv.Method     // how the values are said to be made; "" is the algorithm's default

	Kind         Material
	Parts        int            // number of parts, for Kind Parts
	PartExpected []kcv.Expected // the check values on the sheets, in order; may be shorter, no digits where unknown
	Typed        []int          // hex digits of each piece as typed, where its last digit only fills it up to a byte; 0 is all
	NotTyped     bool           // the key was not typed but came in a key block: its digits are not searched, and no place is told
	KEKAlgorithm keys.Algorithm // for Kind Cryptogram; "" is the family of Algorithm at the length of the KEK
	KEKExpected  kcv.Expected   // for Kind Cryptogram: the check value of the KEK itself; no digits when it is not known
	Wrapped      []byte         // for Kind Cryptogram and Unopened: the cryptogram, which is public; nil tries no published keys
	KSN          string         // for Kind Base, and for an initial key of Kind Key: the key serial number as it was typed
	Prober       hsm.Prober     // nil for Kind None and Unopened

	// Search is the largest number of wrong digits that is searched together, with all other slips of pkg/slip; 0 stops at
	// one digit and one swap. It needs a prober that is a searcher.
	Search   int
	Progress func(done, total int) // of the search; called by several goroutines, may be nil
}

// KCV searches for the causes of a failed comparison. It fails when the facts cannot be compared at all, when the
// prober fails, or when ctx is done; a search without result is no error but a report.
func KCV(ctx context.Context, f Facts) (Report, error) {
	f, err := f.checked()
	if err != nil {
		return Report{}, err
	}
	if f.Kind == None {
		return compareValues(f), nil
	}
	s, err := newSearch(ctx, f)
	if err != nil {
		return Report{}, err
	}
	defer s.close()
	return s.run()
}

// checked fills the defaults and refuses what cannot be searched.
func (f Facts) checked() (Facts, error) {
	if !slices.Contains(keys.Named(), f.Algorithm) {
		return Facts{}, fault.New(fault.Usage,
			"a diagnosis needs the algorithm of the key; %q is none that has check values", string(f.Algorithm))
	}
	if f.Method == "" {
		f.Method = kcv.Default(f.Algorithm)
	}
	if err := hasMethod(f.Algorithm, f.Method); err != nil {
		return Facts{}, err
	}
	var err error
	if f, err = f.checkKSN(); err != nil {
		return Facts{}, err
	}
	if f.Kind != None && f.Kind != Unopened && f.Prober == nil {
		return Facts{}, fault.New(fault.Bug, "a diagnosis of key material without a prober")
	}
	switch f.Kind {
	case None:
		if f.Expected.Digits == "" || f.Got.Digits == "" {
			return Facts{}, fault.New(fault.Usage,
				"without a key, its parts or its cryptogram two check values are needed: the expected one and the one got")
		}
		return f, nil
	case Key, Cryptogram, Base:
		f.PartExpected = nil
	case Unopened:
		f.PartExpected = nil
		if len(f.Wrapped) == 0 {
			return Facts{}, fault.New(fault.Bug, "a diagnosis of a cryptogram without the cryptogram")
		}
	case Parts:
		if f.Parts < 1 || len(f.PartExpected) > f.Parts {
			return Facts{}, fault.New(fault.Usage, "%d check values of parts were given for %d parts",
				len(f.PartExpected), f.Parts)
		}
	default:
		return Facts{}, fault.New(fault.Bug, "unknown kind of key material %q", string(f.Kind))
	}
	if f.Expected.Digits == "" && f.Got.Digits == "" && !anySheet(f.PartExpected) {
		return Facts{}, fault.New(fault.Usage, "there is no check value to compare with")
	}
	return f, nil
}

// anyOdd reports whether a piece was typed with a digit too few or too many.
func (f Facts) anyOdd() bool {
	return slices.ContainsFunc(f.Typed, func(n int) bool { return n != 0 })
}

// hasMethod asks for the value of a zero key: the one who computes knows what exists.
func hasMethod(alg keys.Algorithm, m kcv.Method) error {
	_, err := kcv.Compute(alg, make([]byte, alg.DefaultLen()), m)
	return err
}

func anySheet(values []kcv.Expected) bool {
	return slices.ContainsFunc(values, func(v kcv.Expected) bool { return v.Digits != "" })
}
