package custody

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
)

func fullOfficer() Officer {
	return Officer{ID: "custodian.a", Name: "保管员甲", Manager: "密钥主管", Roles: []Role{Operator, Custodian}, Environment: Test,
		Lifetime: 90 * 24 * time.Hour}
}

func TestCardSaysWhatTheOfficerIs(t *testing.T) {
	noLeaks(t)
	id, err := NewOfficer(testEnv("card"), fullOfficer())
	must(t, err)
	defer id.Wipe()
	c, err := ParseCard(id.Card().Marshal())
	must(t, err)
	if c.ID() != "custodian.a" || c.Name() != "保管员甲" || c.Manager() != "密钥主管" || roleNames(c.Roles()) != "custodian operator" ||
		c.Environment() != Test || !c.Created().Equal(dawn()) || c.Expires().Sub(c.Created()) != 90*24*time.Hour {
		t.Errorf("the card says\n%s", c.Marshal())
	}
	if c.Fingerprint() != id.Card().Fingerprint() || c.IsZero() || !bytes.Equal(c.Marshal(), id.Card().Marshal()) {
		t.Error("the card read is not the card written")
	}
	if !c.Has(Administrator, Operator) || c.Has(Administrator, Auditor) {
		t.Error("the roles are mistaken")
	}
	body, _, _ := bytes.Cut(c.Marshal(), []byte("signature: "))
	if Fingerprint(sha256.Sum256(body)) != c.Fingerprint() {
		t.Error("the fingerprint is not the hash of what is above the signature")
	}
	message := append([]byte("poskey officer signature 1\ncard\n"), body...)
	if !ed25519.Verify(c.SigningKey(), message, c.signature[:]) {
		t.Error("the signature is not the one that the package comment says")
	}
}

// TestEveryChangedByteOfACardIsRefused changes every byte in several ways.
func TestEveryChangedByteOfACardIsRefused(t *testing.T) {
	id, err := NewOfficer(testEnv("card"), fullOfficer())
	must(t, err)
	defer id.Wipe()
	raw := id.Card().Marshal()
	for at := range raw {
		for _, change := range []byte{0x01, 0x20, 0x80, raw[at]} { // the last one makes a zero byte
			bad := bytes.Clone(raw)
			bad[at] ^= change
			c, err := ParseCard(bad)
			if err == nil {
				t.Fatalf("byte %d changed by %02X passes:\n%s", at, change, bad)
			}
			if !c.IsZero() {
				t.Fatal("a card beside an error")
			}
		}
		for _, bad := range [][]byte{raw[:at], append(bytes.Clone(raw[:at]), raw[at+1:]...)} {
			if _, err := ParseCard(bad); err == nil {
				t.Fatalf("a card without byte %d passes", at)
			}
		}
	}
}

func TestSwappedFieldsOfACardAreRefused(t *testing.T) {
	id, err := NewOfficer(testEnv("card"), fullOfficer())
	must(t, err)
	defer id.Wipe()
	other := newTest(t, "other", Custodian).Card()
	raw := string(id.Card().Marshal())
	for _, c := range []struct{ old, fresh string }{
		{"roles: custodian operator", "roles: administrator"},
		{"name: 保管员甲", "name: 密钥主管"},
		{"environment: test", "environment: production"},
		{"expires: 2026", "expires: 2028"},
		{id.Card().Recipient(), other.Recipient()},
		{upperHex(id.Card().SigningKey()), upperHex(other.SigningKey())},
		{"reports to: 密钥主管\n", ""},
	} {
		bad := strings.Replace(raw, c.old, c.fresh, 1)
		if bad == raw {
			t.Fatalf("%q is not in the card", c.old)
		}
		_, err := ParseCard([]byte(bad))
		mustFail(t, err, fault.MACMismatch, "officer's card", "custodian.a")
	}
}

func TestCardsOfAnotherFormAreRefused(t *testing.T) {
	id, err := NewOfficer(testEnv("card"), fullOfficer())
	must(t, err)
	defer id.Wipe()
	raw := string(id.Card().Marshal())
	cases := []struct {
		raw  string
		kind fault.Kind
		says string
	}{
		{strings.ReplaceAll(raw, "\n", "\r\n"), fault.Malformed, "CR LF"},
		{strings.Replace(raw, "card 1", "card 2", 1), fault.VersionUnsupported, "another version"},
		{strings.Replace(raw, "officer card 1", "approval 1", 1), fault.Malformed, `want "poskey officer card 1"`},
		{raw + "\n", fault.Malformed, "nothing behind it"},
		{strings.TrimSuffix(raw, "\n"), fault.Malformed, "nothing behind it"},
		{strings.Replace(raw, "custodian operator", "operator custodian", 1), fault.Malformed, "form"},
		{strings.Replace(raw, "roles: custodian operator", "roles: custodian auditor", 1), fault.Malformed, "no other role"},
		{strings.Replace(raw, "id: custodian.a", "id: Custodian.A", 1), fault.Malformed, "small letters"},
		{strings.Replace(raw, "id: custodian.a", "id: custodian.a\u202E", 1), fault.Malformed, `want "id: "`},
		{strings.Replace(raw, "name: ", "name:  ", 1), fault.Malformed, `want "name: "`},
		{strings.Replace(raw, "T08:00:00Z", "T08:00:00+00:00", 1), fault.Malformed, "created"},
		{strings.Replace(raw, "created: 2026-03", "created: 2026-13", 1), fault.Malformed, "created"},
		{strings.Replace(raw, "created: 2026", "created: 2027", 1), fault.Malformed, "good for"},
		{strings.Replace(raw, "recipient: age1", "recipient: AGE1", 1), fault.Malformed, "recipient"},
		{strings.Repeat("a", maxDocument+1), fault.TooLarge, "65536"},
		{"\xFF" + raw, fault.Malformed, "UTF-8"},
		{"", fault.Malformed, "line 1"},
	}
	for _, c := range cases {
		_, err := ParseCard([]byte(c.raw))
		mustFail(t, err, c.kind, c.says)
	}
}

