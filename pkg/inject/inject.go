// Package inject loads keys into terminals: plan, preflight, load, confirm, result.
//
// The order is kept by types: [Preflight] turns a [Plan] into a [Ready], and only that can be loaded; a Plan holds a
// key as hsm.Checked, so somebody has to have answered for its check value first. A [Result] says what proves the load
// and never more: the visa dialect's packets carry no check value, so none is reported as read back.
//
// One key into one slot, once; plans of many, journals and resuming come with the fleet.
package inject

import (
	"context"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/hsm"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// Plan is one key for one slot.
type Plan struct {
	Slot  device.Slot
	Key   hsm.Checked // with the usage that it is loaded for
	KLK   *hsm.Key    // protects the key block; nil only for a clear load
	Clear bool        // the user said that the key may cross the line in clear
	Usage keys.Usage
	Mode  byte
}

// Ready is a plan that passed its preflight.
type Ready struct {
	plan    Plan
	version byte // of the key block; 0 for a clear load
	before  device.SlotState
	notes   []text.Text
}

// Before is what the slot held; nothing is known of it before a clear load.
func (r Ready) Before() device.SlotState { return r.before }

// Notes are remarks of the preflight.
func (r Ready) Notes() []text.Text { return r.notes }

// Usage is the usage that the key will be loaded with.
func (r Ready) Usage() keys.Usage { return r.plan.Usage }

// Mode is the mode of use.
func (r Ready) Mode() byte { return r.plan.Mode }

// Version is the version of the key block, 0 for a clear load.
func (r Ready) Version() byte { return r.version }

// Result is a load that the terminal confirmed.
type Result struct {
	device.LoadResult
	Version byte // of the key block, 0 for a clear load
}

// Preflight finds out what can fail before a key crosses the line, and asks the terminal what the slot holds. Before a
// clear load it does not ask: the question would end the mode in which the terminal takes clear keys.
func Preflight(ctx context.Context, d device.Device, p Plan) (Ready, error) {
	if p.Key.By() == "" {
		return Ready{}, fault.New(fault.Usage, "the plan holds no key whose check value somebody answered for")
	}
	key := p.Key.Key()
	caps := d.Capabilities()
	if !key.Algorithm.IsDES() {
		return Ready{}, fault.New(fault.NotPermitted, "the %s dialect loads DES and TDES keys; this key is %s", d.Dialect(), key.Algorithm)
	}
	p, err := fillAttributes(p, caps)
	if err != nil {
		return Ready{}, err
	}
	if err := key.CheckPurpose(p.Usage, p.Mode); err != nil {
		return Ready{}, err
	}
	r := Ready{plan: p}
	if err := r.protection(caps); err != nil {
		return Ready{}, err
	}
	if p.Clear { // a UIC pad leaves its key inject mode on any other packet, so it is not asked first
		return r, nil
	}
	if r.before, err = d.ReadSlot(ctx, p.Slot); err != nil {
		return Ready{}, err
	}
	if r.before.Loaded {
		r.notes = append(r.notes, text.New("slot %s holds a key already; it will be replaced", string(p.Slot)))
	}
	return r, nil
}

// Attributes gives usage and mode with which a slot takes a key of n bytes, for a key that has none yet: those of the
// plan where it names them, else the slot's. Kinds: not_found for a slot that is not there, not_permitted for a length
// that it does not take.
func Attributes(caps device.Capabilities, p Plan, n int) (keys.Usage, byte, error) {
	p, err := filled(p, caps, n)
	return p.Usage, p.Mode, err
}

// fillAttributes takes usage and mode from the plan, else from the key.
func fillAttributes(p Plan, caps device.Capabilities) (Plan, error) {
	key := p.Key.Key()
	if p.Usage == "" {
		p.Usage = key.Usage
	}
	if p.Mode == 0 && p.Usage == key.Usage {
		p.Mode = key.Mode
	}
	return filled(p, caps, key.Len)
}

// filled takes usage and mode from the plan, else from the slot's rules: a master key where the slot takes one.
func filled(p Plan, caps device.Capabilities, n int) (Plan, error) {
	var known, fit []device.SlotRule
	for _, rule := range caps.Slots {
		if len(p.Slot) != 1 || !strings.Contains(rule.Slots, string(p.Slot)) {
			continue
		}
		known = append(known, rule)
		if hasLength(rule, n) {
			fit = append(fit, rule)
		}
	}
	switch {
	case len(known) == 0:
		return Plan{}, fault.New(fault.NotFound, "there is no slot %q for keys here", string(p.Slot))
	case len(fit) == 0:
		return Plan{}, fault.New(fault.NotPermitted, "slot %s takes no key of %d bytes", string(p.Slot), n)
	}
	if p.Usage == "" {
		p.Usage = defaultUsage(fit)
	}
	for _, rule := range fit {
		if rule.Usage == p.Usage && p.Mode == 0 {
			p.Mode = rule.Modes[0]
		}
	}
	if strings.IndexByte("BCN", p.Mode) >= 0 && !takes(fit, p.Usage, p.Mode) { // two or more in one: the slot may want one
		p.Mode = modeFor(fit, p.Usage, p.Mode)
	}
	if p.Mode == 0 {
		p.Mode = p.Usage.DefaultMode()
	}
	if p.Clear && !takes(fit, p.Usage, p.Mode) { // a refusal by the terminal would come after the key was seen on the line
		return Plan{}, fault.New(fault.NotPermitted, "slot %s takes no key of usage %s, mode %c", string(p.Slot), p.Usage, p.Mode)
	}
	return p, nil
}

func modeFor(fit []device.SlotRule, usage keys.Usage, otherwise byte) byte {
	for _, rule := range fit {
		if rule.Usage == usage {
			return rule.Modes[0]
		}
	}
	return otherwise
}

func takes(fit []device.SlotRule, usage keys.Usage, mode byte) bool {
	for _, rule := range fit {
		if rule.Usage == usage && strings.IndexByte(rule.Modes, mode) >= 0 {
			return true
		}
	}
	return false
}

func defaultUsage(fit []device.SlotRule) keys.Usage {
	for _, rule := range fit {
		if rule.Usage == keys.UsageKEK {
			return keys.UsageKEK
		}
	}
	return fit[0].Usage
}

func hasLength(rule device.SlotRule, n int) bool {
	for _, l := range rule.Lengths {
		if l == n {
			return true
		}
	}
	return false
}

// protection decides how the key travels. Version B is preferred where it fits the packet; its binding is the sounder
// one.
func (r *Ready) protection(caps device.Capabilities) error {
	p := r.plan
	if p.Clear {
		if !caps.Clear {
			return fault.New(fault.NotPermitted, "this device takes no clear keys")
		}
		r.notes = append(r.notes, text.New("the key crosses the line in clear, twice; whoever listens has it (PCI PIN 32-9)"))
		return nil
	}
	if p.KLK == nil {
		return fault.New(fault.Usage, "give the key that the terminal opens key blocks with (--kbpk; the KLK in slot F), or --clear")
	}
	h := r.header()
	if err := p.Key.Key().CheckWrap(&h); err != nil {
		return err
	}
	if alg := p.KLK.Algorithm; alg != keys.TDES128 && alg != keys.TDES192 {
		return fault.New(fault.NotPermitted, "a KLK is a tdes-128 or tdes-192 key; this one is %q", string(alg))
	}
	if p.KLK.Len < p.Key.Key().Len {
		return fault.New(fault.WeakKey, "the key (%d bytes) is longer than the KLK that would protect it (%d bytes)", p.Key.Key().Len, p.KLK.Len)
	}
	r.version = 'A'
	switch {
	case !strings.Contains(caps.BlockVersions, "B"):
	case p.Key.Key().Algorithm == keys.TDES128:
		r.version = 'B'
	default:
		r.notes = append(r.notes, text.New("only version A fits this packet for a key of %d bytes; its MAC has 4 bytes", p.Key.Key().Len))
	}
	return p.KLK.CheckProtects(r.version)
}

// Load loads and confirms. An error that is a *device.OutcomeUnknown must not be answered by loading again.
func Load(ctx context.Context, b hsm.Boundary, d device.Device, r Ready) (Result, error) {
	if r.plan.Key.By() == "" {
		return Result{}, fault.New(fault.Usage, "nothing passed its preflight")
	}
	if r.plan.Clear {
		return loadClear(ctx, b, d, r)
	}
	block, err := r.block(ctx, b)
	if err != nil {
		return Result{}, err
	}
	loaded, err := device.LoadBlock(ctx, d, r.plan.Slot, block)
	if err != nil {
		return Result{}, err
	}
	return Result{loaded, r.version}, nil
}

// header is that of the packet: not exportable, without optional blocks.
func (r Ready) header() keyblock.Header {
	alg := keyblock.AlgorithmChar(r.plan.Key.Key().Algorithm)
	return keyblock.Header{Version: r.version, Usage: r.plan.Usage, Algorithm: alg, Mode: r.plan.Mode,
		KeyVersion: "00", Exportability: 'N', Context: '0', Reserved: '0'}
}

// block closes the key under the KLK as the packet asks for it, without length obfuscation.
func (r Ready) block(ctx context.Context, b hsm.Boundary) (*keyblock.Block, error) {
	w, err := b.Wrap(ctx, r.plan.Key.Key(), *r.plan.KLK, r.header(), keyblock.WrapOptions{AllowWeak: true, AllowUnfit: true})
	if err != nil {
		return nil, fault.Wrap(err, "close the key under the KLK")
	}
	return keyblock.Parse(w.Block)
}

func loadClear(ctx context.Context, b hsm.Boundary, d device.Device, r Ready) (Result, error) {
	key := r.plan.Key.Key()
	clear, err := b.Reveal(ctx, key)
	if err != nil {
		return Result{}, err
	}
	k, err := keys.New(key.Algorithm, clear)
	if err != nil {
		return Result{}, err
	}
	defer k.Wipe()
	loaded, err := device.LoadClear(ctx, d, r.plan.Slot, k, r.plan.Usage, r.plan.Mode)
	if err != nil {
		return Result{}, err
	}
	return Result{loaded, 0}, nil
}
