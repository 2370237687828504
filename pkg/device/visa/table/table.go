// Package table holds what the visa dialect (VISA/VeriFone PINpad packets, as the UIC PP791 speaks them) fixes by
// number and name: control bytes, limits, error codes, the slots. It is data without behaviour, so that the driver and
// the emulator can both build on it and still be two independent readings of the protocol.
//
// Sources: UIC PP791 Programmer's Manual UDN PM0103-U Rev 06, pages 28-47, 231-234, 254-260 and 320-324; VeriFone MX800
// Programmer's Guide, pages 276, 289-291, 313-339.
package table

import (
	"slices"
	"strings"
	"time"

	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/keys"
)

// Dialect is the name of the dialect in URIs and errors.
const Dialect = "visa"

// Control bytes. An admin frame stands between SI and SO, a transaction frame between STX and ETX; one check byte, the
// LRC, follows and may have any value.
const (
	STX = 0x02
	ETX = 0x03
	EOT = 0x04
	ACK = 0x06
	SO  = 0x0E
	SI  = 0x0F
	NAK = 0x15
	FS  = 0x1C
)

// Ids of admin packets. The answer carries the same id; after the host's ACK the terminal ends the exchange with EOT.
const (
	LoadKey      = "02"  // load a master key; answered by itself
	AskSlot      = "04"  // ask what is in a slot
	SetSerial    = "05"  // give the terminal a serial number; answered by itself
	AskSerial    = "06"  // ask for it
	SelectKey    = "08"  // select a master key for PIN entry; VeriFone answers with ACK and EOT alone
	SetLine      = "13"  // change speed and mode of the line, after EOT
	SetKeyMode   = "15"  // VeriFone: key management of IPP6; erases keys
	SetKeyMode7  = "17"  // VeriFone: key management of IPP7; erases keys
	SelectEngine = "19"  // VeriFone: select a DUKPT engine
	AskEngine    = "25"  // VeriFone: ask which one is selected
	AskUnit      = "M04" // VeriFone: ask for the permanent serial number, 11 characters such as 123-456-789
)

// Ids of transaction packets. An even id asks; the answer has another one. The exchange is over when the host has
// acknowledged the answer: no EOT follows.
const (
	LoadInitial    = "90"  // load the initial key of DUKPT set 0
	InitialAnswer  = "91"  // 91 0, or 91 1 and a code; answers 94 too
	LoadInitial2   = "94"  // load the initial key of DUKPT set 1
	SelectSet      = "96"  // select a DUKPT set; answered by ACK alone
	ComputeMAC     = "Z66" // compute a MAC
	ComputeMACDone = "Z67" // its answer
)

// Limits and times.
const (
	MaxPacket = 255             // bytes of a frame, VeriFone
	Timeout   = 5 * time.Second // UIC: wait for ACK or NAK, then send again
	Repeats   = 2               // UIC: after two repeats EOT, and the end

	MaxSerial         = 12 // characters of packets 05 and 06, UIC
	MaxSerialVeriFone = 16

	MaxMACPackets = 100 // Z66: sequence numbers 00 to 99
	MACChars      = 224 // Z66: most characters of a message in one packet, where it fits MaxPacket
	MACDigits     = 16  // Z67: hex digits of a MAC
)

// Packet 06 answers with zeros, MaxSerial of them, where no serial number was ever set.

// Types of packet Z66, VeriFone. Binary messages are written as hex digits. What UIC's types mean is not known; the
// manual names text and binary messages, the last one or one of several, just as these do.
const (
	MACTextLast   = '4'
	MACText       = '5' // more to come
	MACBinaryLast = '6'
	MACBinary     = '7' // more to come
)

// Speeds of packet 13, by code 1 to 8.
func Speeds() []int { return []int{1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200} }

// LineModes of packet 13, by code 1 to 3. The raw codes 41-43, 81-83 and C1-C3 say the same with flow control; those
// from 81 on cannot travel on a 7-bit line.
func LineModes() []string { return []string{"8N1", "7E1", "7O1"} }

// Slots of DUKPT initial keys, named by the packet that loads them.
const (
	Initial90 device.Slot = "90" // set 0
	Initial94 device.Slot = "94" // set 1
)

