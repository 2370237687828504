package inject

import (
	"context"
	"slices"
	"strings"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

// Limits of the condition of a device.
const (
	maxClockError = 10 * time.Minute // certificates and expiries are judged by it
	minBattery    = 2500             // millivolts of a lithium cell that is nearly empty
)

// preflight is one preflight on its way.
type preflight struct {
	device device.Device
	about  device.Manager // may be nil
	now    time.Time
	out    Cleared
}

// Preflight finds out what can fail before a key crosses the line. The manager tells of the device's condition where the
// dialect of the loads cannot; it may be nil. Errors: not_permitted for what the rules forbid, not_found for a device
// that is not on the list and for an unknown slot, busy for a locked device, weak_key, and those of the line.
func Preflight(ctx context.Context, d device.Device, about device.Manager, now time.Time, job Job) (Cleared, error) {
	if len(job.Loads) == 0 {
		return Cleared{}, fault.New(fault.Usage, "the plan has no loads")
	}
	p := &preflight{device: d, about: about, now: now, out: Cleared{job: job, serial: job.Serial}}
	if m, ok := d.(device.Manager); ok && about == nil {
		p.about = m
	}
	for _, step := range []func(context.Context) error{p.loads, p.inventory, p.identity, p.condition, p.slots} {
		if err := step(ctx); err != nil {
			return Cleared{}, err
		}
	}
	return p.out, nil
}

func (p *preflight) note(id CheckID, t text.Text) {
	p.out.checks = append(p.out.checks, Check{id, false, t})
}
func (p *preflight) doubt(id CheckID, t text.Text) {
	p.out.checks = append(p.out.checks, Check{id, true, t})
}

func (p *preflight) clear() bool {
	return slices.ContainsFunc(p.out.job.Loads, func(l Plan) bool { return l.Clear })
}

// identity asks who is there. A terminal that waits for clear keys is not asked before them.
func (p *preflight) identity(ctx context.Context) error {
	said := p.out.serial
	s, tells := p.device.(device.Serials)
	switch {
	case !tells:
		p.doubt(CheckIdentity, text.New("this dialect tells no serial number; that the right terminal is connected is the operator's word"))
		return nil
	case p.clear():
		p.doubt(CheckIdentity, text.New("the serial number is asked after the clear loads, since a question would end the terminal's key inject mode"))
		return nil
	}
	got, err := s.Serial(ctx)
	if err != nil {
		return fault.Wrap(err, "ask the serial number")
	}
	return p.is(got, said)
}

// is holds the serial number that the device told against the one that was said.
func (p *preflight) is(got, said string) error {
	switch {
	case got == "" && said == "":
		p.doubt(CheckIdentity, text.New("the terminal has no serial number, and none was said"))
	case got == "":
		p.doubt(CheckIdentity, text.New("the terminal has no serial number; it is taken for %s", said))
	case said == "":
		p.out.serial = got
		p.note(CheckIdentity, text.New("serial number %s", got))
	case got != said:
		return wrongDevice(got, said)
	default:
		p.note(CheckIdentity, text.New("serial number %s, as expected", got))
	}
	return nil
}

// wrongDevice says that another device is on the line than the one that was meant. Its kind is not_permitted: no key may
// go into it (PCI PIN 30-3).
func wrongDevice(got, want string) error {
	return fault.New(fault.NotPermitted, "the terminal says that it is %s, not %s; look at the cable and at the list", text.Redact(got), want)
}

// inventory looks whether the device may be loaded.
func (p *preflight) inventory(context.Context) error {
	known := p.out.job.Known
	switch {
	case known == nil && p.out.job.Production:
		return fault.New(fault.NotPermitted, "the device is not in the inventory; in production only devices of the inventory are loaded "+
			"(PCI PIN 30-3): poskey device add")
	case known == nil:
		p.doubt(CheckInventory, text.New("the device is not in an inventory"))
		return nil
	}
	if p.out.serial != "" && p.out.serial != known.Serial {
		return wrongDevice(p.out.serial, known.Serial)
	}
	p.out.serial = known.Serial
	switch known.State {
	case store.Rejected:
		return fault.New(fault.NotPermitted, "device %s was rejected; find out why before it gets keys", known.Serial)
	case store.QuarantinedDevice:
		p.doubt(CheckInventory, text.New("the outcome of an earlier load is unknown; it is settled first"))
	default:
		p.note(CheckInventory, text.New("in the inventory, state %s", string(known.State)))
	}
	return nil
}

// condition asks how the device is.
func (p *preflight) condition(ctx context.Context) error {
	if p.about == nil {
		p.doubt(CheckCondition, text.New("lock, tamper, battery and clock are not known: the dialect has no question for them"))
		return nil
	}
	s, err := p.about.Status(ctx)
	if err != nil {
		return fault.Wrap(err, "ask the device how it is")
	}
	if s.Serial != "" && p.out.serial != "" && s.Serial != p.out.serial {
		return wrongDevice(s.Serial, p.out.serial)
	}
	if s.Tamper.Tripped {
		return fault.New(fault.NotPermitted, "the device was opened (tamper, %s): it takes no keys before the vendor has looked at it", s.Tamper.Sensor)
	}
	if len(s.Locks) > 0 {
		return fault.New(fault.Busy, "the device is locked (%s); lift the lock first: poskey device unlock", string(s.Locks[0].Kind))
	}
	if s.Battery.Low || s.Battery.Millivolts > 0 && s.Battery.Millivolts < minBattery {
		return fault.New(fault.NotPermitted, "the backup battery has %d mV: the keys would soon be lost; change it first", s.Battery.Millivolts)
	}
	if off := s.Now.Sub(p.now).Abs(); !s.Now.IsZero() && off > maxClockError {
		return fault.New(fault.NotPermitted, "the device's clock is off by %s; set it first, since it judges by it what has expired", off.Round(time.Minute))
	}
	if p.out.job.POIVersion == "" {
		p.out.job.POIVersion = s.POIVersion
	}
	p.note(CheckCondition, text.New("no lock, no tamper, battery %d mV, clock right", s.Battery.Millivolts))
	return nil
}

// loads looks at every load, the clear ones first. Nothing is asked yet: what the rules forbid needs no line.
func (p *preflight) loads(context.Context) error {
	all := slices.Clone(p.out.job.Loads)
	slices.SortStableFunc(all, func(a, b Plan) int { return order(a) - order(b) })
	seen := map[device.Slot]bool{}
	for _, plan := range all {
		if seen[plan.Slot] {
			return fault.New(fault.Usage, "slot %s is in the plan twice", text.Redact(string(plan.Slot)))
		}
		seen[plan.Slot] = true
		r, err := p.load(plan)
		if err != nil {
			return fault.Wrap(err, "slot %s", text.Redact(string(plan.Slot)))
		}
		p.out.loads = append(p.out.loads, r)
	}
	return nil
}

func order(p Plan) int {
	if p.Clear {
		return 0
	}
	return 1
}

func (p *preflight) load(plan Plan) (Ready, error) {
	if plan.Key.By() == "" {
		return Ready{}, fault.New(fault.Usage, "the plan holds no key whose check value somebody answered for")
	}
	caps := p.device.Capabilities()
	if err := speaks(plan, caps, p.device.Dialect()); err != nil {
		return Ready{}, err
	}
	plan, err := fillAttributes(plan, caps)
	if err != nil {
		return Ready{}, err
	}
	if err := suits(plan, caps); err != nil {
		return Ready{}, err
	}
	r := Ready{plan: plan}
	if plan.Clear {
		return r, p.clearLoad(caps, plan)
	}
	if r.version, err = p.protection(caps, plan); err != nil {
		return Ready{}, err
	}
	return r, nil
}

// slots asks what the slots hold now. In a job with clear loads nobody asks: a question would end the mode in which the
// terminal takes them.
func (p *preflight) slots(ctx context.Context) error {
	for i := range p.out.loads {
		r := &p.out.loads[i]
		if p.clear() || !asks(p.device.Capabilities(), r.plan) {
			continue
		}
		var err error
		if r.before, err = p.device.ReadSlot(ctx, r.plan.Slot); err != nil {
			return err
		}
		r.asked = true
		if r.before.Loaded {
			p.doubt(CheckReplacement, text.New("slot %s holds a key already; it will be replaced", string(r.plan.Slot)))
		}
	}
	return nil
}

// asks reports whether the dialect can ask about the slot of a load.
func asks(caps device.Capabilities, plan Plan) bool {
	return !caps.Mute && !slices.Contains(caps.MuteSlots, plan.Slot)
}

// suits refuses a key that the slot has no use for.
func suits(plan Plan, caps device.Capabilities) error {
	key := plan.Key.Key()
	if !plan.initial() {
		return key.CheckPurpose(plan.Usage, plan.Mode)
	}
	if key.Usage != keys.UsageBDK {
		return fault.New(fault.NotPermitted, "initial keys are derived from a base derivation key (B0), not from a key of usage %s", key.Usage)
	}
	if !slices.Contains(caps.InitialSlots, plan.Slot) {
		return fault.New(fault.NotPermitted, "slot %s takes no initial key (DUKPT); these do: %v", text.Redact(string(plan.Slot)), caps.InitialSlots)
	}
	listed := false
	for _, rule := range caps.Slots {
		if rule.Usage != keys.UsageIK || !rule.Has(plan.Slot) {
			continue
		}
		listed = true
		if strings.IndexByte(rule.Algorithms, keyblock.AlgorithmChar(key.Algorithm)) >= 0 {
			return nil
		}
	}
	if listed {
		return fault.New(fault.NotPermitted, "slot %s takes no initial key of %s", string(plan.Slot), key.Algorithm)
	}
	return nil
}

// speaks refuses a key of an algorithm that the dialect has no form for.
func speaks(plan Plan, caps device.Capabilities, dialect string) error {
	key := plan.Key.Key()
	takes := caps.Algorithms
	if takes == "" {
		takes = "DT"
	}
	if c := keyblock.AlgorithmChar(key.Algorithm); strings.IndexByte(takes, c) >= 0 {
		return nil
	}
	if strings.IndexByte(takes, 'A') < 0 {
		return fault.New(fault.NotPermitted, "the %s dialect loads DES and TDES keys; this key is %s", dialect, key.Algorithm)
	}
	return fault.New(fault.NotPermitted, "the %s dialect loads no %s keys here", dialect, key.Algorithm)
}

// clearLoad says why a clear load is allowed, or refuses it.
func (p *preflight) clearLoad(caps device.Capabilities, plan Plan) error {
	if !caps.Clear {
		return fault.New(fault.NotPermitted, "this device takes no clear keys")
	}
	if err := plan.Key.Key().CheckClear(); err != nil {
		return err
	}
	if err := p.poi(); err != nil {
		return err
	}
	why := plan.Why
	if why == "" && p.out.job.Production {
		return fault.New(fault.Usage, "say why the key goes in clear (why: in the plan, --reason on the command line); it goes into the record")
	}
	p.doubt(CheckTransport, text.New("slot %s: the key crosses the line in clear; whoever listens has it (PCI PIN 32-9)", string(plan.Slot)))
	if why != "" {
		p.note(CheckTransport, text.New("slot %s: in clear because: %s", string(plan.Slot), why))
	}
	return nil
}

// poi holds the POI version against the rules of PCI PIN 32-9.
func (p *preflight) poi() error {
	said := p.out.job.poi()
	if said == "" {
		if p.out.job.Production {
			return fault.New(fault.NotPermitted, "the device's POI version is not known, so nobody can say whether a clear key is allowed "+
				"(PCI PIN 32-9); put it into the inventory")
		}
		p.doubt(CheckPOI, text.New("the POI version is not known; in production a clear load would be refused"))
		return nil
	}
	version, err := ParsePOIVersion(said)
	if err != nil {
		return err
	}
	from, err := clearFrom(version, p.out.job.Own)
	if err != nil {
		return err
	}
	if !from.IsZero() && !p.now.Before(from) {
		return fault.New(fault.NotPermitted, "a device of POI version %d has taken no clear keys since %s (PCI PIN 32-9); load key blocks",
			version, from.Format(time.DateOnly))
	}
	p.note(CheckPOI, text.New("POI version %d may take clear keys on this day (PCI PIN 32-9)", version))
	return nil
}

// protection decides how the key travels: in the best key block that fits the packet and the key loading key, or as a
// cryptogram where the dialect has nothing better. It gives the version of the block, 0 for a cryptogram.
func (p *preflight) protection(caps device.Capabilities, plan Plan) (byte, error) {
	if plan.KLK == nil {
		return 0, fault.New(fault.Usage, "give the key that the terminal opens key blocks with (--kbpk; the KLK in slot F), or --clear")
	}
	if alg := plan.KLK.Algorithm; alg == keys.DES || !alg.IsDES() && !alg.IsAES() {
		return 0, fault.New(fault.NotPermitted, "a KLK is a TDES key of 16 or 24 bytes or an AES key; this one is %q", string(alg))
	}
	key := plan.Key.Key()
	if plan.KLK.Strength() < key.Strength() || plan.KLK.Algorithm.IsDES() && plan.KLK.Len < key.Len {
		return 0, fault.New(fault.WeakKey, "the key (%s) is stronger than the KLK that would protect it (%s)", key.Algorithm, plan.KLK.Algorithm)
	}
	p.note(CheckStrength, text.New("slot %s: %s under %s", string(plan.Slot), key.Algorithm, plan.KLK.Algorithm))
	if caps.Cryptograms {
		if p.out.job.Production {
			return 0, fault.New(fault.NotPermitted, "the %s dialect carries no key blocks, only bare cryptograms; keys of a production store "+
				"leave as key blocks alone (PCI PIN 18-3)", p.device.Dialect())
		}
		p.doubt(CheckTransport, text.New("slot %s: the dialect carries a bare cryptogram; nothing binds the key to its use (PCI PIN 18-3)", string(plan.Slot)))
		return 0, nil
	}
	version, err := p.version(caps, plan)
	if err != nil {
		return 0, err
	}
	h := header(&plan, version)
	if err := key.CheckWrap(&h); err != nil && !plan.initial() {
		return 0, err
	}
	return version, plan.KLK.CheckProtects(version)
}

// version chooses the key block: D under AES; under TDES B where it fits, whose binding is the sounder one, else A.
func (p *preflight) version(caps device.Capabilities, plan Plan) (byte, error) {
	versions := caps.BlockVersions
	if plan.initial() && caps.InitialBlocks != "" {
		versions = caps.InitialBlocks
	}
	has := func(v string) bool { return strings.Contains(versions, v) }
	des := plan.KLK.Algorithm.IsDES()
	switch {
	case !des && plan.KLK.Algorithm.IsAES() && has("D"):
		return 'D', nil
	case !des:
		return 0, fault.New(fault.NotPermitted, "this device opens key blocks of version %s; the KLK is %s", versions, plan.KLK.Algorithm)
	case has("B") && (plan.initial() || plan.Key.Key().Algorithm == keys.TDES128 || len(caps.BlockLengths) == 0):
		return 'B', nil
	case has("A"):
		p.doubt(CheckTransport, text.New("only version A fits this packet for a key of %d bytes; its MAC has 4 bytes", plan.Key.Key().Len))
		return 'A', nil
	}
	return 0, fault.New(fault.NotPermitted, "this device opens key blocks of version %s; the KLK is %s", versions, plan.KLK.Algorithm)
}
