package transcript

// What may stand in a line. The same checks hold for what is written and what is read.

import (
	"reflect"
	"time"

	"poskey/internal/chained"
	"poskey/internal/fault"
	"poskey/pkg/custody"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// Limits, in bytes of UTF-8 where they are about text.
const (
	MaxFile      = 16 << 20  // a record; [Read] and [Resume] read no more
	MaxLine      = 64 << 10  // a line with its line feed
	MaxFirstLine = 512 << 10 // the first, and the note
	MaxScript    = 256 << 10 // the script in the first line

	maxLines     = 1 << 20
	maxStep      = 9999
	maxPart      = 99
	maxPeople    = 32
	maxAttending = 64 // people with a card in one ceremony
	maxDetails   = 24

	maxName   = 64   // person, station, id of the ceremony
	maxLabel  = 128  // name of a key, tool
	maxValue  = 2048 // value of a detail
	maxCard   = 4 << 10
	maxNote   = 256 << 10
	maxDigits = 16 // of a check value

	signatureLength = 64

	maxBack = chained.MaxNumber / 1000 // microseconds, about 285 years
)

// maxLine is the limit for a line of the kind.
func (k Kind) maxLine() int {
	if k == KindOpen || k == KindNote {
		return MaxFirstLine
	}
	return MaxLine
}

// check holds a record against the limits; how it fits to the others is checked by [chain].
func (r *Record) check() error {
	if !chained.Within(r.Time.Year(), 1970, 2199) || r.Time.Location() != time.UTC || r.Time.Nanosecond()%1000 != 0 {
		return fault.New(fault.Malformed, "time: a record has UTC to the microsecond, in the years 1970 to 2199")
	}
	if !chained.Within(r.N, 1, maxLines) {
		return fault.New(fault.TooLarge, "a record has at most %d lines", maxLines)
	}
	if r.Back < 0 || r.Back%time.Microsecond != 0 {
		return fault.New(fault.Malformed, "back_us: a time that goes back is counted in microseconds")
	}
	return r.Entry.check()
}

func (e *Entry) check() error {
	if !isKind(e.Kind) {
		return fault.New(fault.Malformed, "kind: no kind of line that this version knows")
	}
	if err := e.checkNumbers(); err != nil {
		return err
	}
	if err := e.checkNames(); err != nil {
		return err
	}
	if err := e.checkValues(); err != nil {
		return err
	}
	if err := checkDetails(e.Details); err != nil {
		return err
	}
	if err := e.checkOwn(); err != nil {
		return err
	}
	return e.checkNeeded()
}

func isKind(k Kind) bool {
	for _, known := range Kinds() {
		if k == known {
			return true
		}
	}
	return false
}

func (e *Entry) checkNumbers() error {
	if !chained.Within(e.Step, 0, maxStep) {
		return fault.New(fault.Malformed, "step: a step has a number of 1 to %d", maxStep)
	}
	if !chained.Within(e.Part, 0, maxPart) {
		return fault.New(fault.Malformed, "part: a part has a number of 1 to %d", maxPart)
	}
	return nil
}

func (e *Entry) checkNames() error {
	if err := chained.CheckText(e.Who, maxName); err != nil {
		return fault.Wrap(err, "who")
	}
	if len(e.People) > maxPeople {
		return fault.New(fault.TooLarge, "people: a line names at most %d, got %d", maxPeople, len(e.People))
	}
	for _, p := range e.People {
		if p == "" {
			return fault.New(fault.Malformed, "people: nobody is named")
		}
		if err := chained.CheckText(p, maxName); err != nil {
			return fault.Wrap(err, "people")
		}
	}
	return fault.Wrap(chained.CheckText(e.Key, maxLabel), "key")
}

// checkValues holds check values against what may be shown, and the verdict against the two of them: a line that says
// match says so of what stands in it.
func (e *Entry) checkValues() error {
	if err := e.checkValue(e.Check, false); err != nil {
		return fault.Wrap(err, "check")
	}
	if err := e.checkValue(e.Expected, true); err != nil {
		return fault.Wrap(err, "expected")
	}
	switch e.Verdict {
	case "", Match, Differs, Compared:
	default:
		return fault.New(fault.Malformed, "verdict: known verdicts: match, differs, not-compared")
	}
	one := e.Check == kcv.Value{} || e.Expected == kcv.Value{}
	if e.Kind != KindChecked && (one || e.Verdict == "") {
		return nil
	}
	return e.checkVerdict()
}

func (e *Entry) checkVerdict() error {
	both := e.Check != kcv.Value{} && e.Expected != kcv.Value{}
	switch e.Verdict {
	case Match:
		if !both || !agree(e.Check, e.Expected) {
			return fault.New(fault.Malformed, "verdict: the line says that the check values agree, and they do not")
		}
	case Differs: // on digits that may not stand here, maybe
	case Compared:
		if e.Expected != (kcv.Value{}) {
			return fault.New(fault.Malformed, "verdict: something was expected and not compared")
		}
	default:
		return fault.New(fault.Malformed, "verdict: a check value is there without the answer of its comparison")
	}
	return nil
}

// agree compares on the shorter length. A method that is not known is no other one.
func agree(a, b kcv.Value) bool {
	if a.Method != b.Method && a.Method != "" && b.Method != "" {
		return false
	}
	n := min(len(a.Digits), len(b.Digits))
	return n > 0 && a.Digits[:n] == b.Digits[:n]
}

func (e *Entry) checkValue(v kcv.Value, anyMethod bool) error {
	if v == (kcv.Value{}) {
		return nil
	}
	if !chained.Within(len(v.Digits), 4, maxDigits) || !chained.All(v.Digits, chained.IsHex) {
		return fault.New(fault.Malformed, "a check value has 4 to %d upper-case hex digits", maxDigits)
	}
	if v.Method == "" && anyMethod {
		return nil
	}
	if m, err := kcv.ParseMethod(string(v.Method)); err != nil || m != v.Method {
		return fault.New(fault.Malformed, "method: no method of check values that this version knows")
	}
	if most := e.limit(v.Method); len(v.Digits) > most {
		return fault.New(fault.NotPermitted, "a check value by %s has at most %d digits here, got %d", v.Method, most,
			len(v.Digits))
	}
	return nil
}

// limit is how many digits of a check value may stand in the entry.
func (e *Entry) limit(m kcv.Method) int {
	if alg, err := keys.ParseAlgorithm(e.Details["algorithm"]); err == nil {
		return kcv.Limit(alg, m)
	}
	return limit(m)
}

// limit is the largest one of all algorithms.
func limit(m kcv.Method) int {
	most := 0
	for _, alg := range keys.Named() {
		most = max(most, kcv.Limit(alg, m))
	}
	return min(most, maxDigits)
}

func cut(v kcv.Value, most int) kcv.Value {
	v.Digits = v.Digits[:min(len(v.Digits), most)]
	return v
}

func checkDetails(d map[string]string) error {
	if len(d) > maxDetails {
		return fault.New(fault.TooLarge, "details: a record has at most %d, got %d", maxDetails, len(d))
	}
	for name, value := range d {
		if err := chained.CheckWord(name); err != nil {
			return fault.Wrap(err, "details")
		}
		if value == "" {
			return fault.New(fault.Malformed, "details: %s: what is empty is left out", name)
		}
		if err := chained.CheckText(value, maxValue); err != nil {
			return fault.Wrap(err, "details: %s", name)
		}
	}
	return nil
}

// checkOwn asks that what belongs to one kind stands in no other.
func (e *Entry) checkOwn() error {
	for _, own := range []struct {
		kind    Kind
		member  string
		there   bool
		length  int
		atLeast int
		atMost  int
	}{
		{KindAttended, "card", len(e.Card) > 0, len(e.Card), 1, maxCard},
		{KindOpen, "head", e.Head != nil, 1, 1, 1},
		{KindSigned, "signature", len(e.Signature) > 0, len(e.Signature), signatureLength, signatureLength},
		{KindNote, "note", len(e.Note) > 0, len(e.Note), 1, maxNote},
	} {
		if own.there != (e.Kind == own.kind) {
			return fault.New(fault.Malformed, "%s: lines of %s have one, and no others", own.member, string(own.kind))
		}
		if own.there && !chained.Within(own.length, own.atLeast, own.atMost) {
			return fault.New(fault.Malformed, "%s: %d bytes are no %s", own.member, own.length, own.member)
		}
	}
	if e.Head != nil {
		return fault.Wrap(e.Head.check(), "head")
	}
	return nil
}

// checkNeeded asks for what a kind cannot do without. What nobody signs may not say anything else.
func (e *Entry) checkNeeded() error {
	missing := func(there bool, member string) error {
		if there {
			return nil
		}
		return fault.New(fault.Malformed, "%s: a line of %s needs it", member, string(e.Kind))
	}
	bare := Entry{Kind: e.Kind}
	switch e.Kind {
	case KindOpen:
		bare.Head = e.Head
	case KindNote:
		bare.Note = e.Note
	case KindSigned:
		bare.Who, bare.Step, bare.Signature = e.Who, e.Step, e.Signature
		if err := missing(e.Who != "", "who"); err != nil {
			return err
		}
	case KindAttended:
		return missing(e.Who != "", "who")
	case KindBegun, KindDone:
		return missing(e.Step > 0, "step")
	case KindChecked:
		return missing(e.Key != "", "key")
	case KindEntered:
		if err := missing(e.Who != "", "who"); err != nil {
			return err
		}
		if err := missing(e.Part > 0, "part"); err != nil {
			return err
		}
		return missing(e.Key != "", "key")
	default:
		return nil
	}
	if !reflect.DeepEqual(*e, bare) {
		return fault.New(fault.Malformed, "a line of %s says more than such a line may", string(e.Kind))
	}
	return nil
}

func (h *Head) check() error {
	idByte := func(c byte) bool { return chained.IsAlnum(c) || chained.IsAnyOf(c, "._-") }
	if !chained.Within(len(h.Ceremony), 1, maxName) || !chained.All(h.Ceremony, idByte) {
		return fault.New(fault.Malformed, "ceremony: an id has 1 to %d letters, digits and . _ -", maxName)
	}
	if h.Mode != Run && h.Mode != Rehearsal {
		return fault.New(fault.Malformed, "mode: it is neither run nor rehearsal")
	}
	if h.Environment != custody.Test && h.Environment != custody.Production {
		return fault.New(fault.Malformed, "environment: it is neither test nor production")
	}
	if !chained.Within(len(h.Script), 1, MaxScript) {
		return fault.New(fault.TooLarge, "script: a record takes a script of 1 to %d bytes, got %d", MaxScript, len(h.Script))
	}
	if err := chained.CheckText(h.Tool, maxLabel); err != nil {
		return fault.Wrap(err, "tool")
	}
	if err := chained.CheckText(h.Station, maxName); err != nil {
		return fault.Wrap(err, "station")
	}
	return fault.Wrap(chained.CheckWord(h.Language), "language")
}
