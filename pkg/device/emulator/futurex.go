package emulator

import (
	"context"
	"strconv"

	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/device/futurex/table"
	"poskey/pkg/keys"
)

// futurexPort is the dialect of the key loader's frames: one asks, one answers, nothing is acknowledged. See Futurex.
type futurexPort struct {
	hex    bool // slot numbers are read as hex
	fields bool // the inject command has the dialect's fields
}

// Futurex is the port that speaks the futurex dialect. Slots and profile are device.SlotsHex and device.ProfileDialect,
// or the defaults. It reads the protocol on its own, from the tables.
//
// What is documented of the dialect are its layouts and the names of its codes; when a terminal gives which code is
// decided here. A command is looked at in this order, and the first thing that is wrong is the answer:
//
//	08  the LRC is wrong                    01  an unknown command, the legacy ones too: they have no documented answer
//	03  the length                          04  a character that its field does not take
//	02  another version than 01             07 06  tampered; locked
//	0C 0D  no such slot, or KTK slot        10 11  type, encryption type
//	19 18 15  algorithm, subtype (dialect), length of the key
//	14  the KSN of an initial key, which has its counter at zero; AES ones have no room for theirs
//	0E  the key in the KTK slot is no KTK
//	06  a clear key outside the key inject mode, or more loads than the terminal allows
//	09 0F  the slot holds this key, by its check value, or another one: delete it first
//	0E 13 1C 15  the KTK is missing; its check value; decryption
//	16 0A 09  the KTK is shorter than the key; the KSN was loaded before; the same key is in another slot
//	12  the check value of the key
//	05 07  while it was stored: the terminal restarted or its memory failed; it was tampered with
//
// 17, 1A, 1B, 1D and 2A are never given: there are no key blocks here, no modes of use and no brands.
//
// The check value of the answer is computed from what was stored. Deleting (05, 06) wants the key inject mode too:
// whoever reaches the line could delete keys otherwise.
//
// Faults of other dialects mean here: lost-ack, the answer to what changed something is not sent; nak-first-2, code 08
// twice; wrong-echo, one digit of the check value is changed; disconnect-before-echo, before the key is stored;
// kcv-method=echo, the check value is sent back as it came, and never looked at; slot-as-hex, slot numbers are read as
// hex. drop-ack, no-eot and joined-writes mean nothing.
func Futurex(slots, profile string) Port {
	return &futurexPort{hex: slots == device.SlotsHex, fields: profile == device.ProfileDialect}
}

// name writes the URI of a terminal at an address, with what a loader must be told to talk to it.
func (t *Terminal) name(u device.URI) string {
	u.Dialect = t.Dialect()
	switch p := t.cfg.Port.(type) {
	case *futurexPort:
		if p.hex {
			u.Slots = device.SlotsHex
		}
		if p.fields {
			u.Profile = device.ProfileDialect
		}
	case *visaPort:
		if p.profile != device.ProfileUIC { // which goes without saying
			u.Profile = p.profile
		}
	}
	return u.String()
}

func (p *futurexPort) Dialect() string { return table.Dialect }

// Layout: any slot takes any type of key. Key blocks are not taken at this line.
func (p *futurexPort) Layout() Layout {
	return Layout{
		Known:  p.known,
		Takes:  p.takes,
		Blocks: func(byte, bool) []int { return nil },
		OneKSN: true,
	}
}

// known takes the number of a slot in decimal, of two digits or more.
func (p *futurexPort) known(slot device.Slot) bool {
	n, err := strconv.Atoi(string(slot))
	return err == nil && n >= 0 && n <= p.lastSlot() && futurexSlot(n) == slot
}

func (p *futurexPort) lastSlot() int {
	if p.hex {
		return 0xFF
	}
	return 99
}

func futurexSlot(n int) device.Slot {
	if n < 10 {
		return device.Slot("0" + strconv.Itoa(n))
	}
	return device.Slot(strconv.Itoa(n))
}

// takes looks for a type that such a key could have come under.
func (p *futurexPort) takes(_ device.Slot, usage keys.Usage, mode byte, alg keys.Algorithm) Refusal {
	if !alg.IsDES() && !alg.IsAES() {
		return RefusedAlgorithm
	}
	for _, typ := range table.TypeCodes() {
		if u, m, ok := futurexUse(typ, alg); ok && u == usage && m == mode {
			return Accepted
		}
	}
	return RefusedUsage
}

// futurexUse says what a key of a type is for.
func futurexUse(typ string, alg keys.Algorithm) (usage keys.Usage, mode byte, ok bool) {
	switch typ {
	case table.Master, table.MasterToo:
		return keys.UsageKEK, 'D', true
	case table.KTK:
		return keys.UsageKEK, 'N', true
	case table.PIN:
		return keys.UsagePIN, 'E', true
	case table.Data:
		return keys.UsageData, 'E', true
	case table.MAC:
		switch {
		case alg.IsAES():
			return keys.UsageCMAC, 'G', true
		case alg == keys.DES:
			return keys.UsageMAC1, 'G', true
		}
		return keys.UsageRetail, 'G', true
	case table.TDESInitial, table.TestInitial:
		return keys.UsageIK, 'X', alg.IsDES()
	case table.AESInitial:
		return keys.UsageIK, 'X', alg.IsAES()
	case table.TDESBase:
		return keys.UsageBDK, 'X', alg.IsDES()
	case table.AESBase:
		return keys.UsageBDK, 'X', alg.IsAES()
	}
	return "", 0, false
}

