package diagnose

// Typing: one wrong hex digit, or two neighbours swapped, in any piece of the material; misread.go does check values.

import (
	"sort"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// piece is something that was typed.
type piece struct {
	piece Piece
	part  int // of the material, from 0
	expr  hsm.Expr
	size  int            // bytes
	alg   keys.Algorithm // what it is used for; keys.Raw for a cryptogram
	wrap  func(hsm.Expr) hsm.Expr
}

// pieces lists what was typed, with how the key is formed when one of them is another.
func (s *search) pieces() []piece {
	switch s.facts.Kind {
	case Parts:
		n := s.facts.Parts
		out := make([]piece, n)
		for i := range n {
			out[i] = piece{PiecePart, i, hsm.Part(i), s.size, s.alg, func(e hsm.Expr) hsm.Expr { return withPart(n, i, e) }}
		}
		return out
	case Cryptogram:
		kekLen, _ := s.facts.Prober.Len(hsm.Part(1)) // it was formed before
		return []piece{
			{PieceKEK, 1, hsm.Part(1), kekLen, s.kek, func(e hsm.Expr) hsm.Expr {
				return unwrapped(hsm.Part(0), e, s.kek)
			}},
			{PieceCryptogram, 0, hsm.Part(0), s.size, keys.Raw, func(e hsm.Expr) hsm.Expr {
				return unwrapped(e, hsm.Part(1), s.kek)
			}},
		}
	case Base:
		return []piece{{PieceKey, 0, hsm.Part(0), s.size, s.alg, func(e hsm.Expr) hsm.Expr { return initial(e, s.ksn) }}}
	}
	return []piece{{PieceKey, 0, hsm.Part(0), s.size, s.alg, func(e hsm.Expr) hsm.Expr { return e }}}
}

// oneSlip is one mistake in typing.
type oneSlip struct {
	digit int  // from 0
	delta byte // what the digit is XORed with; 0 when it is swapped with the next one
}

func (sl oneSlip) swap() bool { return sl.delta == 0 }

func (sl oneSlip) of(e hsm.Expr) hsm.Expr {
	if sl.swap() {
		return hsm.Transpose{Of: e, Digit: sl.digit}
	}
	return hsm.Edit{Of: e, Digit: sl.digit, Delta: sl.delta}
}

// edits puts the slip into words of evidence.
func (sl oneSlip) edits(p piece, side Side, unseen bool) []Edit {
	one := Edit{Of: p.piece, Part: p.part + 1, Digit: sl.digit + 1, Group: group(sl.digit),
		Side: side, Delta: sl.delta, ParityUnseen: unseen}
	if !sl.swap() {
		return []Edit{one}
	}
	two := one
	two.Digit, two.Group = sl.digit+2, group(sl.digit+1)
	one.SwappedWith, two.SwappedWith = two.Digit, one.Digit
	return []Edit{one, two}
}

// group is the group of four digits that a digit, counted from 0, is printed in.
func group(digit int) int { return digit/4 + 1 }

// slipsOf lists every wrong digit of a piece of n bytes. Where DES hides the lowest bit of each byte, the two digits
// that differ in it only are one hypothesis, and the slip in that bit alone is none.
func slipsOf(n int, hidden bool) []oneSlip {
	var out []oneSlip
	for digit := range 2 * n {
		for delta := byte(1); delta < 16; delta++ {
			if hidden && digit%2 == 1 && delta%2 == 1 {
				continue
			}
			out = append(out, oneSlip{digit, delta})
		}
	}
	return out
}

func swapsOf(n int) []oneSlip {
	out := make([]oneSlip, 2*n-1)
	for digit := range out {
		out[digit] = oneSlip{digit: digit}
	}
	return out
}

// hidden reports whether check values do not show the parity bits of a piece: those of a DES key by a cipher's method.
func (p piece) hidden(m kcv.Method) bool {
	return p.alg.IsDES() && (p.piece == PieceKEK || !isHash(m))
}

// typing searches the slips, value by value.
func (s *search) typing() ([]claim, error) {
	if s.alg == keys.Raw || !s.fits() || s.unformed {
		return nil, nil
	}
	var claims []claim
	if len(s.sheets) > 0 && !s.totalRight() {
		found, err := s.slipsBySheet()
		if err != nil {
			return nil, err
		}
		claims = append(claims, found...)
	}
	for _, t := range s.open {
		found, err := s.slipsFor(t, claims)
		if err != nil {
			return nil, err
		}
		claims = append(claims, found...)
		c, ok, err := s.misread(s.plain, t.value, t.side)
		if err != nil {
			return nil, err
		}
		if ok {
			claims = append(claims, c)
		}
	}
	return claims, nil
}

// found is a slip that gives the value looked for.
type found struct {
	oneSlip
	piece  piece
	hit    hit
	unseen bool
	odd    bool // with it undone, the piece has odd parity in every byte
}

// cause is the finer one for a slip in a parity bit alone, which values by a cipher do not show and hashes do.
func (f found) cause() Cause {
	if f.piece.alg.IsDES() && !f.swap() && f.digit%2 == 1 && f.delta == 1 {
		return CauseParityBitTypo
	}
	return CauseMistypedDigit
}

// slipsFor searches one slip in any piece that may have it.
func (s *search) slipsFor(t target, known []claim) ([]claim, error) {
	if t.side == SideGiven && anyWhole(known) {
		return nil, nil
	}
	suspects := s.suspects(t)
	var all []found
	for i, p := range suspects {
		slips := swapsOf(p.size)
		if i == 0 || s.facts.Kind != Parts {
			slips = append(slipsOf(p.size, p.hidden(s.facts.Method)), slips...)
		}
		for _, sl := range slips {
			r := reading{cause: CauseMistypedDigit, expr: p.wrap(sl.of(p.expr)), alg: s.alg, method: s.facts.Method}
			r.unwraps = s.facts.Kind == Cryptogram
			h, ok, err := s.hits(r, t)
			if err != nil {
				return nil, err
			}
			if !ok {
				continue
			}
			// Under XOR the same change of the same digit of any part gives the same key.
			same := []piece{p}
			if s.facts.Kind == Parts && !sl.swap() {
				same = suspects
			}
			for _, where := range same {
				h.expr = where.wrap(sl.of(where.expr))
				all = append(all, found{oneSlip: sl, piece: where, hit: h})
			}
		}
	}
	return s.slipClaims(all, t)
}

// suspects lists the pieces that may hold a slip: when the sheets' values were compared and agree, only parts without
// such a value; on the other side, all of them.
func (s *search) suspects(t target) []piece {
	if s.facts.anyOdd() {
		return s.oddPieces()
	}
	if t.side == SideOther || s.facts.Kind != Parts {
		return s.pieces()
	}
	var out []piece
	for _, p := range s.pieces() {
		confirmed := p.part < len(s.facts.PartExpected) && s.facts.PartExpected[p.part].Digits != ""
		if !confirmed && len(s.sheets) == 0 {
			out = append(out, p)
		}
	}
	return out
}

// slipClaims decides by parity between slips that DES does not tell apart, and words what is left.
func (s *search) slipClaims(all []found, t target) ([]claim, error) {
	for i := range all {
		if err := s.readParity(&all[i]); err != nil {
			return nil, err
		}
	}
	all = likelierByParity(all)
	places := placesOf(all)
	var claims []claim
	for _, f := range all {
		f.hit.mark = func(e *Evidence) { e.Edits = f.edits(f.piece, t.side, f.unseen) }
		f.hit.says = func(v string) text.Text { return saysSlip(f, t.side, places, v) }
		cause := f.cause()
		c := claim{cause: cause, hits: []hit{f.hit}, advice: cause.advice(), preferred: f.odd, weight: 1}
		if f.swap() && s.facts.Kind == Parts && len(s.suspects(t)) > 1 { // two wrong digits of another part come to the same key
			c.most = Likely
		}
		if err := s.weigh(&c); err != nil {
			return nil, err
		}
		claims = append(claims, c)
	}
	return claims, nil
}

// readParity chooses between two digits that differ in a parity bit: the one that leaves the piece with odd parity in
// every byte. A piece that is not of odd parity otherwise tells nothing.
func (s *search) readParity(f *found) error {
	if !f.piece.alg.IsDES() {
		return nil
	}
	hidden := !f.swap() && f.digit%2 == 1 && f.piece.hidden(s.facts.Method)
	odd, err := s.isOdd(f.of(f.piece.expr))
	if err != nil {
		return err
	}
	f.odd, f.unseen = odd, hidden && !odd
	if !f.unseen {
		return nil
	}
	turned := oneSlip{f.digit, f.delta ^ 1}
	if odd, err = s.isOdd(turned.of(f.piece.expr)); err != nil || !odd {
		return err
	}
	f.oneSlip, f.odd, f.unseen = turned, true, false
	f.hit.expr = f.piece.wrap(turned.of(f.piece.expr))
	return nil
}

func (s *search) isOdd(e hsm.Expr) (bool, error) {
	p, err := s.facts.Prober.Parity(s.ctx, e)
	if fault.Is(err, fault.NotPermitted) {
		return false, nil
	}
	return p == keys.ParityOdd, err
}

// likelierByParity drops, in each piece, the slips that leave parity wrong when another one leaves it right in every
// byte: digits that differ by one in the same byte, swapped, look to DES like one wrong digit.
func likelierByParity(all []found) []found {
	odd := map[int]bool{}
	for _, f := range all {
		odd[f.piece.part] = odd[f.piece.part] || f.odd
	}
	var out []found
	for _, f := range all {
		if f.odd || !odd[f.piece.part] {
			out = append(out, f)
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].piece.part < out[j].piece.part })
	return out
}

// placesOf counts the parts in which a slip may be.
func placesOf(all []found) int {
	parts := map[int]bool{}
	for _, f := range all {
		parts[f.piece.part] = true
	}
	return len(parts)
}
