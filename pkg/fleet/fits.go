package fleet

// Whether a run can be taken down in a store: its environment, keys and key sets. Stations would find what is missing
// device by device.

import (
	"context"
	"strings"

	"poskey/internal/fault"
	"poskey/pkg/store"
)

// fromStore begins the name of a key that stands in the store.
const fromStore = "store:"

// Fits reads in the store whether a run can be taken down there, and writes nothing. Errors: not_permitted (another
// environment; a key that is not active; a frozen key set; a device that has a number of the key set), not_found (a key,
// a key set), end_of_life (too few numbers are left).
func (p *Plan) Fits(ctx context.Context, db *store.Store, m *Manifest) error {
	id, err := db.Identity(ctx)
	if err != nil {
		return err
	}
	if p.Environment != "" && p.Environment != id.Environment {
		return fault.New(fault.NotPermitted, "the plan is for %s, the store is for %s", p.Environment, id.Environment)
	}
	for i := range p.Loads {
		if err := p.loadFits(ctx, db, &p.Loads[i], m); err != nil {
			return fault.Wrap(err, "load %d of the plan", i+1)
		}
	}
	own := map[string]bool{}
	for i := range m.Devices {
		d := &m.Devices[i]
		if d.KBPK == "" || own[d.KBPK] {
			continue
		}
		if err := inUse(ctx, db, d.KBPK); err != nil {
			return fault.Wrap(err, "device %s", d.Serial)
		}
		own[d.KBPK] = true
	}
	return nil
}

// loadFits looks at what one load of the plan takes out of the store.
func (p *Plan) loadFits(ctx context.Context, db *store.Store, l *LoadTemplate, m *Manifest) error {
	for _, place := range []string{l.Key, l.KBPK} {
		if label, ok := strings.CutPrefix(place, fromStore); ok {
			if err := inUse(ctx, db, label); err != nil {
				return err
			}
		}
	}
	if l.KeySet == "" {
		return nil
	}
	set, err := db.KeySet(ctx, l.KeySet)
	switch {
	case err != nil:
		return err
	case set.Frozen:
		return fault.New(fault.NotPermitted, "key set %s is frozen", set.ID)
	case set.Left() < uint64(len(m.Devices)):
		return fault.New(fault.EndOfLife, "key set %s has %d numbers left, the list has %d devices; take another key set (poskey keyset add)", set.ID, set.Left(), len(m.Devices))
	}
	if err := inUse(ctx, db, set.BDK.String()); err != nil {
		return err
	}
	return p.unnumbered(ctx, db, set.ID, m)
}

// inUse refuses a key that is not there, and one that protects nothing new any more.
func inUse(ctx context.Context, db *store.Store, label string) error {
	ref, err := store.ParseRef(label)
	if err != nil {
		return err
	}
	row, err := db.Get(ctx, ref)
	if err != nil {
		return err
	}
	if row.State != store.Active {
		return fault.New(fault.NotPermitted, "key %s is %s: it can not be used for this", row.Ref(), string(row.State))
	}
	return nil
}

// unnumbered refuses devices that have a number of the key set, unless they are to get another one.
func (p *Plan) unnumbered(ctx context.Context, db *store.Store, keySet string, m *Manifest) error {
	if p.Replace {
		return nil
	}
	var serials []string
	for i := range m.Devices {
		serials = append(serials, m.Devices[i].Serial)
	}
	serial, has, err := db.HasNumber(ctx, keySet, serials)
	if err == nil && has {
		err = fault.New(fault.NotPermitted,
			"device %s has a live number of key set %s; a plan that says so (replace) burns it and gives another one", serial, keySet)
	}
	return err
}
