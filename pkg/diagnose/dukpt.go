package diagnose

// DUKPT: the value is that of a key of another level than said, or the initial key belongs to another key serial number.

import (
	"encoding/binary"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/dukpt"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// Bounds of the search for another key serial number: devices before and behind the one given, and of those the ones that
// are tried with a second mistake.
const (
	nearDevices = 128
	nextDevices = 8
)

// Lengths of a key serial number in hex digits, and of what names the initial key in it.
const (
	tdesKSN = 20
	aesKSN  = 24
	mostKSN = 32
	leastID = 10
	aesIKID = 16
)

// serial is a key serial number that the other side may have used.
type serial struct {
	ksn       dukpt.KSN
	uncleared bool // with the counter's bits left in
	near      bool // simple enough to be tried with a second mistake
	says      text.Text
}

// checkKSN reads the key serial number as it was typed; blanks and dashes do not count.
func (f Facts) checkKSN() (Facts, error) {
	if f.KSN == "" {
		if f.Kind == Base {
			return Facts{}, fault.New(fault.Usage, "the initial key of a base derivation key is compared with the key serial number")
		}
		return f, nil
	}
	f.KSN = strings.ToUpper(keys.StripSeparators(f.KSN))
	if n := len(f.KSN); n < leastID || n > mostKSN {
		return Facts{}, fault.New(fault.KSNLength, "the KSN has %d hex digits, want 20 (TDES DUKPT) or 24 (AES DUKPT)", n)
	}
	for i := range f.KSN {
		if strings.IndexByte(hexDigits, f.KSN[i]) < 0 {
			return Facts{}, fault.New(fault.MalformedHex, "the KSN: character %d is no hex digit", i+1)
		}
	}
	if f.Kind != Base && f.Kind != Key {
		return Facts{}, fault.New(fault.Usage, "a key serial number goes with a base derivation key or with an initial key")
	}
	if dukpt.CheckBase(schemeOf(f.Algorithm), f.Algorithm) != nil {
		return Facts{}, fault.New(fault.Usage, "DUKPT has keys for tdes-128 and AES, not for %s", f.Algorithm)
	}
	return f, nil
}

// serialOf gives a comparison of a key in a slot the key serial number that should be there, where it has none of its own:
// the key may be one that initial keys are derived from.
func (c *Case) serialOf(check Check) Facts {
	f := check.Facts
	if f.Kind != Key || f.KSN != "" || check.Slot == "" || dukpt.CheckBase(schemeOf(f.Algorithm), f.Algorithm) != nil {
		return f
	}
	for _, w := range c.Wanted {
		if ksn, err := dukpt.ParseKSN(w.KSN); w.Slot == check.Slot && err == nil && ksn.Scheme() == schemeOf(f.Algorithm) {
			f.KSN = w.KSN
			return f
		}
	}
	return f
}

func schemeOf(alg keys.Algorithm) dukpt.Scheme {
	if alg.IsAES() {
		return dukpt.AES
	}
	return dukpt.TDES
}

// derives reports whether the boundary derives for a diagnosis: of keys given on the spot.
func (s *search) derives() bool {
	_, tells := s.facts.Prober.(hsm.DigitTeller)
	return tells
}

// initial is the initial key of a key serial number.
func initial(of hsm.Expr, ksn dukpt.KSN) hsm.Expr {
	return hsm.Derived{Of: of, Derivation: hsm.Derivation{From: hsm.FromBDK, KSN: ksn, Want: hsm.WantIK}}
}

// openBase starts a search with a base derivation key: the key as given is the initial key of the key serial number, where
// it has the length of one and the boundary derives.
func (s *search) openBase() {
	ksn, err := dukpt.ParseKSN(s.facts.KSN)
	if err == nil && ksn.Scheme() == schemeOf(s.facts.Algorithm) && s.derives() {
		s.ksn, s.expr = ksn, initial(hsm.Part(0), ksn)
		return
	}
	s.unformed = true
}

// derived lists what DUKPT makes of the key as given when the levels or the key serial numbers differ. Only the serial
// numbers near the given one are wanted for pairs of mistakes.
func (s *search) derived(pairs bool) []reading {
	if s.facts.KSN == "" {
		return nil
	}
	out := s.levels(pairs)
	if s.facts.Kind != Base || !s.derives() {
		return out
	}
	out = append(out, s.turnedBase()...)
	for _, x := range s.serials() {
		if !pairs || x.near {
			out = append(out, s.ofSerial(x))
		}
	}
	return append(out, s.otherScheme()...)
}

// levels takes keys of other levels than the initial key; for pairs, not those of transactions.
func (s *search) levels(pairs bool) []reading {
	var out []reading
	add := func(e hsm.Expr, alg keys.Algorithm, what text.Text) {
		out = append(out, reading{cause: CauseIPEKBDK, expr: e, alg: alg, method: methodFor(alg, s.facts.Method),
			says: func(v string) text.Text {
				return text.New("%s is the check value of %s, not of the initial key", v, what)
			}})
	}
	if s.facts.Kind == Base {
		add(hsm.Part(0), s.alg, text.New("the base derivation key itself"))
	}
	ksn, ok := s.levelKSN()
	if !ok {
		return out
	}
	ik, from := s.expr, hsm.FromIK
	if s.facts.Kind == Base {
		add(initial(ik, ksn), s.alg, text.New("a key that was derived once more, as if the initial key were the base derivation key"))
	} else {
		out = append(out, reading{cause: CauseIPEKBDK, expr: initial(ik, ksn), alg: s.alg, method: s.facts.Method,
			says: func(v string) text.Text {
				return text.New("the key given is the base derivation key: %s is the check value of the initial key of KSN %s under it", v, ksn)
			}})
	}
	if pairs {
		return out
	}
	for _, at := range transactions(ksn) {
		s.transactionKeys(ik, from, at, add)
	}
	return out
}

// transactionKeys are those that an initial key, or a base derivation key, gives for one transaction.
func (s *search) transactionKeys(of hsm.Expr, from hsm.Level, at dukpt.KSN, add func(hsm.Expr, keys.Algorithm, text.Text)) {
	d := hsm.Derivation{From: from, KSN: at, Want: hsm.WantTransaction}
	add(hsm.Derived{Of: of, Derivation: d}, s.alg, text.New("the key of transaction %d", at.Counter()))
	for _, u := range dukpt.Uses(at.Scheme()) {
		d := hsm.Derivation{From: from, KSN: at, Want: hsm.WantWorking, Use: u}
		add(hsm.Derived{Of: of, Derivation: d}, s.alg, text.New("the working key %s of transaction %d", string(u), at.Counter()))
	}
}

// levelKSN is the key serial number that keys of other levels are derived with.
func (s *search) levelKSN() (dukpt.KSN, bool) {
	if !s.derives() || s.unformed || !s.fits() {
		return dukpt.KSN{}, false
	}
	if s.facts.Kind == Base {
		return s.ksn, true
	}
	ksn, err := dukpt.ParseKSN(s.facts.KSN)
	return ksn, err == nil && ksn.Scheme() == schemeOf(s.alg)
}

// transactions are the first one and, where it is another, that of the counter given.
func transactions(ksn dukpt.KSN) []dukpt.KSN {
	var out []dukpt.KSN
	if first, err := ksn.WithCounter(1); err == nil {
		out = append(out, first)
	}
	if ksn.Counter() > 1 && ksn.CheckCounter() == nil {
		out = append(out, ksn)
	}
	return out
}

// turnedBase derives from the base derivation key with its halves exchanged.
func (s *search) turnedBase() []reading {
	if s.unformed || s.size != 16 && s.size != 32 {
		return nil
	}
	return []reading{s.as(CauseHalvesSwapped, initial(swapped(hsm.Part(0), s.size), s.ksn), s.alg, func(v string) text.Text {
		return text.New("%s is the check value of the initial key of the base derivation key with its two halves swapped", v)
	})}
}

// ofSerial is the initial key of another key serial number.
func (s *search) ofSerial(x serial) reading {
	shown, alg := x.ksn.Initial().String(), s.alg
	e := hsm.Derived{Of: hsm.Part(0), Derivation: hsm.Derivation{From: hsm.FromBDK, KSN: x.ksn, Want: hsm.WantIK}, Uncleared: x.uncleared}
	if x.uncleared {
		shown = x.ksn.String()
	}
	r := s.as(CauseKSNMismatch, e, alg, func(v string) text.Text {
		return text.New("%s is the check value of the initial key of KSN %s: %s", v, shown, x.says)
	})
	return r.marked(func(e *Evidence) {
		e.Seen = append(e.Seen, Seen{What: text.New("key serial number"), Expected: text.Raw(shown), Observed: text.Raw(s.facts.KSN)})
	})
}

// serials lists the key serial numbers that are taken for the one given, each initial key once, the simplest first.
func (s *search) serials() []serial {
	c := &serialList{scheme: schemeOf(s.facts.Algorithm), seen: map[string]bool{}}
	if !s.ksn.IsZero() {
		c.seen[s.ksn.Initial().String()] = true
	}
	c.reframed(s.facts.KSN)
	if s.ksn.IsZero() {
		return c.all
	}
	if s.ksn.Scheme() == dukpt.TDES && s.ksn.Counter()>>16 != 0 {
		c.all = append(c.all, serial{ksn: s.ksn, uncleared: true, near: true,
			says: text.New("the counter's bits were not cleared before it was derived")})
	}
	c.nextTo(s.ksn)
	c.mistyped(s.ksn.Initial().String())
	return c.all
}

// serialList gathers key serial numbers.
type serialList struct {
	scheme dukpt.Scheme
	seen   map[string]bool
	all    []serial
}

// add takes the text of a whole key serial number in, if its initial key is a new one.
func (c *serialList) add(digits string, near bool, says text.Text) {
	ksn, err := dukpt.ParseKSN(digits)
	if err != nil || ksn.Scheme() != c.scheme || c.seen[ksn.Initial().String()] {
		return
	}
	c.seen[ksn.Initial().String()] = true
	c.all = append(c.all, serial{ksn: ksn, near: near, says: says})
}

// reframed cuts the key serial number and fills it up as field software does.
func (c *serialList) reframed(given string) {
	if c.scheme == dukpt.AES {
		c.reframedAES(given)
		return
	}
	c.tooLong(given)
	c.filled(given, text.New("the number given"))
	if bare := strings.TrimLeft(given, "F"); bare != given && len(bare) >= leastID {
		c.filled(bare, text.New("the number without its leading F's"))
	}
	if len(given) > aesIKID {
		c.filled(given[:aesIKID], text.New("the first 8 bytes of the number"))
		c.filled(given[len(given)-aesIKID:], text.New("the last 8 bytes of the number"))
	}
}

// tooLong takes digits away.
func (c *serialList) tooLong(given string) {
	if len(given) <= tdesKSN {
		return
	}
	for i := range given {
		c.add(given[:i]+given[i+1:], true, text.New("the number without its digit %d, which is one too many", i+1))
	}
	c.add(given[:tdesKSN], true, text.New("the first 10 bytes of the number given"))
	c.add(given[len(given)-tdesKSN:], true, text.New("the last 10 bytes of the number given"))
}

// filled fills a part of a key serial number of TDES DUKPT up to its 10 bytes.
func (c *serialList) filled(digits string, what text.Text) {
	n := tdesKSN - len(digits)
	if n < 0 {
		return
	}
	f, zeros := strings.Repeat("F", n), strings.Repeat("0", n)
	c.add(f+digits, true, text.New("%s, filled up with F on the left", what))
	c.add(zeros+digits, true, text.New("%s, filled up with zeros on the left", what))
	c.add(digits+zeros, true, text.New("%s, filled up with zeros on the right", what))
	c.add(digits+f, true, text.New("%s, filled up with F on the right", what))
}

// reframedAES takes the 8 bytes that name an AES initial key from other places.
func (c *serialList) reframedAES(given string) {
	if len(given) < aesIKID {
		n := aesIKID - len(given)
		c.add(strings.Repeat("0", n)+given+"00000000", true, text.New("%s, filled up with zeros on the left", text.New("the number given")))
		c.add(given+strings.Repeat("0", n+8), true, text.New("%s, filled up with zeros on the right", text.New("the number given")))
		return
	}
	c.add(given[:aesIKID]+"00000000", true, text.New("the first 8 bytes of the number, which name the initial key"))
	c.add(given[len(given)-aesIKID:]+"00000000", true, text.New("the last 8 bytes of the number"))
	c.add(given[8:aesIKID]+given[:8]+"00000000", true, text.New("BDK id and derivation id have changed places"))
}

// nextTo takes the devices before and behind.
func (c *serialList) nextTo(ksn dukpt.KSN) {
	at := ksn.Initial().Bytes()
	tail := at[4:8] // of what names the initial key
	step := uint64(1)
	if ksn.Scheme() == dukpt.TDES {
		step = 0x20 // above the five bits of the counter
	}
	id := uint64(binary.BigEndian.Uint32(tail))
	for n := uint64(1); n <= nearDevices; n++ {
		for _, v := range []struct {
			id   uint64
			says text.Text
		}{
			{id + n*step, text.New("that of a device %d behind the one given", int(n))},
			{id - n*step, text.New("that of a device %d before the one given", int(n))},
		} {
			if v.id > 1<<32-1 {
				continue
			}
			binary.BigEndian.PutUint32(tail, uint32(v.id))
			c.add(hexUpper(at), n <= nextDevices, v.says)
		}
	}
}

// mistyped turns every digit that names the initial key, and swaps neighbours.
func (c *serialList) mistyped(digits string) {
	n := 15 // the counter has the rest
	if c.scheme == dukpt.AES {
		n = aesIKID
	}
	for i := range n - 1 {
		if digits[i] == digits[i+1] {
			continue
		}
		b := []byte(digits)
		b[i], b[i+1] = b[i+1], b[i]
		c.add(string(b), true, text.New("%s has digits %d and %d swapped", c.field(i), i+1, i+2))
	}
	for i := range n {
		for delta := byte(1); delta < 16; delta++ {
			b := []byte(digits)
			b[i] = turnedDigit(b[i], delta)
			c.add(string(b), false, text.New("%s differs in digit %d of the number", c.field(i), i+1))
		}
	}
}

// field names the part of a key serial number that a digit stands in, counted from 0.
func (c *serialList) field(digit int) text.Text {
	switch {
	case c.scheme == dukpt.AES && digit < 8:
		return text.New("the BDK id")
	case c.scheme == dukpt.AES:
		return text.New("the derivation id")
	case digit < 4:
		return text.New("the prefix")
	case digit < 10:
		return text.New("the key set id")
	}
	return text.New("the device id")
}

// otherScheme derives by the scheme that the key is not for: 16 bytes are a key for both.
func (s *search) otherScheme() []reading {
	if n, err := s.facts.Prober.Len(hsm.Part(0)); err != nil || n != 16 {
		return nil
	}
	given, other, alg := s.facts.KSN, dukpt.AES, keys.AES128
	var numbers []string
	if s.facts.Algorithm.IsAES() {
		other, alg = dukpt.TDES, keys.TDES128
		if len(given) >= tdesKSN {
			numbers = []string{given[:tdesKSN], given[len(given)-tdesKSN:]}
		}
	} else if len(given) >= aesIKID {
		numbers = []string{given[:aesIKID] + "00000000", given[len(given)-aesIKID:] + "00000000"}
	}
	var out []reading
	for _, digits := range numbers {
		ksn, err := dukpt.ParseKSN(digits)
		if err != nil {
			continue
		}
		for _, m := range []kcv.Method{kcv.Default(alg), kcv.ECBZero} {
			out = append(out, reading{cause: CauseCipherFamily, expr: initial(hsm.Part(0), ksn), alg: alg, method: m,
				says: func(v string) text.Text {
					return text.New("%s comes out by %s, with KSN %s: one side derives for TDES, the other for AES", v, string(other), ksn)
				}})
		}
	}
	return out
}

// notDerived says what was not asked of a base derivation key of a store.
func (s *search) notDerived() text.Text {
	return text.New("initial keys were not asked about: the boundary derives nothing from a key of a store for a diagnosis; " +
		"compare the check value that 'poskey dukpt ik' gives for this key and KSN")
}
