package hsm

// Which expressions a strict prober forms. It answers in verdicts only, and a verdict about a whole key, or about eight
// bytes of one, tells nothing that can be guessed. But the expressions are a language: one byte of a key, filled up
// with zeros and taken for a key, is known after 256 verdicts; one bit after a single one. So each expression is
// traced, for each piece as if all others were known (their owner may be who asks), and what is formed has to hold
// eight bytes of it, or nothing.

import (
	"slices"

	"poskey/internal/fault"
	"poskey/internal/secret"
)

// leastSecret is how many hex digits of a piece have to be in what is formed: a single DES key. Its verdict is what
// diagnosis needs for halves, variants and wrong modes; with fewer digits than fullDigits of the expected value it
// would be cheap to ask for.
const (
	leastSecret = 16
	fullDigits  = 6
)

// maxTraced bounds the work of tracing, in digits.
const maxTraced = 1 << 20

// known marks a hex digit that holds nothing of the piece traced.
const known = -1

// traced is what an expression forms, digit by digit: which digit of the piece stands there, as it is or changed in a
// way that loses nothing.
type traced struct {
	digits []int
	mixed  bool // by a cipher: the digits are numbered anew, and equal ones may occur at a distance
	sealed bool // hex text: a digit is spread over a byte, so only leading bytes may be cut off
}

func (t traced) secret() bool {
	return slices.ContainsFunc(t.digits, func(d int) bool { return d != known })
}

// distinct counts the digits of the piece that are there.
func (t traced) distinct() int {
	seen := map[int]bool{}
	for _, d := range t.digits {
		if d != known {
			seen[d] = true
		}
	}
	return len(seen)
}

// complete reports that every digit is a secret one and no other's twin.
func (t traced) complete() bool { return t.distinct() == len(t.digits) }

// tracer traces one piece through an expression whose lengths are right.
type tracer struct {
	material []*secret.Bytes
	piece    int
	work     int
}

func errIsolates() error {
	return fault.New(fault.NotPermitted,
		"less than eight bytes of a key, or bits of it, would be told by this question; it is not answered")
}

func (t *tracer) trace(e Expr) (traced, error) {
	out, err := t.form(e)
	if err != nil {
		return traced{}, err
	}
	if t.work += len(out.digits) + 1; t.work > maxTraced {
		return traced{}, fault.New(fault.TooLarge, "the question is too long")
	}
	return out, nil
}

func (t *tracer) form(e Expr) (traced, error) {
	switch e := e.(type) {
	case Part:
		return t.part(int(e)), nil
	case Zeros:
		return traced{digits: nothing(2 * int(e))}, nil
	case XOR:
		return t.one(e)
	case Sum:
		out, err := t.one(e)
		if err == nil && out.secret() && (!out.complete() || out.mixed) {
			return traced{}, errIsolates() // a carry into known digits is a comparison
		}
		return out, err
	case Join:
		return t.join(e)
	case Slice:
		return t.slice(e)
	case Edit:
		return t.place(e.Of)
	case Transpose:
		return t.place(e.Of)
	case KeyXOR:
		return t.trace(e.Of)
	case FixParity:
		return t.parity(e)
	case Crypt:
		return t.crypt(e)
	case Text:
		return t.text(e)
	case Corrected:
		_, err := t.place(e.Of)
		return traced{digits: nothing(2 * e.Size)}, err
	}
	return traced{}, errIsolates()
}

func nothing(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = known
	}
	return out
}

func (t *tracer) part(i int) traced {
	digits := nothing(2 * t.material[i].Len())
	if i == t.piece {
		for d := range digits {
			digits[d] = d
		}
	}
	return traced{digits: digits}
}

// one combines operands of which one at most holds anything of the piece: two would cancel out but for a difference.
func (t *tracer) one(operands []Expr) (traced, error) {
	out, found := traced{}, false
	for _, e := range operands {
		next, err := t.trace(e)
		switch {
		case err != nil:
			return traced{}, err
		case next.secret() && found:
			return traced{}, errIsolates()
		case next.secret() || out.digits == nil:
			out, found = next, next.secret()
		}
	}
	return out, nil
}

func (t *tracer) join(operands Join) (traced, error) {
	out := traced{}
	for _, e := range operands {
		next, err := t.trace(e)
		if err != nil {
			return traced{}, err
		}
		if next.sealed && next.secret() || next.mixed && out.mixed {
			return traced{}, errIsolates()
		}
		out.digits = append(out.digits, next.digits...)
		out.mixed = out.mixed || next.mixed
	}
	return out, nil
}

