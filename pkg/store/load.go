package store

// The journal of loads: every key that is to go into a slot of a device, and what became of it.

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
	"poskey/pkg/kcv"
)

// LoadState is where one load stands. What is written before a byte of it leaves is on the disk before the byte leaves.
type LoadState string

// The states of a load. Its number is burnt unless the load is confirmed, and in quarantine while nobody knows.
const (
	LoadReserved  LoadState = "reserved"  // its number is taken, nothing was sent
	LoadSent      LoadState = "sent"      // from here on the key may be in the device
	LoadConfirmed LoadState = "confirmed" // and by what, says Proof
	LoadFailed    LoadState = "failed"    // known not to be in the device, or given up
	LoadUnknown   LoadState = "unknown"   // the line broke after the commit
)

// Next lists the states that a load may go to from s. An unknown one is settled by proof (confirmed) or given up.
func (s LoadState) Next() []LoadState {
	switch s {
	case LoadReserved:
		return []LoadState{LoadSent, LoadFailed}
	case LoadSent:
		return []LoadState{LoadConfirmed, LoadFailed, LoadUnknown}
	case LoadUnknown:
		return []LoadState{LoadConfirmed, LoadFailed}
	}
	return nil
}

// MayBecome reports whether the step is allowed.
func (s LoadState) MayBecome(to LoadState) bool { return slices.Contains(s.Next(), to) }

// Open reports whether the load is still to be settled. A slot of a device has one open load.
func (s LoadState) Open() bool { return s == LoadReserved || s == LoadSent || s == LoadUnknown }

// number is what becomes of the number of a load in this state.
func (s LoadState) number() AllocationState {
	switch s {
	case LoadConfirmed:
		return Injected
	case LoadFailed:
		return Burnt
	case LoadUnknown:
		return Quarantined
	}
	return Allotted
}

// LoadRequest asks for a load.
type LoadRequest struct {
	ID      string // of the request: the same one gives the same load again; 1 to 128 printable characters without blanks
	Run     string // what it belongs to; as a label
	Serial  string // of the device, which is on the list
	Slot    string // as the device names it
	Key     Ref    // what goes in, with its version: the key itself or what it is derived from; zero: none of this store
	KeySet  string // a number of this set is taken for it; "" for a key that is no initial key
	Lease   string // the number comes from this lease of the station; "" takes it from the set
	Station string // 1 to 64 printable characters without blanks; "" without a lease
	Clear   bool
	// Replace gives up the number of the set that the device has for this slot, or without a load, once the new one is
	// taken: it is burnt in the same transaction. Of a request that is known, and in the journal, it is not part.
	Replace bool
}

// Refusal is a device's own no to a key: the dialect, and its answer as it stood on the line ("02?C"), which the tables of
// pkg/device explain. The zero one is none.
type Refusal struct {
	Dialect string // at most 64 bytes on one line, as the answer
	Answer  string
}

// Load is a row of the journal.
type Load struct {
	LoadRequest
	State   LoadState
	Number  uint64 // of the key set
	KSN     string // initial KSN; "" for a key that is no initial key
	Check   kcv.Value
	Proof   string // of a confirmed load
	Reason  string // of a failed or unknown load, in one line
	Refusal Refusal
	At      time.Time
	Changed time.Time
	Again   bool // the request had been answered before
}

// LoadStep moves a load. Check goes with LoadSent; Proof with LoadConfirmed; Reason with LoadFailed and LoadUnknown, and
// Refusal with LoadFailed.
type LoadStep struct {
	ID    string
	To    LoadState
	Check kcv.Value // of the key that is sent
	// Under is the key of this store that protects it on its way, with its version: with LoadSent it must be active.
	Under  Ref
	Proof  string // at most 64 bytes
	Reason string // is cut to 256 bytes on one line
	// Refusal is what the device answered; it is cut to fit.
	Refusal Refusal
	// Device moves the device too, where it is not "" and the device is not there yet.
	Device DeviceState
}

// LoadFilter chooses loads; zero fields choose all.
type LoadFilter struct {
	Run, Serial string
	States      []LoadState
}

