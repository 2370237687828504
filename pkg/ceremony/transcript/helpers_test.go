package transcript

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"poskey/internal/chained"
	"poskey/internal/fault"
	"poskey/pkg/custody"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// clock goes on by a second with every look at it.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func dawn() time.Time { return time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC) }

func newClock() *clock { return &clock{t: dawn()} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(time.Second)
	return c.t
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = t
}

// fast spares tests that need many lines the disk.
func fast(c *clock) Options {
	return Options{Now: c.now, Sync: func(*os.File) error { return nil }}
}

// testScript is a small one, as a stand-in: the record does not read it.
const testScript = "ceremony: zmk-exchange\nenvironment: test\n# 中文 also\n"

func testHead() Head {
	return Head{Ceremony: "20261201-7F3A91C2", Mode: Run, Environment: custody.Test, Script: []byte(testScript),
		Tool: "poskey v0.6.0 (TEST)", Station: "desk-1", Language: "en"}
}

// drbg is AES-CTR over zeros: random bytes that are the same in every run.
func drbg(seed string) io.Reader {
	key := make([]byte, 32)
	copy(key, seed)
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	return cipher.StreamReader{S: cipher.NewCTR(block, make([]byte, aes.BlockSize)), R: zeros{}}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// officer makes a person of the test environment, the same one every time for a seed.
func officer(t testing.TB, id, seed string, e custody.Environment) *custody.Identity {
	t.Helper()
	env := keys.Env{Rand: drbg(seed), Now: dawn}
	o, err := custody.NewOfficer(env, custody.Officer{ID: id, Name: "TEST " + id, Roles: []custody.Role{custody.Custodian},
		Environment: e})
	must(t, err)
	t.Cleanup(o.Wipe)
	return o
}

func testOfficer(t testing.TB, id string) *custody.Identity {
	t.Helper()
	return officer(t, id, "TEST "+id, custody.Test)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newRecord(t testing.TB) (*Log, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "transcript.jsonl")
	l, err := Create(path, testHead(), fast(newClock()))
	must(t, err)
	t.Cleanup(func() { _ = l.Abandon() })
	return l, path
}

func put(t testing.TB, l *Log, e Entry) Record {
	t.Helper()
	r, err := l.Write(e)
	must(t, err)
	return r
}

func attend(t testing.TB, l *Log, who *custody.Identity, role string) {
	t.Helper()
	put(t, l, Entry{Kind: KindAttended, Who: who.Card().ID(), Card: who.Card().Marshal(),
		Details: map[string]string{"role": role, "seat": "primary"}})
}

func sign(t testing.TB, l *Log, step int, who *custody.Identity) Record {
	t.Helper()
	r, err := l.Sign(step, who)
	must(t, err)
	return r
}

func resumed(t testing.TB, path string, c *clock) (*Log, *Document) {
	t.Helper()
	l, doc, err := Resume(path, fast(c))
	must(t, err)
	t.Cleanup(func() { _ = l.Abandon() })
	return l, doc
}

func closeSigned(t testing.TB, l *Log, all ...*custody.Identity) {
	t.Helper()
	text, err := l.Statement()
	must(t, err)
	note, err := custody.SignNote(text, all...)
	must(t, err)
	must(t, l.Close(note))
}

func ecb(digits string) kcv.Value { return kcv.Value{Digits: digits, Method: kcv.ECBZero} }

// whole writes a ceremony with everything that the format has.
func whole(t testing.TB) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "transcript.jsonl")
	c := newClock()
	l, err := Create(path, testHead(), fast(c))
	must(t, err)
	li, wang, chen := testOfficer(t, "li.na"), testOfficer(t, "wang.wei"), testOfficer(t, "chen")
	put(t, l, Entry{Kind: KindFinding, Details: map[string]string{"id": "one-manager", "level": "warning",
		"requirement": "25-1", "what": `two report to "Head of Cards" \ Ops`}})
	attend(t, l, li, "leader")
	attend(t, l, wang, "custodian")
	attend(t, l, chen, "witness")
	put(t, l, Entry{Kind: KindConfirmed, Who: "li.na", People: []string{"wang.wei", "chen"},
		Details: map[string]string{"what": "script", "fingerprint": DigestOf([]byte(testScript)).String()}})
	put(t, l, Entry{Kind: KindBegun, Step: 1, Who: "wang.wei", Key: "zmk", Part: 1})
	put(t, l, Entry{Kind: KindSaid, Step: 1, Who: "li.na", Details: map[string]string{"text": "请打开信封。Open the bag."}})
	put(t, l, Entry{Kind: KindBag, Step: 1, Who: "wang.wei", Key: "zmk", Part: 1,
		Details: map[string]string{"event": "opened", "serial": "1234567890123456", "outer": "AB-0001", "state": "intact"}})
	put(t, l, Entry{Kind: KindObserved, Step: 1, Verdict: Match,
		Details: map[string]string{"item": "hsm", "seen": "S-0042", "expected": "S-0042"}})
	put(t, l, Entry{Kind: KindEntered, Step: 1, Who: "wang.wei", Key: "zmk", Part: 1, Check: ecb("08D7B4")})
	put(t, l, Entry{Kind: KindChecked, Step: 1, Key: "zmk", Part: 1, Check: ecb("08D7B4"),
		Expected: kcv.Value{Digits: "08D7"}, Verdict: Match})
	put(t, l, Entry{Kind: KindDone, Step: 1, Who: "wang.wei"})
	sign(t, l, 1, wang)
	sign(t, l, 1, li)
	must(t, l.Abandon())
	tear(t, path, `{"n":16,"time":"20`)
	c.set(dawn().Add(-time.Minute))
	l, _ = resumed(t, path, c)
	put(t, l, Entry{Kind: KindResumed, Who: "li.na", Details: map[string]string{"why": "the power failed"}})
	attend(t, l, wang, "custodian")
	put(t, l, Entry{Kind: KindDeviation, Step: 1, People: []string{"li.na", "chen"}, Details: map[string]string{
		"expected": "no break", "happened": "the power failed", "decided": "part 1 is entered again"}})
	put(t, l, Entry{Kind: KindVoid, Step: 1, Key: "zmk", Part: 1})
	put(t, l, Entry{Kind: KindMade, Step: 2, Key: "zmk", Check: kcv.Value{Digits: "763CBC", Method: kcv.CMAC}})
	put(t, l, Entry{Kind: KindPrinted, Step: 2, Who: "chen", Key: "zmk", Part: 2})
	put(t, l, Entry{Kind: KindKept, Step: 2, Key: "zmk", Details: map[string]string{"label": "ZMK-2026#1"}})
	put(t, l, Entry{Kind: KindExported, Step: 2, Key: "zmk", Details: map[string]string{"file": "zmk.tr31",
		"sha256": DigestOf([]byte("block")).String(), "header": "D0144D0AB00E0000"}})
	put(t, l, Entry{Kind: KindLoaded, Step: 2, Key: "zmk", Details: map[string]string{"device": "T-0001", "slot": "1",
		"ksn": "FFFF9876543210E00000"}})
	put(t, l, Entry{Kind: KindDestroyed, Step: 2, Key: "zmk", Part: 1, Details: map[string]string{"how": "cross-cut"}})
	put(t, l, Entry{Kind: KindDone, Step: 2})
	sign(t, l, 2, chen)
	closeSigned(t, l, chen, li)
	return load(t, path)
}

