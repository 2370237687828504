package diagnose_test

// How fast logs are read: docs/performance.md has the method.

import (
	"strings"
	"testing"

	"poskey/pkg/diagnose"
)

// BenchmarkReadLog reads the logs of the tests one behind the other, many times: every line of them is about keys, so that
// no log is slower.
func BenchmarkReadLog(b *testing.B) {
	var all strings.Builder
	for _, s := range logScenes(b) {
		all.WriteString(s.text)
	}
	log, ears := strings.Repeat(all.String(), 1+1<<20/all.Len()), hearing(b)
	b.SetBytes(int64(len(log)))
	for b.Loop() {
		if _, _, err := diagnose.ReadLog(strings.NewReader(log), diagnose.LogOptions{Year: 2026, Ears: ears}); err != nil {
			b.Fatal(err)
		}
	}
}
