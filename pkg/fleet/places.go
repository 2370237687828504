package fleet

// Addresses: one worker at each.

import (
	"context"
	"sync"

	"poskey/internal/fault"
)

// places keeps two workers from one address, and counts who is at work.
type places struct {
	mu   sync.Mutex
	busy map[string]chan struct{} // closed when the address is free again
	n    int
}

func (p *places) working() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.n > 0
}

// enter waits for an address.
func (p *places) enter(ctx context.Context, place string) (leave func(), err error) {
	for {
		p.mu.Lock()
		free, taken := p.busy[place]
		if !taken {
			mine := make(chan struct{})
			p.busy[place] = mine
			p.n++
			p.mu.Unlock()
			return func() {
				p.mu.Lock()
				delete(p.busy, place)
				p.n--
				p.mu.Unlock()
				close(mine)
			}, nil
		}
		p.mu.Unlock()
		select {
		case <-free:
		case <-ctx.Done():
			return nil, fault.WrapAs(fault.Interrupted, context.Cause(ctx), "wait for the address")
		}
	}
}
