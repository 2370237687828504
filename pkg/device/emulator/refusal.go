package emulator

// Refusal says why a terminal does not take what it is offered. It is finer than any dialect's codes: each port maps
// it to its own.
type Refusal string

// The refusals.
const (
	Accepted Refusal = ""

	// The state of the terminal.
	RefusedBusy      Refusal = "busy"
	RefusedTampered  Refusal = "tampered"
	RefusedLocked    Refusal = "locked"
	RefusedNotInject Refusal = "not-in-inject-mode" // a clear key outside the key inject mode
	RefusedLimit     Refusal = "load-limit"         // more loads than the terminal allows
	RefusedFull      Refusal = "memory"             // no slot is left for another key
	RefusedStorage   Refusal = "storage"            // the state could not be written

	// What was offered.
	RefusedSlot       Refusal = "slot"          // no such slot
	RefusedOccupied   Refusal = "slot-occupied" // it holds a key, and the offer wants it empty
	RefusedForm       Refusal = "form"          // the structure of the key cannot be read
	RefusedLength     Refusal = "key-length"
	RefusedAlgorithm  Refusal = "algorithm"
	RefusedUsage      Refusal = "usage"
	RefusedMode       Refusal = "mode"
	RefusedDuplicate  Refusal = "duplicate" // the same key is in another slot
	RefusedCheck      Refusal = "check-value"
	RefusedKSN        Refusal = "ksn"      // missing, or of a wrong form
	RefusedKSNUsed    Refusal = "ksn-used" // an initial key with this KSN was loaded before
	RefusedExpired    Refusal = "expired"
	RefusedBlockForm  Refusal = "block-form" // not a key block that the terminal takes
	RefusedVersion    Refusal = "block-version"
	RefusedMAC        Refusal = "block-mac"
	RefusedDecryption Refusal = "decryption" // the key inside cannot be read

	// The key that protects it.
	RefusedNoKEK     Refusal = "kek-missing"
	RefusedKEKSlot   Refusal = "kek-slot" // no such slot
	RefusedKEKUsage  Refusal = "kek-usage"
	RefusedKEKCheck  Refusal = "kek-check-value"
	RefusedKEKBroken Refusal = "kek-damaged" // the key cannot be read any more
	RefusedTooLong   Refusal = "too-long"    // the key is longer than the one that protects it

	// Using keys.
	RefusedEmpty     Refusal = "slot-empty"
	RefusedDamaged   Refusal = "damaged" // the key in the slot cannot be read any more
	RefusedExhausted Refusal = "counter-exhausted"
)
