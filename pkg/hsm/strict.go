package hsm

// The prober for keys of a store or a token.

import (
	"context"
	"sync"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/keys"
	"poskey/pkg/slip"
)

// StrictProber is the prober for keys of a store or a token. It answers in verdicts: whether what a question forms has
// the value that the question brings. It tells no value, no parity and no digit. A verdict about one half of a TDES
// key, as a single DES key, is among its answers, since diagnosis of a wrong half needs it; such an answer is worth one
// guess in 2^56 (2^48 about sixteen digits of its hex text), and what would be worth more it refuses: questions without a
// value to compare with, or with fewer than four digits of one (six, where not all of the key is formed), other blocks
// than a method's own, and every form that is not in a closed list: whole keys, their XOR, rows of eight bytes of them,
// and what ciphers make of them. Sums, parity bits, single bytes and digits are not asked about.
//
// Every question is counted and recorded before it is answered. One that is refused is neither.
type StrictProber struct {
	about []Attributes
	o     Options

	open     sync.RWMutex // held while the material is used
	material []*secret.Bytes

	count sync.Mutex // held while a question is recorded
	asked int
}

var (
	_ ProbeCloser = (*StrictProber)(nil)
	_ Searcher    = (*StrictProber)(nil)
)

// NewStrictProber takes ownership of the material, with an error too: Close wipes it. Part(i) of an expression is
// material[i], and about[i] are its attributes. The same key twice is refused (kind not_permitted): its difference to
// itself, changed a little, is known.
func NewStrictProber(material []*secret.Bytes, about []Attributes, o Options) (*StrictProber, error) {
	if o.Questions <= 0 || o.Questions > MaxQuestions {
		o.Questions = MaxQuestions
	}
	p := &StrictProber{about: about, o: o, material: append([]*secret.Bytes(nil), material...)}
	if o.ProbeRecord == nil {
		_ = p.Close()
		return nil, errUnrecorded()
	}
	for i, m := range material {
		for j := range i {
			if m.Equal(material[j]) {
				_ = p.Close()
				return nil, fault.New(fault.NotPermitted, "pieces %d and %d of the diagnosis are the same key", j+1, i+1)
			}
		}
	}
	return p, nil
}

func errUnrecorded() error {
	return fault.New(fault.NotPermitted, "keys of this boundary are not diagnosed: nobody records the questions")
}

// Close wipes the material, after the questions that are being answered. It never fails, and a second Close does
// nothing.
func (s *StrictProber) Close() error {
	s.open.Lock()
	defer s.open.Unlock()
	for _, m := range s.material {
		m.Wipe()
	}
	s.material = nil
	return nil
}

// Len is the length in bytes of what the expression forms.
func (s *StrictProber) Len(e Expr) (int, error) {
	s.open.RLock()
	defer s.open.RUnlock()
	return length(s.material, e)
}

// Parity is not told (kind not_permitted): it is a bit of every byte.
func (s *StrictProber) Parity(ctx context.Context, _ Expr) (keys.Parity, error) {
	if err := ended(ctx); err != nil {
		return keys.ParityNone, err
	}
	return keys.ParityNone, fault.New(fault.NotPermitted, "the parity of a key of the store is not told")
}

func ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fault.WrapAs(fault.Interrupted, err, "the search was stopped")
	}
	return nil
}

// Probe gives the verdict on a question. Kinds beside those of a wrong question: not_permitted for one that would tell
// more, or beyond the limit; malformed_length for too few digits; and whatever the record fails with.
func (s *StrictProber) Probe(ctx context.Context, q Question) (Answer, error) {
	s.open.RLock()
	defer s.open.RUnlock()
	if err := ended(ctx); err != nil {
		return Answer{}, err
	}
	n, err := s.admit(&q)
	if err != nil {
		return Answer{}, err
	}
	err = s.recorded(ctx, 1, Probe{Algorithm: q.Algorithm, Method: q.Method, Digits: len(q.Expected.Digits), Len: n})
	if err != nil {
		return Answer{}, err
	}
	key, err := form(s.material, q.Expr)
	if err != nil {
		return Answer{}, err
	}
	defer key.Wipe()
	full, err := checkValue(q, key.Expose())
	if err != nil {
		return Answer{}, err
	}
	defer secret.Wipe(full)
	c := q.Expected.Compare(q.Method, full)
	return Answer{Match: c.Match, Digits: c.Digits}, nil
}

