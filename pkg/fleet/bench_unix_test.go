//go:build unix

package fleet_test

import (
	"context"
	"testing"
	"time"

	"poskey/pkg/fleet"
	"poskey/pkg/hsm"
	"poskey/pkg/inject"
	"poskey/pkg/store"
)

// BenchmarkFleetLoads loads one initial key into each terminal by packet 90, in a TR-31 block of version B, against
// emulators over TCP of this machine, 64 at once, with queue, journal and results: from the start of the station to its
// end. Every step is on the disk before the next one begins.
func BenchmarkFleetLoads(b *testing.B) {
	for name, place := range map[string]func(testing.TB) store.URL{
		"sqlite":     onFile,
		"postgresql": func(b testing.TB) store.URL { return onServer(b, server(b)) },
	} {
		b.Run(name, func(b *testing.B) {
			f := open(b, place(b))
			s := grow(b, b.N)
			f.begin("R1", b.N, func(p *fleet.Plan, m *fleet.Manifest) {
				p.Loads = templates()[:1]
				*m = manifestAt(b, b.N, s.uri)
			})
			o := f.options("R1", "A", newShelf(0))
			o.Open, o.Workers, o.Lease = s.open, 64, 1024
			o.Loads = func(context.Context, string) ([]inject.Plan, error) {
				return []inject.Plan{{Slot: "90", Key: hsm.Accept(f.bdk, hsm.ByStore), Ref: f.bdkRef, KeySet: "SET", KLK: &f.klk}}, nil
			}
			b.ResetTimer()
			began := time.Now()
			got, err := fleet.Run(context.Background(), o)
			b.StopTimer()
			must(b, err)
			if got.Counts.Confirmed != b.N {
				b.Fatalf("%+v", got.Counts)
			}
			b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "loads/s")
		})
	}
}
