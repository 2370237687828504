package cli

// The keys of a run, looked up in the store before the run is taken down: stations would find what is missing device by device.

import (
	"context"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/source"
	"poskey/pkg/fleet"
	"poskey/pkg/store"
)

// fitForRun reads in the store whether a run can be taken down there: environment, key sets and keys. It writes nothing.
func (a *App) fitForRun(ctx context.Context, p *fleet.Plan, list *fleet.Manifest) error {
	db, id, err := a.openIdentified(ctx)
	if err != nil {
		return err
	}
	if err := fitsStore(p.Environment, id); err != nil {
		return err
	}
	for i := range p.Loads {
		if err := loadFits(ctx, db, &p.Loads[i], len(list.Devices)); err != nil {
			return fault.Wrap(err, "load %d of the plan", i+1)
		}
	}
	own := map[string]bool{}
	for i := range list.Devices {
		d := &list.Devices[i]
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
func loadFits(ctx context.Context, db *store.Store, l *fleet.LoadTemplate, devices int) error {
	for _, place := range []string{l.Key, l.KBPK} {
		if label, ok := strings.CutPrefix(place, string(source.Store)+":"); ok {
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
	case set.Left() < uint64(devices):
		return fault.New(fault.EndOfLife, "key set %s has %d numbers left, the list has %d devices", set.ID, set.Left(), devices)
	}
	return inUse(ctx, db, set.BDK.String())
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
