// Package agent holds a store's master key in a process of its own, and is where dual control is decided. A command
// says what it is about to do ([Intent]); an [Authority] admits it, records it and gives it a [Work]: the boundary
// (pkg/hsm) limited to that one operation. There are two authorities: [Client], which asks an agent through a socket, and
// [Local], for a store whose master key is in a token, which decides in the command's own process.
//
// # The order of every operation
//
// Admit; record the intent; act; commit what the operation changes in the database; record the outcome; show the
// result. [Authority.Begin] does the first two and returns when the intent is on the disk, [Work.Done] records the
// outcome and returns when it is there. A work that is closed, or whose command goes away, without Done is recorded as
// unknown: nobody can tell what became of it. A refusal is one record.
//
// # What a work may do
//
// An activity takes certain calls of the boundary and no others (powersOf). Every activity may have check values by the
// default method, compare values and have the content of check blocks. Beyond that
//
//	key.generate    generate, keep                          key.rotate      generate, keep, unwrap, wrap, translate
//	key.form        form, keep                              key.probe       a prober, import, examine, identify
//	key.import      import, unwrap, keep, identify          key.split       split
//	key.unwrap      unwrap, examine, keep                   key.reveal      reveal
//	key.wrap        wrap                                    key.check       check values by any method, identify
//	key.translate   translate, examine                      device.inject   generate, derive, wrap, keep
//	key.derive      derive, keep, wrap                      all others      nothing more
//
// In a test store unwrap, wrap, translate, derive and inject may import clear keys beside those of the store, and
// inject may reveal a key that was derived and has no label. In production they may not: with a KBPK that somebody
// knows, every key that may be wrapped could be read. For the same reason a key block is closed there only under a key
// that has a label, which it got by an operation of its own.
//
// A key gets no other name than the one that the operation is about (any version of it; a batch, whose Count is not
// zero, names its keys line by line). Where officers approved one action, the keys of the store that are touched are
// that one: label and check value are held against what the key's own block says, never against what the command
// says. Keys without a label are free. Reveal and split are bound in that way in a test store too. The labels of the
// store's keys that were used are in the record of the outcome ("keys").
//
// # Dual control
//
// pkg/custody has the table of who may do what. What the officers who opened the store allowed for the time needs
// nobody more. For all else the intent names the identity files of officers, and the agent itself asks each for the
// passphrase: at a terminal whose descriptor the command hands over (SCM_RIGHTS), or from one descriptor for each. It
// shows them what will be done: activity, label, check value, the first digits of the request's digest, who asks. It
// signs in their name, wipes their keys, and admits. What they sign covers activity, label, check value and a digest
// over the request, the count and the details. Officers who are unknown to the store, named twice or expired are
// refused before anybody types. Each has three tries at a terminal, one by a descriptor; every wrong one is recorded.
// Where an activity wants somebody who asks and is not among those who approve, they give their passphrase too.
//
// # The life of an agent
//
//	started    hardened: not dumpable, no core file, memory locked. On Linux an agent that cannot be made undumpable
//	           does not start; memory that cannot be locked ends a production store's, then or later.
//	alone      the audit log is open, against every other process; operations that an earlier agent never finished are
//	           recorded as unknown
//	asking     store.unseal is recorded; the officers give their passphrases, each on a screen cleared before and after
//	open       the officers' checkpoint is signed, their identities are wiped, the socket is there
//	sealed     nothing is admitted; what was under way is recorded as unknown; the keys are wiped; the socket is gone;
//	           store.seal is recorded with its reason
//
// [Start] runs an agent as a process in a session of its own, which inherits descriptors and nothing else: one for the
// configuration, one for its reports, the terminal, the passphrases. While it is asking it ends when its starter goes
// away. It seals itself when its time is over, when the machine slept, when a clock went back, at [Client.Seal], by
// SIGTERM, SIGINT and SIGHUP, when its socket is taken away or replaced, and when the audit log cannot be written. It
// looks at each tick (once a second) and at each operation. After kill -9 the log shows the intents that were open, and
// the next agent settles them.
//
// With [Init] an agent draws a new store's master key, seals it to the officers' cards, makes the audit log, and ends.
// With [Reshare] it opens the master key and seals it to other officers.
//
// # The socket
//
// The folder is ours and nobody else enters it (0700); the socket is 0600 from its first moment. A socket that an agent
// left behind is taken away, anything else in its place is not. Each side looks at the uid of the other (SO_PEERCRED,
// LOCAL_PEERCRED): whoever is not the agent's own user is hung up on before a word, root too, and recorded, once a
// minute at most.
//
// # The protocol
//
// Both sides say "poskey agent 1" and a line feed. Then the command asks and the agent answers, one frame each:
//
//	4 bytes    length of the head, at most 1 MiB
//	1 byte     number of secrets, at most 16
//	4 bytes    for each secret, its length, at most 8 KiB
//	           the head: a JSON document
//	           the secrets, as they are
//
// Numbers are big-endian. A question is {"op":WORD,"args":{…}}, an answer {"result":…} or {"error":…}. Unknown members
// and anything after the document are refused. Secrets are never part of a document; they are read straight into
// locked memory. Descriptors come with the first byte of begin and checkpoint: the terminal first, then passphrases. A
// connection carries one work at a time. Errors and warnings cross with their kinds, formats and arguments, so that the
// command can still say them in the user's language.
//
// At most 256 connections and 128 operations are there at one time, 8 probers in each. A connection that breaks the
// protocol is answered with an error or closed; one that meets a bug is closed, and the agent goes on.
//
// # What it cannot do
//
// Whoever is the agent's user can do what was allowed while the store is open, can put a program of their own in the
// place of poskey and ask officers for their passphrases with it, and can end the agent. Root can do everything. The
// kernel's buffers of sockets and pipes are neither locked nor wiped by anybody here. The name and the station of who
// acts are what the command says; the uid is the system's. What a command does in the database it alone knows: an
// outcome is its word, and so is what it notes. An officer who was taken out of the store approves nothing more, by the
// outcome of officer.revoke; what they allowed when they opened it stays allowed until it is sealed. One who was
// admitted counts from the next opening on. Progress of a search of slips is not told.
//
// Windows has no agent, nor have systems whose sockets do not tell who is at the other end; everything compiles there,
// and says so. On macOS the process is not hidden from debuggers of the same user.
package agent
