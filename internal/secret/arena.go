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
}

type slot struct {
	b    []byte
	home *chunk
}

// arena is state of the process, like the heap: locked pages belong to the process and to nobody in it.
var arena struct {
	sync.Mutex
	free    []slot
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

func allocate(n int) ([]byte, *chunk) {
	arena.live.Add(1)
	if n > slotSize {
		c, err := newChunk(n)
		if err != nil {
			arena.refused.CompareAndSwap(nil, &err)
		}
		if c == nil {
			return make([]byte, n), nil
		}
		c.large = true
		return c.mem[:n:n], c
	}
	arena.Lock()
	defer arena.Unlock()
	if len(arena.free) == 0 {
		refill()
	}
	last := len(arena.free) - 1
	s := arena.free[last]
	arena.free[last] = slot{}
	arena.free = arena.free[:last]
	return s.b[:n:slotSize], s.home
}

// refill puts one chunk's slots on the free list. Memory that cannot be locked is used all the same: refusing to
// work would drive people to worse tools; the command line warns once.
func refill() {
	c, err := newChunk(chunkSize)
	if err != nil {
		arena.refused.CompareAndSwap(nil, &err)
	}
	if c == nil {
		c = &chunk{mem: make([]byte, chunkSize)}
	}
	for at := 0; at+slotSize <= len(c.mem); at += slotSize {
		arena.free = append(arena.free, slot{c.mem[at : at+slotSize : at+slotSize], c})
	}
}

func release(b []byte, home *chunk) {
	arena.live.Add(-1)
	if home == nil {
		return
	}
	if home.large {
		freeChunk(home)
		return
	}
	arena.Lock()
	arena.free = append(arena.free, slot{b[:slotSize:slotSize], home})
	arena.Unlock()
}
