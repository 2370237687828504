//go:build linux || darwin

package agent

import (
	"context"
	"crypto/rand"
	"path/filepath"
	"testing"
	"time"

	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
	"poskey/pkg/hsm/hsmtest"
	"poskey/pkg/keys"
)

// freely makes a server whose works may do everything, over a master key of its own. Its officers are there without
// passphrases.
func freely(t testing.TB, change ...func(*server)) (*server, string) {
	t.Helper()
	dir := shortDir(t)
	log, err := audit.Create(filepath.Join(dir, "log"), audit.Identity{Store: storeID, Environment: audit.Test},
		audit.Options{Now: time.Now, Who: audit.Actor{ID: "test", Role: "agent"}})
	if err != nil {
		t.Fatal(err)
	}
	a := &agent{config: Config{Store: storeID, Environment: custody.Test}, free: true, log: log,
		ports: Ports{Env: realEnv(), Clock: newClock().read, Ticks: make(chan time.Time), Report: func(Event) error { return nil }}}
	a.trouble = make(chan error, 1)
	a.ledger = &ledger{log: log, self: a.self(), broken: func(err error) { t.Errorf("the log failed: %v", err) }}
	opened, roster := openNow(t, a)
	defer opened.Wipe()
	auth, err := opened.Authorise(a.ports.Clock, time.Hour, custody.KeyGenerate)
	if err != nil {
		t.Fatal(err)
	}
	book, err := custody.NewBook(rand.Reader, a.ports.Clock, storeID, roster, a.ledger)
	if err != nil {
		t.Fatal(err)
	}
	boundary, err := a.boundary(opened)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "run", "agent")
	l, err := listen(path)
	if err != nil {
		t.Fatal(err)
	}
	s := a.newServer(custody.Guard{Authorisation: auth, Book: book}, roster, boundary, l)
	for _, ch := range change {
		ch(s)
	}
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { ended <- s.live(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		_ = log.Close()
	})
	return s, path
}

// openNow opens a new master key by two officers who need no passphrase.
func openNow(t testing.TB, a *agent) (*custody.Opened, *custody.Roster) {
	t.Helper()
	var all []*custody.Identity
	var cards []custody.Card
	for _, name := range []string{"custodian-1", "custodian-2"} {
		id, err := custody.NewOfficer(realEnv(), custody.Officer{ID: name, Name: "TEST " + name,
			Roles: []custody.Role{custody.Custodian}, Environment: custody.Test})
		if err != nil {
			t.Fatal(err)
		}
		defer id.Wipe()
		all, cards = append(all, id), append(cards, id.Card())
	}
	master, err := keys.Generate(rand.Reader, keys.AES256)
	if err != nil {
		t.Fatal(err)
	}
	defer master.Wipe()
	doc, err := custody.Seal(realEnv(), master, cards, custody.Plan{Store: storeID, Environment: custody.Test, Threshold: 2})
	if err != nil {
		t.Fatal(err)
	}
	want := custody.Expectation{Store: storeID, Environment: custody.Test, Generation: 1}
	opening, err := custody.NewOpening(realEnv(), doc, want, a.ledger)
	if err != nil {
		t.Fatal(err)
	}
	defer opening.Wipe()
	for _, id := range all {
		if err := opening.Add(id); err != nil {
			t.Fatal(err)
		}
	}
	opened, err := opening.Master()
	if err != nil {
		t.Fatal(err)
	}
	roster, err := custody.NewRoster(custody.Test, cards...)
	if err != nil {
		t.Fatal(err)
	}
	return opened, roster
}

func TestAWorkInTheAgentPassesTheSuiteOfBoundaries(t *testing.T) {
	hsmtest.Run(t, func(t *testing.T) hsm.Boundary {
		_, path := freely(t)
		c, err := Dial(t.Context(), path, storeID)
		if err != nil {
			t.Fatal(err)
		}
		w, err := c.Begin(t.Context(), intent(custody.KeyGenerate, "TEST#1"))
		if err != nil {
			t.Fatal(err)
		}
		return w
	})
}
