package dukpt

import (
	"bytes"
	"os"
	"runtime/debug"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// What runs where: plain `go test` walks the whole life of a TDES device, `go test -race` its beginning, its end and
// the counters where bits are skipped; both do that much for AES. With POSKEY_LONG=1 both walk whole lives, of TDES and
// of AES-128, AES-192 and AES-256 (about an hour each: -timeout 24h).

// long reports whether tests may take hours.
func long() bool { return os.Getenv("POSKEY_LONG") == "1" }

// racing reports whether the race detector slows DES down by ten.
func racing(t *testing.T) bool {
	t.Helper()
	info, ok := debug.ReadBuildInfo()
	if !ok {
		t.Fatal("the test does not know how it was built")
	}
	for _, s := range info.Settings {
		if s.Key == "-race" {
			return s.Value == "true"
		}
	}
	return false
}

// walker holds a terminal against the host.
type walker struct {
	ik     *IK
	host   *host
	device *Device
	want   KSN // of the transaction to come, by the host's count
	left   bool
	direct int // so many transactions are compared with IK.Transaction once
}

// newWalker loads a terminal that is about to use the KSN's counter, or its first one.
func newWalker(t *testing.T, bdk string, ksn KSN, direct int) *walker {
	t.Helper()
	w := &walker{ik: ikOf(t, bdk, ksn), device: loaded(t, bdk, ksn), want: ksn, left: true, direct: direct}
	w.host = newHost(ksn, w.ik.Key().Secret().Expose())
	if ksn.Counter() == 0 {
		w.want, w.left = ksn.Next()
	}
	return w
}

// walk makes n transactions, or all that are left, and says how many.
func (w *walker) walk(t *testing.T, n int) int {
	t.Helper()
	for made := range n {
		txn, err := w.device.Next()
		if !w.left {
			if !fault.Is(err, fault.EndOfLife) || txn != nil {
				t.Fatalf("after the last counter: %v, %v", txn, err)
			}
			return made
		}
		if err != nil {
			t.Fatal(err)
		}
		w.compare(t, txn, made%w.direct == 0)
		txn.Wipe()
		w.want, w.left = w.want.Next()
	}
	return n
}

func (w *walker) compare(t *testing.T, txn *Transaction, direct bool) {
	t.Helper()
	if txn.KSN() != w.want || txn.Scheme() != w.want.Scheme() {
		t.Fatalf("the device is at %s, the host at %s", txn.KSN(), w.want)
	}
	if got, key := txn.Key().Secret().Expose(), w.host.key(t, w.want.Counter()); !bytes.Equal(got, key) {
		t.Fatalf("%s: the device has %X, the host %X", w.want, got, key)
	}
	if !direct {
		return
	}
	once, err := w.ik.Transaction(w.want)
	if err != nil {
		t.Fatal(err)
	}
	defer once.Wipe()
	if !once.Key().Secret().Equal(txn.Key().Secret()) {
		t.Fatalf("%s: the device has %s, derived at once it is %s", w.want, digitsOf(txn.Key()), digitsOf(once.Key()))
	}
}

const everything = 1 << 40

func TestTDESDeviceAndHostAgreeForAWholeLife(t *testing.T) {
	nothingLeft(t)
	if racing(t) && !long() {
		landmarks(t, tdesBDK, ksnOf(t, tdesKSN), 20, 10)
		return
	}
	if n := newWalker(t, tdesBDK, ksnOf(t, tdesKSN), 1009).walk(t, everything); n != 1_048_575 {
		t.Errorf("%d transactions, want 1,048,575", n)
	}
}

// landmarks walks from the first counter; across every counter that is a power of two, where the register of a new bit
// comes into play; across the first counters that are skipped below each power; and to the end.
func landmarks(t *testing.T, bdk string, ksn KSN, top, most int) {
	const around = 150
	newWalker(t, bdk, ksn, 101).walk(t, 3000)
	for bit := most + 1; bit <= top; bit++ {
		for _, c := range []uint32{1<<bit - around, 1<<bit + (1<<(most-1) - 1) - around} {
			start, ok := ksn.withCounter(c).Next()
			if !ok {
				t.Fatalf("nothing comes after %X", c)
			}
			newWalker(t, bdk, start, 37).walk(t, 2*around)
		}
	}
	last := (uint32(1)<<most - 1) << (top + 1 - most)
	end := newWalker(t, bdk, beforeEnd(t, ksn, last, 1000), 37)
	if n := end.walk(t, everything); n < 500 || n > 1100 || end.left {
		t.Errorf("%d transactions at the end", n)
	}
}

// beforeEnd gives a KSN with about n transactions before the last counter.
func beforeEnd(t *testing.T, ksn KSN, last uint32, n uint64) KSN {
	t.Helper()
	lo, hi := uint32(0), last
	for lo+1 < hi { // few counters near the end are valid, so this looks for the number left
		if middle := lo + (hi-lo)/2; ksn.withCounter(middle).Remaining() >= n {
			lo = middle
		} else {
			hi = middle
		}
	}
	k, ok := ksn.withCounter(lo).Next()
	if !ok {
		t.Fatal("no transaction is left")
	}
	return k
}

func TestAESDeviceAndHostAgree(t *testing.T) {
	for _, bdk := range []string{aesBDK, aesBDK + aesBDK[:16], aesBDK + aesBDK} {
		t.Run(string(aesOf(bdk)), func(t *testing.T) {
			nothingLeft(t)
			if long() {
				if n := newWalker(t, bdk, ksnOf(t, aesKSN), 1_000_003).walk(t, everything); n != 2_448_023_842 {
					t.Errorf("%d transactions, want 2,448,023,842", n)
				}
				return
			}
			n := 20_000
			if bdk == aesBDK {
				n = 100_000
			}
			newWalker(t, bdk, ksnOf(t, aesKSN), 1009).walk(t, n)
			landmarks(t, bdk, ksnOf(t, aesKSN), 31, 16)
		})
	}
}

// near are KSNs in the middle of a life: before and after skipped counters, and near its end.
func near(t *testing.T) map[string][]KSN {
	t.Helper()
	tdes, aes := ksnOf(t, tdesKSN), ksnOf(t, aesKSN)
	return map[string][]KSN{
		tdesBDK:         {tdes, tdes.withCounter(0x3F0), tdes.withCounter(0x7F0), tdes.withCounter(0xFF800), beforeEnd(t, tdes, 0x1FF800, 40)},
		aesBDK:          {aes, aes.withCounter(0xFFF0), aes.withCounter(0x1FFC0), aes.withCounter(0x7FFF4000), beforeEnd(t, aes, 0xFFFF0000, 40)},
		aesBDK + aesBDK: {aes, aes.withCounter(0x1FFC0)},
	}
}

// TestStateAtACounterIsTheStateAfterWalkingThere: that a device can be put at any counter is what tests jump with.
func TestStateAtACounterIsTheStateAfterWalkingThere(t *testing.T) {
	nothingLeft(t)
	stretches(t, 60, func(bdk string, d *Device, state State) {
		sameState(t, state, loaded(t, bdk, state.KSN))
		next(t, d).Wipe()
	})
}

// stretches walks terminals over the counters that near names, up to n transactions each: visit gets the state before
// each transaction, and makes it.
func stretches(t *testing.T, n int, visit func(bdk string, d *Device, state State)) {
	t.Helper()
	for bdk, starts := range near(t) {
		for _, start := range starts {
			d := loaded(t, bdk, start)
			for range n {
				state, err := d.State()
				if err != nil {
					t.Fatal(err)
				}
				if state.KSN.IsZero() {
					break
				}
				visit(bdk, d, state)
			}
		}
	}
}

// sameState compares what is shown, but for the transaction before, which a device that was put there has not made.
func sameState(t *testing.T, a State, d *Device) {
	t.Helper()
	b, err := d.State()
	if err != nil {
		t.Fatal(err)
	}
	if a.Scheme != b.Scheme || a.KSN != b.KSN || a.Remaining != b.Remaining || len(a.Registers) != len(b.Registers) {
		t.Fatalf("the state is %+v, want %+v", b, a)
	}
	for i := range a.Registers {
		if a.Registers[i] != b.Registers[i] {
			t.Fatalf("%s: register %d is %+v, want %+v", a.KSN, i, b.Registers[i], a.Registers[i])
		}
	}
}

func next(t *testing.T, d *Device) *Transaction {
	t.Helper()
	txn, err := d.Next()
	if err != nil {
		t.Fatal(err)
	}
	return txn
}

func TestStateShowsWhoseKeyEachRegisterHolds(t *testing.T) {
	nothingLeft(t)
	stretches(t, 30, func(bdk string, d *Device, state State) {
		checkState(t, ikOf(t, bdk, state.KSN), state)
		txn := next(t, d)
		after, err := d.State()
		if err != nil || after.Last != txn.KSN() || after.Remaining != state.Remaining-1 {
			t.Fatalf("after %s: %+v, %v", txn.KSN(), after, err)
		}
		txn.Wipe()
	})
}

// checkState: every register holds the key of a transaction to come that starts at its bit, the current one's among
// them.
func checkState(t *testing.T, ik *IK, s State) {
	t.Helper()
	want, current := map[Scheme]int{TDES: 21, AES: 32}[s.Scheme], false
	if len(s.Registers) != want || s.Remaining != s.KSN.Remaining()+1 {
		t.Fatalf("%s: %d registers, %d transactions left", s.KSN, len(s.Registers), s.Remaining)
	}
	for i, r := range s.Registers {
		if r.Bit != 1<<(want-1-i) || r.Filled == r.KSN.IsZero() || r.Filled == (r.Check == kcv.Value{}) {
			t.Fatalf("%s: register %d is %+v", s.KSN, i, r)
		}
		if !r.Filled {
			continue
		}
		c := r.KSN.Counter()
		if c < s.KSN.Counter() || c&-c != r.Bit || r.KSN.Initial() != s.KSN.Initial() {
			t.Fatalf("%s: the register of bit %X holds %s", s.KSN, r.Bit, r.KSN)
		}
		current = current || r.KSN == s.KSN
		txn, err := ik.Transaction(r.KSN)
		if err != nil {
			t.Fatal(err)
		}
		alg := txn.Key().Algorithm()
		check, err := kcv.Of(alg, txn.Key().Secret().Expose(), kcv.Default(alg), 0)
		if txn.Wipe(); err != nil || check != r.Check {
			t.Fatalf("%s: check value %s, want %s (%v)", r.KSN, r.Check, check, err)
		}
	}
	if !current {
		t.Fatalf("%s: no register holds the current key", s.KSN)
	}
}

// TestNoKeyOfThePastCanBeComputed: everything that can be derived from what is in the registers, and that is all keys
// to come and none that was. The initial key is not among them either.
func TestNoKeyOfThePastCanBeComputed(t *testing.T) {
	nothingLeft(t)
	for bdk, last := range map[string]uint32{tdesBDK: 0x1FF800, aesBDK: 0xFFFF0000} {
		ksn := ksnOf(t, map[bool]string{true: tdesKSN, false: aesKSN}[bdk == tdesBDK])
		ik := ikOf(t, bdk, ksn)
		d := loaded(t, bdk, beforeEnd(t, ksn, last, 600))
		past := map[string]bool{digitsOf(ik.Key()): true}
		for range 300 {
			txn := next(t, d)
			past[digitsOf(txn.Key())] = true
			txn.Wipe()
		}
		reached := map[string]bool{}
		for i, r := range d.future {
			if at, ok := pending(d.ksn, i); ok {
				reachable(t, d.alg, r.Expose(), at, reached)
			}
		}
		for k := range reached {
			if past[k] {
				t.Error("a key of the past can be computed from the state")
			}
		}
		left := 0
		for ; ; left++ {
			txn, err := d.Next()
			if fault.Is(err, fault.EndOfLife) {
				break
			}
			if err != nil || !reached[digitsOf(txn.Key())] {
				t.Fatalf("a key to come was not computed from the state: %v", err)
			}
			txn.Wipe()
		}
		if left < 200 || left != len(reached) {
			t.Errorf("%d keys to come, %d can be computed from the state", left, len(reached))
		}
	}
}

// reachable adds the key and all that are derived from it.
func reachable(t *testing.T, alg keys.Algorithm, key []byte, ksn KSN, all map[string]bool) {
	t.Helper()
	all[digitsOf(mustKey(t, alg, key))] = true
	if ksn.BitsSet() == ksn.MaxBits() {
		return
	}
	c := ksn.Counter()
	for bit := c & -c >> 1; bit != 0; bit >>= 1 {
		child := secret.Copy(key)
		at := ksn.withCounter(c | bit)
		if err := step(child.Expose(), alg, at); err != nil {
			t.Fatal(err)
		}
		reachable(t, alg, child.Expose(), at, all)
		child.Wipe()
	}
}

func mustKey(t *testing.T, alg keys.Algorithm, b []byte) *keys.Key {
	t.Helper()
	k, err := keys.New(alg, secret.Copy(b))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Wipe)
	return k
}

