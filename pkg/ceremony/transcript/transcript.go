package transcript

// What a line of the record says.

import (
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"time"

	"poskey/internal/text"
	"poskey/pkg/custody"
	"poskey/pkg/kcv"
)

// Format names the format and its version.
const Format = "poskey.transcript/v1"

// Mode tells a ceremony from its rehearsal.
type Mode string

// The modes.
const (
	Run       Mode = "run"
	Rehearsal Mode = "rehearsal"
)

// Text is what people call it.
func (m Mode) Text() text.Text {
	switch m {
	case Run:
		return text.New("ceremony")
	case Rehearsal:
		return text.New("rehearsal with throw-away keys")
	}
	return text.Raw(string(m))
}

// The marks of what is not real. They are the same in every language.
const (
	MarkTest      = "TEST"
	MarkRehearsal = "TEST REHEARSAL"
)

// Mark is what stands on everything that protects nothing; "" in a ceremony for real keys. The mode is "" where there
// is no record.
func Mark(e custody.Environment, m Mode) string {
	switch {
	case m == Rehearsal:
		return MarkRehearsal
	case e != custody.Production:
		return MarkTest
	}
	return ""
}

// Head is what the first line says.
type Head struct {
	Ceremony    string // id, drawn: "20261201-7F3A91"
	Mode        Mode
	Environment custody.Environment
	Script      []byte // the whole script: the record speaks for itself
	Tool        string // version and build
	Station     string // name of the machine
	Language    string // en, zh
}

// Kind is what a line says.
type Kind string

// The kinds of lines.
const (
	KindOpen      Kind = "open"      // Head
	KindAttended  Kind = "attended"  // Who took a seat; Card; Details role, seat
	KindBegun     Kind = "begun"     // a step begins; Who does it
	KindSaid      Kind = "said"      // what was read aloud, in Details text
	KindConfirmed Kind = "confirmed" // Who confirmed; Details what
	KindObserved  Kind = "observed"  // Details item, seen, expected; Verdict
	KindChecked   Kind = "checked"   // a check value: Key, Part, Check, Expected, Verdict
	KindMade      Kind = "made"      // Key was drawn or formed; Check
	KindPrinted   Kind = "printed"   // the sheet of Key, Part went to Who
	KindEntered   Kind = "entered"   // Who typed Key, Part; Check
	KindVoid      Kind = "void"      // Key, Part is void: typed wrong, given up, or of a run that broke
	KindBag       Kind = "bag"       // Details event (sealed, sent, received, ...), serial, outer, channel, state
	KindKept      Kind = "kept"      // Key is in the store; Details label
	KindExported  Kind = "exported"  // Details file, sha256, header
	KindLoaded    Kind = "loaded"    // Details device, slot, proof
	KindDestroyed Kind = "destroyed" // Key, or Part of it; Details how
	KindFinding   Kind = "finding"   // of the check before; Details id, level, requirement, what
	KindDeviation Kind = "deviation" // Details expected, happened, decided; People
	KindSigned    Kind = "signed"    // Who signed the line before; Signature
	KindDone      Kind = "done"      // a step is over
	KindAborted   Kind = "aborted"   // the ceremony was given up; Details why
	KindResumed   Kind = "resumed"   // it goes on after a break; Details torn, sha256: of what the break left of a line
	KindClosing   Kind = "closing"   // nothing more happens; what follows are signatures
	KindNote      Kind = "note"      // the signed note over everything up to the line closing
)

// Kinds lists all kinds.
func Kinds() []Kind {
	return []Kind{KindOpen, KindAttended, KindBegun, KindSaid, KindConfirmed, KindObserved, KindChecked, KindMade,
		KindPrinted, KindEntered, KindVoid, KindBag, KindKept, KindExported, KindLoaded, KindDestroyed, KindFinding,
		KindDeviation, KindSigned, KindDone, KindAborted, KindResumed, KindClosing, KindNote}
}

// AfterAbort reports whether a line may stand after the one that gives the ceremony up: what tidies up, and signatures.
func (k Kind) AfterAbort() bool {
	return slices.Contains([]Kind{KindVoid, KindBag, KindDestroyed, KindObserved, KindConfirmed, KindDeviation, KindSigned,
		KindClosing, KindNote}, k)
}

// ends reports whether a line helps to bring a ceremony to its end: the largest record has room for it.
func (k Kind) ends() bool { return k.AfterAbort() || k == KindAborted || k == KindResumed }

// Verdict is the answer of a comparison.
type Verdict string

// The verdicts.
const (
	Match    Verdict = "match"
	Differs  Verdict = "differs"
	Compared Verdict = "not-compared" // there was nothing to compare with
)

// Entry is what a line says. Empty fields are left out.
type Entry struct {
	Kind     Kind
	Step     int // number in the script; 0 outside
	Who      string
	People   []string
	Key      string
	Part     int
	Check    kcv.Value // cut to what may be shown ([Cut]); details algorithm, where it is there, says more exactly to what
	Expected kcv.Value // its method may be unknown
	Verdict  Verdict
	Details  map[string]string // lower-case words; values without control characters, never key digits
	Card     []byte            // attended
	Head     *Head             // open
	// Signature and Note are written by [Log.Sign] and [Log.Close].
	Signature []byte
	Note      []byte
}

// clone copies what a caller could change later.
func (e Entry) clone() Entry {
	e.People = slices.Clone(e.People)
	e.Details = maps.Clone(e.Details)
	e.Card, e.Signature, e.Note = slices.Clone(e.Card), slices.Clone(e.Signature), slices.Clone(e.Note)
	if e.Head != nil {
		h := *e.Head
		h.Script = slices.Clone(h.Script)
		e.Head = &h
	}
	return e
}

// Digest is a SHA-256.
type Digest [32]byte

// String gives 64 hex digits, upper case.
func (d Digest) String() string { return strings.ToUpper(hex.EncodeToString(d[:])) }

// Short gives the first twelve digits, for people.
func (d Digest) Short() string { return d.String()[:12] + "…" }

func (d Digest) fingerprint() custody.Fingerprint { return custody.Fingerprint(d) }

// Record is a line.
type Record struct {
	N    int // from 1
	Time time.Time
	Back time.Duration // how far Time lies before that of the line above; 0 when it does not
	Entry
	Prev, Hash Digest
}

// Line gives the record as it stands in the file, without its line feed.
func (r Record) Line() []byte { return appendRecord(nil, &r) }
