package slip

// The search over all kinds, and what a match is.

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"math"
	"math/bits"
	"slices"

	"poskey/internal/fault"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// Question is what is searched. Its secrets stay the caller's.
type Question struct {
	Pieces    []Piece
	Algorithm keys.Algorithm // of the key
	Method    kcv.Method
	Expected  kcv.Expected
	Digits    int  // most wrong digits, 0 to MaxDigits; 0 searches the other kinds only
	OnOther   bool // the pieces are right, and the slip that gives the value was made on the other side

	Workers  int // 0 is one for each core
	Progress func(done, total int)
}

// Piece is something that was typed, with what is XORed onto it to form the key.
type Piece struct {
	Typed  []byte // hex digits, one per byte
	Others []byte // bytes of the key's length; nil when the piece is the key itself
}

// Match is a slip that gives the value.
type Match struct {
	Piece int // of the question, from 0
	Slip  Slip
	Among int // candidates as simple as this one or simpler; of wrong digits, those with odd parity if this one has it
}

// Answer is what a search found: matches, those with odd parity and then the likeliest beforehand first, and the number
// of candidates.
type Answer struct {
	Matches []Match
	Keys    int // matches that are different keys: a wrong digit told for several pieces is one
	Tried   int
	Digits  int // hex digits of the value that were compared
}

// Search tries every slip of every piece. A wrong digit of one piece is, under XOR, the same of any other: it is found
// once and told for every piece of full length.
func Search(ctx context.Context, q Question) (Answer, error) {
	t, err := newTarget(q.Algorithm, q.Method, q.Expected)
	if err != nil {
		return Answer{}, err
	}
	if q.Digits < 0 || q.Digits > MaxDigits {
		return Answer{}, fault.New(fault.Usage, "a search covers 0 to %d wrong digits, not %d", MaxDigits, q.Digits)
	}
	if !q.Algorithm.IsBlockCipher() {
		return Answer{}, fault.New(fault.Usage, "slips are searched in keys of block ciphers, not of %s", q.Algorithm)
	}
	s := searching{q: q, target: t, size: q.Algorithm.KeyLen(), seen: map[fingerprint]int{}}
	defer clear(s.seen)
	for _, p := range q.Pieces {
		if p.Others != nil && len(p.Others) != s.size {
			return Answer{}, fault.New(fault.MalformedLength, "the other pieces have %d bytes, a key for %s has %d",
				len(p.Others), q.Algorithm, s.size)
		}
	}
	if err := s.shapes(ctx); err != nil {
		return Answer{}, err
	}
	if err := s.digits(ctx); err != nil {
		return Answer{}, err
	}
	slices.SortStableFunc(s.matches, func(a, b Match) int {
		switch {
		case a.Slip.likelier(b.Slip):
			return -1
		case b.Slip.likelier(a.Slip):
			return 1
		}
		return 0
	})
	return Answer{s.matches, s.keys(), s.tried, t.digits}, nil
}

// keys counts what is told for several pieces once.
func (s *searching) keys() int {
	n, first := 0, slices.IndexFunc(s.q.Pieces, s.full)
	for _, m := range s.matches {
		if m.Slip.Kind != Wrong || m.Piece == first {
			n++
		}
	}
	return n
}

// searching is a search under way.
type searching struct {
	q       Question
	target  target
	size    int // of the key, in bytes
	tried   int
	matches []Match
	seen    map[fingerprint]int // pieces put right, with their match: two slips may come to the same
}

// fingerprint tells pieces apart without keeping them.
type fingerprint [sha256.Size]byte

func (s *searching) shapes(ctx context.Context) error {
	t := trial{target: s.target}
	digits, key := make([]byte, 2*s.size), make([]byte, s.size)
	defer clear(digits)
	defer clear(key)
	for i, p := range s.q.Pieces {
		for _, slip := range shapes(p.Typed, 2*s.size, s.q.OnOther) {
			if err := ctx.Err(); err != nil {
				return fault.WrapAs(fault.Interrupted, err, "the search was stopped")
			}
			if err := slip.Apply(digits, p.Typed); err != nil {
				return err
			}
			Pack(key, digits)
			subtle.XORBytes(key, key, p.Others)
			s.tried++
			if t.fits(key) {
				s.keep(i, slip, digits)
			}
		}
	}
	for i := range s.matches {
		s.matches[i].Among = s.tried
	}
	return nil
}

// digits searches wrong digits, over the key that the pieces form.
func (s *searching) digits(ctx context.Context) error {
	first := slices.IndexFunc(s.q.Pieces, s.full)
	if s.q.Digits == 0 || first < 0 {
		return nil
	}
	key := make([]byte, s.size)
	defer clear(key)
	Pack(key, s.q.Pieces[first].Typed)
	subtle.XORBytes(key, key, s.q.Pieces[first].Others)
	total := candidates(s.target, s.size, s.q.Digits)
	if total >= maxTried {
		return fault.New(fault.TooLarge, "%d wrong digits of %s are too many keys to search here", s.q.Digits, s.q.Algorithm)
	}
	deltas, err := near(ctx, s.target, key, s.q.Digits, cores(s.q.Workers), func(done int) {
		if s.q.Progress != nil {
			s.q.Progress(done, total)
		}
	})
	if err != nil {
		return err
	}
	for i, p := range s.q.Pieces {
		if !s.full(p) {
			continue
		}
		for _, delta := range deltas {
			s.wrong(i, delta)
		}
	}
	s.tried += total - 1 // the key as given is no candidate of a slip
	return nil
}

