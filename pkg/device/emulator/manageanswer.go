package emulator

// What the management agent answers.

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/device/manage"
	"poskey/pkg/kcv"
)

// decoded reads a request's document.
func decoded[D any](raw []byte) (D, error) {
	var d D
	if err := manage.Decode(raw, &d); err != nil {
		var none D
		return none, refuse(manage.CodeMalformed)
	}
	return d, nil
}

func (m *Manager) about(*visit, []byte, url.Values) (any, error) {
	s, layout := m.t.Status(), m.t.layout
	m.mu.Lock()
	boot := m.boot
	m.mu.Unlock()
	a := manage.About{Protocol: manage.Protocol, Boot: boot, Serial: s.Serial, Model: s.Model}
	for _, r := range layout.Rules {
		row := manage.Rule{Usage: string(r.Usage), Lengths: r.Lengths, Algorithms: r.Algorithms, Modes: r.Modes}
		for _, c := range r.Slots {
			row.Slots = append(row.Slots, string(c))
		}
		for _, slot := range r.Named {
			row.Slots = append(row.Slots, string(slot))
		}
		a.Rules = append(a.Rules, row)
		for _, c := range r.Algorithms {
			if !strings.ContainsRune(a.Algorithms, c) {
				a.Algorithms += string(c)
			}
		}
	}
	for version := byte('A'); version <= 'E'; version++ {
		if layout.Blocks == nil {
			a.Blocks += string(version)
			continue
		}
		if lengths := layout.Blocks(version, false); len(lengths) > 0 {
			a.Blocks += string(version)
			a.BlockLengths = append(a.BlockLengths, lengths...)
		}
	}
	for _, slot := range layout.Initial {
		a.Initial = append(a.Initial, string(slot))
	}
	return a, nil
}

func (m *Manager) status(v *visit, _ []byte, _ url.Values) (any, error) {
	s := m.t.Status()
	if v.session != nil {
		s = v.session.Status()
	}
	return statusMessage(s), nil
}

func (m *Manager) serial(*visit, []byte, url.Values) (any, error) {
	return manage.Serial{Serial: m.t.Serial()}, nil
}

func (m *Manager) setSerial(v *visit, raw []byte, _ url.Values) (any, error) {
	d, err := decoded[manage.Serial](raw)
	if err != nil {
		return nil, err
	}
	if err := m.mayKeep(v); err != nil {
		return nil, err
	}
	if !isSerial(d.Serial) {
		return nil, refuse(manage.CodeForm)
	}
	if err := refused(m.t.SetSerial(d.Serial)); err != nil {
		return nil, err
	}
	return manage.Serial{Serial: m.t.Serial()}, nil
}

const maxSerial = 32

// isSerial accepts 1 to 32 letters, digits and hyphens.
func isSerial(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= maxSerial
}

// mayErase: who may take keys away, while the terminal may lose them at all. What the acquirer has locked stays as it is
// for those who look into it; a reset, which takes two officers, is still to be had. All keys at once are the
// administrator's, as a reset is.
func (m *Manager) mayErase(v *visit, all bool) error {
	if err := m.mayKeep(v); err != nil {
		return err
	}
	if all && v.session.Role() != Administrator {
		m.t.Report(Event{Kind: Denied, Account: v.session.Account(), Detail: "erase: role"})
		return &no{manage.CodeNotAllowed, "erasing all keys takes the administrator; the supervisor erases slots one by one"}
	}
	if m.t.isLocked(device.LockRemote) {
		m.t.Report(Event{Kind: Denied, Account: v.session.Account(), Detail: "erase: remote lock"})
		return &no{manage.CodeNotAllowed, "no key is erased while the terminal is locked remotely; an order to reset is " +
			"approved by two officers"}
	}
	return nil
}

// mayKeep: operators load keys and read; what takes something away is for those above them.
func (m *Manager) mayKeep(v *visit) error {
	if r := v.session.Role(); r != Administrator && r != Supervisor {
		m.t.Report(Event{Kind: Denied, Account: v.session.Account(), Detail: "keeping: role"})
		return &no{manage.CodeNotAllowed, "an operator may not do this"}
	}
	return nil
}

func (m *Manager) slot(slot device.Slot) (any, error) {
	m.one.Lock()
	defer m.one.Unlock()
	if known := m.t.layout.Known; known != nil && !known(slot) {
		return nil, refuse(manage.CodeSlot)
	}
	return slotMessage(slot, m.t.State(slot)), nil
}

