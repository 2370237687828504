package diagnose

// Typing, the whole of it: every slip that pkg/slip knows, up to so many wrong digits, searched by the boundary.

import (
	"fmt"
	"math"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/slip"
)

// maxMatches bounds the matches of one search that become claims: short check values give thousands by chance.
const maxMatches = 200

// maxPairings bounds what the matches of several parts may leave to combine.
const maxPairings = 1 << 18

// deep searches slips value by value: in the parts whose sheets disagree, each by its own value, then in all pieces that
// may hold one.
func (s *search) deep() ([]claim, error) {
	seeker, ok := s.facts.Prober.(hsm.Searcher)
	if s.facts.Search == 0 || s.facts.Kind == Cryptogram || s.facts.Kind == Base || s.unformed || !ok || !s.fits() || !s.alg.IsBlockCipher() {
		return nil, nil
	}
	s.depth, s.askedBefore = s.facts.Search, s.asked-s.inPairs
	var claims []claim
	if len(s.sheets) > 0 && !s.totalRight() {
		found, err := s.deepBySheet(seeker)
		if err != nil {
			return nil, err
		}
		claims = found
	}
	for _, t := range s.open {
		if t.side == SideGiven && anyWhole(claims) {
			continue
		}
		found, err := s.deepFor(seeker, t)
		if err != nil {
			return nil, err
		}
		claims = append(claims, found...)
	}
	return claims, nil
}

// alreadyTried reports slips that the stages before made claims of: one digit, one swap of neighbours and, in keys of two
// halves, the halves. With an odd piece there were no stages before.
func (s *search) alreadyTried(slips ...slip.Slip) bool {
	if s.facts.anyOdd() {
		return false
	}
	for _, sl := range slips {
		digit := sl.Kind == slip.Wrong && len(sl.Digits) == 1
		neighbours := sl.Kind == slip.Swapped && sl.Digits[0].With == sl.Digits[0].At+1
		halves := sl.Kind == slip.Halves && len(slips) == 1 && len(s.open) > 0 && (s.size == 16 || s.size == 32)
		if !digit && !neighbours && !halves {
			return false
		}
	}
	return true
}

// seek asks the boundary for the slips of some pieces and counts what was tried. One over keys of a store does not search
// every piece: where it refuses, the pieces are asked about one by one.
func (s *search) seek(by hsm.Searcher, q hsm.SearchQuestion) (slip.Answer, error) {
	q.Algorithm, q.Digits, q.Progress = s.alg, s.facts.Search, s.facts.Progress
	a, err := by.Search(s.ctx, q)
	switch {
	case fault.Is(err, fault.NotPermitted) && len(q.Pieces) > 1:
		return s.seekEach(by, q)
	case fault.Is(err, fault.NotPermitted):
		s.unanswered++
		s.refusal = err
		return slip.Answer{}, nil
	case err != nil:
		return slip.Answer{}, err
	}
	s.asked += a.Tried
	s.matches += a.Keys
	s.chance += float64(a.Tried) * kcv.ChanceOfFalseMatch(a.Digits)
	return a, nil
}

func (s *search) seekEach(by hsm.Searcher, q hsm.SearchQuestion) (slip.Answer, error) {
	var all slip.Answer
	for i := range q.Pieces {
		one := q
		one.Pieces = q.Pieces[i : i+1]
		a, err := s.seek(by, one)
		if err != nil {
			return slip.Answer{}, err
		}
		for _, m := range a.Matches {
			m.Piece = i
			all.Matches = append(all.Matches, m)
		}
		all.Keys, all.Tried, all.Digits = all.Keys+a.Keys, all.Tried+a.Tried, max(all.Digits, a.Digits)
	}
	return all, nil
}

