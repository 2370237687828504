package emulator

import (
	"strings"

	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/device/visa/table"
	"poskey/pkg/keys"
)

// reply is what the terminal has to say to a frame. Without a body it is the control bytes.
type reply struct {
	ignore  bool // nothing at all
	start   byte // of the frame: SI or STX
	body    []byte
	control []byte
	slot    device.Slot
	commit  func() Refusal // what the host's ACK sets off
	drop    func()         // forgets what was not committed
	stored  bool           // something was stored before the answer
}

// wipe destroys the answer, and the key if nothing came of it.
func (r *reply) wipe() {
	secret.Wipe(r.body)
	if r.drop != nil {
		r.drop()
	}
}

func (r *reply) pack(body []byte) []byte {
	if r.start == table.STX {
		return packed(table.STX, table.ETX, body)
	}
	return pack(body)
}

// answer decides about a frame.
func (p *port) answer(tok token) *reply {
	if len(tok.body) < 2 {
		return &reply{ignore: true}
	}
	id := string(tok.body[:2])
	if id == table.ComputeMAC[:2] || id == table.AskUnit[:2] { // letters begin ids of three characters
		id = string(tok.body[:min(3, len(tok.body))])
	}
	p.t.StillInjecting(keepsInjecting(tok.start, id))
	data := tok.body[len(id):]
	if tok.start == table.STX {
		return p.transaction(id, data)
	}
	r := p.admin(id, data, tok.body)
	r.start = table.SI
	return r
}

// keepsInjecting: a good 02, 90, 94, 08 or 96 keeps the key inject mode, anything else ends it.
func keepsInjecting(start byte, id string) bool {
	if start == table.STX {
		return id == table.LoadInitial || id == table.LoadInitial2 || id == table.SelectSet
	}
	return id == table.LoadKey || id == table.SelectKey
}

func (p *port) admin(id string, data, body []byte) *reply {
	switch id {
	case table.AskSlot:
		return p.ask(data)
	case table.LoadKey:
		return p.load(body)
	case table.SetSerial:
		return p.setSerial(data, body)
	case table.AskSerial:
		return p.askSerial(data)
	case table.SelectKey:
		return p.selectKey(data)
	case table.SetLine:
		return p.setLine(data)
	}
	if p.veriFone {
		return p.veriFoneAdmin(id, data)
	}
	return &reply{ignore: true}
}

// veriFoneAdmin answers the packets that are VeriFone's alone.
func (p *port) veriFoneAdmin(id string, data []byte) *reply {
	switch id {
	case table.SetKeyMode, table.SetKeyMode7:
		return p.setKeyMode(id, data)
	case table.SelectEngine:
		return p.selectEngine(data)
	case table.AskEngine:
		return p.askEngine(data)
	case table.AskUnit:
		return p.askUnit(data)
	}
	return &reply{ignore: true}
}

// ask answers 04 slot [1].
func (p *port) ask(data []byte) *reply {
	attributes := len(data) == 2 && data[1] == '1'
	if len(data) != 1 && !attributes || strings.IndexByte(table.AskSlots, data[0]) < 0 {
		return p.end("", RefusedSlot)
	}
	slot := device.Slot(data[:1])
	body := []byte(table.AskSlot + "0")
	if s := p.t.State(slot); s.Loaded {
		body[2] = 'F'
		if attributes && !p.veriFone {
			body = append(append(body, s.Usage...), table.FS, s.Mode, table.FS, s.Algorithm)
		}
	}
	p.t.report(Event{Kind: Asked, Slot: slot})
	return &reply{body: body, slot: slot}
}

// end is the answer to a frame that cannot be taken.
func (p *port) end(slot device.Slot, why Refusal) *reply {
	p.t.report(Event{Kind: Refused, Slot: slot, Code: "EOT", Reason: why})
	return &reply{slot: slot, control: []byte{table.EOT}}
}

func (p *port) refuse(slot device.Slot, why Refusal) *reply {
	code := loadCode(why)
	if code == "" {
		return p.end(slot, why)
	}
	p.t.report(Event{Kind: Refused, Slot: slot, Code: code, Reason: why})
	return &reply{body: []byte(table.LoadKey + "?" + code), slot: slot}
}

