package diagnose

// Working keys that open as they should, and are no good all the same: weak ones, one key for two uses, check values
// that are filled up with zeros, bytes behind the MAC key that are no zeros.

import (
	"bytes"
	"encoding/binary"
	"slices"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
	"poskey/pkg/unionpay"
)

// filled notices check values of three bytes that a zero byte fills up to four: a terminal that compares four refuses
// the keys. One key in 256 has such a value by itself, so the whole of it is asked for.
func (s *signing) filled(a attempt) (Report, error) {
	var names []text.Text
	for i, k := range a.results {
		slot := a.layout.Slots[i]
		check := slot.Check(s.in.Field62)
		if k.digits >= len(k.Check) {
			continue
		}
		exactly := kcv.Expected{Digits: hexUpper(check)} // Parse would cut the zeros
		whole, err := s.askValue(slot.Cryptogram(s.in.Field62), a.tmk, slot.Alg, exactly)
		if err != nil {
			return Report{}, err
		}
		if !whole.Match && whole.Digits == len(k.Check) {
			names = append(names, text.Raw(string(k.Key)))
		}
	}
	if len(names) == 0 {
		return Report{}, nil
	}
	f := s.finding(CauseKCVLength, s.oddsOf(a.results), text.New(
		"the check value in field 62 of %s is right in three bytes and filled up with a zero byte: a terminal that compares four bytes refuses the key",
		joined(names)))
	f.Certainty, f.Evidence.Layout = Likely, a.layout.ID // the value is so; whether a terminal minds is not known
	return Report{Verdict: Explained, Findings: []Finding{f}}, nil
}

// padding notes bytes behind a MAC key that should be zeros. They are none of the key, so nothing fails where a program
// leaves them alone.
func (s *signing) padding(l unionpay.Layout) []text.Text {
	var out []text.Text
	for _, slot := range l.Slots {
		behind := bytes.TrimPrefix(slot.Padded(s.in.Field62), slot.Cryptogram(s.in.Field62))
		switch {
		case len(bytes.Trim(behind, "\x00")) == 0:
		case bytes.Equal(behind, slot.Cryptogram(s.in.Field62)):
			out = append(out, text.New(
				"the cryptogram of %s stands twice in its slot: programs that take %d bytes get the key doubled",
				string(slot.Key), slot.Bytes+slot.Pad))
		default:
			out = append(out, text.New("the %d bytes behind %s are not zeros: programs that take %d bytes get another key",
				slot.Pad, string(slot.Key), slot.Bytes+slot.Pad))
		}
	}
	return out
}

// opened is a key of field 62 in the material of a prober.
type opened struct {
	name text.Text
	expr hsm.Expr
	alg  keys.Algorithm
	size int
}

// weak notices keys that devices refuse for what they are. A key of a store is not asked about.
func (s *signing) weak(a attempt) (Report, error) {
	if !s.tells {
		return Report{}, nil
	}
	var r Report
	for _, slot := range a.layout.Slots {
		p, err := s.in.Open(s.ctx, slot.Cryptogram(s.in.Field62), a.tmk)
		if err != nil {
			return Report{}, err
		}
		n, err := p.Len(s.master())
		if err != nil {
			return Report{}, err
		}
		clear := unwrapped(hsm.Part(0), s.master(), kekFor(slot.Alg, n))
		k := opened{text.Raw(string(slot.Key)), clear, slot.Alg, slot.Bytes}
		says, err := s.weakness(p, k)
		if err != nil {
			return Report{}, err
		}
		if !says.IsZero() {
			r.Verdict, r.Findings = Explained, append(r.Findings, s.ofSlot(s.finding(CauseWeakKey, 0, says), slot))
		}
	}
	return r, nil
}

// weakness says what is weak about a key; nothing where it is sound.
func (s *signing) weakness(p hsm.Prober, k opened) (text.Text, error) {
	for at := 8; at+8 <= k.size; at += 8 {
		equal, err := s.same(p, k.part(at-8), k.part(at))
		if err != nil {
			return text.Text{}, err
		}
		if equal {
			return text.New(
				"neighbouring parts of 8 bytes of %s are equal: devices refuse such a key, though its check value agrees",
				k.name), nil
		}
	}
	if !k.alg.IsDES() {
		return text.Text{}, nil
	}
	for at := 0; at+8 <= k.size; at += 8 {
		is, err := s.weakDES(p, k.part(at))
		if err != nil {
			return text.Text{}, err
		}
		if is {
			return text.New(
				"bytes %d to %d of %s are a weak or semi-weak key of DES: devices refuse such a key, though its check value agrees",
				at+1, at+8, k.name), nil
		}
	}
	return text.Text{}, nil
}

