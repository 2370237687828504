// Package dukpt derives keys by DUKPT, derived unique key per transaction: TDES DUKPT (ANSI X9.24-1:2009 annex A,
// X9.24-3:2017 annex C) and AES DUKPT (X9.24-3:2017). Clauses are those cited by openemv/dukpt.
//
// From one base derivation key (BDK) each device gets an initial key (IK), which it erases after making its first
// future keys from it. Every transaction has a key of its own, and the keys that encrypt its PIN and data and make its
// MACs are derived from that one. The key serial number ([KSN]) travels with each message and names the way:
//
//	TDES   20 digits   59 bits of identifier, 21 bits of counter; a counter has at most 10 bits set     (A.3, C.4)
//	AES    24 digits   BDK id (8), derivation id (8), counter (8); a counter has at most 16 bits set    (6.1)
//
//	BDK --KSN without counter--> IK --a step for each counter bit, highest first--> transaction key --use--> working key
//
//	            IK                                     step                           working key
//	TDES        TDES of the identifier under BDK       DES under the left half,       XOR with a constant; data keys
//	            and BDK XOR C0.. (A.6, C.7)            twice (A.2, C.3.6)             encrypt themselves (table A-1 of
//	                                                                                  A.4.1, table 5 of C.5.2)
//	AES         AES of derivation data under the deriving key; the data says what comes out: usage, algorithm, length,
//	            identifier and counter (6.3)
//
// [BDK], [IK], [Transaction] and the working key, a keys.Key, are different types: a step left out or made twice does
// not compile. A BDK prepares its ciphers once, may be used from several goroutines, and [BDK.DeriveIK] allocates
// nothing. Keys handed in stay the caller's, but for the IK that a [Device] takes over; what is handed out is wiped by
// the caller.
//
// [Device] is the other side: the state machine of a terminal, which erases the initial key that is loaded, and holds
// no key of a transaction that is over.
//
// Guarantees: counter 0 and counters with too many bits give no key; a KSN of another length than 20 or 24 digits is
// never padded in silence ([ShortReadings] says what it may mean). A KSN that does not belong to the key cannot be
// noticed: it gives another key. What field software does wrong is derived by the functions of mistakes.go, for
// diagnosis alone. Not done here: PIN blocks, MACs, and deciding who may derive what (pkg/hsm).
package dukpt
