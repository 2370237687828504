// Package emulator is a terminal with key slots, for trying, teaching and testing the loading of keys without hardware.
//
// It speaks the visa dialect's packets 02 and 04 on any byte stream, and opens TCP ports of this machine and
// pseudo-terminals itself. It reads the protocol on its own: frames, flow and rules here are written from the tables,
// not from the driver; the two share the constants of package table and the plumbing of package line, nothing that
// decides.
//
// # What it does
//
// Slots follow the table of the UIC PP791 (page 321). A load is answered by the echo and stored after the commit, or
// refused with a code, checked in this order:
//
//	EOT  slot unknown, or a clear key outside the key inject mode
//	F    more loads than Config.MaxLoads
//	4    neither a clear key (32 or 48 hex digits) nor a key block by its length
//	A    not a TR-31 block of version A (56, 72, 88 characters) or B (80) with key version 00 and exportability N
//	D    no KLK in slot F
//	C    the MAC does not verify
//	7    the key inside cannot be read
//	E    usage, algorithm, mode or length do not fit the slot
//	B    the key is longer than the KLK
//	2    the same key is in another slot
//
// Every load overwrites what the slot held. A clear load into slot F sets the KLK. The same key may be loaded into its
// own slot again. Keys are compared as bytes, parity included.
//
// A frame is ACKed when its LRC is right, else NAKed, and after the third NAK the exchange ends with EOT. A good frame
// with an unknown id is ignored. An answer is sent again on NAK and, twice, after 5 s of silence; then EOT. A new frame
// in place of the ACK starts afresh: the host has given the old exchange up. On EOT from the host nothing is stored.
//
// The manual names no code for packet 02 with a clear key outside the key inject mode; here it is EOT, the answer for a
// frame that cannot be taken.
//
// # What it does not do
//
// It is no security module: keys lie in the memory of this process. The key inject mode is a switch, without its
// passwords and timers; a clear load does not erase the other keys. Other packets are not answered. It binds to nothing
// but this machine, because whoever reaches the port may load keys.
package emulator
