package emulator

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"slices"
	"time"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/dukpt"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

const (
	stateFile   = "state.json"
	stateFormat = "poskey.emulator.state/v2"
	maxState    = 8 << 20
)

// disk is a terminal's directory. Everything in state.json is under the battery-backed key, which a tamper destroys:
// the keys are encrypted, the whole has a MAC, and the last sequence number is remembered beside the key.
type disk struct {
	folder   *folder
	random   io.Reader
	battery  *battery // nil after a tamper
	memory   memory
	sequence uint64 // of the state on the disk, or of one that could not be written
}

// openDisk takes the directory. Errors: file_exposed, busy.
func openDisk(dir string, random io.Reader) (*disk, error) {
	f, err := openFolder(dir)
	if err != nil {
		return nil, err
	}
	return &disk{folder: f, random: random}, nil
}

func (d *disk) close() error {
	d.battery.wipe()
	return d.folder.close()
}

// kept is how the state lies on the disk. The MAC is over sequence number and state as they stand; after a tamper there
// is no key for it, and none.
type kept struct {
	Format   string          `json:"format"`
	Sequence uint64          `json:"sequence"`
	MAC      []byte          `json:"mac,omitempty"`
	State    json.RawMessage `json:"state"`
}

func (b *battery) macOf(k kept) []byte {
	return macUnder(b.state, binary.BigEndian.AppendUint64(nil, k.Sequence), k.State)
}

// save writes a state down, and remembers it.
func (d *disk) save(state []byte) error {
	d.sequence++ // whatever comes of it: a number is used once
	k := kept{Format: stateFormat, Sequence: d.sequence, State: state}
	m := memory{sequence: d.sequence}
	if d.battery != nil {
		k.MAC = d.battery.macOf(k)
		copy(m.mac[:], k.MAC)
	}
	raw, err := json.Marshal(k)
	if err != nil {
		return err
	}
	if err := d.folder.write(stateFile, raw); err != nil || d.battery == nil {
		return err
	}
	return d.remember(m)
}

// seal encrypts a key for the disk; with says what it is, and cannot be changed afterwards.
func (d *disk) seal(key []byte, with string) ([]byte, error) {
	if d.battery == nil {
		return nil, fault.New(fault.Failure, "the terminal's battery-backed key is gone")
	}
	nonce := make([]byte, d.battery.aead.NonceSize(), d.battery.aead.NonceSize()+len(key)+d.battery.aead.Overhead())
	if _, err := io.ReadFull(d.random, nonce); err != nil {
		return nil, err
	}
	return d.battery.aead.Seal(nonce, nonce, key, []byte(with)), nil
}

// unseal decrypts a record; nil where it is damaged.
func (d *disk) unseal(record []byte, with string) *secret.Bytes {
	if d.battery == nil || len(record) < d.battery.aead.NonceSize() {
		return nil
	}
	n := d.battery.aead.NonceSize()
	clear, err := d.battery.aead.Open(nil, record[:n], record[n:], []byte(with))
	if err != nil {
		return nil
	}
	return secret.Take(clear)
}

// Documents of the state.
type (
	stateDoc struct {
		Format   string             `json:"format"`
		Serial   string             `json:"serial"`
		Model    string             `json:"model,omitempty"`
		POI      string             `json:"poi_version"`
		Firmware string             `json:"firmware"`
		Counter  uint64             `json:"firmware_counter"`
		Slots    []slotDoc          `json:"slots"`
		Engines  []engineDoc        `json:"engines"`
		Spent    []string           `json:"spent_ksns,omitempty"`
		Loads    int                `json:"loads"`
		Locks    []device.LockState `json:"locks,omitempty"`
		LockedBy string             `json:"locked_by,omitempty"`
		Tamper   device.TamperState `json:"tamper"`
		Battery  int                `json:"battery_millivolts"`
		Batch    int                `json:"open_batch"`
		Master   device.Slot        `json:"master"`
		Set      int                `json:"dukpt_set"`
		KeyMode  string             `json:"key_mode,omitempty"`
		Line     string             `json:"line,omitempty"`
		Wrong    map[string]int     `json:"wrong_passwords,omitempty"`
		Steps    map[string]int64   `json:"code_steps,omitempty"`
		Seq      uint64             `json:"log_seq"`
		Log      []device.LogEvent  `json:"log"`
	}
	slotDoc struct {
		Slot      device.Slot    `json:"slot"`
		Usage     keys.Usage     `json:"usage"`
		Mode      byte           `json:"mode"`
		Algorithm keys.Algorithm `json:"algorithm"`
		Expires   time.Time      `json:"expires,omitzero"`
		Told      string         `json:"told,omitempty"`
		Record    []byte         `json:"record"`
	}
	engineDoc struct {
		Slot      device.Slot    `json:"slot"`
		Algorithm keys.Algorithm `json:"algorithm"`
		Check     kcv.Value      `json:"check"`
		Record    []byte         `json:"record"`
		Mark      []byte         `json:"mark"`
	}
)

