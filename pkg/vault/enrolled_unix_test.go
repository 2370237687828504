//go:build linux || darwin

package vault

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/agent"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
)

// smuggle puts a card among the officers as somebody with the database can.
func (o *office) smuggle(c custody.Card) {
	o.t.Helper()
	byHand(o.t, o.url, fmt.Sprintf("INSERT INTO officers (fingerprint, id, card, added, revoked) VALUES ('%s', '%s', x'%X', 1, 0)",
		c.Fingerprint(), c.ID(), c.Marshal()))
}

// TestAnOfficerWhoWasPutIntoTheDatabaseIsNone: neither are they asked for approvals, nor do they make officers.
func TestAnOfficerWhoWasPutIntoTheDatabaseIsNone(t *testing.T) {
	noLeaks(t)
	o := newOffice(t, custody.Test)
	made := newPerson(t, custody.Test, "admin.x", custody.Administrator, custody.Custodian)
	o.smuggle(made.Card())
	_, err := Unseal(t.Context(), o.db, o.opening(o.holders...))
	mustFail(t, err, fault.NotPermitted, "admin.x")
	a, b := o.holders[0], o.holders[1]
	_, err = o.reshare(Resharing{Holders: cards(a.Identity, b.Identity), Threshold: 2}, a, b, made)
	mustFail(t, err, fault.NotPermitted, "admin.x")
	found, err := Verify(t.Context(), o.db, nil, o.log(o.id.ID))
	must(t, err)
	mustFind(t, found, "officers: admin.x")

	byHand(t, o.url, "DELETE FROM officers WHERE id = 'admin.x'", "UPDATE officers SET revoked = 5 WHERE id = 'admin.d'")
	found, err = Verify(t.Context(), o.db, nil, o.log(o.id.ID))
	must(t, err)
	mustFind(t, found, "officers: admin.d is missing")
	_, err = Unseal(t.Context(), o.db, o.opening(o.holders...))
	mustFail(t, err, fault.NotPermitted, "admin.d")

	byHand(t, o.url, "UPDATE officers SET revoked = 0", "UPDATE officers SET id = 'admin.e' WHERE id = 'admin.d'")
	found, err = Verify(t.Context(), o.db, nil, o.log(o.id.ID))
	must(t, err)
	mustFind(t, found, "officer admin.e: the row does not agree")
	byHand(t, o.url, "UPDATE officers SET id = 'admin.d' WHERE id = 'admin.e'", "UPDATE meta SET generation = 2")
	found, err = Verify(t.Context(), o.db, nil, o.log(o.id.ID))
	must(t, err)
	mustFind(t, found, "the sealed master key is of store", "generation 1")
	byHand(t, o.url, "UPDATE meta SET generation = 1, sealed = substr(sealed, 2)")
	found, err = Verify(t.Context(), o.db, nil, o.log(o.id.ID))
	must(t, err)
	mustFind(t, found, "the sealed master key: ")
}

// TestTheDocumentOfBeforeAResharingOpensNothing puts document, generation and officers back.
func TestTheDocumentOfBeforeAResharingOpensNothing(t *testing.T) {
	noLeaks(t)
	o := newOffice(t, custody.Test)
	a, b := o.holders[0], o.holders[1]
	c := newPerson(t, custody.Test, "custodian.c", custody.Custodian)
	must(t, o.db.Close())
	old := filepath.Join(t.TempDir(), "old.db")
	copyFile(t, o.url.Path(), old)
	o.db = openAt(t, o.url)
	next := Resharing{Holders: cards(a.Identity, c.Identity), Threshold: 2, Revoke: []string{"custodian.b"}}
	_, err := o.reshare(next, a, b)
	mustFail(t, err, fault.NotPermitted, "administrator")
	_, err = o.reshare(next, a, b, o.admin)
	must(t, err)
	must(t, o.db.Close())
	now := filepath.Join(t.TempDir(), "now.db")
	copyFile(t, o.url.Path(), now)

	copyFile(t, old, o.url.Path())
	o.db = openAt(t, o.url)
	_, err = Unseal(t.Context(), o.db, o.opening(a, b))
	mustFail(t, err, fault.NotPermitted, "older copy")
	_, err = o.reshare(Resharing{Holders: cards(a.Identity, b.Identity), Threshold: 2}, a, b)
	mustFail(t, err, fault.NotPermitted, "older copy")
	must(t, o.db.Close())

	copyFile(t, now, o.url.Path())
	o.db = openAt(t, o.url)
	o.holders = []person{a, c}
	v, _ := o.unseal()
	verifyIn(t, v, o.log(o.id.ID))
}

