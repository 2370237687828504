package testcli

// Officers and stores for the scripts, and the secrets that are searched for in what scripts with stores leave behind.

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"poskey/internal/secret"
	"poskey/pkg/custody"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

// CanaryWords stand in every passphrase of the scripts' officers, and nowhere else.
const CanaryWords = "tangle walnut orbit"

func testEnv() keys.Env { return keys.Env{Rand: rand.Reader, Now: time.Now} }

// staff are the scripts' officers: TEST identities, made once a run, since each costs a passphrase's derivation.
type staff struct {
	mu    sync.Mutex
	all   []*custody.Identity
	files map[string][]byte // by name
}

var offices = map[custody.Environment]*staff{custody.Test: {}, custody.Production: {}} //nolint:gochecknoglobals // made once

func roster() map[string][]custody.Role {
	return map[string][]custody.Role{
		"custodian.a": {custody.Custodian}, "custodian.b": {custody.Custodian}, "custodian.c": {custody.Custodian},
		"admin.d": {custody.Administrator}, "admin.e": {custody.Administrator}, "auditor.f": {custody.Auditor},
		"operator.g": {custody.Operator}, "keeper.h": {custody.Custodian, custody.Operator},
	}
}

// hire gives the officers' files.
func (s *staff) hire(e custody.Environment) (map[string][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.files != nil {
		return s.files, nil
	}
	files := map[string][]byte{}
	for id, roles := range roster() {
		if err := s.hireOne(id, roles, e, files); err != nil {
			return nil, err
		}
	}
	s.files = files
	return files, nil
}

func (s *staff) present() []*custody.Identity {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all)
}

func (s *staff) hireOne(id string, roles []custody.Role, e custody.Environment, files map[string][]byte) error {
	officer, err := custody.NewOfficer(testEnv(), custody.Officer{ID: id, Name: "TEST " + id, Roles: roles, Environment: e})
	if err != nil {
		return err
	}
	pass := "TEST " + CanaryWords + " of " + id
	typed := secret.Copy([]byte(pass))
	defer typed.Wipe()
	file, err := officer.Lock(testEnv(), typed, custody.FloorCost())
	if err != nil {
		return err
	}
	s.all = append(s.all, officer)
	files[id+".identity"], files[id+".card"], files[id+".pass"] = file, officer.Card().Marshal(), []byte(pass+"\n")
	return nil
}

// cmdOfficers puts officers' files into the script's folder: for each of custodian.a, .b, .c, admin.d, admin.e, auditor.f, keeper.h
// and operator.g an identity, a card and a file with the passphrase. A second argument names another folder.
func cmdOfficers(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	if len(args) == 0 || len(args) > 2 {
		ts.Fatalf("usage: officers test|production [FOLDER]")
	}
	e, err := custody.ParseEnvironment(args[0])
	ts.Check(err)
	dir := "."
	if len(args) == 2 {
		dir = args[1]
	}
	files, err := offices[e].hire(e)
	ts.Check(err)
	ts.Check(os.MkdirAll(ts.MkAbs(dir), 0o700))
	for name, content := range files {
		path := filepath.Join(ts.MkAbs(dir), name)
		ts.Check(os.WriteFile(path, content, 0o600))
		ts.Check(stateOf(ts).canaries.input(path))
	}
}

// cmdEnter writes the fingerprints of the officers' cards into the script of a ceremony.
func cmdEnter(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	if len(args) != 3 {
		ts.Fatalf("usage: enter test|production FROM TO")
	}
	e, err := custody.ParseEnvironment(args[0])
	ts.Check(err)
	text := ts.ReadFile(args[1])
	for _, officer := range offices[e].present() {
		line := "  - id: " + officer.Card().ID() + "\n"
		text = strings.Replace(text, line, line+"    card: "+officer.Card().Fingerprint().String()+"\n", 1)
	}
	path := ts.MkAbs(args[2])
	ts.Check(os.WriteFile(path, []byte(text), 0o600))
	ts.Check(stateOf(ts).canaries.input(path))
}

// cmdSQL changes a SQLite file behind poskey's back, as somebody who can write it would.
func cmdSQL(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	if len(args) != 2 {
		ts.Fatalf("usage: sql FILE STATEMENT")
	}
	db, err := sql.Open("sqlite", ts.MkAbs(args[0]))
	ts.Check(err)
	defer func() { ts.Check(db.Close()) }()
	result, err := db.Exec(args[1])
	ts.Check(err)
	if n, err := result.RowsAffected(); err == nil && n == 0 && !strings.HasPrefix(args[1], "CREATE") && !strings.HasPrefix(args[1], "DROP") {
		ts.Fatalf("sql changes nothing: %s", args[1])
	}
}

// cmdDBLock holds a SQLite file as a program does that lets nobody else in, until the script ends.
func cmdDBLock(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	if len(args) != 1 {
		ts.Fatalf("usage: dblock FILE")
	}
	db, err := sql.Open("sqlite", ts.MkAbs(args[0])+"?_pragma=locking_mode(exclusive)&_txlock=exclusive")
	ts.Check(err)
	tx, err := db.Begin()
	ts.Check(err)
	ts.Defer(func() { _ = errors.Join(tx.Rollback(), db.Close()) })
	_, err = tx.Exec("UPDATE meta SET one = one")
	ts.Check(err)
}

// cmdDamage changes one bit of a file.
func cmdDamage(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	if len(args) != 2 {
		ts.Fatalf("usage: damage FILE OFFSET")
	}
	path, at := ts.MkAbs(args[0]), number(ts, args[1])
	raw, err := os.ReadFile(path)
	ts.Check(err)
	if at < 0 || at >= len(raw) {
		ts.Fatalf("%s has %d bytes", args[0], len(raw))
	}
	raw[at] ^= 1
	ts.Check(os.WriteFile(path, raw, 0o600))
}

