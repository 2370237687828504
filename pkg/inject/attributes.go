package inject

// Usage and mode with which a slot takes a key.

import (
	"slices"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// Attributes gives usage and mode with which a slot takes a key of n bytes, for a key that has none yet: those of the
// plan where it names them, else the slot's. Kinds: not_found for a slot that is not there, not_permitted for a length
// that it does not take.
func Attributes(caps device.Capabilities, p Plan, n int) (keys.Usage, byte, error) {
	p, err := filled(p, caps, n, 0)
	return p.Usage, p.Mode, err
}

// fillAttributes takes usage and mode from the plan, else from the key.
func fillAttributes(p Plan, caps device.Capabilities) (Plan, error) {
	key := p.Key.Key()
	if p.Usage == "" {
		p.Usage = key.Usage
	}
	if p.Mode == 0 && p.Usage == key.Usage {
		p.Mode = key.Mode
	}
	if p.initial() {
		p.Usage, p.Mode = keys.UsageIK, 'X'
		return p, nil
	}
	return filled(p, caps, key.Len, keyblock.AlgorithmChar(key.Algorithm))
}

// filled takes usage and mode from the plan, else from the slot's rules: a master key where the slot takes one. Algorithm
// 0 is not known yet.
func filled(p Plan, caps device.Capabilities, n int, algorithm byte) (Plan, error) {
	if len(caps.Slots) == 0 { // the dialect has no table of slots
		if p.Usage == "" {
			p.Usage = keys.UsageKEK
		}
		if p.Mode == 0 {
			p.Mode = p.Usage.DefaultMode()
		}
		return p, nil
	}
	var known, fit []device.SlotRule
	for _, rule := range caps.Slots {
		if !rule.Has(p.Slot) {
			continue
		}
		known = append(known, rule)
		if slices.Contains(rule.Lengths, n) && (algorithm == 0 || strings.IndexByte(rule.Algorithms, algorithm) >= 0) {
			fit = append(fit, rule)
		}
	}
	switch {
	case len(known) == 0:
		return Plan{}, fault.New(fault.NotFound, "there is no slot %q for keys here", text.Redact(string(p.Slot)))
	case len(fit) == 0:
		return Plan{}, fault.New(fault.NotPermitted, "slot %s takes no key of %d bytes", string(p.Slot), n)
	}
	if p.Usage == "" {
		p.Usage = defaultUsage(fit)
	}
	for _, rule := range fit {
		if rule.Usage == p.Usage && p.Mode == 0 {
			p.Mode = rule.Modes[0]
		}
	}
	if strings.IndexByte("BCN", p.Mode) >= 0 && !takes(fit, p.Usage, p.Mode) { // two or more in one: the slot may want one
		p.Mode = modeFor(fit, p.Usage, p.Mode)
	}
	if p.Mode == 0 {
		p.Mode = p.Usage.DefaultMode()
	}
	if p.Clear && !takes(fit, p.Usage, p.Mode) { // a refusal by the terminal would come after the key was seen on the line
		return Plan{}, fault.New(fault.NotPermitted, "slot %s takes no key of usage %s, mode %c", string(p.Slot), p.Usage, p.Mode)
	}
	return p, nil
}

func modeFor(fit []device.SlotRule, usage keys.Usage, otherwise byte) byte {
	for _, rule := range fit {
		if rule.Usage == usage {
			return rule.Modes[0]
		}
	}
	return otherwise
}

func takes(fit []device.SlotRule, usage keys.Usage, mode byte) bool {
	for _, rule := range fit {
		if rule.Usage == usage && strings.IndexByte(rule.Modes, mode) >= 0 {
			return true
		}
	}
	return false
}

func defaultUsage(fit []device.SlotRule) keys.Usage {
	for _, rule := range fit {
		if rule.Usage == keys.UsageKEK {
			return keys.UsageKEK
		}
	}
	return fit[0].Usage
}
