package cli

// An order to a device: what is asked for, officers' approvals, the proof afterwards.

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/agent"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/device"
	"poskey/pkg/device/manage"
	"poskey/pkg/store"
)

// orderOpts say what a device is to do, and why.
type orderOpts struct {
	managedOpts
	serial   string // who shall be at the end of the line
	officers []string
	reason   string
	note     string
	discard  bool // the open batch
	yes      bool
}

// orderFlags are those of every order.
func (a *App) orderFlags(cmd *cobra.Command, o *orderOpts) {
	f := cmd.Flags()
	a.managedFlags(f, &o.managedOpts)
	a.loginFlags(f, &o.managedOpts)
	f.StringVar(&o.serial, "serial", "", a.Say.T("serial number of the device that is meant: another one gets no order; needed in production"))
	f.StringVar(&o.reason, "reason", "", a.Say.T("why: %s", reasonList()))
	f.StringVar(&o.note, "note", "", a.Say.T("a line more for the record"))
	required(cmd, "device", "login", "reason")
}

func (a *App) officerFlag(f *pflag.FlagSet, o *orderOpts) {
	f.StringArrayVar(&o.officers, "officer", nil, a.Say.T("identity FILE of an officer who approves (again for each)"))
}

func (a *App) discardFlag(f *pflag.FlagSet, o *orderOpts) {
	f.BoolVar(&o.discard, "discard-batch", false, a.Say.T("lose transactions that are not settled"))
}

// reasons is the fixed list of a record's reasons.
func reasons() []string {
	return []string{"forgotten-password", "operator-away", "acquirer-request", "acquirer-released", "moved-and-registered", "tampered-on-receipt",
		"tampered-in-repair", "tampered-by-fall", "battery", "repair", "rotation", "end-of-use", "suspicion", "software", "test", "other"}
}

func reasonList() string {
	return strings.Join(reasons(), " ")
}

func (o *orderOpts) check() error {
	switch {
	case o.device == "":
		return fault.New(fault.Usage, "say which device with --device")
	case !slices.Contains(reasons(), o.reason):
		return fault.New(fault.Usage, "--reason %q: known: %s", text.Redact(o.reason), reasonList())
	case o.reason == "other" && o.note == "":
		return fault.New(fault.Usage, "--reason other needs a line with --note")
	}
	return nil
}

// ordering is an order on its way: the device as it was, and the record of it.
type ordering struct {
	app      *App
	opts     orderOpts
	order    device.Order
	device   *managed
	before   device.Status
	approved []string  // ids of officers
	until    time.Time // that their approvals hold, zero where none do
}

