package diagnose

// The MAC of a captured message, under the keys of a sign-in answer.

import (
	"math"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/hsm"
	"poskey/pkg/keys"
	"poskey/pkg/unionpay"
)

// macKey is a key that may have made a MAC.
type macKey struct {
	slot unionpay.Slot
	expr hsm.Expr
	alg  keys.Algorithm
	says text.Text
	part []byte // the cryptogram that the prober is opened with
}

// mac finds out by which rule, over what and with which key the MAC of a message was made. A MAC made as it should be is a
// note.
func (s *signing) mac(a attempt) (Report, error) {
	if s.in.MAB == nil || len(s.in.MAC) != unionpay.MACLen {
		return Report{}, nil
	}
	all, err := s.macKeys(a)
	if err != nil {
		return Report{}, err
	}
	tried := 0
	for i, k := range all {
		p, err := s.in.Open(s.ctx, k.part, a.tmk)
		if err != nil {
			return Report{}, err
		}
		matcher, ok := p.(hsm.MACMatcher)
		if !ok {
			return Report{Notes: []text.Text{text.New("the MAC was not tried: a key of a store makes no MACs for a diagnosis")}}, nil
		}
		r, found, err := s.macUnder(matcher, k, i == 0, &tried)
		if err != nil || found {
			return r, err
		}
	}
	f := s.finding(CauseMACRule, 1, text.New(
		"no MAC rule that is known gives the MAC of this message under the keys of field 62 (%d tried): the message was changed, belongs to another sign-in, or follows another rule",
		tried))
	f.Certainty = Possible
	return Report{Verdict: Explained, Findings: []Finding{f}}, nil
}

// macUnder tries every rule, range and padding with one key.
func (s *signing) macUnder(matcher hsm.MACMatcher, k macKey, own bool, tried *int) (Report, bool, error) {
	for _, over := range unionpay.Ranges(s.in.MAB) {
		for _, rule := range unionpay.Rules() {
			for _, pad := range unionpay.Paddings() {
				q := hsm.MACQuestion{Expr: k.expr, Algorithm: k.alg, Rule: rule.Rule, Padding: pad, Message: over.Bytes, MAC: s.in.MAC}
				*tried++
				match, err := matcher.MatchMAC(s.ctx, q)
				if fault.Is(err, fault.Interrupted) {
					return Report{}, false, err
				}
				if err != nil || !match {
					continue // a rule that takes no such key
				}
				usual := own && over.Name == "mab" && rule.Rule == unionpay.RuleECB && pad == unionpay.PadZero
				return s.macFound(k, over, rule, pad, usual, *tried), true, nil
			}
		}
	}
	return Report{}, false, nil
}

// macFound words a MAC that was reproduced.
func (s *signing) macFound(k macKey, over unionpay.Range, rule unionpay.RuleInfo, pad unionpay.Padding, usual bool, tried int) Report {
	how := text.New("%s; %s; %s; padding %s", k.says, rule.Meaning, over.Says, string(pad))
	if usual {
		return Report{Verdict: Match, Notes: []text.Text{text.New("the MAC of the message is right: %s", how)}}
	}
	bits := 64.0
	if rule.Rule == unionpay.RuleECB || rule.Rule == unionpay.RuleX99Text {
		bits = 32
	}
	f := s.finding(CauseMACRule, min(1, float64(tried)*math.Exp2(-bits)), text.New("the MAC of the message was made in another way: %s", how))
	f.Evidence.Key = string(k.slot.Key)
	return Report{Verdict: Explained, Findings: []Finding{f}}
}

// macKeys lists what may have made the MAC: the MAC key as it is, the padded slot as a whole, the cryptogram itself, and
// the other keys.
func (s *signing) macKeys(a attempt) ([]macKey, error) {
	var own, others []macKey
	for _, slot := range a.layout.Slots {
		cryptogram := slot.Cryptogram(s.in.Field62)
		p, err := s.in.Open(s.ctx, cryptogram, a.tmk)
		if err != nil {
			return nil, err
		}
		n, err := p.Len(s.master())
		if err != nil {
			return nil, err
		}
		opened := unwrapped(hsm.Part(0), s.master(), kekFor(slot.Alg, n))
		k := macKey{slot: slot, expr: opened, alg: slot.Alg, part: cryptogram, says: text.New("key %s", string(slot.Key))}
		if slot.Key != unionpay.MAK {
			others = append(others, k)
			continue
		}
		own = append(own, k)
		if slot.Pad > 0 {
			own = append(own, macKey{slot, opened, keys.TDES128, text.New("key MAK with its padding decrypted too"), slot.Padded(s.in.Field62)})
		}
		own = append(own, macKey{slot, hsm.Part(0), slot.Alg, text.New("the cryptogram of MAK taken as the key"), cryptogram})
	}
	return append(own, others...), nil
}