// cmdTake sets a variable to a field of a JSON document.
func cmdTake(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	if len(args) != 3 {
		ts.Fatalf("usage: take NAME FILE PATH")
	}
	value, err := field(ts.ReadFile(args[1]), args[2])
	ts.Check(err)
	ts.Setenv(args[0], value)
}

// cmdSecrets holds that so many master keys and keys of stores, or more, are known to the search: a search for nothing
// finds nothing.
func cmdSecrets(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	if len(args) != 1 {
		ts.Fatalf("usage: secrets N")
	}
	s := stateOf(ts).canaries
	found, err := storeSecrets(s.work, s.stores)
	ts.Check(err)
	if want := number(ts, args[0]); len(found) < want {
		ts.Fatalf("%d secrets of stores are known, want %d", len(found), want)
	}
}

// storeSecrets gives the master key and all keys of every store below a folder, and of those named, as far as their
// officers are the scripts' own or lie there with their passphrases.
func storeSecrets(work string, stores []string) ([]needle, error) {
	files, err := filesBelow(work)
	if err != nil {
		return nil, err
	}
	for _, path := range files {
		if strings.HasSuffix(path, ".db") {
			stores = append(stores, "sqlite:"+path)
		}
	}
	if len(stores) == 0 {
		return nil, nil
	}
	present, err := everybody(files)
	if err != nil {
		return nil, err
	}
	var all []needle
	for _, address := range stores {
		found, err := secretsOf(address, present)
		if err != nil {
			return nil, fmt.Errorf("the secrets of %s: %w", address, err)
		}
		all = append(all, found...)
	}
	return all, nil
}

func filesBelow(dir string) ([]string, error) {
	var all []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			all = append(all, path)
		}
		return err
	})
	return all, err
}

// everybody is the staff, and whose identity lies beside a file with the passphrase.
func everybody(files []string) ([]*custody.Identity, error) {
	var all []*custody.Identity
	known := map[custody.Fingerprint]bool{}
	for _, s := range offices {
		for _, id := range s.present() {
			known[id.Card().Fingerprint()] = true
			all = append(all, id)
		}
	}
	for _, path := range files {
		pass, err := os.ReadFile(strings.TrimSuffix(path, ".identity") + ".pass")
		if !strings.HasSuffix(path, ".identity") || err != nil {
			continue
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		locked, err := custody.ParseIdentity(raw)
		if err != nil || known[locked.Card().Fingerprint()] {
			continue // not meant to be one
		}
		typed := secret.Take([]byte(strings.TrimSuffix(string(pass), "\n")))
		id, err := locked.Unlock(testEnv(), typed, nobody())
		typed.Wipe()
		if err == nil {
			known[id.Card().Fingerprint()] = true
			all = append(all, id)
		}
	}
	return all, nil
}

func nobody() custody.Recorder {
	return custody.RecorderFunc(func(custody.Event) error { return nil })
}

// secretsOf opens one store. What is no store, or is not the staff's, has no secrets to look for.
func secretsOf(address string, present []*custody.Identity) ([]needle, error) {
	url, err := store.ParseURL(address)
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	db, err := store.Open(ctx, url, store.Options{Now: time.Now, ReadOnly: true})
	if err != nil {
		return nil, nil //nolint:nilerr // scripts damage stores
	}
	defer func() { _ = db.Close() }()
	id, err := db.Identity(ctx)
	if err != nil || id.Master.Kind != store.ByOfficers {
		return nil, err
	}
	doc, err := custody.ParseSealedStore(id.Master.Sealed)
	if err != nil {
		return nil, nil //nolint:nilerr // the same
	}
	want := custody.Expectation{Store: id.ID, Environment: custody.Environment(id.Environment), Generation: id.Master.Generation}
	opening, err := custody.NewOpening(testEnv(), doc.Master, want, nobody())
	if err != nil {
		return nil, nil //nolint:nilerr // the same
	}
	defer opening.Wipe()
	for _, officer := range present {
		if opening.Missing() > 0 {
			_ = opening.Add(officer) // those who hold no share are refused
		}
	}
	if opening.Missing() > 0 {
		return nil, errors.New("its officers are not known: let the file with a passphrase be ID.pass beside ID.identity")
	}
	master, err := opening.Master()
	if err != nil {
		return nil, err
	}
	defer master.Wipe()
	return keysUnder(ctx, db, master.Key())
}

// keysUnder gives a master key and all that is wrapped under it.
func keysUnder(ctx context.Context, db *store.Store, master *keys.Key) ([]needle, error) {
	all := []needle{keyNeedle("a master key", master)}
	protector, err := keyblock.NewProtector('D', master)
	if err != nil {
		return nil, err
	}
	for row, err := range db.List(ctx, store.Filter{}) {
		if err != nil {
			return nil, err
		}
		b, err := keyblock.Parse(row.Block)
		if err != nil {
			continue // destroyed, or damaged by the script
		}
		opened, err := protector.Unwrap(b)
		if err != nil {
			continue
		}
		all = append(all, keyNeedle("the key "+row.Ref().String(), opened.Key))
		opened.Wipe()
	}
	return all, nil
}

func keyNeedle(what string, k *keys.Key) needle {
	raw := append([]byte(nil), k.Secret().Expose()...)
	return needle{what: what, raw: raw, text: strings.ToUpper(hex.EncodeToString(raw))}
}
