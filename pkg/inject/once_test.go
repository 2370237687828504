package inject_test

// Exactly once, whatever breaks: the line at any byte, the journal at any step.

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"poskey/pkg/device"
	"poskey/pkg/inject"
	"poskey/pkg/store"
)

// crowd runs cases side by side: most of their time they wait for the disk.
func crowd(t *testing.T, n int, body func(t *testing.T, i int)) {
	t.Helper()
	for i := range n {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			body(t, i)
		})
	}
}

func dialects() []dialect { return []dialect{visaDialect(), futurexDialect(), agentDialect()} }

func TestAWholeJobIsConfirmedAndItsNumberTaken(t *testing.T) {
	s := openShop(t)
	for _, d := range dialects() {
		x := s.place(t, d)
		r, err := x.run(t.Context(), x.loader(), x.job())
		if err != nil || !r.Confirmed() {
			t.Fatalf("%s: %v, %v", d.name, err, r.Err())
		}
		x.truth(t, &r)
		again, err := x.run(t.Context(), x.loader(), x.job())
		if err != nil || !again.Confirmed() {
			t.Errorf("%s, again: %v, %v", d.name, err, again.Err())
		}
		for _, o := range again.Loads {
			if !o.Done || x.times(o.Slot) != 1 {
				t.Errorf("%s: slot %s was stored %d times; done before: %v", d.name, o.Slot, x.times(o.Slot), o.Done)
			}
		}
		x.truth(t, &again)
	}
	s.verified(t)
}

// bytesOf is how many bytes a whole job takes in both directions.
func bytesOf(t *testing.T, s *shop, d dialect) int {
	t.Helper()
	x := s.place(t, d)
	if r, err := x.run(t.Context(), x.loader(), x.job()); err != nil || !r.Confirmed() {
		t.Fatalf("%v, %v", err, r.Err())
	}
	return x.line.passed()
}

func TestALineThatIsCutAnywhereLoadsNothingTwice(t *testing.T) {
	for _, d := range dialects() {
		t.Run(d.name, func(t *testing.T) {
			s := openShop(t)
			// What TLS carries comes in records: a cut inside one is a cut before it, whatever the byte.
			step := max(every, map[string]int{"agent": 41}[d.name])
			n := bytesOf(t, s, d)
			t.Run("at", func(t *testing.T) {
				crowd(t, n/step+1, func(t *testing.T, i int) {
					x := s.place(t, d)
					x.line.set(i * step)
					r, _ := x.run(context.Background(), x.loader(), x.job()) // what it says is held against the truth
					x.truth(t, &r)
					x.settled(t)
				})
			})
			s.verified(t)
		})
	}
}

// dying is a journal that fails at a step.
type dying struct {
	inject.Journal
	at    int  // the call that fails, counted from 1
	after bool // it is done all the same, and nobody hears of it
	ever  bool // every later call fails too: the process was killed

	mu    sync.Mutex
	calls int
}

var errDead = errors.New("the test killed the journal")

func (d *dying) fails(call func() error) error {
	d.mu.Lock()
	d.calls++
	now := d.calls == d.at
	dead := d.ever && d.calls > d.at
	d.mu.Unlock()
	if dead || now && !d.after {
		return errDead
	}
	err := call()
	if now && err == nil {
		err = errDead
	}
	return err
}

func (d *dying) Reserve(ctx context.Context, r store.LoadRequest) (l store.Load, err error) {
	err = d.fails(func() error { l, err = d.Journal.Reserve(ctx, r); return err })
	if err != nil {
		return store.Load{}, err
	}
	return l, nil
}

func (d *dying) Step(ctx context.Context, step store.LoadStep) (same []string, err error) {
	err = d.fails(func() error { same, err = d.Journal.Step(ctx, step); return err })
	return same, err
}

func TestAJournalThatDiesAtAnyStepLosesNothing(t *testing.T) {
	s := openShop(t)
	const most = 10 // more than a job has steps
	few, n := 1+every/5, 0
	t.Run("at", func(t *testing.T) {
		for _, d := range dialects() {
			for at := 1; at <= most; at++ {
				for _, after := range []bool{false, true} {
					for _, ever := range []bool{false, true} {
						if n++; n%few != 0 {
							continue
						}
						t.Run(fmt.Sprintf("%s step %d after %v ever %v", d.name, at, after, ever), func(t *testing.T) {
							t.Parallel()
							x := s.place(t, d)
							l := x.loader()
							l.Journal = &dying{Journal: l.Journal, at: at, after: after, ever: ever}
							r, _ := x.run(context.Background(), l, x.job())
							x.truth(t, &r)
							x.settled(t)
						})
					}
				}
			}
		}
	})
	s.verified(t)
}

func TestACutLineAndADeadJournalTogetherLoseNothing(t *testing.T) {
	s := openShop(t)
	d := visaDialect()
	n := bytesOf(t, s, d)
	t.Run("at", func(t *testing.T) {
		crowd(t, 240/(1+every/2), func(t *testing.T, i int) {
			x := s.place(t, d)
			for turn := range 3 {
				x.line.set((i*97 + turn*389) % n)
				l := x.loader()
				l.Journal = &dying{Journal: l.Journal, at: 1 + (i*5+turn*3)%9, after: i%2 == 0, ever: i%3 == 0}
				l.Again = turn == 1 && i%4 == 0
				r, _ := x.run(context.Background(), l, x.job())
				x.line.set(-1)
				x.truth(t, &r)
			}
			x.settled(t)
		})
	})
	s.verified(t)
}

func TestARunThatIsGivenUpAtAnyStepIsTakenUpAgain(t *testing.T) {
	s := openShop(t)
	t.Run("at", func(t *testing.T) {
		for _, d := range dialects() {
			for at := range 9 {
				t.Run(fmt.Sprintf("%s step %d", d.name, at), func(t *testing.T) {
					t.Parallel()
					x := s.place(t, d)
					ctx, cancel := context.WithCancel(context.Background())
					defer cancel()
					l, steps := x.loader(), 0
					l.Progress = func(device.Slot, store.LoadState) {
						if steps++; steps == at {
							cancel()
						}
					}
					if at == 0 {
						cancel()
					}
					r, err := x.run(ctx, l, x.job())
					if at > 0 && len(r.Loads) != len(x.plans(s)) {
						t.Errorf("%d outcomes for %d loads", len(r.Loads), len(x.plans(s)))
					}
					if err == nil && r.Err() == nil && !r.Confirmed() {
						t.Errorf("given up without a word: %+v", r)
					}
					x.truth(t, &r)
					x.settled(t)
				})
			}
		}
	})
	s.verified(t)
}
