package futurex

import (
	"context"
	"io"
	"strings"
	"sync"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/device/futurex/table"
	"poskey/pkg/dukpt"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// driver is a terminal that speaks this dialect.
type driver struct {
	mu     sync.Mutex // one exchange at a time
	s      *session
	layout Layout
}

// What the driver can do besides device.Device.
var (
	_ device.CryptogramLoader = (*driver)(nil)
	_ device.InitialLoader    = (*driver)(nil)
	_ device.Serials          = (*driver)(nil)
	_ device.Eraser           = (*driver)(nil)
)

// New makes a device of a line, which belongs to it from now on. Nothing is sent yet. Options.Slots says how the
// terminal writes slot numbers, Options.Profile whether it takes the fields of device.ProfileDialect.
func New(rw io.ReadWriteCloser, o device.Options) device.Device {
	return &driver{s: newSession(rw, o), layout: LayoutOf(o)}
}

// Dialect names the protocol.
func (d *driver) Dialect() string { return table.Dialect }

// Capabilities tells what the dialect can do in this layout.
func (d *driver) Capabilities() device.Capabilities { return d.layout.Capabilities() }

// Capabilities is what a terminal of this layout can do. The most that a load proves is that the terminal answered; see
// the package comment on check values that are only repeated.
func (l Layout) Capabilities() device.Capabilities {
	all := make([]device.Slot, l.slots())
	for i := range all {
		all[i] = SlotName(i)
	}
	return device.Capabilities{
		Clear:        true,
		Proof:        device.ProofAnswer,
		Slots:        l.rules(all),
		InitialSlots: all,
		Cryptograms:  true,
		Algorithms:   l.algorithms(),
		Mute:         true,
	}
}

func (l Layout) algorithms() string {
	if l.Fields {
		return "TA"
	}
	return "TD"
}

// rules is the table of types as rules for slots: any slot takes any type.
func (l Layout) rules(slots []device.Slot) []device.SlotRule {
	var out []device.SlotRule
	for _, t := range table.Types() {
		for _, usage := range t.Usages {
			r := device.SlotRule{Named: slots, Usage: usage, Modes: t.Modes}
			if t.TDES {
				r.Algorithms, r.Lengths = "T", []int{16, 24}
			}
			if t.TDES && !l.Fields && usage != keys.UsageKEK && usage != keys.UsageIK && usage != keys.UsageBDK {
				r.Algorithms, r.Lengths = "TD", []int{8, 16, 24}
			}
			if t.Code == table.TDESInitial {
				r.Lengths = []int{16}
			}
			if t.AES && l.Fields && t.Code != table.AESInitial {
				r.Algorithms += "A"
				r.Lengths = appendNew(r.Lengths, 16, 24, 32)
			}
			if r.Algorithms != "" {
				out = append(out, r)
			}
		}
	}
	return out
}

func appendNew(to []int, lengths ...int) []int {
	for _, n := range lengths {
		known := false
		for _, have := range to {
			known = known || have == n
		}
		if !known {
			to = append(to, n)
		}
	}
	return to
}

// Close gives the line back, after a call in progress has ended.
func (d *driver) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.s.close()
}

// ReadSlot is refused: the dialect has no such question. Error: usage.
func (d *driver) ReadSlot(_ context.Context, slot device.Slot) (device.SlotState, error) {
	if _, err := d.layout.ParseSlot(slot); err != nil {
		return device.SlotState{}, err
	}
	return device.SlotState{}, fault.New(fault.Usage, "slot %s: the futurex dialect has no question about a slot; only "+
		"using a key shows what is in it", slot)
}

// LoadBlock is refused: the dialect carries no key blocks. Error: usage.
func (d *driver) LoadBlock(_ context.Context, slot device.Slot, _ *keyblock.Block) (device.Commit, error) {
	return device.Commit{}, fault.New(fault.Usage, "slot %s: the futurex dialect carries no key blocks; keys go as a "+
		"cryptogram under a KTK that the terminal holds, or in clear", text.Redact(string(slot)))
}

// LoadClear hands a key over in clear.
func (d *driver) LoadClear(
	ctx context.Context, slot device.Slot, key *keys.Key, usage keys.Usage, mode byte,
) (device.Commit, error) {
	if usage == keys.UsageIK {
		return device.Commit{}, fault.New(fault.MissingKSN, "slot %s: an initial key is loaded together with its KSN", slot)
	}
	return d.loadClear(ctx, slot, key, usage, mode, "")
}

