package incident

// What poskey can see of a step by itself.

import (
	"context"
	"slices"
	"strconv"

	"poskey/internal/text"
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
	b, err := BlastOf(ctx, db, d.Head.Kind, d.roots())
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

// roots are the subjects and the keys that fell at the opening.
func (d *Document) roots() []Item {
	all := slices.Clone(d.Subjects())
	for i := range d.Records {
		r := &d.Records[i]
		if r.Kind != EntryBlast || r.Details[DetailCause] != CauseOpened && r.Details[DetailCause] != causeMore {
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
		return s.devices(m), nil
	case MeasureSettled:
		return count(len(s.b.Loads), text.New("every load has an end that is known"), text.New("loads of which nobody knows how they ended: %d", len(s.b.Loads))),
			nil
	case MeasureCleared:
		return s.cleared(), nil
	case MeasureUnshared:
		return count(len(s.b.Shared), text.New("no other terminal has one of these keys"),
			text.New("check values that more than one terminal has: %d (PCI PIN 20-1)", len(s.b.Shared))), nil
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

func (s seeing) hasNewer(k *store.Key) (bool, error) {
	if !k.Successor.IsZero() {
		return true, nil
	}
	for other, err := range s.db.List(s.ctx, store.Filter{Label: k.Label}) {
		if err != nil {
			return false, err
		}
		if other.Version > k.Version && other.State == store.Active {
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
	if len(s.b.Sets) == 0 {
		return Finding{true, text.New("there is no key set beneath")}
	}
	return count(left, text.New("every key set beneath is frozen"), text.New("key sets that hand out numbers: %d", left))
}

// devices looks at the terminals that the incident is about.
func (s seeing) devices(m Measure) Finding {
	all, left := s.b.subjects, 0
	for i := range all {
		if m == MeasureOffList && all[i].State != store.Rejected || m == MeasureInjected && !s.newKeys(&all[i]) {
			left++
		}
	}
	switch {
	case len(all) == 0:
		return Finding{}
	case left > 0:
		return Finding{false, text.New("terminals of which this is not true yet: %d of %d", left, len(all))}
	case m == MeasureOffList:
		return Finding{true, text.New("the terminals are off the list")}
	}
	return Finding{true, text.New("keys were loaded since the opening, and the terminals confirmed them")}
}

// newKeys tells whether a terminal got keys since the opening.
func (s seeing) newKeys(d *store.Device) bool {
	return d.State == store.Confirmed && slices.ContainsFunc(d.Keys, func(k store.DeviceKey) bool { return k.Loaded.After(s.d.Opened()) })
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
		if id.Master.Generation > was {
			return Finding{true, text.New("the master key was shared anew (generation %d)", id.Master.Generation)}, nil
		}
		return Finding{false, text.New("the master key was not shared anew yet (generation %d)", was)}, nil
	}
	rows, err := s.db.Officers(s.ctx)
	if err != nil {
		return Finding{}, err
	}
	known, left := 0, 0
	for _, r := range rows {
		if !slices.Contains(s.d.subjects(ItemOfficer), r.ID) {
			continue
		}
		known++
		if r.Revoked.IsZero() {
			left++
		}
	}
	if known == 0 {
		return Finding{}, nil
	}
	return count(left, text.New("the card is revoked"), text.New("cards that are not revoked: %d", left)), nil
}

// unknowing: what an officer could form is replaced, or out of use.
func (s seeing) unknowing() (Finding, error) {
	var formable []store.Key
	for _, k := range s.b.Known {
		if !k.Enough || k.Key.Version == 0 {
			continue
		}
		row, err := s.db.Get(s.ctx, k.Key)
		if err != nil {
			return Finding{}, err
		}
		formable = append(formable, row)
	}
	if len(formable) == 0 {
		return Finding{true, text.New("the ledger has no key of the store that the officer could form")}, nil
	}
	return s.states(formable, text.New("no key that the officer could form is in use"), isOut), nil
}
