package emulator

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"poskey/pkg/device"
	"poskey/pkg/dukpt"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// entry is a key in a slot with its attributes. It owns the key.
type entry struct {
	key     *keys.Key // nil: it cannot be read any more
	alg     keys.Algorithm
	usage   keys.Usage
	mode    byte
	expires time.Time
	told    string // check value that the loader gave, for the fault that repeats it
	record  []byte // as it lies on disk; nil in memory
}

func (e *entry) algorithm() byte { return keyblock.AlgorithmChar(e.alg) }

// engine is a DUKPT engine.
type engine struct {
	dev    *dukpt.Device // nil: it cannot be read any more
	alg    keys.Algorithm
	check  kcv.Value // of the initial key
	mark   []byte    // to know the key again
	record []byte
}

// state is what a terminal keeps. Whoever touches it holds the terminal's lock.
type state struct {
	serial, model, poi, firmware string
	counter                      uint64 // of the software, against going back
	slots                        map[device.Slot]*entry
	engines                      map[device.Slot]*engine
	spent                        []string // KSNs of initial keys that were loaded
	loads                        int
	locks                        []device.LockState
	lockedBy                     string // account that set the operator lock
	tamper                       device.TamperState
	millivolts                   int
	batch                        int
	master                       device.Slot      // selected by packet 08
	set                          int              // DUKPT set selected by packet 96
	keyMode                      string           // packets 15 and 17
	line                         string           // packet 13
	wrong                        map[string]int   // passwords in a row, by account
	steps                        map[string]int64 // the last time step of a one-time code that counted, by account
}

const (
	fullBattery  = 3000 // millivolts
	lowBattery   = 2500
	emptyBattery = 2000
	maxSpent     = 1000
)

// start is a terminal as it leaves the factory.
func (s *state) start(cfg Config) {
	s.serial, s.model, s.poi, s.firmware = cfg.Serial, cfg.Model, cfg.POIVersion, cfg.Firmware
	if s.poi == "" {
		s.poi = "6.2"
	}
	if s.firmware == "" {
		s.firmware = "1.0.0"
	}
	s.millivolts = fullBattery
	s.batch = cfg.OpenBatch
	s.master = "0"
}

func (s *state) put(slot device.Slot, e *entry) {
	if s.slots == nil {
		s.slots = map[device.Slot]*entry{}
	}
	s.slots[slot] = e
	delete(s.engines, slot)
}

func (s *state) putEngine(slot device.Slot, e *engine) {
	if s.engines == nil {
		s.engines = map[device.Slot]*engine{}
	}
	s.engines[slot] = e
	delete(s.slots, slot)
}

// modelName is what the terminal calls itself: what it was told once, else what it is told now, else the vendor's.
func (t *Terminal) modelName() string {
	return cmp.Or(t.s.model, t.cfg.Model, vendorInfo(t.cfg.Vendor).Model)
}

// spend remembers the KSN of an initial key.
func (s *state) spend(ksn string) {
	if slices.Contains(s.spent, ksn) {
		return
	}
	if s.spent = append(s.spent, ksn); len(s.spent) > maxSpent {
		s.spent = s.spent[1:]
	}
}

// wipe destroys the keys.
func (s *state) wipe() {
	for _, e := range s.slots {
		e.key.Wipe()
	}
	for _, e := range s.engines {
		e.dev.Wipe()
	}
	s.slots, s.engines = nil, nil
}

func (s *state) locked(kind device.LockKind) bool {
	return slices.ContainsFunc(s.locks, func(l device.LockState) bool { return l.Kind == kind })
}

func (s *state) lock(l device.LockState) {
	if !s.locked(l.Kind) {
		s.locks = append(slices.Clone(s.locks), l)
	}
}

func (s *state) unlock(kind device.LockKind) {
	s.locks = slices.DeleteFunc(slices.Clone(s.locks), func(l device.LockState) bool { return l.Kind == kind })
}

// copied is the state as it is now, so that a change can be taken back. Keys are shared.
func (s *state) copied() state {
	out := *s
	out.slots, out.engines = maps.Clone(s.slots), maps.Clone(s.engines)
	out.wrong, out.steps = maps.Clone(s.wrong), maps.Clone(s.steps)
	return out
}

// wipeBut destroys the keys that the other state does not have.
func (s *state) wipeBut(kept *state) {
	for at, e := range s.slots {
		if kept.slots[at] != e {
			e.key.Wipe()
		}
	}
	for at, e := range s.engines {
		if kept.engines[at] != e {
			e.dev.Wipe()
		}
	}
}

// change does something to the state and writes it down; when that fails, nothing has happened. Keys that are no longer
// there are destroyed. The lock is held.
func (t *Terminal) change(do func()) Refusal {
	if t.closed {
		return RefusedStorage
	}
	before := t.s.copied()
	do()
	if err := t.keep(); err != nil {
		t.s.wipeBut(&before)
		t.s = before
		return RefusedStorage
	}
	before.wipeBut(&t.s)
	return Accepted
}

func checkOf(k *keys.Key) (kcv.Value, error) {
	return kcv.Of(k.Algorithm(), k.Secret().Expose(), kcv.Default(k.Algorithm()), 0)
}
