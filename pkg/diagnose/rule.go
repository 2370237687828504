package diagnose

// Check-value rule: the key is right, the comparison is not. Length and padding, method, data, cipher, parity.

import (
	"encoding/hex"
	"math"
	"slices"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// rules lists the ways in which the key as given yields another value than the one looked for.
func (s *search) rules() []reading {
	if s.alg == keys.Raw {
		return nil
	}
	return slices.Concat(s.otherMethods(), s.otherData(), s.hexText(), s.otherCiphers(s.expr, s.size))
}

// otherMethods takes every method of the algorithm but the one assumed.
func (s *search) otherMethods() []reading {
	var out []reading
	for _, m := range methodsOf(s.alg) {
		if sameValue(m, s.facts.Method) {
			continue
		}
		r := reading{cause: CauseKCVMethod, expr: s.expr, alg: s.alg, method: m}
		switch {
		case m == kcv.PAXMode2:
			r.cause = CauseKCVCheckMode
			r.says = func(v string) text.Text {
				return text.New(
					"the key is right: %s is its check value in PAX check mode 2 (1234567890123456 encrypted); the comparison assumed %s",
					v, s.facts.Method)
			}
		case isPAX(s.facts.Method):
			r.cause = CauseKCVCheckMode
			r.says = func(v string) text.Text {
				return text.New(
					"the key is right: %s is its check value by method %s; the comparison assumed the PAX check mode %s",
					v, m, s.facts.Method,
				)
			}
		default:
			r.says = func(v string) text.Text {
				return text.New(
					"the key is right: %s is its check value by method %s; the comparison assumed %s",
					v, m, s.facts.Method,
				)
			}
		}
		out = append(out, r)
	}
	return out
}

func isPAX(m kcv.Method) bool { return m == kcv.PAXMode1 || m == kcv.PAXMode2 }

// sameValue holds equal what differs in name only: PAX mode 1 is ecb-zero cut to 4 bytes.
func sameValue(a, b kcv.Method) bool {
	plain := func(m kcv.Method) kcv.Method {
		if m == kcv.PAXMode1 {
			return kcv.ECBZero
		}
		return m
	}
	return plain(a) == plain(b)
}

// methodsOf adds to the methods of an algorithm the lengths of zeros in which HMAC values are made besides 32.
func methodsOf(alg keys.Algorithm) []kcv.Method {
	methods := kcv.Methods(alg)
	if alg.IsHMAC() {
		for _, n := range []int{8, 16, 20, 24, 28, 48, 64} {
			methods = append(methods, kcv.HMACZeros(n))
		}
	}
	return methods
}

// otherData takes the blocks that programs encrypt when they mean zeros.
func (s *search) otherData() []reading {
	if !s.alg.IsBlockCipher() {
		return nil
	}
	n := 16
	if s.alg.IsDES() {
		n = 8
	}
	blocks := []struct {
		data []byte
		says func(string) text.Text
	}{
		{slices.Repeat([]byte{'0'}, n), func(v string) text.Text {
			return text.New(
				"the key is right: %s is its check value over the text '0000...' (bytes 30 hex), not over binary zeros",
				v,
			)
		}},
		{append([]byte{'0'}, make([]byte, n-1)...), func(v string) text.Text {
			return text.New(
				"the key is right: %s is its check value over the character '0' filled up with zero bytes, not over binary zeros",
				v,
			)
		}},
		{append([]byte{'0'}, slices.Repeat([]byte{' '}, n-1)...), func(v string) text.Text {
			return text.New(
				"the key is right: %s is its check value over the character '0' filled up with blanks, not over binary zeros",
				v,
			)
		}},
		{slices.Repeat([]byte{0xFF}, n), func(v string) text.Text {
			return text.New("the key is right: %s is its check value over bytes FF hex, not over zeros", v)
		}},
	}
	var out []reading
	for _, b := range blocks {
		shown := hexUpper(b.data)
		r := reading{cause: CauseKCVWrongData, expr: s.expr, alg: s.alg, method: kcv.ECBZero, data: b.data, says: b.says}
		out = append(out, r.marked(func(e *Evidence) { e.Data = shown }))
	}
	return out
}

// hexText takes the characters of the hex text as key bytes, in as many as the family has key lengths for.
func (s *search) hexText() []reading {
	var out []reading
	for _, lower := range []bool{false, true} {
		for _, n := range []int{8, 16, 24, 32} {
			alg := s.alg.ForLength(n)
			if n > 2*s.size || !alg.IsBlockCipher() || alg.KeyLen() != n {
				continue
			}
			unpacked := hsm.Slice{Of: hsm.Text{Of: s.expr, Lower: lower}, To: n}
			out = append(out, s.as(CauseKCVWrongData, unpacked, alg, func(v string) text.Text {
				return text.New(
					"the key is right: %s comes out when the first %d characters of its hex text are taken as key bytes, for %s",
					v, n, alg)
			}))
		}
	}
	return out
}

// otherCiphers takes the same bytes as a key of every other cipher that has that length.
func (s *search) otherCiphers(e hsm.Expr, n int) []reading {
	var out []reading
	for _, alg := range keys.Named() {
		if alg == s.alg || !alg.IsHMAC() && alg.KeyLen() != n || alg.IsHMAC() != s.alg.IsHMAC() {
			continue
		}
		for _, m := range kcv.Methods(alg) {
			if isHash(m) || isPAX(m) {
				continue // hashes are the same for every cipher
			}
			out = append(out, reading{cause: CauseCipherFamily, expr: e, alg: alg, method: m, says: func(v string) text.Text {
				return text.New(
					"the bytes are right: %s is their check value as a key for %s by method %s; the comparison assumed %s",
					v, alg, m, s.facts.Algorithm,
				)
			}})
		}
	}
	return out
}

// paritySet sets odd parity as if the key, or each part of it, were of DES: an HSM that does so with every key changes one
// for another cipher.
func (s *search) paritySet() []reading {
	if !s.alg.IsBlockCipher() || s.alg.IsDES() {
		return nil
	}
	set := func(e hsm.Expr, says func(string) text.Text) reading { return s.as(CauseParityBitTypo, e, s.alg, says) }
	out := []reading{set(hsm.FixParity{Of: s.expr}, func(v string) text.Text {
		return text.New("with odd parity set in every byte the key gives %s: one side treats it as a key for DES; %s has no parity", v, s.alg)
	})}
	if s.facts.Kind != Parts || s.facts.Parts < 2 {
		return out
	}
	each := map[int]hsm.Expr{}
	for i := range s.facts.Parts {
		each[i] = hsm.FixParity{Of: hsm.Part(i)}
	}
	return append(out, set(withParts(s.facts.Parts, each), func(v string) text.Text {
		return text.New("with odd parity set in every byte of each part the parts give %s: one side treats them as parts for DES; %s has no parity",
			v, s.alg)
	}))
}

func isHash(m kcv.Method) bool { return m == kcv.SHA1 || m == kcv.SHA256 || m == kcv.CCASHA256 }

// methodFor keeps the method assumed where another algorithm has it.
func methodFor(alg keys.Algorithm, m kcv.Method) kcv.Method {
	if slices.Contains(methodsOf(alg), m) {
		return m
	}
	return kcv.Default(alg)
}

func hexUpper(b []byte) string {
	out := make([]byte, hex.EncodedLen(len(b)))
	for i, v := range b {
		out[2*i], out[2*i+1] = hexDigits[v>>4], hexDigits[v&15]
	}
	return string(out)
}

// compareValues is the diagnosis without a key: all it has are two values.
func compareValues(f Facts) Report {
	if f.Expected == f.Got {
		chance := kcv.ChanceOfFalseMatch(len(f.Expected.Digits))
		return Report{Verdict: Match, Searched: Searched{Candidates: 1, ExpectedChanceMatches: chance}}
	}
	n := min(len(f.Expected.Digits), len(f.Got.Digits))
	s := &search{facts: f, asked: 1, chance: kcv.ChanceOfFalseMatch(n)}
	if agree(f.Expected, f.Got) {
		return s.report([]claim{s.lengthClaim()})
	}
	if c, ok := s.misreadValues(f.Expected, f.Got); ok {
		return s.report([]claim{c})
	}
	r := s.report(nil)
	r.NextStep = text.New(
		"the two values have nothing in common: give the key, its components or its cryptogram, so that it can be computed what should stand there",
	)
	return r
}

// lengthClaim says that the two values given are one.
func (s *search) lengthClaim() claim {
	expected, got := s.facts.Expected, s.facts.Got
	n := min(len(expected.Digits), len(got.Digits))
	c := claim{cause: CauseKCVLength, advice: CauseKCVLength.advice(), digits: n, whole: true}
	c.evidence = Evidence{Computed: got.Digits, Expected: expected.Digits, Got: got.Digits, AsGiven: s.shown,
		Algorithm: s.facts.Algorithm, Method: s.facts.Method, Digits: n}
	c.summary = text.New(
		"both values are the same check value, cut to different lengths: %s and %s agree in all of their first %d digits",
		expected.Digits, got.Digits, n,
	)
	if expected.Padded || got.Padded {
		c.summary = text.New(
			"both values are the same check value, one of them filled up with zeros: %s and %s agree in all of their first %d digits",
			expected.Digits, got.Digits, n,
		)
	}
	return c
}

// matchReport is the answer when the material as given gives every value.
func (s *search) matchReport() (Report, error) {
	var claims []claim
	if s.facts.Expected.Digits != "" && s.facts.Got.Digits != "" && s.facts.Expected != s.facts.Got {
		claims = append(claims, s.lengthClaim())
	}
	found, err := s.misreadSheets()
	if err != nil {
		return Report{}, err
	}
	claims = append(claims, found...)
	claims = append(claims, s.untrueSheets(claims)...)
	for _, look := range []func() ([]claim, error){s.equalThirds, s.parityAdvice} {
		if found, err = look(); err != nil {
			return Report{}, err
		}
		claims = append(claims, found...)
	}
	r := s.report(claims)
	r.Verdict, r.NextStep = Match, text.Text{}
	r.agreed, err = s.agreement()
	return r, err
}

// equalThirds notices a TDES key two neighbouring parts of which are one: encryption with one and decryption with the other
// cancel out. Devices refuse it, and its check value is that of single DES.
func (s *search) equalThirds() ([]claim, error) {
	if _, tells := s.facts.Prober.(hsm.DigitTeller); !tells || s.alg != keys.TDES128 && s.alg != keys.TDES192 {
		return nil, nil
	}
	for at := 8; at+8 <= s.size; at += 8 {
		one, two := hsm.Slice{Of: s.expr, From: at - 8, To: at}, hsm.Slice{Of: s.expr, From: at, To: at + 8}
		equal, err := s.isZero(hsm.XOR{one, two}, keys.DES)
		if err != nil {
			return nil, err
		}
		if !equal {
			continue
		}
		c := claim{cause: CauseWeakKey, advice: CauseWeakKey.advice(), most: Likely, digits: 16}
		c.summary = text.New("both halves of the key are equal: it is single DES, and devices refuse it though its check value agrees")
		if s.size > 16 {
			c.summary = text.New(
				"the parts of 8 bytes %d and %d of the key are equal: it is single DES, and devices refuse it though its check value agrees", at/8, at/8+1)
		}
		c.evidence = Evidence{Algorithm: s.alg, AsGiven: s.shown, Expected: s.facts.Expected.Digits, Got: s.facts.Got.Digits}
		return []claim{c}, nil
	}
	return nil, nil
}

// parityAdvice looks for what a check value cannot show: slips in parity bits, and a key that devices refuse for its
// parity. Only DES keys have parity.
func (s *search) parityAdvice() ([]claim, error) {
	if !s.alg.IsDES() || s.facts.Kind == Base { // initial keys have no parity rule
		return nil, nil
	}
	var claims []claim
	for _, p := range s.pieces() {
		if p.piece == PieceCryptogram || !p.alg.IsDES() {
			continue
		}
		c, ok, err := s.parityTypo(p)
		if err != nil {
			return nil, err
		}
		if ok {
			claims = append(claims, c)
		}
	}
	if len(claims) > 0 {
		return claims, nil
	}
	found, err := s.parity(s.expr)
	if err != nil || found == ParityOdd || found == "" {
		return nil, err
	}
	c := claim{cause: CauseParityRejected, advice: CauseParityRejected.advice(), most: Possible,
		summary: text.New(
			"the check value is right, but the key does not have odd parity: a device or HSM that checks parity refuses it, and any use other than DES disagrees with a copy whose parity was set",
		)}
	c.evidence = Evidence{Algorithm: s.alg, Parity: found, AsGiven: s.shown, Expected: s.facts.Expected.Digits,
		Got: s.facts.Got.Digits}
	return append(claims, c), nil
}

// parityTypo finds a piece in which exactly one byte has not odd parity. As the check value is right, the wrong bit is
// the parity bit itself. Of pieces without parity rule, 17 in 65,536 look so at 16 bytes.
func (s *search) parityTypo(p piece) (claim, bool, error) {
	even := -1
	for i := range p.size {
		got, err := s.facts.Prober.Parity(s.ctx, hsm.Slice{Of: p.expr, From: i, To: i + 1})
		if fault.Is(err, fault.NotPermitted) {
			return claim{}, false, nil
		}
		if err != nil {
			return claim{}, false, err
		}
		if got == keys.ParityOdd {
			continue
		}
		if even >= 0 {
			return claim{}, false, nil
		}
		even = i
	}
	if even < 0 {
		return claim{}, false, nil
	}
	sl := oneSlip{digit: 2*even + 1, delta: 1}
	c := claim{cause: CauseParityBitTypo, advice: CauseParityBitTypo.advice(), most: Likely,
		chance: float64(p.size+1) * math.Pow(2, -float64(p.size))}
	if p.size < 16 {
		c.most = Possible
	}
	c.summary = text.New(
		"the check value is right, but one byte does not have odd parity: digit %d (group %d) may be mistyped in its lowest bit",
		sl.digit+1, group(sl.digit))
	c.evidence = Evidence{Algorithm: s.alg, AsGiven: s.shown, Parity: ParityMixed, Edits: sl.edits(p, SideGiven, false),
		Expected: s.facts.Expected.Digits, Got: s.facts.Got.Digits}
	return c, true, nil
}
