package devicetest

import (
	"crypto/cipher"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"poskey/internal/cipherx"
	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/dukpt"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// RunCryptograms is the suite for dialects that take bare cryptograms and cannot be asked about a slot: their proof is
// the answer, and what it does not say stays open. Dialect.KLK is the slot of the key that cryptograms are under.
func RunCryptograms(t *testing.T, r Rig) {
	live := secret.Live()
	t.Run("loads", r.mute)
	t.Run("service", r.service)
	t.Run("refusals", r.muteRefusals)
	t.Run("faults", r.muteFaults)
	t.Run("hostile", r.muteHostile)
	if now := secret.Live(); now != live {
		t.Errorf("%d secrets are live after the suite, %d were before", now, live)
	}
}

// initialKSN is the KSN of the suite's initial keys.
const initialKSN = "FFFF9876543210E00000"

// parcel is one key on its way into a slot of a mute device.
type parcel struct {
	name  string
	alg   keys.Algorithm
	usage keys.Usage
	mode  byte
	slot  device.Slot
	under bool // as a cryptogram, else in clear
}

func (r Rig) mute(t *testing.T) {
	d := r.Dialect
	for _, p := range []parcel{
		{"a clear KTK", keys.TDES128, "K0", r.ktkMode(), d.KLK, false},
		{"a clear single-length MAC key", keys.DES, "M1", 'G', d.MAC, false},
		{"a clear triple-length PIN key", keys.TDES192, "P0", 'E', d.PIN, false},
		{"a clear BDK", keys.TDES128, "B0", 'X', d.Other, false},
		{"a clear initial key", keys.TDES128, "B1", 'X', d.Other, false},
		{"a master key as a cryptogram", keys.TDES128, "K0", 'D', d.PIN, true},
		{"a PIN key as a cryptogram", keys.TDES128, "P0", 'E', d.PIN, true},
		{"a MAC key as a cryptogram", keys.TDES128, "M3", 'G', d.MAC, true},
		{"a data key as a cryptogram", keys.TDES128, "D0", 'E', d.Other, true},
		{"a single-length MAC key as a cryptogram", keys.DES, "M1", 'G', d.MAC, true},
		{"an initial key as a cryptogram", keys.TDES128, "B1", 'X', d.Other, true},
	} {
		r.test(t, p.name, func(t *testing.T) { r.lands(t, p, Setup{Timeout: r.patience()}) })
	}
	r.test(t, "several keys are loaded first and confirmed afterwards", r.muteLater)
	r.test(t, "no slot can be asked about, and capabilities say so", r.cannotAsk)
}

// ktkMode is the mode that makes a K0 key one that protects others.
func (r Rig) ktkMode() byte {
	if r.Dialect.KLKMode != 0 {
		return r.Dialect.KLKMode
	}
	return 'D'
}

// begin makes the terminal, with its KTK where that is needed, and gives what loads the key.
func (r Rig) begin(t *testing.T, p parcel, s Setup) (b Bench, key *keys.Key, run func() (device.LoadResult, error)) {
	t.Helper()
	key = newKey(t, p.alg, 1)
	if p.under {
		s.KLK = newKey(t, keys.TDES128, 2)
	}
	b = r.Start(t, s)
	return b, key, func() (device.LoadResult, error) {
		c, err := r.hand(t, b, p, key, s.KLK)
		if err != nil {
			return device.LoadResult{}, err
		}
		return b.Device.Confirm(t.Context(), c)
	}
}

// hand hands a key over, by the call for its form.
func (r Rig) hand(t *testing.T, b Bench, p parcel, key, ktk *keys.Key) (device.Commit, error) {
	t.Helper()
	switch {
	case p.under:
		return b.Device.(device.CryptogramLoader).LoadCryptogram(t.Context(), p.slot, r.cryptogram(t, p, key, ktk))
	case p.usage == keys.UsageIK:
		return b.Device.(device.InitialLoader).LoadInitial(t.Context(), p.slot, key, ksn(t, initialKSN))
	}
	return b.Device.LoadClear(t.Context(), p.slot, key, p.usage, p.mode)
}

func ksn(t *testing.T, digits string) dukpt.KSN {
	t.Helper()
	k, err := dukpt.ParseKSN(digits)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (r Rig) cryptogram(t *testing.T, p parcel, key, ktk *keys.Key) device.Cryptogram {
	t.Helper()
	c := device.Cryptogram{Bytes: encrypted(t, key, ktk), Usage: p.usage, Mode: p.mode, Alg: p.alg,
		Check: checkOf(t, key), KEK: r.Dialect.KLK, KEKCheck: checkOf(t, ktk)}
	if p.usage == keys.UsageIK {
		c.KSN = ksn(t, initialKSN)
	}
	return c
}

func encrypted(t *testing.T, key, ktk *keys.Key) []byte {
	t.Helper()
	var c cipher.Block
	c, err := ktk.Cipher()
	if err != nil {
		t.Fatal(err)
	}
	out := make([]byte, key.Len())
	cipherx.ECBEncrypt(c, out, key.Secret().Expose())
	return out
}

func checkOf(t *testing.T, key *keys.Key) string {
	t.Helper()
	v, err := kcv.Of(key.Algorithm(), key.Secret().Expose(), kcv.Default(key.Algorithm()), 0)
	if err != nil {
		t.Fatal(err)
	}
	return v.Digits
}

// lands loads a key and wants it answered for, no more, and really there.
func (r Rig) lands(t *testing.T, p parcel, s Setup) {
	t.Helper()
	b, key, run := r.begin(t, p, s)
	got, err := run()
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	want := device.LoadResult{Slot: p.slot, State: device.SlotState{Loaded: true}, Proof: device.ProofAnswer,
		Returned: checkOf(t, key)[:4]}
	if got != want {
		t.Errorf("result %+v, want %+v", got, want)
	}
	holds(t, b, p.slot, key)
}

func (r Rig) muteLater(t *testing.T) {
	b := r.Start(t, Setup{Timeout: r.patience()})
	var commits []device.Commit
	for i, slot := range []device.Slot{r.Dialect.PIN, r.Dialect.MAC, r.Dialect.Other} {
		c, err := b.Device.LoadClear(t.Context(), slot, newKey(t, keys.TDES128, byte(10+i)), "K0", 'D')
		if err != nil {
			t.Fatal(err)
		}
		commits = append(commits, c)
	}
	for _, c := range commits {
		if got, err := b.Device.Confirm(t.Context(), c); err != nil || got.Slot != c.Slot || got.Proof != device.ProofAnswer {
			t.Errorf("confirm %s: %+v, %v", c.Slot, got, err)
		}
	}
}

func (r Rig) cannotAsk(t *testing.T) {
	b := r.Start(t, Setup{Timeout: r.patience()})
	caps := b.Device.Capabilities()
	if !caps.Mute || !caps.Cryptograms || caps.BlockVersions != "" || caps.Proof != device.ProofAnswer {
		t.Errorf("capabilities %+v", caps)
	}
	if _, err := b.Device.ReadSlot(t.Context(), r.Dialect.PIN); !fault.Is(err, fault.Usage) {
		t.Errorf("asking about a slot: %v", err)
	}
	if _, err := b.Device.ReadSlot(t.Context(), r.Dialect.Unknown); !fault.Is(err, fault.NotFound) {
		t.Errorf("asking about slot %q: %v", r.Dialect.Unknown, err)
	}
	key := newKey(t, keys.TDES128, 1)
	if _, err := b.Device.LoadClear(t.Context(), r.Dialect.Unknown, key, "P0", 'E'); !fault.Is(err, fault.NotFound) {
		t.Errorf("loading slot %q: %v", r.Dialect.Unknown, err)
	}
	block := wrap(t, 'A', newKey(t, keys.TDES128, 2), key, "P0", 'E')
	if _, err := b.Device.LoadBlock(t.Context(), r.Dialect.PIN, block); !fault.Is(err, fault.Usage) {
		t.Errorf("a key block: %v", err)
	}
}

// service sets serial numbers and erases keys.
func (r Rig) service(t *testing.T) {
	r.test(t, "a serial number is set and read back", func(t *testing.T) {
		b := r.Start(t, Setup{Timeout: r.patience()})
		s := b.Device.(device.Serials)
		if got, err := s.Serial(t.Context()); err != nil || got != "" {
			t.Errorf("a new terminal has serial number %q, %v", got, err)
		}
		if err := s.SetSerial(t.Context(), r.Dialect.Serial); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Serial(t.Context()); err != nil || got != r.Dialect.Serial {
			t.Errorf("serial number %q, %v", got, err)
		}
	})
	r.test(t, "a slot is erased, and can be loaded again", func(t *testing.T) {
		for _, p := range []parcel{{"", keys.TDES128, "P0", 'E', r.Dialect.PIN, false},
			{"", keys.TDES128, "K0", r.ktkMode(), r.Dialect.KLK, false}, {"", keys.TDES128, "B0", 'X', r.Dialect.MAC, false}} {
			b, key, run := r.begin(t, p, Setup{Timeout: r.patience()})
			for range 2 {
				if _, err := run(); err != nil {
					t.Fatal(err)
				}
				holds(t, b, p.slot, key)
				if err := b.Device.(device.Eraser).Erase(t.Context(), p.slot); err != nil {
					t.Fatal(err)
				}
				empty(t, b, p.slot)
			}
			if err := b.Device.(device.Eraser).Erase(t.Context(), p.slot); !fault.Is(err, fault.DeviceFailed) {
				t.Errorf("erasing an empty slot: %v", err)
			}
		}
	})
	r.test(t, "all slots are erased", func(t *testing.T) {
		p := parcel{"", keys.TDES128, "P0", 'E', r.Dialect.PIN, true}
		b, _, run := r.begin(t, p, Setup{Timeout: r.patience()})
		if _, err := run(); err != nil {
			t.Fatal(err)
		}
		if err := b.Device.(device.Eraser).EraseAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		empty(t, b, p.slot)
		empty(t, b, r.Dialect.KLK)
	})
}

// muteRefusals wants each refusal by its code, and nothing stored.
func (r Rig) muteRefusals(t *testing.T) {
	d := r.Dialect
	pin := parcel{"", keys.TDES128, "P0", 'E', d.PIN, true}
	for name, c := range map[string]struct {
		code  string
		spoil func(t *testing.T, s *Setup, p *parcel, c *device.Cryptogram)
	}{
		"no KTK": {d.NoKLK, func(_ *testing.T, s *Setup, _ *parcel, _ *device.Cryptogram) { s.KLK = nil }},
		"another KTK": {d.WrongKLK, func(t *testing.T, s *Setup, _ *parcel, _ *device.Cryptogram) {
			s.KLK = newKey(t, keys.TDES128, 3)
		}},
		"a cryptogram under another key": {d.WrongCheck, func(t *testing.T, _ *Setup, p *parcel, c *device.Cryptogram) {
			c.Bytes = encrypted(t, newKey(t, p.alg, 1), newKey(t, keys.TDES128, 3))
		}},
		"another check value": {d.WrongCheck, func(t *testing.T, _ *Setup, _ *parcel, c *device.Cryptogram) {
			c.Check = c.KEKCheck
		}},
		"a key longer than the KTK": {d.TooLong, func(t *testing.T, s *Setup, p *parcel, c *device.Cryptogram) {
			p.alg = keys.TDES192
			*c = r.cryptogram(t, *p, newKey(t, p.alg, 1), s.KLK)
		}},
		"the KTK's own value": {d.Duplicate, func(t *testing.T, s *Setup, p *parcel, c *device.Cryptogram) {
			*c = r.cryptogram(t, *p, s.KLK, s.KLK)
		}},
	} {
		r.test(t, name+" is refused", func(t *testing.T) {
			s, p := Setup{Timeout: r.patience(), KLK: newKey(t, keys.TDES128, 2)}, pin
			sent := r.cryptogram(t, p, newKey(t, p.alg, 1), s.KLK)
			c.spoil(t, &s, &p, &sent)
			b := r.Start(t, s)
			_, err := b.Device.(device.CryptogramLoader).LoadCryptogram(t.Context(), p.slot, sent)
			wantCode(t, err, c.code)
			empty(t, b, p.slot)
		})
	}
	r.test(t, "a slot that holds a key is refused", func(t *testing.T) {
		b, key, run := r.begin(t, pin, Setup{Timeout: r.patience()})
		if _, err := run(); err != nil {
			t.Fatal(err)
		}
		_, err := b.Device.LoadClear(t.Context(), pin.slot, newKey(t, keys.TDES128, 7), "P0", 'E')
		wantCode(t, err, d.Occupied)
		_, err = run()
		wantCode(t, err, d.Duplicate)
		holds(t, b, pin.slot, key)
	})
	r.test(t, "a KSN that was loaded before is refused", func(t *testing.T) {
		b, _, run := r.begin(t, parcel{"", keys.TDES128, "B1", 'X', d.Other, false}, Setup{Timeout: r.patience()})
		if _, err := run(); err != nil {
			t.Fatal(err)
		}
		second := newKey(t, keys.TDES128, 8)
		_, err := b.Device.(device.InitialLoader).LoadInitial(t.Context(), d.MAC, second, ksn(t, initialKSN))
		wantCode(t, err, d.KSNUsed)
	})
	r.test(t, "a clear key when clear keys are off is refused", func(t *testing.T) {
		clear := parcel{"", keys.TDES128, "P0", 'E', d.PIN, false}
		b, _, run := r.begin(t, clear, Setup{Timeout: r.patience(), ClearOff: true})
		_, err := run()
		wantCode(t, err, d.NoClear)
		empty(t, b, d.PIN)
	})
	r.test(t, "a cancelled context stores nothing", r.cancelled)
}

// muteFaults breaks the line in every way that means something in such a dialect.
func (r Rig) muteFaults(t *testing.T) {
	clear := parcel{"", keys.TDES128, "P0", 'E', r.Dialect.PIN, false}
	under := clear
	under.under = true
	for kind, p := range map[string]parcel{"clear": clear, "cryptogram": under} {
		for _, name := range []string{"split-writes", "drop-ack", "no-eot", "joined-writes", "kcv-method=echo"} {
			r.test(t, name+" is survived, "+kind, func(t *testing.T) {
				r.lands(t, p, Setup{Timeout: r.patience(), Faults: []string{name}})
			})
		}
		for _, name := range []string{"lost-ack", "bad-lrc", "disconnect-after-commit", "power-cut"} {
			r.test(t, name+" leaves the outcome unknown, "+kind, func(t *testing.T) {
				b, key := r.open(t, p, Setup{Timeout: r.haste(), Faults: []string{name}})
				holds(t, b, p.slot, key)
			})
		}
		r.test(t, "disconnect-before-echo leaves the outcome unknown, though nothing is stored, "+kind, func(t *testing.T) {
			b, _ := r.open(t, p, Setup{Timeout: r.patience(), Faults: []string{"disconnect-before-echo"}})
			empty(t, b, p.slot)
		})
		r.test(t, "slow beyond all patience is not loaded: its answers could be taken for others, "+kind, func(t *testing.T) {
			b, _, run := r.begin(t, p, Setup{Timeout: r.haste(), Faults: []string{"slow"}, SlowFor: 5 * r.haste()})
			_, err := run()
			var unknown *device.OutcomeUnknown
			if !fault.Is(err, fault.DeviceTimeout) || errors.As(err, &unknown) {
				t.Errorf("error %v", err)
			}
			empty(t, b, p.slot)
		})
		for _, name := range []string{"wrong-echo", "halves-swapped", "single-des", "kcv-method=cmac"} {
			r.test(t, name+" is another key for all anybody knows, "+kind, func(t *testing.T) {
				_, key, run := r.begin(t, p, Setup{Timeout: r.patience(), Faults: []string{name}})
				got, err := run()
				silentAbout(t, err, key)
				if !fault.Is(err, fault.KCVMismatch) || got != (device.LoadResult{}) {
					t.Errorf("%+v, %v", got, err)
				}
			})
		}
	}
	r.test(t, "nak-first-2 is survived where the driver sends again so often", func(t *testing.T) {
		r.lands(t, clear, Setup{Timeout: r.patience(), Retries: 2, Faults: []string{"nak-first-2"}})
	})
	r.test(t, "after a lost answer the next one is not its", func(t *testing.T) {
		b, key := r.open(t, clear, Setup{Timeout: r.haste(), Faults: []string{"slow"}, SlowFor: r.haste() * 6 / 5})
		_, err := b.Device.LoadClear(t.Context(), r.Dialect.Other, newKey(t, keys.TDES128, 9), "P0", 'E')
		if err == nil {
			t.Error("a terminal that is always late answered in time")
		}
		holds(t, b, clear.slot, key)
	})
	r.test(t, "a line that is cut at any byte never says what is not so", func(t *testing.T) {
		if !r.Virtual {
			r.cutAt(t, clear, 40)
			r.cutAt(t, clear, 82)
			return
		}
		for at := range 95 {
			r.cutAt(t, clear, at)
		}
	})
	r.test(t, "a trace shows no key digit in either direction", func(t *testing.T) {
		for _, p := range []parcel{clear, under} {
			var lines []string
			_, key, run := r.begin(t, p, Setup{Timeout: r.patience(), Trace: func(dir device.Direction, s string) {
				lines = append(lines, string(dir)+" "+s)
			}})
			if _, err := run(); err != nil {
				t.Fatal(err)
			}
			all := strings.Join(lines, "\n")
			if !strings.Contains(all, "***") || !strings.Contains(all, "received") || holdsPart(all, hexOf(t, key)) ||
				holdsPart(all, hexOf(t, newKey(t, keys.TDES128, 2))) {
				t.Errorf("the trace:\n%s", all)
			}
		}
	})
}

// holdsPart looks for six digits of a key in a row: fewer stand in slots, check values and lengths by accident.
func holdsPart(s, digits string) bool {
	for at := 0; at+6 <= len(digits); at++ {
		if strings.Contains(s, digits[at:at+6]) {
			return true
		}
	}
	return false
}

// open loads a key whose outcome must be unknown, and stay so.
func (r Rig) open(t *testing.T, p parcel, s Setup) (b Bench, key *keys.Key) {
	t.Helper()
	b, key, run := r.begin(t, p, s)
	_, err := run()
	silentAbout(t, err, key)
	var unknown *device.OutcomeUnknown
	if !errors.As(err, &unknown) || unknown.Commit.Slot != p.slot || unknown.Commit.Closed {
		t.Fatalf("error %v, want an unknown outcome", err)
	}
	if _, err := b.Device.Confirm(t.Context(), unknown.Commit); !fault.Is(err, fault.OutcomeUnknown) {
		t.Errorf("confirm: %v", err)
	}
	return b, key
}

// cutAt cuts the line after so many bytes: what is said about the load must be so.
func (r Rig) cutAt(t *testing.T, p parcel, at int) {
	t.Helper()
	b, key, run := r.begin(t, p, Setup{Timeout: r.haste(), Faults: []string{fmt.Sprintf("cut-at=%d", at)}})
	_, err := run()
	_ = b.Device.Close()
	time.Sleep(r.haste())
	var unknown *device.OutcomeUnknown
	switch {
	case err == nil:
		holds(t, b, p.slot, key)
	case !errors.As(err, &unknown):
		empty(t, b, p.slot)
	}
}

// muteHostile lets peers play that are no terminals.
func (r Rig) muteHostile(t *testing.T) {
	for _, h := range r.Dialect.Hostile {
		r.test(t, h.Name+": ask", func(t *testing.T) {
			r.endures(t, h, func(d device.Device) error {
				_, err := d.(device.Serials).Serial(t.Context())
				return err
			})
		})
		r.test(t, h.Name+": load", func(t *testing.T) {
			key := newKey(t, keys.TDES128, 1)
			r.endures(t, h, func(d device.Device) error {
				_, err := LoadClear(t.Context(), d, r.Dialect.PIN, key, "P0", 'E')
				return err
			})
		})
		r.test(t, h.Name+": erase", func(t *testing.T) {
			r.endures(t, h, func(d device.Device) error { return d.(device.Eraser).EraseAll(t.Context()) })
		})
	}
}
