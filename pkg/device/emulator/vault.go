package emulator

import (
	"slices"
	"strings"
	"sync"

	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/device/visa/table"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// stored is a key with its attributes. It owns the key.
type stored struct {
	key   *keys.Key
	usage keys.Usage
	mode  byte
}

func (s stored) algorithm() byte { return keyblock.AlgorithmChar(s.key.Algorithm()) }

// vault holds the slots and the rules about what may stand in them.
type vault struct {
	mu       sync.Mutex
	rules    []device.SlotRule
	slots    map[device.Slot]stored
	loads    int
	maxLoads int
}

// fits looks the key up in the table of slots.
func (v *vault) fits(slot device.Slot, s stored) bool {
	if len(slot) != 1 {
		return false
	}
	for _, r := range v.rules {
		if strings.Contains(r.Slots, string(slot)) && r.Usage == s.usage && strings.IndexByte(r.Modes, s.mode) >= 0 &&
			strings.IndexByte(r.Algorithms, s.algorithm()) >= 0 && slices.Contains(r.Lengths, s.key.Len()) {
			return true
		}
	}
	return false
}

// full reports whether the count of loads is used up.
func (v *vault) full() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.maxLoads > 0 && v.loads >= v.maxLoads
}

// admit gives the code against a key, or none. With protected, the key came under the KLK.
func (v *vault) admit(slot device.Slot, s stored, protected bool) (code string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.fits(slot, s) {
		return table.UsageUnfit
	}
	if protected {
		klk, ok := v.slots[table.KLK]
		if !ok {
			return table.NoKLK // wiped while the block was on its way
		}
		if s.key.Len() > klk.key.Len() {
			return table.TooLong
		}
	}
	if v.hasElsewhere(slot, s.key) {
		return table.Duplicate
	}
	return ""
}

func (v *vault) hasElsewhere(slot device.Slot, key *keys.Key) bool {
	found := false
	for at, s := range v.slots {
		if at != slot && s.key.Secret().Equal(key.Secret()) {
			found = true
		}
	}
	return found
}

// klk gives a copy of the key loading key, or nil.
func (v *vault) klk() (*keys.Key, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s, ok := v.slots[table.KLK]
	if !ok || s.usage != keys.UsageKEK {
		return nil, nil
	}
	return keys.New(s.key.Algorithm(), s.key.Secret().Clone())
}

// put stores a key in place of what the slot held.
func (v *vault) put(slot device.Slot, s stored) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.slots[slot].key.Wipe()
	v.slots[slot] = s
	v.loads++
}

func (v *vault) state(slot device.Slot) device.SlotState {
	v.mu.Lock()
	defer v.mu.Unlock()
	s, ok := v.slots[slot]
	if !ok {
		return device.SlotState{}
	}
	return device.SlotState{Loaded: true, HasAttributes: true, Usage: s.usage, Mode: s.mode, Algorithm: s.algorithm()}
}

func (v *vault) check(slot device.Slot) (kcv.Value, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s, ok := v.slots[slot]
	if !ok {
		return kcv.Value{}, false
	}
	value, err := checkOf(s.key)
	return value, err == nil
}

func checkOf(k *keys.Key) (kcv.Value, error) {
	return kcv.Of(k.Algorithm(), k.Secret().Expose(), kcv.Default(k.Algorithm()), 0)
}

func (v *vault) wipe() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for at, s := range v.slots {
		s.key.Wipe()
		delete(v.slots, at)
	}
}

// direct stores a key as a factory does: no protocol, but the same table of slots.
func (v *vault) direct(slot device.Slot, key *keys.Key, usage keys.Usage, mode byte) error {
	copied, err := keys.New(key.Algorithm(), key.Secret().Clone())
	if err != nil {
		return err
	}
	s := stored{copied, usage, mode}
	switch v.admit(slot, s, false) {
	case "":
		v.put(slot, s)
		return nil
	case table.Duplicate:
		err = fault.New(fault.NotPermitted, "slot %s of the emulator: the same key is in another slot", slot)
	default:
		err = fault.New(fault.NotPermitted, "slot %s of the emulator does not take a %s key with usage %s and mode %c",
			slot, key.Algorithm(), usage, mode)
	}
	copied.Wipe()
	return err
}
