package errorcode

import "poskey/internal/text"

// Query is what somebody wants to know.
type Query struct {
	Text   string // a code, a symbol, a text on a screen, or a sentence around one
	Vendor string // id or name, loosely: newland, 新大陆, payshield; empty when unknown
	Table  string // a table or a network, loosely: unionpay, DE39, key manager; empty for all
	Limit  int    // at most so many readings; 0 for all
}

// Answer is what the dictionary says.
type Answer struct {
	Query    string      // what was asked, safe to show
	Forms    []Form      // how it was read, whether or not something was found
	Readings []Reading   // what it may mean, best first; empty when nothing was found
	More     int         // readings that the limit left off
	Asks     []text.Text // what would decide between the readings
}

// How names a way to read an input. It is printed in JSON and never changes its meaning.
type How string

// The ways to read an input.
const (
	AsWritten  How = "as-written"  // the code as it stands in a table
	AsHex      How = "hex"         // hex digits without 0x
	Signed16   How = "signed-16"   // 65222 is -314
	Signed32   How = "signed-32"   // 0xFFFFFEC6 is -314
	Signed64   How = "signed-64"   // 0xFFFFFFFFFFFFFEC6 is -314
	Unsigned16 How = "unsigned-16" // -314 is 0xFEC6
	Unsigned32 How = "unsigned-32" // -2147483648 is 0x80000000
	SignLost   How = "sign-lost"   // 314 is -314
	Ordinal    How = "ordinal"     // 14 is -300 - 14
	LastDigits How = "last-digits" // 14 ends 0x2914
	Compound   How = "compound"    // A6/10, 02/B, 4/195
	HSMAnswer  How = "hsm-answer"  // A710: the answer to A6, with error 10
	WithText   How = "with-text"   // A0 MAC校验错
	BySymbol   How = "symbol"      // the name of a constant, or a part of it
	ByScreen   How = "screen-text" // a text that terminals show
	ByMeaning  How = "meaning"     // words of the meaning
)

// Form is one way to read an input.
type Form struct {
	How      How
	Code     string // what was looked for: -314, 0xFEC6, A6/10, A0, a text
	Value    int64
	HasValue bool
	Why      text.Text
}

// Weight says how much a reading counts. It is printed in JSON.
type Weight string

// The weights.
const (
	High   Weight = "high"
	Medium Weight = "medium"
	Low    Weight = "low"
)

// Reading is one thing that an input may mean.
type Reading struct {
	Row
	Via     Form
	Family  string // the numbering that the row belongs to, when its codes are a base and an ordinal: ped-300, newland-1300
	Ordinal int    // the row's ordinal in that family; 0 for none
	Weight  Weight
	Why     text.Text
	Start   int // where the code or text stands in what was asked, in characters (runes): from Start to before End
	End     int
}
