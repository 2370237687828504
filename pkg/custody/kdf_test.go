package custody

import (
	"testing"

	"poskey/internal/fault"
)

func TestCostsOutOfBoundsAreRefused(t *testing.T) {
	for _, c := range []Cost{DefaultCost(), FloorCost(), {3, 64 << 10, 1}, {10, 1 << 20, 8}, {160, 64 << 10, 16}} {
		if err := c.Check(); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
	cases := []struct {
		cost Cost
		says string
	}{
		{Cost{2, 256 << 10, 2}, "too cheap"},
		{Cost{3, 64<<10 - 1, 4}, "too cheap"},
		{Cost{}, "too cheap"},
		{Cost{3, 1<<20 + 1, 4}, "the most is 1048576 KiB"},
		{Cost{3, 1<<32 - 1, 4}, "the most"},
		{Cost{11, 1 << 20, 4}, "ten seconds"},
		{Cost{1<<32 - 1, 64 << 10, 4}, "ten seconds"},
		{Cost{3, 64 << 10, 0}, "lanes"},
		{Cost{3, 64 << 10, 17}, "lanes"},
	}
	for _, c := range cases {
		mustFail(t, c.cost.Check(), fault.NotPermitted, c.says)
	}
}

// BenchmarkUnlock is what an officer waits for: about 0.4 s at the default cost.
func BenchmarkUnlock(b *testing.B) {
	for name, cost := range map[string]Cost{"default": DefaultCost(), "floor": FloorCost()} {
		b.Run(name, func(b *testing.B) {
			p := phrase(goodPhrase)
			defer p.Wipe()
			file, err := newTest(b, "bench", Custodian).Lock(testEnv("bench"), p, cost)
			must(b, err)
			locked, err := ParseIdentity(file)
			must(b, err)
			b.ResetTimer()
			for range b.N {
				id, err := locked.Unlock(testEnv("unlock"), p, &log{})
				must(b, err)
				id.Wipe()
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/officer")
		})
	}
}
