package audit

// A record as it stands in the log.

import (
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// Format names the format and its version. It stands in the first record of every log.
const Format = "poskey.audit/v1"

// Environment keeps test and production apart from birth.
type Environment string

// The environments.
const (
	Test       Environment = "test"
	Production Environment = "production"
)

// Identity says which store a log belongs to.
type Identity struct {
	Store       string // letters, digits and . _ -, at most 64
	Environment Environment
}

// Torn describes bytes at the end of the file that a crash left behind. They were never acknowledged.
type Torn struct {
	Bytes  uint64
	Digest Digest // SHA-256 of the bytes
}

// Record is a line of the log.
type Record struct {
	Seq  uint64 // from 1, as lines are counted
	Time time.Time
	Back time.Duration // how far Time lies before that of the record above; 0 when it does not
	Log  Identity      // first record only
	Torn Torn          // what was repaired: records of log.recover, or a first record whose creation was interrupted
	Entry
	Of      uint64  // the intent whose outcome this is
	Outcome Outcome // none in an intent
	Open    uint64  // after this record, the oldest intent that has no outcome; 0 when all have
	Prev    Digest  // hash of the record above; zero in the first
	Hash    Digest
}

// IsIntent reports whether the record says what is about to be done; its outcome comes in a later record.
func (r *Record) IsIntent() bool { return r.Outcome.Result == "" }

// Phase says in words for people what kind of record this is.
func (r *Record) Phase() text.Text {
	switch {
	case r.IsIntent():
		return text.New("about to")
	case r.Of != 0:
		return text.New("outcome of record %d", r.Of)
	}
	return text.Text{}
}

// Receipt is the proof that a record is on the disk.
type Receipt struct {
	Seq  uint64
	Time time.Time
	Hash Digest
}

// ParseRecord reads one line, without its line feed. The record carries its own hash and is exactly as the log writes
// it, or it is refused as malformed; whether it follows the record above is for [Verify] to say.
func ParseRecord(line []byte) (Record, error) {
	var scratch []byte
	r, p := readRecord(line, &scratch)
	if p != nil {
		return Record{}, fault.Wrap(p.detail(), "record")
	}
	return r, nil
}

// Line gives the record as it stands in the log, without its line feed.
func (r Record) Line() []byte { return appendRecord(nil, &r) }
