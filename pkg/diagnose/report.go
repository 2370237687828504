package diagnose

// The answer: findings with their evidence, and the form they take in JSON.

import (
	"time"

	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
	"poskey/pkg/slip"
)

// Verdict is the answer in one word.
type Verdict string

// The verdicts. Match means that the material as given gives every value; findings are then advice.
const (
	Match       Verdict = "match"
	Explained   Verdict = "explained"
	Unexplained Verdict = "unexplained"
)

// Certainty says how much a finding is worth; the package comment defines it.
type Certainty string

// The certainties, strongest first.
const (
	Proven   Certainty = "proven"
	Likely   Certainty = "likely"
	Possible Certainty = "possible"
)

// Report is the result of a diagnosis.
type Report struct {
	Verdict  Verdict
	Findings []Finding // best first
	NextStep text.Text // what to do next when nothing explains the values; nothing otherwise
	Searched Searched
	RuledOut []Ruling    // causes that a fact speaks against, with the reason
	Notes    []text.Text // what is no cause and should be known: a lock that keeps the keys, a code that is none of a key
	Keys     []KeyResult // of a sign-in, in the order of field 62
	Variants []Variant   // what programs show that make a mistake with the keys of a sign-in
	Readings []Reading   // what the codes and texts can mean, the likeliest first
	// Besides is what is wrong where no cause is found, and is none of a key: a lock that is on. It is in the notes too.
	Besides text.Text

	matched, failed bool // what the families said, until the report is settled
	agreed          []agreed
}

// Ruling is a cause that was looked at and is none.
type Ruling struct {
	Cause  Cause
	Reason text.Text
}

// Seen is one thing that was seen: what, what it should be and what it is. It holds public values only.
type Seen struct {
	What     text.Text
	Expected text.Text
	Observed text.Text
}

// Searched says how hard was looked.
type Searched struct {
	Candidates            int           // check values compared, each a hypothesis
	ExpectedChanceMatches float64       // how many of them would match if all were wrong
	WrongDigits           int           // so many wrong digits were searched together; 0 when no search was asked for or needed
	Matches               int           // slips that the search found, each with every part that may have it
	Elapsed               time.Duration // filled by the caller: nothing here has a clock
}

// Finding is one cause with its worth and what to do about it. Certainty and Odds are defined in the package comment.
type Finding struct {
	Cause      Cause
	Also       Cause // the second of two mistakes at once; "" for a single one
	Certainty  Certainty
	Odds       float64
	Evidence   Evidence
	Summary    text.Text
	NextTest   text.Text
	Fix        text.Text
	Prevention text.Text
	Impact     text.Text // on trade and on the secrecy of keys and data, while the cause lasts
	Weight     float64   // among findings of equal certainty: how much speaks for it; 0 for what was computed

	saidOnly bool // it rests on codes and texts alone
}

// Evidence is what a finding rests on. Positions count from 1. It holds check values and positions, no key digits
// except those that the caller fills into Edits.
type Evidence struct {
	Computed  string         `json:"computed,omitempty"` // the value that the cause gives
	Expected  string         `json:"expected,omitempty"` // the values as given
	Got       string         `json:"got,omitempty"`
	AsGiven   string         `json:"as_given,omitempty"` // the value of the material as given, where the prober tells it
	Algorithm keys.Algorithm `json:"algorithm,omitempty"`
	Method    kcv.Method     `json:"method,omitempty"`
	Digits    int            `json:"digits,omitempty"` // digits on which Computed was compared
	Data      string         `json:"data,omitempty"`   // the block that was encrypted, where it is not zeros
	Parity    Parity         `json:"parity,omitempty"` // of the DES key that the cause forms
	Parts     []int          `json:"parts,omitempty"`  // the parts that the finding speaks of
	Mode      hsm.CryptMode  `json:"mode,omitempty"`
	Direction string         `json:"direction,omitempty"` // encrypt or decrypt, of what was done with the cryptogram
	Variant   string         `json:"variant,omitempty"`   // hex bytes XORed into the KEK: one, or one for each 8 bytes of the key
	Edits     []Edit         `json:"edits,omitempty"`
	Slot      device.Slot    `json:"slot,omitempty"`   // of a device
	Label     string         `json:"label,omitempty"`  // of a key in a store
	Key       string         `json:"key,omitempty"`    // PIK, MAK or TDK of a sign-in
	Layout    string         `json:"layout,omitempty"` // of field 62
	Seen      []Seen         `json:"seen,omitempty"`
}

