package custody

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"io"
	"time"

	"filippo.io/age"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/keys"
)

// Officer says what a new officer's card shall say.
type Officer struct {
	ID          string // short name: 2 to 32 small letters, digits, dots and dashes
	Name        string // as people write it
	Manager     string // whom the officer reports to; may be empty
	Roles       []Role
	Environment Environment
	Lifetime    time.Duration // an hour to three years; 0 is a year
}

const (
	seedBytes   = ed25519.SeedSize
	scalarBytes = 32
)

// Identity is an officer with their private keys: somebody who is there and has given the passphrase. Wipe it as soon
// as the officer has done what they came for.
type Identity struct {
	card   Card
	seed   *secret.Bytes // of the Ed25519 key
	scalar *secret.Bytes // of the X25519 key of age
}

// NewOfficer draws the keys of a new officer. Errors: usage for what no card may say, not_permitted for roles that do
// not go together.
func NewOfficer(env keys.Env, o Officer) (*Identity, error) {
	roles, err := orderRoles(o.Roles)
	if err != nil {
		return nil, err
	}
	if o.Lifetime == 0 {
		o.Lifetime = DefaultLifetime
	}
	now := wholeSecond(env.Now())
	card := Card{id: o.ID, name: o.Name, manager: o.Manager, roles: roles, environment: o.Environment,
		created: now, expires: wholeSecond(now.Add(o.Lifetime))}
	private, err := secret.Read(env.Rand, seedBytes+scalarBytes)
	if err != nil {
		return nil, fault.WrapAs(fault.Failure, err, "draw the keys of an officer")
	}
	defer private.Wipe()
	id := newIdentity(card, private)
	if err := id.signCard(); err != nil {
		id.Wipe()
		return nil, err
	}
	return id, nil
}

// newIdentity takes the private keys apart; they stay the caller's.
func newIdentity(card Card, private *secret.Bytes) *Identity {
	return &Identity{card: card, seed: secret.Copy(private.Expose()[:seedBytes]),
		scalar: secret.Copy(private.Expose()[seedBytes:])}
}

// signCard completes the card with the public keys and the signature that proves possession.
func (id *Identity) signCard() error {
	c := &id.card
	c.signingKey = id.public()
	to, err := id.recipient()
	if err != nil {
		return err
	}
	c.recipient = to
	if err := c.check(); err != nil {
		return err
	}
	body := c.body()
	c.signature = id.sign(domainCard, body)
	c.fingerprint = sha256.Sum256(body)
	return nil
}

// Card is the officer's public card.
func (id *Identity) Card() Card { return id.card }

// Wipe destroys the private keys.
func (id *Identity) Wipe() {
	if id != nil {
		id.seed.Wipe()
		id.scalar.Wipe()
	}
}

// Sign signs a message for a domain: a short name of what the signature is for. [Card.Verify] asks for the same one.
func (id *Identity) Sign(domain string, message []byte) ([]byte, error) {
	if err := checkDomain(domain); err != nil {
		return nil, err
	}
	if err := id.alive(); err != nil {
		return nil, err
	}
	signature := id.sign(domain, message)
	return signature[:], nil
}

// alive refuses an identity that was wiped: its keys would be others.
func (id *Identity) alive() error {
	if id == nil || id.seed.Len() != seedBytes || id.scalar.Len() != scalarBytes {
		return fault.New(fault.Bug, "the identity was wiped")
	}
	return nil
}

func (id *Identity) sign(domain string, message []byte) (signature [ed25519.SignatureSize]byte) {
	key := ed25519.NewKeyFromSeed(id.seed.Expose())
	defer clear(key)
	copy(signature[:], ed25519.Sign(key, signed(domain, message)))
	return signature
}

func (id *Identity) public() (public [ed25519.PublicKeySize]byte) {
	key := ed25519.NewKeyFromSeed(id.seed.Expose())
	defer clear(key)
	copy(public[:], key[seedBytes:])
	return public
}

// age makes age's form of the identity, whose copies of the key are the garbage collector's: keep it for one use.
func (id *Identity) age() (*age.X25519Identity, error) {
	text := ageSecret(id.scalar)
	defer text.Wipe()
	own, err := age.ParseX25519Identity(string(text.Expose()))
	if err != nil { // its words would show the key
		return nil, fault.New(fault.Bug, "age does not take the officer's key")
	}
	return own, nil
}

func (id *Identity) recipient() (string, error) {
	own, err := id.age()
	if err != nil {
		return "", err
	}
	return own.Recipient().String(), nil
}

// decrypt opens what was encrypted to the officer: no more than maxPayload bytes. Error: mac_mismatch.
func (id *Identity) decrypt(sealed []byte) (*secret.Bytes, error) {
	own, err := id.age()
	if err != nil {
		return nil, err
	}
	plain, err := age.Decrypt(bytes.NewReader(sealed), own)
	if err != nil {
		return nil, fault.New(fault.MACMismatch, "it was not encrypted to the key of %s, or was damaged", id.card.id)
	}
	pad := secret.New(maxPayload)
	defer pad.Wipe()
	n, err := io.ReadFull(plain, pad.Expose())
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fault.New(fault.MACMismatch, "what was encrypted to %s has a wrong length or was damaged", id.card.id)
	}
	return secret.Copy(pad.Expose()[:n]), nil
}

// encrypt encrypts to an officer. age draws the file key and the ephemeral key from the system's own random source.
func encrypt(to Card, plain *secret.Bytes) ([]byte, error) {
	recipient, err := age.ParseX25519Recipient(to.recipient)
	if err != nil {
		return nil, fault.New(fault.Malformed, "the recipient is no X25519 recipient of age")
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, recipient)
	if err == nil {
		_, err = w.Write(plain.Expose())
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fault.WrapAs(fault.Failure, err, "encrypt to %s", to.id)
	}
	return out.Bytes(), nil
}
