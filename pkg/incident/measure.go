package incident

// What poskey can see of a step by itself.

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"poskey/internal/text"
	"poskey/pkg/custody"
	"poskey/pkg/store"
)

// DetailGeneration is that of the master key when the incident was opened.
const DetailGeneration = "generation"

// Finding is what the inventory says of a step.
type Finding struct {
	Done bool
	Why  text.Text
}

// Measured is the inventory held against the steps.
type Measured struct {
	Blast Blast
	Steps map[string]Finding // by the step's id; without those that cannot be measured
}

// Measure looks at the inventory now: from what the incident is about, and from what fell when it was opened. A terminal
// has other keys by now; those that it had are meant.
func (d *Document) Measure(ctx context.Context, db *store.Store) (Measured, error) {
	b, err := d.Falls(ctx, db)
	if err != nil {
		return Measured{}, err
	}
	m := Measured{Blast: b, Steps: map[string]Finding{}}
	see := seeing{ctx, db, d, &b}
	for _, s := range Steps(d.Head.Kind) {
		f, err := see.step(s.Measure)
		if err != nil {
			return Measured{}, err
		}
		if !f.Why.IsZero() {
			m.Steps[s.ID] = f
		}
	}
	return m, nil
}

// Falls asks the inventory what falls by now. Keys that a terminal got since the opening are not among it.
func (d *Document) Falls(ctx context.Context, db *store.Store) (Blast, error) {
	return blastOf(ctx, db, d.Head.Kind, d.roots(), d.Opened())
}

// roots are the subjects and the keys that fell at the opening.
func (d *Document) roots() []Item {
	all := slices.Clone(d.Subjects())
	opening := false
	for i := range d.Records {
		r := &d.Records[i]
		if r.Kind != EntryBlast {
			continue
		}
		if cause := r.Details[DetailCause]; cause != CauseMore {
			opening = cause == CauseOpened
		}
		if !opening {
			continue
		}
		for _, it := range r.Items {
			if it.What == ItemKey && !slices.ContainsFunc(all, func(o Item) bool { return o.What == ItemKey && o.Name == it.Name }) {
				all = append(all, it)
			}
		}
	}
	return all
}

// Recorded are the lines for steps that are measured to be done and that the record does not have as done.
func (d *Document) Recorded(m Measured, by string, say func(text.Text) string) []Entry {
	var all []Entry
	for _, s := range d.Steps() {
		if f, ok := m.Steps[s.ID]; ok && f.Done && !s.Done {
			all = append(all, Entry{Kind: EntryDone, By: by, Step: s.ID,
				Details: map[string]string{DetailProof: ProofMeasured, DetailText: say(f.Why)}})
		}
	}
	return all
}

// Undone are the steps that poskey saw to be done and that are so no more, unless the step after which that does not
// matter is done. Nobody but poskey has answered for them.
func (d *Document) Undone(m Measured) []StepState {
	var all []StepState
	steps := d.Steps()
	for _, s := range steps {
		f, ok := m.Steps[s.ID]
		over := slices.ContainsFunc(steps, func(o StepState) bool { return o.ID == s.Until && (o.Settled() || m.Steps[o.ID].Done) })
		if s.Done && s.Proof == ProofMeasured && ok && !f.Done && !over {
			all = append(all, s)
		}
	}
	return all
}

// seeing is one look.
type seeing struct {
	ctx context.Context
	db  *store.Store
	d   *Document
	b   *Blast
}