// load takes a key block, once for each id.
func (m *Manager) load(slot device.Slot, raw []byte) (any, error) {
	d, err := decoded[manage.Load](raw)
	if err != nil {
		return nil, err
	}
	if !isRequest(d.Request) {
		return nil, refuse(manage.CodeMalformed)
	}
	if d.Block == "" {
		return nil, m.refuseKey(slot, RefusedBlockForm)
	}
	m.one.Lock()
	defer m.one.Unlock()
	digest := sha256.Sum256([]byte(d.Block))
	this := carried{slot: string(slot), block: hex.EncodeToString(digest[:])}
	if was, ok := m.recall(d.Request); ok {
		if was.given || was.slot != this.slot || was.block != this.block {
			return nil, refuse(manage.CodeRequestUsed)
		}
		return manage.Loaded{Request: d.Request, Again: true, Slot: was.answer}, nil
	}
	m.cut(DisconnectBeforeEcho)
	pending, why := m.t.Offer(Offer{Slot: slot, Block: d.Block})
	if why != Accepted {
		return nil, m.refuseKey(slot, why)
	}
	defer pending.Drop()
	loaded, why := pending.Commit()
	if why != Accepted {
		return nil, m.refuseKey(slot, why)
	}
	report := m.t.State(slot)
	report.SlotState = loaded.State
	this.answer = slotMessage(slot, report)
	if err := m.remember(d.Request, &this); err != nil {
		return nil, refuse(manage.CodeFailure)
	}
	if m.t.misbehaves(PowerCut) {
		m.t.powerFails()
		panic(http.ErrAbortHandler)
	}
	m.cut(DisconnectAfterCommit)
	return manage.Loaded{Request: d.Request, Slot: this.answer}, nil
}

func (m *Manager) refuseKey(slot device.Slot, why Refusal) error {
	m.t.Report(Event{Kind: Refused, Slot: slot, Reason: why})
	return refused(why)
}

