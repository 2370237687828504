package secret

import (
	"sync"
	"sync/atomic"
)

// Locking is done by the page and costs a system call, so small secrets share locked chunks, cut into slots.
const (
	slotSize  = 64 // every symmetric key and every HMAC key of usual length fits
	chunkSize = 64 << 10
)

// chunk is memory of the system's, outside the garbage collector's reach.
type chunk struct {
	mem   []byte
	large bool // one secret alone, given back to the system on release
	heap  bool // the system gave none: the collector's memory after all
}

// slot is where one secret lies. The bytes are two pointers away from a Bytes, because fmt follows one when a verb does
// not fit: %s of a struct with a secret in an unexported field would print them, without asking Format.
type slot struct {
	home     *chunk
	from, to int
}

func (s *slot) mem() []byte { return s.home.mem[s.from:s.to:s.to] }

// arena is state of the process, like the heap: locked pages belong to the process and to nobody in it.
var arena struct {
	sync.Mutex
	free    []*slot
	live    atomic.Int64
	refused atomic.Pointer[error]
}

// LockError says why memory could not be locked, or nil. Secrets then live in ordinary memory that may be swapped.
func LockError() error {
	if p := arena.refused.Load(); p != nil {
		return *p
	}
	return nil
}

// Live is the number of secrets that were made and not yet wiped; tests hold it against zero.
func Live() int { return int(arena.live.Load()) }

func allocate(n int) *slot {
	arena.live.Add(1)
	if n > slotSize {
		c, err := newChunk(n)
		if err != nil {
			arena.refused.CompareAndSwap(nil, &err)
		}
		if c == nil {
			c = &chunk{mem: make([]byte, n), heap: true}
		}
		c.large = true
		return &slot{c, 0, n}
	}
	arena.Lock()
	defer arena.Unlock()
	if len(arena.free) == 0 {
		refill()
	}
	last := len(arena.free) - 1
	s := arena.free[last]
	arena.free[last] = nil
	arena.free = arena.free[:last]
	return s
}

// refill puts one chunk's slots on the free list. Memory that cannot be locked is used all the same: refusing to
// work would drive people to worse tools; the command line warns once.
func refill() {
	c, err := newChunk(chunkSize)
	if err != nil {
		arena.refused.CompareAndSwap(nil, &err)
	}
	if c == nil {
		c = &chunk{mem: make([]byte, chunkSize), heap: true}
	}
	slots := make([]slot, len(c.mem)/slotSize)
	for i := range slots {
		slots[i] = slot{c, i * slotSize, (i + 1) * slotSize}
		arena.free = append(arena.free, &slots[i])
	}
}

// release wipes the whole slot, since append may have written behind the secret, and gives it back.
func release(s *slot) {
	Wipe(s.mem())
	arena.live.Add(-1)
	switch {
	case s.home.large && s.home.heap:
	case s.home.large:
		freeChunk(s.home)
	default:
		arena.Lock()
		arena.free = append(arena.free, s)
		arena.Unlock()
	}
}
