package cli

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/custody"
	"poskey/pkg/keys"
)

// TestWhoSealedAPartThatWasHandedOnIsRemembered: in a re-issue nobody prints, types or opens anything.
func TestWhoSealedAPartThatWasHandedOnIsRemembered(t *testing.T) {
	raw, err := script.New(script.Reissue, script.Wish{Environment: custody.Test})
	if err != nil {
		t.Fatal(err)
	}
	s, err := script.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	k := s.Keys[0]
	who := k.Parts[0].Custodian.Primary
	id, err := custody.NewOfficer(keys.Env{Rand: rand.Reader, Now: time.Now}, custody.Officer{ID: who, Name: "Somebody", Environment: custody.Test,
		Roles: []custody.Role{custody.Custodian}})
	if err != nil {
		t.Fatal(err)
	}
	defer id.Wipe()
	path := filepath.Join(t.TempDir(), ceremonyRecord)
	log, err := transcript.Create(path, transcript.Head{Ceremony: "20261201-7F3A91", Mode: transcript.Run, Environment: custody.Test, Script: raw,
		Language: "en"}, transcript.Options{Now: time.Now, Sync: func(*os.File) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []transcript.Entry{
		{Kind: transcript.KindAttended, Who: who, Card: id.Card().Marshal(), Details: map[string]string{"role": "custodian"}},
		{Kind: transcript.KindBag, Who: who, Key: k.ID, Part: 1, Details: map[string]string{"event": "received", "serial": "B-1"}},
		{Kind: transcript.KindBag, Who: who, Key: k.ID, Part: 1, Details: map[string]string{"event": "sealed", "serial": "B-2"}},
	} {
		if _, err := log.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Abandon(); err != nil {
		t.Fatal(err)
	}
	if past, err := pastIn(path, ""); !fault.Is(err, fault.LogBroken) || past != nil {
		t.Errorf("a record without an end tells %+v, %v", past, err)
	}
	if past, err := pastIn(path, "20261201-7F3A91"); err != nil || past != nil {
		t.Errorf("the one that goes on tells %+v, %v", past, err)
	}
	v, err := verifyRecord(path)
	if err != nil {
		t.Fatal(err)
	}
	past := pastTold(v)
	if len(past) != 1 || past[0].Person != who || past[0].Part != 1 || past[0].Card != id.Card().Fingerprint().String() {
		t.Errorf("%+v, %v", past, err)
	}
}

// TestARecordThatIsNotThereIsSaidInPlainWords: not in those of the system, which no catalogue translates.
func TestARecordThatIsNotThereIsSaidInPlainWords(t *testing.T) {
	place := filepath.Join(t.TempDir(), "zmk-20261201-7F3A91")
	_, opened := openRecord(place)
	_, listed := recordsIn(place)
	for _, err := range []error{opened, listed} {
		if !fault.Is(err, fault.NotFound) || !strings.HasSuffix(err.Error(), "file "+place+" does not exist") {
			t.Errorf("%v", err)
		}
	}
}
