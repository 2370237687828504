package agent

// What one work remembers of keys: those that came into being in it, were derived in it, or got a label.

import (
	"crypto/sha256"
	"sync"
)

// maxRemembered is how many a work remembers at least, those used last.
const maxRemembered = 1 << 16

// trace stands for the block of a key, or for a label.
type trace [16]byte

// remembered are keys or labels of a work, in two generations: the older one is forgotten when the younger one is full.
type remembered struct {
	mu         sync.Mutex
	young, old map[trace]struct{}
}

func traceOf(block string) trace {
	sum := sha256.Sum256([]byte(block))
	return trace(sum[:16])
}

func (m *remembered) add(block string) {
	if block == "" {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(traceOf(block))
}

// put enters a key as the youngest. The lock is held.
func (m *remembered) put(id trace) {
	if m.young == nil || len(m.young) >= maxRemembered {
		m.young, m.old = map[trace]struct{}{}, m.young
	}
	m.young[id] = struct{}{}
}

// has tells whether it is remembered, and that it is used.
func (m *remembered) has(block string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	id := traceOf(block)
	if _, young := m.young[id]; young {
		return true
	}
	if _, old := m.old[id]; !old {
		return false
	}
	m.put(id)
	return true
}

// take enters what is not there yet, and tells whether it was not.
func (m *remembered) take(name string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	id := traceOf(name)
	_, young := m.young[id]
	_, old := m.old[id]
	if young || old {
		return false
	}
	m.put(id)
	return true
}

// drop forgets one.
func (m *remembered) drop(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.young, traceOf(name))
	delete(m.old, traceOf(name))
}