// maxTried keeps the numbers of candidates, which are added up, within an int: no bound but on small machines.
const maxTried = math.MaxInt / 16

func (s *searching) full(p Piece) bool { return len(p.Typed) == 2*s.size }

// wrong makes a slip of a difference of keys.
func (s *searching) wrong(piece int, delta []byte) {
	slip := Slip{Kind: Wrong, Length: 1}
	digits := make([]byte, 2*len(delta))
	Unpack(digits, delta)
	for at, d := range digits {
		if d != 0 {
			slip.Digits = append(slip.Digits, Digit{At: at, Delta: d})
		}
	}
	if len(slip.Digits) == 0 {
		return
	}
	right := make([]byte, len(digits))
	defer clear(right)
	if slip.Apply(right, s.q.Pieces[piece].Typed) != nil {
		return
	}
	s.keep(piece, slip, right)
	if last := &s.matches[len(s.matches)-1]; last.Among == 0 { // else keep knew the key by a slip of another kind
		last.Among = s.tried + s.asSimple(piece, last.Slip)
	}
}

// asSimple counts the keys that a slip with as many wrong digits, or fewer, leads to. Where this one leads to odd parity
// in every byte, and the value does not show parity, those that do the same: parity is then a second witness against
// chance.
func (s *searching) asSimple(piece int, slip Slip) int {
	if slip.Odd && s.target.hidden() {
		return oddCandidates(s.q.Pieces[piece].Typed, len(slip.Digits))
	}
	return candidates(s.target, s.size, len(slip.Digits)) - 1
}

// keep rates a match by what the digits put right look like. Of two slips that come to the same, the likelier stays.
func (s *searching) keep(piece int, slip Slip, right []byte) {
	typed := s.q.Pieces[piece].Typed
	if s.q.Algorithm.IsDES() {
		slip = s.settle(slip, typed, right)
	}
	slip.Weight = slip.weigh(typed)
	m := Match{Piece: piece, Slip: slip}
	id := s.identity(piece, right)
	if at, known := s.seen[id]; known {
		m.Among = s.matches[at].Among
		if slip.likelier(s.matches[at].Slip) {
			s.matches[at] = m
		}
		return
	}
	s.seen[id] = len(s.matches)
	s.matches = append(s.matches, m)
}

// likelier orders slips. A piece whose bytes all have odd parity is seldom an accident, whatever the slip.
func (s Slip) likelier(than Slip) bool {
	if s.Odd != than.Odd {
		return s.Odd
	}
	return s.Weight > than.Weight
}

// identity tells pieces apart as far as the value does.
func (s *searching) identity(piece int, right []byte) fingerprint {
	id := append([]byte{byte(piece)}, right...)
	defer clear(id)
	for i := 2; s.target.hidden() && i < len(id); i += 2 {
		id[i] &= 0xE
	}
	return sha256.Sum256(id)
}

// settle decides the lowest bits that DES does not show: those that give the piece odd parity in every byte, where there
// are such; otherwise the digit that is the likelier slip is told, and that the bit is unseen. Of what the other side
// typed nothing is known, parity least of all.
func (s *searching) settle(slip Slip, typed, right []byte) Slip {
	var unseen []int
	for i, d := range slip.Digits {
		if at, named := slip.names(d, len(right), len(typed)); named && at%2 == 1 && s.target.hidden() {
			unseen = append(unseen, i)
		}
	}
	if odd := slip.withOddParity(unseen, typed, right); odd.Odd && !s.q.OnOther {
		return odd
	}
	slip.Unseen, slip.Digits = len(unseen) > 0, slices.Clone(slip.Digits)
	for _, i := range unseen {
		d := &slip.Digits[i]
		if slip.Kind == Wrong && ease(typed[d.At], d.Delta^1) > ease(typed[d.At], d.Delta) {
			d.Delta ^= 1
		}
	}
	_ = slip.Apply(right, typed) // it fits: its places are the same
	return slip
}

// withOddParity turns the lowest bits of some digits so that their bytes have odd parity, and says whether all have then.
func (s Slip) withOddParity(unseen []int, typed, right []byte) Slip {
	s.Digits = slices.Clone(s.Digits)
	for _, i := range unseen {
		if at, _ := s.names(s.Digits[i], len(right), len(typed)); !oddByte(right, at/2) {
			s.Digits[i].Delta ^= 1
		}
	}
	_ = s.Apply(right, typed) // the same
	s.Odd = true
	for i := range len(right) / 2 {
		s.Odd = s.Odd && oddByte(right, i)
	}
	return s
}

// names gives the place, in what is right, of a digit that cannot be had from what was typed.
func (s Slip) names(d Digit, right, typed int) (at int, ok bool) {
	switch s.Kind {
	case Wrong, Dropped:
		return d.At, true
	case Inserted, Doubled:
		return right - 1, right == typed
	}
	return 0, false
}

func oddByte(digits []byte, i int) bool {
	return bits.OnesCount8(digits[2*i]<<4|digits[2*i+1])%2 == 1
}