// deepFor explains one value of the whole key.
func (s *search) deepFor(by hsm.Searcher, t target) ([]claim, error) {
	suspects := s.suspects(t)
	q := hsm.SearchQuestion{Method: s.facts.Method, Expected: t.value, OnOther: t.side == SideOther}
	for _, p := range suspects {
		q.Pieces = append(q.Pieces, hsm.SearchPiece{Typed: p.expr, Digits: s.typed(p.part), Others: s.others(p)})
	}
	before := float64(s.asked - s.inPairs)
	a, err := s.seek(by, q)
	if err != nil {
		return nil, err
	}
	var claims []claim
	for _, m := range a.Matches[:min(len(a.Matches), maxMatches)] {
		if m.Slip.Kind == "" {
			c := s.untold(suspects[m.Piece], t, a.Digits)
			c.whole = len(s.open) == 1 && len(s.sheets) == 0
			claims = append(claims, c)
			continue
		}
		if s.alreadyTried(m.Slip) {
			continue
		}
		p := suspects[m.Piece]
		r := reading{cause: causeOf(m.Slip), expr: p.wrap(s.corrected(p, m.Slip)), alg: s.alg, method: s.facts.Method}
		r.mark = func(e *Evidence) { e.Edits = s.editsOf(p, m.Slip, t.side) }
		r.says = func(v string) text.Text {
			return saysSlips(p, m.Slip, t.side, len(suspects) > 1, v)
		}
		h, ok, err := s.hits(r, t)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue // parity made it another key, which a value of a hash shows
		}
		c := claim{cause: r.cause, hits: []hit{h}, preferred: m.Slip.Odd, weight: m.Slip.Weight}
		if m.Slip.Kind == slip.Swapped && len(suspects) > 1 { // two wrong digits of another part come to the same key
			c.most = Likely
		}
		if err := s.weigh(&c); err != nil {
			return nil, err
		}
		c.chance = chanceAmong(before+float64(m.Among), c)
		c.advice = s.slipAdvice(c)
		claims = append(claims, c)
	}
	return claims, nil
}

// untold is a slip of which a boundary over keys of a store tells the piece alone: its place would be a step towards the key.
// Nothing is known of the candidates that it came out of, so it is never more than likely.
func (s *search) untold(p piece, t target, digits int) claim {
	c := claim{cause: CauseMistypedDigit, advice: CauseMistypedDigit.advice(), most: Likely, digits: digits}
	c.chance = min(1, s.chance)
	c.evidence = Evidence{Computed: t.value.Digits[:digits], Expected: s.facts.Expected.Digits, Got: s.facts.Got.Digits,
		Algorithm: s.alg, Method: s.facts.Method, Digits: digits}
	where := text.New("the key")
	if p.piece == PiecePart {
		where = text.New("part %d", p.part+1)
		c.evidence.Parts = []int{p.part + 1}
	}
	c.summary = text.New("a slip in typing %s gives %s; of a key of the store its place is not told: enter that again",
		where, c.evidence.Computed)
	return c
}

// chanceAmong is the chance that one of so many hypotheses agrees with everything that the claim agrees with.
func chanceAmong(hypotheses float64, c claim) float64 {
	return min(1, hypotheses*kcv.ChanceOfFalseMatch(c.digits)*math.Pow(2, -float64(c.bits)))
}

// deepBySheet searches each part whose sheet disagrees by its own value, and holds the sum of what was found against the
// key's.
func (s *search) deepBySheet(by hsm.Searcher) ([]claim, error) {
	var parts []matchesOfPart
	var claims []claim
	for _, p := range s.pieces() {
		v, wrong := s.sheets[p.part]
		if !wrong {
			continue
		}
		q := hsm.SearchQuestion{Method: s.sheetM, Expected: v, Pieces: []hsm.SearchPiece{{Typed: p.expr, Digits: s.typed(p.part)}}}
		a, err := s.seek(by, q)
		if err != nil {
			return nil, err
		}
		switch {
		case len(a.Matches) == 0: // the part stays unexplained
		case a.Matches[0].Slip.Kind == "":
			claims = append(claims, s.untold(p, target{v, SideGiven}, a.Digits))
		default:
			parts = append(parts, matchesOfPart{p, a})
		}
	}
	pairings, err := s.pairings(parts)
	if err != nil {
		return nil, err
	}
	for _, found := range pairings {
		if s.alreadyTried(found.slips...) {
			continue
		}
		c, err := s.sheetsClaim(found)
		if err != nil {
			return nil, err
		}
		claims = append(claims, c)
	}
	return onlyWhole(claims), nil
}

