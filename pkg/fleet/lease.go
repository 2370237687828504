package fleet

// Numbers of a station: ranges of a key set, one after the other.

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/store"
)

// lessee takes ranges of a key set for a station, one after the other.
type lessee struct {
	keySet  string
	station string
	session string
	size    uint64
	now     func() time.Time

	mu    sync.Mutex
	lease string // that numbers come from now; "" none
	taken []string
}

// leaseFor is how long a station may use a lease.
const leaseFor = 24 * time.Hour

// current gives the lease that numbers come from, and takes one when there is none.
func (l *lessee) current(ctx context.Context, k *keeper) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lease != "" {
		return l.lease, nil
	}
	r := store.LeaseRequest{ID: fmt.Sprintf("%s.%s.%s.%d", "L", l.session, l.tail(), len(l.taken)+1), KeySet: l.keySet,
		Station: l.station, Count: l.size, Until: l.now().Add(leaseFor)}
	for {
		err := k.patience.ask(ctx, func() error {
			_, err := k.db.Lease(ctx, k.change, r)
			return err
		})
		if fault.Is(err, fault.EndOfLife) && r.Count > 1 { // what is left of the key set is less
			r.Count /= 2
			continue
		}
		if err != nil {
			return "", err
		}
		l.taken = append(l.taken, r.ID)
		l.lease = r.ID
		return l.lease, nil
	}
}

// tail keeps the leases of one session apart whose key sets have long names.
func (l *lessee) tail() string { return l.keySet[max(0, len(l.keySet)-32):] }

// spent reports that a lease has nothing to give any more; the next number comes from another one.
func (l *lessee) spent(lease string, err error) bool {
	if !fault.Is(err, fault.EndOfLife) {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lease == lease {
		l.lease = ""
	}
	return true
}

// over reports that a lease ended or was taken back, and that the next number comes from another one: a run may last
// longer than a lease.
func (l *lessee) over(ctx context.Context, k *keeper, lease string, err error) bool {
	if !fault.Is(err, fault.NotPermitted) || ofStore(err) {
		return false
	}
	var all []store.Lease
	if k.patience.ask(ctx, func() (err error) {
		all, err = k.db.Leases(ctx, l.keySet)
		return err
	}) != nil {
		return false
	}
	for _, had := range all {
		if had.ID != lease || had.Returned.IsZero() && l.now().Before(had.Until) {
			continue
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.lease == lease {
			l.lease = ""
		}
		return true
	}
	return false
}

// giveBack returns all leases. Their unused numbers are never handed out again.
func (k *keeper) giveBack(ctx context.Context) error {
	var failed error
	for _, l := range k.leases {
		if len(l.taken) == 0 {
			continue
		}
		failed = errors.Join(failed, l.giveBack(ctx, k))
	}
	return failed
}

func (l *lessee) giveBack(ctx context.Context, k *keeper) error {
	mine := map[string]bool{}
	for _, id := range l.taken {
		mine[id] = true
	}
	return k.patience.ask(ctx, func() error {
		all, err := k.db.Leases(ctx, l.keySet)
		if err != nil {
			return err
		}
		for _, lease := range all {
			if !mine[lease.ID] || !lease.Returned.IsZero() {
				continue
			}
			if err := k.db.ReturnLease(ctx, k.change, lease.ID, nil, lease.Next); err != nil {
				return err
			}
		}
		return nil
	})
}

// newSession names one run of a station: the same station may be started again.
func newSession(random io.Reader) (string, error) {
	var raw [6]byte
	if _, err := io.ReadFull(random, raw[:]); err != nil {
		return "", fault.WrapAs(fault.Failure, err, "random numbers")
	}
	return hex.EncodeToString(raw[:]), nil
}
