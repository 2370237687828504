package audit

// What a caller says about an operation. There is no field that takes bytes: a key cannot get in without being turned
// into text first, and text that looks like a key is refused (guard.go).

import (
	"maps"
	"slices"
)

// Actor is a person or a process that acts.
type Actor struct {
	ID      string // name or number by which the house knows them; needed
	Role    string // administrator, custodian, operator, auditor, agent: a word
	Station string // the machine or place
}

// ObjectKind says what an [Object] is: a word.
type ObjectKind string

// The usual objects.
const (
	KindKey       ObjectKind = "key"
	KindComponent ObjectKind = "component"
	KindOfficer   ObjectKind = "officer"
	KindDevice    ObjectKind = "device"
	KindStore     ObjectKind = "store"
	KindFile      ObjectKind = "file"
	KindBoundary  ObjectKind = "hsm"
	KindCeremony  ObjectKind = "ceremony"
	KindIncident  ObjectKind = "incident"
)

// Object is what an operation acted on. The zero Object stands for none.
type Object struct {
	Kind  ObjectKind
	Label string
	Check Check
	KSN   string // 20 or 24 hex digits, upper case
}

// Check is a check value with the method that made it, at most 16 hex digits, upper case.
type Check struct{ Value, Method string }

// String gives the value with its method, as check values are written everywhere.
func (c Check) String() string {
	if c == (Check{}) {
		return ""
	}
	return c.Value + " (" + c.Method + ")"
}

// Field names a detail: a word.
type Field string

// Details that the forms and logs of the trade have in common; other names may be used.
const (
	FieldUsage       Field = "usage"     // X9.143 usage
	FieldAlgorithm   Field = "algorithm" // aes-256
	FieldPurpose     Field = "purpose"
	FieldReason      Field = "reason"
	FieldState       Field = "state" // the new one
	FieldParent      Field = "parent"
	FieldComponent   Field = "component" // "2 of 3"
	FieldPackage     Field = "package"   // number of the tamper-evident package
	FieldPackageNew  Field = "package-new"
	FieldPackageSeal Field = "package-state"
	FieldSerial      Field = "serial" // of a device or a generator
	FieldFirmware    Field = "firmware"
	FieldSlot        Field = "slot"
	FieldCeremony    Field = "ceremony"
	FieldPlace       Field = "place"
	FieldChannel     Field = "channel"
	FieldWitness     Field = "witness"
	FieldSigners     Field = "signers"
)

// Details are further facts in words.
type Details map[Field]string

// Batch sums up an operation over many lines, which is one record. OK, Refused, Failed and Unknown add up to Count
// once the batch is done; before, Count may stand alone.
type Batch struct {
	Count, OK, Refused, Failed, Unknown uint64
	Digest                              Digest // of the lines
}

// Entry is what a caller records. Sequence number, time and hashes are the log's own affair.
type Entry struct {
	Who       Actor
	With      []Actor // others who took part or approved
	Operation Operation
	Object    Object
	Request   Digest // of the request as it was approved
	Batch     Batch
	Details   Details
}

// clone copies what a caller could change later.
func (e Entry) clone() Entry {
	e.With = slices.Clone(e.With)
	e.Details = maps.Clone(e.Details)
	return e
}
