package store

// Ranges for stations that work without the database.

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"poskey/internal/fault"
)

// LeaseRequest asks for a range of numbers for one station.
type LeaseRequest struct {
	ID      string // unique; the same one gives the same lease again; as a label
	KeySet  string
	Station string // 1 to 64 printable characters of ASCII without blanks
	Count   uint64
	Until   time.Time
}

// Lease is a range From <= n < To of a key set that one station hands out by itself. No other lease and no allocation
// has a number of it.
type Lease struct {
	ID         string
	KeySet     string
	Station    string
	From, To   uint64
	Until      time.Time
	At         time.Time
	Returned   time.Time // zero: the station has it
	UnusedFrom uint64    // after its return: numbers from here on are proven unused, and are not handed out again either
	Next       uint64    // the number that the store itself gives next out of it ([LoadRequest].Lease)
	Again      bool      // the request had been answered before
}

// LeaseUse is a number of a lease as the journal of its station tells it.
type LeaseUse struct {
	Number    uint64
	RequestID string
	Serial    string
	State     AllocationState
	At        time.Time
}

const leaseColumns = "id, key_set, station, lo, hi, until, at, returned, unused_from, next"

func scanLease(r scanner) (Lease, error) {
	var l Lease
	var lo, hi, until, at, returned, unused, next int64
	if err := r.Scan(&l.ID, &l.KeySet, &l.Station, &lo, &hi, &until, &at, &returned, &unused, &next); err != nil {
		return Lease{}, err
	}
	l.From, l.To, l.UnusedFrom, l.Next = uint64(lo), uint64(hi), uint64(unused), uint64(next)
	l.Until, l.At, l.Returned = fromMicros(until), fromMicros(at), fromMicros(returned)
	return l, nil
}

func (r *LeaseRequest) check() error {
	if err := CheckLabel(r.ID); err != nil {
		return fault.Wrap(err, "the id of the lease")
	}
	switch {
	case !isToken(r.Station, 64):
		return fault.New(fault.Usage, "the name of a station is 1 to 64 printable characters without blanks")
	case r.Count == 0 || r.Count > 1<<32:
		return fault.New(fault.Usage, "a lease of %d numbers", r.Count)
	case r.Until.IsZero():
		return fault.New(fault.Usage, "a lease has an end")
	}
	return nil
}

// Lease hands out a range; the counter jumps over it at once. Errors are those of [Store.Allocate].
func (s *Store) Lease(ctx context.Context, c Change, r LeaseRequest) (Lease, error) {
	err := r.check()
	var l Lease
	if err == nil {
		err = s.changeKeys(ctx, c, func(tx *sql.Tx, at int64) error {
			l, err = s.lease(ctx, tx, at, r)
			return err
		})
	}
	if err != nil {
		return Lease{}, fault.Wrap(err, "a lease")
	}
	return l, nil
}