// loadCode is the code of packet 02 for a refusal, "" where it has none and EOT must do.
func loadCode(why Refusal) string {
	switch why {
	case RefusedDuplicate:
		return table.Duplicate
	case RefusedFull, RefusedStorage:
		return table.NoMemory
	case RefusedForm, RefusedLength:
		return table.Unreadable
	case RefusedDecryption:
		return table.Undecrypted
	case RefusedBlockForm, RefusedVersion, RefusedKSN, RefusedKSNUsed:
		return table.BlockFormat
	case RefusedTooLong:
		return table.TooLong
	case RefusedMAC:
		return table.MACWrong
	case RefusedNoKEK, RefusedKEKUsage, RefusedKEKBroken, RefusedExpired:
		return table.NoKLK
	case RefusedUsage, RefusedMode, RefusedAlgorithm:
		return table.UsageUnfit
	case RefusedLimit:
		return table.LimitReached
	}
	return ""
}

// load answers 02 slot key: the echo of the frame, or the code against it. A longer text than that of a clear key can
// only be a key block.
func (p *port) load(body []byte) *reply {
	if len(body) < 4 || strings.IndexByte(table.AllSlots, body[2]) < 0 {
		return p.end("", RefusedSlot)
	}
	slot, data := device.Slot(body[2:3]), body[3:]
	isBlock := len(data) > maxClear
	if why := p.t.Admits(slot, !isBlock); why != Accepted {
		return p.refuse(slot, why)
	}
	o := Offer{Slot: slot, Block: string(data)}
	if !isBlock {
		var why Refusal
		if o, why = p.readClear(slot, data); why != Accepted {
			return p.refuse(slot, why)
		}
	}
	pending, why := p.t.Offer(o)
	if why != Accepted {
		return p.refuse(slot, why)
	}
	return &reply{body: append([]byte(nil), body...), slot: slot, drop: pending.Drop, commit: func() Refusal {
		_, why := pending.Commit()
		return why
	}}
}

// maxClear is the longest clear form: 48 digits and FS usage(2) mode.
const maxClear = 48 + 4

// readClear reads the clear form: VeriFone's has a single-length key and no attributes.
func (p *port) readClear(slot device.Slot, data []byte) (Offer, Refusal) {
	if !p.veriFone {
		return readClear(slot, data)
	}
	if len(data) != 16 {
		return Offer{}, RefusedLength
	}
	key, ok := readKey(data)
	if !ok {
		return Offer{}, RefusedForm
	}
	return Offer{Slot: slot, Clear: key, Usage: table.DefaultUsage, Mode: 'N'}, Accepted
}

// readClear reads key(32|48 hex) [FS usage(2) mode].
func readClear(slot device.Slot, data []byte) (Offer, Refusal) {
	o := Offer{Slot: slot, Usage: table.DefaultUsage, Mode: table.DefaultMode}
	digits := data
	if at := len(data) - 4; at > 0 && data[at] == table.FS {
		digits, o.Usage, o.Mode = data[:at], keys.Usage(data[at+1:at+3]), data[at+3]
	}
	if len(digits) != 32 && len(digits) != 48 {
		return Offer{}, RefusedLength
	}
	key, ok := readKey(digits)
	if !ok {
		return Offer{}, RefusedForm
	}
	o.Clear = key
	return o, Accepted
}

// readKey reads a TDES key of upper-case digits.
func readKey(digits []byte) (*keys.Key, bool) {
	sec, ok := readHex(digits)
	if !ok {
		return nil, false
	}
	key, err := keys.New(keys.TDES128.ForLength(sec.Len()), sec)
	if err != nil {
		sec.Wipe()
		return nil, false
	}
	return key, true
}

func readHex(digits []byte) (*secret.Bytes, bool) {
	if len(digits)%2 != 0 {
		return nil, false
	}
	sec := secret.New(len(digits) / 2)
	out := sec.Expose()
	for i, c := range digits {
		v := strings.IndexByte("0123456789ABCDEF", c)
		if v < 0 {
			sec.Wipe()
			return nil, false
		}
		out[i/2] = out[i/2]<<4 | byte(v)
	}
	return sec, true
}

// setSerial answers 05 serial with its echo, and stores it after the commit.
func (p *port) setSerial(data, body []byte) *reply {
	if len(data) > table.MaxSerial && !p.veriFone || p.veriFone && len(data) != table.MaxSerialVeriFone || !alnum(data) {
		return p.end("", RefusedForm)
	}
	serial := string(data)
	return &reply{body: append([]byte(nil), body...), commit: func() Refusal { return p.t.SetSerial(serial) }}
}

