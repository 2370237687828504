// Package device is the vocabulary for payment terminals: what a loader of keys may ask of one and what proves that a key
// is in, how a terminal tells how it is and takes orders about itself, which locks there are, how a device is named, and
// how it fails. It speaks no protocol and opens no line. The dialects do (pkg/device/visa, pkg/device/futurex,
// pkg/device/manage/client), over the byte streams of pkg/device/line or HTTPS; pkg/device/drivers links them and has
// Open, so that this package imports none of them. pkg/device/emulator is a terminal to talk to, pkg/device/devicetest
// the suite that every pair of driver and terminal passes.
//
// # Loading, and what it proves
//
// A load has two steps, and the second cannot be had without the first:
//
//	Device.LoadBlock, Device.LoadClear,     hand the key over; a [Commit] is the receipt
//	LoadInitial, LoadCryptogram
//	Device.Confirm                          asks the terminal about the slot; a [LoadResult] with its [Proof] is the verdict
//
// They are apart because asking ends the key inject mode of some terminals: several clear keys are loaded first and
// confirmed afterwards. [LoadBlock] and [LoadClear] do both for one key. The proof names what was seen, no more:
//
//	answer             the terminal answered that it stored the key, and has no question by which to ask again
//	commit             it repeated the key, was told to store it, and then reported the slot as loaded
//	commit+attributes  the same, with the attributes asked for
//	check-value        it computed the check value of what it stored, and that is the key's
//	mac                it made a MAC with the key over a message drawn for it, and all of it is right
//
// A check value that came with the answer and may only have been repeated is [LoadResult].Returned: right it proves
// nothing, wrong it proves much.
//
// # What a device can do
//
// [Device] is what all of them can. The rest is optional, told beforehand by [Capabilities] and found by a type
// assertion: [Serials], [InitialLoader], [CryptogramLoader], [Prover], [Eraser], [Manager].
//
//	visa      Device, Serials, InitialLoader, Prover
//	futurex   Device, Serials, InitialLoader, CryptogramLoader, Eraser
//	agent     Device (key blocks alone, no clear keys), Serials, Eraser, Manager
//
// # Orders and locks
//
// A [Manager] tells its [Status] and its log, and takes an [Order]: somebody logs in, Ask gives the device's challenge
// where the order takes officers' approvals, Do carries it out. Who may order what, and which approvals count, the device
// decides; which orders take approvals at all is pkg/device/manage's table. An order whose answer got lost is of kind
// outcome_unknown: the status tells. [Locks] is the table of locks: what sets each, what the screen says, who lifts it,
// and whether the keys stay. After tamper they are gone, and an unlock does not bring them back.
//
// # Failing
//
// Every error is a fault: device_failed when the terminal answered and said no (a [CodeError] says what and what to
// do), device_link when the line broke or the answer cannot be read, device_timeout when nothing came, usage for a
// wrong URI and the like. The agent dialect tells more of them apart, by its table of codes: auth_failed, not_permitted,
// not_found, mac_mismatch, busy, too_large. A failure before the commit means that nothing was stored. When the line
// fails after the commit nobody can know: that is an [OutcomeUnknown], which carries the receipt. Such a load must not
// simply be done again; Confirm settles it where it can be settled.
//
// # Names
//
//	visa+tcp://HOST:PORT            a TCP port that carries the bytes of a serial line (terminal server, emulator)
//	visa+serial:///dev/ttyUSB0      a serial port; ?baud=9600&mode=7E1
//	visa+pty:///dev/pts/N           a pseudo-terminal of this machine
//	futurex+tcp, +serial, +pty      the same; ?slots=hex where the terminal writes slot numbers so
//	agent+https://HOST:PORT?ca=FILE&cert=FILE&key=FILE   management and key blocks, over mutual TLS
//	?timeout=5s&retries=2           how long to wait for an answer, how often a frame is sent again
//	?profile=verifone               visa: uic (default), verifone, or poskey for extensions of poskey's own;
//	                                futurex: base (default), or dialect for the fields that one application adds
//
// Without ?baud= a line runs at 9600 (visa) or 115200 (futurex), without ?mode= with 8N1. [CheckTimeout] bounds a
// time-out. What the URI says goes before [Options].
//
// Not done here: deciding whether a key may be loaded (pkg/inject), asking officers (pkg/agent), carrying a lock out
// (the terminal does).
package device
