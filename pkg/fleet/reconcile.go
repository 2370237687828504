package fleet

// The account of a run: the list, what stations said, and the journal, held against each other.

import (
	"context"
	"slices"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/store"
)

// FindingKind names what is raised.
type FindingKind string

// The findings.
const (
	FindUntouched   FindingKind = "untouched"         // nobody was at the device
	FindInWork      FindingKind = "in-work"           // begun and not finished
	FindQuarantined FindingKind = "quarantined"       // nobody knows whether it has its key
	FindUnborne     FindingKind = "not-borne-out"     // a station said confirmed, and the journal does not
	FindUnreported  FindingKind = "unreported"        // the journal says that all is loaded, and no station did
	FindUnexpected  FindingKind = "unexpected"        // the journal has a device that is not on the list
	FindUnplanned   FindingKind = "unplanned"         // a load into a slot, or from a key set, that the plan does not have
	FindLate        FindingKind = "after-close"       // a load that was begun after the run was closed
	FindList        FindingKind = "list"              // the list is not the one that was taken down
	FindSerial      FindingKind = "serial"            // a device told another serial number
	FindTwice       FindingKind = "serial-twice"      // a serial number told at two places
	FindNumber      FindingKind = "number-twice"      // a KSN of two devices or loads
	FindCheck       FindingKind = "check-value"       // equal check values of initial keys
	FindChance      FindingKind = "check-value-alike" // the same, as often as chance has it
	FindOdd         FindingKind = "odd-digit"         // an odd device digit in a KSN
	FindOld         FindingKind = "reservation"       // reserved long ago
	FindUnproven    FindingKind = "no-check-value"    // confirmed without a check value told by the device
	FindFailed      FindingKind = "failed"            // accounted for, and without its key
	FindRejected    FindingKind = "rejected"
)

// Finding is something that somebody must look at, or should know.
type Finding struct {
	Kind    FindingKind
	Open    bool // not in order
	Serials []string
	Text    text.Text
}

// Settings say what a reconciliation looks at.
type Settings struct {
	Now      time.Time
	Old      time.Duration // a reservation older than that is raised; 0 is 24 hours
	Accepted bool          // untouched devices were looked at by whoever closes the run
	Known    bool          // open findings are known to whoever closes the run
}

const oldReservation = 24 * time.Hour

// Account is the account of a run.
type Account struct {
	Plan       Plan
	PlanDigest string
	Run        store.Run
	Devices    []Accounted
	Counts     Counts
	Untouched  int
	InWork     int
	Findings   []Finding
	Proofs     map[string]int // loads by what confirmed them
	KeySets    []SetUse
	At         time.Time
}

// Accounted is a device with its loads.
type Accounted struct {
	store.RunDevice
	Loads []store.Load // of this run, the oldest first
}

// SetUse is what a run took of a key set.
type SetUse struct {
	KeySet    string     `json:"key_set"`
	BDK       string     `json:"bdk"`
	Scheme    string     `json:"scheme"`
	KSI       string     `json:"ksi"`
	Confirmed int        `json:"confirmed"`
	Burnt     int        `json:"burnt"` // numbers of loads that failed
	Unknown   int        `json:"unknown"`
	Reserved  int        `json:"reserved"`
	Leases    []LeaseUse `json:"leases,omitempty"`
}

// LeaseUse is a range that a station of the run had.
type LeaseUse struct {
	ID       string `json:"id"`
	Station  string `json:"station"`
	From     uint64 `json:"from"`
	To       uint64 `json:"to"`
	Unused   uint64 `json:"unused"`
	Returned bool   `json:"returned"`
}

// Open counts the findings that are not in order: whoever asked exits with 10 while there are any.
func (a *Account) Open() int {
	n := 0
	for _, f := range a.Findings {
		if f.Open {
			n++
		}
	}
	return n
}

// Balanced reports whether every device is accounted for: the run may be closed.
func (a *Account) Balanced() bool {
	c := a.Counts
	return a.InWork == 0 && c.Listed == a.Plan.Devices &&
		c.Listed == c.Confirmed+c.Failed+c.Quarantined+c.Rejected+a.Untouched
}