func (k opened) part(at int) hsm.Expr { return hsm.Slice{Of: k.expr, From: at, To: at + 8} }

// same reports whether two parts of 8 bytes are equal but for their parity bits.
func (s *signing) same(p hsm.Prober, one, two hsm.Expr) (bool, error) {
	return s.isDES(p, hsm.XOR{one, two}, 0)
}

// weakDES reports whether a part of 8 bytes is one of the weak and semi-weak keys.
func (s *signing) weakDES(p hsm.Prober, e hsm.Expr) (bool, error) {
	for _, k := range keys.WeakDESKeys() {
		if is, err := s.isDES(p, e, k); err != nil || is {
			return is, err
		}
	}
	return false, nil
}

// isDES reports whether a part of 8 bytes is a known key of DES.
func (s *signing) isDES(p hsm.Prober, e hsm.Expr, known uint64) (bool, error) {
	full, err := kcv.Compute(keys.DES, binary.BigEndian.AppendUint64(nil, known), kcv.ECBZero)
	if err != nil {
		return false, err
	}
	q := hsm.Question{Expr: e, Algorithm: keys.DES, Method: kcv.ECBZero, Expected: kcv.Expected{Digits: hexUpper(full)}}
	a, err := p.Probe(s.ctx, q)
	if fault.Is(err, fault.NotPermitted) {
		return false, nil
	}
	return a.Match, err
}

// duplicates notices one key for two uses: two working keys, or a working key and the master key, that have a part in
// common. A key of a store is not asked about.
func (s *signing) duplicates(a attempt) (Report, error) {
	if !s.tells {
		return Report{}, nil
	}
	var r Report
	for i, slot := range a.layout.Slots {
		for _, with := range a.layout.Slots[i:] { // with itself: with the master key
			f, found, err := s.duplicate(a, slot, with)
			if err != nil {
				return Report{}, err
			}
			if found {
				r.Verdict, r.Findings = Explained, append(r.Findings, f)
			}
		}
	}
	return r, nil
}

// duplicate holds two working keys against each other, or one against the master key.
func (s *signing) duplicate(a attempt, slot, with unionpay.Slot) (Finding, bool, error) {
	field := s.in.Field62
	// Every layout has ECB, so that two cryptograms one behind the other are opened like one.
	p, err := s.in.Open(s.ctx, slices.Concat(slot.Cryptogram(field), with.Cryptogram(field)), a.tmk)
	if err != nil {
		return Finding{}, false, err
	}
	n, err := p.Len(s.master())
	if err != nil {
		return Finding{}, false, err
	}
	kek := kekFor(slot.Alg, n)
	both := unwrapped(hsm.Part(0), s.master(), kek)
	behind := hsm.Slice{Of: both, From: slot.Bytes, To: slot.Bytes + with.Bytes}
	one := opened{text.Raw(string(slot.Key)), hsm.Slice{Of: both, To: slot.Bytes}, slot.Alg, slot.Bytes}
	two := opened{text.Raw(string(with.Key)), behind, with.Alg, with.Bytes}
	if slot.Key == with.Key {
		two = opened{text.New("the terminal master key"), s.master(), kek, n}
	}
	same, err := s.within(p, one, two)
	if err != nil || !same {
		return Finding{}, false, err
	}
	f := s.finding(CauseDuplicateValue, 0, text.New(
		"%s and %s are one key, or one is a part of the other: devices refuse the second one, or should", one.name, two.name))
	return s.ofSlot(f, slot), true, nil
}

// ofSlot marks a finding that is likely, of one key.
func (s *signing) ofSlot(f Finding, slot unionpay.Slot) Finding {
	f.Certainty, f.Evidence.Key, f.Evidence.Computed = Likely, string(slot.Key), hexUpper(slot.Check(s.in.Field62))
	return f
}

// within reports whether the shorter key is the other one, or 8-byte parts of it in their order.
func (s *signing) within(p hsm.Prober, one, two opened) (bool, error) {
	if one.size > two.size {
		one, two = two, one
	}
	for at := 0; at+one.size <= two.size; at += 8 {
		all := true
		for i := 0; i+8 <= one.size && all; i += 8 {
			var err error
			if all, err = s.same(p, one.part(i), two.part(at+i)); err != nil {
				return false, err
			}
		}
		if all {
			return true, nil
		}
	}
	return false, nil
}