// TestCardOutOfOrderIsRefusedEvenWhenSigned: the form is one, whoever signs.
func TestCardOutOfOrderIsRefusedEvenWhenSigned(t *testing.T) {
	id, err := NewOfficer(testEnv("card"), fullOfficer())
	must(t, err)
	defer id.Wipe()
	body := strings.Replace(string(id.Card().body()), "custodian operator", "operator custodian", 1)
	signature := id.sign(domainCard, []byte(body))
	_, err = ParseCard([]byte(body + "signature: " + upperHex(signature[:]) + "\nend\n"))
	mustFail(t, err, fault.MACMismatch, "signature")
}

func TestWhatNoCardMaySayIsRefused(t *testing.T) {
	noLeaks(t)
	change := func(f func(*Officer)) Officer {
		o := fullOfficer()
		f(&o)
		return o
	}
	cases := []struct {
		officer Officer
		kind    fault.Kind
		says    string
	}{
		{change(func(o *Officer) { o.ID = "" }), fault.Usage, "the id"},
		{change(func(o *Officer) { o.ID = "Custodian A" }), fault.Usage, "the id"},
		{change(func(o *Officer) { o.ID = "9lives" }), fault.Usage, "the id"},
		{change(func(o *Officer) { o.ID = strings.Repeat("a", 33) }), fault.Usage, "the id"},
		{change(func(o *Officer) { o.Name = "" }), fault.Usage, "name"},
		{change(func(o *Officer) { o.Name = "Custodian A\nroles: administrator" }), fault.Usage, "name"},
		{change(func(o *Officer) { o.Name = " Custodian A" }), fault.Usage, "name"},
		{change(func(o *Officer) { o.Name = "\u202EA naidotsuC" }), fault.Usage, "name"},
		{change(func(o *Officer) { o.Name = strings.Repeat("甲", 65) }), fault.Usage, "1 to 64"},
		{change(func(o *Officer) { o.Manager = "\t" }), fault.Usage, "reports to"},
		{change(func(o *Officer) { o.Roles = nil }), fault.Usage, "role"},
		{change(func(o *Officer) { o.Roles = []Role{Auditor, Operator} }), fault.NotPermitted, "no other role"},
		{change(func(o *Officer) { o.Environment = "" }), fault.Usage, "environment"},
		{change(func(o *Officer) { o.Environment = "prod" }), fault.Usage, "environment"},
		{change(func(o *Officer) { o.Lifetime = time.Minute }), fault.Usage, "good for"},
		{change(func(o *Officer) { o.Lifetime = -time.Hour }), fault.Usage, "good for"},
		{change(func(o *Officer) { o.Lifetime = 4 * DefaultLifetime }), fault.Usage, "1095 days"},
	}
	for _, c := range cases {
		id, err := NewOfficer(testEnv("refused"), c.officer)
		mustFail(t, err, c.kind, c.says)
		if id != nil {
			t.Error("an officer beside an error")
		}
	}
	env := testEnv("dry")
	env.Rand = &deadReader{left: 10}
	_, err := NewOfficer(env, fullOfficer())
	mustFail(t, err, fault.Failure, "dry")
}

func TestCardKeepsItsTime(t *testing.T) {
	c := newTest(t, "timed", Custodian).Card()
	must(t, c.CheckTime(c.Created()))
	must(t, c.CheckTime(c.Expires().Add(-time.Nanosecond)))
	must(t, c.CheckTime(c.Created().Add(-maxSkew)))
	mustFail(t, c.CheckTime(c.Expires()), fault.NotPermitted, "timed expired at 2027-03-01T08:00:00Z")
	mustFail(t, c.CheckTime(c.Created().Add(-maxSkew-time.Second)), fault.NotPermitted, "in the future")
}

func TestSignatureCountsForItsDomainOnly(t *testing.T) {
	noLeaks(t)
	id, other := newTest(t, "signer", Custodian), newTest(t, "other", Custodian)
	message := []byte("checkpoint 17")
	signature, err := id.Sign("checkpoint", message)
	must(t, err)
	c := id.Card()
	if !c.Verify("checkpoint", message, signature) {
		t.Error("the right signature is refused")
	}
	for what, ok := range map[string]bool{
		"domain":       c.Verify("checkpoints", message, signature),
		"officer":      other.Card().Verify("checkpoint", message, signature),
		"message":      c.Verify("checkpoint", []byte("checkpoint 18"), signature),
		"signature":    c.Verify("checkpoint", message, signature[1:]),
		"card":         Card{}.Verify("checkpoint", message, signature),
		"moved border": c.Verify("checkpoin", append([]byte("t\n"), message...), signature),
	} {
		if ok {
			t.Errorf("the signature counts with another %s", what)
		}
	}
	for _, domain := range []string{"card", "approval", "", "Card", "a\nb", "x"} {
		_, err := id.Sign(domain, message)
		mustFail(t, err, fault.Usage, "no domain")
	}
	cardSignature := c.signature
	if c.Verify("card", c.body(), cardSignature[:]) {
		t.Error("a card's signature counts as somebody else's")
	}
	id.Wipe()
	_, err = id.Sign("checkpoint", message)
	mustFail(t, err, fault.Bug, "wiped")
}
