// Package vault is an open store at work: the inventory (pkg/store), the authority over its master key (pkg/agent) and the
// log behind it act as one.
//
// Every operation runs in one order: it is admitted and its intent is on the disk ([Vault.Begin]), the boundary acts, the
// inventory is changed in one transaction that carries the place of the intent in the log, the outcome is on the disk
// ([Work.Done]), and only then is anything shown. What ends in between leaves an intent without an outcome, which the
// next verification of the log names, and never a key that was acknowledged and is not there.
//
// A key of the inventory goes to the boundary as the block that stands in its row. The boundary refuses a row whose
// attributes or label are not those inside the block: rows that were changed or exchanged are found when they are used,
// and by [Vault.Verify] before that.
//
// States decide what a key may still do (NIST SP 800-57 part 1): only an active key protects something new, a
// deactivated one still opens what it protected, and of every key that is not destroyed the check value may be asked.
// States stand in the inventory and not in the blocks: they are kept by whoever comes through this package, and
// [Verify] holds them against the log. The end of a cryptoperiod is told and not enforced.
//
// The outcome of an operation that changed the inventory says how far that had come ([FieldInventory], [FieldNumbers]).
// By that [Verify] finds a database that was put back to an older copy, and [Vault.Begin] refuses to hand numbers or
// loads out of it. What ended without an outcome says nothing; when it derived keys for devices, which has a record of
// its own, and the inventory has nothing of it, Begin freezes all key sets and says why, since the inventory is a copy
// from before. A copy from the middle of a run that was killed is not found. A restored store has its key sets frozen.
//
// The ledger of ceremonies is written row by row in the same order ([Work.BeginCeremony], [Work.Hold], [Work.EndCeremony]):
// each row has an intent of its own (ceremony.run with the detail ledger), whose request is the digest of the row, and an
// outcome. [Verify] finds rows that are missing, were changed, stand in another order or have no record; a row whose outcome
// nobody recorded may be there or not. Rows of a ceremony from before the log had them are counted in a warning.
//
// A rotation makes a new key and wraps what hangs below anew; the keys below stay the same, so they fall with the old
// key too ([BlastOf]).
//
// A backup ([Work.Backup]) is one file for the officers, of one moment of the inventory and the log up to it; restoring
// one ([Restore]) overwrites nothing. It is encrypted and not signed. Keys that were destroyed since are in it still, as
// blocks under the master key: the life of a backup is part of the life of the keys in it.
//
// Not done here: who may do what (pkg/custody decides, inside the agent), files and prompts (internal/cli).
package vault