// step measures. A finding without a reason says nothing.
func (s seeing) step(m Measure) (Finding, error) {
	switch m {
	case MeasureKeysOut:
		return s.states(s.b.All(), text.New("no key that falls is in use"), isOut), nil
	case MeasureCompromised:
		return s.states(s.b.All(), text.New("every key that falls is marked as known to others, or gone"), isFallen), nil
	case MeasureDestroyed:
		return s.states(s.b.All(), text.New("every key that fell is destroyed"), func(k *store.Key) bool { return k.State.Gone() }), nil
	case MeasureReplaced:
		return s.replaced(s.b.Named)
	case MeasureDecided:
		return s.decided(), nil
	case MeasureFrozen:
		return s.frozen(), nil
	case MeasureOffList, MeasureInjected:
		return s.devices(m)
	case MeasureSettled:
		return s.settled(), nil
	case MeasureCleared:
		return s.cleared(), nil
	case MeasureUnshared:
		return s.unshared(), nil
	case MeasureLocked:
		return s.locked(), nil
	case MeasureRevoked, MeasureReshared:
		return s.officers(m)
	case MeasureUnknowing:
		return s.unknowing()
	}
	return Finding{}, nil
}

func count(n int, none, some text.Text) Finding {
	if n == 0 {
		return Finding{true, none}
	}
	return Finding{false, some}
}

// strangers tells whether the incident is about terminals that the inventory does not have: it says nothing of them.
func (s seeing) strangers() bool { return len(s.b.subjects) < len(s.d.subjects(ItemDevice)) }

// checks tells whether the inventory has a check value in the terminals at hand. Without one nothing was compared, which is
// not the same as no key found twice.
func (s seeing) checks() bool {
	all := s.b.subjects
	if len(all) == 0 {
		all = s.b.Devices
	}
	return slices.ContainsFunc(all, func(d store.Device) bool {
		return slices.ContainsFunc(d.Keys, func(k store.DeviceKey) bool { return k.Check.Digits != "" })
	})
}

func isOut(k *store.Key) bool { return k.State != store.Active && k.State != store.PreActivation }

func isFallen(k *store.Key) bool { return k.State == store.Compromised || k.State.Gone() }

// states looks at the states of keys. Without a key of the store there is nothing to be seen.
func (s seeing) states(all []store.Key, done text.Text, ok func(*store.Key) bool) Finding {
	left := 0
	for i := range all {
		if !ok(&all[i]) {
			left++
		}
	}
	switch {
	case len(all) == 0:
		return Finding{}
	case left > 0:
		return Finding{false, text.New("keys of which this is not true yet: %d of %d", left, len(all))}
	}
	return Finding{true, done}
}

// replaced: a rotation names the successor; of a key that was formed anew a newer version is in use.
func (s seeing) replaced(all []store.Key) (Finding, error) {
	left := 0
	for i := range all {
		ok, err := s.hasNewer(&all[i])
		if err != nil {
			return Finding{}, err
		}
		if !ok {
			left++
		}
	}
	switch {
	case len(all) == 0:
		return Finding{}, nil
	case left > 0:
		return Finding{false, text.New("keys without one in their place: %d of %d", left, len(all))}, nil
	}
	return Finding{true, text.New("every key has one in its place")}, nil
}

// hasNewer does not count what falls itself: a newer version may have been known as long as the old one.
func (s seeing) hasNewer(k *store.Key) (bool, error) {
	falls := func(o *store.Key) bool {
		return o.State == store.Compromised || o.State == store.DestroyedCompromised ||
			slices.ContainsFunc(s.b.All(), func(f store.Key) bool { return f.Ref() == o.Ref() })
	}
	met := map[store.Ref]bool{k.Ref(): true} // should somebody have made a circle
	for next := k.Successor; !next.IsZero() && !met[next]; {
		met[next] = true
		successor, err := s.db.Get(s.ctx, next)
		if err != nil {
			return false, err
		}
		if !falls(&successor) {
			return true, nil
		}
		next = successor.Successor
	}
	for other, err := range s.db.List(s.ctx, store.Filter{Label: k.Label}) {
		if err != nil {
			return false, err
		}
		if other.Version > k.Version && other.State == store.Active && !falls(&other) {
			return true, nil
		}
	}
	return false, nil
}

// decided: only what was suspended can be decided about.
func (s seeing) decided() Finding {
	suspended := slices.ContainsFunc(s.d.Steps(), func(st StepState) bool { return st.Measure == MeasureKeysOut && st.Done })
	if !suspended {
		return Finding{}
	}
	return s.states(s.b.Named, text.New("no key is suspended any more"), func(k *store.Key) bool { return k.State != store.Suspended })
}