// Parity is the state of parity over the bytes of a DES key, with the state that tells ECB from CBC.
type Parity string

// The states of parity.
const (
	ParityOdd       Parity = "odd"
	ParityEven      Parity = "even"
	ParityFirst8Odd Parity = "first-8-odd" // the first 8 bytes odd, the rest not
	ParityMixed     Parity = "mixed"
)

// Piece names what a wrong digit stands in.
type Piece string

// The pieces.
const (
	PieceKey        Piece = "key"
	PiecePart       Piece = "part"
	PieceCryptogram Piece = "cryptogram"
	PieceKEK        Piece = "kek"
	PieceValue      Piece = "check-value"
	PieceBlock      Piece = "block" // characters of a key block
)

// Side says who made the slip.
type Side string

// The sides.
const (
	SideGiven Side = "given" // the material as given has the slip
	SideOther Side = "other" // the material is right, the other side has the slip
)

// Edit is one digit that differs between what was meant and what was entered. Diagnosis does not see digits: who may
// see those of the piece fills Entered and Correct with the help of Digits.
type Edit struct {
	Of      Piece  `json:"of"`
	Part    int    `json:"part,omitempty"`  // of the material, from 1: 1 for a whole key, 1 and 2 for cryptogram and KEK
	Digit   int    `json:"digit"`           // from 1
	Group   int    `json:"group,omitempty"` // of 4 digits, from 1
	Entered string `json:"entered,omitempty"`
	Correct string `json:"correct,omitempty"`
	// SwappedWith is the digit with which this one changed places, 0 for a digit that was mistyped. Of a row that was typed
	// in place of another, it is where that row stands.
	SwappedWith int `json:"swapped_with,omitempty"`
	// ParityUnseen says that the digit's lowest bit is a parity bit which the check value does not show and which the
	// rest of the piece does not tell either: the digit with that bit turned would do as well.
	ParityUnseen bool `json:"parity_bit_unseen,omitempty"`
	Side         Side `json:"side,omitempty"`
	// Slip says what kind of slip it is, where the search over all kinds found it; Length, how many digits moved together.
	Slip   slip.Kind `json:"slip,omitempty"`
	Length int       `json:"length,omitempty"`
	Delta  byte      `json:"-"` // XOR of the two digits; 0 for swapped ones

	against int // the digit that Delta is XORed with, where it is not Digit: of a digit that is missing at the end
}

// Expr is the piece that the digit stands in, for the prober; nil for a digit of a check value.
func (e Edit) Expr() hsm.Expr {
	if e.Of == PieceValue {
		return nil
	}
	return hsm.Part(e.Part - 1)
}

// Digits tells the entered and the correct hex digit, given the digits of the piece as it was given; at counts from 1. A
// digit that is missing or one too many has one of them only, and groups that moved have none: 0.
func (e Edit) Digits(at func(digit int) (byte, error)) (entered, correct byte, err error) {
	if e.Length > 1 {
		return 0, 0, nil
	}
	own, err := at(e.Digit)
	if err != nil {
		return 0, 0, err
	}
	near := own
	if e.against != 0 {
		if near, err = at(e.against); err != nil {
			return 0, 0, err
		}
	}
	other := turnedDigit(near, e.Delta)
	if e.SwappedWith != 0 {
		if other, err = at(e.SwappedWith); err != nil {
			return 0, 0, err
		}
	}
	entered, correct = own, other
	if e.Side == SideOther {
		entered, correct = other, own
	}
	switch e.Slip {
	case slip.Dropped:
		entered = 0
	case slip.Inserted, slip.Doubled:
		correct = 0
	}
	return entered, correct, nil
}

const hexDigits = "0123456789ABCDEF"

func turnedDigit(digit, delta byte) byte {
	for v := range byte(16) {
		if hexDigits[v] == digit {
			return hexDigits[(v^delta)&15]
		}
	}
	return digit
}
