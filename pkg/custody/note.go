package custody

// Signed notes: the form in which officers sign checkpoints of logs.

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"

	"golang.org/x/mod/sumdb/note"

	"poskey/internal/fault"
)

// noteOrigin begins every note that an officer signs.
const noteOrigin = "poskey/"

// noteDigits is how much of the fingerprint stands in a note's signature line: it tells identities of one officer apart.
// What is verified is the key.
const noteDigits = 8

// noteName names the officer in a signed note: the id, a slash and the beginning of the fingerprint, as li.na/7F3A91C2.
// Up to the slash it is the person, since a renewed identity keeps its id.
func (c Card) noteName() string { return c.id + "/" + c.fingerprint.String()[:noteDigits] }

// NoteSigner signs notes (golang.org/x/mod/sumdb/note) in the officer's name, until the identity is wiped.
//
// The signature of a note is plain Ed25519 over its text, so that tools that know signed notes verify it with the
// officer's key; it has no domain in front, as all other signatures of an officer have ([Identity.Sign], cards,
// approvals). The two cannot be taken for each other: those are made over a message that begins with "poskey officer
// signature 1" and a line feed, and the signer of notes signs nothing but texts that begin with "poskey/", as the origin
// line of a checkpoint does. They differ in their seventh byte, whatever follows. Sign refuses every other text:
// not_permitted. It does not look at the time: [Locked.Unlock] did, and whoever verifies has the time in the note.
func (id *Identity) NoteSigner() note.Signer {
	return noteSigner{id: id, name: id.card.noteName(), hash: noteHash(id.card)}
}

type noteSigner struct {
	id   *Identity
	name string
	hash uint32
}

func (s noteSigner) Name() string    { return s.name }
func (s noteSigner) KeyHash() uint32 { return s.hash }

func (s noteSigner) Sign(text []byte) ([]byte, error) {
	if !bytes.HasPrefix(text, []byte(noteOrigin)) {
		return nil, fault.New(fault.NotPermitted, "an officer signs no note that does not begin with %s", noteOrigin)
	}
	if err := s.id.alive(); err != nil {
		return nil, err
	}
	key := ed25519.NewKeyFromSeed(s.id.seed.Expose())
	defer clear(key)
	return ed25519.Sign(key, text), nil
}

// NoteVerifier verifies what the officer's [Identity.NoteSigner] signed, and no other text.
func (c Card) NoteVerifier() note.Verifier {
	return noteVerifier{key: c.signingKey, name: c.noteName(), hash: noteHash(c), none: c.IsZero()}
}

type noteVerifier struct {
	key  [ed25519.PublicKeySize]byte
	name string
	hash uint32
	none bool // of no card
}

func (v noteVerifier) Name() string    { return v.name }
func (v noteVerifier) KeyHash() uint32 { return v.hash }

func (v noteVerifier) Verify(text, signature []byte) bool {
	return !v.none && bytes.HasPrefix(text, []byte(noteOrigin)) && len(signature) == ed25519.SignatureSize &&
		ed25519.Verify(v.key[:], text, signature)
}

// NoteKey is the officer's verifier key as tools for signed notes read it: name+hash+key.
func (c Card) NoteKey() string {
	key, err := note.NewEd25519VerifierKey(c.noteName(), c.signingKey[:])
	if err != nil {
		return "" // a key of another length, which a card cannot hold
	}
	return key
}

// noteEd25519 is the type of an Ed25519 key in signed notes (c2sp.org/signed-note).
const noteEd25519 = "\x01"

// noteHash is the key's short name in signature lines: the first four bytes of SHA-256 over name, line feed, type, key.
func noteHash(c Card) uint32 {
	sum := sha256.Sum256(append([]byte(c.noteName()+"\n"+noteEd25519), c.signingKey[:]...))
	return binary.BigEndian.Uint32(sum[:])
}

// NoteSigners gives the signers of several officers.
func NoteSigners(officers []*Identity) []note.Signer {
	var all []note.Signer
	for _, id := range officers {
		all = append(all, id.NoteSigner())
	}
	return all
}

// NoteVerifiers verifies what any of the officers signed; a card that is there twice counts once. Without cards it is nil.
func NoteVerifiers(cards []Card) note.Verifiers {
	var all []note.Verifier
	seen := map[Fingerprint]bool{}
	for _, c := range cards {
		if !seen[c.fingerprint] {
			seen[c.fingerprint] = true
			all = append(all, c.NoteVerifier())
		}
	}
	if len(all) == 0 {
		return nil
	}
	return note.VerifierList(all...)
}
