package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/dukpt"
	"poskey/pkg/store"
)

// fallen: eight processes take numbers and leases of a key set while its key is found compromised. Once that is
// acknowledged nobody gets another number, not even who had begun to wait for one before.
func (s suite) fallen(t *testing.T) {
	u := s.place(t)
	b := s.create(t, u)
	b.family()
	b.must(b.AddKeySet(b.ctx, store.Change{},
		store.KeySet{ID: "T", BDK: ref("BDK#1"), Scheme: dukpt.TDES, KSI: "987654", From: 1, To: 500_000}))
	const clients = 8
	var all sync.WaitGroup
	for c := range clients {
		other, err := store.Open(b.ctx, u, b.options())
		b.must(err)
		all.Go(func() {
			defer func() { b.ok("closing", other.Close()) }()
			for i := 0; err == nil; i++ {
				err = b.takeOne(other, c, i)
			}
			b.refused("a number of a compromised key", err, fault.NotPermitted)
		})
	}
	late := time.After(20 * time.Second)
	for b.next("T") < 5*clients {
		select {
		case <-late:
			t.Fatal("the clients take no numbers")
		case <-time.After(5 * time.Millisecond):
		}
	}
	b.ok("compromise", b.Transition(b.ctx, store.Change{Mark: mark(9)}, ref("BDK#1"), store.Active, store.Compromised, ""))
	last := b.next("T")
	all.Wait()
	if next := b.next("T"); next != last {
		t.Errorf("%d numbers were handed out after the key was compromised", next-last)
	}
	b.verified(0)
}

// takeOne takes a number, every fifth time a lease, and every fifth time a load with its number.
func (b *bench) takeOne(from *store.Store, client, i int) error {
	at := store.Change{Mark: mark(uint64(10 + i))}
	if i%5 == 4 {
		_, err := from.Lease(b.ctx, at, store.LeaseRequest{ID: fmt.Sprintf("L-%d-%d", client, i), KeySet: "T", Station: "s",
			Count: 10, Until: b.now.AddDate(1, 0, 0)})
		return err
	}
	request := fmt.Sprintf("r-%d-%d", client, i)
	if i%5 == 2 {
		b.ok("a device", from.AddDevice(b.ctx, at, store.Device{Serial: "SN-" + request}))
		_, failed, err := from.ReserveLoads(b.ctx, at, []store.LoadRequest{load(request, "SN-"+request)})
		if err == nil {
			err = failed[0]
		}
		return err
	}
	_, err := from.Allocate(b.ctx, at, store.AllocateRequest{KeySet: "T", RequestID: request, Serial: "SN-" + request})
	return err
}
