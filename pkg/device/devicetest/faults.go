package devicetest

import (
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/keys"
)

// faults breaks the line in every way that the emulator has.
func (r Rig) faults(t *testing.T) {
	block := load{"", 'A', keys.TDES128, keys.TDES128, r.Dialect.PIN, "P0", 'E'}
	clear := load{"", 0, "", keys.TDES128, r.Dialect.KLK, "K0", 'D'}
	for _, name := range []string{"drop-ack", "nak-first-2", "bad-lrc", "split-writes", "joined-writes"} {
		for kind, l := range map[string]load{"block": block, "clear": clear} {
			r.test(t, name+" is survived, "+kind, func(t *testing.T) {
				r.arrives(t, l, Setup{Timeout: r.patience(), Faults: []string{name}})
			})
		}
	}
	r.test(t, "all survivable faults at once are survived", func(t *testing.T) {
		r.arrives(t, block, Setup{Timeout: r.patience(),
			Faults: []string{"drop-ack", "nak-first-2", "bad-lrc", "split-writes"}})
	})
	if r.Virtual { // on real lines the terminal's patience takes real time
		for kind, l := range map[string]load{"block": block, "clear": clear} {
			r.test(t, "lost-ack is survived, "+kind, func(t *testing.T) {
				r.arrives(t, l, Setup{Timeout: r.patience(), Faults: []string{"lost-ack"}})
			})
			r.cutAnywhere(t, kind, l)
		}
		r.test(t, "chance never makes it say what is not so", r.chance)
	}
	for kind, l := range map[string]load{"block": block, "clear": clear} {
		r.test(t, "power-cut leaves the outcome unknown, "+kind, func(t *testing.T) {
			r.unknown(t, l, Setup{Timeout: r.patience(), Faults: []string{"power-cut"}})
		})
	}
	r.test(t, "no-eot is survived where the slot was empty", func(t *testing.T) {
		r.arrives(t, block, Setup{Timeout: r.haste(), Faults: []string{"no-eot"}})
	})
	r.test(t, "no-eot leaves the outcome unknown where the slot was loaded", func(t *testing.T) {
		l := block
		l.slot, l.usage, l.mode = r.Dialect.KLK, "K0", 'D'
		r.unknown(t, l, Setup{Timeout: r.haste(), Faults: []string{"no-eot"}})
	})
	r.test(t, "no-eot leaves the outcome of a clear load unknown", func(t *testing.T) {
		r.unknown(t, clear, Setup{Timeout: r.haste(), Faults: []string{"no-eot"}})
	})
	for kind, l := range map[string]load{"block": block, "clear": clear} {
		r.test(t, "disconnect-after-commit leaves the outcome unknown, "+kind, func(t *testing.T) {
			r.unknown(t, l, Setup{Timeout: r.patience(), Faults: []string{"disconnect-after-commit"}})
		})
		r.test(t, "disconnect-before-echo stores nothing, "+kind, func(t *testing.T) {
			r.fails(t, l, Setup{Timeout: r.patience(), Faults: []string{"disconnect-before-echo"}}, fault.DeviceLink)
		})
		r.test(t, "wrong-echo stores nothing, "+kind, func(t *testing.T) {
			r.fails(t, l, Setup{Timeout: r.patience(), Faults: []string{"wrong-echo"}}, fault.DeviceLink)
		})
		r.test(t, "slow beyond all patience stores nothing, "+kind, func(t *testing.T) {
			r.fails(t, l, Setup{Timeout: r.haste(), Faults: []string{"slow"}, SlowFor: 5 * r.haste()}, fault.DeviceTimeout)
		})
		r.test(t, "slow beyond the time-out never says what is not so, "+kind, func(t *testing.T) { r.honest(t, l) })
	}
	r.test(t, "a trace shows no key digit in either direction", r.traced)
}

// unknown wants the outcome to be unknown, and the key to be in: that is what makes it unknown.
func (r Rig) unknown(t *testing.T, l load, s Setup) {
	t.Helper()
	b, key, run := r.start(t, l, s)
	_, err := run(t.Context())
	var unknown *device.OutcomeUnknown
	if !errors.As(err, &unknown) {
		t.Fatalf("error %v, want an unknown outcome", err)
	}
	if unknown.Commit.Slot != l.slot || unknown.Commit.Closed || unknown.Cause == nil || fault.KindOf(err).Retriable() {
		t.Errorf("unknown outcome %+v of kind %s", unknown, fault.KindOf(err))
	}
	holds(t, b, l.slot, key)
	silentAbout(t, err, key)
}

// silentAbout wants no digits of a key in an error.
func silentAbout(t *testing.T, err error, key *keys.Key) {
	t.Helper()
	if err != nil && sharesDigits(err.Error(), hexOf(t, key)) {
		t.Errorf("the error holds digits of the key: %v", err)
	}
}

// sharesDigits looks for four digits in a row: no accident in a text of this length.
func sharesDigits(s, digits string) bool {
	for at := 0; at+4 <= len(digits); at++ {
		if strings.Contains(s, digits[at:at+4]) {
			return true
		}
	}
	return false
}

// fails wants a load to fail before its commit.
func (r Rig) fails(t *testing.T, l load, s Setup, want fault.Kind) {
	t.Helper()
	b, key, run := r.start(t, l, s)
	_, err := run(t.Context())
	silentAbout(t, err, key)
	var unknown *device.OutcomeUnknown
	if !fault.Is(err, want) || errors.As(err, &unknown) {
		t.Errorf("error %v of kind %s, want %s", err, fault.KindOf(err), want)
	}
	empty(t, b, l.slot)
}

