package cli

// One injection: the plan with its keys, the device, the journal.

import (
	"context"
	"encoding/hex"
	"io"
	"os"
	"slices"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/hsm"
	"poskey/pkg/inject"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

// injection is a device on the line with what goes into it.
type injection struct {
	app     *App
	opts    injectOpts
	doc     inject.Document
	job     inject.Job
	dialect device.Capabilities
	device  device.Device
	about   device.Manager
	journal *store.Journal // nil without a store
	closers []func() error
}

// newInjection reads the plan and takes its keys in. Nothing has been opened when it fails.
func (a *App) newInjection(ctx context.Context, o injectOpts) (*injection, error) {
	in := &injection{app: a, opts: o}
	var err error
	if in.doc, err = a.document(o); err != nil {
		return nil, err
	}
	if in.doc.Device == "" {
		return nil, fault.New(fault.Usage, "say which device with --device, or in the plan")
	}
	if in.dialect, err = dialectOf(in.doc.Device); err != nil {
		return nil, err
	}
	in.job = inject.Job{Run: o.run, Station: station(o.station), Serial: in.doc.Serial, POIVersion: in.doc.POIVersion, Own: in.doc.Own}
	// A plan is loaded with the journal, and a serial number is held against the inventory; both stand in the store.
	if o.plan != "" || o.serial != "" || o.run != "" || o.keySet != "" || o.resume {
		a.holding.named = true
	}
	taker := &keyTaker{injection: in, intake: a.intake(), klks: map[string]hsm.Key{}}
	for i := range in.doc.Loads {
		p, err := taker.plan(ctx, &in.doc.Loads[i])
		if err != nil {
			return nil, err
		}
		in.job.Loads = append(in.job.Loads, p)
	}
	return in, nil
}

// document is the plan of the file, or of the flags.
func (a *App) document(o injectOpts) (inject.Document, error) {
	d := inject.Document{Loads: []inject.Item{{Slot: o.slot, Key: o.key, KeySet: o.keySet, Expect: o.expect, KBPK: o.kbpk,
		KBPKSlot: o.kbpkSlot, Clear: o.clear, Why: o.reason, Usage: o.usage, Mode: o.mode}}}
	if o.plan != "" {
		f, err := os.Open(o.plan)
		if err != nil {
			return inject.Document{}, fault.WrapAs(fault.NotFound, err, "the plan")
		}
		defer func() { _ = f.Close() }()
		if d, err = inject.ParseDocument(io.Reader(f)); err != nil {
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

func station(said string) string {
	if said != "" {
		return said
	}
	return whoAmI().Station
}

// keyTaker takes the keys of a plan in, each KLK once.
type keyTaker struct {
	*injection
	intake *intake
	klks   map[string]hsm.Key
}

func (k *keyTaker) plan(ctx context.Context, it *inject.Item) (inject.Plan, error) {
	p, o := it.Plan(), k.opts
	if it.Usage != "" {
		usage, err := keys.ParseUsage(it.Usage)
		if err != nil {
			return p, err
		}
		p.Usage = usage
	}
	mode, err := oneChar("mode", it.Mode)
	if err != nil {
		return p, err
	}
	p.Mode = mode
	if !it.Clear {
		klk, err := k.klk(ctx, it.KBPK)
		if err != nil {
			return p, err
		}
		p.KLK = &klk
	}
	if it.KeySet != "" {
		return p, k.base(ctx, it, &p)
	}
	t, err := k.intake.key(ctx, keyWish{src: it.Key, kbpk: o.keyKBPK, alg: o.alg, what: text.New("the key"), family: keys.TDES128,
		policy:  hsm.Policy{AllowWeak: o.allowWeak},
		purpose: func(n int) (keys.Usage, byte, error) { return inject.Attributes(k.dialect, p, n) }})
	if err != nil {
		return p, err
	}
	if err := t.keepsUsage(p.Usage); err != nil {
		return p, err
	}
	if p.Ref, err = refOfKey(t.Key); err != nil {
		return p, err
	}
	if it.Clear && !o.yes && k.app.Console.CanAsk() { // in a script --clear itself is the word
		if err := k.app.confirm(ctx, false, text.New("The key will cross the line in clear."), "clear"); err != nil {
			return p, err
		}
	}
	p.Key, err = k.app.answerFor(ctx, t, it.Expect, o.yes)
	return p, err
}

func (k *keyTaker) klk(ctx context.Context, src string) (hsm.Key, error) {
	if klk, ok := k.klks[src]; ok && src != "" {
		return klk, nil
	}
	klk, err := k.app.klk(ctx, src, k.opts.allowWeak)
	if err == nil {
		k.klks[src] = klk
	}
	return klk, err
}

// base takes the BDK of a key set.
func (k *keyTaker) base(ctx context.Context, it *inject.Item, p *inject.Plan) error {
	a := k.app
	a.holding.named = true
	db, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	set, err := db.KeySet(ctx, it.KeySet)
	if err != nil {
		return err
	}
	t, err := k.intake.key(ctx, keyWish{src: "store:" + set.BDK.String(), what: text.New("the BDK of key set %s", it.KeySet)})
	if err != nil {
		return err
	}
	p.Ref = set.BDK
	p.Key, err = a.answerFor(ctx, t, it.Expect, k.opts.yes)
	return err
}

// refOfKey is the name of a key in the store, zero for a key given on the spot.
func refOfKey(k hsm.Key) (store.Ref, error) {
	if k.Label == "" {
		return store.Ref{}, nil
	}
	return store.ParseRef(k.Label)
}

// open connects to the device.
func (in *injection) open(ctx context.Context) (err error) {
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
	if in.doc.Environment != "" && in.doc.Environment != string(id.Environment) {
		return fault.New(fault.NotPermitted, "the plan is for %s, the store is for %s", in.doc.Environment, string(id.Environment))
	}
	in.job.Production = id.Environment != "test"
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
	b, err := a.hsm()
	if err != nil {
		return inject.Report{}, err
	}
	l := inject.Loader{Boundary: b, Now: a.Env.Now, Again: in.opts.again, Progress: in.progress}
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

// nameRun finds the name of the run: that of the one that was broken off, or a new one.
func (in *injection) nameRun(ctx context.Context) error {
	open, err := in.unfinishedRun(ctx)
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

// unfinishedRun is the newest run of the device in which a load has no final outcome.
func (in *injection) unfinishedRun(ctx context.Context) (string, error) {
	run, newest := "", in.app.Env.Now().AddDate(-100, 0, 0)
	states := []store.LoadState{store.LoadReserved, store.LoadSent, store.LoadUnknown}
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

// verifySaid compares a key with a check value that somebody said.
func verifySaid(ctx context.Context, b hsm.Boundary, k hsm.Key, said string, method kcv.Method, by hsm.Witness) (hsm.Checked, error) {
	expected, err := kcv.Parse(said)
	if err != nil {
		return hsm.Checked{}, err
	}
	return hsm.Verify(ctx, b, k, expected, method, by)
}
