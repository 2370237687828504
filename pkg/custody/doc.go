// Package custody is about people: officers with their keys and roles, a store's master key that exists only as shares
// of several officers, and approvals that two of them give before something is done.
//
// It opens no files, asks nobody, keeps no log and starts nothing: it is handed bytes, passphrases, clocks, randomness
// and a [Recorder], and gives bytes and decisions back. Where the master key lives is the agent's business; this is
// what the agent decides with.
//
// # Documents
//
// All documents are text in UTF-8: a title with a version, then lines "label: value" in a fixed order, then "end". A
// document has one form only: what parses is written again as the same bytes, and everything else is refused (also CR
// LF, which editors make). Hex is in capitals, times are whole seconds in UTC, and what a person's name or a label may
// contain can be printed on one line. A document of another version is refused by that name.
//
// # Officer's card
//
//	poskey officer card 1
//	id: custodian.a                     2 to 32 small letters, digits, dots, dashes; a letter first
//	name: Custodian A                   1 to 64 characters
//	roles: administrator custodian      in the order of [AllRoles]; an auditor has no other role
//	reports to: Head of Cards           optional
//	environment: test                   or production; an officer acts in one of them only
//	created: 2026-03-01T08:00:00Z
//	expires: 2027-03-01T08:00:00Z       an hour to three years later
//	signing key: 32 bytes               Ed25519 (RFC 8032)
//	recipient: age1…                    X25519 recipient of age (age-encryption.org/v1)
//	signature: 64 bytes                 by the signing key over all lines above, domain "card"
//	end
//
// The signature proves that whoever made the card had the signing key. Of the recipient's key it proves nothing: a card
// may name another officer's, and then only that officer can open the share (a roster refuses the second one). The
// [Fingerprint] is the SHA-256 over the lines above the signature. Its first 16 bytes are read aloud, as words or as
// groups of digits: comparing them with the officer is what ties the card to a person.
//
// Every signature is made over "poskey officer signature 1", the domain and the message, each of the first two with a
// line feed. Domains of this package are "card" and "approval"; [Identity.Sign] signs for any other.
// Signed notes, the form of checkpoints of logs (c2sp.org/signed-note), are signed without a domain, by Ed25519 over their
// text. That text begins with "poskey/", which no message of a domain does; [Identity.NoteSigner] signs no other. In a note
// the officer's name is the id, a slash and the first eight digits of the fingerprint.
//
// # Identity file
//
//	poskey officer identity 1
//	…                                   the whole card, from its title to its signature
//	kdf: argon2id                       RFC 9106, version 1.3
//	passes: 3
//	memory KiB: 262144
//	lanes: 2
//	salt: 32 bytes                      drawn for each file
//	passphrase check: 32 bytes
//	sealed: 80 bytes                    AES-256-GCM over the seed of the signing key and the X25519 scalar
//	document check: 32 bytes            SHA-256 over all lines above
//	end
//
// argon2id gives 32 bytes from the passphrase; HKDF-Expand with SHA-256 gives from these, by the words in lock.go, the
// key of the check, the key of the seal and its nonce. The passphrase check is HMAC-SHA-256 over the lines from kdf to
// salt: it tells a wrong passphrase from a changed file, and since it commits to one passphrase a file cannot be made
// that opens under several. The seal covers all lines above it as associated data, so a card with another name, role
// or date does not open, even with a signature of its own.
//
// What goes wrong is told apart: the document check finds damage before anybody types (checksum_mismatch), the card's
// signature a changed card (mac_mismatch), the passphrase check a wrong passphrase ([ErrPassphrase]), the seal and the
// comparison of the keys with the card a file that was changed by somebody who mended the rest (mac_mismatch). Damage
// to salt or check that was mended so looks like a wrong passphrase.
//
// A guess costs [Cost]: argon2id alone limits how fast somebody who copied the file can try passphrases. There is no
// counter that a copy would have to obey, so the passphrase must be good ([CheckPassphrase]). Wrong passphrases given
// to [Locked.Unlock] are recorded, those tried on a copy are not seen by anybody. Passphrases are bytes: nothing is
// trimmed, folded or normalised.
//
// # Sealed master key
//
//	poskey sealed master 1
//	store: …                            id of the store
//	environment: test
//	generation: 1
//	created: 2026-03-01T08:00:00Z
//	threshold: 2                        officers needed, m
//	officers: 3                         2 to 9, n
//	set: 7F3A-91C2                      of the shares, as on component sheets
//	key check: 08D7B4 cmac              of the master key, an AES-256 key
//	officer 1: li.na                    and so for every officer:
//	fingerprint 1: 32 bytes
//	commitment 1: 32 bytes              SHA-256 over a title, 32 bytes drawn for it, the share's number and value
//	…
//	share 1: base64                     an age file for the officer's recipient
//	…
//	master check: 32 bytes              HMAC-SHA-256 over all lines above, by a key derived from the master key
//	document check: 32 bytes            SHA-256 over all lines above
//	end
//
// Inside the age file stand a title, the SHA-256 of all lines up to the last commitment, the 32 bytes of the commitment
// and the component sheet of a Shamir share (pkg/component). So a share belongs to one store, environment, generation,
// threshold and list of officers: moved to another document or under a changed head it is refused and its officer
// named, as is one that is not what was committed to. When enough officers have given theirs, the master key itself
// vouches for the whole document.
//
// Fewer than m shares say nothing about the master key but the check value that everybody can read. A document alone
// does not say who made it: somebody who can write to the store can seal a master key of their own to the same cards.
// The store therefore expects its id, environment, generation and check value ([Expectation]) and logs the
// [SealedMaster.Digest]. A new generation voids the documents before it in the eyes of the store, by its number. It
// cannot take back what was given away: m officers who keep an old document and their identities can open it.
//
// # Roster of the store
//
//	poskey store roster 1
//	store: …
//	environment: test
//	generation: 1                       of the sealed master key that it goes with
//	officers: 4                         all of the store, 1 to 256, those with a share and all others
//	officer 1: li.na                    and so for every officer:
//	fingerprint 1: 32 bytes
//	…
//	roster check: 32 bytes              HMAC-SHA-256 over all lines above, by a key derived from the master key
//	document check: 32 bytes            SHA-256 over all lines above
//	end
//
// Who has the master key open makes it ([Enrol]), so that whoever can write to the database cannot make an officer. Its
// key is derived for another purpose than that of the master check. When the master key is open, [Opened.CheckRoster]
// holds the document against it, against store, environment and generation, and against the cards that the database
// gives: exactly these fingerprints. A store keeps the roster directly behind the sealed master key, as one text
// ([SealedStore], [ParseSealedStore]); all who hold a share stand in it.
//
// It says who is an officer and not since when, and a pair of documents of before is as good as it was: that it is not
// put back, the agent sees by the audit log.
//
// # Approvals
//
//	poskey approval request 1
//	store: …
//	environment: test
//	operation: key.reveal               an [Activity]
//	label: ZMK-2026                     optional
//	key check: 08D7B4 cmac              optional
//	attributes: aes-128 P0 E N          optional; of a key that comes into being: algorithm, usage, mode, exportability
//	details: 32 bytes                   SHA-256 over everything else that was asked for
//	requester: 32 bytes                 optional; fingerprint
//	nonce: 16 bytes
//	made: 2026-03-01T08:00:00Z
//	expires: 2026-03-01T08:15:00Z       a minute to a day later
//	end
//
//	poskey approval 1
//	…                                   the whole request, from its title to expires
//	officer: 32 bytes                   fingerprint
//	given: 2026-03-01T08:01:00Z         by the officer's clock
//	signature: 64 bytes                 over all lines above, domain "approval"
//	end
//
// A [Book] makes requests and spends them. Approvals count when they are for one open request of this book and exactly
// the action that is to be done, each signed by a known officer of the environment who has not expired and has a role
// that the activity asks for, all different, together what [Rules] says, and without the requester where it says so.
// The request is taken out of the book and recorded before the [Permit] is handed out: whatever fails after that, it is
// spent. A book forgets its requests when the program ends, so approvals cannot be replayed to the next one. Time is
// measured by the boot clock too; a wall clock that was set back by more than a minute stops the book.
//
// That the requester is who they say they are is for the caller to know.
//
// # Authorisation
//
// The officers who open a store may allow activities for up to twelve hours ([Opened.Authorise]). An [Authorisation]
// ends for good with its time, when the machine slept (the boot clock ran ahead of the monotonic one), when a clock
// went back, and when it is told to.
//
// # What it cannot do
//
// Private keys, shares and the master key are in locked memory and are wiped. Copies that cannot be reached stay with
// the garbage collector until it uses the memory again: argon2id's working memory and its copy of the passphrase; the
// text form of an X25519 key, which age reads from a string, and the copies that age makes of it and of a share; key
// schedules of AES and expanded keys of Ed25519. An age identity is made for one decryption and dropped.
//
// age takes its randomness from the system and not from keys.Env; all other randomness is the caller's.
//
// One person who makes two identities under two names cannot be told from two persons. That is for those who admit
// officers: they compare fingerprints with people.
package custody
