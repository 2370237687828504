package store

// Looking at the numbers that were handed out.

import (
	"context"
	"database/sql"
	"slices"

	"poskey/internal/fault"
	"poskey/internal/text"
)

func (v *verifier) keySets() error {
	lost, err := strays(v.ctx, v.tx)
	if err != nil {
		return err
	}
	for _, request := range lost {
		v.find(request, stray())
	}
	if err := v.statesOfKeySets(); err != nil {
		return err
	}
	sets, err := keySets(v.ctx, v.tx, "1 = 1")
	if err != nil {
		return err
	}
	for i, k := range sets {
		for _, other := range sets[:i] {
			if other.Scheme == k.Scheme && other.KSI == k.KSI && k.From < other.To && other.From < k.To {
				v.find(k.ID, fault.New(fault.ChecksumMismatch, "its numbers overlap those of key set %s", other.ID))
			}
		}
		again := k
		again.Next = 0
		v.find(k.ID, again.settle())
		leases, err := v.leases(&k)
		if err != nil {
			return err
		}
		if err := v.allocations(&k, leases); err != nil {
			return err
		}
	}
	return nil
}

// statesOfKeySets holds what a key set says of its key against the key.
func (v *verifier) statesOfKeySets() error {
	rows, err := v.tx.QueryContext(v.ctx, `SELECT s.id, s.bdk_state, k.state FROM key_sets s JOIN keys k ON k.id = s.bdk
		WHERE s.bdk_state <> k.state ORDER BY s.id`)
	return each(rows, err, func(r *sql.Rows) error {
		var id, said, state string
		err := r.Scan(&id, &said, &state)
		if err == nil {
			v.find(id, fault.New(fault.ChecksumMismatch, "its key is %s, and the key set says %s", state, text.Redact(said)))
		}
		return err
	})
}

// strays looks for numbers of key sets and leases that are not there: the one reference that no constraint keeps.
func strays(ctx context.Context, from asker) ([]string, error) {
	var all []string
	rows, err := from.QueryContext(ctx, `SELECT request FROM allocations a
		WHERE NOT EXISTS (SELECT 1 FROM key_sets s WHERE s.id = a.key_set)
		OR a.lease IS NOT NULL AND NOT EXISTS (SELECT 1 FROM leases l WHERE l.id = a.lease) ORDER BY request LIMIT 100`)
	err = each(rows, err, func(r *sql.Rows) error {
		var request string
		err := r.Scan(&request)
		all = append(all, request)
		return err
	})
	return all, err
}

// stray is what is wrong with such a number.
func stray() error {
	return fault.New(fault.ChecksumMismatch, "the number is of a key set or a lease that is not there")
}

// leases gives those of a key set in the order of their numbers.
func (v *verifier) leases(k *KeySet) ([]Lease, error) {
	var all []Lease
	end := uint64(0)
	rows, err := v.tx.QueryContext(v.ctx, "SELECT "+leaseColumns+" FROM leases WHERE key_set = $1 ORDER BY lo", k.ID)
	err = each(rows, err, func(r *sql.Rows) error {
		l, err := scanLease(r)
		if err != nil {
			return err
		}
		all = append(all, l)
		switch {
		case l.From < k.From || l.To > k.Next:
			v.find(l.ID, fault.New(fault.ChecksumMismatch, "the lease has numbers that key set %s never handed out", k.ID))
		case l.Next < l.From || l.Next > l.To:
			v.find(l.ID, fault.New(fault.ChecksumMismatch, "its next number is %d, of a lease from %d to %d", l.Next, l.From,
				l.To))
		case l.From < end:
			v.find(l.ID, fault.New(fault.ChecksumMismatch, "the lease overlaps another one of key set %s", k.ID))
		}
		end = max(end, l.To)
		return nil
	})
	return all, err
}

func (v *verifier) allocations(k *KeySet, leases []Lease) error {
	rows, err := v.tx.QueryContext(v.ctx, "SELECT "+allocationColumns+" FROM allocations WHERE key_set = $1 ORDER BY ksn",
		k.ID)
	return each(rows, err, func(r *sql.Rows) error {
		a, err := scanAllocation(r)
		if err == nil {
			v.report.Allocations++
			v.find(a.RequestID, a.fits(k, leases))
		}
		return err
	})
}

// fits holds an allocation against its key set: the number in the range and handed out, the KSN that of the number (so
// its device field is even), and in the lease that it names and in no other.
func (a *Allocation) fits(k *KeySet, leases []Lease) error {
	if err := checkRequest(a.RequestID, a.Serial); err != nil {
		return err
	}
	if a.Number < k.From || a.Number >= k.Next {
		return fault.New(fault.ChecksumMismatch, "number %d was never handed out by key set %s", a.Number, k.ID)
	}
	ksn, err := k.KSN(a.Number)
	if err != nil {
		return err
	}
	if ksn.String() != a.KSN {
		return fault.New(fault.ChecksumMismatch, "number %d of key set %s has KSN %s, the row says %s", a.Number, k.ID, ksn,
			a.KSN)
	}
	l := leaseOf(leases, a.Number)
	switch {
	case l == nil && a.Lease == "":
		return nil
	case l == nil || a.Lease != l.ID:
		return fault.New(fault.ChecksumMismatch, "number %d of key set %s is of another lease than the row says", a.Number,
			k.ID)
	case a.Number >= l.Next && (l.Returned.IsZero() || a.Number >= l.UnusedFrom):
		return fault.New(fault.ChecksumMismatch, "number %d was never handed out of lease %s", a.Number, l.ID)
	}
	return nil
}

// leaseOf finds the lease that a number is of, nil when it is of none.
func leaseOf(leases []Lease, n uint64) *Lease {
	at, _ := slices.BinarySearchFunc(leases, n, func(l Lease, n uint64) int {
		if l.To <= n {
			return -1
		}
		return 1
	})
	if at < len(leases) && leases[at].From <= n {
		return &leases[at]
	}
	return nil
}