// InitialSlots are the slots of DUKPT initial keys, in the order of the sets.
func InitialSlots() []device.Slot { return []device.Slot{Initial90, Initial94} }

// InitialBlockLengths gives the lengths of key blocks in packets 90 and 94: version B with a single or double length
// key, and the KSN in optional block KS (KS18 and 20 digits).
func InitialBlockLengths(version byte) []int {
	if version == 'B' {
		return []int{88, 104}
	}
	return nil
}

// Attributes of an initial key. The manual says on page 322 that any usage and mode E will do; page 321 says this.
const (
	InitialUsage = keys.UsageIK
	InitialMode  = 'X'
)

// AESBlockLengths gives the lengths of key blocks in packets 90 and 94 with an AES initial key: version D with optional
// block IK, which holds the initial key id (16 digits); the KSN is that id and a counter of zero. 144 is for 128 and 192
// bit keys, 176 for 256. No documented packet carries an AES key: this is a poskey extension, off unless the profile is
// poskey.
func AESBlockLengths(version byte) []int {
	if version == 'D' {
		return []int{144, 176}
	}
	return nil
}

// KLK is the slot of the key loading key, under which key blocks are opened: TDES, usage K0.
const KLK device.Slot = "F"

// AllSlots are the slots that packet 02 can name, AskSlots those that packet 04 can ask about.
const (
	AllSlots = AskSlots + "HIJKLMNOPQRSTUV"
	AskSlots = "0123456789ABCDEFG"
)

// BlockLengths gives the lengths of key blocks in packet 02: version A with a single, double or triple length key,
// version B with a double one. A triple length key in version B (96) does not fit the frame.
func BlockLengths(version byte) []int {
	switch version {
	case 'A':
		return []int{56, 72, 88}
	case 'B':
		return []int{80}
	}
	return nil
}

// Attributes of a key block that the terminal takes.
const (
	KeyVersion    = "00"
	Exportability = 'N'
)

// A clear key that names no attributes gets these.
const (
	DefaultUsage = keys.UsageKEK
	DefaultMode  = 'D'
)

// Slots is the table of page 321. Slots A and H to V are reserved: nothing may stand there. Initial DUKPT keys travel
// in packets of their own.
func Slots() []device.SlotRule {
	const pin, mac, msr = "0123456789", "BCDE", "G"
	double := []int{16, 24}
	return []device.SlotRule{
		{Slots: pin, Usage: "P0", Lengths: []int{8, 16, 24}, Algorithms: "DT", Modes: "E"},
		{Slots: pin, Usage: "K0", Lengths: double, Algorithms: "T", Modes: "D"},
		{Slots: mac, Usage: "M1", Lengths: []int{8}, Algorithms: "D", Modes: "G"},
		{Slots: mac, Usage: "M3", Lengths: []int{16}, Algorithms: "T", Modes: "GV"},
		{Slots: mac, Usage: "K0", Lengths: double, Algorithms: "T", Modes: "D"},
		{Slots: string(KLK), Usage: "K0", Lengths: double, Algorithms: "T", Modes: "D"},
		{Slots: msr, Usage: "D0", Lengths: []int{8, 16, 24}, Algorithms: "DT", Modes: "E"},
		{Slots: msr, Usage: "K0", Lengths: double, Algorithms: "T", Modes: "D"},
	}
}

// VeriFoneSlots is the table of VeriFone's key-only form: single-length keys, which serve any purpose. Usage and mode do
// not travel; the rows name what a key for such a slot is used for. Initial keys are not in it: what VeriFone's packet 91
// answers is not known.
func VeriFoneSlots() []device.SlotRule {
	rows := []device.SlotRule{}
	for _, usage := range []keys.Usage{"K0", "P0", "M1", "D0"} {
		rows = append(rows, device.SlotRule{Slots: "0123456789", Usage: usage, Lengths: []int{8}, Algorithms: "D", Modes: "N"})
	}
	return rows
}