// Reconcile makes the account. Findings are in it; an error is returned when the store cannot be read. Errors:
// not_found, checksum_mismatch (a plan that is damaged).
func Reconcile(ctx context.Context, db *store.Store, run string, set Settings) (Account, error) {
	if set.Old <= 0 {
		set.Old = oldReservation
	}
	r := &reconciler{db: db, set: set, out: Account{At: set.Now.UTC(), Proofs: map[string]int{}}}
	for _, step := range []func(context.Context, string) error{r.list, r.journal, r.keySets} {
		if err := step(ctx, run); err != nil {
			return Account{}, fault.Wrap(err, "the account of run %s", run)
		}
	}
	r.devices()
	r.numbers()
	r.checks()
	r.told()
	r.proofs()
	slices.SortStableFunc(r.out.Findings, func(a, b Finding) int { return rank(a) - rank(b) })
	return r.out, nil
}

func rank(f Finding) int {
	if f.Open {
		return 0
	}
	return 1
}

type reconciler struct {
	db    *store.Store
	set   Settings
	out   Account
	index map[string]int // of the devices, by serial
	// strange are loads of devices that are not on the list.
	strange []store.Load
}

func (r *reconciler) raise(kind FindingKind, open bool, t text.Text, serials ...string) {
	r.out.Findings = append(r.out.Findings, Finding{kind, open, serials, t})
}

// list reads the devices.
func (r *reconciler) list(ctx context.Context, run string) (err error) {
	if r.out.Plan, r.out.Run, err = ReadPlan(ctx, r.db, run); err != nil {
		return err
	}
	if r.out.PlanDigest, err = r.out.Plan.Digest(); err != nil {
		return err
	}
	var rows []store.RunDevice
	r.index = map[string]int{}
	for d, err := range r.db.RunDevices(ctx, store.RunFilter{Run: run}) {
		if err != nil {
			return err
		}
		r.index[d.Serial] = len(rows)
		rows = append(rows, d)
		r.out.Devices = append(r.out.Devices, Accounted{RunDevice: d})
	}
	m := manifestOf(rows)
	if m.Digest() != r.out.Run.Manifest || m.SerialsDigest() != r.out.Plan.Serials {
		r.raise(FindList, true, text.New("the list of devices is not the one that was taken down: its digest differs"))
	}
	return nil
}

// journal reads the loads.
func (r *reconciler) journal(ctx context.Context, run string) error {
	for l, err := range r.db.Loads(ctx, store.LoadFilter{Run: run}) {
		if err != nil {
			return err
		}
		r.ofPlan(&l)
		i, ok := r.index[l.Serial]
		if !ok {
			r.strange = append(r.strange, l)
			r.raise(FindUnexpected, true, text.New("the journal has a load of device %s, which is not on the list", l.Serial), l.Serial)
			continue
		}
		r.out.Devices[i].Loads = append(r.out.Devices[i].Loads, l)
	}
	return nil
}

// ofPlan raises a load that the plan does not have, and one that was begun when the run was over.
func (r *reconciler) ofPlan(l *store.Load) {
	planned := func(t LoadTemplate) bool { return t.Slot == l.Slot && t.KeySet == l.KeySet }
	if !slices.ContainsFunc(r.out.Plan.Loads, planned) {
		what := l.KeySet
		if what == "" {
			what = l.Key.String()
		}
		r.raise(FindUnplanned, true, text.New("the plan of the run has no load of %s into slot %s, and the journal has one of %s", what, l.Slot,
			l.Serial), l.Serial)
	}
	if closed := r.out.Run.Closed; !closed.IsZero() && l.At.After(closed) {
		r.raise(FindLate, true, text.New("slot %s of %s was begun at %s, after the run was closed", l.Slot, l.Serial,
			l.At.Format(time.RFC3339)), l.Serial)
	}
}

