package fleet

import (
	"context"
	"time"
)

// Stands lets a station watch a queue that gives nothing out, and that goes away when broken says so.
func Stands(ctx context.Context, o Options, broken bool) error {
	if err := o.fill(); err != nil {
		return err
	}
	s := &station{Options: o}
	if err := s.prepare(ctx); err != nil {
		return err
	}
	s.late = o.Patience
	defer s.ledger.close()
	q, err := openQueue(ctx, s)
	if err != nil {
		return err
	}
	todo, err := s.todo(ctx)
	if err != nil {
		return err
	}
	if err := q.put(ctx, s.run.ID, todo); err != nil {
		return err
	}
	if broken {
		if err := q.place.Close(); err != nil {
			return err
		}
	} else {
		defer func() { _ = q.place.Close() }()
	}
	ctx, stop := context.WithTimeout(ctx, 20*time.Second)
	defer stop()
	return s.watch(ctx, q)
}

// AtLeast is what decides whether chance explains equal check values.
func AtLeast(k int, mean float64) float64 { return atLeast(k, mean) }
