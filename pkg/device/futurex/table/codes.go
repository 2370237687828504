package table

import (
	"slices"
	"strings"

	"poskey/internal/text"
	"poskey/pkg/device"
)

// Reply codes.
const (
	Done           = "00"
	UnknownCommand = "01"
	CommandVersion = "02"
	Length         = "03"
	Characters     = "04"
	Busy           = "05"
	NotInjecting   = "06"
	Tampered       = "07"
	LRCWrong       = "08"
	KeyPresent     = "09"
	KSNUsed        = "0A"
	DeleteFailed   = "0B"
	SlotWrong      = "0C"
	KTKSlotWrong   = "0D"
	KTKMissing     = "0E"
	SlotNotEmpty   = "0F"
	TypeWrong      = "10"
	EncWrong       = "11"
	CheckWrong     = "12"
	KTKCheckWrong  = "13"
	KSNWrong       = "14"
	KeyLength      = "15"
	KTKLength      = "16"
	BlockVersion   = "17"
	UsageWrong     = "18"
	AlgorithmWrong = "19"
	ModeWrong      = "1A"
	MACWrong       = "1B"
	Undecrypted    = "1C"
	FormatWrong    = "1D" // dialect
	BrandWrong     = "2A" // dialect
)

// Replies explains the codes that are not Done. None of them is given by a terminal that stored the key.
func Replies() []device.CodeInfo {
	return append(aboutFrames(), append(aboutSlots(), append(aboutKeys(), aboutBlocks()...)...)...)
}

// Answered finds the row of an answer that refuses, as [device.CodeError] has it: the command and the code.
func Answered(answer string) (device.CodeInfo, bool) {
	_, code, _ := strings.Cut(answer, " ")
	all := Replies()
	i := slices.IndexFunc(all, func(info device.CodeInfo) bool { return info.Code == code })
	if i < 0 {
		return device.CodeInfo{}, false
	}
	return all[i], true
}

func aboutFrames() []device.CodeInfo {
	return []device.CodeInfo{
		{Code: UnknownCommand, Meaning: text.New("it does not know this command"),
			Action: text.New("it may speak another dialect, or an older version of this one: look at the device's address"),
			Cause:  "firmware-old"},
		{Code: CommandVersion, Meaning: text.New("it does not know this version of the command"),
			Action: text.New("poskey sends version 01; the terminal needs software that takes it"), Cause: "firmware-old"},
		{Code: Length, Meaning: text.New("the command has a wrong length"),
			Action: text.New("its layout may have the fields for algorithm and subtype, or lack them: " +
				"try ?profile=dialect, or do without")},
		{Code: Characters, Meaning: text.New("the command holds characters that it does not take"),
			Action: text.New("the line may damage data, or its layout has other fields: try ?profile=dialect, or do without")},
		{Code: Busy, Meaning: text.New("it is busy"), Action: text.New("end what it is doing, then load again")},
		{Code: NotInjecting, Meaning: text.New("it is not in the mode in which it takes keys"),
			Action: text.New("open the key injection at the terminal, then load again")},
		{Code: Tampered, Meaning: text.New("it was tampered with, and its keys are gone"),
			Action: text.New("load nothing: send it to the vendor's procedure for tampered terminals, then inject anew"),
			Cause:  "tamper"},
		{Code: LRCWrong, Meaning: text.New("the command came damaged"),
			Action: text.New("check the line, its speed and its parity"), Cause: "link-fault"},
	}
}

