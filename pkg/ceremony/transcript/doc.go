// Package transcript is the record of a ceremony: a file of lines that only grows, each chained to the one before,
// each on the disk before anybody sees what it says, signed by those who took part. It knows check values and serials
// of bags; it holds no component, and nothing from which one could be guessed.
//
// # The file
//
// JSON Lines in UTF-8: one object in each line, each line ending in a line feed (0A), nothing between lines. The first
// line is at most [MaxFirstLine] bytes, since it holds the whole script, every other at most [MaxLine], the file at
// most [MaxFile]. The format is described for others in docs/formats/transcript.md, with an independent verifier.
//
// # A line
//
// There is one way to write a line: no blanks outside of strings, members in the order of this table, empty ones left
// out (n, time, kind, prev and hash are always there).
//
//	n          number of the line, from 1
//	time       "2006-01-02T15:04:05.000000Z": UTC by the clock of the machine, cut to microseconds, years 1970 to 2199
//	back_us    microseconds by which time lies before that of the line above; left out when it does not
//	kind       what the line says ([Kind])
//	step       number of the step in the script, 1 to 9999
//	who        TEXT: the id of a person
//	people     an array of 1 to 32 ids
//	key        TEXT: the key's name in the script
//	part       number of the part, 1 to 99
//	check      {"digits":HEX,"method":METHOD}: a check value as pkg/kcv names it, both always
//	expected   {"digits":HEX,"method":METHOD}: what somebody else wrote down; method only where it is known
//	verdict    "match", "differs" or "not-compared"
//	details    an object of at most 24 members, names WORD, values TEXT, sorted by the bytes of the names
//	card       BASE64 of the officer's card: attended only
//	head       open only: {"format":"poskey.transcript/v1","ceremony":ID,"mode":"run" or "rehearsal",
//	           "environment":"test" or "production","script":BASE64,"tool":TEXT,"station":TEXT,"language":WORD};
//	           tool and station are left out when empty
//	signature  BASE64 of 64 bytes: signed only
//	note       BASE64 of the signed note: note only
//	prev       HASH of the line above; 64 zeros in the first
//	hash       HASH of this line
//
// WORD is 1 to 48 of a-z 0-9 and the dash, a letter first. ID is 1 to 64 letters of ASCII, digits and . _ -. HEX is 4
// to 16 and HASH 64 upper-case hex digits. BASE64 is that of RFC 4648, clause 4, with padding. TEXT is one line of
// UTF-8 without the characters U+0000-001F, 007F-009F, 200B-200F, 2028-202E, 2060-206F, FEFF, FFF9-FFFB and
// E0000-E007F: at most 64 bytes for people and stations, 128 for keys and the tool, 2048 for a detail. In strings the
// quote and the backslash are escaped by a backslash, and nothing else is.
//
// # The chain
//
// hash is SHA-256 over the text "poskey.transcript/v1/record", a line feed, and the bytes of the line from its first
// brace up to, not including, the text `,"hash":"`, which begins 75 bytes before the line feed. A line fits when n is
// one more than in the line above, prev is its hash, and back_us says by how much time went back if it did.
//
// The first line says open, and no other does. A person who took a seat (attended) stays the same person: one id has
// one card, one card one id. What follows aborted is only what tidies up ([Kind.AfterAbort]), signatures and the
// closing; what follows closing is the note, or resumed; nothing follows the note.
//
// # Signatures
//
// A line signed holds a signature of an officer over the line before it ([custody.Identity.Sign], domain "ceremony").
// What is signed is four lines of text, each ending in a line feed:
//
//	poskey.transcript/v1/signed
//	ID of the ceremony
//	step of the line signed, 0 when it has none
//	HASH of the line before
//
// so that it fits no other line and no other ceremony. Whoever signs vouches, by the chain, for all lines before. At
// the end all sign the [Log.Statement] in a signed note ([custody.SignNote]), six lines of text:
//
//	poskey/transcript/v1/ENVIRONMENT/MODE/CEREMONY
//	state: closed                        or aborted
//	lines: number of the line closing
//	head: its HASH
//	script: SHA-256 of the script, 64 upper-case hex digits
//	time: of the line closing
//
// The note is the last line. Its signature lines may stand in any order; each is by another card of this record.
//
// # Writing
//
// One process has the record open. [Log.Write] returns when the line is on the disk (fsync of the file; of its folder
// when it is made). Before each line the path must still name the same file, and every byte in it must be as it was
// written. After a failed write or fsync the record takes nothing more until it is resumed. Texts that look like a key
// are refused (guard.go), check values are cut to what may be shown.
//
// A crash can leave a last line that is not whole. Nobody was shown what it says. [Resume] leaves it until the line
// resumed is written in its place, which keeps its length and its SHA-256. A last line with zero bytes in it counts as
// torn too: some file systems leave them after a power failure.
//
// # What verification finds
//
// [Read] finds every changed byte, and lines that were deleted, inserted, repeated, moved or taken from another
// ceremony. Who can write the file can also compute hashes: against a chain that was made anew stand the signatures,
// up to the last signed line and, once the note is there, for all. Cut off after any line, a record reads as open, and
// says that nobody signed it at its end. A record whose last signers are all in league can be anything: a signature
// says who vouches, and whether the cards are those of the people is for the reader to compare
// ([custody.Card.Fingerprint], the script).
package transcript
