package store

// Numbers handed out one by one.

import (
	"context"
	"database/sql"
	"errors"
	"iter"
	"slices"
	"strings"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
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
		return fault.New(fault.Usage, "the request id %q is not 1 to 128 printable characters without blanks",
			text.Redact(id))
	}
	return checkSerial(serial)
}

// Allocate hands out the next number: on PostgreSQL in one round trip. A request that was answered before gets the same
// answer, marked Again. Errors: end_of_life when the range is used up; not_permitted (frozen, the key is not active,
// the device has a live number of the set, the request id was used for another device); not_found.
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
		err = liveNumber(r.Serial)
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

// checkInitial refuses what is no initial KSN: the database made it. It looks at the text: a KSN that is read goes
// through locked memory, as a key would.
func checkInitial(ksn string) error {
	tdes := len(ksn) == 20 && strings.HasSuffix(ksn, "00000") && strings.IndexByte("02468ACE", ksn[14]) >= 0
	aes := len(ksn) == 24 && strings.HasSuffix(ksn, "00000000")
	if strings.Trim(ksn, "0123456789ABCDEF") != "" || !tdes && !aes {
		return fault.New(fault.ChecksumMismatch, "the database gave %s, which is no initial KSN", text.Redact(ksn))
	}
	return nil
}

const allocationColumns = "request, key_set, n, ksn, serial, state, COALESCE(lease, ''), at, changed"

func scanAllocation(r scanner) (Allocation, error) {
	var a Allocation
	var n, at, changed int64
	err := r.Scan(&a.RequestID, &a.KeySet, &n, &a.KSN, &a.Serial, (*string)(&a.State), &a.Lease, &at, &changed)
	if err != nil {
		return Allocation{}, err
	}
	a.Number, a.At, a.Changed = uint64(n), fromMicros(at), fromMicros(changed)
	return a, nil
}

// takeNumber is a number in one statement, and so in one round trip and one transaction. The row of the key set is
// locked until it ends, so no two calls see the same next; a request that is answered already, or a device that has a
// number, breaks a constraint, and the counter stays as it was. It takes no number when the key set may not give one; a
// change of the key's state writes the row too, and so comes before or after it.
const takeNumber = `WITH taken AS (
	UPDATE key_sets s SET next = s.next + 1, mark_seq = GREATEST(s.mark_seq, $5),
		mark_hash = CASE WHEN s.mark_seq < $5 THEN $6 ELSE s.mark_hash END
	WHERE s.id = $2 AND s.frozen = 0 AND s.next < s.hi AND s.bdk_state = 'active'
	RETURNING s.next - 1 AS n, s.scheme, s.ksi)
	INSERT INTO allocations (request, key_set, n, ksn, serial, state, at, changed)
	SELECT $1, $2, n, CASE scheme WHEN 'tdes-dukpt' THEN ksi || LPAD(UPPER(TO_HEX(2 * n)), 5, '0') || '00000'
		ELSE ksi || LPAD(UPPER(TO_HEX(n)), 8, '0') || '00000000' END, $3, 'reserved', $4, $4 FROM taken
	RETURNING n, ksn`

// allocateOnServer is idempotent, so a line that broke is no reason to give up: it asks once more.
func (s *Store) allocateOnServer(ctx context.Context, c Change, r AllocateRequest) (Allocation, error) {
	if s.options.ReadOnly {
		return Allocation{}, readingOnly()
	}
	if err := c.Mark.check(); err != nil {
		return Allocation{}, err
	}
	// A key set hands out one number at a time: more calls on the way would only wait for its row in the server, which
	// costs more there than here. One is served while the next one comes.
	select {
	case s.taking <- struct{}{}:
		defer func() { <-s.taking }()
	case <-ctx.Done():
		return Allocation{}, context.Cause(ctx)
	}
	at, n := s.now(c), int64(0)
	a := Allocation{RequestID: r.RequestID, KeySet: r.KeySet, Serial: r.Serial, State: Allotted, At: fromMicros(at),
		Changed: fromMicros(at)}
	taking := s.read().QueryRowContext(ctx, takeNumber, r.RequestID, r.KeySet, r.Serial, at, int64(c.Mark.Seq),
		c.Mark.Hash).Scan(&n, &a.KSN)
	if taking == nil {
		a.Number = uint64(n)
		return a, nil
	}
	if !errors.Is(taking, sql.ErrNoRows) && !isUnique(taking) {
		return Allocation{}, taking
	}
	a, err := findAllocation(ctx, s.read(), r.RequestID)
	if a.Again = err == nil; !fault.Is(err, fault.NotFound) {
		return a, err
	}
	if isUnique(taking) {
		return Allocation{}, taking
	}
	k, err := findSetRow(ctx, s.read(), r.KeySet)
	if err == nil {
		err = k.mayGive(1)
	}
	if err != nil {
		return Allocation{}, err
	}
	return Allocation{}, fault.New(fault.Busy, "the key set changed meanwhile; try again")
}

