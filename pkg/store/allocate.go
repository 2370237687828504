package store

// Numbers handed out one by one.

import (
	"context"
	"database/sql"
	"errors"
	"iter"
	"slices"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/dukpt"
)

// AllocationState is what became of a number.
type AllocationState string

// The states of an allocation. A number in any of them is never handed out again.
const (
	Allotted    AllocationState = "reserved"
	Injected    AllocationState = "confirmed"
	Quarantined AllocationState = "quarantined" // it may have reached the device
	Burnt       AllocationState = "burnt"       // it is given up for good
)

// next lists the states that an allocation may go to. A device that was wiped burns its confirmed number too.
func (s AllocationState) next() []AllocationState {
	switch s {
	case Allotted:
		return []AllocationState{Injected, Quarantined, Burnt}
	case Quarantined:
		return []AllocationState{Injected, Burnt}
	case Injected:
		return []AllocationState{Burnt}
	}
	return nil
}

// AllocateRequest asks for one number.
type AllocateRequest struct {
	KeySet    string
	RequestID string // the same one gives the same allocation again; 1 to 128 printable characters of ASCII without blanks
	Serial    string // of the device
}

// Allocation is a number that was handed out.
type Allocation struct {
	RequestID string
	KeySet    string
	Number    uint64
	KSN       string // initial KSN, 20 or 24 digits
	Serial    string
	State     AllocationState
	Lease     string // id of the lease that it is from; "" when the store itself handed it out
	At        time.Time
	Changed   time.Time
	Again     bool // the request had been answered before
}

func checkRequest(id, serial string) error {
	if !isToken(id, 128) {
		return fault.New(fault.Usage, "the request id %q is not 1 to 128 printable characters without blanks", text.Redact(id))
	}
	return checkSerial(serial)
}

// Allocate hands out the next number: on PostgreSQL in one round trip. A request that was answered before gets the same
// answer, marked Again. Errors: end_of_life when the range is used up; not_permitted (frozen, the key is not active, the
// device has a live number of the set, the request id was used for another device); not_found.
func (s *Store) Allocate(ctx context.Context, c Change, r AllocateRequest) (Allocation, error) {
	if err := checkRequest(r.RequestID, r.Serial); err != nil {
		return Allocation{}, err
	}
	allocate := s.allocateInFile
	if s.dialect == postgresDialect {
		allocate = s.allocateOnServer
	}
	a, err := allocate(ctx, c, r)
	if isUnique(err) {
		err = fault.New(fault.NotPermitted, "device %s has a number of this key set that is neither burnt nor in quarantine", r.Serial)
	}
	if err == nil && (a.KeySet != r.KeySet || a.Serial != r.Serial) {
		err = fault.New(fault.NotPermitted, "the request id was used for device %s and key set %s", a.Serial, a.KeySet)
	}
	if err == nil {
		err = checkInitial(a.KSN)
	}
	if err != nil {
		return Allocation{}, fault.Wrap(dbError(err), "a number of key set %s", text.Redact(r.KeySet))
	}
	return a, nil
}

// checkInitial refuses what is no initial KSN: the database made it.
func checkInitial(ksn string) error {
	k, err := dukpt.ParseKSN(ksn)
	if err == nil && k != k.Initial() {
		err = fault.New(fault.ChecksumMismatch, "the database gave %s, which is no initial KSN", k)
	}
	return err
}

const allocationColumns = "request, key_set, n, ksn, serial, state, COALESCE(lease, ''), at, changed"

func scanAllocation(r scanner, more ...any) (Allocation, error) {
	var a Allocation
	var n, at, changed int64
	err := r.Scan(append([]any{&a.RequestID, &a.KeySet, &n, &a.KSN, &a.Serial, (*string)(&a.State), &a.Lease, &at, &changed}, more...)...)
	if err != nil {
		return Allocation{}, err
	}
	a.Number, a.At, a.Changed = uint64(n), fromMicros(at), fromMicros(changed)
	return a, nil
}

// allocateOnServer is idempotent, so a line that broke is no reason to give up: it asks once more.
func (s *Store) allocateOnServer(ctx context.Context, c Change, r AllocateRequest) (Allocation, error) {
	if s.options.ReadOnly {
		return Allocation{}, fault.New(fault.NotPermitted, "the store is open for reading only")
	}
	if err := c.Mark.check(); err != nil {
		return Allocation{}, err
	}
	a, err := scanAgain(s.read().QueryRowContext(ctx, "SELECT * FROM allocate($1, $2, $3, $4, $5, $6)", r.RequestID, r.KeySet,
		r.Serial, s.now(c), int64(c.Mark.Seq), c.Mark.Hash))
	if !errors.Is(err, sql.ErrNoRows) {
		return a, err
	}
	if err := mayGive(ctx, s.read(), r.KeySet, 1); err != nil {
		return Allocation{}, err
	}
	return Allocation{}, fault.New(fault.Busy, "the key set changed meanwhile; try again")
}

func scanAgain(r scanner) (Allocation, error) {
	var again int64
	a, err := scanAllocation(r, &again)
	a.Again = again != 0
	return a, err
}

