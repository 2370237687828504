package hsm

// Which questions a strict prober answers. It answers in verdicts only, and a verdict about a whole key tells nothing
// that can be guessed. But expressions are a language, and the check value of the key itself is known to everybody:
// whatever forms the key again exactly when something is true of some digits of it (a sum without a carry, two bytes that
// change places, a parity bit that was right) tells that thing in one question, and the key in a few hundred. To count
// how much of a key is left in what is formed does not help against that. So this is a closed list: the forms that a
// diagnosis asks about, in which whatever was brought along stands beside a key and never in the place of its digits.
// What is not in the list is refused.

import (
	"reflect"
	"slices"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/keys"
)

// fullDigits is how many digits a value has at least with which a piece of a key is compared.
const fullDigits = 6

// row is what keys are cut and reordered by, in bytes: a single DES key.
const row = 8

// grammar is the list, for some material.
type grammar struct {
	material []*secret.Bytes
	about    []Attributes
}

func errUnanswered() error {
	return fault.New(fault.NotPermitted,
		"this question is not answered about keys of a store: from such answers a key could be put together")
}

// answers refuses an expression that is none of these:
//
//	base       a piece; the XOR of different pieces; a piece decrypted (ECB) under another one
//	           a base in another order: two halves exchanged, or three parts of eight bytes in any order
//	           a base filled up with zeros
//	           eight bytes, or a multiple, of a base, at a multiple of eight; of AES and the like sixteen at least
//	           the first characters of the hex text of a piece or of one decrypted, as many digits as may be cut
//	           different pieces one after the other
//	           the XOR of different pieces, some of them with their halves exchanged
//	           a piece, eight bytes or a multiple of it, or it and zeros, encrypted or decrypted in ECB or CBC under
//	           another piece, its halves exchanged, a variant of it, or eight bytes or a multiple of it
//	           a piece decrypted twice (ECB) under another one
//	zeros      which are nobody's key
//
// whole tells that every piece that is in it is in it as a whole.
func (g grammar) answers(e Expr) (whole bool, err error) {
	switch {
	case g.isWhole(e):
		return true, nil
	case g.isCut(e):
		return false, nil
	}
	if c, ok := e.(Crypt); ok && g.isCrypt(c) {
		return !g.isPieceRow(c.Of) && !g.isPieceRow(c.Key), nil
	}
	return false, errUnanswered()
}

func (g grammar) isWhole(e Expr) bool {
	switch e := e.(type) {
	case Zeros:
		return true
	case XOR:
		return g.isXOR(e, g.isOrdered)
	case Join:
		return g.isFilled(e) || g.isReordered(e) || g.isJoined(e)
	}
	return g.isBase(e)
}

func (g grammar) isBase(e Expr) bool {
	switch e := e.(type) {
	case Part:
		return true
	case XOR:
		return g.isXOR(e, g.isPiece)
	case Crypt:
		return g.isPlain(e)
	}
	return false
}

func (g grammar) isPiece(e Expr) bool {
	_, ok := e.(Part)
	return ok
}

// isPlain is the way in which a cryptogram is opened.
func (g grammar) isPlain(e Expr) bool {
	c, ok := e.(Crypt)
	return ok && c.Mode == ECB && !c.Encrypt && g.isPiece(c.Of) && g.isPiece(c.Key) && c.Of != c.Key
}

// isXOR is one of different pieces. The same piece twice would cancel out but for a difference.
func (g grammar) isXOR(e XOR, operand func(Expr) bool) bool {
	seen := map[Part]bool{}
	for _, o := range e {
		p, ok := pieceIn(o)
		if !ok || seen[p] || !operand(o) {
			return false
		}
		seen[p] = true
	}
	return true
}

// pieceIn is the one piece that an expression of a single piece has.
func pieceIn(e Expr) (Part, bool) {
	switch e := e.(type) {
	case Part:
		return e, true
	case Slice:
		return pieceIn(e.Of)
	case KeyXOR:
		return pieceIn(e.Of)
	case Join:
		if len(e) > 0 {
			return pieceIn(e[0])
		}
	}
	return 0, false
}

// isOrdered is a piece as it is or with its parts in another order.
func (g grammar) isOrdered(e Expr) bool {
	j, ok := e.(Join)
	return g.isPiece(e) || ok && g.isReordered(j) && g.isPiece(j[0].(Slice).Of)
}