func (s slotDoc) with() string {
	return "slot " + string(s.Slot) + " " + string(s.Usage) + " " + string(rune(s.Mode)) + " " + string(s.Algorithm)
}

func (e engineDoc) with() string { return "engine " + string(e.Slot) + " " + string(e.Algorithm) }

// keep writes the state down: it is on disk when keep returns. In memory it does nothing. The lock is held.
func (t *Terminal) keep() error {
	if t.disk == nil {
		return nil
	}
	doc, err := t.document()
	if err != nil {
		return err
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	return t.disk.save(raw)
}

// keepAnyway is keep for what has happened whether it can be written down or not. That it cannot is said once. The lock
// is held.
func (t *Terminal) keepAnyway() {
	err := t.keep()
	if err != nil && t.unwritten == nil {
		t.noteForLater(Event{Kind: Unwritten, Detail: err.Error()})
	}
	t.unwritten = err
}

func (t *Terminal) document() (stateDoc, error) {
	s := &t.s
	doc := stateDoc{Format: stateFormat, Serial: s.serial, Model: s.model, POI: s.poi, Firmware: s.firmware,
		Counter: s.counter, Spent: s.spent, Loads: s.loads, Locks: s.locks, LockedBy: s.lockedBy, Tamper: s.tamper,
		Battery: s.millivolts, Batch: s.batch, Master: s.master, Set: s.set, KeyMode: s.keyMode, Line: s.line,
		Wrong: s.wrong, Steps: s.steps, Seq: t.log.seq, Log: t.log.events}
	for slot, e := range s.slots {
		row := slotDoc{Slot: slot, Usage: e.usage, Mode: e.mode, Algorithm: e.alg, Expires: e.expires, Told: e.told}
		if e.record == nil {
			sealed, err := t.disk.seal(e.key.Secret().Expose(), row.with())
			if err != nil {
				return stateDoc{}, err
			}
			e.record = sealed
		}
		row.Record = e.record
		doc.Slots = append(doc.Slots, row)
	}
	for slot, e := range s.engines {
		row := engineDoc{Slot: slot, Algorithm: e.alg, Check: e.check, Mark: e.mark}
		if e.record == nil {
			if err := t.sealEngine(e, row.with()); err != nil {
				return stateDoc{}, err
			}
		}
		row.Record = e.record
		doc.Engines = append(doc.Engines, row)
	}
	slices.SortFunc(doc.Slots, func(a, b slotDoc) int { return bytes.Compare([]byte(a.Slot), []byte(b.Slot)) })
	slices.SortFunc(doc.Engines, func(a, b engineDoc) int { return bytes.Compare([]byte(a.Slot), []byte(b.Slot)) })
	return doc, nil
}

func (t *Terminal) sealEngine(e *engine, with string) error {
	saved, err := e.dev.Save()
	if err != nil {
		return err
	}
	defer saved.Wipe()
	e.record, err = t.disk.seal(saved.Expose(), with)
	return err
}

// restore takes the state from the directory, or begins one. Keys that are there without their battery-backed key are
// gone: that is what a tamper looks like from here.
func (t *Terminal) restore() error {
	charged, err := t.disk.recharge()
	if err != nil {
		return err
	}
	k, doc, err := t.disk.read()
	if errors.Is(err, fs.ErrNotExist) {
		return t.birth(charged)
	}
	if err != nil {
		return err
	}
	if !charged || k.MAC == nil && doc.Tamper.Tripped {
		return t.restoreTampered(doc, charged)
	}
	switch {
	case !hmac.Equal(t.disk.battery.macOf(k), k.MAC):
		return fault.New(fault.MACMismatch, "the terminal's state in %s was changed: it is not what the terminal wrote",
			t.disk.folder.name)
	case t.disk.memory.older(k):
		return olderState(t.disk.folder.name)
	}
	t.disk.sequence = k.Sequence
	t.take(doc)
	if t.s.tamper.Tripped { // the keys on the disk should be destroyed, and are not
		t.later = append(t.later, t.destroy(t.s.tamper.Sensor))
		return fault.WrapAs(fault.Failure, t.keep(), "write the terminal's state")
	}
	if k.Sequence == t.disk.memory.sequence {
		return nil
	}
	m := memory{sequence: k.Sequence}
	copy(m.mac[:], k.MAC)
	return fault.WrapAs(fault.Failure, t.disk.remember(m), "write the battery's memory")
}

func olderState(dir string) error {
	return fault.New(fault.MACMismatch,
		"the terminal's state in %s is older than the battery's memory, or missing: it was put back or taken away", dir)
}

// birth begins a state.
func (t *Terminal) birth(charged bool) error {
	if charged && t.disk.memory != (memory{}) {
		return olderState(t.disk.folder.name)
	}
	t.s.start(t.cfg)
	if !charged {
		if err := t.disk.charge(); err != nil {
			return fault.WrapAs(fault.Failure, err, "make the terminal's battery-backed key")
		}
	}
	return fault.WrapAs(fault.Failure, t.keep(), "write the terminal's state")
}

// restoreTampered takes a state that nothing vouches for: without keys, and tampered, whatever it says of itself.
func (t *Terminal) restoreTampered(doc stateDoc, charged bool) error {
	doc.Slots, doc.Engines = nil, nil
	t.take(doc)
	if doc.Tamper.Tripped && !charged {
		t.s.lock(device.LockState{Kind: device.LockTamper, Since: doc.Tamper.At, Detail: doc.Tamper.Sensor})
		return nil
	}
	t.later = append(t.later, t.trip(cmp.Or(doc.Tamper.Sensor, "backup battery")))
	return fault.WrapAs(fault.Failure, t.keep(), "write the terminal's state")
}

// read reads the state. Errors: malformed; file_exposed for a link.
func (d *disk) read() (k kept, doc stateDoc, err error) {
	raw, err := d.folder.read(stateFile, maxState)
	if errors.Is(err, fs.ErrNotExist) || fault.Is(err, fault.FileExposed) {
		return kept{}, stateDoc{}, err
	}
	if err != nil {
		return kept{}, stateDoc{}, fault.WrapAs(fault.Failure, err, "the terminal's state")
	}
	if json.Unmarshal(raw, &k) != nil || k.Format != stateFormat || json.Unmarshal(k.State, &doc) != nil {
		return kept{}, stateDoc{}, fault.New(fault.Malformed,
			"the terminal's state in %s cannot be read; it was not written here", d.folder.name)
	}
	return k, doc, nil
}

// take fills the state from a document. Keys whose records are damaged stay in their slots as that.
func (t *Terminal) take(doc stateDoc) {
	t.s = state{serial: doc.Serial, model: doc.Model, poi: doc.POI, firmware: doc.Firmware, counter: doc.Counter,
		spent: doc.Spent, loads: doc.Loads, locks: doc.Locks, lockedBy: doc.LockedBy, tamper: doc.Tamper,
		millivolts: doc.Battery, batch: doc.Batch, master: doc.Master, set: doc.Set, keyMode: doc.KeyMode, line: doc.Line,
		wrong: doc.Wrong, steps: doc.Steps}
	t.log = eventLog{events: doc.Log, seq: doc.Seq}
	for _, row := range doc.Slots {
		e := &entry{alg: row.Algorithm, usage: row.Usage, mode: row.Mode, expires: row.Expires, told: row.Told,
			record: row.Record}
		if sec := t.disk.unseal(row.Record, row.with()); sec != nil {
			if key, err := keys.New(row.Algorithm, sec); err == nil {
				e.key = key
			}
		}
		if e.key == nil && !t.s.tamper.Tripped {
			t.noteForLater(Event{Kind: Corrupted, Slot: row.Slot})
		}
		t.s.put(row.Slot, e)
	}
	for _, row := range doc.Engines {
		e := &engine{alg: row.Algorithm, check: row.Check, mark: row.Mark, record: row.Record}
		if saved := t.disk.unseal(row.Record, row.with()); saved != nil {
			if dev, err := dukpt.RestoreDevice(saved); err == nil {
				e.dev = dev
			}
			saved.Wipe()
		}
		t.s.putEngine(row.Slot, e)
	}
}

// corrupt damages the memory of one slot: bytes of its record are turned over, and what was read from it before is
// gone. The lock is held.
func (t *Terminal) corrupt(slot device.Slot) bool {
	flip := func(record []byte) {
		for i := len(record) / 2; i < len(record); i++ {
			record[i] ^= 0xA5
		}
	}
	e, ok := t.s.slots[slot]
	if ok && e.key != nil {
		flip(e.record)
		e.key.Wipe()
		e.key = nil
	}
	d, engine := t.s.engines[slot]
	if engine && d.dev != nil {
		flip(d.record)
		d.dev.Wipe()
		d.dev = nil
	}
	if !ok && !engine {
		return false
	}
	t.noteForLater(Event{Kind: Corrupted, Slot: slot})
	t.keepAnyway() // the damage is done
	return true
}
