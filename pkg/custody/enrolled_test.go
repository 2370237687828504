package custody

import (
	"bytes"
	"testing"

	"poskey/internal/fault"
	"poskey/pkg/keys"
)

// staffed is a sealed store: three custodians, two of whom open it, and an administrator.
type staffed struct {
	master *keys.Key
	all    []*Identity
	admin  *Identity
	SealedStore
}

func newStaffed(t testing.TB) *staffed {
	t.Helper()
	s := &staffed{master: newMaster(t, "staffed"), all: custodians(t, 3), admin: newTest(t, "admin-d", Administrator)}
	s.Master = sealed(t, s.master, s.all, 2)
	s.Roster = enrolled(t, s.master, s.Master, s.cards())
	return s
}

func (s *staffed) cards() []Card { return append(cardsOf(s.all), s.admin.Card()) }

func enrolled(t testing.TB, master *keys.Key, m *SealedMaster, cards []Card) *SealedRoster {
	t.Helper()
	e, err := Enrol(master, m, cards)
	must(t, err)
	return e
}

func TestTheRosterIsTheOneTheMasterKeyVouchesFor(t *testing.T) {
	noLeaks(t)
	s := newStaffed(t)
	back, err := ParseSealedStore(s.Marshal())
	must(t, err)
	opened := open(t, back.Master, &log{}, s.all[0], s.all[2])
	must(t, opened.CheckRoster(back.Roster, s.cards()))
	if all := back.Roster.Officers(); len(all) != 4 || all[3] != (Holder{"admin-d", s.admin.Card().Fingerprint()}) {
		t.Errorf("the officers are %v", all)
	}

	made := newTest(t, "admin-x", Administrator)
	mustFail(t, opened.CheckRoster(back.Roster, append(s.cards(), made.Card())), fault.NotPermitted, "admin-x")
	mustFail(t, opened.CheckRoster(back.Roster, cardsOf(s.all)), fault.NotPermitted, "admin-d", "missing")
	swapped := append(cardsOf(s.all), made.Card())
	mustFail(t, opened.CheckRoster(back.Roster, swapped), fault.NotPermitted, "admin-x")
	mustFail(t, opened.CheckRoster(back.Roster, append(s.cards(), s.admin.Card())), fault.NotPermitted, "twice")

	other := newMaster(t, "another")
	theirs := enrolled(t, other, s.Master, append(s.cards(), made.Card()))
	mustFail(t, opened.CheckRoster(theirs, append(s.cards(), made.Card())), fault.MACMismatch)
	opened.Wipe()
	mustFail(t, opened.CheckRoster(back.Roster, s.cards()), fault.Bug)
}

// TestARosterOfAnotherTimeOrStoreIsRefused: the master key vouches for it, and it is not the one in force.
func TestARosterOfAnotherTimeOrStoreIsRefused(t *testing.T) {
	noLeaks(t)
	s := newStaffed(t)
	opened := open(t, s.Master, &log{}, s.all[0], s.all[1])
	next, err := opened.Reshare(cardsOf(s.all), 2)
	must(t, err)
	elsewhere := plan(2)
	elsewhere.Store = "TEST-STORE-0002"
	foreign, err := Seal(testEnv("elsewhere"), s.master, cardsOf(s.all), elsewhere)
	must(t, err)
	for _, m := range []*SealedMaster{next, foreign} {
		old := enrolled(t, s.master, m, s.cards())
		mustFail(t, opened.CheckRoster(old, s.cards()), fault.NotPermitted, "from elsewhere")
		_, err := ParseSealedStore(SealedStore{s.Master, old}.Marshal())
		mustFail(t, err, fault.NotPermitted, "from elsewhere")
	}
}

func TestEnrolTakesWhoCanBeOfOneStore(t *testing.T) {
	noLeaks(t)
	s := newStaffed(t)
	for what, cards := range map[string][]Card{
		"one twice":                 append(s.cards(), s.admin.Card()),
		"one of production":         append(s.cards(), newIn(t, Production, "admin-p", Administrator).Card()),
		"a share without the card":  cardsOf(s.all[:2]),
		"an empty card":             append(s.cards(), Card{}),
		"a share with another card": append(cardsOf(s.all[:2]), newTest(t, "custodian-4", Custodian).Card()),
	} {
		if e, err := Enrol(s.master, s.Master, cards); err == nil || e != nil {
			t.Errorf("%s: enrolled", what)
		}
	}
}

func TestEveryDamagedByteOfASealedStoreIsFound(t *testing.T) {
	s := newStaffed(t)
	raw, at := s.Marshal(), len(s.Master.Marshal())
	for ; at < len(raw); at++ {
		bad := bytes.Clone(raw)
		bad[at] ^= 1
		if got, err := ParseSealedStore(bad); err == nil || got != (SealedStore{}) {
			t.Fatalf("byte %d changed passes", at)
		}
		if got, err := ParseSealedStore(raw[:at]); err == nil || got != (SealedStore{}) {
			t.Fatalf("cut off at %d it passes", at)
		}
	}
	for what, bad := range map[string][]byte{
		"no roster":         s.Master.Marshal(),
		"the roster alone":  s.Roster.Marshal(),
		"the wrong order":   append(s.Roster.Marshal(), s.Master.Marshal()...),
		"something between": append(append(s.Master.Marshal(), '\n'), s.Roster.Marshal()...),
		"something behind":  append(s.Marshal(), '\n'),
		"two rosters":       append(s.Marshal(), s.Roster.Marshal()...),
		"nothing":           nil,
	} {
		if got, err := ParseSealedStore(bad); err == nil || got != (SealedStore{}) {
			t.Errorf("%s: it passes", what)
		}
	}
}

// TestAMendedRosterDoesNotPass mends the document check after every change: what parses then, the master key refuses.
func TestAMendedRosterDoesNotPass(t *testing.T) {
	noLeaks(t)
	s := newStaffed(t)
	opened := open(t, s.Master, &log{}, s.all[0], s.all[1])
	raw := s.Roster.Marshal()
	end := bytes.LastIndex(raw, []byte(labelDigest+": "))
	refused := 0
	for at := range end {
		bad := bytes.Clone(raw)
		bad[at]++
		e, err := ParseSealedRoster(mend(bad))
		if err != nil {
			continue
		}
		mustFail(t, opened.CheckRoster(e, s.cards()), fault.MACMismatch)
		refused++
	}
	if refused < 200 {
		t.Errorf("%d changed rosters could be read", refused)
	}
}
