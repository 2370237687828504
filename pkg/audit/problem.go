package audit

// What can be wrong with a log.

import (
	"poskey/internal/fault"
	"poskey/internal/text"
)

// Reason names what is wrong. It never changes its meaning.
type Reason string

// The reasons.
const (
	NotARecord Reason = "not_a_record"  // the line is not of this format
	TooLong    Reason = "too_long"      // the line is longer than a record can be
	Changed    Reason = "changed"       // the bytes do not have the hash that they carry
	NotChained Reason = "not_chained"   // the record names another hash than that of the record above
	OutOfOrder Reason = "out_of_order"  // another number than the next: deleted, inserted, repeated, moved
	ClockNote  Reason = "clock_note"    // the note about a clock that went back does not fit the times
	IntentNote Reason = "intent_note"   // an outcome without its intent, or a wrong account of open intents
	WrongStore Reason = "wrong_store"   // the log, or a checkpoint, is another store's
	TornEnd    Reason = "torn_end"      // the last line is not whole
	Empty      Reason = "empty"         // no record at all
	CutShort   Reason = "cut_short"     // fewer records than a checkpoint was signed over
	NotSigned  Reason = "not_as_signed" // the records differ from those that a checkpoint was signed over
)

// Problem is the first thing that is wrong with a log. Its fault kind is log_broken: the log does not verify.
type Problem struct {
	Reason Reason
	Record uint64 // number of the record, which is that of its line; 0 where it is not known
	Offset int64  // byte of the file where the line begins
	Got    string
	Want   string // hashes are shortened
	err    error
}

// Error renders the sentence in English.
func (p *Problem) Error() string { return p.Unwrap().Error() }

// Unwrap gives the sentence as a fault, so that it has a kind and can be translated.
func (p *Problem) Unwrap() error {
	if p.Reason == Empty {
		return fault.New(fault.LogBroken, "the log has no record")
	}
	if p.Record == 0 {
		return fault.WrapAs(fault.LogBroken, p.detail(), "the log does not verify at byte %d", p.Offset)
	}
	return fault.WrapAs(fault.LogBroken, p.detail(), "the log does not verify at record %d (byte %d)",
		p.Record, p.Offset)
}

func (p *Problem) detail() error {
	if t := p.text(); !t.IsZero() {
		return &fault.Error{Kind: fault.LogBroken, Text: t}
	}
	return p.err
}

func (p *Problem) text() text.Text {
	switch p.Reason {
	case TooLong:
		return text.New("the line is longer than the %d bytes that a record may have", MaxLine)
	case Changed:
		return text.New("it was changed: its bytes have the hash %s, it carries %s", p.Got, p.Want)
	case NotChained:
		return text.New("it names %s as the hash of the record above, which has %s; one of the two was changed",
			p.Got, p.Want)
	case OutOfOrder:
		return text.New("record %s stands in the place of record %s; records were deleted, inserted or moved", p.Got, p.Want)
	case ClockNote:
		return text.New("its note says that the clock went back by %s, the times say %s", p.Got, p.Want)
	case WrongStore:
		return text.New("it belongs to the store %s, not %s", p.Got, p.Want)
	case TornEnd:
		return text.New("the last line is not whole (%s bytes): it is being written, a crash tore it, or the file was cut",
			p.Got)
	case CutShort:
		return text.New("the log ends after %s records, and a checkpoint was signed over %s; it was cut short, or an older "+
			"copy was put in its place", p.Got, p.Want)
	case NotSigned:
		return text.New("the records so far give %s, the officers signed %s; one of them was changed", p.Got, p.Want)
	}
	return text.Text{}
}
