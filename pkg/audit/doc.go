// Package audit is the record of every operation that touches a key, an officer or a device: one file that only
// grows, in which nothing can be changed, taken out or moved without being noticed, and which anybody can verify with
// the file and the officers' checkpoints alone. It knows labels, check values and key serial numbers; it imports
// nothing that can hold a key.
//
// # The file
//
// A log is a text file of UTF-8, one record in each line, each line a JSON object that ends in a line feed (0A).
// Lines are at most [MaxLine] bytes. Line n holds record n; the first is number 1. Nothing stands between or after
// lines.
//
// # A line
//
// There is one way to write a record: no blanks outside of strings, the members in the order of this table, members
// that are empty or zero left out (except seq, time, who, op, prev, hash, and those marked "always" inside an
// object).
//
//	seq       number of the record
//	time      "2006-01-02T15:04:05.000000Z": UTC by the clock of the machine, cut to microseconds, years 1970 to 2199
//	back_us   microseconds by which time lies before that of the record above; left out when it does not
//	log       first record only: {"format":"poskey.audit/v1","store":ID,"environment":"test" or "production"}, all always
//	torn      what a crash had left: {"bytes":N,"sha256":HASH}, both always; in log.recover, and in a first record
//	          that took over a file that was never whole
//	who       who acted: {"id":TEXT,"role":WORD,"station":TEXT}, id and role always
//	with      others who took part: an array of objects as who, at most 16
//	op        what was done: a word, the thing before a dot and the act after it, as key.generate
//	of        the number of the intent whose outcome this record is
//	object    {"kind":WORD,"label":TEXT,"check":HEX,"method":WORD,"ksn":HEX}, kind always, check and method together
//	request   HASH of the request that was approved
//	outcome   {"result":"ok"} or {"result":"refused" or "failed" or "unknown","fault":WORD}; left out in an intent
//	batch     {"count":N,"ok":N,"refused":N,"failed":N,"unknown":N,"sha256":HASH}, count always
//	details   an object of at most 24 members, names WORD, values TEXT, sorted by the bytes of the names
//	open      after this record, the number of the oldest intent without an outcome; left out when there is none
//	prev      HASH of the record above; 64 zeros in the first
//	hash      HASH of this record
//
// WORD is 1 to 48 of a-z 0-9 and the dash, a letter first; op may also have dots, fault underscores. N is a decimal
// number below 2^53. HEX and HASH are upper-case hex digits: 2 to 16 in check, 20 or 24 in ksn, 64 in a HASH. ID is 1
// to 64 letters of ASCII, digits and . _ -. TEXT is one line of UTF-8 without the characters U+0000-001F, 007F-009F,
// 200B-200F, 2028-202E, 2060-206F, FEFF, FFF9-FFFB and E0000-E007F; ids of people (at least one byte) and stations
// have at most 64 bytes, a label 128, the value of a detail 256. In strings the quote and the backslash are escaped
// by a backslash, and nothing else is. A result other than ok has its fault. The outcomes of a batch add up to its
// count; in an intent they may be fewer.
//
// # The chain
//
// hash is SHA-256 over the text "poskey.audit/v1/record" and a line feed, then the bytes of the line from its first
// brace up to, not including, the text `,"hash":"`, which begins 75 bytes before the line feed. The bytes that are
// hashed are the bytes in the file; nobody need parse JSON to follow the chain. A record fits when seq is one more
// than in the record above, prev is its hash, back_us says by how much time went back if it did, and open and of give
// a right account of the intents: of names an intent of the same op that had no outcome yet. At most 1024 intents are
// open at one time.
//
// # Two records for one operation
//
// An operation is recorded before it acts, as an intent (a record without outcome), and after, with its outcome and
// of. What is over when it is recorded, such as a refusal, is one record. An intent that never got its outcome tells
// that the process ended in between; [Log.Unfinished] finds it, and whoever opens the log says what became of it. A
// batch is one operation, with its count, its outcomes and the digest of its lines.
//
// # Writing
//
// One process has the log open. [Log.Append], [Log.Begin] and [Pending.Done] return when the record is on the disk
// (fsync of the file; of its folder when it is made). Before every record the path must still name the same file,
// with no byte in it that is not known. The file is open for appending only, so that the system can forbid everything
// else (chattr +a on Linux; only the repair of a torn line then needs an administrator). After a failed write or
// fsync the log takes nothing more until it is opened again: what the disk holds by then is not known.
//
// A crash can leave a line that is not whole. It was not acknowledged, and the next [Open] writes a log.recover
// record in its place that keeps its length and hash; if that is cut short too, the next Open does it again. Zero
// bytes in the last line count as torn: some file systems leave them after a power failure. A last line that is wrong
// in another way was changed, and Open refuses the log.
//
// # Checkpoints
//
// A checkpoint is a signed note (golang.org/x/mod/sumdb/note) over these lines, each ending in a line feed:
//
//	poskey/audit/v1/ENVIRONMENT/STORE
//	number of records, decimal
//	root of the RFC 6962 Merkle tree (SHA-256) whose leaves are the 32 bytes of each record's hash, base64
//	head HASH of the last record
//	time when it was signed, written as in records
//
// The first three are those of a checkpoint of transparency logs (c2sp.org/tlog-checkpoint), whose tools can read it.
// Each officer adds a signature line; up to a slash its name is the person, so that a renewed key is no second
// officer. [Log.Checkpoint] verifies the whole log before anybody signs, and the intent to sign is the last record
// under the checkpoint. Checkpoints lie beside the log, in PATH.checkpoints, one file each, and do their work when
// copies lie elsewhere: on paper, with the officers, with the auditor. Open holds the log against the newest one
// beside it. A backup that is meant to be continued needs its later checkpoints moved away by hand, and whoever still
// has one of these will see that records are gone.
//
// # What verification finds
//
// [Verify] finds any changed byte, and deletion, insertion, repetition and reordering of records, by the chain. Who
// can write the file can also compute hashes: against a chain that was made anew, records cut off the end, and an
// older copy put in the log's place, it takes a checkpoint that the attacker could not replace. Records after the
// last checkpoint are as trustworthy as the machine. Clocks are recorded, not trusted. A checkpoint vouches for records
// when enough officers who are known to the reader signed it; one that lay beside the log and was signed by others
// vouches for nothing, and must agree all the same.
//
// Not done here: who may do what (pkg/custody), signing keys, sending checkpoints away, rotation of the file.
package audit
