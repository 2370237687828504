package diagnose

// How slips of all kinds are placed and worded.

import (
	"fmt"

	"poskey/internal/text"
	"poskey/pkg/slip"
)

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