func aboutSlots() []device.CodeInfo {
	return []device.CodeInfo{
		{Code: KeyPresent, Meaning: text.New("it holds this key already"),
			Action: text.New("one key serves one purpose: make a new key, or delete the other one first. After a load whose " +
				"answer was lost it means that the key is in"), Cause: "duplicate-value"},
		{Code: KSNUsed, Meaning: text.New("an initial key with this KSN was loaded before"),
			Action: text.New("take the next KSN of the key set; never load a KSN twice"), Cause: "ksn-mismatch"},
		{Code: DeleteFailed, Meaning: text.New("the key could not be deleted"),
			Action: text.New("there may be none of this type in this slot")},
		{Code: SlotWrong, Meaning: text.New("it has no such slot"),
			Action: text.New("look at the slots of this model, and at how it writes slot numbers: ?slots=hex or decimal"),
			Cause:  "wrong-slot"},
		{Code: KTKSlotWrong, Meaning: text.New("it has no such slot for a KTK"),
			Action: text.New("look at where the KTK was loaded, and at how the terminal writes slot numbers: " +
				"?slots=hex or decimal"),
			Cause: "wrong-slot"},
		{Code: KTKMissing, Meaning: text.New("there is no KTK in the slot that was named"),
			Action: text.New("load the KTK first (usage K0, mode N), or name the slot that it is in"), Cause: "empty-slot"},
		{Code: SlotNotEmpty, Meaning: text.New("the slot holds another key"),
			Action: text.New("delete the old key first, or take another slot")},
	}
}

func aboutKeys() []device.CodeInfo {
	return []device.CodeInfo{
		{Code: TypeWrong, Meaning: text.New("it does not take this type of key"),
			Action: text.New("check usage and mode of the key, and what the slots of this model take"), Cause: "wrong-slot"},
		{Code: EncWrong, Meaning: text.New("it does not take keys encrypted this way"),
			Action: text.New("load in clear where that is allowed, or under a KTK")},
		{Code: CheckWrong, Meaning: text.New("the check value of the key is another one"),
			Action: text.New("the terminal computed another value than it was told: the key was encrypted under another KTK " +
				"or in another mode, or the two sides use different methods for check values"), Cause: "kcv-method"},
		{Code: KTKCheckWrong, Meaning: text.New("the check value of the KTK is another one"),
			Action: text.New("the terminal holds another KTK than this one: compare their check values"),
			Cause:  "wrong-transport-key"},
		{Code: KSNWrong, Meaning: text.New("the KSN is missing or wrong"),
			Action: text.New("give a KSN of 20 digits with its counter at zero"), Cause: "ksn-mismatch"},
		{Code: KeyLength, Meaning: text.New("the key has a wrong length"),
			Action: text.New("check which lengths this model takes for this type of key"), Cause: "length-class"},
		{Code: KTKLength, Meaning: text.New("the KTK has a wrong length for this key"),
			Action: text.New("load a KTK at least as long as the key, or a shorter key"), Cause: "weak-protector"},
		{Code: AlgorithmWrong, Meaning: text.New("it does not take this algorithm"),
			Action: text.New("check which algorithms this model takes for this type of key"), Cause: "cipher-family"},
	}
}

func aboutBlocks() []device.CodeInfo {
	return []device.CodeInfo{
		{Code: BlockVersion, Meaning: text.New("it does not take this version of key blocks"),
			Action: text.New("poskey sends no key blocks in this dialect: something else answers"), Cause: "scheme-variant"},
		{Code: UsageWrong, Meaning: text.New("it does not take this key usage"),
			Action: text.New("check usage of the key and what the slots of this model take"), Cause: "wrong-slot"},
		{Code: ModeWrong, Meaning: text.New("it does not take this mode of use"),
			Action: text.New("check mode of the key and what the slots of this model take"), Cause: "wrong-slot"},
		{Code: MACWrong, Meaning: text.New("the MAC over the key does not verify"),
			Action: text.New("the key is under another KTK than the terminal's, or it was changed on the way: compare the " +
				"check values of the KTK"), Cause: "wrong-transport-key"},
		{Code: Undecrypted, Meaning: text.New("the key cannot be decrypted"),
			Action: text.New("the key is under another KTK than the terminal's, or its length does not fit the cipher"),
			Cause:  "wrong-transport-key"},
		{Code: FormatWrong, Meaning: text.New("the command is not in the form that it takes"),
			Action: text.New("its layout may have the fields for algorithm and subtype, or lack them: " +
				"try ?profile=dialect, or do without")},
		{Code: BrandWrong, Meaning: text.New("it is set to another brand of terminals"),
			Action: text.New("this injector and this terminal were set up for different brands; change that on one side")},
	}
}

// Unlisted stands for a code that the source does not list.
func Unlisted(code string) device.CodeInfo {
	return device.CodeInfo{Code: code, Meaning: text.New("a code that is not listed for this dialect"),
		Action: text.New("look it up in the manual of this model")}
}
