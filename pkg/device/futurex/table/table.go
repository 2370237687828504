// Package table holds what the futurex dialect (frames of a key loader, as one published terminal application reads
// them) fixes by number and name: bytes of the frame, commands, fields, reply codes, types of keys. It is data without
// behaviour, so that the driver and the emulator can both build on it and still be two independent readings of the
// protocol.
//
// Source: https://github.com/DiegoHDLCV/android_injector, a third party's reading of a "Futurex v3.8.3" manual. The
// manual itself was not at hand: nothing here is confirmed by Futurex. What that application adds is marked dialect and
// is spoken only when asked for (device.ProfileDialect).
package table

import (
	"time"

	"poskey/pkg/device"
	"poskey/pkg/keys"
)

// Dialect is the name of the dialect in URIs and errors.
const Dialect = device.Futurex

// A frame stands between STX and ETX; one check byte, the LRC, follows and may have any value. It is the XOR of
// everything after STX up to and including ETX.
const (
	STX = 0x02
	ETX = 0x03
)

// Limits and times.
const (
	// MaxPayload is the most characters between STX and ETX that anybody here takes: the longest inject command has 147,
	// and an answer's model name has no limit in the source.
	MaxPayload = 252
	Timeout    = 10 * time.Second // of the manual; the application itself waits 3 s
	Repeats    = 1                // questions are sent again once, as the application does with a failed write
)

// Commands.
const (
	LegacyInitial = "00" // slot(2) KSN(20) key: no length, no check value
	LegacyKey     = "01" // slot(2) key: the same
	Inject        = "02"
	ReadSerial    = "03"
	WriteSerial   = "04"
	DeleteAll     = "05"
	DeleteKey     = "06"
)

// Version is the version of every command but the legacy ones.
const Version = "01"

// The poll of the dialect: question and answer, every 2 s. They are whole payloads, and look like legacy 01 otherwise.
const (
	Poll       = "0100|POLL"
	PollAnswer = "0110|ACK"
)

// Widths of fields, in characters.
const (
	SlotDigits   = 2
	CheckDigits  = 4 // two bytes: a wrong key passes one time in 65,536
	KSNDigits    = 20
	LengthDigits = 3
	SerialLen    = 16
)

// NoCheck and NoKSN stand where there is none.
const (
	NoCheck = "0000"
	NoKSN   = "00000000000000000000"
)

// How a key is encrypted.
const (
	Clear      = "00"
	UnderKTK   = "01" // under the KTK in ktkslot
	KTKInClear = "02" // dialect: the KTK was sent in clear just before
)

// Types of keys.
const (
	Master      = "01" // master/session
	TestInitial = "02" // DUKPT initial, test
	TDESInitial = "03"
	MAC         = "04"
	PIN         = "05"
	KTK         = "06" // protects the keys that are loaded after it
	TDESBase    = "08" // BDK
	AESInitial  = "0B"
	Data        = "0C"
	MasterToo   = "0F" // read as master
	AESBase     = "10"
)

// KeyType is a row of the table of types: which keys go under a type.
type KeyType struct {
	Code   string
	Usages []keys.Usage // the usual one first
	Modes  string       // one character each, the usual one first; the dialect has no field for the mode
	AES    bool         // may be an AES key
	TDES   bool         // may be a TDES key
}

// Types lists the types that are told apart, in the order in which a usage is looked up. The source names types, not
// usages of X9.143: the pairs are this project's. A master key and a KTK are both K0; what tells them apart here is the
// mode: D (the terminal unwraps working keys) is a master key, N a KTK.
func Types() []KeyType {
	return []KeyType{
		{Code: Master, Usages: []keys.Usage{keys.UsageKEK}, Modes: "D", TDES: true, AES: true},
		{Code: KTK, Usages: []keys.Usage{keys.UsageKEK}, Modes: "N", TDES: true, AES: true},
		{Code: PIN, Usages: []keys.Usage{keys.UsagePIN}, Modes: "EB", TDES: true, AES: true},
		{Code: MAC, Usages: []keys.Usage{keys.UsageRetail, keys.UsageMAC1, "M0", keys.UsageCMAC}, Modes: "GCV",
			TDES: true, AES: true},
		{Code: Data, Usages: []keys.Usage{keys.UsageData}, Modes: "EDB", TDES: true, AES: true},
		{Code: TDESInitial, Usages: []keys.Usage{keys.UsageIK}, Modes: "X", TDES: true},
		{Code: AESInitial, Usages: []keys.Usage{keys.UsageIK}, Modes: "X", AES: true},
		{Code: TDESBase, Usages: []keys.Usage{keys.UsageBDK}, Modes: "X", TDES: true},
		{Code: AESBase, Usages: []keys.Usage{keys.UsageBDK}, Modes: "X", AES: true},
	}
}

// TypeCodes lists every type of the source.
func TypeCodes() []string {
	return []string{Master, TestInitial, TDESInitial, MAC, PIN, KTK, TDESBase, AESInitial, Data, MasterToo, AESBase}
}

// AlgorithmCodes are the dialect's codes for the algorithm of a key. There is none for single-length DES.
func AlgorithmCodes() map[keys.Algorithm]string {
	return map[keys.Algorithm]string{
		keys.TDES128: "00", keys.TDES192: "01", keys.AES128: "02", keys.AES192: "03", keys.AES256: "04",
	}
}

// The dialect's subtypes.
const (
	SubGeneric = "00"
	SubPIN     = "01"
	SubMAC     = "02"
	SubData    = "03"
	SubDUKPT   = "04"
)

// SubtypeOf gives the subtype that goes with a type.
func SubtypeOf(typ string) string {
	switch typ {
	case PIN:
		return SubPIN
	case MAC:
		return SubMAC
	case Data:
		return SubData
	case TestInitial, TDESInitial, AESInitial:
		return SubDUKPT
	}
	return SubGeneric
}

// KeyLengths are the lengths of a key in bytes that the length field can say: 008, 010, 018, 020 and 030 in hex.
func KeyLengths() []int { return []int{8, 16, 24, 32, 48} }
