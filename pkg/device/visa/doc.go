// Package visa speaks the packets that VeriFone's and UIC's PIN pads take for loading keys, as the host.
//
// # Frames
//
//	admin        SI id(2 or 3) data SO LRC          the answer carries the same id
//	transaction  STX id(2 or 3) data ETX LRC        an even id asks, an odd one answers
//	SI 0F  SO 0E  STX 02  ETX 03  EOT 04  ACK 06  NAK 15  FS 1C
//	LRC = XOR of every byte after SI or STX up to and including SO or ETX
//
// Ids that begin with a letter have three characters, the others two. The LRC is one raw byte and may have any value,
// so it is taken, never looked for. The seven bytes of the frame's structure do not occur in data; a frame in which one
// stands is broken, and the byte counts for itself. A frame has at most 255 bytes. XOR cannot see two swapped
// characters: that a frame arrived well does not mean that it is right.
//
// # Packets of this version
//
//	04 slot 1                             what is in the slot? answered by
//	04 r [usage(2) FS mode FS algorithm]  r is 0 (empty) or F (loaded)
//	02 slot key(32|48 hex) [FS usage(2) mode]   load a clear key; without attributes K0 and D
//	02 slot block                         load a TR-31 block: 56, 72 or 88 characters of version A, 80 of version B
//	02?e                                  refused; package table has the codes
//
// The codec takes every frame of the family; the packets beyond 02 and 04 have no flow yet.
//
// # The exchange
//
//	host                          terminal
//	frame ----------------------->
//	      <----------------------- ACK, NAK (damaged: send again) or EOT (cannot be taken, the end)
//	      <----------------------- the answer: for 02 the frame itself again, or 02?e
//	ACK ------------------------->            for 02 this commits: only now the key is stored
//	      <----------------------- EOT
//
// A frame is sent again on NAK and on silence, at most Retries times (two unless told otherwise), then EOT ends the
// exchange. An answer that comes while ACK is awaited stands for the lost ACK. A damaged answer is asked for again with
// NAK, as often. Each waiting lasts Timeout (5 s unless told otherwise) and covers a whole frame, so a trickle of bytes
// or an endless stream does not stretch it; an exchange ends within 4 + 2*Retries time-outs. The echo is compared in
// constant time with what was sent; when it differs the host says EOT and nothing is stored. From the commit on a
// cancelled context does not count any more until the terminal has answered, because that answer says whether the key
// is in; when it does not come, the error is a device.OutcomeUnknown.
//
// Before a block is loaded the slot is asked about, which makes a lost EOT harmless where the slot was empty. Before a
// clear key it is not: on UIC terminals any other packet ends the key inject mode (page 33).
//
// A clear key crosses the line twice. Frames are held in secrets and wiped; a trace shows key digits as stars, in both
// directions, and leaves out the LRC that is computed over them.
package visa
