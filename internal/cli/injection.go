package cli

// One injection: the plan with its keys, the device, the journal.

import (
	"context"
	"slices"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/custody"
	"poskey/pkg/device"
	"poskey/pkg/inject"
	"poskey/pkg/store"
)

// injection is a device on the line with what goes into it.
type injection struct {
	app     *App
	opts    injectOpts
	doc     inject.Document
	job     inject.Job
	device  device.Device
	about   device.Manager
	journal *store.Journal // nil without a store
	closers []func() error
}

// newInjection reads the plan and takes its keys in. Nothing has been opened when it fails.
func (a *App) newInjection(ctx context.Context, o injectOpts) (*injection, error) {
	in := &injection{app: a, opts: o}
	var err error
	if in.doc, err = a.document(ctx, o); err != nil {
		return nil, err
	}
	if in.doc.Device == "" {
		return nil, fault.New(fault.Usage, "say which device with --device, or in the plan")
	}
	dialect, err := dialectOf(in.doc.Device)
	if err != nil {
		return nil, err
	}
	in.job = inject.Job{Run: o.run, Station: station(o.station), Serial: in.doc.Serial, POIVersion: in.doc.POIVersion, Own: in.doc.Own}
	// A plan is loaded with the journal, and a serial number is held against the inventory; both stand in the store.
	if o.plan != "" || o.serial != "" || o.run != "" || o.keySet != "" || o.resume {
		a.holding.named = true
	}
	if err := in.clearDuty(ctx); err != nil {
		return nil, err
	}
	taker := a.keyTaker(o, dialect)
	for i := range in.doc.Loads {
		p, err := taker.plan(ctx, &in.doc.Loads[i])
		if err != nil {
			return nil, err
		}
		in.job.Loads = append(in.job.Loads, p)
	}
	return in, nil
}

func errClearAlone() error {
	return fault.New(fault.NotPermitted, "in production a clear key is loaded alone, since officers approve it each time; take it out of the plan")
}

// fitsStore refuses a plan that is for another environment than the store.
func fitsStore(environment string, id store.Identity) error {
	if environment != "" && environment != string(id.Environment) {
		return fault.New(fault.NotPermitted, "the plan is for %s, the store is for %s", environment, string(id.Environment))
	}
	return nil
}

// clearDuty makes a clear load of a production store what it is there: an operation of its own, which officers approve
// each time for that one key.
func (in *injection) clearDuty(ctx context.Context) error {
	h := &in.app.holding
	if !h.named || !slices.ContainsFunc(in.doc.Loads, func(it inject.Item) bool { return it.Clear }) {
		return nil
	}
	db, id, err := in.app.openIdentified(ctx)
	if err != nil || id.Environment == store.Test {
		return err
	}
	if len(in.doc.Loads) > 1 {
		return errClearAlone()
	}
	h.instead = custody.DeviceInjectClear
	if it := &in.doc.Loads[0]; it.KeySet != "" {
		set, err := db.KeySet(ctx, it.KeySet)
		h.label = set.BDK.String()
		return err
	} else if held, ok := strings.CutPrefix(it.Key, string(source.Store)+":"); ok {
		h.label = held
	}
	return nil
}

// document is the plan of the file, or of the flags.
func (a *App) document(ctx context.Context, o injectOpts) (inject.Document, error) {
	d := inject.Document{Loads: []inject.Item{{Slot: o.slot, Key: o.key, KeySet: o.keySet, Expect: o.expect, KBPK: o.kbpk,
		KBPKSlot: o.kbpkSlot, Clear: o.clear, Why: o.reason, Usage: o.usage, Mode: o.mode}}}
	if o.plan != "" {
		var err error
		if d, err = readPlan(ctx, o.plan); err != nil {
			return inject.Document{}, err
		}
	}
	for _, over := range []struct {
		with string
		to   *string
	}{{o.device, &d.Device}, {o.manage, &d.Manage}, {o.serial, &d.Serial}, {o.poi, &d.POIVersion}} {
		if over.with != "" {
			*over.to = over.with
		}
	}
	d.Own = d.Own || o.own
	return d, nil
}