func alnum(b []byte) bool {
	for _, c := range b {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// askSerial answers 06: twelve zeros where none was ever set.
func (p *port) askSerial(data []byte) *reply {
	if len(data) != 0 {
		return p.end("", RefusedForm)
	}
	serial := p.t.Serial()
	if serial == "" {
		serial = strings.Repeat("0", table.MaxSerial)
	}
	return &reply{body: []byte(table.AskSerial + serial)}
}

// askUnit answers M04 with the serial number, or eleven zeros and dashes.
func (p *port) askUnit(data []byte) *reply {
	if len(data) != 0 {
		return p.end("", RefusedForm)
	}
	serial := p.t.Serial()
	if serial == "" {
		serial = "000-000-000"
	}
	return &reply{body: []byte(table.AskUnit + serial)}
}

// selectKey answers 08 n. Whether there is a key nobody looks.
func (p *port) selectKey(data []byte) *reply {
	good := len(data) == 1 && data[0] >= '0' && data[0] <= '9'
	if good {
		p.t.set(func(s *state) { s.master = device.Slot(data) })
		p.t.report(Event{Kind: Selected, Slot: device.Slot(data)})
	}
	if p.veriFone {
		return &reply{control: []byte{table.ACK, table.EOT}}
	}
	if !good {
		return &reply{body: []byte(table.SelectKey + table.IndexWrong)}
	}
	return &reply{body: []byte(table.SelectKey + table.Done)}
}

// setLine answers 13 baud [mode]. The setting is kept; the emulator's lines have no speed.
func (p *port) setLine(data []byte) *reply {
	if !lineGood(data) {
		return &reply{body: []byte(table.SetLine + table.LineWrong)}
	}
	setting := string(data)
	return &reply{body: []byte(table.SetLine + table.Done),
		commit: func() Refusal { p.t.set(func(s *state) { s.line = setting }); return Accepted }}
}

func lineGood(data []byte) bool {
	if len(data) < 1 || len(data) > 2 || data[0] < '1' || int(data[0]-'0') > len(table.Speeds()) {
		return false
	}
	if len(data) == 1 {
		return true
	}
	mode := data[1]
	for _, flow := range []byte{0x40, 0x80, 0xC0} {
		if mode >= flow+1 && mode <= flow+3 {
			return true
		}
	}
	return mode >= '1' && int(mode-'0') <= len(table.LineModes())
}

// setKeyMode takes 15 or 17 and a mode: another one than before erases every key. It is answered as VeriFone's 08 is,
// by ACK and EOT. A locked terminal stays as it is.
func (p *port) setKeyMode(id string, data []byte) *reply {
	if len(data) < 1 || len(data) > 8 || !alnum(data) {
		return p.end("", RefusedForm)
	}
	if why := p.t.swapKeyMode(id + string(data)); why != Accepted {
		return p.end("", why)
	}
	return &reply{control: []byte{table.ACK, table.EOT}, stored: true}
}

// selectEngine takes 19 n and is answered by ACK and EOT.
func (p *port) selectEngine(data []byte) *reply {
	if len(data) != 1 || data[0] < '0' || data[0] > '2' {
		return p.end("", RefusedSlot)
	}
	p.t.set(func(s *state) { s.set = int(data[0] - '0') })
	return &reply{control: []byte{table.ACK, table.EOT}}
}

// askEngine answers 25.
func (p *port) askEngine(data []byte) *reply {
	if len(data) != 0 {
		return p.end("", RefusedForm)
	}
	_, set := p.t.selected()
	return &reply{body: []byte{table.AskEngine[0], table.AskEngine[1], byte('0' + set)}}
}

// set changes a setting and keeps it.
func (t *Terminal) set(do func(*state)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_ = t.change(func() { do(&t.s) }) // a setting that cannot be kept is the old one
}

// swapKeyMode sets the key management and erases the keys of another one, both or nothing.
func (t *Terminal) swapKeyMode(mode string) Refusal {
	t.mu.Lock()
	why, e := t.ready(), Event{Kind: Erased}
	other := t.s.keyMode != mode
	if why == Accepted && other {
		why = t.change(func() {
			t.s.keyMode, t.s.slots, t.s.engines = mode, nil, nil
			e = t.note(e)
		})
	}
	t.mu.Unlock()
	if why == Accepted && other {
		t.say(e)
	}
	return why
}

// selected tells the master key and the DUKPT set that were selected.
func (t *Terminal) selected() (device.Slot, int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.s.master, t.s.set
}