// ReserveLoads takes many loads down in one transaction, and the number of each that needs one; the device becomes
// Reserved when it is not on its way yet. One that fails has its error in its place and hinders no other.
//
// A request that is known gives its load as it stands now, marked Again, whichever station asks and from whatever lease
// the number is; one that asks for something else under the same id is refused. Errors of a load: not_found (the device,
// the key, the key set, the lease); not_permitted (the id was used for something else, the slot has an open load, the
// device has a live number of the set and it is not to be replaced, or is that of another slot or of an open load; the
// device is rejected, or nobody knows about another load of it; the key is not active; the
// key set is frozen; the lease is over or another station's); end_of_life (no number left); usage (a field).
func (s *Store) ReserveLoads(ctx context.Context, c Change, all []LoadRequest) ([]Load, []error, error) {
	ops := make([]*loadOp, len(all))
	for i := range all {
		ops[i] = reserveOp(all[i])
	}
	if err := s.applyLoads(ctx, c, ops); err != nil {
		return nil, nil, err
	}
	loads, failed := make([]Load, len(all)), make([]error, len(all))
	for i, op := range ops {
		loads[i], failed[i] = op.load, op.err
	}
	return loads, failed, nil
}

// StepLoads moves many loads in one transaction: the load, its number, its device, and with LoadConfirmed the device's
// key. One that fails has its error in its place, has changed nothing and hinders no other. same says for each confirmed
// load which other slots, as SERIAL/SLOT, hold a key with an equal check value.
//
// A load goes out once: a second step to LoadSent is refused, since whoever sent it first may still be at it. Any other
// step to where the load is already is no error. So who got device_link or outcome_unknown for a step asks again; when
// LoadSent is refused then, nothing was sent by the asker, who may give the load up (LoadFailed) and take another one.
// Errors of a load: not_found; not_permitted (a step that is not allowed, of the load, its number or its device; the key
// is not active when it is to be sent, or the one that protects it); usage (a field).
func (s *Store) StepLoads(ctx context.Context, c Change, all []LoadStep) (same [][]string, failed []error, err error) {
	ops := make([]*loadOp, len(all))
	for i := range all {
		ops[i] = stepOp(all[i])
	}
	if err := s.applyLoads(ctx, c, ops); err != nil {
		return nil, nil, err
	}
	same, failed = make([][]string, len(all)), make([]error, len(all))
	for i, op := range ops {
		same[i], failed[i] = op.same, op.err
	}
	return same, failed, nil
}

func (r *LoadRequest) check() error {
	if err := checkRequest(r.ID, r.Serial); err != nil {
		return err
	}
	if err := CheckLabel(r.Run); err != nil {
		return fault.Wrap(err, "the run")
	}
	switch {
	case !isToken(r.Slot, 64):
		return fault.New(fault.Usage, "the name of a slot is 1 to 64 printable characters without blanks")
	case r.Station != "" && !isToken(r.Station, 64):
		return fault.New(fault.Usage, "the name of a station is 1 to 64 printable characters without blanks")
	case r.Lease != "" && (r.KeySet == "" || r.Station == ""):
		return fault.New(fault.Usage, "a number out of a lease is for a station and of a key set")
	case r.Key.IsZero():
		return nil
	case r.Key.Version == 0:
		return fault.New(fault.Usage, "the key %s is named without its version", r.Key.Label)
	}
	return r.Key.check()
}

// The longest proof, and the longest answer that refuses.
const (
	maxProof  = 64
	maxAnswer = 64
)

func (s *LoadStep) check() error {
	switch s.To {
	case LoadSent:
		if err := checkValue(s.Check); err != nil {
			return err
		}
		if !s.Under.IsZero() && s.Under.Version == 0 {
			return fault.New(fault.Usage, "the key %s is named without its version", s.Under.Label)
		}
	case LoadConfirmed, LoadFailed, LoadUnknown:
	default:
		return fault.New(fault.Usage, "a load cannot be moved to %q", text.Redact(string(s.To)))
	}
	switch {
	case !isLine(s.Proof, maxProof):
		return fault.New(fault.Usage, "a proof is a line of at most %d bytes", maxProof)
	case s.Device != "" && !slices.Contains(DeviceStates(), s.Device):
		return fault.New(fault.Usage, "unknown state of a device")
	}
	return nil
}

