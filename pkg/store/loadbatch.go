package store

// Many changes of loads as one: what they concern is read at once, they are made one after the other in memory, and
// what came of it is written at once.

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/kcv"
)

// loadOp is a request or a step, and what came of it.
type loadOp struct {
	reserve *LoadRequest
	step    *LoadStep
	ill     error // its form; nothing is done
	load    Load
	same    []string
	err     error
}

func reserveOp(r LoadRequest) *loadOp { return &loadOp{reserve: &r, ill: r.check()} }

func stepOp(s LoadStep) *loadOp {
	s.Reason = text.OneLine(s.Reason, maxReason)
	s.Refusal = Refusal{text.OneLine(s.Refusal.Dialect, maxAnswer), text.OneLine(s.Refusal.Answer, maxAnswer)}
	return &loadOp{step: &s, ill: s.check()}
}

// maxTurns is how often a change is begun anew because somebody else was faster. Nothing of it was done.
const maxTurns = 8

// applyLoads makes changes in one transaction. An error is that of all of them.
func (s *Store) applyLoads(ctx context.Context, c Change, ops []*loadOp) error {
	if err := c.Mark.check(); err != nil {
		return err
	}
	todo := slices.DeleteFunc(slices.Clone(ops), func(op *loadOp) bool {
		op.err = op.ill
		return op.ill != nil
	})
	if len(todo) == 0 {
		return nil
	}
	unmarked := c
	unmarked.Mark = Mark{} // it is put where no two wait for each other: loadBatch.read
	for turn := 1; ; turn++ {
		err := s.change(ctx, unmarked, func(tx *sql.Tx, at int64) error {
			return newLoadBatch(ctx, s, tx, at).run(c.Mark, todo)
		})
		switch {
		case err == nil || !overtaken(err):
			return fault.Wrap(err, "writing the journal of loads")
		case turn == maxTurns:
			return fault.WrapAs(fault.Busy, err, "writing the journal of loads")
		}
	}
}

// errOvertaken says that a row was not any more as it was read.
var errOvertaken = fault.New(fault.Busy, "other processes write about the same loads; try again")

// overtaken reports an error that another try may not meet: a row that is there meanwhile, one that was changed, or two
// processes that waited for each other.
func overtaken(err error) bool {
	var pg *pgconn.PgError
	return errors.Is(err, errOvertaken) || isUnique(err) ||
		errors.As(err, &pg) && (pg.Code == "40P01" || pg.Code == "40001")
}

// pairName names a device in a key set.
type pairName struct{ set, serial string }

// deviceRow is a device as it is to stand.
type deviceRow struct {
	state, was DeviceState
	changed    int64
}

// keyBrief is what the journal must know of a key.
type keyBrief struct {
	id    int64
	state State
}

type loadBatch struct {
	ctx     context.Context
	s       *Store
	tx      *sql.Tx
	at      int64
	devices map[string]*deviceRow
	loads   map[string]*loadRow
	open    map[slotName]string   // the open load of a slot
	unknown map[string][]string   // loads of a device that nobody knows about
	numbers map[pairName]string   // the request of a live number
	old     map[string]*oldNumber // live numbers that may be replaced, by request
	taken   map[string]bool       // requests that got a number without a load
	keys    map[Ref]keyBrief
	give    *giver
	loaded  map[slotName]*loadRow // keys that are in devices now
	runs    map[string]*runBrief  // that were taken down; the others are names of single injections
}

func newLoadBatch(ctx context.Context, s *Store, tx *sql.Tx, at int64) *loadBatch {
	if s.dialect == sqliteDialect { // a file answers; what ends early is the transaction
		ctx = context.WithoutCancel(ctx)
	}
	return &loadBatch{ctx: ctx, s: s, tx: tx, at: at, devices: map[string]*deviceRow{}, loads: map[string]*loadRow{},
		open: map[slotName]string{}, unknown: map[string][]string{}, numbers: map[pairName]string{}, old: map[string]*oldNumber{}, taken: map[string]bool{},
		keys: map[Ref]keyBrief{}, loaded: map[slotName]*loadRow{}, runs: map[string]*runBrief{}}
}

func (b *loadBatch) run(mark Mark, ops []*loadOp) error {
	if err := b.read(mark, ops); err != nil {
		return err
	}
	for _, op := range ops {
		op.load, op.same = Load{}, nil
		if op.reserve != nil {
			op.load, op.err = b.reserve(op.reserve)
		} else {
			op.err = b.step(op.step)
		}
	}
	if err := b.write(); err != nil {
		return err
	}
	return b.equal(ops)
}