// Error codes of packet 02, answered as 02?e in place of the echo.
const (
	Duplicate    = "2"
	NoMemory     = "3"
	Unreadable   = "4"
	Undecrypted  = "7"
	BlockFormat  = "A"
	TooLong      = "B"
	MACWrong     = "C"
	NoKLK        = "D"
	UsageUnfit   = "E"
	LimitReached = "F"
)

// LoadErrors explains the codes.
func LoadErrors() []device.CodeInfo {
	return []device.CodeInfo{
		{Code: Duplicate, Meaning: text.New("the same key is already in another slot"),
			Action: text.New("one key serves one purpose: make a new key, or replace the other slot's first"),
			Cause:  "duplicate-value"},
		{Code: NoMemory, Meaning: text.New("no memory for the key"),
			Action: text.New("nothing the loader can change: the terminal needs its supplier"),
			Cause:  "empty-slot"},
		{Code: Unreadable, Meaning: text.New("the structure of the key cannot be read"),
			Action: text.New("check that the text is a whole key: 32 or 48 hex digits, or a whole key block")},
		{Code: Undecrypted, Meaning: text.New("the key cannot be decrypted"),
			Action: text.New("check that the block was made under the KLK in slot F, and that the key length inside is right"),
			Cause:  "wrong-transport-key"},
		{Code: BlockFormat, Meaning: text.New("the key block is not in the form that the terminal takes"),
			Action: text.New("make a TR-31 block of version A (56, 72 or 88 characters) or B (80), key version 00, " +
				"exportability N, without length obfuscation"),
			Cause: "scheme-variant"},
		{Code: TooLong, Meaning: text.New("the key is longer than the KLK that protects it"),
			Action: text.New("load a KLK at least as long as the key, or a shorter key"),
			Cause:  "weak-protector"},
		{Code: MACWrong, Meaning: text.New("the MAC of the key block does not verify"),
			Action: text.New("the block is under another key than the KLK in slot F, or it was changed on the way: compare " +
				"the check value of the KLK with that of the key the block was made under"),
			Cause: "wrong-transport-key"},
		{Code: NoKLK, Meaning: text.New("there is no KLK in slot F, or its usage is not K0"),
			Action: text.New("load the KLK into slot F first (TDES, usage K0)"),
			Cause:  "empty-slot"},
		{Code: UsageUnfit, Meaning: text.New("usage, algorithm, mode or length of the key do not fit the slot"),
			Action: text.New("slots 0-9 take P0/E and K0/D, B-E M1/G, M3/G or V and K0/D, F K0/D, G D0/E and K0/D; the others " +
				"are reserved"),
			Cause: "wrong-slot"},
		{Code: LimitReached, Meaning: text.New("more keys were loaded than the terminal allows"),
			Action: text.New("the terminal counts its key loads; its supplier can reset the count")},
	}
}

// Error codes of packets 90 and 94, answered as 91 1 e. Codes 2 and 3 mean something else than in packet 02; 4 and the
// letters mean the same.
const (
	NotAuthenticated = "1"
	NotHex           = "2"
	NoMemoryInitial  = "3"
)

// InitialErrors explains the codes.
func InitialErrors() []device.CodeInfo {
	out := []device.CodeInfo{
		{Code: NotAuthenticated, Meaning: text.New("nobody has authenticated themselves for a clear key"),
			Action: text.New("put the terminal into its key inject mode (two people, two passwords), or load a key block")},
		{Code: NotHex, Meaning: text.New("initial key or KSN are not hex digits"),
			Action: text.New("check the line: 32 digits of the key and 20 of the KSN were sent")},
		{Code: NoMemoryInitial, Meaning: text.New("no memory for the key"),
			Action: text.New("nothing the loader can change: the terminal needs its supplier"),
			Cause:  "empty-slot"},
	}
	for _, info := range LoadErrors() {
		switch info.Code {
		case BlockFormat:
			info.Action = text.New("make a TR-31 block of version B with the KSN in optional block KS (88 or 104 characters), " +
				"usage B1, mode X, key version 00, exportability N, without length obfuscation")
			out = append(out, info)
		case Unreadable, TooLong, MACWrong, NoKLK, LimitReached:
			out = append(out, info)
		}
	}
	return out
}