// isReordered is a base cut into two halves, or at 24 bytes into three parts, each of them there once.
func (g grammar) isReordered(e Join) bool {
	first, ok := first(e)
	if !ok || !g.isBase(first.Of) {
		return false
	}
	n, err := length(g.material, first.Of)
	parts := 2
	if n == 3*row {
		parts = 3
	}
	if err != nil || len(e) != parts || n%(parts*row) != 0 {
		return false
	}
	seen := map[int]bool{}
	for _, o := range e {
		s, ok := o.(Slice)
		if !ok || s.To-s.From != n/parts || s.From%(n/parts) != 0 || seen[s.From] || !reflect.DeepEqual(s.Of, first.Of) {
			return false
		}
		seen[s.From] = true
	}
	return true
}

func first(e Join) (Slice, bool) {
	if len(e) == 0 {
		return Slice{}, false
	}
	s, ok := e[0].(Slice)
	return s, ok
}

func (g grammar) isFilled(e Join) bool {
	if len(e) != 2 {
		return false
	}
	_, zeros := e[1].(Zeros)
	return zeros && g.isBase(e[0])
}

func (g grammar) isJoined(e Join) bool {
	seen := map[Part]bool{}
	for _, o := range e {
		p, ok := o.(Part)
		if !ok || seen[p] {
			return false
		}
		seen[p] = true
	}
	return len(e) > 0
}

// isCut is a row of a base, or of the hex text of one piece.
func (g grammar) isCut(e Expr) bool {
	s, ok := e.(Slice)
	if !ok {
		return false
	}
	if t, ok := s.Of.(Text); ok {
		// XORed with something, hex text would show: a check value by DES does not change between the digits 2 and 3
		return (g.isPiece(t.Of) || g.isPlain(t.Of)) && s.From == 0 && s.To%row == 0 && s.To >= 2*g.least(t.Of)
	}
	return g.isBase(s.Of) && g.isRow(s)
}

func (g grammar) isRow(s Slice) bool {
	n := s.To - s.From
	return s.From%row == 0 && n%row == 0 && n >= g.least(s.Of)
}

// least is how many bytes of a base are asked about at least: eight where it is a key for DES, whose parts are keys too,
// or bytes that are no key for any cipher; else sixteen. Eight bytes of an AES key are found.
func (g grammar) least(base Expr) int {
	switch e := base.(type) {
	case Part:
		if int(e) < len(g.about) && (g.about[e].Algorithm.IsDES() || g.about[e].Algorithm == keys.Raw) {
			return row
		}
	case XOR:
		least := row
		for _, o := range e {
			least = max(least, g.least(o))
		}
		return least
	case Crypt:
		return max(g.least(e.Of), g.least(e.Key))
	}
	return 2 * row
}

// isCrypt is a cipher run once over pieces, or twice in the way in which a cryptogram is opened.
func (g grammar) isCrypt(e Crypt) bool {
	if inner, ok := e.Of.(Crypt); ok {
		again := inner
		again.Of = e.Of
		return g.isPlain(inner) && reflect.DeepEqual(e, again)
	}
	of, one := pieceIn(e.Of)
	key, other := pieceIn(e.Key)
	return one && other && of != key && g.isData(e.Of) && (g.isKeyWhole(e.Key) || g.isPieceRow(e.Key))
}

func (g grammar) isData(e Expr) bool {
	j, ok := e.(Join)
	return g.isPiece(e) || g.isPieceRow(e) || ok && g.isFilled(j) && g.isPiece(j[0])
}

func (g grammar) isKeyWhole(e Expr) bool {
	v, variant := e.(KeyXOR)
	return g.isOrdered(e) || variant && g.isPiece(v.Of)
}

func (g grammar) isPieceRow(e Expr) bool {
	s, ok := e.(Slice)
	return ok && g.isPiece(s.Of) && g.isRow(s)
}

// searches refuses a search that is not for slips in a piece, beside others or alone. A slip may leave out sixteen digits,
// so the piece has sixteen bytes. Beside others only what the asker brought is searched: what a slip does depends on the
// digits, so a difference that somebody chose, with a slip in a key of the store that undoes it, would tell these.
func (g grammar) searches(p SearchPiece) error {
	piece, ok := p.Typed.(Part)
	if !ok {
		return errUnanswered()
	}
	n := g.material[piece].Len()
	if n < 2*row || p.Digits != 0 && p.Digits < 2*n-1 {
		return errUnanswered()
	}
	if p.Others == nil {
		return nil
	}
	beside := XOR{p.Typed}
	if others, ok := p.Others.(XOR); ok {
		beside = slices.Concat(beside, others)
	} else {
		beside = append(beside, p.Others)
	}
	if !g.isXOR(beside, g.isPiece) || int(piece) >= len(g.about) || g.about[piece].Label != "" {
		return errUnanswered()
	}
	return nil
}
