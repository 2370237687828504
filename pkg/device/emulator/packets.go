package emulator

import (
	"strings"

	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/device/visa/table"
	"poskey/pkg/keys"
)

// reply is what the terminal has to say to a frame. Without a body it is EOT.
type reply struct {
	ignore bool // nothing at all
	body   []byte
	slot   device.Slot
	commit func() // what the host's ACK sets off
	staged *keys.Key
}

// wipe destroys the answer, and the key if nothing came of it.
func (r *reply) wipe() {
	secret.Wipe(r.body)
	r.staged.Wipe()
}

// answer decides about a frame's body.
func (t *Terminal) answer(body []byte) *reply {
	if len(body) < 2 {
		return &reply{ignore: true}
	}
	switch string(body[:2]) {
	case table.AskSlot:
		return t.ask(body[2:])
	case table.LoadKey:
		return t.load(body)
	}
	return &reply{ignore: true}
}

// ask answers 04 slot [1].
func (t *Terminal) ask(data []byte) *reply {
	attributes := len(data) == 2 && data[1] == '1'
	if len(data) != 1 && !attributes || strings.IndexByte(table.AskSlots, data[0]) < 0 {
		return t.end("")
	}
	slot := device.Slot(data[:1])
	body := []byte(table.AskSlot + "0")
	if s := t.vault.state(slot); s.Loaded {
		body[2] = 'F'
		if attributes {
			body = append(append(body, s.Usage...), table.FS, s.Mode, table.FS, s.Algorithm)
		}
	}
	t.report(Event{Kind: Asked, Slot: slot})
	return &reply{body: body, slot: slot}
}

// end is the answer to a frame that cannot be taken.
func (t *Terminal) end(slot device.Slot) *reply {
	t.report(Event{Kind: Refused, Slot: slot, Code: "EOT"})
	return &reply{slot: slot}
}

func (t *Terminal) refuse(slot device.Slot, code string) *reply {
	t.report(Event{Kind: Refused, Slot: slot, Code: code})
	return &reply{body: []byte(table.LoadKey + "?" + code), slot: slot}
}

// load answers 02 slot key: the echo of the frame, or the code against it. A longer text than that of a clear key can
// only be a key block.
func (t *Terminal) load(body []byte) *reply {
	if len(body) < 4 || strings.IndexByte(table.AllSlots, body[2]) < 0 {
		return t.end("")
	}
	slot, data := device.Slot(body[2:3]), body[3:]
	isBlock := len(data) > maxClear
	if !isBlock && t.cfg.InjectModeOff {
		return t.end(slot)
	}
	if t.vault.full() {
		return t.refuse(slot, table.LimitReached)
	}
	s, code := t.read(data, isBlock)
	if code != "" {
		return t.refuse(slot, code)
	}
	if code := t.vault.admit(slot, s, isBlock); code != "" {
		s.key.Wipe()
		return t.refuse(slot, code)
	}
	return t.stage(slot, s, !isBlock, body)
}

// maxClear is the longest clear form: 48 digits and FS usage(2) mode.
const maxClear = 48 + 4

func (t *Terminal) read(data []byte, isBlock bool) (s stored, code string) {
	if !isBlock {
		return readClear(data)
	}
	klk, err := t.vault.klk()
	if err != nil {
		return stored{}, table.NoKLK
	}
	defer klk.Wipe()
	return openBlock(string(data), klk)
}

// readClear reads key(32|48 hex) [FS usage(2) mode].
func readClear(data []byte) (s stored, code string) {
	s = stored{usage: table.DefaultUsage, mode: table.DefaultMode}
	digits := data
	if at := len(data) - 4; at > 0 && data[at] == table.FS {
		digits, s.usage, s.mode = data[:at], keys.Usage(data[at+1:at+3]), data[at+3]
	}
	if len(digits) != 32 && len(digits) != 48 {
		return stored{}, table.Unreadable
	}
	sec := secret.New(len(digits) / 2)
	for i, c := range digits {
		v := strings.IndexByte("0123456789ABCDEF", c)
		if v < 0 {
			sec.Wipe()
			return stored{}, table.Unreadable
		}
		sec.Expose()[i/2] = sec.Expose()[i/2]<<4 | byte(v)
	}
	key, err := keys.New(keys.TDES128.ForLength(sec.Len()), sec)
	if err != nil {
		return stored{}, table.Unreadable
	}
	s.key = key
	return s, ""
}

// stage holds a good key ready for the commit and answers with the echo.
func (t *Terminal) stage(slot device.Slot, s stored, clear bool, body []byte) *reply {
	e := Event{Kind: Staged, Slot: slot, Usage: s.usage, Mode: s.mode, Length: s.key.Len(), Clear: clear}
	t.report(e)
	r := &reply{body: append([]byte(nil), body...), slot: slot, staged: s.key}
	r.commit = func() {
		t.vault.put(slot, s)
		r.staged = nil // it is the vault's now
		e.Kind = Stored
		e.Check, _ = t.vault.check(slot)
		t.report(e)
	}
	return r
}