// LoadInitial hands a TDES DUKPT initial key over in clear. The field for the KSN has twenty digits, and an AES KSN has
// twenty-four: AES initial keys are refused.
func (d *driver) LoadInitial(
	ctx context.Context, slot device.Slot, ik *keys.Key, ksn dukpt.KSN,
) (device.Commit, error) {
	if err := checkInitial(ik.Algorithm(), ksn); err != nil {
		return device.Commit{}, fault.Wrap(err, "load slot %s", slot)
	}
	return d.loadClear(ctx, slot, ik, keys.UsageIK, 'X', ksn.String())
}

func checkInitial(alg keys.Algorithm, ksn dukpt.KSN) error {
	switch {
	case ksn.IsZero():
		return fault.New(fault.MissingKSN, "an initial key is loaded together with its KSN")
	case ksn.Scheme() != dukpt.TDES || alg != keys.TDES128:
		return fault.New(fault.Usage, "the futurex dialect has room for a KSN of 20 digits: it takes initial keys of TDES "+
			"DUKPT (tdes-128), not a %s key with a KSN of %d digits", alg, len(ksn.String()))
	case ksn != ksn.Initial():
		return fault.New(fault.Usage, "the KSN of an initial key has its counter at zero, not %d", ksn.Counter())
	}
	return nil
}

func (d *driver) loadClear(
	ctx context.Context, slot device.Slot, key *keys.Key, usage keys.Usage, mode byte, ksn string,
) (device.Commit, error) {
	method := kcv.Default(key.Algorithm())
	check, err := kcv.Of(key.Algorithm(), key.Secret().Expose(), method, table.CheckDigits)
	if err != nil {
		return device.Commit{}, fault.Wrap(err, "load slot %s", slot)
	}
	m := Inject{Enc: table.Clear, Check: check.Digits, KTKCheck: table.NoCheck, KSN: ksn, Key: key.Secret()}
	return d.load(ctx, slot, m, parcel{key.Algorithm(), usage, mode, check})
}

// LoadCryptogram hands over a key encrypted under the KTK in slot KEK. Check and KEKCheck are compared by the terminal,
// as far as their first four digits go.
func (d *driver) LoadCryptogram(
	ctx context.Context, slot device.Slot, c device.Cryptogram,
) (device.Commit, error) {
	m, check, err := d.cryptogram(c)
	if err != nil {
		return device.Commit{}, fault.Wrap(err, "load slot %s", slot)
	}
	defer m.Key.Wipe()
	return d.load(ctx, slot, m, parcel{c.Alg, c.Usage, c.Mode, check})
}

func (d *driver) cryptogram(c device.Cryptogram) (Inject, kcv.Value, error) {
	none := kcv.Value{}
	ktk, err := d.layout.ParseSlot(c.KEK)
	if err != nil {
		return Inject{}, none, fault.Wrap(err, "the KTK")
	}
	check, err := shortened(c.Check)
	if err != nil {
		return Inject{}, none, fault.Wrap(err, "the key")
	}
	ktkCheck, err := shortened(c.KEKCheck)
	if err != nil {
		return Inject{}, none, fault.Wrap(err, "the KTK")
	}
	ksn := ""
	if c.Usage == keys.UsageIK {
		if err := checkInitial(c.Alg, c.KSN); err != nil {
			return Inject{}, none, err
		}
		ksn = c.KSN.String()
	}
	if len(c.Bytes) != c.Alg.KeyLen() || len(c.Bytes) == 0 {
		return Inject{}, none, fault.New(fault.MalformedLength, "the cryptogram of a %s key has %d bytes, not %d", c.Alg,
			c.Alg.KeyLen(), len(c.Bytes))
	}
	m := Inject{KTKSlot: ktk, Enc: table.UnderKTK, Check: check, KTKCheck: ktkCheck, KSN: ksn, Key: secret.Copy(c.Bytes)}
	return m, kcv.Value{Method: kcv.Default(c.Alg), Digits: check}, nil
}

// shortened cuts a check value to the four digits that the dialect carries.
func shortened(check string) (string, error) {
	check = strings.ToUpper(check)
	if len(check) < table.CheckDigits || !isHex(check) {
		return "", fault.New(fault.Usage,
			"the futurex dialect carries a check value of %d hex digits; give one of at least so many", table.CheckDigits)
	}
	return check[:table.CheckDigits], nil
}
