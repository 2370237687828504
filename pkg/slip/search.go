package slip

// The search over all kinds, and what a match is.

import (
	"context"
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
	Among int // candidates tried that are as simple as this one, or simpler
}

// Answer is what a search found: matches, the likeliest beforehand first, and the number of distinct candidates.
type Answer struct {
	Matches []Match
	Tried   int
}

// Search tries every slip of every piece. A wrong digit of one piece is, under XOR, the same of any other: it is found
// once and told for every piece of full length.
func Search(ctx context.Context, q Question) (Answer, error) {
	t, err := newTarget(q.Algorithm, q.Method, q.Expected)
	if err != nil {
		return Answer{}, err
	}
	if q.Digits < 0 || q.Digits > MaxDigits {
		return Answer{}, fault.New(fault.Usage, "a search covers 1 to %d wrong digits, not %d", MaxDigits, q.Digits)
	}
	s := searching{q: q, target: t, size: q.Algorithm.KeyLen(), seen: map[string]int{}}
	defer s.wipe()
	for _, p := range q.Pieces {
		if p.Others != nil && len(p.Others) != s.size {
			return Answer{}, fault.New(fault.MalformedLength, "the other pieces have %d bytes, a key for %s has %d", len(p.Others), q.Algorithm, s.size)
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
		case a.Slip.Weight > b.Slip.Weight:
			return -1
		case a.Slip.Weight < b.Slip.Weight:
			return 1
		}
		return 0
	})
	return Answer{s.matches, s.tried}, nil
}

// searching is a search under way.
type searching struct {
	q       Question
	target  target
	size    int // of the key, in bytes
	tried   int
	matches []Match
	seen    map[string]int // pieces put right, with their match: two slips may come to the same
}

func (s *searching) wipe() { clear(s.seen) }

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
			xorInto(key, p.Others)
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
	xorInto(key, s.q.Pieces[first].Others)
	total := candidates(s.target, s.size, s.q.Digits)
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
	if slip.Apply(right, s.q.Pieces[piece].Typed) == nil {
		among := s.tried + candidates(s.target, s.size, len(slip.Digits)) - 1
		s.keep(piece, slip, right)
		if last := &s.matches[len(s.matches)-1]; last.Among == 0 {
			last.Among = among
		}
	}
}

// keep rates a match by what the digits put right look like. Of two slips that come to the same, the likelier stays.
func (s *searching) keep(piece int, slip Slip, right []byte) {
	typed := s.q.Pieces[piece].Typed
	if s.q.Algorithm.IsDES() {
		slip = s.byParity(slip, typed, right)
	}
	slip.Weight = slip.weigh(typed)
	m := Match{Piece: piece, Slip: slip}
	id := s.identity(piece, right)
	if at, known := s.seen[id]; known {
		m.Among = s.matches[at].Among
		if s.matches[at].Slip.Weight < slip.Weight {
			s.matches[at] = m
		}
		return
	}
	s.seen[id] = len(s.matches)
	s.matches = append(s.matches, m)
}

// identity tells pieces apart as far as the value does.
func (s *searching) identity(piece int, right []byte) string {
	id := append([]byte{byte(piece)}, right...)
	for i := 2; s.target.hidden() && i < len(id); i += 2 {
		id[i] &= 0xE
	}
	defer clear(id)
	return string(id)
}

// byParity chooses the lowest bit of a digit that DES does not show: the one that gives its byte odd parity, when all
// bytes are odd then.
func (s *searching) byParity(slip Slip, typed, right []byte) Slip {
	slip.Digits = slices.Clone(slip.Digits)
	if s.target.hidden() && slip.Kind == Wrong {
		for i, d := range slip.Digits {
			if d.At%2 == 1 && !oddByte(right, d.At/2) {
				slip.Digits[i].Delta ^= 1
				slip.Unseen = true
			} else if d.At%2 == 1 {
				slip.Unseen = true
			}
		}
		if slip.Apply(right, typed) != nil {
			return slip
		}
	}
	slip.Odd = true
	for i := range len(right) / 2 {
		slip.Odd = slip.Odd && oddByte(right, i)
	}
	slip.Unseen = slip.Unseen && !slip.Odd
	return slip
}

func oddByte(digits []byte, i int) bool {
	return bits.OnesCount8(digits[2*i]<<4|digits[2*i+1])%2 == 1
}

func xorInto(dst, src []byte) {
	for i := range src {
		dst[i] ^= src[i]
	}
}
