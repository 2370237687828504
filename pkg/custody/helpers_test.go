package custody

import (
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/keys"
)

const testStore = "TEST-STORE-0001"

// dawn is when the tests begin.
func dawn() time.Time { return time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC) }

// drbg is AES-CTR over zeros: random bytes that are the same in every run.
type drbg struct {
	mu     sync.Mutex
	stream cipher.Stream
}

func newDRBG(seed string) *drbg {
	key := make([]byte, 32)
	copy(key, seed)
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	return &drbg{stream: cipher.NewCTR(block, make([]byte, aes.BlockSize))}
}

func (d *drbg) Read(b []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(b)
	d.stream.XORKeyStream(b, b)
	return len(b), nil
}

// deadReader is a random source that fails after some bytes.
type deadReader struct{ left int }

func (d *deadReader) Read(b []byte) (int, error) {
	if d.left < len(b) {
		return 0, fmt.Errorf("the source is dry")
	}
	d.left -= len(b)
	for i := range b {
		b[i] = byte(7*i + d.left)
	}
	return len(b), nil
}

func envAt(seed string, now time.Time) keys.Env {
	return keys.Env{Rand: newDRBG(seed), Now: func() time.Time { return now }}
}

func testEnv(seed string) keys.Env { return envAt(seed, dawn()) }

// quick is a cost for tests, and loose the bounds that let it pass.
func quick() Cost { return Cost{Passes: 1, MemoryKiB: 8, Lanes: 1} }

func loose() bounds {
	b := usualBounds()
	b.passes, b.memory = 1, 8
	return b
}

func phrase(s string) *secret.Bytes { return secret.Copy([]byte(s)) }

const goodPhrase = "TEST passphrase of nobody"

// noLeaks holds the number of live secrets at the end of a test against that at its beginning. Call it first.
func noLeaks(t testing.TB) {
	t.Helper()
	before := secret.Live()
	t.Cleanup(func() {
		if after := secret.Live(); after != before {
			t.Errorf("%d secrets are still live, %d before the test", after, before)
		}
	})
}

// newTest makes an officer of the test environment, named by its id.
func newTest(t testing.TB, id string, roles ...Role) *Identity {
	t.Helper()
	return newIn(t, Test, id, roles...)
}

func newIn(t testing.TB, e Environment, id string, roles ...Role) *Identity {
	t.Helper()
	o, err := NewOfficer(testEnv(string(e)+id), Officer{ID: id, Name: "TEST " + id, Roles: roles, Environment: e})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Wipe)
	return o
}

// custodians makes n of them.
func custodians(t testing.TB, n int) []*Identity {
	t.Helper()
	var all []*Identity
	for i := range n {
		all = append(all, newTest(t, fmt.Sprintf("custodian-%d", i+1), Custodian))
	}
	return all
}

func cardsOf(officers []*Identity) []Card {
	var cards []Card
	for _, o := range officers {
		cards = append(cards, o.Card())
	}
	return cards
}

func newMaster(t testing.TB, seed string) *keys.Key {
	t.Helper()
	k, err := keys.Generate(newDRBG(seed), keys.AES256)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Wipe)
	return k
}

func plan(threshold int) Plan { return Plan{Store: testStore, Environment: Test, Threshold: threshold} }

func sealed(t testing.TB, master *keys.Key, officers []*Identity, threshold int) *SealedMaster {
	t.Helper()
	doc, err := Seal(testEnv("seal"), master, cardsOf(officers), plan(threshold))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// want is what the store of a document expects.
func want(doc *SealedMaster) Expectation {
	return Expectation{Store: doc.Store(), Environment: doc.Environment(), Generation: doc.Generation(),
		Check: doc.Check()}
}

func opening(t testing.TB, doc *SealedMaster, rec Recorder) *Opening {
	t.Helper()
	o, err := NewOpening(testEnv("open"), doc, want(doc), rec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Wipe)
	return o
}

// open has the officers open a document.
func open(t testing.TB, doc *SealedMaster, rec Recorder, officers ...*Identity) *Opened {
	t.Helper()
	o := opening(t, doc, rec)
	for _, id := range officers {
		must(t, o.Add(id))
	}
	opened, err := o.Master()
	must(t, err)
	t.Cleanup(opened.Wipe)
	return opened
}

// log remembers events, or fails from the event with a number on.
type log struct {
	mu     sync.Mutex
	events []Event
	fail   EventKind
}

func (l *log) Record(e Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.Kind == l.fail {
		return fault.New(fault.Failure, "the disk is full")
	}
	l.events = append(l.events, e)
	return nil
}

func (l *log) kinds() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	for _, e := range l.events {
		all = append(all, string(e.Kind))
	}
	return strings.Join(all, " ")
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// mustFail holds an error against its kind and words that it has to contain.
func mustFail(t testing.TB, err error, kind fault.Kind, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s", kind)
	}
	if got := fault.KindOf(err); got != kind {
		t.Errorf("kind is %s, want %s: %v", got, kind, err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}

// tick is a clock that tests set.
type tick struct {
	mu  sync.Mutex
	now Instant
}

func newTick() *tick {
	return &tick{now: Instant{Wall: dawn(), Monotonic: time.Hour, Boot: 3 * time.Hour}}
}

func (c *tick) read() Instant {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// pass lets time pass on all clocks.
func (c *tick) pass(d time.Duration) { c.move(d, d, d) }

func (c *tick) move(wall, monotonic, boot time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = Instant{c.now.Wall.Add(wall), c.now.Monotonic + monotonic, c.now.Boot + boot}
}
