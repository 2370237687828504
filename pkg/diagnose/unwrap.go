package diagnose

// Unwrapping: the cryptogram was opened in the wrong mode or direction, with half a key or a variant of it, or once too
// often.

import (
	"slices"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

func unwrapped(of, key hsm.Expr, alg keys.Algorithm) hsm.Expr {
	return hsm.Crypt{Of: of, Key: key, Algorithm: alg, Mode: hsm.ECB}
}

// unwrapping lists the other ways to open the cryptogram, part 0, with the key-encrypting key, part 1.
func (s *search) unwrapping() ([]reading, error) {
	kekLen, err := s.facts.Prober.Len(hsm.Part(1))
	if err != nil {
		return nil, err
	}
	out, err := s.padded()
	if err != nil {
		return nil, err
	}
	return slices.Concat(out, s.otherModes(), s.onceTooOften(), s.halfKEK(kekLen), s.otherKEKOrder(kekLen),
		s.otherKEKCiphers(kekLen), s.variants(), s.schemes(kekLen), s.underPublished()), nil
}

// opened is a reading of the key that another way of unwrapping gives.
func (s *search) opened(cause Cause, e hsm.Expr, says func(string) text.Text, mark func(*Evidence)) reading {
	r := s.as(cause, e, s.alg, says).marked(mark)
	r.unwraps = true
	return r
}

func (s *search) otherModes() []reading {
	crypt := func(mode hsm.CryptMode, encrypt bool) hsm.Expr {
		return hsm.Crypt{Of: hsm.Part(0), Key: hsm.Part(1), Algorithm: s.kek, Mode: mode, Encrypt: encrypt}
	}
	mark := func(mode hsm.CryptMode, direction string) func(*Evidence) {
		return func(e *Evidence) { e.Mode, e.Direction = mode, direction }
	}
	out := []reading{
		s.opened(CauseWrongDirection, crypt(hsm.ECB, true), func(v string) text.Text {
			return text.New(
				"encrypted under the key-encrypting key instead of decrypted, the cryptogram gives %s: one side runs the cipher in the wrong direction",
				v,
			)
		}, mark(hsm.ECB, "encrypt")),
		s.opened(CauseWrongDirection, crypt(hsm.CBC, true), func(v string) text.Text {
			return text.New(
				"encrypted in CBC mode under the key-encrypting key instead of decrypted, the cryptogram gives %s: one side runs the cipher in the wrong direction",
				v,
			)
		}, mark(hsm.CBC, "encrypt")),
	}
	if s.size > blockLen(s.kek) { // one block alone is the same in both modes
		out = append(out, s.opened(CauseECBCBC, crypt(hsm.CBC, false), func(v string) text.Text {
			return text.New(
				"decrypted in CBC mode with a zero IV, the cryptogram gives %s: one side uses CBC, the other ECB",
				v,
			)
		}, mark(hsm.CBC, "decrypt")))
	}
	return out
}

func blockLen(alg keys.Algorithm) int {
	if alg.IsDES() {
		return 8
	}
	return 16
}

func (s *search) onceTooOften() []reading {
	return []reading{
		s.opened(CauseDoubleUnwrap, hsm.Part(0), func(v string) text.Text {
			return text.New(
				"%s is the check value of the cryptogram's own bytes: what one side took for the clear key is the wrapped one, or the reverse",
				v,
			)
		}, nil),
		s.opened(CauseDoubleUnwrap, unwrapped(s.expr, hsm.Part(1), s.kek), func(v string) text.Text {
			return text.New(
				"decrypted twice, the cryptogram gives %s: one side handed over the clear key and the other decrypted it again",
				v,
			)
		}, nil),
	}
}

// halfKEK opens with each 8 bytes of the key-encrypting key as single DES, and with 16 bytes of a longer one.
func (s *search) halfKEK(n int) []reading {
	if !s.kek.IsDES() || n <= 8 {
		return nil
	}
	var out []reading
	for from := 0; from < n; from += 8 {
		e := unwrapped(hsm.Part(0), hsm.Slice{Of: hsm.Part(1), From: from, To: from + 8}, keys.DES)
		out = append(out, s.opened(CauseTMKSingleDES, e, func(v string) text.Text {
			return text.New(
				"opened with bytes %d to %d of the key-encrypting key alone, as single DES, the cryptogram gives %s",
				from+1, from+8, v,
			)
		}, nil))
	}
	if n == 24 {
		e := unwrapped(hsm.Part(0), hsm.Slice{Of: hsm.Part(1), To: 16}, keys.TDES128)
		out = append(out, s.opened(CauseLengthClass, e, func(v string) text.Text {
			return text.New(
				"opened with the first 16 of the 24 bytes of the key-encrypting key, the cryptogram gives %s",
				v,
			)
		}, nil))
	}
	return out
}

func (s *search) otherKEKOrder(n int) []reading {
	if n != 16 && n != 32 {
		return nil
	}
	e := unwrapped(hsm.Part(0), swapped(hsm.Part(1), n), s.kek)
	return []reading{s.opened(CauseHalvesSwapped, e, func(v string) text.Text {
		return text.New("with the two halves of the key-encrypting key swapped, the cryptogram gives %s", v)
	}, nil)}
}

// otherKEKCiphers opens with every other cipher that has keys of this length; the key inside is then likely to be for
// that cipher too.
func (s *search) otherKEKCiphers(n int) []reading {
	var out []reading
	for _, kek := range keys.BlockCiphers() {
		if kek == s.kek || kek.KeyLen() != n || s.size%blockLen(kek) != 0 {
			continue
		}
		for _, inside := range []keys.Algorithm{kek.ForLength(s.size), s.alg} {
			if inside == keys.Raw {
				continue
			}
			r := s.opened(CauseCipherFamily, unwrapped(hsm.Part(0), hsm.Part(1), kek), func(v string) text.Text {
				return text.New(
					"opened with %s instead of %s, the cryptogram gives %s as a key for %s",
					kek, s.kek, v, inside,
				)
			}, nil)
			r.alg, r.method = inside, methodFor(inside, s.facts.Method)
			out = append(out, r)
		}
	}
	return out
}

// variants opens with Atalla-style variants: one byte XORed into the first byte of each 8 bytes of the key-encrypting
// key, 08, 10, 18 ... F8.
func (s *search) variants() []reading {
	if !s.kek.IsDES() {
		return nil
	}
	var out []reading
	for mask := 0x08; mask <= 0xF8; mask += 0x08 {
		shown := hexUpper([]byte{byte(mask)})
		e := unwrapped(hsm.Part(0), hsm.KeyXOR{Of: hsm.Part(1), Mask: byte(mask)}, s.kek)
		out = append(out, s.opened(CauseSchemeVariant, e, func(v string) text.Text {
			return text.New(
				"opened with variant %s of the key-encrypting key, the cryptogram gives %s: one side uses variants, the other does not",
				shown, v,
			)
		}, func(ev *Evidence) { ev.Variant = shown }))
	}
	return out
}

// schemes opens with the variants of key schemes U (double length) and T (triple length) of payShield: each 8 bytes of the
// key stand under a variant of their own, one byte XORed into the first byte of the second half of the key-encrypting key.
func (s *search) schemes(n int) []reading {
	masks := map[int][]byte{16: {0xA6, 0x5A}, 24: {0x6A, 0xDE, 0x2B}}[s.size]
	if s.kek != keys.TDES128 || n != 16 || len(masks) == 0 {
		return nil
	}
	scheme := "U"
	if s.size == 24 {
		scheme = "T"
	}
	var key hsm.Join
	for i, mask := range masks {
		kek := hsm.Join{hsm.Slice{Of: hsm.Part(1), To: 8}, hsm.KeyXOR{Of: hsm.Slice{Of: hsm.Part(1), From: 8, To: 16}, Mask: mask}}
		key = append(key, unwrapped(hsm.Slice{Of: hsm.Part(0), From: 8 * i, To: 8*i + 8}, kek, s.kek))
	}
	shown := hexUpper(masks)
	return []reading{s.opened(CauseSchemeVariant, key, func(v string) text.Text {
		return text.New(
			"opened by key scheme %s of payShield (variants %s of the second half of the key-encrypting key), the cryptogram gives %s: "+
				"the other side does not use the scheme", scheme, shown, v)
	}, func(ev *Evidence) { ev.Variant = shown })}
}

// padded deals with the MAK slot of UnionPay sign-in: 8 bytes of cryptogram and 8 zero bytes, which one side decrypts
// together as a double-length key.
func (s *search) padded() ([]reading, error) {
	if !s.kek.IsDES() {
		return nil, nil
	}
	says := func(v string) text.Text {
		return text.New(
			"the slot holds a single-length key and 8 zero bytes of padding: one side decrypts 16 bytes, the other 8; %s is the other side's check value",
			v,
		)
	}
	single := unwrapped(hsm.Slice{Of: hsm.Part(0), To: 8}, hsm.Part(1), s.kek)
	switch s.size {
	case 8:
		r := s.opened(CauseMAKSlot16, unwrapped(hsm.Join{hsm.Part(0), hsm.Zeros(8)}, hsm.Part(1), s.kek), says, nil)
		r.alg = keys.TDES128
		return []reading{r}, nil
	case 16:
		zero, err := s.isZero(hsm.Slice{Of: hsm.Part(0), From: 8, To: 16}, keys.DES)
		if err != nil || !zero {
			return nil, err
		}
		r := s.opened(CauseMAKSlot16, single, says, nil)
		r.alg = keys.DES
		return []reading{r}, nil
	}
	return nil, nil
}

// isZero asks whether a piece is all zeros, parity bits of DES aside: it then has the zero key's check value, in full.
// Nothing that was given is compared, so it does not count as a hypothesis.
func (s *search) isZero(e hsm.Expr, alg keys.Algorithm) (bool, error) {
	full, err := kcv.Compute(alg, make([]byte, alg.KeyLen()), kcv.ECBZero)
	if err != nil {
		return false, err
	}
	q := hsm.Question{Expr: e, Algorithm: alg, Method: kcv.ECBZero, Expected: kcv.Expected{Digits: hexUpper(full)}}
	a, err := s.facts.Prober.Probe(s.ctx, q)
	if fault.Is(err, fault.NotPermitted) {
		s.unanswered++
		return false, nil
	}
	return a.Match, err
}