// futurexCode is the reply code for a refusal.
func futurexCode(why Refusal) string {
	switch why {
	case Accepted:
		return table.Done
	case RefusedTampered:
		return table.Tampered
	case RefusedLocked, RefusedNotInject, RefusedLimit:
		return table.NotInjecting
	case RefusedSlot, RefusedFull:
		return table.SlotWrong
	case RefusedOccupied:
		return table.SlotNotEmpty
	case RefusedForm:
		return table.Characters
	case RefusedLength:
		return table.KeyLength
	case RefusedAlgorithm:
		return table.AlgorithmWrong
	case RefusedUsage:
		return table.TypeWrong
	case RefusedMode:
		return table.ModeWrong
	case RefusedDuplicate:
		return table.KeyPresent
	case RefusedCheck:
		return table.CheckWrong
	case RefusedKSN:
		return table.KSNWrong
	case RefusedKSNUsed:
		return table.KSNUsed
	case RefusedBlockForm:
		return table.FormatWrong
	case RefusedVersion:
		return table.BlockVersion
	case RefusedMAC:
		return table.MACWrong
	case RefusedDecryption:
		return table.Undecrypted
	case RefusedNoKEK, RefusedKEKUsage, RefusedKEKBroken, RefusedExpired:
		return table.KTKMissing
	case RefusedKEKSlot:
		return table.KTKSlotWrong
	case RefusedKEKCheck:
		return table.KTKCheckWrong
	case RefusedTooLong:
		return table.KTKLength
	case RefusedEmpty, RefusedDamaged:
		return table.DeleteFailed
	}
	return table.Busy // busy, storage: not now
}

// Serve answers frame after frame.
func (p *futurexPort) Serve(ctx context.Context, w *Wire) error {
	s := &futurexLine{futurexPort: *p, t: w.Terminal(), w: w}
	if _, on := w.Ordered(SlotAsHex); on {
		s.hex = true
	}
	defer s.strip.wipe()
	for {
		f := s.strip.next()
		if f.state == stripEmpty {
			chunk, err := w.Read(ctx, nil)
			if err != nil {
				return err
			}
			s.strip.push(chunk)
			secret.Wipe(chunk)
			continue
		}
		err := s.exchange(ctx, f)
		secret.Wipe(f.payload)
		if err != nil {
			return err
		}
	}
}

// futurexLine is one line that is served.
type futurexLine struct {
	futurexPort
	t       *Terminal
	w       *Wire
	strip   strip
	late    int    // commands called damaged since the last one that was taken, for nak-first-2
	spoilt  string // the last answer that was sent with a wrong LRC, for bad-lrc
	lastKTK device.Slot
}

// exchange deals with one frame.
func (s *futurexLine) exchange(ctx context.Context, f stripFrame) error {
	if f.state == stripDamaged {
		s.t.Report(Event{Kind: Damaged})
		if len(f.payload) < 2 {
			return nil // nobody knows what it was
		}
		return s.say(futurexReply(string(f.payload[:2]), table.LRCWrong))
	}
	if text := string(f.payload); text == table.Poll || text == table.PollAnswer {
		if text == table.Poll {
			return s.say(table.PollAnswer)
		}
		return nil
	}
	if len(f.payload) < 2 {
		s.t.Report(Event{Kind: Ignored})
		return nil
	}
	command := string(f.payload[:2])
	if _, on := s.w.Ordered(NAKFirst2); on && s.late < 2 {
		s.late++
		s.w.Misbehaves(NAKFirst2)
		return s.say(futurexReply(command, table.LRCWrong))
	}
	s.late = 0
	if err := s.w.Begin(ctx); err != nil {
		return err
	}
	s.t.StillInjecting(command == table.Inject)
	return s.obey(command, f.payload[2:])
}

// futurexReply is an answer without anything but its code; that to an inject command has a check value of zeros.
func futurexReply(command, code string) string {
	if command == table.Inject {
		return command + code + table.NoCheck
	}
	return command + code
}

// refuse answers with a code, and says why.
func (s *futurexLine) refuse(command string, slot device.Slot, code string, why Refusal) error {
	s.t.Report(Event{Kind: Refused, Slot: slot, Code: code, Reason: why})
	return s.say(futurexReply(command, code))
}

// say sends an answer, with what is to be wrong about it.
func (s *futurexLine) say(payload string) error {
	wire := stripped(payload)
	if s.spoilt != payload && s.w.Misbehaves(BadLRC) {
		s.spoilt = payload
		wire[len(wire)-1] ^= 0x55
	} else {
		s.spoilt = ""
	}
	s.w.Misbehaves(SplitWrites) // the wire does it
	return s.w.Write(wire)
}