// loads are all of the run.
func (r *reconciler) loads() []*store.Load {
	var all []*store.Load
	for i := range r.out.Devices {
		for j := range r.out.Devices[i].Loads {
			all = append(all, &r.out.Devices[i].Loads[j])
		}
	}
	for i := range r.strange {
		all = append(all, &r.strange[i])
	}
	return all
}

// keySets tells what the run took of the key sets of its plan, and of any other one.
func (r *reconciler) keySets(ctx context.Context, _ string) error {
	var ids []string
	add := func(id string) {
		if id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for _, t := range r.out.Plan.Loads {
		add(t.KeySet)
	}
	all := r.loads()
	for _, l := range all {
		add(l.KeySet)
	}
	for _, id := range ids {
		k, err := r.db.KeySet(ctx, id)
		if err != nil {
			return err
		}
		use := SetUse{KeySet: k.ID, BDK: k.BDK.String(), Scheme: string(k.Scheme), KSI: k.KSI}
		mine := map[string]bool{}
		for _, l := range all {
			if l.KeySet == k.ID {
				use.count(l)
				mine[l.Lease] = true
			}
		}
		leases, err := r.db.Leases(ctx, k.ID)
		if err != nil {
			return err
		}
		for _, l := range leases {
			if mine[l.ID] {
				use.Leases = append(use.Leases, leaseUse(l))
			}
		}
		r.out.KeySets = append(r.out.KeySets, use)
	}
	return nil
}

func leaseUse(l store.Lease) LeaseUse {
	u := LeaseUse{ID: l.ID, Station: l.Station, From: l.From, To: l.To, Unused: l.To - l.Next, Returned: !l.Returned.IsZero()}
	if u.Returned {
		u.Unused = l.To - l.UnusedFrom
	}
	return u
}

func (u *SetUse) count(l *store.Load) {
	switch l.State {
	case store.LoadConfirmed:
		u.Confirmed++
	case store.LoadFailed:
		u.Burnt++
	case store.LoadUnknown, store.LoadSent:
		u.Unknown++
	case store.LoadReserved:
		u.Reserved++
	}
}

// latest gives the newest load of each slot.
func (a *Accounted) latest() map[string]*store.Load {
	newest := map[string]*store.Load{}
	for i := range a.Loads {
		newest[a.Loads[i].Slot] = &a.Loads[i]
	}
	return newest
}

// whole reports whether the journal has every load of the plan as confirmed.
func (a *Accounted) whole(p *Plan) bool {
	newest := a.latest()
	for _, t := range p.Loads {
		if l := newest[t.Slot]; l == nil || l.State != store.LoadConfirmed {
			return false
		}
	}
	return true
}

// open reports whether a load of the device is not settled.
func (a *Accounted) open() bool {
	return slices.ContainsFunc(a.Loads, func(l store.Load) bool { return l.State.Open() })
}

// Close ends a run. Errors: partial when a device is not accounted for, when untouched devices were not accepted, or
// when findings are open that nobody said to know: a closed run takes no load any more that would settle them;
// not_permitted for a run that is closed.
func Close(ctx context.Context, db *store.Store, c store.Change, run string, set Settings) (Account, error) {
	a, err := Reconcile(ctx, db, run, set)
	if err != nil {
		return Account{}, err
	}
	if !a.Balanced() {
		return a, fault.New(fault.Partial, "run %s cannot be closed: %d of %d devices are in work or not accounted for", run,
			a.Counts.Listed-a.Counts.Done()-a.Untouched, a.Plan.Devices)
	}
	if a.Untouched > 0 && !set.Accepted {
		return a, fault.New(fault.Partial, "run %s cannot be closed: nobody was at %d devices; say that they are left out on purpose", run,
			a.Untouched)
	}
	if n := a.Open(); n > 0 && !set.Known {
		return a, fault.New(fault.Partial, "run %s cannot be closed, findings that are open: %d; settle them first, or say that they are known", run,
			n)
	}
	if err := db.CloseRun(ctx, c, run, a.Untouched); err != nil {
		return a, err
	}
	a.Run, err = db.Run(ctx, run)
	return a, err
}