// reserve makes a load, or finds the one that the request made.
func (b *loadBatch) reserve(r *LoadRequest) (Load, error) {
	if known := b.loads[r.ID]; known != nil {
		if !known.answers(r) {
			return Load{}, fault.New(fault.NotPermitted, "the request id was used for slot %s of device %s in run %s", known.Slot,
				known.Serial, known.Run)
		}
		load := known.Load
		load.Again = true
		return load, nil
	}
	if b.taken[r.ID] {
		return Load{}, fault.New(fault.NotPermitted, "the request id was used for a number without a load")
	}
	l := loadRow{replace: r.Replace, Load: Load{LoadRequest: *r, State: LoadReserved, At: fromMicros(b.at), Changed: fromMicros(b.at)}}
	l.Replace = false // it is done with the reservation
	if err := b.runs[r.Run].mayLoad(r); err != nil {
		return Load{}, err
	}
	d := b.devices[r.Serial]
	if err := b.mayLoad(d, r); err != nil {
		return Load{}, err
	}
	if err := b.equip(&l); err != nil {
		return Load{}, err
	}
	l.At = fromMicros(max(b.at, d.changed)) // after what was there before it, whatever the clock does
	l.Changed = l.At
	if d.state != Reserved && d.state != Sent {
		d.move(Reserved, b.at)
	}
	b.loads[r.ID], b.open[slotName{r.Serial, r.Slot}] = &l, r.ID
	return l.Load, nil
}

// answers reports whether a load is what a request asks for. Who asks, and where the number is from, is not part of it.
func (l *loadRow) answers(r *LoadRequest) bool {
	sameKey := l.Key == r.Key || r.Key.IsZero() && l.KeySet != ""
	return l.Run == r.Run && l.Serial == r.Serial && l.Slot == r.Slot && l.KeySet == r.KeySet && l.Clear == r.Clear && sameKey
}

// runBrief is what the journal must know of a run that was taken down.
type runBrief struct {
	closed  int64
	serials map[string]bool // on its list, of those that are asked about
}

// mayLoad holds a load to its run: one that is closed takes no more, and a device that is not on the list gets nothing.
// That a strange device took clear keys which were meant for another one can be taken down all the same: it is so, and
// somebody has to know.
func (r *runBrief) mayLoad(l *LoadRequest) error {
	switch {
	case r == nil:
		return nil
	case r.closed != 0:
		return fault.New(fault.NotPermitted, "run %s was closed at %s and takes no loads any more", l.Run,
			fromMicros(r.closed).Format(time.RFC3339))
	case !r.serials[l.Serial] && (!l.Clear || l.KeySet != ""):
		return fault.New(fault.NotPermitted, "device %s is not on the list of run %s", l.Serial, l.Run)
	}
	return nil
}

// mayLoad looks whether a device can be given another key.
func (b *loadBatch) mayLoad(d *deviceRow, r *LoadRequest) error {
	if d == nil {
		return fault.New(fault.NotFound, "the store has no device %s", r.Serial)
	}
	if d.state == Rejected {
		return fault.New(fault.NotPermitted, "device %s was rejected", r.Serial)
	}
	if other, has := b.open[slotName{r.Serial, r.Slot}]; has {
		return fault.New(fault.NotPermitted, "slot %s of device %s has a load that is not settled: %s", r.Slot, r.Serial, other)
	}
	if others := b.unknown[r.Serial]; len(others) > 0 {
		return fault.New(fault.NotPermitted, "nobody knows whether load %s is in device %s; settle it first", others[0],
			r.Serial)
	}
	return nil
}

// equip gives a load its key and its number. Nothing is taken when there is an error.
func (b *loadBatch) equip(l *loadRow) error {
	if l.KeySet == "" {
		if l.Key.IsZero() {
			return nil
		}
		k, has := b.keys[l.Key]
		switch {
		case !has:
			return fault.New(fault.NotFound, "the store has no key %s", l.Key)
		case k.state != Active:
			return fault.New(fault.NotPermitted, "key %s is %s", l.Key, k.state)
		}
		l.key, l.keyState = k.id, k.state
		return nil
	}
	set := b.give.sets[l.KeySet]
	if set == nil {
		return noKeySet(l.KeySet)
	}
	if l.Key.IsZero() {
		l.Key = set.BDK
	}
	if l.Key != set.BDK {
		return fault.New(fault.NotPermitted, "key set %s is of key %s, not %s", l.KeySet, set.BDK, l.Key)
	}
	pair := pairName{l.KeySet, l.Serial}
	replaced, err := b.replaced(l, pair)
	if err != nil {
		return err
	}
	n, err := b.number(l)
	if err != nil {
		return err
	}
	if l.KSN, err = set.initial(n); err != nil {
		return err
	}
	b.burn(replaced)
	l.Number, l.number, l.key, l.keyState, b.numbers[pair] = n, Allotted, set.bdk, set.state, l.ID
	return nil
}

// oldNumber is a live number that may be replaced.
type oldNumber struct {
	request string
	state   AllocationState
	changed int64
	slot    string    // of its load; "" of a number without one
	load    LoadState // "" without one
	burnt   bool
}

