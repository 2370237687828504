package ceremony

import (
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/custody"
)

func TestOnlyTheCardOfTheScriptIsLetIn(t *testing.T) {
	o := testOfficer("leader.a")
	defer o.Wipe()
	card := o.Card()
	right := script.Person{ID: "leader.a", Card: card.Fingerprint().String()}
	for _, c := range []struct {
		name  string
		who   script.Person
		env   custody.Environment
		after time.Duration
		want  string
	}{
		{"right", right, custody.Test, 0, ""},
		{"of somebody else", script.Person{ID: "leader.b"}, custody.Test, 0, "the identity file is that of leader.a"},
		{"of test in production", right, custody.Production, 0, "the card is for test, the ceremony is for production"},
		{"another fingerprint", script.Person{ID: "leader.a", Card: strings.Repeat("0", 64)}, custody.Test, 0, "another fingerprint"},
		{"expired", right, custody.Test, 400 * 24 * time.Hour, "expired"},
	} {
		l := &lead{Options: Options{Mode: transcript.Run, Clock: func() time.Time { return testTime().Add(c.after) }},
			s: &script.Script{Environment: c.env}, cards: map[string]custody.Card{}}
		err := l.admit(c.who, card)
		if c.want == "" && err != nil || c.want != "" && (!fault.Is(err, fault.NotPermitted) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestFindingsOfTheCheckStandInTheRecordAndAtEachStop(t *testing.T) {
	s := smallStage(t, newPartner(t, "partner"), true)
	log, err := transcript.Create(s.path, transcript.Head{Ceremony: "20261201-7F3A91C2", Mode: s.mode, Environment: custody.Test,
		Script: s.program.Script.Raw(), Language: "en"}, logOptions())
	if err != nil {
		t.Fatal(err)
	}
	o := s.options()
	o.Log, o.Findings = log, []script.Finding{{ID: "network-up", Level: script.Warning, Requirement: "PCI PIN 13-9", Where: "room",
		What: text.Raw("a network is up")}}
	if _, err := Lead(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	v := s.sound()
	if lines(v, transcript.KindFinding, func(r transcript.Record) bool { return r.Details["id"] == "network-up" }) != 1 {
		t.Error("the finding is not in the record")
	}
	stops := lines(v, transcript.KindConfirmed, func(r transcript.Record) bool { return r.Details["what"] == "stop" })
	if shown := strings.Count(s.desk.seen.String(), "a network is up"); stops == 0 || shown != stops+1 {
		t.Errorf("shown %d times at %d stops", shown, stops)
	}
}