// beginOrder connects, and looks how the device is.
func (a *App) beginOrder(ctx context.Context, o orderOpts, order device.Order) (*ordering, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	order.Reason = o.reason
	d := &ordering{app: a, opts: o, order: order}
	var err error
	if d.device, err = a.manage(ctx, o.managedOpts); err != nil {
		return nil, err
	}
	if d.before, err = d.device.Status(ctx); err == nil {
		err = d.isMeant()
	}
	if err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

// isMeant holds who answers against who was said to. A device between may pass on what another one says, challenges
// too: what the officers sign then opens the other one.
func (d *ordering) isMeant() error {
	if d.opts.serial == "" || d.opts.serial == d.before.Serial {
		return nil
	}
	return fault.New(fault.NotPermitted, "device %s is on the line, and %s was meant (--serial); nothing was ordered, and nobody was asked to sign",
		text.Redact(d.before.Serial), text.Redact(d.opts.serial))
}

// isListed holds who answers against the inventory.
func (d *ordering) isListed(ctx context.Context) error {
	db, id, err := d.app.openIdentified(ctx)
	if err != nil {
		return err
	}
	production := id.Environment == store.Production
	if production && d.opts.serial == "" {
		return fault.New(fault.Usage, "in production the device that is meant is named with --serial: what it says of itself does not count")
	}
	known, err := db.Device(ctx, d.before.Serial)
	switch {
	case fault.Is(err, fault.NotFound) && production:
		return fault.New(fault.NotPermitted, "device %s is not in the inventory; in production only devices of the inventory take orders "+
			"(PCI PIN 30-3): poskey device add", d.before.Serial)
	case fault.Is(err, fault.NotFound):
		d.app.render.Note(text.New("device %s is not in the inventory", d.before.Serial))
		return nil
	case err != nil:
		return err
	case known.State == store.Rejected && d.order.Verb == device.Unlock:
		return fault.New(fault.NotPermitted, "device %s was rejected; find out why before its lock is lifted", known.Serial)
	}
	return nil
}

func (d *ordering) close() { d.device.close() }

// carry records the intent, logs in, has the order approved and carried out, and looks at the device afterwards.
func (d *ordering) carry(ctx context.Context) (device.Status, error) {
	if err := d.ready(ctx); err != nil {
		return device.Status{}, err
	}
	if _, err := d.app.begin(ctx, recordedAs(d.order.Verb), d.before.Serial, d.details()); err != nil {
		return device.Status{}, err
	}
	return d.give(ctx)
}

// ready refuses what cannot be before anybody logs in or is asked.
func (d *ordering) ready(ctx context.Context) error {
	if err := manage.CheckOrder(d.order); err != nil {
		return err
	}
	if d.before.Serial == "" {
		return fault.New(fault.NotPermitted, "the device has no serial number, and the record would not say which one was meant; give it one first")
	}
	if d.before.OpenBatch > 0 && reboots(d.order) && !d.opts.discard {
		return fault.New(fault.NotPermitted, "%d transactions of device %s are not settled and would be lost; settle them first, "+
			"or say --discard-batch", d.before.OpenBatch, d.before.Serial)
	}
	return d.isListed(ctx)
}

// give logs in, and has the order approved and carried out. Its intent is in the log.
func (d *ordering) give(ctx context.Context) (device.Status, error) {
	a := d.app
	if n := officersFor(d.order); len(d.opts.officers) < n { // nobody logs in and types in vain
		return device.Status{}, fault.New(fault.NotPermitted, "this takes the approval of %d officers (--officer FILE, once for each); %d named", n, len(d.opts.officers))
	}
	if err := a.logIn(ctx, d.device, d.opts.managedOpts); err != nil {
		return device.Status{}, err
	}
	approvals, err := d.approvals(ctx)
	if err != nil {
		return device.Status{}, err
	}
	if err := d.device.Do(ctx, d.order, approvals); err != nil {
		return device.Status{}, err
	}
	after, err := d.device.Status(ctx)
	if err != nil {
		return device.Status{}, fault.WrapAs(fault.OutcomeUnknown, err, "the device took the order, and does not tell how it is now")
	}
	if after.Serial != d.before.Serial {
		return device.Status{}, fault.New(fault.DeviceFailed, "device %s is on the line now; the order went to %s", after.Serial, d.before.Serial)
	}
	return after, nil
}

// officersFor is how many approvals an order takes. The device decides; this only tells early.
func officersFor(o device.Order) int {
	switch o.Verb {
	case device.Unlock:
		row, _ := device.LockOf(o.Lock)
		return row.Officers
	case device.Reset, device.Update:
		return 2
	}
	return 0
}

// recordedAs is what the store records of an order, and whom it allows it. Orders that officers approve at the device are
// one activity here.
func recordedAs(v device.Verb) custody.Activity {
	switch v {
	case device.Lock:
		return custody.DeviceLock
	case device.Restart:
		return custody.DeviceRestart
	}
	return custody.DeviceManage
}

// reboots reports whether an order ends what is under way in the device.
func reboots(o device.Order) bool {
	return o.Verb != device.Lock && (o.Verb != device.Unlock || o.Lock == device.LockTamper)
}

// details go into the record: what was ordered and how the device was before.
func (d *ordering) details() audit.Details {
	details := audit.Details{"order": string(d.order.Verb), audit.FieldReason: d.opts.reason, "model": audit.Clean(d.before.Model),
		"firmware": audit.Clean(d.before.Firmware), "slots-before": audit.Clean(slotLine(d.before)), "open-batch": strconv.Itoa(d.before.OpenBatch)}
	if d.order.Lock != "" {
		details["lock"] = string(d.order.Lock)
	}
	if since, ok := lockSince(d.before, d.order.Lock); ok {
		details["locked-since"] = at(since)
	}
	if d.opts.note != "" {
		details["note"] = audit.Clean(d.opts.note)
	}
	return details
}

// slotLine names slots and check values in one line.
func slotLine(s device.Status) string {
	if len(s.Slots) == 0 {
		return "none"
	}
	var all []string
	for i := range s.Slots {
		all = append(all, string(s.Slots[i].Slot)+"="+s.Slots[i].Check.Digits)
	}
	return strings.Join(all, " ")
}

func lockSince(s device.Status, kind device.LockKind) (time.Time, bool) {
	for _, l := range s.Locks {
		if l.Kind == kind {
			return l.Since, true
		}
	}
	return time.Time{}, false
}

// approvals has the device's challenge signed by the officers, who are asked by the agent of the store. The device says
// whether they suffice; the agent refuses what cannot.
func (d *ordering) approvals(ctx context.Context) ([][]byte, error) {
	a := d.app
	challenge, err := d.device.Ask(ctx, d.order)
	if err != nil || len(challenge) == 0 {
		return nil, err
	}
	q, err := custody.ParseRequest(challenge)
	if err != nil {
		return nil, fault.WrapAs(fault.DeviceLink, err, "the device's challenge cannot be read")
	}
	if err := d.suits(q); err != nil {
		return nil, err
	}
	d.until = q.Expires()
	for _, path := range d.opts.officers {
		f, err := readIdentityFile(ctx, path)
		if err != nil {
			return nil, err
		}
		d.approved = append(d.approved, f.card.ID())
	}
	approvers, done, err := a.approversFrom(ctx, slices.Concat(a.flags.approval.approvers, d.opts.officers))
	if err != nil {
		return nil, err
	}
	defer done()
	in := agent.Intent{Activity: q.Action().Activity, Label: q.Store(), Details: d.details(), Who: whoAmI(), Approvers: approvers}
	return a.holding.vault.Authority().Endorse(ctx, in, [][]byte{challenge})
}

// maxOpenFor is the longest that an approval for a device may wait to be used.
const maxOpenFor = time.Hour

// suits holds a challenge against the order that it is for, and against the device that is meant and listed: a device that
// asks for approvals of something else, or passes on what another one asks for, gets none.
func (d *ordering) suits(q custody.Request) error {
	switch {
	case q.Store() != d.before.Serial && q.Store() != "terminal-"+d.before.Serial: // the form of serial numbers that are too short
		return fault.New(fault.DeviceFailed, "the challenge is of device %s, this is %s", text.Redact(q.Store()), d.before.Serial)
	case q.Action() != manage.Action(d.order):
		return fault.New(fault.DeviceFailed, "device %s was told to %s and asks for approvals of another order (%s); nobody was asked to sign it",
			d.before.Serial, string(d.order.Verb), string(q.Action().Activity))
	case q.Expires().Sub(q.Made()) > maxOpenFor:
		return fault.New(fault.DeviceFailed, "the challenge of device %s is open for %s; no more than %s is signed", d.before.Serial,
			q.Expires().Sub(q.Made()), maxOpenFor)
	}
	return nil
}

// isLocked reports whether a lock is on.
func isLocked(s device.Status, kind device.LockKind) bool {
	return slices.ContainsFunc(s.Locks, func(l device.LockState) bool { return l.Kind == kind })
}