func (s seeing) frozen() Finding {
	left := 0
	for i := range s.b.Sets {
		if !s.b.Sets[i].Frozen {
			left++
		}
	}
	switch {
	case len(s.b.Sets) == 0 && len(s.b.All())+len(s.b.subjects) == 0: // nothing that the inventory has
		return Finding{}
	case len(s.b.Sets) == 0:
		return Finding{true, text.New("there is no key set beneath")}
	}
	return count(left, text.New("every key set beneath is frozen"), text.New("key sets that hand out numbers: %d", left))
}

// settled: where no terminal is known, no load of the site may be open, and that there is none says nothing.
func (s seeing) settled() Finding {
	if s.strangers() || len(s.b.Loads) == 0 && len(s.b.Devices) == 0 {
		return Finding{}
	}
	return count(len(s.b.Loads), text.New("every load has an end that is known"), text.New("loads of which nobody knows how they ended: %d", len(s.b.Loads)))
}

// unshared compares what the list has of terminals; where it has no check value, there is nothing to be seen.
func (s seeing) unshared() Finding {
	if s.strangers() || !s.checks() {
		return Finding{}
	}
	return count(len(s.b.Shared), text.New("no other terminal has one of these keys"),
		text.New("check values that more than one terminal has: %d (PCI PIN 20-1)", len(s.b.Shared)))
}

// locked: poskey locked each terminal, or found it locked, and each said so itself.
func (s seeing) locked() Finding {
	left := 0
	for i := range s.b.subjects {
		if !s.d.hasLocked(s.b.subjects[i].Serial) {
			left++
		}
	}
	if len(s.b.subjects) == 0 || left == 0 && s.strangers() {
		return Finding{}
	}
	return count(left, text.New("the terminals said that they are locked"), text.New("terminals that were not locked by order: %d of %d", left,
		len(s.b.subjects)))
}

// hasLocked tells whether the record has a terminal as locked.
func (d *Document) hasLocked(serial string) bool {
	return slices.ContainsFunc(d.Acts(), func(r Record) bool {
		return r.Details[DetailAct] == ActLock && r.Details[DetailObject] == serial && r.Details[DetailResult] != ResultFailed
	})
}

// devices looks at the terminals that the incident is about.
func (s seeing) devices(m Measure) (Finding, error) {
	all, left := s.b.subjects, 0
	for i := range all {
		ok := all[i].State == store.Rejected
		if m == MeasureInjected {
			var err error
			if ok, err = s.newKeys(&all[i]); err != nil {
				return Finding{}, err
			}
		}
		if !ok {
			left++
		}
	}
	switch {
	case len(all) == 0, left == 0 && s.strangers():
		return Finding{}, nil
	case left > 0:
		return Finding{false, text.New("terminals of which this is not true yet: %d of %d", left, len(all))}, nil
	case m == MeasureOffList:
		return Finding{true, text.New("the terminals are off the list")}, nil
	}
	return Finding{true, text.New("keys were loaded since the opening, and the terminals confirmed them")}, nil
}

// newKeys tells whether a terminal got keys since the opening that are not those which it had.
func (s seeing) newKeys(d *store.Device) (bool, error) {
	had, err := s.hadBefore(d.Serial)
	if err != nil || d.State != store.Confirmed {
		return false, err
	}
	fresh := 0
	for _, k := range d.Keys {
		if !k.Loaded.After(s.d.Opened()) {
			continue
		}
		if s.isOld(&k) || slices.ContainsFunc(had, func(l store.Load) bool { return isSame(&l, &k) }) {
			return false, nil
		}
		fresh++
	}
	return fresh > 0, nil
}

// isOld tells that a terminal has a key which fell.
func (s seeing) isOld(k *store.DeviceKey) bool {
	return slices.ContainsFunc(s.b.All(), func(f store.Key) bool {
		same, _ := store.SameCheck(f.Check, k.Check)
		return f.Ref() == k.Key && k.KSN == "" || same
	})
}

