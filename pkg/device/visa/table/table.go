// Package table holds what the visa dialect (VISA/VeriFone PINpad packets, as the UIC PP791 speaks them) fixes by
// number and name: control bytes, limits, error codes, the slots. It is data without behaviour, so that the driver and
// the emulator can both build on it and still be two independent readings of the protocol.
//
// Sources: UIC PP791 Programmer's Manual UDN PM0103-U Rev 06, pages 28-47 and 320-324; VeriFone MX800 Programmer's
// Guide.
package table

import (
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
	SUB = 0x1A
	FS  = 0x1C
	GS  = 0x1D
)

// Packet ids of this version.
const (
	LoadKey = "02" // load a master key
	AskSlot = "04" // ask what is in a slot
)

// Limits and times.
const (
	MaxPacket = 255             // bytes of a frame, VeriFone
	Timeout   = 5 * time.Second // UIC: wait for ACK or NAK, then send again
	Repeats   = 2               // UIC: after two repeats EOT, and the end
)

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
			Action: text.New("nothing the loader can change: the terminal needs its supplier")},
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
