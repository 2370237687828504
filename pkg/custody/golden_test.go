package custody

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"poskey/pkg/keys"
)

// The files in testdata hold the formats still: what was written once is read for ever. They belong to TEST officers
// whose passphrase is goodPhrase; UPDATE_GOLDEN=1 writes them anew, which is a change of format and needs its version.
const goldenDir = "testdata"

func golden(t testing.TB, name string, made []byte) []byte {
	t.Helper()
	path := filepath.Join(goldenDir, name)
	if os.Getenv("UPDATE_GOLDEN") == "1" {
		must(t, os.MkdirAll(goldenDir, 0o755))
		must(t, os.WriteFile(path, made, 0o644))
	}
	raw, err := os.ReadFile(path)
	must(t, err)
	return raw
}

func goldenOfficer(t testing.TB, n int) *Identity {
	t.Helper()
	o, err := NewOfficer(testEnv(fmt.Sprintf("golden %d", n)), Officer{ID: fmt.Sprintf("test-%d", n),
		Name: fmt.Sprintf("TEST officer %d 测试人员", n), Manager: "TEST manager", Roles: []Role{Custodian, Operator},
		Environment: Test, Lifetime: 30 * 24 * time.Hour})
	must(t, err)
	t.Cleanup(o.Wipe)
	return o
}

// TestIdentityFormatStands: everything but the shares is made of the random bytes of the test, so it comes out the
// same.
func TestIdentityFormatStands(t *testing.T) {
	noLeaks(t)
	for n := 1; n <= 3; n++ {
		o := goldenOfficer(t, n)
		file := lockFile(t, o)
		want := golden(t, fmt.Sprintf("officer-%d.identity", n), file)
		if !bytes.Equal(file, want) {
			t.Errorf("the identity file is now\n%s\nwant\n%s", file, want)
		}
		card := golden(t, fmt.Sprintf("officer-%d.card", n), o.Card().Marshal())
		c, err := ParseCard(card)
		must(t, err)
		if !bytes.Equal(o.Card().Marshal(), card) {
			t.Errorf("the card is now\n%s", o.Card().Marshal())
		}
		id, err := unlock(want, goodPhrase, dawn(), &log{})
		must(t, err)
		if id.Card().Fingerprint() != c.Fingerprint() || !id.seed.Equal(o.seed) || !id.scalar.Equal(o.scalar) {
			t.Error("the file holds another officer")
		}
		id.Wipe()
	}
	first := goldenOfficer(t, 1).Card().Fingerprint()
	const words = "acorn pirate cement stable"
	if got := first.Words(); !bytes.HasPrefix([]byte(got), []byte(words)) {
		t.Errorf("the first officer's words are now %s", got)
	}
}

// TestFileOfTheFloorIsReadByTheFrontDoor: the other golden files are cheaper than ParseIdentity takes.
func TestFileOfTheFloorIsReadByTheFrontDoor(t *testing.T) {
	noLeaks(t)
	o := goldenOfficer(t, 4)
	p := phrase(goodPhrase)
	defer p.Wipe()
	var made []byte
	if os.Getenv("UPDATE_GOLDEN") == "1" {
		var err error
		made, err = o.Lock(testEnv("lock"), p, FloorCost())
		must(t, err)
	}
	l, err := ParseIdentity(golden(t, "officer-4.identity", made))
	must(t, err)
	id, err := l.Unlock(testEnv("x"), p, &log{})
	must(t, err)
	defer id.Wipe()
	if !id.seed.Equal(o.seed) || !id.scalar.Equal(o.scalar) {
		t.Error("the file holds another officer")
	}
}

// TestSealedMasterFormatStands: age draws its own randomness, so the document is read and opened, not compared.
func TestSealedMasterFormatStands(t *testing.T) {
	noLeaks(t)
	master, err := keys.Generate(newDRBG("golden master"), keys.AES256)
	must(t, err)
	defer master.Wipe()
	all := []*Identity{goldenOfficer(t, 1), goldenOfficer(t, 2), goldenOfficer(t, 3)}
	raw := golden(t, "store.master", sealed(t, master, all, 2).Marshal())
	doc, err := ParseSealedMaster(raw)
	must(t, err)
	for _, pair := range [][2]int{{0, 1}, {1, 2}, {2, 0}} {
		opened := open(t, doc, &log{}, all[pair[0]], all[pair[1]])
		if !opened.Key().Secret().Equal(master.Secret()) {
			t.Error("the document holds another master key")
		}
		opened.Wipe()
	}
}

// TestRosterFormatStands: the roster of the golden store is made the same every time, beside the golden document.
func TestRosterFormatStands(t *testing.T) {
	noLeaks(t)
	master, err := keys.Generate(newDRBG("golden master"), keys.AES256)
	must(t, err)
	defer master.Wipe()
	raw, err := readGolden("store.master")
	must(t, err)
	doc, err := ParseSealedMaster(raw)
	must(t, err)
	cards := []Card{goldenOfficer(t, 1).Card(), goldenOfficer(t, 2).Card(), goldenOfficer(t, 3).Card(),
		goldenOfficer(t, 4).Card()}
	made := SealedStore{doc, enrolled(t, master, doc, cards)}.Marshal()
	if want := golden(t, "store.sealed", made); !bytes.Equal(made, want) {
		t.Errorf("the documents are now\n%s\nwant\n%s", made, want)
	}
}

func TestApprovalFormatStands(t *testing.T) {
	o := goldenOfficer(t, 1)
	roster, err := NewRoster(Test, o.Card())
	must(t, err)
	book, err := NewBook(newDRBG("golden book"), newTick().read, testStore, roster, &log{})
	must(t, err)
	action := split()
	action.Requester = o.Card().Fingerprint()
	q, err := book.Ask(action, DefaultRequest)
	must(t, err)
	if want := golden(t, "store.request", q.Marshal()); !bytes.Equal(q.Marshal(), want) {
		t.Errorf("the request is now\n%s\nwant\n%s", q.Marshal(), want)
	}
	a, err := o.Approve(dawn().Add(time.Minute), q)
	must(t, err)
	want := golden(t, "officer-1.approval", a.Marshal())
	if !bytes.Equal(a.Marshal(), want) {
		t.Errorf("the approval is now\n%s\nwant\n%s", a.Marshal(), want)
	}
	back, err := ParseApproval(want)
	must(t, err)
	if back.Officer() != o.Card().Fingerprint() || !back.Given().Equal(dawn().Add(time.Minute)) || back.Request() != q {
		t.Errorf("the approval reads %+v", back)
	}
	_, err = book.Admit(action, []Approval{back})
	must(t, err)
}

func readGolden(name string) ([]byte, error) { return os.ReadFile(filepath.Join(goldenDir, name)) }
