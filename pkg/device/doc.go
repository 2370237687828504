// Package device is the vocabulary for loading keys into a payment terminal: what a loader may ask of one, what proves
// that a key is in, how a device is named and how it fails. It speaks no protocol. The dialects do (pkg/device/visa is
// the first), over the byte streams of pkg/device/line; pkg/device/drivers links them and has Open, so that this
// package imports none of them. pkg/device/emulator is a terminal to talk to, pkg/device/devicetest the suite that
// every pair of driver and terminal passes.
//
// # Loading, and what it proves
//
// A load has two steps, and the second cannot be had without the first:
//
//	Device.LoadBlock, Device.LoadClear   hand the key over; a [Commit] is the receipt
//	Device.Confirm                       asks the terminal about the slot; a [LoadResult] with its [Proof] is the verdict
//
// They are apart because asking ends the key inject mode of some terminals: several clear keys are loaded first and
// confirmed afterwards. [LoadBlock] and [LoadClear] do both for one key. The proof names what was seen, no more:
// commit+attributes means that the terminal repeated the key, was told to store it, and then reported the slot as
// loaded with the attributes asked for. It is not a check value; a dialect that has none never shows one.
//
// # Failing
//
// Every error is a fault: device_failed when the terminal answered and said no (a [CodeError] says what and what to
// do), device_link when the line broke or the answer cannot be read, device_timeout when nothing came, usage for a
// wrong URI and the like. A failure before the commit means that nothing was stored. When the line fails after the
// commit nobody can know: that is an [OutcomeUnknown], which carries the receipt. Such a load must not simply be done
// again; Confirm settles it where it can be settled.
//
// # Names
//
//	visa+tcp://HOST:PORT            a TCP port that carries the bytes of a serial line (terminal server, emulator)
//	visa+serial:///dev/ttyUSB0      a serial port; ?baud=9600&mode=7E1
//	visa+pty:///dev/pts/N           a pseudo-terminal of this machine
//	futurex+tcp, +serial, +pty      the same; ?slots=hex where the terminal writes slot numbers so
//	agent+https://HOST:PORT?ca=FILE&cert=FILE&key=FILE   management over mutual TLS; loads no keys
//	?timeout=5s&retries=2           how long to wait for an answer, how often a frame is sent again
//	?profile=verifone               visa: uic (default), verifone, or poskey for extensions of poskey's own;
//	                                futurex: base (default), or dialect for the fields that one application adds
//
// Without ?baud= a line runs at 9600 (visa) or 115200 (futurex), without ?mode= with 8N1.
//
// Not done here: deciding whether a key may be loaded (pkg/inject), locks.
package device
