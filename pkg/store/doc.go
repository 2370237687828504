// Package store is the inventory: keys and their lives, officers' cards, devices, and the key serial numbers handed out
// to them, in one SQLite file or in one schema of a PostgreSQL database.
//
// It holds no secret and opens none. A key is a block under the boundary's master key (pkg/hsm), next to attributes
// that stand in the block's header too; the master key is named by its check value, and its sealed document
// (pkg/custody) or the URI of its token is kept as bytes. What the rows are worth, the boundary and the audit log tell:
// the store compares check values and never computes one.
//
// # Places
//
//	sqlite:PATH                            a file, made with mode 0600 and refused when others can get at it
//	postgres://USER@HOST/DATABASE?…        or postgresql://; the schema is that of search_path, else poskey
//
// [URL.Redacted] and every error leave passwords out. Connections are made as libpq makes them (sslmode, pgpass, …):
// who has a server on another machine asks for sslmode=verify-full.
//
// # Tables
//
// One schema for both databases (tables.go), in versions that goose counts in schema_version. A store of an older
// version is brought up when it is opened for writing, each step in a transaction; one of a newer version is refused.
//
//	meta          one row: id, environment, birth, master key (kind, check value, generation, document or token), mark
//	officers      cards by fingerprint; an id is unique among those not revoked
//	keys          label and version (unique), attributes, block, check value, parent, block under the parent, custodians,
//	              origin, purpose, state, times, successor
//	key_events    every step in a key's life with its reason
//	devices       by serial number; device_keys: what is in which slot
//	key_sets      a range of device numbers under one base derivation key and its state, the next one, a mark
//	leases        ranges given to stations
//	allocations   numbers by request id
//	loads         the journal: keys that were to go into slots of devices, and what became of them (since version 2), in
//	              the answer of a device that refused (since version 4)
//	runs          lists of devices and what goes into them; run_devices: what became of each (since version 2)
//	ceremonies    as the ledger knows them; holdings: who held which part of a key, in which bag (since version 3)
//
// Times are microseconds since 1970 in UTC, 0 when it did not happen. Text is UTF-8 of characters that can be seen,
// compared byte by byte. A label is 1 to 64 of A-Z a-z 0-9 . _ - beginning with a letter or digit, and LABEL#VERSION
// stands in the block itself (optional block LB): a row and a block that do not agree about name, usage, algorithm,
// mode or exportability are refused when the block is of X9.143 form; other forms are for their own boundary to judge.
//
// # Changes
//
// Every call that writes is one transaction: all of it or nothing, and durable when it returns (SQLite: write-ahead log
// with synchronous FULL; PostgreSQL: synchronous_commit on, unless the URL says otherwise; a server with fsync off
// keeps no promise of anybody). With it goes a [Mark], the place of the audit intent behind it. The store keeps the
// highest mark, so that a database put back to an older copy is found by whoever holds the log: its mark is lower than
// that of the last change that the log calls done. One operation may change the store many times under one mark;
// [Store.Reached] tells such states apart by the numbers that went out.
//
// Two processes may write at once: the later one waits, five seconds unless told otherwise ([Options].Wait), then fails
// with kind busy and has done nothing. Changes of keys run one at a time, so what one has checked still holds when it
// commits; a number or a lease is given before or after such a change, and never out of a key that was taken out of use
// while its asker waited. On a server a change locks devices before the row of meta, that one before key sets, and key
// sets before leases, each by name, so that no two wait for each other. Steps of keys and devices and new documents of the master key name the state they start from,
// and fail with kind busy when it is another one by now. Readers do not wait for writers. Lists are read page by page:
// what changes meanwhile is given as it was or as it is.
//
// Before each commit the SQLite file must still be at its place; a file put in its place is checksum_mismatch.
//
// # Lives of keys
//
//	pre-activation --> active, compromised, destroyed
//	active         --> suspended, deactivated, compromised
//	suspended      --> active, deactivated, compromised
//	deactivated    --> compromised, destroyed
//	compromised    --> destroyed-compromised
//
// States are those of NIST SP 800-57 part 1, and there is no way back from compromised. On activation a key gets the
// end of its cryptoperiod ([DefaultPeriod]) unless it has one; nothing happens by itself when that is past. A destroyed
// key loses its blocks in the same transaction and keeps the rest of its row. SQLite then overwrites the bytes
// (secure_delete) and empties its log, if no other process is reading. Neither database can promise that a drive, a
// snapshot, a replica, an archive of the log or a backup has no copy left, and PostgreSQL keeps the old row until it is
// vacuumed: what is left there is a block under the master key.
//
// A hierarchy has no circles: a parent is there before its child, and a move under oneself is refused. What was derived
// from a key stays under it.
//
// An equal check value on two keys (the same method, equal digits on the shorter length, six or more) is told, not
// refused: the duplicate alarm.
//
// The clock is the caller's. When it goes back, a step gets the time of the step before it in that row, so that a life
// stays in order; nothing is refused, since a clock that once ran ahead would lock the store. What the clock said
// stands in the audit log. The order of rows is that of insertion and not of times.
//
// # Numbers
//
// A number that left the database is burnt the moment it may have reached a device: none is ever handed out twice,
// whatever became of it. A request id gets the same answer again. A device has one live number (reserved or confirmed)
// in a key set; a new try after an unknown outcome first puts the old number into quarantine. A lease moves the counter
// over its whole range at once; the numbers of a lease that comes back are not handed out again, also when they are
// unused. Out of a lease numbers are given in one of two ways: by its station alone, which tells of them when it returns
// the lease, or by the store itself, one load at a time ([LoadRequest].Lease), to the station that has the lease and
// until its end. Frozen key sets and keys that are not active give nothing; a range that is used up is end_of_life.
//
// A KSI belongs to one key, and the ranges of its key sets do not overlap, so KSNs, unique by constraint, are unique by
// construction too. The device field of a TDES KSN is 2n: its last bit belongs to the counter.
//
// # Loads
//
//	reserved --> sent, failed
//	sent     --> confirmed, failed, unknown
//	unknown  --> confirmed, failed
//
// A load is one try to put one key into one slot of one device. It is reserved, with its number, before anything is done
// for it; it is called sent, which is on the disk, before a byte of it leaves, and only while its key, and the one that
// protects it, are active; and its end is written when it is known. A
// slot has one load that is not settled yet, and no other load of a device begins while nobody knows about one of them.
// A load goes out once: who is told that it was sent before has not sent it. The number of a load is the allocation with
// the same request id and is settled with it: confirmed with the load, burnt with a failure at any stage, in quarantine
// while the outcome is unknown. What is given up is not proven: a key that was sent and given up may be in the device.
//
// With the confirmation the key stands in the slot ([DeviceKey]), in the same transaction. A reservation takes the
// device to reserved, from wherever it was: a device that was done begins anew, one in quarantine leaves it when the last
// load that nobody knew about is settled, and one that was rejected gets nothing. Later states of the device are those
// that the steps ask for.
//
// A request is safe to be repeated, also after a line that broke: the same id gives the same load, a step to where the
// load is already is no error, and of two who would send it one is refused. [Journal] puts calls that come at one time
// into one transaction.
//
// # Backup
//
// A dump of one moment, the same from both databases, in lines of JSON without blanks:
//
//	{"format":"poskey.store/v1","schema":4,"store":ID,"environment":"test" or "production"}
//	{TABLE:{COLUMN:VALUE,…}}               every row, in the order above, rows by their key
//	{"rows":{TABLE:COUNT,…},"sha256":HEX}  of all lines above
//
// Bytes are base64, a reference to nothing is null. There is one way to write each line. [RestoreInto] makes the same
// store again, in either database, whole or not at all; it never overwrites. A dump that an earlier version of the schema
// wrote is restored too, and brought up as its store would be. [RestoreWith] makes a store that goes on: nobody knows what
// went out after the backup, so its key sets are frozen and its leases give nothing more. Nothing turns a test store into a
// production store or moves rows between them. The caller encrypts.
//
// # Errors
//
//	not_found             no file, schema, key, device, key set, request
//	file_exists           a store, key, officer, device or key set that is there already
//	malformed             a file that is no store, a line that is none of a backup
//	version_unsupported   a newer schema, a backup of another version
//	checksum_mismatch     damage: pages, rows, blocks of another key, a backup that was changed
//	not_permitted         another store than expected, a step that is not allowed, a read-only file or folder, a user of
//	                      the server who may not do it
//	end_of_life           no number left
//	busy                  another process writes, or was faster
//	device_link           the server is away; trying again is harmless for everything that this kind is given for
//	outcome_unknown       the line broke during a commit, or nobody waited for it: look whether the change is there.
//	                      Never for [Store.Allocate], which may simply be asked again, as loads may
//	interrupted, device_timeout
//	                      the caller gave up, or had no time left; nothing was changed, but for [Store.Allocate]
//	failure               no room, a disk that fails; nothing of the change is kept
//
// # What it does not do
//
// It does not decide who may do what, records nothing in the audit log, and cannot tell a row that was changed together
// with everything that speaks of it from one that was not: for that a key's block has a MAC under the master key and
// the log has its chain, with the digest of each row of the ledger ([Holding.Statement]). Rows of devices and numbers have no MAC.
package store
