package emulator

// What the backup battery keeps: the key under which everything on the disk is, and which state was the last.

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io/fs"
	"math"
	"os"
	"slices"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/keys"
)

const (
	batteryFile = "battery.key"
	memoryFile  = "battery.memory"

	batteryLen = 32
	memoryLen  = 8 + sha256.Size // sequence of a state, and its MAC
	recordLen  = memoryLen + sha256.Size
)

// battery is the battery-backed key, as the keys that come of it.
type battery struct {
	aead   cipher.AEAD   // over the keys
	state  *secret.Bytes // MAC over the state
	memory *secret.Bytes // MAC over what is remembered of it
	mark   *secret.Bytes // makes marks of initial keys
}

func newBattery(key *secret.Bytes) (*battery, error) {
	derive := func(purpose string) (*secret.Bytes, error) {
		out, err := hkdf.Expand(sha256.New, key.Expose(), "poskey emulator battery v2 "+purpose, 32)
		return secret.Take(out), err
	}
	wrap, err := derive("keys")
	defer wrap.Wipe()
	b := &battery{}
	var err1, err2, err3 error
	b.state, err1 = derive("state")
	b.memory, err2 = derive("memory")
	b.mark, err3 = derive("marks")
	if err = errors.Join(err, err1, err2, err3); err == nil {
		var block cipher.Block
		if block, err = aes.NewCipher(wrap.Expose()); err == nil {
			b.aead, err = cipher.NewGCM(block)
		}
	}
	if err != nil {
		b.wipe()
		return nil, err
	}
	return b, nil
}

func (b *battery) wipe() {
	if b == nil {
		return
	}
	for _, s := range []*secret.Bytes{b.state, b.memory, b.mark} {
		s.Wipe()
	}
}

func macUnder(key *secret.Bytes, parts ...[]byte) []byte {
	m := hmac.New(sha256.New, key.Expose())
	for _, p := range parts {
		m.Write(p)
	}
	return m.Sum(nil)
}

// memory is which state was the last that was acknowledged. The zero value is that of a new battery: none was.
type memory struct {
	sequence uint64
	mac      [sha256.Size]byte
}

// spent is a memory that no state is young enough for.
func spent() memory { return memory{sequence: math.MaxUint64} }

func (m memory) record(b *battery) []byte {
	out := binary.BigEndian.AppendUint64(nil, m.sequence)
	out = append(out, m.mac[:]...)
	return append(out, macUnder(b.memory, out)...)
}

// parseMemory reads the two records, of which the younger one counts; false where neither is whole.
func parseMemory(b *battery, raw []byte) (m memory, ok bool) {
	for at := 0; at+recordLen <= len(raw); at += recordLen {
		record := raw[at : at+recordLen]
		if !hmac.Equal(macUnder(b.memory, record[:memoryLen]), record[memoryLen:]) {
			continue
		}
		if n := binary.BigEndian.Uint64(record); !ok || n > m.sequence {
			m.sequence, ok = n, true
			copy(m.mac[:], record[8:memoryLen])
		}
	}
	return m, ok
}

// older says whether a state is from before the one that is remembered. One that is younger was written, and not
// acknowledged, when the process ended.
func (m memory) older(k kept) bool {
	return k.Sequence < m.sequence || k.Sequence == m.sequence && !bytes.Equal(k.MAC, m.mac[:])
}

// recharge reads the battery-backed key and its memory; false where there is none. Error: log_broken for a key without
// its memory.
func (d *disk) recharge() (bool, error) {
	raw, err := d.folder.read(batteryFile, batteryLen+1)
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
	b, err := newBattery(key)
	if err != nil {
		return false, fault.WrapAs(fault.Bug, err, "the terminal's battery-backed key")
	}
	raw, err = d.folder.read(memoryFile, 2*recordLen)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		b.wipe()
		return false, fault.WrapAs(fault.Failure, err, "the battery's memory")
	}
	m, ok := parseMemory(b, raw)
	if !ok {
		b.wipe()
		return false, fault.New(fault.MACMismatch, "the battery's memory in %s is missing or was changed", d.folder.name)
	}
	d.battery, d.memory = b, m
	return true, nil
}

// charge makes a new battery-backed key, with an empty memory. The memory comes first: a key always has one.
func (d *disk) charge() error {
	key, err := secret.Read(d.random, batteryLen)
	if err != nil {
		return err
	}
	defer key.Wipe()
	b, err := newBattery(key)
	if err != nil {
		return err
	}
	blank := append(memory{}.record(b), make([]byte, recordLen)...)
	err = d.folder.write(memoryFile, blank)
	if err == nil {
		err = d.folder.write(batteryFile, key.Expose())
	}
	if err != nil {
		b.wipe()
		return err
	}
	d.battery.wipe()
	d.battery, d.memory, d.sequence = b, memory{}, 0
	return nil
}

// remember notes the state that is on the disk now. Records take turns, so that a torn one leaves the other.
func (d *disk) remember(m memory) error {
	f, err := d.folder.open(memoryFile, os.O_WRONLY)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(m.record(d.battery), int64(m.sequence%2)*recordLen)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		d.memory = m
	}
	return err
}

// discharge destroys the battery-backed key, and with it every key on the disk. Where that fails the memory is spent,
// so that no state with keys is taken any more.
func (d *disk) discharge() error {
	err := d.folder.destroy(batteryFile, batteryLen)
	if err != nil && d.battery != nil {
		err = errors.Join(err, d.remember(spent()))
	}
	d.battery.wipe()
	d.battery = nil
	return err
}

// marked is a mark of an initial key, to know the key again: nobody gets at the key, or at its check value, by it.
func (t *Terminal) marked(alg keys.Algorithm, full []byte) []byte {
	var key *secret.Bytes // in memory the mark lies beside the key
	if t.disk != nil && t.disk.battery != nil {
		key = t.disk.battery.mark
	}
	return macUnder(key, []byte(alg+" "), full)[:16]
}
