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
// An activity takes certain calls of the boundary and no others (powersOf). Every one that somebody allows may have check values by the
// default method, compare values and have the content of check blocks. Beyond that
//
//	key.generate    generate, keep                          key.rotate      generate, keep, unwrap, wrap
//	key.form        form, keep                              key.probe       a prober, import, examine, identify
//	key.import      import, unwrap, keep, identify          key.split       split
//	key.unwrap      unwrap, examine, keep                   key.reveal      reveal
//	key.wrap        wrap                                    key.check       check values by any method, identify
//	key.translate   translate, examine                      device.inject   generate, derive, wrap, keep
//	key.derive      derive, keep, wrap                      device.inject-clear  reveal, derive, wrap
//	                                                        all others      nothing more
//
// In a test store unwrap, wrap, translate, derive and inject may import clear keys beside those of the store, and
// inject may reveal a key that was derived and has no label. In production they may not: with a KBPK that somebody
// knows, every key that may be wrapped could be read. For the same reason a key block is closed and opened there, and a
// key derived, only under a key that has a label, which it got by an operation of its own; a KBPK is at least as strong
// as what it protects and not weak in itself, whatever a command allows; and no weak key gets a label.
//
// A key without a label belongs to the work in which it came into being (generated, imported, formed, derived, unwrapped,
// translated) and is refused in every other one. A work remembers the 65,536 of them that were used last, at least. Only
// such a key gets a label. What a diagnosis imports may neither protect nor be derived from: usages K0, K1, K4, B0 and B1
// are refused there. Deriving wraps only keys that came into being in the work. Whoever may make a key may also put it
// under its parent: the key that got its label last, under one that has a label. Rotating puts under the successor only what
// came out of a block under the key that is rotated (the first of that label which the work uses), and such a successor only
// under the key out of whose block the rotated one came. In production a derived key with usage K0, K1 or K4 gets no label and
// goes into no block: whoever knows what it came from knows it.
//
// One key gets a label, and no other one than the operation is about; of a rotation, another version of it. A batch, whose
// Count is not zero, names its keys line by line, each label once. Where attributes were said ([Intent]), no key with others
// gets the label; in production no import and no forming is approved without them and the check value that is expected.
// That a label is there once in the store is for the database to hold. Where officers approved one action, the keys of the store that are touched are
// that one: label and check value are held against what the key's own block says, never against what the command
// says. Keys without a label are free. Reveal and split are bound in that way in a test store too. The labels of the
// store's keys that were used are in the record of the outcome ("keys"). A work asks 4,096 questions of a diagnosis in
// all, however many probers it opens; their number is recorded at every 256, and with the outcome. Before an injection
// derives its first key, device.derive is recorded: of one that ends without a word this tells whether a device may have
// a key that goes by a number.
//
// What is noted without a work is a refusal, a failure, or one of a few readings that were done (log.verify, log.export,
// store.verify, hsm.selftest, unless they are admitted). Who else was there is nobody's to say in a note. Details that
// an authority itself adds are dropped from intents, outcomes and notes.
//
// # Dual control
//
// pkg/custody has the table of who may do what. What the officers who opened the store allowed for the time needs
// nobody more. For all else the intent names the identity files of officers, and the agent itself asks each for the
// passphrase: at a terminal whose descriptor the command hands over (SCM_RIGHTS), or from one descriptor for each. It
// shows them what will be done: activity, label, check value, attributes, the first digits of the request's digest, who asks. It
// signs in their name, wipes their keys, and admits. What they sign covers activity, label, check value, attributes and
// a digest over the request, the count and the details. Officers who are unknown to the store, named twice or expired are
// refused before anybody types. Each has three tries at a terminal, one by a descriptor; every wrong one is recorded.
// Where an activity wants somebody who asks and is not among those who approve, they give their passphrase too.
//
// A device asks for approvals too, by requests with its serial number in the place of the store ([Authority.Endorse]).
// Officers sign them in the same way: they are shown the device, what it is to do and until when, too few of them and the
// wrong ones are refused before anybody types, and intent and outcome are recorded for each device, as device.endorse:
// what the device does with the approvals is recorded by whoever ordered it. A request of a store is never signed so, nor
// one for anything but device.unlock, device.recover, device.reset and device.update.
//
// # The life of an agent
//
//	started    hardened: not dumpable, no core file, memory locked. On Linux an agent that cannot be made undumpable
//	           does not start; memory that cannot be locked ends a production store's, then or later.
//	alone      the audit log is open, against every other process; operations that an earlier agent never finished are
//	           recorded as unknown
//	asking     store.unseal is recorded; the generation is held against the log, the cards of the database against the
//	           roster; the officers give their passphrases, each on a screen cleared before and after
//	opened     the master key vouches for the document and for the roster of officers: exactly the cards of the database
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
// With [Init] an agent draws a new store's master key, seals it to the officers' cards, enrols all officers under it,
// makes the audit log, and ends. With [Reshare] it opens the master key and seals it to other officers.
//
// # Resharing
//
// Whoever joins or leaves the store by a resharing does so as by officer.admit and officer.revoke: those rules must be met
// by the officers who are there. As many custodians as the threshold give their shares; further officers of the store
// (administrators without a share) are named beside them, give their passphrase and agree. Every screen says who will
// hold a share and how many it takes, who joins with the whole fingerprint in words, and who leaves. All officers of
// tomorrow are named, and all who leave: nobody is left out in silence. officer.remove and officer.add are recorded for
// each, with those who agreed, before the documents are handed out; the database has them in one transaction with the
// documents.
//
// # Generations
//
// The record of a resharing says what was handed out, not what the database has: a crash may come between. So the
// process that started the agent confirms it when the database has committed ([Confirm]): master.reshare with the
// generation, the digest of the documents as the request, and in-force. The outcomes of store.create and store.unseal
// have generation and digest too. The highest generation of these is in force: before anybody is asked an agent refuses
// an older one, and another document of the same one. A later one than the log knows passes, for the master key vouches
// for it, and its opening records it. So a crash at any place locks nobody out. Until the confirmation, which is
// what a resharing waits for before it reports success, the documents of before still open the store.
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
// Both sides say "poskey agent 2" and a line feed. First the command says which store it means (hello), and the agent of
// another one refuses. Then the command asks and the agent answers, one frame each:
//
//	4 bytes    length of the head, at most 1 MiB
//	1 byte     number of secrets, at most 16
//	4 bytes    for each secret, its length, at most 8 KiB
//	           the head: a JSON document
//	           the secrets, as they are
//
// Numbers are big-endian. A question is {"op":WORD,"args":{…}}, an answer {"result":…} or {"error":…}. Unknown members
// and anything after the document are refused. Secrets are never part of a document; they are read straight into
// locked memory. Descriptors come with the first byte of begin, checkpoint and endorse: the terminal first, then passphrases. A
// connection carries one work at a time. Errors and warnings cross with their kinds, formats and arguments, so that the
// command can still say them in the user's language.
//
// At most 256 connections and 128 operations are there at one time, 8 probers in each. Beyond the 256 there are 16 for ten
// seconds each, on which how the store stands is told and the store is sealed; all else is answered with busy. A
// connection on which nothing was begun is closed after ten seconds without a question. A store counts as sealed when
// there is no socket or nobody behind it, and not because an agent does not answer. A connection that breaks the
// protocol is answered with an error or closed; one that meets a bug is closed, and the agent goes on.
//
// # What it cannot do
//
// Whoever is the agent's user can do what was allowed while the store is open, can put a program of their own in the
// place of poskey and ask officers for their passphrases with it, and can end the agent. Root can do everything. The
// kernel's buffers of sockets and pipes are neither locked nor wiped by anybody here. The name and the station of who
// acts are what the command says; the uid is the system's. What a command does in the database it alone knows: an
// outcome is its word, and so is what it notes. Whoever can put an older audit log in the place of the log, with its
// checkpoints, can put an older database beside it: against that, checkpoints are kept elsewhere. An officer who was taken out of the store approves nothing more, by the
// outcome of officer.revoke; what they allowed when they opened it stays allowed until it is sealed. One who was
// admitted counts from the next opening on. Progress of a search of slips is not told.
//
// Windows has no agent, nor have systems whose sockets do not tell who is at the other end; everything compiles there,
// and says so. On macOS the process is not hidden from debuggers of the same user.
package agent
