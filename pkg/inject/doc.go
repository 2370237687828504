// Package inject loads keys into terminals: plan, preflight, load, read back, verdict, record.
//
// # Order
//
// The order is kept by types. A [Document] is what somebody wrote; with its keys it is a [Job], whose keys are
// hsm.Checked, so somebody has answered for their check values. [Preflight] finds out what can fail before anything is
// sent and turns the job into a [Cleared] one; only that can be loaded. A [Report] says for each load what became of it
// and by what it is proven, never more than the device showed.
//
// # Exactly once
//
// With a [Journal] every step is on the disk before the next one begins:
//
//	reserved   the load is taken down, and the number (KSN) of an initial key is taken for good
//	sent       from here on the key may be in the device
//	confirmed  the device has it; Proof says by what that is known
//	failed     the device does not have it, or nobody can know and it was given up; the number is burnt
//	unknown    nobody can know, or the device says that it stored something else; the number stays out of use
//
// A run that was broken off is run again under its name. What is confirmed is left alone, where the plan still has the
// same key and the slot is not known to be empty. What was reserved goes on, since nothing was sent. Of what was sent the
// device is asked before anything else is taken down: an empty slot, other attributes, a check value with its number, or
// a MAC decides; where nothing can be asked the outcome stays unknown, and only [Loader.Again] tries anew, with a new
// number. So no number goes into a device twice, whatever breaks. What was sent is asked about also when the run is given
// up. A load that the journal shows to be another run's is left alone (busy).
//
// A device that answers with another check value, or a MAC that is not the key's, has stored something under the number,
// and perhaps the very key, if it computes check values otherwise. That is no plain failure: the load is unknown, the
// number out of use, the device in quarantine. The next run asks it; where the device computes by the same method, that
// settles the load as failed, and the key goes again with another number.
//
// A device has one number of a key set. [Loader.Replace] burns the one that it has in the slot in the same transaction
// that takes the new one; the device keeps the old key until the new one is in.
//
// # Clear keys
//
// Clear loads come first and together: UIC pads leave the mode in which they take clear keys on any other packet, so
// nothing is asked before they are over, not even the serial number. Then the device says who it is, and only then is
// anything confirmed. When it is another one than was meant, or cannot be asked, all of them are unknown; the one that
// took them, if it is in the inventory, has open loads of these slots and is in quarantine too.
//
// The first clear master key that a pad takes in that mode erases its other ones. So a broken run sends all clear master
// keys of its job again as soon as one is left to send, and keys that it finds erased afterwards. Where an earlier run
// left something to be asked, the question ends the mode; where clear keys are refused for that, nothing is lost, and the
// next run sends them.
//
// # Not done here
//
// Who may load what (pkg/custody decides, inside the agent), where keys come from (internal/cli), many devices at once
// (pkg/fleet). What the device did with a key that nobody asked it about: an answer of a dialect that cannot be asked is
// believed.
package inject