// matchesOfPart is what was found in one part.
type matchesOfPart struct {
	piece  piece
	answer slip.Answer
}

// pairings puts a match of each part together, the likeliest first. Short values leave thousands of chance matches: those
// are asked for whose sum has the key's value, and where none has, or none is known, the first ones stand.
func (s *search) pairings(parts []matchesOfPart) ([]slipsOfParts, error) {
	if len(parts) == 0 {
		return nil, nil
	}
	var first, right []slipsOfParts
	each := int(math.Pow(maxPairings, 1/float64(len(parts))))
	at := make([]int, len(parts))
	for more := true; more; more = advance(at, parts, each) {
		found := pairing(parts, at)
		if len(first) < maxMatches {
			first = append(first, found)
		}
		if len(s.open) == 0 {
			if len(first) == maxMatches {
				break // nothing decides between them
			}
			continue
		}
		if !s.allWhole(s.replacedBy(found)) {
			continue
		}
		_, ok, err := s.hits(s.sumOf(found), s.open[0])
		if err != nil {
			return nil, err
		}
		if ok {
			right = append(right, found)
		}
	}
	for _, p := range parts {
		s.cutShort = s.cutShort || len(p.answer.Matches) > each
	}
	if len(right) > 0 {
		return right[:min(len(right), maxMatches)], nil
	}
	return first, nil
}

// advance counts to the next pairing, of the first so many matches of each part.
func advance(at []int, parts []matchesOfPart, each int) bool {
	for i := len(at) - 1; i >= 0; i-- {
		if at[i]++; at[i] < min(each, len(parts[i].answer.Matches)) {
			return true
		}
		at[i] = 0
	}
	return false
}

func pairing(parts []matchesOfPart, at []int) slipsOfParts {
	found := slipsOfParts{among: 1, weight: 1}
	for i, p := range parts {
		m := p.answer.Matches[at[i]]
		found.pieces = append(found.pieces, p.piece)
		found.slips = append(found.slips, m.Slip)
		found.digits += p.answer.Digits
		found.among *= float64(m.Among)
		found.weight *= m.Slip.Weight
	}
	return found
}

// replacedBy gives the parts put right.
func (s *search) replacedBy(found slipsOfParts) map[int]hsm.Expr {
	replaced := map[int]hsm.Expr{}
	for i, p := range found.pieces {
		replaced[p.part] = s.corrected(p, found.slips[i])
	}
	return replaced
}

// sumOf is the key that the parts put right form.
func (s *search) sumOf(found slipsOfParts) reading {
	expr := withParts(s.facts.Parts, s.replacedBy(found))
	return reading{cause: causeOf(found.slips[0]), expr: expr, alg: s.alg, method: s.facts.Method}
}

// onlyWhole keeps the claims that explain everything where there are any: the others are then chance matches of a sheet.
func onlyWhole(claims []claim) []claim {
	if !anyWhole(claims) {
		return claims
	}
	var out []claim
	for _, c := range claims {
		if c.whole {
			out = append(out, c)
		}
	}
	return out
}

// slipsOfParts is one slip in each of some parts.
type slipsOfParts struct {
	pieces []piece
	slips  []slip.Slip
	digits int     // of the sheets' values that they give
	among  float64 // hypotheses that are as simple
	weight float64
}