// admit refuses what is not answered, cuts the expected value to what is compared, and gives the length formed.
func (s *StrictProber) admit(q *Question) (int, error) {
	n, err := length(s.material, q.Expr)
	if err != nil {
		return 0, err
	}
	if want := q.Algorithm.KeyLen(); want != 0 && want != n {
		return 0, fault.New(fault.MalformedLength, "a key of %d bytes is not a key for %s", n, q.Algorithm)
	}
	switch {
	case q.Expected.Digits == "":
		return 0, fault.New(fault.NotPermitted,
			"check values of this key are not computed for a diagnosis; say which value is expected")
	case q.Data != nil:
		return 0, fault.New(fault.NotPermitted, "no other data is encrypted with this key than that of a check value")
	}
	if q.Expected, err = compared(q.Expected, mostDigits(q.Algorithm, q.Method)); err != nil {
		return 0, err
	}
	whole, err := s.grammar().answers(q.Expr)
	if err != nil {
		return 0, err
	}
	if !whole {
		return n, enough(q.Expected.Digits)
	}
	return n, nil
}

func (s *StrictProber) grammar() grammar { return grammar{s.material, s.about} }

func enough(digits string) error {
	if len(digits) < fullDigits {
		return fault.New(fault.MalformedLength,
			"about a piece of a key a value of %d digits is not compared; it takes %d", len(digits), fullDigits)
	}
	return nil
}

// recorded counts a question and has it recorded, one after the other, so that the record has them in order.
func (s *StrictProber) recorded(ctx context.Context, cost int, p Probe) error {
	s.count.Lock()
	defer s.count.Unlock()
	if s.asked+cost > s.o.Questions {
		return fault.New(fault.NotPermitted, "the limit of %d questions about these keys is reached", s.o.Questions)
	}
	p.Material, p.Question, p.Limit = append([]Attributes(nil), s.about...), s.asked+cost, s.o.Questions
	if err := s.o.ProbeRecord(ctx, p); err != nil {
		return fault.Wrap(err, "the question could not be recorded, so it is not answered")
	}
	s.asked += cost
	return nil
}

// Search tells in which pieces a slip of typing would give the value, and nothing of the slip. It counts for
// [SearchCost] questions and compares six digits at least: millions of keys are tried, and a shorter value would be
// that of some.
func (s *StrictProber) Search(ctx context.Context, q SearchQuestion) (slip.Answer, error) {
	s.open.RLock()
	defer s.open.RUnlock()
	if err := ended(ctx); err != nil {
		return slip.Answer{}, err
	}
	spot := SpotProber{s.material}
	if err := s.admitSearch(&q); err != nil {
		return slip.Answer{}, err
	}
	err := s.recorded(ctx, SearchCost, Probe{Search: true, Algorithm: q.Algorithm, Method: q.Method,
		Digits: len(q.Expected.Digits), Len: q.Algorithm.KeyLen()})
	if err != nil {
		return slip.Answer{}, err
	}
	found, err := spot.Search(ctx, q)
	if err != nil {
		return slip.Answer{}, err
	}
	return piecesOnly(found), nil
}

func (s *StrictProber) admitSearch(q *SearchQuestion) error {
	if n := len(q.Pieces); n > len(s.material) { // a search of one piece costs as much as one of a thousand
		return fault.New(fault.TooLarge, "slips are searched in %d pieces, there are %d", n, len(s.material))
	}
	for _, p := range q.Pieces {
		for _, e := range []Expr{p.Typed, p.Others} {
			if e == nil {
				continue
			}
			if _, err := length(s.material, e); err != nil {
				return err
			}
		}
		if err := s.grammar().searches(p); err != nil {
			return err
		}
	}
	var err error
	if q.Expected, err = compared(q.Expected, mostDigits(q.Algorithm, q.Method)); err != nil {
		return err
	}
	return enough(q.Expected.Digits)
}

// piecesOnly keeps of an answer which pieces have a match. What kind of slip it is, where, and how many there are,
// would be a verdict on single digits.
func piecesOnly(a slip.Answer) slip.Answer {
	out := slip.Answer{Tried: a.Tried, Digits: a.Digits}
	seen := map[int]bool{}
	for _, m := range a.Matches {
		if !seen[m.Piece] {
			seen[m.Piece] = true
			out.Matches = append(out.Matches, slip.Match{Piece: m.Piece})
		}
	}
	return out
}
