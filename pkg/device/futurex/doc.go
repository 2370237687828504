// Package futurex speaks the frames of a Futurex key loader as one published terminal application reads them, as the
// host. Its source is a third party's code (see package table); no Futurex document and no hardware was at hand, so
// every statement here is about that reading.
//
// # Frames
//
//	STX payload ETX LRC
//	STX 02  ETX 03    LRC = XOR of the payload and ETX; STX is left out
//
// The payload is 2 to 252 characters of ASCII. The LRC is one raw byte and may have any value, STX and ETX too, so it
// is taken, never looked for. A transaction frame of the visa dialect has the same form and means something else: the
// scheme of the URI decides, not the bytes. XOR cannot see two swapped characters.
//
// # Commands
//
//	02 01 slot(2) ktkslot(2) type(2) enc(2) [alg(2) subtype(2)] kcv(4) ktkkcv(4) KSN(20) len(3) key [total(3) index(3)]
//	                            inject; answered by 02 rc kcv(4) [serial(16) model]
//	03 01                       ask the serial number: 03 rc serial(16)
//	04 01 serial(16)            set it: 04 rc
//	05 01                       delete ALL keys: 05 rc
//	06 01 slot(2) type(2)       delete a key: 06 rc
//	00 slot(2) KSN(20) key      legacy; never sent
//	01 slot(2) key              legacy; never sent
//	0100|POLL  0110|ACK         a poll, which looks like legacy 01 and is told apart from it
//
// len counts bytes, in hex: 008 010 018 020 030. What stands in brackets in the request belongs to the layout of
// Options.Profile "dialect"; total and index are optional there, and the driver leaves them out. Whether a frame is a
// question or an answer is decided by who sent it, never by its length. The legacy commands are not sent: they carry
// neither a length nor a check value, so a wrong key would be stored without a word.
//
// A slot is named by its number in decimal, of two digits or more: "03", "15". Options.Slots says how the terminal
// writes it: 15 or, with "hex", 0F. Between 10 and 99 the two readings mean different slots, and no answer shows which
// one the terminal took.
//
// # The exchange
//
// One frame asks, one answers; nothing is acknowledged. Each waiting lasts Timeout (10 s unless told otherwise) and
// covers a whole answer, so that a trickle of bytes or an endless stream does not stretch it. What changes nothing or
// can be done twice (03, 04) is sent again once on silence or a damaged answer; what changes keys (02, 05, 06) is sent
// once, and again only when the terminal says that it came damaged (08). A frame that is the question itself is an echo
// of the line, not an answer; 0301 and 0501 as echo and as "unknown command" are the same bytes, and are taken for the
// echo. When the answer to 02 does not come, cannot be read, or has a code that nobody knows, the outcome is unknown.
//
// The answer to an order names neither slot nor key, so one that comes late would be taken for the next order's. Before
// the first order of a session, whoever had the line before, and before the next one after an order without an answer,
// the driver asks for the serial number: answers come in the order of the questions, so once this one is here no older
// one is on its way. Without an answer nothing is loaded. Where only the question itself comes back for all that time
// (a terminal that does not know it says so) the first order of a session goes out over a quiet line. The answer to a
// question that had to be repeated is awaited, two time-outs at most, before an order leaves: it would deceive the next
// session. A terminal whose answers come out of order, or later than these waits, can still deceive.
//
// # What a load proves
//
// A check value has four digits in this dialect: a wrong key has the right one one time in 65,536. The request carries
// it, and so does the answer. A terminal that computes the value from what it stored, and one that sends back what it
// was sent, give the same answer, and the published application does the second. Sending another value to see the
// difference is not open to a loader: the protocol has it refused (12). So the proof of a load is ProofAnswer, and the
// value is reported as LoadResult.Returned: returned by the device, and no proof. When it differs from the key's, that
// is a fault of kind kcv_mismatch: the key is in, and is not the one that was sent.
//
// There is no question about a slot: ReadSlot fails (kind usage, Capabilities.Mute), and an unknown outcome stays
// unknown. A second load would tell (09: the key is there already, 0A: its KSN is), and is not the driver's to make.
//
// # Types and usages
//
// Package table pairs the dialect's types of keys with the usages of X9.143; the pairs are this project's. A master key
// and a KTK are both K0: mode D makes a master key (01), mode N a KTK (06). The base layout has no field for the
// algorithm, so AES keys need the dialect's fields. Initial keys are TDES: the KSN's field has 20 digits, and an AES
// KSN has 24. Check values are computed by the default method of the algorithm (TDES ecb-zero, AES cmac); the source
// names no method for AES.
//
// Key digits are held in secrets and wiped; a trace shows them as stars, and so it does with everything in an answer
// that is not in its right form. Not spoken: the application's commands 07 (remove the application) and 08 (brand), and
// key blocks, for which the dialect has codes but no documented layout.
package futurex