// sheetsClaim makes one claim of slips in different parts.
func (s *search) sheetsClaim(found slipsOfParts) (claim, error) {
	var numbers []int
	for _, p := range found.pieces {
		numbers = append(numbers, p.part)
	}
	first := found.pieces[0]
	c := claim{cause: causeOf(found.slips[0]), digits: found.digits, weight: found.weight}
	c.evidence = s.evidenceOf(hit{reading: reading{alg: s.alg, method: s.sheetM}, target: target{value: s.sheets[first.part]},
		answer: hsm.Answer{Digits: len(s.sheets[first.part].Digits)}})
	for _, t := range s.open {
		if !s.allWhole(s.replacedBy(found)) {
			break
		}
		h, ok, err := s.hits(s.sumOf(found), t)
		if err != nil {
			return claim{}, err
		}
		if ok {
			if len(c.hits) == 0 {
				c.evidence = s.evidenceOf(h)
			}
			c.hits = append(c.hits, h)
			c.digits += h.answer.Digits
		}
	}
	c.preferred = true
	for i, p := range found.pieces {
		c.preferred = c.preferred && found.slips[i].Odd
		c.evidence.Edits = append(c.evidence.Edits, s.editsOf(p, found.slips[i], SideGiven)...)
	}
	c.evidence.Parts = countFromOne(numbers)
	c.whole = len(c.hits) == len(s.open) && len(found.slips) == len(s.sheets)
	c.chance = chanceAmong(found.among, c)
	c.advice = s.slipAdvice(c)
	s.sayOfParts(&c, found, numbers)
	return c, nil
}

// sayOfParts words slips in different parts.
func (s *search) sayOfParts(c *claim, found slipsOfParts, numbers []int) {
	first := found.pieces[0]
	c.summary = saysSlips(first, found.slips[0], SideGiven, false, c.evidence.Computed)
	if len(numbers) > 1 {
		c.summary = saysParts(numbers, *c)
	}
	if len(c.hits) == 0 && len(s.open) > 0 && len(found.slips) == len(s.sheets) {
		c.summary = text.New("%s; but the key does not have %s then", c.summary, s.open[0].value.Digits)
	}
}

// saysParts words slips in several parts.
func saysParts(numbers []int, c claim) text.Text {
	if len(c.hits) == 0 {
		return text.New("parts %s each have a slip in typing; corrected, each has the check value of its sheet", list(numbers))
	}
	return text.New("parts %s each have a slip in typing; corrected, each has the check value of its sheet and the key gives %s",
		list(numbers), c.evidence.Computed)
}

// allWhole reports whether every odd part is replaced: what the others form with an odd one is no key.
func (s *search) allWhole(replaced map[int]hsm.Expr) bool {
	for _, p := range s.oddPieces() {
		if replaced[p.part] == nil {
			return false
		}
	}
	return true
}

// typed is the number of digits typed of a part; 0 is all of it.
func (s *search) typed(part int) int {
	if part < len(s.facts.Typed) {
		return s.facts.Typed[part]
	}
	return 0
}

// others is what is XORed onto a piece to form the key.
func (s *search) others(p piece) hsm.Expr {
	if s.facts.Kind != Parts {
		return nil
	}
	return allBut(s.facts.Parts, p.part)
}

func (s *search) corrected(p piece, sl slip.Slip) hsm.Expr {
	return hsm.Corrected{Of: p.expr, Digits: s.typed(p.part), Slip: sl, Size: s.size}
}

func causeOf(sl slip.Slip) Cause {
	if sl.Kind == slip.Halves {
		return CauseHalvesSwapped
	}
	return CauseMistypedDigit
}

// slipAdvice asks for one more value where chance alone would find a key.
func (s *search) slipAdvice(c claim) advice {
	a := c.cause.advice()
	switch {
	case s.cutShort && !c.whole:
		a.nextTest = text.New(
			"more slips match the short check values of the parts than could be put together: longer check values of the parts decide, or fewer wrong digits (--search)")
	case c.chance >= likelyBelow:
		a.nextTest = text.New(
			"chance alone gives %s matches in this search: a further check value must decide (of each part, of the key by another method, or more digits of this one); then read the named digits again",
			RoundedMatches(s.chance))
	}
	return a
}

// RoundedMatches shows a number of matches expected by chance, which may be far below one: small ones by two digits,
// others whole.
func RoundedMatches(matches float64) string {
	if matches >= 10 {
		return fmt.Sprintf("%.0f", matches)
	}
	return fmt.Sprintf("%.2g", matches)
}

