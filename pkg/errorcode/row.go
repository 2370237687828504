package errorcode

import "poskey/internal/text"

// Kind says what a code is about.
type Kind string

// The kinds.
const (
	Key    Kind = "key"
	PIN    Kind = "pin"
	MAC    Kind = "mac"
	Device Kind = "device"
	Comm   Kind = "comm"
	Auth   Kind = "auth"
	Card   Kind = "card"
	Other  Kind = "other"
)

// Certainty says how well the meaning of a code is known.
type Certainty string

// The certainties.
const (
	Published Certainty = "published" // the source states the meaning
	Inferred  Certainty = "inferred"  // the source gives a symbol alone, or the vendor is a deduction
)

// Row is a code of a table and what it means. Vendor, Table, Code and Symbol together name it; nothing else does:
// two codes of one vendor carry two symbols each.
type Row struct {
	Vendor     string // id, lower case: pax, thales-payshield, unionpay
	Table      string // the table or numbering inside the vendor
	Code       string // as the vendor prints it: -314, 0xFEC6, A4, 4/195; empty when there is only a symbol or a text
	Value      int64  // of a code that is a decimal or a 0x number
	HasValue   bool
	Symbol     string // the name of the constant or the text on the screen; may be empty
	Meaning    text.Text
	Kind       Kind
	KeyRelated bool // loading, selecting, checking, losing a key, or keys out of step
	Source     string
	Certainty  Certainty
}

// Table is one numbering of a vendor.
type Table struct {
	Vendor, Name               string
	Rows, KeyRelated, Inferred int
}

// Vendor is a maker, a network or a standard with tables of its own.
type Vendor struct {
	ID     string
	Name   text.Text // as people call it, in both languages
	Tables []string
	Rows   int
}
