package custody

import (
	"crypto/ed25519"
	"crypto/sha256"
	"slices"
	"time"
	"unicode/utf8"

	"filippo.io/age"

	"poskey/internal/fault"
	"poskey/internal/text"
)

const (
	titleCard = "poskey officer card"

	labelID          = "id"
	labelName        = "name"
	labelRoles       = "roles"
	labelManager     = "reports to"
	labelEnvironment = "environment"
	labelCreated     = "created"
	labelExpires     = "expires"
	labelSigningKey  = "signing key"
	labelRecipient   = "recipient"
	labelSignature   = "signature"
)

// Lifetimes of an officer's identity.
const (
	DefaultLifetime = 365 * 24 * time.Hour
	minLifetime     = time.Hour
	maxLifetime     = 3 * DefaultLifetime
	maxTextRunes    = 64 // of names
)

// Card is an officer's public card. It comes from [ParseCard] or from an identity, so its signature is right: whoever
// made it had the signing key. Whether it is the officer's is for people to compare ([Card.Fingerprint]).
type Card struct {
	id, name, manager string
	roles             []Role
	environment       Environment
	created, expires  time.Time
	signingKey        [ed25519.PublicKeySize]byte
	recipient         string
	signature         [ed25519.SignatureSize]byte
	fingerprint       Fingerprint
}

// ID is the officer's short name, unique in a store.
func (c Card) ID() string { return c.id }

// Name is the officer's name as people write it.
func (c Card) Name() string { return c.name }

// Manager is whom the officer reports to; empty when it was not said.
func (c Card) Manager() string { return c.manager }

// Roles are the officer's, in the order of AllRoles.
func (c Card) Roles() []Role { return slices.Clone(c.roles) }

// Has reports whether the officer has one of the roles.
func (c Card) Has(any ...Role) bool {
	return slices.ContainsFunc(c.roles, func(r Role) bool { return slices.Contains(any, r) })
}

// Environment is where the officer acts.
func (c Card) Environment() Environment { return c.environment }

// Created and Expires bound the time in which the identity is good, to the second.
func (c Card) Created() time.Time { return c.created }

// Expires is the first second in which the identity is not good any more.
func (c Card) Expires() time.Time { return c.expires }

// SigningKey is the Ed25519 public key.
func (c Card) SigningKey() []byte { return slices.Clone(c.signingKey[:]) }

// Recipient is the age recipient, age1….
func (c Card) Recipient() string { return c.recipient }

// Fingerprint stands for all that the card says.
func (c Card) Fingerprint() Fingerprint { return c.fingerprint }

// IsZero reports whether it is no card at all.
func (c Card) IsZero() bool { return c.fingerprint.IsZero() }

// Verify reports whether the officer signed the message for the domain ([Identity.Sign]).
func (c Card) Verify(domain string, message, signature []byte) bool {
	return !c.IsZero() && checkDomain(domain) == nil && verify(c.signingKey, domain, message, signature)
}

// CheckTime refuses an identity that has expired, or that was made in what is the future by this clock: not_permitted.
func (c Card) CheckTime(now time.Time) error {
	switch {
	case !now.Before(c.expires):
		return fault.New(fault.NotPermitted, "the identity of %s expired at %s", c.id, stamp(c.expires))
	case now.Add(maxSkew).Before(c.created):
		return fault.New(fault.NotPermitted, "the identity of %s was made at %s, which is in the future: look at the clock",
			c.id, stamp(c.created))
	}
	return nil
}

// body is what is signed and what the fingerprint is taken over.
func (c Card) body() []byte {
	var w writer
	c.write(&w)
	return w.text
}

func (c Card) write(w *writer) {
	w.title(titleCard)
	w.field(labelID, c.id)
	w.field(labelName, c.name)
	w.field(labelRoles, roleNames(c.roles))
	w.optional(labelManager, c.manager)
	w.field(labelEnvironment, string(c.environment))
	w.time(labelCreated, c.created)
	w.time(labelExpires, c.expires)
	w.hex(labelSigningKey, c.signingKey[:])
	w.field(labelRecipient, c.recipient)
}

// writeSigned adds the signature, which a whole card has.
func (c Card) writeSigned(w *writer) {
	c.write(w)
	w.hex(labelSignature, c.signature[:])
}

// Marshal writes the card as a file for others.
func (c Card) Marshal() []byte {
	var w writer
	c.writeSigned(&w)
	return w.end()
}

// ParseCard reads a card and verifies its signature. Errors: malformed, version_unsupported, too_large; mac_mismatch
// when the signature is wrong, which is what a changed card looks like.
func ParseCard(raw []byte) (Card, error) {
	r := read(raw, titleCard)
	c := readCard(r)
	if err := r.end(); err != nil {
		return Card{}, fault.Wrap(err, "officer's card")
	}
	if err := same(raw, c.Marshal()); err != nil {
		return Card{}, fault.Wrap(err, "officer's card")
	}
	return c, nil
}

// readCard reads the card whose title has just been taken, without the last line.
func readCard(r *reader) Card {
	var c Card
	c.id = r.field(labelID)
	c.name = r.field(labelName)
	c.roles = readRoles(r)
	c.manager = r.optional(labelManager)
	c.environment = Environment(r.field(labelEnvironment))
	c.created = r.time(labelCreated)
	c.expires = r.time(labelExpires)
	r.hex(labelSigningKey, c.signingKey[:])
	c.recipient = r.field(labelRecipient)
	r.check(c.check)
	r.hex(labelSignature, c.signature[:])
	if r.err != nil {
		return Card{}
	}
	body := c.body() // that the document says it in the same bytes is looked at when it is whole
	if !verify(c.signingKey, domainCard, body, c.signature[:]) {
		r.fail(fault.New(fault.MACMismatch, "the signature is wrong: the card of %s was changed after it was made", c.id))
		return Card{}
	}
	c.fingerprint = sha256.Sum256(body)
	return c
}

// check looks at everything that the officer's key then vouches for.
func (c Card) check() error {
	if err := c.environment.check(); err != nil {
		return err
	}
	if !isName(c.id) {
		return fault.New(fault.Usage, "the id %q is not 2 to %d small letters, digits, dots and dashes, a letter first",
			text.Redact(c.id), maxName)
	}
	if err := checkPerson(c.name); err != nil {
		return fault.Wrap(err, "name")
	}
	if c.manager != "" {
		if err := checkPerson(c.manager); err != nil {
			return fault.Wrap(err, "whom the officer reports to")
		}
	}
	life := c.expires.Sub(c.created)
	if life < minLifetime || life > maxLifetime {
		return fault.New(fault.Usage, "an identity is good for an hour to %d days", int(maxLifetime/(24*time.Hour)))
	}
	if to, err := age.ParseX25519Recipient(c.recipient); err != nil || to.String() != c.recipient {
		return fault.New(fault.Malformed, "the recipient is no X25519 recipient of age")
	}
	return nil
}

func checkPerson(name string) error {
	if !printable(name) || utf8.RuneCountInString(name) > maxTextRunes {
		return fault.New(fault.Usage, "want 1 to %d characters that can be printed, without blanks at the ends", maxTextRunes)
	}
	return nil
}