func (s *Store) lease(ctx context.Context, tx *sql.Tx, at int64, r LeaseRequest) (Lease, error) {
	g, err := s.giver(ctx, tx, at, []string{r.KeySet}, nil, nil)
	if err != nil {
		return Lease{}, err
	}
	l, err := scanLease(tx.QueryRowContext(ctx, "SELECT "+leaseColumns+" FROM leases WHERE id = $1", r.ID))
	switch {
	case err == nil && (l.KeySet != r.KeySet || l.Station != r.Station || l.To-l.From != r.Count):
		return Lease{}, fault.New(fault.NotPermitted, "lease %s was given to station %s", r.ID, l.Station)
	case err == nil:
		l.Again = true
		return l, nil
	case !errors.Is(err, sql.ErrNoRows):
		return Lease{}, err
	}
	if micros(r.Until) <= at {
		return Lease{}, fault.New(fault.Usage, "the lease would end before it begins")
	}
	from, err := g.take(r.KeySet, r.Count)
	if err != nil {
		return Lease{}, err
	}
	l = Lease{ID: r.ID, KeySet: r.KeySet, Station: r.Station, From: from, To: from + r.Count, Next: from,
		Until: fromMicros(micros(r.Until)), At: fromMicros(at)}
	if err := g.write(); err != nil {
		return Lease{}, err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO leases ("+leaseColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, $4)",
		l.ID, l.KeySet, l.Station, int64(l.From), int64(l.To), micros(l.Until), at)
	if isUnique(err) { // a lease of another key set got the id meanwhile
		return Lease{}, fault.New(fault.Busy, "the key set changed meanwhile; try again")
	}
	return l, err
}

// Leases lists those of a key set in the order of their numbers.
func (s *Store) Leases(ctx context.Context, keySet string) ([]Lease, error) {
	var all []Lease
	rows, err := s.read().QueryContext(ctx, "SELECT "+leaseColumns+" FROM leases WHERE key_set = $1 ORDER BY lo", keySet)
	err = each(rows, err, func(r *sql.Rows) error {
		l, err := scanLease(r)
		all = append(all, l)
		return err
	})
	if err != nil {
		return nil, dbError(err)
	}
	return all, nil
}

// ReturnLease takes a range back with its journal. Numbers from unusedFrom on are proven unused; what lies below and is
// not in uses, nor in the journal of loads, is burnt, and so is the whole range of a station that was lost (no uses, unusedFrom = To). No number of a
// lease is ever handed out again. Errors: not_found; not_permitted (returned before, a use outside of the range or in
// what is called unused, a number or device twice).
func (s *Store) ReturnLease(ctx context.Context, c Change, id string, uses []LeaseUse, unusedFrom uint64) error {
	err := s.changeKeys(ctx, c, func(tx *sql.Tx, at int64) error { return returnLease(ctx, tx, at, id, uses, unusedFrom) })
	return fault.Wrap(err, "returning lease %s", id)
}

func returnLease(ctx context.Context, tx *sql.Tx, at int64, id string, uses []LeaseUse, unusedFrom uint64) error {
	l, err := scanLease(tx.QueryRowContext(ctx, "SELECT "+leaseColumns+" FROM leases WHERE id = $1", id))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fault.New(fault.NotFound, "the store has no such lease")
	case err != nil:
		return err
	case unusedFrom < l.From || unusedFrom > l.To:
		return fault.New(fault.Usage, "numbers from %d on are not of the lease, which has %d to %d", unusedFrom, l.From, l.To)
	}
	done, err := tx.ExecContext(ctx, "UPDATE leases SET returned = $1, unused_from = $2 WHERE id = $3 AND returned = 0",
		max(at, micros(l.At)), int64(unusedFrom), id)
	if n, err := affected(done, err); err != nil {
		return err
	} else if n == 0 {
		return fault.New(fault.NotPermitted, "it was returned before")
	}
	k, err := findKeySet(ctx, tx, l.KeySet)
	if err != nil {
		return err
	}
	if err := unusedFor(ctx, tx, &k, &l, unusedFrom); err != nil {
		return err
	}
	for _, use := range uses {
		if err := keepUse(ctx, tx, &k, &l, use, unusedFrom, at); err != nil {
			return fault.Wrap(dbError(err), "number %d", use.Number)
		}
	}
	return nil
}

// unusedFor looks whether the store itself gave none of the numbers that are called unused.
func unusedFor(ctx context.Context, tx *sql.Tx, k *KeySet, l *Lease, unusedFrom uint64) error {
	if unusedFrom == l.To {
		return nil
	}
	first, err := k.initial(unusedFrom)
	if err != nil {
		return err
	}
	last, err := k.initial(l.To - 1)
	if err != nil {
		return err
	}
	var n int64
	err = tx.QueryRowContext(ctx, `SELECT n FROM allocations WHERE ksn >= $1 AND ksn <= $2 AND lease = $3
		ORDER BY ksn DESC LIMIT 1`, first, last, l.ID).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err == nil {
		err = fault.New(fault.NotPermitted, "number %d of the lease was handed out, and %d is called the first unused one", n,
			unusedFrom)
	}
	return err
}

func keepUse(ctx context.Context, tx *sql.Tx, k *KeySet, l *Lease, use LeaseUse, unusedFrom uint64, at int64) error {
	if use.Number < l.From || use.Number >= unusedFrom {
		return fault.New(fault.NotPermitted, "it is not among the used numbers of the lease, %d to %d", l.From, unusedFrom)
	}
	if err := checkRequest(use.RequestID, use.Serial); err != nil {
		return err
	}
	state := use.State
	switch state {
	case Injected, Quarantined, Burnt:
	case Allotted: // the station never learnt what became of it
		state = Quarantined
	default:
		return fault.New(fault.Usage, "unknown state of a number")
	}
	ksn, err := k.KSN(use.Number)
	if err != nil {
		return err
	}
	when := use.At
	if when.IsZero() {
		when = fromMicros(at)
	}
	return insertAllocation(ctx, tx, Allocation{RequestID: use.RequestID, KeySet: l.KeySet, Number: use.Number,
		KSN: ksn.String(), Serial: use.Serial, State: state, Lease: l.ID, At: when, Changed: when})
}
