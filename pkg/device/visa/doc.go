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
// # Packets
//
//	04 slot 1                              what is in the slot? answered by
//	04 r [usage(2) FS mode FS algorithm]   r is 0 (empty) or F (loaded)
//	02 slot key(32|48 hex) [FS usage(2) mode]   load a clear key; without attributes K0 and D
//	02 slot block                          load a TR-31 block: 56, 72 or 88 characters of version A, 80 of version B
//	02?e                                   refused; package table has the codes
//	05 serial(1-12)                        set the serial number, answered by itself; 06 asks, zeros are none
//	08 slot                                select a slot for PIN entry; 080 done
//	13 speed mode                          speed and mode of the line, from EOT on; 130 done
//	90 ik(16|32 hex) KSN(20)               load a DUKPT initial key, set 0; 94 the same for set 1
//	90 block                               the same in a TR-31 block of version B with optional block KS: 88 or 104
//	91 0, 91 1 e                           done or refused, answers 90 and 94
//	96 set                                 select a DUKPT set, answered by ACK
//	Z66 type seq(2) slot FS session FS [slot] FS message    compute a MAC; several packets for a long message
//	Z67 0 mac(16), Z67 code                the MAC; 1 is "more to come"
//
// The slots of initial keys are called 90 and 94 here, after their packets.
//
// # The exchange
//
//	host                          terminal
//	frame ----------------------->
//	      <----------------------- ACK, NAK (damaged: send again) or EOT (cannot be taken, the end)
//	      <----------------------- the answer: for 02 the frame itself again, or 02?e
//	ACK ------------------------->            for 02 and 05 this commits: only now it is stored
//	      <----------------------- EOT; not after transaction frames
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
// Packets 90 and 94 have no commit: the terminal stores and then answers. They leave once, unless the terminal says that
// they came damaged, because a second one could meet the stored key. Their answer names no key, so one to a load of
// whoever had the line before must not be on its way: before the first of a session, and before the next one after a load
// without an answer, the driver asks for the serial number (answers come in the order of the questions) or, with a clear
// key, whose inject mode a question would end, waits until the line was quiet for one time-out. A line that does not come
// to rest within four is not loaded over. A terminal that answers later than that can still deceive.
// Once such a frame has left only the answer ends the exchange well; after any other end the outcome is unknown, and as
// there is no question about initial keys it stays so: Confirm settles nothing, the KSN is burnt.
//
// # What a proof means
//
//	commit+attributes  packet 02: repeated, committed, then reported by 04 with the attributes asked for
//	commit             the same where the terminal reports no attributes (VeriFone)
//	answer             packets 90 and 94: the terminal answered 91 0. Nothing was asked afterwards
//	mac                packet Z66, which the caller asks for when he wants it: the terminal computed with the key
//
// No packet tells a check value. But the MAC is ISO 9797-1 algorithm 3 with zero padding and zero IV, and over one block
// of eight zero bytes that is TDES-ECB of zeros: the ECB check value. So MAC with an all-zero session key and eight zero
// bytes as the message, on a slot with a key of usage M3 and mode G (or with two single-length keys of usage M1 and
// MACRequest.Second), returns the full check value of the slot's own key. For a key of usage K0 the caller chooses a
// session key, encrypts it under the key that he expects and compares the MAC with his own. MAC returns all 16 digits:
// whoever shows them cuts them to six first. The traces here do not show them.
//
// # Profiles
//
//	uic       as above
//	verifone  02 carries a single-length clear key and nothing else, 04 is asked without attributes, 08 is answered by ACK
//	          and EOT, serial numbers have 16 characters; 15, 17, 19, 25 and M04 exist. Key blocks would be GISKE, and
//	          what packet 91 says is not known: neither blocks nor initial keys are loaded
//	poskey    as uic, and packets 90 and 94 also take AES initial keys in TR-31 blocks of version D with optional block
//	          IK (144 or 176 characters). This is an extension of poskey's own; no real terminal is known to take it
//
// What UIC means by the types of Z66 is not known; VeriFone's are sent (4 and 5 text, 6 and 7 binary). A terminal that
// counts otherwise answers code 6 and proves nothing.
//
// A clear key crosses the line twice. Frames are held in secrets and wiped; a trace shows key digits as stars, in both
// directions, and leaves out the LRC that is computed over them. Of the terminal's frames it shows only those that may
// answer the question that is open, and only in the form of such an answer; all others are stars.
//
// Not done here: PIN entry (70, 71, 73), GISKE blocks, the raw mode bytes of packet 13 (flow control).
package visa
