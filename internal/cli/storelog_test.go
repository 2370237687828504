package cli

import (
	"crypto/rand"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/keys"
)

// cardOf makes the card of a TEST officer, good for a year from then.
func cardOf(t *testing.T, id string, then time.Time) custody.Card {
	t.Helper()
	env := keys.Env{Rand: rand.Reader, Now: func() time.Time { return then }}
	o, err := custody.NewOfficer(env, custody.Officer{ID: id, Name: "TEST " + id, Roles: []custody.Role{custody.Custodian},
		Environment: custody.Test})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Wipe()
	return o.Card()
}

func TestOnlyOfficersInOfficeSignTheStoresLog(t *testing.T) {
	then := time.Date(2025, 3, 1, 8, 0, 0, 0, time.UTC)
	here, gone, stranger := cardOf(t, "custodian.a", then), cardOf(t, "custodian.b", then), cardOf(t, "custodian.a", then)
	place := logPlace{identity: audit.Identity{Store: "TEST-STORE-0001", Environment: audit.Test},
		officers: []storeOfficer{{card: here}, {card: gone, revoked: then.Add(time.Hour)}}}
	if err := place.inOffice(here); err != nil {
		t.Errorf("in office: %v", err)
	}
	for _, c := range []custody.Card{gone, stranger} {
		if err := place.inOffice(c); !fault.Is(err, fault.NotPermitted) {
			t.Errorf("%s: %v", c.ID(), err)
		}
	}
	if err := (logPlace{path: "copy.audit"}).inOffice(stranger); err != nil {
		t.Errorf("a file alone knows no officers: %v", err)
	}
	if len(place.cards()) != 2 {
		t.Error("what a revoked officer signed before stays signed")
	}
}

func TestSignaturesOutsideOfTheIdentitysTimeAreTold(t *testing.T) {
	then := time.Date(2025, 3, 1, 8, 0, 0, 0, time.UTC)
	here, gone := cardOf(t, "custodian.a", then), cardOf(t, "custodian.b", then)
	ev := evidence{cards: []custody.Card{here, gone},
		place: logPlace{officers: []storeOfficer{{card: here}, {card: gone, revoked: then.Add(2 * time.Hour)}}}}
	for _, c := range []struct {
		card custody.Card
		at   time.Duration
		want int
	}{
		{here, -time.Hour, 1}, {here, time.Hour, 0}, {here, 366 * 24 * time.Hour, 1}, {gone, time.Hour, 0}, {gone, 3 * time.Hour, 1},
	} {
		var doc auditVerifyDoc
		doc.warnAbout(audit.CheckpointReport{Checkpoint: audit.Checkpoint{Time: then.Add(c.at)},
			Signers: []string{c.card.NoteVerifier().Name()}}, ev)
		if len(doc.Warnings) != c.want || c.want == 1 && doc.Warnings[0].ID != signedOutside {
			t.Errorf("%s after %s: %v", c.card.ID(), c.at, doc.Warnings)
		}
	}
}
