package emulator

// Offering a key, and storing it.

import (
	"slices"
	"time"

	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/dukpt"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// Offer is a key that a loader hands over: exactly one of Clear, Block and Cryptogram is set.
type Offer struct {
	Slot       device.Slot
	Clear      *keys.Key // becomes the terminal's, whatever comes of it
	Block      string    // names usage, mode and KSN itself
	Cryptogram []byte    // ECB, under the key in slot KEK
	Algorithm  keys.Algorithm
	Usage      keys.Usage
	Mode       byte
	Initial    bool        // a DUKPT initial key; said by the slot, too, where the layout has slots for them
	KSN        dukpt.KSN   // of an initial key, not for Block
	KEK        device.Slot // "": that of the layout
	Check      string      // check value that the loader gives, in hex, compared as long as it is; "": none
	KEKCheck   string
	WantEmpty  bool // refuse a slot that holds a key
	Expires    time.Time
}

// Pending is a key that was found good and waits for the loader's commit. Commit or Drop it.
type Pending struct {
	t     *Terminal
	offer Offer
	entry *entry
	ksn   dukpt.KSN
	boots uint64 // a key from before a tamper or restart is not stored any more
}

// Loaded is what a commit stored.
type Loaded struct {
	Slot  device.Slot
	State device.SlotState // State.Check is what the terminal tells, faults included
	Check kcv.Value        // of what was really stored
}

// Offer looks at a key and holds it ready; nothing is stored yet.
func (t *Terminal) Offer(o Offer) (*Pending, Refusal) {
	t.mu.Lock()
	p, why := t.look(o)
	t.mu.Unlock()
	if why != Accepted {
		o.Clear.Wipe()
		return nil, why
	}
	t.report(p.event(Staged))
	return p, Accepted
}

func (p *Pending) event(kind EventKind) Event {
	return Event{Kind: kind, Slot: p.offer.Slot, Usage: p.entry.usage, Mode: p.entry.mode, Length: p.entry.key.Len(),
		Clear: p.offer.Clear != nil, KSN: p.ksn.String()}
}

// look opens what was offered and holds it against the rules. The lock is held.
func (t *Terminal) look(o Offer) (*Pending, Refusal) {
	if why := t.admits(o.Slot, o.Clear != nil); why != Accepted {
		return nil, why
	}
	if o.WantEmpty && t.holds(o.Slot) {
		return nil, RefusedOccupied
	}
	if slices.Contains(t.layout.Initial, o.Slot) || len(t.layout.Initial) == 0 && o.Usage == keys.UsageIK {
		o.Initial = true
	}
	p := &Pending{t: t, offer: o, boots: t.boots}
	kek, why := t.open(p)
	if why != Accepted {
		return nil, why
	}
	if why := t.judge(p, kek); why != Accepted {
		if o.Clear == nil {
			p.entry.key.Wipe()
		}
		return nil, why
	}
	return p, Accepted
}

func (t *Terminal) holds(slot device.Slot) bool {
	_, key := t.s.slots[slot]
	_, engine := t.s.engines[slot]
	return key || engine
}

// Commit stores the key. It is on disk when Commit returns.
func (p *Pending) Commit() (Loaded, Refusal) {
	if p == nil || p.entry == nil {
		return Loaded{}, RefusedForm
	}
	t := p.t
	t.mu.Lock()
	l, e, why := t.commit(p)
	p.entry = nil
	t.mu.Unlock()
	if why != Accepted {
		return Loaded{}, why
	}
	t.say(e)
	return l, Accepted
}

// stillTakes says why a key that was found good is not to be stored now. The lock is held.
func (t *Terminal) stillTakes(p *Pending) Refusal {
	switch why := t.ready(); {
	case why != Accepted:
		return why
	case t.boots != p.boots:
		return RefusedBusy
	case p.offer.Clear != nil && !t.injecting():
		return RefusedNotInject
	}
	return Accepted
}

func (t *Terminal) commit(p *Pending) (Loaded, Event, Refusal) {
	e := p.event(Stored)
	if why := t.stillTakes(p); why != Accepted {
		p.entry.key.Wipe()
		return Loaded{}, e, why
	}
	slot := p.offer.Slot
	t.spoil(p.entry)
	check, err := checkOf(p.entry.key)
	if err != nil {
		p.entry.key.Wipe()
		return Loaded{}, e, RefusedForm
	}
	e.Check = check
	var dev *engine
	if p.offer.Initial {
		if dev, err = t.newEngine(p.entry, p.ksn, check); err != nil {
			return Loaded{}, e, RefusedKSN
		}
	}
	first := p.offer.Clear != nil && !p.offer.Initial && t.inject.fresh
	if why := t.change(func() { t.place(p, slot, dev, first, &e) }); why != Accepted {
		return Loaded{}, e, why
	}
	if first {
		t.inject.fresh = false
	}
	t.last, t.loaded = Accepted, true
	l := Loaded{Slot: slot, State: t.slotReport(slot).SlotState, Check: check}
	if bad, on := t.faults.value(FlashCorrupt); on && bad == string(slot) {
		t.corrupt(slot)
	}
	return l, e, Accepted
}

// place puts the key where it belongs. The first clear master key after the passwords erases all others: from then on
// nobody knows which of them belong together.
func (t *Terminal) place(p *Pending, slot device.Slot, dev *engine, first bool, e *Event) {
	if first {
		t.s.slots = nil
	}
	if dev != nil {
		t.s.putEngine(slot, dev)
		t.s.spend(p.ksn.String())
	} else {
		t.s.put(slot, p.entry)
	}
	t.s.loads++
	*e = t.note(*e)
}

// spoil changes the key as the faults of a bad memory say.
func (t *Terminal) spoil(e *entry) {
	b := e.key.Secret().Expose()
	if t.faults.on(ParityChanged) {
		for i := range b {
			b[i] ^= 1
		}
	}
	if len(b) < 16 {
		return
	}
	if t.faults.on(HalvesSwapped) {
		var half [8]byte
		copy(half[:], b)
		copy(b, b[8:16])
		copy(b[8:16], half[:])
		secret.Wipe(half[:])
	}
	if t.faults.on(SingleDES) {
		for at := 8; at+8 <= len(b); at += 8 {
			copy(b[at:at+8], b[:8])
		}
	}
}

// Drop forgets the key. After Commit, and on nil, it does nothing.
func (p *Pending) Drop() {
	if p == nil || p.entry == nil {
		return
	}
	p.entry.key.Wipe()
	p.entry = nil
}