func readPlan(ctx context.Context, path string) (inject.Document, error) {
	f, err := source.Open(ctx, path)
	if err != nil {
		return inject.Document{}, fault.Wrap(err, "the plan")
	}
	defer func() { _ = f.Close() }()
	d, err := inject.ParseDocument(source.Abortable(ctx, f))
	return d, fault.Wrap(err, "%s", path)
}

func station(said string) string {
	if said != "" {
		return said
	}
	return whoAmI().Station
}

// open connects to the device.
func (in *injection) open(ctx context.Context) (err error) {
	if err := in.alone(); err != nil {
		return err
	}
	o := device.Options{Timeout: in.opts.timeout, Trace: in.app.trace()}
	if in.device, err = openDevice(ctx, in.doc.Device, o); err != nil {
		return err
	}
	in.closers = append(in.closers, in.device.Close)
	if in.doc.Manage == "" {
		return nil
	}
	d, err := openDevice(ctx, in.doc.Manage, o)
	if err != nil {
		return err
	}
	in.closers = append(in.closers, d.Close)
	about, ok := d.(device.Manager)
	if !ok {
		return fault.New(fault.Usage, "--manage: the %s dialect tells nothing of a device's condition; agent does", d.Dialect())
	}
	in.about = about
	return nil
}

func (in *injection) close() {
	for _, c := range slices.Backward(in.closers) {
		_ = c()
	}
}

// preflight finds out who is on the line, what the inventory says of it, and what can fail.
func (in *injection) preflight(ctx context.Context) (inject.Cleared, error) {
	if err := in.who(ctx); err != nil {
		return inject.Cleared{}, err
	}
	return inject.Preflight(ctx, in.device, in.about, in.app.Env.Now(), in.job)
}

// who looks the device up in the inventory, and asks it for its serial number where nobody said one.
func (in *injection) who(ctx context.Context) error {
	h := &in.app.holding
	if h.db == nil || h.work == nil {
		return nil
	}
	id, err := h.db.Identity(ctx)
	if err != nil {
		return err
	}
	if err := fitsStore(in.doc.Environment, id); err != nil {
		return err
	}
	in.job.Production = id.Environment != store.Test
	if s, ok := in.device.(device.Serials); ok && in.job.Serial == "" && !in.clear() {
		if in.job.Serial, err = s.Serial(ctx); err != nil {
			return fault.Wrap(err, "ask the serial number")
		}
	}
	if in.job.Serial == "" {
		return nil
	}
	known, err := h.db.Device(ctx, in.job.Serial)
	switch {
	case err == nil:
		in.job.Known = &known
	case !fault.Is(err, fault.NotFound):
		return err
	}
	return nil
}

func (in *injection) clear() bool {
	return slices.ContainsFunc(in.job.Loads, func(p inject.Plan) bool { return p.Clear })
}

// load runs the job. Devices of the inventory are loaded with its journal.
func (in *injection) load(ctx context.Context, c inject.Cleared) (inject.Report, error) {
	a := in.app
	b, err := a.hsm(ctx)
	if err != nil {
		return inject.Report{}, err
	}
	l := inject.Loader{Boundary: b, Now: a.Env.Now, Rand: a.Env.Rand, Again: in.opts.again, Replace: in.opts.replace, Progress: in.progress}
	if in.job.Known == nil {
		if in.opts.plan != "" || in.opts.resume {
			return inject.Report{}, fault.New(fault.NotFound, "device %s is not in the inventory, and only loads of its devices are in the journal; "+
				"put it there with poskey device add", c.Serial())
		}
		return l.Run(ctx, in.device, c)
	}
	if err := in.nameRun(ctx); err != nil {
		return inject.Report{}, err
	}
	c = c.Named(in.job.Run)
	in.journal = store.NewJournal(a.holding.db, a.holding.work.Change())
	in.closers = append(in.closers, in.journal.Close)
	l.Journal, l.History = in.journal, a.holding.db
	a.render.Note(text.New("run %s", in.job.Run))
	return l.Run(ctx, in.device, c)
}

func (in *injection) progress(slot device.Slot, to store.LoadState) {
	if in.app.flags.verbose {
		in.app.render.Note(text.New("slot %s: %s", string(slot), string(to)))
	}
}