// Answered finds the row of an answer that refuses a key, as [device.CodeError] has it: "02?C", "911C".
func Answered(answer string) (device.CodeInfo, bool) {
	for sign, codes := range map[string][]device.CodeInfo{LoadKey + "?": LoadErrors(), InitialAnswer + "1": InitialErrors()} {
		code, ok := strings.CutPrefix(answer, sign)
		i := slices.IndexFunc(codes, func(info device.CodeInfo) bool { return info.Code == code })
		if ok && i >= 0 {
			return codes[i], true
		}
	}
	return device.CodeInfo{}, false
}

// Codes of packet Z67.
const (
	MACDone         = "0" // 16 hex digits follow
	MACReady        = "1" // ready for the next packet of several
	MACSequence     = "2"
	MACNoKey        = "3"
	MACNoSecondKey  = "4"
	MACLength       = "5"
	MACType         = "6"
	MACContent      = "7"
	MACSession      = "8"
	MACKeyLength    = "9"
	MACSessionUnfit = "A"
)

// MACErrors explains the codes of packet Z67 that refuse.
func MACErrors() []device.CodeInfo {
	return []device.CodeInfo{
		{Code: MACSequence, Meaning: text.New("the packets of the message are out of order"),
			Action: text.New("ask again; nobody else may talk to the terminal meanwhile")},
		{Code: MACNoKey, Meaning: text.New("there is no key in the slot, or not one for MACs"),
			Action: text.New("ask what is in the slot; a MAC needs usage K0, M1 or M3, and mode G with M1 and M3"),
			Cause:  "empty-slot"},
		{Code: MACNoSecondKey, Meaning: text.New("the second slot holds no key that goes with the first"),
			Action: text.New("a second slot goes with a first of usage M1, and both must be M1"), Cause: "empty-slot"},
		{Code: MACLength, Meaning: text.New("the length of the message is wrong"),
			Action: text.New("whole blocks of eight bytes were sent; this terminal may follow another manual")},
		{Code: MACType, Meaning: text.New("the type of the request is unknown"),
			Action: text.New("types 4 to 7 are VeriFone's; this terminal may count otherwise, and then it cannot prove a key")},
		{Code: MACContent, Meaning: text.New("the message holds characters that it must not"),
			Action: text.New("hex digits were sent; this terminal may follow another manual")},
		{Code: MACSession, Meaning: text.New("the session key is invalid"),
			Action: text.New("a session key is 16 or 32 hex digits, encrypted under the key in the slot, or all zeros")},
		{Code: MACKeyLength, Meaning: text.New("the length of the key does not do for a MAC"),
			Action: text.New("use a slot with a double-length key, or two with single-length ones")},
		{Code: MACSessionUnfit, Meaning: text.New("the session key does not suit the usage of the key in the slot"),
			Action: text.New("zeros go with usage M1 and M3, anything else with K0")},
	}
}

// Codes of packets 08 and 13.
const (
	Done       = "0"
	IndexWrong = "1" // 08: above 9
	LineWrong  = "1" // 13: parameter error
)

// SelectErrors explains the codes of packet 08.
func SelectErrors() []device.CodeInfo {
	return []device.CodeInfo{{Code: IndexWrong, Meaning: text.New("the slot cannot be selected"),
		Action: text.New("slots 0 to 9 can be selected")}}
}

// LineErrors explains the codes of packet 13.
func LineErrors() []device.CodeInfo {
	return []device.CodeInfo{{Code: LineWrong, Meaning: text.New("it does not take this speed or mode"),
		Action: text.New("look up in the manual which ones the model has")}}
}

// Ended explains an EOT that comes in place of an answer.
func Ended() device.CodeInfo {
	return device.CodeInfo{Code: "EOT", Meaning: text.New("it ended the exchange and gave no reason"),
		Action: text.New("it cannot take this frame, or not in its present mode: check slot and form of the key; a clear " +
			"key needs the key inject mode")}
}

// UnknownCode stands for a code that the manual does not list.
func UnknownCode(code string) device.CodeInfo {
	return device.CodeInfo{Code: code, Meaning: text.New("a code that the manual does not list"),
		Action: text.New("look it up in the manual of this model")}
}