func (t *tracer) slice(e Slice) (traced, error) {
	out, err := t.trace(e.Of)
	if err != nil {
		return traced{}, err
	}
	if out.sealed && (e.From != 0 || e.To < leastSecret) {
		return traced{}, errIsolates()
	}
	out.digits = slices.Clone(out.digits[2*e.From : 2*e.To])
	return out, nil
}

// place refuses to change single digits of a piece: with the place of a wrong digit and the check value the right one
// is found in sixteen tries. Slips of typing are what [Searcher] is for.
func (t *tracer) place(of Expr) (traced, error) {
	out, err := t.trace(of)
	if err == nil && out.secret() {
		return traced{}, fault.New(fault.NotPermitted, "single digits of a key of the store are not asked about")
	}
	return out, err
}

// parity sets the lowest bit of a byte from the others, so both digits have to be of one byte.
func (t *tracer) parity(e FixParity) (traced, error) {
	out, err := t.trace(e.Of)
	if err != nil {
		return traced{}, err
	}
	for at := 0; at < len(out.digits); at += 2 {
		high, low := out.digits[at], out.digits[at+1]
		whole := high == known && low == known || high != known && high%2 == 0 && low == high+1
		if !whole {
			return traced{}, errIsolates()
		}
	}
	return out, nil
}

// crypt: eight bytes of a piece in the key, or in every block, are in every digit of the result.
func (t *tracer) crypt(e Crypt) (traced, error) {
	of, err := t.trace(e.Of)
	if err != nil {
		return traced{}, err
	}
	key, err := t.trace(e.Key)
	if err != nil {
		return traced{}, err
	}
	switch {
	case !of.secret() && !key.secret():
		return traced{digits: nothing(len(of.digits))}, nil
	case of.sealed && of.secret() || key.sealed && key.secret() || of.mixed && key.mixed:
		return traced{}, errIsolates()
	case key.secret() && key.distinct() < leastSecret:
		return traced{}, errIsolates()
	case !key.secret() && !everyBlock(of.digits, 2*blockSize(e.Algorithm)):
		return traced{}, errIsolates()
	}
	digits := make([]int, len(of.digits))
	for i := range digits {
		digits[i] = fresh + i
	}
	return traced{digits: digits, mixed: true}, nil
}

// fresh numbers the digits of a cipher's output: even, and above all digits of any piece.
const fresh = 1 << 20

func everyBlock(digits []int, size int) bool {
	for block := range slices.Chunk(digits, size) {
		if (traced{digits: block}).distinct() < leastSecret {
			return false
		}
	}
	return true
}

func (t *tracer) text(e Text) (traced, error) {
	of, err := t.trace(e.Of)
	if err == nil && of.sealed && of.secret() {
		err = errIsolates()
	}
	if err != nil {
		return traced{}, err
	}
	out := traced{mixed: of.mixed, sealed: true}
	for _, d := range of.digits {
		out.digits = append(out.digits, d, d)
	}
	return out, nil
}

// isolates refuses an expression that forms less than eight bytes of any piece, and more than nothing. whole tells that
// every piece that is in it is in it as a whole.
func isolates(material []*secret.Bytes, e Expr) (whole bool, err error) {
	whole = true
	for i := range material {
		t := tracer{material: material, piece: i}
		out, err := t.trace(e)
		if err != nil {
			return false, err
		}
		n := out.distinct()
		if n != 0 && n < leastSecret {
			return false, errIsolates()
		}
		whole = whole && (n == 0 || n >= 2*material[i].Len())
	}
	return whole, nil
}

// searchable refuses pieces of a search of which a slip could leave less than eight bytes: a missing row is sixteen
// digits.
func searchable(material []*secret.Bytes, p SearchPiece) error {
	for i := range material {
		t := tracer{material: material, piece: i}
		typed, err := t.trace(p.Typed)
		if err != nil {
			return err
		}
		others := traced{}
		if p.Others != nil {
			if others, err = t.trace(p.Others); err != nil {
				return err
			}
		}
		switch {
		case typed.secret() && others.secret(),
			typed.secret() && (!typed.complete() || typed.mixed || typed.distinct() < 2*leastSecret),
			typed.secret() && p.Digits != 0 && p.Digits < len(typed.digits)-1,
			others.secret() && others.distinct() < leastSecret:
			return errIsolates()
		}
	}
	return nil
}
