package agent

// Expressions of a diagnosis on the wire.

import (
	"poskey/internal/fault"
	"poskey/pkg/hsm"
	"poskey/pkg/keys"
	"poskey/pkg/slip"
)

// Bounds of an expression.
const (
	maxExprDepth = 32
	maxExprNodes = 512
)

// wireExpr is one node; Op says which, and which fields count.
type wireExpr struct {
	Op   string         `json:"op"`
	Of   []wireExpr     `json:"of,omitempty"`
	N    int            `json:"n,omitempty"`
	From int            `json:"from,omitempty"`
	To   int            `json:"to,omitempty"`
	Byte byte           `json:"byte,omitempty"`
	Alg  keys.Algorithm `json:"alg,omitempty"`
	Mode hsm.CryptMode  `json:"mode,omitempty"`
	Flag bool           `json:"flag,omitempty"`
	Slip *wireSlip      `json:"slip,omitempty"`
}

// wireSlip is a slip with the differences that no document of poskey holds: it crosses a socket and is never written
// down.
type wireSlip struct {
	Kind   slip.Kind   `json:"kind"`
	Digits []wireDigit `json:"digits,omitempty"`
	Length int         `json:"length,omitempty"`
	Unseen bool        `json:"unseen,omitempty"`
	Odd    bool        `json:"odd,omitempty"`
	Weight float64     `json:"weight,omitempty"`
}

type wireDigit struct {
	At    int  `json:"at,omitempty"`
	Delta byte `json:"delta,omitempty"`
	With  int  `json:"with,omitempty"`
}

func packSlip(s slip.Slip) wireSlip {
	w := wireSlip{Kind: s.Kind, Length: s.Length, Unseen: s.Unseen, Odd: s.Odd, Weight: s.Weight}
	for _, d := range s.Digits {
		w.Digits = append(w.Digits, wireDigit(d))
	}
	return w
}

func (w wireSlip) unpack() slip.Slip {
	s := slip.Slip{Kind: w.Kind, Length: w.Length, Unseen: w.Unseen, Odd: w.Odd, Weight: w.Weight}
	for _, d := range w.Digits {
		s.Digits = append(s.Digits, slip.Digit(d))
	}
	return s
}

// packExpr takes an expression apart. One that is not there crosses as such, for the other side to refuse.
func packExpr(e hsm.Expr) wireExpr {
	switch e := e.(type) {
	case hsm.Part:
		return wireExpr{Op: "part", N: int(e)}
	case hsm.Zeros:
		return wireExpr{Op: "zeros", N: int(e)}
	case hsm.XOR:
		return wireExpr{Op: "xor", Of: packExprs(e)}
	case hsm.Sum:
		return wireExpr{Op: "sum", Of: packExprs(e)}
	case hsm.Join:
		return wireExpr{Op: "join", Of: packExprs(e)}
	case hsm.Slice:
		return wireExpr{Op: "slice", Of: packExprs([]hsm.Expr{e.Of}), From: e.From, To: e.To}
	case hsm.Edit:
		return wireExpr{Op: "edit", Of: packExprs([]hsm.Expr{e.Of}), N: e.Digit, Byte: e.Delta}
	case hsm.Transpose:
		return wireExpr{Op: "transpose", Of: packExprs([]hsm.Expr{e.Of}), N: e.Digit}
	case hsm.Corrected:
		s := packSlip(e.Slip)
		return wireExpr{Op: "corrected", Of: packExprs([]hsm.Expr{e.Of}), N: e.Digits, To: e.Size, Slip: &s}
	case hsm.FixParity:
		return wireExpr{Op: "fix-parity", Of: packExprs([]hsm.Expr{e.Of})}
	case hsm.Crypt:
		return wireExpr{Op: "crypt", Of: packExprs([]hsm.Expr{e.Of, e.Key}), Alg: e.Algorithm, Mode: e.Mode, Flag: e.Encrypt}
	case hsm.KeyXOR:
		return wireExpr{Op: "key-xor", Of: packExprs([]hsm.Expr{e.Of}), Byte: e.Mask}
	case hsm.Text:
		return wireExpr{Op: "text", Of: packExprs([]hsm.Expr{e.Of}), Flag: e.Lower}
	}
	return wireExpr{}
}

func packExprs(all []hsm.Expr) []wireExpr {
	out := make([]wireExpr, len(all))
	for i, e := range all {
		out[i] = packExpr(e)
	}
	return out
}

// unpack puts an expression together. Error: malformed.
func (w wireExpr) unpack() (hsm.Expr, error) {
	nodes := 0
	return w.unpackIn(maxExprDepth, &nodes)
}

func (w wireExpr) unpackIn(depth int, nodes *int) (hsm.Expr, error) {
	if *nodes++; depth == 0 || *nodes > maxExprNodes {
		return nil, fault.New(fault.TooLarge, "an expression of a diagnosis is deeper than %d or has more than %d nodes",
			maxExprDepth, maxExprNodes)
	}
	of := make([]hsm.Expr, len(w.Of))
	for i, inner := range w.Of {
		e, err := inner.unpackIn(depth-1, nodes)
		if err != nil {
			return nil, err
		}
		of[i] = e
	}
	if e := w.many(of); e != nil {
		return e, nil
	}
	if e := w.one(of); e != nil {
		return e, nil
	}
	return nil, fault.New(fault.Malformed, "an expression of a diagnosis is not one that there is")
}

// many are the nodes over none or several others.
func (w wireExpr) many(of []hsm.Expr) hsm.Expr {
	switch {
	case w.Op == "part" && len(of) == 0:
		return hsm.Part(w.N)
	case w.Op == "zeros" && len(of) == 0:
		return hsm.Zeros(w.N)
	case w.Op == "xor":
		return hsm.XOR(of)
	case w.Op == "sum":
		return hsm.Sum(of)
	case w.Op == "join":
		return hsm.Join(of)
	case w.Op == "crypt" && len(of) == 2:
		return hsm.Crypt{Of: of[0], Key: of[1], Algorithm: w.Alg, Mode: w.Mode, Encrypt: w.Flag}
	}
	return nil
}

// one are the nodes over one other.
func (w wireExpr) one(of []hsm.Expr) hsm.Expr {
	if len(of) != 1 {
		return nil
	}
	switch w.Op {
	case "slice":
		return hsm.Slice{Of: of[0], From: w.From, To: w.To}
	case "edit":
		return hsm.Edit{Of: of[0], Digit: w.N, Delta: w.Byte}
	case "transpose":
		return hsm.Transpose{Of: of[0], Digit: w.N}
	case "fix-parity":
		return hsm.FixParity{Of: of[0]}
	case "key-xor":
		return hsm.KeyXOR{Of: of[0], Mask: w.Byte}
	case "text":
		return hsm.Text{Of: of[0], Lower: w.Flag}
	case "corrected":
		if w.Slip != nil {
			return hsm.Corrected{Of: of[0], Digits: w.N, Slip: w.Slip.unpack(), Size: w.To}
		}
	}
	return nil
}
