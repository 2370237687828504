package audit

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"poskey/internal/fault"
)

// clock goes on by a second with every look at it.
type clock struct{ t time.Time }

func newClock() *clock { return &clock{time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.t = c.t.Add(time.Second)
	return c.t
}

// unsynced spares tests that need many records the disk.
type unsynced struct{ Sink }

func (unsynced) Sync() error { return nil }

func fast(s Sink) Sink { return unsynced{s} }

var ( // of the tests
	testID = Identity{"STORE-1", Test}
	alice  = Actor{"alice", "custodian", "desk-1"}
	bob    = Actor{"bob", "administrator", ""}
	agent  = Actor{"agent", "agent", "desk-1"}
)

func options(c *clock) Options { return Options{Now: c.now, Who: agent, Sink: fast} }

func generate(label string) Entry {
	return Entry{Who: alice, Operation: KeyGenerate, Object: Object{Kind: KindKey, Label: label}}
}

// newLog makes a log with some records beside the first.
func newLog(t testing.TB, records int) (*Log, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l, err := Create(path, testID, options(newClock()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	for i := range records {
		add(t, l, fmt.Sprint("ZMK-", i))
	}
	return l, path
}

func add(t testing.TB, l *Log, label string) Receipt {
	t.Helper()
	got, err := l.Append(generate(label), OK())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func begin(t testing.TB, l *Log, label string) *Pending {
	t.Helper()
	p, err := l.Begin(generate(label))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func done(t testing.TB, p *Pending) Receipt {
	t.Helper()
	got, err := p.Done(OK())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func closeLog(t testing.TB, l *Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func reopen(t testing.TB, path string) *Log {
	t.Helper()
	l, err := Open(path, testID, options(newClock()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func write(t testing.TB, path string, raw []byte) {
	t.Helper()
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

// verified holds a log against both verifiers, which must agree, and gives the report.
func verified(t testing.TB, raw []byte, e Expect) Report {
	t.Helper()
	rep, err := Verify(bytes.NewReader(raw), e)
	if err != nil {
		t.Fatalf("the log does not verify: %v", err)
	}
	if err := independent(raw); err != nil {
		t.Fatalf("the independent verifier: %v", err)
	}
	return rep
}

// records parses all lines.
func records(t testing.TB, raw []byte) []Record {
	t.Helper()
	var all []Record
	for r, err := range Query(bytes.NewReader(raw), Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// officer makes a signer and its verifier, the same ones every time.
func officer(t testing.TB, name string) (note.Signer, note.Verifier) {
	t.Helper()
	return officerWith(t, name, name[0])
}

func officerWith(t testing.TB, name string, key byte) (note.Signer, note.Verifier) {
	t.Helper()
	seed := bytes.Repeat([]byte{key}, ed25519.SeedSize)
	vkey, err := note.NewEd25519VerifierKey(name, ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	s, err := note.NewSigner(fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", name, v.KeyHash(),
		base64.StdEncoding.EncodeToString(append([]byte{1}, seed...))))
	if err != nil {
		t.Fatal(err)
	}
	return s, v
}

func signers(t testing.TB, names ...string) (s []note.Signer, v note.Verifiers) {
	t.Helper()
	var list []note.Verifier
	for _, name := range names {
		signer, verifier := officer(t, name)
		s, list = append(s, signer), append(list, verifier)
	}
	return s, note.VerifierList(list...)
}

func checkpoint(t testing.TB, l *Log, names ...string) []byte {
	t.Helper()
	s, _ := signers(t, names...)
	signed, err := l.Checkpoint(bob, s...)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func reasonOf(err error) Reason {
	var p *Problem
	if errors.As(err, &p) {
		return p.Reason
	}
	return ""
}

func wantKind(t testing.TB, what string, err error, kind fault.Kind) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Errorf("%s: %v (%s), want %s", what, err, fault.KindOf(err), kind)
	}
}

func wantProblem(t testing.TB, what string, err error, reason Reason) {
	t.Helper()
	if reasonOf(err) != reason || !fault.Is(err, fault.LogBroken) {
		t.Errorf("%s: %v (%s, %s), want %s", what, err, reasonOf(err), fault.KindOf(err), reason)
	}
}

// splitLines gives the lines with their line feeds.
func splitLines(raw []byte) []string {
	lines := strings.SplitAfter(string(raw), "\n")
	return lines[:len(lines)-1]
}
