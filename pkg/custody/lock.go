package custody

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/keys"
)

const (
	titleIdentity = "poskey officer identity"

	labelKDF        = "kdf"
	labelPasses     = "passes"
	labelMemory     = "memory KiB"
	labelLanes      = "lanes"
	labelSalt       = "salt"
	labelPassphrase = "passphrase check"
	labelSealed     = "sealed"

	kdfName       = "argon2id"
	purposeCheck  = "poskey officer identity 1 passphrase check"
	purposeSeal   = "poskey officer identity 1 seal"
	purposeNonce  = "poskey officer identity 1 nonce"
	privateBytes  = seedBytes + scalarBytes
	gcmTagBytes   = 16
	gcmNonceBytes = 12
)

// ErrPassphrase is wrapped by the error about a wrong passphrase.
var ErrPassphrase = fault.New(fault.AuthFailed, "the passphrase is wrong")

// Locked is an identity file before its passphrase is given.
type Locked struct {
	card   Card
	cost   Cost
	salt   [saltBytes]byte
	check  [sha256.Size]byte
	sealed [privateBytes + gcmTagBytes]byte
}

// Card is the officer's public card. Its signature has been verified; that the private keys belong to it only Unlock
// can tell.
func (l *Locked) Card() Card { return l.card }

// Cost is what a guess costs.
func (l *Locked) Cost() Cost { return l.cost }

// ParseIdentity reads an identity file. Everything that can be found wrong without the passphrase is found here.
// Errors: malformed, version_unsupported, too_large; checksum_mismatch for a damaged file; mac_mismatch for a changed
// card; not_permitted for a cost out of bounds ([Cost.Check]).
func ParseIdentity(file []byte) (*Locked, error) { return parseIdentity(file, usualBounds()) }

func parseIdentity(file []byte, b bounds) (*Locked, error) {
	r := read(file, titleIdentity)
	l := readLocked(r)
	if err := r.end(); err != nil {
		return nil, fault.Wrap(err, "officer's identity")
	}
	if err := same(file, l.marshal()); err != nil {
		return nil, fault.Wrap(err, "officer's identity")
	}
	if err := l.cost.within(b); err != nil {
		return nil, fault.Wrap(err, "officer's identity")
	}
	return l, nil
}

func readLocked(r *reader) *Locked {
	l := &Locked{}
	r.title(titleCard)
	if r.err != nil {
		return l
	}
	l.card = readCard(r)
	if kdf := r.field(labelKDF); r.err == nil && kdf != kdfName {
		r.fail(fault.New(fault.VersionUnsupported, "the key derivation %q is not known; want %s", kdf, kdfName))
	}
	const most32 = 1<<32 - 1
	l.cost.Passes = uint32(r.number(labelPasses, most32))
	l.cost.MemoryKiB = uint32(r.number(labelMemory, most32))
	l.cost.Lanes = uint8(r.number(labelLanes, 255))
	r.hex(labelSalt, l.salt[:])
	r.hex(labelPassphrase, l.check[:])
	r.hex(labelSealed, l.sealed[:])
	r.digest()
	return l
}

func (l *Locked) marshal() []byte {
	var w writer
	w.add(l.head())
	w.hex(labelSealed, l.sealed[:])
	w.digest()
	return w.end()
}

// head is all that is in the clear: what the seal covers without hiding it.
func (l *Locked) head() []byte {
	var w writer
	w.title(titleIdentity)
	l.card.writeSigned(&w)
	l.writeDerivation(&w)
	w.hex(labelPassphrase, l.check[:])
	return w.text
}

func (l *Locked) writeDerivation(w *writer) {
	w.field(labelKDF, kdfName)
	w.number(labelPasses, uint64(l.cost.Passes))
	w.number(labelMemory, uint64(l.cost.MemoryKiB))
	w.number(labelLanes, uint64(l.cost.Lanes))
	w.hex(labelSalt, l.salt[:])
}

// Unlock opens the private keys. The time is looked at first; a wrong passphrase is told from a changed file, and is
// recorded. Errors: not_permitted for an identity that has expired; malformed for what no passphrase is; ErrPassphrase,
// of kind auth_failed; mac_mismatch when the passphrase is right and the file is not the one that it locked.
func (l *Locked) Unlock(env keys.Env, passphrase *secret.Bytes, rec Recorder) (*Identity, error) {
	if err := l.card.CheckTime(env.Now()); err != nil {
		return nil, err
	}
	if err := checkTyped(passphrase); err != nil {
		return nil, err
	}
	root := l.cost.root(passphrase, l.salt)
	defer root.Wipe()
	id, err := l.open(root)
	event := Event{At: env.Now(), Kind: IdentityOpened, Officers: []Card{l.card}}
	switch {
	case fault.Is(err, fault.AuthFailed):
		event.Kind = PassphraseWrong
		if lost := record(rec, event); lost != nil {
			return nil, lost
		}
		return nil, err
	case err != nil:
		return nil, err
	}
	if err := record(rec, event); err != nil {
		id.Wipe()
		return nil, err
	}
	return id, nil
}

// open needs what the passphrase gave.
func (l *Locked) open(root *secret.Bytes) (*Identity, error) {
	check, err := l.checkFor(root)
	if err != nil {
		return nil, err
	}
	if !hmac.Equal(check[:], l.check[:]) {
		return nil, fault.Wrap(ErrPassphrase, "identity of %s", l.card.id)
	}
	seal, nonce, err := sealKeys(root)
	if err != nil {
		return nil, err
	}
	private := secret.New(privateBytes)
	defer private.Wipe()
	if _, err := seal.Open(private.Expose()[:0], nonce, l.sealed[:], l.head()); err != nil {
		return nil, l.changed()
	}
	id := newIdentity(l.card, private)
	to, err := id.recipient()
	if err != nil || to != l.card.recipient || id.public() != l.card.signingKey {
		id.Wipe()
		return nil, l.changed()
	}
	return id, nil
}