func TestUsedKeyLeavesTheDeviceWithTheTransaction(t *testing.T) {
	nothingLeft(t)
	d := loaded(t, tdesBDK, ksnOf(t, tdesKSN))
	for range 2000 {
		before := secret.Live()
		filled := count(d)
		txn := next(t, d)
		for _, r := range d.future {
			if r != nil && r.Equal(txn.Key().Secret()) {
				t.Fatalf("%s: a register still has the key", txn.KSN())
			}
		}
		if made := count(d) - (filled - 1); secret.Live()-before != made {
			t.Fatalf("%s: %d secrets more, %d registers were filled", txn.KSN(), secret.Live()-before, made)
		}
		txn.Wipe()
	}
}

func count(d *Device) int {
	n := 0
	for _, r := range d.future {
		if r != nil {
			n++
		}
	}
	return n
}

func TestDeviceAtItsEndHoldsNothing(t *testing.T) {
	nothingLeft(t)
	for bdk, text := range map[string]string{tdesBDK: "FFFF9876543210FFF800", aesBDK: "1234567890123456FFFF0000"} {
		d := loaded(t, bdk, ksnOf(t, text))
		txn := next(t, d)
		defer txn.Wipe()
		if txn.KSN().String() != text || count(d) != 0 {
			t.Errorf("the last transaction is %s, %d registers are filled", txn.KSN(), count(d))
		}
		for range 2 {
			if txn, err := d.Next(); !fault.Is(err, fault.EndOfLife) || txn != nil {
				t.Errorf("after the end: %v, %v", txn, err)
			}
		}
		s, err := d.State()
		if err != nil || !s.KSN.IsZero() || s.Last.String() != text || s.Remaining != 0 {
			t.Errorf("the state is %+v, %v", s, err)
		}
	}
}

func TestDeviceTakesOnlyWhatFits(t *testing.T) {
	nothingLeft(t)
	for text, kind := range map[string]fault.Kind{
		"123456789012345600000000": fault.KSNLength,
		"FFFF9876543210E007FF":     fault.CounterBits,
		"FFFF9876543210FFFFFF":     fault.CounterBits,
	} {
		ik, err := bdkOf(t, TDES, tdesBDK).IK(ksnOf(t, tdesKSN))
		if err != nil {
			t.Fatal(err)
		}
		if d, err := NewDevice(ik, ksnOf(t, text)); !fault.Is(err, kind) || d != nil {
			t.Errorf("%s: %v, %v, want kind %s", text, d, err, kind)
		}
		if ik.Key().Len() != 0 {
			t.Errorf("%s: the initial key was not erased", text)
		}
	}
}

func TestWipedDeviceGivesNothing(t *testing.T) {
	nothingLeft(t)
	d := loaded(t, tdesBDK, ksnOf(t, tdesKSN))
	d.Wipe()
	if txn, err := d.Next(); err == nil || fault.Is(err, fault.EndOfLife) || txn != nil {
		t.Errorf("%v, %v", txn, err)
	}
	d.Wipe()
	(*Device)(nil).Wipe()
}
