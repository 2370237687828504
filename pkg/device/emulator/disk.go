package emulator

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/dukpt"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// Files of a terminal's directory.
const (
	stateFile   = "state.json"
	batteryFile = "battery.key"
	lockFile    = "lock"

	batteryLen  = 32
	stateFormat = "poskey.emulator.state/v1"
	maxState    = 8 << 20
)

// disk is a terminal's directory. The keys in state.json are encrypted under battery.key, which a tamper destroys.
type disk struct {
	dir    string
	random io.Reader
	unlock func() error
	aead   cipher.AEAD // nil after a tamper
}

// openDisk takes the directory. Error: busy when another terminal has it.
func openDisk(dir string, random io.Reader) (*disk, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.WrapAs(fault.Failure, err, "the terminal's directory")
	}
	unlock, err := lockDir(filepath.Join(dir, lockFile))
	if err != nil {
		return nil, err
	}
	return &disk{dir: dir, random: random, unlock: unlock}, nil
}

func (d *disk) close() error { return d.unlock() }

// battery reads the key that protects the others; false where there is none.
func (d *disk) battery() (bool, error) {
	raw, err := os.ReadFile(filepath.Join(d.dir, batteryFile))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fault.WrapAs(fault.Failure, err, "the terminal's battery-backed key")
	}
	key := secret.Take(raw)
	defer key.Wipe()
	if key.Len() != batteryLen || !slices.ContainsFunc(key.Expose(), func(b byte) bool { return b != 0 }) {
		return false, nil // a tamper was at work when power failed
	}
	return true, d.use(key)
}

func (d *disk) use(key *secret.Bytes) error {
	block, err := aes.NewCipher(key.Expose())
	if err != nil {
		return err
	}
	d.aead, err = cipher.NewGCM(block)
	return err
}

// charge makes a new battery-backed key.
func (d *disk) charge() error {
	key, err := secret.Read(d.random, batteryLen)
	if err != nil {
		return err
	}
	defer key.Wipe()
	if err := d.write(batteryFile, key.Expose()); err != nil {
		return err
	}
	return d.use(key)
}

// discharge destroys the battery-backed key, and with it every key on the disk.
func (d *disk) discharge() error {
	d.aead = nil
	name := filepath.Join(d.dir, batteryFile)
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, batteryLen))
	if err = errors.Join(err, f.Sync(), f.Close(), os.Remove(name)); err != nil {
		return err
	}
	return syncDir(d.dir)
}

// write puts a file in place whole or not at all.
func (d *disk) write(name string, content []byte) error {
	whole := filepath.Join(d.dir, name)
	f, err := os.OpenFile(whole+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(whole+".new", whole); err != nil {
		return err
	}
	return syncDir(d.dir)
}

// seal encrypts a key for the disk; with says what it is, and cannot be changed afterwards.
func (d *disk) seal(key []byte, with string) ([]byte, error) {
	if d.aead == nil {
		return nil, fault.New(fault.Failure, "the terminal's battery-backed key is gone")
	}
	nonce := make([]byte, d.aead.NonceSize(), d.aead.NonceSize()+len(key)+d.aead.Overhead())
	if _, err := io.ReadFull(d.random, nonce); err != nil {
		return nil, err
	}
	return d.aead.Seal(nonce, nonce, key, []byte(with)), nil
}

// unseal decrypts a record; nil where it is damaged.
func (d *disk) unseal(record []byte, with string) *secret.Bytes {
	if d.aead == nil || len(record) < d.aead.NonceSize() {
		return nil
	}
	n := d.aead.NonceSize()
	clear, err := d.aead.Open(nil, record[:n], record[n:], []byte(with))
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
		Model    string             `json:"model"`
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
		Full      []byte         `json:"full"`
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
	return t.disk.write(stateFile, raw)
}

func (t *Terminal) document() (stateDoc, error) {
	s := &t.s
	doc := stateDoc{Format: stateFormat, Serial: s.serial, Model: s.model, POI: s.poi, Firmware: s.firmware,
		Counter: s.counter, Spent: s.spent, Loads: s.loads, Locks: s.locks, LockedBy: s.lockedBy, Tamper: s.tamper,
		Battery: s.millivolts, Batch: s.batch, Master: s.master, Set: s.set, KeyMode: s.keyMode, Line: s.line,
		Wrong: s.wrong, Seq: t.log.seq, Log: t.log.events}
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
		row := engineDoc{Slot: slot, Algorithm: e.alg, Check: e.check, Full: e.full}
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
	charged, err := t.disk.battery()
	if err != nil {
		return err
	}
	doc, err := t.disk.read()
	if errors.Is(err, fs.ErrNotExist) {
		t.s.start(t.cfg)
		if !charged {
			if err := t.disk.charge(); err != nil {
				return fault.WrapAs(fault.Failure, err, "make the terminal's battery-backed key")
			}
		}
		return fault.WrapAs(fault.Failure, t.keep(), "write the terminal's state")
	}
	if err != nil {
		return err
	}
	t.take(doc)
	if charged || t.s.tamper.Tripped {
		return nil
	}
	t.trip("backup battery")
	return fault.WrapAs(fault.Failure, t.keep(), "write the terminal's state")
}

// read reads the document. Error: malformed.
func (d *disk) read() (stateDoc, error) {
	f, err := os.Open(filepath.Join(d.dir, stateFile))
	if err != nil {
		return stateDoc{}, err
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxState))
	if err = errors.Join(err, f.Close()); err != nil {
		return stateDoc{}, fault.WrapAs(fault.Failure, err, "the terminal's state")
	}
	var doc stateDoc
	if err := json.Unmarshal(raw, &doc); err != nil || doc.Format != stateFormat {
		return stateDoc{}, fault.New(fault.Malformed,
			"the terminal's state in %s cannot be read; it was not written here", d.dir)
	}
	return doc, nil
}

// take fills the state from a document. Keys whose records are damaged stay in their slots as that.
func (t *Terminal) take(doc stateDoc) {
	t.s = state{serial: doc.Serial, model: doc.Model, poi: doc.POI, firmware: doc.Firmware, counter: doc.Counter,
		spent: doc.Spent, loads: doc.Loads, locks: doc.Locks, lockedBy: doc.LockedBy, tamper: doc.Tamper,
		millivolts: doc.Battery, batch: doc.Batch, master: doc.Master, set: doc.Set, keyMode: doc.KeyMode, line: doc.Line,
		wrong: doc.Wrong}
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
		e := &engine{alg: row.Algorithm, check: row.Check, full: row.Full, record: row.Record}
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
	_ = t.keep() // the damage is done, whether it is written down or not
	return true
}

// Corrupt damages the memory of one slot, as flash does when it ages. It reports whether there was a key.
func (t *Terminal) Corrupt(slot device.Slot) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.corrupt(slot)
}
