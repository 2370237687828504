package emulator

import (
	"bytes"
	"encoding/hex"
	"strings"

	"poskey/internal/cipherx"
	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/device/visa/table"
	"poskey/pkg/dukpt"
	"poskey/pkg/keys"
)

// Ids of the packets that use keys for PINs.
const (
	askPIN      = "70"
	pinAnswer   = "71"
	pinAnswerVF = "73" // VeriFone, DUKPT
)

// transaction answers a transaction packet.
func (p *port) transaction(id string, data []byte) *reply {
	var r *reply
	switch id {
	case table.LoadInitial:
		r = p.loadInitial(table.Initial90, data)
	case table.LoadInitial2:
		r = p.loadInitial(table.Initial94, data)
	case table.SelectSet:
		return p.selectSet(data)
	case table.ComputeMAC:
		r = &reply{body: []byte(table.ComputeMACDone + p.mac(data))}
	case askPIN:
		r = p.pin(data)
	default:
		return &reply{ignore: true}
	}
	r.start = table.STX
	return r
}

// Clear forms of packets 90 and 94: a key of 16 or 32 digits and a KSN of 20.
const ksnDigits = 20

// loadInitial answers 90 and 94. There is no commit: 91 0 says that the key is stored.
func (p *port) loadInitial(slot device.Slot, data []byte) *reply {
	clear := len(data) == 16+ksnDigits || len(data) == 32+ksnDigits
	if why := p.t.Admits(slot, clear); why != Accepted {
		return p.refuseInitial(slot, why)
	}
	o := Offer{Slot: slot, Initial: true, Block: string(data)}
	if clear {
		var why Refusal
		if o, why = readInitial(slot, data); why != Accepted {
			return p.refuseInitial(slot, why)
		}
	}
	pending, why := p.t.Offer(o)
	if why == Accepted {
		_, why = pending.Commit()
	}
	if why != Accepted {
		return p.refuseInitial(slot, why)
	}
	return &reply{body: []byte(table.InitialAnswer + table.Done), slot: slot, stored: true}
}

func readInitial(slot device.Slot, data []byte) (Offer, Refusal) {
	at := len(data) - ksnDigits
	if strings.Trim(string(data[at:]), "0123456789ABCDEF") != "" {
		return Offer{}, refusedHex
	}
	ksn, err := dukpt.ParseKSN(string(data[at:]))
	if err != nil {
		return Offer{}, refusedHex
	}
	if at != 32 {
		if sec, ok := readHex(data[:at]); ok {
			sec.Wipe()
			return Offer{}, RefusedLength // DES DUKPT: nobody uses it any more
		}
		return Offer{}, refusedHex
	}
	key, ok := readKey(data[:at])
	if !ok {
		return Offer{}, refusedHex
	}
	return Offer{Slot: slot, Initial: true, Clear: key, Usage: table.InitialUsage, Mode: table.InitialMode, KSN: ksn},
		Accepted
}

// refusedHex is a refusal of packets 90 and 94 alone.
const refusedHex Refusal = "not-hex"

func (p *port) refuseInitial(slot device.Slot, why Refusal) *reply {
	code := initialCode(why)
	if code == "" {
		return p.end(slot, why)
	}
	p.t.report(Event{Kind: Refused, Slot: slot, Code: code, Reason: why})
	return &reply{body: []byte(table.InitialAnswer + "1" + code), slot: slot}
}

// initialCode is the code of packet 91: as that of packet 02, which has no 1, and other meanings for 2 and 3. There is
// no E: 4 stands for an initial key of another usage or mode.
func initialCode(why Refusal) string {
	switch why {
	case RefusedNotInject:
		return table.NotAuthenticated
	case refusedHex:
		return table.NotHex
	case RefusedFull, RefusedStorage:
		return table.NoMemoryInitial
	case RefusedUsage, RefusedMode, RefusedAlgorithm, RefusedDecryption, RefusedDuplicate:
		return table.Unreadable
	}
	return loadCode(why)
}

// selectSet takes 96 n and is answered by ACK alone.
func (p *port) selectSet(data []byte) *reply {
	if len(data) != 1 || data[0] != '0' && data[0] != '1' {
		return p.end("", RefusedSlot)
	}
	p.t.set(func(s *state) { s.set = int(data[0] - '0') })
	p.t.report(Event{Kind: Selected, Slot: table.InitialSlots()[data[0]-'0']})
	return &reply{control: []byte{table.ACK}}
}

