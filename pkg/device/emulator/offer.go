package emulator

import (
	"context"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"poskey/internal/cipherx"
	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/dukpt"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// Port is a dialect at the terminal's line. It reads frames and answers them; what a key may do is the terminal's
// business. Visa("") is the one of Config's zero value.
type Port interface {
	// Dialect is the name in URIs.
	Dialect() string
	// Layout says which slots the terminal has when it speaks this dialect.
	Layout() Layout
	// Serve answers until the line or ctx ends. io.EOF and ErrCut are ordinary ends.
	Serve(ctx context.Context, w *Wire) error
}

// Layout says which slots there are and what may stand in them.
type Layout struct {
	Rules   []device.SlotRule // which keys stand where; a key that no row takes is refused
	Initial []device.Slot     // of DUKPT engines of their own; none: any slot takes an initial key
	KEK     device.Slot       // of the key that key blocks are under
	// Known says which slots exist. Takes says what is wrong with a key for a slot; nil goes by Rules.
	Known func(device.Slot) bool
	Takes func(slot device.Slot, usage keys.Usage, mode byte, alg keys.Algorithm) Refusal
	// Blocks gives the lengths of key blocks of a version, of initial keys or of others; nil takes all.
	Blocks        func(version byte, initial bool) []int
	KeyVersion    string // of key blocks; "" takes any
	Exportability byte   // of key blocks; 0 takes any
	OneKSN        bool   // an initial key is refused even when it comes again into its slot before its first use
	Capacity      int    // keys that the terminal has memory for; 0 is without end
}

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

// Ready tells why the terminal takes no keys now: RefusedTampered, RefusedLocked, or Accepted.
func (t *Terminal) Ready() Refusal {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ready()
}

func (t *Terminal) ready() Refusal {
	t.liftBars()
	switch {
	case t.closed:
		return RefusedStorage
	case t.s.tamper.Tripped:
		return RefusedTampered
	}
	for _, l := range t.s.locks {
		switch l.Kind {
		case device.LockSignIn, device.LockPINRate: // keys are what helps, or have nothing to do with it
		case device.LockDualAdmin: // it bars the key inject mode
		default:
			return RefusedLocked
		}
	}
	return Accepted
}

// Admits says, before the key is looked at, why the terminal does not take one for a slot.
func (t *Terminal) Admits(slot device.Slot, clear bool) Refusal {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.admits(slot, clear)
}

func (t *Terminal) admits(slot device.Slot, clear bool) Refusal {
	switch why := t.ready(); {
	case why != Accepted:
		return why
	case t.layout.Known != nil && !t.layout.Known(slot):
		return RefusedSlot
	case clear && !t.injecting():
		return RefusedNotInject
	case t.cfg.MaxLoads > 0 && t.s.loads >= t.cfg.MaxLoads:
		return RefusedLimit
	}
	return t.room(slot)
}

// room says whether there is memory for a key in a slot.
func (t *Terminal) room(slot device.Slot) Refusal {
	if _, full := t.faults.value(FullSlots); full {
		return RefusedFull
	}
	_, there := t.s.slots[slot]
	_, engine := t.s.engines[slot]
	held := len(t.s.slots) + len(t.s.engines)
	if t.layout.Capacity > 0 && held >= t.layout.Capacity && !there && !engine {
		return RefusedFull
	}
	return Accepted
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

// open gets at the key. It gives the key that protected it.
func (t *Terminal) open(p *Pending) (kek *entry, why Refusal) {
	o := &p.offer
	if o.Clear != nil {
		p.entry = &entry{key: o.Clear, alg: o.Clear.Algorithm(), usage: o.Usage, mode: o.Mode}
		p.ksn = o.KSN
		return nil, Accepted
	}
	if o.Block == "" {
		if kek, why = t.kek(o.KEK, o.KEKCheck); why != Accepted {
			return nil, why
		}
		p.entry, why = openCryptogram(o, kek.key)
		p.ksn = o.KSN
		return kek, why
	}
	block, why := t.layout.parse(o.Block, o.Initial)
	if why != Accepted {
		return nil, why
	}
	if kek, why = t.kek(o.KEK, o.KEKCheck); why != Accepted {
		return nil, why
	}
	if p.entry, why = openBlock(block, kek.key); why != Accepted {
		return nil, why
	}
	if o.Initial {
		if p.ksn, why = ksnOf(block); why != Accepted {
			p.entry.key.Wipe()
		}
	}
	return kek, why
}

// kek gives the key in a slot that protects others.
func (t *Terminal) kek(slot device.Slot, check string) (*entry, Refusal) {
	if slot == "" {
		slot = t.layout.KEK
	}
	if t.layout.Known != nil && !t.layout.Known(slot) {
		return nil, RefusedKEKSlot
	}
	e, ok := t.s.slots[slot]
	switch {
	case !ok:
		return nil, RefusedNoKEK
	case e.key == nil:
		return nil, RefusedKEKBroken
	case e.usage != keys.UsageKEK && e.usage != keys.UsageKBPK:
		return nil, RefusedKEKUsage
	case t.expired(slot, e):
		return nil, RefusedExpired
	case !checks(e.key, check):
		return nil, RefusedKEKCheck
	}
	return e, Accepted
}

// expired goes by the terminal's own clock.
func (t *Terminal) expired(slot device.Slot, e *entry) bool {
	if at, on := t.faults.value(ExpiredKey); on && (at == string(slot) || at == "" && slot == t.layout.KEK) {
		return true
	}
	return !e.expires.IsZero() && !t.now().Before(e.expires)
}

// checks compares a check value as far as it goes.
func checks(k *keys.Key, want string) bool {
	if want == "" {
		return true
	}
	full, err := kcv.Compute(k.Algorithm(), k.Secret().Expose(), kcv.Default(k.Algorithm()))
	return err == nil && strings.HasPrefix(strings.ToUpper(hex.EncodeToString(full)), strings.ToUpper(want))
}

func openCryptogram(o *Offer, kek *keys.Key) (*entry, Refusal) {
	c, err := kek.Cipher()
	if err != nil || len(o.Cryptogram) == 0 || len(o.Cryptogram)%c.BlockSize() != 0 {
		return nil, RefusedDecryption
	}
	clear := secret.New(len(o.Cryptogram))
	cipherx.ECBDecrypt(c, clear.Expose(), o.Cryptogram)
	key, err := keys.New(o.Algorithm, clear)
	if err != nil {
		clear.Wipe()
		return nil, RefusedLength
	}
	return &entry{key: key, alg: key.Algorithm(), usage: o.Usage, mode: o.Mode}, Accepted
}

// parse reads a key block as far as that goes without its key.
func (l *Layout) parse(text string, initial bool) (*keyblock.Block, Refusal) {
	block, err := keyblock.Parse(text)
	switch {
	case fault.Is(err, fault.VersionUnsupported):
		return nil, RefusedVersion
	case err != nil:
		return nil, RefusedBlockForm
	}
	if l.Blocks != nil {
		lengths := l.Blocks(block.Version, initial)
		if len(lengths) == 0 {
			return nil, RefusedVersion
		}
		if !slices.Contains(lengths, block.Len()) {
			return nil, RefusedBlockForm
		}
	}
	if l.KeyVersion != "" && block.KeyVersion != l.KeyVersion ||
		l.Exportability != 0 && block.Exportability != l.Exportability {
		return nil, RefusedBlockForm
	}
	return block, Accepted
}

// openBlock opens a key block. It is the one place of the emulator that knows pkg/keyblock's flow.
func openBlock(block *keyblock.Block, kek *keys.Key) (*entry, Refusal) {
	p, err := keyblock.NewProtector(block.Version, kek)
	if err != nil {
		return nil, RefusedNoKEK
	}
	opened, err := p.Unwrap(block)
	switch {
	case fault.Is(err, fault.MACMismatch), fault.Is(err, fault.KBPKWrong):
		return nil, RefusedMAC
	case err != nil:
		return nil, RefusedDecryption
	}
	if keyblock.AlgorithmChar(opened.Key.Algorithm()) != block.Algorithm {
		opened.Wipe() // the header says DES or TDES, the key inside has another length
		return nil, RefusedAlgorithm
	}
	return &entry{key: opened.Key, alg: opened.Key.Algorithm(), usage: block.Usage, mode: block.Mode}, Accepted
}

// ksnOf reads optional block KS, or IK of an AES key.
func ksnOf(block *keyblock.Block) (dukpt.KSN, Refusal) {
	digits, ok := block.Opt("KS")
	if !ok {
		if digits, ok = block.Opt("IK"); ok {
			digits += "00000000"
		}
	}
	ksn, err := dukpt.ParseKSN(digits)
	if !ok || err != nil {
		return dukpt.KSN{}, RefusedKSN
	}
	return ksn, Accepted
}

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
	if why := t.change(func() { t.place(p, slot, dev, &e) }); why != Accepted {
		return Loaded{}, e, why
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
func (t *Terminal) place(p *Pending, slot device.Slot, dev *engine, e *Event) {
	if p.offer.Clear != nil && !p.offer.Initial && t.inject.fresh {
		t.s.slots = nil
		t.inject.fresh = false
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

// State tells what a slot holds, master key or DUKPT engine, as a driver would be told.
func (t *Terminal) State(slot device.Slot) device.SlotReport {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.slotReport(slot)
}

func (t *Terminal) slotReport(slot device.Slot) device.SlotReport {
	out := device.SlotReport{Slot: slot}
	if e, ok := t.s.slots[slot]; ok {
		out.SlotState = device.SlotState{Loaded: true, HasAttributes: true, Usage: e.usage, Mode: e.mode,
			Algorithm: e.algorithm()}
		out.Damaged, out.Expires = e.key == nil, e.expires
		if e.key != nil {
			out.Check = t.tell(e)
		}
	}
	if e, ok := t.s.engines[slot]; ok {
		out.SlotState = device.SlotState{Loaded: true, HasAttributes: true, Usage: keys.UsageIK, Mode: 'X',
			Algorithm: keyblock.AlgorithmChar(e.alg), Check: e.check}
		out.Damaged = e.dev == nil
		if state, err := e.state(); err == nil {
			out.KSN = state.KSN.String()
		}
	}
	return out
}

// tell gives the check value of a key as the terminal says it: by another method, or longer or shorter, where that is
// ordered.
func (t *Terminal) tell(e *entry) kcv.Value {
	method, digits := kcv.Default(e.alg), 0
	if order, on := t.faults.value(KCVMethod); on {
		name, length, _ := strings.Cut(order, "/")
		if name == kcvEcho {
			return kcv.Value{Method: method, Digits: e.told}
		}
		if m, err := kcv.ParseMethod(name); err == nil {
			method = m
		}
		digits = number(length)
	}
	value, err := kcv.Of(e.alg, e.key.Secret().Expose(), method, digits)
	if err != nil {
		value, _ = checkOf(e.key) // the method is not for this algorithm
	}
	return value
}

// KEK tells the check value of a key that protects others, or why there is none.
func (t *Terminal) KEK(slot device.Slot) (kcv.Value, Refusal) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e, why := t.kek(slot, "")
	if why != Accepted {
		return kcv.Value{}, why
	}
	v, err := checkOf(e.key)
	if err != nil {
		return kcv.Value{}, RefusedKEKBroken
	}
	return v, Accepted
}

// Erase empties a slot. RefusedEmpty where it holds nothing.
func (t *Terminal) Erase(slot device.Slot) Refusal {
	t.mu.Lock()
	if !t.holds(slot) {
		t.mu.Unlock()
		return RefusedEmpty
	}
	e := Event{Kind: Erased, Slot: slot}
	why := t.change(func() {
		delete(t.s.slots, slot)
		delete(t.s.engines, slot)
		e = t.note(e)
	})
	t.mu.Unlock()
	if why == Accepted {
		t.say(e)
	}
	return why
}

// EraseAll empties every slot and engine.
func (t *Terminal) EraseAll() Refusal {
	t.mu.Lock()
	e := Event{Kind: Erased}
	why := t.change(func() {
		t.s.slots, t.s.engines = nil, nil
		e = t.note(e)
	})
	t.mu.Unlock()
	if why == Accepted {
		t.say(e)
	}
	return why
}

// Serial is the serial number, "" where none was set.
func (t *Terminal) Serial() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.s.serial
}

// SetSerial stores a serial number; what form it has is the port's business. Approvals asked for under the old one
// count no more.
func (t *Terminal) SetSerial(serial string) Refusal {
	t.mu.Lock()
	e := Event{Kind: Renamed, Detail: serial}
	why := t.change(func() {
		t.s.serial = serial
		e = t.note(e)
	})
	if why == Accepted {
		t.book = nil
	}
	t.mu.Unlock()
	if why == Accepted {
		t.say(e)
	}
	return why
}