// editsOf puts a slip into words of evidence.
func (s *search) editsOf(p piece, sl slip.Slip, side Side) []Edit {
	typed := s.typed(p.part)
	if typed == 0 {
		typed = 2 * p.size
	}
	var out []Edit
	for _, d := range sl.Digits {
		one := Edit{Of: p.piece, Part: p.part + 1, Digit: d.At + 1, Group: group(d.At), Side: side, Delta: d.Delta, Slip: kindOn(sl, side)}
		switch sl.Kind {
		case slip.Wrong, slip.Confused, slip.Dropped:
			one.ParityUnseen = sl.Unseen && d.At%2 == 1
			one.against = min(one.Digit, typed)
			out = append(out, one)
		case slip.Inserted, slip.Doubled:
			out = append(out, one)
			if last := typed; side == SideGiven && last == 2*s.size { // what was put in pushed another out at the end
				one.Slip, one.Digit, one.Group, one.ParityUnseen = slip.Dropped, last, group(last-1), sl.Unseen
				out = append(out, one)
			}
		default:
			two := one
			two.Digit, two.Group = d.With+1, group(d.With)
			one.SwappedWith, two.SwappedWith = two.Digit, one.Digit
			one.Length, two.Length = sl.Length, sl.Length
			if sl.Kind == slip.Missing {
				one.SwappedWith = 0
			}
			out = append(out, one)
			if sl.Kind != slip.Missing && sl.Kind != slip.Repeated {
				out = append(out, two)
			}
		}
	}
	return out
}

// kindOn names what the person did: on the other side the slip is followed forwards, so that a digit which is put in
// there is one too many, or typed twice where it equals the one behind it.
func kindOn(sl slip.Slip, side Side) slip.Kind {
	switch {
	case side == SideGiven:
		return sl.Kind
	case sl.Kind == slip.Dropped && sl.Digits[0].Delta == 0:
		return slip.Doubled
	case sl.Kind == slip.Dropped:
		return slip.Inserted
	case sl.Kind == slip.Inserted || sl.Kind == slip.Doubled:
		return slip.Dropped
	}
	return sl.Kind
}

// saysSlips words a slip; several says that other parts were searched too, and wrong digits of one part are, under XOR,
// the same of any other.
func saysSlips(p piece, sl slip.Slip, side Side, several bool, v string) text.Text {
	what := clause(p, sl, side)
	if several && (sl.Kind == slip.Wrong || sl.Kind == slip.Confused) {
		what = text.New("%s, or the same digits of another part, or some of them in each; XOR gives all of these equal odds", what)
	}
	switch {
	case side == SideOther:
		return text.New("on the other side, %s; that gives %s", what, v)
	case sl.Odd:
		return text.New("%s; put right here, all bytes have odd parity and the result is %s", what, v)
	}
	return text.New("%s; put right, the result is %s", what, v)
}

// clause says what happened, without the value that it gives.
func clause(p piece, sl slip.Slip, side Side) text.Text {
	where := text.New("the key")
	if p.piece == PiecePart {
		where = text.New("part %d", p.part+1)
	}
	d, n := sl.Digits[0], sl.Length
	switch kindOn(sl, side) {
	case slip.Wrong:
		return text.New("%d digits of %s are wrong (digits %s)", len(sl.Digits), where, digitList(sl))
	case slip.Confused:
		return text.New("digits of %s that look alike were confused (digits %s)", where, digitList(sl))
	case slip.Swapped:
		return text.New("digits %d and %d of %s are swapped", d.At+1, d.With+1, where)
	case slip.Dropped:
		return text.New("%s lacks a digit where digit %d should be", where, d.At+1)
	case slip.Inserted:
		return text.New("digit %d of %s is one too many", d.At+1, where)
	case slip.Doubled:
		return text.New("digit %d of %s was typed twice", d.At+1, where)
	case slip.Repeated:
		return text.New("digits %d to %d of %s were typed a second time in place of digits %d to %d", d.With+1, d.With+n, where, d.At+1, d.At+n)
	case slip.Missing:
		return text.New("digits %d to %d of %s were left out and are zero", d.At+1, d.At+n, where)
	}
	return text.New("digits %d to %d of %s changed places with digits %d to %d", d.At+1, d.At+n, where, d.With+1, d.With+n)
}

func digitList(sl slip.Slip) string {
	var places []int
	for _, d := range sl.Digits {
		places = append(places, d.At)
	}
	return list(places)
}