// loadColumns are what scanLoad reads, with loadJoins behind FROM loads l.
const (
	loadColumns = `l.id, l.run, l.serial, l.slot, COALESCE(k.label, ''), COALESCE(k.version, 0), COALESCE(l.key_set, ''),
		COALESCE(a.lease, ''), l.station, l.clear, l.state, COALESCE(a.n, 0), COALESCE(a.ksn, ''), l.check_method,
		l.check_digits, l.proof, l.reason, l.at, l.changed, COALESCE(l.key_id, 0), COALESCE(k.state, ''),
		COALESCE(a.state, ''), COALESCE(a.changed, 0), l.dialect, l.answer`
	loadJoins = ` LEFT JOIN keys k ON k.id = l.key_id LEFT JOIN allocations a ON a.request = l.id`
)

// loadRow is a load with what the journal knows besides, and with what the database has of it.
type loadRow struct {
	Load
	key       int64 // number of the key; 0: none
	keyState  State
	number    AllocationState // of its number, "" without one
	numbered  int64           // when the number changed
	was       LoadState       // "" before it is in the database
	numberWas AllocationState
	replace   bool // a number of before
}

func scanLoad(r scanner) (loadRow, error) {
	var l loadRow
	var clear, n, at, changed int64
	err := r.Scan(&l.ID, &l.Run, &l.Serial, &l.Slot, &l.Key.Label, &l.Key.Version, &l.KeySet, &l.Lease, &l.Station, &clear,
		(*string)(&l.State), &n, &l.KSN, (*string)(&l.Check.Method), &l.Check.Digits, &l.Proof, &l.Reason, &at, &changed,
		&l.key, (*string)(&l.keyState), (*string)(&l.number), &l.numbered, &l.Refusal.Dialect, &l.Refusal.Answer)
	if err != nil {
		return loadRow{}, err
	}
	l.Clear, l.Number, l.At, l.Changed = clear != 0, uint64(n), fromMicros(at), fromMicros(changed)
	l.was, l.numberWas = l.State, l.number
	return l, nil
}

// Load gives one load. Errors: not_found.
func (s *Store) Load(ctx context.Context, id string) (Load, error) {
	l, err := scanLoad(s.read().QueryRowContext(ctx, "SELECT "+loadColumns+" FROM loads l"+loadJoins+" WHERE l.id = $1",
		id))
	if errors.Is(err, sql.ErrNoRows) {
		err = noLoad(id)
	}
	if err != nil {
		return Load{}, dbError(err)
	}
	return l.Load, nil
}

func noLoad(id string) error {
	return fault.New(fault.NotFound, "the journal has no load %s", text.Redact(id))
}

// Loads gives the loads of a filter by run, serial and time, page by page as [Store.List].
func (s *Store) Loads(ctx context.Context, f LoadFilter) iter.Seq2[Load, error] {
	return func(yield func(Load, error) bool) {
		var last *Load
		for size := firstPage; ; size = fullPage {
			page, err := s.loadPage(ctx, f, last, size)
			if err != nil {
				yield(Load{}, dbError(err))
				return
			}
			for _, l := range page {
				if !yield(l, nil) {
					return
				}
			}
			if len(page) < size {
				return
			}
			last = &page[len(page)-1]
		}
	}
}

func (s *Store) loadPage(ctx context.Context, f LoadFilter, last *Load, size int) ([]Load, error) {
	query, args := f.page(last, size)
	page := make([]Load, 0, size)
	rows, err := s.read().QueryContext(ctx, query, args...)
	err = each(rows, err, func(r *sql.Rows) error {
		l, err := scanLoad(r)
		page = append(page, l.Load)
		return err
	})
	if err != nil {
		return nil, err
	}
	return page, nil
}

// page gives the statement for the next loads. With a run the index has them in order.
func (f *LoadFilter) page(last *Load, size int) (string, arguments) {
	var args arguments
	w := "1 = 1"
	if f.Run != "" {
		w += " AND l.run = " + args.place(f.Run)
	}
	if f.Serial != "" {
		w += " AND l.serial = " + args.place(f.Serial)
	}
	if len(f.States) > 0 {
		var places []string
		for _, state := range f.States {
			places = append(places, args.place(string(state)))
		}
		w += " AND l.state IN (" + strings.Join(places, ", ") + ")"
	}
	if last != nil {
		w += " AND (l.run, l.serial, l.at, l.id) > (" + args.place(last.Run) + ", " + args.place(last.Serial) + ", " +
			args.place(micros(last.At)) + ", " + args.place(last.ID) + ")"
	}
	return "SELECT " + loadColumns + " FROM loads l" + loadJoins + " WHERE " + w +
		" ORDER BY l.run, l.serial, l.at, l.id LIMIT " + args.place(size), args
}
