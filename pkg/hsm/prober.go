package hsm

import (
	"context"

	"poskey/pkg/kcv"
	"poskey/pkg/keys"
	"poskey/pkg/slip"
	"poskey/pkg/unionpay"
)

// Prober answers the questions of a diagnosis. The diagnosis says what to form from the material it was given (an
// [Expr]) and by which method to compute a check value of that; the boundary forms it, and the bytes stay inside.
//
// Two kinds of prober exist by intent. For keys given on the spot it computes what it is asked, so [Answer.Value] is
// filled. For keys of a store or a token it answers only whether one of the given values matches: check values of
// halves, variants or wrong modes of a production key would be single-DES oracles; there Value stays empty, every
// question is counted and recorded.
type Prober interface {
	// Probe forms the expression and compares its check value with the one expected.
	Probe(ctx context.Context, q Question) (Answer, error)
	// Parity reports the parity bits of what the expression forms.
	Parity(ctx context.Context, e Expr) (keys.Parity, error)
	// Len is the length in bytes of what the expression forms.
	Len(e Expr) (int, error)
}

// DigitTeller is a prober that also tells single digits: the one for keys given on the spot, to the person who gave them.
type DigitTeller interface {
	// Digit gives one hex digit (0-9, A-F) of what the expression forms, counted from 1.
	Digit(e Expr, digit int) (byte, error)
}

// Searcher is a prober that searches slips of typing by itself: millions of candidates cannot be asked for one by one.
// The one for keys given on the spot tells the places. One for keys of a store may tell the piece and no more, and has
// to record that it was asked.
type Searcher interface {
	// Search tells which slips give the value expected, as slip.Search does.
	Search(ctx context.Context, q SearchQuestion) (slip.Answer, error)
}

// SearchQuestion asks which slip in which piece gives the value expected.
type SearchQuestion struct {
	Pieces    []SearchPiece
	Algorithm keys.Algorithm
	Method    kcv.Method
	Expected  kcv.Expected
	Digits    int                   // most wrong digits; 0 searches the other kinds of slip only
	OnOther   bool                  // the pieces are right; the other side made the slip
	Progress  func(done, total int) // called by several goroutines; may be nil
}

// SearchPiece is something that was typed.
type SearchPiece struct {
	Typed  Expr
	Digits int  // how many were typed, where the last one of Typed only fills it up; 0 is all of Typed
	Others Expr // what is XORed onto it; nil when it is the key itself
}

// Question asks: formed so, taken as a key of this algorithm, by this method: does it give the value expected?
type Question struct {
	Expr      Expr
	Algorithm keys.Algorithm
	Method    kcv.Method
	Expected  kcv.Expected // without digits nothing is compared: Match is false, Value has the default length
	Data      []byte       // with method ecb-zero: this block instead of zeros; a public constant, nil otherwise
}

// Answer is what the boundary says.
type Answer struct {
	Match  bool
	Digits int       // hex digits compared
	Value  kcv.Value // as long as the expected value; empty where only the verdict may leave the boundary
}

// Expr says how to form key bytes from the material of a diagnosis. The types below are all there are.
type Expr interface{ isExpr() }

// The expressions. Positions count from 0 here; people count from 1.
type (
	// Part is the i-th piece of the material: a component, or the key itself as part 0.
	Part int
	// XOR combines pieces of equal length.
	XOR []Expr
	// Sum adds pieces as big-endian numbers, the carry thrown away: a mistake made with calculators.
	Sum []Expr
	// Join concatenates.
	Join []Expr
	// Slice cuts bytes From up to, not including, To.
	Slice struct {
		Of       Expr
		From, To int
	}
	// Edit replaces one hex digit by its XOR with Delta (1 to 15), so that no digit of the key appears in a question.
	Edit struct {
		Of    Expr
		Digit int
		Delta byte
	}
	// Transpose swaps the hex digits at Digit and Digit+1.
	Transpose struct {
		Of    Expr
		Digit int
	}
	// Corrected puts a slip right: the places are those of the piece, and the result has Size bytes.
	Corrected struct {
		Of     Expr
		Digits int // typed; 0 is all of the piece
		Slip   slip.Slip
		Size   int
	}
	// FixParity sets odd parity.
	FixParity struct{ Of Expr }
	// Crypt runs a cipher over a piece under another piece as the key.
	Crypt struct {
		Of, Key   Expr
		Algorithm keys.Algorithm // of Key
		Mode      CryptMode
		Encrypt   bool
	}
	// KeyXOR XORs one byte into the first byte of each 8-byte part: Atalla-style variants.
	KeyXOR struct {
		Of   Expr
		Mask byte
	}
	// Text takes the hex text of a piece as bytes, in upper or lower case: the mistake of not packing.
	Text struct {
		Of    Expr
		Lower bool
	}
	// Zeros is so many zero bytes: a buffer longer than what was copied into it.
	Zeros int
)

// CryptMode is ECB or CBC with a zero IV.
type CryptMode string

// The modes.
const (
	ECB CryptMode = "ecb"
	CBC CryptMode = "cbc"
)

func (Part) isExpr()      {}
func (XOR) isExpr()       {}
func (Sum) isExpr()       {}
func (Join) isExpr()      {}
func (Slice) isExpr()     {}
func (Edit) isExpr()      {}
func (Transpose) isExpr() {}
func (Corrected) isExpr() {}
func (FixParity) isExpr() {}
func (Crypt) isExpr()     {}
func (KeyXOR) isExpr()    {}
func (Text) isExpr()      {}
func (Zeros) isExpr()     {}

// MACMatcher is a prober that tells whether what an expression forms makes a MAC: the one for keys given on the spot.
type MACMatcher interface {
	MatchMAC(ctx context.Context, q MACQuestion) (bool, error)
}

// MACQuestion asks: does the key formed so make this MAC over this message?
type MACQuestion struct {
	Expr      Expr
	Algorithm keys.Algorithm
	Rule      unionpay.Rule
	Padding   unionpay.Padding
	Message   []byte
	MAC       []byte
}
