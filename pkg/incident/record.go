package incident

// What a line of the record says.

import (
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"time"
)

// Format names the format and its version.
const Format = "poskey.incident/v1"

// EntryKind is what a line says.
type EntryKind string

// The kinds of lines.
const (
	EntryOpen     EntryKind = "open"     // Head; Items: the subjects; details happened
	EntryBlast    EntryKind = "blast"    // Items: what falls, as the inventory had it; details cause
	EntryNote     EntryKind = "note"     // details text
	EntryDone     EntryKind = "done"     // a step was done; details proof, text
	EntrySkipped  EntryKind = "skipped"  // a step was left out; details text
	EntryAct      EntryKind = "act"      // poskey did something; details act, object, result, text, record
	EntryEvidence EntryKind = "evidence" // details file, sha256, bytes
	EntryLesson   EntryKind = "lesson"   // details text, fix, weight
	EntryNoLesson EntryKind = "nothing-learned"
	EntryClose    EntryKind = "close" // by and second
)

func entryKinds() []EntryKind {
	return []EntryKind{EntryOpen, EntryBlast, EntryNote, EntryDone, EntrySkipped, EntryAct, EntryEvidence, EntryLesson, EntryNoLesson,
		EntryClose}
}

// Names of details.
const (
	DetailText     = "text"
	DetailHappened = "happened" // when it happened, RFC 3339
	DetailCause    = "cause"    // opened, asked
	DetailProof    = "proof"    // said, measured
	DetailAct      = "act"      // suspend, compromise, freeze, quarantine, lock
	DetailObject   = "object"
	DetailResult   = "result" // done, already, failed
	DetailRecord   = "record" // number in the audit log
	DetailFile     = "file"
	DetailSHA256   = "sha256"
	DetailBytes    = "bytes"
	DetailFix      = "fix"
	DetailWeight   = "weight"
	DetailApproved = "approved" // ids of the officers who approved it

	detailTorn    = "torn"        // bytes that a break left in the place of this line
	detailTornSum = "torn-sha256" // and their hash
)

// How a step was found to be done.
const (
	ProofSaid     = "said"     // somebody says so
	ProofMeasured = "measured" // poskey saw it in the inventory or at the device
)

// ActLock is the act of locking a terminal remotely; its object is the serial number.
const ActLock = "lock"

// Results of acts.
const (
	ResultDone    = "done"
	ResultAlready = "already" // it was so before
	ResultFailed  = "failed"
)

// Head is what the first line says.
type Head struct {
	ID          string // INC-2026-0001
	Kind        Kind
	Title       string
	Store       string // id; "" for a site without a store
	Environment string // test or production; "" without a store
}

// Item is a thing that the incident touches.
type Item struct {
	What ItemKind
	Name string // label, serial number, bag, officer
	Note string // what is to be known of it; may be empty
}

// ItemKind says what an item is.
type ItemKind string

// The kinds of items.
const (
	ItemKey     ItemKind = "key"     // LABEL#VERSION; note: usage, check value, state
	ItemDevice  ItemKind = "device"  // serial number; note: model, state
	ItemBag     ItemKind = "bag"     // serial number; note: which part of which key
	ItemOfficer ItemKind = "officer" // id; note: their standing
	ItemNumbers ItemKind = "numbers" // key set; note: how many numbers and which KSNs went out
	ItemPartner ItemKind = "partner" // zone key; note: purpose
	ItemKnown   ItemKind = "known"   // key of which a person has seen parts; note: how many
	ItemShared  ItemKind = "shared"  // check value that several devices have; note: which
	ItemLoad    ItemKind = "load"    // load of which nobody knows how it ended; note: device, key
	ItemMore    ItemKind = "more"    // name: how many more there are that the record does not list
)

func itemKinds() []ItemKind {
	return []ItemKind{ItemKey, ItemDevice, ItemBag, ItemOfficer, ItemNumbers, ItemPartner, ItemKnown, ItemShared, ItemLoad, ItemMore}
}

// Entry is what a line says. Empty fields are left out.
type Entry struct {
	Kind    EntryKind
	By      string // who says or did it
	Second  string // the other person, of close
	Step    string
	Head    *Head
	Items   []Item
	Details map[string]string // lower-case words; never key digits
}

func (e Entry) clone() Entry {
	e.Items, e.Details = slices.Clone(e.Items), maps.Clone(e.Details)
	if e.Head != nil {
		h := *e.Head
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
