package diagnose

// Shape of the key: halves in the wrong order, a part of the key alone, a key filled up with zeros.

import (
	"poskey/internal/text"
	"poskey/pkg/hsm"
	"poskey/pkg/keys"
)

// shapes lists what becomes of the key as given when it is cut, filled up or put together in another order.
func (s *search) shapes() []reading {
	var out []reading
	if !s.fits() && s.alg != keys.Raw {
		out = append(out, s.as(CauseLengthClass, s.expr, s.alg, func(v string) text.Text {
			return text.New(
				"the key given has %d bytes: %s is its check value as a key for %s, while %s was named",
				s.size, v, s.alg, s.facts.Algorithm,
			)
		}))
	}
	if s.alg == keys.Raw || s.alg.IsHMAC() {
		return out
	}
	out = append(out, s.reordered(s.expr, s.size)...)
	return append(out, s.cut(s.expr, s.size)...)
}

// reordered swaps halves, or puts the three parts of a 24-byte key into every other order.
func (s *search) reordered(e hsm.Expr, n int) []reading {
	if n == 24 {
		return s.thirds(e)
	}
	if n != 16 && n != 32 {
		return nil
	}
	return []reading{s.as(CauseHalvesSwapped, swapped(e, n), s.alg, func(v string) text.Text {
		return text.New("%s is the check value of the key with its two halves swapped", v)
	})}
}

func (s *search) thirds(e hsm.Expr) []reading {
	var out []reading
	for _, order := range [][3]int{{1, 0, 2}, {0, 2, 1}, {2, 1, 0}, {1, 2, 0}, {2, 0, 1}} {
		var j hsm.Join
		for _, i := range order {
			j = append(j, hsm.Slice{Of: e, From: 8 * i, To: 8*i + 8})
		}
		out = append(out, s.as(CauseHalvesSwapped, j, s.alg, func(v string) text.Text {
			return text.New(
				"%s is the check value of the key with its three parts of 8 bytes in the order %d, %d, %d",
				v, order[0]+1, order[1]+1, order[2]+1,
			)
		}))
	}
	return out
}

func swapped(e hsm.Expr, n int) hsm.Expr {
	return hsm.Join{hsm.Slice{Of: e, From: n / 2, To: n}, hsm.Slice{Of: e, To: n / 2}}
}

// cut takes shorter keys of the family out of the key, and fills it up to longer ones.
func (s *search) cut(e hsm.Expr, n int) []reading {
	var out []reading
	for _, length := range []int{8, 16, 24, 32} {
		alg := s.alg.ForLength(length)
		if alg == keys.Raw || alg.KeyLen() != length {
			continue
		}
		if length > n {
			out = append(out, s.as(CauseLengthClass, hsm.Join{e, hsm.Zeros(length - n)}, alg, func(v string) text.Text {
				return text.New(
					"%s is the check value of the %d bytes of the key filled up with zeros to a key for %s",
					v, n, alg,
				)
			}))
		}
		for from := 0; length < n && from+length <= n; from += 8 {
			piece := hsm.Slice{Of: e, From: from, To: from + length}
			out = append(out, s.as(CauseLengthClass, piece, alg, func(v string) text.Text {
				return text.New(
					"%s is the check value of bytes %d to %d of the key alone, as a key for %s; the rest was left out",
					v, from+1, from+length, alg,
				)
			}))
		}
	}
	return out
}
