package devicetest

import (
	"crypto/sha3"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// Setup says what a test needs.
type Setup struct {
	KLK      *keys.Key // in the terminal from the factory; nil for none
	ClearOff bool      // the terminal refuses clear keys
	Faults   []string
	SlowFor  time.Duration // of the terminal's fault slow
	Seed     uint64        // of the terminal's fault random
	Timeout  time.Duration // of the driver
	Retries  int           // of the driver; 0 takes the dialect's
	Trace    device.Trace
}

// Bench is a device with a view into the terminal.
type Bench struct {
	Device device.Device
	// Check is the check value of the key in a slot, as the terminal computes it from what it stored.
	Check func(device.Slot) (kcv.Value, bool)
}

// Rig connects a driver with a terminal.
type Rig struct {
	// Virtual lines are in memory: each test runs in a bubble with a time of its own.
	Virtual bool
	// Start makes a terminal, connects the driver and cleans both up with t.Cleanup.
	Start func(t *testing.T, s Setup) Bench
	// Pair makes a line: the driver's end and the peer's.
	Pair func(t *testing.T) (host, peer io.ReadWriteCloser)
	// Attach makes a device of the driver's end of a line; it closes the line.
	Attach  func(host io.ReadWriteCloser, timeout time.Duration) device.Device
	Dialect Dialect
}

// Dialect is what differs between protocols.
type Dialect struct {
	KLK, PIN, MAC, Other device.Slot // slots for the KLK, for PIN keys (Other too) and for MAC keys
	Unknown              device.Slot // a slot that does not exist
	KLKMode              byte        // mode of the KLK; 0 is D
	Serial               string      // a serial number as the dialect has them
	// Codes of the refusals.
	WrongKLK, NoKLK, TooLong, Duplicate, UsageUnfit, NoClear string
	WrongCheck, Occupied, KSNUsed                            string // of dialects with check values
	Hostile                                                  []Hostile
}

// Hostile is a peer that does not want to be a terminal. Play gets the line and a short time, of which it makes its
// pauses.
type Hostile struct {
	Name string
	Play func(peer io.ReadWriter, pause time.Duration)
}

// Run runs the suite.
func Run(t *testing.T, r Rig) {
	live := secret.Live()
	t.Run("loads", r.loads)
	t.Run("refusals", r.refusals)
	t.Run("faults", r.faults)
	t.Run("hostile", r.hostile)
	if now := secret.Live(); now != live {
		t.Errorf("%d secrets are live after the suite, %d were before", now, live)
	}
}

// test runs one test, in a bubble where the rig is virtual.
func (r Rig) test(t *testing.T, name string, body func(t *testing.T)) {
	t.Run(name, func(t *testing.T) {
		if r.Virtual {
			synctest.Test(t, body)
			return
		}
		t.Parallel()
		body(t)
	})
}

// patience is the driver's time-out where none should fire, haste where one is awaited.
func (r Rig) patience() time.Duration { return 20 * time.Second }

func (r Rig) haste() time.Duration {
	if r.Virtual {
		return 5 * time.Second
	}
	return 100 * time.Millisecond
}

// stream is a random source that gives the same for the same seed.
func stream(seed byte) io.Reader {
	s := sha3.NewSHAKE128()
	_, _ = s.Write([]byte{seed}) // it never fails
	return s
}

// newKey draws a key that is wiped with the test.
func newKey(t *testing.T, alg keys.Algorithm, seed byte) *keys.Key {
	t.Helper()
	k, err := keys.Generate(stream(seed), alg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Wipe)
	return k
}

// wrap closes a block as terminals of this kind take it.
func wrap(t *testing.T, version byte, kbpk, key *keys.Key, usage keys.Usage, mode byte) *keyblock.Block {
	t.Helper()
	p, err := keyblock.NewProtector(version, kbpk)
	if err != nil {
		t.Fatal(err)
	}
	h := keyblock.Header{Version: version, Usage: usage, Algorithm: keyblock.AlgorithmChar(key.Algorithm()), Mode: mode,
		KeyVersion: "00", Exportability: 'N', Context: '0', Reserved: '0'}
	text, _, err := p.Wrap(stream(0xFF), h, key, keyblock.WrapOptions{AllowWeak: true})
	if err != nil {
		t.Fatal(err)
	}
	b, err := keyblock.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