// TestAResharingThatBreaksOffLocksNobodyOut ends it at its two places: before the database has it, and before the log does.
func TestAResharingThatBreaksOffLocksNobodyOut(t *testing.T) {
	noLeaks(t)
	o := newOffice(t, custody.Test)
	a, b := o.holders[0], o.holders[1]
	auditor := officer(t, custody.Test, "auditor.e", custody.Auditor)
	r := Resharing{Holders: cards(b.Identity, a.Identity), Others: cards(auditor), Threshold: 2, Opening: o.opening(a, b, o.admin)}
	start := r.Start
	ctx, cancel := context.WithCancel(t.Context())
	r.Start = func(c context.Context, config agent.Config) (agent.Started, error) {
		defer cancel() // what was made is lost
		return start(c, config)
	}
	if _, err := Reshare(ctx, o.db, r); err == nil {
		t.Fatal("it was written")
	}
	id, err := o.db.Identity(t.Context())
	if must(t, err); id.Master.Generation != 1 {
		t.Errorf("generation %d", id.Master.Generation)
	}
	v, s := o.unseal()
	must(t, v.Authority().Seal(t.Context(), me()))
	gone(t, s.PID)

	var log *audit.Log
	r.Start = func(c context.Context, config agent.Config) (agent.Started, error) {
		made, err := start(c, config)
		must(t, err)
		log, err = audit.Open(o.log(o.id.ID), identityOf(&o.id), audit.Options{Now: time.Now, Who: me()})
		must(t, err)
		return made, nil
	}
	r.Opening.Start, start = r.Start, starter(t, a.phrase, b.phrase, o.admin.phrase)
	_, err = Reshare(t.Context(), o.db, r)
	mustFail(t, err, fault.Busy, "the new shares are in force")
	must(t, log.Close())
	officers, err := o.db.Officers(t.Context())
	if must(t, err); len(officers) != 4 {
		t.Errorf("%d officers", len(officers))
	}
	v, _ = o.unseal()
	verifyIn(t, v, o.log(o.id.ID))
}

// TestAResharingKeepsTheOfficersItDoesNotName: who loses a share stays an officer, and is one for the master key too.
func TestAResharingKeepsTheOfficersItDoesNotName(t *testing.T) {
	noLeaks(t)
	o := newOffice(t, custody.Test)
	a, b := o.holders[0], o.holders[1]
	c := newPerson(t, custody.Test, "custodian.c", custody.Custodian)
	id, err := o.reshare(Resharing{Holders: cards(a.Identity, c.Identity), Threshold: 2}, a, b, o.admin)
	must(t, err)
	sealed, err := custody.ParseSealedStore(id.Master.Sealed)
	must(t, err)
	var names []string
	for _, h := range sealed.Roster.Officers() {
		names = append(names, h.ID)
	}
	if got := strings.Join(names, " "); got != "custodian.a custodian.c admin.d custodian.b" && got != "custodian.a custodian.c custodian.b admin.d" {
		t.Errorf("the officers are %s", got)
	}
	_, err = o.reshare(Resharing{Holders: cards(a.Identity, c.Identity), Threshold: 2, Revoke: []string{"custodian.b"}}, a, c, o.admin)
	must(t, err)
	_, err = o.reshare(Resharing{Holders: cards(a.Identity, c.Identity), Threshold: 2, Revoke: []string{"custodian.b"}}, a, c, o.admin)
	mustFail(t, err, fault.NotFound, "custodian.b") // who has left leaves no more
	rows, err := o.db.Officers(t.Context())
	must(t, err)
	for _, row := range rows {
		if (row.ID == "custodian.b") == row.Revoked.IsZero() {
			t.Errorf("%s is revoked at %v", row.ID, row.Revoked)
		}
	}
	var records []string
	raw, err := openLog(o.log(o.id.ID))
	must(t, err)
	defer raw.close()
	for r, err := range audit.Query(raw.all(), audit.Filter{Operation: "officer."}) {
		if must(t, err); r.Operation != audit.OfficerAuthenticate {
			records = append(records, string(r.Operation)+" "+r.Object.Label)
		}
	}
	if got := strings.Join(records, ", "); got != "officer.add custodian.c, officer.remove custodian.b" {
		t.Errorf("recorded is %s", got)
	}
}
