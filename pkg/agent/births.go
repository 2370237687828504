package agent

// The keys that came into being in one work: what has no label is nobody's key of the store, and stays there.

import (
	"crypto/sha256"
	"sync"
)

// maxBirths is how many keys a work remembers at least, those used last.
const maxBirths = 1 << 16

// birth stands for the block of a key.
type birth [16]byte

// births are the keys of a work, in two generations: the older one is forgotten when the younger one is full.
type births struct {
	mu         sync.Mutex
	young, old map[birth]struct{}
}

func birthOf(block string) birth {
	sum := sha256.Sum256([]byte(block))
	return birth(sum[:16])
}

func (b *births) add(block string) {
	if block == "" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.put(birthOf(block))
}

// put enters a key as the youngest. The lock is held.
func (b *births) put(id birth) {
	if b.young == nil || len(b.young) >= maxBirths {
		b.young, b.old = map[birth]struct{}{}, b.young
	}
	b.young[id] = struct{}{}
}

// has tells whether a key came into being here, and remembers that it is used.
func (b *births) has(block string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	id := birthOf(block)
	if _, young := b.young[id]; young {
		return true
	}
	if _, old := b.old[id]; !old {
		return false
	}
	b.put(id)
	return true
}

// take enters what is not there yet, and tells whether it was not.
func (b *births) take(name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	id := birthOf(name)
	_, young := b.young[id]
	_, old := b.old[id]
	if young || old {
		return false
	}
	b.put(id)
	return true
}

// drop forgets one.
func (b *births) drop(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.young, birthOf(name))
	delete(b.old, birthOf(name))
}
