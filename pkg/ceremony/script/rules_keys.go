package script

// Rules about keys, their check values and what protects them.

import (
	"fmt"
	"strings"

	"poskey/internal/text"
	"poskey/pkg/component"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

func (c *court) key(k *Key) {
	at := "keys." + k.ID
	c.strength(k, at)
	c.origin(k, at)
	c.checks(k, at)
	if len(k.Parts) > 0 {
		c.scheme(k, at)
		c.holders(k, at)
		c.seats(k, at)
		c.handedOn(k, at)
		c.managers(k, at)
		c.channels(k, at)
	}
	for i := range k.Outputs {
		c.output(k, &k.Outputs[i], fmt.Sprintf("%s.outputs.%d", at, i+1))
	}
}

func (c *court) strength(k *Key, at string) {
	switch k.Algorithm {
	case keys.DES:
		c.add("single-des", Error, "10-1", at, text.New("%s is a single DES key", k.ID),
			text.New("take an AES key, or a TDES key of two or three parts"))
	case keys.TDES128:
		c.add("double-length-tdes", Note, "10-1", at, text.New("%s is a double-length TDES key: 80 to 112 bits of strength",
			k.ID),
			text.New("take AES where both sides can"))
	}
}

// origin: what a general-purpose computer draws is for tests.
func (c *court) origin(k *Key, at string) {
	if k.Source == Generate && c.production() {
		c.add("software-generation", Warning, "5-1", at,
			text.New("%s is drawn in production; keys are generated inside a secure cryptographic device", k.ID),
			text.New("run with the store's HSM and let make, model, serial and firmware be inspected, or let the HSM do it (kind hsm-scribe)"))
	}
}

// checks: check values that are known before find mistakes before anything is combined (PCI PIN 15-1 bounds their
// length).
func (c *court) checks(k *Key, at string) {
	c.digits(k, k.Check, at)
	for _, p := range k.Parts {
		c.digits(k, p.Check, fmt.Sprintf("%s.parts.%d", at, p.Number))
	}
	if k.Source != Components {
		return
	}
	if k.Check == nil {
		c.add("check-missing", Warning, "15-1", at, text.New("no check value of %s is known before", k.ID),
			text.New("ask the other side for it and write it as check"))
	}
	for _, p := range k.Parts {
		if p.Check == nil {
			c.add("part-check-missing", Warning, "15-1", fmt.Sprintf("%s.parts.%d", at, p.Number),
				text.New("no check value of part %d of %s is known before", p.Number, k.ID),
				text.New("write the check value that stands on its sheet as check"))
		}
	}
}

// Lengths of check values by PCI PIN 15-1.
const (
	usualDigits = 6
	mostDigits  = 10
)

func (c *court) digits(k *Key, e *kcv.Expected, at string) {
	if e == nil {
		return
	}
	switch n := len(e.Digits); {
	case n > mostDigits:
		c.add("check-too-long", Error, "15-1", at, text.New("the check value has %d digits; at most %d may be shown", n,
			mostDigits),
			text.New("give its first 6 digits"))
	case n < usualDigits:
		c.add("check-short", Warning, "15-1", at, text.New("the check value has %d digits: a wrong key has it once in %d", n,
			1<<(4*n)),
			text.New("ask for 6 digits"))
	case k.Algorithm.IsDES() && n > kcv.Limit(k.Algorithm, kcv.ECBZero):
		c.add("check-method", Warning, "15-1", at,
			text.New("the check value of a TDES key has %d digits, which only the method cmac may have", n),
			text.New("give its first 6 digits"))
	}
}

// scheme: keys between organisations are XORed, since every HSM does that and no two do the same with shares.
func (c *court) scheme(k *Key, at string) {
	if len(k.Parts) < component.MinParts {
		c.add("one-part", Error, "21-2.2", at, text.New("%s has one part, so that its custodian knows the key", k.ID),
			text.New("cut it into two parts or more"))
	}
	if k.Scheme == string(component.Shamir) && c.exchanged(k) {
		c.add("shamir-exchange", Error, "12-6", at, text.New("%s goes from one organisation to another in shares", k.ID),
			text.New("cut it by xor; shares are for one's own storage"))
	}
}

// exchanged reports a key that two organisations have.
func (c *court) exchanged(k *Key) bool {
	if c.s.Kind == ZMKExchange || c.s.Kind == ZMKReceive || c.does(SendPart, k, 0) {
		return true
	}
	for _, p := range k.Parts {
		for _, id := range p.Custodian.ids() {
			if person, _ := c.s.Person(id); person.Partner {
				return true
			}
		}
	}
	return false
}

// output: a key is protected by one that is at least as strong (PCI PIN 10-1).
func (c *court) output(k *Key, out *Output, at string) {
	if out.KBPK == "" {
		return
	}
	alg, known, asked := c.algorithm(out.KBPK)
	if !known {
		if asked {
			c.add("kbpk-unknown", Error, "10-1", at, text.New("the store has no key %s to protect %s with", out.KBPK, k.ID),
				text.New("name a key that is there, or that this script keeps before"))
		}
		return
	}
	if have, want := strengthOf(alg), strengthOf(k.Algorithm); have < want {
		c.add("kbpk-weaker", Error, "10-1", at, text.New("%s (%s, %d bits) is to protect %s (%s, %d bits)", out.KBPK, alg,
			have, k.ID, k.Algorithm, want),
			text.New("take a key that is at least as strong"))
	}
	if v := out.Version; v != 0 && alg.IsAES() != (v == 'D' || v == 'E') {
		c.add("block-version", Error, "18-3", at, text.New("key blocks of version %c are not closed with %s", v, alg),
			text.New("take version D with AES, B with TDES, or leave it out"))
	}
}

func strengthOf(a keys.Algorithm) int { return a.Strength(a.DefaultLen()) }

// algorithm finds that of a key by its label: among the keys of this script, then in the store. asked tells that
// somebody could have known.
func (c *court) algorithm(label string) (alg keys.Algorithm, known, asked bool) {
	name, _, _ := strings.Cut(label, "#")
	for _, k := range c.s.Keys {
		if k.Label == label || k.Label == name {
			return k.Algorithm, true, true
		}
		for _, out := range k.Outputs {
			if out.To == ToStore && out.Label == name {
				return k.Algorithm, true, true
			}
		}
	}
	if c.known.Algorithm == nil {
		return "", false, false
	}
	alg, known = c.known.Algorithm(label)
	return alg, known, true
}
