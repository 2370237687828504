package slip

import (
	"context"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// BenchmarkAESCores gives how much faster two cores search three wrong digits of an AES-128 key than one, by the default
// method, with the collector as the command sets it.
func BenchmarkAESCores(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(512 << 20))
	typed := make([]byte, 32)
	q := Question{Pieces: []Piece{{Typed: typed}}, Algorithm: keys.AES128, Method: kcv.CMAC, Expected: kcv.Expected{Digits: "0123456789"}, Digits: 3}
	var ratios []float64
	for b.Loop() {
		var took [3]time.Duration
		for workers := 1; workers <= 2; workers++ {
			q.Workers = workers
			start := time.Now()
			if _, err := Search(context.Background(), q); err != nil {
				b.Fatal(err)
			}
			took[workers] = time.Since(start)
		}
		ratios = append(ratios, took[1].Seconds()/took[2].Seconds())
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "x-1-core")
}
