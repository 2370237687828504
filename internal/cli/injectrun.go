package cli

// The name of a run in the journal: a new one, or that of the run that was broken off.

import (
	"context"
	"encoding/hex"
	"io"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/store"
)

// nameRun finds the name of the run: that of the one that was broken off, or a new one.
func (in *injection) nameRun(ctx context.Context) error {
	open, err := in.newestRun(ctx, store.LoadReserved, store.LoadSent, store.LoadUnknown)
	if err == nil && open == "" && in.opts.resume && !whole(in.job.Known.State) { // broken off between two loads, or every load failed
		open, err = in.newestRun(ctx)
	}
	if err == nil && in.opts.resume && in.job.Run != "" {
		err = in.knownRun(ctx, in.job.Run)
	}
	if err != nil {
		return err
	}
	switch said := in.job.Run; {
	case in.opts.resume && said == "" && open == "":
		return fault.New(fault.NotFound, "device %s has no run that was broken off", in.job.Serial)
	case in.opts.resume && said == "":
		in.job.Run = open
	case !in.opts.resume && open != "" && open != said:
		return fault.New(fault.Busy, "run %s of device %s was broken off and is not settled; --resume goes on with it", open, in.job.Serial)
	case said == "":
		in.job.Run, err = in.app.newRunName()
	}
	return err
}

// knownRun refuses a run to go on with of which the store has nothing about this device: a name that was mistyped would be
// another run.
func (in *injection) knownRun(ctx context.Context, run string) error {
	db := in.app.holding.db
	for _, err := range db.Loads(ctx, store.LoadFilter{Run: run, Serial: in.job.Serial}) {
		return err
	}
	_, err := db.RunDevice(ctx, run, in.job.Serial)
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.NotFound, "device %s has no run %s to go on with", in.job.Serial, text.Redact(run))
	}
	return err
}

// whole reports a device that no run has left half done.
func whole(s store.DeviceState) bool { return s == store.Expected || s == store.Confirmed }

// newestRun is the newest run of the device that has a load in one of the states; none means any.
func (in *injection) newestRun(ctx context.Context, states ...store.LoadState) (string, error) {
	run, newest := "", in.app.Env.Now().AddDate(-100, 0, 0)
	for load, err := range in.app.holding.db.Loads(ctx, store.LoadFilter{Serial: in.job.Serial, States: states}) {
		if err != nil {
			return "", err
		}
		if load.At.After(newest) {
			run, newest = load.Run, load.At
		}
	}
	return run, nil
}

// newRunName makes a name up: when, and a few random digits.
func (a *App) newRunName() (string, error) {
	var b [3]byte
	if _, err := io.ReadFull(a.Env.Rand, b[:]); err != nil {
		return "", fault.WrapAs(fault.Failure, err, "draw a name")
	}
	return a.Env.Now().UTC().Format("20060102T150405Z") + "-" + hex.EncodeToString(b[:]), nil
}