// isSame tells that the key in a slot is the one of a load.
func isSame(l *store.Load, k *store.DeviceKey) bool {
	same, _ := store.SameCheck(l.Check, k.Check)
	return same || k.KSN != "" && l.KSN == k.KSN
}

// hadBefore gives what a terminal had in its slots when the incident was opened, by the journal of loads.
func (s seeing) hadBefore(serial string) ([]store.Load, error) {
	last := map[string]store.Load{}
	for l, err := range s.db.Loads(s.ctx, store.LoadFilter{Serial: serial, States: []store.LoadState{store.LoadConfirmed}}) {
		if err != nil {
			return nil, err
		}
		if at, ok := last[l.Slot]; !l.At.After(s.d.Opened()) && (!ok || l.At.After(at.At)) {
			last[l.Slot] = l
		}
	}
	return slices.Collect(maps.Values(last)), nil
}

// cleared: a terminal that is off the list gets nothing and does nothing.
func (s seeing) cleared() Finding {
	if len(s.b.All()) == 0 {
		return Finding{}
	}
	left := 0
	for _, d := range s.b.Devices {
		if d.State != store.Rejected {
			left++
		}
	}
	return count(left, text.New("no terminal of the list holds one of these keys"), text.New("terminals that hold one of these keys: %d", left))
}

func (s seeing) officers(m Measure) (Finding, error) {
	id, err := s.db.Identity(s.ctx)
	if err != nil || id.Master.Kind != store.ByOfficers {
		return Finding{}, err
	}
	if m == MeasureReshared {
		was, err := strconv.ParseUint(s.d.Records[0].Details[DetailGeneration], 10, 64)
		if err != nil {
			return Finding{}, nil //nolint:nilerr // nobody wrote it down
		}
		if holds, err := s.holds(&id); err != nil || holds {
			return Finding{false, text.New("who left still holds a share of the master key")}, err
		}
		if id.Master.Generation > was {
			return Finding{true, text.New("the master key was shared anew (generation %d)", id.Master.Generation)}, nil
		}
		return Finding{false, text.New("the master key was not shared anew yet (generation %d)", was)}, nil
	}
	rows, err := s.db.Officers(s.ctx)
	if err != nil {
		return Finding{}, err
	}
	about := s.d.subjects(ItemOfficer)
	known, left := 0, 0
	for _, r := range rows {
		if !slices.Contains(about, r.ID) {
			continue
		}
		known++
		if r.Revoked.IsZero() {
			left++
		}
	}
	if known == 0 || left == 0 && known < len(about) { // of somebody else the store knows no card
		return Finding{}, nil
	}
	return count(left, text.New("the card is revoked"), text.New("cards that are not revoked: %d", left)), nil
}

// holds tells whether somebody of whom the incident is holds a share of the master key.
func (s seeing) holds(id *store.Identity) (bool, error) {
	doc, err := custody.ParseSealedStore(id.Master.Sealed)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(doc.Master.Officers(), func(h custody.Holder) bool { return slices.Contains(s.d.subjects(ItemOfficer), h.ID) }), nil
}

// unknowing: what an officer could form is replaced, or out of use.
func (s seeing) unknowing() (Finding, error) {
	var formable []store.Key
	for _, k := range s.b.Known {
		if !k.Enough {
			continue
		}
		if k.Key.Version == 0 { // it is somewhere else, and only people know what became of it
			return Finding{}, nil
		}
		row, err := s.db.Get(s.ctx, k.Key)
		if err != nil {
			return Finding{}, err
		}
		formable = append(formable, row)
	}
	if !s.b.people { // somebody of whom the ledger has nothing: nobody looked, or the name is wrong
		return Finding{}, nil
	}
	if len(formable) == 0 {
		return Finding{true, text.New("the ledger has no key of the store that the officer could form")}, nil
	}
	return s.states(formable, text.New("no key that the officer could form is in use"), isOut), nil
}
