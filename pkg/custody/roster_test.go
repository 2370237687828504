package custody

import (
	"slices"
	"sync"
	"testing"

	"poskey/internal/fault"
)

func TestOnePersonIsOneOfficer(t *testing.T) {
	a := newTest(t, "one", Custodian)
	roster, err := NewRoster(Test, a.Card())
	must(t, err)
	mustFail(t, roster.Admit(a.Card()), fault.NotPermitted, "the same key")

	renamed := &Identity{card: a.card, seed: a.seed, scalar: a.scalar}
	renamed.card.id, renamed.card.name = "two", "TEST two"
	must(t, renamed.signCard())
	mustFail(t, roster.Admit(renamed.Card()), fault.NotPermitted, "one and two have the same key")

	other := newTest(t, "three", Custodian)
	halfOwn := &Identity{card: other.card, seed: other.seed, scalar: a.scalar}
	must(t, halfOwn.signCard())
	mustFail(t, roster.Admit(halfOwn.Card()), fault.NotPermitted, "the same key")

	sameID, err := NewOfficer(testEnv("x"), Officer{ID: "one", Name: "TEST x", Roles: []Role{Operator}, Environment: Test})
	must(t, err)
	defer sameID.Wipe()
	mustFail(t, roster.Admit(sameID.Card()), fault.NotPermitted, "two officers with the id one")

	sameName, err := NewOfficer(testEnv("y"), Officer{ID: "four", Name: "TEST one", Roles: []Role{Operator},
		Environment: Test})
	must(t, err)
	defer sameName.Wipe()
	mustFail(t, roster.Admit(sameName.Card()), fault.NotPermitted, "namesakes")

	mustFail(t, roster.Admit(newIn(t, Production, "five", Custodian).Card()), fault.NotPermitted,
		"is for production, this is test")
	mustFail(t, roster.Admit(Card{}), fault.Bug, "empty")
	if n := len(roster.Cards()); n != 1 {
		t.Errorf("%d officers were admitted", n)
	}
	_, err = NewRoster(Test, a.Card(), a.Card())
	mustFail(t, err, fault.NotPermitted)
	_, err = NewRoster("")
	mustFail(t, err, fault.Usage)
}

func TestRevokedOfficerIsGone(t *testing.T) {
	all := cardsOf(custodians(t, 3))
	roster, err := NewRoster(Test, all...)
	must(t, err)
	got, err := roster.Find(all[1].Fingerprint())
	must(t, err)
	if got.ID() != all[1].ID() {
		t.Errorf("found %s", got.ID())
	}
	must(t, roster.Revoke(all[1].Fingerprint()))
	_, err = roster.Find(all[1].Fingerprint())
	mustFail(t, err, fault.NotFound)
	mustFail(t, roster.Revoke(all[1].Fingerprint()), fault.NotFound)
	must(t, roster.Admit(all[1]))
	if n := len(roster.Cards()); n != 3 {
		t.Errorf("%d officers", n)
	}
}

func TestRosterIsUsedByManyAtOnce(t *testing.T) {
	all := cardsOf(custodians(t, 6))
	roster, err := NewRoster(Test)
	must(t, err)
	var wait sync.WaitGroup
	for _, c := range slices.Concat(all, all) {
		wait.Go(func() {
			_ = roster.Admit(c)
			_, _ = roster.Find(c.Fingerprint())
			_ = roster.Cards()
		})
	}
	wait.Wait()
	if n := len(roster.Cards()); n != 6 {
		t.Errorf("%d officers", n)
	}
}

func TestCustodiansOfOneManagerAreNamed(t *testing.T) {
	var cards []Card
	for i, manager := range []string{"Wang", "Wang", "Chen", "", "", "Wang"} {
		c := newTest(t, "m"+string(rune('a'+i)), Custodian).Card()
		c.manager = manager
		cards = append(cards, c)
	}
	if got := OneManager(cards, 2); !slices.Equal(got, []string{"Wang"}) {
		t.Errorf("threshold 2: %v", got)
	}
	if got := OneManager(cards, 4); got != nil {
		t.Errorf("threshold 4: %v", got)
	}
}