func (l *Locked) changed() error {
	return fault.New(fault.MACMismatch,
		"the passphrase is right, but the identity file of %s was changed after it was made",
		l.card.id)
}

// checkFor is what tells a right passphrase before anything is opened. It covers the derivation and not the card, so
// that a swapped card is not taken for a wrong passphrase.
func (l *Locked) checkFor(root *secret.Bytes) (sum [sha256.Size]byte, err error) {
	key, err := derive(root, purposeCheck, sha256.Size)
	if err != nil {
		return sum, err
	}
	defer key.Wipe()
	var w writer
	l.writeDerivation(&w)
	mac := hmac.New(sha256.New, key.Expose())
	mac.Write(w.text)
	return [sha256.Size]byte(mac.Sum(nil)), nil
}

// sealKeys gives AES-256-GCM with its nonce. Both come from the passphrase and a salt that is drawn for each file, so
// the pair is used once.
func sealKeys(root *secret.Bytes) (cipher.AEAD, []byte, error) {
	key, err := derive(root, purposeSeal, 32)
	if err != nil {
		return nil, nil, err
	}
	defer key.Wipe()
	nonce, err := derive(root, purposeNonce, gcmNonceBytes)
	if err != nil {
		return nil, nil, err
	}
	defer nonce.Wipe()
	block, err := aes.NewCipher(key.Expose())
	if err != nil {
		return nil, nil, fault.WrapAs(fault.Bug, err, "seal an identity")
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, nil, fault.WrapAs(fault.Bug, err, "seal an identity")
	}
	return gcm, append([]byte(nil), nonce.Expose()...), nil
}

// Lock gives the officer's identity file under a passphrase, with a salt of its own. Before it is handed out it has
// been read and opened again. The caller makes a new file of it that only its owner can read. Errors: those of
// [CheckPassphrase] and [Cost.Check].
func (id *Identity) Lock(env keys.Env, passphrase *secret.Bytes, cost Cost) ([]byte, error) {
	return id.lock(env, passphrase, cost, usualBounds())
}

func (id *Identity) lock(env keys.Env, passphrase *secret.Bytes, cost Cost, b bounds) ([]byte, error) {
	if err := id.alive(); err != nil {
		return nil, err
	}
	if err := CheckPassphrase(passphrase); err != nil {
		return nil, err
	}
	if err := cost.within(b); err != nil {
		return nil, err
	}
	salt, err := secret.Read(env.Rand, saltBytes)
	if err != nil {
		return nil, fault.WrapAs(fault.Failure, err, "draw a salt")
	}
	defer salt.Wipe()
	l := &Locked{card: id.card, cost: cost, salt: [saltBytes]byte(salt.Expose())}
	root := cost.root(passphrase, l.salt)
	defer root.Wipe()
	if err := l.seal(id, root); err != nil {
		return nil, err
	}
	file := l.marshal()
	if err := proveFile(file, b, root, id); err != nil {
		return nil, err
	}
	return file, nil
}

func (l *Locked) seal(id *Identity, root *secret.Bytes) (err error) {
	if l.check, err = l.checkFor(root); err != nil {
		return err
	}
	seal, nonce, err := sealKeys(root)
	if err != nil {
		return err
	}
	private := secret.New(privateBytes)
	defer private.Wipe()
	copy(private.Expose()[copy(private.Expose(), id.seed.Expose()):], id.scalar.Expose())
	copy(l.sealed[:], seal.Seal(nil, nonce, private.Expose(), l.head()))
	return nil
}

// proveFile reads the file as the next reader will and compares. The key derivation is not run twice.
func proveFile(file []byte, b bounds, root *secret.Bytes, want *Identity) error {
	l, err := parseIdentity(file, b)
	if err != nil {
		return fault.WrapAs(fault.Bug, err, "the identity file cannot be read again")
	}
	back, err := l.open(root)
	if err != nil {
		return fault.WrapAs(fault.Bug, err, "the identity file cannot be opened again")
	}
	defer back.Wipe()
	if !back.seed.Equal(want.seed) || !back.scalar.Equal(want.scalar) {
		return fault.New(fault.Bug, "the identity file does not hold the officer's keys")
	}
	return nil
}

// ChangePassphrase gives a new identity file of the same officer under another passphrase. Copies of the old file still
// open with the old one. Errors: those of ParseIdentity, Unlock and Lock; not_permitted when nothing would change.
func ChangePassphrase(env keys.Env, file []byte, old, fresh *secret.Bytes, cost Cost, rec Recorder) ([]byte, error) {
	return changePassphrase(env, file, old, fresh, cost, rec, usualBounds())
}

func changePassphrase(
	env keys.Env, file []byte, old, fresh *secret.Bytes, cost Cost, rec Recorder, b bounds,
) ([]byte, error) {
	if old.Equal(fresh) {
		return nil, fault.New(fault.NotPermitted, "the new passphrase is the old one")
	}
	if err := CheckPassphrase(fresh); err != nil {
		return nil, err
	}
	l, err := parseIdentity(file, b)
	if err != nil {
		return nil, err
	}
	id, err := l.Unlock(env, old, rec)
	if err != nil {
		return nil, err
	}
	defer id.Wipe()
	return id.lock(env, fresh, cost, b)
}
