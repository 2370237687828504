package emulator

// The rules that an opened key is held against.

import (
	"slices"
	"strings"

	"poskey/pkg/device"
	"poskey/pkg/dukpt"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// judge holds the opened key against the rules.
func (t *Terminal) judge(p *Pending, kek *entry) Refusal {
	o, e := &p.offer, p.entry
	e.expires, e.told = o.Expires, o.Check
	if !o.Initial {
		if why := t.suits(o.Slot, e, kek); why != Accepted {
			return why
		}
	} else if why := t.suitsInitial(p, kek); why != Accepted {
		return why
	}
	if !checks(e.key, o.Check) {
		return RefusedCheck
	}
	if !e.expires.IsZero() && !t.now().Before(e.expires) {
		return RefusedExpired
	}
	return Accepted
}

func (t *Terminal) suitsInitial(p *Pending, kek *entry) Refusal {
	e, ksn := p.entry, p.ksn
	switch {
	case len(t.layout.Initial) > 0 && !slices.Contains(t.layout.Initial, p.offer.Slot):
		return RefusedSlot
	case e.usage != keys.UsageIK:
		return RefusedUsage
	case e.mode != 'X':
		return RefusedMode
	case ksn.IsZero() || ksn.Counter() != 0:
		return RefusedKSN
	case (ksn.Scheme() == dukpt.AES) != e.alg.IsAES():
		return RefusedAlgorithm
	case ksn.Scheme() == dukpt.TDES && e.alg != keys.TDES128:
		return RefusedLength
	case kek != nil && longer(e.key, kek.key):
		return RefusedTooLong
	case slices.Contains(t.s.spent, ksn.String()) && (t.layout.OneKSN || !t.isAgain(p)):
		return RefusedKSNUsed
	case t.hasElsewhere(p.offer.Slot, e.key, true):
		return RefusedDuplicate
	}
	return Accepted
}

// isAgain tells whether an initial key is the one that its slot holds, and was never used: the host did not hear the
// answer. Any other key with a KSN that was loaded before would count from the start again. The lock is held.
func (t *Terminal) isAgain(p *Pending) bool {
	has, ok := t.s.engines[p.offer.Slot]
	if !ok {
		return false
	}
	now, err := has.state()
	if err != nil {
		return false
	}
	fresh, err := p.ksn.WithCounter(1)
	if err != nil || now.KSN != fresh {
		return false
	}
	full, err := kcv.Compute(p.entry.alg, p.entry.key.Secret().Expose(), kcv.Default(p.entry.alg))
	return err == nil && slices.Equal(has.mark, t.marked(p.entry.alg, full))
}

// fits looks a key up in the table of slots.
func (l *Layout) fits(slot device.Slot, e *entry, length int) Refusal {
	if l.Takes != nil {
		return l.Takes(slot, e.usage, e.mode, e.alg)
	}
	for _, r := range l.Rules {
		if r.Has(slot) && r.Usage == e.usage &&
			strings.IndexByte(r.Modes, e.mode) >= 0 && strings.IndexByte(r.Algorithms, e.algorithm()) >= 0 &&
			slices.Contains(r.Lengths, length) {
			return Accepted
		}
	}
	return RefusedUsage
}

// suits says why a key may not stand in a slot. kek is the key that protected it, if any did.
func (t *Terminal) suits(slot device.Slot, e *entry, kek *entry) Refusal {
	if why := t.layout.fits(slot, e, e.key.Len()); why != Accepted {
		return why
	}
	if kek != nil && longer(e.key, kek.key) {
		return RefusedTooLong
	}
	if t.hasElsewhere(slot, e.key, false) {
		return RefusedDuplicate
	}
	return Accepted
}

// longer reports whether a key is stronger than the one that protects it.
func longer(key, kek *keys.Key) bool {
	if key.Algorithm().IsDES() && kek.Algorithm().IsDES() {
		return key.Len() > kek.Len()
	}
	return key.Strength() > kek.Strength()
}

// hasElsewhere looks for the same key in other slots. Initial keys may be equal to each other.
func (t *Terminal) hasElsewhere(slot device.Slot, key *keys.Key, initial bool) bool {
	found := false
	for at, s := range t.s.slots {
		if at != slot && s.key != nil && s.key.Secret().Equal(key.Secret()) {
			found = true
		}
	}
	if initial || len(t.s.engines) == 0 {
		return found
	}
	full, err := kcv.Compute(key.Algorithm(), key.Secret().Expose(), kcv.Default(key.Algorithm()))
	mark := t.marked(key.Algorithm(), full)
	for at, e := range t.s.engines {
		if err == nil && at != slot && slices.Equal(e.mark, mark) {
			found = true
		}
	}
	return found
}
