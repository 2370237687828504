// Package ceremony leads people through a script, step by step, and writes down what happens.
//
// # What it needs
//
// A [script.Program] (steps that fit), a [transcript.Log] (the record), a [Desk] (screen and keyboard) and [Tools]
// (what is done with keys: for real, or for a rehearsal with [Practice]). It opens no terminal and no store itself, has
// no clock and no randomness of its own.
//
// # A step
//
//	heading      number, what it is, who stands where, what is read aloud, planned minutes; the line begun is on disk
//	log-in       whoever has the seat types their id, and opens their identity with the passphrase: three tries, then
//	             it is asked again who sits there. Others are refused by name; so are a card of another environment,
//	             one that has expired, another fingerprint than the script's, and who held another part of the key
//	stop         before what cannot be taken back: the leader logs in, unless the step is theirs; everything known is
//	             shown, the warnings of the check in full the first time; the leader types a phrase exactly, and signs it
//	act          as the table of verbs says
//	signatures   the actor signs the last line, then the seconder, who logs in for it; by the chain they sign all before
//	done         the identities are wiped
//
// Act, line on the disk, screen: nothing is shown that is not in the record, except questions, and in a rehearsal the
// practice sheets. Of components, rows, row checks and passphrases nothing is ever shown or recorded; errors name rows
// and positions, never digits.
//
// # What a person may type
//
// At every question ! writes a deviation down (expected, happened, decided; leader and witness log in and sign) and
// asks again, and !! gives the ceremony up, after a question whether that is meant. Where something differs, again does
// it once more; going past it takes a deviation that was written at this very question. The words that are typed are
// the same in all languages. A key whose check value differs from what was told of it is never kept, exported or
// loaded, deviation or not: its parts are void and entered again, or the ceremony is given up.
//
// # Entering a component
//
// A sheet of poskey is typed row by row, each held against its check; a bare component is typed twice, and the first
// row that differs is named with its position. Then, before the next custodian sits down and before anything is
// combined: no weak value, no value that was entered before, the check value of the script, of the sheet, or typed
// blind. A component of another key or part is called so where its check value is known. Who leaves the keyboard has
// typed for nothing: it is wiped before anybody is asked back. After a deviation the screen was cleared, and the
// custodian is asked back before the next row.
//
// A bag that was called damaged is not taken again, whatever is said of it later and whatever becomes of its key; where
// its part is only to be destroyed, it is destroyed with it. No bag takes another part than the first one. A printer
// that failed may have printed half a sheet: that is destroyed before the next one. A check value that is read off an
// HSM for a part, and was read for another part of the key or is that of the key, is no match: it is read again, or
// takes a deviation. Of a check value that was told no more digits are said to match than were compared.
//
// # Ends
//
//	closed    everybody signed the statement over the whole record
//	aborted   people gave it up, or the program failed: the record says so, for good; then nothing secret is left, and
//	          those who are there are asked to sign it
//	open      the terminal, the disk or the process broke: [Lead] is called again with [Options.Before]
//
// On each of them every component is wiped, and it is said how it ended. Of a ceremony that is over [Tools.Forget] is
// called, which may ask for approvals; one that is open goes on with what lies in the store. After a break the steps
// that are done stay done, but what lay in memory or open on a table is void: a key that was not kept is made or
// entered again from its first step; of a kept key whose sheets were not all sealed, all sheets are printed anew. What
// the record says was kept, exported, loaded, sent, sealed or destroyed is not done a second time. The break is a
// deviation, and everybody logs in again.
//
// A tool that did its work and was killed before the line was written is called again by the resumed ceremony; it must
// then say that the key is there already, or do no harm. Which version of a key was found is in the record, so that
// after a destruction without its line no other version is destroyed in its place. A key block that was written without
// its line lies there, and is not written over: the tools take it where it is the block of this key.
//
// Before a resumed ceremony goes on, and before any is closed, every key that the record says is kept is looked up and
// proven: a store that was put back from an older copy does not pass. What the ledger lacks of the record is written
// again, where the tools can be asked.
//
// # Verification
//
// [Verify] reads a record from the file alone and holds it against the script in it. It does not know the people:
// whether a card is somebody's is for the reader to compare.
package ceremony
