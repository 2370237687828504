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
//	unknown    the line broke at the one moment at which nobody can know; the number stays out of use
//
// A run that was broken off is run again under its name. What is confirmed is left alone. What was reserved goes on,
// since nothing was sent. Of what was sent the device is asked: a check value, an empty slot or a MAC decides; where
// nothing can be asked the outcome stays unknown, and only [Loader.Again] tries anew, with a new number. So no number
// goes into a device twice, whatever breaks.
//
// Clear loads come first and together: UIC pads leave the mode in which they take clear keys on any other packet, so
// nothing is asked before they are over, not even the serial number.
//
// # Not done here
//
// Who may load what (pkg/custody decides, inside the agent), where keys come from (internal/cli), many devices at once
// (pkg/fleet).
package inject