// replaced is the number that the device has and that a load may replace, nil when it has none.
func (b *loadBatch) replaced(l *loadRow, pair pairName) (*oldNumber, error) {
	request, has := b.numbers[pair]
	if !has {
		return nil, nil
	}
	old := b.old[request]
	known := b.loads[request]
	switch {
	case !l.replace || old == nil || known != nil && known.number != old.state:
		return nil, liveNumber(l.Serial)
	case old.load.Open():
		return nil, fault.New(fault.NotPermitted, "device %s has a number of this key set whose load is not settled: %s", l.Serial,
			request)
	case old.load != "" && old.slot != l.Slot:
		return nil, fault.New(fault.NotPermitted, "device %s has its number of this key set in slot %s", l.Serial, old.slot)
	}
	return old, nil
}

func (b *loadBatch) burn(old *oldNumber) {
	if old == nil {
		return
	}
	old.burnt = true
	if known := b.loads[old.request]; known != nil { // it is written here, not with its load
		known.number, known.numberWas = Burnt, Burnt
	}
}

func (b *loadBatch) number(l *loadRow) (uint64, error) {
	if l.Lease != "" {
		return b.give.takeLeased(l.Lease, l.Station, l.KeySet)
	}
	return b.give.take(l.KeySet, 1)
}

// step moves a load, its number and its device; all three or none.
func (b *loadBatch) step(s *LoadStep) error {
	l := b.loads[s.ID]
	if l == nil {
		return noLoad(s.ID)
	}
	d := b.devices[l.Serial]
	if d == nil {
		return damagedRow(s.ID)
	}
	there := l.State == s.To
	if err := b.mayStep(l, s); err != nil {
		return err
	}
	if s.Device != "" && d.state != s.Device {
		if !d.state.MayBecome(s.Device) {
			return fault.New(fault.NotPermitted, "a device that is %s cannot become %s", d.state, s.Device)
		}
		d.move(s.Device, b.at)
	}
	if !there {
		b.settle(l, s)
	}
	return nil
}

// mayStep looks at the load and its number.
func (b *loadBatch) mayStep(l *loadRow, s *LoadStep) error {
	switch {
	case l.State == s.To && s.To == LoadSent:
		return fault.New(fault.NotPermitted, "load %s was sent before, and a load goes out once", s.ID)
	case l.State == s.To:
		return nil
	case !l.State.MayBecome(s.To):
		return fault.New(fault.NotPermitted, "a load that is %s cannot become %s", l.State, s.To)
	case s.To == LoadSent && l.key != 0 && l.keyState != Active:
		return fault.New(fault.NotPermitted, "key %s is %s", l.Key, l.keyState)
	case s.To == LoadSent && b.outOfUse(s.Under) != nil:
		return b.outOfUse(s.Under)
	case l.KeySet == "":
		return nil
	}
	to := s.To.number()
	if l.number != to && !slices.Contains(l.number.next(), to) {
		return fault.New(fault.NotPermitted, "the number of request %s is %s and cannot become %s", s.ID, l.number, to)
	}
	if other, has := b.numbers[pairName{l.KeySet, l.Serial}]; has && other != l.ID && to == Injected {
		return fault.New(fault.NotPermitted, "device %s got another number of this key set meanwhile", l.Serial)
	}
	return nil
}

// settle writes a step that may be done.
func (b *loadBatch) settle(l *loadRow, s *LoadStep) {
	slot, pair := slotName{l.Serial, l.Slot}, pairName{l.KeySet, l.Serial}
	l.State, l.Changed = s.To, fromMicros(max(b.at, micros(l.Changed)))
	b.unknown[l.Serial] = slices.DeleteFunc(b.unknown[l.Serial], func(id string) bool { return id == l.ID })
	switch s.To {
	case LoadSent:
		l.Check = s.Check
	case LoadConfirmed:
		l.Proof, l.Reason = s.Proof, ""
		b.loaded[slot] = l
	case LoadFailed:
		l.Reason, l.Refusal = s.Reason, s.Refusal
	case LoadUnknown:
		l.Reason, b.unknown[l.Serial] = s.Reason, append(b.unknown[l.Serial], l.ID)
	}
	if !l.State.Open() {
		delete(b.open, slot)
	}
	if l.KeySet == "" {
		return
	}
	switch l.number = s.To.number(); l.number {
	case Allotted, Injected:
		b.numbers[pair] = l.ID
	default:
		if b.numbers[pair] == l.ID {
			delete(b.numbers, pair)
		}
	}
}

func (d *deviceRow) move(to DeviceState, at int64) { d.state, d.changed = to, max(at, d.changed) }

// equal tells of confirmed loads which other slots hold the same key.
func (b *loadBatch) equal(ops []*loadOp) error {
	checks := map[kcv.Value]bool{}
	for _, op := range ops {
		if op.confirms() {
			checks[b.loads[op.step.ID].Check] = true
		}
	}
	slots, err := b.s.slotsWith(b.ctx, b.tx, slices.Collect(maps.Keys(checks)))
	if err != nil {
		return err
	}
	for _, op := range ops {
		if op.confirms() {
			l := b.loads[op.step.ID]
			op.same = others(slots[l.Check], slotName{l.Serial, l.Slot})
		}
	}
	return nil
}

func (op *loadOp) confirms() bool {
	return op.step != nil && op.err == nil && op.step.To == LoadConfirmed
}