// settle tells what became of a load. One that did not come yet will not be taken.
func (m *Manager) settle(_ *visit, raw []byte, _ url.Values) (any, error) {
	d, err := decoded[manage.Settle](raw)
	if err != nil {
		return nil, err
	}
	if !isRequest(d.Request) {
		return nil, refuse(manage.CodeMalformed)
	}
	m.one.Lock()
	defer m.one.Unlock()
	was, ok := m.recall(d.Request)
	if !ok {
		if err := m.remember(d.Request, &carried{given: true}); err != nil {
			return nil, refuse(manage.CodeFailure)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return manage.Settled{Request: d.Request, Boot: m.boot, Done: ok && !was.given}, nil
}

func isRequest(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) == manage.RequestID
}

func (m *Manager) recall(request string) (*carried, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.loads[request]
	return c, ok
}

// remember keeps an id. When there are too many, all are forgotten, and the boot id says so.
func (m *Manager) remember(request string, c *carried) error {
	m.mu.Lock()
	full := len(m.loads) >= manageLoads
	m.mu.Unlock()
	if full {
		if err := m.forget(); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.loads[request] = c
	return nil
}

func (m *Manager) erase(v *visit, slot device.Slot) (any, error) {
	m.one.Lock()
	defer m.one.Unlock()
	if err := m.mayErase(v, false); err != nil {
		return nil, err
	}
	if known := m.t.layout.Known; known != nil && !known(slot) {
		return nil, refuse(manage.CodeSlot)
	}
	if r := m.t.Erase(slot); r != Accepted && r != RefusedEmpty {
		return nil, refused(r)
	}
	return manage.Done{}, nil
}

func (m *Manager) eraseAll(v *visit, _ []byte, _ url.Values) (any, error) {
	m.one.Lock()
	defer m.one.Unlock()
	if err := m.mayErase(v, true); err != nil {
		return nil, err
	}
	if err := refused(m.t.EraseAll()); err != nil {
		return nil, err
	}
	return manage.Done{}, nil
}

func (m *Manager) login(v *visit, raw []byte, _ url.Values) (any, error) {
	d, err := decoded[manage.Login](raw)
	if err != nil {
		return nil, err
	}
	v.session = nil
	password := secret.Take(d.Password)
	defer password.Wipe()
	session, err := m.t.Login(device.Login{Account: d.Account, Password: password, Code: d.Code})
	if err != nil {
		return nil, denied(err)
	}
	v.session = session
	return manage.LoggedIn{Account: session.Account(), Role: string(session.Role())}, nil
}

func orderOf(o manage.Order) device.Order {
	return device.Order{Verb: device.Verb(o.Verb), Lock: device.LockKind(o.Lock), Reason: o.Reason, Manifest: o.Manifest,
		Image: o.Image}
}

func (m *Manager) challenge(v *visit, raw []byte, _ url.Values) (any, error) {
	d, err := decoded[manage.Order](raw)
	if err != nil {
		return nil, err
	}
	o := orderOf(d)
	if err := manage.CheckOrder(o); err != nil {
		return nil, denied(err)
	}
	challenge, err := v.session.Ask(o)
	if err != nil {
		return nil, denied(err)
	}
	return manage.Challenge{Challenge: challenge}, nil
}

func (m *Manager) order(v *visit, raw []byte, _ url.Values) (any, error) {
	d, err := decoded[manage.Carry](raw)
	if err != nil {
		return nil, err
	}
	m.one.Lock()
	defer m.one.Unlock()
	o := orderOf(d.Order)
	if err := manage.CheckOrder(o); err != nil {
		return nil, denied(err)
	}
	if err := v.session.Do(o, d.Approvals); err != nil {
		return nil, denied(err)
	}
	return manage.Done{}, nil
}

func (m *Manager) logs(v *visit, _ []byte, query url.Values) (any, error) {
	after, err := strconv.ParseUint(query.Get("after"), 10, 64)
	if err != nil || len(query) != 2 || len(query["after"]) != 1 || len(query["most"]) != 1 {
		return nil, refuse(manage.CodeMalformed)
	}
	most, err := strconv.Atoi(query.Get("most"))
	if err != nil || most < 1 || most > manage.MaxEvents {
		return nil, refuse(manage.CodeMalformed)
	}
	events, err := v.session.Logs(after, most)
	if err != nil {
		return nil, denied(err)
	}
	return manage.Logs{Events: eventMessages(events)}, nil
}

func slotMessage(slot device.Slot, r device.SlotReport) manage.Slot {
	out := manage.Slot{Slot: string(slot), Loaded: r.Loaded}
	if !r.Loaded {
		return out
	}
	out.Usage, out.Mode, out.Algorithm = string(r.Usage), string(r.Mode), string(r.Algorithm)
	out.KSN, out.Damaged, out.Expires = r.KSN, r.Damaged, r.Expires
	out.Parity = string(r.Parity)
	out.Check = checkMessage(r.Check)
	return out
}

// checkMessage is nil where there is no check value.
func checkMessage(v kcv.Value) *manage.Check {
	if v.Digits == "" {
		return nil
	}
	return &manage.Check{Method: string(v.Method), Value: v.Digits}
}

func eventMessages(events []device.LogEvent) []manage.Event {
	var out []manage.Event
	for _, e := range events {
		out = append(out, manage.Event{Seq: e.Seq, At: e.At, Kind: e.Kind, Detail: e.Detail})
	}
	return out
}

func statusMessage(s device.Status) manage.Status {
	out := manage.Status{Serial: s.Serial, Model: s.Model, POIVersion: s.POIVersion, Firmware: s.Firmware, Now: s.Now,
		Screen: s.Screen, Tamper: manage.Tamper{Tripped: s.Tamper.Tripped, Sensor: s.Tamper.Sensor, At: s.Tamper.At},
		Battery: manage.Battery{Millivolts: s.Battery.Millivolts, Low: s.Battery.Low},
		Sensors: manage.Sensors{Celsius: s.Environment.Celsius, Humidity: s.Environment.Humidity},
		Link:    manage.Link{Kind: s.Link.Kind, Quality: s.Link.Quality}, InjectMode: s.InjectMode,
		OpenBatch: s.OpenBatch, Events: eventMessages(s.Events)}
	for _, l := range s.Locks {
		out.Locks = append(out.Locks, manage.Lock{Kind: string(l.Kind), Since: l.Since, Detail: l.Detail})
	}
	for _, r := range s.Slots {
		out.Slots = append(out.Slots, slotMessage(r.Slot, r))
	}
	for _, i := range s.Initial {
		out.Initial = append(out.Initial, manage.InitialSlot{Slot: string(i.Slot), KSN: i.KSN, Check: checkMessage(i.Check), Left: i.Left})
	}
	return out
}
