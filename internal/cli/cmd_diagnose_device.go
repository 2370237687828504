package cli

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/diagnose"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/store"
)

type diagnoseDeviceOpts struct {
	diagnosisOpts
	managedOpts
	serial      string
	noInventory bool
}

func newDiagnoseDeviceCmd(a *App) *cobra.Command {
	o := diagnoseDeviceOpts{}
	cmd := a.command(cmdSpec{
		use:   "device",
		short: text.New("ask a terminal what is wrong with its keys, and hold it against the inventory"),
		long: text.New("Asked are lock, tamper switch, slots with check values, battery, clock, sensors, connection, log and expiry of keys; over a dialect\n" +
			"that knows no such questions, every slot and how the line does. What the inventory of the store says should be there is compared\n" +
			"where there is a store (--serial names the terminal where it does not tell its number). Keys of the store are asked about only in\n" +
			"questions that are answered yes or no."),
		example: "  poskey diagnose device --device 'agent+https://127.0.0.1:9443?ca=ca.pem&cert=host.pem&key=host.key' --html report.html\n" +
			"  poskey diagnose device --device visa+tcp://127.0.0.1:9100 --serial TEST-0001",
		exits: []int{3, 4, 6, 8}, args: cobra.NoArgs,
	})
	f := cmd.Flags()
	a.managedFlags(f, &o.managedOpts)
	f.StringVar(&o.serial, "serial", "", a.Say.T("serial number in the inventory, where the device does not tell it"))
	f.BoolVar(&o.noInventory, "no-inventory", false, a.Say.T("do not look into the store"))
	a.diagnosisFlags(f, &o.diagnosisOpts)
	required(cmd, "device")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runDiagnoseDevice(cmd.Context(), a, o) }
	return cmd
}

func runDiagnoseDevice(ctx context.Context, a *App, o diagnoseDeviceOpts) error {
	c, serial, err := a.deviceCase(ctx, o)
	if err != nil {
		return err
	}
	if serial, err = meantSerial(serial, o.serial); err != nil {
		return err
	}
	p := &probers{app: a}
	defer p.close()
	if !o.noInventory && serial != "" && c.Device != nil {
		if err := a.fromInventory(ctx, &c, serial, o.serial != "", p); err != nil {
			return err
		}
	}
	o.known = map[string]string{"device": o.device, "serial": serial}
	return a.diagnosed(ctx, "diagnose.device", c, o.diagnosisOpts)
}

// deviceCase asks the device: for its own account of itself where it gives one, else slot by slot.
func (a *App) deviceCase(ctx context.Context, o diagnoseDeviceOpts) (diagnose.Case, string, error) {
	caps, err := dialectOf(o.device)
	if err != nil {
		return diagnose.Case{}, "", err
	}
	if o.timeout != 0 {
		if err := device.CheckTimeout(o.timeout); err != nil {
			return diagnose.Case{}, "", err
		}
	}
	line := &diagnose.Line{}
	d, err := openDevice(ctx, o.device, device.Options{Timeout: o.timeout, Trace: a.watch(o.device, line)})
	if err != nil {
		return deniedCase(err)
	}
	defer func() { _ = d.Close() }()
	line.Dialect = d.Dialect()
	takes := &diagnose.DeviceTakes{Capabilities: d.Capabilities()}
	if m, ok := d.(device.Manager); ok {
		s, err := m.Status(ctx)
		if err != nil {
			return deniedCase(err)
		}
		takes.Told = true
		return diagnose.Case{Device: &s, Takes: takes}, s.Serial, nil
	}
	s, err := askSlots(ctx, d, caps, line)
	return diagnose.Case{Device: s, Line: line, Takes: takes}, s.Serial, err
}

// meantSerial is the number that the inventory is asked by: the one that the device tells, or that somebody named where it
// tells none. Another device than the one that was named is held against nothing.
func meantSerial(told, named string) (string, error) {
	switch {
	case named == "" || told == named:
		return told, nil
	case told == "":
		return named, nil
	}
	return "", fault.New(fault.NotPermitted, "device %s is on the line, and %s was meant (--serial); nothing was compared",
		text.Redact(told), text.Redact(named))
}

// deniedCase makes facts of a device that answered nothing but a no, or of a line that broke; other errors stay errors.
func deniedCase(err error) (diagnose.Case, string, error) {
	if c, refused := refusedCase(err); refused {
		return c, "", nil
	}
	if c, broken := brokenLine(err); broken {
		return c, "", nil
	}
	return diagnose.Case{}, "", err
}

// So many questions a device may leave without an answer, or without the end of the exchange, before it is asked no more: every
// one of them takes the whole time-out, and what is wrong is known.
const (
	silentAfter = 4
	unheardWith = 2 // where nothing else was heard
)

// isWaste reports that more questions would tell nothing new of the line, and take long.
func isWaste(line *diagnose.Line) bool {
	silent := line.TimedOut >= unheardWith || line.Failed >= silentAfter
	return line.Failed == line.Asked && silent || line.TimedOut >= silentAfter || line.Unended >= unheardWith
}