// short writes the shortest ceremony with all kinds of signatures.
func short(t testing.TB, h Head, all ...*custody.Identity) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "transcript.jsonl")
	l, err := Create(path, h, fast(newClock()))
	must(t, err)
	for _, who := range all {
		attend(t, l, who, "custodian")
	}
	put(t, l, Entry{Kind: KindDone, Step: 1})
	for _, who := range all {
		sign(t, l, 1, who)
	}
	closeSigned(t, l, all...)
	return load(t, path)
}

// tear adds what a crash may leave.
func tear(t testing.TB, path, rest string) {
	t.Helper()
	store(t, path, append(load(t, path), rest...))
}

func load(t testing.TB, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	must(t, err)
	return raw
}

func store(t testing.TB, path string, raw []byte) {
	t.Helper()
	must(t, os.WriteFile(path, raw, 0o600))
}

func read(t testing.TB, raw []byte) *Document {
	t.Helper()
	d, err := Read(bytes.NewReader(raw))
	must(t, err)
	return d
}

// verified reads a record that has to verify.
func verified(t testing.TB, raw []byte) *Document {
	t.Helper()
	d := read(t, raw)
	for _, p := range d.Problems {
		t.Errorf("line %d: %v", p.Line, p.Error)
	}
	return d
}

// splitLines gives the lines with their line feeds.
func splitLines(raw []byte) []string {
	lines := strings.SplitAfter(string(raw), "\n")
	return lines[:len(lines)-1]
}

// rechain is what somebody can do who writes the file: numbers, hashes and notes about the clock made anew.
func rechain(t testing.TB, lines []string) []byte {
	t.Helper()
	var out []byte
	var above Record
	for i, line := range lines {
		s := scanner{chained.NewScanner(strings.TrimSuffix(line, "\n"))}
		r := s.record()
		must(t, s.Err())
		r.N, r.Prev, r.Back = i+1, above.Hash, 0
		if i > 0 {
			r.Back = max(0, above.Time.Sub(r.Time))
		}
		out = append(append(out, seal(&r)...), '\n')
		above = r
	}
	return out
}

// mustFail holds an error against its kind and words that it has to contain.
func mustFail(t testing.TB, err error, kind fault.Kind, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s %q", kind, words)
	}
	if !fault.Is(err, kind) {
		t.Errorf("kind is %s, want %s: %v", fault.KindOf(err), kind, err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}

// caught asks that a record does not verify, and that nobody's signature is said to stand for it.
func caught(t testing.TB, what string, raw []byte, words ...string) {
	t.Helper()
	d := read(t, raw)
	if len(d.Problems) == 0 {
		t.Fatalf("%s: it verifies", what)
	}
	if len(d.Signers) > 0 {
		t.Errorf("%s: %v are said to have signed it", what, d.Signers)
	}
	for _, p := range d.Problems {
		if !fault.Is(p.Error, fault.LogBroken) {
			t.Errorf("%s: kind %s", what, fault.KindOf(p.Error))
		}
	}
	for _, w := range words {
		if !strings.Contains(d.Problems[0].Error.Error(), w) {
			t.Errorf("%s: %q does not say %q", what, d.Problems[0].Error, w)
		}
	}
}
