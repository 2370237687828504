package devicetest

import (
	"context"
	"errors"
	"testing"

	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// load is one key on its way into a slot.
type load struct {
	name    string
	version byte // of the block; 0 loads in clear
	klk     keys.Algorithm
	alg     keys.Algorithm
	slot    device.Slot
	usage   keys.Usage
	mode    byte
}

func (r Rig) loads(t *testing.T) {
	d := r.Dialect
	all := []load{
		{"a single-length key in a version A block", 'A', keys.TDES128, keys.DES, d.MAC, "M1", 'G'},
		{"a double-length key in a version A block", 'A', keys.TDES128, keys.TDES128, d.PIN, "P0", 'E'},
		{"a triple-length key in a version A block", 'A', keys.TDES192, keys.TDES192, d.PIN, "P0", 'E'},
		{"a double-length key in a version B block", 'B', keys.TDES128, keys.TDES128, d.MAC, "M3", 'G'},
		{"a new KLK under the old one", 'B', keys.TDES128, keys.TDES128, d.KLK, "K0", 'D'},
		{"a clear double-length KLK", 0, "", keys.TDES128, d.KLK, "K0", 'D'},
		{"a clear triple-length PIN key", 0, "", keys.TDES192, d.PIN, "P0", 'E'},
	}
	for _, l := range all {
		r.test(t, l.name, func(t *testing.T) { r.arrives(t, l, Setup{Timeout: r.patience()}) })
	}
	r.test(t, "an empty slot is reported as empty", r.emptySlot)
	r.test(t, "several clear keys are loaded first and confirmed afterwards", r.confirmLater)
	r.test(t, "a key is replaced by another one", r.replaced)
}

// loader hands a key over and confirms it.
type loader func(ctx context.Context) (device.LoadResult, error)

// start begins a test of a load: the terminal with its KLK, and what hands the key over.
func (r Rig) start(t *testing.T, l load, s Setup) (b Bench, key *keys.Key, run loader) {
	t.Helper()
	key = newKey(t, l.alg, 1)
	if l.version == 0 {
		b = r.Start(t, s)
		return b, key, func(ctx context.Context) (device.LoadResult, error) {
			return LoadClear(ctx, b.Device, l.slot, key, l.usage, l.mode)
		}
	}
	s.KLK = newKey(t, l.klk, 2)
	b = r.Start(t, s)
	block := wrap(t, l.version, s.KLK, key, l.usage, l.mode)
	return b, key, func(ctx context.Context) (device.LoadResult, error) {
		return LoadBlock(ctx, b.Device, l.slot, block)
	}
}

// arrives loads a key and wants it proven, and really there.
func (r Rig) arrives(t *testing.T, l load, s Setup) {
	t.Helper()
	b, key, run := r.start(t, l, s)
	got, err := run(t.Context())
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	want := device.SlotState{Loaded: true, HasAttributes: true, Usage: l.usage, Mode: l.mode,
		Algorithm: keyblock.AlgorithmChar(l.alg)}
	if got.Slot != l.slot || got.State != want || got.Proof != device.ProofCommitAttributes {
		t.Errorf("result %+v, want slot %s, %+v, %s", got, l.slot, want, device.ProofCommitAttributes)
	}
	holds(t, b, l.slot, key)
}

// holds wants the key in the slot.
func holds(t *testing.T, b Bench, slot device.Slot, key *keys.Key) {
	t.Helper()
	want, err := kcv.Of(key.Algorithm(), key.Secret().Expose(), kcv.Default(key.Algorithm()), 0)
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := b.Check(slot); !ok || got != want {
		t.Errorf("slot %s holds %v (%v), want %v", slot, got, ok, want)
	}
}

func empty(t *testing.T, b Bench, slot device.Slot) {
	t.Helper()
	if got, ok := b.Check(slot); ok {
		t.Errorf("slot %s holds %v, want nothing", slot, got)
	}
}

func (r Rig) emptySlot(t *testing.T) {
	b := r.Start(t, Setup{Timeout: r.patience()})
	got, err := b.Device.ReadSlot(t.Context(), r.Dialect.PIN)
	if err != nil || got != (device.SlotState{}) {
		t.Errorf("an empty slot reads %+v, %v", got, err)
	}
	if _, err := b.Device.ReadSlot(t.Context(), r.Dialect.Unknown); !fault.Is(err, fault.NotFound) {
		t.Errorf("slot %q: %v, want not_found", r.Dialect.Unknown, err)
	}
}

func (r Rig) confirmLater(t *testing.T) {
	b := r.Start(t, Setup{Timeout: r.patience()})
	slots := []device.Slot{r.Dialect.KLK, r.Dialect.PIN, r.Dialect.Other}
	var commits []device.Commit
	for i, slot := range slots {
		c, err := b.Device.LoadClear(t.Context(), slot, newKey(t, keys.TDES128, byte(10+i)), "K0", 'D')
		if err != nil {
			t.Fatal(err)
		}
		commits = append(commits, c)
	}
	for i, c := range commits {
		got, err := b.Device.Confirm(t.Context(), c)
		if err != nil || got.Slot != slots[i] || got.Proof != device.ProofCommitAttributes {
			t.Errorf("confirm %s: %+v, %v", slots[i], got, err)
		}
	}
}

func (r Rig) replaced(t *testing.T) {
	l := load{"", 'A', keys.TDES128, keys.TDES128, r.Dialect.PIN, "P0", 'E'}
	b, first, run := r.start(t, l, Setup{Timeout: r.patience()})
	if _, err := run(t.Context()); err != nil {
		t.Fatal(err)
	}
	holds(t, b, l.slot, first)
	second := newKey(t, keys.TDES128, 3)
	if _, err := LoadBlock(t.Context(), b.Device, l.slot,
		wrap(t, 'A', newKey(t, keys.TDES128, 2), second, "P0", 'E')); err != nil {
		t.Fatal(err)
	}
	holds(t, b, l.slot, second)
}

func (r Rig) refusals(t *testing.T) {
	d := r.Dialect
	double, triple := keys.TDES128, keys.TDES192
	refused := func(name, code string, s Setup, kbpk, key *keys.Key, usage keys.Usage, mode byte, slot device.Slot) {
		t.Run(name, func(t *testing.T) {
			t.Helper()
			r.refused(t, code, s, wrap(t, 'A', kbpk, key, usage, mode), slot)
		})
	}
	klk, other := newKey(t, double, 2), newKey(t, double, 4)
	patient := Setup{Timeout: r.patience(), KLK: klk}
	refused("a block under another key than the KLK", d.WrongKLK, patient, other, newKey(t, double, 1), "P0", 'E', d.PIN)
	refused("a block without a KLK", d.NoKLK, Setup{Timeout: r.patience()}, klk, newKey(t, double, 1), "P0", 'E', d.PIN)
	refused("a key longer than the KLK", d.TooLong, patient, klk, newKey(t, triple, 1), "P0", 'E', d.PIN)
	refused("a usage that the slot does not take", d.UsageUnfit, patient, klk, newKey(t, double, 1), "P0", 'E', d.MAC)
	refused("a mode that the slot does not take", d.UsageUnfit, patient, klk, newKey(t, double, 1), "K0", 'E', d.PIN)
	refused("a KLK with a usage other than K0", d.UsageUnfit, patient, klk, newKey(t, double, 1), "P0", 'E', d.KLK)
	refused("the KLK's own value in another slot", d.Duplicate, patient, klk, klk, "K0", 'D', d.PIN)
	r.test(t, "the same key in two slots", r.duplicate)
	r.test(t, "a clear key when clear keys are off", r.clearOff)
	r.test(t, "a cancelled context", r.cancelled)
}

// refused wants a block refused with a code and nothing stored.
func (r Rig) refused(t *testing.T, code string, s Setup, block *keyblock.Block, slot device.Slot) {
	t.Helper()
	r.test(t, "is refused", func(t *testing.T) {
		b := r.Start(t, s)
		before, had := b.Check(slot)
		_, err := LoadBlock(t.Context(), b.Device, slot, block)
		wantCode(t, err, code)
		if now, has := b.Check(slot); now != before || has != had {
			t.Errorf("slot %s changed from %v to %v", slot, before, now)
		}
	})
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var refusal *device.CodeError
	if !errors.As(err, &refusal) || refusal.Code != code {
		t.Fatalf("error %v, want code %s", err, code)
	}
	if fault.KindOf(err) != fault.DeviceFailed || refusal.Meaning.IsZero() || refusal.Action.IsZero() {
		t.Errorf("code %s: kind %s, meaning %q, action %q", code, fault.KindOf(err), refusal.Meaning, refusal.Action)
	}
}

func (r Rig) duplicate(t *testing.T) {
	l := load{"", 'A', keys.TDES128, keys.TDES128, r.Dialect.PIN, "P0", 'E'}
	b, key, run := r.start(t, l, Setup{Timeout: r.patience()})
	if _, err := run(t.Context()); err != nil {
		t.Fatal(err)
	}
	block := wrap(t, 'A', newKey(t, keys.TDES128, 2), key, "P0", 'E')
	_, err := LoadBlock(t.Context(), b.Device, r.Dialect.Other, block)
	wantCode(t, err, r.Dialect.Duplicate)
	empty(t, b, r.Dialect.Other)
	if _, err := run(t.Context()); err != nil {
		t.Errorf("the same key into its own slot: %v", err)
	}
}

func (r Rig) clearOff(t *testing.T) {
	b := r.Start(t, Setup{Timeout: r.patience(), ClearOff: true})
	_, err := LoadClear(t.Context(), b.Device, r.Dialect.KLK, newKey(t, keys.TDES128, 1), "K0", 'D')
	wantCode(t, err, r.Dialect.NoClear)
	empty(t, b, r.Dialect.KLK)
}

func (r Rig) cancelled(t *testing.T) {
	b := r.Start(t, Setup{Timeout: r.patience()})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := LoadClear(ctx, b.Device, r.Dialect.KLK, newKey(t, keys.TDES128, 1), "K0", 'D')
	if !fault.Is(err, fault.Interrupted) || !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want interrupted", err)
	}
	empty(t, b, r.Dialect.KLK)
}