// macChain is a message that comes in several Z66 packets.
type macChain struct {
	next    int // sequence number that is awaited
	head    string
	message []byte
}

func (c *macChain) wipe() {
	secret.Wipe(c.message)
	*c = macChain{}
}

// mac answers Z66 type seq slot FS session FS second FS message with the code of Z67, and the MAC.
func (p *port) mac(data []byte) (answer string) {
	defer func() {
		if answer != table.MACReady {
			p.chain.wipe()
		}
	}()
	fields := bytes.SplitN(data, []byte{table.FS}, 4)
	if len(fields) != 4 || len(fields[0]) != 4 {
		return table.MACContent
	}
	kind, slot, second := fields[0][0], device.Slot(fields[0][3:]), device.Slot(fields[2])
	if kind < table.MACTextLast || kind > table.MACBinary {
		return table.MACType
	}
	head := string(slot) + "|" + string(fields[1]) + "|" + string(second)
	if !isNumber(string(fields[0][1:3])) || number(string(fields[0][1:3])) != p.chain.next ||
		p.chain.next > 0 && p.chain.head != head {
		return table.MACSequence
	}
	message, ok := macMessage(kind, fields[3])
	if !ok {
		return table.MACContent
	}
	p.chain.head = head
	p.chain.message = append(p.chain.message, message...)
	if p.chain.next++; kind == table.MACText || kind == table.MACBinary {
		return table.MACReady
	}
	if len(p.chain.message) == 0 {
		return table.MACLength
	}
	mac, code := p.t.macFor(slot, second, fields[1], p.chain.message)
	if code != "" {
		return code
	}
	p.t.report(Event{Kind: Used, Slot: slot, Detail: "MAC"})
	return table.MACDone + strings.ToUpper(hex.EncodeToString(mac))
}

// macMessage reads the message of a packet: text, or hex digits.
func macMessage(kind byte, field []byte) ([]byte, bool) {
	if kind == table.MACTextLast || kind == table.MACText {
		return bytes.Clone(field), true
	}
	message, err := hex.DecodeString(string(field))
	return message, err == nil && string(field) == strings.ToUpper(string(field))
}

// macFor computes the MAC, or gives the code against it.
func (t *Terminal) macFor(slot, second device.Slot, session, message []byte) (mac []byte, code string) {
	cryptogram, err := hex.DecodeString(string(session))
	if err != nil || len(cryptogram) != 8 && len(cryptogram) != 16 {
		return nil, table.MACSession
	}
	own := len(bytes.Trim(cryptogram, "\x00")) == 0
	t.mu.Lock()
	defer t.mu.Unlock()
	e, why := t.usable(slot)
	if why != Accepted {
		return nil, table.MACNoKey
	}
	if (e.usage == keys.UsageKEK) == own {
		return nil, table.MACSessionUnfit
	}
	key, why := t.macKey(slot, cryptogram)
	if why != Accepted {
		return nil, table.MACNoKey
	}
	defer key.Wipe()
	if second != "" {
		other, why := t.usable(second)
		if why != Accepted || e.usage != keys.UsageMAC1 || other.usage != keys.UsageMAC1 {
			return nil, table.MACNoSecondKey
		}
		pair := secret.New(16)
		defer pair.Wipe()
		copy(pair.Expose(), key.Expose())
		copy(pair.Expose()[8:], other.key.Secret().Expose())
		key = pair
	}
	if mac, why = macOf(key.Expose(), message); why != Accepted {
		return nil, table.MACKeyLength
	}
	return mac, ""
}

// Codes of packet 71.
const (
	pinNoMaster   = "9" // UIC
	pinNoMasterVF = "1" // VeriFone
	pinBadInput   = "2" // VeriFone: account or working key
	pinBadWorking = "5" // UIC
	pinNoInitial  = "A" // UIC, DUKPT
	pinExhausted  = "F" // UIC, DUKPT
)