// askSlots asks a device slot by slot what it holds. What is not answered is counted: that is what the line is judged by.
func askSlots(ctx context.Context, d device.Device, caps device.Capabilities, line *diagnose.Line) (*device.Status, error) {
	s := &device.Status{}
	asked := func(err error) bool {
		line.Asked++
		switch {
		case err == nil:
			return true
		case fault.Is(err, fault.DeviceFailed): // an answer
			return false
		case fault.Is(err, fault.DeviceTimeout):
			line.Failed, line.TimedOut = line.Failed+1, line.TimedOut+1
		default:
			line.Failed++
		}
		return false
	}
	if teller, ok := d.(device.Serials); ok {
		if serial, err := teller.Serial(ctx); asked(err) {
			s.Serial = serial
		}
	}
	line.Untold = untoldSlots(caps)
	if caps.Mute {
		return s, nil
	}
	for _, slot := range askable(caps) {
		if isWaste(line) {
			line.Untold = append(line.Untold, slot)
			continue
		}
		state, err := d.ReadSlot(ctx, slot)
		if ctx.Err() != nil {
			return s, ctx.Err()
		}
		if !asked(err) {
			line.Untold = append(line.Untold, slot)
			continue
		}
		if !state.Loaded {
			line.Empty++
			continue
		}
		if slices.Contains(caps.InitialSlots, slot) {
			s.Initial = append(s.Initial, device.InitialReport{Slot: slot, KSN: state.KSN, Check: state.Check, Left: 1})
			continue
		}
		s.Slots = append(s.Slots, device.SlotReport{Slot: slot, SlotState: state})
	}
	return s, nil
}

// askable lists the slots that can be asked about.
func askable(caps device.Capabilities) []device.Slot {
	var out []device.Slot
	add := func(slot device.Slot) {
		if !slices.Contains(out, slot) && !slices.Contains(caps.MuteSlots, slot) {
			out = append(out, slot)
		}
	}
	for _, rule := range caps.Slots {
		for _, c := range rule.Slots {
			add(device.Slot(string(c)))
		}
		for _, slot := range rule.Named {
			add(slot)
		}
	}
	for _, slot := range caps.InitialSlots {
		add(slot)
	}
	return out
}

// fromInventory adds what the store says should be in the device. A device that it does not know is no error, unless the
// user named it.
func (a *App) fromInventory(ctx context.Context, c *diagnose.Case, serial string, named bool, p *probers) error {
	db, err := a.openStore(ctx)
	if fault.Is(err, fault.NotFound) && !named {
		return nil
	}
	if err != nil {
		return err
	}
	d, err := db.Device(ctx, serial)
	if fault.Is(err, fault.NotFound) && !named {
		return nil
	}
	if err != nil {
		return err
	}
	c.POI = d.POIVersion
	for _, k := range d.Keys {
		w := diagnose.Wanted{Slot: device.Slot(k.Slot), Check: k.Check, KSN: k.KSN, LoadedAt: k.Loaded}
		if !k.Key.IsZero() {
			if err := wantedKey(ctx, db, &w, k.Key); err != nil {
				return err
			}
		}
		c.Wanted = append(c.Wanted, w)
		if err := a.differing(ctx, c, w, k.Key, p); err != nil {
			return err
		}
	}
	return a.fromJournal(ctx, db, c, serial, p)
}

// wantedKey adds what the store knows of the key itself.
func wantedKey(ctx context.Context, db *store.Store, w *diagnose.Wanted, ref store.Ref) error {
	k, err := db.Get(ctx, ref)
	if fault.Is(err, fault.NotFound) {
		w.Label = ref.String()
		return nil
	}
	if err != nil {
		return err
	}
	w.Label, w.State, w.Algorithm = ref.String(), string(k.State), k.Algorithm
	if w.KSN == "" { // of an initial key the store has the key that it comes from
		w.Expires, w.Usage = k.NotAfter, k.Usage
	}
	if !k.Parent.IsZero() {
		w.Parent = k.Parent.String()
	}
	return nil
}

// differing has a value that differs searched: with the key itself where the store is open, else value against value.
func (a *App) differing(ctx context.Context, c *diagnose.Case, w diagnose.Wanted, ref store.Ref, p *probers) error {
	got, there := c.Device.CheckOf(w.Slot)
	if !there || got.Digits == "" || w.Check.Digits == "" || w.KSN != "" {
		return nil
	}
	expected, err := kcv.Parse(w.Check.Digits)
	if err != nil {
		return err
	}
	shown, err := kcv.Parse(got.Digits)
	if err != nil || expected == shown || w.Algorithm == "" {
		return err
	}
	facts := diagnose.Facts{Algorithm: w.Algorithm, Expected: expected, Got: shown, Method: w.Check.Method}
	if key, ok := a.heldForDiagnosis(ctx, ref); ok {
		prober, err := p.over(ctx, key)
		if err != nil {
			return err
		}
		facts.Kind, facts.Prober, facts.NotTyped = diagnose.Key, prober, true
	}
	c.Checks = append(c.Checks, diagnose.Check{Facts: facts, Slot: w.Slot, Label: w.Label})
	return nil
}

// heldForDiagnosis takes a key of the store into the boundary, where the store is open for it; what is closed is no error: the
// values are then compared alone, and the user is told.
func (a *App) heldForDiagnosis(ctx context.Context, ref store.Ref) (hsm.Key, bool) {
	if ref.IsZero() {
		return hsm.Key{}, false
	}
	h := &a.holding
	named := h.named
	h.named = true // the inventory names the key, in place of the command line
	t, err := a.intake().key(ctx, keyWish{src: "store:" + ref.String(), what: text.New("key %s", ref.String()), open: true, policy: hsm.Policy{Inspect: true}})
	if err != nil {
		h.named = named
		a.render.Warn(text.New("only the values are compared, the key was not asked: %s", err))
	}
	return t.Key, err == nil
}
