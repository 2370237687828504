package fleet

// What goes into devices, asked for once for each key loading key.

import (
	"context"
	"sync"

	"poskey/pkg/inject"
)

// loadCache asks for the loads of a key loading key once.
type loadCache struct {
	ask   func(ctx context.Context, kbpk string) ([]inject.Plan, error)
	keys  *keyWatch
	mu    sync.Mutex
	known map[string][]inject.Plan
}

func (c *loadCache) get(ctx context.Context, kbpk string) ([]inject.Plan, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.known[kbpk]; known != nil {
		return known, nil
	}
	plans, err := c.ask(ctx, kbpk)
	if err == nil {
		err = c.keys.add(plans)
	}
	switch {
	case err == nil:
		c.known[kbpk] = plans
		return plans, nil
	case ctx.Err() != nil, kbpk != "" && !common(err): // the list names a key for this device that cannot be had
		return nil, err
	}
	return nil, c.keys.alarm.raise(err)
}