// pin answers 70 . account FS working key FS amount [FS time-out]. The cardholder enters Config.PIN at once. Without a
// working key, or with zeros, it is encrypted by the selected DUKPT engine.
func (p *port) pin(data []byte) *reply {
	fields := bytes.Split(data, []byte{table.FS})
	if len(fields) < 3 || len(fields) > 4 || len(fields[0]) < 9 || fields[0][0] != '.' {
		return &reply{body: []byte(pinAnswer + pinBadInput)}
	}
	account := fields[0][1:]
	block, ok := pinBlock(p.t.cfg.PIN, account)
	if !ok || len(account) > 19 {
		return &reply{body: []byte(pinAnswer + pinBadInput)}
	}
	defer secret.Wipe(block)
	if len(bytes.Trim(fields[1], "0")) == 0 {
		return &reply{body: []byte(p.pinByEngine(block)), stored: true}
	}
	return &reply{body: []byte(p.pinByMaster(block, fields[1]))}
}

// pinBlock is ISO 9564 format 0.
func pinBlock(pin string, account []byte) ([]byte, bool) {
	if pin == "" {
		pin = "1234"
	}
	if len(pin) < 4 || len(pin) > 12 || !digits([]byte(pin)) || !digits(account) || len(account) < 8 {
		return nil, false
	}
	number := "0000" + strings.Repeat("0", 12) + string(account[:len(account)-1])
	first, err := hex.DecodeString("0" + string("0123456789ABC"[len(pin)]) + pin + strings.Repeat("F", 14-len(pin)))
	second, err2 := hex.DecodeString("0000" + number[len(number)-12:])
	if err != nil || err2 != nil {
		return nil, false
	}
	for i := range first {
		first[i] ^= second[i]
	}
	return first, true
}

// pinByEngine uses the selected DUKPT engine: 71 0 KSN block, or 73.00000 KSN block as VeriFone does. The KSN's leading
// F are dropped.
func (p *port) pinByEngine(block []byte) string {
	_, set := p.t.selected()
	slots := table.InitialSlots()
	if set >= len(slots) {
		return pinAnswer + pinNoInitial
	}
	tx, why := p.t.Transaction(slots[set])
	if why == RefusedExhausted {
		return pinAnswer + pinExhausted
	}
	if why != Accepted {
		return pinAnswer + pinNoInitial
	}
	defer tx.Wipe()
	key, err := tx.Working(dukpt.PIN, "")
	if err != nil {
		return pinAnswer + pinNoInitial
	}
	defer key.Wipe()
	c, err := key.Cipher()
	if err != nil || c.BlockSize() != len(block) {
		return pinAnswer + pinNoInitial
	}
	cipherx.ECBEncrypt(c, block, block)
	ksn := tx.KSN().String()
	p.t.report(Event{Kind: Used, Slot: slots[set], KSN: ksn, Detail: "PIN"})
	answer := strings.TrimLeft(ksn, "F") + strings.ToUpper(hex.EncodeToString(block))
	if p.veriFone {
		return pinAnswerVF + ".00000" + answer
	}
	return pinAnswer + "0" + answer
}

// pinByMaster uses the working key that came, under the selected master key: 71.0 length 01 block.
func (p *port) pinByMaster(block, working []byte) string {
	cryptogram, ok := readHex(working)
	if !ok || cryptogram.Len() != 8 && cryptogram.Len() != 16 {
		cryptogram.Wipe()
		if p.veriFone {
			return pinAnswer + pinBadInput
		}
		return pinAnswer + pinBadWorking
	}
	defer cryptogram.Wipe()
	slot, _ := p.t.selected()
	if !p.t.encryptPIN(slot, cryptogram, block) {
		if p.veriFone {
			return pinAnswer + pinNoMasterVF
		}
		return pinAnswer + pinNoMaster
	}
	p.t.report(Event{Kind: Used, Slot: slot, Detail: "PIN"})
	return pinAnswer + ".0" + "0" + string("0123456789ABC"[max(len(p.t.cfg.PIN), 4)]) + "01" +
		strings.ToUpper(hex.EncodeToString(block))
}

// encryptPIN encrypts a PIN block under a working key that is itself under the master key in a slot. A PIN key (P0)
// takes no working key.
func (t *Terminal) encryptPIN(slot device.Slot, cryptogram *secret.Bytes, block []byte) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	e, why := t.usable(slot)
	if why != Accepted || e.usage != keys.UsageKEK {
		return false
	}
	master, err := e.key.Cipher()
	if err != nil {
		return false
	}
	working := secret.New(cryptogram.Len())
	defer working.Wipe()
	cipherx.ECBDecrypt(master, working.Expose(), cryptogram.Expose())
	c, err := cipherx.NewTDES(working.Expose())
	if err != nil {
		return false
	}
	cipherx.ECBEncrypt(c, block, block)
	return true
}