func (s *Store) allocateInFile(ctx context.Context, c Change, r AllocateRequest) (Allocation, error) {
	var a Allocation
	err := s.change(ctx, c, func(tx *sql.Tx, at int64) (err error) {
		a, err = scanAllocation(tx.QueryRowContext(ctx, "SELECT "+allocationColumns+" FROM allocations WHERE request = $1", r.RequestID))
		if a.Again = err == nil; !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if err := mayGive(ctx, tx, r.KeySet, 1); err != nil {
			return err
		}
		k, err := findKeySet(ctx, tx, r.KeySet)
		if err != nil {
			return err
		}
		ksn, err := k.KSN(k.Next)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE key_sets SET next = next + 1 WHERE id = $1", k.ID); err != nil {
			return err
		}
		a = Allocation{RequestID: r.RequestID, KeySet: k.ID, Number: k.Next, KSN: ksn.String(), Serial: r.Serial, State: Allotted,
			At: fromMicros(at), Changed: fromMicros(at)}
		return insertAllocation(ctx, tx, a)
	})
	if err != nil {
		return Allocation{}, err
	}
	return a, nil
}

func insertAllocation(ctx context.Context, tx *sql.Tx, a Allocation) error {
	var lease any
	if a.Lease != "" {
		lease = a.Lease
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO allocations (request, key_set, n, ksn, serial, state, lease, at, changed)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, a.RequestID, a.KeySet, int64(a.Number), a.KSN, a.Serial, string(a.State), lease,
		micros(a.At), micros(a.Changed))
	if isUnique(err) {
		return fault.WrapAs(fault.NotPermitted, err,
			"device %s has a number of this key set that is neither burnt nor in quarantine", a.Serial)
	}
	return err
}

// Allocation reads what a request was given. Errors: not_found.
func (s *Store) Allocation(ctx context.Context, requestID string) (Allocation, error) {
	a, err := findAllocation(ctx, s.read(), requestID)
	return a, dbError(err)
}

func findAllocation(ctx context.Context, from asker, requestID string) (Allocation, error) {
	a, err := scanAllocation(from.QueryRowContext(ctx, "SELECT "+allocationColumns+" FROM allocations WHERE request = $1", requestID))
	if errors.Is(err, sql.ErrNoRows) {
		return Allocation{}, fault.New(fault.NotFound, "no number was handed out for request %s", text.Redact(requestID))
	}
	return a, err
}

// Allocations streams those of a key set in the order of their numbers, page by page.
func (s *Store) Allocations(ctx context.Context, keySet string) iter.Seq2[Allocation, error] {
	return func(yield func(Allocation, error) bool) {
		for last := int64(-1); ; {
			var page []Allocation
			rows, err := s.read().QueryContext(ctx, "SELECT "+allocationColumns+
				" FROM allocations WHERE key_set = $1 AND n > $2 ORDER BY n LIMIT $3", keySet, last, fullPage)
			err = each(rows, err, func(r *sql.Rows) error {
				a, err := scanAllocation(r)
				page = append(page, a)
				return err
			})
			if err != nil {
				yield(Allocation{}, dbError(err))
				return
			}
			for _, a := range page {
				if !yield(a, nil) {
					return
				}
			}
			if len(page) < fullPage {
				return
			}
			last = int64(page[len(page)-1].Number)
		}
	}
}

// Confirm says that the device has the key: after Allotted, or after Quarantined on proof.
func (s *Store) Confirm(ctx context.Context, c Change, requestID string) error {
	return s.settleNumber(ctx, c, requestID, Injected)
}

// Burn gives a number up, for good.
func (s *Store) Burn(ctx context.Context, c Change, requestID string) error {
	return s.settleNumber(ctx, c, requestID, Burnt)
}

// Quarantine says that nobody knows whether the device has the key.
func (s *Store) Quarantine(ctx context.Context, c Change, requestID string) error {
	return s.settleNumber(ctx, c, requestID, Quarantined)
}

// settleNumber says what became of a number. To say it twice is no error.
func (s *Store) settleNumber(ctx context.Context, c Change, requestID string, to AllocationState) error {
	return s.change(ctx, c, func(tx *sql.Tx, at int64) error {
		a, err := findAllocation(ctx, tx, requestID)
		if err != nil {
			return err
		}
		if a.State == to {
			return nil
		}
		if !slices.Contains(a.State.next(), to) {
			return fault.New(fault.NotPermitted, "the number of request %s is %s and cannot become %s", requestID, a.State, to)
		}
		done, err := tx.ExecContext(ctx, "UPDATE allocations SET state = $1, changed = $2 WHERE request = $3 AND state = $4",
			string(to), max(at, micros(a.Changed)), requestID, string(a.State))
		n, err := affected(done, err)
		switch {
		case isUnique(err):
			return fault.New(fault.NotPermitted, "device %s got another number of this key set meanwhile", a.Serial)
		case err == nil && n == 0:
			return fault.New(fault.Busy, "another process changes request %s", requestID)
		}
		return err
	})
}
