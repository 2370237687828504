// Package fleet loads keys into many terminals: a list of those that are expected, a run over one or more stations, and
// an account of every device on the list (PCI PIN 30-3).
//
// # The list
//
// A [Manifest] is CSV in UTF-8, with or without a byte order mark, separated by commas or by semicolons. The first line
// names the columns, in any order:
//
//	serial        needed; 1 to 64 printable characters without blanks; no serial twice
//	device        needed; where the device is reached, as poskey's other commands take it (visa+tcp://HOST:PORT, ...)
//	model         as in the inventory
//	poi_version   PCI POI version, such as 5
//	kbpk          label of the key that this device opens key blocks with, where it is not the plan's
//	note          anything
//
// Other columns are refused, and so is a line with more or fewer fields. The digest of a list is SHA-256 over its
// devices by serial, each as a JSON array of the six values and a line feed: order, separator and blanks around values do
// not count, everything else does.
//
// [FromInventory] makes a list of devices of the store, which has no addresses: they are made of the serial numbers.
//
// # The run
//
// [Begin] takes a run down in the store, if it fits there ([Plan.Fits]): the list, and what goes into each device
// ([Plan]). Devices that the inventory does not have come into it as expected. A device can be in one open run only.
// From then on the list does not change, and a device that is not on it gets nothing. A device that has a live number of
// a key set is refused, unless the plan says that it gets another one; the old number is burnt then.
//
// [Run] is a station at work. Which device is next, a queue of work says: River, in the store's own schema on PostgreSQL,
// where many stations share it, or in a file beside a SQLite store for one station. The queue decides order and nothing
// else: a job is "bring device S of run R to the end", there is one for each device, doing it twice does no harm, and all
// of them can be made again from the store. What keeps a key from being loaded twice is the journal (pkg/inject,
// pkg/store): a number is reserved and on the disk, then sent, then confirmed, and burnt whenever nobody can know.
//
// A job that fails is tried again, with growing pauses, when nothing was sent or when the device is known not to have the
// key: the line did not come up or broke before the commit, the device was busy, the slot is empty. A refusal with a code
// is final. An outcome that is unknown is never answered by another load: the device is quarantined until its loads are
// settled in the journal. A device that says it is another one is rejected. After too many failures in a row a station
// stops itself, since a broken cable or a wrong key is no matter of patience; so it does when the database stays away. What
// every device would meet stops it too, and is told as what it is: a key of the plan that is not active any more (looked
// at every second, and before each key goes out), a frozen key set, a boundary that is sealed or gone, a queue that gives
// nothing out. No device fails by it: they stay expected, and a number that was reserved and not let go is used when the
// run goes on. A lease that ended is followed by another one. A station that is told to stop brings the devices it has
// begun to their end.
//
// One station at a time is at a device, and that too is no matter of the queue's: it gives a job out twice when a server
// crashed and forgot, or when a station says late what became of one. A station goes to a device when its claim is on the
// disk, and lets go when it has left and its result is down.
//
// Of a station that was killed, the jobs go to another one, or to the same one started again: at once in a file, on a
// server when three times the time for a device has passed. Every load that it had sent is asked about first.
//
// Initial keys take their numbers from leases of the station, blocks of the key set, so that stations do not wait for
// each other. When it ends, a station gives back what it did not use; those numbers are burnt all the same, since a gap
// is harmless and a duplicate is not.
//
// # The account
//
// [Reconcile] holds three things against each other: the list, what stations said, and the journal. Every device is
// confirmed, failed, quarantined, rejected or untouched, and the sum is the list. It raises: devices in work or without a
// result; results that the journal does not bear out; equal check values among initial keys of a key set; numbers seen
// twice; devices that told another serial number than expected; reservations older than a limit; device digits that are
// odd (somebody numbered devices one by one: every second device then shares its initial key with its neighbour). It
// tells by which proof each load is confirmed, since most dialects tell no check value.
//
// Check values of six digits collide by chance: among 10,000 keys about three pairs do. A pair is open when chance does
// not explain it (less than one in twenty for as many pairs or more), and is told as a coincidence otherwise.
//
// [Close] ends a run when the sum is right, and only then. Devices that nobody touched are counted and named by whoever
// closes it, and so are findings that are open still: the store takes no load of a closed run any more, and of an open
// one those of devices on its list only (but for clear keys that a strange device took: that is taken down).
//
// # The report
//
// A [Report] has a JSON form, "poskey.fleet-report/v1", and an HTML page without scripts or anything from elsewhere.
// Officers sign the note that [Statement] makes of it:
//
//	poskey/fleet-report/v1/ENVIRONMENT/STORE
//	run RUN
//	sha256 DIGEST of the JSON form, as its bytes are
//	time TIME
//
// # Not done here
//
// Who may load what (the agent decides), where keys come from (internal/cli), how one device is loaded (pkg/inject). A
// station that works without the database is not here either: it would take signed leases and a journal of its own.
package fleet
