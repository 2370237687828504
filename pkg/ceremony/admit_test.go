package ceremony

import (
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
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
		{"another fingerprint", script.Person{ID: "leader.a", Card: strings.Repeat("0", 64)}, custody.Test, 0,
			"another fingerprint"},
		{"expired", right, custody.Test, 400 * 24 * time.Hour, "expired"},
	} {
		l := &lead{Options: Options{Mode: transcript.Run, Clock: func() time.Time { return testTime().Add(c.after) }},
			s: &script.Script{Environment: c.env}, cards: map[string]custody.Card{}}
		err := l.admit(c.who, card)
		if c.want == "" && err != nil || c.want != "" && (!fault.Is(err, fault.NotPermitted) || !strings.Contains(err.Error(),
			c.want)) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestAnIdentityOfARehearsalIsNotLetInElsewhere: everybody knows its passphrase.
func TestAnIdentityOfARehearsalIsNotLetInElsewhere(t *testing.T) {
	tools, err := NewPractice(PracticeOptions{Env: testEnv("practice")})
	if err != nil {
		t.Fatal(err)
	}
	defer tools.Close()
	who := script.Person{ID: "leader.a"}
	locked, err := tools.Identity(t.Context(), who)
	if err != nil {
		t.Fatal(err)
	}
	for mode, want := range map[transcript.Mode]bool{transcript.Rehearsal: true, transcript.Run: false} {
		l := &lead{Options: Options{Mode: mode, Clock: testTime}, s: &script.Script{Environment: custody.Test},
			cards: map[string]custody.Card{}}
		if err := l.admit(who, locked.Card()); (err == nil) != want || err != nil && !fault.Is(err, fault.NotPermitted) {
			t.Errorf("%s: %v", mode, err)
		}
	}
}