// cutAnywhere cuts the line after every byte of a load: what is said about it is so.
func (r Rig) cutAnywhere(t *testing.T, kind string, l load) {
	for at := range 260 {
		r.test(t, "cut after byte "+strconv.Itoa(at)+", "+kind, func(t *testing.T) {
			r.said(t, l, Setup{Timeout: r.haste(), Faults: []string{"cut-at=" + strconv.Itoa(at)}})
		})
	}
}

// chance loads many times through a line on which anything may go wrong.
func (r Rig) chance(t *testing.T) {
	for _, version := range []byte{0, 'A'} {
		l := load{"", version, keys.TDES128, keys.TDES128, r.Dialect.PIN, "P0", 'E'}
		for seed := range uint64(20) {
			r.said(t, l, Setup{Timeout: r.haste(), Faults: []string{"random=40%"}, Seed: seed})
		}
	}
}

// said loads a key, and holds what is said about it against what the terminal has.
func (r Rig) said(t *testing.T, l load, s Setup) {
	t.Helper()
	b, key, run := r.start(t, l, s)
	_, err := run(t.Context())
	_ = b.Device.Close()
	time.Sleep(3 * r.haste()) // whatever is still on its way has arrived
	silentAbout(t, err, key)
	var unknown *device.OutcomeUnknown
	switch {
	case err == nil:
		holds(t, b, l.slot, key)
	case !errors.As(err, &unknown):
		empty(t, b, l.slot)
	}
}

// honest loads into a terminal that is always late: whether that works does not matter, what is said about it does.
func (r Rig) honest(t *testing.T, l load) {
	r.said(t, l, Setup{Timeout: r.haste(), Faults: []string{"slow"}, SlowFor: r.haste() * 6 / 5})
}

func (r Rig) traced(t *testing.T) {
	for _, version := range []byte{0, 'A'} {
		var lines []string
		l := load{"", version, keys.TDES128, keys.TDES128, r.Dialect.PIN, "P0", 'E'}
		_, key, run := r.start(t, l, Setup{Timeout: r.patience(), Trace: func(dir device.Direction, s string) {
			lines = append(lines, string(dir)+" "+s)
		}})
		if _, err := run(t.Context()); err != nil {
			t.Fatal(err)
		}
		all := strings.Join(lines, "\n")
		if n := strings.Count(all, "***"); n == 0 || !strings.Contains(all, "sent") || !strings.Contains(all, "received") {
			t.Errorf("the trace has no blotted frame in it:\n%s", all)
		}
		if sharesDigits(all, hexOf(t, key)) {
			t.Errorf("digits of the key stand in the trace:\n%s", all)
		}
	}
}

func hexOf(t *testing.T, key *keys.Key) string {
	t.Helper()
	var s strings.Builder
	if err := keys.WriteHex(&s, key.Secret()); err != nil {
		t.Fatal(err)
	}
	return s.String()
}

// hostile lets peers play that are no terminals.
func (r Rig) hostile(t *testing.T) {
	for _, h := range r.Dialect.Hostile {
		r.test(t, h.Name+": ask", func(t *testing.T) {
			r.endures(t, h, func(d device.Device) error {
				_, err := d.ReadSlot(t.Context(), r.Dialect.PIN)
				return err
			})
		})
		r.test(t, h.Name+": load", func(t *testing.T) {
			key := newKey(t, keys.TDES128, 1)
			r.endures(t, h, func(d device.Device) error {
				_, err := d.LoadClear(t.Context(), r.Dialect.PIN, key, "P0", 'E')
				return err
			})
		})
	}
}

// maxWaits is how many time-outs one exchange may take: three sendings, an answer that is asked for again twice, an
// end, and a write that nobody takes.
const maxWaits = 8

// endures wants a call to end in time, with an error that has a kind.
func (r Rig) endures(t *testing.T, h Hostile, call func(device.Device) error) {
	t.Helper()
	timeout := r.haste()
	if !r.Virtual {
		timeout /= 3 // nothing good is awaited here that a busy machine could delay
	}
	host, peer := r.Pair(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.Play(peer, timeout*9/10)
		_ = peer.Close()
	}()
	d := r.Attach(host, timeout)
	answered := make(chan error, 1)
	go func() { answered <- call(d) }()
	limit := maxWaits * timeout
	if !r.Virtual {
		limit += 3 * time.Second // for a busy machine
	}
	late := time.NewTimer(limit)
	defer late.Stop()
	var err error
	select {
	case err = <-answered:
	case <-late.C:
		t.Errorf("the call takes longer than %s", limit)
	}
	if err := errors.Join(ignoreClosed(d.Close()), ignoreClosed(peer.Close())); err != nil {
		t.Errorf("close: %v", err)
	}
	<-done
	kinds := []fault.Kind{fault.DeviceLink, fault.DeviceTimeout, fault.DeviceFailed, fault.OutcomeUnknown}
	if !slices.Contains(kinds, fault.KindOf(err)) {
		t.Errorf("error %v of kind %q, want one of %v", err, fault.KindOf(err), kinds)
	}
}

// ignoreClosed forgives a second Close: the peer may have closed already.
func ignoreClosed(err error) error {
	if errors.Is(err, io.ErrClosedPipe) || err != nil && strings.Contains(err.Error(), "closed") {
		return nil
	}
	return err
}
