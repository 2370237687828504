package cli

// The chains of a check value and of a key block for the drawing of a diagnosis.

import (
	"slices"
	"strings"

	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/diagnose"
	"poskey/pkg/kcv"
)

// blockChain is the keys that were tried, the block, the key in it, and where it was to go.
func blockChain(b *diagnose.Block) *chainLink {
	top := newLink(roleHost, linkUnseen, text.New("keys that the block was tried under: %d", len(b.Tries)))
	block := newLink(roleBlock, linkBreaks, text.New("key block, version %s", string(b.Header.Version)),
		text.New("%d characters", b.Length))
	inside := newLink(roleInside, linkUnseen, text.New("key in the block"), text.New("usage %s, algorithm %s, mode %s",
		string(b.Header.Usage), string(b.Header.Algorithm), string(b.Header.Mode)))
	block.under = append(block.under, inside)
	if b.Slot != "" || b.Takes != nil {
		into := newLink(roleDevice, linkUnseen, intoDevice(b.Slot))
		into.slot = b.Slot
		inside.under = append(inside.under, into)
	}
	opens := slices.IndexFunc(b.Tries, func(t diagnose.BlockTry) bool { return t.Opens })
	if opens >= 0 {
		block.state, inside.state = linkHolds, linkHolds
	}
	for i, t := range b.Tries {
		if i >= mostCandidates && i != opens {
			continue
		}
		kbpk := &chainLink{role: roleTransport, state: linkBreaks, title: text.New("protecting key (KBPK)"),
			lines: []text.Text{text.Raw(t.Name), text.New("the block does not open under it")}}
		if t.Opens {
			kbpk.state, kbpk.lines = linkHolds, []text.Text{text.Raw(t.Name), text.New("the block opens under it")}
		}
		if i == max(opens, 0) {
			kbpk.under = append(kbpk.under, block)
		}
		top.under = append(top.under, kbpk)
	}
	return top
}

func intoDevice(slot device.Slot) text.Text {
	if slot == "" {
		return text.New("device")
	}
	return text.New("device, slot %s", string(slot))
}

// checkChain is what the key is made of, the key, and the comparison.
func checkChain(c *diagnose.Check, r *diagnose.Report) *chainLink {
	key := newLink(roleKey, linkUnseen, text.New("key"), text.Raw(string(c.Algorithm)))
	if c.Label != "" {
		key.title = text.New("key %s", c.Label)
	}
	check := &chainLink{role: roleCheck, state: checkState(c, r), title: text.New("check value"),
		lines: []text.Text{text.New("method %s", string(methodSaid(c)))}}
	check.values = append(check.values, valueOf(text.New("expected"), c.Expected.Digits)...)
	check.values = append(check.values, valueOf(text.New("observed"), c.Got.Digits)...)
	if asGiven := asGivenOf(r); asGiven != "" {
		check.values = append(check.values, valueOf(text.New("as given"), asGiven)...)
	}
	key.under = append(key.under, check)
	switch c.Kind {
	case diagnose.Parts:
		return partsAbove(c, key)
	case diagnose.Cryptogram, diagnose.Unopened:
		kek := newLink(roleKEK, linkUnseen, text.New("key-encrypting key"))
		kek.values = valueOf(text.New("on the sheet"), c.KEKExpected.Digits)
		if c.Kind == diagnose.Unopened {
			kek.lines = append(kek.lines, text.New("not given"))
		} else {
			kek.lines = append(kek.lines, text.Raw(string(c.KEKAlgorithm)))
		}
		return above(kek, newLink(roleCryptogram, linkUnseen, text.New("encrypted key (cryptogram)")), key)
	case diagnose.Base:
		key.role, key.title = roleInitial, text.New("initial key of the device (IK)")
		return above(newLink(roleBDK, linkUnseen, text.New("base derivation key (BDK)"), text.Raw(string(c.Algorithm))), ksnLink(c), key)
	case diagnose.Key:
		if c.KSN != "" {
			key.title = text.New("initial key of the device (IK)")
			return above(newLink(roleBDK, linkUnseen, text.New("base derivation key (BDK)"), text.New("not given")), ksnLink(c), key)
		}
		return above(newLink(roleHost, linkUnseen, text.New("boundary"), text.New("holds the key as it was given")), key)
	}
	key.lines = append(key.lines, text.New("not given: two values are compared"))
	return key
}

// ksnLink is the key serial number that an initial key is derived for.
func ksnLink(c *diagnose.Check) *chainLink {
	l := newLink(roleKSN, linkUnseen, text.New("key serial number (KSN)"))
	l.values = valueOf(text.New("KSN"), c.KSN)
	return l
}

// methodSaid is the method that the values are said to be made by.
func methodSaid(c *diagnose.Check) kcv.Method {
	if c.Method == "" {
		return kcv.Default(c.Algorithm)
	}
	return c.Method
}

// partsAbove puts the components over their key.
func partsAbove(c *diagnose.Check, key *chainLink) *chainLink {
	key.lines = append(key.lines, text.New("the components, joined by XOR"))
	for n := 1; n <= c.Parts; n++ {
		part := &chainLink{role: rolePart, part: n, state: linkUnseen, title: text.New("component %d", n)}
		if n <= len(c.PartExpected) {
			part.values = valueOf(text.New("on the sheet"), c.PartExpected[n-1].Digits)
		}
		key.over = append(key.over, part)
	}
	return key
}

func valueOf(name text.Text, digits string) []namedValue {
	if digits == "" {
		return nil
	}
	return []namedValue{{name, digits}}
}

// asGivenOf is the value of the material as it was given, where a finding tells it.
func asGivenOf(r *diagnose.Report) string {
	for _, f := range r.Findings {
		if f.Evidence.AsGiven != "" {
			return f.Evidence.AsGiven
		}
	}
	return ""
}

func checkState(c *diagnose.Check, r *diagnose.Report) linkState {
	switch {
	case r.Verdict == diagnose.Match:
		return linkHolds
	case c.Expected.Digits == "" && c.Got.Digits == "":
		return linkUnseen
	}
	return linkBreaks
}

// agree compares two values on the shorter length.
func agree(a, b string) bool {
	n := min(len(a), len(b))
	return n > 0 && strings.EqualFold(a[:n], b[:n])
}
