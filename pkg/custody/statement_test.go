package custody

import (
	"bytes"
	"strings"
	"testing"

	"poskey/internal/fault"
)

func TestATextThatOfficersSignedOpensForThoseWhoKnowThem(t *testing.T) {
	noLeaks(t)
	said := "poskey/fleet-report/v1/test/s\nrun R1\n"
	a, b, stranger := newTest(t, "officer.a", Custodian), newTest(t, "officer.b", Auditor), newTest(t, "officer.c", Auditor)
	signed, err := SignNote(said, a, b)
	must(t, err)
	text, who, err := OpenNote(signed, cardsOf([]*Identity{a, b}), 2)
	must(t, err)
	if text != said || len(who) != 2 || !strings.HasPrefix(who[0], "officer.a/") {
		t.Errorf("%q by %v", text, who)
	}
	for what, c := range map[string]struct {
		signed []byte
		known  []*Identity
		quorum int
		kind   fault.Kind
	}{
		"one of them is unknown": {signed, []*Identity{a}, 2, fault.LogBroken},
		"nobody is known":        {signed, nil, 1, fault.LogBroken},
		"others are known":       {signed, []*Identity{stranger}, 1, fault.LogBroken},
		"changed":                {bytes.Replace(signed, []byte("R1"), []byte("R2"), 1), []*Identity{a, b}, 1, fault.LogBroken},
		"no note":                {[]byte(said), []*Identity{a}, 1, fault.Malformed},
		"too long":               {make([]byte, maxNoteText+1), []*Identity{a}, 1, fault.TooLarge},
	} {
		if text, who, err := OpenNote(c.signed, cardsOf(c.known), c.quorum); !fault.Is(err, c.kind) || text != "" || who != nil {
			t.Errorf("%s: %q by %v, %v", what, text, who, err)
		}
	}
	if _, err := SignNote(said); !fault.Is(err, fault.Usage) {
		t.Errorf("without officers: %v", err)
	}
	if _, err := SignNote("another text\n", a); !fault.Is(err, fault.NotPermitted) {
		t.Errorf("another text: %v", err)
	}
}

func TestTwoKeysOfOneOfficerAreOneOfficer(t *testing.T) {
	noLeaks(t)
	said := "poskey/fleet-report/v1/test/s\nrun R1\n"
	a, renewed := newTest(t, "officer.a", Custodian), newTest(t, "officer.a", Custodian)
	signed, err := SignNote(said, a, renewed)
	must(t, err)
	if _, _, err := OpenNote(signed, cardsOf([]*Identity{a, renewed}), 2); !fault.Is(err, fault.LogBroken) {
		t.Errorf("one person as two: %v", err)
	}
}
