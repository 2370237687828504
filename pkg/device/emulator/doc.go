// Package emulator is a terminal with key slots, for developing, teaching and testing the loading of keys without
// hardware.
//
// A [Terminal] has an identity, slots with keys, DUKPT engines, locks, a tamper switch, a backup battery, a clock, a
// screen, accounts, and a log; it decides what a key may do. A [Port] is a dialect at its line: [Visa] (the default, in
// three profiles), [Futurex], and [Manage] over HTTPS. Ports read frames, make an [Offer] of a key, and map the
// terminal's [Refusal] to codes of their own. They read the protocols on their own: frames, flow and rules here are
// written from the tables, not from the drivers; the two share the constants of the table packages and the plumbing of
// package line, nothing that decides.
//
// # Loading
//
// An offered key is looked at in this order, and the first thing that is wrong is the refusal: state of the terminal
// (tampered, locked), slot, key inject mode for clear keys, count of loads, memory; form; the key that protects it;
// authenticity, decryption; usage, algorithm, mode and length against the slot; length against the protecting key; the
// same key elsewhere (initial keys may be equal to each other); check value; expiry. A good one waits for
// [Pending.Commit], which is durable when it returns. Every load overwrites what the slot held. Keys are compared as
// bytes, parity included.
//
// The key inject mode takes the passwords of accounts A and B. It ends after 60 s without a key, after 15 minutes, with
// any message that loads none, and on key CAN. The first clear key in it erases all other master keys. Unless
// Config.InjectModeOff is set a terminal takes clear keys always, without passwords and limits.
//
// DUKPT engines are those of pkg/dukpt: the initial key is gone once it is loaded, the counter goes on before a key is
// used, on disk too, and at its end there is no next transaction.
//
// # The visa dialect
//
// Slots follow the table of the UIC PP791 (page 321). Packets 02, 04, 05, 06, 08, 13, 90, 94, 96, 70 and Z66 follow its
// manual, 15, 17, 19, 25, M04 and 73 VeriFone's, as far as they are documented. Answers of packet 02:
//
//	EOT  slot unknown; tampered or locked; a clear key outside the key inject mode
//	F    more loads than Config.MaxLoads
//	3    no memory
//	4    neither a clear key (32 or 48 hex digits) nor a key block by its length
//	A    not a TR-31 block of version A (56, 72, 88 characters) or B (80) with key version 00 and exportability N
//	D    no KLK in slot F, or one that is damaged or has expired
//	C    the MAC does not verify
//	7    the key inside cannot be read
//	E    usage, algorithm, mode or length do not fit the slot
//	B    the key is longer than the KLK
//	2    the same key is in another slot
//
// 91 has 1 for a clear key outside the mode, 2 for what is no hex, 4 for an initial key that is no B1 with mode X, of
// another length than 16 bytes, or a master key of the same terminal, and A also for a KSN that was loaded before: its
// counter would start again. The same key in the same slot before its first use is taken, for an answer that was lost. A frame is ACKed when its LRC is right, else
// NAKed, and after the third NAK the exchange ends with EOT. A good frame with an unknown id is ignored. An answer is
// sent again on NAK and, twice, after 5 s of silence; then EOT. A new frame in place of the ACK starts afresh: the host
// has given the old exchange up. On EOT from the host nothing is stored; a key that cannot be stored after the commit
// is met with silence.
//
// The manuals leave open, and here it is so: packet 02 with a clear key outside the key inject mode is EOT; 15 and 17
// take one to eight characters and erase every key when they change; 15, 17 and 19 are answered by ACK and EOT, as
// VeriFone's 08 is; the first packet of a Z66 message has number 00; a working key of zeros, or none, in packet 70
// means DUKPT; the cardholder enters Config.PIN at once. DES DUKPT and AES over packet 90 are not there.
//
// # What it keeps
//
// With Config.Dir ([Open]) everything but sessions, requests for approval, the key inject mode and what is on the line
// outlives the process, whatever ends it. A directory that holds a terminal keeps it: a Config of another identity or
// open batch is refused. The directory is the user's own and 0700, or it is refused; no link in it is
// followed; one process has it, by a lock on the directory itself. Files are 0600:
//
//	state.json      {"format", "sequence", "mac", "state"}: written whole or not at all, and synced before a store is
//	                acknowledged. Keys in it are encrypted (AES-256-GCM, bound to slot and usage). The MAC (HMAC-SHA-256)
//	                is over the sequence number, 8 bytes, and the state as it stands. An engine has a mark to know its
//	                initial key by: 16 bytes of HMAC-SHA-256 of algorithm and check value.
//	battery.key     32 bytes, what the backup battery keeps. Every key above comes of it (HKDF-SHA-256, Expand).
//	battery.memory  sequence number and MAC of the state that was acknowledged last, under a MAC; two records in turns.
//
// A tamper overwrites and deletes battery.key first. Where it cannot, the event is [Undestroyed], the screen says so, no
// older state counts any more, and it is tried again with everything that happens and at the next start. A state is
// taken if its MAC is right and it is the one of the memory, or a younger one: that was written when the process ended,
// and not acknowledged. A changed or older one, and one that is missing, are mac_mismatch. Without battery.key, and
// without a MAC, a state is that of a tampered terminal with no keys. A record that does not open is a damaged key, and
// the status says so.
//
// # Locks, people, orders
//
// The locks are those of pkg/device. Accounts are 99 (administrator), 00 (supervisor), 01 to 05 (operators), A and B
// (key inject mode); five wrong passwords bar an account, or A and B together, for 15 minutes and set the password lock.
// Passwords are looked at one after the other. A one-time code counts once, and none before it counts afterwards. What
// an account may order is a table by role; what takes officers' approvals is pkg/device/manage's table. Approvals are pkg/custody's,
// for a request of this terminal under its serial number, counted once, and gone with a restart. The lock
// dual-administrator is lifted by no order: it takes the passwords of A and B at the terminal. Denials are logged.
// Time that passes is counted by a clock that nobody can set; the time of day may be wrong, and then codes and
// approvals fail by it. After a tamper unlock the terminal has no keys. Software updates are signed by the vendor's
// key, for this model, of the image that came, with a rising release number. The log has 200 lines.
//
// # Limits
//
// It is no security module: keys lie in the memory of this process, and on disk beside their key. It binds to nothing
// but this machine, because whoever reaches the port may load keys. A restart closes the line; a pseudo-terminal is
// gone with it. Without Config.Env.Now nothing expires and nobody can approve. Words on the screen are this project's;
// codes and tamper texts are the vendors' ([Vendors]).
//
// No memory lies outside the directory: who copies the whole of it and puts it back has the terminal as it was, keys,
// counters and codes; who removes it has a new terminal. Who reads battery.key can write any state. Who takes it away
// can edit the state, of a terminal that is tampered then. Writable directories above it are the user's business. The
// last 1000 KSNs are known. A code that counted by a clock that was ahead bars all before it, until that time has come.
// Where neither battery.key, battery.memory nor state.json can be written a tamper leaves the keys on the disk, and says
// so.
package emulator