func (s *Store) allocateInFile(ctx context.Context, c Change, r AllocateRequest) (Allocation, error) {
	var a Allocation
	err := s.change(ctx, c, func(tx *sql.Tx, at int64) (err error) {
		a, err = scanAllocation(tx.QueryRowContext(ctx, "SELECT "+allocationColumns+" FROM allocations WHERE request = $1",
			r.RequestID))
		if a.Again = err == nil; !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		g, err := s.giver(ctx, tx, at, []string{r.KeySet}, nil, nil)
		if err != nil {
			return err
		}
		n, err := g.take(r.KeySet, 1)
		if err != nil {
			return err
		}
		ksn, err := g.sets[r.KeySet].initial(n)
		if err != nil {
			return err
		}
		a = Allocation{RequestID: r.RequestID, KeySet: r.KeySet, Number: n, KSN: ksn, Serial: r.Serial, State: Allotted,
			At: fromMicros(at), Changed: fromMicros(at)}
		if err := insertAllocation(ctx, tx, a); err != nil {
			return err
		}
		return g.write()
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
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, a.RequestID, a.KeySet, int64(a.Number), a.KSN, a.Serial,
		string(a.State), lease, micros(a.At), micros(a.Changed))
	if isUnique(err) {
		return liveNumber(a.Serial)
	}
	return err
}

func liveNumber(serial string) error {
	return fault.New(fault.NotPermitted, "device %s has a number of this key set that is neither burnt nor in quarantine; --replace gives it up for a new one",
		serial)
}

// Allocation reads what a request was given. Errors: not_found.
func (s *Store) Allocation(ctx context.Context, requestID string) (Allocation, error) {
	a, err := findAllocation(ctx, s.read(), requestID)
	return a, dbError(err)
}

func findAllocation(ctx context.Context, from asker, requestID string) (Allocation, error) {
	a, err := scanAllocation(from.QueryRowContext(ctx, "SELECT "+allocationColumns+" FROM allocations WHERE request = $1",
		requestID))
	if errors.Is(err, sql.ErrNoRows) {
		return Allocation{}, fault.New(fault.NotFound, "no number was handed out for request %s", text.Redact(requestID))
	}
	return a, err
}

// Allocations streams those of a key set in the order of their numbers, which is that of their KSNs, page by page.
// Errors: not_found.
func (s *Store) Allocations(ctx context.Context, keySet string) iter.Seq2[Allocation, error] {
	return func(yield func(Allocation, error) bool) {
		k, err := findKeySet(ctx, s.read(), keySet)
		for from := k.From; err == nil; {
			var page []Allocation
			page, err = s.allocationPage(ctx, &k, from)
			for _, a := range page {
				if !yield(a, nil) {
					return
				}
				from = a.Number + 1
			}
			if err == nil && len(page) < fullPage {
				return
			}
		}
		yield(Allocation{}, dbError(err))
	}
}

func (s *Store) allocationPage(ctx context.Context, k *KeySet, from uint64) ([]Allocation, error) {
	if from >= k.To {
		return nil, nil
	}
	first, err := k.KSN(from)
	if err != nil {
		return nil, err
	}
	last, err := k.KSN(k.To - 1)
	if err != nil {
		return nil, err
	}
	var page []Allocation
	rows, err := s.read().QueryContext(ctx, "SELECT "+allocationColumns+
		" FROM allocations WHERE ksn >= $1 AND ksn <= $2 AND key_set = $3 ORDER BY ksn LIMIT $4",
		first.String(), last.String(), k.ID, fullPage)
	err = each(rows, err, func(r *sql.Rows) error {
		a, err := scanAllocation(r)
		if err == nil && a.Number < from { // not in the order of the KSNs: the next page would begin before it
			err = damagedRow(a.RequestID)
		}
		from = a.Number + 1
		page = append(page, a)
		return err
	})
	if err != nil {
		return nil, err
	}
	return page, nil
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

// leftToUs refuses to settle a number beside its load; that of a device that was wiped can be burnt.
func leftToUs(ctx context.Context, tx *sql.Tx, requestID string, to AllocationState) error {
	var state LoadState
	err := tx.QueryRowContext(ctx, "SELECT state FROM loads WHERE id = $1", requestID).Scan((*string)(&state))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return err
	case to == Burnt && !state.Open():
		return nil
	}
	return fault.New(fault.NotPermitted, "the number of request %s is that of a load, and is settled with it", requestID)
}

// settleNumber says what became of a number. To say it twice is no error.
func (s *Store) settleNumber(ctx context.Context, c Change, requestID string, to AllocationState) error {
	return s.changeKeys(ctx, c, func(tx *sql.Tx, at int64) error {
		a, err := findAllocation(ctx, tx, requestID)
		if err != nil {
			return err
		}
		if a.State == to {
			return nil
		}
		if err := leftToUs(ctx, tx, requestID, to); err != nil {
			return err
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

// HasNumber names the first of the devices that has a live number of a key set.
func (s *Store) HasNumber(ctx context.Context, keySet string, serials []string) (serial string, has bool, err error) {
	for page := range slices.Chunk(serials, slotPage) {
		var args arguments
		w := "key_set = " + args.place(keySet)
		var places []string
		for _, serial := range page {
			places = append(places, args.place(serial))
		}
		err := s.read().QueryRowContext(ctx, "SELECT serial FROM allocations WHERE "+w+
			" AND state IN ('reserved', 'confirmed') AND serial IN ("+strings.Join(places, ", ")+") ORDER BY serial LIMIT 1",
			args...).Scan(&serial)
		if err == nil {
			return serial, true, nil
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return "", false, dbError(err)
		}
	}
	return "", false, nil
}
